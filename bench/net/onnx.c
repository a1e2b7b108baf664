/* ONNX messages: constants, attributes, the picture's shape, the nodes in order. */
#include "onnx.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------- values ----- */

const struct onnx_value *onnx_find(const struct onnx_reader *r, struct pb_bytes name)
{
    for (int i = r->value_count; i-- > 0;)
        if (pb_same(r->values[i].name, name))
            return &r->values[i];
    return NULL;
}

static void free_constant(struct onnx_constant *c)
{
    free(c->floats);
    free(c->ints);
}

bool onnx_define(struct onnx_reader *r, struct pb_bytes name, struct onnx_value value)
{
    char text[64];
    pb_text(name, text, sizeof text);
    const bool taken = onnx_find(r, name) != NULL;
    if (taken || name.size == 0 || (size_t)r->value_count >= r->value_room) {
        free_constant(&value.constant);
        return net_fail(r->net, "'%s' is %s", text, taken ? "defined twice" : "not a name");
    }
    value.name = name;
    r->values[r->value_count++] = value;
    return true;
}

/* ------------------------------------------------------------------------------ numbers ----- */

/* Adds a repeated integer field, packed or not, to `count` values; those past `most` only count. */
static bool add_ints(const struct pb_field *f, int64_t *values, int *count, int most)
{
    struct pb_reader packed = pb_open(f->bytes);
    uint64_t value = f->value;
    if (f->wire != PB_VARINT && f->wire != PB_BYTES)
        return false;
    while (f->wire == PB_VARINT || pb_varint(&packed, &value)) {
        if (*count < most)
            values[*count] = (int64_t)value;
        if (*count < NET_MAX_ELEMENTS)
            ++*count;
        if (f->wire == PB_VARINT)
            return true;
    }
    return !packed.bad;
}

/* The same for floats. */
static bool add_floats(const struct pb_field *f, float *values, int *count, int most)
{
    const uint8_t *at = f->wire == PB_BYTES ? f->bytes.at : (const uint8_t *)&f->value;
    const size_t size = f->wire == PB_BYTES ? f->bytes.size : f->wire == PB_FIXED32 ? 4 : 1;
    if (size % sizeof(float) != 0 || size / sizeof(float) > (size_t)(most - *count))
        return false;
    if (size > 0)
        memcpy(values + *count, at, size);
    *count += (int)(size / sizeof(float));
    return true;
}

/* -------------------------------------------------------------------------- TensorProto ----- */

enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_FLOATS = 4, TENSOR_INTS = 7, TENSOR_NAME = 8,
       TENSOR_RAW = 9, TENSOR_LOCATION = 14 };

static bool read_shape(struct pb_bytes message, struct onnx_constant *c, struct pb_bytes *name,
                       uint64_t *location)
{
    struct pb_reader r = pb_open(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == TENSOR_DIMS && !add_ints(&f, c->dims, &c->rank, ONNX_MAX_RANK))
            return false;
        if (f.number == TENSOR_TYPE)
            c->type = f.value <= 64 ? (int)f.value : 0;
        if (f.number == TENSOR_NAME)
            *name = f.bytes;
        if (f.number == TENSOR_LOCATION)
            *location = f.value;
    }
    c->count = 1;
    for (int d = 0; d < c->rank && c->rank <= ONNX_MAX_RANK; d++) {
        if (c->dims[d] < 0 || (c->dims[d] > 0 && c->count > NET_MAX_ELEMENTS / c->dims[d]))
            return false;
        c->count *= (int)c->dims[d];
    }
    return !r.bad && c->rank <= ONNX_MAX_RANK;
}

/* The elements, from whichever of the fields they are in; false unless there are just c->count. */
static bool read_elements(struct pb_bytes message, struct onnx_constant *c)
{
    const size_t size = c->type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t);
    void *target = c->type == ONNX_FLOAT ? (void *)c->floats : (void *)c->ints;
    struct pb_reader r = pb_open(message);
    struct pb_field f;
    int count = 0;
    while (pb_next(&r, &f)) {
        if (f.number == TENSOR_RAW) {
            if (f.bytes.size != size * (size_t)c->count)
                return false;
            if (c->count > 0)
                memcpy(target, f.bytes.at, f.bytes.size);
            count = c->count;
        } else if (f.number == TENSOR_FLOATS && c->floats) {
            if (!add_floats(&f, c->floats, &count, c->count))
                return false;
        } else if (f.number == TENSOR_INTS && c->ints) {
            if (!add_ints(&f, c->ints, &count, c->count))
                return false;
        }
    }
    return !r.bad && count == c->count;
}

