/*
 * The definitions themselves: against sums in double precision, and against chains written out by
 * hand, with the cuts that docs/numerics.md promises as literals.
 */
#include "conv_case.h"
#include "gemm_case.h"
#include "reduce.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static float *new_floats(rng *r, int64_t n, fill kind)
{
    float *p = malloc(((size_t)n + 1) * sizeof *p);
    if (!p)
        fail_case("out of memory");
    fill_f32(r, p, (size_t)n, kind);
    return p;
}

/* ------------------------------------------------------------------------------- the rule -- */

static void block_rule(void)
{
    static const size_t rows[][6] = {
        /* rows, taps, channels -> rows, taps, channels of a block */
        {1, 1, 1, 1, 1, 1},       {1, 1, 512, 1, 1, 512},  {1, 1, 513, 1, 1, 264},
        {1, 1, 1024, 1, 1, 512},  {1, 1, 1025, 1, 1, 344}, {1, 1, 4096, 1, 1, 512},
        {3, 3, 3, 3, 3, 3},       {3, 3, 56, 3, 3, 56},    {3, 3, 57, 2, 3, 57},
        {3, 3, 128, 1, 3, 128},   {3, 3, 256, 1, 2, 256},  {3, 3, 512, 1, 1, 512},
        {3, 3, 513, 1, 1, 264},   {7, 7, 3, 7, 7, 3},      {25, 25, 3, 5, 25, 3},
        {81, 9, 1, 41, 9, 1},     {1, 600, 2, 1, 200, 2},  {9, 3, 64, 2, 3, 64},
    };
    case_rng("table");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t *x = rows[i];
        const hew_reduction r = hew_reduction_of(x[0], x[1], x[2]);
        if (r.block_rows != x[3] || r.block_taps != x[4] || r.block_channels != x[5])
            fail_case("%zu rows of %zu taps of %zu channels are cut to %zu, %zu, %zu", x[0], x[1],
                      x[2], r.block_rows, r.block_taps, r.block_channels);
    }
}

/* Blocks are within the limit, whole, and as many as they must be. */
static void block_limit(void)
{
    rng r = case_rng("random extents");
    for (int i = 0; i < 20000; i++) {
        const size_t rows = (size_t)rng_between(&r, 1, 60), taps = (size_t)rng_between(&r, 1, 60);
        const size_t channels = (size_t)rng_between(&r, 1, rng_chance(&r, 2) ? 3000 : 60);
        const hew_reduction b = hew_reduction_of(rows, taps, channels);
        const size_t size = b.block_rows * b.block_taps * b.block_channels;
        const bool whole = (b.block_channels == channels || b.block_taps == 1) &&
                           (b.block_taps == taps || b.block_rows == 1);
        const bool fits = b.block_rows <= rows && b.block_taps <= taps &&
                          (b.block_channels <= channels || b.block_channels % 8 == 0);
        if (size > HEW_K_BLOCK || !whole || !fits)
            fail_case("%zu rows of %zu taps of %zu channels are cut to %zu, %zu, %zu", rows, taps,
                      channels, b.block_rows, b.block_taps, b.block_channels);
    }
}

/* ----------------------------------------------------------------------------------- GEMM -- */

/* C by the definition; the caller frees it. */
static float *gemm_by_ref(const hew_gemm_desc *d, hew_gemm_args args)
{
    hew_gemm *op;
    float *c = malloc(sizeof *c * (size_t)(d->m * d->n + 1));
    use_ref();
    check_status(hew_gemm_create(&op, d), HEW_OK);
    args.size = sizeof args;
    args.c = c;
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_gemm_destroy(op);
    use_test_rung();
    return c;
}

/* One column times one row, with the cuts as literals. */
static void gemm_chain(int64_t k, const int64_t *cuts)
{
    rng r = case_rng("k %d", (int)k);
    float *a = new_floats(&r, k, FILL_MIXED), *b = new_floats(&r, k, FILL_MIXED);
    float total = 0.0f, sum = 0.0f;
    for (int64_t i = 0, cut = 0; i < k; i++) {
        sum = fmaf(a[i], b[i], sum);
        if (i + 1 < cuts[cut])
            continue;
        total = cut++ == 0 ? sum : total + sum;
        sum = 0.0f;
    }
    float *c = gemm_by_ref(&HEW_GEMM_DESC(.m = 1, .n = 1, .k = k),
                           (hew_gemm_args){.a = a, .b = b});
    check_bits("C", &total, c, layout_of(1, 1, 1), NAN_BITS);
    free(a);
    free(b);
    free(c);
}

