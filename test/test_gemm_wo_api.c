/* GEMM of floats and packed integer weights: its definition once more, and what is refused. */
#include "operand.h"

#include <math.h>
#include <string.h>

static const hew_type both[] = {HEW_S8, HEW_S4};

/* ---------------------------------------------------------------------------- definition ---- */

/* What include/hew.h says, written once more, straight from the caller's memory. */
static float sum_of(const hew_gemm_desc *d, const float *a, const uint8_t *b, const float *scale,
                    const int8_t *zero, int64_t j)
{
    float total = 0.0f;
    for (int64_t start = 0; start < d->k; start += d->b_group) {
        float sum = 0.0f;
        const int64_t g = start / d->b_group;
        for (int64_t kk = start; kk < d->k && kk < start + d->b_group; kk++) {
            const int64_t at = d->transpose_b ? j * d->ldb + kk : kk * d->ldb + j;
            int q = (int8_t)b[d->b_type == HEW_S4 ? at / 2 : at];
            if (d->b_type == HEW_S4)
                q = (int8_t)(at % 2 ? q & 0xf0 : (unsigned)q << 4 & 0xf0) / 16;
            sum = fmaf(a[kk], (float)(q - zero[g * d->n + j]), sum);
        }
        total = fmaf(sum, scale[g * d->n + j], total);
    }
    return total + 0.0f;
}

static void definition(void)
{
    enum { N = 70, K = 150, LD = 152 };
    for (int t = 0; t < 2; t++)
        for (int transposed = 0; transposed < 2; transposed++) {
            rng r = case_rng("%s%s", t ? "s4" : "s8", transposed ? " B'" : "");
            const hew_gemm_desc d = {.size = sizeof d, .m = 1, .n = N, .k = K, .b_type = both[t],
                                     .b_packed = true, .transpose_b = transposed, .ldb = LD,
                                     .b_group = 64};
            float a[K], scale[3 * N], c[N], want[N];
            fill_f32(&r, a, K, FILL_MIXED);
            fill_f32(&r, scale, 3 * N, FILL_MIXED);
            operand b = operand_new(&r, true, HEW_S8, layout_of(K, LD, LD), FILL_MIXED);
            operand zero = operand_new(&r, true, HEW_S8, layout_of(3, N, N), FILL_MIXED);
            for (int64_t j = 0; j < N; j++)
                want[j] = sum_of(&d, a, b.p, scale, zero.p, j);
            hew_gemm *op;
            check_status(hew_gemm_create(&op, &d), HEW_OK);
            void *packed = hew_alloc(hew_gemm_packed_size(op));
            void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
            check_status(hew_gemm_pack(op, b.p, packed), HEW_OK);
            check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .packed_b = packed, .c = c,
                                                         .scale = scale, .b_zero = zero.p,
                                                         .scratch = scratch)), HEW_OK);
            check_bits("C", want, c, layout_of(1, N, N), NAN_BITS);
            hew_free(packed);
            hew_free(scratch);
            hew_gemm_destroy(op);
            operand_free(&b);
            operand_free(&zero);
        }
}

/* Without groups and zero points the product is that of f32 with the weights as floats. */
static void cut_of_f32(void)
{
    enum { M = 3, N = 5, K = 1300 };
    rng r = case_rng("weights as floats");
    static float a[M * K], floats[K * N];
    static int8_t q[K * N];
    float scale[N], bias[N], got[M * N], want[M * N];
    fill_f32(&r, a, M * K, FILL_MIXED);
    fill_f32(&r, scale, N, FILL_MIXED);
    fill_f32(&r, bias, N, FILL_MIXED);
    for (int i = 0; i < K * N; i++) {
        q[i] = (int8_t)rng_between(&r, -128, 127);
        floats[i] = q[i];
    }
    for (int t = 0; t < 2; t++) {
        const hew_gemm_desc d = HEW_GEMM_DESC(.m = M, .n = N, .k = K, .b_packed = true,
                                              .b_type = t ? HEW_S8 : HEW_F32);
        hew_gemm *op;
        check_status(hew_gemm_create(&op, &d), HEW_OK);
        void *packed = hew_alloc(hew_gemm_packed_size(op));
        void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
        check_status(hew_gemm_pack(op, t ? (void *)q : floats, packed), HEW_OK);
        check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.a = a, .packed_b = packed, .scale = scale,
                                                     .bias = bias, .c = t ? got : want,
                                                     .scratch = scratch)), HEW_OK);
        hew_free(packed);
        hew_free(scratch);
        hew_gemm_destroy(op);
    }
    check_bits("C", want, got, layout_of(M, N, N), NAN_BITS);
}

