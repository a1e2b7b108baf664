/* options.c - hew-bench's command line: --help is its description. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static const char *const help[] = {
    "usage: hew-bench OP [OPTION...] [PROBLEM...]\n"
    "\n"
    "Checks and times operations of this library, and of others on the same data.\n"
    "\n"
    "OP and how its problems are written (oneDNN's benchdnn notation; n\"name\" may follow):\n"
    "  gemm, matmul  384x1024:1024x4096, with batch 3x64x128:3x128x32, or m8n8k8\n"
    "  ip            mb112ic2048oc1000\n"
    "  conv          g32mb1ic256ih56oc256oh56kh3sh1dh0ph1 (dh0: taps are adjacent)\n"
    "  pool          mb1ic64ih112oh56kh3sh2ph1\n"
    "  softmax       128x1000 (along the last axis)\n"
    "  reorder       1x64x56x56 (NCHW to NHWC)\n"
    "  eltwise, sum, lnorm, shuffle     64x197x768\n"
    "  binary, prelu, reduction         64x197x768:1x1x768\n"
    "  concat        1x64x56x56:1x128x56x56\n"
    "  bnorm, gnorm  g32mb1ic256ih56eps1e-5; lrn: ls5alpha1e-4beta0.75k1\n"
    "  resampling    mb1ic64ih28oh56\n"
    "\n"
    "What to run:\n"
    "  --suite NAME        a built-in list of problems; --list shows them.  NAME:TYPES with these\n"
    "  --shapes FILE       a shape file of benchdnn\n"
    "  --mb N              this batch size instead of the one written (conv, pool, ip)\n"
    "  --dir DIR           FWD_I: inference; FWD_D: training, which keeps indices or statistics\n"
    "                      (pool, lnorm, bnorm, gnorm); BWD_D: the gradient of the input (pool,\n"
    "                      softmax, eltwise, shuffle, lnorm, bnorm, gnorm, lrn, resampling);\n"
    "                      BWD_DW: of weights, too (prelu, lnorm, bnorm, gnorm)\n"
    "  --types TYPES       of input, weights and output: f32, bf16, f16, fpmath, u8s8s32, ...\n"
    "                      (u8s8 is u8s8u8); u8, s8 for pool; f32 times s8: wo8, times s4: wo4;\n"
    "                      dyn8, dyn8u: after quantising rows of f32 to s8, u8 while running\n"
    "  --out TYPE          this type of output instead: u8, s8, s32, f32, bf16\n"
    "  --group N           wo8, wo4: rows of B with one scale, 0: all (wo4: 128, wo8: 0)\n"
    "  --zero-points LIST  other than 0 for src, wei, dst: integers only\n"
    "  --isa NAME[,...]    ref, avx2, avx512, ...: on this rung of the ladder; all: on each\n"
    "                      that has kernels but ref.  By default the best one\n"
    "  --threads N         of this library and its peers; 0: as many as there are CPUs (1)\n"
    "\n",
    "What is fused and how operands lie:\n"
    "  --bias              add a bias (gemm, ip, conv)\n"
    "  --residual          add to what the output holds\n"
    "  --act NAME[:A[:B]]  relu, leaky_relu, clip, elu, sigmoid, tanh, silu, gelu_erf, gelu_tanh,\n"
    "                      hardswish, hardsigmoid, mish\n"
    "  --ta, --tb          A, B of a gemm are stored transposed\n"
    "  --one-shot          B is plain: packing it, if done at all, is part of the time\n"
    "  --alg NAME          pool: max, avg_np, avg_p; softmax: softmax, logsoftmax\n"
    "                      eltwise: an activation; with BWD_D also relu_dst, clip_, elu_,\n"
    "                      sigmoid_, tanh_, sqrt_, exp_dst: from the result\n"
    "                      binary: add, sub, ..., ne;\n"
    "                      lrn: across, within; reduction: sum, mean, ..., norm_lp_sum:2;\n"
    "                      resampling: nearest, linear\n"
    "  --axis N            softmax: this one, by default the last; concat, shuffle: by default 1\n"
    "  --groups N          shuffle (4)\n"
    "  --to-nchw           reorder from NHWC to NCHW\n"
    "\n"
    "How to measure and what to print:\n"
    "  --peer NAME[,...]   compare with onednn, openblas, blis, libxsmm; all: those found\n"
    "  --against TYPES     compare with this library on the same problem with these types\n"
    "  --min-time S        seconds for each case and contestant (0.1)\n"
    "  --check-only        check the results and don't time\n"
    "  --json FILE         also write JSON lines to FILE; - is stdout, instead of the table\n"
    "  --csv               CSV instead of the table\n"
    "  --verbose           also say which of its ways each peer was fastest with\n"
    "  --list              print the problems, or with no problems the suites, and stop\n"
    "  --help\n"
    "\n"
    "Every result is compared bit by bit with the library's reference before it is timed; where\n"
    "that would take too long, a sample is, and all of it with the avx2 rung: see the `check`\n"
    "column.  Peers' results are checked to within rounding, and s32 ones to the last bit, except\n"
    "oneDNN's sums of 8-bit products on a CPU without VNNI, which are not exact.\n"
    "\n"
    "gops is GFLOP/s, or GOP/s of integers, and pct_peak the part of the rate of FMA, or of 8-bit\n"
    "products, measured at the start; for M = 1 or N = 1, pct_peak is the part of the read\n"
    "bandwidth; for operations on data alone gops is GB/s, read + written, and pct_peak the part\n"
    "of the copy bandwidth, each measured for data of the same size.  With one thread, times are\n"
    "that thread's CPU time, so that other processes don't count; with more, wall time.\n"
    "\n"
    "Quantised problems have a scale for each output channel, a bias of s32 where there is one,\n"
    "and integers over all of their range.\n"
    "\n"
    "Exit status: 0, 1 when a result was wrong, 2 when the command line was.\n"};

void options_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("hew-bench: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    exit(2);
}

enum {
    OPT_SUITE = 256, OPT_SHAPES, OPT_DIR, OPT_MB, OPT_TYPES, OPT_OUT, OPT_GROUP, OPT_ZERO_POINTS,
    OPT_ISA, OPT_THREADS, OPT_BIAS, OPT_RESIDUAL, OPT_ACT, OPT_AXIS, OPT_TA, OPT_TB, OPT_ONE_SHOT,
    OPT_ALG, OPT_TO_NCHW, OPT_GROUPS, OPT_PEER, OPT_AGAINST, OPT_MIN_TIME, OPT_CHECK_ONLY, OPT_JSON,
    OPT_CSV, OPT_VERBOSE, OPT_LIST, OPT_HELP
};

static const struct option long_options[] = {
    {"suite", required_argument, NULL, OPT_SUITE},
    {"shapes", required_argument, NULL, OPT_SHAPES},
    {"dir", required_argument, NULL, OPT_DIR},
    {"mb", required_argument, NULL, OPT_MB},
    {"types", required_argument, NULL, OPT_TYPES},
    {"out", required_argument, NULL, OPT_OUT},
    {"group", required_argument, NULL, OPT_GROUP},
    {"zero-points", required_argument, NULL, OPT_ZERO_POINTS},
    {"isa", required_argument, NULL, OPT_ISA},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"bias", no_argument, NULL, OPT_BIAS},
    {"residual", no_argument, NULL, OPT_RESIDUAL},
    {"act", required_argument, NULL, OPT_ACT},
    {"ta", no_argument, NULL, OPT_TA},
    {"tb", no_argument, NULL, OPT_TB},
    {"one-shot", no_argument, NULL, OPT_ONE_SHOT},
    {"alg", required_argument, NULL, OPT_ALG},
    {"axis", required_argument, NULL, OPT_AXIS},
    {"to-nchw", no_argument, NULL, OPT_TO_NCHW},
    {"groups", required_argument, NULL, OPT_GROUPS},
    {"peer", required_argument, NULL, OPT_PEER},
    {"against", required_argument, NULL, OPT_AGAINST},
    {"min-time", required_argument, NULL, OPT_MIN_TIME},
    {"check-only", no_argument, NULL, OPT_CHECK_ONLY},
    {"json", required_argument, NULL, OPT_JSON},
    {"csv", no_argument, NULL, OPT_CSV},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static double number(const char *option, const char *text, double least, double most)
{
    char *end;
    const double x = strtod(text, &end);
    if (end == text || *end || !(x >= least && x <= most))
        options_fail("--%s wants a number from %g to %g, not '%s'", option, least, most, text);
    return x;
}

/* Calls add for each part of "a,b,c". */
static void each_word(options *o, const char *list, void (*add)(options *, const char *))
{
    char word[64];
    for (const char *s = list;; s++) {
        const size_t length = strcspn(s, ",");
        if (length >= sizeof word)
            options_fail("'%s' is not known", s);
        memcpy(word, s, length);
        word[length] = '\0';
        add(o, word);
        s += length;
        if (!*s)
            return;
    }
}

