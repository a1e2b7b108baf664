/*
 * resample_blocks.c - where the elements of a row of few channels come from, some at a time.
 */
#include "resample.h"

#include "format.h"

enum { SHORT_PIXEL = 64, WINDOW = 16, PIECES = 4 }; /* bytes; pieces of a block */

static void set_lane(hew_look_block *b, int lane, const hew_resample_axis *a, size_t channels,
                     size_t i)
{
    const size_t o = i / channels, c = i % channels;
    const int32_t first = a->start[o], second = a->start[o + 1] - 1;
    b->at[0][lane] = (int32_t)((size_t)a->at[first] * channels + c);
    b->at[1][lane] = (int32_t)((size_t)a->at[second] * channels + c);
    b->w[0][lane] = a->w[first];
    b->w[1][lane] = second > first ? a->w[second] : 0.0f;
}

hew_status hew_resample_plan_look(hew_resample *op)
{
    const hew_resample_axis *const a = &op->axis[2];
    const size_t n = op->out_row, count = hew_ceil_div(n, 16);
    op->blocks = hew_malloc(sizeof *op->blocks * count);
    if (!op->blocks)
        return hew_fail(HEW_ERR_NO_MEMORY, "resample: no memory for %zu blocks", count);
    for (size_t k = 0; k < count; k++) {
        hew_look_block *const b = &op->blocks[k];
        int32_t least = INT32_MAX, most = 0;
        for (int lane = 0; lane < 16; lane++) {
            set_lane(b, lane, a, op->channels, hew_min(16 * k + (size_t)lane, n - 1));
            for (int t = 0; t < 2; t++) {
                least = b->at[t][lane] < least ? b->at[t][lane] : least;
                most = b->at[t][lane] > most ? b->at[t][lane] : most;
            }
        }
        b->base = least;
        b->near = most - least < 32;
        for (int lane = 0; lane < 16; lane++)
            for (int t = 0; t < 2; t++)
                b->at[t][lane] -= least;
    }
    return HEW_OK;
}

/* ---------------------------------------------------------------------------- nearest ---- */

/* A window that begins at the first of the sources from `least` on. */
static int64_t window_from(const int64_t *source, int64_t least, int64_t row)
{
    int64_t first = row - WINDOW;
    for (size_t i = 0; i < WINDOW; i++)
        first = source[i] >= least ? hew_min_i64(first, source[i]) : first;
    return first;
}

/* The q-th piece of a block, whose bytes come from `source` on; false if two windows don't do. */
static bool set_piece(hew_pick_block *b, size_t q, const int64_t *source, int64_t row, bool *two)
{
    const int64_t first = window_from(source, 0, row);
    const int64_t base[2] = {first, window_from(source, first + WINDOW, row)};
    for (size_t i = 0; i < WINDOW; i++) {
        const int t = source[i] - base[0] >= WINDOW;
        const int64_t from = source[i] - base[t];
        if (from >= WINDOW)
            return false;
        b->from[t][WINDOW * q + i] = (uint8_t)from;
        b->from[1 - t][WINDOW * q + i] = 128;
        *two = *two || t == 1;
    }
    b->at[0][q] = (int32_t)base[0];
    b->at[1][q] = (int32_t)base[1];
    return true;
}

/* Pixels side by side of less than a cache line, rows of at least a window. */
hew_status hew_resample_plan_pick(hew_resample *op)
{
    const size_t pixel = op->channels * op->element;
    const size_t in = op->in_row * op->element, out = op->out_row * op->element;
    if (pixel >= SHORT_PIXEL || op->in_stride != pixel || op->out_stride != pixel || in < WINDOW ||
        in > INT32_MAX)
        return HEW_OK;
    const size_t count = hew_ceil_div(out, WINDOW * PIECES);
    size_t kernels;
    op->picks = hew_malloc(sizeof *op->picks * count);
    if (!op->picks)
        return hew_fail(HEW_ERR_NO_MEMORY, "resample: no memory for %zu blocks", count);
    for (size_t q = 0; q < count * PIECES; q++) {
        int64_t source[WINDOW];
        for (size_t i = 0; i < WINDOW; i++) {
            const size_t to = hew_min(WINDOW * q + i, out - 1);
            source[i] = (int64_t)((size_t)op->axis[2].at[to / pixel] * pixel + to % pixel);
        }
        if (!set_piece(&op->picks[q / PIECES], q % PIECES, source, (int64_t)in, &op->picks_two)) {
            hew_mfree(op->picks);
            op->picks = NULL;
            return HEW_OK;
        }
    }
    const hew_kernel *const pick = hew_kernels(HEW_FAMILY_pick, &kernels);
    op->pick = HEW_FN(pick, pick);
    op->kernel = pick->name;
    return HEW_OK;
}
