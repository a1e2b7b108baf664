/*
 * reduce_tensor.c - the definition of hew_reduce.
 *
 * The order is that of src/core/reduce_cut.h.  With m the largest element and s a sum:
 *
 *     MEAN          s / (float)count
 *     L2            sqrt(sum of squares), each added by fma(x, x, s)
 *     LOG_SUM       log(s), of any s
 *     LOG_SUM_EXP   m + log(sum of exp(x - m)); m where that is infinite
 *
 * Every NaN becomes 0x7fc00000, and extremes have 0 added.
 */
#include "kernels.h"
#include "reduce_cut.h"
#include "ref/power.h"
#include "ref/ref.h"

/* One result: its descriptor, and where the elements of in are that make it. */
typedef struct reduction {
    const hew_reduce_desc *d;
    const void *in;
    hew_reduce_cut cut;
    int rank; /* reduced dimensions */
    int64_t extent[HEW_MAX_RANK], stride[HEW_MAX_RANK];
    int64_t first;
} reduction;

static bool reduced(const hew_reduce_desc *d, int i)
{
    return d->out.extent[i] == 1 && d->in.extent[i] != 1;
}

/* Of two tensors: dimensions, outermost first, and the strides of a dense tensor. */
static void fill_strides(hew_tensor *t)
{
    int64_t count = 1;
    bool dense = true;
    for (int i = 0; i < t->rank; i++)
        dense = dense && t->stride[i] == 0;
    for (int i = t->rank - 1; i >= 0 && dense; i--) {
        t->stride[i] = count;
        count *= t->extent[i];
    }
}

/* Where element `i` of the reduced ones is. */
static int64_t place(const reduction *r, int64_t i)
{
    int64_t at = r->first;
    for (int j = r->rank - 1; j >= 0; j--) {
        at += i % r->extent[j] * r->stride[j];
        i /= r->extent[j];
    }
    return at;
}

static int32_t int_at(const reduction *r, int64_t i)
{
    const int64_t at = place(r, i);
    if (r->d->in.type == HEW_S8)
        return ((const int8_t *)r->in)[at];
    return r->d->in.type == HEW_U8 ? ((const uint8_t *)r->in)[at] : ((const int32_t *)r->in)[at];
}
static float float_at(const reduction *r, int64_t i)
{
    return hew_ref_load_type(r->d->in.type, r->in, place(r, i));
}

static float step(hew_reduce_op op, float sum, float x, float largest)
{
    switch (op) {
    case HEW_REDUCE_PROD: return sum * x;
    case HEW_REDUCE_L1: return sum + fabsf(x);
    case HEW_REDUCE_L2:
    case HEW_REDUCE_SUM_SQUARE: return fmaf(x, x, sum);
    case HEW_REDUCE_LOG_SUM_EXP: return sum + ref_exp(x - largest);
    default: return sum + x;
    }
}

static float join(hew_reduce_op op, float a, float b)
{
    return op == HEW_REDUCE_PROD ? a * b : a + b;
}

/* A block along rows: 64 lanes, then sixteen, then a tree. */
static float along(const reduction *r, const hew_reduce_block *b, float neutral, float largest)
{
    const hew_reduce_op op = r->d->op;
    float lane[HEW_REDUCE_LANES];
    for (size_t l = 0; l < HEW_REDUCE_LANES; l++)
        lane[l] = neutral;
    for (size_t i = b->row; i < b->row + b->rows; i++)
        for (size_t j = 0; j < b->n; j++) {
            const float x = float_at(r, (int64_t)(i * r->cut.n + b->first + j));
            float *const l = &lane[j % HEW_REDUCE_LANES];
            *l = step(op, *l, x, largest);
        }
    for (size_t l = 0; l < 16; l++)
        lane[l] = join(op, join(op, lane[l], lane[l + 16]), join(op, lane[l + 32], lane[l + 48]));
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] = join(op, lane[l], lane[l + half]);
    return lane[0];
}

static float chain(const reduction *r, const hew_reduce_block *b, float neutral, float largest)
{
    float sum = neutral;
    for (size_t i = b->row; i < b->row + b->rows; i++)
        sum = step(r->d->op, sum, float_at(r, (int64_t)i), largest);
    return sum;
}

static float sum_of(const reduction *r, float largest)
{
    const hew_reduce_cut *const c = &r->cut;
    const float neutral = r->d->op == HEW_REDUCE_PROD ? 1.0f : 0.0f;
    float total = neutral;
    for (size_t p = 0; p < c->pieces; p++) {
        float piece = neutral;
        for (size_t b = hew_cut(c->blocks, c->pieces, p); b < hew_cut(c->blocks, c->pieces, p + 1);
             b++) {
            const hew_reduce_block block = hew_reduce_block_of(c, b);
            piece = join(r->d->op, piece, c->along ? along(r, &block, neutral, largest)
                                                   : chain(r, &block, neutral, largest));
        }
        total = join(r->d->op, total, piece);
    }
    return total;
}

