/* chain: one operation or several, over tensors of any shape and type: bit for bit what the
 * definition says, on any number of threads, and nothing else touched. */
#include "strided.h"

#include <math.h>
#include <string.h>

#ifdef HEW_SANITIZED
enum { MORE = 1 };
#else
enum { MORE = 3 };
#endif
enum { MOST_TENSORS = 12, POINTS = 6000 };

typedef struct chain_case {
    hew_chain_desc d;
    strided tensor[MOST_TENSORS]; /* out, in, operands */
    int tensors;
} chain_case;

static const hew_type types[] = {HEW_F32, HEW_BF16, HEW_F16, HEW_S8, HEW_U8};

static hew_type some_type(rng *r)
{
    return rng_chance(r, 2) ? HEW_F32 : types[rng_between(r, 0, 4)];
}

/* Elements that aren't noise: of any bytes, most are huge or tiny. */
static void fill_tensor(rng *r, strided *s, fill kind)
{
    const size_t n = (size_t)s->elements;
    if (s->t.type == HEW_F32)
        fill_f32(r, s->memory.data, n, kind);
    else if (s->t.type == HEW_BF16)
        fill_bf16(r, s->memory.data, n, kind);
}

static hew_operand some_operand(rng *r, hew_tensor t)
{
    hew_operand o = {.tensor = t};
    if (t.type == HEW_S8 || t.type == HEW_U8) {
        o.scale = rng_chance(r, 3) ? 0.0f : (float)rng_between(r, 1, 60) / 16;
        o.zero = (int32_t)rng_between(r, t.type == HEW_S8 ? -128 : 0, t.type == HEW_S8 ? 127 : 255);
    }
    return o;
}

/* A tensor that broadcasts to the shape. */
static hew_tensor narrower(rng *r, hew_tensor shape)
{
    hew_tensor t = shape;
    const int drop = rng_chance(r, 3) ? (int)rng_between(r, 0, t.rank) : 0;
    t.rank -= drop;
    for (int j = 0; j < t.rank; j++)
        t.extent[j] = rng_chance(r, 4) ? 1 : shape.extent[j + drop];
    t.type = some_type(r);
    return any_strides(r, t, 2);
}

static hew_tensor some_shape(rng *r)
{
    hew_tensor shape = {.rank = (int)rng_between(r, 0, 4)};
    int64_t left = POINTS;
    for (int j = shape.rank - 1; j >= 0; j--) {
        const int64_t most = rng_chance(r, 3) ? 1500 : rng_chance(r, 2) ? 40 : 5;
        shape.extent[j] = rng_between(r, rng_chance(r, 30) ? 0 : 1, most > left ? left : most);
        left /= shape.extent[j] > 0 ? shape.extent[j] : 1;
        left = left > 0 ? left : 1;
    }
    return shape;
}

static hew_act some_act(rng *r)
{
    hew_act act = {.kind = (hew_act_kind)rng_between(r, 0, HEW_ACT_COUNT - 1)};
    if (rng_chance(r, 2)) {
        act.alpha = rng_f32(r);
        act.beta = act.alpha + 1 + rng_f32(r);
    }
    return act;
}

static void add_tensor(chain_case *g, rng *r, hew_operand *o, hew_tensor t, fill kind)
{
    *o = some_operand(r, t);
    strided *const s = &g->tensor[g->tensors];
    *s = strided_new(r, t, (placement)rng_between(r, 0, 1));
    fill_tensor(r, s, kind);
    g->tensors++;
}

static void add_step(chain_case *g, rng *r, hew_chain_step step, fill kind)
{
    const int count = hew_step_operands(step.kind);
    const hew_tensor shape = g->d.out.tensor;
    if (step.kind >= HEW_STEP_ADD && step.kind <= HEW_STEP_GE)
        step.swap = rng_chance(r, 3);
    if (count > 0)
        add_tensor(g, r, &step.b, narrower(r, shape), kind);
    if (count > 1)
        add_tensor(g, r, &step.c, narrower(r, shape), kind);
    g->d.step[g->d.steps++] = step;
}

