/*
 * arithmetic.c - the sums of the tile multiplies and of VDPBF16PS, sixteen lanes at a time.
 *
 * Runs under the MXCSR that the manual prescribes (execute.c), so the host's own fused multiply-add
 * flushes and rounds as the emulated instructions do.
 */
#include "emu_internal.h"

#include <immintrin.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,f16c")))

/*
 * sum += a * b.  In assembly because the operands' order decides which of several NaNs survives,
 * and a compiler may exchange a and b.
 */
#define FMA(sum, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))
#define ADD(sum, a, b) __asm__("vaddps %2, %1, %0" : "=v"(sum) : "v"(a), "v"(b))

/* The bf16s of an even and an odd place, as floats. */
#define BF16_EVEN(pairs) _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16))
#define BF16_ODD(pairs) \
    _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xFFFF0000u)))

AVX512 void vector_dot_bf16(vec *sum, const vec *a, const vec *b)
{
    const __m512i pairs_a = _mm512_load_si512(a), pairs_b = _mm512_load_si512(b);
    __m512 s = _mm512_load_ps(sum);
    FMA(s, BF16_ODD(pairs_a), BF16_ODD(pairs_b));
    FMA(s, BF16_EVEN(pairs_a), BF16_EVEN(pairs_b));
    _mm512_store_ps(sum, s);
}

/* Denormal halfs are numbers to VCVTPH2PS, whatever MXCSR says, as they are to TDPFP16PS. */
AVX512 static void split_pairs(__m512i pairs, bool fp16, __m512 *even, __m512 *odd)
{
    if (fp16) {
        *even = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(pairs));
        *odd = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(pairs, 16)));
    } else {
        *even = BF16_EVEN(pairs);
        *odd = BF16_ODD(pairs);
    }
}

static int read_dword(const uint8_t *p)
{
    int value;
    memcpy(&value, p, 4);
    return value;
}

AVX512 void tile_dot_pairs(tile *c, const tile *a, const tile *b, int m, int n, int k, bool fp16)
{
    const __mmask16 columns = (__mmask16)((1u << n) - 1);
    __m512 b_even[16], b_odd[16];
    for (int q = 0; q < k; q++)
        split_pairs(_mm512_load_si512(b->row[q]), fp16, &b_even[q], &b_odd[q]);
    for (int i = 0; i < m; i++) {
        __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps(), sum;
        for (int q = 0; q < k; q++) {
            __m512 a_even, a_odd;
            split_pairs(_mm512_set1_epi32(read_dword(a->row[i] + 4 * q)), fp16, &a_even, &a_odd);
            FMA(even, a_even, b_even[q]);
            FMA(odd, a_odd, b_odd[q]);
        }
        ADD(sum, even, odd);
        ADD(sum, _mm512_load_ps(c->row[i]), sum);
        _mm512_store_ps(c->row[i], _mm512_maskz_mov_ps(columns, sum));
    }
    memset(c->row[m], 0, (size_t)(16 - m) * sizeof c->row[0]);
}

/* The bytes of an even and an odd place, as words. */
AVX512 static void split_quads(__m512i quads, bool is_signed, __m512i *even, __m512i *odd)
{
    if (is_signed) {
        *even = _mm512_srai_epi16(_mm512_slli_epi16(quads, 8), 8);
        *odd = _mm512_srai_epi16(quads, 8);
    } else {
        *even = _mm512_and_si512(quads, _mm512_set1_epi16(255));
        *odd = _mm512_srli_epi16(quads, 8);
    }
}

AVX512 void tile_dot_bytes(tile *c, const tile *a, const tile *b, int m, int n, int k,
                           bool a_signed, bool b_signed)
{
    const __mmask16 columns = (__mmask16)((1u << n) - 1);
    __m512i b_even[16], b_odd[16];
    for (int q = 0; q < k; q++)
        split_quads(_mm512_load_si512(b->row[q]), b_signed, &b_even[q], &b_odd[q]);
    for (int i = 0; i < m; i++) {
        __m512i sum = _mm512_load_si512(c->row[i]);
        for (int q = 0; q < k; q++) {
            __m512i even, odd;
            split_quads(_mm512_set1_epi32(read_dword(a->row[i] + 4 * q)), a_signed, &even, &odd);
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(even, b_even[q]));
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(odd, b_odd[q]));
        }
        _mm512_store_si512(c->row[i], _mm512_maskz_mov_epi32(columns, sum));
    }
    memset(c->row[m], 0, (size_t)(16 - m) * sizeof c->row[0]);
}