/* Packed B is a function of B, whatever the memory held. */
static void packed_bytes(void)
{
    enum { N = 37, K = 75 };
    for (int t = 0; t < 2; t++)
        for (int transposed = 0; transposed < 2; transposed++) {
            rng r = case_rng("%s%s", t ? "s4" : "s8", transposed ? " B'" : "");
            operand b = operand_new(&r, true, HEW_S8, layout_of(76, 76, 76), FILL_MIXED);
            const hew_gemm_desc d = HEW_GEMM_DESC(.m = 1, .n = N, .k = K, .b_type = both[t],
                                                  .b_packed = true, .transpose_b = transposed,
                                                  .ldb = 76);
            hew_gemm *op;
            check_status(hew_gemm_create(&op, &d), HEW_OK);
            const size_t bytes = hew_gemm_packed_size(op);
            void *packed[2] = {hew_alloc(bytes), hew_alloc(bytes)};
            for (int i = 0; i < 2; i++) {
                memset(packed[i], i ? 0xff : 0, bytes);
                check_status(hew_gemm_pack(op, b.p, packed[i]), HEW_OK);
            }
            if (memcmp(packed[0], packed[1], bytes) != 0)
                fail_case("what was in the memory before is part of packed B");
            hew_free(packed[0]);
            hew_free(packed[1]);
            hew_gemm_destroy(op);
            operand_free(&b);
        }
}

/* ------------------------------------------------------------------------------ refusals ---- */

#define D(type, ...)                                                                               \
    {.size = sizeof(hew_gemm_desc), .m = 2, .n = 6, .k = 64, .b_type = (type), __VA_ARGS__}

static void refusals(void)
{
    static const struct {
        hew_gemm_desc d;
        hew_status status;
        const char *text;
    } wrong[] = {
        {D(HEW_S8, .b_packed = false), HEW_ERR_UNSUPPORTED, "b_packed"},
        {D(HEW_S4, .b_packed = false), HEW_ERR_UNSUPPORTED, "b_packed"},
        {D(HEW_S8, .b_packed = true, .b_group = 16), HEW_ERR_INVALID, "16"},
        {D(HEW_S4, .b_packed = true, .b_group = 48), HEW_ERR_INVALID, "48"},
        {D(HEW_S4, .b_packed = true, .b_group = -32), HEW_ERR_INVALID, "-32"},
        {D(HEW_S4, .b_packed = true, .ldb = 7), HEW_ERR_INVALID, "7"},
        {D(HEW_S4, .b_packed = true, .ldb = 4), HEW_ERR_INVALID, "4"},
        {D(HEW_S8, .b_packed = true, .c_type = HEW_S8), HEW_ERR_UNSUPPORTED, "s8"},
        {D(HEW_S8, .b_packed = true, .residual_type = HEW_S8), HEW_ERR_UNSUPPORTED, "s8"},
        {D(HEW_S4, .b_packed = true, .a_type = HEW_U8), HEW_ERR_UNSUPPORTED, "s4"},
        {D(HEW_F32, .b_packed = true, .b_group = 32), HEW_ERR_INVALID, "32"},
        {D(HEW_S8, .b_packed = true, .batch = 2, .stride_b = 5), HEW_ERR_INVALID, "5"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        hew_gemm *op = NULL;
        case_rng("refusal %zu", i);
        check_refused(hew_gemm_create(&op, &wrong[i].d), wrong[i].status, wrong[i].text);
    }
}

/* What belongs to quantised tensors has no meaning here, and what is packed must be its own. */
static void bad_arguments(void)
{
    case_rng("2 x 6 x 64");
    hew_gemm *op, *other;
    check_status(hew_gemm_create(&op, &(hew_gemm_desc)D(HEW_S8, .b_packed = true)), HEW_OK);
    check_status(hew_gemm_create(&other, &(hew_gemm_desc)D(HEW_S4, .b_packed = true)), HEW_OK);
    float a[2 * 64] = {0}, c[12], before[12];
    int8_t q[6 * 64] = {0};
    int32_t bias_s32[6] = {0};
    poison_f32(c, 12);
    poison_f32(before, 12);
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    void *foreign = hew_alloc(hew_gemm_packed_size(other));
    check_status(hew_gemm_pack(op, q, packed), HEW_OK);
    check_status(hew_gemm_pack(other, q, foreign), HEW_OK);
    const hew_gemm_args good = HEW_GEMM_ARGS(.a = a, .packed_b = packed, .c = c);
    hew_gemm_args args[6] = {good, good, good, good, good, good};
    args[0].a_zero = 3;
    args[1].c_scale = 0.5f;
    args[2].bias_s32 = bias_s32;
    args[3].packed_b = foreign;
    args[4].packed_b = NULL;
    args[5].scale = (const float *)(const void *)((const char *)a + 2);
    static const char *const text[] = {"zero", "scale", "s32", "packed", "null", "align"};
    for (int i = 0; i < 6; i++)
        check_refused(hew_gemm_run(op, &args[i]), HEW_ERR_INVALID, text[i]);
    check_bits("C after refusals", before, c, layout_of(1, 12, 12), NAN_BITS);
    check_status(hew_gemm_run(op, &good), HEW_OK);
    hew_free(packed);
    hew_free(foreign);
    hew_gemm_destroy(op);
    hew_gemm_destroy(other);
}

int main(void)
{
    static const test tests[] = {
        {"definition", definition}, {"cut_of_f32", cut_of_f32},
        {"packed_bytes", packed_bytes}, {"refusals", refusals},
        {"bad_arguments", bad_arguments},
    };
    return run_on_rungs("gemm_wo_api", HEW_FAMILY_gemm_f32s8, TESTS(tests));
}
