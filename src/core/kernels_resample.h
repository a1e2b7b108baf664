/*
 * kernels_resample.h - what kernels of resampling are given: sums of few products, in rising order,
 *
 *     t = w[0] * x[0];  t = fma(w[1], x[1], t);  ...
 */
#ifndef HEW_KERNELS_RESAMPLE_H
#define HEW_KERNELS_RESAMPLE_H

#include "core.h"
#include "hew/resample.h"

/* ---------------------------------------------------------------------------- blend_f32 ---- */

/* y[i] = the sum over rows k of w[k] * x[k][i]; or, with `add`, that chain goes on from y[i]. */
enum { HEW_BLEND_ROWS = 4 };
typedef struct hew_blend {
    size_t n;
    int rows; /* 1 .. 4 */
    bool add;
    const float *x[HEW_BLEND_ROWS];
    float w[HEW_BLEND_ROWS];
    float *y;
} hew_blend;
typedef void blend_f32_fn(const hew_blend *b);
typedef blend_f32_fn blend_f32_ref_fn;

/* ----------------------------------------------------------------------------- taps_f32 ---- */

/* y[p][c] = the sum over taps k, start[p] <= k < start[p + 1], of w[k] * x[at[k]][c]; +0 if there
 * are none.  With `second`, where pixels have one or two taps, what is multiplied with
 * w[k] is fma(row_w[1], second[at[k]][c], row_w[0] * x[at[k]][c]). */
typedef struct hew_taps {
    size_t pixels, channels;
    const int32_t *start, *at;
    const float *w;
    const float *x, *second; /* [..][channels] */
    float row_w[2];
    float *y;
    size_t y_stride; /* floats */
} hew_taps;
typedef void taps_f32_fn(const hew_taps *t);
typedef taps_f32_fn taps_f32_ref_fn;

/* ----------------------------------------------------------------------------- look_f32 ---- */

/* The same of single floats, with one or two taps, sixteen at a time:
 *
 *     y[i] = w[0][i] * x[base + at[0][i]]
 *     y[i] = fma(w[1][i], x[base + at[1][i]], y[i])       where w[1][i] is not 0
 *
 * at is valid in all sixteen lanes.  near: all of them are below 32, and 32 floats from x[base] on
 * may be read. */
typedef struct hew_look_block {
    int32_t base, near;
    int32_t at[2][16];
    float w[2][16];
} hew_look_block;
typedef struct hew_look {
    size_t n;
    const hew_look_block *blocks;
    const float *x;
    float *y;
} hew_look;
typedef void look_f32_fn(const hew_look *l);
typedef look_f32_fn look_f32_ref_fn;

/* --------------------------------------------------------------------------------- pick ---- */

/*
 * A row's bytes from those of another, 64 at a time.  Sixteen of them come from two windows of
 * sixteen bytes each, all of which may be read:
 *
 *     out[16 q + i] = in[at[t][q] + from[t][16 q + i]]       for the t whose `from` is below 16
 *
 * and of the other t `from` is 128.  at is valid in all four places.  Without `two` all have t = 0.
 */
typedef struct hew_pick_block {
    int32_t at[2][4];
    uint8_t from[2][64];
} hew_pick_block;
typedef struct hew_pick {
    size_t bytes;
    const hew_pick_block *blocks;
    bool two;
    const char *in;
    char *out;
} hew_pick;
typedef void pick_fn(const hew_pick *p);
typedef pick_fn pick_ref_fn;

#define HEW_KERNELS_LIST "kernels_resample.def"
#include "kernels_declare.h"

#endif
