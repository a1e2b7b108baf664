/*
 * bf16.c - the sums of bf16: gemm_bf16 and conv_bf16.
 *
 *     sum = block sums, added in order, of words of two products each           src/core/reduce.h
 *     v = fma(sum, alpha * scale[j], bias[j] + 0), plus the residual times its scale
 *     C = act(v), rounded to nearest if bf16
 *
 * In a block the second product of a word is added before the first, as VDPBF16PS does; where k (or
 * the channels of a tap) ends in half a word, its second product is 0 * 0.
 *
 * With hew_ref_amx it is the order of TDPBF16PS instead: kernels_amx.h.
 */
#include "conv.h"
#include "gemm.h"
#include "ref/ref.h"

float hew_ref_bf16_fma(uint16_t a, uint16_t b, float sum)
{
    const double product = (double)hew_ref_float(a) * (double)hew_ref_float(b), s = (double)sum;
    double total = product + s;
    /* Knuth's two-sum: `rest` is what the addition lost. */
    const double part = total - product, rest = (product - (total - part)) + (s - part);
    uint64_t bits;
    memcpy(&bits, &total, sizeof bits);
    if ((rest < 0 || rest > 0) && (bits & 1) == 0) { /* at infinities it is a NaN */
        bits += (rest > 0) == (total > 0) ? 1 : (uint64_t)-1;
        memcpy(&total, &bits, sizeof bits);
    }
    return (float)total;
}

/* Adds the words of k elements, a_step and b_step apart, to a chain: words [begin, end). */
typedef struct words {
    const uint16_t *a, *b;
    int64_t a_step, b_step, k;
} words;

static float chain(const words *w, int64_t begin, int64_t end, float sum)
{
    for (int64_t word = begin; word < end; word++)
        for (int64_t kk = 2 * word + 1; kk >= 2 * word; kk--)
            sum = kk < w->k ? hew_ref_bf16_fma(w->a[kk * w->a_step], w->b[kk * w->b_step], sum)
                            : hew_ref_bf16_fma(0, 0, sum);
    return sum;
}

static int64_t at_most(int64_t x, int64_t limit) { return x < limit ? x : limit; }

bool hew_ref_amx;

/* The same in AMX's order and chunks. */
static float chunks(const words *w, int64_t begin, int64_t end, int64_t chunk, float sum)
{
    for (int64_t start = begin; start < end; start += chunk) {
        float half[2] = {0.0f, 0.0f};
        for (int64_t word = start; word < at_most(start + chunk, end); word++)
            for (int64_t i = 0; i < 2; i++) {
                const int64_t kk = 2 * word + i;
                half[i] = kk < w->k ? hew_ref_bf16_fma(w->a[kk * w->a_step], w->b[kk * w->b_step],
                                                       half[i])
                                    : hew_ref_bf16_fma(0, 0, half[i]);
            }
        sum = sum + (half[0] + half[1]);
    }
    return sum;
}

static float dot(const words *w)
{
    const int64_t count = (w->k + 1) / 2;
    if (hew_ref_amx)
        return chunks(w, 0, count, (int64_t)hew_amx_cut_of((size_t)count).chunk, 0.0f);
    const int64_t block = (int64_t)hew_reduction_of(1, 1, (size_t)count).block_channels;
    float total = 0.0f;
    for (int64_t start = 0; start < count; start += block) {
        const float sum = chain(w, start, at_most(start + block, count), 0.0f);
        total = start == 0 ? sum : total + sum;
    }
    return total;
}

void hew_gemm_bf16_ref(const hew_gemm *op, const hew_gemm_args *args)
{
    const hew_gemm_desc *d = &op->d;
    const hew_quant quant = hew_gemm_quant(op, args, NULL);
    const hew_ref_result result = {&quant, args->scale, args->bias, d->alpha, 1, 1, d->act};
    const uint16_t *packed = d->b_packed ? (uint16_t *)hew_gemm_packed_panels(op, args->packed_b)
                                         : NULL;
    for (int64_t member = 0; member < d->batch; member++)
        for (int64_t i = 0; i < d->m; i++)
            for (int64_t j = 0; j < d->n; j++) {
                words w = {.k = d->k};
                w.a_step = d->transpose_a ? d->lda : 1;
                w.a = (const uint16_t *)args->a + member * d->stride_a +
                      i * (d->transpose_a ? 1 : d->lda);
                w.b_step = packed ? d->n : d->transpose_b ? 1 : d->ldb;
                w.b = packed ? packed + j
                             : (const uint16_t *)args->b + member * d->stride_b +
                                   j * (d->transpose_b ? d->ldb : 1);
                hew_ref_store_f32(&result, dot(&w), j, args->residual,
                                  member * d->stride_r + i * d->ldr + j, args->c,
                                  member * d->stride_c + i * d->ldc + j);
            }
}

/* One output element's sum. */
typedef struct window {
    const hew_conv *op;
    const uint16_t *in; /* the batch member's first channel of the group */
    const uint16_t *w;  /* the output channel's weights */
    int64_t origin[3];
} window;

