/*
 * dwconv_u8s8 - depthwise convolution of bytes, any taps: see hew_dwconv_u8s8_block.
 *
 * The sums of PIXELS pixels side by side are in registers while the words of their taps are made,
 * word after word; they share the loads of weights.
 *
 * What is rare goes through sums in memory: zero points of weights, which take sums of the inputs
 * beside those of products, and multipliers, which spread an input's bytes.
 *
 * The including file has dwconv_bytes.h included first and defines PIXELS.
 */

/* Where a register's bytes come from where each input channel has several output channels. */
typedef struct spread {
    _Alignas(BYTES) uint8_t index[BYTES]; /* inside its quarter of 16 */
    size_t from[BYTES / 16], count[BYTES / 16]; /* input channels of a quarter */
} spread;

static __attribute__((noinline)) void find_spread(const hew_dwconv_u8s8_block *b, spread *s)
{
    for (size_t i = 0; i < BYTES / 16; i++) {
        const size_t begin = b->channel + 16 * i, end = b->channel + hew_min(b->n, 16 * (i + 1));
        s->from[i] = begin / b->multiplier;
        s->count[i] = begin < end ? (end - 1) / b->multiplier + 1 - s->from[i] : 0;
        for (size_t j = 0; j < 16; j++)
            s->index[16 * i + j] = (uint8_t)((begin + j) / b->multiplier - s->from[i]);
    }
}

/* What a loop is made for; literals after inlining. */
typedef struct flat {
    bool full, tame, spread;
    bool zero;   /* weights have zero points */
    bool inputs; /* not products but the taps' inputs are summed up */
} flat;

/* One slot of one pixel. */
HEW_INLINE vb load_slot(const hew_dwconv_u8s8_block *b, const quarters *k, const flat f,
                        const spread *s, const uint8_t *in)
{
    if (f.spread)
        return vb_spread(in, s->from, s->count, s->index);
    return load_pixel(k, f.full, in + b->channel);
}

/* `pixels` pixels whose first has its first tap at `in`, to out: tame bytes, or sums. */
HEW_INLINE void flat_pixels(const hew_dwconv_u8s8_block *b, const quarters *k, const flat f,
                            const spread *s, const uint8_t *in, const ptrdiff_t *offset,
                            const int pixels, char *out, size_t out_step)
{
    const char *w = b->w;
    vi sum[PIXELS][4];
    HEW_UNROLL for (int p = 0; p < pixels; p++)
        HEW_UNROLL for (int j = 0; j < 4; j++)
            sum[p][j] = f.inputs ? vi_zero() : k->start[j];
    for (size_t word = 0; word < b->words; word++, offset += DEPTH, w += 4 * sizeof(vb))
        HEW_UNROLL for (int p = 0; p < pixels; p++) {
            vb x[DEPTH];
            HEW_UNROLL for (int i = 0; i < DEPTH; i++)
                x[i] = load_slot(b, k, f, s, in + (size_t)p * b->in_step + offset[i]);
            HEW_FORGET(k); /* else flip is kept from word to word, and spills */
            if (k->in_signed)
                HEW_UNROLL for (int i = 0; i < DEPTH; i++)
                    x[i] = vb_xor(x[i], k->flip);
            HEW_UNROLL for (int half = 0; half < 2; half++) {
                vb words[2];
                interleave(x, half, words);
                HEW_UNROLL for (int i = 0; i < 2; i++) {
                    const int j = 2 * half + i;
                    sum[p][j] = dot(sum[p][j], words[i],
                                    f.inputs ? (vb)vi_set((int32_t)b->is_tap[word])
                                             : vb_load(w + j * (int)sizeof(vb)));
                }
            }
        }
    HEW_UNROLL for (int p = 0; p < pixels; p++)
        leave(k, f.full, f.tame, sum[p], out + (size_t)p * out_step);
}

