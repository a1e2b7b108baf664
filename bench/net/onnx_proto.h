/*
 * ONNX's messages, decoded: tensors, nodes and their attributes.  What they mean is up to others:
 * onnx.c makes a net of a model, test/onnx runs ONNX's own operator tests.  Field numbers are those
 * of onnx.proto3.
 */
#ifndef HEW_NET_ONNX_PROTO_H
#define HEW_NET_ONNX_PROTO_H

#include "graph.h"
#include "protobuf.h"

#define ONNX_MAX_RANK 8

enum onnx_type {
    ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_UINT16 = 4, ONNX_INT16 = 5, ONNX_INT32 = 6,
    ONNX_INT64 = 7, ONNX_STRING = 8, ONNX_BOOL = 9, ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12, ONNX_UINT64 = 13, ONNX_BFLOAT16 = 16
};

/* "float32", "uint8", ...: NumPy's names. */
const char *onnx_type_name(int type);

/* Bytes of an element; 0 for types that aren't kept. */
size_t onnx_type_size(int type);

struct onnx_tensor {
    int rank;
    int64_t dims[ONNX_MAX_RANK];
    int count;                  /* elements */
    int type;                   /* an onnx_type */
    union {                     /* malloc'ed elements of this type; NULL for those not kept */
        void *data;
        float *floats;          /* ONNX_FLOAT */
        int64_t *ints;          /* ONNX_INT64 */
    };
};

/* Reads a TensorProto.  Null, or what is wrong with it; `name` is set in both cases.  Elements of
 * strings and complex numbers are left out. */
const char *onnx_read_tensor(struct pb_bytes message, struct onnx_tensor *t, struct pb_bytes *name);
void onnx_free_tensor(struct onnx_tensor *t);

struct onnx_node {
    struct pb_bytes message, name, op;
    struct pb_bytes in[NET_MAX_INPUTS], out;
    int in_count;               /* NET_MAX_INPUTS + 1 if there are more */
};

/* Reads a NodeProto; false if it is damaged. */
bool onnx_read_node(struct pb_bytes message, struct onnx_node *node);

/* Attributes of a node, or the fallback where there is none of this name. */
int64_t onnx_int(const struct onnx_node *node, const char *name, int64_t fallback);
float onnx_float(const struct onnx_node *node, const char *name, float fallback);
struct pb_bytes onnx_string(const struct onnx_node *node, const char *name);

/* At most `most` numbers into `values`: how many there are, 0 without such an attribute. */
int onnx_ints(const struct onnx_node *node, const char *name, int64_t *values, int most);

/* The TensorProto in the attribute `name`; empty if there is none. */
struct pb_bytes onnx_tensor_attribute(const struct onnx_node *node, const char *name);

enum { MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };

/* The first field `number` of a message that is itself bytes; empty if there is none. */
struct pb_bytes onnx_inside(struct pb_bytes message, uint32_t number);

/* The version of the model's operators, or the fallback. */
int64_t onnx_opset(struct pb_bytes model, int64_t fallback);

#endif
