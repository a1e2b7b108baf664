/*
 * case.h - ONNX's own tests: a folder has model.onnx, and test_data_set_0 with input_0.pb, ... and
 * the output_0.pb, ... that are expected.
 *
 * Integers have to be equal.  Floats have to be as near as ONNX's own runner asks for by default:
 * |got - want| <= 1e-7 + 1e-3 |want|, Inf and NaN where they are expected.
 */
#ifndef HEW_TEST_ONNX_CASE_H
#define HEW_TEST_ONNX_CASE_H

#include "onnx/op.h"

enum { CASE_MAX_NODES = 64, CASE_MAX_VALUES = 192, CASE_MAX_FILES = 32 };

typedef struct case_value {
    struct pb_bytes name;
    struct onnx_tensor tensor;
} case_value;

typedef struct onnx_case {
    char name[192];              /* its folder, less test_ */
    uint8_t *model;
    int64_t opset;
    struct onnx_node nodes[CASE_MAX_NODES];
    int node_count;
    struct pb_bytes graph;
    case_value values[CASE_MAX_VALUES]; /* initializers and inputs; nodes' outputs while it runs */
    int value_count, given_count;
    struct onnx_tensor want[OP_MAX_OUT];
    struct pb_bytes want_name[OP_MAX_OUT];
    int want_count;
} onnx_case;

/* Reads the model alone. */
void case_open(onnx_case *tc, const char *folder, const char *name);

/* Operators that have no function, each once; how many of them are in `missing`. */
int case_missing(const onnx_case *tc, struct pb_bytes missing[CASE_MAX_NODES]);

/* Reads the tensors, when there is something to be done with them. */
outcome case_read(onnx_case *tc, const char *folder, char why[WHY_BYTES]);

/*
 * Computes the graph and compares its outputs with what is expected.  `hash` is of all outputs'
 * bits.  Not PASSED: `why`.
 */
outcome case_run(onnx_case *tc, const hew_threads *threads, uint64_t *hash, char why[WHY_BYTES]);
void case_close(onnx_case *tc);

/* Null if `got` is what is wanted, or else what is not. */
const char *case_differs(const struct onnx_tensor *want, const struct onnx_tensor *got);

#endif
