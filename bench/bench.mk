## make hew-bench    build/hew-bench: times operations against other libraries (--help)
## make hew-info     build/hew-info: this CPU, its measured peaks and the kernels in use
## make amx-model    tile instructions of ResNet-50 and GEMMs, counted under the emulator; minutes
## make math-bench   special functions beside glibc's libmvec and SLEEF; needs libsleef-dev
## make bench        the standard suite, against the libraries found; under five minutes

# Other libraries are peers to compare with, never dependencies: each is a plugin that is built when
# its header is found.  ONEDNN_ROOT=DIR takes oneDNN from DIR/include and DIR/lib.
BENCH_ISA_peak_avx2   := $(ISA_avx2)
BENCH_ISA_peak_avx512 := $(ISA_avx512)
BENCH_ISA_peak_avx2_vnni   := $(ISA_avx2) -mavxvnni
BENCH_ISA_peak_avx512_vnni := $(ISA_avx512) -mavx512vnni

PEAK_SRC  := peak peak_sse peak_avx2 peak_avx2_vnni peak_avx512 peak_avx512_vnni
BENCH_SRC := hew_bench options cases suites shapes report timing reference sample operands ours \
             against peers rivals types problem problem_keys problem_dims \
             problem_tensors tensors descs training $(PEAK_SRC)
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

CASES_OBJ := $(addprefix $(BUILD)/bench/,problem.o problem_keys.o problem_dims.o \
                                         problem_tensors.o tensors.o descs.o types.o cases.o \
                                         shapes.o suites.o)
$(BUILD)/test/test_problem $(BUILD)/test/test_cases $(BUILD)/test/test_directions: $(CASES_OBJ)

# What the emulator counts; MODEL_FLAGS="--no-steps" counts tile instructions alone, in seconds.
EMU_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/machine.c %/model.c %/encode.c %/random.c,$(wildcard test/emu/*.c)))
$(BUILD)/bench/amx_count.o: BASE += -Itest
$(BUILD)/amx-model: $(BUILD)/bench/amx_model.o $(BUILD)/bench/amx_count.o $(CASES_OBJ) $(EMU_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lm -pthread
$(BUILD)/test/test_amx_model: $(BUILD)/bench/amx_count.o $(CASES_OBJ)
amx-model: $(BUILD)/amx-model
	$< $(MODEL_FLAGS)

# ---- peers: plugins, each built if a program with its header links

ifneq (,$(findstring bench,$(MAKECMDGOALS)))
comma := ,
hash  := \#
has = $(shell printf '$(hash)include <$(1)>\nint main(void) { return 0; }\n' | \
              $(CC) -x c -w - -o /dev/null $(2) >/dev/null 2>&1 && echo yes)
pc  = $(subst -I,-isystem ,$(shell pkg-config $(1) 2>/dev/null))

ONEDNN_CFLAGS := $(if $(ONEDNN_ROOT),-isystem $(ONEDNN_ROOT)/include,$(call pc,--cflags dnnl))
ONEDNN_DIR    := $(if $(ONEDNN_ROOT),$(abspath $(firstword $(wildcard $(ONEDNN_ROOT)/lib64 $(ONEDNN_ROOT)/lib))))
ONEDNN_LIBS   := $(if $(ONEDNN_DIR),-L$(ONEDNN_DIR) -Wl$(comma)-rpath$(comma)$(ONEDNN_DIR)) -ldnnl

OPENBLAS_CFLAGS := $(call pc,--cflags openblas) -DPEER_OPENBLAS
OPENBLAS_LIBS   := $(or $(call pc,--libs openblas),-lopenblas)

BLIS_DIR    := $(firstword $(wildcard /usr/include/$(shell $(CC) -print-multiarch)/blis-* /usr/include/blis))
BLIS_CFLAGS := $(if $(BLIS_DIR),-isystem $(BLIS_DIR)) -DPEER_BLIS
BLIS_LIBS   := $(or $(call pc,--libs blis),-lblis) -lm

# The one without BLAS: its large products are not asked for.
LIBXSMM_CFLAGS := $(call pc,--cflags libxsmm)
LIBXSMM_LIBS   := -lxsmmnoblas -lxsmm -lxsmmnoblas

PEER_FLAGS_onednn   := $(ONEDNN_CFLAGS) $(ONEDNN_LIBS) -ldl
PEER_FLAGS_openblas := $(OPENBLAS_CFLAGS) $(OPENBLAS_LIBS)
PEER_FLAGS_blis     := $(BLIS_CFLAGS) $(BLIS_LIBS)
PEER_FLAGS_libxsmm  := $(LIBXSMM_CFLAGS) $(LIBXSMM_LIBS) -lm -lrt -ldl -pthread

PEERS := $(if $(call has,oneapi/dnnl/dnnl.h,$(PEER_FLAGS_onednn)),onednn) \
         $(if $(call has,openblas_config.h,$(PEER_FLAGS_openblas)),openblas) \
         $(if $(call has,blis.h,$(PEER_FLAGS_blis)),blis) \
         $(if $(call has,libxsmm.h,$(PEER_FLAGS_libxsmm)),libxsmm)

PEER_SO   := $(PEERS:%=$(BUILD)/bench/peer_%.so)
PEER_DEPS := $(wildcard bench/peer*.h) bench/job.h bench/problem.h bench/types.h \
             $(HEADERS) bench/bench.mk \
             $(BUILD)/bench/peers.flags
$(BUILD)/bench/peers.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(foreach p,$(PEERS),$(PEER_FLAGS_$(p)))' > $@.new
	@cmp -s $@.new $@ || cp $@.new $@
$(PEER_SO): $(BUILD)/bench/peer_%.so: $(wildcard bench/problem*.c) bench/types.c \
             $(PEER_DEPS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(filter-out -MMD -MP,$(BASE)) $(WARN) -Wconversion -fPIC -fvisibility=hidden \
	    -Ibench -shared -o $@ $(filter %.c,$^) $(PEER_FLAGS_$*)
$(BUILD)/bench/peer_onednn.so: $(wildcard bench/peer_onednn*.c)
$(BUILD)/bench/peer_openblas.so $(BUILD)/bench/peer_blis.so: bench/peer_cblas.c
$(BUILD)/bench/peer_libxsmm.so: bench/peer_libxsmm.c

endif

hew-bench: $(BUILD)/hew-bench $(PEER_SO)

$(BUILD)/math-bench: $(BUILD)/bench/math.o $(BUILD)/bench/timing.o $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lsleef -lmvec -lm -pthread
math-bench: $(BUILD)/math-bench
	$<

# BENCH_FLAGS="--threads 2 --json FILE" adds to it.
BENCH_SUITES := resnet50 mobilenet bert-large dlrm square small gemv pool softmax reorder \
                eltwise binary lnorm bnorm reduction concat resampling \
                resnet50:u8s8 depthwise:u8s8 square:u8s8 pool:u8 llama:wo8 llama:wo4
BENCH_PEERS  := $(subst $() ,$(comma),$(strip $(filter onednn openblas,$(PEERS))))
bench: hew-bench
	$(BUILD)/hew-bench all $(BENCH_SUITES:%=--suite %) --min-time 0.05 \
	    --against f32 $(if $(BENCH_PEERS),--peer $(BENCH_PEERS)) $(BENCH_FLAGS)

.PHONY: math-bench amx-model hew-bench hew-info bench FORCE
-include $(wildcard $(BUILD)/bench/*.d)