static void add_peer(options *o, const char *word)
{
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (strcmp(word, peer_names[i]) != 0)
            continue;
        for (size_t k = 0; k < o->n_peers; k++) {
            if (o->peers[k] == peer_names[i])
                return;
        }
        o->peers[o->n_peers++] = peer_names[i];
        return;
    }
    if (strcmp(word, "all") != 0)
        options_fail("no peer '%s': onednn, openblas, blis, libxsmm or all", word);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        char why[PEER_WHY];
        if (peer_load(peer_names[i], why))
            add_peer(o, peer_names[i]);
    }
}

static void add_isa(options *o, const char *word)
{
    bool known = strcmp(word, "all") == 0;
    for (int i = 0; i < HEW_ISA_COUNT; i++) {
        hew_kernel_info info;
        bool has_kernels = false;
        for (size_t k = 0; hew_active_kernel(k, &info); k++)
            has_kernels |= (int)info.isa == i;
        if (strcmp(word, "all") == 0 && i != HEW_ISA_REF &&
            (i == HEW_ISA_AVX2 || has_kernels) && hew_isa_available((hew_isa)i))
            o->isas[i] = true;
        if (strcmp(word, hew_isa_name((hew_isa)i)) == 0) {
            known = true;
            if (!hew_isa_available((hew_isa)i))
                options_fail("this CPU, or HEW_MAX_ISA, has no %s", word);
            o->isas[i] = true;
        }
    }
    if (!known)
        options_fail("no instruction set '%s': ref, avx2, avx2_vnni, avx512, ... or all", word);
}

