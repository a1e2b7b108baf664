/*
 * test_directions.c - bench/: which operations have which gradients, and how they are asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../bench/cases.h"

static void dirs__names(void **state)
{
    (void)state;
    static const bench_dir all[] = {BENCH_INFERENCE, BENCH_TRAINING, BENCH_BACKWARD,
                                    BENCH_BACKWARD_ALL};
    static const char *const names[] = {"FWD_I", "FWD_D", "BWD_D", "BWD_DW"};
    bench_dir dir;
    for (size_t i = 0; i < 4; i++) {
        assert_true(case_dir_parse(names[i], &dir));
        assert_int_equal(dir, all[i]);
        assert_string_equal(case_dir_name(dir), names[i]);
    }
    assert_true(case_dir_parse("bwd_d", &dir));
    assert_false(case_dir_parse("BWD", &dir));
    assert_false(case_dir_parse("BWD_DB", &dir));
    assert_false(case_dir_parse("", &dir));
}

static void dirs__operations(void **state)
{
    (void)state;
    const struct {
        problem_op op;
        const char *text, *dirs; /* besides FWD_I */
    } cases[] = {{PROBLEM_GEMM, "4x8:8x4", ""},      {PROBLEM_CONV, "ic8ih8oc8kh3ph1", ""},
                 {PROBLEM_BINARY, "4x8:4x8", ""},    {PROBLEM_REDUCTION, "4x8:4x1", ""},
                 {PROBLEM_POOL, "ic8ih8kh2sh2", "FWD_D BWD_D"},
                 {PROBLEM_SOFTMAX, "4x8", "BWD_D"},  {PROBLEM_ELTWISE, "4x8", "BWD_D"},
                 {PROBLEM_SHUFFLE, "4x8", "BWD_D"},  {PROBLEM_LRN, "ic8ih4", "BWD_D"},
                 {PROBLEM_RESAMPLING, "ic8ih4oh8", "BWD_D"}, {PROBLEM_PRELU, "4x8:1x8", "BWD_DW"},
                 {PROBLEM_LNORM, "4x8", "FWD_D BWD_D BWD_DW"},
                 {PROBLEM_BNORM, "ic8ih4", "FWD_D BWD_D BWD_DW"},
                 {PROBLEM_GNORM, "g2ic8ih4", "FWD_D BWD_D BWD_DW"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int dir = BENCH_TRAINING; dir <= BENCH_BACKWARD_ALL; dir++) {
            char why[PROBLEM_WHY] = "", dirs[64], name[16];
            case_list list = {.jobs = NULL};
            const case_settings s = {.dir = (bench_dir)dir};
            snprintf(dirs, sizeof dirs, "%s ", cases[i].dirs);
            snprintf(name, sizeof name, "%s ", case_dir_name((bench_dir)dir));
            const bool fits = strstr(dirs, name) != NULL;
            assert_int_equal(case_add(&list, cases[i].op, cases[i].text, &s, why),
                             fits ? CASE_ADDED : CASE_UNSUPPORTED);
            assert_int_equal(list.count, fits);
            if (fits)
                assert_int_equal(list.jobs[0].dir, dir);
            else /* and it says what there is */
                assert_true(strstr(why, "FWD_I") && (!cases[i].dirs[0] || strstr(why, "_D")));
            free(list.jobs);
        }
    }
    char why[PROBLEM_WHY];
    case_list list = {.jobs = NULL};
    case_settings s = {.dir = BENCH_BACKWARD};
    types_parse("u8", &s.types);
    assert_int_equal(case_add(&list, PROBLEM_POOL, "ic8ih8kh2sh2", &s, why), CASE_UNSUPPORTED);
}

static void dirs__from_the_result(void **state)
{
    (void)state;
    char why[PROBLEM_WHY];
    case_list list = {.jobs = NULL};
    case_settings s = {.dir = BENCH_BACKWARD};
    for (const char *const *alg = (const char *const[]){"tanh_dst", "relu_dst:0.5", "logistic_dst",
                                                        "clip_v2_dst:0:1", NULL};
         *alg; alg++) {
        s.alg = *alg;
        assert_int_equal(case_add(&list, PROBLEM_ELTWISE, "4x8", &s, why), CASE_ADDED);
        assert_true(list.jobs[list.count - 1].from_output);
    }
    assert_int_equal(list.jobs[1].act.kind, HEW_ACT_LEAKY_RELU);
    assert_true(list.jobs[1].act.alpha == 0.5f);
    s.alg = "tanh";
    assert_int_equal(case_add(&list, PROBLEM_ELTWISE, "4x8", &s, why), CASE_ADDED);
    assert_false(list.jobs[4].from_output);
    for (const char *const *alg = (const char *const[]){"gelu_erf_dst", "_dst", "tanhdst",
                                                        "mish_dst", "none_dst", "tanh_dst:x", NULL};
         *alg; alg++) {
        s.alg = *alg;
        assert_int_equal(case_add(&list, PROBLEM_ELTWISE, "4x8", &s, why), CASE_UNSUPPORTED);
        assert_non_null(strstr(why, *alg));
    }
    free(list.jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dirs__names),
        cmocka_unit_test(dirs__operations),
        cmocka_unit_test(dirs__from_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
