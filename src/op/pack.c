/*
 * pack.c - packed operands.
 */
#include "pack.h"

#include <string.h>

uint64_t hew_pack_layout(const hew_kernel *kernel, const int64_t *extents, size_t count)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
    for (const char *c = kernel->name; *c; c++)
        h = (h ^ (uint64_t)(unsigned char)*c) * 0x100000001b3u;
    for (size_t i = 0; i < count; i++)
        h = (h ^ (uint64_t)extents[i]) * 0x100000001b3u;
    return h;
}

void hew_pack_header(void *packed, uint64_t layout, bool nonfinite)
{
    const hew_packed_header h = {HEW_PACK_MAGIC, nonfinite, layout, {0}};
    memcpy(packed, &h, sizeof h);
}

hew_status hew_check_packed(const char *op, const void *packed, uint64_t layout)
{
    if (!packed)
        return hew_fail(HEW_ERR_INVALID, "%s: packed is null", op);
    if ((uintptr_t)packed % HEW_ALIGNMENT)
        return hew_fail(HEW_ERR_INVALID, "%s: packed is at %p, not aligned to %d bytes", op, packed,
                        HEW_ALIGNMENT);
    const hew_packed_header *h = packed;
    if (h->magic != HEW_PACK_MAGIC || h->layout != layout)
        return hew_fail(HEW_ERR_INVALID, "%s: packed at %p was not packed by this operation", op,
                        packed);
    return HEW_OK;
}

bool hew_any_nonfinite(const float *x, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        found |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return found;
}

void hew_pack_panel(const hew_panel *p, size_t k, const float *b, size_t stride, bool transposed,
                    transpose_f32_fn *transpose, float *out)
{
    const size_t n = (size_t)p->n, nr = (size_t)p->kernel->nr;
    if (transposed)
        transpose(n, k, b + p->column * stride, stride, out, nr);
    else
        for (size_t i = 0; i < k; i++)
            memcpy(out + i * nr, b + i * stride + p->column, n * sizeof(float));
    if (n < nr)
        for (size_t i = 0; i < k; i++)
            memset(out + i * nr + n, 0, (nr - n) * sizeof(float));
}

/* One row of words at a time, so that rows of B are read as they lie. */
void hew_pack_bytes(const hew_panel *p, size_t k, const hew_bytes *b, void *out, int32_t *sums)
{
    const size_t n = (size_t)p->n, nr = (size_t)p->kernel->nr, depth = (size_t)p->kernel->depth;
    const uint8_t flip = b->flip ? 0x80 : 0;
    memset(sums, 0, nr * sizeof *sums);
    for (size_t word = 0; word * depth < k; word++) {
        char *row = (char *)out + word * nr * 4;
        const size_t whole = hew_min(depth, k - word * depth);
        if (whole < depth || n < nr)
            memset(row, 0, nr * 4);
        for (size_t i = 0; i < whole; i++) {
            const uint8_t *from = b->p + (word * depth + i) * b->row + p->column * b->column;
            for (size_t j = 0; j < n; j++) {
                const int8_t value = (int8_t)(from[j * b->column] ^ flip);
                hew_pack_put(row, nr, depth, i, j, value);
                sums[j] += value;
            }
        }
    }
}

void hew_pack_halves(const hew_panel *p, size_t k, const uint16_t *b, size_t row, size_t column,
                     uint16_t *out)
{
    const size_t nr = (size_t)p->kernel->nr;
    memset(out, 0, (k + 1) / 2 * nr * HEW_WORD);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < (size_t)p->n; j++)
            out[(i / 2 * nr + j) * 2 + i % 2] = b[i * row + (p->column + j) * column];
}

bool hew_any_nonfinite_bf16(const uint16_t *x, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++)
        found |= (x[i] & 0x7f80) == 0x7f80;
    return found;
}
