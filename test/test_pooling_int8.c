/* pooling of u8 and s8: bit for bit against its definition, and that against known results. */
#include "pooling_case.h"

#include <stdlib.h>
#include <string.h>

static hew_type type; /* of the running tests */

static int32_t lowest(void) { return type == HEW_S8 ? -128 : 0; }

/* Of the type: its ends more often than others. */
static int32_t some_number(rng *r)
{
    const int64_t pick = rng_between(r, 0, 7);
    return lowest() + (int32_t)(pick == 0 ? 0 : pick == 1 ? 255 : rng_between(r, 0, 255));
}

static bool check(hew_pooling_desc d, rng *r, const hew_threads *threads)
{
    d.type = type;
    d.zero = some_number(r);
    return check_pooling(&d, r, FILL_MIXED, threads);
}

static void random_windows(void)
{
    int run = 0;
    for (int i = 0; i < 1500; i++) {
        rng r = case_rng("window %d", i);
        run += check(random_pooling(&r), &r, i % 3 ? no_threads() : reversed_of(3));
    }
    if (run < 900)
        fail_case("only %d of 1500 descriptors were good", run);
}

/* The windows that have loops of their own, over channels up to three times the widest register. */
static void channels(void)
{
    for (int64_t c = 1; c <= 300; c += c < 140 ? 1 : 13)
        for (int k = 0; k < 12; k++) {
            rng r = case_rng("%lld channels, window %d", (long long)c, k);
            const int64_t size = k % 3 == 0 ? 2 : 3, stride = k % 3 == 2 ? 1 : 2;
            const hew_pooling_desc d = HEW_POOLING_DESC(
                .kind = k < 6 ? HEW_POOLING_MAX : HEW_POOLING_AVG_PADDED, .in = {5, 9},
                .channels = c, .kernel = {size, size}, .stride = {stride, stride},
                .pad_lo = {1, k / 3 % 2}, .pad_hi = {0, 1});
            if (!check(d, &r, no_threads()))
                fail_case("refused: %s", hew_last_error());
        }
}

/* Every divisor that words can hold and those behind, with sums up to the largest; even ones have
 * ties. */
static void divisors(void)
{
    for (int64_t n = 1; n <= 300; n++)
        for (int k = 0; k < 2; k++) {
            rng r = case_rng("%lld elements, kind %d", (long long)n, k);
            hew_pooling_desc d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG, .in = {n},
                                                  .channels = 100, .global = true);
            if (k == 1)
                d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG_PADDED, .in = {n}, .channels = 100,
                                     .kernel = {n}, .pad_lo = {n / 2},
                                     .stride = {n / 3 + 1});
            d.type = type;
            d.zero = some_number(&r);
            uint8_t *in = malloc((size_t)n * 100);
            if (!in)
                fail_case("out of memory");
            /* Channel c: bytes below c * 255 / 99, or all of them that. */
            for (int64_t i = 0; i < n * 100; i++) {
                const int64_t most = i % 100 * 255 / 99;
                in[i] = (uint8_t)(lowest() + (rng_chance(&r, 2) ? most : rng_between(&r, 0, most)));
            }
            if (!check_pooling_of(&d, &r, in, no_threads()))
                fail_case("refused: %s", hew_last_error());
            free(in);
        }
}

/* Sums of far more than a word, and of more than a float holds exactly. */
static void long_windows(void)
{
    static const int64_t sides[] = {16, 17, 50, 300};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            rng r = case_rng("%lld x %lld, fill %d", (long long)sides[i], (long long)sides[i], k);
            const hew_pooling_desc d = HEW_POOLING_DESC(
                .kind = HEW_POOLING_AVG, .type = type, .in = {sides[i], sides[i]},
                .channels = 1 + k % 2 * 70, .global = true);
            const size_t n = pooling_elements(&d);
            uint8_t *in = malloc(n);
            if (!in)
                fail_case("out of memory");
            memset(in, k < 2 ? 0x7f : 0x80, n); /* s8: both ends */
            if (k % 2)
                for (size_t c = 0; c < n; c++)
                    in[c] = (uint8_t)(in[c] + rng_between(&r, 0, 127));
            if (!check_pooling_of(&d, &r, in, no_threads()))
                fail_case("refused: %s", hew_last_error());
            free(in);
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
            hew_pooling_desc d = HEW_POOLING_DESC(.in = {56, 57}, .channels = 170, .kernel = {3, 3},
                                                  .stride = {2, 2}, .pad_lo = {1, 1},
                                                  .pad_hi = {1, 1});
            if (k == 1)
                d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG, .in = {14, 14}, .channels = 2050,
                                     .global = true);
            if (k == 2)
                d = HEW_POOLING_DESC(.kind = HEW_POOLING_AVG_PADDED, .in = {9, 20, 20},
                                     .channels = 33, .kernel = {3, 3, 3}, .pad_lo = {1, 1, 1},
                                     .pad_hi = {1, 1, 1});
            if (k == 3)
                d = HEW_POOLING_DESC(.in = {40000}, .channels = 5, .kernel = {7});
            check(d, &r, lent);
        }
}

/* ----------------------------------------------------------------------- known results ----- */

/* One channel; numbers of the type in ints. */
static void check_known(hew_pooling_desc d, const int *in, const int *want, size_t wants)
{
    uint8_t bytes[64], out[8], expected[8];
    d.type = type;
    d.channels = 1;
    for (size_t i = 0; i < pooling_elements(&d); i++)
        bytes[i] = (uint8_t)(in[i] + lowest());
    for (size_t i = 0; i < wants; i++)
        expected[i] = (uint8_t)(want[i] + lowest());
    d.zero += lowest();
    for (int ref = 0; ref < 2; ref++) {
        memset(out, 0xa5, sizeof out);
        if (ref)
            use_ref();
        check_status(hew_pooling(&d, bytes, out, NULL), HEW_OK);
        if (ref)
            use_test_rung();
        check_elements(ref ? "out of ref" : "out", type, expected, out,
                       layout_of(1, (int64_t)wants, (int64_t)wants));
    }
}

