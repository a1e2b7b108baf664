/*
 * topk.c - the k largest or smallest elements along an axis.
 *
 * An element becomes 64 bits that are larger the sooner it comes: its key, and below that its index
 * counted down.  The k best so far are a heap with the worst of them on top, so that most elements
 * of a long line cost one comparison.  In the end the heap is sorted in place.
 */
#include <string.h>

#include "format.h"
#include "kernels.h"
#include "nest.h"

enum {
    STRETCH = 512,   /* elements whose keys are made at a time */
    SMALL = 256,     /* k up to which the heap is on the stack */
    TASK_ELEMENTS = 16 << 10
};

typedef struct topk {
    topk_keys_fn *keys;
    hew_type type;
    bool smallest;
    size_t n, k, element;
    const char *in;
    char *values, *indices;
    ptrdiff_t step, value_step, index_step; /* bytes along the axis */
    hew_nest nest;                          /* over in, values and indices: the other loops */
    size_t lines, task_lines;
    char *scratch;
    size_t heap_bytes; /* of scratch, a worker */
} topk;

static size_t heap_bytes(int64_t k)
{
    size_t bytes;
    if (k <= SMALL)
        return 0;
    if (__builtin_mul_overflow((size_t)k, sizeof(uint64_t), &bytes) ||
        bytes > SIZE_MAX - HEW_ALIGNMENT)
        return SIZE_MAX;
    return hew_round_up(bytes, HEW_ALIGNMENT);
}

static hew_status check_output(const hew_topk_desc *d, const char *name, const hew_tensor *t,
                               int64_t points)
{
    if (t->rank != d->in.rank)
        return hew_fail(HEW_ERR_INVALID, "topk: %s has rank %d, in has %d", name, t->rank,
                        d->in.rank);
    for (int i = 0; i < t->rank; i++) {
        const int64_t want = i == d->axis ? d->values.extent[i] : d->in.extent[i];
        if (t->extent[i] != want)
            return hew_fail(HEW_ERR_INVALID, "topk: %s has %lld elements along dimension %d, not "
                            "%lld", name, (long long)t->extent[i], i, (long long)want);
        if (points > 0 && t->stride[i] == 0 && t->extent[i] > 1)
            return hew_fail(HEW_ERR_INVALID, "topk: %s's stride along dimension %d is 0", name, i);
    }
    return HEW_OK;
}

static hew_status check(const hew_topk_desc *desc, hew_topk_desc *d, int64_t *inputs,
                        int64_t *outputs)
{
    const unsigned types = 1u << HEW_F32 | 1u << HEW_BF16 | 1u << HEW_F16 | 1u << HEW_S8 |
                           1u << HEW_U8 | 1u << HEW_S32;
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "topk: desc is null");
    if (desc->size != sizeof *desc)
        return hew_fail(HEW_ERR_INVALID, "topk: descriptor size is %zu, this library's is %zu",
                        desc->size, sizeof *desc);
    *d = *desc;
    hew_status s = hew_check_tensor("topk", "in", types, &d->in, inputs);
    if (s == HEW_OK)
        s = hew_check_tensor("topk", "values", 1u << d->in.type, &d->values, outputs);
    if (s == HEW_OK)
        s = hew_check_tensor("topk", "indices", 1u << HEW_S64, &d->indices, outputs);
    if (s != HEW_OK)
        return s;
    if (d->axis < 0 || d->axis >= d->in.rank)
        return hew_fail(HEW_ERR_INVALID, "topk: axis %d of %d", d->axis, d->in.rank);
    s = check_output(d, "values", &d->values, *outputs);
    if (s == HEW_OK)
        s = check_output(d, "indices", &d->indices, *outputs);
    if (s != HEW_OK)
        return s;
    const int64_t n = d->in.extent[d->axis], k = d->values.extent[d->axis];
    if (k > n)
        return hew_fail(HEW_ERR_INVALID, "topk: %lld of %lld elements", (long long)k,
                        (long long)n);
    if (n > INT32_MAX)
        return hew_fail(HEW_ERR_UNSUPPORTED, "topk: lines of %lld elements", (long long)n);
    return HEW_OK;
}

size_t hew_topk_scratch_size(const hew_topk_desc *desc, size_t threads)
{
    hew_topk_desc d;
    int64_t inputs, outputs;
    if (check(desc, &d, &inputs, &outputs) != HEW_OK)
        return SIZE_MAX;
    return hew_scratch_bytes(0, heap_bytes(d.values.extent[d.axis]), threads);
}

/* ------------------------------------------------------------------------------------ heap ---- */

/* Puts x where the top of a heap of n was taken away. */
static void sift(uint64_t *heap, size_t n, uint64_t x)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= x)
            break;
        heap[at] = heap[child];
    }
    heap[at] = x;
}

static void raise(uint64_t *heap, size_t at, uint64_t x)
{
    while (at > 0 && heap[(at - 1) / 2] > x) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = x;
}

/* Elements [first, first + n) of a line. */
static void take(const uint32_t *key, size_t first, size_t n, uint64_t *heap, size_t k)
{
    for (size_t j = 0; j < n; j++) {
        const size_t i = first + j;
        const uint64_t x = (uint64_t)key[j] << 32 | (UINT32_MAX - (uint32_t)i);
        if (i < k)
            raise(heap, i, x);
        else if (x > heap[0])
            sift(heap, k, x);
    }
}

