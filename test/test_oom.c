/*
 * Out of memory.  A creation is tried with 0, 1, 2, ... allocations that succeed, and has to answer
 * HEW_ERR_NO_MEMORY and to leave its output alone until it has enough.  A run allocates nothing.
 */
#include "harness.h"

#include <stdatomic.h>
#include <string.h>

static const hew_gemm_desc gemms[] = {
    {.m = 100, .n = 300, .k = 700},
    {.m = 100, .n = 300, .k = 700, .b_packed = true},
    {.m = 100, .n = 300, .k = 70, .transpose_a = true, .transpose_b = true, .batch = 3},
    {.m = 1, .n = 300, .k = 700},
    {.m = 300, .n = 1, .k = 700},
    {.m = 8, .n = 8, .k = 8, .act = {HEW_ACT_GELU_ERF, 0, 0}},
};

static const hew_conv_desc convs[] = {
    {.in = {14, 14}, .in_c = 64, .out_c = 100, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {14, 14}, .in_c = 64, .out_c = 100, .kernel = {1, 1}, .stride = {2, 2}},
    {.in = {14, 14}, .in_c = 40, .out_c = 40, .groups = 40, .kernel = {3, 3}},
    {.in = {14, 14}, .in_c = 40, .out_c = 80, .groups = 4, .kernel = {5, 5}},
    {.in = {30}, .in_c = 3, .out_c = 20, .kernel = {7}, .act = {HEW_ACT_SILU, 0, 0}},
    {.in = {6, 6, 6}, .in_c = 3, .out_c = 20, .kernel = {3, 3, 3}},
};

enum { GEMMS = sizeof gemms / sizeof gemms[0], CONVS = sizeof convs / sizeof convs[0] };

static hew_gemm *gemm_in_want(size_t i)
{
    hew_gemm_desc d = gemms[i];
    d.size = sizeof d;
    hew_gemm *const untouched = (hew_gemm *)&d, *op = untouched;
    for (long allocations = 0; op == untouched; allocations++) {
        case_rng("gemm %zu, %ld allocations", i, allocations);
        atomic_store(&hew_malloc_fail_after, allocations);
        const hew_status status = hew_gemm_create(&op, &d);
        atomic_store(&hew_malloc_fail_after, -1);
        check_status(status, op == untouched ? HEW_ERR_NO_MEMORY : HEW_OK);
        assert_true((op == untouched || allocations > 0) && allocations < 20);
    }
    return op;
}

static hew_conv *conv_in_want(size_t i)
{
    hew_conv_desc d = convs[i];
    d.size = sizeof d;
    hew_conv *const untouched = (hew_conv *)&d, *op = untouched;
    for (long allocations = 0; op == untouched; allocations++) {
        case_rng("conv %zu, %ld allocations", i, allocations);
        atomic_store(&hew_malloc_fail_after, allocations);
        const hew_status status = hew_conv_create(&op, &d);
        atomic_store(&hew_malloc_fail_after, -1);
        check_status(status, op == untouched ? HEW_ERR_NO_MEMORY : HEW_OK);
        assert_true((op == untouched || allocations > 0) && allocations < 20);
    }
    return op;
}

/* Zeroed memory for a few more elements than any tensor here has. */
static float *tensor(void)
{
    static const size_t bytes = 4 << 20;
    float *p = hew_malloc(bytes);
    assert_non_null(p);
    return p;
}

static void gemm(void)
{
    for (size_t i = 0; i < GEMMS; i++) {
        hew_gemm *op = gemm_in_want(i);
        const hew_threads *threads = pool_of(3);
        float *a = tensor(), *b = tensor(), *c = tensor(), *packed = tensor();
        void *scratch = hew_alloc(hew_gemm_scratch_size(op, 3));
        assert_true(hew_gemm_packed_size(op) <= 4 << 20);
        atomic_store(&hew_malloc_fail_after, 0);
        hew_status status = gemms[i].b_packed ? hew_gemm_pack(op, b, packed) : HEW_OK;
        if (status == HEW_OK)
            status = hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .b = b, .packed_b = packed, .c = c,
                                                     .scratch = scratch, .threads = threads));
        atomic_store(&hew_malloc_fail_after, -1);
        check_status(status, HEW_OK);
        hew_mfree(a), hew_mfree(b), hew_mfree(c), hew_mfree(packed), hew_free(scratch);
        hew_gemm_destroy(op);
    }
}

static void conv(void)
{
    for (size_t i = 0; i < CONVS; i++) {
        hew_conv *op = conv_in_want(i);
        const hew_threads *threads = pool_of(3);
        float *in = tensor(), *weights = tensor(), *out = tensor(), *packed = tensor();
        void *scratch = hew_alloc(hew_conv_scratch_size(op, 3));
        assert_true(hew_conv_packed_size(op) <= 4 << 20);
        atomic_store(&hew_malloc_fail_after, 0);
        hew_status status = hew_conv_pack(op, weights, packed);
        if (status == HEW_OK)
            status = hew_conv_run(op, &HEW_CONV_ARGS(.in = in, .packed = packed, .out = out,
                                                     .scratch = scratch, .threads = threads));
        atomic_store(&hew_malloc_fail_after, -1);
        check_status(status, HEW_OK);
        hew_mfree(in), hew_mfree(weights), hew_mfree(out), hew_mfree(packed), hew_free(scratch);
        hew_conv_destroy(op);
    }
}

/* One call, nothing created: it has to do without memory. */
static void single_calls(void)
{
    const hew_threads *threads = pool_of(3);
    float *in = tensor(), *out = tensor();
    atomic_store(&hew_malloc_fail_after, 0);
    const hew_status pooled =
        hew_pooling(&HEW_POOLING_DESC(.in = {30, 30}, .channels = 70, .kernel = {3, 3}), in, out,
                    threads);
    const hew_status softmaxed =
        hew_softmax(&HEW_SOFTMAX_DESC(.rows = 50, .columns = 1000), in, out, threads);
    const hew_status reordered =
        hew_reorder(&HEW_REORDER_DESC(.to = HEW_CHANNELS_FIRST, .pixels = 900, .channels = 70), in,
                    out, threads);
    const float one = 1;
    const hew_status quantized = hew_quantize(
        &HEW_QUANTIZE_DESC(.type = HEW_U8, .inner = 100000, .scale = &one), in, out, threads);
    const hew_status dynamic = hew_quantize_dynamic(
        &HEW_QUANTIZE_DYNAMIC_DESC(.kind = HEW_DYNAMIC_SYMMETRIC, .rows = 1, .columns = 500000), in,
        out, out + 200000, NULL, threads);
    atomic_store(&hew_malloc_fail_after, -1);
    check_status(quantized, HEW_OK);
    check_status(dynamic, HEW_OK);
    check_status(pooled, HEW_OK);
    check_status(softmaxed, HEW_OK);
    check_status(reordered, HEW_OK);
    hew_mfree(in), hew_mfree(out);
}

static const test tests[] = {{"gemm", gemm}, {"conv", conv}, {"single_calls", single_calls}};

int main(void)
{
    return run_on_rungs("oom", HEW_FAMILY_gemm_f32, TESTS(tests));
}
