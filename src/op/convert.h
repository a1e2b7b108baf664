/*
 * convert.h - copies between strided tensors of different types.
 */
#ifndef HEW_CONVERT_H
#define HEW_CONVERT_H

#include "move.h"

/* The nest's tensors are out, in, and the index of the scale, with a stride of 1. */
hew_status hew_convert(const hew_copy_desc *desc, const hew_nest *nest, const void *in, void *out,
                       const hew_threads *threads);

#endif
