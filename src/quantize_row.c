/*
 * quantize_row.c - a row of floats as bytes with a scale and a zero point of its own.
 */
#include "format.h"

void hew_quantize_row(quantize_f32_fn *quantize, const float *x, size_t k, hew_type type, void *y,
                      float *scale, int32_t *zero)
{
    float lo = 0, hi = 0; /* NaNs are neither */
    for (size_t i = 0; i < k; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    const bool symmetric = type == HEW_S8;
    const float s = symmetric ? (-lo > hi ? -lo : hi) / 127 : (hi - lo) / 255;
    uint8_t z = 0;
    if (!symmetric) {
        const float least = -lo;
        quantize(&(hew_quantize_rows){
            .x = &least, .y = &z, .type = HEW_U8, .scale = s, .rows = 1, .n = 1});
    }
    *scale = s;
    *zero = z;
    quantize(&(hew_quantize_rows){
        .x = x, .y = y, .type = type, .scale = s, .zero = z, .rows = 1, .n = k});
}
