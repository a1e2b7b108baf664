/*
 * binary - c = a_factor (a - a_zero) + b_factor (b - b_zero), clamped, rows of f32, u8 and s8:
 * hew_binary_rows in kernels.h.
 *
 * The including file has its narrow.h and bytes.h included first and defines HEW_BINARY, the
 * kernel's name.  C may be A or B: an element is read before it is written, and none is done twice.
 * Tails of rows are masked.
 *
 * Bytes alone: a register of them becomes four of floats and is packed again in the same order,
 * whichever that is, so that bytes don't travel.  Packing saturates, and clamps come last, as
 * bytes: rounding keeps the order of what it rounds.  Bound by some 40 operations a register.
 *
 * Floats among them: types are asked for once in 64 elements, which are widened.
 */
#include <math.h>

#include "kernels_elementwise.h"

/* ------------------------------------------------------------------------ bytes, all three ---- */

typedef struct byte_sum {
    vb_source a, b;
    vb zero, lo, hi; /* C's; zero in words */
} byte_sum;

/* What a float becomes as a byte of C. */
HEW_INLINE vb as_byte(const bool c_signed, float x, vb zero)
{
    const vf v = vf_set(x > 512.0f ? 512.0f : x < -512.0f ? -512.0f : x);
    return vb_from_floats(c_signed, (vb_floats){{v, v, v, v}}, zero);
}

HEW_INLINE vb sum_of_bytes(const byte_sum *s, const bool clamps, const bool c_signed, vb a, vb b)
{
    vb_floats v = vb_to_floats(&s->a, a);
    const vb_floats y = vb_to_floats(&s->b, b);
    HEW_UNROLL for (int i = 0; i < 4; i++)
        v.part[i] = vf_fma(vb_factor(&s->b, i), y.part[i],
                           vf_mul(vb_factor(&s->a, i), v.part[i]));
    const vb q = vb_from_floats(c_signed, v, s->zero);
    if (!clamps)
        return q;
    return c_signed ? vb_min_s8(s->hi, vb_max_s8(s->lo, q))
                    : vb_min_u8(s->hi, vb_max_u8(s->lo, q));
}

HEW_INLINE void sum_byte_rows(const hew_binary_rows *r, const bool clamps, const bool c_signed)
{
    const vb zero = vw_set(r->c_zero);
    const byte_sum s = {vb_source_of(r->a_type == HEW_S8, r->a_zero, r->a_factor),
                        vb_source_of(r->b_type == HEW_S8, r->b_zero, r->b_factor),
                        zero, as_byte(c_signed, r->lo, zero), as_byte(c_signed, r->hi, zero)};
    const size_t whole = r->n / BYTES * BYTES;
    const vb_lanes rest = vb_first(r->n - whole);
    for (size_t i = 0; i < r->rows; i++) {
        const char *const a = (const char *)r->a + i * r->a_stride;
        const char *const b = (const char *)r->b + i * r->b_stride;
        char *const c = (char *)r->c + i * r->c_stride;
        for (size_t j = 0; j < whole; j += BYTES)
            vb_store(c + j, sum_of_bytes(&s, clamps, c_signed, vb_load(a + j), vb_load(b + j)));
        if (whole < r->n)
            vb_store_some(rest, c + whole,
                          sum_of_bytes(&s, clamps, c_signed, vb_load_some(rest, a + whole),
                                       vb_load_some(rest, b + whole)));
    }
}

#define SUM_BYTES(name, clamps, c_signed)                                                          \
    static __attribute__((noinline)) void name(const hew_binary_rows *r)                           \
    {                                                                                              \
        sum_byte_rows(r, clamps, c_signed);                                                        \
    }
SUM_BYTES(sum_u8, false, false)
SUM_BYTES(sum_u8_clamped, true, false)
SUM_BYTES(sum_s8, false, true)
SUM_BYTES(sum_s8_clamped, true, true)

/* ------------------------------------------------------------------ floats among the three ---- */

enum { GROUP = 4 }; /* registers of sixteen floats */

typedef struct group {
    f32x16 v[GROUP];
} group;

/* n <= 16 elements from j on as floats, less the zero point of bytes.  Types are literals, and n is
 * one of 16. */
HEW_INLINE f32x16 floats_of(const hew_type type, size_t n, const char *row, size_t j, i32x16 zero)
{
    if (type == HEW_F32) {
        const float *const p = (const float *)row + j;
        return n == 16 ? x16_load(p) : x16_load_masked(x16_first(n), p, x16_set(0.0f));
    }
    i32x16 x;
    if (type == HEW_U8)
        x = n == 16 ? x16_load_u8(row + j) : x16_load_u8_first(n, row + j);
    else
        x = n == 16 ? x16_load_s8(row + j) : x16_load_s8_first(n, row + j);
    return x16_to_float(x16_sub_int(x, zero));
}

typedef struct operand {
    f32x16 factor;
    i32x16 zero;
} operand;

/* factor * x, or with `sum` that added to it. */
HEW_INLINE void take_type(const hew_type type, const operand *o, const int regs, size_t n,
                          const char *row, size_t j, const bool add, group *sum)
{
    HEW_UNROLL for (int i = 0; i < regs; i++) {
        const f32x16 x = floats_of(type, n, row, j + 16 * (size_t)i, o->zero);
        sum->v[i] = add ? x16_fma(o->factor, x, sum->v[i]) : x16_mul(o->factor, x);
    }
}

