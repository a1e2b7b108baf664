/* GEMM: what is refused, and what is left alone. */
#include "gemm_case.h"

#include <stdlib.h>
#include <string.h>

enum { M = 5, N = 7, K = 9 };

/* ---------------------------------------------------------------------------- descriptors -- */

#define D(...) {.size = sizeof(hew_gemm_desc), .m = M, .n = N, .k = K, __VA_ARGS__}
#define MANY (INT64_C(1) << 40)

/* Each with its status and a number that the message must name. */
static const struct refusal {
    hew_gemm_desc d;
    hew_status status;
    const char *text;
} refusals[] = {
    {{.size = 3, .m = M, .n = N, .k = K}, HEW_ERR_INVALID, "3"},
    {{.m = M, .n = N, .k = K}, HEW_ERR_INVALID, "0"},
    {{.size = sizeof(hew_gemm_desc), .m = -3, .n = N, .k = K}, HEW_ERR_INVALID, "-3"},
    {{.size = sizeof(hew_gemm_desc), .m = M, .n = -4, .k = K}, HEW_ERR_INVALID, "-4"},
    {{.size = sizeof(hew_gemm_desc), .m = M, .n = N, .k = INT64_MIN}, HEW_ERR_INVALID,
     "-9223372036854775808"},
    {D(.lda = K - 1), HEW_ERR_INVALID, "8"},
    {D(.lda = -K), HEW_ERR_INVALID, "-9"},
    {D(.lda = M - 1, .transpose_a = true), HEW_ERR_INVALID, "4"},
    {D(.ldb = N - 1), HEW_ERR_INVALID, "6"},
    {D(.ldb = K - 1, .transpose_b = true), HEW_ERR_INVALID, "8"},
    {D(.ldc = N - 1), HEW_ERR_INVALID, "6"},
    {D(.ldr = N - 1), HEW_ERR_INVALID, "6"},
    {D(.batch = -2), HEW_ERR_INVALID, "-2"},
    {D(.batch = INT64_MIN), HEW_ERR_INVALID, "-9223372036854775808"},
    {D(.batch = 2, .stride_a = -1), HEW_ERR_INVALID, "-1"},
    {D(.batch = 2, .stride_b = -5), HEW_ERR_INVALID, "-5"},
    {D(.batch = 2, .stride_c = -35), HEW_ERR_INVALID, "-35"},
    {D(.batch = 2, .stride_r = -6), HEW_ERR_INVALID, "-6"},
    {D(.batch = 2, .stride_c = HEW_STRIDE_SHARED), HEW_ERR_INVALID, "C"},
    {D(.batch = 2, .stride_c = M * N - 1), HEW_ERR_INVALID, "34"},
    {D(.batch = 2, .b_packed = true, .stride_b = 63), HEW_ERR_INVALID, "63"},
    {D(.a_type = HEW_BF16), HEW_ERR_UNSUPPORTED, "bf16"},
    {D(.b_type = HEW_S8), HEW_ERR_UNSUPPORTED, "s8"},
    {D(.c_type = (hew_type)77), HEW_ERR_UNSUPPORTED, "unknown"},
    {D(.act.kind = (hew_act_kind)HEW_ACT_COUNT), HEW_ERR_INVALID, "28"},
    {D(.act.kind = (hew_act_kind)-1), HEW_ERR_INVALID, ""},
    {D(.lda = INT64_MAX), HEW_ERR_OVERFLOW, "9223372036854775807"},
    {D(.ldb = INT64_MAX / 2), HEW_ERR_OVERFLOW, "4611686018427387903"},
    {D(.ldc = INT64_MAX / 4), HEW_ERR_OVERFLOW, "2305843009213693951"},
    {D(.ldr = INT64_MAX), HEW_ERR_OVERFLOW, "9223372036854775807"},
    {D(.batch = INT64_MAX), HEW_ERR_OVERFLOW, ""},
    {D(.batch = 3, .stride_a = INT64_MAX - 1), HEW_ERR_OVERFLOW, ""},
    {D(.batch = 3, .stride_c = INT64_MAX / 4), HEW_ERR_OVERFLOW, ""},
    {{.size = sizeof(hew_gemm_desc), .m = MANY, .n = MANY, .k = 1}, HEW_ERR_OVERFLOW,
     "1099511627776"},
    {{.size = sizeof(hew_gemm_desc), .m = MANY, .n = 1, .k = MANY}, HEW_ERR_OVERFLOW,
     "1099511627776"},
    {{.size = sizeof(hew_gemm_desc), .m = 1, .n = MANY, .k = MANY}, HEW_ERR_OVERFLOW,
     "1099511627776"},
    {{.size = sizeof(hew_gemm_desc), .m = INT64_MAX, .n = INT64_MAX, .k = INT64_MAX},
     HEW_ERR_OVERFLOW, "9223372036854775807"},
};

