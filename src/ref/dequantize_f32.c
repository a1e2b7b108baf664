/*
 * dequantize_f32 - the definition of floats from quantised ones, bf16 and f16: kernels_rows.h.
 */
#include "kernels.h"
#include "ref/ref.h"

static int32_t element(hew_type type, const char *x, size_t j)
{
    if (type == HEW_S8)
        return ((const int8_t *)x)[j];
    return type == HEW_U8 ? ((const uint8_t *)x)[j] : ((const int32_t *)x)[j];
}

void hew_dequantize_f32_ref(const hew_dequantize_rows *rows)
{
    for (size_t i = 0; i < rows->rows; i++) {
        const char *const x = (const char *)rows->x + i * rows->x_stride;
        float *const y = (float *)((char *)rows->y + i * rows->y_stride);
        for (size_t j = 0; j < rows->n; j++) {
            if (rows->type == HEW_BF16 || rows->type == HEW_F16) {
                y[j] = hew_ref_load_type(rows->type, x, (int64_t)j);
                continue;
            }
            const int32_t zero = rows->scales ? rows->zeros[j] : rows->zero;
            const float scale = rows->scales ? rows->scales[j] : rows->scale;
            const uint32_t difference = (uint32_t)element(rows->type, x, j) - (uint32_t)zero;
            y[j] = (float)(int32_t)difference * scale;
        }
    }
}
