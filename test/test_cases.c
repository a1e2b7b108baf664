/*
 * test_cases.c - what bench/ makes of problems: types, shape files, suites.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../bench/cases.h"

/* ------------------------------------------------------------------------------------ types --- */

static void types_are(const char *word, hew_type in, hew_type weights, hew_type out,
                      const char *name)
{
    bench_types t;
    if (!types_parse(word, &t))
        fail_msg("'%s' are no types", word);
    if (t.in != in || t.weights != weights || t.out != out)
        fail_msg("%s: %d %d %d", word, t.in, t.weights, t.out);
    assert_string_equal(types_name(PROBLEM_GEMM, &t), name);
}

static void types__names(void **state)
{
    (void)state;
    types_are("f32", HEW_F32, HEW_F32, HEW_F32, "f32");
    types_are("f32:f32:f32", HEW_F32, HEW_F32, HEW_F32, "f32");
    types_are("bf16", HEW_BF16, HEW_BF16, HEW_BF16, "bf16");
    types_are("bf16bf16f32", HEW_BF16, HEW_BF16, HEW_F32, "bf16bf16f32");
    types_are("f16f16", HEW_F16, HEW_F16, HEW_F16, "f16");
    types_are("fpmath", HEW_F32, HEW_F32, HEW_F32, "fpmath");
    types_are("u8s8", HEW_U8, HEW_S8, HEW_U8, "u8s8u8");
    types_are("s8s8", HEW_S8, HEW_S8, HEW_S8, "s8s8s8");
    types_are("u8s8u8", HEW_U8, HEW_S8, HEW_U8, "u8s8u8");
    types_are("u8s8s32", HEW_U8, HEW_S8, HEW_S32, "u8s8s32");
    types_are("U8:S8:F32", HEW_U8, HEW_S8, HEW_F32, "u8s8f32");
    types_are("s8s8bf16", HEW_S8, HEW_S8, HEW_BF16, "s8s8bf16");
    types_are("s8", HEW_S8, HEW_S8, HEW_S8, "s8s8s8");
    types_are("wo8", HEW_F32, HEW_S8, HEW_F32, "wo8");
    types_are("f32:s4:f32", HEW_F32, HEW_S4, HEW_F32, "wo4");
    types_are("dyn8", HEW_F32, HEW_S8, HEW_F32, "dyn8");
    bench_types t;
    types_parse("u8", &t);
    assert_string_equal(types_name(PROBLEM_POOL, &t), "u8");
    for (const char *const *word =
             (const char *const[]){"", "u", "u8s", "u8s8s32u8", "u8:", "s88", "wo2", NULL};
         *word; word++)
        if (types_parse(*word, &t))
            fail_msg("'%s' are taken for types", *word);
}

