/*
 * suites.c - built-in lists of problems.
 */
#include "cases.h"

#include <stdio.h>

typedef struct suite {
    const char *name, *about;
    problem_op op;
    hew_act_kind act; /* fused to every problem, unless the command line says another */
    bool bias;
    hew_pooling_kind pooling;
    const char *const *problems; /* up to a null */
    const char *alg;             /* of operations on tensors */
} suite;

static const char *const resnet50[] = {
    "mb1ic3ih224oc64oh112kh7sh2ph3n\"resnet50:conv1\"",
    "mb1ic64ih56oc64kh1n\"resnet50:2a_1x1a\"",
    "mb1ic64ih56oc64oh56kh3ph1n\"resnet50:2_3x3\"",
    "mb1ic64ih56oc256kh1n\"resnet50:2_1x1c\"",
    "mb1ic256ih56oc64kh1n\"resnet50:2b_1x1a\"",
    "mb1ic256ih56oc128kh1n\"resnet50:3a_1x1a\"",
    "mb1ic128ih56oc128oh28kh3sh2ph1n\"resnet50:3a_3x3\"",
    "mb1ic128ih28oc512kh1n\"resnet50:3_1x1c\"",
    "mb1ic256ih56oc512oh28kh1sh2ph0n\"resnet50:3a_proj\"",
    "mb1ic512ih28oc128kh1n\"resnet50:3b_1x1a\"",
    "mb1ic128ih28oc128oh28kh3ph1n\"resnet50:3b_3x3\"",
    "mb1ic512ih28oc256kh1n\"resnet50:4a_1x1a\"",
    "mb1ic256ih28oc256oh14kh3sh2ph1n\"resnet50:4a_3x3\"",
    "mb1ic256ih14oc1024kh1n\"resnet50:4_1x1c\"",
    "mb1ic512ih28oc1024oh14kh1sh2ph0n\"resnet50:4a_proj\"",
    "mb1ic1024ih14oc256kh1n\"resnet50:4b_1x1a\"",
    "mb1ic256ih14oc256oh14kh3ph1n\"resnet50:4b_3x3\"",
    "mb1ic1024ih14oc512kh1n\"resnet50:5a_1x1a\"",
    "mb1ic512ih14oc512oh7kh3sh2ph1n\"resnet50:5a_3x3\"",
    "mb1ic512ih7oc2048kh1n\"resnet50:5_1x1c\"",
    "mb1ic1024ih14oc2048oh7kh1sh2ph0n\"resnet50:5a_proj\"",
    "mb1ic2048ih7oc512kh1n\"resnet50:5b_1x1a\"",
    "mb1ic512ih7oc512oh7kh3ph1n\"resnet50:5b_3x3\"",
    NULL};

static const char *const depthwise[] = {
    "mb1g32ic32ih112oc32oh112kh3ph1n\"mobilenet:dw_32_112\"",
    "mb1g64ic64ih112oc64oh56kh3sh2ph1n\"mobilenet:dw_64_112s2\"",
    "mb1g96ic96ih112oc96oh56kh3sh2ph1n\"mobilenet:dw_96_112s2\"",
    "mb1g128ic128ih56oc128oh56kh3ph1n\"mobilenet:dw_128_56\"",
    "mb1g128ic128ih56oc128oh28kh3sh2ph1n\"mobilenet:dw_128_56s2\"",
    "mb1g144ic144ih56oc144oh56kh3ph1n\"mobilenet:dw_144_56\"",
    "mb1g144ic144ih56oc144oh28kh3sh2ph1n\"mobilenet:dw_144_56s2\"",
    "mb1g192ic192ih28oc192oh28kh3ph1n\"mobilenet:dw_192_28\"",
    "mb1g192ic192ih28oc192oh14kh3sh2ph1n\"mobilenet:dw_192_28s2\"",
    "mb1g256ic256ih28oc256oh28kh3ph1n\"mobilenet:dw_256_28\"",
    "mb1g256ic256ih28oc256oh14kh3sh2ph1n\"mobilenet:dw_256_28s2\"",
    "mb1g384ic384ih14oc384oh14kh3ph1n\"mobilenet:dw_384_14\"",
    "mb1g512ic512ih14oc512oh14kh3ph1n\"mobilenet:dw_512_14\"",
    "mb1g512ic512ih14oc512oh7kh3sh2ph1n\"mobilenet:dw_512_14s2\"",
    "mb1g576ic576ih14oc576oh14kh3ph1n\"mobilenet:dw_576_14\"",
    "mb1g576ic576ih14oc576oh7kh3sh2ph1n\"mobilenet:dw_576_14s2\"",
    "mb1g960ic960ih7oc960oh7kh3ph1n\"mobilenet:dw_960_7\"",
    "mb1g1024ic1024ih7oc1024oh7kh3ph1n\"mobilenet:dw_1024_7\"",
    NULL};

