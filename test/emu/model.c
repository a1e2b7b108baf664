/* model.c - see model.h. */
#include "model.h"

#include <math.h>
#include <string.h>

static float as_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static uint32_t as_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static bool is_nan(uint32_t x) { return (x & 0x7FFFFFFF) > 0x7F800000; }
static bool is_inf(uint32_t x) { return (x & 0x7FFFFFFF) == 0x7F800000; }
static bool is_zero(uint32_t x) { return (x & 0x7FFFFFFF) == 0; }
static uint32_t daz(uint32_t x) { return (x & 0x7F800000) == 0 ? x & 0x80000000 : x; }

/*
 * x + y, of which each is exact, to an odd last bit: such a double rounds to a float as the exact
 * sum would, because it has more than two bits to spare (Boldo and Melquiond, 2008).
 */
static double add_to_odd(double x, double y)
{
    const double sum = x + y, of_y = sum - x, error = (x - (sum - of_y)) + (y - of_y);
    int64_t bits;
    memcpy(&bits, &sum, 8);
    if (error != 0 && (bits & 1) == 0)
        bits += (error > 0) == (sum > 0) ? 1 : -1;
    double odd;
    memcpy(&odd, &bits, 8);
    return odd;
}

uint32_t model_fma(uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t quiet = 0x400000, indefinite = 0xFFC00000;
    a = daz(a), b = daz(b), c = daz(c);
    if (is_nan(a) || is_nan(b) || is_nan(c))
        return (is_nan(a) ? a : is_nan(b) ? b : c) | quiet;
    const uint32_t product_sign = (a ^ b) & 0x80000000;
    const bool product_inf = is_inf(a) || is_inf(b);
    if (product_inf && (is_zero(a) || is_zero(b)))
        return indefinite;
    if (product_inf && is_inf(c) && product_sign != (c & 0x80000000))
        return indefinite;
    if (product_inf)
        return product_sign | 0x7F800000;
    if (is_inf(c))
        return c;
    const double sum = add_to_odd((double)as_float(a) * as_float(b), as_float(c));
    /* Tiny, were there no limit to the exponent: looked at where there is none near. */
    const float scaled = (float)(sum * 0x1p100);
    if (fabsf(scaled) < 0x1p-26f)
        return signbit(sum) ? 0x80000000 : 0;
    return as_bits((float)sum);
}

uint32_t model_add(uint32_t a, uint32_t b)
{
    const uint32_t one = 0x3F800000;
    return model_fma(a, one, b);
}

uint32_t model_f32_from_bf16(uint16_t x) { return (uint32_t)x << 16; }

/* Denormals are numbers here. */
uint32_t model_f32_from_f16(uint16_t x)
{
    const uint32_t sign = (uint32_t)(x & 0x8000) << 16;
    const uint32_t exponent = x >> 10 & 31, fraction = x & 1023;
    if (exponent == 31)
        return sign | 0x7F800000 | fraction << 13 | (fraction != 0 ? 0x400000u : 0);
    if (exponent == 0)
        return sign | as_bits((float)fraction * 0x1p-24f);
    return sign | (exponent + 112) << 23 | fraction << 13;
}

/* convert_fp32_to_bfloat16 */
uint16_t model_bf16_from_f32(uint32_t x)
{
    if (is_zero(daz(x)))
        return (uint16_t)(x >> 31 << 15);
    if (is_inf(x))
        return (uint16_t)(x >> 16);
    if (is_nan(x))
        return (uint16_t)(x >> 16 | 1u << 6);
    const uint32_t lsb = x >> 16 & 1, rounding_bias = 0x7FFF + lsb;
    return (uint16_t)((x + rounding_bias) >> 16);
}

