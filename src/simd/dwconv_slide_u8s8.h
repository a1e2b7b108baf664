/*
 * dwconv_slide_u8s8 - depthwise convolution of bytes, three rows of three taps: see
 * hew_dwconv_u8s8_block.
 *
 * A run is walked from left to right.  A column of the input becomes words once, for all output
 * pixels that it lies under, whose sums are in registers.  Stride 1, column j:
 *
 *     last      pixel j - 2    += column * weights of tap 2    complete: leaves the registers
 *     middle    pixel j - 1    += column * weights of tap 1    the last of the next column
 *     first     pixel j         = column * weights of tap 0    the middle of the next column
 *
 * Stride 2: even columns are last and first, odd columns middle.
 *
 * Registers: 12 of weights, 12 of sums, three pixels and what they are interleaved to.  So this is
 * for ISAs with 32 of them, and DEPTH 4; the including file has dwconv_bytes.h included first.
 */
/* Where in its run a column is. */
typedef struct cursor {
    const uint8_t *in[3];
    size_t step[3], columns; /* of this piece, those that are left */
    const hew_dwconv_piece *piece;
} cursor;

HEW_INLINE void begin_piece(cursor *c, size_t channel)
{
    HEW_UNROLL for (int r = 0; r < 3; r++) {
        c->in[r] = c->piece->in[r] + channel;
        c->step[r] = c->piece->step[r];
    }
    c->columns = c->piece->columns;
}

HEW_INLINE void next_column(cursor *c, size_t channel)
{
    if (HEW_UNLIKELY(--c->columns == 0)) {
        c->piece++;
        begin_piece(c, channel);
        return;
    }
    HEW_UNROLL for (int r = 0; r < 3; r++)
        c->in[r] += c->step[r];
}

/* What a loop is made for; full and tame are literals after inlining. */
typedef struct slide {
    const hew_dwconv_u8s8_block *b;
    const quarters *k;
    bool full, tame;
} slide;
typedef vb weights[3][4]; /* of a tap, a quarter */

/* The column under the cursor, for those of three pixels that are not null. */
HEW_INLINE void add_column(const slide *s, weights w, const cursor *c, vi last[4],
                           vi middle[4], vi first[4])
{
    vb x[3];
    HEW_UNROLL for (int r = 0; r < 3; r++)
        x[r] = load_pixel(s->k, s->full, c->in[r]);
    HEW_UNROLL for (int half = 0; half < 2; half++) {
        vb words[2];
        interleave((const vb[DEPTH]){x[0], x[1], x[2], x[2]}, half, words);
        HEW_UNROLL for (int i = 0; i < 2; i++) {
            const int j = 2 * half + i;
            if (last)
                last[j] = dot(last[j], words[i], w[2][j]);
            if (middle)
                middle[j] = dot(middle[j], words[i], w[1][j]);
            if (first)
                first[j] = dot(s->k->start[j], words[i], w[0][j]);
        }
    }
}

/* A run, to out: tame bytes, or sums. */
HEW_INLINE void slide_run(const slide *s, const hew_dwconv_u8s8_run *run, const int stride,
                          char *out, size_t out_step)
{
    const size_t channel = s->b->channel;
    weights w;
    HEW_UNROLL for (int i = 0; i < 12; i++)
        w[i / 4][i % 4] = vb_load((const char *)s->b->w + i * (int)sizeof(vb));
    cursor c = {.piece = run->pieces};
    begin_piece(&c, channel);
    vi last[4], middle[4], first[4];
    add_column(s, w, &c, NULL, NULL, last);
    if (stride == 1) {
        next_column(&c, channel);
        add_column(s, w, &c, NULL, last, middle);
    }
    for (size_t i = 0; i < run->pixels; i++, out += out_step) {
        if (stride == 2) {
            next_column(&c, channel);
            add_column(s, w, &c, NULL, last, NULL);
        }
        next_column(&c, channel);
        add_column(s, w, &c, last, stride == 1 ? middle : NULL, first);
        leave(s->k, s->full, s->tame, last, out);
        HEW_UNROLL for (int j = 0; j < 4; j++) {
            last[j] = stride == 1 ? middle[j] : first[j];
            middle[j] = first[j];
        }
    }
}

HEW_INLINE void slide_runs(const hew_dwconv_u8s8_block *b, const quarters *k, const int stride,
                           const bool full, const bool tame)
{
    const slide s = {b, k, full, tame};
    _Alignas(64) int32_t buffer[tame ? 1 : HEW_DWCONV_PIXELS * BYTES], *sums = buffer;
    HEW_HIDE(sums); /* or it looks like a spill to make check-spills */
    for (size_t i = 0; i < b->n_runs; i++) {
        const hew_dwconv_u8s8_run *run = b->runs + i;
        if (tame) {
            slide_run(&s, run, stride, (char *)b->out + run->pixel * b->out_step, b->out_step);
            continue;
        }
        slide_run(&s, run, stride, (char *)sums, sizeof(int32_t) * BYTES);
        store_run(b, run, sums);
    }
}

#define SLIDE_RUNS(name, stride, full, tame)                                                       \
    static __attribute__((noinline)) void name(const hew_dwconv_u8s8_block *b, const quarters *k)  \
    {                                                                                              \
        slide_runs(b, k, stride, full, tame);                                                      \
    }
SLIDE_RUNS(slide_1_some_sums, 1, false, false)
SLIDE_RUNS(slide_1_some_tame, 1, false, true)
SLIDE_RUNS(slide_1_full_sums, 1, true, false)
SLIDE_RUNS(slide_1_full_tame, 1, true, true)
SLIDE_RUNS(slide_2_some_sums, 2, false, false)
SLIDE_RUNS(slide_2_some_tame, 2, false, true)
SLIDE_RUNS(slide_2_full_sums, 2, true, false)
SLIDE_RUNS(slide_2_full_tame, 2, true, true)

HEW_INLINE void dwconv_slide(const hew_dwconv_u8s8_block *b, const int stride)
{
    static runs_fn *const fn[2][2][2] = {
        {{slide_1_some_sums, slide_1_some_tame}, {slide_1_full_sums, slide_1_full_tame}},
        {{slide_2_some_sums, slide_2_some_tame}, {slide_2_full_sums, slide_2_full_tame}},
    };
    quarters k;
    prepare(b, &k);
    fn[stride - 1][b->n == BYTES][k.tame](b, &k);
}
