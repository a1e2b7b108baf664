/*
 * order - running sums of lines side by side, and keys by which elements are ordered:
 * kernels_order.h.
 *
 * The including file has its narrow.h included first and defines HEW_CUMSUM_KERNEL and
 * HEW_TOPK_KEYS_KERNEL, the kernels' names.
 *
 * A running sum is a chain: sixteen lines in a register hide some of an addition's latency, one
 * line alone none of it.
 */
#include "kernels_order.h"
#include "typed.h"

/* Up to sixteen lines. */
HEW_INLINE void sum_lines(const hew_type type, const hew_cumsum_lines *l, size_t j, size_t width)
{
    const char *in = (const char *)l->in + (type == HEW_S32 ? 4 * j : j * x16_type_bytes(type));
    char *out = (char *)l->out + (in - (const char *)l->in);
    const f32x16 zero = x16_set(0.0f);
    const hew_type load = type == HEW_S32 ? HEW_F32 : type;
    f32x16 sum = zero;
    for (size_t i = 0; i < l->n; i++, in += l->in_step, out += l->out_step) {
        const f32x16 x = width == 16 ? x16_load_type(load, in)
                                     : x16_load_type_first(load, width, in, zero);
        const f32x16 with = type == HEW_S32
                                ? x16_from_bits(x16_add_int(x16_bits(sum), x16_bits(x)))
                                : x16_add(sum, x);
        const f32x16 y = l->exclusive ? sum : with;
        sum = with;
        if (width == 16)
            x16_store_type(load, out, y);
        else
            x16_store_type_first(load, width, out, y);
    }
}

/* One line of elements of 32 bits: no masks. */
HEW_INLINE void sum_line(const hew_cumsum_lines *l)
{
    const char *in = l->in;
    char *out = l->out;
    float sum = 0.0f;
    uint32_t sum_int = 0;
    for (size_t i = 0; i < l->n; i++, in += l->in_step, out += l->out_step)
        if (l->type == HEW_F32) {
            const float with = sum + *(const float *)in;
            *(float *)out = l->exclusive ? sum : with;
            sum = with;
        } else {
            const uint32_t with = sum_int + *(const uint32_t *)in;
            *(uint32_t *)out = l->exclusive ? sum_int : with;
            sum_int = with;
        }
}

HEW_INLINE void sum_all(const hew_type type, const hew_cumsum_lines *l)
{
    size_t j = 0;
    for (; j + 16 <= l->width; j += 16)
        sum_lines(type, l, j, 16);
    if (j < l->width)
        sum_lines(type, l, j, l->width - j);
}

void HEW_CUMSUM_KERNEL(const hew_cumsum_lines *lines)
{
    const bool words = lines->type == HEW_F32 || lines->type == HEW_S32;
    if (lines->width == 1 && words)
        sum_line(lines);
    else if (lines->type == HEW_F32)
        sum_all(HEW_F32, lines);
    else if (lines->type == HEW_S32)
        sum_all(HEW_S32, lines);
    else
        sum_all(lines->type, lines);
}

/* The order of signed integers: floats' magnitudes turned round where they are negative, -0 made +0
 * and NaN the largest. */
HEW_INLINE i32x16 order_of(f32x16 x)
{
    const f32x16 y = x16_add(x, x16_set(0.0f));
    const i32x16 bits = x16_bits(y);
    const i32x16 flip = x16_and_int(x16_shift_down(bits, 31), x16_set_int(INT32_MAX));
    const f32x16 key = x16_from_bits(x16_xor_int(bits, flip));
    return x16_bits(x16_select(x16_unordered(x, x), x16_from_bits(x16_set_int(INT32_MAX)), key));
}

HEW_INLINE i32x16 order_at(const hew_type type, size_t n, const char *in, size_t j)
{
    if (type == HEW_S8)
        return n == 16 ? x16_load_s8(in + j) : x16_load_s8_first(n, in + j);
    if (type == HEW_U8)
        return n == 16 ? x16_load_u8(in + j) : x16_load_u8_first(n, in + j);
    if (type == HEW_S32)
        return x16_load_int_first(n, (const int32_t *)in + j);
    const void *const p = x16_at(type, in, j);
    return order_of(n == 16 ? x16_load_type(type, p)
                            : x16_load_type_first(type, n, p, x16_set(0.0f)));
}

void HEW_TOPK_KEYS_KERNEL(hew_type type, bool smallest, size_t n, const void *in, uint32_t *key)
{
    /* Signed becomes unsigned; the smallest have the largest complement. */
    const i32x16 flip = x16_set_int(smallest ? INT32_MAX : INT32_MIN);
    for (size_t j = 0; j < n; j += 16) {
        const size_t here = hew_min(n - j, 16);
        const i32x16 order = order_at(type, here, in, j);
        x16_store_masked(x16_first(here), (float *)(key + j),
                         x16_from_bits(x16_xor_int(order, flip)));
    }
}
