/* The network runner in bench/net: its readers under damage, its fusions, its bits. */
#include "../bench/net/graph.h"
#include "../bench/net/pictures.h"
#include "../bench/net/ranges.h"
#include "../bench/net/types.h"
#include "harness.h"
#include "protobuf_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ writing small models ---- */

/* NodeProto; names separated by spaces, `attribute` (may be null) with up to four ints. */
static void put_node(struct bytes *graph, const char *op, const char *inputs, const char *output,
                     const char *attribute, const char *ints)
{
    static struct bytes node, inner;
    node.size = inner.size = 0;
    for (const char *at = inputs; *at; at += strcspn(at, " "), at += *at == ' ')
        put_field(&node, 1, at, strcspn(at, " "));
    put_text(&node, 2, output);
    put_text(&node, 4, op);
    if (attribute != NULL) {
        put_text(&inner, 1, attribute);
        if (strchr(ints, ' ') == NULL)
            put_int(&inner, 3, strtoull(ints, NULL, 10));
        for (char *end; strchr(ints, ' ') != NULL && *ints; ints = end)
            put_int(&inner, 8, strtoull(ints, &end, 10));
        put_message(&node, 5, &inner);
    }
    put_message(graph, 1, &node);
}

static void put_constant(struct bytes *graph, const char *name, const int *dims, int rank,
                         const float *values)
{
    static struct bytes tensor;
    size_t count = 1;
    tensor.size = 0;
    for (int i = 0; i < rank; i++) {
        put_int(&tensor, 1, (uint64_t)dims[i]);
        count *= (size_t)dims[i];
    }
    put_int(&tensor, 2, 1);
    put_text(&tensor, 8, name);
    put_field(&tensor, 9, values, count * sizeof(float));
    put_message(graph, 5, &tensor);
}

