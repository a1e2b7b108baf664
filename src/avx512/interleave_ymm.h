/* interleave_ymm.h - interleave.h for 256-bit registers, with AVX-512VL's masks for bytes. */
#ifndef HEW_INTERLEAVE_H
#define HEW_INTERLEAVE_H

#include "bytes_first.h"
#include "reg_s32_ymm.h"

enum { BYTES = 32 };
typedef __m256i vb;
typedef __mmask32 vb_lanes;

HEW_INLINE vb_lanes vb_first(size_t n)
{
    return n == BYTES ? ~(vb_lanes)0 : ((vb_lanes)1 << n) - 1;
}
HEW_INLINE vb vb_load_some(vb_lanes lanes, const void *p)
{
    return _mm256_maskz_loadu_epi8(lanes, p);
}
HEW_INLINE void vb_store_some(vb_lanes lanes, void *p, vb x)
{
    _mm256_mask_storeu_epi8(p, lanes, x);
}
HEW_INLINE vb vb_load(const void *p) { return _mm256_loadu_si256(p); }
HEW_INLINE void vb_store(void *p, vb x) { _mm256_storeu_si256(p, x); }
HEW_INLINE vb vb_set(int x) { return _mm256_set1_epi8((char)x); }
HEW_INLINE vb vw_set(int x) { return _mm256_set1_epi16((short)x); }
HEW_INLINE vb vb_xor(vb a, vb b) { return _mm256_xor_si256(a, b); }
HEW_INLINE vb vb_max_u8(vb a, vb b) { return _mm256_max_epu8(a, b); }
HEW_INLINE vb vb_min_u8(vb a, vb b) { return _mm256_min_epu8(a, b); }

#include "../simd/interleave_256.h"

#endif
