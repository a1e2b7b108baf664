/*
 * gemm_pack.c - packing B, once by the caller or in every run.
 *
 *     | header | sums of the columns (integers) | panel 0 | panel 1 | ...
 */
#include "gemm.h"

#include <string.h>

void hew_gemm_pack_panel(const hew_gemm *op, const void *b, size_t panel, void *out, int32_t *sums)
{
    const hew_panel *p = op->panels.panel + panel;
    const size_t ldb = (size_t)op->d.ldb, k = (size_t)op->d.k;
    if (op->format.weight_only) {
        hew_wo_pack_panel(op, b, panel, out);
        return;
    }
    if (!op->format.integer && !op->format.bf16) {
        hew_pack_panel(p, k, b, ldb, op->d.transpose_b, op->transpose, out);
        return;
    }
    const bool t = op->d.transpose_b;
    if (op->format.bf16) {
        hew_pack_halves(p, k, b, t ? 1 : ldb, t ? ldb : 1, out);
        return;
    }
    const hew_bytes bytes = {b, t ? 1 : ldb, t ? ldb : 1, op->format.b_unsigned};
    hew_pack_bytes(p, k, &bytes, out, sums);
}

void hew_gemm_pack_panels(const hew_gemm *op, const void *b, void *packed)
{
    for (size_t p = 0; p < op->panels.count; p++) {
        const size_t offset = op->panels.panel[p].offset;
        hew_gemm_pack_panel(op, b, p,
                            hew_gemm_panels(op, packed) + offset * op->words * HEW_WORD,
                            (int32_t *)packed + offset);
    }
}

/* B as the definition reads it: k x n elements, dense. */
static void pack_plain(const hew_gemm *op, const char *b, char *out)
{
    const hew_gemm_desc *d = &op->d;
    const size_t k = (size_t)d->k, n = (size_t)d->n, ldb = (size_t)d->ldb;
    const size_t size = op->format.b_size;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++)
            memcpy(out + (i * n + j) * size,
                   b + (d->transpose_b ? j * ldb + i : i * ldb + j) * size, size);
}

void hew_gemm_pack_inner(const hew_gemm *op, const void *b, void *packed)
{
    hew_pack_header(packed, op->layout, false);
    if (op->path == HEW_GEMM_VECTORS) {
        hew_gemv_pack(op, b, (float *)hew_gemm_packed_panels(op, packed));
    } else if (op->path == HEW_GEMM_REF && op->format.weight_only) {
        hew_wo_pack_plain(op, b, (int8_t *)hew_gemm_packed_panels(op, packed));
    } else if (op->path == HEW_GEMM_REF) {
        pack_plain(op, b, hew_gemm_packed_panels(op, packed));
    } else {
        hew_gemm_pack_panels(op, b, hew_gemm_packed_sums(packed));
    }
}

hew_status hew_gemm_pack(const hew_gemm *op, const void *b, void *packed)
{
    if (!op || !packed || (!b && op->d.k * op->d.n > 0))
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_pack: %s is null",
                        !op ? "op" : !packed ? "packed" : "b");
    if (!op->d.b_packed)
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_pack: the descriptor has b_packed = false");
    if ((uintptr_t)packed % HEW_ALIGNMENT || ((uintptr_t)b & op->format.b_low))
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_pack: b at %p or packed at %p is misaligned", b,
                        packed);
    if (op->b_edge.bytes)
        return hew_gemm_pack_edge(op, b, packed);
    hew_gemm_pack_inner(op, b, packed);
    return HEW_OK;
}
