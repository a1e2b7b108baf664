# make            libhew.a and libhew.so          make test       every test on this machine
# make bench      the standard suite              make demo       a network classifies pictures
# make install    PREFIX=/usr/local DESTDIR=      make help       everything else

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
CXX     ?= c++
AR      ?= ar
CFLAGS  ?= -O2 -g1
VERSION := $(shell awk '/define HEW_VERSION_(MAJOR|MINOR|PATCH)/ {printf "%s%s", d, $$3; d="."}' include/hew/base.h)
SOMAJOR := $(firstword $(subst ., ,$(VERSION)))

# -ffp-contract=off: a sum is fused where the code says fma and nowhere else.
BASE     := -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -Isrc/core -Isrc/op -MMD -MP -ffp-contract=off -fno-math-errno -pthread
WARN     := -Wall -Wextra -Wpedantic -Wstrict-prototypes -Wmissing-prototypes -Wshadow
LIBFLAGS := -fPIC -fvisibility=hidden -fno-lto

# Each folder's instruction sets, and nothing more; a file's last word tells where there are several.
ISA_ref         := -fno-tree-vectorize -Wconversion
ISA_avx2        := -mavx2 -mfma -mf16c
ISA_avx512      := $(ISA_avx2) -mavx512f -mavx512bw -mavx512dq -mavx512vl
ISA_vnni_avx2   := $(ISA_avx2) -mavxvnni
ISA_vnni_avx512 := $(ISA_avx512) -mavx512vnni
ISA_avx512_dpbf16 := $(ISA_avx512) -mavx512bf16
ISA_amx         := $(ISA_avx512) -mavx512vnni -mavx512bf16 -mamx-tile -mamx-int8 -mamx-bf16
ISA_plain       := -Wconversion

# In the order in which hew.h includes them.
HEADERS := include/hew.h $(shell sed -n 's|^#include "\(hew/.*\)"|include/\1|p' include/hew.h)

SRC := $(wildcard src/*/*.c)
OBJ := $(SRC:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libhew.a
SO  := $(BUILD)/libhew.so.$(VERSION)

all: $(LIB) $(SO)

folder_of = $(notdir $(patsubst %/,%,$(dir $(1))))
last_word = $(lastword $(subst _, ,$(basename $(notdir $(1)))))
isa_of = $(or $(ISA_$(call folder_of,$(1))_$(call last_word,$(1))), \
              $(ISA_$(call folder_of,$(1))),$(ISA_plain))
$(BUILD)/src/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(WARN) $(LIBFLAGS) $(call isa_of,$<) $(SAN) \
	    $(SAN_$(call folder_of,$<)) -c $< -o $@

$(LIB): $(OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(SO): $(OBJ)
	$(CC) $(CFLAGS) $(SAN) -shared -Wl,-soname,libhew.so.$(SOMAJOR) -Wl,-z,defs -o $@ $^ -pthread -lm
	ln -sf $(notdir $@) $(BUILD)/libhew.so.$(SOMAJOR)
	ln -sf libhew.so.$(SOMAJOR) $(BUILD)/libhew.so

include src/packaging/install.mk test/test.mk bench/bench.mk
-include bench/net/net.mk

## make docs         docs/api.md from the header
## make check-docs   that it is up to date, and that the pages' examples compile
docs:
	awk -f docs/api.awk $(HEADERS) > docs/api.md
check-docs:
	awk -f docs/api.awk $(HEADERS) | diff docs/api.md -
	for page in README.md docs/quantization.md; do \
	    awk '/^```c$$/ {on = 1; next} /^```$$/ {on = 0} on' $$page | \
	        $(CC) -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c - || exit 1; \
	done

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## //p' Makefile src/packaging/install.mk test/test.mk bench/bench.mk bench/net/net.mk 2>/dev/null

.PHONY: all clean help docs check-docs
-include $(OBJ:.o=.d)