static void gemm_chains(void)
{
    gemm_chain(1, (int64_t[]){1});
    gemm_chain(512, (int64_t[]){512});
    gemm_chain(513, (int64_t[]){264, 513});
    gemm_chain(1025, (int64_t[]){344, 688, 1025});
    gemm_chain(2048, (int64_t[]){512, 1024, 1536, 2048});
}

/*
 * A chain of k fused multiply-adds is within k * eps * sum |a b| of the sum (Higham, "Accuracy and
 * stability of numerical algorithms", 3.1; eps half of FLT_EPSILON, blocks only shorten chains).
 * The epilogue's four roundings are relative to what they round.
 */
static void check_near(float got, double want, double k, double sum_of_magnitudes, double tail)
{
    const double eps = FLT_EPSILON / 2, tiny = FLT_TRUE_MIN * (k + 1);
    const double bound = 1.001 * eps * ((k + 4) * sum_of_magnitudes + 4 * tail) + tiny;
    if (!(fabs(got - want) <= bound))
        fail_case("%.9g is %g away from %.17g; the bound is %g", (double)got, fabs(got - want),
                  want, bound);
}

static void gemm_near_double(int64_t m, int64_t n, int64_t k, fill kind)
{
    rng r = case_rng("m %d n %d k %d fill %d", (int)m, (int)n, (int)k, (int)kind);
    float *a = new_floats(&r, m * k, kind), *b = new_floats(&r, k * n, kind);
    float *scale = new_floats(&r, n, kind), *bias = new_floats(&r, n, kind);
    float *residual = new_floats(&r, m * n, kind);
    const hew_gemm_desc d = HEW_GEMM_DESC(.m = m, .n = n, .k = k, .alpha = 1.5f);
    float *c = gemm_by_ref(&d, (hew_gemm_args){.a = a, .b = b, .scale = scale, .bias = bias,
                                               .residual = residual});
    for (int64_t i = 0; i < m * n; i++) {
        const int64_t j = i % n;
        double sum = 0, magnitudes = 0;
        for (int64_t kk = 0; kk < k; kk++) {
            const double product = (double)a[i / n * k + kk] * (double)b[kk * n + j];
            sum += product;
            magnitudes += fabs(product);
        }
        const double factor = 1.5 * (double)scale[j];
        check_near(c[i], factor * sum + (double)bias[j] + (double)residual[i], (double)k,
                   fabs(factor) * magnitudes, fabs((double)bias[j]) + fabs((double)residual[i]));
    }
    free(a);
    free(b);
    free(c);
    free(scale);
    free(bias);
    free(residual);
}

static void gemm_oracle(void)
{
    static const int64_t ks[] = {0, 1, 2, 9, 100, 512, 513, 1025, 5000};
    for (int i = 0; i < 9; i++)
        for (int kind = FILL_MIXED; kind <= FILL_INTS; kind++)
            gemm_near_double(5, 7, ks[i], (fill)kind);
    gemm_near_double(20, 30, 300, FILL_MIXED);
    gemm_near_double(3, 3, 50, FILL_DENORMALS);
}

/* ---------------------------------------------------------------------------- convolution -- */

/* The output by the definition; the caller frees it. */
static float *conv_by_ref(const hew_conv_desc *d, const float *in, const float *weights)
{
    hew_conv *op;
    float *out = malloc(sizeof *out * (layout_span(conv_layouts_of(d).out) + 1));
    use_ref();
    check_status(hew_conv_create(&op, d), HEW_OK);
    void *packed = hew_alloc(hew_conv_packed_size(op));
    check_status(hew_conv_pack(op, weights, packed), HEW_OK);
    check_status(hew_conv_run(op, &HEW_CONV_ARGS(.in = in, .packed = packed, .out = out)), HEW_OK);
    hew_free(packed);
    hew_conv_destroy(op);
    use_test_rung();
    return out;
}

/*
 * One window that is the whole input, so that the sum is over taps, then channels, as they lie in
 * memory; a block ends after every `block` products of a part of `part`.
 */
static void conv_chain(int64_t h, int64_t w, int64_t channels, int64_t part, int64_t block)
{
    rng r = case_rng("%d x %d x %d", (int)h, (int)w, (int)channels);
    const int64_t taps = h * w, count = taps * channels;
    float *in = new_floats(&r, count, FILL_MIXED), *weights = new_floats(&r, count, FILL_MIXED);
    float total = 0.0f, sum = 0.0f;
    bool first = true;
    for (int64_t i = 0; i < count; i++) {
        sum = fmaf(in[i], weights[i % channels * taps + i / channels], sum);
        if ((i + 1) % part % block != 0 && (i + 1) % part != 0)
            continue;
        total = first ? sum : total + sum;
        first = false;
        sum = 0.0f;
    }
    float *out = conv_by_ref(&HEW_CONV_DESC(.in = {h, w}, .kernel = {h, w}, .in_c = channels,
                                            .out_c = 1), in, weights);
    check_bits("out", &total, out, layout_of(1, 1, 1), NAN_BITS);
    free(in);
    free(weights);
    free(out);
}

