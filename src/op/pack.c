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

/* Of B as it is stored, rows of a panel. */
static void pack_rows(const hew_panel *p, hew_pack_rows *rows)
{
    size_t count;
    rows->n = (size_t)p->n;
    rows->nr = (size_t)p->kernel->nr;
    rows->depth = (size_t)p->kernel->depth;
    HEW_FN(pack_rows, hew_kernels(HEW_FAMILY_pack_rows, &count))(rows);
}

/*
 * Of B transposed, whose words lie as the panel wants them, all whole ones: as floats, which are
 * moved alone.  column: bytes between columns.  How many that is: 0 where they are misaligned.
 */
static size_t pack_columns(const hew_panel *p, const void *b, size_t words, size_t column,
                           void *out)
{
    size_t count;
    if (((uintptr_t)b | column) % HEW_WORD || words == 0)
        return 0;
    HEW_FN(transpose_f32, hew_kernels(HEW_FAMILY_transpose_f32, &count))
    ((size_t)p->n, words, b, column / HEW_WORD, out, (size_t)p->kernel->nr);
    return words;
}

void hew_pack_bytes(const hew_panel *p, size_t k, const hew_bytes *b, void *out, int32_t *sums)
{
    const size_t n = (size_t)p->n, nr = (size_t)p->kernel->nr, depth = (size_t)p->kernel->depth;
    const uint8_t *const first = b->p + p->column * b->column, flip = b->flip ? 0x80 : 0;
    if (b->column == 1) {
        pack_rows(p, &(hew_pack_rows){.b = first, .b_row = b->row, .k = k, .element = 1,
                                      .flip = b->flip, .out = out, .sums = sums});
        return;
    }
    memset(sums, 0, nr * sizeof *sums);
    memset(out, 0, hew_ceil_div(k, depth) * nr * HEW_WORD);
    const size_t words = depth == 4 ? pack_columns(p, first, k / 4, b->column, out) : 0;
    pack_rows(p, &(hew_pack_rows){.b = out, .b_row = nr * HEW_WORD, .k = words * 4, .element = 4,
                                  .flip = b->flip, .out = out, .sums = sums});
    for (size_t j = 0; j < n; j++)
        for (size_t i = words * depth; i < k; i++) {
            const int8_t value = (int8_t)(first[j * b->column + i] ^ flip);
            hew_pack_put(out, nr, depth, i, j, value);
            sums[j] += value;
        }
}

void hew_pack_halves(const hew_panel *p, size_t k, const uint16_t *b, size_t row, size_t column,
                     uint16_t *out)
{
    const size_t nr = (size_t)p->kernel->nr;
    const uint16_t *const first = b + p->column * column;
    if (column == 1) {
        pack_rows(p, &(hew_pack_rows){.b = first, .b_row = row * sizeof *b, .k = k,
                                      .element = sizeof *b, .out = out});
        return;
    }
    memset(out, 0, (k + 1) / 2 * nr * HEW_WORD);
    const size_t words = pack_columns(p, first, k / 2, column * sizeof *b, out);
    for (size_t j = 0; j < (size_t)p->n; j++)
        for (size_t i = words * 2; i < k; i++)
            out[(i / 2 * nr + j) * 2 + i % 2] = first[j * column + i];
}

bool hew_any_nonfinite_bf16(const uint16_t *x, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++)
        found |= (x[i] & 0x7f80) == 0x7f80;
    return found;
}