static int64_t count_of(const reduction *r) { return (int64_t)(r->cut.rows * r->cut.n); }

/* Where the least or largest element is. */
static int64_t extreme(const reduction *r, bool most, bool last)
{
    const bool floats = r->d->in.type <= HEW_F16;
    int64_t best = 0;
    for (int64_t i = 1; i < count_of(r); i++) {
        bool takes;
        if (floats) {
            const float x = float_at(r, i), y = float_at(r, best);
            const bool beats = most ? x > y : x < y;
            takes = x != x ? y == y || last : y == y && (beats || (last && x == y));
        } else {
            const int32_t x = int_at(r, i), y = int_at(r, best);
            takes = (most ? x > y : x < y) || (last && x == y);
        }
        if (takes)
            best = i;
    }
    return best;
}

static float extreme_value(const reduction *r, bool most)
{
    if (count_of(r) == 0)
        return most ? -INFINITY : INFINITY;
    return float_at(r, extreme(r, most, false));
}

static float result_of(const reduction *r)
{
    float x = 0.0f;
    switch (r->d->op) {
    case HEW_REDUCE_MIN: x = extreme_value(r, false) + 0.0f; break;
    case HEW_REDUCE_MAX: x = extreme_value(r, true) + 0.0f; break;
    case HEW_REDUCE_LOG_SUM_EXP: {
        const float largest = extreme_value(r, true);
        x = largest;
        if (fabsf(largest) < INFINITY)
            x = largest + ref_log_full(sum_of(r, largest));
        break;
    }
    case HEW_REDUCE_MEAN: x = sum_of(r, 0.0f) / (float)count_of(r); break;
    case HEW_REDUCE_L2: x = sqrtf(sum_of(r, 0.0f)); break;
    case HEW_REDUCE_LOG_SUM: x = ref_log_full(sum_of(r, 0.0f)); break;
    default: x = sum_of(r, 0.0f);
    }
    return x == x ? x : ref_from_bits(0x7fc00000);
}

static int32_t int_result_of(const reduction *r)
{
    const hew_reduce_op op = r->d->op;
    if (op == HEW_REDUCE_SUM) {
        uint32_t sum = 0;
        for (int64_t i = 0; i < count_of(r); i++)
            sum += (uint32_t)int_at(r, i);
        return (int32_t)sum;
    }
    if (count_of(r) > 0)
        return int_at(r, extreme(r, op == HEW_REDUCE_MAX, false));
    if (r->d->in.type == HEW_S32)
        return op == HEW_REDUCE_MAX ? INT32_MIN : INT32_MAX;
    return op == HEW_REDUCE_MAX ? hew_ref_lowest(r->d->in.type) : hew_ref_highest(r->d->in.type);
}

static void store(const reduction *r, void *out, int64_t at)
{
    const hew_reduce_op op = r->d->op;
    switch (r->d->out.type) {
    case HEW_S64:
        ((int64_t *)out)[at] = extreme(r, op == HEW_REDUCE_ARGMAX, r->d->last_index);
        break;
    case HEW_S32: ((int32_t *)out)[at] = int_result_of(r); break;
    case HEW_S8: ((int8_t *)out)[at] = (int8_t)int_result_of(r); break;
    case HEW_U8: ((uint8_t *)out)[at] = (uint8_t)int_result_of(r); break;
    default: hew_ref_store_type(r->d->out.type, out, at, result_of(r));
    }
}

void hew_reduce_ref(const hew_reduce_desc *desc, const void *in, void *out)
{
    hew_reduce_desc d = *desc;
    fill_strides(&d.in);
    fill_strides(&d.out);
    reduction r = {.d = &d, .in = in};
    int64_t rows = 1, n = 1, outputs = 1;
    bool along = false, row = true;
    for (int i = d.in.rank - 1; i >= 0; i--) {
        outputs *= d.out.extent[i];
        if (d.in.extent[i] == 1)
            continue;
        along = along || (row && reduced(&d, i));
        row = row && reduced(&d, i);
        *(row ? &n : &rows) *= reduced(&d, i) ? d.in.extent[i] : 1;
    }
    for (int i = 0; i < d.in.rank; i++)
        if (reduced(&d, i)) {
            r.extent[r.rank] = d.in.extent[i];
            r.stride[r.rank++] = d.in.stride[i];
        }
    r.cut = hew_reduce_cut_of(along, (size_t)rows, (size_t)n);
    for (int64_t o = 0; o < outputs; o++) {
        int64_t rest = o, at = 0;
        r.first = 0;
        for (int i = d.in.rank - 1; i >= 0; i--) {
            const int64_t index = rest % d.out.extent[i];
            rest /= d.out.extent[i];
            at += index * d.out.stride[i];
            r.first += index * d.in.stride[i];
        }
        store(&r, out, at);
    }
}
