#include "channel_case.h"

channel_case channel_random(rng *r, int i, int64_t images, int64_t pixels, int64_t channels)
{
    channel_case s = {.batch = rng_chance(r, 2), .residual = rng_chance(r, 2),
                      .gamma = !rng_chance(r, 3), .beta = !rng_chance(r, 3),
                      .statistics = !rng_chance(r, 3)};
    int64_t groups = rng_chance(r, 3) ? channels : rng_between(r, 1, 4);
    groups = groups == 0 || channels % groups != 0 ? 1 : groups;
    s.g = HEW_GROUP_NORM_DESC(.type = norm_types[i % 3], .batch = images == 0 ? -1 : images,
                              .pixels = pixels, .channels = channels,
                              .groups = groups == 1 && rng_chance(r, 2) ? 0 : groups,
                              .in_stride = norm_stride(r, channels),
                              .out_stride = norm_stride(r, channels),
                              .residual_stride = norm_stride(r, channels),
                              .epsilon = rng_chance(r, 2) ? 0.0f : 1e-3f,
                              .relu = rng_chance(r, 2));
    s.alias = (channel_alias)(rng_chance(r, 2) ? rng_between(r, 0, CHANNEL_ALIASES - 1) : 0);
    if (s.alias == ALIAS_RESIDUAL && !s.residual)
        s.alias = APART;
    if (s.alias != APART)
        s.g.in_stride = s.g.residual_stride = s.g.out_stride;
    s.b = HEW_BATCH_NORM_DESC(.type = s.g.type, .training = !rng_chance(r, 3),
                              .pixels = images * pixels, .channels = channels,
                              .in_stride = s.g.in_stride, .out_stride = s.g.out_stride,
                              .residual_stride = s.g.residual_stride, .epsilon = s.g.epsilon,
                              .momentum = rng_chance(r, 2) ? 0.0f : 0.25f,
                              .unbiased = rng_chance(r, 2), .relu = s.g.relu);
    return s;
}

/* Everything that a run has. */
enum {
    IN, RESIDUAL, OUT, D_OUT, D_IN, D_RESIDUAL, TENSORS,
    GAMMA = TENSORS, BETA, RUNNING_MEAN, RUNNING_VARIANCE, D_GAMMA, D_BETA, MEAN, RSTD, BUFFERS
};
static const char *const names[] = {"in", "residual", "out", "d_out", "d_in", "d_residual", "gamma",
                                    "beta", "running_mean", "running_variance", "d_gamma",
                                    "d_beta", "mean", "rstd"};

typedef struct run {
    buffer b[BUFFERS];
    layout l[BUFFERS];
    hew_type type[BUFFERS];
} run;

static run new_run(const channel_case *s, rng *r, fill kind, placement where)
{
    const int64_t images = s->g.batch == -1 ? 0 : s->g.batch, c = s->g.channels;
    const int64_t pixels = images * s->g.pixels, groups = s->g.groups ? s->g.groups : 1;
    const int64_t in = s->g.in_stride ? s->g.in_stride : c;
    const int64_t out = s->g.out_stride ? s->g.out_stride : c;
    const int64_t residual = s->g.residual_stride ? s->g.residual_stride : c;
    const int64_t strides[TENSORS] = {in, residual, out, out, in, residual};
    run b;
    for (int i = 0; i < BUFFERS; i++) {
        const int64_t n = i < MEAN || s->batch ? c : images * groups;
        b.type[i] = i < TENSORS ? s->g.type : HEW_F32;
        b.l[i] = i < TENSORS ? layout_of(pixels, strides[i], c) : layout_of(1, n, n);
        b.b[i] = norm_tensor(r, b.type[i], b.l[i], i < TENSORS ? kind : FILL_MIXED, where);
    }
    float *const variance = b.b[RUNNING_VARIANCE].data;
    for (int64_t i = 0; i < c; i++)
        variance[i] *= variance[i];
    return b;
}

static run again(const run *b, placement where)
{
    run copy = *b;
    for (int i = 0; i < BUFFERS; i++)
        copy.b[i] = norm_again(&b->b[i], where);
    return copy;
}

