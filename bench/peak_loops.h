/*
 * peak_loops.h - the loops of a hew_peak_loops: independent multiplies and additions of floats and
 * of small integers from registers, reads that are summed up, and copies.  The file that includes
 * it defines, besides what peak_dots.h asks for, each in terms of the registers of its ISA,
 *
 *     FLOATS          a register of floats          FMA(x, a, b)   x * a + b
 *     PEAK_LOOPS      the name of the loops
 */
#include "core.h"
#include "peak.h"

#include "peak_dots.h"

typedef uint64_t hew_words __attribute__((vector_size(sizeof(VECTOR))));

static void chains(size_t iterations)
{
    FLOATS x[CHAINS], zero = {0};
    FLOATS a = zero + 0.999f, b = zero + 0.001f;
    /* Opaque, or the compiler sees that all chains are the same one. */
    __asm__("" : "+" REGISTER(a), "+" REGISTER(b));
    HEW_UNROLL for (int i = 0; i < CHAINS; i++) {
        x[i] = b;
        __asm__("" : "+" REGISTER(x[i]));
    }
    for (; iterations > 0; iterations--)
        HEW_UNROLL for (int i = 0; i < CHAINS; i++)
            x[i] = FMA(x[i], a, b);
    HEW_UNROLL for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : REGISTER(x[i]));
}

static uint64_t read_all(const void *p, size_t bytes)
{
    hew_words sum[8] = {{0}};
    const hew_words *v = p;
    for (size_t n = bytes / sizeof *v; n >= 8; n -= 8, v += 8)
        HEW_UNROLL for (int i = 0; i < 8; i++)
            sum[i] ^= v[i];
    for (int i = 1; i < 8; i++)
        sum[0] ^= sum[i];
    return sum[0][0];
}

static void copy_all(void *to, const void *from, size_t bytes)
{
    hew_words *t = to;
    const hew_words *f = from;
    for (size_t n = bytes / sizeof *t; n >= 4; n -= 4, t += 4, f += 4)
        HEW_UNROLL for (int i = 0; i < 4; i++)
            t[i] = f[i];
}

enum { PRODUCTS = CHAINS * sizeof(VECTOR) / sizeof(float) }; /* of floats; twice as many of dots */
const hew_peak_loops PEAK_LOOPS = {{chains, 2.0 * PRODUCTS}, {dots, 4.0 * PRODUCTS}, read_all,
                                   copy_all};
