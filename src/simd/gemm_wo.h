/*
 * gemm_f32s8, gemm_f32s4, gemm_f32f16 - sums[m x n] = sum over groups g of
 * scale_g * (A_g * (Q_g - zero_g)).
 *
 * The body of the weight-only kernels of every ISA, over the registers of the including file's
 * reg.h.  That file also brings how words of weights become floats, and how much fits at once:
 *
 *     vw, vw_load(p)                      LANES words
 *     vf_from_s8(p, n)                    the first n bytes as floats, no others are read
 *     decoder, decoder_of(zero, bits)     of one register of columns, for one group
 *     decode_first(&x, d, bits, shifted)  the next element of each word, less zero where shifted;
 *     decode_second(...)                  called in turns
 *     WIDTH(m)                            registers of columns side by side under m rows: 1, 2, 4
 *
 * A panel is four registers wide; src/core/kernels.h has the picture of its words:
 *
 *     row 0     | x[0]: words of columns 0..L-1 | x[1]: L..2L-1 | x[2] | x[3] |
 *     row 1     | ...                                             32 / bits elements of k a row
 *
 * Decoding takes two to four operations a register, however many rows then use it: one row is bound
 * by them, or by memory; from three rows on they hide behind the multiplies.  A group's chains live
 * in registers, the sums over groups rest in L1.
 *
 * A group is a function: with the loop over groups inlined, too, gcc 12 runs out of registers.
 * K has no tail here: rows of A have whole words.  N tail: masks on scale and zero; words and sums
 * are there for all columns of the panel.
 */
#include "kernels_matrix.h"

enum {
    ROW = 4 * LANES * sizeof(float), /* bytes: of a panel's words, of sums */
    AHEAD = 8192, /* that words are asked for: the hardware's prefetch stops at the end of a page */
    FEW = 4       /* rows, which wait for memory; more keep the arithmetic busy */
};
#define OFFSET(j) ((size_t)(j) * LANES * sizeof(float))

HEW_INLINE vf decode(vw *x, const decoder *d, const int bits, const bool shifted, const bool second)
{
    return second ? decode_second(x, *d, bits, shifted) : decode_first(x, *d, bits, shifted);
}

/* acc += a * w for one element of k, `at` bytes along the rows.  What there is less of, rows or
 * registers of columns, waits in registers for the other. */
HEW_INLINE void multiply(const char *const row[HEW_MAX_MR], size_t at, vw x[4], const decoder d[4],
                         const int bits, const bool shifted, const bool second, const int m,
                         const int nv, vf acc[4][HEW_MAX_MR])
{
    vf a[HEW_MAX_MR], w[4];
    if (m < nv) {
        HEW_UNROLL for (int i = 0; i < m; i++)
            a[i] = vf_set(*(const float *)(row[i] + at));
        HEW_UNROLL for (int j = 0; j < nv; j++) {
            w[0] = decode(&x[j], &d[j], bits, shifted, second);
            HEW_UNROLL for (int i = 0; i < m; i++)
                acc[j][i] = vf_fma(a[i], w[0], acc[j][i]);
        }
        return;
    }
    HEW_UNROLL for (int j = 0; j < nv; j++)
        w[j] = decode(&x[j], &d[j], bits, shifted, second);
    HEW_UNROLL for (int i = 0; i < m; i++) {
        a[0] = vf_set(*(const float *)(row[i] + at));
        HEW_UNROLL for (int j = 0; j < nv; j++)
            acc[j][i] = vf_fma(a[0], w[j], acc[j][i]);
    }
}

/* A masked load takes hundreds of cycles where its page isn't in the TLB (Zen 4, AVX2), and each
 * group's scales are in a page of their own: only a tail is masked. */
HEW_INLINE vf load_first(int n, const char *p)
{
    return n >= LANES ? vf_load(p) : vf_load_masked(vf_first(n), p);
}

/* Where a group is: its first element in the rows, its first word, its number. */
typedef struct place {
    size_t at, words, number;
    const char *b;
    int first; /* register of the panel's columns */
} place;

/* The chains of one group; added to the sums. */
HEW_INLINE void group(const hew_gemm_wo *t, const place *p, const int bits, const bool shifted,
                      const int m, const int nv)
{
    const int n = t->n - p->first * LANES;
    const size_t zeros = p->number * t->zero_stride + (size_t)p->first * LANES;
    const char *row[HEW_MAX_MR];
    decoder d[4];
    vf acc[4][HEW_MAX_MR];
    HEW_UNROLL for (int i = 0; i < m; i++)
        row[i] = (const char *)t->a + (size_t)i * t->a_stride;
    HEW_UNROLL for (int j = 0; j < nv; j++) {
        d[j] = decoder_of(shifted && t->zero
                              ? vf_from_s8(t->zero + zeros + j * LANES, n - j * LANES)
                              : vf_zero(), bits);
        HEW_UNROLL for (int i = 0; i < m; i++) {
            acc[j][i] = vf_zero();
            HEW_PIN(acc[j][i]);
        }
    }
    const char *b = p->b;
    size_t at = p->at;
    for (size_t words = p->words; words > 0; words--, b += ROW) {
        vw x[4];
        HEW_UNROLL for (int j = 0; j < nv; j++)
            x[j] = vw_load(b + OFFSET(j));
        if (m <= FEW)
            HEW_UNROLL for (size_t line = 0; line < OFFSET(nv); line += 64)
                __builtin_prefetch(b + AHEAD + line, 0, 2);
        HEW_UNROLL for (int s = 0; s < 32 / bits; s++, at += sizeof(float))
            multiply(row, at, x, d, bits, shifted, s % 2 != 0, m, nv, acc);
    }
    char *sums = (char *)t->sums + OFFSET(p->first);
    const size_t scales = p->number * t->scale_stride + OFFSET(p->first);
    HEW_UNROLL for (int j = 0; j < nv; j++) {
        const char *scale = (const char *)t->scale;
        const vf factor =
            scale ? load_first(n - j * LANES, scale + scales + OFFSET(j)) : vf_set(1);
        HEW_UNROLL for (int i = 0; i < m; i++) {
            char *sum = sums + (size_t)i * ROW + OFFSET(j);
            vf_store(sum, vf_fma(acc[j][i], factor, vf_load(sum)));
        }
    }
}