/* The input's channels under a tap, or null in the padding. */
static const uint16_t *under(const window *v, int64_t row, int64_t tap)
{
    const hew_conv_desc *d = &v->op->d;
    const int64_t t[3] = {row / d->kernel[1], row % d->kernel[1], tap};
    int64_t pixel = 0;
    for (int i = 0; i < 3; i++) {
        const int64_t at = v->origin[i] + t[i] * d->dilation[i];
        if (at < 0 || at >= d->in[i])
            return NULL;
        pixel = pixel * d->in[i] + at;
    }
    return v->in + pixel * d->in_stride;
}

/* Words [begin, end) of a tap's channels; a tap in the padding adds nothing. */
static float add_tap(const window *v, int64_t row, int64_t tap, int64_t begin, int64_t end,
                     float sum)
{
    const hew_conv_desc *d = &v->op->d;
    const uint16_t *in = under(v, row, tap);
    if (!in)
        return sum;
    const int64_t taps = d->kernel[0] * d->kernel[1] * d->kernel[2];
    const words w = {.a = in, .a_step = 1, .b = v->w + row * d->kernel[2] + tap, .b_step = taps,
                     .k = (int64_t)v->op->group_in};
    return chain(&w, begin, end, sum);
}

/* In AMX's order a step has the elements of one tap, or of all of them side by side. */
static float convolve_amx(const window *v)
{
    const hew_conv_desc *d = &v->op->d;
    const int64_t taps = d->kernel[0] * d->kernel[1] * d->kernel[2];
    const int64_t channels = (int64_t)v->op->group_in;
    const bool together = hew_amx_windows((size_t)taps, (size_t)channels, 2);
    const int64_t k = together ? taps * channels : channels;
    const int64_t chunk = 2 * (int64_t)hew_amx_cut_of((size_t)(k + 1) / 2).chunk;
    float sum = 0.0f;
    for (int64_t step = 0; step < taps * channels; step += k)
        for (int64_t start = 0; start < k; start += chunk) {
            float half[2] = {0.0f, 0.0f};
            for (int64_t kk = start; kk < at_most(start + chunk, k); kk++) {
                const int64_t t = (step + kk) / channels, c = (step + kk) % channels;
                const uint16_t *in = under(v, t / d->kernel[2], t % d->kernel[2]);
                if (in)
                    half[kk % 2] = hew_ref_bf16_fma(in[c], v->w[c * taps + t], half[kk % 2]);
            }
            sum = sum + (half[0] + half[1]);
        }
    return sum;
}

static float convolve(const window *v)
{
    const hew_conv_desc *d = &v->op->d;
    if (hew_ref_amx && !hew_conv_is_depthwise(d))
        return convolve_amx(v);
    const int64_t rows = d->kernel[0] * d->kernel[1], taps = d->kernel[2];
    const int64_t count = ((int64_t)v->op->group_in + 1) / 2;
    const hew_reduction cut = hew_reduction_of((size_t)rows, (size_t)taps, (size_t)count);
    const int64_t row_step = (int64_t)cut.block_rows, tap_step = (int64_t)cut.block_taps;
    const int64_t step = (int64_t)cut.block_channels;
    float total = 0.0f;
    for (int64_t r0 = 0; r0 < rows; r0 += row_step)
        for (int64_t t0 = 0; t0 < taps; t0 += tap_step)
            for (int64_t c0 = 0; c0 < count; c0 += step) {
                float sum = 0.0f;
                for (int64_t r = r0; r < at_most(r0 + row_step, rows); r++)
                    for (int64_t t = t0; t < at_most(t0 + tap_step, taps); t++)
                        sum = add_tap(v, r, t, c0, at_most(c0 + step, count), sum);
                total = r0 == 0 && t0 == 0 && c0 == 0 ? sum : total + sum;
            }
    return total;
}

void hew_conv_bf16_ref(const hew_conv *op, const hew_conv_args *args)
{
    const hew_conv_desc *d = &op->d;
    const hew_quant quant = hew_conv_quant(op, args, NULL);
    const hew_ref_result result = {&quant, args->scale, args->bias, 1, 1, 1, d->act};
    const int64_t pixels = op->out[0] * op->out[1] * op->out[2], in_c = (int64_t)op->group_in;
    const int64_t filter = in_c * d->kernel[0] * d->kernel[1] * d->kernel[2];
    const uint16_t *weights = (const uint16_t *)hew_conv_packed_panels(op, args->packed);
    for (int64_t p = 0; p < d->batch * pixels; p++) {
        const int64_t o[3] = {p % pixels / (op->out[1] * op->out[2]), p / op->out[2] % op->out[1],
                              p % op->out[2]};
        window v = {.op = op};
        for (int i = 0; i < 3; i++)
            v.origin[i] = o[i] * d->stride[i] - d->pad_lo[i];
        for (int64_t oc = 0; oc < d->out_c; oc++) {
            v.in = (const uint16_t *)args->in +
                   p / pixels * d->in[0] * d->in[1] * d->in[2] * d->in_stride +
                   oc / (int64_t)op->group_out * in_c;
            v.w = weights + oc * filter;
            hew_ref_store_f32(&result, convolve(&v), oc, args->residual,
                              p * d->residual_stride + oc, args->out, p * d->out_stride + oc);
        }
    }
}
