/* pooling: bit for bit against its definition, that against what ONNX's operators say. */
#include "pooling_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void random_windows(void)
{
    static const fill kinds[] = {FILL_MIXED, FILL_INTS, FILL_SPECIALS, FILL_NANS, FILL_ZEROS};
    int run = 0;
    for (int i = 0; i < 1500; i++) {
        rng r = case_rng("window %d", i);
        hew_pooling_desc d = random_pooling(&r);
        d.type = i % 4 == 3 ? HEW_BF16 : HEW_F32;
        if (rng_chance(&r, 4)) {
            d.kind = HEW_POOLING_LP;
            d.power = (int32_t)rng_between(&r, 0, rng_chance(&r, 2) ? 16 : 4);
        }
        run += check_pooling(&d, &r, kinds[i % 5], i % 3 ? no_threads() : reversed_of(3));
    }
    if (run < 900)
        fail_case("only %d of 1500 descriptors were good", run);
}

/* The windows that have loops of their own, over channels up to three times the widest register. */
static void channels(void)
{
    for (int64_t c = 1; c <= 200; c += c < 70 ? 1 : 13)
        for (int k = 0; k < 12; k++) {
            rng r = case_rng("%lld channels, window %d", (long long)c, k);
            const int64_t size = k % 3 == 0 ? 2 : 3, stride = k % 3 == 2 ? 1 : 2;
            hew_pooling_desc d = HEW_POOLING_DESC(
                .kind = k < 6 ? HEW_POOLING_MAX : HEW_POOLING_AVG, .in = {5, 19}, .channels = c,
                .kernel = {size, size}, .stride = {stride, stride}, .pad_lo = {1, k / 3 % 2},
                .pad_hi = {0, 1});
            d.type = c % 3 ? HEW_F32 : HEW_BF16;
            if (!check_pooling(&d, &r, FILL_MIXED, no_threads()))
                fail_case("refused: %s", hew_last_error());
        }
}

static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    for (int t = 0; t < 8; t++)
        for (int k = 0; k < 4; k++) {
            const size_t count = counts[t / 2];
            const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("network layer %d", k);
            hew_pooling_desc d = HEW_POOLING_DESC(.in = {56, 57}, .channels = 70, .kernel = {3, 3},
                                                  .stride = {2, 2}, .pad_lo = {1, 1}, .batch = 2,
                                                  .pad_hi = {1, 1});
            if (k == 1)
                d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG, .in = {7, 7}, .channels = 2050,
                                     .global = true);
            if (k == 2)
                d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG_PADDED, .in = {9, 20, 20},
                                     .channels = 33, .kernel = {3, 3, 3}, .pad_lo = {1, 1, 1},
                                     .pad_hi = {1, 1, 1});
            if (k == 3)
                d = HEW_POOLING_DESC(.in = {40000}, .channels = 5, .kernel = {7}, .batch = 3);
            check_pooling(&d, &r, FILL_MIXED, lent);
        }
}

/* ----------------------------------------------------------------------- known results ----- */

static void check_known(hew_pooling_desc d, const float *in, const float *want,
                        const int64_t *shape)
{
    int64_t out_extents[3];
    float out[64];
    check_status(hew_pooling_out_shape(&d, out_extents), HEW_OK);
    int64_t n = 1;
    for (int i = 0; i < 3; i++) {
        n *= out_extents[i];
        if (out_extents[i] != shape[i])
            fail_case("extent %d is %lld, want %lld", i, (long long)out_extents[i],
                      (long long)shape[i]);
    }
    poison_f32(out, 64);
    check_status(hew_pooling(&d, in, out, NULL), HEW_OK);
    check_bits("out", want, out, layout_of(n, 1, 1), NAN_BITS);
    use_ref();
    poison_f32(out, 64);
    check_status(hew_pooling(&d, in, out, NULL), HEW_OK);
    use_test_rung();
    check_bits("out of ref", want, out, layout_of(n, 1, 1), NAN_BITS);
}

#define WANT(...) (const float[]){__VA_ARGS__}
#define SHAPE(...) (const int64_t[]){__VA_ARGS__}
#define ONE_CHANNEL(...) HEW_POOLING_DESC(.channels = 1, __VA_ARGS__)
#define AVG .kind = HEW_POOLING_AVG
#define LP .kind = HEW_POOLING_LP
#define AVG_PADDED .kind = HEW_POOLING_AVG_PADDED