static hew_status forward(const channel_case *s, const run *b, void *scratch,
                          const hew_threads *threads)
{
    const int out = s->alias == ALIAS_IN ? IN : s->alias == ALIAS_RESIDUAL ? RESIDUAL : OUT;
    const bool running = !s->b.training || s->statistics;
    const hew_group_norm_args g = HEW_GROUP_NORM_ARGS(
            .in = b->b[IN].data, .residual = s->residual ? b->b[RESIDUAL].data : NULL,
            .gamma = s->gamma ? b->b[GAMMA].data : NULL, .beta = s->beta ? b->b[BETA].data : NULL,
            .out = b->b[out].data, .mean = s->statistics ? b->b[MEAN].data : NULL,
            .rstd = s->statistics ? b->b[RSTD].data : NULL, .scratch = scratch,
            .threads = threads);
    if (!s->batch)
        return hew_group_norm(&s->g, &g);
    return hew_batch_norm(
        &s->b, &HEW_BATCH_NORM_ARGS(
                   .in = g.in, .residual = g.residual, .gamma = g.gamma, .beta = g.beta,
                   .out = g.out, .mean = g.mean, .rstd = g.rstd, .scratch = scratch,
                   .threads = threads,
                   .running_mean = running ? b->b[RUNNING_MEAN].data : NULL,
                   .running_variance = running ? b->b[RUNNING_VARIANCE].data : NULL));
}

static hew_status backward(const channel_case *s, const run *b, void *scratch,
                           const hew_threads *threads)
{
    hew_norm_backward_args a = HEW_NORM_BACKWARD_ARGS(
            .in = b->b[IN].data, .out = s->g.relu ? b->b[OUT].data : NULL,
            .d_out = b->b[D_OUT].data, .gamma = s->gamma ? b->b[GAMMA].data : NULL,
            .mean = b->b[MEAN].data, .rstd = b->b[RSTD].data,
            .d_in = b->b[s->alias == ALIAS_IN ? D_OUT : D_IN].data,
            .d_residual = s->residual ? b->b[s->alias == ALIAS_RESIDUAL ? D_OUT : D_RESIDUAL].data
                                      : NULL,
            .d_gamma = s->statistics ? b->b[D_GAMMA].data : NULL,
            .d_beta = s->beta ? b->b[D_BETA].data : NULL, .scratch = scratch, .threads = threads);
    if (s->batch && !s->b.training && !a.d_gamma && !a.d_beta)
        a.in = NULL, a.mean = NULL;
    return s->batch ? hew_batch_norm_backward(&s->b, &a) : hew_group_norm_backward(&s->g, &a);
}

typedef hew_status direction(const channel_case *s, const run *b, void *scratch,
                             const hew_threads *threads);

static void check(direction *go, const channel_case *s, rng *r, fill kind,
                  const hew_threads *threads)
{
    const placement where = (placement)rng_chance(r, 2);
    const size_t count = threads ? threads->count : 0;
    run got = new_run(s, r, kind, where), want = again(&got, where);
    size_t bytes;
    check_status(s->batch ? hew_batch_norm_scratch(&s->b, count, &bytes)
                          : hew_group_norm_scratch(&s->g, count, &bytes), HEW_OK);
    buffer scratch = buffer_new(bytes, HEW_ALIGNMENT, where);
    use_ref();
    check_status(go(s, &want, scratch.data, NULL), HEW_OK);
    use_test_rung();
    poison_f32(scratch.data, bytes / sizeof(float));
    state_save();
    const hew_status status = go(s, &got, scratch.data, threads);
    state_check();
    check_status(status, HEW_OK);
    for (int i = 0; i < BUFFERS; i++) {
        check_elements(names[i], want.type[i], want.b[i].data, got.b[i].data, want.l[i]);
        buffer_free(&want.b[i]);
        buffer_free(&got.b[i]);
    }
    buffer_free(&scratch);
}

void channel_check(const channel_case *s, rng *r, fill kind, const hew_threads *threads)
{
    check(forward, s, r, kind, threads);
}

void channel_check_backward(const channel_case *s, rng *r, fill kind, const hew_threads *threads)
{
    check(backward, s, r, kind, threads);
}
