/*
 * kernels.h - what a kernel is given, and how the one for this CPU is found.
 *
 * A kernel family <f> has two function types: <f>_ref_fn, the definition in src/ref, which does a
 * whole operation from its descriptor in plain C, and <f>_fn, the unit of work that drivers hand to
 * a kernel.  kernels.def lists the functions of both; what they are given is in
 *
 *     kernels_matrix.h    GEMM, panels, vectors, the epilogue
 *     kernels_dwconv.h    depthwise convolution
 *     kernels_rows.h      everything that goes over rows: activations, types, pooling, ...
 */
#ifndef HEW_KERNELS_H
#define HEW_KERNELS_H

#include "kernels_dwconv.h"
#include "kernels_matrix.h"
#include "kernels_rows.h"

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

#define HEW_FAMILY(family)
#define HEW_REF(family, symbol) family##_ref_fn symbol;
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol) family##_fn symbol;
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL

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

#endif
