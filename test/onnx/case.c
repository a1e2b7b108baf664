/* case.c - reading a test's folder, running its graph. */
#include "onnx/case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* -------------------------------------------------------------------------------- files ---- */

static uint8_t *read_file(const char *path, size_t *size)
{
    struct stat info;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &info) != 0)
        fail_case("%s can't be read", path);
    *size = (size_t)info.st_size;
    uint8_t *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, f) != *size)
        fail_case("%s can't be read", path);
    fclose(f);
    return bytes;
}

void case_open(onnx_case *tc, const char *folder, const char *name)
{
    char path[512];
    size_t size;
    *tc = (onnx_case){.node_count = 0};
    snprintf(tc->name, sizeof tc->name, "%s", name);
    snprintf(path, sizeof path, "%s/%s/model.onnx", folder, name);
    tc->model = read_file(path, &size);
    const struct pb_bytes model = {tc->model, size};
    tc->opset = onnx_opset(model, 1);
    tc->graph = onnx_inside(model, MODEL_GRAPH);
    struct pb_reader r = pb_open(tc->graph);
    struct pb_field f;
    while (pb_next(&r, &f))
        if (f.number == GRAPH_NODE) {
            if (tc->node_count == CASE_MAX_NODES)
                fail_case("%s has more than %d nodes", path, CASE_MAX_NODES);
            if (!onnx_read_node(f.bytes, &tc->nodes[tc->node_count++]))
                fail_case("%s: a damaged node", path);
        }
    if (r.bad || tc->node_count == 0)
        fail_case("%s is no model", path);
}

int case_missing(const onnx_case *tc, struct pb_bytes missing[CASE_MAX_NODES])
{
    int count = 0;
    for (int i = 0; i < tc->node_count; i++) {
        bool seen = op_find(tc->nodes[i].op) != NULL;
        for (int k = 0; k < count; k++)
            seen = seen || pb_same(missing[k], tc->nodes[i].op);
        if (!seen)
            missing[count++] = tc->nodes[i].op;
    }
    return count;
}

/* ------------------------------------------------------------------------------- values ---- */

static struct onnx_tensor *find(onnx_case *tc, struct pb_bytes name)
{
    for (int i = 0; i < tc->value_count; i++)
        if (pb_same(tc->values[i].name, name))
            return &tc->values[i].tensor;
    return NULL;
}

static void define(onnx_case *tc, struct pb_bytes name, struct onnx_tensor tensor)
{
    if (tc->value_count == CASE_MAX_VALUES)
        fail_case("%s has more than %d values", tc->name, CASE_MAX_VALUES);
    tc->values[tc->value_count++] = (case_value){name, tensor};
}

static struct onnx_tensor read_tensor(const char *path)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    struct onnx_tensor tensor;
    struct pb_bytes name = {NULL, 0};
    const char *wrong = onnx_read_tensor((struct pb_bytes){bytes, size}, &tensor, &name);
    if (wrong)
        fail_case("%s: %s", path, wrong);
    free(bytes);
    return tensor;
}

static void read_initializers(onnx_case *tc)
{
    struct pb_reader r = pb_open(tc->graph);
    struct pb_field f;
    while (pb_next(&r, &f))
        if (f.number == GRAPH_INITIALIZER) {
            struct onnx_tensor tensor;
            struct pb_bytes name = {NULL, 0};
            const char *wrong = onnx_read_tensor(f.bytes, &tensor, &name);
            if (wrong)
                fail_case("%s: an initializer is %s", tc->name, wrong);
            define(tc, name, tensor);
        }
}

/* ValueInfoProto { name 1, type 2 { tensor_type 1, sequence_type 4, optional_type 9 } } */
static bool is_tensor(struct pb_bytes value)
{
    return onnx_inside(onnx_inside(value, 2), 1).size != 0;
}

/* Inputs that no initializer gives are in the files input_0.pb, ..., in order; outputs likewise. */
outcome case_read(onnx_case *tc, const char *folder, char why[WHY_BYTES])
{
    char path[512];
    int inputs = 0;
    struct pb_reader r = pb_open(tc->graph);
    struct pb_field f;
    read_initializers(tc);
    while (pb_next(&r, &f)) {
        const bool output = f.number == GRAPH_OUTPUT;
        const struct pb_bytes name = onnx_inside(f.bytes, 1);
        if (!output && (f.number != GRAPH_INPUT || find(tc, name)))
            continue;
        if (!is_tensor(f.bytes)) {
            snprintf(why, WHY_BYTES, "sequences");
            return NOT_SUPPORTED;
        }
        if (output && tc->want_count == OP_MAX_OUT)
            fail_case("%s has more than %d outputs", tc->name, OP_MAX_OUT);
        snprintf(path, sizeof path, "%s/%s/test_data_set_0/%s_%d.pb", folder, tc->name,
                 output ? "output" : "input", output ? tc->want_count : inputs++);
        if (output) {
            tc->want_name[tc->want_count] = name;
            tc->want[tc->want_count++] = read_tensor(path);
        } else {
            define(tc, name, read_tensor(path));
        }
    }
    tc->given_count = tc->value_count;
    return PASSED;
}

static void forget(onnx_case *tc, int first)
{
    while (tc->value_count > first)
        onnx_free_tensor(&tc->values[--tc->value_count].tensor);
}

void case_close(onnx_case *tc)
{
    forget(tc, 0);
    for (int i = 0; i < tc->want_count; i++)
        onnx_free_tensor(&tc->want[i]);
    free(tc->model);
}

