/*
 * gemm.c - matrix products: what a descriptor means, and how the work is cut.
 */
#include "gemm.h"

enum {
    A_BLOCK_BYTES = 512 << 10, /* of A that passes over a panel: half of a 1 MiB L2 */
    MIN_BLOCK_ROWS = 96,       /* so that a panel's block, at most 128 KiB, is worth its loads */
    MAX_BLOCK_ROWS = 240,
    GROUP_BYTES = 8 << 20,     /* of B that a one-shot run packs at a time */
    DIRECT_B_BYTES = 96 << 10, /* B that is read in place stays in L2, whatever its stride */
    DIRECT_ROWS = 96,
    SMALL_MACS = 1 << 19,      /* run_small: what the loop nest costs shows */
    TILES_B = 2 << 10          /* elements of B that are worth configuring AMX's tiles for */
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
                               int64_t batch, size_t element, int64_t *batch_stride)
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
        !hew_add(last, size, &last) || !hew_mul(last, (int64_t)element, &last))
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

static hew_status check_scalars(hew_gemm_desc *d, hew_format *format)
{
    if (d->size != sizeof *d)
        return hew_fail(HEW_ERR_INVALID, "gemm: descriptor size is %zu, this library's is %zu",
                        d->size, sizeof *d);
    hew_status s = hew_inner_types("gemm", d->math, &d->a_type, &d->b_type, &d->c_type,
                                   &d->residual_type);
    if (s == HEW_OK && !hew_format_weight_only(d, format))
        s = hew_format_of("gemm", d->a_type, d->b_type, d->c_type, d->residual_type, d->a_dynamic,
                          format);
    if (s != HEW_OK)
        return s;
    if ((format->integer || format->bf16) && d->beta != 0)
        return hew_fail(HEW_ERR_UNSUPPORTED, "gemm: beta = %g with %s; a residual adds to C",
                        (double)d->beta, format->name);
    if (d->b_group != 0 && !format->weight_only)
        return hew_fail(HEW_ERR_INVALID, "gemm: b_group = %lld with %s", (long long)d->b_group,
                        format->name);
    if (d->c_type == HEW_S32 && (d->act.kind != HEW_ACT_NONE || d->alpha != 0))
        return hew_fail(HEW_ERR_INVALID, "gemm: C of s32 with an activation or an alpha");
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
    s = format->weight_only ? hew_wo_check(d) : HEW_OK;
    if (s == HEW_OK)
        s = hew_act_defaults("gemm", &d->act);
    if (format->bf16)
        d->act = hew_bf16_act(d->act);
    return s;
}

/* Fills in every default of the descriptor. */
static hew_status normalise(hew_gemm_desc *d, hew_format *f)
{
    hew_status s = check_scalars(d, f);
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
        s = check_matrix("A", ta ? d->k : d->m, ta ? d->m : d->k, d->lda, d->batch,
                         hew_type_size(d->a_type), &d->stride_a);
    if (s == HEW_OK)
        s = check_matrix("B", tb ? d->n : d->k, tb ? d->k : d->n, d->ldb, d->batch,
                         f->b_size, &d->stride_b);
    if (s == HEW_OK)
        s = check_matrix("C", d->m, d->n, d->ldc, d->batch, f->c_size, &d->stride_c);
    if (s == HEW_OK)
        s = check_matrix("the residual", d->m, d->n, d->ldr, d->batch, f->residual_size,
                         &d->stride_r);
    return s == HEW_OK ? check_output(d) : s;
}

static hew_gemm_path path_of(const hew_gemm_desc *d, const hew_format *format)
{
    const bool f32 = !format->integer && !format->bf16;
    if (format->weight_only)
        return HEW_GEMM_WEIGHT_ONLY;
    if (f32 && hew_gemv_serves(d))
        return HEW_GEMM_VECTORS;
    if (d->b_packed)
        return HEW_GEMM_PACKED;
    if (f32 && !d->transpose_b && d->m <= DIRECT_ROWS &&
        (d->m <= 2 * HEW_MAX_MR || d->k * d->n * (int64_t)sizeof(float) <= DIRECT_B_BYTES))
        return HEW_GEMM_DIRECT;
    return d->batch > 1 && d->stride_b != 0 ? HEW_GEMM_BATCHED : HEW_GEMM_ONE_SHOT;
}

