/* Convolution: what is refused, and what is left alone. */
#include "conv_case.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------- descriptors -- */

#define SIZE .size = sizeof(hew_conv_desc)
#define D(...) {SIZE, .in = {5, 6}, .in_c = 4, .out_c = 6, .kernel = {3, 3}, __VA_ARGS__}
#define MANY (INT64_C(1) << 40)

/* Each with its status and a number that the message must name. */
static const struct refusal {
    hew_conv_desc d;
    hew_status status;
    const char *text;
} refusals[] = {
    {{.size = 3, .in = {5}, .in_c = 1, .out_c = 1, .kernel = {1}}, HEW_ERR_INVALID, "3"},
    {{.in = {5}, .in_c = 1, .out_c = 1, .kernel = {1}}, HEW_ERR_INVALID, "0"},
    {{SIZE, .in = {5, 6}, .in_c = 4, .out_c = 6}, HEW_ERR_INVALID, "kernel"},
    {{SIZE, .in = {5, 6, 7}, .in_c = 4, .out_c = 6, .kernel = {3, 3}}, HEW_ERR_INVALID, "2"},
    {{SIZE, .in = {5, 6, 7}, .in_c = 4, .out_c = 6, .kernel = {3, 0, 3}}, HEW_ERR_INVALID, "1"},
    {{SIZE, .in = {5}, .in_c = 4, .out_c = 6, .kernel = {3, 3}}, HEW_ERR_INVALID, "0"},
    {{SIZE, .in = {-5}, .in_c = 4, .out_c = 6, .kernel = {3}}, HEW_ERR_INVALID, "-5"},
    {{SIZE, .in = {5}, .in_c = 4, .out_c = 6, .kernel = {-3}}, HEW_ERR_INVALID, "-3"},
    {{SIZE, .in = {5}, .in_c = 0, .out_c = 6, .kernel = {3}}, HEW_ERR_INVALID, "0"},
    {{SIZE, .in = {5}, .in_c = -4, .out_c = 6, .kernel = {3}}, HEW_ERR_INVALID, "-4"},
    {{SIZE, .in = {5}, .in_c = 4, .out_c = 0, .kernel = {3}}, HEW_ERR_INVALID, "0"},
    {{SIZE, .in = {5}, .in_c = 4, .out_c = -6, .kernel = {3}}, HEW_ERR_INVALID, "-6"},
    {{SIZE, .in = {2, 6}, .in_c = 4, .out_c = 6, .kernel = {3, 3}}, HEW_ERR_INVALID, "2"},
    {D(.batch = -2), HEW_ERR_INVALID, "-2"},
    {D(.groups = -1), HEW_ERR_INVALID, "-1"},
    {D(.groups = 3), HEW_ERR_INVALID, "3"},
    {D(.groups = 4), HEW_ERR_INVALID, "4"},
    {D(.stride = {1, -2}), HEW_ERR_INVALID, "-2"},
    {D(.dilation = {-3, 1}), HEW_ERR_INVALID, "-3"},
    {D(.dilation = {3, 1}), HEW_ERR_INVALID, "7"},
    {D(.pad_lo = {-1}), HEW_ERR_INVALID, "-1"},
    {D(.pad_hi = {0, -4}), HEW_ERR_INVALID, "-4"},
    {D(.pad_lo = {0, 0, 9}), HEW_ERR_INVALID, "2"},
    {D(.in_stride = 3), HEW_ERR_INVALID, "3"},
    {D(.in_stride = -4), HEW_ERR_INVALID, "-4"},
    {D(.out_stride = 5), HEW_ERR_INVALID, "5"},
    {D(.residual_stride = 5), HEW_ERR_INVALID, "5"},
    {D(.in_type = HEW_U8), HEW_ERR_UNSUPPORTED, "u8"},
    {D(.weight_type = HEW_S8), HEW_ERR_UNSUPPORTED, "s8"},
    {D(.out_type = (hew_type)77), HEW_ERR_UNSUPPORTED, "unknown"},
    {D(.act.kind = (hew_act_kind)HEW_ACT_COUNT), HEW_ERR_INVALID, "28"},
    {D(.act.kind = (hew_act_kind)-1), HEW_ERR_INVALID, ""},
    {D(.batch = INT64_MAX), HEW_ERR_OVERFLOW, "9223372036854775807"},
    {D(.in_stride = INT64_MAX), HEW_ERR_OVERFLOW, "9223372036854775807"},
    {D(.out_stride = INT64_MAX / 8), HEW_ERR_OVERFLOW, ""},
    {D(.residual_stride = INT64_MAX / 8), HEW_ERR_OVERFLOW, ""},
    {D(.dilation = {INT64_MAX, 1}), HEW_ERR_OVERFLOW, ""},
    {D(.pad_lo = {INT64_MAX, 0}), HEW_ERR_OVERFLOW, ""},
    {D(.pad_lo = {INT64_MAX / 2, 0}, .pad_hi = {INT64_MAX / 2, 0}), HEW_ERR_OVERFLOW, ""},
    {D(.pad_lo = {MANY, MANY}), HEW_ERR_OVERFLOW, ""},
    {{SIZE, .in = {MANY, MANY}, .in_c = 4, .out_c = 6, .kernel = {1, 1}}, HEW_ERR_OVERFLOW,
     "1099511627776"},
    {{SIZE, .in = {1}, .in_c = MANY, .out_c = MANY, .kernel = {1}}, HEW_ERR_OVERFLOW,
     "1099511627776"},
    {{SIZE, .in = {MANY, MANY}, .pad_hi = {1, 1}, .in_c = 1, .out_c = 1, .kernel = {MANY, MANY}},
     HEW_ERR_OVERFLOW, "1099511627776"},
    {{SIZE, .in = {INT64_MAX}, .in_c = 1, .out_c = 1, .kernel = {1}}, HEW_ERR_OVERFLOW,
     "9223372036854775807"},
};

