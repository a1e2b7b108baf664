/*
 * test_problem.c - benchdnn's notation as bench/ reads it: defaults, inferred extents.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../bench/cases.h"

static problem parsed(problem_op op, const char *text)
{
    problem p;
    char why[PROBLEM_WHY];
    if (!problem_parse(op, text, &p, why))
        fail_msg("%s: %s", text, why);
    return p;
}

static void refused(problem_op op, const char *text, const char *because)
{
    problem p;
    char why[PROBLEM_WHY] = "";
    if (problem_parse(op, text, &p, why))
        fail_msg("%s is taken for a problem", text);
    if (!strstr(why, because))
        fail_msg("%s: '%s' does not speak of '%s'", text, why, because);
}

static void three(const int64_t *x, int64_t a, int64_t b, int64_t c)
{
    if (x[0] != a || x[1] != b || x[2] != c)
        fail_msg("%d %d %d, not %d %d %d", (int)x[0], (int)x[1], (int)x[2], (int)a, (int)b, (int)c);
}

static void conv__defaults_and_name(void **state)
{
    (void)state;
    const problem p = parsed(PROBLEM_CONV, "g32ic256ih56oc256oh56kh3ph1n\"resnext:\"conv2");
    assert_string_equal(p.text, "g32ic256ih56oc256oh56kh3ph1");
    assert_string_equal(p.name, "resnext:conv2");
    assert_int_equal(p.mb, 2);
    assert_int_equal(p.g, 32);
    assert_int_equal(p.rank, 2);
    three(p.in, 56, 56, 1);
    three(p.kernel, 3, 3, 1);
    three(p.stride, 1, 1, 1);
    three(p.dilation, 1, 1, 1);
    three(p.pad_lo, 1, 1, 0);
    three(p.pad_hi, 1, 1, 0);
}

static void conv__separators_and_any_order(void **state)
{
    (void)state;
    const problem p =
        parsed(PROBLEM_CONV, "mb2_ic32oc32_iw79ow75kw5sw1pw0_ih41oh16kh10sh2ph0_n\"ds2\"");
    assert_string_equal(p.name, "ds2");
    three(p.in, 41, 79, 1);
    three(p.out, 16, 75, 1);
    three(p.kernel, 10, 5, 1);
    three(p.stride, 2, 1, 1);
}

static void conv__output_inferred(void **state)
{
    (void)state;
    problem p = parsed(PROBLEM_CONV, "mb1ic3iw224oc64kw7sw2");
    assert_int_equal(p.rank, 1);
    three(p.out, 109, 1, 1); /* no padding when neither o nor p is written */
    p = parsed(PROBLEM_CONV, "ic16id10oc16kd3pd1");
    assert_int_equal(p.rank, 3);
    three(p.in, 10, 10, 10);
    three(p.out, 10, 10, 10);
    p = parsed(PROBLEM_CONV, "ic8ih32oc8kh3dh1ph2");
    three(p.dilation, 2, 2, 1);
    three(p.out, 32, 32, 1);
}

static void conv__padding_inferred(void **state)
{
    (void)state;
    /* The first of these lines is a stem whose padding on the right is smaller. */
    problem p = parsed(PROBLEM_CONV, "mb1ic3ih224oc64oh112kh7sh2ph3");
    three(p.pad_lo, 3, 3, 0);
    three(p.pad_hi, 2, 2, 0);
    p = parsed(PROBLEM_CONV, "mb1ic3ih224oc64oh112kh7sh2");
    three(p.pad_lo, 2, 2, 0); /* (111 * 2 - 224 + 7) / 2, rounded down */
    three(p.pad_hi, 3, 3, 0);
    p = parsed(PROBLEM_CONV, "mb2_g1ic32oc32_ih7oh11kh3ph2");
    three(p.pad_hi, 4, 4, 0);
    p = parsed(PROBLEM_CONV, "mb1ic256ih56oc512oh28kh1sh2ph0");
    three(p.pad_hi, 0, 0, 0); /* -1: the last row is read by no tap */
}

