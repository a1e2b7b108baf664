/*
 * hew/elementwise.h - operations on tensors element by element.
 */
#ifndef HEW_API_ELEMENTWISE_H
#define HEW_API_ELEMENTWISE_H

#include "base.h"

HEW_BEGIN_C

/* --------------------------------------------------------------------------- elementwise ---- */

typedef enum hew_binary_kind {
    HEW_BINARY_ADD = 0
} hew_binary_kind;

/*
 * Two matrices, element by element: ONNX Add, and QLinearAdd of com.microsoft.  Each may be f32, or
 * u8 or s8 and stand for (q - zero) * scale; f32 has a scale, a factor, but no zero.
 *
 *     v = act(fma(b_scale, b - b_zero, a_scale * (a - a_zero)))
 *     c = v                                              f32
 *     c = saturate(round(v / c_scale) + c_zero)          u8, s8: half to even; NaN gives c_zero
 *
 * The division is hew_gemm's: a product with the float 1 / c_scale, and without an activation or
 * with RELU or CLIP it is a_scale, b_scale and CLIP's bounds that are multiplied by that.
 */
typedef struct hew_binary_desc {
    size_t size;
    hew_binary_kind kind;
    hew_type a_type, b_type, c_type;      /* f32, u8, s8                                          */
    int64_t rows, columns;
    int64_t a_stride, b_stride, c_stride; /* between rows; 0 = columns                            */
    hew_act act;
    float a_scale, b_scale, c_scale;      /* positive; 0 = 1.  c_scale: of u8 and s8              */
    int32_t a_zero, b_zero, c_zero;       /* of u8 and s8, within the range of the type           */
} hew_binary_desc;
#define HEW_BINARY_DESC(...) ((hew_binary_desc){.size = sizeof(hew_binary_desc), __VA_ARGS__})

/* c may be a or b itself, or both, with elements of the same size and the same stride. */
HEW_API hew_status hew_binary(const hew_binary_desc *desc, const void *a, const void *b, void *c,
                              const hew_threads *threads);

HEW_END_C
#endif
