#include "every_op.h"

/* A matrix of all FLOATS, images of 32 x 32 x 64, and a tensor for them. */
enum { ROWS = 512, COLUMNS = 512, BATCH = 4, SIDE = 32, PIXELS = SIDE * SIDE, CHANNELS = 64 };

#define MATRIX(TYPE)      HEW_TENSOR(.type = TYPE, .rank = 2, .extent = {ROWS, COLUMNS})
#define HALF(TYPE)        HEW_TENSOR(.type = TYPE, .rank = 2, .extent = {ROWS, COLUMNS / 2})
#define IMAGES            HEW_TENSOR(.rank = 4, .extent = {BATCH, SIDE, SIDE, CHANNELS})
#define RUN(name, ...)    static hew_status name(const run_args *a) { return __VA_ARGS__; }

/* ---------------------------------------------------------------- products of matrices ------ */

#define GEMM(name, in_a, in_b, ...)                                                                \
    static void name##_up(const inputs *in, void **op, void **packed)                              \
    {                                                                                              \
        const hew_gemm_desc d = HEW_GEMM_DESC(__VA_ARGS__);                                        \
        hew_gemm *made = NULL;                                                                     \
        check_status(hew_gemm_create(&made, &d), HEW_OK);                                          \
        *op = made;                                                                                \
        if (hew_gemm_scratch_size(made, 8) > SCRATCH_BYTES)                                        \
            fail_case("%zu bytes of scratch", hew_gemm_scratch_size(made, 8));                     \
        if (!d.b_packed)                                                                           \
            return;                                                                                \
        *packed = hew_alloc(hew_gemm_packed_size(made));                                           \
        check_status(hew_gemm_pack(made, in->in_b, *packed), HEW_OK);                              \
    }                                                                                              \
    RUN(name, hew_gemm_run(a->op, &HEW_GEMM_ARGS(.a = a->in->in_a,                                 \
                                                 .b = a->packed ? NULL : a->in->in_b,              \
                                                 .packed_b = a->packed, .c = a->out,               \
                                                 .scratch = a->scratch, .threads = a->threads)))

GEMM(gemm_plain, x, y, .m = 150, .n = 200, .k = 600, .transpose_a = true, .transpose_b = true)
GEMM(gemm_packed, x, y, .m = 150, .n = 200, .k = 600, .b_packed = true)
GEMM(gemm_batch, x, y, .m = 40, .n = 48, .k = 32, .batch = 100)
GEMM(gemm_vector, x, y, .m = 1, .n = 512, .k = 512, .b_packed = true)
GEMM(gemm_column, x, y, .m = 512, .n = 1, .k = 512)
GEMM(gemm_u8s8, q, q, .m = 150, .n = 200, .k = 600, .a_type = HEW_U8, .b_type = HEW_S8,
     .c_type = HEW_S32, .b_packed = true)
GEMM(gemm_bf16, h, w, .m = 150, .n = 200, .k = 600, .a_type = HEW_BF16, .b_type = HEW_BF16)
GEMM(gemm_weight_only, x, q, .m = 3, .n = 512, .k = 512, .b_type = HEW_S8, .b_packed = true)
GEMM(gemm_dynamic, x, q, .m = 150, .n = 200, .k = 600, .b_type = HEW_S8, .b_packed = true,
     .a_dynamic = HEW_DYNAMIC_SYMMETRIC)
GEMM(gemm_fpmath, x, y, .m = 150, .n = 200, .k = 600, .math = HEW_MATH_BF16, .b_packed = true)

static void gemm_down(void *op) { hew_gemm_destroy(op); }

#define CONV(name, in_x, in_w, ...)                                                                \
    static void name##_up(const inputs *in, void **op, void **packed)                              \
    {                                                                                              \
        const hew_conv_desc d = HEW_CONV_DESC(.pad_lo = {1, 1}, .pad_hi = {1, 1}, __VA_ARGS__);    \
        hew_conv *made = NULL;                                                                     \
        check_status(hew_conv_create(&made, &d), HEW_OK);                                          \
        *op = made;                                                                                \
        if (hew_conv_scratch_size(made, 8) > SCRATCH_BYTES)                                        \
            fail_case("%zu bytes of scratch", hew_conv_scratch_size(made, 8));                     \
        *packed = hew_alloc(hew_conv_packed_size(made));                                           \
        check_status(hew_conv_pack(made, in->in_w, *packed), HEW_OK);                              \
    }                                                                                              \
    RUN(name, hew_conv_run(a->op, &HEW_CONV_ARGS(.in = a->in->in_x, .packed = a->packed,           \
                                                 .out = a->out, .scratch = a->scratch,             \
                                                 .threads = a->threads)))
