/*
 * kernels_declare.h - declares the functions of one part of kernels.def.  No include guard: each
 * kernels_*.h includes it once for HEW_KERNELS_LIST, its own part.
 */
#define HEW_FAMILY(family)
#define HEW_REF(family, symbol) family##_ref_fn symbol;
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol) family##_fn symbol;
#include HEW_KERNELS_LIST
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL
#undef HEW_KERNELS_LIST
