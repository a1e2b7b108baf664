/*
 * peak_avx2.c - the machine's limits with AVX2 and FMA: independent FMAs from registers, and
 * reads that are summed up.
 */
#include "core.h"
#include "peak.h"

#include <immintrin.h>

/* Two units times four to five cycles of latency want ten chains; a and b leave 14 registers. */
enum { CHAINS = 12 };

static void chains(size_t iterations)
{
    __m256 x[CHAINS];
    __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
    /* Opaque, or the compiler sees that all chains are the same one. */
    __asm__("" : "+x"(a), "+x"(b));
    HEW_UNROLL for (int i = 0; i < CHAINS; i++) {
        x[i] = b;
        __asm__("" : "+x"(x[i]));
    }
    for (; iterations > 0; iterations--)
        HEW_UNROLL for (int i = 0; i < CHAINS; i++)
            x[i] = _mm256_fmadd_ps(x[i], a, b);
    HEW_UNROLL for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "x"(x[i]));
}

/* A product of pairs of 16 bits, and an addition: how sums of bytes are exact without VNNI. */
#define VECTOR __m256i
#define REGISTER "x"
#define SET1(x) _mm256_set1_epi32(x)
#define DOT(s, a, b) _mm256_add_epi32(s, _mm256_madd_epi16(a, b))
#include "peak_dots.h"

static uint64_t read_all(const void *p, size_t bytes)
{
    __m256i sum[8];
    HEW_UNROLL for (int i = 0; i < 8; i++)
        sum[i] = _mm256_setzero_si256();
    const __m256i *v = p;
    for (size_t n = bytes / sizeof *v; n >= 8; n -= 8, v += 8)
        HEW_UNROLL for (int i = 0; i < 8; i++)
            sum[i] = _mm256_xor_si256(sum[i], _mm256_load_si256(v + i));
    for (int i = 1; i < 8; i++)
        sum[0] = _mm256_xor_si256(sum[0], sum[i]);
    uint64_t words[sizeof *v / sizeof(uint64_t)];
    _mm256_storeu_si256((__m256i *)words, sum[0]);
    return words[0];
}

static void copy_all(void *to, const void *from, size_t bytes)
{
    __m256i *t = to;
    const __m256i *f = from;
    for (size_t n = bytes / sizeof *t; n >= 4; n -= 4, t += 4, f += 4)
        HEW_UNROLL for (int i = 0; i < 4; i++)
            _mm256_store_si256(t + i, _mm256_load_si256(f + i));
}

const hew_peak_loops hew_peak_avx2 = {{chains, CHAINS * 16.0}, {dots, CHAINS * 32.0}, read_all,
                                        copy_all};
