/*
 * math.c - special functions: cycles an element here, in glibc's libmvec and in SLEEF.
 *
 * Sixteen floats a call, 2048 in all, over arguments from -10 to 10, or up to 100 for logarithms.
 * The three take turns; a line has each one's least time.  A cycle is a third of a multiplication
 * of integers that waits for another, measured along with them.
 */
#include "hew.h"

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>

#include "timing.h"

enum { N = 2048 };

typedef __m512 vector_fn(__m512 x);
#define OTHERS(name)                                                                               \
    vector_fn _ZGVeN16v_##name##f, Sleef_##name##f16_u10avx512f;
OTHERS(exp)
OTHERS(expm1)
OTHERS(log)
OTHERS(log1p)
OTHERS(tanh)
OTHERS(erf)
OTHERS(sin)
OTHERS(cos)

static const struct {
    const char *name;
    hew_act_kind kind;
    vector_fn *mvec, *sleef;
} functions[] = {
#define FUNCTION(name, kind) {#name, kind, _ZGVeN16v_##name##f, Sleef_##name##f16_u10avx512f}
    FUNCTION(exp, HEW_ACT_EXP),     FUNCTION(expm1, HEW_ACT_EXPM1), FUNCTION(log, HEW_ACT_LOG),
    FUNCTION(log1p, HEW_ACT_LOG1P), FUNCTION(tanh, HEW_ACT_TANH),   FUNCTION(erf, HEW_ACT_ERF),
    FUNCTION(sin, HEW_ACT_SIN),     FUNCTION(cos, HEW_ACT_COS),
};

static float x[N], y[N];

__attribute__((target("avx512f"))) static void run_vectors(void *op)
{
    vector_fn *const fn = *(vector_fn *const *)op;
    for (int i = 0; i < N; i += 16)
        _mm512_storeu_ps(y + i, fn(_mm512_loadu_ps(x + i)));
}

static void run_hew(void *op)
{
    const hew_operand o = {.tensor = {.type = HEW_F32, .rank = 1, .extent = {N}}};
    const hew_elementwise_desc d =
        HEW_ELEMENTWISE_DESC(.act.kind = *(hew_act_kind *)op, .in = o, .out = o);
    if (hew_elementwise(&d, x, y, NULL) != HEW_OK) {
        fprintf(stderr, "%s\n", hew_last_error());
        exit(1);
    }
}

/* 1000 cycles. */
static void run_cycles(void *op)
{
    uint64_t product = (uintptr_t)op;
    for (int i = 0; i < 1000; i += 3)
        __asm__ volatile("imul %0, %0" : "+r"(product));
}

int main(void)
{
    if (!hew_isa_available(HEW_ISA_AVX512)) {
        puts("libmvec's and SLEEF's functions that are taken here need AVX-512");
        return 0;
    }
    printf("cycles an element\n%-8s %8s %8s %8s\n", "", "hew", "libmvec", "SLEEF");
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        hew_act_kind kind = functions[f].kind;
        vector_fn *mvec = functions[f].mvec, *sleef = functions[f].sleef;
        const bool logs = kind == HEW_ACT_LOG || kind == HEW_ACT_LOG1P;
        for (int i = 0; i < N; i++)
            x[i] = (logs ? 0.0f : -10.0f) +
                   (logs ? 100.0f : 20.0f) * ((float)rand() + 1) / (float)RAND_MAX;
        contestant c[4] = {{.run = run_hew, .op = &kind},
                           {.run = run_vectors, .op = &mvec},
                           {.run = run_vectors, .op = &sleef},
                           {.run = run_cycles}};
        time_contest(c, 4, 0.05, false);
        const double unit = c[3].min_us / 1000 * N;
        printf("%-8s %8.2f %8.2f %8.2f\n", functions[f].name, c[0].min_us / unit,
               c[1].min_us / unit, c[2].min_us / unit);
    }
    return 0;
}
