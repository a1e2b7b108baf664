#include "pooling_case.h"

#include <stdlib.h>
#include <string.h>

/* Pixels and, behind them, floats of one side of a run. */
static layout side(int64_t pixels, int64_t channels, int64_t stride)
{
    return layout_of(pixels, stride ? stride : channels, channels);
}

static int64_t pixels_of(const hew_pooling_desc *d, const int64_t extents[3])
{
    int64_t n = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    for (int i = 0; i < 3; i++)
        n *= extents[i] ? extents[i] : 1;
    return n;
}

size_t pooling_elements(const hew_pooling_desc *d)
{
    return layout_span(pooling_in_side(d));
}

size_t pooling_bytes(const hew_pooling_desc *d)
{
    return d->type == HEW_F32 ? sizeof(float) : d->type == HEW_BF16 ? 2 : 1;
}

layout pooling_out_side(const hew_pooling_desc *d)
{
    int64_t extents[3];
    check_status(hew_pooling_out_shape(d, extents), HEW_OK);
    return side(pixels_of(d, extents), d->channels, d->out_stride);
}

layout pooling_in_side(const hew_pooling_desc *d)
{
    return side(pixels_of(d, d->in), d->channels, d->in_stride);
}

void *pooling_fill(const hew_pooling_desc *d, rng *r, size_t n, fill kind)
{
    void *p = malloc(n * pooling_bytes(d) + 1);
    if (!p)
        fail_case("out of memory");
    if (d->type == HEW_F32)
        fill_f32(r, p, n, kind);
    else if (d->type == HEW_BF16)
        fill_bf16(r, p, n, kind);
    else
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)p)[i] = (uint8_t)rng_next(r);
    return p;
}

static void define(const hew_pooling_desc *d, const void *in, void *out)
{
    if (d->kind == HEW_POOLING_LP)
        hew_pooling_lp_ref(d, in, out);
    else if (d->type == HEW_F32)
        hew_pooling_f32_ref(d, in, out);
    else if (d->type == HEW_BF16)
        hew_pooling_bf16_ref(d, in, out);
    else
        (d->type == HEW_U8 ? hew_pooling_u8_ref : hew_pooling_s8_ref)(d, in, out);
}

bool check_pooling_of(const hew_pooling_desc *d, rng *r, const void *in,
                      const hew_threads *threads)
{
    int64_t out_extents[3];
    if (hew_pooling_out_shape(d, out_extents) != HEW_OK)
        return false;
    const size_t width = pooling_bytes(d);
    const placement where = (placement)rng_chance(r, 2);
    const layout out_side = pooling_out_side(d);
    buffer source = buffer_copy(in, pooling_elements(d) * width, width, where);
    buffer out = buffer_new(layout_span(out_side) * width, width, where);
    if (d->type == HEW_F32)
        poison_f32(out.data, out.bytes / sizeof(float));
    else
        memset(out.data, 0xa5, out.bytes);
    buffer want = buffer_copy(out.data, out.bytes, width, where);
    define(d, source.data, want.data);
    state_save();
    const hew_status status = hew_pooling(d, source.data, out.data, threads);
    state_check();
    check_status(status, HEW_OK);
    check_elements("out", d->type, want.data, out.data, out_side);
    if (memcmp(in, source.data, source.bytes) != 0)
        fail_case("the input was written to");
    buffer_free(&source);
    buffer_free(&out);
    buffer_free(&want);
    return true;
}

bool check_pooling(const hew_pooling_desc *d, rng *r, fill kind, const hew_threads *threads)
{
    int64_t out_extents[3];
    if (hew_pooling_out_shape(d, out_extents) != HEW_OK)
        return false;
    void *in = pooling_fill(d, r, pooling_elements(d), kind);
    check_pooling_of(d, r, in, threads);
    free(in);
    return true;
}

hew_pooling_desc random_pooling(rng *r)
{
    const int rank = (int)rng_between(r, 1, 3);
    hew_pooling_desc d = HEW_POOLING_DESC(
        .kind = (hew_pooling_kind)rng_between(r, 0, 2), .batch = rng_between(r, 0, 2),
        .channels = rng_between(r, 1, rng_chance(r, 2) ? 20 : 300),
        .global = rng_chance(r, 8), .ceil_mode = rng_chance(r, 2));
    const bool adaptive = !d.global && rng_chance(r, 6);
    for (int i = 0; i < rank; i++) {
        d.in[i] = rng_between(r, 1, rank == 3 ? 6 : 13);
        if (adaptive)
            d.adaptive[i] = rng_between(r, 1, 7);
        if (d.global || adaptive)
            continue;
        d.kernel[i] = rng_between(r, 1, 4);
        d.stride[i] = rng_between(r, 0, 3);
        d.dilation[i] = rng_chance(r, 3) ? 2 : 0;
        d.pad_lo[i] = rng_between(r, 0, 2);
        d.pad_hi[i] = rng_between(r, 0, 2);
    }
    if (rng_chance(r, 2))
        d.in_stride = d.channels + rng_between(r, 0, 5);
    if (rng_chance(r, 2))
        d.out_stride = d.channels + rng_between(r, 0, 5);
    return d;
}
