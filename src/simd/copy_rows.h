/*
 * copy_rows - out[r][i] = in[r][i], of bytes.  Moves bits.
 *
 * The including file has its lanes.h included first and defines HEW_COPY_ROWS, the kernel's name.
 *
 * Rows of up to some registers are moved by loops that call nothing: memcpy's decisions would cost
 * as much as they do.  Longer ones are memcpy's, or, where all of it is much longer than the cache,
 * are stored past it, up to a cache line on either side.
 */
#include <string.h>

#include "kernels_move.h"

enum { WIDTH = 16 * LANES, SHORT = 1024 };

/* The tail of a row of a register or more overlaps what is before it. */
HEW_INLINE void short_row(const char *in, char *out, size_t bytes)
{
    size_t i = 0;
    for (; i + 2 * WIDTH <= bytes; i += 2 * WIDTH) {
        const lanes a = lanes_load(in + i), b = lanes_load(in + i + WIDTH);
        lanes_store(out + i, a);
        lanes_store(out + i + WIDTH, b);
    }
    if (i + WIDTH <= bytes)
        lanes_store(out + i, lanes_load(in + i));
    if (bytes % WIDTH != 0)
        lanes_store(out + bytes - WIDTH, lanes_load(in + bytes - WIDTH));
}

static void stream_row(const char *in, char *out, size_t bytes)
{
    const size_t head = -(uintptr_t)out % 64;
    if (bytes < head + 64) {
        memcpy(out, in, bytes);
        return;
    }
    memcpy(out, in, head);
    size_t i = head;
    for (; i + 64 <= bytes; i += 64)
        HEW_UNROLL for (size_t j = 0; j < 64; j += WIDTH)
            lanes_stream(out + i + j, lanes_load(in + i + j));
    memcpy(out + i, in + i, bytes - i);
}

/* Rows that `at` chooses. */
static void chosen_rows(const hew_copy_rows *t)
{
    char *out = t->out;
    for (size_t r = 0; r < t->rows; r++, out += t->out_stride) {
        const char *const in = t->in + t->at[r] * t->in_stride;
        if (t->bytes < WIDTH)
            lanes_store_first(out, t->bytes, lanes_load_first(in, t->bytes));
        else if (t->bytes <= SHORT)
            short_row(in, out, t->bytes);
        else
            memcpy(out, in, t->bytes);
    }
}

void HEW_COPY_ROWS(const hew_copy_rows *t)
{
    const char *in = t->in;
    char *out = t->out;
    size_t rows = t->rows;
    const size_t bytes = t->bytes;
    if (t->at) {
        chosen_rows(t);
    } else if (bytes < WIDTH) {
        for (; rows > 0; rows--, in += t->in_stride, out += t->out_stride)
            lanes_store_first(out, bytes, lanes_load_first(in, bytes));
    } else if (bytes <= SHORT && !t->stream) {
        for (; rows > 0; rows--, in += t->in_stride, out += t->out_stride)
            short_row(in, out, bytes);
    } else {
        for (; rows > 0; rows--, in += t->in_stride, out += t->out_stride)
            if (t->stream)
                stream_row(in, out, bytes);
            else
                memcpy(out, in, bytes);
    }
    if (t->stream)
        _mm_sfence();
}
