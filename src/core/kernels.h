/*
 * kernels.h - what a kernel is given, and how the one for this CPU is found.
 *
 * A kernel family <f> has two function types: <f>_ref_fn, the definition in src/ref, which does a
 * whole operation from its descriptor in plain C, and <f>_fn, the unit of work that drivers hand to
 * a kernel.  kernels.def lists the functions of both; each part of it has a header that declares
 * them and says what they are given:
 *
 *     kernels_matrix         GEMM, panels, vectors, the epilogue
 *     kernels_amx            GEMM in tile registers
 *     kernels_dwconv         depthwise convolution
 *     kernels_rows           activations and types, over rows
 *     kernels_elementwise    operations element by element, of matrices
 *     kernels_chain          the same of any tensors, several in one pass
 *     kernels_softmax, kernels_norm, kernels_pooling, kernels_reduce, kernels_order,
 *     kernels_random, kernels_move, kernels_resample
 *
 * A kernel includes its own part's header; this one is for drivers, tests and benchmarks.
 */
#ifndef HEW_KERNELS_H
#define HEW_KERNELS_H

#include "kernels_amx.h"
#include "kernels_chain.h"
#include "kernels_dwconv.h"
#include "kernels_elementwise.h"
#include "kernels_matrix.h"
#include "kernels_move.h"
#include "kernels_norm.h"
#include "kernels_order.h"
#include "kernels_pooling.h"
#include "kernels_random.h"
#include "kernels_reduce.h"
#include "kernels_resample.h"
#include "kernels_rows.h"
#include "kernels_softmax.h"

/* ------------------------------------------------------------------------------ dispatch ---- */

typedef void hew_any_fn(void);
typedef struct hew_kernel {
    hew_isa isa;
    int family;
    int mr, nr, depth;
    const char *name, *family_name;
    hew_any_fn *fn;
} hew_kernel;

enum {
#define HEW_FAMILY(family) HEW_FAMILY_##family,
#define HEW_REF(family, symbol)
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol)
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL
    HEW_FAMILY_COUNT
};

/* The lines of kernels.def that serve a family on the rungs in use, in the list's order; none only
 * for a family without a definition of its own, which drivers ask for above ref alone. */
const hew_kernel *hew_kernels(int family, size_t *count);

/* The whole list, for tests and benchmarks. */
extern const hew_kernel hew_all_kernels[];
extern const size_t hew_all_kernels_count;

/* The function of a kernel line, with its type. */
#define HEW_FN(family, kernel) ((family##_fn *)(kernel)->fn)
#define HEW_REF_FN(family, kernel) ((family##_ref_fn *)(kernel)->fn)

/*
 * Rungs in use as a mask of 1 << hew_isa.  The test hook: rungs outside `mask` are taken away from
 * what was detected, ~0u gives all of them back.  Only while nothing runs; operations created
 * before keep their kernels.
 */
unsigned hew_cpu_rungs(void);
void hew_cpu_restrict(unsigned mask);

/* Likewise: definitions of bf16 have the order of the rung amx, not that of the others. */
extern bool hew_ref_amx;

#endif
