/*
 * pack.h - packed operands: a header, then the panels.
 */
#ifndef HEW_PACK_H
#define HEW_PACK_H

#include "panels.h"

enum { HEW_PACK_MAGIC = 0x48574b31 };

/* In front of every packed operand, so that a run notices one that is not its own. */
typedef struct hew_packed_header {
    uint32_t magic;
    uint32_t nonfinite; /* an Inf or a NaN is among the weights */
    uint64_t layout;    /* hew_pack_layout of the operation */
    uint64_t unused[6];
} hew_packed_header;
_Static_assert(sizeof(hew_packed_header) == HEW_ALIGNMENT, "panels stay aligned");

/* A number that tells layouts apart: from the extents that decide one, and the kernel. */
uint64_t hew_pack_layout(const hew_kernel *kernel, const int64_t *extents, size_t count);

void hew_pack_header(void *packed, uint64_t layout, bool nonfinite);
hew_status hew_check_packed(const char *op, const void *packed, uint64_t layout);

bool hew_any_nonfinite(const float *x, size_t n);

/*
 * Panel p of B as k rows of kernel->nr floats, columns past n zero.  B is k x n with row stride
 * `stride` (floats), or n x k if `transposed`; transpose is this CPU's transpose_f32.
 */
void hew_pack_panel(const hew_panel *p, size_t k, const float *b, size_t stride, bool transposed,
                    transpose_f32_fn *transpose, float *out);

/*
 * Element k of column j of an integer panel of nr columns: words as src/core/kernels.h has them,
 * bytes for depth 4 and s16 for depth 2.  The panel is zero where nothing is put.
 */
HEW_INLINE void hew_pack_put(void *panel, size_t nr, size_t depth, size_t k, size_t j, int8_t value)
{
    const size_t word = k / depth * nr + j, part = k % depth;
    if (depth == 4)
        ((int8_t *)panel)[word * 4 + part] = value;
    else
        ((int16_t *)panel)[word * 2 + part] = value;
}

/* Bytes of a matrix B: element (k, j) is p[k * row + j * column], where one of the two is 1; flip:
 * u8, packed 128 lower. */
typedef struct hew_bytes {
    const uint8_t *p;
    size_t row, column;
    bool flip;
} hew_bytes;

/* Panel p of B as words, and the sums of its columns over k, 0 past n: nr of them. */
void hew_pack_bytes(const hew_panel *p, size_t k, const hew_bytes *b, void *out, int32_t *sums);

/* The same of bf16: two in a word, element (k, j) of B at b[k * row + j * column]; no sums. */
void hew_pack_halves(const hew_panel *p, size_t k, const uint16_t *b, size_t row, size_t column,
                     uint16_t *out);
bool hew_any_nonfinite_bf16(const uint16_t *x, size_t n);

#endif
