## make test         the tests, on every rung that this machine has, and of the installed library
## make unit         the former without the latter; V=1 shows every test
TEST_SRC := $(wildcard test/test_*.c)
TEST_LIB := $(filter-out $(wildcard test/test_*.c test/fuzz_*.c),$(wildcard test/*.c test/emu/*.c))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)

$(BUILD)/test/%.o: test/%.c Makefile test/test.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(WARN) $(SAN) -Itest -c $< -o $@

$(TEST_BIN): $(BUILD)/test/%: $(BUILD)/test/%.o $(TEST_LIB:%.c=$(BUILD)/%.o) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -o $@ $(filter-out $(LIB),$^) $(LIB) -lcmocka -lm -pthread

# ONNX's operator tests share the reader of models with bench/net.
ONNX_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/onnx/*.c))
$(BUILD)/test/test_onnx $(BUILD)/test/test_onnx_reader: $(ONNX_OBJ)

## make onnx-table   docs/onnx.md, from what test_onnx finds
onnx-table: $(BUILD)/test/test_onnx
	HEW_ONNX_TABLE=docs/onnx.md HEW_TEST_FILTER=onnx__document $<

TEST_INSTALL = "MAKE='$(MAKE)' BUILD='$(BUILD)' CC='$(CC)' CXX='$(CXX)' test/test_install.sh $(VERSION)"
test: $(TEST_BIN) all
	+@MAKEFLAGS= test/run.sh $(TEST_BIN) $(TEST_INSTALL)
unit: $(TEST_BIN)
	@$(UNDER) test/run.sh $(TEST_BIN)
test-install: all
	+@MAKEFLAGS= V=1 test/run.sh $(TEST_INSTALL)

## make test-every-float  the special functions at all 2^32 floats: an hour
# fmaf as one instruction has the same bits as libm's and makes the definitions much faster.
test-every-float:
	+$(MAKE) --no-print-directory $(BUILD)/every/test/test_math BUILD=$(BUILD)/every \
	    CFLAGS="-O2 -g1 -mavx2 -mfma"
	HEW_TEST_STRIDE=1 $(BUILD)/every/test/test_math

## make test-asan    the unit tests under AddressSanitizer and UBSan;  test-tsan: ThreadSanitizer
SANITIZED = +$(MAKE) --no-print-directory unit CFLAGS="-O1 -g" BUILD=$(BUILD)
ASAN      := -fsanitize=address,undefined -fno-sanitize-recover=all
test-asan:
	$(SANITIZED)/asan SAN="$(ASAN) -DHEW_SANITIZED=1" \
	    UNDER="ASAN_OPTIONS=allocator_may_return_null=1"
test-ubsan: test-asan
# ThreadSanitizer's memory layout doesn't go with many random bits; src/ref has one thread only.
# Tests that call kernels themselves, from one thread, have nothing to race with and take it long.
# The one that counts instructions by single steps would count ThreadSanitizer's.
ONE_THREAD := $(wildcard test/test_*_tile.c test/test_emu_*.c) test/test_math.c test/test_gemm_wo.c \
              test/test_amx_model.c test/test_pack.c test/test_nest.c test/test_typed.c
test-tsan:
	$(SANITIZED)/tsan TEST_SRC="$(filter-out $(ONE_THREAD),$(TEST_SRC))" SAN="-fsanitize=thread -DHEW_SANITIZED=1" SAN_ref=-fno-sanitize=thread \
	    UNDER="TSAN_OPTIONS='allocator_may_return_null=1 halt_on_error=1' \
	           $$(setarch -R true 2> /dev/null && echo setarch -R)"

## make fuzz-run     random descriptors for FUZZ_SECONDS=60; needs clang.  make fuzz only builds it
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ_BIN     := $(BUILD)/fuzz-desc
$(FUZZ_BIN): $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/fuzz_*.c)) $(LIB)
	$(CC) $(CFLAGS) $(SAN) -fsanitize=fuzzer -o $@ $^ -lm -pthread
# What the fuzzer itself makes of wild numbers may wrap; the library's arithmetic may not.
$(BUILD)/test/fuzz_%.o: override CFLAGS += -fwrapv
# clang takes minutes to put inline checks into unrolled kernels; make test-asan has UBSan there.
FUZZ_KERNELS := -fno-sanitize=undefined -mllvm -asan-instrumentation-with-call-threshold=10
fuzz:
	+$(MAKE) --no-print-directory $(BUILD)/fuzz/fuzz-desc CC=$(FUZZ_CC) CFLAGS="-O1 -g" \
	    BUILD=$(BUILD)/fuzz SAN="$(ASAN) -fsanitize=fuzzer-no-link" \
	    SAN_avx2="$(FUZZ_KERNELS)" SAN_avx512="$(FUZZ_KERNELS)" \
	    SAN_vnni="$(FUZZ_KERNELS)" SAN_amx="$(FUZZ_KERNELS)"
fuzz-run: fuzz
	@mkdir -p $(BUILD)/fuzz/corpus
	ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=64 $(BUILD)/fuzz/fuzz-desc \
	    -max_len=96 -timeout=20 -verbosity=0 -print_final_stats=1 -print_funcs=0 \
	    -artifact_prefix=$(BUILD)/fuzz/ -max_total_time=$(FUZZ_SECONDS) $(BUILD)/fuzz/corpus

## make check        what the objects must not hold: check-spills check-baseline check-exports
SPILLFREE := gemm% gemv% dw% gconv%
objects_in = $(filter $(patsubst %,$(BUILD)/src/$(1)/%.o,$(2)),$(OBJ))
check: check-spills check-baseline check-exports
check-spills: $(OBJ)
	@CC="$(CC)" test/check-spills.sh \
	    $(foreach f,avx2 avx512 vnni amx,$(call objects_in,$(f),$(SPILLFREE)))
check-baseline: $(OBJ)
	@CC="$(CC)" test/check-baseline.sh $(filter $(BUILD)/src/ref/%,$(OBJ)) \
	    $(foreach o,$(OBJ),$(if $(filter core op,$(call folder_of,$(o))),$(o))) \
	    -- $(call objects_in,avx2,%) $(call objects_in,vnni,%_avx2)
check-exports: all
	@test/check-exports.sh $(LIB) $(SO) $(HEADERS)

.PHONY: test unit test-every-float test-install test-asan test-ubsan test-tsan check check-spills \
        check-baseline check-exports fuzz fuzz-run onnx-table
-include $(wildcard $(BUILD)/test/*.d $(BUILD)/test/onnx/*.d)