static void types__operations(void **state)
{
    (void)state;
    char why[PROBLEM_WHY];
    const struct {
        problem_op op;
        const char *types;
        bool fits;
    } cases[] = {{PROBLEM_CONV, "u8s8s32", true},   {PROBLEM_CONV, "wo8", false},
                 {PROBLEM_GEMM, "wo4", true},       {PROBLEM_GEMM, "f32s8u8", false},
                 {PROBLEM_GEMM, "dyn8", true},      {PROBLEM_CONV, "dyn8u", false},
                 {PROBLEM_IP, "s8s8f32", true},     {PROBLEM_GEMM, "u8s4u8", false},
                 {PROBLEM_POOL, "u8", true},        {PROBLEM_POOL, "u8s8u8", false},
                 {PROBLEM_SOFTMAX, "u8", false},    {PROBLEM_REORDER, "f32", true},
                 {PROBLEM_CONV, "f32f32u8", false}, {PROBLEM_CONV, "bf16", true},
                 {PROBLEM_GEMM, "bf16bf16f32", true}, {PROBLEM_IP, "f16f16f32", true},
                 {PROBLEM_CONV, "fpmath", true},    {PROBLEM_POOL, "fpmath", false},
                 {PROBLEM_GEMM, "bf16f32", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_types t;
        assert_true(types_parse(cases[i].types, &t));
        if (types_fit(cases[i].op, &t, why) != cases[i].fits)
            fail_msg("%s %s: '%s'", problem_op_name(cases[i].op), cases[i].types, why);
        assert_int_equal(why[0] == '\0', cases[i].fits);
    }
}

static void types__elements(void **state)
{
    (void)state;
    static const hew_type types[] = {HEW_F32, HEW_BF16, HEW_F16, HEW_S8, HEW_U8, HEW_S32, HEW_S4};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const element *e = element_of(types[k]);
        void *x = element_alloc(types[k], 1001), *y = element_alloc(types[k], 1001);
        double lo = 0, hi = 0, sum = 0;
        fill_values(types[k], x, 1001, e->lo, e->hi, 7);
        element_copy(types[k], y, 3, x, 6, 995);
        for (size_t i = 0; i < 1001; i++) {
            const double value = e->get(x, i);
            assert_true(!e->integer || value == (double)(int64_t)value);
            lo = value < lo ? value : lo;
            hi = value > hi ? value : hi;
            sum += e->get(y, i) - (i >= 3 && i < 998 ? e->get(x, i + 3) : 0);
        }
        assert_true(sum == 0);
        assert_true(lo >= e->lo && hi <= e->hi && hi - lo > 0.9 * (e->hi - e->lo));
        free(x);
        free(y);
    }
    assert_int_equal(element_bytes(HEW_S4, 5), 3);
    uint16_t half;
    for (int bits = 0; bits < 0x7c00; bits += 7) { /* between two of them: the nearer one */
        uint16_t pair[2] = {(uint16_t)bits, (uint16_t)(bits + 1)};
        const element *f16 = element_of(HEW_F16);
        const double low = f16->get(pair, 0), step = bits < 0x7bff ? f16->get(pair, 1) - low : 0;
        f16->put(&half, 0, -(low + 0.49 * step));
        assert_int_equal(half, bits | 0x8000);
    }
}

static void types__of_a_case(void **state)
{
    (void)state;
    char why[PROBLEM_WHY];
    case_list list = {.jobs = NULL};
    case_settings s = {.bias = true, .residual = true, .act.kind = HEW_ACT_RELU};
    types_parse("u8s8", &s.types);
    assert_int_equal(case_add(&list, PROBLEM_GEMM, "4x64:64x8", &s, why), CASE_ADDED);
    s.has_out = true;
    s.out = HEW_S32; /* a bare sum: only what can be fused to it */
    assert_int_equal(case_add(&list, PROBLEM_GEMM, "4x64:64x8", &s, why), CASE_ADDED);
    assert_int_equal(list.jobs[0].act.kind, HEW_ACT_RELU);
    assert_true(list.jobs[0].residual);
    assert_int_equal(list.jobs[1].types.out, HEW_S32);
    assert_int_equal(list.jobs[1].act.kind, HEW_ACT_NONE);
    assert_true(list.jobs[1].bias && !list.jobs[1].residual);

    s = (case_settings){.mb = 0};
    types_parse("wo4", &s.types);
    assert_int_equal(case_add(&list, PROBLEM_GEMM, "1x256:256x8", &s, why), CASE_ADDED);
    assert_int_equal(case_add(&list, PROBLEM_GEMM, "1x96:96x8", &s, why), CASE_ADDED);
    s.has_b_group = true;
    s.b_group = 32;
    assert_int_equal(case_add(&list, PROBLEM_GEMM, "1x96:96x8", &s, why), CASE_ADDED);
    assert_int_equal(case_add(&list, PROBLEM_GEMM, "1x80:80x8", &s, why), CASE_UNSUPPORTED);
    assert_int_equal(list.jobs[2].b_group, 128);
    assert_int_equal(list.jobs[3].b_group, 0);
    assert_int_equal(list.jobs[4].b_group, 32);
    assert_int_equal(list.count, 5);
    free(list.jobs);
}

static void types__zero_points(void **state)
{
    (void)state;
    unsigned zeros;
    assert_true(case_zero_points_parse("src,dst", &zeros));
    assert_int_equal(zeros, ZERO_IN | ZERO_OUT);
    assert_true(case_zero_points_parse("src:common:2+wei:common:1", &zeros));
    assert_int_equal(zeros, ZERO_IN | ZERO_WEIGHTS);
    assert_false(case_zero_points_parse("source", &zeros));
}

