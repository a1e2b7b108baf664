## make hew-bench    build/hew-bench: times operations against other libraries (--help)
## make hew-info     build/hew-info: this CPU, its measured peaks and the kernels in use
## make bench        the standard suite, against the libraries found; under five minutes

# Other libraries are peers to compare with, never dependencies: each is a plugin that is built when
# its header is found.  ONEDNN_ROOT=DIR takes oneDNN from DIR/include and DIR/lib.
BENCH_ISA_peak_avx2   := $(ISA_avx2)
BENCH_ISA_peak_avx512 := $(ISA_avx512)

PEAK_SRC  := peak peak_sse peak_avx2 peak_avx512
BENCH_SRC := hew_bench options cases suites shapes report timing reference sample ours peers \
             problem problem_keys problem_dims $(PEAK_SRC)
BENCH_OBJ := $(BENCH_SRC:%=$(BUILD)/bench/%.o)

$(BUILD)/bench/%.o: bench/%.c Makefile bench/bench.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(WARN) -Wconversion $(BENCH_ISA_$*) $(SAN) -Ibench -I$(BUILD)/bench -c $< -o $@

$(BUILD)/hew-info: $(addprefix $(BUILD)/bench/,hew_info.o $(PEAK_SRC:%=%.o)) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lm -pthread

hew-info: $(BUILD)/hew-info

# What the header of a table says; rewritten only when it changes.
$(BUILD)/bench/build_info.h: FORCE
	@mkdir -p $(@D)
	@{ echo '#define HEW_BENCH_COMMIT "$(shell git describe --always --dirty 2>/dev/null || echo unknown)"'; \
	   echo '#define HEW_BENCH_FLAGS "$(CFLAGS)"'; } > $@.new
	@cmp -s $@.new $@ || cp $@.new $@
$(BUILD)/bench/hew_bench.o: $(BUILD)/bench/build_info.h

$(BUILD)/hew-bench: $(BENCH_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -ldl -lm -pthread

$(BUILD)/test/test_problem: $(addprefix $(BUILD)/bench/,problem.o problem_keys.o problem_dims.o \
                              cases.o shapes.o suites.o)

# ---- peers
comma := ,
probe = $(shell $(CC) -E -include $(1) -x c /dev/null $(2) >/dev/null 2>&1 && echo yes)
pc    = $(shell pkg-config $(1) $(2) 2>/dev/null)
ARCH_INCLUDE := /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

ONEDNN_CFLAGS := $(if $(ONEDNN_ROOT),-isystem $(ONEDNN_ROOT)/include,$(call pc,--cflags,dnnl))
ONEDNN_LIBS   := $(if $(ONEDNN_ROOT),-L$(ONEDNN_ROOT)/lib -Wl$(comma)-rpath$(comma)$(abspath $(ONEDNN_ROOT)/lib) -ldnnl,$(or $(call pc,--libs,dnnl),-ldnnl))
OPENBLAS_CFLAGS := $(subst -I,-isystem ,$(call pc,--cflags,openblas)) -DPEER_OPENBLAS
OPENBLAS_LIBS   := $(or $(call pc,--libs,openblas),-lopenblas)
BLIS_CFLAGS := -isystem $(firstword $(wildcard $(ARCH_INCLUDE)/blis-* /usr/include/blis) .) -DPEER_BLIS
BLIS_LIBS   := $(or $(call pc,--libs,blis),-lblis)
XSMM_CFLAGS := $(call pc,--cflags,libxsmm)
XSMM_LIBS   := $(or $(call pc,--libs,libxsmm),-lxsmm)

PEERS := $(if $(call probe,oneapi/dnnl/dnnl.h,$(ONEDNN_CFLAGS)),onednn) \
         $(if $(call probe,openblas_config.h,$(OPENBLAS_CFLAGS)),openblas) \
         $(if $(and $(call probe,cblas.h,$(BLIS_CFLAGS)),$(call probe,blis.h,$(BLIS_CFLAGS))),blis)
PEER_SO := $(PEERS:%=$(BUILD)/bench/peer_%.so)

PEER_BUILD = $(CC) $(CFLAGS) $(BASE) $(WARN) -Wconversion -fPIC -fvisibility=hidden -Ibench -shared -o $@
PEER_DEPS := $(wildcard bench/peer*.h) bench/job.h bench/problem.h bench/problem.c bench/bench.mk include/hew.h
ONEDNN_SRC := $(addprefix bench/,peer_onednn.c peer_onednn_spec.c peer_onednn_v2.c peer_onednn_v3.c problem.c \
                problem_keys.c problem_dims.c)

$(BUILD)/bench/peer_onednn.so: $(ONEDNN_SRC) $(PEER_DEPS)
	@mkdir -p $(@D)
	$(PEER_BUILD) $(ONEDNN_CFLAGS) $(filter %.c,$(ONEDNN_SRC)) $(ONEDNN_LIBS) -ldl
$(BUILD)/bench/peer_openblas.so: bench/peer_cblas.c $(PEER_DEPS)
	@mkdir -p $(@D)
	$(PEER_BUILD) $(OPENBLAS_CFLAGS) $< bench/problem.c bench/problem_keys.c bench/problem_dims.c $(OPENBLAS_LIBS)
$(BUILD)/bench/peer_blis.so: bench/peer_cblas.c $(PEER_DEPS)
	@mkdir -p $(@D)
	$(PEER_BUILD) $(BLIS_CFLAGS) $< bench/problem.c bench/problem_keys.c bench/problem_dims.c $(BLIS_LIBS)

hew-bench: $(BUILD)/hew-bench $(PEER_SO)

.PHONY: hew-bench hew-info bench FORCE
-include $(wildcard $(BUILD)/bench/*.d)
