/*
 * gconv_f32 - convolution in small groups of a run of output pixels: see gconv_f32_fn.
 *
 * As in dwconv_f32.h, which is included before, lanes are channels and a few pixels go together.  A
 * register holds whole groups, in and out; each product needs one channel of every group in all of
 * the group's lanes:
 *
 *     x       a0 a1 a2 a3 | b0 b1 b2 b3 | ...        group = 4
 *     i = 1   a1 a1 a1 a1 | b1 b1 b1 b1 | ...        times w[t][1], lane by lane
 *
 * so an element's sum takes its taps, and in a tap its channels, in rising order.
 * Bound: a permute for each multiply, which go to different pipes but for one on Ice Lake.
 */
enum { GROUP_G = LANES == 16 ? 6 : 3, MAX_GROUP = 8 };

/* g pixels, one register of channels; g and group are literals. */
HEW_INLINE void group_channels(const hew_dwconv_f32_run *r, size_t pixel, size_t c, const int g,
                               const int group)
{
    const vf_mask mask = vf_first((int)hew_min(r->channels - c, LANES));
    vf_index lanes[MAX_GROUP];
    HEW_UNROLL for (int i = 0; i < group; i++)
        lanes[i] = vf_index_group(group, i);
    vf acc[MAX_G];
    HEW_UNROLL for (int i = 0; i < g; i++)
        acc[i] = vf_zero();
    for (size_t row = 0; row < r->n_rows; row++) {
        const char *in = (const char *)((const float *)r->rows[row].in + c) + pixel * r->in_step;
        const char *w = (const char *)(r->rows[row].w + c);
        for (size_t t = 0; t < r->taps; t++, in += r->tap_step) {
            vf x[GROUP_G];
            HEW_UNROLL for (int p = 0; p < g; p++)
                x[p] = vf_load_masked(mask, in + (size_t)p * r->in_step);
            HEW_UNROLL for (int i = 0; i < group; i++, w += r->w_step / (size_t)group) {
                const vf wv = vf_load(w); /* padded */
                HEW_UNROLL for (int p = 0; p < g; p++)
                    acc[p] = vf_fma(vf_permute(x[p], lanes[i]), wv, acc[p]);
            }
        }
    }
    store_pixels(r, pixel, c, g, false, mask, acc);
}

HEW_INLINE void group_pixels(const hew_dwconv_f32_run *r, size_t pixel, const int g,
                             const int group)
{
    for (size_t c = 0; c < r->channels; c += LANES)
        group_channels(r, pixel, c, g, group);
}

#define GCONV_GROUP(group)                                                                         \
    static __attribute__((noinline)) void gconv_##group(const hew_dwconv_f32_run *r)               \
    {                                                                                              \
        size_t pixel = 0;                                                                          \
        for (; pixel + GROUP_G <= r->pixels; pixel += GROUP_G)                                     \
            group_pixels(r, pixel, GROUP_G, group);                                                \
        for (; pixel < r->pixels; pixel++)                                                         \
            group_pixels(r, pixel, 1, group);                                                      \
    }
