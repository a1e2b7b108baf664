/*
 * gemm_bf16_dot - gemm_bf16 with an instruction that multiplies words of two: the including file's
 * dot(sum, a, b), over its reg_s32.h and reg_bf16.h.
 */
#include <string.h>

#include "finish_f32.h"

typedef vf sums;
typedef vi words;
enum { ELEMENT = 2, PASSES = 1, A_WORD = 4 };

HEW_INLINE words a_part(const char *p, const int pass, const bool form)
{
    int32_t word;
    (void)pass, (void)form;
    memcpy(&word, p, sizeof word);
    return vi_set(word);
}
HEW_INLINE words b_part(const char *p, const int pass)
{
    (void)pass;
    return vi_load(p);
}

#include "gemm_direct.h"

#include "gemm_bf16.h"
