/* sample.h - cuts a part out of a problem that is too large for ref: rows and columns of a product,
 * output channels of a convolution's last image.  By the library's promise that results don't
 * depend on M, N, batch or position, the part computed alone has the bits of the whole. */
#ifndef HEW_BENCH_SAMPLE_H
#define HEW_BENCH_SAMPLE_H

#include "reference.h"

/* Fills in sub, where and what.  False: no memory. */
bool sample_create(reference *r);
void sample_destroy(reference *r);

#endif
