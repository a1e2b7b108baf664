/*
 * peak_avx512.c - the machine's limits with AVX-512.
 */
#include <immintrin.h>

/* Two units times four to five cycles of latency want ten chains; more do no harm. */
enum { CHAINS = 24 };
#define VECTOR __m512i
#define FLOATS __m512
#define REGISTER "v"
#define SET1(x) _mm512_set1_epi32(x)
#define FMA(x, a, b) _mm512_fmadd_ps(x, a, b)
#define DOT(s, a, b) _mm512_add_epi32(s, _mm512_madd_epi16(a, b)) /* as in peak_sse.c */
#define PEAK_LOOPS hew_peak_avx512
#include "peak_loops.h"
