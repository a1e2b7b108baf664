/*
 * conv_run.c - running a created convolution.
 */
#include "conv.h"

#include <string.h>

typedef struct run_state {
    const hew_conv *op;
    const hew_conv_args *args;
    int height; /* of tiles */
    hew_cuts cuts;
} run_state;

/* What a block adds to its sums, and scales them by. */
static hew_epilogue epilogue_of(const hew_conv *op, const hew_conv_args *args, size_t pixel,
                                size_t column)
{
    const size_t stride = (size_t)op->d.residual_stride, size = op->format.residual_size;
    hew_epilogue e = op->epilogue;
    e.scale = args->scale ? args->scale + column : NULL;
    e.bias = args->bias ? args->bias + column : NULL;
    if (args->residual) {
        e.add = (const char *)args->residual + (pixel * stride + column) * size;
        e.add_stride = stride * size;
        e.beta = args->residual_scale == 0 ? 1 : args->residual_scale;
    }
    return e;
}

hew_block hew_conv_block(const hew_conv *op, const hew_conv_args *args, size_t group, size_t pixel)
{
    const size_t column = group * op->group_out, stride = (size_t)op->d.out_stride;
    return (hew_block){
        .panels = &op->panels,
        .reduction = &op->reduction,
        .a_word = op->depth * op->format.a_size,
        .b = hew_conv_packed_panels(op, args->packed) + group * op->group_bytes,
        .c = (char *)args->out + (pixel * stride + column) * op->format.c_size,
        .c_stride = stride * op->format.c_size,
        .c_size = op->format.c_size,
        .add_size = op->format.residual_size,
        .epilogue = epilogue_of(op, args, pixel, column),
        .act = op->act,
        .act_fn = op->act_fn,
        .c_type = op->d.out_type,
        .quantize_fn = op->quantize_fn,
    };
}

hew_zeros hew_conv_integers(const hew_conv *op, const hew_conv_args *args, size_t group,
                            hew_block *b, hew_quant *quant)
{
    const size_t column = group * op->group_out;
    *quant = hew_conv_quant(op, args, hew_conv_packed_sums(args->packed) +
                                          group * op->panels.padded_n);
    b->c_inverse = quant->c_inverse;
    b->c_zero = quant->c_zero;
    hew_quant_fold(&b->epilogue, quant, op->staged);
    if (quant->bias)
        quant->bias += column;
    b->quant = quant;
    const uint8_t *zero = args->weight_zero;
    return (hew_zeros){zero ? zero + column : NULL, op->format.b_unsigned};
}

/* Task (group, block of pixels, chunk of panels). */
static void run_task(void *context, size_t worker, size_t task)
{
    const run_state *s = context;
    const hew_conv *op = s->op;
    const size_t chunk = task % s->cuts.chunks, block = task / s->cuts.chunks % s->cuts.row_blocks;
    const size_t group = task / s->cuts.chunks / s->cuts.row_blocks;
    char *scratch = (char *)s->args->scratch + worker * op->worker_bytes;
    const size_t rows = op->block_rows, taps = op->reduction.rows * op->reduction.taps;
    const size_t mr = (size_t)op->panels.mr, nr = (size_t)op->panels.max_nr;
    hew_tile *tiles = hew_take(&scratch, rows * sizeof(hew_tile));
    hew_reduce_step *steps = hew_take(&scratch, rows * taps * sizeof(hew_reduce_step));
    uint32_t *first = hew_take(&scratch, rows * (hew_parts(&op->reduction) + 1) * sizeof(uint32_t));
    char *patches = hew_take(&scratch, op->patch_bytes);
    char *pad = hew_take(&scratch, op->pad_bytes);
    memset(pad, (uint8_t)s->args->in_zero, op->pad_bytes);

    const hew_conv_rows where = {
        .op = op,
        .in = (const char *)s->args->in + group * op->group_in * op->format.a_size,
        .pad = pad,
        .begin = hew_cut(op->pixels / op->unit, s->cuts.row_blocks, block) * op->unit,
        .end = hew_cut(op->pixels / op->unit, s->cuts.row_blocks, block + 1) * op->unit,
        .height = s->height,
        .all_taps = op->format.integer &&
                    (s->args->in_zero != 0 || (op->format.a_signed && op->depth == HEW_WORD))};
    hew_block b = hew_conv_block(op, s->args, group, where.begin);
    b.panel_begin = hew_cut(op->panels.count, s->cuts.chunks, chunk);
    b.panel_end = hew_cut(op->panels.count, s->cuts.chunks, chunk + 1);
    b.tiles = tiles;
    b.n_tiles = hew_conv_tiles(&where, tiles, steps, first, patches);
    b.partial = hew_take(&scratch, hew_max(rows, mr) * nr * HEW_WORD);
    b.stage = op->staged ? hew_take(&scratch, mr * nr * sizeof(float)) : NULL;
    hew_quant quant;
    if (op->format.integer) {
        const hew_zeros zeros = hew_conv_integers(op, s->args, group, &b, &quant);
        if (zeros.zero || zeros.b_unsigned) {
            hew_block_row_sums(&b, op->format.a_signed, (int32_t *)scratch);
            quant.row_sums = (int32_t *)scratch;
            b.b_zero = &zeros;
        }
        hew_block_run(&b);
        return;
    }
    quant = hew_conv_quant(op, s->args, NULL);
    if (op->format.bf16)
        b.quant = &quant;
    hew_block_run(&b);
}

