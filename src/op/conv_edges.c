/*
 * conv_edges.c - convolutions of types that are converted first: edges.h.
 */
#include "conv.h"

/* Pixels of `stride` elements; false where a copy doesn't fit. */
static bool edge_of(hew_edge *e, hew_type type, hew_type inner, bool rounds, int64_t pixels,
                    int64_t *stride, int64_t channels, uintptr_t *low)
{
    int64_t all = 0;
    if (!hew_edge_of(e, type, inner, rounds, 1, &all, pixels, stride, channels))
        return false;
    if (e->bytes > 0)
        *low = hew_type_size(type) - 1;
    return true;
}

/*
 * A sum over the taps of one channel has a product in each word, so that floats have its bits:
 * kernels of f32, on floats that are bf16s, in hew_bf16_mode.  Kernels that load and store bf16
 * leave only the weights to be floats; activations beyond a clamp come before bf16 is rounded to.
 */
static bool widens(hew_conv *op, hew_type in_type)
{
    hew_conv_desc *d = &op->d;
    hew_epilogue e;
    size_t count;
    op->bf16_mode = op->format.bf16;
    if (!op->format.bf16 || !hew_conv_is_depthwise(d) ||
        hew_kernels(op->format.gemm, &count)->isa == HEW_ISA_REF)
        return false;
    op->format.bf16 = false;
    d->weight_type = HEW_F32;
    if (in_type != HEW_BF16 ||
        (d->out_type == HEW_BF16 && hew_epilogue_act(&e, d->act).kind != HEW_ACT_NONE))
        d->in_type = d->out_type = d->residual_type = HEW_F32;
    return true;
}

/*
 * Whether bf16's input and weights get a channel more, of zeros: odd ones leave half a word behind
 * each tap, and with it every tap a step of its own, where a row of taps could be one.  The bits
 * stay, since the other half counts as zero anyway.
 */
static bool pads_channels(const hew_conv *op, const hew_conv_desc *callers)
{
    enum { MOST = 15 }; /* more gain less */
    const hew_conv_desc *d = &op->d;
    size_t count, amx;
    if (!op->format.bf16 || callers->in_type != HEW_BF16 || callers->weight_type != HEW_BF16)
        return false;
    hew_kernels(hew_format_amx(&op->format), &amx);
    return amx == 0 && hew_kernels(op->format.gemm, &count)->isa != HEW_ISA_REF &&
           d->groups == 1 && d->in_c % 2 == 1 && d->in_c <= MOST && d->kernel[2] > 1 &&
           d->dilation[2] == 1;
}

hew_status hew_conv_plan_edges(hew_conv *op, const hew_conv_desc *callers)
{
    hew_conv_desc *d = &op->d;
    hew_format *f = &op->format;
    const int64_t *out = op->out, *taps = d->kernel;
    const int64_t in = d->batch * d->in[0] * d->in[1] * d->in[2];
    const int64_t pixels = d->batch * out[0] * out[1] * out[2];
    int64_t filter = d->in_c / d->groups * taps[0] * taps[1] * taps[2];
    const bool rounds = widens(op, callers->in_type);
    if (!edge_of(&op->in_edge, callers->in_type, d->in_type, rounds, in, &d->in_stride,
                 d->in_c, &f->a_low) ||
        !edge_of(&op->weight_edge, callers->weight_type, d->weight_type, rounds, d->out_c,
                 &filter, filter, &f->b_low) ||
        !edge_of(&op->residual_edge, callers->residual_type, d->residual_type, false, pixels,
                 &d->residual_stride, d->out_c, &f->residual_low) ||
        !edge_of(&op->out_edge, callers->out_type, d->out_type, false, pixels, &d->out_stride,
                 d->out_c, &f->c_low))
        return hew_fail(HEW_ERR_OVERFLOW, "conv: copies of tensors, %lld input pixels and %lld "
                        "output pixels, are too large", (long long)in, (long long)pixels);
    if (pads_channels(op, callers)) {
        if (!hew_edge_pad(&op->in_edge, in, &d->in_stride, d->in_c, 1) ||
            !hew_edge_pad(&op->weight_edge, d->out_c, &filter, filter,
                          taps[0] * taps[1] * taps[2]))
            return hew_fail(HEW_ERR_OVERFLOW, "conv: a copy of %lld input pixels is too large",
                            (long long)in);
        d->in_c++;
    }
    op->edge_bytes = op->in_edge.bytes + op->residual_edge.bytes + op->out_edge.bytes;
    return HEW_OK;
}

hew_status hew_conv_pack_edge(const hew_conv *op, const void *weights, void *packed)
{
    void *copy = hew_malloc(op->weight_edge.bytes);
    if (!copy)
        return hew_fail(HEW_ERR_NO_MEMORY, "hew_conv_pack: no memory for a copy of the weights, "
                        "%zu bytes", op->weight_edge.bytes);
    hew_edge_in(&op->weight_edge, weights, copy, NULL);
    hew_conv_pack_inner(op, copy, packed);
    hew_mfree(copy);
    return HEW_OK;
}

hew_status hew_conv_run_edges(const hew_conv *op, const hew_conv_args *args)
{
    hew_conv_args inner = *args;
    char *scratch = args->scratch;
    hew_status s = HEW_OK;
    inner.in = hew_edge_take(&s, &op->in_edge, args->in, &scratch, args->threads);
    inner.residual =
        hew_edge_take(&s, &op->residual_edge, args->residual, &scratch, args->threads);
    if (op->out_edge.bytes)
        inner.out = hew_take(&scratch, op->out_edge.bytes);
    inner.scratch = scratch;
    if (s == HEW_OK)
        s = hew_conv_run_inner(op, &inner);
    if (s == HEW_OK && op->out_edge.bytes)
        s = hew_edge_out(&op->out_edge, inner.out, args->out, args->threads);
    return s;
}