/* ValueInfoProto { name, type { tensor { elem, shape { dims } } } } */
static void put_value(struct bytes *graph, unsigned field, const char *name, const int *dims,
                      int rank)
{
    static struct bytes shape, dim, tensor, type, value;
    shape.size = tensor.size = type.size = value.size = 0;
    for (int i = 0; i < rank; i++) {
        dim.size = 0;
        put_int(&dim, 1, (uint64_t)dims[i]);
        put_message(&shape, 1, &dim);
    }
    put_int(&tensor, 1, 2);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

/* -------------------------------------------------------------------------- one such model -- */

enum { SIDE = 5, IN_C = 2, MID_C = 3, POOLED = 3 * 3, CLASSES = 4 };
enum { FEATURES = 2 * MID_C * POOLED };

static float mean[IN_C] = { 100.0f, 3.0f };
static float conv_w[MID_C * IN_C * 9], conv_b[MID_C] = { 0.5f, -1.0f, 2.0f };
static float bn[4][MID_C] = { { 2, 1, 0.5f }, { 1, 0, -1 }, { 3, -2, 1 }, { 1, 4, 0.25f } };
static float point_w[MID_C * MID_C], linear_w[CLASSES * FEATURES];

/* relu(bn(conv3x3(x - mean))) pooled; that + conv1x1 of it, relu; concat of both; linear. */
static void build_model(struct bytes *model, const char *odd_operator)
{
    static struct bytes graph;
    model->size = graph.size = 0;
    for (int i = 0; i < MID_C * IN_C * 9; i++)
        conv_w[i] = (float)((i * 7) % 11 - 5) / 64.0f;
    for (int i = 0; i < MID_C * MID_C; i++)
        point_w[i] = (float)((i * 5) % 7 - 3) / 4.0f;
    for (int i = 0; i < CLASSES * FEATURES; i++)
        linear_w[i] = (float)((i * 3) % 13 - 6) / 8.0f;

    put_node(&graph, "Cast", "u8", "x0", "to", "1");
    put_node(&graph, "Sub", "x0 mean", "x1", NULL, NULL);
    put_node(&graph, "Conv", "x1 w b", "x2", "pads", "1 1 1 1");
    put_node(&graph, "BatchNormalization", "x2 bn0 bn1 bn2 bn3", "x3", NULL, NULL);
    put_node(&graph, "Relu", "x3", "x4", NULL, NULL);
    put_node(&graph, "AveragePool", "x4", "x5", "kernel_shape", "3 3");
    put_node(&graph, "Conv", "x5 point", "x6", NULL, NULL);
    put_node(&graph, "Add", "x5 x6", "x7", NULL, NULL);
    put_node(&graph, odd_operator, "x7", "x8", NULL, NULL);
    put_node(&graph, "Concat", "x5 x8", "x9", "axis", "1");
    put_node(&graph, "Flatten", "x9", "x10", NULL, NULL);
    put_node(&graph, "Gemm", "x10 linear", "logits", "transB", "1");
    put_constant(&graph, "mean", (int[]){ 1, IN_C, 1, 1 }, 4, mean);
    put_constant(&graph, "w", (int[]){ MID_C, IN_C, 3, 3 }, 4, conv_w);
    put_constant(&graph, "b", (int[]){ MID_C }, 1, conv_b);
    for (int i = 0; i < 4; i++)
        put_constant(&graph, (const char *[]){ "bn0", "bn1", "bn2", "bn3" }[i],
                     (int[]){ MID_C }, 1, bn[i]);
    put_constant(&graph, "point", (int[]){ MID_C, MID_C, 1, 1 }, 4, point_w);
    put_constant(&graph, "linear", (int[]){ CLASSES, FEATURES }, 2, linear_w);
    put_value(&graph, 11, "u8", (int[]){ 1, IN_C, SIDE, SIDE }, 4);
    put_value(&graph, 12, "logits", (int[]){ 1, CLASSES }, 2);
    put_message(model, 7, &graph);
}

static double conv_at(const uint8_t *x, int o, int y, int u)
{
    double sum = conv_b[o];
    for (int c = 0; c < IN_C; c++)
        for (int t = 0; t < 9; t++) {
            const int v = y + t / 3 - 1, h = u + t % 3 - 1;
            if (v >= 0 && v < SIDE && h >= 0 && h < SIDE)
                sum += conv_w[(o * IN_C + c) * 9 + t] * (x[(v * SIDE + h) * IN_C + c] - mean[c]);
        }
    const double normal = (sum - bn[2][o]) / sqrt(bn[3][o] + 1e-5) * bn[0][o] + bn[1][o];
    return normal > 0 ? normal : 0;
}

/* What the model means, in double precision; features are in ONNX's order, channel by channel. */
static void model_logits(const uint8_t *x, double *logits)
{
    double features[FEATURES];
    for (int p = 0; p < POOLED; p++) {
        double pooled[MID_C] = { 0 };
        for (int o = 0; o < MID_C; o++)
            for (int t = 0; t < 9; t++)
                pooled[o] += conv_at(x, o, p / 3 + t / 3, p % 3 + t % 3) / 9;
        for (int o = 0; o < MID_C; o++) {
            double sum = pooled[o];
            for (int c = 0; c < MID_C; c++)
                sum += point_w[o * MID_C + c] * pooled[c];
            features[o * POOLED + p] = pooled[o];
            features[(MID_C + o) * POOLED + p] = sum > 0 ? sum : 0;
        }
    }
    for (int k = 0; k < CLASSES; k++) {
        logits[k] = 0;
        for (int i = 0; i < FEATURES; i++)
            logits[k] += linear_w[k * FEATURES + i] * features[i];
    }
}

/* --------------------------------------------------------------------------------- tests ---- */

static bool load_onnx(struct net *net, const uint8_t *bytes, size_t size)
{
    /* A block of just this size, so that a sanitizer sees a read past it. */
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, bytes, size);
    const bool good = net_read_onnx(net, exact, size) && net_fuse(net);
    free(exact);
    return good;
}

