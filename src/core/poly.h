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

/* log(1 + e) = e + e^2 (LOG1P_0 + LOG1P_1 e + ...), 0 <= e <= 1; error 2^-27.5 */
#define POLY_LOG1P_0 -0x1.ffffd2p-2f
#define POLY_LOG1P_1 0x1.554dd4p-2f
#define POLY_LOG1P_2 -0x1.ff249p-3f
#define POLY_LOG1P_3 0x1.93506ep-3f
#define POLY_LOG1P_4 -0x1.3a56c8p-3f
#define POLY_LOG1P_5 0x1.b4ff56p-4f
#define POLY_LOG1P_6 -0x1.d76f3cp-5f
#define POLY_LOG1P_7 0x1.4a0292p-6f
#define POLY_LOG1P_8 -0x1.b1223ep-9f

/* z^(-1/2) is near y, the float whose bits are ROOT_BITS - bits of z / 2: with r = 1 - z y^2 then
 * z^(-3/2) = y^3 (1 + r (ROOT_0 + ROOT_1 r + ...)), |r| <= 0.0682; error 2^-26.4 */
#define POLY_ROOT_BITS 0x5f374800
#define POLY_ROOT_0 0x1.8p+0f
#define POLY_ROOT_1 0x1.dffe34p+0f
#define POLY_ROOT_2 0x1.17ff3ap+1f
#define POLY_ROOT_3 0x1.3d70f4p+1f
#define POLY_ROOT_4 0x1.5cedb8p+1f

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

/* erf(x) = x + x (ERF_NEAR_0 + ERF_NEAR_1 x^2 + ...), 0 <= x <= 0.92; error 2^-30.1 */
#define POLY_TWO_OVER_ROOT_PI 0x1.20dd76p+0f
#define POLY_ERF_BOUND 0.92f
#define POLY_ERF_NEAR_0 0x1.06eba8p-3f
#define POLY_ERF_NEAR_1 -0x1.81274p-2f
#define POLY_ERF_NEAR_2 0x1.ce2d64p-4f
#define POLY_ERF_NEAR_3 -0x1.b80116p-6f
#define POLY_ERF_NEAR_4 0x1.5449a6p-8f
#define POLY_ERF_NEAR_5 -0x1.a60246p-11f
#define POLY_ERF_NEAR_6 0x1.4f3d48p-14f

/* erf(x) = 1 - exp(x (ERF_FAR_0 + ERF_FAR_1 x + ...)), 0.92 <= x <= 3.95; error 2^-30.3 */
#define POLY_ERF_FAR_0 -0x1.20ef1cp+0f
#define POLY_ERF_FAR_1 -0x1.45328ap-1f
#define POLY_ERF_FAR_2 -0x1.b3259cp-4f
#define POLY_ERF_FAR_3 0x1.8551d2p-6f
#define POLY_ERF_FAR_4 -0x1.dd6e38p-9f
#define POLY_ERF_FAR_5 0x1.527e5ep-12f
#define POLY_ERF_FAR_6 -0x1.78e13ap-17f

/* log2(1 + f) = f (LOG2_0 + LOG2_1 f + ...) in double, sqrt(1/2) <= 1 + f <= sqrt(2);
 * error 2^-33.2 */
#define POLY_LOG2_0 0x1.71547652efb54p+0
#define POLY_LOG2_1 -0x1.7154767b9aeccp-1
#define POLY_LOG2_2 0x1.ec709c0063ebcp-2
#define POLY_LOG2_3 -0x1.715435ef85536p-2
#define POLY_LOG2_4 0x1.277732eceab8p-2
#define POLY_LOG2_5 -0x1.ec8d738ddc87p-3
#define POLY_LOG2_6 0x1.a615c63df00efp-3
#define POLY_LOG2_7 -0x1.6eb02df24c8a4p-3
#define POLY_LOG2_8 0x1.45a2d4db6bb55p-3
#define POLY_LOG2_9 -0x1.417ffb66a2c79p-3
#define POLY_LOG2_10 0x1.3d246d09b67f6p-3
#define POLY_LOG2_11 -0x1.61a871e7bbc73p-4
#define POLY_LN2 0x1.62e42fefa39efp-1

/* sin(r) = r + r^3 (SIN_0 + SIN_1 r^2 + ...), error 2^-27.9, and
 * cos(r) = 1 + r^2 (-1/2 + r^2 (COS_0 + COS_1 r^2 + ...)), error 2^-33, |r| <= 1.001 pi/4 */
#define POLY_SIN_0 -0x1.555546p-3f
#define POLY_SIN_1 0x1.110774p-7f
#define POLY_SIN_2 -0x1.9951fap-13f
#define POLY_COS_0 0x1.55554ap-5f
#define POLY_COS_1 -0x1.6c0c28p-10f
#define POLY_COS_2 0x1.99e816p-16f

/* pi/2 in three floats.  The first has 20 bits, so that x - n HALF_PI_1 is exact below TRIG_FAR. */
#define POLY_TWO_OVER_PI 0x1.45f306p-1f
#define POLY_HALF_PI_1 0x1.921fap+0f
#define POLY_HALF_PI_2 0x1.54442ep-20f
#define POLY_HALF_PI_3 -0x1.cf72cep-45f
#define POLY_TRIG_FAR 0x1p15f
#define POLY_TRIG_NEAR 0x1.fffffep14f /* the next float below */

/* The bits of 1, less what makes log2(1 + f) nearly f + 0.043: the first guess of a root. */
#define POLY_ROOT_ONE 0x3f7a7dc0p0f

#endif