#define PLANE .in = {40, 41}, .batch = 2, .kernel = {3, 3}

CONV(conv, x, y, PLANE, .in_c = 64, .out_c = 70)
CONV(conv_first, x, y, PLANE, .in_c = 3, .out_c = 64)
CONV(conv_groups, x, y, PLANE, .in_c = 64, .out_c = 64, .groups = 16)
CONV(conv_depthwise, x, y, PLANE, .in_c = 75, .out_c = 75, .groups = 75)
CONV(conv_u8s8, q, q, PLANE, .in_c = 64, .out_c = 70, .in_type = HEW_U8, .weight_type = HEW_S8,
     .out_type = HEW_U8)
CONV(conv_depthwise_u8s8, q, q, PLANE, .in_c = 75, .out_c = 75, .groups = 75, .in_type = HEW_U8,
     .weight_type = HEW_S8, .out_type = HEW_U8)
CONV(conv_bf16, h, w, PLANE, .in_c = 64, .out_c = 70, .in_type = HEW_BF16,
     .weight_type = HEW_BF16)

static void conv_down(void *op) { hew_conv_destroy(op); }

/* ------------------------------------------------------------------------ pictures ---------- */

#define POOLING(...)                                                                               \
    &HEW_POOLING_DESC(.batch = BATCH, .in = {SIDE, SIDE}, .channels = CHANNELS, __VA_ARGS__)
#define WINDOW(KIND) .kind = KIND, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}

RUN(pooling_max, hew_pooling(POOLING(WINDOW(HEW_POOLING_MAX)), a->in->x, a->out, a->threads))
RUN(pooling_average, hew_pooling(POOLING(WINDOW(HEW_POOLING_AVG)), a->in->x, a->out, a->threads))
RUN(pooling_lp, hew_pooling(POOLING(WINDOW(HEW_POOLING_LP)), a->in->x, a->out, a->threads))
RUN(pooling_u8, hew_pooling(POOLING(WINDOW(HEW_POOLING_AVG), .type = HEW_U8), a->in->q, a->out,
                            a->threads))
RUN(pooling_global, hew_pooling(POOLING(.kind = HEW_POOLING_AVG, .global = true), a->in->x, a->out,
                                a->threads))
RUN(pooling_indices, hew_pooling_max(POOLING(WINDOW(HEW_POOLING_MAX), .stride = {2, 2}), a->in->x,
                                     a->out, (int32_t *)a->out + FLOATS / 2, a->threads))
RUN(pooling_flat, hew_pooling_flat_indices(POOLING(WINDOW(HEW_POOLING_MAX), .stride = {2, 2}),
                                           HEW_POOLING_NCHW, a->in->index, (int64_t *)a->out,
                                           a->threads))
RUN(pooling_max_backward,
    hew_pooling_backward(POOLING(WINDOW(HEW_POOLING_MAX)), a->in->x, a->in->index, a->out,
                         a->threads))
RUN(pooling_average_backward,
    hew_pooling_backward(POOLING(WINDOW(HEW_POOLING_AVG)), a->in->x, NULL, a->out, a->threads))
RUN(pooling_lp_backward,
    hew_pooling_lp_backward(POOLING(WINDOW(HEW_POOLING_LP)), a->in->x, a->in->x, a->in->x, a->out,
                            a->threads))

