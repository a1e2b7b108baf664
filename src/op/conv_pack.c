/*
 * conv_pack.c - packing the weights of a convolution.
 *
 *     | header | sums of the columns (integers) | group 0: panel 0 | panel 1 | ... | group 1 | ...
 */
#include "conv.h"

#include <string.h>

/* Panel `p` of a group of f32: row tap * channels + c, columns out channels.  w: the group's. */
static void pack_floats(const hew_conv *op, const hew_panel *p, const float *w, float *out)
{
    const size_t taps = op->reduction.rows * op->reduction.taps, channels = op->group_in;
    const size_t nr = (size_t)p->kernel->nr;
    if (taps == 1) {
        hew_pack_panel(p, channels, w, channels, true, op->transpose, out);
        return;
    }
    memset(out, 0, taps * channels * nr * sizeof(float));
    for (size_t j = 0; j < (size_t)p->n; j++)
        for (size_t c = 0; c < channels; c++)
            for (size_t t = 0; t < taps; t++)
                out[(t * channels + c) * nr + j] = w[((p->column + j) * channels + c) * taps + t];
}

/*
 * The same of bytes: a step's words hold a tap's channels, or those of a row of taps.  So tap t
 * begins at element (t % step_taps) * channels of its step.
 */
static void pack_bytes(const hew_conv *op, const hew_panel *p, const uint8_t *w, char *out,
                       int32_t *sums)
{
    const hew_reduction *r = &op->reduction;
    const size_t channels = op->group_in, nr = (size_t)p->kernel->nr;
    const size_t taps = (size_t)(op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2]);
    const size_t step_taps = taps / (r->rows * r->taps), step_bytes = r->channels * nr * HEW_WORD;
    const uint8_t flip = op->format.b_unsigned ? 0x80 : 0;
    memset(out, 0, r->rows * r->taps * step_bytes);
    memset(sums, 0, nr * sizeof *sums);
    for (size_t j = 0; j < (size_t)p->n; j++)
        for (size_t c = 0; c < channels; c++)
            for (size_t t = 0; t < taps; t++) {
                const uint8_t byte = w[((p->column + j) * channels + c) * taps + t];
                const int8_t value = (int8_t)(byte ^ flip);
                hew_pack_put(out + t / step_taps * step_bytes, nr, op->depth,
                             t % step_taps * channels + c, j, value);
                sums[j] += value;
            }
}

/* The same of bf16. */
static void pack_halves(const hew_conv *op, const hew_panel *p, const uint16_t *w, uint16_t *out)
{
    const hew_reduction *r = &op->reduction;
    const size_t channels = op->group_in, nr = (size_t)p->kernel->nr;
    const size_t taps = (size_t)(op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2]);
    const size_t step_taps = taps / (r->rows * r->taps), step = r->channels * nr;
    memset(out, 0, r->rows * r->taps * step * HEW_WORD);
    for (size_t j = 0; j < (size_t)p->n; j++)
        for (size_t c = 0; c < channels; c++)
            for (size_t t = 0; t < taps; t++) {
                const size_t k = t % step_taps * channels + c;
                out[(t / step_taps * step + k / 2 * nr + j) * 2 + k % 2] =
                    w[((p->column + j) * channels + c) * taps + t];
            }
}

static void pack_groups(const hew_conv *op, const char *weights, void *packed)
{
    const size_t taps = (size_t)(op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2]);
    const size_t group = op->group_out * op->group_in * taps * op->format.b_size;
    const hew_reduction *r = &op->reduction;
    for (size_t g = 0; g < (size_t)op->d.groups; g++)
        for (size_t i = 0; i < op->panels.count; i++) {
            const hew_panel *p = op->panels.panel + i;
            char *out = hew_conv_packed_panels(op, packed) + g * op->group_bytes +
                        p->offset * r->rows * r->taps * r->channels * HEW_WORD;
            if (op->format.integer)
                pack_bytes(op, p, (const uint8_t *)weights + g * group, out,
                           hew_conv_packed_sums(packed) + g * op->panels.padded_n + p->offset);
            else if (op->format.bf16)
                pack_halves(op, p, (const uint16_t *)(weights + g * group), (uint16_t *)out);
            else
                pack_floats(op, p, (const float *)(weights + g * group), (float *)out);
        }
}

void hew_conv_pack_inner(const hew_conv *op, const void *weights, void *packed)
{
    const hew_conv_desc *d = &op->d;
    const size_t count = (size_t)(d->out_c * d->kernel[0] * d->kernel[1] * d->kernel[2]) *
                         op->group_in;
    const bool nonfinite = op->format.integer ? false
                           : op->format.bf16  ? hew_any_nonfinite_bf16(weights, count)
                                              : hew_any_nonfinite(weights, count);
    hew_pack_header(packed, op->layout, nonfinite);
    if (op->path == HEW_CONV_REF)
        memcpy(hew_conv_packed_panels(op, packed), weights, count * op->format.b_size);
    else if (op->path == HEW_CONV_DEPTHWISE)
        hew_dwconv_pack(op, weights, (float *)hew_conv_packed_panels(op, packed));
    else if (op->path == HEW_CONV_DEPTHWISE_S8)
        hew_dwconv_s8_pack(op, weights, packed);
    else
        pack_groups(op, weights, packed);
}

hew_status hew_conv_pack(const hew_conv *op, const void *weights, void *packed)
{
    if (!op || !weights || !packed)
        return hew_fail(HEW_ERR_INVALID, "hew_conv_pack: %s is null",
                        !op ? "op" : !weights ? "weights" : "packed");
    if ((uintptr_t)packed % HEW_ALIGNMENT || ((uintptr_t)weights & op->format.b_low))
        return hew_fail(HEW_ERR_INVALID,
                        "hew_conv_pack: weights at %p or packed at %p is misaligned", weights,
                        packed);
    if (op->weight_edge.bytes)
        return hew_conv_pack_edge(op, weights, packed);
    hew_conv_pack_inner(op, weights, packed);
    return HEW_OK;
}
