/*
 * conv_run.c - packing weights, and running a created convolution.
 */
#include "conv.h"

#include <string.h>

/* Panel `p` of a group: row tap * channels + c, columns out channels.  w: the group's first. */
static void pack_panel(const hew_conv *op, const hew_panel *p, const float *w, float *out)
{
    const size_t taps = op->reduction.rows * op->reduction.taps, channels = op->group_in;
    const size_t nr = (size_t)p->kernel->nr;
    if (taps == 1) {
        hew_pack_panel(p, channels, w, channels, true, op->transpose, out);
        return;
    }
    memset(out, 0, taps * channels * nr * sizeof(float));
    for (size_t j = 0; j < (size_t)p->n; j++)
        for (size_t c = 0; c < channels; c++)
            for (size_t t = 0; t < taps; t++)
                out[(t * channels + c) * nr + j] = w[((p->column + j) * channels + c) * taps + t];
}

hew_status hew_conv_pack(const hew_conv *op, const void *weights, void *packed)
{
    if (!op || !weights || !packed)
        return hew_fail(HEW_ERR_INVALID, "hew_conv_pack: %s is null",
                        !op ? "op" : !weights ? "weights" : "packed");
    if ((uintptr_t)packed % HEW_ALIGNMENT || (uintptr_t)weights % sizeof(float))
        return hew_fail(HEW_ERR_INVALID,
                        "hew_conv_pack: weights at %p or packed at %p is misaligned", weights,
                        packed);
    const hew_conv_desc *d = &op->d;
    const size_t taps = op->reduction.rows * op->reduction.taps;
    const size_t count = (size_t)d->out_c * op->group_in * taps;
    float *out = (float *)((char *)packed + sizeof(hew_packed_header));
    hew_pack_header(packed, op->layout, hew_any_nonfinite(weights, count));
    if (op->path == HEW_CONV_REF) {
        memcpy(out, weights, count * sizeof(float));
    } else if (op->path == HEW_CONV_DEPTHWISE) {
        hew_dwconv_pack(op, weights, out);
    } else {
        memset(out, 0, op->zeros * sizeof(float));
        for (size_t g = 0; g < (size_t)d->groups; g++)
            for (size_t p = 0; p < op->panels.count; p++)
                pack_panel(op, op->panels.panel + p,
                           (const float *)weights + g * op->group_out * op->group_in * taps,
                           out + op->zeros + g * op->group_floats +
                               op->panels.panel[p].offset * taps * op->group_in);
    }
    return HEW_OK;
}

typedef struct run_state {
    const hew_conv *op;
    const hew_conv_args *args;
    int height; /* of tiles */
} run_state;

