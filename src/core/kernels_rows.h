/*
 * kernels_rows.h - what kernels that go over rows are given: floats, types that become floats.
 */
#ifndef HEW_KERNELS_ROWS_H
#define HEW_KERNELS_ROWS_H

#include "core.h"
#include "hew/quantize.h"

/* ------------------------------------------------------------------------------- act_f32 ---- */

/* x[i][j] = act(in[i][j] + add[i][j]) for rows x n elements.  in may be null: x itself.  add may be
 * null: none, and without it x and in may be BF16 or F16.  `act` has its defaults filled in
 * (hew_act_defaults).  kind may be NONE. */
typedef struct hew_act_f32_rows {
    hew_act act;
    void *x;
    size_t x_stride; /* bytes */
    const void *in;
    size_t in_stride; /* bytes */
    hew_type x_type, in_type; /* in's where it isn't null */
    bool stream;              /* x is not in and won't be read soon: past the caches */
    const float *add;
    size_t add_stride; /* bytes */
    size_t rows, n;
} hew_act_f32_rows;
typedef void act_f32_fn(const hew_act_f32_rows *rows);
typedef act_f32_fn act_f32_ref_fn;

/* Checks an activation and fills in what zeros stand for.  `op` names the caller in the message. */
hew_status hew_act_defaults(const char *op, hew_act *act);

/* ------------------------------------------------------------------------- quantize_f32 ---- */

/*
 * y[i][j] = saturate(round(v) + zero), half to even whatever MXCSR says, where
 *
 *     v = x[i][j] * inverse
 *     v = x[i][j] / scale          if scale is not 0
 *     v = x[i][j] / scales[j]      if there are scales; and zeros[j] is the zero
 *
 * and a v of NaN gives zero, which is within the type's range.  For BF16 and F16: the nearest of
 * x[i][j], ties to even, whatever MXCSR says; denormals are kept, and a NaN stays one (quieted, the
 * upper bits of its payload).
 */
typedef struct hew_quantize_rows {
    const float *x;
    size_t x_stride; /* bytes */
    void *y;
    size_t y_stride;
    hew_type type; /* S8, U8, BF16, F16 */
    float inverse, scale;
    int32_t zero;
    size_t rows, n;
    const float *scales; /* n of them, or null */
    const int32_t *zeros; /* n of them, where there are scales */
} hew_quantize_rows;
typedef void quantize_f32_fn(const hew_quantize_rows *rows);
typedef quantize_f32_fn quantize_f32_ref_fn;

/* ----------------------------------------------------------------------- dequantize_f32 ---- */

/* y[i][j] = (float)(x[i][j] - zero) * scale, with scales[j] and zeros[j] if there are scales.  The
 * difference is modulo 2^32.  Of BF16 and F16: x[i][j] itself, a NaN of F16 quieted. */
typedef struct hew_dequantize_rows {
    const void *x;
    size_t x_stride; /* bytes */
    hew_type type;   /* S8, U8, S32, BF16, F16 */
    float *y;
    size_t y_stride;
    float scale;
    int32_t zero;
    size_t rows, n;
    const float *scales;  /* n of them, or null */
    const int32_t *zeros; /* n of them, where there are scales */
} hew_dequantize_rows;
typedef void dequantize_f32_fn(const hew_dequantize_rows *rows);
typedef dequantize_f32_fn dequantize_f32_ref_fn;

/* ----------------------------------------------------------------------------- range_f32 ---- */

/* lo = min(lo, all of x), hi = max(hi, all of x).  NaNs are left out; a zero comes out as +0. */
typedef struct hew_bounds {
    float lo, hi;
} hew_bounds;
typedef hew_bounds range_f32_fn(hew_bounds bounds, size_t n, const float *x);
typedef range_f32_fn range_f32_ref_fn;

/* A row of k floats becomes bytes, with a scale and a zero point of its own: hew_dynamic, symmetric
 * for S8 and asymmetric for U8. */
void hew_quantize_row(range_f32_fn *range, quantize_f32_fn *quantize, const float *x, size_t k,
                      hew_type type, void *y, float *scale, int32_t *zero);

#define HEW_KERNELS_LIST "kernels_rows.def"
#include "kernels_declare.h"

#endif
