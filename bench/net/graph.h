/*
 * A small inference graph on top of Hew: enough to run image classifiers, nothing more.
 *
 * A net is a list of layers in execution order and a list of tensors.  Every tensor is NHWC; its
 * shape excludes the batch, which is chosen when the net is prepared.  Tensor 0 is the picture.
 *
 *     net_load (.hewnet or .onnx)  ->  net_choose_type  ->  net_prepare(batch)  ->  net_input,
 *                                                                                  net_run ...
 *
 * Files hold f32.  What a net computes in is an entry of types.h, f32 unless another is chosen.
 *
 * The functions return false on failure, with the reason in net.error.
 */
#ifndef HEW_NET_GRAPH_H
#define HEW_NET_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hew.h"

#define NET_MAX_INPUTS 64
#define NET_MAX_LAYERS 4096
#define NET_MAX_CHANNELS 64                    /* of the picture */
#define NET_MAX_ELEMENTS (1 << 27)             /* of a tensor of one picture: extents are int */

/* The values are those stored in .hewnet files. */
enum net_op {
    NET_CONV = 1,           /* in[0], optionally in[1] added before the activation */
    NET_MAXPOOL = 2,
    NET_AVGPOOL = 3,
    NET_GLOBAL_AVGPOOL = 4,
    NET_ADD = 5,
    NET_CONCAT = 6,         /* along the channels */
    NET_SOFTMAX = 7,        /* over the channels */
    NET_LINEAR = 8,         /* over all of h, w and c */
    NET_ACT = 9,
};

struct net_tensor {
    int h, w, c;
    /* Set by net_choose_type.  An element q stands for (q - zero) * scale. */
    hew_type type;
    float scale;
    int32_t zero;
    /* Set by net_prepare. */
    void *data;
    int row_stride;         /* elements between pixels: more than c inside a concat's output */
    int parent;             /* the concat output that it is a channel slice of, or -1 */
    int offset;             /* of its first channel in the parent */
};

struct net_layer {
    enum net_op op;
    char name[48];
    int in[NET_MAX_INPUTS];
    int in_count;
    int out;

    int kernel[2], stride[2], dilation[2], pad_lo[2], pad_hi[2];    /* h, w */
    int groups, out_c;
    bool ceil_mode;         /* pools: the last window may hang over the edge */
    bool count_pad;         /* average pools: padding counts in the divisor */
    hew_act act;
    float *weights;         /* OIHW; of a linear layer [out][h][w][c] */
    float *bias;            /* out_c, or NULL */

    /* Set by net_prepare. */
    hew_conv *conv;
    hew_gemm *gemm;
    void *packed;
    float *scale;           /* out_c factors of integer sums, or NULL */
    double seconds;         /* median of the runs timed by net_time */
};

struct net_type;            /* types.h */
struct net_ranges;

struct net {
    struct net_tensor *tensors;
    int tensor_count;
    struct net_layer *layers;
    int layer_count;
    int output;             /* what the file calls its output */
    int logits;             /* the same, or what goes into a closing softmax */

    /* A byte v of channel c enters the net as v * in_scale[c] + in_shift[c]. */
    float in_scale[NET_MAX_CHANNELS], in_shift[NET_MAX_CHANNELS];
    char **classes;         /* names, or NULL */
    int class_count;
    uint64_t hash;          /* of the file, by net_load */
    const struct net_type *type;

    /* Set by net_prepare. */
    int batch;
    void *entry;            /* [channels][256]: the elements of tensor 0 that bytes become */
    void **buffers;
    int buffer_count;
    void *scratch;
    const hew_threads *threads;     /* the caller's; NULL runs on the calling thread */
    double seconds;         /* median of the runs timed by net_time */

    char error[256];
};

/* ---- graph.c: building ---- */

/* Records a message; always false, so that callers can return it. */
bool net_fail(struct net *net, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Starts a net with its input tensor, 0. */
bool net_begin(struct net *net, int h, int w, int c);

/* A layer with neutral attributes: kernel, stride, dilation and groups 1, no padding. */
struct net_layer net_layer_default(enum net_op op, int in);

/*
 * Checks the layer's inputs, infers its output's shape and appends it; its tensor is in layer->out
 * on return.  Takes weights and bias over, on failure too.
 */
bool net_add(struct net *net, struct net_layer *layer);

/* y = x * scale[c] + shift[c], as a depthwise 1x1 convolution, which net_fuse folds away. */
bool net_add_affine(struct net *net, int in, const double *scale, const double *shift, int *out);
bool net_is_affine(const struct net *net, const struct net_layer *layer);

/* Names the output and finds the logits. */
bool net_end(struct net *net, int output);

/* Elements of a layer's weights, once its inputs and out_c are known; 0 if they overflow. */
int net_weight_count(const struct net *net, const struct net_layer *layer);

/* The names of the classes: one a line. */
bool net_name_classes(struct net *net, const char *text, size_t size);

void net_free(struct net *net);

/* ---- hewnet.c, onnx.c, load.c: reading.  Bytes may be anything. ---- */

bool net_read_hewnet(struct net *net, const uint8_t *bytes, size_t size);
bool net_read_onnx(struct net *net, const uint8_t *bytes, size_t size);

/* A whole file in memory for the caller to free, or NULL with errno set. */
uint8_t *net_read_file(const char *path, size_t *size);

/* Reads the file, then whichever of the two its first bytes promise; fuses. */
bool net_load(struct net *net, const char *path);

/* FNV-1a, 64 bits, continued from `hash`: start with NET_HASH_START. */
#define NET_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t net_hash(uint64_t hash, const void *bytes, size_t size);

/* ---- fuse.c ---- */

/* Folds affine layers, activations and additions into the convolutions before them. */
bool net_fuse(struct net *net);

/* ---- quantize.c ---- */

/*
 * Chooses the type of each tensor, and, from the ranges that a type may need, its scale and zero
 * point.  Once per net, before net_prepare, which otherwise chooses f32.
 */
bool net_choose_type(struct net *net, const struct net_type *type, const struct net_ranges *ranges);

/* ---- exec.c: running ---- */

/* Creates and packs every operation for this batch, and allocates all memory. Once per net. */
bool net_prepare(struct net *net, int batch, const hew_threads *threads);

/* Writes picture n of the batch: h * w * c bytes. */
void net_input(struct net *net, int n, const uint8_t *pixels);

bool net_run(struct net *net);

/* The same; `seen` gets to see each layer while its output is still in memory. */
typedef void net_watcher(void *arg, const struct net *net, const struct net_layer *layer);
bool net_run_watched(struct net *net, net_watcher *seen, void *arg);

/* The logits of picture n: tensors[logits].c floats (logits have h = w = 1). */
const float *net_logits(const struct net *net, int n);

/* ---- time.c ---- */

/* Runs the nets in turn, `runs` times each, and leaves medians in them and in their layers. */
bool net_time(struct net *const *nets, int count, int runs);

double net_layer_ops(const struct net *net, const struct net_layer *layer);
const char *net_layer_kernel(const struct net *net, const struct net_layer *layer);

#endif
