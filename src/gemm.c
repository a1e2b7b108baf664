/*
 * gemm.c - matrix products: what a descriptor means, and how the work is cut.
 */
#include "gemm.h"

#include <string.h>

enum {
    A_BLOCK_BYTES = 512 << 10, /* of A that passes over a panel: half of a 1 MiB L2 */
    MIN_BLOCK_ROWS = 96,       /* so that a panel's block, at most 128 KiB, is worth its loads */
    MAX_BLOCK_ROWS = 240,
    GROUP_BYTES = 8 << 20,     /* of B that a one-shot run packs at a time */
    DIRECT_B_BYTES = 96 << 10, /* B that is read in place stays in L2, whatever its stride */
    DIRECT_ROWS = 96,
    SMALL_MACS = 1 << 19       /* run_small: what the loop nest costs shows */
};

static hew_status check_stride(const char *name, int64_t *stride, int64_t columns)
{
    if (*stride == 0)
        *stride = columns;
    if (*stride < columns)
        return hew_fail(HEW_ERR_INVALID, "gemm: %s = %lld is less than a row's %lld elements", name,
                        (long long)*stride, (long long)columns);
    return HEW_OK;
}

/* rows x columns with a row stride, and `batch` of them: fills in a dense batch stride and checks
 * that the last byte can be addressed. */
static hew_status check_matrix(const char *name, int64_t rows, int64_t columns, int64_t ld,
                               int64_t batch, int64_t *batch_stride)
{
    int64_t size = 0, last = 0;
    if (rows > 0 && (!hew_mul(rows - 1, ld, &size) || !hew_add(size, columns, &size)))
        size = -1;
    if (*batch_stride == 0 && size >= 0 && !hew_mul(rows, ld, batch_stride))
        size = -1;
    if (*batch_stride == HEW_STRIDE_SHARED)
        *batch_stride = 0;
    else if (*batch_stride < 0)
        return hew_fail(HEW_ERR_INVALID, "gemm: the batch stride of %s is %lld", name,
                        (long long)*batch_stride);
    if (size < 0 || (batch > 0 && !hew_mul(batch - 1, *batch_stride, &last)) ||
        !hew_add(last, size, &last) || !hew_mul(last, (int64_t)sizeof(float), &last))
        return hew_fail(HEW_ERR_OVERFLOW, "gemm: %s, %lld x %lld with stride %lld, is too large",
                        name, (long long)rows, (long long)columns, (long long)ld);
    return HEW_OK;
}

/* Members of C must not write each other's elements: apart, or side by side in longer rows. */
static hew_status check_output(const hew_gemm_desc *d)
{
    if (d->batch <= 1 || d->m == 0 || d->n == 0)
        return HEW_OK;
    const bool apart = d->stride_c >= (d->m - 1) * d->ldc + d->n;
    const bool side_by_side =
        d->stride_c >= d->n && (d->batch - 1) * d->stride_c + d->n <= d->ldc;
    if (!apart && !side_by_side)
        return hew_fail(HEW_ERR_INVALID,
                        "gemm: members of C overlap: stride_c = %lld, m = %lld, n = %lld, "
                        "ldc = %lld",
                        (long long)d->stride_c, (long long)d->m, (long long)d->n,
                        (long long)d->ldc);
    return HEW_OK;
}

static hew_status check_scalars(hew_gemm_desc *d)
{
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "gemm: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    if (d->a_type != HEW_F32 || d->b_type != HEW_F32 || d->c_type != HEW_F32)
        return hew_fail(HEW_ERR_UNSUPPORTED, "gemm: types %d, %d -> %d; f32 is what there is",
                        (int)d->a_type, (int)d->b_type, (int)d->c_type);
    if (d->m < 0 || d->n < 0 || d->k < 0)
        return hew_fail(HEW_ERR_INVALID, "gemm: m = %lld, n = %lld, k = %lld", (long long)d->m,
                        (long long)d->n, (long long)d->k);
    if ((d->m | d->n | d->k) >> 48 != 0)
        return hew_fail(HEW_ERR_OVERFLOW,
                        "gemm: m = %lld, n = %lld, k = %lld: 2^48 and more is too large",
                        (long long)d->m, (long long)d->n, (long long)d->k);
    if (d->batch < -1)
        return hew_fail(HEW_ERR_INVALID, "gemm: batch = %lld", (long long)d->batch);
    d->batch = d->batch == -1 ? 0 : d->batch == 0 ? 1 : d->batch;
    if (d->alpha == 0)
        d->alpha = 1;
    return hew_act_defaults("gemm", &d->act);
}

