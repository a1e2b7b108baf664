/*
 * dwconv_slide_u8s8 - depthwise convolution of bytes, three rows of three taps or five of five: see
 * hew_dwconv_u8s8_block.
 *
 * A run is walked from left to right.  A column of the input becomes words once, for all output
 * pixels that it lies under, whose sums are in registers.  Three taps, stride 1, column j:
 *
 *     sum[0], pixel j - 2    += column * weights of tap 2    complete: leaves the registers
 *     sum[1], pixel j - 1    += column * weights of tap 1    sum[0] of the next column
 *     sum[2], pixel j         = column * weights of tap 0    sum[1] of the next column
 *
 * With stride 2, every other column begins and completes a pixel: its taps are 2 and 0, those of
 * the columns between 1.
 *
 * With DEPTH 4 a column of three is one word, whose last byte has a weight of zero, and one of five
 * is two, of four and of one.  Registers: 12 of weights and 12 of sums, or up to 20 of sums and
 * weights from memory.  So this is for ISAs with 32 of them.
 *
 * The including file has dwconv_bytes.h included first.
 */
enum { MAX_TAPS = HEW_DWCONV_ROWS };

/* What a kernel is made for: literals after inlining. */
typedef struct slide {
    int taps, stride; /* as many rows as taps */
    bool full, tame;
} slide;

/* Where in its run a column is: padding, input, padding again. */
typedef struct cursor {
    const uint8_t *in[MAX_TAPS];
    size_t step[MAX_TAPS], columns; /* of this piece, those that are left */
    int piece;
} cursor;

HEW_INLINE void begin_piece(cursor *c, const slide s, const hew_dwconv_u8s8_block *b,
                            const hew_dwconv_u8s8_run *run)
{
    if (c->piece == 0 && run->left == 0)
        c->piece = 1;
    if (c->piece == 1 && run->inside == 0)
        c->piece = 2;
    if (c->piece == 1) { /* not one loop with choices, which clang 14 splits before it unrolls */
        HEW_UNROLL for (int r = 0; r < s.taps; r++) {
            c->in[r] = run->rows[r] + b->channel;
            c->step[r] = run->steps[r];
        }
        c->columns = run->inside;
        return;
    }
    HEW_UNROLL for (int r = 0; r < s.taps; r++) {
        c->in[r] = b->pad + b->channel;
        c->step[r] = 0;
    }
    c->columns = c->piece == 0 ? run->left : SIZE_MAX;
}

HEW_INLINE void next_column(cursor *c, const slide s, const hew_dwconv_u8s8_block *b,
                            const hew_dwconv_u8s8_run *run)
{
    if (HEW_UNLIKELY(--c->columns == 0)) {
        c->piece++;
        begin_piece(c, s, b, run);
        return;
    }
    HEW_UNROLL for (int r = 0; r < s.taps; r++)
        c->in[r] += c->step[r];
}

/* Of a column. */
HEW_INLINE int words_of(const slide s) { return (s.taps + DEPTH - 1) / DEPTH; }

/* Of three taps and words: a tap's quarters. */
typedef vb weights[3][4];
HEW_INLINE bool are_held(const slide s) { return s.taps * words_of(s) == 3; }

/* The column under the cursor, which is tap `tap` of the first pixel underway. */
HEW_INLINE void add_column(const hew_dwconv_u8s8_block *b, const quarters *k, const slide s,
                           weights held, const cursor *c, const int tap, vi sum[MAX_TAPS][4])
{
    const char *w = b->w;
    HEW_FORGET(w); /* else weights are kept from one column to the next, and spill */
    HEW_FORGET(k);
    vb x[MAX_TAPS + DEPTH];
    HEW_UNROLL for (int r = 0; r < s.taps; r++)
        x[r] = load_pixel(k, s.full, c->in[r]);
    if (k->in_signed)
        HEW_UNROLL for (int r = 0; r < s.taps; r++)
            x[r] = vb_xor(x[r], k->flip);
    HEW_UNROLL for (int r = s.taps; r < words_of(s) * DEPTH; r++)
        x[r] = x[s.taps - 1];
    HEW_UNROLL for (int word = 0; word < words_of(s); word++)
        HEW_UNROLL for (int half = 0; half < 2; half++) {
            vb words[2];
            interleave(x + word * DEPTH, half, words);
            HEW_UNROLL for (int i = 0; i < 2; i++) {
                const int j = 2 * half + i;
                HEW_UNROLL for (int p = 0; tap - p * s.stride >= 0; p++) {
                    const int t = tap - p * s.stride;
                    const int row = t * words_of(s) + word;
                    sum[p][j] = dot(t == 0 && word == 0 ? k->start[j] : sum[p][j], words[i],
                                    are_held(s) ? held[t][j]
                                                : vb_load(w + (row * 4 + j) * (int)sizeof(vb)));
                }
            }
        }
}

