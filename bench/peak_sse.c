/*
 * peak_sse.c - the machine's limits with baseline x86-64: independent multiplies and adds from
 * registers, and reads that are summed up.
 */
#include "core.h"
#include "peak.h"

#include <immintrin.h>

/* Each chain waits for a multiply and an add: twice the latency of an FMA. */
enum { CHAINS = 12 };

static void chains(size_t iterations)
{
    __m128 x[CHAINS];
    __m128 a = _mm_set1_ps(0.999f), b = _mm_set1_ps(0.001f);
    /* Opaque, or the compiler sees that all chains are the same one. */
    __asm__("" : "+x"(a), "+x"(b));
    HEW_UNROLL for (int i = 0; i < CHAINS; i++) {
        x[i] = b;
        __asm__("" : "+x"(x[i]));
    }
    for (; iterations > 0; iterations--)
        HEW_UNROLL for (int i = 0; i < CHAINS; i++)
            x[i] = _mm_add_ps(_mm_mul_ps(x[i], a), b);
    HEW_UNROLL for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "x"(x[i]));
}

/* A product of pairs of 16 bits, and an addition: how sums of bytes are exact without VNNI. */
#define VECTOR __m128i
#define REGISTER "x"
#define SET1(x) _mm_set1_epi32(x)
#define DOT(s, a, b) _mm_add_epi32(s, _mm_madd_epi16(a, b))
#include "peak_dots.h"

static uint64_t read_all(const void *p, size_t bytes)
{
    __m128i sum[8];
    HEW_UNROLL for (int i = 0; i < 8; i++)
        sum[i] = _mm_setzero_si128();
    const __m128i *v = p;
    for (size_t n = bytes / sizeof *v; n >= 8; n -= 8, v += 8)
        HEW_UNROLL for (int i = 0; i < 8; i++)
            sum[i] = _mm_xor_si128(sum[i], _mm_load_si128(v + i));
    for (int i = 1; i < 8; i++)
        sum[0] = _mm_xor_si128(sum[0], sum[i]);
    uint64_t words[sizeof *v / sizeof(uint64_t)];
    _mm_storeu_si128((__m128i *)words, sum[0]);
    return words[0];
}

static void copy_all(void *to, const void *from, size_t bytes)
{
    __m128i *t = to;
    const __m128i *f = from;
    for (size_t n = bytes / sizeof *t; n >= 4; n -= 4, t += 4, f += 4)
        HEW_UNROLL for (int i = 0; i < 4; i++)
            _mm_store_si128(t + i, _mm_load_si128(f + i));
}

const hew_peak_loops hew_peak_sse = {{chains, CHAINS * 8.0}, {dots, CHAINS * 16.0}, read_all,
                                        copy_all};