static void take_line(const topk *op, const char *in, uint64_t *heap)
{
    uint32_t key[STRETCH];
    char beside[STRETCH * sizeof(float)] __attribute__((aligned(64)));
    for (size_t j = 0; j < op->n; j += STRETCH) {
        const size_t n = hew_min(op->n - j, STRETCH);
        const char *from = in + (ptrdiff_t)j * op->step;
        if (op->step != (ptrdiff_t)op->element) {
            for (size_t i = 0; i < n; i++)
                memcpy(beside + i * op->element, from + (ptrdiff_t)i * op->step, op->element);
            from = beside;
        }
        op->keys(op->type, op->smallest, n, from, key);
        take(key, j, n, heap, op->k);
    }
}

/* The worst to the end, one after the other. */
static void sort(uint64_t *heap, size_t k)
{
    for (size_t n = k; n > 1; n--) {
        const uint64_t worst = heap[0], last = heap[n - 1];
        sift(heap, n - 1, last);
        heap[n - 1] = worst;
    }
}

static void run_task(void *context, size_t worker, size_t task)
{
    const topk *const op = context;
    uint64_t small[SMALL];
    uint64_t *const heap =
        op->k <= SMALL ? small : (uint64_t *)(op->scratch + worker * op->heap_bytes);
    const size_t end = hew_min((task + 1) * op->task_lines, op->lines);
    for (size_t line = task * op->task_lines; line < end; line++) {
        ptrdiff_t at[HEW_NEST_TENSORS];
        hew_nest_at(&op->nest, op->nest.rank, line, at);
        const char *const in = op->in + at[0];
        take_line(op, in, heap);
        sort(heap, op->k);
        for (size_t i = 0; i < op->k; i++) {
            const int64_t index = (int64_t)(UINT32_MAX - (uint32_t)heap[i]);
            *(int64_t *)(op->indices + at[2] + (ptrdiff_t)i * op->index_step) = index;
            memcpy(op->values + at[1] + (ptrdiff_t)i * op->value_step,
                   in + (ptrdiff_t)index * op->step, op->element);
        }
    }
}

static hew_status run(const hew_topk_desc *d, topk *op, const hew_threads *threads)
{
    const hew_tensor *const tensors[] = {&d->in, &d->values, &d->indices};
    hew_nest *const nest = &op->nest;
    nest->tensors = 3;
    for (int i = 0; i < d->in.rank; i++) {
        if (i == d->axis)
            continue;
        nest->extent[nest->rank] = (size_t)d->in.extent[i];
        for (int t = 0; t < 3; t++)
            nest->stride[t][nest->rank] =
                (ptrdiff_t)(tensors[t]->stride[i] * (int64_t)hew_type_size(tensors[t]->type));
        nest->rank++;
    }
    hew_nest_simplify(nest);
    op->element = hew_type_size(d->in.type);
    op->step = (ptrdiff_t)d->in.stride[d->axis] * (ptrdiff_t)op->element;
    op->value_step = (ptrdiff_t)d->values.stride[d->axis] * (ptrdiff_t)op->element;
    op->index_step = (ptrdiff_t)(d->indices.stride[d->axis] * (int64_t)sizeof(int64_t));
    op->lines = hew_nest_points(nest, nest->rank);
    op->task_lines = hew_ceil_div(TASK_ELEMENTS, op->n);
    op->heap_bytes = heap_bytes((int64_t)op->k);
    return hew_parallel(threads, hew_ceil_div(op->lines, op->task_lines), run_task, op);
}

hew_status hew_topk(const hew_topk_desc *desc, const void *in, void *values, void *indices,
                    void *scratch, const hew_threads *threads)
{
    hew_topk_desc d;
    int64_t inputs, outputs;
    hew_status s = check(desc, &d, &inputs, &outputs);
    if (s == HEW_OK)
        s = hew_check_data("topk", "in", &d.in, outputs > 0 ? inputs : 0, in);
    if (s == HEW_OK)
        s = hew_check_data("topk", "values", &d.values, outputs, values);
    if (s == HEW_OK)
        s = hew_check_data("topk", "indices", &d.indices, outputs, indices);
    if (s == HEW_OK)
        s = hew_check_threads(threads);
    if (s != HEW_OK || outputs == 0)
        return s;
    topk op = {.type = d.in.type, .smallest = d.smallest, .n = (size_t)d.in.extent[d.axis],
               .k = (size_t)d.values.extent[d.axis], .in = in, .values = values,
               .indices = indices, .scratch = scratch};
    if (op.k > SMALL && (!scratch || (uintptr_t)scratch % HEW_ALIGNMENT != 0))
        return hew_fail(HEW_ERR_INVALID, "topk: scratch at %p: it needs %d-byte alignment", scratch,
                        HEW_ALIGNMENT);
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    size_t count;
    const hew_kernel *const kernel = hew_kernels(HEW_FAMILY_topk_keys, &count);
    if (kernel->isa == HEW_ISA_REF) {
        HEW_REF_FN(topk_keys, kernel)(&d, in, values, indices);
    } else {
        op.keys = HEW_FN(topk_keys, kernel);
        s = run(&d, &op, threads);
    }
    if (HEW_UNLIKELY(start != 0))
        hew_verbose_line("topk %s %zu of %zu, %lld results %s %.1f us", hew_type_name(d.in.type),
                         op.k, op.n, (long long)outputs, kernel->name, (hew_now() - start) * 1e6);
    return s;
}