static void known_results(void)
{
    const float x[25] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                         14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};
    case_rng("5 x 5");
    check_known(ONE_CHANNEL(.in = {5, 5}, .kernel = {2, 2}, .stride = {2, 2}), x,
                WANT(7, 9, 17, 19), SHAPE(2, 2, 1));
    check_known(ONE_CHANNEL(AVG, .in = {5, 5}, .kernel = {2, 2}, .stride = {2, 2}), x,
                WANT(4, 6, 14, 16), SHAPE(2, 2, 1));
    check_known(ONE_CHANNEL(.in = {5, 5}, .kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true,
                            .pad_hi = {1, 1}), x,
                WANT(13, 15, 15, 23, 25, 25, 23, 25, 25), SHAPE(3, 3, 1));
    check_known(ONE_CHANNEL(.in = {5, 5}, .kernel = {2, 2}, .dilation = {2, 2}, .stride = {2, 2}),
                x, WANT(13, 15, 23, 25), SHAPE(2, 2, 1));
    check_known(ONE_CHANNEL(AVG, .in = {5, 5}, .global = true), x, WANT(13), SHAPE(1, 1, 1));
    case_rng("corners of a padded input");
    check_known(ONE_CHANNEL(AVG, .in = {5}, .kernel = {3}, .stride = {2}, .pad_lo = {1},
                            .pad_hi = {1}), x, WANT(1.5f, 3, 4.5f), SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(AVG_PADDED, .in = {5}, .kernel = {3}, .stride = {2}, .pad_lo = {1},
                            .pad_hi = {1}), x, WANT(1, 3, 3), SHAPE(3, 1, 1));
    /* The last window starts at 4 and reaches 2 beyond the input, 1 of it padding. */
    check_known(ONE_CHANNEL(AVG_PADDED, .in = {5}, .kernel = {3}, .stride = {4}, .pad_hi = {1},
                            .ceil_mode = true), x, WANT(2, 2.5f), SHAPE(2, 1, 1));
    /* Rounding up would let a window start past the input. */
    check_known(ONE_CHANNEL(.in = {5}, .kernel = {1}, .stride = {3}, .pad_hi = {2},
                            .ceil_mode = true), x, WANT(1, 4), SHAPE(2, 1, 1));
    case_rng("windows of padding alone");
    check_known(ONE_CHANNEL(.in = {1}, .kernel = {1}, .pad_lo = {1}, .pad_hi = {1}), x,
                WANT(-INFINITY, 1, -INFINITY), SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(AVG, .in = {1}, .kernel = {1}, .pad_lo = {1}, .pad_hi = {1}), x,
                WANT(0, 1, 0), SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(AVG_PADDED, .in = {1}, .kernel = {1}, .pad_lo = {1}, .pad_hi = {1}), x,
                WANT(0, 1, 0), SHAPE(3, 1, 1));
}

static void known_kinds(void)
{
    const float x[6] = {1, 2, 3, 4, 5, 6};
    case_rng("adaptive: [0, 2) [1, 4) [3, 5)");
    check_known(ONE_CHANNEL(.in = {5}, .adaptive = {3}), x, WANT(2, 4, 5), SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(AVG, .in = {5}, .adaptive = {3}), x, WANT(1.5f, 3, 4.5f),
                SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(AVG_PADDED, .in = {6}, .adaptive = {3}), x, WANT(1.5f, 3.5f, 5.5f),
                SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(AVG, .in = {2, 3}, .adaptive = {1, 5}), x,
                WANT(2.5f, 3, 3.5f, 4, 4.5f), SHAPE(1, 5, 1));
    case_rng("powers");
    const float y[4] = {-3, 4, -0.0f, 0};
    check_known(ONE_CHANNEL(LP, .in = {4}, .global = true), y, WANT(5), SHAPE(1, 1, 1));
    check_known(ONE_CHANNEL(LP, .power = 1, .in = {4}, .kernel = {2}), y, WANT(7, 4, 0),
                SHAPE(3, 1, 1));
    check_known(ONE_CHANNEL(LP, .power = 3, .in = {1}, .kernel = {1}, .pad_lo = {1}), y,
                WANT(0, 3), SHAPE(2, 1, 1));
    check_known(ONE_CHANNEL(LP, .power = 5, .in = {2}, .kernel = {1}), WANT(INFINITY, -INFINITY),
                WANT(INFINITY, INFINITY), SHAPE(2, 1, 1));
}

/* Sums of powers have a rounding for each factor and each element; of the root's, some are left. */
static void powers(void)
{
    float x[8], y;
    for (int power = 1; power <= 16; power++)
        for (int i = 0; i < 200; i++) {
            rng r = case_rng("power %d, input %d", power, i);
            double sum = 0;
            for (int k = 0; k < 8; k++) {
                x[k] = rng_f32(&r) * exp2f(rng_f32(&r) * 120.0f / (float)power);
                sum += pow(fabs((double)x[k]), power);
            }
            const hew_pooling_desc d =
                ONE_CHANNEL(LP, .power = power, .in = {8}, .global = true);
            check_status(hew_pooling(&d, x, &y, NULL), HEW_OK);
            const double want = pow(sum, 1.0 / power), lost = 8 * pow(0x1p-149, 1.0 / power);
            if (!(fabs((double)y - want) <= want * (8.0 / power + 4.0) * 0x1p-24 + lost))
                fail_case("%a, want %a", (double)y, want);
        }
}