static uint32_t saturate(int64_t x)
{
    return (uint32_t)(int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
}

uint32_t model_dot(emu_insn name, uint32_t sum, uint32_t a, uint32_t b)
{
    if (name == EMU_VDPBF16PS) {
        sum = model_fma(a & 0xFFFF0000, b & 0xFFFF0000, sum);
        return model_fma(a << 16, b << 16, sum);
    }
    const int64_t words = (int64_t)(int16_t)a * (int16_t)b +
                          (int64_t)(int16_t)(a >> 16) * (int16_t)(b >> 16);
    int64_t bytes = 0;
    for (int j = 0; j < 32; j += 8)
        bytes += (int64_t)(uint8_t)(a >> j) * (int8_t)(b >> j);
    const int64_t s = (int32_t)sum;
    switch (name) {
    case EMU_VPDPBUSD:
    case EMU_VEX_VPDPBUSD: return sum + (uint32_t)bytes;
    case EMU_VPDPBUSDS:
    case EMU_VEX_VPDPBUSDS: return saturate(s + bytes);
    case EMU_VPDPWSSD:
    case EMU_VEX_VPDPWSSD: return sum + (uint32_t)words;
    default: return saturate(s + words);
    }
}

/* --------------------------------------------------------------------------- tiles --------- */

static unsigned rows(const model_tiles *t, unsigned tile) { return t->config[48 + tile]; }
static unsigned colsb(const model_tiles *t, unsigned tile)
{
    return t->config[16 + 2 * tile] + 256u * t->config[17 + 2 * tile];
}

model_fault model_configure(model_tiles *t, const uint8_t config[64])
{
    model_tiles new = {0};
    if (config[0] > 1)
        return MODEL_GP;
    if (config[0] == 0) {
        *t = new;
        return MODEL_OK;
    }
    memcpy(new.config, config, 64);
    for (unsigned n = 2; n < 64; n++)
        if ((n < 16 || (n >= 32 && n < 48) || n >= 56) && config[n] != 0)
            return MODEL_GP;
    for (unsigned n = 0; n < 8; n++) {
        if (colsb(&new, n) > 64 || rows(&new, n) > 16)
            return MODEL_GP;
        if ((colsb(&new, n) != 0) != (rows(&new, n) != 0))
            return MODEL_GP;
    }
    *t = new;
    return MODEL_OK;
}

static bool valid(const model_tiles *t, unsigned tile)
{
    return t->config[0] == 1 && tile < 8 && rows(t, tile) != 0;
}

model_fault model_zero(model_tiles *t, unsigned tile)
{
    if (!valid(t, tile))
        return MODEL_UD;
    memset(t->tile[tile], 0, sizeof t->tile[tile]);
    t->config[1] = 0;
    return MODEL_OK;
}

static bool movable(const model_tiles *t, unsigned tile)
{
    return valid(t, tile) && colsb(t, tile) % 4 == 0 && t->config[1] < rows(t, tile);
}

model_fault model_load(model_tiles *t, unsigned tile, const uint8_t *from, int64_t stride)
{
    if (!movable(t, tile))
        return MODEL_UD;
    for (unsigned r = t->config[1]; r < 16; r++)
        for (unsigned c = 0; c < 64; c++)
            t->tile[tile][r][c] = r < rows(t, tile) && c < colsb(t, tile) ? from[r * stride + c]
                                                                          : 0;
    t->config[1] = 0;
    return MODEL_OK;
}

model_fault model_store(model_tiles *t, unsigned tile, uint8_t *to, int64_t stride)
{
    if (!movable(t, tile))
        return MODEL_UD;
    for (unsigned r = t->config[1]; r < rows(t, tile); r++)
        memcpy(to + r * stride, t->tile[tile][r], colsb(t, tile));
    t->config[1] = 0;
    return MODEL_OK;
}

static uint32_t get(const uint8_t row[64], unsigned n)
{
    uint32_t x;
    memcpy(&x, row + 4 * n, 4);
    return x;
}

static uint32_t dot_bytes(emu_insn name, uint32_t sum, uint32_t a, uint32_t b)
{
    const bool a_signed = name == EMU_TDPBSSD || name == EMU_TDPBSUD;
    const bool b_signed = name == EMU_TDPBSSD || name == EMU_TDPBUSD;
    for (int j = 0; j < 32; j += 8) {
        const int x = a_signed ? (int8_t)(a >> j) : (uint8_t)(a >> j);
        const int y = b_signed ? (int8_t)(b >> j) : (uint8_t)(b >> j);
        sum += (uint32_t)(x * y);
    }
    return sum;
}

static uint32_t one_sum(const model_tiles *t, emu_insn name, const uint8_t a[64], unsigned b,
                        unsigned n, uint32_t c)
{
    uint32_t even = 0, odd = 0;
    uint32_t (*const f32)(uint16_t) = name == EMU_TDPFP16PS ? model_f32_from_f16
                                                            : model_f32_from_bf16;
    for (unsigned k = 0; k < rows(t, b); k++) {
        const uint32_t x = get(a, k), y = get(t->tile[b][k], n);
        if (name <= EMU_TDPBUUD)
            c = dot_bytes(name, c, x, y);
        even = model_fma(f32((uint16_t)x), f32((uint16_t)y), even);
        odd = model_fma(f32((uint16_t)(x >> 16)), f32((uint16_t)(y >> 16)), odd);
    }
    return name <= EMU_TDPBUUD ? c : model_add(c, model_add(even, odd));
}

model_fault model_multiply(model_tiles *t, emu_insn name, unsigned c, unsigned a, unsigned b)
{
    if (!valid(t, a) || !valid(t, b) || !valid(t, c) || a == b || b == c || c == a)
        return MODEL_UD;
    if (colsb(t, a) % 4 != 0 || colsb(t, b) % 4 != 0 || colsb(t, c) % 4 != 0)
        return MODEL_UD;
    if (colsb(t, c) != colsb(t, b) || rows(t, c) != rows(t, a) || colsb(t, a) / 4 != rows(t, b))
        return MODEL_UD;
    for (unsigned m = 0; m < 16; m++)
        for (unsigned n = 0; n < 16; n++) {
            uint32_t sum = 0;
            if (m < rows(t, c) && n < colsb(t, c) / 4)
                sum = one_sum(t, name, t->tile[a][m], b, n, get(t->tile[c][m], n));
            memcpy(t->tile[c][m] + 4 * n, &sum, 4);
        }
    t->config[1] = 0;
    return MODEL_OK;
}