/* Fills in every default of the descriptor. */
static hew_status normalise(hew_gemm_desc *d)
{
    hew_status s = check_scalars(d);
    const bool ta = d->transpose_a, tb = d->transpose_b;
    if (s == HEW_OK)
        s = check_stride("lda", &d->lda, ta ? d->m : d->k);
    if (s == HEW_OK)
        s = check_stride("ldb", &d->ldb, tb ? d->k : d->n);
    if (s == HEW_OK)
        s = check_stride("ldc", &d->ldc, d->n);
    if (s == HEW_OK && d->ldr == 0)
        d->ldr = d->ldc;
    if (s == HEW_OK)
        s = check_stride("ldr", &d->ldr, d->n);
    if (s == HEW_OK && d->b_packed && d->stride_b != 0 && d->stride_b != HEW_STRIDE_SHARED)
        s = hew_fail(HEW_ERR_INVALID, "gemm: stride_b = %lld, but packed B is shared by the batch",
                     (long long)d->stride_b);
    if (s == HEW_OK && d->b_packed)
        d->stride_b = HEW_STRIDE_SHARED;
    if (s == HEW_OK && d->stride_c == HEW_STRIDE_SHARED)
        s = hew_fail(HEW_ERR_INVALID, "gemm: members of the batch cannot share C");
    if (s == HEW_OK)
        s = check_matrix("A", ta ? d->k : d->m, ta ? d->m : d->k, d->lda, d->batch, &d->stride_a);
    if (s == HEW_OK)
        s = check_matrix("B", tb ? d->n : d->k, tb ? d->k : d->n, d->ldb, d->batch, &d->stride_b);
    if (s == HEW_OK)
        s = check_matrix("C", d->m, d->n, d->ldc, d->batch, &d->stride_c);
    if (s == HEW_OK)
        s = check_matrix("the residual", d->m, d->n, d->ldr, d->batch, &d->stride_r);
    return s == HEW_OK ? check_output(d) : s;
}

static hew_gemm_path path_of(const hew_gemm_desc *d)
{
    if (hew_gemv_serves(d))
        return HEW_GEMM_VECTORS;
    if (d->b_packed)
        return HEW_GEMM_PACKED;
    if (!d->transpose_b && d->m <= DIRECT_ROWS &&
        (d->m <= 2 * HEW_MAX_MR || d->k * d->n * (int64_t)sizeof(float) <= DIRECT_B_BYTES))
        return HEW_GEMM_DIRECT;
    return d->batch > 1 && d->stride_b != 0 ? HEW_GEMM_BATCHED : HEW_GEMM_ONE_SHOT;
}

/* Bytes of k rows of `columns` packed columns; false when they don't fit. */
static bool panel_bytes(int64_t k, size_t columns, size_t *bytes)
{
    int64_t b;
    if (!hew_mul(k, (int64_t)columns, &b) || !hew_mul(b, (int64_t)sizeof(float), &b) ||
        !hew_add(b, 2 * HEW_ALIGNMENT, &b))
        return false;
    *bytes = hew_round_up((size_t)b - 2 * HEW_ALIGNMENT, HEW_ALIGNMENT);
    return true;
}