static void special_floats(void)
{
    const float inf = INFINITY;
    float payload, negative;
    memcpy(&payload, &(uint32_t){0x7fc12345}, 4);
    memcpy(&negative, &(uint32_t){0xffc54321}, 4);
    case_rng("NaN, inf and zeros");
    const hew_pooling_desc max = ONE_CHANNEL(.in = {4}, .global = true);
    const hew_pooling_desc avg = ONE_CHANNEL(AVG, .in = {4}, .global = true);
    const int64_t one[3] = {1, 1, 1};
    check_known(max, WANT(1, payload, 3, negative), &payload, one);
    check_known(max, WANT(inf, negative, payload, 4), &negative, one);
    check_known(max, WANT(-inf, -inf, -inf, -inf), WANT(-inf), one);
    check_known(max, WANT(-inf, 1, inf, 2), WANT(inf), one);
    check_known(max, WANT(-0.0f, 0.0f, -1, -0.0f), WANT(-0.0f), one);
    check_known(max, WANT(-1, 0.0f, -0.0f, -0.0f), WANT(0.0f), one);
    check_known(avg, WANT(1, payload, 3, negative), WANT(NAN), one);
    check_known(avg, WANT(inf, 1, -inf, 2), WANT(NAN), one);
    check_known(avg, WANT(inf, 1, 3, 2), WANT(inf), one);
    check_known(avg, WANT(-0.0f, -0.0f, -0.0f, -0.0f), WANT(0.0f), one);
}

/* ----------------------------------------------------------------------------- refusals ---- */

#define D(...) {.size = sizeof(hew_pooling_desc), .channels = 3, __VA_ARGS__}
#define HUGE_EXTENT (INT64_MAX / 2)

static const struct refusal {
    hew_pooling_desc d;
    hew_status status;
    const char *text;
} refusals[] = {
    {{.size = 1, .channels = 3, .in = {4}, .kernel = {2}}, HEW_ERR_INVALID, "1"},
    {D(.kind = (hew_pooling_kind)4, .in = {4}, .kernel = {2}), HEW_ERR_INVALID, "4"},
    {D(.kind = (hew_pooling_kind)-1, .in = {4}, .kernel = {2}), HEW_ERR_INVALID, "-1"},
    {D(.type = HEW_F16, .in = {4}, .kernel = {2}), HEW_ERR_UNSUPPORTED, "f16"},
    {D(.kind = HEW_POOLING_LP, .type = HEW_U8, .in = {4}, .kernel = {2}), HEW_ERR_UNSUPPORTED,
     "u8"},
    {D(.kind = HEW_POOLING_LP, .power = 17, .in = {4}, .kernel = {2}), HEW_ERR_INVALID, "17"},
    {D(.kind = HEW_POOLING_LP, .power = -1, .in = {4}, .kernel = {2}), HEW_ERR_INVALID, "-1"},
    {D(.power = 2, .in = {4}, .kernel = {2}), HEW_ERR_INVALID, "power = 2"},
    {D(.in = {4}, .adaptive = {-2}), HEW_ERR_INVALID, "-2"},
    {D(.in = {0}, .adaptive = {2}), HEW_ERR_INVALID, "in 0"},
    {D(.in = {4}, .adaptive = {2}, .kernel = {2}), HEW_ERR_INVALID, "adaptive"},
    {D(.in = {4}, .adaptive = {2, 2}), HEW_ERR_INVALID, "in 0"},
    {D(.in = {4, 4}, .adaptive = {2}), HEW_ERR_INVALID, "rank 1"},
    {D(.in = {4}, .adaptive = {2}, .global = true), HEW_ERR_INVALID, "adaptive 0"},
    {D(.in = {4}, .adaptive = {HUGE_EXTENT}), HEW_ERR_OVERFLOW, "overflows"},
    {D(.batch = -2, .in = {4}, .kernel = {2}), HEW_ERR_INVALID, "-2"},
    {{.size = sizeof(hew_pooling_desc), .channels = -1, .in = {4}, .kernel = {2}}, HEW_ERR_INVALID,
     "-1"},
    {D(.in = {4}), HEW_ERR_INVALID, "kernel[0]"},
    {D(.global = true), HEW_ERR_INVALID, "in[0]"},
    {D(.in = {4, 4}, .kernel = {2}), HEW_ERR_INVALID, "rank 1"},
    {D(.in = {4}, .kernel = {2}, .pad_lo = {0, 1}), HEW_ERR_INVALID, "entry 1"},
    {D(.in = {0, 4}, .kernel = {2, 2}), HEW_ERR_INVALID, "in 0"},
    {D(.in = {4}, .kernel = {-2}), HEW_ERR_INVALID, "-2"},
    {D(.in = {4}, .kernel = {2}, .stride = {-1}), HEW_ERR_INVALID, "-1"},
    {D(.in = {4}, .kernel = {2}, .dilation = {-3}), HEW_ERR_INVALID, "-3"},
    {D(.in = {4}, .kernel = {2}, .pad_hi = {-5}), HEW_ERR_INVALID, "-5"},
    {D(.in = {4}, .kernel = {3}, .dilation = {2}), HEW_ERR_INVALID, "5"},
    {D(.in = {4}, .global = true, .stride = {2}), HEW_ERR_INVALID, "global"},
    {D(.in = {4}, .global = true, .kernel = {4}), HEW_ERR_INVALID, "global"},
    {D(.in = {4}, .kernel = {2}, .in_stride = 2), HEW_ERR_INVALID, "2"},
    {D(.in = {4}, .kernel = {2}, .out_stride = -1), HEW_ERR_INVALID, "-1"},
    {D(.in = {HUGE_EXTENT}, .kernel = {1}), HEW_ERR_OVERFLOW, "4611686018427387903"},
    {D(.in = {4}, .kernel = {1}, .pad_lo = {HUGE_EXTENT}, .pad_hi = {HUGE_EXTENT}),
     HEW_ERR_OVERFLOW, "in 4"},
    {D(.in = {4}, .kernel = {HUGE_EXTENT}, .dilation = {4}), HEW_ERR_OVERFLOW, "kernel"},
    {D(.in = {4}, .kernel = {1}, .in_stride = INT64_MAX / 8), HEW_ERR_OVERFLOW, "overflows"},
    {D(.in = {4}, .kernel = {1}, .batch = INT64_MAX), HEW_ERR_OVERFLOW, "9223372036854775807"},
    {D(.in = {1 << 21, 1 << 21, 1 << 21}, .kernel = {1, 1, 1}), HEW_ERR_OVERFLOW, "2097152"},
};

