/*
 * quantize_f32 - y = saturate(round(v) + zero), v = x * inverse or x / scale; or bf16 or f16 of x.
 *
 * The including file has its narrow.h included first and defines HEW_QUANTIZE_F32, the kernel's
 * name.
 *
 * v is clamped, as a float, to the type's range less zero, before it is rounded: the ends are
 * integers, so that neither clamp nor addition rounds, and nothing overflows.  Tails of rows are
 * masked.  Rows without gaps are one long row.  Bound by memory out of the cache; in it by the
 * division, ten cycles for sixteen elements, or by some ten operations without one.
 */
#include "kernels_rows.h"
#include "typed.h"

/* What becomes x's factor. */
enum { TIMES_INVERSE, OVER_SCALE, OVER_SCALES };

/* Of a register's columns. */
typedef struct quantizer {
    f32x16 factor, lo, hi;
    i32x16 zero;
} quantizer;

HEW_INLINE quantizer quantizer_of(float lo, float hi, f32x16 factor, i32x16 zero)
{
    const f32x16 shift = x16_to_float(zero);
    return (quantizer){factor, x16_sub(x16_set(lo), shift), x16_sub(x16_set(hi), shift), zero};
}

/* The low byte of each lane is the result.  A NaN passes both clamps and becomes the integer
 * 0x80000000, whose low byte is that of 0. */
HEW_INLINE i32x16 quantize(const int how, quantizer q, f32x16 x)
{
    f32x16 v = how == TIMES_INVERSE ? x16_mul(x, q.factor) : x16_div(x, q.factor);
    v = x16_min(q.hi, x16_max(q.lo, v));
    return x16_add_int(x16_round(v), q.zero);
}

HEW_INLINE void quantize_rows(const int how, const hew_quantize_rows *r)
{
    const float lo = r->type == HEW_S8 ? -128.0f : 0.0f;
    const float hi = r->type == HEW_S8 ? 127.0f : 255.0f;
    const size_t whole = r->n / 16 * 16, rest = r->n - whole;
    const mask16 tail = x16_first(rest);
    const f32x16 one = x16_set(1.0f);
    quantizer q = quantizer_of(lo, hi, x16_set(how == TIMES_INVERSE ? r->inverse : r->scale),
                               x16_set_int(r->zero));
    for (size_t i = 0; i < r->rows; i++) {
        const float *const x = (const float *)((const char *)r->x + i * r->x_stride);
        char *const y = (char *)r->y + i * r->y_stride;
        for (size_t j = 0; j < whole; j += 16) {
            if (how == OVER_SCALES)
                q = quantizer_of(lo, hi, x16_load(r->scales + j), x16_load_int(r->zeros + j));
            x16_store_bytes(y + j, quantize(how, q, x16_load(x + j)));
        }
        if (rest == 0)
            continue;
        quantizer last = q;
        if (how == OVER_SCALES)
            last = quantizer_of(lo, hi, x16_load_masked(tail, r->scales + whole, one),
                                x16_load_int_first(rest, r->zeros + whole));
        const f32x16 v = x16_load_masked(tail, x + whole, one);
        x16_store_bytes_first(rest, y + whole, quantize(how, last, v));
    }
}

HEW_INLINE void narrow_rows(const hew_type type, const hew_quantize_rows *r)
{
    const size_t whole = r->n / 16 * 16, rest = r->n - whole;
    for (size_t i = 0; i < r->rows; i++) {
        const float *const x = (const float *)((const char *)r->x + i * r->x_stride);
        char *const y = (char *)r->y + i * r->y_stride;
        for (size_t j = 0; j < whole; j += 16)
            x16_store_type(type, x16_out_at(type, y, j), x16_load(x + j));
        if (rest > 0) {
            const f32x16 last = x16_load_masked(x16_first(rest), x + whole, x16_set(0.0f));
            x16_store_type_first(type, rest, x16_out_at(type, y, whole), last);
        }
    }
}

static __attribute__((noinline)) void to_bf16(const hew_quantize_rows *r)
{
    narrow_rows(HEW_BF16, r);
}

static __attribute__((noinline)) void to_f16(const hew_quantize_rows *r)
{
    narrow_rows(HEW_F16, r);
}

static __attribute__((noinline)) void times_inverse(const hew_quantize_rows *r)
{
    quantize_rows(TIMES_INVERSE, r);
}

static __attribute__((noinline)) void over_scale(const hew_quantize_rows *r)
{
    quantize_rows(OVER_SCALE, r);
}

static __attribute__((noinline)) void over_scales(const hew_quantize_rows *r)
{
    quantize_rows(OVER_SCALES, r);
}

void HEW_QUANTIZE_F32(const hew_quantize_rows *rows)
{
    hew_quantize_rows r = *rows;
    const bool bytes = r.type == HEW_S8 || r.type == HEW_U8;
    const size_t y_bytes = r.n * (bytes ? 1 : 2);
    if (r.x_stride == r.n * sizeof(float) && r.y_stride == y_bytes && !r.scales) {
        r.n *= r.rows;
        r.rows = r.n > 0;
    }
    if (r.type == HEW_BF16)
        to_bf16(&r);
    else if (r.type == HEW_F16)
        to_f16(&r);
    else if (r.scales)
        over_scales(&r);
    else if (r.scale != 0.0f)
        over_scale(&r);
    else
        times_inverse(&r);
}