/* ---------------------------------------------------------------------------- shape files --- */

static size_t read_shapes_as(problem_op op, const char *text, const case_settings *s,
                             case_list *list)
{
    char path[] = "/tmp/hew-shapes-XXXXXX", why[PROBLEM_WHY] = "";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    *list = (case_list){.jobs = NULL};
    const bool ok = case_add_file(list, op, path, s, why);
    unlink(path);
    if (!ok)
        print_message("%s\n", why);
    return ok ? list->count : (size_t)-1;
}

static size_t read_shapes(problem_op op, const char *text, case_list *list)
{
    return read_shapes_as(op, text, &(case_settings){.mb = 0}, list);
}

static void shapes__types(void **state)
{
    (void)state;
    const char *text = "--cfg=u8s8u8,f32 --attr-oscale=per_oc:2.5 --attr-zero-points=src:common:1\n"
                       "ic16ih8oc16kh3ph1\n"
                       "--reset --dt=s32,s8:s8:f32 ic16ih8oc16kh3ph1\n"
                       "--dt=f16:bf16 ic16ih8oc16kh3ph1n\"left_out\"\n";
    case_list list;
    assert_int_equal(read_shapes(PROBLEM_CONV, text, &list), 2);
    assert_string_equal(types_name(PROBLEM_CONV, &list.jobs[0].types), "u8s8u8");
    assert_int_equal(list.jobs[0].zero_points, ZERO_IN);
    assert_string_equal(types_name(PROBLEM_CONV, &list.jobs[1].types), "s8s8f32");
    assert_int_equal(list.jobs[1].zero_points, 0);
    free(list.jobs);

    case_settings s = {.types_given = true}; /* f32 */
    assert_int_equal(read_shapes_as(PROBLEM_CONV, text, &s, &list), 1);
    assert_string_equal(types_name(PROBLEM_CONV, &list.jobs[0].types), "f32");
    free(list.jobs);
}

static void shapes__options(void **state)
{
    (void)state;
    case_list list;
    const char *text = "# a comment\n"
                       "--reset --dt=f32,s32\n"
                       "--dir=FWD_B --mb=4\n"
                       "--attr-post-ops=, \\\n"
                       "                relu\n"
                       "ic16ih8oc16kh3ph1n\"one\"   # not read\n"
                       "--attr-post-ops=sum+relu ic16ih8oc16kh3ph1n\"two\"\n"
                       "--dir=BWD_D ic16ih8oc16kh3ph1n\"left_out\"\n"
                       "--reset --cfg=s32s32s32 ic16ih8oc16kh3ph1n\"left_out\"\n"
                       "--cfg=f32 ic16ih8oc16kh3ph1n\"three\"\n";
    assert_int_equal(read_shapes(PROBLEM_CONV, text, &list), 3);
    assert_int_equal(list.jobs[0].p.mb, 4);
    assert_true(list.jobs[0].bias);
    assert_int_equal(list.jobs[0].act.kind, HEW_ACT_NONE); /* the empty entry is the first */
    assert_true(list.jobs[1].residual);
    assert_int_equal(list.jobs[1].act.kind, HEW_ACT_RELU);
    assert_string_equal(list.jobs[2].p.name, "three");
    assert_int_equal(list.jobs[2].p.mb, 2);
    assert_false(list.jobs[2].bias);
    free(list.jobs);
}

/* Without a direction of one's own any forward one is inference. */
static void shapes__directions(void **state)
{
    (void)state;
    case_list list;
    const char *text = "ic8ih8kh2sh2\n"
                       "--dir=FWD_D,BWD_D ic8ih8kh2sh2\n"
                       "--dir=BWD_D ic8ih8kh2sh2\n"
                       "--dir=FWD_I ic8ih8kh2sh2\n";
    static const size_t counts[] = {2, 3};
    static const bench_dir dirs[] = {BENCH_TRAINING, BENCH_BACKWARD};
    assert_int_equal(read_shapes(PROBLEM_POOL, text, &list), 3);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.jobs[i].dir, BENCH_INFERENCE);
    free(list.jobs);
    for (size_t k = 0; k < 2; k++) {
        const case_settings s = {.dir = dirs[k], .dir_given = true};
        assert_int_equal(read_shapes_as(PROBLEM_POOL, text, &s, &list), counts[k]);
        for (size_t i = 0; i < list.count; i++)
            assert_int_equal(list.jobs[i].dir, dirs[k]);
        free(list.jobs);
    }
}

