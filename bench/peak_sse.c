/*
 * peak_sse.c - the machine's limits with baseline x86-64, which multiplies and adds apart.
 */
#include <immintrin.h>

/* Each chain waits for a multiply and an add: twice the latency of an FMA. */
enum { CHAINS = 12 };
#define VECTOR __m128i
#define FLOATS __m128
#define REGISTER "x"
#define SET1(x) _mm_set1_epi32(x)
#define FMA(x, a, b) _mm_add_ps(_mm_mul_ps(x, a), b)
/* A product of pairs of 16 bits, and an addition: how sums of bytes are exact without VNNI. */
#define DOT(s, a, b) _mm_add_epi32(s, _mm_madd_epi16(a, b))
#define PEAK_LOOPS hew_peak_sse
#include "peak_loops.h"
