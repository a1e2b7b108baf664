/*
 * format.h - what the types of an operation's operands decide.
 */
#ifndef HEW_FORMAT_H
#define HEW_FORMAT_H

#include "kernels.h"

/* How sums of products of two types are computed and stored. */
typedef struct hew_format {
    const char *name;     /* "f32", "u8s8" */
    int gemm, conv;       /* families; A of f32 that is quantised on the way counts as bytes */
    bool integer;         /* sums are s32 */
    bool bf16;            /* runs go in hew_bf16_mode */
    bool weight_only;     /* floats times packed integers: gemm_wo.c */
    bool a_signed;        /* bytes of A are s8 */
    bool b_unsigned;      /* B is u8, and packed as s8, 128 lower */
    size_t a_size, b_size, c_size, residual_size; /* bytes of an element */
    uintptr_t a_low, b_low, c_low, residual_low;  /* bits that are 0 in an aligned address; a: of
                                                     the caller's type */
} hew_format;

/* The format of a descriptor's types; a message that begins with `op` where there is none. */
hew_status hew_format_of(const char *op, hew_type a, hew_type b, hew_type c, hew_type residual,
                         hew_dynamic dynamic, hew_format *format);

/* Likewise of a product of floats with integer weights; false where the types are others. */
bool hew_format_weight_only(const hew_gemm_desc *d, hew_format *format);

/* The family of AMX's kernels for a format, or -1. */
HEW_INLINE int hew_format_amx(const hew_format *f)
{
    if (f->bf16)
        return HEW_FAMILY_amx_bf16;
    return !f->integer ? -1 : f->a_signed ? HEW_FAMILY_amx_s8s8 : HEW_FAMILY_amx_u8s8;
}

/*
 * MXCSR as kernels of bf16 want it: to nearest, denormals zero in and out.  The second takes back
 * what the first returns.  Tasks on other threads inherit it (parallel.c).
 */
HEW_INLINE unsigned hew_bf16_mode(void)
{
    /* From where it lies: intrinsics go through the stack, and wait for it. */
    static const unsigned mode = 0x9fc0;
    unsigned before;
    __asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(before) : "m"(mode) : "memory");
    return before;
}
HEW_INLINE void hew_restore_mode(unsigned mxcsr)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr) : "memory");
}

/* Limits that are denormals are zeros too.  They have to be said so: they are compared with, and
 * CPUs differ in whether max(x, limit) is then the limit or a zero. */
hew_act hew_bf16_act(hew_act act);

/* Bytes of an element; 0 for S4 and values that are no type. */
size_t hew_type_size(hew_type type);

/* "f32", "u8", ...; "unknown" for values that are no type. */
const char *hew_type_name(hew_type type);

/* The values of an integer type: [low, high]. */
typedef struct hew_span {
    int32_t low, high;
} hew_span;
HEW_INLINE hew_span hew_span_of(hew_type type)
{
    return type == HEW_U8 ? (hew_span){0, 255}
           : type == HEW_S8 ? (hew_span){-128, 127}
                            : (hew_span){0, 0}; /* of a zero point that isn't used */
}

/* A tensor's zero point is in the range of its type; its scale is 0, the default, or usable as a
 * factor, and one over it too.  `what` names the tensor. */
hew_status hew_check_zero(const char *op, const char *what, int32_t zero, hew_type type);
hew_status hew_check_scale(const char *op, const char *what, float scale);

/* The arguments of a run that belong to quantised tensors, and those that C of s32 hasn't. */
typedef struct hew_quantised {
    hew_type a_type, c_type, residual_type;
    int32_t a_zero, c_zero, residual_zero;
    float c_scale, residual_scale;
    bool bias_s32, b_zero; /* given */
    bool floats;           /* a scale, a bias or a residual is given */
} hew_quantised;

/* In range where they are used; not there for a format of f32.  A run of f32 that has none of them
 * doesn't come here. */
hew_status hew_check_quantised(const char *op, const hew_format *format, const hew_quantised *q);

/* Zero points of packed B's columns. */
typedef struct hew_zeros {
    const void *zero;  /* as the caller gives them, of B's type; null: 0 */
    bool b_unsigned;
} hew_zeros;
HEW_INLINE int32_t hew_zero_of(const hew_zeros *z, size_t column)
{
    if (!z->b_unsigned)
        return ((const int8_t *)z->zero)[column];
    return (z->zero ? ((const uint8_t *)z->zero)[column] : 0) - 128;
}

#endif