static void conv__refused(void **state)
{
    (void)state;
    refused(PROBLEM_CONV, "", "empty");
    refused(PROBLEM_CONV, "ih56oc64kh3", "ic");
    refused(PROBLEM_CONV, "ic64ih56kh3", "oc");
    refused(PROBLEM_CONV, "ic64oc64", "spatial");
    refused(PROBLEM_CONV, "ic64oc64kh3", "ih");
    refused(PROBLEM_CONV, "ic64oc64ih8", "kh");
    refused(PROBLEM_CONV, "ic64oc64ih8kh3zh1", "zh1");
    refused(PROBLEM_CONV, "ic64oc64ih8khx", "kh");
    refused(PROBLEM_CONV, "ic64oc64ih2kh3", "oh");
    refused(PROBLEM_CONV, "ic64oc64ih8kh3sh0", "sh");
    refused(PROBLEM_CONV, "g3ic64oc64ih8kh3", "g = 3");
    refused(PROBLEM_CONV, "mb0ic64oc64ih8kh3", "mb");
    refused(PROBLEM_CONV, "ic64oc64ih8kh3iw8kw3id8kd3od99999999999", "od");
    refused(PROBLEM_CONV, "ic64oc64id8kd3ih8kh3", "both");
    refused(PROBLEM_CONV, "ic16oc16ih5oh1kh1", "part of the input");
    refused(PROBLEM_CONV, "ic64oc64ih100000iw100000kh1kw1mb100000", "2^38");
}

static void pool_and_ip(void **state)
{
    (void)state;
    problem p = parsed(PROBLEM_POOL, "ic64ih112oh56kh3sh2ph1");
    assert_int_equal(p.ic, 64);
    three(p.pad_hi, 0, 0, 0);
    refused(PROBLEM_POOL, "ic64oc64ih112kh3", "oc64");
    p = parsed(PROBLEM_IP, "mb112ic2048_ih1iw1_oc1000_n\"resnet:ip1\"");
    assert_int_equal(p.m, 112);
    assert_int_equal(p.n, 1000);
    assert_int_equal(p.k, 2048);
    p = parsed(PROBLEM_IP, "ic512ih7oc4096");
    assert_int_equal(p.m, 2);
    assert_int_equal(p.k, 512 * 49);
    refused(PROBLEM_IP, "ic512oc4096kh3", "kh3");
}

static void gemm__shapes(void **state)
{
    (void)state;
    problem p = parsed(PROBLEM_GEMM, "384x1024:1024x4096_n\"ffn\"");
    assert_int_equal(p.m, 384);
    assert_int_equal(p.k, 1024);
    assert_int_equal(p.n, 4096);
    assert_string_equal(p.name, "ffn");
    p = parsed(PROBLEM_GEMM, "m8n16k32nname");
    assert_int_equal(p.n, 16);
    assert_string_equal(p.name, "name");
    p = parsed(PROBLEM_GEMM, "3x64x128:3x128x32:3x64x32");
    assert_int_equal(problem_batch(&p, p.c_batch), 3);
    p = parsed(PROBLEM_GEMM, "13x1x8x16:1x5x16x8");
    assert_int_equal(problem_batch(&p, p.c_batch), 65);
    refused(PROBLEM_GEMM, "384x1024", "MxK:KxN");
    refused(PROBLEM_GEMM, "384x1024:1000x10", "B's rows");
    refused(PROBLEM_GEMM, "2x3x4:3x4x5", "batch");
    refused(PROBLEM_GEMM, "3x4:1x4x5", "dimensions");
    refused(PROBLEM_GEMM, "3x4:4x5:3x6", "third");
    refused(PROBLEM_GEMM, "m8n16", "m, n and k");
    refused(PROBLEM_GEMM, "3x4:4x5x", "number");
}

static void gemm__broadcast_members(void **state)
{
    (void)state;
    const problem p = parsed(PROBLEM_GEMM, "2x1x3x4:1x5x4x6");
    const bench_member last = bench_member_of(&p, 9), sixth = bench_member_of(&p, 5);
    assert_int_equal(last.a, 12); /* the second A, */
    assert_int_equal(last.b, 4 * 24); /* the fifth B */
    assert_int_equal(last.c, 9 * 18);
    assert_int_equal(sixth.a, 12);
    assert_int_equal(sixth.b, 0);
}

static void softmax_and_reorder(void **state)
{
    (void)state;
    char why[PROBLEM_WHY];
    problem p = parsed(PROBLEM_SOFTMAX, "16x384x384");
    assert_int_equal(p.rows, 16 * 384);
    assert_int_equal(p.columns, 384);
    p = parsed(PROBLEM_SOFTMAX, "128x1000x1x1");
    assert_true(problem_set_axis(&p, 1, why));
    assert_int_equal(p.rows, 128);
    assert_int_equal(p.columns, 1000);
    assert_false(problem_set_axis(&p, 0, why));
    assert_true(p.unsupported);
    p = parsed(PROBLEM_REORDER, "2x64x5x7");
    assert_int_equal(p.pixels, 35);
    refused(PROBLEM_REORDER, "2x64", "NxCxW");
    refused(PROBLEM_SOFTMAX, "2x", "number");
}