static void bad_descriptors(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        case_rng("refusal %zu", i);
        hew_gemm *const untouched = (hew_gemm *)0x40;
        hew_gemm *op = untouched;
        check_refused(hew_gemm_create(&op, &refusals[i].d), refusals[i].status, refusals[i].text);
        if (op != untouched)
            fail_case("the operation was written to");
    }
    case_rng("nulls");
    hew_gemm *op = NULL;
    check_refused(hew_gemm_create(NULL, &refusals[0].d), HEW_ERR_INVALID, "null");
    check_refused(hew_gemm_create(&op, NULL), HEW_ERR_INVALID, "null");
    hew_gemm_destroy(NULL);
}

/* Packed panels are wider than B: they can be too large where B is not. */
static void packed_overflow(void)
{
    case_rng("n 2, k 2^59");
    hew_gemm *op = NULL;
    const hew_gemm_desc d =
        HEW_GEMM_DESC(.m = 1, .n = 2, .k = INT64_C(1) << 59, .b_packed = true);
    check_refused(hew_gemm_create(&op, &d), HEW_ERR_OVERFLOW, "576460752303423488");
}

/* ------------------------------------------------------------------------------ arguments -- */

/* An operation with B plain or packed and all that a run needs. */
typedef struct setup {
    hew_gemm *op;
    hew_gemm_args args;
    float a[M * K], b[K * N], c[M * N];
    void *packed, *scratch;
} setup;

static void set_up(setup *s, const hew_gemm_desc *d)
{
    rng r = case_rng("arguments");
    check_status(hew_gemm_create(&s->op, d), HEW_OK);
    fill_f32(&r, s->a, M * K, FILL_MIXED);
    fill_f32(&r, s->b, K * N, FILL_MIXED);
    poison_f32(s->c, M * N);
    s->packed = hew_alloc(hew_gemm_packed_size(s->op) + 64);
    s->scratch = hew_alloc(hew_gemm_scratch_size(s->op, 4) + 64);
    if (d->b_packed)
        check_status(hew_gemm_pack(s->op, s->b, s->packed), HEW_OK);
    s->args = HEW_GEMM_ARGS(.a = s->a, .b = d->b_packed ? NULL : s->b,
                            .packed_b = d->b_packed ? s->packed : NULL, .c = s->c,
                            .scratch = s->scratch);
}

static void tear_down(setup *s)
{
    hew_gemm_destroy(s->op);
    hew_free(s->packed);
    hew_free(s->scratch);
}

/* Runs with the wrong arguments: refused, and C is as it was. */
static void refuse(setup *s, hew_gemm_args wrong, const char *text)
{
    float before[M * N];
    poison_f32(before, M * N);
    check_refused(hew_gemm_run(s->op, &wrong), HEW_ERR_INVALID, text);
    check_bits("C after a refusal", before, s->c, layout_of(M, N, N), NAN_BITS);
}

#define REFUSE(text, field, value)                                                                 \
    do {                                                                                           \
        hew_gemm_args wrong = s.args;                                                              \
        wrong.field = (value);                                                                     \
        refuse(&s, wrong, text);                                                                   \
    } while (0)
#define SHIFTED(p, bytes) ((void *)((char *)(p) + (bytes)))

static void bad_arguments(void)
{
    setup s;
    set_up(&s, &(hew_gemm_desc)D(.batch = 1));
    const hew_threads no_callback = {.count = 2}, *reversed = reversed_of(4);
    hew_threads no_count = *reversed;
    no_count.count = 0;
    REFUSE("7", size, 7);
    REFUSE("a is null", a, NULL);
    REFUSE("b is null", b, NULL);
    REFUSE("c is null", c, NULL);
    REFUSE("align", a, SHIFTED(s.a, 2));
    REFUSE("align", b, SHIFTED(s.b, 1));
    REFUSE("align", c, SHIFTED(s.c, 3));
    REFUSE("align", scale, SHIFTED(s.a, 2));
    REFUSE("align", bias, SHIFTED(s.a, 2));
    REFUSE("align", residual, SHIFTED(s.a, 2));
    REFUSE("parallel_for", threads, &no_callback);
    REFUSE("count", threads, &no_count);
    check_refused(hew_gemm_run(NULL, &s.args), HEW_ERR_INVALID, "null");
    check_refused(hew_gemm_run(s.op, NULL), HEW_ERR_INVALID, "null");
    check_status(hew_gemm_run(s.op, &s.args), HEW_OK);
    tear_down(&s);
}