static const char *const pointwise[] = {
    "mb1ic3ih224oc32oh112kh3sh2ph1n\"mobilenet:conv1\"",
    "mb1ic32ih112oc16kh1n\"mobilenet:pw_32_16_112\"",
    "mb1ic32ih112oc64kh1n\"mobilenet:pw_32_64_112\"",
    "mb1ic16ih112oc96kh1n\"mobilenet:pw_16_96_112\"",
    "mb1ic96ih56oc24kh1n\"mobilenet:pw_96_24_56\"",
    "mb1ic24ih56oc144kh1n\"mobilenet:pw_24_144_56\"",
    "mb1ic64ih56oc128kh1n\"mobilenet:pw_64_128_56\"",
    "mb1ic128ih56oc128kh1n\"mobilenet:pw_128_128_56\"",
    "mb1ic144ih28oc32kh1n\"mobilenet:pw_144_32_28\"",
    "mb1ic32ih28oc192kh1n\"mobilenet:pw_32_192_28\"",
    "mb1ic128ih28oc256kh1n\"mobilenet:pw_128_256_28\"",
    "mb1ic256ih28oc256kh1n\"mobilenet:pw_256_256_28\"",
    "mb1ic192ih14oc64kh1n\"mobilenet:pw_192_64_14\"",
    "mb1ic64ih14oc384kh1n\"mobilenet:pw_64_384_14\"",
    "mb1ic384ih14oc96kh1n\"mobilenet:pw_384_96_14\"",
    "mb1ic96ih14oc576kh1n\"mobilenet:pw_96_576_14\"",
    "mb1ic256ih14oc512kh1n\"mobilenet:pw_256_512_14\"",
    "mb1ic512ih14oc512kh1n\"mobilenet:pw_512_512_14\"",
    "mb1ic576ih7oc160kh1n\"mobilenet:pw_576_160_7\"",
    "mb1ic160ih7oc960kh1n\"mobilenet:pw_160_960_7\"",
    "mb1ic960ih7oc320kh1n\"mobilenet:pw_960_320_7\"",
    "mb1ic320ih7oc1280kh1n\"mobilenet:pw_320_1280_7\"",
    "mb1ic512ih7oc1024kh1n\"mobilenet:pw_512_1024_7\"",
    "mb1ic1024ih7oc1024kh1n\"mobilenet:pw_1024_1024_7\"",
    NULL};

/* One sequence of 384 tokens, 16 heads of 64. */
static const char *const bert_large[] = {
    "384x1024:1024x1024n\"bert_large:qkv\"",    "384x1024:1024x4096n\"bert_large:ffn1\"",
    "384x4096:4096x1024n\"bert_large:ffn2\"",   "16x384x64:16x64x384n\"bert_large:scores\"",
    "16x384x384:16x384x64n\"bert_large:mix\"",  "1x1024:1024x1024n\"bert_large:pooler\"",
    NULL};

/* The two MLPs of the MLPerf model at a batch of 128. */
static const char *const dlrm[] = {
    "128x13:13x512n\"dlrm:bottom1\"",     "128x512:512x256n\"dlrm:bottom2\"",
    "128x256:256x128n\"dlrm:bottom3\"",   "128x479:479x1024n\"dlrm:top1\"",
    "128x1024:1024x1024n\"dlrm:top2\"",   "128x1024:1024x512n\"dlrm:top3\"",
    "128x512:512x256n\"dlrm:top4\"",      "128x256:256x1n\"dlrm:top5\"",
    NULL};