#define RESAMPLE(name, ...)                                                                        \
    static void name##_up(const inputs *in, void **op, void **packed)                              \
    {                                                                                              \
        (void)in, (void)packed;                                                                    \
        const hew_resample_desc d = HEW_RESAMPLE_DESC(.in = {SIDE, SIDE}, .channels = CHANNELS,    \
                                                      __VA_ARGS__);                                \
        hew_resample *made = NULL;                                                                 \
        check_status(hew_resample_create(&made, &d), HEW_OK);                                      \
        *op = made;                                                                                \
        if (hew_resample_scratch_size(made, 8) > SCRATCH_BYTES)                                    \
            fail_case("%zu bytes of scratch", hew_resample_scratch_size(made, 8));                 \
    }                                                                                              \
    RUN(name, hew_resample_run(a->op, &HEW_RESAMPLE_ARGS(.in = a->in->x, .out = a->out,            \
                                                         .scratch = a->scratch,                    \
                                                         .threads = a->threads)))
RESAMPLE(resample_nearest, .out = {60, 61})
RESAMPLE(resample_linear, .kind = HEW_RESAMPLE_LINEAR, .out = {60, 61})
RESAMPLE(resample_backward, .kind = HEW_RESAMPLE_LINEAR, .out = {60, 61}, .backward = true)

static void resample_down(void *op) { hew_resample_destroy(op); }

RUN(lrn, hew_lrn(&HEW_LRN_DESC(.batch = BATCH, .in = {SIDE, SIDE}, .channels = CHANNELS,
                               .window = 5), a->in->x, a->out, a->threads))
RUN(lrn_backward, hew_lrn_backward(&HEW_LRN_DESC(.batch = BATCH, .in = {SIDE, SIDE},
                                                 .channels = CHANNELS, .window = 5),
                                   a->in->x, a->in->y, a->out, a->scratch, a->threads))

/* --------------------------------------------------------------------- rows, channels ------- */

#define SOFTMAX &HEW_SOFTMAX_DESC(.rows = ROWS, .columns = COLUMNS)

RUN(softmax, hew_softmax(SOFTMAX, a->in->x, a->out, a->threads))
RUN(softmax_inner, hew_softmax(&HEW_SOFTMAX_DESC(.rows = 16, .columns = 64, .inner = 256),
                               a->in->x, a->out, a->threads))
RUN(softmax_masked,
    hew_softmax_masked(SOFTMAX, &HEW_SOFTMAX_MASK(.causal = true, .heads = 4, .queries = 128),
                       a->in->x, a->out, a->threads))
RUN(softmax_backward,
    hew_softmax_backward(SOFTMAX, NULL, a->in->x, a->in->y, a->out, a->threads))

#define LAYER_NORM &HEW_LAYER_NORM_DESC(.rows = ROWS, .columns = COLUMNS)
RUN(layer_norm, hew_layer_norm(LAYER_NORM, &HEW_LAYER_NORM_ARGS(.in = a->in->x, .gamma = a->in->y,
                                                                .out = a->out,
                                                                .threads = a->threads)))
/* The last floats of the output are more than the gradient takes. */
RUN(layer_norm_backward,
    hew_layer_norm_backward(
        &HEW_LAYER_NORM_DESC(.rows = ROWS - 2, .columns = COLUMNS),
        &HEW_LAYER_NORM_BACKWARD_ARGS(.in = a->in->x, .d_out = a->in->y, .mean = a->in->z,
                                      .rstd = a->in->positive, .d_in = a->out,
                                      .d_gamma = a->out + (ROWS - 2) * COLUMNS,
                                      .d_beta = a->out + (ROWS - 1) * COLUMNS,
                                      .scratch = a->scratch, .threads = a->threads)))

#define GROUP_NORM                                                                                 \
    &HEW_GROUP_NORM_DESC(.batch = BATCH, .pixels = PIXELS, .channels = CHANNELS, .groups = 8)
RUN(group_norm, hew_group_norm(GROUP_NORM, &HEW_GROUP_NORM_ARGS(.in = a->in->x, .out = a->out,
                                                                .scratch = a->scratch,
                                                                .threads = a->threads)))
RUN(group_norm_backward,
    hew_group_norm_backward(GROUP_NORM,
                            &HEW_NORM_BACKWARD_ARGS(.in = a->in->x, .d_out = a->in->y,
                                                    .mean = a->in->z, .rstd = a->in->positive,
                                                    .d_in = a->out, .scratch = a->scratch,
                                                    .threads = a->threads)))

