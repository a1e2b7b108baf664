/*
 * poly.h - the constants of the library's special functions, shared by src/ref and src/simd.
 *
 * Minimax fits of test/minimax.py, rounded to float one by one; `error` is what the rounded
 * polynomial leaves of the function named, relative to it, before any rounding of its evaluation.
 */
#ifndef HEW_POLY_H
#define HEW_POLY_H

/* Adding this to |x| < 2^22 leaves rint(x) in the low bits of the sum's significand, in two's
 * complement: the sum's bits minus this constant's bits. */
#define POLY_ROUND 0x1.8p23f

/* x = n ln2 + r.  LN2_HI has 24 bits below 1/2 ulp of any x that gives n != 0, so that
 * x - n LN2_HI is exact for |n| < 256. */
#define POLY_LOG2E 0x1.715476p0f
#define POLY_LN2_HI 0x1.62e43p-1f
#define POLY_LN2_LO -0x1.05c61p-29f

/* exp(r) = 1 + r + r^2 (EXP_0 + EXP_1 r + ...), |r| <= 1.0005 ln2 / 2; error 2^-28.3 */
#define POLY_EXP_0 0x1.fffffcp-2f
#define POLY_EXP_1 0x1.555492p-3f
#define POLY_EXP_2 0x1.5558bp-5f
#define POLY_EXP_3 0x1.12398ep-7f
#define POLY_EXP_4 0x1.6a4d34p-10f

/* log(1 + f) = f + f^2 (LOG_0 + LOG_1 f + ...), sqrt(1/2) <= 1 + f <= sqrt(2); error 2^-27.8 */
#define POLY_LOG_0 -0x1.fffff8p-2f
#define POLY_LOG_1 0x1.55555p-2f
#define POLY_LOG_2 -0x1.00043p-2f
#define POLY_LOG_3 0x1.99a3dap-3f
#define POLY_LOG_4 -0x1.5425f4p-3f
#define POLY_LOG_5 0x1.2274f6p-3f
#define POLY_LOG_6 -0x1.0f4642p-3f
#define POLY_LOG_7 0x1.0830dp-3f
#define POLY_LOG_8 -0x1.37a6f6p-4f

/* The normal distribution's tail over its density, Phi(-t) exp(t^2/2), is (1 + q) times a
 * polynomial in q = (K - t) / (K + t), 0 <= t <= 14.6; error 2^-26.9.  Of the K that would do, this
 * one's coefficients happen to lie near floats. */
#define POLY_TAIL_K 3.25f
#define POLY_TAIL_0 0x1.d0b31cp-4f
#define POLY_TAIL_1 0x1.53f5aap-4f
#define POLY_TAIL_2 0x1.59e57p-5f
#define POLY_TAIL_3 0x1.97f5aap-7f
#define POLY_TAIL_4 0x1.623262p-13f
#define POLY_TAIL_5 -0x1.4eef18p-10f
#define POLY_TAIL_6 -0x1.77e49ap-13f
#define POLY_TAIL_7 0x1.53985ep-13f
#define POLY_TAIL_8 0x1.748622p-16f
#define POLY_TAIL_9 -0x1.4b2e06p-16f
#define POLY_DENSITY 0x1.988454p-2f /* 1 / sqrt(2 pi) */

/* 2 sqrt(2/pi) (1 + 0.044715 x^2) = GATE_0 + GATE_1 x^2, each in two floats.  GATE_0_HI has no
 * bits below 2^-20, so that GATE_0_HI - w is exact for every w in [GATE_0, 16). */
#define POLY_GATE_0_HI 0x1.98845p0f
#define POLY_GATE_0_LO 0x1.9ea1b2p-23f
#define POLY_GATE_1_HI 0x1.2444f2p-4f
#define POLY_GATE_1_LO 0x1.49b16ap-29f

#endif