/* Bytes of so many rows of `columns` words; false when they don't fit. */
static bool panel_bytes(int64_t rows, size_t columns, size_t *bytes)
{
    int64_t b;
    if (!hew_mul(rows, (int64_t)columns, &b) || !hew_mul(b, HEW_WORD, &b) ||
        !hew_add(b, 2 * HEW_ALIGNMENT, &b))
        return false;
    *bytes = hew_round_up((size_t)b - 2 * HEW_ALIGNMENT, HEW_ALIGNMENT);
    return true;
}

/* Bytes of a block of A that is transposed or quantised on the way; false when they don't fit. */
static bool a_bytes(const hew_gemm *op, size_t *bytes)
{
    const hew_gemm_desc *d = &op->d;
    const size_t rows = op->block_rows, row = (size_t)d->k + HEW_A_PAD;
    *bytes = 0;
    if (d->transpose_a) {
        int64_t b;
        if (!hew_mul((int64_t)row, (int64_t)(rows * hew_type_size(d->a_type)), &b))
            return false;
        *bytes = hew_round_up((size_t)b, HEW_ALIGNMENT);
    }
    if (d->a_dynamic != HEW_DYNAMIC_NONE)
        *bytes += hew_round_up(row * rows, HEW_ALIGNMENT) +
                  hew_round_up(rows * sizeof(float), HEW_ALIGNMENT) * 2;
    return true;
}

/* Scratch of what isn't f32 throughout: the stage, and for integers sums of A's rows. */
static size_t typed_bytes(const hew_gemm *op)
{
    const size_t stage = (size_t)op->panels.mr * (size_t)op->panels.max_nr * sizeof(float);
    const size_t sums = op->block_rows * sizeof(int32_t);
    return hew_round_up(op->staged ? stage : 0, HEW_ALIGNMENT) +
           hew_round_up(op->format.integer ? sums : 0, HEW_ALIGNMENT);
}

/* B that a run packs: a group of panels with the sums of their columns. */
static bool plan_packing(hew_gemm *op, size_t *bytes)
{
    const size_t nr = (size_t)op->panels.max_nr;
    const size_t per_panel = hew_max(op->words * nr * HEW_WORD, 1);
    op->group_panels = hew_max(1, hew_min(op->panels.count, GROUP_BYTES / per_panel));
    if (op->path == HEW_GEMM_BATCHED) {
        op->chunks = hew_max(1, hew_ceil_div(op->panels.count, op->group_panels));
        op->group_panels = hew_ceil_div(op->panels.count, op->chunks);
    }
    op->sums_bytes = op->format.integer ? op->group_panels * nr * sizeof(int32_t) : 0;
    if (!panel_bytes((int64_t)op->words, op->group_panels * nr, bytes))
        return false;
    *bytes += hew_round_up(op->sums_bytes, HEW_ALIGNMENT);
    return true;
}

/* Whether run_small serves, on one thread. */
static bool is_small(const hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const double macs = (double)d->m * (double)d->n * (double)op->words;
    const bool packs = op->path == HEW_GEMM_ONE_SHOT && !op->amx_config &&
                       op->panels.count <= op->group_panels;
    return (op->path == HEW_GEMM_DIRECT || op->path == HEW_GEMM_PACKED || packs) &&
           !d->transpose_a &&
           d->batch == 1 && macs <= SMALL_MACS && op->act.kind == HEW_ACT_NONE && !op->staged &&
           !op->format.b_unsigned && d->a_dynamic == HEW_DYNAMIC_NONE && d->beta == 0 &&
           !op->keeps &&
           (!op->amx_config || (op->panels.count == 1 && d->m <= (int64_t)op->panels.mr));
}