HEW_INLINE void flat_run(const hew_dwconv_u8s8_block *b, const quarters *k, const flat f,
                         const spread *s, const hew_dwconv_u8s8_run *run, char *out,
                         size_t out_step)
{
    const int together = f.spread ? 1 : PIXELS;
    const uint8_t *in = run->in;
    size_t left = run->pixels;
    for (; left >= (size_t)together; left -= (size_t)together) {
        flat_pixels(b, k, f, s, in, run->offset, together, out, out_step);
        in += (size_t)together * b->in_step;
        out += (size_t)together * out_step;
    }
    for (; together > 1 && left > 0; left--, in += b->in_step, out += out_step)
        flat_pixels(b, k, f, s, in, run->offset, 1, out, out_step);
}

/* sums of products less b_zero * (sums of inputs - k * a_zero), of a run. */
static __attribute__((noinline)) void subtract_zero(const hew_dwconv_u8s8_block *b, size_t pixels,
                                                    char *sums, const char *inputs)
{
    const uint32_t a_zero = (uint32_t)(b->quant->a_zero + (b->in_signed ? 128 : 0));
    const vi all = vi_set((int32_t)((uint32_t)b->quant->k * a_zero));
    for (size_t j = 0; j < b->n; j += LANES) {
        const vi zero = vi_load_masked(vf_first((int)(b->n - j)), b->quant->b_zero + j);
        for (size_t i = 0; i < pixels; i++) {
            const size_t at = (i * BYTES + j) * sizeof(int32_t);
            const vi less = vi_mul(zero, vi_sub(vi_load(inputs + at), all));
            vi_store(sums + at, vi_sub(vi_load(sums + at), less));
        }
    }
}

HEW_INLINE void flat_runs(const hew_dwconv_u8s8_block *b, const quarters *k, const flat f)
{
    enum { STEP = BYTES * sizeof(int32_t) };
    spread own, *s = &own;
    _Alignas(64) char buffer[f.tame ? 1 : HEW_DWCONV_PIXELS * STEP], *sums = buffer;
    _Alignas(64) char other[f.zero ? HEW_DWCONV_PIXELS * STEP : 1], *inputs = other;
    HEW_HIDE(s); /* or these look like spills to make check-spills */
    HEW_HIDE(sums);
    HEW_HIDE(inputs);
    if (f.spread)
        find_spread(b, s);
    for (size_t i = 0; i < b->n_runs; i++) {
        const hew_dwconv_u8s8_run *run = b->runs + i;
        if (f.tame) {
            flat_run(b, k, f, s, run, (char *)b->out + run->pixel * b->out_step, b->out_step);
            continue;
        }
        flat_run(b, k, f, s, run, sums, STEP);
        if (f.zero) {
            flat_run(b, k, (flat){.spread = f.spread, .inputs = true}, s, run, inputs, STEP);
            subtract_zero(b, run->pixels, sums, inputs);
        }
        store_run(b, run, (const int32_t *)sums);
    }
}

#define FLAT_RUNS(name, ...)                                                                       \
    static __attribute__((noinline)) void name(const hew_dwconv_u8s8_block *b, const quarters *k)  \
    {                                                                                              \
        flat_runs(b, k, (flat){__VA_ARGS__});                                                      \
    }
FLAT_RUNS(flat_some_sums, .full = false)
FLAT_RUNS(flat_some_tame, .tame = true)
FLAT_RUNS(flat_full_sums, .full = true)
FLAT_RUNS(flat_full_tame, .full = true, .tame = true)
FLAT_RUNS(flat_zero, .zero = true)
FLAT_RUNS(flat_spread, .spread = true)
FLAT_RUNS(flat_spread_zero, .spread = true, .zero = true)

HEW_INLINE void dwconv_flat(const hew_dwconv_u8s8_block *b)
{
    static runs_fn *const fn[2][2] = {{flat_some_sums, flat_some_tame},
                                      {flat_full_sums, flat_full_tame}};
    quarters k;
    prepare(b, &k);
    if (b->multiplier > 1)
        (b->quant->b_zero ? flat_spread_zero : flat_spread)(b, &k);
    else if (b->quant->b_zero)
        flat_zero(b, &k);
    else
        fn[b->n == BYTES][k.tame](b, &k);
}
