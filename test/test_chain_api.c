/* Operations that are chains: what they compute, point by point, and what they refuse. */
#include "harness.h"

#include <math.h>
#include <string.h>

static float nan_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static hew_operand floats(int64_t n)
{
    return HEW_OPERAND(.tensor = {.type = HEW_F32, .rank = 1, .extent = {n}});
}

/* The corners that tell one kind from another. */
static void pairs(void)
{
    const float nan = nan_of(0x7fc00000), one_nan = nan_of(0x7fc12345), other = nan_of(0xffc54321);
    const struct {
        hew_step_kind kind;
        float a, b, c;
    } points[] = {
        {HEW_STEP_ADD, 1.5f, 2, 3.5f},        {HEW_STEP_ADD, one_nan, other, one_nan},
        {HEW_STEP_ADD, 1, other, other},      {HEW_STEP_SUB, 1, 3, -2},
        {HEW_STEP_MUL, -0.0f, 3, -0.0f},      {HEW_STEP_MUL, other, one_nan, other},
        {HEW_STEP_DIV, 1, -0.0f, -INFINITY},  {HEW_STEP_MIN, 1, one_nan, one_nan},
        {HEW_STEP_MIN, one_nan, 1, one_nan},  {HEW_STEP_MIN, 2, 1, 1},
        {HEW_STEP_MIN, 0.0f, -0.0f, -0.0f},   {HEW_STEP_MAX, -0.0f, 0.0f, 0.0f},
        {HEW_STEP_MAX, other, one_nan, other}, {HEW_STEP_MAX, -INFINITY, -1, -1},
        {HEW_STEP_POW, 2, -1, 0.5f},          {HEW_STEP_POW, -2, 3, -8},
        {HEW_STEP_POW, one_nan, 0, 1},        {HEW_STEP_POW, 1, one_nan, 1},
        {HEW_STEP_POW, -1, INFINITY, 1},      {HEW_STEP_POW, -8, 1.0f / 3, nan},
        {HEW_STEP_POW, 0.5f, -INFINITY, INFINITY}, {HEW_STEP_POW, -INFINITY, -3, -0.0f},
        {HEW_STEP_EQ, 0.0f, -0.0f, 1},        {HEW_STEP_EQ, nan, nan, 0},
        {HEW_STEP_NE, nan, nan, 1},           {HEW_STEP_NE, 1, 1, 0},
        {HEW_STEP_LT, 1, 2, 1},               {HEW_STEP_LT, 2, 2, 0},
        {HEW_STEP_LE, 2, 2, 1},               {HEW_STEP_LE, 2, nan, 0},
        {HEW_STEP_GT, 2, 1, 1},               {HEW_STEP_GT, 2, 2, 0},
        {HEW_STEP_GE, 2, 2, 1},               {HEW_STEP_GE, nan, 2, 0},
        {HEW_STEP_PRELU, -2, 0.25f, -0.5f},   {HEW_STEP_PRELU, 2, 0.25f, 2},
        {HEW_STEP_PRELU, -0.0f, 3, -0.0f},
    };
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        case_rng("kind %d of %g and %g", (int)points[i].kind, (double)points[i].a,
                 (double)points[i].b);
        float c = 7;
        const hew_pairwise_desc d = HEW_PAIRWISE_DESC(.kind = points[i].kind, .a = floats(1),
                                                      .b = floats(1), .c = floats(1));
        check_status(hew_pairwise(&d, &points[i].a, &points[i].b, &c, NULL), HEW_OK);
        check_bits("c", &points[i].c, &c, layout_of(1, 1, 1), NAN_BITS);
    }
}