static void shape(const problem *p, int i, int rank, int64_t a, int64_t b, int64_t c)
{
    assert_int_equal(p->shapes[i].rank, rank);
    three(p->shapes[i].extent, a, b, c);
}

static void tensors__shapes(void **state)
{
    (void)state;
    problem p = parsed(PROBLEM_ELTWISE, "64x3x7_n\"some\"");
    assert_int_equal(p.n_shapes, 1);
    shape(&p, 0, 3, 64, 3, 7);
    assert_string_equal(p.name, "some");
    p = parsed(PROBLEM_BINARY, "64x3x7:1x3x1");
    shape(&p, 1, 3, 1, 3, 1);
    p = parsed(PROBLEM_CONCAT, "2x3x5:2x4x5:2x1x5");
    char why[PROBLEM_WHY] = "";
    assert_int_equal(p.n_shapes, 3);
    assert_true(problem_set_concat_axis(&p, 1, why));
    assert_false(problem_set_concat_axis(&p, 0, why));
    assert_false(problem_set_concat_axis(&p, 3, why));
    refused(PROBLEM_BINARY, "64x3x7", "2 tensors");
    refused(PROBLEM_BINARY, "64x3x7:64x3", "the first one's, or 1");
    refused(PROBLEM_REDUCTION, "64x3x7:64x2x7", "the first one's, or 1");
    refused(PROBLEM_ELTWISE, "64x3:64x3", "1 tensors");
    refused(PROBLEM_CONCAT, "2x3", "or more");
    refused(PROBLEM_LNORM, "2x", "number");
}

static void tensors__keys(void **state)
{
    (void)state;
    problem p = parsed(PROBLEM_BNORM, "mb1_ic64_ih56_eps1e-3");
    shape(&p, 0, 4, 1, 64, 56);
    assert_int_equal(p.shapes[0].extent[3], 56);
    assert_true(p.eps == 1e-3);
    p = parsed(PROBLEM_BNORM, "ic10");
    shape(&p, 0, 2, 2, 10, 0);
    p = parsed(PROBLEM_GNORM, "g8mb2ic64id4");
    shape(&p, 0, 5, 2, 64, 4);
    assert_int_equal(p.g, 8);
    p = parsed(PROBLEM_LRN, "mb1ic96ih55ls3alpha1e-4beta0.5k2");
    assert_int_equal(p.window, 3);
    assert_true(p.lrn_alpha == 1e-4 && p.lrn_beta == 0.5 && p.lrn_k == 2);
    p = parsed(PROBLEM_RESAMPLING, "mb1ic8ih5oh7iw6ow12");
    shape(&p, 0, 4, 1, 8, 5);
    shape(&p, 1, 4, 1, 8, 7);
    assert_int_equal(p.shapes[1].extent[3], 12);
    refused(PROBLEM_GNORM, "g3ic64ih8", "g = 3");
    refused(PROBLEM_BNORM, "mb0ic64ih8", "mb and ic");
    refused(PROBLEM_BNORM, "ic64ih", "key and number");
    refused(PROBLEM_LRN, "ic64ih8ls0", "ls is 0");
    refused(PROBLEM_RESAMPLING, "ic64ih8", "i and o");
    refused(PROBLEM_RESAMPLING, "ic64ih8ow8", "i and o");
    refused(PROBLEM_BNORM, "mb1ic99999ih99999iw99999", "2^38");
}

static void work_is_counted_without_padding(void **state)
{
    (void)state;
    problem p = parsed(PROBLEM_CONV, "mb1ic1oc1ih3kh3ph1");
    assert_true(problem_macs(&p) == 49); /* 7 taps of each axis fall inside */
    p = parsed(PROBLEM_GEMM, "4x2x3:4x3x5");
    assert_true(problem_macs(&p) == 4 * 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv__defaults_and_name),
        cmocka_unit_test(conv__separators_and_any_order),
        cmocka_unit_test(conv__output_inferred),
        cmocka_unit_test(conv__padding_inferred),
        cmocka_unit_test(conv__refused),
        cmocka_unit_test(pool_and_ip),
        cmocka_unit_test(gemm__shapes),
        cmocka_unit_test(gemm__broadcast_members),
        cmocka_unit_test(softmax_and_reorder),
        cmocka_unit_test(tensors__shapes),
        cmocka_unit_test(tensors__keys),
        cmocka_unit_test(work_is_counted_without_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
