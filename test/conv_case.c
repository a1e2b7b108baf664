#include "conv_case.h"
#include "quant_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------ operands ---- */

static int64_t or_one(int64_t x) { return x ? x : 1; }

/* Written from the header's formula, not from the library's. */
static int64_t out_extent(const hew_conv_desc *d, int i)
{
    const int64_t reach = or_one(d->dilation[i]) * (d->kernel[i] - 1) + 1;
    return (d->in[i] + d->pad_lo[i] + d->pad_hi[i] - reach) / or_one(d->stride[i]) + 1;
}

static layout tensor(int64_t batch, int64_t pixels, int64_t stride, int64_t channels)
{
    return (layout){batch, pixels * stride, pixels, stride, channels};
}

conv_layouts conv_layouts_of(const hew_conv_desc *d)
{
    const int64_t batch = d->batch < 0 ? 0 : or_one(d->batch);
    const int64_t out_stride = d->out_stride ? d->out_stride : d->out_c;
    int64_t in = 1, out = 1, taps = 1;
    for (int i = 0; i < 3 && d->kernel[i]; i++) {
        in *= d->in[i];
        out *= out_extent(d, i);
        taps *= d->kernel[i];
    }
    const int64_t filter = d->in_c / or_one(d->groups) * taps;
    conv_layouts l;
    l.in = tensor(batch, in, d->in_stride ? d->in_stride : d->in_c, d->in_c);
    l.weights = layout_of(d->out_c, filter, filter);
    l.out = tensor(batch, out, out_stride, d->out_c);
    l.r = tensor(batch, out, d->residual_stride ? d->residual_stride : out_stride, d->out_c);
    return l;
}

static operands make_operands(const conv_case *g, rng *r)
{
    const conv_layouts l = conv_layouts_of(&g->d);
    const layout row = layout_of(1, g->d.out_c, g->d.out_c);
    operands o;
    o.of[OPERAND_A] = operand_new(r, true, g->d.in_type, l.in, g->in);
    o.of[OPERAND_B] = operand_new(r, true, g->d.weight_type, l.weights, g->weights);
    o.of[SCALE] = operand_new(r, g->scale, HEW_F32, row, g->rest);
    o.of[BIAS] = operand_new(r, g->bias, HEW_F32, row, g->rest);
    o.of[BIAS_S32] = operand_new(r, g->bias_s32, HEW_S32, row, FILL_MIXED);
    o.of[ZEROS] = operand_new(r, g->zeros, g->d.weight_type, row, FILL_MIXED);
    o.of[ADDEND] = operand_new(r, g->residual == RESIDUAL, g->d.residual_type, l.r, g->rest);
    o.of[OPERAND_C] = operand_new(r, true, g->d.out_type, l.out,
                                  g->residual == RESIDUAL_IN_PLACE ? g->rest : FILL_POISON);
    operands_keep(&o);
    return o;
}

/* ---------------------------------------------------------------------------------- runs ---- */

/* Everything but the memory of its own that a run needs. */
static hew_conv_args args_of(const conv_case *g, void *const p[OPERANDS])
{
    return HEW_CONV_ARGS(
            .in = p[OPERAND_A], .scale = p[SCALE], .bias = p[BIAS], .out = p[OPERAND_C],
            .residual = g->residual == RESIDUAL_IN_PLACE ? p[OPERAND_C] : p[ADDEND],
            .bias_s32 = p[BIAS_S32], .weight_zero = p[ZEROS], .in_zero = g->in_zero,
            .out_zero = g->out_zero, .residual_zero = g->residual_zero,
            .out_scale = g->out_scale, .residual_scale = g->residual_scale);
}

/* What is wanted, straight from the definition. */
static void compute_want(const conv_case *g, operands *o)
{
    void *p[OPERANDS];
    for (int i = 0; i < OPERANDS; i++)
        p[i] = i == OPERAND_C ? o->want : o->of[i].p;
    hew_conv *op;
    use_ref();
    check_status(hew_conv_create(&op, &g->d), HEW_OK);
    void *packed = hew_alloc(hew_conv_packed_size(op));
    check_status(hew_conv_pack(op, p[OPERAND_B], packed), HEW_OK);
    void *scratch = hew_alloc(hew_conv_scratch_size(op, 1));
    hew_conv_args args = args_of(g, p);
    args.packed = packed;
    args.scratch = scratch;
    check_status(hew_conv_run(op, &args), HEW_OK);
    hew_free(scratch);
    hew_free(packed);
    hew_conv_destroy(op);
    use_test_rung();
}