static void onnx_means_what_it_says(void)
{
    static struct bytes model;
    struct net net;
    rng r = case_rng("small model");
    build_model(&model, "Relu");
    if (!load_onnx(&net, model.data, model.size) || !net_prepare(&net, 2, NULL))
        fail_case("%s", net.error);
    /* conv, pool, conv + residual, concat, linear: everything else was folded. */
    if (net.layer_count != 5)
        fail_case("%d layers after fusion", net.layer_count);
    uint8_t x[2][SIDE * SIDE * IN_C];
    for (int n = 0; n < 2; n++) {
        for (size_t i = 0; i < sizeof x[n]; i++)
            x[n][i] = (uint8_t)rng_between(&r, 0, 255);
        net_input(&net, n, x[n]);
    }
    if (!net_run(&net))
        fail_case("%s", net.error);
    for (int n = 0; n < 2; n++) {
        double want[CLASSES];
        model_logits(x[n], want);
        for (int k = 0; k < CLASSES; k++)
            if (!(fabs(net_logits(&net, n)[k] - want[k]) <= 1e-5 * (1 + fabs(want[k]))))
                fail_case("picture %d class %d: %g, not %g", n, k, net_logits(&net, n)[k], want[k]);
    }
    net_free(&net);
}

static void onnx_refuses_by_name(void)
{
    static struct bytes model;
    struct net net;
    case_rng("unknown operator");
    build_model(&model, "Einsum");
    if (load_onnx(&net, model.data, model.size) || strstr(net.error, "Einsum") == NULL)
        fail_case("an unknown operator gives: %s", net.error);
    net_free(&net);
}

static void onnx_survives_damage(void)
{
    static struct bytes model, bad;
    struct net net;
    rng r = case_rng("damage");
    build_model(&model, "Relu");
    for (size_t cut = 0; cut < model.size; cut++) {
        if (load_onnx(&net, model.data, cut))
            fail_case("%zu of %zu bytes are a model", cut, model.size);
        net_free(&net);
    }
    for (int round = 0; round < 20000; round++) {
        bad = model;
        for (int64_t flips = rng_between(&r, 1, 4); flips > 0; flips--)
            bad.data[rng_between(&r, 0, (int64_t)bad.size - 1)] = (uint8_t)rng_between(&r, 0, 255);
        load_onnx(&net, bad.data, bad.size);
        net_free(&net);
    }
}

static uint8_t *committed(const char *name, size_t *size)
{
    char path[256];
    snprintf(path, sizeof path, "bench/net/%s", name);
    uint8_t *bytes = net_read_file(path, size);
    if (bytes == NULL)
        fail_case("%s can't be read (tests run from the top folder)", path);
    return bytes;
}

/* Fits the checksum at the end to the bytes before, so that damage gets past it. */
static bool load_hewnet(struct net *net, uint8_t *bytes, size_t size)
{
    const size_t sum = sizeof(uint64_t);
    const uint64_t hash = net_hash(NET_HASH_START, bytes, size >= sum ? size - sum : 0);
    if (size >= sum)
        memcpy(bytes + size - sum, &hash, sum);
    return net_read_hewnet(net, bytes, size) && net_fuse(net);
}

static void hewnet_survives_damage(void)
{
    size_t size;
    struct net net;
    rng r = case_rng("damage");
    uint8_t *bytes = committed("fashion.hewnet", &size);
    bytes[size / 2] ^= 1;
    if (net_read_hewnet(&net, bytes, size) || strstr(net.error, "checksum") == NULL)
        fail_case("a flipped bit gives: %s", net.error);
    net_free(&net);
    /* The first layers are enough: the header, 16 words and 9 * 16 weights, 16 words and so on. */
    const size_t head = 4096;
    static const uint32_t hostile[] = { 0, 1, 2, 9, 15, 64, 0x7fffffff, 0x80000000, 0xffffffff };
    uint8_t *bad = malloc(head);
    for (size_t cut = 0; cut < head; cut += cut < 512 ? 1 : 37) {
        memcpy(bad, bytes, cut);
        if (load_hewnet(&net, bad, cut))
            fail_case("%zu bytes are a net", cut);
        net_free(&net);
    }
    for (int round = 0; round < 5000; round++) {
        memcpy(bad, bytes, head);
        for (int flips = 0; flips < 2; flips++)
            memcpy(bad + 4 * rng_between(&r, 2, 60), &hostile[rng_between(&r, 0, 8)], 4);
        load_hewnet(&net, bad, head);
        net_free(&net);
    }
    free(bad);
    free(bytes);
}