/* Cuts the work into tasks, and adds up the scratch that they need. */
static hew_status plan(hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const size_t m = (size_t)d->m, n = (size_t)d->n, k = (size_t)d->k, mr = (size_t)op->panels.mr;
    const size_t fit = A_BLOCK_BYTES / sizeof(float) / hew_max(k, 1);
    const hew_cuts cuts =
        hew_cut_tasks(&op->panels, m, hew_min(hew_max(fit, MIN_BLOCK_ROWS), MAX_BLOCK_ROWS),
                      (size_t)d->batch, (double)n * (double)k);
    op->row_blocks = cuts.row_blocks;
    op->chunks = cuts.chunks;
    op->block_rows = hew_ceil_div(m, hew_max(op->row_blocks, 1));
    const double macs = (double)op->block_rows * (double)n * (double)k;
    op->members_per_task = 1;
    if (op->row_blocks <= 1 && op->chunks == 1)
        op->members_per_task = macs < 1 ? (size_t)hew_max((size_t)d->batch, 1)
                                        : hew_max(1, (size_t)(HEW_TASK_MACS / macs));

    const size_t tiles = hew_ceil_div(op->block_rows, mr);
    const size_t rows = op->reduction.channels > op->reduction.block_channels ? op->block_rows : mr;
    size_t bytes = tiles * (sizeof(hew_tile) + sizeof(hew_reduce_step));
    bytes = hew_round_up(bytes, HEW_ALIGNMENT) +
            hew_round_up(rows * (size_t)op->panels.max_nr * sizeof(float), HEW_ALIGNMENT);
    size_t a = 0, b = 0;
    if (d->transpose_a && !panel_bytes(d->k + HEW_A_PAD, op->block_rows, &a))
        return hew_fail(HEW_ERR_OVERFLOW, "gemm: k = %lld is too large", (long long)d->k);
    if (op->path == HEW_GEMM_BATCHED || op->path == HEW_GEMM_ONE_SHOT) {
        const size_t nr = (size_t)op->panels.max_nr, per_panel = hew_max(k * nr * 4, 1);
        op->group_panels = hew_max(1, hew_min(op->panels.count, GROUP_BYTES / per_panel));
        if (op->path == HEW_GEMM_BATCHED) {
            op->chunks = hew_max(1, hew_ceil_div(op->panels.count, op->group_panels));
            op->group_panels = hew_ceil_div(op->panels.count, op->chunks);
        }
        if (!panel_bytes(d->k, op->group_panels * nr, &b))
            return hew_fail(HEW_ERR_OVERFLOW, "gemm: k = %lld is too large", (long long)d->k);
    }
    const bool small = (op->path == HEW_GEMM_DIRECT || op->path == HEW_GEMM_PACKED) &&
                       !d->transpose_a && d->batch == 1 &&
                       macs * (double)op->row_blocks <= SMALL_MACS &&
                       op->act.kind == HEW_ACT_NONE &&
                       d->beta == 0 && op->reduction.channels <= op->reduction.block_channels;
    if (small && m > 0) {
        op->small_tiles = hew_ceil_div(m, mr);
        op->small_rows = m / op->small_tiles;
        op->small_extra = m % op->small_tiles;
    }
    op->shared_bytes = op->path == HEW_GEMM_ONE_SHOT ? hew_max(b, HEW_ALIGNMENT) : 0;
    op->worker_bytes = bytes + a + (op->path == HEW_GEMM_BATCHED ? b : 0);
    return HEW_OK;
}