/* dx = dy act'(x), against the difference quotient, from both sides. */
static void slopes(void)
{
    for (int kind = 0; kind < HEW_ACT_COUNT; kind++)
        for (int i = 0; i < 40; i++) {
            const hew_act act = {.kind = (hew_act_kind)kind,
                                 .alpha = kind == HEW_ACT_CLIP ? -1.5f : 0.7f, .beta = 1.3f};
            const float h = 0x1p-9f, x = 0.055f + (float)(i - 20) * 0.11f;
            const bool positive = kind == HEW_ACT_SQRT || kind == HEW_ACT_RSQRT ||
                                  kind == HEW_ACT_LOG || kind == HEW_ACT_LOG1P ||
                                  kind == HEW_ACT_POW;
            if (kind == HEW_ACT_ROUND || (positive && x < 0.2f))
                continue;
            case_rng("activation %d at %g", kind, (double)x);
            const float in[3] = {x - h, x, x + h}, dy = 3;
            float y[3], dx[2];
            const hew_elementwise_desc d =
                HEW_ELEMENTWISE_DESC(.act = act, .in = floats(3), .out = floats(3));
            check_status(hew_elementwise(&d, in, y, NULL), HEW_OK);
            hew_elementwise_backward_desc b = HEW_ELEMENTWISE_BACKWARD_DESC(
                .act = act, .x = floats(1).tensor, .dy = floats(1).tensor,
                .dx = floats(1).tensor);
            check_status(hew_elementwise_backward(&b, &in[1], &dy, &dx[0], NULL), HEW_OK);
            b.from_output = true;
            dx[1] = dx[0];
            const hew_status s = hew_elementwise_backward(&b, &y[1], &dy, &dx[1], NULL);
            if (s != HEW_OK)
                check_status(s, HEW_ERR_UNSUPPORTED);
            const double quotient = 3 * ((double)y[2] - (double)y[0]) / (2 * (double)h);
            for (int k = 0; k < 2; k++)
                if (!(fabs((double)dx[k] - quotient) <= 4e-3 * (1 + fabs(quotient))))
                    fail_case("the derivative is %g, %s, but the quotient %g", (double)dx[k],
                              k ? "from the output" : "from the input", quotient);
        }
}

/* (1 + |x|) under x, Where with bools, a row added and a sum of bytes. */
static void composed(void)
{
    float x[6] = {-3, -1, 0, 0.5f, 1, 4}, y[6];
    const hew_operand o = floats(6);
    case_rng("softsign");
    hew_chain_desc d = HEW_CHAIN_DESC(.in = o, .out = o, .steps = 3);
    d.step[0].act.kind = HEW_ACT_ABS;
    d.step[1].act = (hew_act){HEW_ACT_LINEAR, 1, 1};
    d.step[2] = (hew_chain_step){.kind = HEW_STEP_DIV, .swap = true, .b = o};
    check_status(hew_chain(&d, x, (const void *const[]){x}, y, NULL), HEW_OK);
    for (int i = 0; i < 6; i++)
        if (y[i] != x[i] / (1 + fabsf(x[i])))
            fail_case("element %d is %g", i, (double)y[i]);
    case_rng("select");
    const uint8_t which[6] = {0, 1, 0, 255, 0, 1};
    const float zero = 0;
    hew_select_desc s = HEW_SELECT_DESC(.condition = o, .a = o, .out = o);
    s.condition.tensor.type = HEW_U8;
    check_status(hew_select(&s, which, x, &zero, y, NULL), HEW_OK);
    for (int i = 0; i < 6; i++)
        if (y[i] != (which[i] ? x[i] : 0))
            fail_case("element %d is %g", i, (double)y[i]);
    case_rng("bytes");
    hew_pairwise_desc p = HEW_PAIRWISE_DESC(.kind = HEW_STEP_MUL, .a = o, .b = o, .c = o);
    p.a = HEW_OPERAND(.tensor = o.tensor, .scale = 0.5f, .zero = 3);
    p.a.tensor.type = HEW_U8;
    p.c = HEW_OPERAND(.tensor = o.tensor, .scale = 0.25f, .zero = -2);
    p.c.tensor.type = HEW_S8;
    int8_t q[6];
    check_status(hew_pairwise(&p, which, x, q, NULL), HEW_OK);
    const int8_t want[6] = {16, 2, -2, 127, -8, -18};
    for (int i = 0; i < 6; i++)
        if (q[i] != want[i])
            fail_case("element %d is %d, not %d", i, q[i], want[i]);
}

/* ------------------------------------------------------------------------------ refusals ---- */

static float memory[8];

static void refuse_chain(hew_chain_desc d, hew_status status, const char *text)
{
    const void *const operands[10] = {memory, memory, memory, memory, memory,
                                      memory, memory, memory, memory, memory};
    float out[8];
    memset(out, 0x55, sizeof out);
    case_rng("%s", text);
    check_refused(hew_chain(&d, memory, operands, out, NULL), status, text);
    for (int i = 0; i < 8; i++)
        if (memcmp(&out[i], "UUUU", 4) != 0)
            fail_case("a refusal has written");
}

