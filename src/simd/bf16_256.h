/* bf16_256.h - a 256-bit register of floats and bf16, of every ISA: after a folder's reg.h. */
#ifndef HEW_SIMD_BF16_256_H
#define HEW_SIMD_BF16_256_H

/* Of words of two: the second element, and the first. */
HEW_INLINE vf vf_odd(vf words)
{
    return _mm256_and_ps(words, _mm256_castsi256_ps(_mm256_set1_epi32((int32_t)0xffff0000)));
}
HEW_INLINE vf vf_even(vf words)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words), 16));
}

HEW_INLINE vf vf_of_halves(__m128i x)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}

/* The nearest ones, ties to even.  What is added rounds by its carry, 0x8000 to an odd upper half;
 * a NaN's lower half is dropped, and it is quiet, being the result of an operation. */
HEW_INLINE __m128i vf_to_halves(vf x)
{
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
    const __m256i number = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_ORD_Q));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_and_si256(half, number));
    const __m256i upper = _mm256_srli_epi32(rounded, 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
}

#endif