static void bad_descriptors(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        case_rng("refusal %zu", i);
        hew_conv *const untouched = (hew_conv *)0x40;
        hew_conv *op = untouched;
        check_refused(hew_conv_create(&op, &refusals[i].d), refusals[i].status, refusals[i].text);
        if (op != untouched)
            fail_case("the operation was written to");
    }
    case_rng("nulls");
    hew_conv *op = NULL;
    check_refused(hew_conv_create(NULL, &refusals[0].d), HEW_ERR_INVALID, "null");
    check_refused(hew_conv_create(&op, NULL), HEW_ERR_INVALID, "null");
    hew_conv_destroy(NULL);
}

static void out_shape(void)
{
    static const struct shape {
        hew_conv_desc d;
        int64_t out[3];
    } shapes[] = {
        {D(.batch = 1), {3, 4, 1}},
        {D(.pad_lo = {1, 1}, .pad_hi = {1, 1}), {5, 6, 1}},
        {D(.stride = {2, 2}, .pad_lo = {1, 0}), {2, 2, 1}},
        {D(.dilation = {2, 1}), {1, 4, 1}},
        {{SIZE, .in = {10}, .in_c = 1, .out_c = 1, .kernel = {4}, .stride = {3}}, {3, 1, 1}},
        {{SIZE, .in = {4, 5, 6}, .in_c = 1, .out_c = 1, .kernel = {1, 2, 3}}, {4, 4, 4}},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        case_rng("shape %zu", i);
        hew_conv *op;
        int64_t out[3];
        check_status(hew_conv_create(&op, &shapes[i].d), HEW_OK);
        hew_conv_out_shape(op, out);
        if (memcmp(out, shapes[i].out, sizeof out) != 0)
            fail_case("%lld x %lld x %lld", (long long)out[0], (long long)out[1],
                      (long long)out[2]);
        hew_conv_destroy(op);
    }
}

/* ------------------------------------------------------------------------------ arguments -- */

/* An operation and all that a run of it needs. */
typedef struct setup {
    hew_conv *op;
    hew_conv_args args;
    conv_layouts l;
    float *in, *weights, *out, *want;
    void *packed, *scratch;
} setup;

static void set_up(setup *s, const hew_conv_desc *d)
{
    rng r = case_rng("arguments");
    s->l = conv_layouts_of(d);
    check_status(hew_conv_create(&s->op, d), HEW_OK);
    s->in = malloc(layout_span(s->l.in) * sizeof(float));
    s->weights = malloc(layout_span(s->l.weights) * sizeof(float));
    s->out = malloc(layout_span(s->l.out) * sizeof(float));
    s->want = malloc(layout_span(s->l.out) * sizeof(float));
    s->packed = hew_alloc(hew_conv_packed_size(s->op) + 64);
    s->scratch = hew_alloc(hew_conv_scratch_size(s->op, 8) + 64);
    fill_f32(&r, s->in, layout_span(s->l.in), FILL_MIXED);
    fill_f32(&r, s->weights, layout_span(s->l.weights), FILL_MIXED);
    poison_f32(s->out, layout_span(s->l.out));
    poison_f32(s->want, layout_span(s->l.out));
    check_status(hew_conv_pack(s->op, s->weights, s->packed), HEW_OK);
    s->args = HEW_CONV_ARGS(.in = s->in, .packed = s->packed, .out = s->out,
                            .scratch = s->scratch);
}

static void tear_down(setup *s)
{
    hew_conv_destroy(s->op);
    free(s->in);
    free(s->weights);
    free(s->out);
    free(s->want);
    hew_free(s->packed);
    hew_free(s->scratch);
}