typedef void group_fn(const hew_gemm_wo *t, const place *p);
typedef struct height {
    group_fn *group;
    int nv;
} height;

HEW_INLINE void columns(const hew_gemm_wo *t, height h, const int bits)
{
    for (int i = 0; i < t->m; i++)
        for (int j = 0; j < 4; j++)
            vf_store((char *)t->sums + (size_t)i * ROW + OFFSET(j), vf_zero());
    for (int first = 0; first < 4 && first * LANES < t->n; first += h.nv) {
        place p = {.b = (const char *)t->b + OFFSET(first), .first = first};
        for (size_t left = t->words; left > 0; left -= p.words, p.number++) {
            p.words = hew_min(left, t->group_words);
            h.group(t, &p);
            p.at += p.words * (32 / (size_t)bits) * sizeof(float);
            p.b += p.words * ROW;
        }
    }
}

/* A kernel is a table of one function for each height; the lowest, where decoding is what takes the
 * time, have one more without zero points. */
#define WO_HEIGHT(name, bits, m, shifted)                                                          \
    static __attribute__((noinline)) void name##_##m##_##shifted(const hew_gemm_wo *t,             \
                                                                 const place *p)                   \
    {                                                                                              \
        group(t, p, bits, shifted, m, WIDTH(m));                                                   \
    }
#define WO_KERNEL(name, bits)                                                                      \
    WO_HEIGHT(name, bits, 1, false)                                                                \
    WO_HEIGHT(name, bits, 2, false)                                                                \
    WO_HEIGHT(name, bits, 1, true)                                                                 \
    WO_HEIGHT(name, bits, 2, true)                                                                 \
    WO_HEIGHT(name, bits, 3, true)                                                                 \
    WO_HEIGHT(name, bits, 4, true)                                                                 \
    WO_HEIGHT(name, bits, 5, true)                                                                 \
    WO_HEIGHT(name, bits, 6, true)                                                                 \
    WO_HEIGHT(name, bits, 7, true)                                                                 \
    WO_HEIGHT(name, bits, 8, true)                                                                 \
    void name(const hew_gemm_wo *t)                                                                \
    {                                                                                              \
        static group_fn *const plain[] = {name##_1_false, name##_2_false};                         \
        static group_fn *const shifted[] = {name##_1_true, name##_2_true, name##_3_true,           \
                                            name##_4_true, name##_5_true, name##_6_true,           \
                                            name##_7_true, name##_8_true};                         \
        group_fn *const fn = t->m <= 2 && !t->zero ? plain[t->m - 1] : shifted[t->m - 1];          \
        columns(t, (height){fn, WIDTH(t->m)}, bits);                                               \
    }

/* The same for two rows at most, and no zero points. */
#define WO_LOW_KERNEL(name, bits)                                                                  \
    WO_HEIGHT(name, bits, 1, false)                                                                \
    WO_HEIGHT(name, bits, 2, false)                                                                \
    void name(const hew_gemm_wo *t)                                                                \
    {                                                                                              \
        static group_fn *const plain[] = {name##_1_false, name##_2_false};                         \
        columns(t, (height){plain[t->m - 1], WIDTH(t->m)}, bits);                                  \
    }

/* ------------------------------------------------------------------------- for many rows ---- */

/* A panel's words as rows of floats. */
HEW_INLINE void expand(const hew_expand *e, const int bits)
{
    const size_t k = e->words * (32 / (size_t)bits), row = e->width * sizeof(float);
    decoder d[4];
    char *out[4]; /* of each register's columns */
    for (int j = 0; j < 4; j++) {
        const size_t column = (size_t)j * LANES;
        d[j] = decoder_of(e->zero ? vf_from_s8(e->zero + column, e->n - j * LANES) : vf_zero(),
                          bits);
        out[j] = (char *)(e->out + column / e->width * k * e->width + column % e->width);
    }
    const char *b = e->b;
    for (size_t words = e->words, at = 0; words > 0; words--, b += ROW)
        for (int j = 0; j < 4; j++) {
            vw x = vw_load(b + OFFSET(j));
            HEW_UNROLL for (int s = 0; s < 32 / bits; s++)
                vf_store(out[j] + at + (size_t)s * row, decode(&x, &d[j], bits, true, s % 2 != 0));
            at += j == 3 ? 32 / (size_t)bits * row : 0;
        }
}

HEW_INLINE void add_scaled(size_t m, size_t n, size_t width, const float *x, const float *scale,
                           float *sums)
{
    for (size_t j = 0; j < n; j += LANES) {
        const vf factor = scale ? load_first((int)(n - j), (const char *)(scale + j)) : vf_set(1);
        for (size_t at = j; at < m * width; at += width)
            vf_store(sums + at, vf_fma(vf_load(x + at), factor, vf_load(sums + at)));
    }
}