static hew_status run(const chain_case *g, void *out, const hew_threads *threads)
{
    const void *operands[MOST_TENSORS];
    for (int t = 2; t < g->tensors; t++)
        operands[t - 2] = g->tensor[t].data == g->tensor[0].data ? out : g->tensor[t].data;
    const void *in = g->tensor[1].data == g->tensor[0].data ? out : g->tensor[1].data;
    return hew_chain(&g->d, in, operands, out, threads);
}

/* in_place: that tensor, of the output's type, is the output; 0: none. */
static void check_case(chain_case *g, rng *r, int in_place)
{
    strided before = strided_copy(&g->tensor[0], AT_BACK);
    if (in_place)
        g->tensor[in_place].data = g->tensor[0].data;
    strided want = strided_copy(&before, AT_BACK);
    use_ref();
    check_status(run(g, want.data, NULL), HEW_OK);
    use_test_rung();
    static const size_t counts[] = {0, 2, 3, 8};
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !rng_chance(r, 4))
            continue;
        strided got = strided_copy(&before, (placement)(i % 2));
        const hew_threads *threads = counts[i] ? pool_of(counts[i]) : NULL;
        state_save();
        const hew_status status = run(g, got.data, threads);
        state_check();
        no_threads();
        check_status(status, HEW_OK);
        check_strided("out", &want, &got);
        strided_free(&got);
    }
    strided_free(&before);
    strided_free(&want);
    for (int t = 0; t < g->tensors; t++)
        strided_free(&g->tensor[t]);
}

static const fill fills[] = {FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_NANS, FILL_DENORMALS,
                             FILL_ZEROS};

static chain_case begin(rng *r, hew_tensor shape, fill kind)
{
    chain_case g = {.d = HEW_CHAIN_DESC(.steps = 0)};
    shape.type = some_type(r);
    add_tensor(&g, r, &g.d.out, any_strides(r, shape, 2), kind);
    add_tensor(&g, r, &g.d.in, narrower(r, g.d.out.tensor), kind);
    return g;
}

/* Each kind alone, and each derivative. */
static void kinds(void)
{
    for (int kind = 0; kind < HEW_STEP_COUNT; kind++)
        for (int i = 0; i < 24 * MORE; i++) {
            rng r = case_rng("kind %d, %d", kind, i);
            const fill f = fills[i % 6];
            chain_case g = begin(&r, some_shape(&r), f);
            add_step(&g, &r, (hew_chain_step){.kind = (hew_step_kind)kind, .act = some_act(&r)}, f);
            check_case(&g, &r, 0);
        }
}

static bool from_output(hew_act_kind kind)
{
    const unsigned kinds = 1u << HEW_ACT_NONE | 1u << HEW_ACT_RELU | 1u << HEW_ACT_LEAKY_RELU |
                           1u << HEW_ACT_CLIP | 1u << HEW_ACT_ELU | 1u << HEW_ACT_SIGMOID |
                           1u << HEW_ACT_TANH | 1u << HEW_ACT_HARDSIGMOID | 1u << HEW_ACT_SQRT |
                           1u << HEW_ACT_RSQRT | 1u << HEW_ACT_EXP | 1u << HEW_ACT_EXPM1 |
                           1u << HEW_ACT_LINEAR;
    return kinds >> kind & 1;
}

static void derivatives(void)
{
    for (int kind = 0; kind < HEW_ACT_COUNT; kind++)
        for (int i = 0; i < 12 * MORE; i++) {
            rng r = case_rng("activation %d, %d", kind, i);
            const fill f = fills[i % 6];
            chain_case g = begin(&r, some_shape(&r), f);
            hew_chain_step step = {.kind = HEW_STEP_BACKWARD, .act = some_act(&r)};
            step.act.kind = (hew_act_kind)kind;
            step.act.alpha = fabsf(step.act.alpha);
            step.act.beta = step.act.alpha + 1;
            step.from_output = i % 2 && from_output(step.act.kind);
            add_step(&g, &r, step, f);
            check_case(&g, &r, 0);
        }
}

