/*
 * peak_avx512.c - the machine's limits with AVX-512: independent FMAs from registers, and
 * reads that are summed up.
 */
#include "core.h"
#include "peak.h"

#include <immintrin.h>

/* Two units times four to five cycles of latency want ten chains; more do no harm. */
enum { CHAINS = 24 };

static void chains(size_t iterations)
{
    __m512 x[CHAINS];
    __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
    /* Opaque, or the compiler sees that all chains are the same one. */
    __asm__("" : "+v"(a), "+v"(b));
    HEW_UNROLL for (int i = 0; i < CHAINS; i++) {
        x[i] = b;
        __asm__("" : "+v"(x[i]));
    }
    for (; iterations > 0; iterations--)
        HEW_UNROLL for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_fmadd_ps(x[i], a, b);
    HEW_UNROLL for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "v"(x[i]));
}

/* A product of pairs of 16 bits, and an addition: how sums of bytes are exact without VNNI. */
#define VECTOR __m512i
#define REGISTER "v"
#define SET1(x) _mm512_set1_epi32(x)
#define DOT(s, a, b) _mm512_add_epi32(s, _mm512_madd_epi16(a, b))
#include "peak_dots.h"

static uint64_t read_all(const void *p, size_t bytes)
{
    __m512i sum[8];
    HEW_UNROLL for (int i = 0; i < 8; i++)
        sum[i] = _mm512_setzero_si512();
    const __m512i *v = p;
    for (size_t n = bytes / sizeof *v; n >= 8; n -= 8, v += 8)
        HEW_UNROLL for (int i = 0; i < 8; i++)
            sum[i] = _mm512_xor_si512(sum[i], _mm512_load_si512(v + i));
    for (int i = 1; i < 8; i++)
        sum[0] = _mm512_xor_si512(sum[0], sum[i]);
    uint64_t words[sizeof *v / sizeof(uint64_t)];
    _mm512_storeu_si512((void *)words, sum[0]);
    return words[0];
}

static void copy_all(void *to, const void *from, size_t bytes)
{
    __m512i *t = to;
    const __m512i *f = from;
    for (size_t n = bytes / sizeof *t; n >= 4; n -= 4, t += 4, f += 4)
        HEW_UNROLL for (int i = 0; i < 4; i++)
            _mm512_store_si512(t + i, _mm512_load_si512(f + i));
}

const hew_peak_loops hew_peak_avx512 = {{chains, CHAINS * 32.0}, {dots, CHAINS * 64.0}, read_all,
                                        copy_all};
