/* bench/net in the types of its table: quantised networks, calibration, and files of ranges. */
#include "../bench/net/ranges.h"
#include "../bench/net/sheet.h"
#include "../bench/net/types.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HEW_SANITIZED /* the sanitizer builds define it as 1 */
#define HEW_SANITIZED 0
#endif
enum { SIDE = 7, IN_C = 3, MID = 6, CLASSES = 5, PICTURES = 12 };

/* -------------------------------------------------------------------------- one such net ---- */

static float *random_floats(rng *r, int count)
{
    float *x = malloc((size_t)count * sizeof *x);
    for (int i = 0; i < count; i++)
        x[i] = rng_f32(r);
    return x;
}

static int add(struct net *net, rng *r, struct net_layer l)
{
    if (l.op == NET_CONV || l.op == NET_LINEAR) {
        l.weights = random_floats(r, net_weight_count(net, &l));
        l.bias = random_floats(r, l.out_c);
    }
    if (!net_add(net, &l))
        fail_case("%s", net->error);
    return l.out;
}

static int conv3x3(struct net *net, rng *r, int in, hew_act_kind act)
{
    struct net_layer l = net_layer_default(NET_CONV, in);
    l.out_c = MID;
    for (int d = 0; d < 2; d++)
        l.kernel[d] = 3, l.pad_lo[d] = l.pad_hi[d] = 1;
    l.act.kind = act;
    return add(net, r, l);
}

/* Its padding counts: a zero that is no 0 among integers. */
static int pool2x2(struct net *net, rng *r, enum net_op op, int in)
{
    struct net_layer l = net_layer_default(op, in);
    for (int d = 0; d < 2; d++)
        l.kernel[d] = l.stride[d] = 2, l.pad_lo[d] = 1;
    l.count_pad = true;
    return add(net, r, l);
}

static int join(struct net *net, rng *r, enum net_op op, int a, int b)
{
    struct net_layer l = net_layer_default(op, a);
    l.in[l.in_count++] = b;
    return add(net, r, l);
}

/*
 * Branches of different ranges that concatenations tie together, both pools, additions with and
 * without a convolution to go into, an activation on its own, softmax.
 */
static void build(struct net *net)
{
    rng r = { 7 };
    if (!net_begin(net, SIDE, SIDE, IN_C))
        fail_case("%s", net->error);
    for (int c = 0; c < IN_C; c++) {
        net->in_scale[c] = 1.0f / (float)(64 + 16 * c);
        net->in_shift[c] = -1.0f - (float)c / 4;
    }
    const int stem = conv3x3(net, &r, 0, HEW_ACT_RELU);
    const int sum = join(net, &r, NET_ADD, stem, conv3x3(net, &r, stem, HEW_ACT_NONE));
    const int signed_part = conv3x3(net, &r, sum, HEW_ACT_TANH);
    const int both = join(net, &r, NET_CONCAT, signed_part, conv3x3(net, &r, sum, HEW_ACT_NONE));
    const int halves = join(net, &r, NET_ADD, pool2x2(net, &r, NET_MAXPOOL, both),
                            pool2x2(net, &r, NET_AVGPOOL, both));
    struct net_layer silu = net_layer_default(NET_ACT, halves);
    silu.act.kind = HEW_ACT_SILU;
    struct net_layer linear = net_layer_default(NET_LINEAR, add(net, &r, silu));
    linear.out_c = CLASSES;
    const int logits = add(net, &r, linear);
    if (!net_end(net, add(net, &r, net_layer_default(NET_SOFTMAX, logits))) || !net_fuse(net))
        fail_case("%s", net->error);
}

static struct pictures random_pictures(rng *r)
{
    struct pictures p = { .count = PICTURES, .h = SIDE, .w = SIDE, .c = IN_C };
    p.pixels = malloc(PICTURES * SIDE * SIDE * IN_C);
    for (int i = 0; i < PICTURES * SIDE * SIDE * IN_C; i++)
        p.pixels[i] = (uint8_t)rng_between(r, 0, 255);
    return p;
}

static void prepare(struct net *net, const struct net_type *type, const struct net_ranges *ranges,
                    int batch)
{
    build(net);
    if (!net_choose_type(net, type, ranges) || !net_prepare(net, batch, NULL))
        fail_case("%s", net->error);
}

static struct net_ranges calibrated(const struct pictures *p, int batch, hew_observer_kind kind)
{
    struct net net;
    struct net_ranges ranges;
    prepare(&net, &net_types[0], NULL, batch);
    if (!net_calibrate(&ranges, &net, p, p->count, kind))
        fail_case("%s", ranges.error);
    net_free(&net);
    return ranges;
}

/* --------------------------------------------------------------------------------- tests ---- */

static void run_pictures(struct net *net, const struct pictures *p)
{
    for (int i = 0; i < p->count; i++)
        net_input(net, i, picture(p, i));
    if (!net_run(net))
        fail_case("%s", net->error);
}