#define BATCH_NORM .pixels = BATCH * PIXELS, .channels = CHANNELS
RUN(batch_norm, hew_batch_norm(&HEW_BATCH_NORM_DESC(BATCH_NORM, .relu = true),
                               &HEW_BATCH_NORM_ARGS(.in = a->in->x, .residual = a->in->y,
                                                    .out = a->out, .running_mean = a->in->z,
                                                    .running_variance = a->in->positive,
                                                    .scratch = a->scratch,
                                                    .threads = a->threads)))
RUN(batch_norm_training,
    hew_batch_norm(&HEW_BATCH_NORM_DESC(BATCH_NORM, .training = true),
                   &HEW_BATCH_NORM_ARGS(.in = a->in->x, .out = a->out, .scratch = a->scratch,
                                        .threads = a->threads)))
RUN(batch_norm_backward,
    hew_batch_norm_backward(&HEW_BATCH_NORM_DESC(BATCH_NORM, .training = true),
                            &HEW_NORM_BACKWARD_ARGS(.in = a->in->x, .d_out = a->in->y,
                                                    .mean = a->in->z, .rstd = a->in->positive,
                                                    .d_in = a->out, .scratch = a->scratch,
                                                    .threads = a->threads)))

#define REDUCE(OP, TYPE, ...)                                                                      \
    hew_reduce(&HEW_REDUCE_DESC(                                                                   \
                   .op = OP, .in = MATRIX(HEW_F32),                                                \
                   .out = HEW_TENSOR(.type = TYPE, .rank = 2, .extent = {__VA_ARGS__})),           \
               a->in->x, a->out, a->threads)
RUN(reduce_rows, REDUCE(HEW_REDUCE_SUM, HEW_F32, ROWS, 1))
RUN(reduce_columns, REDUCE(HEW_REDUCE_L2, HEW_F32, 1, COLUMNS))
RUN(reduce_all, REDUCE(HEW_REDUCE_MAX, HEW_F32, 1, 1))
RUN(reduce_argmax, REDUCE(HEW_REDUCE_ARGMAX, HEW_S64, ROWS, 1))

RUN(topk, hew_topk(&HEW_TOPK_DESC(.axis = 1, .in = MATRIX(HEW_F32),
                                  .values = HEW_TENSOR(.rank = 2, .extent = {ROWS, 8}),
                                  .indices = HEW_TENSOR(.type = HEW_S64, .rank = 2,
                                                        .extent = {ROWS, 8})),
                   a->in->x, a->out, a->out + ROWS * 8, a->scratch, a->threads))
RUN(cumsum, hew_cumsum(&HEW_CUMSUM_DESC(.axis = 1, .in = MATRIX(HEW_F32), .out = MATRIX(HEW_F32)),
                       a->in->x, a->out, a->threads))

/* --------------------------------------------------------------- element by element --------- */

#define OPERAND HEW_OPERAND(.tensor = MATRIX(HEW_F32))

RUN(elementwise, hew_elementwise(&HEW_ELEMENTWISE_DESC(.act.kind = HEW_ACT_TANH, .in = OPERAND,
                                                       .out = OPERAND),
                                 a->in->x, a->out, a->threads))
RUN(elementwise_backward,
    hew_elementwise_backward(&HEW_ELEMENTWISE_BACKWARD_DESC(.act.kind = HEW_ACT_TANH,
                                                            .x = MATRIX(HEW_F32),
                                                            .dy = MATRIX(HEW_F32),
                                                            .dx = MATRIX(HEW_F32)),
                             a->in->x, a->in->y, a->out, a->threads))
RUN(chain, hew_chain(&HEW_CHAIN_DESC(.in = OPERAND, .out = OPERAND, .steps = 2,
                                     .step = {{.kind = HEW_STEP_MUL, .b = OPERAND},
                                              {.kind = HEW_STEP_ADD, .b = OPERAND}}),
                     a->in->x, (const void *const[]){a->in->y, a->in->z}, a->out, a->threads))
RUN(pairwise, hew_pairwise(&HEW_PAIRWISE_DESC(.kind = HEW_STEP_DIV, .a = OPERAND, .b = OPERAND,
                                              .c = OPERAND),
                           a->in->x, a->in->positive, a->out, a->threads))