static const char *const square[] = {
    "64x64:64x64",       "96x96:96x96",       "128x128:128x128",     "192x192:192x192",
    "256x256:256x256",   "384x384:384x384",   "512x512:512x512",     "768x768:768x768",
    "1024x1024:1024x1024", "1536x1536:1536x1536", "2048x2048:2048x2048", NULL};

static const char *const small[] = {
    "4x4:4x4",     "8x8:8x8",       "8x8:8x16",    "12x12:12x12", "13x13:13x13", "16x16:16x16",
    "17x23:23x19", "24x24:24x24",   "31x31:31x31", "32x32:32x32", "33x33:33x33", "5x64:64x7",
    "8x256:256x8", "48x48:48x48",   "1x64:64x64",  "64x64:64x1",  NULL};

static const char *const gemv[] = {
    "1x256:256x256",     "1x1024:1024x1024", "1x1024:1024x4096", "1x4096:4096x1024",
    "1x2048:2048x1000",  "1x2048:2048x2048", "1x4096:4096x4096", "1024x1024:1024x1",
    "4096x4096:4096x1",  NULL};

/* A token of a 7 B model: queries, keys, values and output; up and gate; down. */
static const char *const llama[] = {"1x4096:4096x4096n\"llama:qkvo\"",
                                    "1x4096:4096x11008n\"llama:up\"",
                                    "1x11008:11008x4096n\"llama:down\"", NULL};

static const char *const pool_max[] = {
    "mb1ic64ih112oh56kh3sh2ph1n\"resnet50:pool1\"", "mb1ic64ih224oh112kh2sh2ph0n\"vgg16:pool1\"",
    "mb1ic512ih28oh14kh2sh2ph0n\"vgg16:pool4\"", "mb1ic192ih28oh28kh3sh1ph1n\"googlenet:3a\"",
    "mb1ic832ih7oh7kh3sh1ph1n\"googlenet:5a\"", "mb1ic32id16od8kd2sd2pd0n\"unet3d:pool\"", NULL};

static const char *const pool_avg[] = {"mb1ic2048ih7oh1kh7n\"resnet50:pool2\"",
                                       "mb1ic288ih35oh35kh3sh1ph1n\"inception3:5a\"",
                                       "mb1ic1024ih14oh7kh2sh2ph0n\"densenet:t3\"", NULL};

static const char *const softmax[] = {"1x1000n\"imagenet\"",   "128x1000n\"imagenet:128\"",
                                      "6144x384n\"bert_large:scores\"", "64x64", "256x10",
                                      "16x30522n\"bert:vocabulary\"", "4096x77", NULL};

static const char *const reorder[] = {"1x3x224x224", "1x64x56x56", "1x512x7x7", "8x64x56x56", NULL};

static const char *const eltwise[] = {"1x64x112x112n\"resnet50:conv1\"",
                                      "1x256x56x56n\"resnet50:2c\"", "1x512x7x7n\"resnet50:5b\"",
                                      "384x4096n\"bert_large:ffn\"", "128x1024n\"dlrm\"",
                                      "8x256x56x56n\"resnet50:2c:8\"", NULL};

static const char *const binary[] = {"1x256x56x56:1x256x56x56n\"resnet50:2c\"",
                                     "1x2048x7x7:1x2048x7x7n\"resnet50:5c\"",
                                     "1x256x56x56:1x256x1x1n\"channels\"",
                                     "384x1024:1x1024n\"bert_large:bias\"",
                                     "16x384x384:1x1x384n\"bert_large:mask\"",
                                     "8x256x56x56:8x256x56x56n\"resnet50:2c:8\"", NULL};

static const char *const prelu[] = {"1x64x112x112:1x64x1x1n\"channels\"",
                                    "1x256x56x56:1x1x1x1n\"one slope\"",
                                    "384x1024:1x1024n\"columns\"",
                                    "128x1024:128x1024n\"elements\"", NULL};

static const char *const layer_norm[] = {"384x1024n\"bert_large\"", "1x1024n\"a token\"",
                                         "4096x768n\"bert:8x512\"", "128x64", "197x768n\"vit\"",
                                         NULL};