static void set_alg(problem_op op, case_settings *s, const char *word)
{
    const bool pool = op == PROBLEM_POOL;
    if (pool && strcmp(word, "max") == 0)
        s->pooling = HEW_POOLING_MAX;
    else if (pool && strcmp(word, "avg_np") == 0)
        s->pooling = HEW_POOLING_AVG;
    else if (pool && strcmp(word, "avg_p") == 0)
        s->pooling = HEW_POOLING_AVG_PADDED;
    else if (op == PROBLEM_SOFTMAX && strcasecmp(word, "softmax") == 0)
        s->log = false;
    else if (op == PROBLEM_SOFTMAX && strcasecmp(word, "logsoftmax") == 0)
        s->log = true;
    else if (op == PROBLEM_OP_COUNT || problem_has_tensors(op))
        s->alg = word;
    else
        options_fail("--alg %s: %s has no such algorithm", word, problem_op_name(op));
}

/* True if the option is one of how to run, false if one of what. */
static bool parse_how(options *o, int option, const char *value)
{
    switch (option) {
    case OPT_ISA: each_word(o, value, add_isa); break;
    case OPT_THREADS: o->threads = (int)number("threads", value, 0, 1024); break;
    case OPT_PEER: each_word(o, value, add_peer); break;
    case OPT_MIN_TIME: o->min_time = number("min-time", value, 0, 3600); break;
    case OPT_CHECK_ONLY: o->check_only = true; break;
    case OPT_JSON: o->json = value; break;
    case OPT_CSV: o->csv = true; break;
    case OPT_VERBOSE: o->verbose = true; break;
    case OPT_LIST: o->list = true; break;
    case OPT_HELP: fputs(help[0], stdout), fputs(help[1], stdout); exit(0);
    case OPT_AGAINST:
        o->has_against = true;
        if (!types_parse(value, &o->against))
            options_fail("--against %s: no such types", value);
        break;
    default: return false;
    }
    return true;
}