RUN(select, hew_select(&HEW_SELECT_DESC(.condition = OPERAND, .a = OPERAND, .b = OPERAND,
                                        .out = OPERAND),
                       a->in->x, a->in->y, a->in->z, a->out, a->threads))
RUN(binary, hew_binary(&HEW_BINARY_DESC(.a_type = HEW_U8, .b_type = HEW_U8, .c_type = HEW_U8,
                                        .rows = ROWS, .columns = COLUMNS, .a_scale = 0.5f),
                       a->in->q, a->in->q, a->out, a->threads))

RUN(random_fill, hew_random_fill(&HEW_RANDOM_DESC(.kind = HEW_RANDOM_NORMAL, .seed = 7,
                                                  .n = FLOATS), a->out, a->threads))
RUN(dropout, hew_dropout(&HEW_DROPOUT_DESC(.p = 0.25f, .n = FLOATS), a->in->x, a->out,
                         a->scratch, a->threads))
RUN(dropout_backward, hew_dropout_backward(&HEW_DROPOUT_DESC(.p = 0.25f, .n = FLOATS), a->in->x,
                                           NULL, a->out, a->threads))

#define QUANTIZE                                                                                   \
    &HEW_QUANTIZE_DESC(.type = HEW_S8, .outer = ROWS, .channels = COLUMNS, .scale = a->in->positive)
RUN(quantize, hew_quantize(QUANTIZE, a->in->x, a->out, a->threads))
RUN(dequantize, hew_dequantize(QUANTIZE, a->in->q, a->out, a->threads))
RUN(requantize, hew_requantize(&HEW_REQUANTIZE_DESC(.in_type = HEW_U8, .out_type = HEW_S8,
                                                    .outer = ROWS, .channels = COLUMNS,
                                                    .in_scale = a->in->positive,
                                                    .out_scale = 0.5f),
                               a->in->q, a->out, a->threads))
RUN(quantize_dynamic,
    hew_quantize_dynamic(&HEW_QUANTIZE_DYNAMIC_DESC(.kind = HEW_DYNAMIC_ASYMMETRIC, .rows = ROWS,
                                                    .columns = COLUMNS),
                         a->in->x, a->out, a->out + FLOATS / 2,
                         (int32_t *)a->out + FLOATS / 2 + ROWS, a->threads))

/* ------------------------------------------------------------------------ movement ---------- */

RUN(reorder, hew_reorder(&HEW_REORDER_DESC(.from = HEW_CHANNELS_FIRST, .to = HEW_CHANNELS_LAST,
                                           .batch = BATCH, .pixels = PIXELS, .channels = CHANNELS),
                         a->in->x, a->out, a->threads))
RUN(copy_transposed,
    hew_copy(&HEW_COPY_DESC(.in = HEW_TENSOR(.rank = 2, .extent = {ROWS, COLUMNS},
                                             .stride = {1, ROWS}),
                            .out = MATRIX(HEW_F32)), a->in->x, a->out, a->threads))
RUN(copy_converted, hew_copy(&HEW_COPY_DESC(.in = MATRIX(HEW_F32), .out = MATRIX(HEW_BF16)),
                             a->in->x, a->out, a->threads))
RUN(concat, hew_concat(&HEW_CONCAT_DESC(.axis = 1, .count = 2, .out = MATRIX(HEW_F32),
                                        .in = (const hew_tensor[]){HALF(HEW_F32), HALF(HEW_F32)}),
                       (const void *const[]){a->in->x, a->in->y}, a->out, a->threads))
RUN(split, hew_split(&HEW_SPLIT_DESC(.axis = 1, .count = 2, .in = MATRIX(HEW_F32),
                                     .out = (const hew_tensor[]){HALF(HEW_F32), HALF(HEW_F32)}),
                     a->in->x, (void *const[]){a->out, a->out + FLOATS / 2}, a->threads))
RUN(slice, hew_slice(&HEW_SLICE_DESC(.in = MATRIX(HEW_F32), .out = HALF(HEW_F32), .step = {1, 2}),
                     a->in->x, a->out, a->threads))
