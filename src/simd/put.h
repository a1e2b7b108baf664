/*
 * put.h - sixteen floats to where a loop leaves them: a type that is no literal, past the caches or
 * not.
 *
 * The including file has its narrow.h and stream.h included first.
 */
#ifndef HEW_SIMD_PUT_H
#define HEW_SIMD_PUT_H

#include "typed.h"

typedef struct x16_out {
    void *p;
    hew_type type;
    bool stream; /* p is aligned to sixteen elements */
} x16_out;

HEW_INLINE void x16_put(x16_out out, size_t i, f32x16 x)
{
    if (HEW_LIKELY(!out.stream))
        x16_store_any(out.type, out.p, i, x);
    else if (out.type == HEW_F32)
        x16_stream((float *)out.p + i, x);
    else
        x16_stream_halves((char *)out.p + 2 * i, out.type == HEW_BF16
                                                     ? x16_narrow_type(HEW_BF16, x)
                                                     : x16_narrow_type(HEW_F16, x));
}

/* The same i elements further on. */
HEW_INLINE x16_out x16_out_from(const x16_out *out, size_t i, bool stream)
{
    return (x16_out){(char *)out->p + i * x16_type_bytes(out->type), out->type, stream};
}

#endif