static void refused(void)
{
    float in[64] = {0}, out[64], before[64];
    int64_t shape[3] = {7, 7, 7};
    poison_f32(out, 64);
    memcpy(before, out, sizeof out);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *bad = &refusals[i];
        case_rng("refusal %zu", i);
        check_refused(hew_pooling(&bad->d, in, out, NULL), bad->status, bad->text);
        check_refused(hew_pooling_out_shape(&bad->d, shape), bad->status, bad->text);
    }
    case_rng("null, threads");
    const hew_pooling_desc d = HEW_POOLING_DESC(.channels = 2, .in = {4}, .kernel = {2});
    check_refused(hew_pooling(NULL, in, out, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_pooling(&d, NULL, out, NULL), HEW_ERR_INVALID, "in is null");
    check_refused(hew_pooling(&d, in, NULL, NULL), HEW_ERR_INVALID, "out is null");
    check_refused(hew_pooling_out_shape(&d, NULL), HEW_ERR_INVALID, "null");
    check_refused(hew_pooling(&d, in, out, &(hew_threads){0}), HEW_ERR_INVALID, "parallel_for");
    check_bits("out", before, out, layout_of(1, 64, 64), NAN_BITS);
    if (shape[0] != 7 || shape[1] != 7 || shape[2] != 7)
        fail_case("the shape was written to");
}

static void nothing(void)
{
    case_rng("nothing");
    float x = 5;
    hew_pooling_desc d = HEW_POOLING_DESC(.channels = 2, .in = {4}, .kernel = {2}, .batch = -1);
    check_status(hew_pooling(&d, NULL, NULL, NULL), HEW_OK);
    d = HEW_POOLING_DESC(.channels = 0, .in = {4}, .kernel = {2});
    check_status(hew_pooling(&d, &x, &x, NULL), HEW_OK);
    if (x != 5)
        fail_case("a pixel of nothing was written to");
}

int main(void)
{
    static const test tests[] = {{"random_windows", random_windows},
                                 {"channels", channels},
                                 {"threads", threads},
                                 {"known_results", known_results},
                                 {"known_kinds", known_kinds},
                                 {"powers", powers},
                                 {"special_floats", special_floats},
                                 {"refused", refused},
                                 {"nothing", nothing}};
    return run_on_rungs("pooling_f32", HEW_FAMILY_pooling_f32, TESTS(tests));
}