static void check_out(const setup *s, const float *out)
{
    check_bits("out", s->want, out, s->l.out, NAN_BITS);
}

/* Runs with the wrong arguments: refused, and the output is the poison that it was. */
static void refuse(const setup *s, hew_conv_args wrong, const char *text)
{
    check_refused(hew_conv_run(s->op, &wrong), HEW_ERR_INVALID, text);
    check_out(s, s->out);
}

#define REFUSE(text, field, value)                                                                 \
    do {                                                                                           \
        hew_conv_args wrong = s.args;                                                              \
        wrong.field = (value);                                                                     \
        refuse(&s, wrong, text);                                                                   \
    } while (0)
#define SHIFTED(p, bytes) ((void *)((char *)(p) + (bytes)))

static void bad_arguments_of(const hew_conv_desc *d)
{
    setup s;
    set_up(&s, d);
    const hew_threads no_callback = {.count = 2};
    hew_threads no_count = *reversed_of(4);
    no_count.count = 0;
    REFUSE("7", size, 7);
    REFUSE("in is null", in, NULL);
    REFUSE("out is null", out, NULL);
    REFUSE("null", packed, NULL);
    REFUSE("align", in, SHIFTED(s.in, 2));
    REFUSE("align", out, SHIFTED(s.out, 3));
    REFUSE("align", scale, SHIFTED(s.in, 2));
    REFUSE("align", bias, SHIFTED(s.in, 2));
    REFUSE("align", residual, SHIFTED(s.in, 1));
    REFUSE("align", packed, SHIFTED(s.packed, 4));
    REFUSE("align", packed, SHIFTED(s.packed, 32));
    REFUSE("parallel_for", threads, &no_callback);
    REFUSE("count", threads, &no_count);
    if (hew_conv_scratch_size(s.op, 1) > 0) {
        REFUSE("scratch", scratch, NULL);
        REFUSE("scratch", scratch, SHIFTED(s.scratch, 16));
    }
    check_refused(hew_conv_run(NULL, &s.args), HEW_ERR_INVALID, "null");
    check_refused(hew_conv_run(s.op, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_conv_pack(NULL, s.weights, s.packed), HEW_ERR_INVALID, "null");
    check_refused(hew_conv_pack(s.op, NULL, s.packed), HEW_ERR_INVALID, "null");
    check_refused(hew_conv_pack(s.op, s.weights, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_conv_pack(s.op, s.weights, SHIFTED(s.packed, 32)), HEW_ERR_INVALID, "align");
    check_refused(hew_conv_pack(s.op, SHIFTED(s.weights, 1), s.packed), HEW_ERR_INVALID, "align");
    check_status(hew_conv_run(s.op, &s.args), HEW_OK);
    tear_down(&s);
}

static const hew_conv_desc plane = D(.pad_lo = {1, 1}, .pad_hi = {1, 1});
static const hew_conv_desc depthwise = {SIZE, .in = {5, 6}, .in_c = 9, .out_c = 9, .groups = 9,
                                        .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}};

static void bad_arguments(void)
{
    bad_arguments_of(&plane);
    bad_arguments_of(&depthwise);
}

static void wrong_packed(void)
{
    setup s, other;
    hew_conv_desc d = plane;
    d.kernel[0] = 2;
    set_up(&other, &d);
    set_up(&s, &plane);
    REFUSE("packed", packed, other.packed);
    memset(other.packed, 0, 64);
    REFUSE("packed", packed, other.packed);
    tear_down(&s);
    tear_down(&other);
}

/* An empty batch needs no tensors. */
static void empty(void)
{
    setup s;
    hew_conv_desc d = plane;
    set_up(&s, &d);
    tear_down(&s);
    d.batch = -1;
    set_up(&s, &d);
    s.args.in = s.args.out = NULL;
    check_status(hew_conv_run(s.op, &s.args), HEW_OK);
    tear_down(&s);
}

/* The kernel that an operation names is one of this rung's. */
static void kernel_name(void)
{
    const hew_conv_desc *const ds[] = {&plane, &depthwise};
    for (int i = 0; i < 2; i++) {
        case_rng("operation %d", i);
        hew_conv *op;
        check_status(hew_conv_create(&op, ds[i]), HEW_OK);
        check_kernel(hew_conv_kernel(op));
        hew_conv_destroy(op);
    }
}

int main(void)
{
    static const test tests[] = {
        {"bad_descriptors", bad_descriptors}, {"out_shape", out_shape},
        {"bad_arguments", bad_arguments}, {"wrong_packed", wrong_packed},
        {"empty", empty}, {"kernel_name", kernel_name},
    };
    return run_on_rungs("conv_api", HEW_FAMILY_gemm_f32, TESTS(tests));
}