static void run_placed(const conv_case *g, const hew_conv *op, const operands *o,
                       const hew_threads *threads, placement where)
{
    buffer b[OPERANDS];
    operands_place(o, b, where);
    buffer packed = buffer_of_nans(hew_conv_packed_size(op), where);
    buffer scratch =
        buffer_of_nans(hew_conv_scratch_size(op, threads ? threads->count : 1), where);
    void *p[OPERANDS];
    for (int i = 0; i < OPERANDS; i++)
        p[i] = b[i].data;
    state_save();
    hew_status status = hew_conv_pack(op, p[OPERAND_B], packed.data);
    state_check();
    check_status(status, HEW_OK);
    hew_conv_args args = args_of(g, p);
    args.packed = packed.data;
    args.scratch = scratch.data;
    args.threads = threads;
    state_save();
    status = hew_conv_run(op, &args);
    state_check();
    check_status(status, HEW_OK);
    operands_check(o, b, g->nans);
    buffer_free(&packed);
    buffer_free(&scratch);
}

/* In benchdnn's letters where it has one: ic, ih, kh, sh, dh (here 1 = dense), ph. */
static const char *describe(const conv_case *g, char *text, size_t size)
{
    static const char *const residuals[] = {"", " residual", " residual=out"};
    const hew_conv_desc *d = &g->d;
    int n = snprintf(text, size, "g%" PRId64 "mb%" PRId64 "ic%" PRId64 "oc%" PRId64, d->groups,
                     d->batch, d->in_c, d->out_c);
    for (int i = 0; i < 3 && d->kernel[i]; i++)
        n += snprintf(text + n, size - (size_t)n,
                      "_i%" PRId64 "k%" PRId64 "s%" PRId64 "d%" PRId64 "p%" PRId64 ",%" PRId64,
                      d->in[i], d->kernel[i], or_one(d->stride[i]), or_one(d->dilation[i]),
                      d->pad_lo[i], d->pad_hi[i]);
    if (d->in_type != HEW_F32)
        n += snprintf(text + n, size - (size_t)n,
                      " types %d %d -> %d, residual %d zeros %d %d %d%s%s scales %g %g",
                      (int)d->in_type, (int)d->weight_type, (int)d->out_type,
                      (int)d->residual_type, g->in_zero, g->out_zero, g->residual_zero,
                      g->zeros ? " weights'" : "", g->bias_s32 ? " bias" : "",
                      (double)g->out_scale, (double)g->residual_scale);
    snprintf(text + n, size - (size_t)n,
             " strides %" PRId64 ",%" PRId64 ",%" PRId64 " act %d%s%s%s fills %d,%d,%d",
             d->in_stride, d->out_stride, d->residual_stride, (int)d->act.kind,
             g->scale ? " scale" : "", g->bias ? " bias" : "",
             residuals[g->residual], (int)g->in, (int)g->weights, (int)g->rest);
    return text;
}

void quantise_case(conv_case *g, rng *r, hew_type out)
{
    int64_t products = g->d.in_c / (g->d.groups ? g->d.groups : 1);
    for (int i = 0; i < 3 && g->d.kernel[i]; i++)
        products *= g->d.kernel[i];
    g->d.out_type = out;
    g->bias_s32 = rng_chance(r, 2);
    g->zeros = rng_chance(r, 4);
    g->in_zero = some_zero(r, g->d.in_type);
    if (out == HEW_S32)
        return;
    g->out_zero = some_zero(r, out);
    g->out_scale = some_scale(r, products);
    g->scale = rng_chance(r, 2);
    g->bias = rng_chance(r, 2);
    g->d.act.kind = rng_chance(r, 2) ? (hew_act_kind)rng_between(r, 0, HEW_ACT_COUNT - 1) : 0;
    g->residual = rng_chance(r, 3) ? RESIDUAL : NO_RESIDUAL;
    g->d.residual_type = rng_chance(r, 3) ? HEW_F32 : some_byte_type(r);
    if (rng_chance(r, 4) && out != HEW_BF16) {
        g->residual = RESIDUAL_IN_PLACE;
        g->d.residual_type = out;
    }
    g->residual_zero = some_zero(r, g->d.residual_type);
    g->residual_scale = rng_chance(r, 2) ? 0.0f : 3.5f;
}

void check_conv(const conv_case *g)
{
    static const size_t counts[] = {1, 2, 3, 8};
    char text[600];
    rng r = case_rng("%s", describe(g, text, sizeof text));
    const conv_layouts l = conv_layouts_of(&g->d);
    if (!g->always &&
        !takes_case(&r, l.out.outer * l.out.rows * l.weights.rows * l.weights.columns))
        return;
    operands o = make_operands(g, &r);
    compute_want(g, &o);
    hew_conv *op;
    check_status(hew_conv_create(&op, &g->d), HEW_OK);
    for (int where = 0; where < PLACEMENTS; where++)
        run_placed(g, op, &o, no_threads(), (placement)where);
    for (size_t i = 0; g->threads && i < sizeof counts / sizeof counts[0]; i++) {
        run_placed(g, op, &o, pool_of(counts[i]), AT_BACK);
        run_placed(g, op, &o, reversed_of(counts[i]), AT_FRONT);
    }
    no_threads();
    hew_conv_destroy(op);
    operands_free(&o);
}