static void refusals(void)
{
    const hew_operand o = floats(6);
    hew_chain_desc d = HEW_CHAIN_DESC(.in = o, .out = o, .steps = 1);
    d.step[0] = (hew_chain_step){.kind = HEW_STEP_ADD, .b = o};
    hew_chain_desc e = d;
    e.size--;
    refuse_chain(e, HEW_ERR_INVALID, "descriptor size");
    e = d, e.steps = 9;
    refuse_chain(e, HEW_ERR_INVALID, "9 steps");
    e = d, e.steps = -1;
    refuse_chain(e, HEW_ERR_INVALID, "-1 steps");
    e = d, e.step[0].kind = HEW_STEP_COUNT;
    refuse_chain(e, HEW_ERR_INVALID, "kind 19");
    e = d, e.step[0].kind = HEW_STEP_SELECT, e.step[0].c = o, e.step[0].swap = true;
    refuse_chain(e, HEW_ERR_INVALID, "can't be swapped");
    e = d, e.step[0].b.tensor.extent[0] = 5;
    refuse_chain(e, HEW_ERR_INVALID, "operand 0 has 5 elements");
    e = d, e.step[0].b.tensor.rank = 2;
    refuse_chain(e, HEW_ERR_INVALID, "rank 2");
    e = d, e.in.tensor.type = HEW_S32;
    refuse_chain(e, HEW_ERR_UNSUPPORTED, "s32");
    e = d, e.in.scale = 2;
    refuse_chain(e, HEW_ERR_INVALID, "scale of 2");
    e = d, e.out.zero = 1;
    refuse_chain(e, HEW_ERR_INVALID, "zero of 1");
    e = d, e.in.tensor.type = HEW_U8, e.in.zero = 256;
    refuse_chain(e, HEW_ERR_INVALID, "256");
    e = d, e.in.tensor.type = HEW_S8, e.in.scale = NAN;
    refuse_chain(e, HEW_ERR_INVALID, "nan");
    e = d, e.out.tensor.rank = 2, e.out.tensor.extent[1] = 6, e.out.tensor.stride[1] = 1;
    refuse_chain(e, HEW_ERR_INVALID, "stride of 0");
    e = d, e.step[0] = (hew_chain_step){.act = {HEW_ACT_CLIP, 2, 1}};
    refuse_chain(e, HEW_ERR_INVALID, "alpha <= beta");
    e = d, e.step[0].kind = HEW_STEP_BACKWARD, e.step[0].from_output = true;
    e.step[0].act.kind = HEW_ACT_SILU;
    refuse_chain(e, HEW_ERR_UNSUPPORTED, "output");
    e = d, e.steps = 6;
    for (int i = 0; i < 6; i++)
        e.step[i] = (hew_chain_step){.kind = HEW_STEP_SELECT, .b = o, .c = o};
    refuse_chain(e, HEW_ERR_UNSUPPORTED, "more than 10 operands");

    case_rng("null and aliases");
    float out[13];
    check_refused(hew_chain(NULL, memory, NULL, out, NULL), HEW_ERR_INVALID, "desc is null");
    check_refused(hew_chain(&d, memory, NULL, out, NULL), HEW_ERR_INVALID, "operands is null");
    const void *none = NULL;
    check_refused(hew_chain(&d, memory, &none, out, NULL), HEW_ERR_INVALID, "operand 0 is null");
    check_refused(hew_chain(&d, NULL, &none, out, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_chain(&d, memory, &none, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_chain(&d, (char *)memory + 1, &none, out, NULL), HEW_ERR_INVALID, "aligned");
    e = d, e.out.tensor.stride[0] = 2;
    check_refused(hew_chain(&e, out, (const void *const[]){memory}, out, NULL), HEW_ERR_INVALID,
                  "out is in");
    hew_pairwise_desc p = HEW_PAIRWISE_DESC(.kind = HEW_STEP_SELECT, .a = o, .b = o, .c = o);
    check_refused(hew_pairwise(&p, memory, memory, out, NULL), HEW_ERR_INVALID, "kind 15");
    hew_elementwise_backward_desc b = HEW_ELEMENTWISE_BACKWARD_DESC(.x = o.tensor, .dy = o.tensor,
                                                                    .dx = o.tensor);
    b.dy.type = HEW_U8;
    check_refused(hew_elementwise_backward(&b, memory, memory, out, NULL), HEW_ERR_UNSUPPORTED,
                  "dy has type 4 (u8)");
}

int main(void)
{
    static const test tests[] = {{"pairs", pairs},       {"slopes", slopes},
                                 {"composed", composed}, {"refusals", refusals}};
    return run_on_rungs("chain_api", HEW_FAMILY_chain, TESTS(tests));
}
