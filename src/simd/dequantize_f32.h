/*
 * dequantize_f32 - y = (float)(x - zero) * scale, x of s8, u8 or s32; or a bf16 or f16 x itself.
 *
 * The including file has its narrow.h included first and defines HEW_DEQUANTIZE_F32, the kernel's
 * name.  Tails of rows are masked.  Rows without gaps are one long row.  Bound by stores.
 */
#include "kernels_rows.h"
#include "typed.h"

/* The type is a literal in every call, so that each is a loop of its own. */
HEW_INLINE i32x16 load(const hew_type type, const char *x, size_t j)
{
    if (type == HEW_S8)
        return x16_load_s8(x + j);
    return type == HEW_U8 ? x16_load_u8(x + j) : x16_load_int((const int32_t *)x + j);
}

HEW_INLINE i32x16 load_first(const hew_type type, size_t n, const char *x, size_t j)
{
    if (type == HEW_S8)
        return x16_load_s8_first(n, x + j);
    return type == HEW_U8 ? x16_load_u8_first(n, x + j)
                          : x16_load_int_first(n, (const int32_t *)x + j);
}

HEW_INLINE f32x16 dequantize(i32x16 q, i32x16 zero, f32x16 scale)
{
    return x16_mul(x16_to_float(x16_sub_int(q, zero)), scale);
}

HEW_INLINE void dequantize_rows(const hew_type type, const bool by_column,
                                const hew_dequantize_rows *r)
{
    const size_t whole = r->n / 16 * 16, rest = r->n - whole;
    const mask16 tail = x16_first(rest);
    f32x16 scale = x16_set(r->scale), last_scale = scale;
    i32x16 zero = x16_set_int(r->zero), last_zero = zero;
    if (by_column && rest > 0) {
        last_scale = x16_load_masked(tail, r->scales + whole, x16_set(1.0f));
        last_zero = x16_load_int_first(rest, r->zeros + whole);
    }
    for (size_t i = 0; i < r->rows; i++) {
        const char *const x = (const char *)r->x + i * r->x_stride;
        float *const y = (float *)((char *)r->y + i * r->y_stride);
        for (size_t j = 0; j < whole; j += 16) {
            if (by_column) {
                scale = x16_load(r->scales + j);
                zero = x16_load_int(r->zeros + j);
            }
            x16_store(y + j, dequantize(load(type, x, j), zero, scale));
        }
        if (rest > 0)
            x16_store_masked(tail, y + whole, dequantize(load_first(type, rest, x, whole),
                                                         last_zero, last_scale));
    }
}

HEW_INLINE void dequantize_type(const hew_type type, const hew_dequantize_rows *r)
{
    if (r->scales)
        dequantize_rows(type, true, r);
    else
        dequantize_rows(type, false, r);
}

HEW_INLINE void widen_rows(const hew_type type, const hew_dequantize_rows *r)
{
    const size_t whole = r->n / 16 * 16, rest = r->n - whole;
    for (size_t i = 0; i < r->rows; i++) {
        const char *const x = (const char *)r->x + i * r->x_stride;
        float *const y = (float *)((char *)r->y + i * r->y_stride);
        for (size_t j = 0; j < whole; j += 16)
            x16_store(y + j, x16_load_type(type, x16_at(type, x, j)));
        if (rest > 0) {
            const void *const last = x16_at(type, x, whole);
            x16_store_masked(x16_first(rest), y + whole,
                             x16_load_type_first(type, rest, last, x16_set(0.0f)));
        }
    }
}

void HEW_DEQUANTIZE_F32(const hew_dequantize_rows *rows)
{
    hew_dequantize_rows r = *rows;
    const bool bytes = r.type == HEW_S8 || r.type == HEW_U8;
    const size_t x_bytes = r.n * (bytes ? 1 : r.type == HEW_S32 ? 4 : 2);
    if (r.x_stride == x_bytes && r.y_stride == r.n * sizeof(float) && !r.scales) {
        r.n *= r.rows;
        r.rows = r.n > 0;
    }
    if (r.type == HEW_S8)
        dequantize_type(HEW_S8, &r);
    else if (r.type == HEW_U8)
        dequantize_type(HEW_U8, &r);
    else if (r.type == HEW_BF16)
        widen_rows(HEW_BF16, &r);
    else if (r.type == HEW_F16)
        widen_rows(HEW_F16, &r);
    else
        dequantize_type(HEW_S32, &r);
}