/* A run, to out: tame bytes, or sums. */
HEW_INLINE void slide_run(const hew_dwconv_u8s8_block *b, const quarters *k, const slide s,
                          const hew_dwconv_u8s8_run *run, char *out, size_t out_step)
{
    weights held;
    if (are_held(s))
        HEW_UNROLL for (int i = 0; i < 12; i++)
            held[i / 4][i % 4] = vb_load((const char *)b->w + i * (int)sizeof(vb));
    cursor c = {.piece = 0};
    begin_piece(&c, s, b, run);
    vi sum[MAX_TAPS][4];
    HEW_UNROLL for (int tap = 0; tap < s.taps - 1; tap++) {
        add_column(b, k, s, held, &c, tap, sum);
        next_column(&c, s, b, run);
    }
    for (size_t left = run->pixels;; out += out_step) {
        add_column(b, k, s, held, &c, s.taps - 1, sum);
        leave(k, s.full, s.tame, sum[0], out);
        if (--left == 0)
            break;
        HEW_UNROLL for (int p = 0; p < (s.taps - 1) / s.stride; p++)
            HEW_UNROLL for (int j = 0; j < 4; j++)
                sum[p][j] = sum[p + 1][j];
        next_column(&c, s, b, run);
        if (s.stride == 1)
            continue;
        add_column(b, k, s, held, &c, s.taps - 2, sum);
        next_column(&c, s, b, run);
    }
}

HEW_INLINE void slide_runs(const hew_dwconv_u8s8_block *b, const quarters *k, const slide s)
{
    _Alignas(64) int32_t buffer[s.tame ? 1 : HEW_DWCONV_PIXELS * BYTES], *sums = buffer;
    HEW_HIDE(sums); /* or it looks like a spill to make check-spills */
    for (size_t i = 0; i < b->n_runs; i++) {
        const hew_dwconv_u8s8_run *run = b->runs + i;
        if (s.tame) {
            slide_run(b, k, s, run, (char *)b->out + run->pixel * b->out_step, b->out_step);
            continue;
        }
        slide_run(b, k, s, run, (char *)sums, sizeof(int32_t) * BYTES);
        store_run(b, run, sums);
    }
}

#define SLIDE_RUNS(name, taps, stride, full, tame)                                                 \
    static __attribute__((noinline)) void name(const hew_dwconv_u8s8_block *b, const quarters *k)  \
    {                                                                                              \
        slide_runs(b, k, (slide){taps, stride, full, tame});                                       \
    }
/* A kernel: runs of all of a register's channels or of some, as bytes or as sums. */
#define SLIDE(name, taps, stride)                                                                  \
    SLIDE_RUNS(name##_some_sums, taps, stride, false, false)                                       \
    SLIDE_RUNS(name##_some_tame, taps, stride, false, true)                                        \
    SLIDE_RUNS(name##_full_sums, taps, stride, true, false)                                        \
    SLIDE_RUNS(name##_full_tame, taps, stride, true, true)                                         \
    void name(const hew_dwconv_u8s8_block *b)                                                      \
    {                                                                                              \
        static runs_fn *const fn[2][2] = {{name##_some_sums, name##_some_tame},                    \
                                          {name##_full_sums, name##_full_tame}};                   \
        quarters k;                                                                                \
        prepare(b, &k);                                                                            \
        fn[b->n == BYTES][k.tame](b, &k);                                                          \
    }
