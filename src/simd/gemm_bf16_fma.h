/*
 * gemm_bf16_fma - gemm_bf16 without instructions for bf16.
 *
 * A bf16 is the upper half of a float: one operation makes floats of a register's odd elements (a
 * mask), one of its even ones (a shift), for A as for B.
 */
#include <string.h>

#include "finish_f32.h"

typedef vf sums;
typedef struct words {
    vf odd, even;
} words;
enum { ELEMENT = 2, PASSES = 1, A_WORD = 4 };

HEW_INLINE words halves(vf w) { return (words){vf_odd(w), vf_even(w)}; }
HEW_INLINE words a_part(const char *p, const int pass, const bool form)
{
    (void)pass, (void)form;
    float word; /* two elements, which stand on 2 bytes */
    memcpy(&word, p, sizeof word);
    const vf w = vf_set(word);
    words part = halves(w);
    /* In registers that VEX can name: Zen 4 starts fewer broadcasts to the others. */
    __asm__("" : "+x"(part.odd), "+x"(part.even) : "x"(w));
    return part;
}
HEW_INLINE words b_part(const char *p, const int pass)
{
    (void)pass;
    return halves(vf_load(p));
}
HEW_INLINE sums dot(sums s, words a, words b)
{
    return vf_fma(a.even, b.even, vf_fma(a.odd, b.odd, s));
}

#include "gemm_direct.h"

#include "gemm_bf16.h"
