/*
 * problem.h - the notation in which problems are written: that of oneDNN's benchdnn.
 *
 *     conv      [gX][mbX]icX[idX][ihX][iwX]ocX[od..][oh..][ow..]kh..[sh..][dh..][ph..][n"name"]
 *     pool      as conv, without g and oc
 *     ip        [mbX]icX[idX][ihX][iwX]ocX[n"name"]
 *     gemm      MxK:KxN, 3x64x128:3x128x32 (batch, with broadcasting), mXnXkX      [n"name"]
 *     softmax   128x1000: along the last axis
 *     reorder   NxCxHxW: channels first to channels last, or back
 *
 * and operations on tensors (problem_tensors.c):
 *
 *     eltwise, sum           AxBx...
 *     binary, prelu          AxBx...:AxBx..., the second broadcast to the first
 *     reduction              AxBx...:AxBx..., the second with extents of 1 where it is reduced
 *     concat                 AxBx...:AxBx...:..., alike but along --axis
 *     shuffle                AxBx..., along --axis
 *     lnorm                  AxBx..., over the last dimension
 *     bnorm, gnorm, lrn      [gX]mbXicX[idX][ihX][iwX][epsX], lrn: [lsX][alphaX][betaX][kX]
 *     resampling             mbXicX[idX..][ihX..][iwX..]od..oh..ow..
 *
 * `_` separates and means nothing.  Defaults: mb 2, g 1, s 1, d 0 (taps are d + 1 apart).  Without
 * w, w is h; without h and w, both are d.  o follows from i, k, s, d and p, p from o when o is
 * there; padding after the last element is whatever makes o come out.
 */
#ifndef HEW_BENCH_PROBLEM_H
#define HEW_BENCH_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROBLEM_TEXT = 192, PROBLEM_WHY = 256, PROBLEM_MAX_DIMS = 12 };

typedef enum problem_op {
    PROBLEM_GEMM,
    PROBLEM_IP,
    PROBLEM_CONV,
    PROBLEM_POOL,
    PROBLEM_SOFTMAX,
    PROBLEM_REORDER,
    PROBLEM_ELTWISE, /* from here on: tensors */
    PROBLEM_SUM,
    PROBLEM_BINARY,
    PROBLEM_PRELU,
    PROBLEM_REDUCTION,
    PROBLEM_CONCAT,
    PROBLEM_SHUFFLE,
    PROBLEM_LNORM,
    PROBLEM_BNORM,
    PROBLEM_GNORM,
    PROBLEM_LRN,
    PROBLEM_RESAMPLING,
    PROBLEM_OP_COUNT
} problem_op;

/* Extents as they are written: channels are the second of those with keys. */
enum { PROBLEM_MAX_SHAPES = 8 };
typedef struct problem_shape {
    int rank;
    int64_t extent[PROBLEM_MAX_DIMS];
} problem_shape;

typedef struct problem {
    problem_op op;
    char text[PROBLEM_TEXT]; /* as written, without the name */
    char name[PROBLEM_TEXT]; /* "" if it has none */

    /* conv, pool and ip.  Spatial arrays are outermost first, `rank` long, the rest 1 (pads 0). */
    int rank;
    int64_t g, mb, ic, oc;
    int64_t in[3], out[3], kernel[3], stride[3], pad_lo[3], pad_hi[3];
    int64_t dilation[3]; /* distance between taps: the notation's d + 1 */

    /* gemm and ip: C[batch...][m][n] = A[batch...][m][k] * B[batch...][k][n], dims of 1 broadcast.
     * dims counts the batch dimensions and the matrix's two. */
    int dims;
    int64_t a_batch[PROBLEM_MAX_DIMS], b_batch[PROBLEM_MAX_DIMS], c_batch[PROBLEM_MAX_DIMS];
    int64_t m, n, k;

    /* softmax: rows x columns.  reorder: images of `columns` channels and `pixels` pixels.  Both
     * come from a shape of `rank` extents. */
    int64_t shape[PROBLEM_MAX_DIMS];
    int64_t rows, columns, pixels;

    /* Operations on tensors. */
    int n_shapes;
    problem_shape shapes[PROBLEM_MAX_SHAPES];
    double eps;            /* bnorm, gnorm, lnorm */
    int64_t window;        /* lrn */
    double lrn_alpha, lrn_beta, lrn_k;

    bool unsupported; /* after a failed parse: benchdnn takes this problem, but Hew can't do it */
} problem;

/* "gemm", "ip", "conv", ... */
const char *problem_op_name(problem_op op);

/* Also knows "matmul" and "pooling".  False for other words. */
bool problem_op_parse(const char *word, problem_op *op);

/* False, with a sentence in `why`, when the text is no problem of this kind. */
bool problem_parse(problem_op op, const char *text, problem *p, char why[PROBLEM_WHY]);

/* Puts another batch size in place of the one that was written: conv, pool and ip. */
void problem_set_mb(problem *p, int64_t mb);

/* Softmax along another axis than the last.  False if it is not one of contiguous elements. */
bool problem_set_axis(problem *p, int64_t axis, char why[PROBLEM_WHY]);

/* Multiply-adds; taps in the padding don't count.  0 for pool, softmax and reorder. */
double problem_macs(const problem *p);

/* Elements of the input (A), the weights (B) and the output. */
typedef struct problem_sizes {
    size_t in, weights, out;
} problem_sizes;
problem_sizes problem_elements(const problem *p);

/* Batch members of A, B and C. */
int64_t problem_batch(const problem *p, const int64_t batch[PROBLEM_MAX_DIMS]);

/* The parsers of the families of notation; problem_parse calls them. */
bool problem_parse_keys(problem *p, const char *text, char why[PROBLEM_WHY]);
bool problem_parse_dims(problem *p, const char *text, char why[PROBLEM_WHY]);
bool problem_parse_tensors(problem *p, const char *text, char why[PROBLEM_WHY]);
int problem_read_dims(const char **text, int64_t dims[PROBLEM_MAX_DIMS], char why[PROBLEM_WHY]);

/* Operations on tensors: what they are written with. */
static inline bool problem_has_tensors(problem_op op) { return op >= PROBLEM_ELTWISE; }
size_t problem_volume(const problem_shape *s);

/* Where concat joins its tensors; false if they differ along another axis. */
bool problem_set_concat_axis(problem *p, int axis, char why[PROBLEM_WHY]);

#endif