static bool read_tensor(struct net *net, struct pb_bytes message, struct onnx_constant *c,
                        struct pb_bytes *name)
{
    uint64_t location = 0;
    *c = (struct onnx_constant){ .rank = 0 };
    char text[64] = "";
    const bool shaped = read_shape(message, c, name, &location);
    pb_text(*name, text, sizeof text);
    if (!shaped)
        return net_fail(net, "constant '%s' is damaged, or too large", text);
    if (location != 0)
        return net_fail(net, "constant '%s' is in another file, which is not supported", text);
    if (c->type != ONNX_FLOAT && c->type != ONNX_INT64)
        return true;
    /* No more memory is asked for than the message itself could fill: an element is >= 1 byte. */
    const size_t room = (size_t)c->count <= message.size ? (size_t)c->count + 1 : 1;
    if (c->type == ONNX_FLOAT)
        c->floats = malloc(room * sizeof(float));
    else
        c->ints = malloc(room * sizeof(int64_t));
    const bool memory = c->floats != NULL || c->ints != NULL;
    if (memory && room > (size_t)c->count && read_elements(message, c))
        return true;
    free_constant(c);
    *c = (struct onnx_constant){ .rank = 0 };
    return net_fail(net, "constant '%s': %s", text,
                    memory ? "not as many elements as its shape says" : "out of memory");
}

static bool read_initializer(struct onnx_reader *r, struct pb_bytes message)
{
    struct onnx_value value = { .tensor = -1 };
    struct pb_bytes name = { NULL, 0 };
    return read_tensor(r->net, message, &value.constant, &name) && onnx_define(r, name, value);
}

/* ----------------------------------------------------------------------- AttributeProto ----- */

enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_STRING = 4,
       ATTRIBUTE_TENSOR = 5, ATTRIBUTE_INTS = 8 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };

/* The message of the attribute called `name`; empty if there is none. */
static struct pb_bytes attribute(const struct onnx_node *node, const char *name)
{
    struct pb_reader r = pb_open(node->message);
    struct pb_field f, inner;
    while (pb_next(&r, &f)) {
        struct pb_reader a = pb_open(f.bytes);
        while (f.number == NODE_ATTRIBUTE && pb_next(&a, &inner))
            if (inner.number == ATTRIBUTE_NAME && pb_is(inner.bytes, name))
                return f.bytes;
    }
    return (struct pb_bytes){ NULL, 0 };
}

/* The attribute's field of one kind; false if it isn't there. */
static bool attribute_field(const struct onnx_node *node, const char *name, uint32_t number,
                            enum pb_wire wire, struct pb_field *field)
{
    struct pb_reader r = pb_open(attribute(node, name));
    while (pb_next(&r, field))
        if (field->number == number && field->wire == wire)
            return true;
    return false;
}

int64_t onnx_int(const struct onnx_node *node, const char *name, int64_t fallback)
{
    struct pb_field f;
    return attribute_field(node, name, ATTRIBUTE_INT, PB_VARINT, &f) ? (int64_t)f.value : fallback;
}

float onnx_float(const struct onnx_node *node, const char *name, float fallback)
{
    struct pb_field f;
    float value = fallback;
    if (attribute_field(node, name, ATTRIBUTE_FLOAT, PB_FIXED32, &f))
        memcpy(&value, &f.value, sizeof value);
    return value;
}

struct pb_bytes onnx_string(const struct onnx_node *node, const char *name)
{
    struct pb_field f;
    const bool found = attribute_field(node, name, ATTRIBUTE_STRING, PB_BYTES, &f);
    return found ? f.bytes : (struct pb_bytes){ NULL, 0 };
}

int onnx_ints(const struct onnx_node *node, const char *name, int64_t *values, int most)
{
    struct pb_reader r = pb_open(attribute(node, name));
    struct pb_field f;
    int count = 0;
    while (pb_next(&r, &f))
        if (f.number == ATTRIBUTE_INTS && !add_ints(&f, values, &count, most))
            return most + 1;
    return count;
}

bool onnx_tensor(struct onnx_reader *r, const struct onnx_node *node, struct onnx_constant *out)
{
    struct pb_field f;
    struct pb_bytes name = node->out;
    if (!attribute_field(node, "value", ATTRIBUTE_TENSOR, PB_BYTES, &f))
        return net_fail(r->net, "no tensor in a Constant");
    return read_tensor(r->net, f.bytes, out, &name);
}

/* --------------------------------------------------------------------------- GraphProto ----- */

enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8 };

/* The first field `number` of a message that is itself bytes; empty if there is none. */
static struct pb_bytes inside(struct pb_bytes message, uint32_t number)
{
    struct pb_reader r = pb_open(message);
    struct pb_field f;
    while (pb_next(&r, &f))
        if (f.number == number && f.wire == PB_BYTES)
            return f.bytes;
    return (struct pb_bytes){ NULL, 0 };
}