/* Each type's logits are f32's but for what it is allowed to lose. */
static void types_agree(void)
{
    rng r = case_rng("small net");
    struct pictures p = random_pictures(&r);
    struct net_ranges ranges = calibrated(&p, PICTURES, HEW_OBSERVER_MIN_MAX);
    struct net want;
    prepare(&want, &net_types[0], NULL, PICTURES);
    run_pictures(&want, &p);
    double signal = 0.0;
    for (int i = 0; i < PICTURES * CLASSES; i++)
        signal += pow(net_logits(&want, 0)[i], 2);
    for (int t = 1; t < net_type_count; t++) {
        struct net net;
        prepare(&net, &net_types[t], &ranges, PICTURES);
        run_pictures(&net, &p);
        double noise = 0.0;
        for (int i = 0; i < PICTURES * CLASSES; i++)
            noise += pow(net_logits(&net, 0)[i] - net_logits(&want, 0)[i], 2);
        /* Eight bits: 1/256 of a range, some ten layers deep. */
        if (!(sqrt(noise / signal) < 0.04) || noise == 0.0)
            fail_case("%s: relative error %g", net_types[t].name, sqrt(noise / signal));
        net_free(&net);
    }
    net_free(&want);
    net_free_ranges(&ranges);
    pictures_free(&p);
}

/* The committed net, ranges and pictures: nearly as many are right as in f32. */
static void fashion_stays_right(void)
{
    struct pictures p;
    case_rng("fashion");
    if (!pictures_read(&p, "bench/net/fashion100.bin"))
        fail_case("%s", p.error);
    int least = 0;
    for (int t = 0; t < net_type_count; t++) {
        struct net net;
        struct net_ranges ranges;
        if (!net_load(&net, "bench/net/fashion.hewnet"))
            fail_case("%s", net.error);
        if (!net_read_ranges(&ranges, &net, "bench/net/fashion.ranges"))
            fail_case("%s", ranges.error);
        if (!net_choose_type(&net, &net_types[t], &ranges) || !net_prepare(&net, p.count, NULL))
            fail_case("%s", net.error);
        run_pictures(&net, &p);
        int right = 0;
        for (int i = 0; i < p.count; i++)
            right += sheet_best(net_logits(&net, i), p.classes) == p.labels[i];
        if (right < least || right < 85)
            fail_case("%s: %d of %d are right, %d are in f32", net_types[t].name, right, p.count,
                      least + 2);
        least = t == 0 ? right - 2 : least;
        net_free_ranges(&ranges);
        net_free(&net);
    }
    pictures_free(&p);
}

/* bf16 on the rungs below amx, which has sums of its own: the committed net's bits are ref's. */
static void bf16_everywhere(void)
{
    enum { FEW = HEW_SANITIZED ? 2 : 12, OUTPUTS = 10 };
    struct pictures p;
    case_rng("fashion");
    if (!pictures_read(&p, "bench/net/fashion100.bin"))
        fail_case("%s", p.error);
    int bf16 = 0;
    while (net_types_named("bf16") != 1u << bf16)
        bf16++;
    float want[FEW * OUTPUTS];
    p.count = FEW;
    for (int isa = HEW_ISA_REF; isa <= HEW_ISA_AVX512_BF16; isa++) {
        if (!hew_isa_available((hew_isa)isa))
            continue;
        hew_cpu_restrict((2u << isa) - 1);
        struct net net;
        if (!net_load(&net, "bench/net/fashion.hewnet") ||
            !net_choose_type(&net, &net_types[bf16], NULL) || !net_prepare(&net, FEW, NULL))
            fail_case("%s", net.error);
        run_pictures(&net, &p);
        for (int i = 0; i < FEW; i++) {
            const float *logits = net_logits(&net, i);
            if (isa == HEW_ISA_REF)
                memcpy(want + i * OUTPUTS, logits, OUTPUTS * sizeof *want);
            else
                check_bits(hew_isa_name((hew_isa)isa), want + i * OUTPUTS, logits,
                           layout_of(1, OUTPUTS, OUTPUTS), NAN_BITS);
        }
        net_free(&net);
        hew_cpu_restrict(~0u);
    }
    p.count = 100;
    pictures_free(&p);
}

/* Integers from the picture to the linear layer, whose results are f32. */
static void u8_everywhere(void)
{
    rng r = case_rng("types");
    struct pictures p = random_pictures(&r);
    struct net_ranges ranges = calibrated(&p, PICTURES, HEW_OBSERVER_MIN_MAX);
    struct net net;
    int u8s8 = 0;
    while (net_types_named("u8s8") != 1u << u8s8)
        u8s8++;
    prepare(&net, &net_types[u8s8], &ranges, 1);
    for (int i = 0; i < net.layer_count; i++) {
        const struct net_layer *l = &net.layers[i];
        const struct net_tensor *in = &net.tensors[l->in[0]], *out = &net.tensors[l->out];
        const bool result = l->out == net.logits || l->out == net.output;
        if (in->type != (l->op == NET_SOFTMAX ? HEW_F32 : HEW_U8)
            || out->type != (result ? HEW_F32 : HEW_U8))
            fail_case("%s reads type %d and writes type %d", l->name, in->type, out->type);
        for (int k = 0; k < l->in_count && l->op == NET_CONCAT; k++)
            if (net.tensors[l->in[k]].scale != out->scale
                || net.tensors[l->in[k]].zero != out->zero)
                fail_case("input %d of a concat has a scale of its own", k);
    }
    net_free(&net);
    net_free_ranges(&ranges);
    pictures_free(&p);
}

