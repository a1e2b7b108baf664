/* ONNX messages: TensorProto, AttributeProto, NodeProto. */
#include "onnx_proto.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------- types ----- */

enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_FLOATS = 4, TENSOR_INT32S = 5, TENSOR_INT64S = 7,
       TENSOR_NAME = 8, TENSOR_RAW = 9, TENSOR_DOUBLES = 10, TENSOR_UINT64S = 11,
       TENSOR_LOCATION = 14 };

/* `field` has the elements where raw_data doesn't, in varints unless the type is a floating one. */
static const struct {
    const char *name;
    uint8_t size, field;
    bool fixed;
} types[] = {
    [ONNX_FLOAT] = { "float32", 4, TENSOR_FLOATS, true },
    [ONNX_UINT8] = { "uint8", 1, TENSOR_INT32S, false },
    [ONNX_INT8] = { "int8", 1, TENSOR_INT32S, false },
    [ONNX_UINT16] = { "uint16", 2, TENSOR_INT32S, false },
    [ONNX_INT16] = { "int16", 2, TENSOR_INT32S, false },
    [ONNX_INT32] = { "int32", 4, TENSOR_INT32S, false },
    [ONNX_INT64] = { "int64", 8, TENSOR_INT64S, false },
    [ONNX_STRING] = { "string", 0, 0, false },
    [ONNX_BOOL] = { "bool", 1, TENSOR_INT32S, false },
    [ONNX_FLOAT16] = { "float16", 2, TENSOR_INT32S, false },
    [ONNX_DOUBLE] = { "float64", 8, TENSOR_DOUBLES, true },
    [ONNX_UINT32] = { "uint32", 4, TENSOR_UINT64S, false },
    [ONNX_UINT64] = { "uint64", 8, TENSOR_UINT64S, false },
    [ONNX_BFLOAT16] = { "bfloat16", 2, TENSOR_INT32S, false },
};

static bool known(int type)
{
    return type >= 0 && type < (int)(sizeof types / sizeof types[0]) && types[type].name != NULL;
}

const char *onnx_type_name(int type)
{
    return known(type) ? types[type].name : "of no known type";
}

size_t onnx_type_size(int type)
{
    return known(type) ? types[type].size : 0;
}

/* ------------------------------------------------------------------------------ numbers ----- */

/* Adds a repeated integer field, packed or not, to `count` values of `size` bytes: the low ones, as
 * int32_data does with narrower types.  Those past `most` only count. */
static bool add_varints(const struct pb_field *f, void *values, size_t size, int *count, int most)
{
    struct pb_reader packed = pb_open(f->bytes);
    uint64_t value = f->value;
    if (f->wire != PB_VARINT && f->wire != PB_BYTES)
        return false;
    while (f->wire == PB_VARINT || pb_varint(&packed, &value)) {
        if (*count < most)
            memcpy((uint8_t *)values + (size_t)*count * size, &value, size);
        if (*count < NET_MAX_ELEMENTS)
            ++*count;
        if (f->wire == PB_VARINT)
            return true;
    }
    return !packed.bad;
}

/* The same for floats and doubles, which have to fit. */
static bool add_fixed(const struct pb_field *f, void *values, size_t size, int *count, int most)
{
    const enum pb_wire wire = size == 4 ? PB_FIXED32 : PB_FIXED64;
    const uint8_t *at = f->wire == PB_BYTES ? f->bytes.at : (const uint8_t *)&f->value;
    const size_t bytes = f->wire == PB_BYTES ? f->bytes.size : f->wire == wire ? size : 1;
    if (bytes % size != 0 || bytes / size > (size_t)(most - *count))
        return false;
    if (bytes > 0)
        memcpy((uint8_t *)values + (size_t)*count * size, at, bytes);
    *count += (int)(bytes / size);
    return true;
}

/* -------------------------------------------------------------------------- TensorProto ----- */

static bool read_shape(struct pb_bytes message, struct onnx_tensor *t, struct pb_bytes *name,
                       uint64_t *location)
{
    struct pb_reader r = pb_open(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == TENSOR_DIMS
            && !add_varints(&f, t->dims, sizeof t->dims[0], &t->rank, ONNX_MAX_RANK))
            return false;
        if (f.number == TENSOR_TYPE)
            t->type = f.value <= 64 ? (int)f.value : 0;
        if (f.number == TENSOR_NAME)
            *name = f.bytes;
        if (f.number == TENSOR_LOCATION)
            *location = f.value;
    }
    t->count = 1;
    for (int d = 0; d < t->rank && t->rank <= ONNX_MAX_RANK; d++) {
        if (t->dims[d] < 0 || (t->dims[d] > 0 && t->count > NET_MAX_ELEMENTS / t->dims[d]))
            return false;
        t->count *= (int)t->dims[d];
    }
    return !r.bad && t->rank <= ONNX_MAX_RANK;
}