/* Cuts the work into tasks, and adds up the scratch that they need. */
static hew_status plan(hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const size_t m = (size_t)d->m, mr = (size_t)op->panels.mr;
    const size_t fit = A_BLOCK_BYTES / HEW_WORD / hew_max(op->words, 1);
    op->row_unit = op->amx_config ? mr : 1;
    const size_t most = hew_round_up(hew_min(hew_max(fit, MIN_BLOCK_ROWS), MAX_BLOCK_ROWS),
                                     op->row_unit);
    const hew_cuts cuts = hew_cut_tasks(&op->panels, m, most, (size_t)d->batch,
                                        (double)d->n * (double)op->words);
    op->row_blocks = cuts.row_blocks;
    op->chunks = cuts.chunks;
    op->few_blocks = hew_min(hew_ceil_div(m, most), op->row_blocks);
    op->block_rows = hew_ceil_div(hew_ceil_div(m, op->row_unit), hew_max(op->few_blocks, 1)) *
                     op->row_unit;
    const double macs = (double)m * (double)d->n * (double)op->words;
    op->members_per_task = 1;
    if (op->row_blocks <= 1 && op->chunks == 1)
        op->members_per_task = macs < 1 ? (size_t)hew_max((size_t)d->batch, 1)
                                        : hew_max(1, (size_t)(HEW_TASK_MACS / macs));

    const size_t tiles = hew_ceil_div(op->block_rows, mr);
    const size_t rows = op->keeps ? op->block_rows : mr;
    size_t bytes = tiles * (sizeof(hew_tile) + sizeof(hew_reduce_step));
    bytes = hew_round_up(bytes, HEW_ALIGNMENT) +
            hew_round_up(rows * (size_t)op->panels.max_nr * HEW_WORD, HEW_ALIGNMENT) +
            typed_bytes(op);
    size_t a = 0, b = 0;
    const bool packs = op->path == HEW_GEMM_BATCHED || op->path == HEW_GEMM_ONE_SHOT;
    if (!a_bytes(op, &a) || (packs && !plan_packing(op, &b)))
        return hew_fail(HEW_ERR_OVERFLOW, "gemm: k = %lld is too large", (long long)d->k);
    if (is_small(op) && m > 0) {
        op->small_tiles = hew_ceil_div(m, mr);
        op->small_rows = m / op->small_tiles;
        op->small_extra = m % op->small_tiles;
    }
    op->shared_bytes = op->path == HEW_GEMM_ONE_SHOT ? hew_max(b, HEW_ALIGNMENT) : 0;
    op->worker_bytes = bytes + a + (op->path == HEW_GEMM_BATCHED ? b : 0);
    return HEW_OK;
}

/*
 * The kernels that multiply.  All products of bf16 are AMX's where it is: it has an order of its
 * own.  Of bytes, packed B has one form for every m, and few rows don't repay packing them for it.
 */
static int family_of(hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const int amx = hew_format_amx(&op->format);
    size_t count;
    const hew_kernel *config = hew_kernels(HEW_FAMILY_amx_config, &count);
    const bool pays = op->format.bf16 || ((double)d->k * (double)d->n >= TILES_B &&
                                          (d->b_packed || d->m > HEW_MAX_MR / 2));
    if (op->path == HEW_GEMM_DIRECT)
        return HEW_FAMILY_direct_f32;
    if (amx < 0 || count == 0 || !pays)
        return op->format.gemm;
    op->amx_config = HEW_FN(amx_config, config);
    return amx;
}

/* Panels for the kernels of this CPU. */
static hew_status prepare_panels(hew_gemm *op)
{
    const int family = family_of(op);
    const hew_status s = hew_panels_create(&op->panels, family, (size_t)op->d.n);
    if (s != HEW_OK)
        return hew_fail(s, "gemm: no memory for the panels of n = %lld", (long long)op->d.n);
    size_t count;
    op->kernel = op->panels.count ? op->panels.panel[0].kernel : hew_kernels(family, &count);
    op->depth = (size_t)op->kernel->depth;
    op->words = hew_ceil_div((size_t)op->d.k, op->depth);
    op->reduction = op->amx_config ? hew_amx_reduction_of(1, 1, op->words)
                                   : hew_reduction_of(1, 1, op->words);
    op->keeps = op->amx_config ? hew_amx_keeps(&op->reduction)
                               : op->reduction.channels > op->reduction.block_channels;
    return HEW_OK;
}