/* The checksum of the first pictures' logits: on what is in use now, in batches of this size. */
static uint64_t fashion_checksum(const struct net_type *type, int count, int batch,
                                 const hew_threads *threads)
{
    struct net net;
    struct net_ranges ranges;
    struct pictures p;
    uint64_t hash = NET_HASH_START;
    if (!net_load(&net, "bench/net/fashion.hewnet"))
        fail_case("%s", net.error);
    if (!net_read_ranges(&ranges, &net, "bench/net/fashion.ranges"))
        fail_case("%s", ranges.error);
    if (!net_choose_type(&net, type, &ranges) || !net_prepare(&net, batch, threads))
        fail_case("%s", net.error);
    net_free_ranges(&ranges);
    if (!pictures_read(&p, "bench/net/fashion100.bin"))
        fail_case("%s", p.error);
    for (int first = 0; first < count; first += batch) {
        for (int i = 0; i < batch; i++)
            net_input(&net, i, picture(&p, first + i));
        if (!net_run(&net))
            fail_case("%s", net.error);
        for (int i = 0; i < batch && first + i < count; i++)
            hash = net_hash(hash, net_logits(&net, i),
                            (size_t)net.tensors[net.logits].c * sizeof(float));
    }
    pictures_free(&p);
    net_free(&net);
    return hash;
}

/* On AMX too, emulated or not; where other instructions are, there are too many of them. */
static void fashion_has_the_same_bits(void)
{
    enum { PICTURES = 4 };
    for (int t = 0; t < net_type_count; t++) {
        const struct net_type *type = &net_types[t];
        static uint64_t by_ref[2][8]; /* on amx, bf16 has another order */
        uint64_t *const want = &by_ref[test_rung() == HEW_ISA_AMX][t];
        rng r = case_rng("%s", type->name);
        if (test_rung() != HEW_ISA_AMX && !takes_case(&r, INT32_MAX))
            continue;
        use_ref();
        if (*want == 0)
            *want = fashion_checksum(type, PICTURES, PICTURES, NULL);
        use_test_rung();
        const uint64_t got[4] = {
            fashion_checksum(type, PICTURES, PICTURES, NULL),
            fashion_checksum(type, PICTURES, 1, NULL),
            fashion_checksum(type, PICTURES, 3, pool_of(2)),
            fashion_checksum(type, PICTURES, 8, pool_of(3)),
        };
        no_threads();
        for (int i = 0; i < 4; i++)
            if (got[i] != *want)
                fail_case("variant %d: %016llx, not ref's %016llx", i, (unsigned long long)got[i],
                          (unsigned long long)*want);
    }
}

int main(void)
{
    static const test tests[] = {
        { "onnx_means_what_it_says", onnx_means_what_it_says },
        { "onnx_refuses_by_name", onnx_refuses_by_name },
        { "onnx_survives_damage", onnx_survives_damage },
        { "hewnet_survives_damage", hewnet_survives_damage },
    };
    static const test on_rungs[] = {
        { "fashion_has_the_same_bits", fashion_has_the_same_bits },
    };
    return run_on_rungs("net", HEW_FAMILY_gemm_u8s8, TESTS(on_rungs)) +
           run_once("net", TESTS(tests));
}
