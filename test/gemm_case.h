/* gemm_case.h - one GEMM against its definition: the operands, the runs and the comparison. */
#ifndef HEW_TEST_GEMM_CASE_H
#define HEW_TEST_GEMM_CASE_H

#include "operand.h"

typedef struct gemm_case {
    hew_gemm_desc d;         /* as a caller writes it */
    bool scale, bias;
    bool bias_s32, b_zero;   /* quantised tensors; zero points of B */
    int32_t a_zero, c_zero, residual_zero;
    float c_scale, residual_scale;
    residual_kind residual;
    fill a, b, rest;         /* rest: C where it is read, scale, bias and residual */
    nan_rule nans;
    bool threads;            /* run it with 1, 2, 3 and 8 threads too */
} gemm_case;
#define GEMM_CASE(...) ((gemm_case){.d = {.size = sizeof(hew_gemm_desc), __VA_ARGS__}})

/* Where the elements of the operands lie, with the descriptor's defaults filled in. */
typedef struct gemm_layouts {
    layout a, b, c, r;
} gemm_layouts;
gemm_layouts gemm_layouts_of(const hew_gemm_desc *d);

/*
 * Computes the case on the ref rung and on the test's, and compares bit for bit: C, its padding,
 * and whether the inputs are what they were.  Every buffer stands once at its front and once at
 * its back.
 */
void check_gemm(const gemm_case *g);

#endif
