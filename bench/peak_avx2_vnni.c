/*
 * peak_avx2_vnni.c - the machine's limit with AVX-VNNI: vpdpbusd from registers.
 */
#include "core.h"
#include "peak.h"

#include <immintrin.h>

enum { CHAINS = 12 };
#define VECTOR __m256i
#define REGISTER "x"
#define SET1(x) _mm256_set1_epi32(x)
#define DOT(s, a, b) _mm256_dpbusd_avx_epi32(s, a, b)
#include "peak_dots.h"

const hew_peak_rate hew_peak_avx2_vnni = {dots, CHAINS * 64.0};
