/*
 * format.c - the types that go together.
 */
#include "format.h"

#include <float.h>
#include <math.h>

enum { TYPES = HEW_S64 + 1 };

static const struct {
    const char *name;
    size_t size;
} types[TYPES] = {
    [HEW_F32] = {"f32", 4}, [HEW_BF16] = {"bf16", 2}, [HEW_F16] = {"f16", 2}, [HEW_S8] = {"s8", 1},
    [HEW_U8] = {"u8", 1},   [HEW_S32] = {"s32", 4},   [HEW_S4] = {"s4", 0},
    [HEW_S64] = {"s64", 8},
};

size_t hew_type_size(hew_type type) { return (unsigned)type < TYPES ? types[type].size : 0; }

const char *hew_type_name(hew_type type)
{
    return (unsigned)type < TYPES ? types[type].name : "unknown";
}

/* Operands, and the family that multiplies them. */
static const struct {
    hew_type a, b;
    hew_dynamic dynamic;
    hew_format format;
} pairs[] = {
    {HEW_F32, HEW_F32, HEW_DYNAMIC_NONE,
     {.name = "f32", .gemm = HEW_FAMILY_gemm_f32, .conv = HEW_FAMILY_conv_f32}},
    {HEW_BF16, HEW_BF16, HEW_DYNAMIC_NONE,
     {.name = "bf16", .gemm = HEW_FAMILY_gemm_bf16, .conv = HEW_FAMILY_conv_bf16, .bf16 = true}},
    {HEW_U8, HEW_S8, HEW_DYNAMIC_NONE,
     {.name = "u8s8", .gemm = HEW_FAMILY_gemm_u8s8, .conv = HEW_FAMILY_conv_u8s8, .integer = true}},
    {HEW_U8, HEW_U8, HEW_DYNAMIC_NONE,
     {.name = "u8u8", .gemm = HEW_FAMILY_gemm_u8s8, .conv = HEW_FAMILY_conv_u8s8, .integer = true,
      .b_unsigned = true}},
    {HEW_S8, HEW_S8, HEW_DYNAMIC_NONE,
     {.name = "s8s8", .gemm = HEW_FAMILY_gemm_s8s8, .conv = HEW_FAMILY_conv_s8s8, .integer = true,
      .a_signed = true}},
    {HEW_S8, HEW_U8, HEW_DYNAMIC_NONE,
     {.name = "s8u8", .gemm = HEW_FAMILY_gemm_s8s8, .conv = HEW_FAMILY_conv_s8s8, .integer = true,
      .a_signed = true, .b_unsigned = true}},
    {HEW_F32, HEW_S8, HEW_DYNAMIC_SYMMETRIC,
     {.name = "f32s8", .gemm = HEW_FAMILY_gemm_s8s8, .integer = true, .a_signed = true}},
    {HEW_F32, HEW_S8, HEW_DYNAMIC_ASYMMETRIC,
     {.name = "f32u8s8", .gemm = HEW_FAMILY_gemm_u8s8, .integer = true}},
};

static float flushed(float x) { return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x; }

hew_act hew_bf16_act(hew_act act)
{
    return (hew_act){act.kind, flushed(act.alpha), flushed(act.beta)};
}

static bool is_byte(hew_type type) { return type == HEW_U8 || type == HEW_S8; }

hew_status hew_format_of(const char *op, hew_type a, hew_type b, hew_type c, hew_type residual,
                         hew_dynamic dynamic, hew_format *format)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].a != a || pairs[i].b != b || pairs[i].dynamic != dynamic)
            continue;
        *format = pairs[i].format;
        const bool c_fits = c == HEW_F32 || (format->bf16 && c == HEW_BF16) ||
                            (format->integer && (is_byte(c) || c == HEW_BF16 ||
                                                 (c == HEW_S32 && dynamic == HEW_DYNAMIC_NONE)));
        const bool r_fits = residual == HEW_F32 || (format->bf16 && residual == HEW_BF16) ||
                            (format->integer && is_byte(residual));
        if (!c_fits || !r_fits)
            break;
        format->a_size = format->integer ? 1 : hew_type_size(a);
        format->b_size = hew_type_size(b);
        format->c_size = hew_type_size(c);
        format->residual_size = hew_type_size(residual);
        format->a_low = hew_type_size(a) - 1;
        format->b_low = format->b_size - 1;
        format->c_low = format->c_size - 1;
        format->residual_low = format->residual_size - 1;
        return HEW_OK;
    }
    return hew_fail(HEW_ERR_UNSUPPORTED, "%s: %s x %s -> %s, residual %s, dynamic %d is not among "
                    "the types that go together", op, hew_type_name(a), hew_type_name(b),
                    hew_type_name(c), hew_type_name(residual), (int)dynamic);
}

bool hew_format_weight_only(const hew_gemm_desc *d, hew_format *format)
{
    const bool s4 = d->b_type == HEW_S4;
    if (d->a_type != HEW_F32 || d->c_type != HEW_F32 || d->residual_type != HEW_F32 ||
        d->a_dynamic != HEW_DYNAMIC_NONE || (d->b_type != HEW_S8 && !s4))
        return false;
    *format = (hew_format){.name = s4 ? "wo4" : "wo8",
                           .gemm = s4 ? HEW_FAMILY_gemm_f32s4 : HEW_FAMILY_gemm_f32s8,
                           .weight_only = true,
                           .a_size = 4,
                           .b_size = 1, /* or half of that */
                           .c_size = 4,
                           .residual_size = 4,
                           .a_low = 3,
                           .c_low = 3,
                           .residual_low = 3};
    return true;
}

hew_status hew_check_zero(const char *op, const char *what, int32_t zero, hew_type type)
{
    const hew_span span = hew_span_of(type);
    if (zero >= span.low && zero <= span.high)
        return HEW_OK;
    return hew_fail(HEW_ERR_INVALID, "%s: the zero point of %s is %d, but %s has %d to %d", op,
                    what, (int)zero, hew_type_name(type), (int)span.low, (int)span.high);
}

hew_status hew_check_scale(const char *op, const char *what, float scale)
{
    if (scale == 0 || (scale > 0x1p-128f && scale < INFINITY)) /* one over it is finite too */
        return HEW_OK;
    return hew_fail(HEW_ERR_INVALID, "%s: the scale of %s is %g; it must be over 0 and finite, as "
                    "one over it", op, what, (double)scale);
}

hew_status hew_check_quantised(const char *op, const hew_format *format, const hew_quantised *q)
{
    if (!format->integer) {
        if (q->a_zero || q->c_zero || q->residual_zero || q->bias_s32 || q->b_zero ||
            q->c_scale != 0 || q->residual_scale != 0)
            return hew_fail(HEW_ERR_INVALID, "%s: a zero point, a scale of a tensor or an s32 bias "
                            "with %s", op, format->name);
        return HEW_OK;
    }
    if (q->c_type == HEW_S32 && q->floats)
        return hew_fail(HEW_ERR_INVALID, "%s: s32 results with a scale, a bias or a residual of "
                        "floats", op);
    hew_status s = hew_check_zero(op, "the input", q->a_zero, q->a_type);
    if (s == HEW_OK)
        s = hew_check_zero(op, "the output", q->c_zero, q->c_type);
    if (s == HEW_OK)
        s = hew_check_zero(op, "the residual", q->residual_zero, q->residual_type);
    if (s == HEW_OK)
        s = hew_check_scale(op, "the output", q->c_scale);
    return s == HEW_OK ? hew_check_scale(op, "the residual", q->residual_scale) : s;
}
