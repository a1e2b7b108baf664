## make install      PREFIX=/usr/local LIBDIR=PREFIX/lib INCLUDEDIR=PREFIX/include DESTDIR=
## make uninstall    with the same variables

LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PKG_FILES  := $(addprefix $(BUILD)/packaging/,hew.pc hewConfig.cmake hewConfigVersion.cmake)

# The installed tree may be moved as a whole: its files find each other by relative paths.
relative = $(shell realpath -m -s --relative-to=$(2) $(1))

$(BUILD)/packaging/%: src/packaging/%.in include/hew/base.h Makefile src/packaging/install.mk force
	@mkdir -p $(@D)
	@sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@SOMAJOR@|$(SOMAJOR)|g' \
	     -e 's|@PC_TO_PREFIX@|$(call relative,$(PREFIX),$(LIBDIR)/pkgconfig)|' \
	     -e 's|@PC_TO_INCLUDE@|$(call relative,$(INCLUDEDIR),$(LIBDIR)/pkgconfig)|' \
	     -e 's|@CMAKE_TO_INCLUDE@|$(call relative,$(INCLUDEDIR),$(LIBDIR)/cmake/hew)|' $< > $@

install: all $(PKG_FILES)
	install -d $(addprefix $(DESTDIR),$(INCLUDEDIR)/hew $(LIBDIR)/pkgconfig $(LIBDIR)/cmake/hew)
	install -m 644 include/hew.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(filter include/hew/%,$(HEADERS)) $(DESTDIR)$(INCLUDEDIR)/hew
	install -m 644 $(LIB) $(DESTDIR)$(LIBDIR)
	install -m 755 $(SO) $(DESTDIR)$(LIBDIR)
	ln -sf libhew.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libhew.so.$(SOMAJOR)
	ln -sf libhew.so.$(SOMAJOR) $(DESTDIR)$(LIBDIR)/libhew.so
	install -m 644 $(BUILD)/packaging/hew.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 $(filter %.cmake,$(PKG_FILES)) $(DESTDIR)$(LIBDIR)/cmake/hew

uninstall:
	rm -f $(DESTDIR)$(INCLUDEDIR)/hew.h $(DESTDIR)$(LIBDIR)/libhew.a \
	      $(addprefix $(DESTDIR)$(LIBDIR)/libhew.so,.$(VERSION) .$(SOMAJOR) "") \
	      $(DESTDIR)$(LIBDIR)/pkgconfig/hew.pc
	rm -rf $(DESTDIR)$(LIBDIR)/cmake/hew $(DESTDIR)$(INCLUDEDIR)/hew

force:
.PHONY: install uninstall force
