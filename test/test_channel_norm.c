/* Group, instance and batch norm, forward and backward: bit for bit against their definition. */
#include "channel_case.h"

#ifndef HEW_SANITIZED /* the sanitizer builds define it as 1, and make everything take long */
#define HEW_SANITIZED 0
#endif

static void both(const channel_case *s, rng *r, fill kind, const hew_threads *threads)
{
    channel_check(s, r, kind, threads);
    channel_check_backward(s, r, kind, threads);
}

static void channels(void)
{
    for (int64_t c = 0; c <= 70; c += HEW_SANITIZED ? 3 : 1)
        for (int t = 0; t < 3; t++) {
            rng r = case_rng("type %d, %lld channels", t, (long long)c);
            const channel_case s =
                channel_random(&r, t, rng_between(&r, 0, 3), rng_between(&r, 0, 40), c);
            both(&s, &r, FILL_MIXED, no_threads());
        }
}

static void pixels(void)
{
    for (int64_t n = 0; n <= 68; n += HEW_SANITIZED ? 3 : 1) {
        rng r = case_rng("%lld pixels", (long long)n);
        const channel_case s = channel_random(&r, (int)n, rng_between(&r, 1, 2), n, 19);
        both(&s, &r, FILL_MIXED, no_threads());
    }
}

/* About the parts' length, and several of them. */
static void parts(void)
{
    static const int64_t many[] = {511, 512, 513, 528, 1500};
    for (int i = 0; i < (HEW_SANITIZED ? 5 : 30); i++) {
        rng r = case_rng("%lld pixels, %d", (long long)many[i % 5], i);
        const channel_case s =
            channel_random(&r, i, rng_between(&r, 1, 2), many[i % 5], rng_between(&r, 1, 40));
        both(&s, &r, FILL_MIXED, no_threads());
    }
}

static void special_floats(void)
{
    const fill kinds[] = {FILL_SPECIALS, FILL_DENORMALS, FILL_ZEROS, FILL_INTS, FILL_TINY};
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < (HEW_SANITIZED ? 4 : 24); i++) {
            rng r = case_rng("fill %d, %d", k, i);
            const channel_case s = channel_random(&r, i, rng_between(&r, 1, 2),
                                                  rng_between(&r, 1, 60), rng_between(&r, 1, 50));
            both(&s, &r, kinds[k], no_threads());
        }
}

/* Images that are tasks, images in parts, and channels in strips. */
static void threads(void)
{
    static const size_t counts[] = {1, 2, 3, 8};
    static const int64_t shapes[][3] = {{2, 515, 390}, {5, 49, 64}, {1, 3000, 14}, {1, 35, 1030}};
    for (int i = 0; i < 4; i++)
        for (int t = HEW_SANITIZED ? 2 : 0; t < 8; t += HEW_SANITIZED ? 2 : 1) {
            const size_t count = counts[t / 2];
            const hew_threads *lent = t % 2 ? reversed_of(count) : pool_of(count);
            rng r = case_rng("%lld x %lld x %lld", (long long)shapes[i][0],
                             (long long)shapes[i][1], (long long)shapes[i][2]);
            const channel_case s =
                channel_random(&r, i, shapes[i][0], shapes[i][1], shapes[i][2]);
            both(&s, &r, FILL_MIXED, lent);
        }
    no_threads();
}

/* More than the cache holds, on cache lines, of 16 bits with half of a line at a time. */
static void past_the_cache(void)
{
    for (int i = 0; i < 2; i++) {
        rng r = case_rng("%d", i);
        channel_case s = channel_random(&r, i, 1, i % 3 ? 1030 : 515, i % 2 ? 1023 : 1024);
        s.batch = true, s.alias = APART;
        s.g.in_stride = s.g.out_stride = s.g.residual_stride = 1024;
        s.b.in_stride = s.b.out_stride = s.b.residual_stride = 1024;
        s.b.training = false;
        s.beta = s.statistics = false; /* sums of so much take the definition long */
        both(&s, &r, FILL_INTS, no_threads());
    }
}

int main(void)
{
    static const test tests[] = {{"channels", channels},
                                 {"pixels", pixels},
                                 {"parts", parts},
                                 {"special_floats", special_floats},
                                 {"past_the_cache", past_the_cache},
                                 {"threads", threads}};
    return run_on_rungs("channel_norm", HEW_FAMILY_channel_norm, TESTS(tests));
}