static const char *const batch_norm[] = {"mb1ic64ih112n\"resnet50:conv1\"",
                                         "mb1ic256ih56n\"resnet50:2c\"",
                                         "mb1ic2048ih7n\"resnet50:5c\"",
                                         "mb8ic256ih56n\"resnet50:2c:8\"", NULL};

static const char *const group_norm[] = {"g32mb1ic256ih56", "g32mb2ic320ih64n\"diffusion\"",
                                         "g64mb1ic64ih56n\"instance\"", NULL};

static const char *const concat[] = {"1x64x56x56:1x32x56x56n\"densenet\"",
                                     "1x64x28x28:1x128x28x28:1x32x28x28:1x32x28x28"
                                     "n\"googlenet:3a\"",
                                     "128x16:128x16:128x16:128x16n\"dlrm\"", NULL};

static const char *const shuffle[] = {"1x240x28x28n\"shufflenet\"", "8x480x14x14", NULL};

static const char *const reduction[] = {"1x2048x7x7:1x2048x1x1n\"resnet50:pool2\"",
                                        "384x1024:384x1", "384x1024:1x1024",
                                        "8x256x56x56:8x1x56x56",
                                        "1000000:1", NULL};

static const char *const lrn[] = {"mb1ic96ih55alpha1e-4n\"alexnet:1\"",
                                  "mb1ic256ih27alpha1e-4n\"alexnet:2\"", NULL};

static const char *const resampling[] = {"mb1ic256ih14oh28n\"fpn:4\"", "mb1ic256ih28oh56n\"fpn:3\"",
                                         "mb1ic3ih300oh224", NULL};

static const suite suites[] = {
    {"resnet50", "ResNet-50 v1.5, batch 1, bias + relu", PROBLEM_CONV, HEW_ACT_RELU, true,
     HEW_POOLING_MAX, resnet50, NULL},
    {"mobilenet", "MobileNet v1 and v2, batch 1, bias + relu6", PROBLEM_CONV, HEW_ACT_CLIP, true,
     HEW_POOLING_MAX, pointwise, NULL},
    {"mobilenet", "its depthwise convolutions", PROBLEM_CONV, HEW_ACT_CLIP, true,
     HEW_POOLING_MAX, depthwise, NULL},
    {"depthwise", "those alone", PROBLEM_CONV, HEW_ACT_CLIP, true,
     HEW_POOLING_MAX, depthwise, NULL},
    {"bert-large", "one sequence of 384", PROBLEM_GEMM, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     bert_large, NULL},
    {"dlrm", "MLPs, batch 128", PROBLEM_GEMM, HEW_ACT_NONE, false, HEW_POOLING_MAX, dlrm, NULL},
    {"square", "64 to 2048", PROBLEM_GEMM, HEW_ACT_NONE, false, HEW_POOLING_MAX, square, NULL},
    {"small", "4 to 48, odd ones too", PROBLEM_GEMM, HEW_ACT_NONE, false,
     HEW_POOLING_MAX, small, NULL},
    {"gemv", "M = 1 or N = 1", PROBLEM_GEMM, HEW_ACT_NONE, false, HEW_POOLING_MAX, gemv, NULL},
    {"llama", "a token of a 7 B model", PROBLEM_GEMM, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     llama, NULL},
    {"pool", "maxima", PROBLEM_POOL, HEW_ACT_NONE, false, HEW_POOLING_MAX, pool_max, NULL},
    {"pool", "averages", PROBLEM_POOL, HEW_ACT_NONE, false, HEW_POOLING_AVG, pool_avg, NULL},
    {"softmax", "rows from 10 to 30522", PROBLEM_SOFTMAX, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     softmax, NULL},
    {"reorder", "NCHW to NHWC", PROBLEM_REORDER, HEW_ACT_NONE, false,
     HEW_POOLING_MAX, reorder, NULL},
    {"eltwise", "relu", PROBLEM_ELTWISE, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     eltwise, "relu"},
    {"eltwise", "gelu", PROBLEM_ELTWISE, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     eltwise, "gelu_erf"},
    {"eltwise", "tanh", PROBLEM_ELTWISE, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     eltwise, "tanh"},
    {"eltwise", "sigmoid", PROBLEM_ELTWISE, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     eltwise, "sigmoid"},
    {"eltwise", "exp", PROBLEM_ELTWISE, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     eltwise, "exp"},
    {"binary", "sums", PROBLEM_BINARY, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     binary, "add"},
    {"binary", "products", PROBLEM_BINARY, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     binary, "mul"},
    {"prelu", "a slope for a channel, or all", PROBLEM_PRELU, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     prelu, NULL},
    {"lnorm", "BERT's and others", PROBLEM_LNORM, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     layer_norm, NULL},
    {"bnorm", "ResNet-50's, inference", PROBLEM_BNORM, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     batch_norm, NULL},
    {"gnorm", "32 groups, and instances", PROBLEM_GNORM, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     group_norm, NULL},
    {"concat", "of channels", PROBLEM_CONCAT, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     concat, NULL},
    {"reduction", "sums", PROBLEM_REDUCTION, HEW_ACT_NONE, false,
     HEW_POOLING_MAX, reduction, "sum"},
    {"reduction", "maxima", PROBLEM_REDUCTION, HEW_ACT_NONE, false, HEW_POOLING_MAX, reduction,
     "max"},
    {"lrn", "across channels", PROBLEM_LRN, HEW_ACT_NONE, false, HEW_POOLING_MAX, lrn, NULL},
    {"resampling", "nearest", PROBLEM_RESAMPLING, HEW_ACT_NONE, false, HEW_POOLING_MAX, resampling,
     "nearest"},
    {"resampling", "linear", PROBLEM_RESAMPLING, HEW_ACT_NONE, false, HEW_POOLING_MAX, resampling,
     "linear"},
    {"shuffle", "of channels", PROBLEM_SHUFFLE, HEW_ACT_NONE, false, HEW_POOLING_MAX,
     shuffle, NULL},
};

