/*
 * peak_avx512_vnni.c - the machine's limit with AVX512_VNNI: vpdpbusd from registers.
 */
#include "core.h"
#include "peak.h"

#include <immintrin.h>

enum { CHAINS = 24 };
#define VECTOR __m512i
#define REGISTER "v"
#define SET1(x) _mm512_set1_epi32(x)
#define DOT(s, a, b) _mm512_dpbusd_epi32(s, a, b)
#include "peak_dots.h"

const hew_peak_rate hew_peak_avx512_vnni = {dots, CHAINS * 128.0};