HEW_INLINE void take(hew_type type, const operand *o, const int regs, size_t n, const char *row,
                     size_t j, const bool add, group *sum)
{
    if (type == HEW_F32)
        take_type(HEW_F32, o, regs, n, row, j, add, sum);
    else if (type == HEW_U8)
        take_type(HEW_U8, o, regs, n, row, j, add, sum);
    else
        take_type(HEW_S8, o, regs, n, row, j, add, sum);
}

typedef struct mixed_sum {
    operand a, b;
    f32x16 lo, hi; /* for bytes within the type's range less c_zero */
    i32x16 c_zero;
} mixed_sum;

HEW_INLINE void give(const hew_binary_rows *r, const mixed_sum *s, const int regs, size_t n,
                     char *row, size_t j, group *sum)
{
    HEW_UNROLL for (int i = 0; i < regs; i++)
        sum->v[i] = x16_min(s->hi, x16_max(s->lo, sum->v[i]));
    if (r->c_type == HEW_F32) {
        HEW_UNROLL for (int i = 0; i < regs; i++) {
            float *const p = (float *)row + j + 16 * i;
            if (n == 16)
                x16_store(p, sum->v[i]);
            else
                x16_store_masked(x16_first(n), p, sum->v[i]);
        }
        return;
    }
    HEW_UNROLL for (int i = 0; i < regs; i++) {
        /* A NaN stays one, and is -2^31 then, of which the low byte is 0. */
        const i32x16 q = x16_add_int(x16_round(sum->v[i]), s->c_zero);
        if (n == 16)
            x16_store_bytes(row + j + 16 * i, q);
        else
            x16_store_bytes_first(n, row + j, q);
    }
}

HEW_INLINE void sum_some(const hew_binary_rows *r, const mixed_sum *s, const int regs, size_t n,
                         size_t i, size_t j)
{
    group sum;
    take(r->a_type, &s->a, regs, n, (const char *)r->a + i * r->a_stride, j, false, &sum);
    take(r->b_type, &s->b, regs, n, (const char *)r->b + i * r->b_stride, j, true, &sum);
    give(r, s, regs, n, (char *)r->c + i * r->c_stride, j, &sum);
}

/* x within what C's type can hold, less its zero. */
static float within_type(const hew_binary_rows *r, float x)
{
    const float lo = (float)((r->c_type == HEW_S8 ? -128 : 0) - r->c_zero), hi = lo + 255.0f;
    return r->c_type == HEW_F32 ? x : x < lo ? lo : x > hi ? hi : x;
}

static __attribute__((noinline)) void sum_mixed(const hew_binary_rows *r)
{
    const mixed_sum s = {{x16_set(r->a_factor), x16_set_int(r->a_zero)},
                         {x16_set(r->b_factor), x16_set_int(r->b_zero)},
                         x16_set(within_type(r, r->lo)), x16_set(within_type(r, r->hi)),
                         x16_set_int(r->c_zero)};
    for (size_t i = 0; i < r->rows; i++) {
        size_t j = 0;
        for (; j + 16 * GROUP <= r->n; j += 16 * GROUP)
            sum_some(r, &s, GROUP, 16, i, j);
        for (; j < r->n; j += 16)
            sum_some(r, &s, 1, hew_min(16, r->n - j), i, j);
    }
}

/* Floats with factors of 1 and no clamp.  fma(1, b, 1 * a) is a + b. */
static __attribute__((noinline)) void add_floats(const hew_binary_rows *r)
{
    for (size_t i = 0; i < r->rows; i++) {
        const float *const a = (const float *)((const char *)r->a + i * r->a_stride);
        const float *const b = (const float *)((const char *)r->b + i * r->b_stride);
        float *const c = (float *)((char *)r->c + i * r->c_stride);
        size_t j = 0;
        for (; j + 16 * GROUP <= r->n; j += 16 * GROUP)
            HEW_UNROLL for (size_t k = j; k < j + 16 * GROUP; k += 16)
                x16_store(c + k, x16_add(x16_load(a + k), x16_load(b + k)));
        for (; j < r->n; j += 16) {
            const mask16 m = x16_first(r->n - j);
            const f32x16 none = x16_set(0.0f);
            x16_store_masked(m, c + j, x16_add(x16_load_masked(m, a + j, none),
                                               x16_load_masked(m, b + j, none)));
        }
    }
}

/* Products that a register of bytes can take: exact over 256, and sums far below 2^31. */
HEW_INLINE bool is_factor_for_bytes(float factor) { return factor > 0x1p-64f && factor < 0x1p21f; }

void HEW_BINARY(const hew_binary_rows *r)
{
    const bool clamps = r->lo > -INFINITY || r->hi < INFINITY;
    const int floats = (r->a_type == HEW_F32) + (r->b_type == HEW_F32) + (r->c_type == HEW_F32);
    if (floats == 3 && !clamps && r->a_factor == 1.0f && r->b_factor == 1.0f)
        add_floats(r);
    else if (floats > 0 || !is_factor_for_bytes(r->a_factor) || !is_factor_for_bytes(r->b_factor))
        sum_mixed(r);
    else if (r->c_type == HEW_S8)
        (clamps ? sum_s8_clamped : sum_s8)(r);
    else
        (clamps ? sum_u8_clamped : sum_u8)(r);
}