/* The elements, from whichever of the fields they are in; false unless there are just t->count. */
static bool read_elements(struct pb_bytes message, struct onnx_tensor *t)
{
    const size_t size = types[t->type].size;
    struct pb_reader r = pb_open(message);
    struct pb_field f;
    int count = 0;
    while (pb_next(&r, &f)) {
        if (f.number == TENSOR_RAW) {
            if (f.bytes.size != size * (size_t)t->count)
                return false;
            if (t->count > 0)
                memcpy(t->data, f.bytes.at, f.bytes.size);
            count = t->count;
        } else if (f.number == types[t->type].field) {
            if (!(types[t->type].fixed ? add_fixed : add_varints)(&f, t->data, size, &count,
                                                                  t->count))
                return false;
        }
    }
    return !r.bad && count == t->count;
}

const char *onnx_read_tensor(struct pb_bytes message, struct onnx_tensor *t, struct pb_bytes *name)
{
    uint64_t location = 0;
    *t = (struct onnx_tensor){ .rank = 0 };
    if (!read_shape(message, t, name, &location))
        return "damaged, or too large";
    if (location != 0)
        return "in another file, which is not supported";
    if (onnx_type_size(t->type) == 0)
        return NULL;
    /* No more memory is asked for than the message itself could fill: an element is >= 1 byte. */
    const bool fits = (size_t)t->count <= message.size;
    t->data = malloc(fits ? ((size_t)t->count + 1) * types[t->type].size : 1);
    if (t->data != NULL && fits && read_elements(message, t))
        return NULL;
    const bool memory = t->data != NULL;
    onnx_free_tensor(t);
    return memory ? "not as many elements as its shape says" : "out of memory";
}

void onnx_free_tensor(struct onnx_tensor *t)
{
    free(t->data);
    *t = (struct onnx_tensor){ .rank = 0 };
}

/* ----------------------------------------------------------------------- AttributeProto ----- */

enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_STRING = 4,
       ATTRIBUTE_TENSOR = 5, ATTRIBUTE_INTS = 8 };

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

static struct pb_bytes attribute_bytes(const struct onnx_node *node, const char *name,
                                       uint32_t number)
{
    struct pb_field f;
    const bool found = attribute_field(node, name, number, PB_BYTES, &f);
    return found ? f.bytes : (struct pb_bytes){ NULL, 0 };
}

struct pb_bytes onnx_string(const struct onnx_node *node, const char *name)
{
    return attribute_bytes(node, name, ATTRIBUTE_STRING);
}

struct pb_bytes onnx_tensor_attribute(const struct onnx_node *node, const char *name)
{
    return attribute_bytes(node, name, ATTRIBUTE_TENSOR);
}

int onnx_ints(const struct onnx_node *node, const char *name, int64_t *values, int most)
{
    struct pb_reader r = pb_open(attribute(node, name));
    struct pb_field f;
    int count = 0;
    while (pb_next(&r, &f))
        if (f.number == ATTRIBUTE_INTS
            && !add_varints(&f, values, sizeof values[0], &count, most))
            return most + 1;
    return count;
}

/* --------------------------------------------------------------- NodeProto, and what has it - */

bool onnx_read_node(struct pb_bytes message, struct onnx_node *node)
{
    *node = (struct onnx_node){ .message = message };
    struct pb_reader reader = pb_open(message);
    struct pb_field f;
    while (pb_next(&reader, &f)) {
        if (f.number == NODE_INPUT && node->in_count < NET_MAX_INPUTS)
            node->in[node->in_count] = f.bytes;
        node->in_count += f.number == NODE_INPUT && node->in_count <= NET_MAX_INPUTS;
        if (f.number == NODE_OUTPUT && node->out.size == 0)
            node->out = f.bytes;
        if (f.number == NODE_NAME)
            node->name = f.bytes;
        if (f.number == NODE_OP)
            node->op = f.bytes;
    }
    return !reader.bad;
}

struct pb_bytes onnx_inside(struct pb_bytes message, uint32_t number)
{
    struct pb_reader r = pb_open(message);
    struct pb_field f;
    while (pb_next(&r, &f))
        if (f.number == number && f.wire == PB_BYTES)
            return f.bytes;
    return (struct pb_bytes){ NULL, 0 };
}

int64_t onnx_opset(struct pb_bytes model, int64_t fallback)
{
    struct pb_reader fields = pb_open(model);
    struct pb_field f, inner;
    while (pb_next(&fields, &f)) {
        struct pb_reader opset = pb_open(f.bytes);
        while (f.number == MODEL_OPSET && pb_next(&opset, &inner))
            fallback = inner.number == 2 ? (int64_t)inner.value : fallback;
    }
    return fallback;
}