static void bad_packed(void)
{
    setup s;
    set_up(&s, &(hew_gemm_desc)D(.b_packed = true));
    hew_gemm *other;
    const hew_gemm_desc d = HEW_GEMM_DESC(.m = M, .n = N, .k = K - 1, .b_packed = true);
    check_status(hew_gemm_create(&other, &d), HEW_OK);
    void *foreign = hew_alloc(hew_gemm_packed_size(s.op) + hew_gemm_packed_size(other));
    memset(foreign, 0, hew_gemm_packed_size(s.op));
    REFUSE("null", packed_b, NULL);
    REFUSE("align", packed_b, SHIFTED(s.packed, 4));
    REFUSE("align", packed_b, SHIFTED(s.packed, 32));
    REFUSE("packed", packed_b, foreign);
    check_status(hew_gemm_pack(other, s.b, foreign), HEW_OK);
    REFUSE("packed", packed_b, foreign);
    check_refused(hew_gemm_pack(NULL, s.b, s.packed), HEW_ERR_INVALID, "null");
    check_refused(hew_gemm_pack(s.op, NULL, s.packed), HEW_ERR_INVALID, "null");
    check_refused(hew_gemm_pack(s.op, s.b, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_gemm_pack(s.op, s.b, SHIFTED(s.packed, 16)), HEW_ERR_INVALID, "align");
    check_refused(hew_gemm_pack(s.op, SHIFTED(s.b, 2), s.packed), HEW_ERR_INVALID, "align");
    check_status(hew_gemm_run(s.op, &s.args), HEW_OK);
    hew_free(foreign);
    hew_gemm_destroy(other);
    tear_down(&s);
}

/* A plain operation has nothing to pack. */
static void pack_of_plain(void)
{
    setup s;
    set_up(&s, &(hew_gemm_desc)D(.batch = 1));
    if (hew_gemm_packed_size(s.op) != 0)
        fail_case("packed_size is %zu", hew_gemm_packed_size(s.op));
    check_refused(hew_gemm_pack(s.op, s.b, s.packed), HEW_ERR_INVALID, "b_packed");
    tear_down(&s);
}

/* One that needs scratch. */
static void bad_scratch(void)
{
    enum { SIDE = 200, BYTES = sizeof(float[SIDE * SIDE]) };
    const hew_gemm_desc d = HEW_GEMM_DESC(.m = SIDE, .n = SIDE, .k = SIDE, .transpose_a = true,
                                          .transpose_b = true);
    hew_gemm *op;
    case_rng("%d x %d x %d", SIDE, SIDE, SIDE);
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    buffer a = buffer_of_nans(BYTES, AT_BACK), c = buffer_of_nans(BYTES, AT_BACK);
    buffer scratch = buffer_of_nans(hew_gemm_scratch_size(op, 1), AT_BACK);
    float *want = malloc(BYTES);
    memcpy(want, c.data, BYTES);
    hew_gemm_args args = HEW_GEMM_ARGS(.a = a.data, .b = a.data, .c = c.data);
    check_refused(hew_gemm_run(op, &args), HEW_ERR_INVALID, "scratch");
    args.scratch = SHIFTED(scratch.data, 32);
    check_refused(hew_gemm_run(op, &args), HEW_ERR_INVALID, "scratch");
    check_bits("C after refusals", want, c.data, layout_of(SIDE, SIDE, SIDE), NAN_BITS);
    free(want);
    buffer_free(&scratch);
    buffer_free(&c);
    buffer_free(&a);
    hew_gemm_destroy(op);
}

/* Empty problems need no operands. */
static void empty(void)
{
    static const hew_gemm_desc none[] = {
        {.size = sizeof(hew_gemm_desc), .m = 0, .n = 5, .k = 5},
        {.size = sizeof(hew_gemm_desc), .m = 5, .n = 0, .k = 5},
        {.size = sizeof(hew_gemm_desc), .m = 5, .n = 5, .k = 5, .batch = -1},
        {.size = sizeof(hew_gemm_desc)},
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        hew_gemm *op;
        case_rng("empty %zu", i);
        check_status(hew_gemm_create(&op, &none[i]), HEW_OK);
        void *scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
        check_status(hew_gemm_run(op, &HEW_GEMM_ARGS(.scratch = scratch)), HEW_OK);
        hew_free(scratch);
        hew_gemm_destroy(op);
    }
}

/* The kernel that an operation names is one of this rung's. */
static void kernel_name(void)
{
    case_rng("a plain one");
    hew_gemm *op;
    check_status(hew_gemm_create(&op, &(hew_gemm_desc)D(.batch = 1)), HEW_OK);
    check_kernel(hew_gemm_kernel(op));
    hew_gemm_destroy(op);
}

int main(void)
{
    static const test tests[] = {
        {"bad_descriptors", bad_descriptors}, {"packed_overflow", packed_overflow},
        {"bad_arguments", bad_arguments}, {"bad_packed", bad_packed},
        {"pack_of_plain", pack_of_plain}, {"bad_scratch", bad_scratch},
        {"empty", empty}, {"kernel_name", kernel_name},
    };
    return run_on_rungs("gemm_api", HEW_FAMILY_gemm_f32, TESTS(tests));
}