static void conv_chains(void)
{
    conv_chain(3, 3, 3, 27, 27);
    conv_chain(3, 3, 256, 3 * 256, 2 * 256); /* two taps of a row, then one */
    conv_chain(3, 3, 128, 9 * 128, 3 * 128); /* a row */
    conv_chain(3, 3, 57, 9 * 57, 6 * 57);    /* two rows, then one */
    conv_chain(2, 3, 600, 600, 304);         /* channels of one tap */
    conv_chain(25, 25, 3, 25 * 75, 5 * 75);
    conv_chain(1, 600, 2, 1200, 400);
}

typedef struct sums {
    double sum, magnitudes;
    double products;
} sums;

/* The sum of one output element of a plane, in double. */
static sums window(const hew_conv_desc *d, const float *in, const float *weights, int64_t oh,
                   int64_t ow, int64_t oc)
{
    const int64_t channels = d->in_c / d->groups, first = oc / (d->out_c / d->groups) * channels;
    sums s = {0, 0, 0};
    for (int64_t c = 0; c < channels; c++)
        for (int64_t kh = 0; kh < d->kernel[0]; kh++)
            for (int64_t kw = 0; kw < d->kernel[1]; kw++) {
                const int64_t h = oh * d->stride[0] + kh * d->dilation[0] - d->pad_lo[0];
                const int64_t w = ow * d->stride[1] + kw * d->dilation[1] - d->pad_lo[1];
                if (h < 0 || h >= d->in[0] || w < 0 || w >= d->in[1])
                    continue;
                const int64_t at = ((oc * channels + c) * d->kernel[0] + kh) * d->kernel[1] + kw;
                const double product = (double)in[(h * d->in[1] + w) * d->in_c + first + c] *
                                       (double)weights[at];
                s.sum += product;
                s.magnitudes += fabs(product);
                s.products++;
            }
    return s;
}

static void conv_oracle(void)
{
    static const hew_conv_desc cases[] = {
        {.in = {6, 7}, .kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1,
         .in_c = 5, .out_c = 4, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
        {.in = {9, 8}, .kernel = {2, 5}, .stride = {2, 3}, .dilation = {3, 1}, .groups = 1,
         .in_c = 40, .out_c = 3, .pad_lo = {2, 0}, .pad_hi = {0, 4}},
        {.in = {5, 5}, .kernel = {3, 3}, .stride = {1, 2}, .dilation = {1, 1}, .groups = 3,
         .in_c = 6, .out_c = 12, .pad_lo = {4, 4}, .pad_hi = {4, 4}},
        {.in = {4, 4}, .kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1,
         .in_c = 700, .out_c = 2, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
        {.in = {8, 8}, .kernel = {5, 3}, .stride = {1, 1}, .dilation = {1, 2}, .groups = 7,
         .in_c = 7, .out_c = 14, .pad_lo = {1, 1}, .pad_hi = {0, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rng r = case_rng("case %zu", i);
        hew_conv_desc d = cases[i];
        d.size = sizeof d;
        const conv_layouts l = conv_layouts_of(&d);
        float *in = new_floats(&r, (int64_t)layout_span(l.in), FILL_MIXED);
        float *weights = new_floats(&r, (int64_t)layout_span(l.weights), FILL_MIXED);
        float *out = conv_by_ref(&d, in, weights);
        const int64_t reach = d.dilation[1] * (d.kernel[1] - 1) + 1;
        const int64_t width = (d.in[1] + d.pad_lo[1] + d.pad_hi[1] - reach) / d.stride[1] + 1;
        for (int64_t e = 0; e < l.out.rows * d.out_c; e++) {
            const int64_t pixel = e / d.out_c;
            const sums s = window(&d, in, weights, pixel / width, pixel % width, e % d.out_c);
            check_near(out[e], s.sum, s.products, s.magnitudes, 0);
        }
        free(in);
        free(weights);
        free(out);
    }
}

int main(void)
{
    static const test tests[] = {
        {"block_rule", block_rule}, {"block_limit", block_limit}, {"gemm_chains", gemm_chains},
        {"gemm_oracle", gemm_oracle}, {"conv_chains", conv_chains}, {"conv_oracle", conv_oracle},
    };
    return run_once("reference", TESTS(tests));
}