static void parse_what(options *o, case_settings *s, int option, const char *value)
{
    switch (option) {
    case OPT_TYPES:
        s->types_given = true;
        if (!types_parse(value, &s->types))
            options_fail("--types %s: f32, bf16, bf16bf16f32, f16, fpmath, u8s8, s8s8, ..., wo8, "
                         "wo4, u8, s8", value);
        break;
    case OPT_OUT:
        s->has_out = true;
        if (!element_parse(value, &s->out))
            options_fail("--out %s: u8, s8, s32, f32 or bf16", value);
        break;
    case OPT_GROUP:
        s->has_b_group = true;
        s->b_group = (int64_t)number("group", value, 0, INT32_MAX);
        break;
    case OPT_ZERO_POINTS:
        if (!case_zero_points_parse(value, &s->zero_points))
            options_fail("--zero-points %s: src, wei, dst", value);
        break;
    case OPT_DIR:
        s->dir_given = true;
        if (!case_dir_parse(value, &s->dir))
            options_fail("--dir %s: FWD_I, FWD_D, BWD_D or BWD_DW", value);
        break;
    case OPT_MB: s->mb = (int64_t)number("mb", value, 1, INT32_MAX); break;
    case OPT_BIAS: s->bias = true; break;
    case OPT_RESIDUAL: s->residual = true; break;
    case OPT_TA: s->transpose_a = true; break;
    case OPT_TB: s->transpose_b = true; break;
    case OPT_ONE_SHOT: s->one_shot = true; break;
    case OPT_TO_NCHW: s->to_channels_first = true; break;
    case OPT_AXIS:
        s->axis = (int64_t)number("axis", value, 0, PROBLEM_MAX_DIMS);
        s->has_axis = true;
        break;
    case OPT_ALG: set_alg(o->op, s, value); break;
    case OPT_GROUPS: s->groups = (int64_t)number("groups", value, 1, INT32_MAX); break;
    case OPT_ACT:
        if (!case_act_parse(value, &s->act))
            options_fail("no activation '%s': see --help", value);
        break;
    default: break;
    }
}

static void add_cases(options *o, const case_settings *s, int argc, char **argv)
{
    static const char no_more[] = "";
    char why[PROBLEM_WHY];
    optind = 0; /* once more, now that all settings are known */
    for (int option; (option = getopt_long(argc, argv, no_more, long_options, NULL)) != -1;) {
        if (option == OPT_SUITE && !case_add_suite(&o->cases, o->op, optarg, s, why))
            options_fail("--suite %s: %s", optarg, why);
        if (option == OPT_SHAPES && !case_add_file(&o->cases, o->op, optarg, s, why))
            options_fail("--shapes %s: %s", optarg, why);
    }
    for (int i = optind; i < argc; i++) {
        if (case_add(&o->cases, o->op, argv[i], s, why) != CASE_ADDED)
            options_fail("'%s': %s", argv[i], why);
    }
}

void options_parse(options *o, int argc, char **argv)
{
    *o = (options){.threads = 1, .min_time = 0.1, .op = PROBLEM_OP_COUNT};
    case_settings s;
    memset(&s, 0, sizeof s);
    if (argc > 1 && argv[1][0] != '-') {
        if (!problem_op_parse(argv[1], &o->op) && strcmp(argv[1], "all") != 0)
            options_fail("no operation '%s': see hew-bench --help", argv[1]);
        argv[1] = argv[0]; /* which getopt's messages begin with */
        argc--;
        argv++;
    }
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (option == '?')
            options_fail("see hew-bench --help");
        if (!parse_how(o, option, optarg))
            parse_what(o, &s, option, optarg);
    }
    if (o->op == PROBLEM_OP_COUNT && optind < argc)
        options_fail("which operation is '%s'?  hew-bench OP PROBLEM...", argv[optind]);
    add_cases(o, &s, argc, argv);
    bool any = false;
    for (int i = 0; i < HEW_ISA_COUNT; i++)
        any |= o->isas[i];
    if (!any)
        o->isas[hew_active_isa()] = true;
}