/* Whether a suite is a part of one before it. */
static bool is_part(const suite *u)
{
    for (const suite *other = suites; other < u; other++) {
        if (other->problems == u->problems && other->alg == u->alg)
            return true;
    }
    return false;
}

/* The settings of a suite's problems: what the suite says, unless the command line says another. */
static case_settings settings_of(const suite *u, const case_settings *s)
{
    case_settings with = *s;
    with.group = u->name;
    with.bias |= u->bias;
    with.act = s->act.kind == HEW_ACT_NONE ? (hew_act){u->act, 0, 0} : s->act;
    with.pooling = s->pooling == HEW_POOLING_MAX ? u->pooling : s->pooling;
    with.alg = s->alg ? s->alg : u->alg;
    return with;
}

bool case_add_suite(case_list *list, problem_op op, const char *name, const case_settings *s,
                    char why[PROBLEM_WHY])
{
    const size_t length = strcspn(name, ":");
    const bool all = length == 3 && strncmp(name, "all", 3) == 0;
    bool found = false, added = false;
    case_settings base = *s;
    if (name[length] && !types_parse(name + length + 1, &base.types)) {
        snprintf(why, PROBLEM_WHY, "'%.20s' are no types", name + length + 1);
        return false;
    }
    for (const suite *u = suites; u < suites + sizeof suites / sizeof *suites; u++) {
        const bool named = strncmp(name, u->name, length) == 0 && !u->name[length];
        if ((op != PROBLEM_OP_COUNT && op != u->op) || !(named || (all && !is_part(u))))
            continue;
        const case_settings with = settings_of(u, &base);
        found = true;
        for (size_t k = 0; u->problems[k]; k++) {
            const case_result result = case_add(list, u->op, u->problems[k], &with, why);
            if (result == CASE_WRONG)
                return false;
            added |= result == CASE_ADDED;
        }
    }
    if (!found)
        snprintf(why, PROBLEM_WHY, "no such suite%s%s; --list shows them",
                 op == PROBLEM_OP_COUNT ? "" : " for ",
                 op == PROBLEM_OP_COUNT ? "" : problem_op_name(op));
    return added; /* of `all`, what there is with these types */
}

void case_suite_list(problem_op op)
{
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        const suite *u = &suites[i];
        size_t count = 0;
        while (u->problems[count])
            count++;
        if (op == PROBLEM_OP_COUNT || op == u->op)
            printf("%-8s --suite %-11s %3zu problems: %s\n", problem_op_name(u->op), u->name, count,
                   u->about);
    }
}
