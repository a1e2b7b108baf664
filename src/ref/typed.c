/*
 * typed.c - elements of a storage type as floats: F32, BF16, F16.
 */
#include "ref/ref.h"

uint16_t hew_ref_f16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (x != x)
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x47800000) /* 2^16 */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) /* 2^-14: multiples of 2^-24, or a carry to 2^-14 itself */
        return (uint16_t)(sign | (uint32_t)hew_ref_round(fabsf(x) * 0x1p24f));
    /* Adding half of what is cut off, less one if the result would be odd: the carry rounds, and
     * makes an infinity of what lies halfway to 2^16. */
    const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

float hew_ref_from_f16(uint16_t f16)
{
    const uint32_t sign = (uint32_t)(f16 & 0x8000) << 16, fraction = f16 & 0x3ff;
    const uint32_t exponent = f16 >> 10 & 31;
    if (exponent == 0) {
        const float x = (float)fraction * 0x1p-24f;
        return sign ? -x : x;
    }
    uint32_t bits = sign | (exponent + 112) << 23 | fraction << 13;
    if (exponent == 31)
        bits = sign | 0x7f800000 | (fraction ? 0x400000 | fraction << 13 : 0);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float hew_ref_load_type(hew_type type, const void *p, int64_t at)
{
    if (type == HEW_F32)
        return ((const float *)p)[at];
    const uint16_t half = ((const uint16_t *)p)[at];
    return type == HEW_BF16 ? hew_ref_float(half) : hew_ref_from_f16(half);
}

void hew_ref_store_type(hew_type type, void *p, int64_t at, float x)
{
    if (type == HEW_F32)
        ((float *)p)[at] = x;
    else
        ((uint16_t *)p)[at] = type == HEW_BF16 ? hew_ref_bf16(x) : hew_ref_f16(x);
}
