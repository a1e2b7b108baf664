/*
 * peak_avx2.c - the machine's limits with AVX2 and FMA.
 */
#include <immintrin.h>

/* Two units times four to five cycles of latency want ten chains; a and b leave 14 registers. */
enum { CHAINS = 12 };
#define VECTOR __m256i
#define FLOATS __m256
#define REGISTER "x"
#define SET1(x) _mm256_set1_epi32(x)
#define FMA(x, a, b) _mm256_fmadd_ps(x, a, b)
#define DOT(s, a, b) _mm256_add_epi32(s, _mm256_madd_epi16(a, b)) /* as in peak_sse.c */
#define PEAK_LOOPS hew_peak_avx2
#include "peak_loops.h"
