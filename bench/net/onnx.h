/*
 * The ONNX reader: onnx_proto.c decodes messages, onnx.c goes through a graph, onnx_ops.c and
 * onnx_layers.c turn each operator into layers.
 */
#ifndef HEW_NET_ONNX_H
#define HEW_NET_ONNX_H

#include "onnx_proto.h"

#define ONNX_MAX_VALUES 32768

/* What a name in the graph stands for: a constant, or a tensor of the net. */
struct onnx_value {
    struct pb_bytes name;
    int tensor;                 /* -1: a constant */
    bool flat;                  /* seen as [N, channels * height * width], in this order */
    struct onnx_tensor constant;
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

/* Constant. */
bool onnx_constant(struct onnx_reader *r, const struct onnx_node *node);

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
const struct onnx_tensor *onnx_float_input(struct onnx_reader *r, const struct onnx_node *node,
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
