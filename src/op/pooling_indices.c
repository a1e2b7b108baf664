/*
 * pooling_indices.c - the numbers of pixels as those of elements of a whole tensor.
 */
#include "pooling.h"

enum { TASK_INDICES = 16 << 10 };

typedef struct numbering {
    hew_pooling_plan plan;
    hew_pooling_order order;
    size_t pixels, task_pixels; /* of output, in the whole batch */
    const int32_t *indices;
    int64_t *flat;
} numbering;

static int64_t number_of(const numbering *n, size_t image, int64_t pixel, size_t channel)
{
    const hew_pooling_plan *p = &n->plan;
    const int64_t pixels = (int64_t)hew_pooling_in_pixels(p), channels = (int64_t)p->channels;
    if (n->order == HEW_POOLING_NHWC)
        return ((int64_t)image * pixels + pixel) * channels + (int64_t)channel;
    if (n->order == HEW_POOLING_NCHW_COLUMNS) {
        const int64_t deep = p->axis[0].in, high = p->axis[1].in, wide = p->axis[2].in;
        const int64_t w = pixel % wide, h = pixel / wide % high, d = pixel / wide / high;
        pixel = (w * high + h) * deep + d;
    }
    return ((int64_t)image * channels + (int64_t)channel) * pixels + pixel;
}

static void run_task(void *context, size_t worker, size_t task)
{
    (void)worker;
    const numbering *n = context;
    const size_t channels = n->plan.channels, per_image = hew_pooling_out_pixels(&n->plan);
    const size_t begin = task * n->task_pixels, end = hew_min(begin + n->task_pixels, n->pixels);
    for (size_t i = begin; i < end; i++)
        for (size_t c = 0; c < channels; c++) {
            const int32_t pixel = n->indices[i * channels + c];
            n->flat[i * channels + c] = pixel < 0 ? -1 : number_of(n, i / per_image, pixel, c);
        }
}

hew_status hew_pooling_flat_indices(const hew_pooling_desc *desc, hew_pooling_order order,
                                    const int32_t *indices, int64_t *flat,
                                    const hew_threads *threads)
{
    numbering n = {.order = order, .indices = indices, .flat = flat};
    hew_status s = hew_pooling_check(desc, &n.plan);
    if (s == HEW_OK)
        s = hew_pooling_check_indices(&n.plan);
    if (s == HEW_OK && ((int)order < 0 || (int)order > HEW_POOLING_NCHW_COLUMNS))
        return hew_fail(HEW_ERR_INVALID, "pooling: there is no order %d; they are 0 to %d",
                        (int)order, (int)HEW_POOLING_NCHW_COLUMNS);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || n.plan.batch == 0)
        return s;
    s = hew_pooling_check_data("indices", indices, sizeof *indices);
    if (s == HEW_OK)
        s = hew_pooling_check_data("flat", flat, sizeof *flat);
    if (s != HEW_OK)
        return s;
    n.pixels = n.plan.batch * hew_pooling_out_pixels(&n.plan);
    n.task_pixels = TASK_INDICES / n.plan.channels + 1;
    return hew_parallel(threads, hew_ceil_div(n.pixels, n.task_pixels), run_task, &n);
}