static void shapes__algorithms_and_axes(void **state)
{
    (void)state;
    case_list list;
    assert_int_equal(read_shapes(PROBLEM_POOL, "--alg=max,avg_np,avg_p ic8ih8kh2sh2", &list), 3);
    assert_int_equal(list.jobs[1].pooling, HEW_POOLING_AVG);
    free(list.jobs);
    assert_int_equal(
        read_shapes(PROBLEM_SOFTMAX, "8x10 --alg=LOGSOFTMAX 8x10 4x8x10 --axis=2 4x8x10", &list),
        3); /* along axis 1, 4x8x10 is left out */
    assert_false(list.jobs[0].log);
    assert_true(list.jobs[1].log);
    assert_int_equal(list.jobs[2].p.rows, 32);
    free(list.jobs);
}

static void shapes__wrong(void **state)
{
    (void)state;
    case_list list;
    assert_int_equal(read_shapes(PROBLEM_CONV, "--batch=not-there\n", &list), (size_t)-1);
    free(list.jobs);
    assert_int_equal(read_shapes(PROBLEM_CONV, "ic16ih8oc16kh3ph1\nrubbish\n", &list), (size_t)-1);
    free(list.jobs);
}

static void suites__are_problems(void **state)
{
    (void)state;
    char why[PROBLEM_WHY] = "";
    case_list list = {.jobs = NULL};
    const case_settings s = {.mb = 0};
    assert_true(case_add_suite(&list, PROBLEM_OP_COUNT, "all", &s, why));
    assert_true(list.count > 100);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.jobs[i].p.op == PROBLEM_CONV ? list.jobs[i].p.mb : 1, 1);
    free(list.jobs);
    const size_t all = list.count;
    list = (case_list){.jobs = NULL};
    assert_true(case_add_suite(&list, PROBLEM_OP_COUNT, "all:u8s8", &s, why));
    assert_true(list.count > 80 && list.count < all); /* products and convolutions */
    free(list.jobs);
    list = (case_list){.jobs = NULL};
    assert_true(case_add_suite(&list, PROBLEM_GEMM, "llama:wo4", &s, why));
    assert_string_equal(types_name(PROBLEM_CONV, &list.jobs[0].types), "wo4");
    free(list.jobs);
    list = (case_list){.jobs = NULL};
    const case_settings back = {.dir = BENCH_BACKWARD, .dir_given = true};
    assert_true(case_add_suite(&list, PROBLEM_OP_COUNT, "bnorm", &back, why));
    assert_int_equal(list.jobs[0].dir, BENCH_BACKWARD);
    free(list.jobs);
    list = (case_list){.jobs = NULL};
    assert_true(case_add_suite(&list, PROBLEM_OP_COUNT, "all:bf16", &back, why));
    for (size_t i = 0; i < list.count; i++)
        assert_true(bench_is_backward(&list.jobs[i]) && list.jobs[i].types.in == HEW_BF16);
    free(list.jobs);
    list = (case_list){.jobs = NULL};
    assert_false(case_add_suite(&list, PROBLEM_OP_COUNT, "resnet50", &back, why));
    assert_false(case_add_suite(&list, PROBLEM_GEMM, "resnet50", &s, why));
    assert_false(case_add_suite(&list, PROBLEM_SOFTMAX, "softmax:u8s8", &s, why));
    assert_false(case_add_suite(&list, PROBLEM_GEMM, "square:u7", &s, why));
    assert_false(case_add_suite(&list, PROBLEM_GEMM, "squ", &s, why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types__names),
        cmocka_unit_test(types__operations),
        cmocka_unit_test(types__elements),
        cmocka_unit_test(types__of_a_case),
        cmocka_unit_test(types__zero_points),
        cmocka_unit_test(shapes__directions),
        cmocka_unit_test(shapes__types),
        cmocka_unit_test(shapes__options),
        cmocka_unit_test(shapes__algorithms_and_axes),
        cmocka_unit_test(shapes__wrong),
        cmocka_unit_test(suites__are_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