/* ValueInfoProto { name 1, type 2 { tensor_type 1 { shape 2 { dim 1 { dim_value 1 } } } } } */
static bool read_input(struct onnx_reader *r, struct pb_bytes message)
{
    const struct pb_bytes name = inside(message, 1);
    if (onnx_find(r, name) != NULL)
        return true;            /* old files list the initializers among the inputs */
    char text[64];
    pb_text(name, text, sizeof text);
    if (r->net->tensor_count > 0)
        return net_fail(r->net, "a second input, '%s': one picture is expected", text);

    int64_t dims[4] = { 0 };
    int rank = 0;
    struct pb_reader shape = pb_open(inside(inside(inside(message, 2), 1), 2));
    struct pb_field dim, f;
    while (pb_next(&shape, &dim)) {
        struct pb_reader d = pb_open(dim.bytes);
        while (rank < 4 && pb_next(&d, &f))
            dims[rank] = f.number == 1 ? (int64_t)f.value : dims[rank];
        rank++;
    }
    for (int i = 1; i < 4; i++)
        if (rank != 4 || dims[i] < 1 || dims[i] > NET_MAX_ELEMENTS)
            return net_fail(r->net, "input '%s' has no fixed shape [N, channels, height, width]",
                            text);
    return net_begin(r->net, (int)dims[2], (int)dims[3], (int)dims[1])
           && onnx_define(r, name, (struct onnx_value){ .tensor = 0 });
}

static bool read_node(struct onnx_reader *r, struct pb_bytes message)
{
    struct onnx_node node = { .message = message };
    struct pb_reader reader = pb_open(message);
    struct pb_field f;
    while (pb_next(&reader, &f)) {
        if (f.number == NODE_INPUT && node.in_count < NET_MAX_INPUTS)
            node.in[node.in_count] = f.bytes;
        node.in_count += f.number == NODE_INPUT && node.in_count <= NET_MAX_INPUTS;
        if (f.number == NODE_OUTPUT && node.out.size == 0)
            node.out = f.bytes;
        if (f.number == NODE_NAME)
            node.name = f.bytes;
        if (f.number == NODE_OP)
            node.op = f.bytes;
    }
    if (reader.bad)
        return net_fail(r->net, "a damaged node");
    return onnx_convert(r, &node);
}

/* All fields of one kind, in order. */
static bool read_each(struct onnx_reader *r, struct pb_bytes graph, uint32_t number,
                      bool (*read)(struct onnx_reader *, struct pb_bytes))
{
    struct pb_reader reader = pb_open(graph);
    struct pb_field f;
    while (pb_next(&reader, &f))
        if (f.number == number && !read(r, f.bytes))
            return false;
    return reader.bad ? net_fail(r->net, "the file is damaged or cut short") : true;
}

static bool read_graph(struct onnx_reader *r, struct pb_bytes graph)
{
    if (!read_each(r, graph, GRAPH_INITIALIZER, read_initializer)
        || !read_each(r, graph, GRAPH_INPUT, read_input))
        return false;
    if (r->net->tensor_count == 0)
        return net_fail(r->net, "the graph has no input");
    if (!read_each(r, graph, GRAPH_NODE, read_node))
        return false;
    const struct onnx_value *output = onnx_find(r, inside(inside(graph, GRAPH_OUTPUT), 1));
    return net_end(r->net, output ? output->tensor : -1);
}

/* Every value is defined by a field of its own: a node's output, an initializer, an input. */
static size_t count_values(struct pb_bytes graph)
{
    struct pb_reader r = pb_open(graph);
    struct pb_field f;
    size_t count = 0;
    while (pb_next(&r, &f))
        count += f.number == GRAPH_NODE || f.number == GRAPH_INITIALIZER || f.number == GRAPH_INPUT;
    return count;
}

static void read_opset(struct onnx_reader *r, struct pb_bytes model)
{
    struct pb_reader fields = pb_open(model);
    struct pb_field f, inner;
    while (pb_next(&fields, &f)) {
        struct pb_reader opset = pb_open(f.bytes);
        while (f.number == MODEL_OPSET && pb_next(&opset, &inner))
            r->opset = inner.number == 2 ? (int64_t)inner.value : r->opset;
    }
}

bool net_read_onnx(struct net *net, const uint8_t *bytes, size_t size)
{
    *net = (struct net){ .output = -1 };
    const struct pb_bytes model = { bytes, size }, graph = inside(model, MODEL_GRAPH);
    if (graph.size == 0)
        return net_fail(net, "neither a .hewnet file nor an ONNX model");
    struct onnx_reader r = {
        .net = net,
        .value_room = count_values(graph),
        .opset = 13,
    };
    if (r.value_room > ONNX_MAX_VALUES)
        return net_fail(net, "onnx: more than %d values", ONNX_MAX_VALUES);
    r.values = malloc((r.value_room + 1) * sizeof *r.values);
    if (r.values == NULL)
        return net_fail(net, "out of memory");
    read_opset(&r, model);
    const bool good = read_graph(&r, graph);
    for (int i = 0; i < r.value_count; i++)
        free_constant(&r.values[i].constant);
    free(r.values);
    return good;
}
