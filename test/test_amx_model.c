/* What make amx-model counts: no more tile instructions than the peer has, and enough. */
#include "../bench/amx_count.h"
#include "emu/emu.h"
#include "harness.h"

#include <stdio.h>

static problem problem_of(const char *text)
{
    problem p;
    char why[PROBLEM_WHY];
    const problem_op op = text[0] == 'm' ? PROBLEM_CONV : PROBLEM_GEMM;
    if (!problem_parse(op, text, &p, why))
        fail_case("%s: %s", text, why);
    return p;
}

static amx_counts count(const problem *p, hew_type type, bool step)
{
    amx_counts c;
    char why[PROBLEM_WHY];
    if (!amx_count(p, type, step, &c, why))
        fail_case("%s: %s", p->text, why);
    return c;
}

static void at_most_the_peers(void)
{
    for (int i = 0; i < AMX_PEERS; i++) {
        const amx_peer *peer = &amx_peers[i];
        const problem p = problem_of(peer->text);
        case_rng("%s %s", peer->text, peer->type == HEW_U8 ? "u8s8" : "bf16");
        const amx_counts c = count(&p, peer->type, false);
        const double of_one = 16.0 * 16.0 * (peer->type == HEW_U8 ? 64 : 32);
        if (c.multiplies > peer->multiplies || amx_other_tiles(&c) > peer->others)
            fail_case("%llu multiplies, %llu other tile instructions; the peer has %llu and %llu",
                      (unsigned long long)c.multiplies, (unsigned long long)amx_other_tiles(&c),
                      (unsigned long long)peer->multiplies, (unsigned long long)peer->others);
        if ((double)c.multiplies * of_one < problem_macs(&p) || c.stores == 0 || c.configs < 2)
            fail_case("%llu multiplies can't do it", (unsigned long long)c.multiplies);
    }
}

/* By hand: 100 pixels are 7 tiles, 40 columns 3, 70 of k two of 36 bytes. */
static void known_counts(void)
{
    case_rng("100 x 70 x 40");
    const problem p = problem_of("mb1ic70ih10oc40kh1");
    const amx_counts c = count(&p, HEW_U8, false);
    assert_int_equal(amx_least_multiplies(&p, HEW_U8), 7 * 3 * 2);
    assert_int_equal(c.multiplies, 7 * 3 * 2);
    assert_int_equal(c.stores, 7 * 3);
    assert_int_equal(amx_least_multiplies(&p, HEW_BF16), 7 * 3 * 3);
    const amx_cycles cycles = amx_model(&c);
    assert_true(cycles.multiply == 16 * 42 && cycles.apart >= cycles.together);
}

static void single_steps(void)
{
    case_rng("steps");
    const problem p = problem_of("16x256:256x32");
    const amx_counts without = count(&p, HEW_U8, false), with = count(&p, HEW_U8, true);
    assert_int_equal(without.others, 0);
    assert_in_range(with.others, 100, 20000);
    assert_int_equal(with.multiplies, 2 * 4);
    assert_int_equal(amx_other_tiles(&with), amx_other_tiles(&without));
}

int main(void)
{
    static const test tests[] = {
        {"at_most_the_peers", at_most_the_peers},
        {"known_counts", known_counts},
        {"single_steps", single_steps},
    };
    if (emu_missing() || (emu_native() & EMU_AMX) != 0) {
        printf("amx_model: nothing is counted here\n");
        return 0;
    }
    return run_on_rungs("amx_model", HEW_FAMILY_amx_config, TESTS(tests));
}
