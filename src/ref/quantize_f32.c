/*
 * quantize_f32 - the definition of quantised floats, of bf16 and f16 from floats: kernels_rows.h.
 */
#include "kernels.h"
#include "ref/ref.h"

static float scaled(const hew_quantize_rows *rows, float x, size_t j)
{
    if (rows->scales)
        return x / rows->scales[j];
    return rows->scale != 0.0f ? x / rows->scale : x * rows->inverse;
}

void hew_quantize_f32_ref(const hew_quantize_rows *rows)
{
    for (size_t i = 0; i < rows->rows; i++) {
        const float *const x = (const float *)((const char *)rows->x + i * rows->x_stride);
        char *const y = (char *)rows->y + i * rows->y_stride;
        for (size_t j = 0; j < rows->n; j++) {
            if (rows->type == HEW_BF16 || rows->type == HEW_F16) {
                hew_ref_store_type(rows->type, y, (int64_t)j, x[j]);
                continue;
            }
            const int32_t zero = rows->scales ? rows->zeros[j] : rows->zero;
            const int32_t q = hew_ref_quantize(scaled(rows, x[j], j), zero, rows->type);
            if (rows->type == HEW_S8)
                ((int8_t *)y)[j] = (int8_t)q;
            else
                ((uint8_t *)y)[j] = (uint8_t)q;
        }
    }
}
