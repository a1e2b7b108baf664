/*
 * norm.c - what the drivers of normalisation share.
 */
#include "norm.h"

#include <math.h>
#include <string.h>

hew_status hew_norm_check_struct(const char *op, const char *what, const void *given,
                                 size_t wanted)
{
    if (!given)
        return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op, what);
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size != wanted)
        return hew_fail(HEW_ERR_INVALID, "%s: the size of %s is %zu, this library's is %zu", op,
                        what, size, wanted);
    return HEW_OK;
}

hew_status hew_norm_check_type(const char *op, hew_type type)
{
    if (type == HEW_F32 || type == HEW_BF16 || type == HEW_F16)
        return HEW_OK;
    return hew_fail(HEW_ERR_UNSUPPORTED, "%s: type %d (%s); f32, bf16 and f16 are what there is",
                    op, (int)type, hew_type_name(type));
}

hew_status hew_norm_check_epsilon(const char *op, float given, float *epsilon)
{
    if (!(given >= 0.0f && given < INFINITY))
        return hew_fail(HEW_ERR_INVALID, "%s: epsilon is %g; it must be finite and not negative",
                        op, (double)given);
    *epsilon = given == 0.0f ? 1e-5f : given;
    return HEW_OK;
}

hew_status hew_norm_check_stride(const char *op, const char *name, int64_t given, int64_t rows,
                                 int64_t columns, size_t element, size_t *stride)
{
    const int64_t used = given == 0 ? columns : given;
    int64_t bytes;
    if (used < columns)
        return hew_fail(HEW_ERR_INVALID, "%s: %s = %lld is less than the %lld columns", op, name,
                        (long long)given, (long long)columns);
    if (!hew_mul(used, (int64_t)element, &bytes) || !hew_mul(bytes, rows, &bytes))
        return hew_fail(HEW_ERR_OVERFLOW, "%s: %lld rows with %s = %lld are too large", op,
                        (long long)rows, name, (long long)used);
    *stride = (size_t)used * element;
    return HEW_OK;
}

hew_status hew_norm_check_pointers(const char *op, const hew_norm_pointer *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].needed && !list[i].p)
            return hew_fail(HEW_ERR_INVALID, "%s: %s is null", op, list[i].name);
        if ((uintptr_t)list[i].p % list[i].element != 0)
            return hew_fail(HEW_ERR_INVALID, "%s: %s is at %p, which is no multiple of %zu", op,
                            list[i].name, list[i].p, list[i].element);
    }
    return HEW_OK;
}

hew_status hew_norm_check_same(const char *op, const void *a, size_t a_stride, const void *b,
                               size_t b_stride)
{
    if (!a || a != b || a_stride == b_stride)
        return HEW_OK;
    return hew_fail(HEW_ERR_INVALID, "%s: in place with rows %zu and %zu bytes apart", op, a_stride,
                    b_stride);
}

bool hew_norm_streams(const void *out, size_t stride, size_t rows, const void *in,
                      const void *other)
{
    const size_t tensors = other && other != in ? 3 : 2, most = (size_t)HEW_STREAM_BYTES / tensors;
    return stride * rows >= most && ((uintptr_t)out | stride) % HEW_ALIGNMENT == 0 &&
           out != in && out != other;
}

void hew_norm_add_up(const float *part, size_t rows, size_t stride, size_t begin, size_t end,
                     float *out)
{
    enum { STRIP = 64 };
    for (size_t j = begin; out && j < end; j += STRIP) {
        const size_t n = hew_min(end - j, STRIP);
        double sum[STRIP] = {0};
        for (size_t i = 0; i < rows; i++)
            for (size_t k = 0; k < n; k++)
                sum[k] += (double)part[i * stride + j + k];
        for (size_t k = 0; k < n; k++)
            out[j + k] = (float)sum[k];
    }
}
