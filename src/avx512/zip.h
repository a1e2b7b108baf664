/* zip.h - registers of bytes (bytes.h) interleaved in order, widened, and summed in dwords. */
#ifndef HEW_ZIP_H
#define HEW_ZIP_H

#include "bytes.h"

HEW_INLINE void vb_zip_quarters(vb low, vb high, vb out[2])
{
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    out[0] = _mm512_permutex2var_epi64(low, first, high);
    out[1] = _mm512_permutex2var_epi64(low, second, high);
}
/* a0 b0 a1 b1 ...: of bytes, of words. */
HEW_INLINE void vb_zip_u8(vb a, vb b, vb out[2])
{
    vb_zip_quarters(_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b), out);
}
HEW_INLINE void vb_zip_u16(vb a, vb b, vb out[2])
{
    vb_zip_quarters(_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b), out);
}
/* The lower half, which a load soon after can have from the store: not so of a masked one. */
HEW_INLINE void vb_store_half(void *p, vb x)
{
    _mm256_storeu_si256(p, _mm512_castsi512_si256(x));
}
/* Bytes as words with their sign. */
HEW_INLINE void vb_widen_s8(vb x, vb out[2])
{
    out[0] = _mm512_cvtepi8_epi16(_mm512_castsi512_si256(x));
    out[1] = _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(x, 1));
}
/* The sum of a dword's two words; of its four signed bytes. */
HEW_INLINE vb vd_sum_s16(vb x) { return _mm512_madd_epi16(x, vw_set(1)); }
HEW_INLINE vb vd_sum_s8(vb x) { return vd_sum_s16(_mm512_maddubs_epi16(vb_set(1), x)); }

#endif