/* --------------------------------------------------------------------------- comparison ---- */

static bool near(double want, double got)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : want == got;
    return fabs(got - want) <= 1e-7 + 1e-3 * fabs(want);
}

const char *case_differs(const struct onnx_tensor *want, const struct onnx_tensor *got)
{
    static char text[WHY_BYTES];
    if (want->type != got->type || want->rank != got->rank) {
        snprintf(text, sizeof text, "a %s of %d axes, want a %s of %d", onnx_type_name(got->type),
                 got->rank, onnx_type_name(want->type), want->rank);
        return text;
    }
    for (int d = 0; d < want->rank; d++)
        if (want->dims[d] != got->dims[d]) {
            snprintf(text, sizeof text, "axis %d has %lld elements, want %lld", d,
                     (long long)got->dims[d], (long long)want->dims[d]);
            return text;
        }
    if (want->type == ONNX_FLOAT) {
        for (int i = 0; i < want->count; i++)
            if (!near((double)want->floats[i], (double)got->floats[i])) {
                snprintf(text, sizeof text, "element %d is %.9g, want %.9g", i,
                         (double)got->floats[i], (double)want->floats[i]);
                return text;
            }
        return NULL;
    }
    const size_t size = onnx_type_size(want->type);
    if (size == 0)
        return "elements that aren't read";
    for (int i = 0; i < want->count; i++) {
        const size_t at = size * (size_t)i;
        if (memcmp((char *)want->data + at, (char *)got->data + at, size) != 0) {
            int64_t values[2] = {0, 0};
            memcpy(&values[0], (char *)got->data + at, size);
            memcpy(&values[1], (char *)want->data + at, size);
            snprintf(text, sizeof text, "element %d is %#llx, want %#llx", i,
                     (long long)values[0], (long long)values[1]);
            return text;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------ running ---- */

/* A copy in guarded memory. */
static const struct onnx_tensor *guarded(call *c, struct onnx_tensor *copy,
                                         const struct onnx_tensor *from)
{
    const size_t size = onnx_type_size(from->type);
    *copy = *from;
    if (from->data) {
        copy->data = op_memory(c, size * (size_t)from->count, size);
        memcpy(copy->data, from->data, size * (size_t)from->count);
    }
    return copy;
}

/* Whether the names a node gives its outputs are in `c`; the names are in `names`. */
static bool read_outputs(call *c, struct pb_bytes names[OP_MAX_OUT])
{
    struct pb_reader r = pb_open(c->node->message);
    struct pb_field f;
    int count = 0;
    while (pb_next(&r, &f))
        if (f.number == NODE_OUTPUT) {
            if (count == OP_MAX_OUT)
                return false;
            names[count] = f.bytes;
            c->wanted[count++] = f.bytes.size > 0;
        }
    return true;
}

/* Keeps the outputs under their names, in memory of their own. */
static void keep_outputs(onnx_case *tc, const call *c, const struct pb_bytes names[OP_MAX_OUT])
{
    for (int i = 0; i < OP_MAX_OUT; i++) {
        struct onnx_tensor copy = c->out[i];
        if (!c->wanted[i] || !copy.data)
            continue;
        const size_t bytes = onnx_type_size(copy.type) * (size_t)copy.count;
        copy.data = malloc(bytes + 1);
        if (!copy.data)
            fail_case("out of memory");
        memcpy(copy.data, c->out[i].data, bytes);
        define(tc, names[i], copy);
    }
}

static outcome run_node(onnx_case *tc, const struct onnx_node *node, const hew_threads *threads,
                        char why[WHY_BYTES])
{
    static call c;
    struct onnx_tensor in[OP_MAX_IN];
    struct pb_bytes names[OP_MAX_OUT];
    c = (call){.node = node, .opset = tc->opset, .threads = threads};
    if (node->in_count > OP_MAX_IN || !read_outputs(&c, names)) {
        snprintf(why, WHY_BYTES, "more inputs or outputs than expected");
        return NOT_SUPPORTED;
    }
    for (int i = 0; i < node->in_count; i++) {
        if (node->in[i].size == 0)
            continue;
        const struct onnx_tensor *value = find(tc, node->in[i]);
        if (!value)
            fail_case("%s: a node reads what isn't there", tc->name);
        c.in[i] = guarded(&c, &in[i], value);
    }
    state_save();
    const outcome ran = op_find(node->op)(&c);
    state_check();
    if (ran == PASSED)
        keep_outputs(tc, &c, names);
    else
        snprintf(why, WHY_BYTES, "%s", c.why);
    while (c.memory_count > 0)
        buffer_free(&c.memory[--c.memory_count]);
    return ran;
}

outcome case_run(onnx_case *tc, const hew_threads *threads, uint64_t *hash, char why[WHY_BYTES])
{
    outcome result = PASSED;
    *hash = NET_HASH_START;
    for (int i = 0; i < tc->node_count && result == PASSED; i++)
        result = run_node(tc, &tc->nodes[i], threads, why);
    for (int i = 0; i < tc->want_count && result == PASSED; i++) {
        const struct onnx_tensor *got = find(tc, tc->want_name[i]);
        const char *differs = got ? case_differs(&tc->want[i], got) : "not computed";
        if (differs) {
            snprintf(why, WHY_BYTES, "output %d: %s", i, differs);
            result = FAILED;
        } else {
            *hash = net_hash(*hash, got->data, onnx_type_size(got->type) * (size_t)got->count);
        }
    }
    forget(tc, tc->given_count);
    return result;
}
