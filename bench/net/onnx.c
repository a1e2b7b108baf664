/* ONNX models as nets: constants, the picture's shape, the nodes in order. */
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

bool onnx_define(struct onnx_reader *r, struct pb_bytes name, struct onnx_value value)
{
    char text[64];
    pb_text(name, text, sizeof text);
    const bool taken = onnx_find(r, name) != NULL;
    if (taken || name.size == 0 || (size_t)r->value_count >= r->value_room) {
        onnx_free_tensor(&value.constant);
        return net_fail(r->net, "'%s' is %s", text, taken ? "defined twice" : "not a name");
    }
    value.name = name;
    r->values[r->value_count++] = value;
    return true;
}

/* ---------------------------------------------------------------------------- constants ----- */

static bool read_tensor(struct net *net, struct pb_bytes message, struct onnx_tensor *t,
                        struct pb_bytes *name)
{
    char text[64];
    const char *wrong = onnx_read_tensor(message, t, name);
    if (wrong == NULL)
        return true;
    pb_text(*name, text, sizeof text);
    return net_fail(net, "constant '%s': %s", text, wrong);
}

static bool read_initializer(struct onnx_reader *r, struct pb_bytes message)
{
    struct onnx_value value = { .tensor = -1 };
    struct pb_bytes name = { NULL, 0 };
    return read_tensor(r->net, message, &value.constant, &name) && onnx_define(r, name, value);
}

bool onnx_constant(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_value value = { .tensor = -1 };
    const struct pb_bytes message = onnx_tensor_attribute(node, "value");
    struct pb_bytes name = node->out;
    if (message.size == 0)
        return net_fail(r->net, "no tensor in a Constant");
    return read_tensor(r->net, message, &value.constant, &name)
           && onnx_define(r, node->out, value);
}

/* --------------------------------------------------------------------------- GraphProto ----- */

/* ValueInfoProto { name 1, type 2 { tensor_type 1 { shape 2 { dim 1 { dim_value 1 } } } } } */
static bool read_input(struct onnx_reader *r, struct pb_bytes message)
{
    const struct pb_bytes name = onnx_inside(message, 1);
    if (onnx_find(r, name) != NULL)
        return true;            /* old files list the initializers among the inputs */
    char text[64];
    pb_text(name, text, sizeof text);
    if (r->net->tensor_count > 0)
        return net_fail(r->net, "a second input, '%s': one picture is expected", text);

    int64_t dims[4] = { 0 };
    int rank = 0;
    struct pb_reader shape = pb_open(onnx_inside(onnx_inside(onnx_inside(message, 2), 1), 2));
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
    struct onnx_node node;
    if (!onnx_read_node(message, &node))
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
    const struct pb_bytes name = onnx_inside(onnx_inside(graph, GRAPH_OUTPUT), 1);
    const struct onnx_value *output = onnx_find(r, name);
    return net_end(r->net, output ? output->tensor : -1);
}

/* Every value is defined by a field of its own: a node's output, an initializer, an input. */
static size_t count_values(struct pb_bytes graph)
{
    struct pb_reader r = pb_open(graph);
    struct pb_field f;
    size_t count = 0;
    while (pb_next(&r, &f))
        count += f.number == GRAPH_NODE || f.number == GRAPH_INITIALIZER
                 || f.number == GRAPH_INPUT;
    return count;
}

bool net_read_onnx(struct net *net, const uint8_t *bytes, size_t size)
{
    *net = (struct net){ .output = -1 };
    const struct pb_bytes model = { bytes, size }, graph = onnx_inside(model, MODEL_GRAPH);
    if (graph.size == 0)
        return net_fail(net, "neither a .hewnet file nor an ONNX model");
    struct onnx_reader r = {
        .net = net,
        .value_room = count_values(graph),
        .opset = onnx_opset(model, 13),
    };
    if (r.value_room > ONNX_MAX_VALUES)
        return net_fail(net, "onnx: more than %d values", ONNX_MAX_VALUES);
    r.values = malloc((r.value_room + 1) * sizeof *r.values);
    if (r.values == NULL)
        return net_fail(net, "out of memory");
    const bool good = read_graph(&r, graph);
    for (int i = 0; i < r.value_count; i++)
        onnx_free_tensor(&r.values[i].constant);
    free(r.values);
    return good;
}