#define INTS(...) (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int)
#define AVG .kind = HEW_POOLING_AVG
#define AVG_PADDED .kind = HEW_POOLING_AVG_PADDED

/* In distances from the type's lowest number: the results are the same for both types, rounding to
 * even included, since 128 is even. */
static void known_results(void)
{
    const int x[] = {0, 1, 255, 254, 3, 4}, *in = x;
    case_rng("maxima");
    check_known(HEW_POOLING_DESC(.in = {6}, .kernel = {2}), in, INTS(1, 255, 255, 254, 4));
    check_known(HEW_POOLING_DESC(.in = {6}, .global = true), in, INTS(255));
    check_known(HEW_POOLING_DESC(.in = {1}, .kernel = {1}, .pad_lo = {1}, .pad_hi = {1}, .zero = 9),
                (const int[]){7}, INTS(0, 7, 0));
    case_rng("halves are even");
    check_known(HEW_POOLING_DESC(AVG, .in = {6}, .kernel = {2}), in, INTS(0, 128, 254, 128, 4));
    check_known(HEW_POOLING_DESC(AVG, .in = {6}, .global = true), (const int[]){1, 1, 1, 2, 2, 2},
                INTS(2));
    check_known(HEW_POOLING_DESC(AVG, .in = {6}, .global = true), (const int[]){3, 3, 3, 2, 2, 2},
                INTS(2));
    check_known(HEW_POOLING_DESC(AVG, .in = {6}, .global = true),
                (const int[]){255, 255, 255, 255, 255, 254}, INTS(255));
    case_rng("zero points in the padding");
    check_known(HEW_POOLING_DESC(AVG_PADDED, .in = {1}, .kernel = {3}, .pad_lo = {1}, .pad_hi = {1},
                                 .zero = 255), (const int[]){0}, INTS(170));
    check_known(HEW_POOLING_DESC(AVG_PADDED, .in = {1}, .kernel = {3}, .pad_lo = {1}, .pad_hi = {1},
                                 .zero = 0), (const int[]){255}, INTS(85));
    check_known(HEW_POOLING_DESC(AVG, .in = {1}, .kernel = {3}, .pad_lo = {1}, .pad_hi = {1},
                                 .zero = 255), (const int[]){3}, INTS(3));
    case_rng("windows of padding alone");
    check_known(HEW_POOLING_DESC(AVG, .in = {1}, .kernel = {1}, .pad_lo = {1}, .pad_hi = {1},
                                 .zero = 200), (const int[]){7}, INTS(200, 7, 200));
    check_known(HEW_POOLING_DESC(AVG_PADDED, .in = {1}, .kernel = {1}, .pad_lo = {1}, .pad_hi = {1},
                                 .zero = 11), (const int[]){7}, INTS(11, 7, 11));
}

static void refused(void)
{
    uint8_t in[64] = {0}, out[64], before[64];
    memset(out, 0xa5, 64);
    memcpy(before, out, 64);
    case_rng("zero points");
    hew_pooling_desc d = HEW_POOLING_DESC(.type = type, .channels = 2, .in = {4}, .kernel = {2});
    d.zero = lowest() - 1;
    check_refused(hew_pooling(&d, in, out, NULL), HEW_ERR_INVALID, type == HEW_S8 ? "-129" : "-1");
    d.zero = lowest() + 256;
    check_refused(hew_pooling(&d, in, out, NULL), HEW_ERR_INVALID, type == HEW_S8 ? "128" : "256");
    d.type = HEW_F32;
    d.zero = 1;
    check_refused(hew_pooling(&d, in, out, NULL), HEW_ERR_INVALID, "is 1, but f32 has 0 to 0");
    case_rng("types");
    d = HEW_POOLING_DESC(.type = HEW_S32, .channels = 2, .in = {4}, .kernel = {2});
    check_refused(hew_pooling(&d, in, out, NULL), HEW_ERR_UNSUPPORTED, "s32");
    case_rng("an average of too much, and strides");
    d = HEW_POOLING_DESC(AVG, .type = type, .channels = 1, .in = {8421505}, .global = true);
    int64_t shape[3];
    check_refused(hew_pooling_out_shape(&d, shape), HEW_ERR_UNSUPPORTED, "8421505");
    d.kind = HEW_POOLING_MAX;
    check_status(hew_pooling_out_shape(&d, shape), HEW_OK);
    d.kind = HEW_POOLING_AVG_PADDED;
    d.in[0]--;
    check_status(hew_pooling_out_shape(&d, shape), HEW_OK);
    d = HEW_POOLING_DESC(.type = type, .channels = 3, .in = {4}, .kernel = {2}, .in_stride = 2);
    check_refused(hew_pooling(&d, in, out, NULL), HEW_ERR_INVALID, "in_stride = 2");
    check_elements("out", type, before, out, layout_of(1, 64, 64));
}

static int run_on(const char *name, hew_type of, int family)
{
    static const test tests[] = {{"random_windows", random_windows},
                                 {"channels", channels},
                                 {"divisors", divisors},
                                 {"long_windows", long_windows},
                                 {"threads", threads},
                                 {"known_results", known_results},
                                 {"refused", refused}};
    type = of;
    return run_on_rungs(name, family, TESTS(tests));
}

int main(void)
{
    const int failed = run_on("pooling_u8", HEW_U8, HEW_FAMILY_pooling_u8);
    return run_on("pooling_s8", HEW_S8, HEW_FAMILY_pooling_s8) + failed;
}
