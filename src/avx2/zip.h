/* zip.h - src/avx512/zip.h for AVX2. */
#ifndef HEW_ZIP_H
#define HEW_ZIP_H

#include "bytes.h"

HEW_INLINE void vb_zip_quarters(vb low, vb high, vb out[2])
{
    out[0] = _mm256_permute2x128_si256(low, high, 0x20);
    out[1] = _mm256_permute2x128_si256(low, high, 0x31);
}
HEW_INLINE void vb_zip_u8(vb a, vb b, vb out[2])
{
    vb_zip_quarters(_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b), out);
}
HEW_INLINE void vb_zip_u16(vb a, vb b, vb out[2])
{
    vb_zip_quarters(_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b), out);
}
HEW_INLINE void vb_store_half(void *p, vb x)
{
    _mm_storeu_si128(p, _mm256_castsi256_si128(x));
}
HEW_INLINE void vb_widen_s8(vb x, vb out[2])
{
    out[0] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(x));
    out[1] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(x, 1));
}
HEW_INLINE vb vd_sum_s16(vb x) { return _mm256_madd_epi16(x, vw_set(1)); }
HEW_INLINE vb vd_sum_s8(vb x) { return vd_sum_s16(_mm256_maddubs_epi16(vb_set(1), x)); }

#endif