static void chains(void)
{
    for (int i = 0; i < 300 * MORE; i++) {
        rng r = case_rng("chain %d", i);
        const fill f = fills[i % 4];
        chain_case g = begin(&r, some_shape(&r), f);
        const int steps = (int)rng_between(&r, 0, HEW_MAX_STEPS);
        while (g.d.steps < steps && g.tensors <= 10) {
            hew_chain_step step = {.act = some_act(&r)};
            if (rng_chance(&r, 2))
                step.kind = (hew_step_kind)rng_between(&r, 0, HEW_STEP_SLOPE_BACKWARD);
            add_step(&g, &r, step, f);
        }
        check_case(&g, &r, 0);
    }
}

static void in_place(void)
{
    for (int i = 0; i < 80 * MORE; i++) {
        rng r = case_rng("in place %d", i);
        hew_tensor shape = some_shape(&r);
        shape.type = some_type(&r);
        shape = any_strides(&r, shape, 2);
        chain_case g = {.d = HEW_CHAIN_DESC(.steps = 0)};
        add_tensor(&g, &r, &g.d.out, shape, FILL_MIXED);
        add_tensor(&g, &r, &g.d.in, i % 2 ? shape : narrower(&r, shape), FILL_MIXED);
        add_step(&g, &r, (hew_chain_step){.act = some_act(&r)}, FILL_MIXED);
        add_step(&g, &r, (hew_chain_step){.kind = HEW_STEP_SUB}, FILL_MIXED);
        if (i % 2 == 0) { /* the operand */
            g.d.step[1].b = some_operand(&r, g.tensor[0].t);
            strided_free(&g.tensor[2]);
            g.tensor[2] = strided_new(&r, g.tensor[0].t, AT_BACK);
        }
        check_case(&g, &r, i % 2 ? 1 : 2);
    }
}

/* Past every block and task. */
static void large(void)
{
    static const int64_t extents[][3] = {{1, 1, 200001}, {3, 70003, 1}, {70000, 1, 3},
                                         {1000, 3, 65},  {40, 513, 9},  {2, 1023, 100}};
    for (int i = 0; i < 12; i++) {
        rng r = case_rng("large %d", i);
        hew_tensor shape = {.type = i % 2 ? HEW_F32 : HEW_BF16, .rank = 3};
        memcpy(shape.extent, extents[i / 2], sizeof extents[0]);
        chain_case g = {.d = HEW_CHAIN_DESC(.steps = 0)};
        add_tensor(&g, &r, &g.d.out, shape, FILL_MIXED);
        add_tensor(&g, &r, &g.d.in, shape, FILL_MIXED);
        if (i % 3)
            add_step(&g, &r, (hew_chain_step){.act.kind = HEW_ACT_RELU}, FILL_MIXED);
        add_step(&g, &r, (hew_chain_step){.kind = HEW_STEP_MUL}, FILL_MIXED);
        check_case(&g, &r, 0);
    }
}

/* Past the caches: an output of 16 MB and some. */
static void past_the_caches(void)
{
    for (int i = 0; i < 4 && MORE > 1; i++) {
        rng r = case_rng("%d", i);
        const int64_t n = i % 2 ? (8 << 20) + 77 : (4 << 20) + 77;
        const hew_tensor shape = {.type = i % 2 ? HEW_F16 : HEW_F32, .rank = 1, .extent = {n}};
        hew_tensor one = shape;
        one.extent[0] = 1;
        chain_case g = {.d = HEW_CHAIN_DESC(.steps = 0)};
        add_tensor(&g, &r, &g.d.out, shape, FILL_MIXED);
        add_tensor(&g, &r, &g.d.in, shape, FILL_MIXED);
        if (i < 2)
            add_step(&g, &r, (hew_chain_step){.act.kind = HEW_ACT_RELU}, FILL_MIXED);
        g.d.step[g.d.steps] = (hew_chain_step){.kind = HEW_STEP_MAX};
        add_tensor(&g, &r, &g.d.step[g.d.steps++].b, one, FILL_MIXED);
        check_case(&g, &r, 0);
    }
}

int main(void)
{
    static const test tests[] = {{"past_the_caches", past_the_caches},
                                 {"kinds", kinds},
                                 {"derivatives", derivatives},
                                 {"chains", chains},
                                 {"in_place", in_place},
                                 {"large", large}};
    return run_on_rungs("chain", HEW_FAMILY_chain, TESTS(tests));
}