RUN(pad, hew_pad(&HEW_PAD_DESC(.mode = HEW_PAD_REFLECT, .in = HALF(HEW_F32),
                               .out = MATRIX(HEW_F32), .lo = {0, 100}), a->in->x, a->out,
                 a->threads))
RUN(shuffle, hew_shuffle(&HEW_SHUFFLE_DESC(.in = IMAGES, .out = IMAGES, .axis = 3, .groups = 4),
                         a->in->x, a->out, a->threads))
#define DEEP &HEW_DEPTH_TO_SPACE_DESC(                                                             \
        .block = 2, .in = IMAGES,                                                                  \
        .out = HEW_TENSOR(.rank = 4, .extent = {BATCH, 2 * SIDE, 2 * SIDE, CHANNELS / 4}))
RUN(depth_to_space, hew_depth_to_space(DEEP, a->in->x, a->out, a->threads))
RUN(gather, hew_gather(&HEW_GATHER_DESC(.in = MATRIX(HEW_F32), .out = MATRIX(HEW_F32),
                                        .index = HEW_TENSOR(.type = HEW_S32, .rank = 1,
                                                            .extent = {ROWS})),
                       a->in->x, a->in->index, a->out, a->threads))
RUN(scatter, hew_scatter(&HEW_SCATTER_DESC(.in = MATRIX(HEW_F32), .out = MATRIX(HEW_F32),
                                           .index = HEW_TENSOR(.type = HEW_S32, .rank = 1,
                                                               .extent = {ROWS})),
                         a->in->x, a->in->index, a->out, a->threads))

#define PLAIN(name)          {#name, name, NULL, NULL}
#define MADE(kind, name)     {#name, name, name##_up, kind##_down}

const every_op every_ops[] = {
    MADE(gemm, gemm_plain), MADE(gemm, gemm_packed), MADE(gemm, gemm_batch),
    MADE(gemm, gemm_vector), MADE(gemm, gemm_column), MADE(gemm, gemm_u8s8), MADE(gemm, gemm_bf16),
    MADE(gemm, gemm_weight_only), MADE(gemm, gemm_dynamic), MADE(gemm, gemm_fpmath),
    MADE(conv, conv), MADE(conv, conv_first), MADE(conv, conv_groups), MADE(conv, conv_depthwise),
    MADE(conv, conv_u8s8), MADE(conv, conv_depthwise_u8s8), MADE(conv, conv_bf16),
    PLAIN(pooling_max), PLAIN(pooling_average), PLAIN(pooling_lp), PLAIN(pooling_u8),
    PLAIN(pooling_global), PLAIN(pooling_indices), PLAIN(pooling_flat),
    PLAIN(pooling_max_backward), PLAIN(pooling_average_backward),
    PLAIN(pooling_lp_backward),
    MADE(resample, resample_nearest), MADE(resample, resample_linear),
    MADE(resample, resample_backward), PLAIN(lrn), PLAIN(lrn_backward),
    PLAIN(softmax), PLAIN(softmax_inner), PLAIN(softmax_masked), PLAIN(softmax_backward),
    PLAIN(layer_norm), PLAIN(layer_norm_backward), PLAIN(group_norm), PLAIN(group_norm_backward),
    PLAIN(batch_norm), PLAIN(batch_norm_training), PLAIN(batch_norm_backward),
    PLAIN(reduce_rows), PLAIN(reduce_columns), PLAIN(reduce_all), PLAIN(reduce_argmax),
    PLAIN(topk), PLAIN(cumsum), PLAIN(elementwise), PLAIN(elementwise_backward), PLAIN(chain),
    PLAIN(pairwise), PLAIN(select), PLAIN(binary), PLAIN(random_fill), PLAIN(dropout),
    PLAIN(dropout_backward), PLAIN(quantize), PLAIN(dequantize), PLAIN(requantize),
    PLAIN(quantize_dynamic), PLAIN(reorder), PLAIN(copy_transposed), PLAIN(copy_converted),
    PLAIN(concat), PLAIN(split), PLAIN(slice), PLAIN(pad), PLAIN(shuffle), PLAIN(depth_to_space),
    PLAIN(gather), PLAIN(scatter),
};
const size_t every_op_count = sizeof every_ops / sizeof every_ops[0];