static hew_status prepare(hew_gemm *op)
{
    hew_gemm_desc *d = &op->d;
    size_t count;
    const hew_kernel *lines = hew_kernels(HEW_FAMILY_gemm_f32, &count);
    op->kernel = lines;
    op->path = lines->isa == HEW_ISA_REF ? HEW_GEMM_REF : path_of(d);
    op->reduction = hew_reduction_of(1, 1, (size_t)d->k);
    size_t padded_n = (size_t)d->n;
    if (op->path == HEW_GEMM_VECTORS) {
        hew_gemv_plan(op);
    } else if (op->path != HEW_GEMM_REF) {
        const hew_status s = hew_panels_create(
            &op->panels,
            op->path == HEW_GEMM_DIRECT ? HEW_FAMILY_direct_f32 : HEW_FAMILY_gemm_f32,
            (size_t)d->n);
        if (s != HEW_OK)
            return hew_fail(s, "gemm: no memory for the panels of n = %lld", (long long)d->n);
        padded_n = op->panels.padded_n;
        if (op->panels.count)
            op->kernel = op->panels.panel[0].kernel;
    }
    if (d->b_packed) {
        if (!panel_bytes(d->k, padded_n, &op->packed_bytes))
            return hew_fail(HEW_ERR_OVERFLOW, "gemm: packed B, %lld x %lld, is too large",
                            (long long)d->k, (long long)d->n);
        op->packed_bytes += sizeof(hew_packed_header);
        op->layout = hew_pack_layout(op->kernel, (int64_t[]){d->k, d->n}, 2);
    }
    op->epilogue = (hew_epilogue){.alpha = d->alpha};
    op->act = hew_epilogue_act(&op->epilogue, d->act);
    op->act_fn = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
    op->transpose = HEW_FN(transpose_f32, hew_kernels(HEW_FAMILY_transpose_f32, &count));
    return op->path == HEW_GEMM_REF || op->path == HEW_GEMM_VECTORS ? HEW_OK : plan(op);
}

hew_status hew_gemm_create(hew_gemm **out, const hew_gemm_desc *desc)
{
    if (!out || !desc)
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_create: %s is null", out ? "desc" : "op");
    hew_gemm_desc d = *desc;
    hew_status s = normalise(&d);
    if (s != HEW_OK)
        return s;
    hew_gemm *op = hew_malloc(sizeof *op);
    if (!op)
        return hew_fail(HEW_ERR_NO_MEMORY, "gemm: no memory for the operation");
    op->d = d;
    s = prepare(op);
    if (s != HEW_OK) {
        hew_gemm_destroy(op);
        return s;
    }
    if (hew_verbose())
        hew_verbose_line("create gemm f32 %lldx%lldx%lldx%lld %s packed %zu bytes",
                         (long long)d.batch, (long long)d.m, (long long)d.n, (long long)d.k,
                         op->kernel->name, op->packed_bytes);
    *out = op;
    return HEW_OK;
}

void hew_gemm_destroy(hew_gemm *op)
{
    if (op)
        hew_mfree(op->panels.panel);
    hew_mfree(op);
}

size_t hew_gemm_packed_size(const hew_gemm *op) { return op ? op->packed_bytes : 0; }

const char *hew_gemm_kernel(const hew_gemm *op) { return op ? op->kernel->name : ""; }

hew_status hew_gemm_pack(const hew_gemm *op, const void *b, void *packed)
{
    if (!op || !packed || (!b && op->d.k * op->d.n > 0))
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_pack: %s is null",
                        !op ? "op" : !packed ? "packed" : "b");
    if (!op->d.b_packed)
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_pack: the descriptor has b_packed = false");
    if ((uintptr_t)packed % HEW_ALIGNMENT || (uintptr_t)b % sizeof(float))
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_pack: b at %p or packed at %p is misaligned", b,
                        packed);
    const hew_gemm_desc *d = &op->d;
    const size_t k = (size_t)d->k, n = (size_t)d->n, ldb = (size_t)d->ldb;
    float *out = (float *)((char *)packed + sizeof(hew_packed_header));
    hew_pack_header(packed, op->layout, false);
    if (op->path == HEW_GEMM_VECTORS) {
        hew_gemv_pack(op, b, out);
    } else if (op->path != HEW_GEMM_REF) {
        for (size_t p = 0; p < op->panels.count; p++)
            hew_pack_panel(op->panels.panel + p, k, b, ldb, d->transpose_b, op->transpose,
                           out + op->panels.panel[p].offset * k);
    } else if (d->transpose_b) {
        op->transpose(n, k, b, ldb, out, n);
    } else {
        for (size_t i = 0; i < k; i++)
            memcpy(out + i * n, (const float *)b + i * ldb, n * sizeof(float));
    }
    return HEW_OK;
}
