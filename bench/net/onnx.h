/*
 * The ONNX reader's two halves: onnx.c decodes the messages (ModelProto, GraphProto, NodeProto,
 * TensorProto, ...), onnx_ops.c turns each operator into layers.  Field numbers are those of
 * onnx.proto3.
 */
#ifndef HEW_NET_ONNX_H
#define HEW_NET_ONNX_H

#include "graph.h"
#include "protobuf.h"

#define ONNX_MAX_VALUES 32768
#define ONNX_MAX_RANK 8

enum onnx_type { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT64 = 7 };

struct onnx_constant {
    int rank;
    int64_t dims[ONNX_MAX_RANK];
    int count;                  /* elements */
    int type;
    float *floats;              /* when type is ONNX_FLOAT */
    int64_t *ints;              /* when type is ONNX_INT64; of other types neither is kept */
};

/* What a name in the graph stands for: a constant, or a tensor of the net. */
struct onnx_value {
    struct pb_bytes name;
    int tensor;                 /* -1: a constant */
    bool flat;                  /* seen as [N, channels * height * width], in this order */
    struct onnx_constant constant;
};

struct onnx_node {
    struct pb_bytes message, name, op;
    struct pb_bytes in[NET_MAX_INPUTS], out;
    int in_count;
};

struct onnx_reader {
    struct net *net;
    struct onnx_value *values;
    int value_count;
    size_t value_room;
    int64_t opset;
};

/* ---- onnx.c ---- */

const struct onnx_value *onnx_find(const struct onnx_reader *r, struct pb_bytes name);

/* Gives the node's output a meaning. */
bool onnx_define(struct onnx_reader *r, struct pb_bytes name, struct onnx_value value);

/* Attributes of a node, or the fallback where there is none of this name. */
int64_t onnx_int(const struct onnx_node *node, const char *name, int64_t fallback);
float onnx_float(const struct onnx_node *node, const char *name, float fallback);
struct pb_bytes onnx_string(const struct onnx_node *node, const char *name);

/* At most `most` numbers into `values`: how many there are, 0 without such an attribute. */
int onnx_ints(const struct onnx_node *node, const char *name, int64_t *values, int most);

/* The attribute `value` of a Constant node. */
bool onnx_tensor(struct onnx_reader *r, const struct onnx_node *node, struct onnx_constant *out);

/* ---- onnx_ops.c ---- */

bool onnx_convert(struct onnx_reader *r, const struct onnx_node *node);

/* Whether the node has an input k (they may be left out), and what it stands for. */
bool onnx_given(const struct onnx_node *node, int k);
const struct onnx_value *onnx_input(const struct onnx_reader *r, const struct onnx_node *node,
                                    int k);

/* Input k as a tensor of the net; for onnx_image_input one whose axis 1 is channels. Or NULL. */
const struct onnx_value *onnx_tensor_input(struct onnx_reader *r, const struct onnx_node *node,
                                           int k);
const struct onnx_value *onnx_image_input(struct onnx_reader *r, const struct onnx_node *node,
                                          int k);

/* Input k as constant floats, `count` of them unless that is -1.  Or NULL. */
const struct onnx_constant *onnx_float_input(struct onnx_reader *r, const struct onnx_node *node,
                                             int k, int count);

bool onnx_define_tensor(struct onnx_reader *r, const struct onnx_node *node, int tensor, bool flat);
bool onnx_add_layer(struct onnx_reader *r, const struct onnx_node *node, struct net_layer *layer,
                    bool flat);

/* ---- onnx_layers.c: Conv; MaxPool, AveragePool; Pad; GlobalAveragePool, ReduceMean; Gemm,
 *      MatMul; Add, Sub, Mul, Div; BatchNormalization ---- */

bool onnx_conv(struct onnx_reader *r, const struct onnx_node *node);
bool onnx_pool(struct onnx_reader *r, const struct onnx_node *node);
bool onnx_pad(struct onnx_reader *r, const struct onnx_node *node);
bool onnx_global_pool(struct onnx_reader *r, const struct onnx_node *node);
bool onnx_linear(struct onnx_reader *r, const struct onnx_node *node);
bool onnx_binary(struct onnx_reader *r, const struct onnx_node *node);
bool onnx_batch_norm(struct onnx_reader *r, const struct onnx_node *node);

#endif