/* But for the moving average, which is one of batches. */
static void calibration_knows_no_batches(void)
{
    static const char *const names[] = { "min-max", "percentile", "kl", "mse" };
    rng r = case_rng("batches");
    struct pictures p = random_pictures(&r);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        hew_observer_kind kind;
        if (!net_observer_named(names[i], &kind))
            fail_case("%s is unknown", names[i]);
        struct net_ranges one = calibrated(&p, 1, kind);
        for (int batch = 2; batch <= PICTURES + 1; batch += 3) {
            struct net_ranges other = calibrated(&p, batch, kind);
            if (!net_same_ranges(&one, &other))
                fail_case("%s: a batch of %d gives other ranges", names[i], batch);
            net_free_ranges(&other);
        }
        net_free_ranges(&one);
    }
    pictures_free(&p);
}

/* ------------------------------------------------------------------------ files of ranges ---- */

static void write_text(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(text, 1, size, file) != size || fclose(file) != 0)
        fail_case("%s can't be written", path);
}

static void refused(const struct net *net, const char *path, const char *why)
{
    struct net_ranges ranges;
    if (net_read_ranges(&ranges, net, path) || strstr(ranges.error, why) == NULL)
        fail_case("instead of \"%s\": \"%s\"", why, ranges.error);
    net_free_ranges(&ranges);
}

static void ranges_are_kept(void)
{
    rng r = case_rng("files");
    char path[] = "/tmp/hew-ranges-XXXXXX", text[8192];
    const int fd = mkstemp(path);
    if (fd < 0)
        fail_case("no temporary file");
    close(fd);
    struct pictures p = random_pictures(&r);
    struct net_ranges ranges = calibrated(&p, 5, HEW_OBSERVER_MIN_MAX), again;
    struct net net;
    build(&net);
    net.hash = 0x123456789abcdefu;
    if (!net_write_ranges(&ranges, &net, path, "pictures", "min-max"))
        fail_case("ranges can't be written");
    if (!net_read_ranges(&again, &net, path))
        fail_case("written ranges can't be read: %s", again.error);
    if (!net_same_ranges(&ranges, &again) || again.pictures != PICTURES)
        fail_case("ranges change in a file");
    net_free_ranges(&again);

    net.hash++;
    refused(&net, path, "another net");
    net.hash--;
    FILE *file = fopen(path, "r");
    const size_t size = file ? fread(text, 1, sizeof text - 64, file) : 0;
    if (size < 100 || fclose(file) != 0)
        fail_case("%s can't be read", path);
    for (size_t cut = 0; cut + 1 < size; cut++)
        if (text[cut] == '\n') {
            write_text(path, text, cut + 1);
            refused(&net, path, "no ");
        }
    static const char *const odd[] = { "1 2\n", "1 0 nan\n", "1 3 2\n", "999 0 1\n", "-1 0 1\n",
                                       "0 0 1\n", "1 0 1 2\n", "text\n", "1 0 inf\n" };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        strcpy(text + size, odd[i]);
        write_text(path, text, size + strlen(odd[i]));
        refused(&net, path, "range: ");
    }
    unlink(path);
    refused(&net, path, "No such file");
    net_free(&net);
    net_free_ranges(&ranges);
    pictures_free(&p);
}

static void choices(void)
{
    struct net net;
    case_rng("choices");
    build(&net);
    const unsigned all = (1u << net_type_count) - 1;
    if (net_types_named("all") != all || net_types_named("f32") != 1
        || net_types_named("u8s8,f32") != (net_types_named("u8s8") | 1)
        || net_types_named("") | net_types_named("f32,") | net_types_named("f3"))
        fail_case("names of types");
    for (int t = 0; t < net_type_count; t++)
        if (net_types[t].ranged && net_choose_type(&net, &net_types[t], NULL))
            fail_case("%s without ranges", net_types[t].name);
    net_free(&net);
}

int main(void)
{
    static const test tests[] = {
        { "types_agree", types_agree },
        { "fashion_stays_right", fashion_stays_right },
        { "bf16_everywhere", bf16_everywhere },
        { "u8_everywhere", u8_everywhere },
        { "calibration_knows_no_batches", calibration_knows_no_batches },
        { "ranges_are_kept", ranges_are_kept },
        { "choices", choices },
    };
    return run_once("net_types", TESTS(tests));
}