static hew_status prepare_packed(hew_gemm *op)
{
    const hew_gemm_desc *d = &op->d;
    const bool panels = op->path == HEW_GEMM_PACKED || op->path == HEW_GEMM_WEIGHT_ONLY;
    const size_t columns = panels ? op->panels.padded_n : (size_t)d->n;
    if (!panel_bytes((int64_t)op->words, columns, &op->packed_bytes))
        return hew_fail(HEW_ERR_OVERFLOW, "gemm: packed B, %lld x %lld, is too large",
                        (long long)d->k, (long long)d->n);
    if (panels && op->format.integer)
        op->sums_bytes = op->panels.padded_n * sizeof(int32_t);
    op->packed_bytes += sizeof(hew_packed_header) + hew_round_up(op->sums_bytes, HEW_ALIGNMENT);
    op->layout = hew_pack_layout(op->kernel, (int64_t[]){d->k, d->n, d->b_type}, 3);
    return HEW_OK;
}

static hew_status prepare(hew_gemm *op)
{
    hew_gemm_desc *d = &op->d;
    size_t count;
    const hew_kernel *lines = hew_kernels(op->format.gemm, &count);
    op->kernel = lines;
    op->path = lines->isa == HEW_ISA_REF ? HEW_GEMM_REF : path_of(d, &op->format);
    op->depth = 1;
    op->words = (size_t)d->k;
    op->reduction = hew_reduction_of(1, 1, op->words);
    hew_status s = HEW_OK;
    if (op->path == HEW_GEMM_VECTORS)
        hew_gemv_plan(op);
    else if (op->path != HEW_GEMM_REF)
        s = prepare_panels(op);
    if (s == HEW_OK && d->b_packed)
        s = prepare_packed(op);
    if (s != HEW_OK)
        return s;
    op->epilogue = (hew_epilogue){.alpha = d->alpha};
    op->act = hew_epilogue_act(&op->epilogue, d->act);
    op->staged = d->c_type != HEW_F32 && (op->act.kind != HEW_ACT_NONE ||
                                          (op->format.integer && d->c_type == HEW_BF16));
    op->act_fn = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count));
    op->transpose = HEW_FN(transpose_f32, hew_kernels(HEW_FAMILY_transpose_f32, &count));
    op->range_fn = HEW_FN(range_f32, hew_kernels(HEW_FAMILY_range_f32, &count));
    op->quantize_fn = HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
    if (op->path == HEW_GEMM_WEIGHT_ONLY)
        return hew_wo_plan(op);
    return op->path == HEW_GEMM_REF || op->path == HEW_GEMM_VECTORS ? HEW_OK : plan(op);
}

hew_status hew_gemm_create(hew_gemm **out, const hew_gemm_desc *desc)
{
    if (!out || !desc)
        return hew_fail(HEW_ERR_INVALID, "hew_gemm_create: %s is null", out ? "desc" : "op");
    hew_gemm_desc d = *desc;
    hew_format format;
    hew_status s = normalise(&d, &format);
    if (s != HEW_OK)
        return s;
    hew_gemm *op = hew_malloc(sizeof *op);
    if (!op)
        return hew_fail(HEW_ERR_NO_MEMORY, "gemm: no memory for the operation");
    op->d = d;
    op->format = format;
    s = hew_gemm_plan_edges(op, desc);
    if (s == HEW_OK)
        s = prepare(op);
    if (s != HEW_OK) {
        hew_gemm_destroy(op);
        return s;
    }
    if (hew_verbose())
        hew_verbose_line("create gemm %s %lldx%lldx%lldx%lld %s packed %zu bytes",
                         op->format.name, (long long)d.batch, (long long)d.m, (long long)d.n,
                         (long long)d.k, op->kernel->name, op->packed_bytes);
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
