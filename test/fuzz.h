/*
 * fuzz.h - random descriptors for every operation: created, packed and run into heap buffers of
 * exactly the described size, on every rung of this machine.  Beside what the sanitizers see, the
 * rungs must agree with ref bit for bit, a refusal must say why, and a failure must write nothing.
 */
#ifndef HEW_TEST_FUZZ_H
#define HEW_TEST_FUZZ_H

#include "hew.h"
#include "kernels.h"

/* A larger case is created, asked for its sizes and not run. */
enum { FUZZ_MOST_FLOATS = 1 << 16, FUZZ_MOST_WORK = 200000 };

/* ---------------------------------------------------------------- numbers from the input ---- */

typedef struct fuzz_bytes {
    const uint8_t *p;
    size_t left;
} fuzz_bytes;

unsigned fuzz_byte(fuzz_bytes *in);
bool fuzz_one_in(fuzz_bytes *in, unsigned n);
int64_t fuzz_extent(fuzz_bytes *in);                /* small, an edge of a tile, or wild */
int64_t fuzz_small(fuzz_bytes *in, unsigned limit); /* less than limit, or wild */
int64_t fuzz_stride(fuzz_bytes *in, int64_t least); /* 0, `least` or a little more, or wild */
hew_act fuzz_activation(fuzz_bytes *in);
hew_type fuzz_type(fuzz_bytes *in);

/* Types of a product: mostly some that go together. */
typedef struct fuzz_types {
    hew_type a, b, c, residual;
} fuzz_types;
fuzz_types fuzz_product_types(fuzz_bytes *in);
int32_t fuzz_zero(fuzz_bytes *in, hew_type type); /* a zero point: mostly in range */
float fuzz_scale(fuzz_bytes *in);
const hew_threads *fuzz_threads(fuzz_bytes *in);

/* What a stride or extent of 0 stands for. */
int64_t fuzz_or_dense(int64_t given, int64_t dense);

/* ------------------------------------------------------------------- buffers and results ---- */

/* A heap block for exactly n elements, which stands on 4 bytes and no more. */
void *fuzz_elements(hew_type type, size_t n, uint32_t seed);
float *fuzz_floats(size_t n, uint32_t seed);
void fuzz_unfloats(void *p);
void *fuzz_aligned(size_t bytes); /* for packed operands and scratch: null for none; free() it */

/* Elements from the first to the last of `outer` x `rows` x `columns`; more than FUZZ_MOST_FLOATS
 * if they are too many, or if a number is nonsense. */
size_t fuzz_span(int64_t outer, int64_t outer_stride, int64_t rows, int64_t row_stride,
                 int64_t columns);

/* Makes a tensor dense, or gives it gaps: elements from the first to the last, which wild numbers
 * make too many. */
size_t fuzz_lay_out(fuzz_bytes *in, hew_tensor *t);

__attribute__((noreturn)) void fuzz_broken(const char *what, hew_isa isa);

/* Everything from creation to destruction on the rungs in use; out may be null: don't run. */
typedef hew_status fuzz_case_fn(const void *c, void *out);
void fuzz_on_every_rung(fuzz_case_fn *run, const void *c, hew_type type, size_t out_elements,
                        bool can_run);

/* -------------------------------------------------------------------------- the operations ---- */

void fuzz_gemm(fuzz_bytes *in);
void fuzz_conv(fuzz_bytes *in);
void fuzz_pooling(fuzz_bytes *in);
void fuzz_softmax(fuzz_bytes *in);
void fuzz_reorder(fuzz_bytes *in);
void fuzz_weights(fuzz_bytes *in);
void fuzz_binary(fuzz_bytes *in);
void fuzz_chain(fuzz_bytes *in);
void fuzz_reduce(fuzz_bytes *in);
void fuzz_order(fuzz_bytes *in);
void fuzz_random(fuzz_bytes *in);
void fuzz_layer_norm(fuzz_bytes *in);
void fuzz_channel_norm(fuzz_bytes *in);
void fuzz_lrn(fuzz_bytes *in);
void fuzz_move(fuzz_bytes *in);
void fuzz_resample(fuzz_bytes *in);

#endif