static hew_status run(const hew_conv *op, const hew_conv_args *args)
{
    const hew_packed_header *header = args->packed;
    if (op->path == HEW_CONV_REF) {
        HEW_REF_FN(conv_f32, op->kernel)(op, args);
        return HEW_OK;
    }
    if (op->path == HEW_CONV_DEPTHWISE)
        return hew_dwconv_run(op, args);
    if (op->path == HEW_CONV_DEPTHWISE_S8)
        return hew_dwconv_s8_run(op, args);
    if (op->path == HEW_CONV_AMX)
        return hew_conv_amx_run(op, args);
    const size_t threads = args->threads ? args->threads->count : 1, groups = (size_t)op->d.groups;
    run_state s = {op, args, header->nonfinite ? 1 : op->panels.mr,
                   hew_cuts_for((hew_cuts){op->row_blocks, op->chunks}, op->few_blocks, groups,
                                threads)};
    return hew_parallel(args->threads, groups * s.cuts.row_blocks * s.cuts.chunks, run_task, &s);
}

size_t hew_conv_scratch_size(const hew_conv *op, size_t threads)
{
    return op ? hew_scratch_bytes(op->edge_bytes, op->worker_bytes, threads) : 0;
}

static hew_status check_args(const hew_conv *op, const hew_conv_args *args)
{
    if (args->size != sizeof *args)
        return hew_fail(HEW_ERR_INVALID, "conv: args size is %zu, this library's is %zu",
                        args->size, sizeof *args);
    if (op->pixels > 0 && (!args->in || !args->out))
        return hew_fail(HEW_ERR_INVALID, "conv: %s is null", args->in ? "out" : "in");
    const hew_conv_desc *d = &op->d;
    const hew_format *f = &op->format;
    if (((uintptr_t)args->in & f->a_low) | ((uintptr_t)args->out & f->c_low) |
        ((uintptr_t)args->residual & f->residual_low) |
        (((uintptr_t)args->scale | (uintptr_t)args->bias | (uintptr_t)args->bias_s32) & 3))
        return hew_fail(HEW_ERR_INVALID, "conv: a tensor is not aligned to its elements");
    hew_status s = hew_check_packed("conv", args->packed, op->layout);
    if (s == HEW_OK)
        s = hew_check_quantised(
            "conv", &op->format,
            &(hew_quantised){.a_type = d->in_type, .c_type = d->out_type,
                             .residual_type = d->residual_type, .a_zero = args->in_zero,
                             .c_zero = args->out_zero, .residual_zero = args->residual_zero,
                             .c_scale = args->out_scale, .residual_scale = args->residual_scale,
                             .bias_s32 = args->bias_s32, .b_zero = args->weight_zero,
                             .floats = args->scale || args->bias || args->residual});
    if (s != HEW_OK)
        return s;
    if (op->worker_bytes + op->edge_bytes > 0 &&
        (!args->scratch || (uintptr_t)args->scratch % HEW_ALIGNMENT))
        return hew_fail(HEW_ERR_INVALID,
                        "conv: scratch is at %p; %zu bytes aligned to %d are needed", args->scratch,
                        hew_conv_scratch_size(op, args->threads ? args->threads->count : 1),
                        HEW_ALIGNMENT);
    return args->threads ? hew_check_threads(args->threads) : HEW_OK;
}

static void report(const hew_conv *op, double us)
{
    const double macs = (double)op->pixels * (double)op->group_out *
                        (double)hew_conv_channels(op) *
                        (double)(op->d.kernel[0] * op->d.kernel[1] * op->d.kernel[2]);
    char problem[HEW_CONV_TEXT];
    hew_conv_text(op, problem);
    hew_verbose_line("conv %s %s %s %.1f us %.2f GOP/s", op->format.name, problem,
                     op->kernel->name, us, 2e-3 * macs / us);
}

hew_status hew_conv_run_inner(const hew_conv *op, const hew_conv_args *args)
{
    if (!op->bf16_mode)
        return run(op, args);
    const unsigned mode = hew_bf16_mode();
    const hew_status status = run(op, args);
    hew_restore_mode(mode);
    return status;
}

hew_status hew_conv_run(const hew_conv *op, const hew_conv_args *args)
{
    if (!op || !args)
        return hew_fail(HEW_ERR_INVALID, "hew_conv_run: %s is null", op ? "args" : "op");
    hew_status status = check_args(op, args);
    if (status != HEW_OK || op->pixels == 0)
        return status;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    status = op->edge_bytes ? hew_conv_run_edges(op, args) : hew_conv_run_inner(op, args);
    if (HEW_UNLIKELY(start != 0))
        report(op, (hew_now() - start) * 1e6);
    return status;
}