/* Task (group, block of pixels, chunk of panels). */
static void run_task(void *context, size_t worker, size_t task)
{
    const run_state *s = context;
    const hew_conv *op = s->op;
    const hew_conv_desc *d = &op->d;
    const size_t chunk = task % op->chunks, block = task / op->chunks % op->row_blocks;
    const size_t group = task / op->chunks / op->row_blocks;
    const float *packed = (const float *)((const char *)s->args->packed +
                                          sizeof(hew_packed_header));
    char *scratch = (char *)s->args->scratch + worker * op->worker_bytes;
    const size_t rows = op->block_rows, taps = op->reduction.rows * op->reduction.taps;
    hew_tile *tiles = hew_take(&scratch, rows * sizeof(hew_tile));
    hew_reduce_step *steps = hew_take(&scratch, rows * taps * sizeof(hew_reduce_step));
    uint32_t *first = hew_take(&scratch, rows * (hew_parts(&op->reduction) + 1) * sizeof(uint32_t));
    float *patches = hew_take(&scratch, op->patch_floats * sizeof(float));

    const hew_conv_rows where = {.op = op,
                                 .in = (const float *)s->args->in + group * op->group_in,
                                 .zeros = packed,
                                 .begin = hew_cut(op->pixels, op->row_blocks, block),
                                 .end = hew_cut(op->pixels, op->row_blocks, block + 1),
                                 .height = s->height};
    const size_t column = group * op->group_out;
    hew_block b = {
        .panels = &op->panels,
        .panel_begin = hew_cut(op->panels.count, op->chunks, chunk),
        .panel_end = hew_cut(op->panels.count, op->chunks, chunk + 1),
        .reduction = &op->reduction,
        .tiles = tiles,
        .n_tiles = hew_conv_tiles(&where, tiles, steps, first, patches),
        .b = packed + op->zeros + group * op->group_floats,
        .partial = (float *)scratch,
        .c = (float *)s->args->out + where.begin * (size_t)d->out_stride + column,
        .c_stride = (size_t)d->out_stride * sizeof(float),
        .epilogue = op->epilogue,
        .act = op->act,
        .act_fn = op->act_fn,
    };
    if (s->args->scale)
        b.epilogue.scale = s->args->scale + column;
    if (s->args->bias)
        b.epilogue.bias = s->args->bias + column;
    if (s->args->residual) {
        b.epilogue.add = (const float *)s->args->residual +
                         where.begin * (size_t)d->residual_stride + column;
        b.epilogue.add_stride = (size_t)d->residual_stride * sizeof(float);
    }
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
    run_state s = {op, args, header->nonfinite ? 1 : op->panels.mr};
    return hew_parallel(args->threads, (size_t)op->d.groups * op->row_blocks * op->chunks, run_task,
                        &s);
}

size_t hew_conv_scratch_size(const hew_conv *op, size_t threads)
{
    return op && op->worker_bytes ? hew_scratch_bytes(0, op->worker_bytes, threads) : 0;
}

static hew_status check_args(const hew_conv *op, const hew_conv_args *args)
{
    if (args->size != sizeof *args)
        return hew_fail(HEW_ERR_INVALID, "conv: args size is %zu, this library's is %zu",
                        args->size, sizeof *args);
    if (op->pixels > 0 && (!args->in || !args->out))
        return hew_fail(HEW_ERR_INVALID, "conv: %s is null", args->in ? "out" : "in");
    if (((uintptr_t)args->in | (uintptr_t)args->out | (uintptr_t)args->scale |
         (uintptr_t)args->bias | (uintptr_t)args->residual) % sizeof(float))
        return hew_fail(HEW_ERR_INVALID, "conv: a tensor is not aligned to 4 bytes");
    const hew_status s = hew_check_packed("conv", args->packed, op->layout);
    if (s != HEW_OK)
        return s;
    if (op->worker_bytes > 0 && (!args->scratch || (uintptr_t)args->scratch % HEW_ALIGNMENT))
        return hew_fail(HEW_ERR_INVALID,
                        "conv: scratch is at %p; %zu bytes aligned to %d are needed", args->scratch,
                        hew_conv_scratch_size(op, args->threads ? args->threads->count : 1),
                        HEW_ALIGNMENT);
    return args->threads ? hew_check_threads(args->threads) : HEW_OK;
}

static void report(const hew_conv *op, double us)
{
    const double macs = (double)op->pixels * (double)op->group_out * (double)op->d.in_c *
                        (double)(op->reduction.rows * op->reduction.taps);
    char problem[HEW_CONV_TEXT];
    hew_conv_text(op, problem);
    hew_verbose_line("conv f32 %s %s %.1f us %.2f GFLOP/s", problem, op->kernel->name, us,
                     2e-3 * macs / us);
}

hew_status hew_conv_run(const hew_conv *op, const hew_conv_args *args)
{
    if (!op || !args)
        return hew_fail(HEW_ERR_INVALID, "hew_conv_run: %s is null", op ? "args" : "op");
    hew_status status = check_args(op, args);
    if (status != HEW_OK || op->pixels == 0)
        return status;
    const double start = HEW_UNLIKELY(hew_verbose()) ? hew_now() : 0;
    status = run(op, args);
    if (HEW_UNLIKELY(start != 0))
        report(op, (hew_now() - start) * 1e6);
    return status;
}
