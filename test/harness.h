/*
 * harness.h - what all tests share: seeds, fills, guarded memory, bit comparison, rungs, threads.
 *
 * A test file is a list of functions and one call:
 *
 *     static void one_row(void)
 *     {
 *         rng r = case_rng("one_row %d", 7);               // names the case for the report
 *         buffer in = buffer_new(4 * n, 4, AT_BACK), out = buffer_new(4 * n, 4, AT_BACK);
 *         fill_f32(&r, in.data, n, FILL_SPECIALS);
 *         poison_f32(out.data, n);
 *         state_save();
 *         hew_status status = hew_something(&desc, in.data, out.data, NULL);
 *         state_check();                                    // MXCSR, vzeroupper
 *         check_status(status, HEW_OK);
 *         check_bits("out", want, out.data, layout_of(1, n, n), NAN_BITS);
 *         buffer_free(&in);                                 // checks what lies around the buffer
 *         buffer_free(&out);
 *     }
 *     static const test tests[] = {{"one_row", one_row}};
 *     int main(void) { return run_on_rungs("softmax_f32", HEW_FAMILY_softmax_f32, TESTS(tests)); }
 *
 * On a wrong result the report has the seed; HEW_TEST_SEED=<it> replays the run with the same
 * numbers, and HEW_TEST_FILTER='*one_row*' picks tests by name.
 */
#ifndef HEW_TEST_HARNESS_H
#define HEW_TEST_HARNESS_H

#include "hew.h"
#include "kernels.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ----------------------------------------------------------------------------- running ----- */

typedef struct test {
    const char *name;
    void (*run)(void);
} test;
#define TESTS(array) (array), sizeof(array) / sizeof((array)[0])

/* Runs each test once, as <op>__<name>, with every rung of this machine. */
int run_once(const char *op, const test *tests, size_t count);

/*
 * Runs each test once on each rung above ref for which kernels.def has lines of `family`, or of
 * its product's kernels of AMX, as
 * <op>__<rung>__<name>, with the rungs above it taken away.  A rung that this machine lacks is
 * emulated (docs/emulation.md), which costs 10 us for each run of instructions that it lacks; where
 * that can't be, it shows up as skipped.
 */
int run_on_rungs(const char *op, int family, const test *tests, size_t count);

/* The rung of the running test; the highest one in use under run_once. */
hew_isa test_rung(void);


/* Takes away the rungs above ref, to compute what is wanted, and gives the test's back. */
void use_ref(void);
void use_test_rung(void);

/* ---------------------------------------------------------------------- random numbers ----- */

typedef struct rng {
    uint64_t state;
} rng;

/* Names the case that runs now, for the report, and gives its generator: a function of the seed,
 * the test's name and the case's, so that all rungs see the same numbers. */
__attribute__((format(printf, 1, 2))) rng case_rng(const char *format, ...);

/* Whether to run this case of so many multiplications, whose generator has just been made: where
 * instructions are emulated, one in 16 is enough, and none that takes a second.  Other seeds run
 * others. */
bool takes_case(const rng *r, int64_t macs);

uint64_t rng_next(rng *r);
int64_t rng_between(rng *r, int64_t low, int64_t high); /* both included */
bool rng_chance(rng *r, int one_in);
float rng_f32(rng *r); /* [-1, 1) */

typedef enum fill {
    FILL_MIXED,    /* [-1, 1) times a power of two between 2^-8 and 2^3 */
    FILL_INTS,     /* -8 .. 8: sums are exact */
    FILL_SPECIALS, /* mixed, and here and there an Inf, NaN, zero, denormal, the largest float */
    FILL_NANS,     /* mixed, and here and there a NaN with some sign and payload, or an Inf */
    FILL_DENORMALS,/* below 2^-126 */
    FILL_ZEROS,    /* zeros of either sign, and floats whose products underflow to them */
    FILL_TINY,     /* mixed times 2^-63: products lie about the least normal float */
    FILL_POISON    /* a NaN that no computation makes */
} fill;
void fill_f32(rng *r, float *p, size_t n, fill kind);
void fill_bf16(rng *r, uint16_t *p, size_t n, fill kind); /* upper halves of such floats */
void poison_f32(float *p, size_t n);

float float_of(uint32_t bits);
uint32_t bits_of(float f);

/* ----------------------------------------------------------------------------- memory ----- */

typedef enum placement {
    AT_FRONT, /* a page that can't be touched lies directly before the data */
    AT_BACK   /* ... directly after it, up to the slack that alignment asks for */
} placement;
enum { PLACEMENTS = 2 };

/* Data with such a page on one side and a canary on the other. */
typedef struct buffer {
    void *data;
    size_t bytes;
    struct region *region;
} buffer;
buffer buffer_new(size_t bytes, size_t alignment, placement where);
buffer buffer_copy(const void *from, size_t bytes, size_t alignment, placement where);

/* Fails the test if the canaries were written to. */
void buffer_free(buffer *b);

/* ------------------------------------------------------------------------- comparison ----- */

/* Where the elements of a tensor lie: [outer][row][column]; all others are padding. */
typedef struct layout {
    int64_t outer, outer_stride, rows, row_stride, columns;
} layout;
layout layout_of(int64_t rows, int64_t row_stride, int64_t columns);
size_t layout_span(layout l); /* elements from the first to the last, that one included */

typedef enum nan_rule {
    NAN_BITS, /* NaNs compare like everything else */
    NAN_ANY   /* any NaN will do, but not the poison */
} nan_rule;

/* Compares two tensors with everything between their rows, bit for bit. */
void check_bits(const char *what, const float *want, const float *got, layout l, nan_rule rule);

/* The same for tensors of any type but s4. */
void check_elements(const char *what, hew_type type, const void *want, const void *got, layout l);
void check_bf16(const char *what, const uint16_t *want, const uint16_t *got, layout l,
                nan_rule rule);
void check_status(hew_status got, hew_status want);

/* Checks the name of a kernel that serves this rung: not the definition, and no rung above. */
void check_kernel(const char *name);

/* Checks a refusal: its status, and that hew_last_error() has `text` in it. */
void check_refused(hew_status got, hew_status want, const char *text);

/* Ends the test with a report: test, case, seed, rung, threads, and this. */
__attribute__((format(printf, 1, 2), noreturn)) void fail_case(const char *format, ...);

/* Around every run: MXCSR's control bits must be what they were, and the upper halves of the
 * vector registers clear. */
void state_save(void);
void state_check(void);

/* ---------------------------------------------------------------------------- threads ----- */

/* A pool of n threads; made once, kept until the end.  Also notes n for the report. */
const hew_threads *pool_of(size_t n);

/* A parallel_for of `count` on the calling thread, tasks from the last to the first. */
const hew_threads *reversed_of(size_t count);

/* A parallel_for of `count` that makes each call on a thread of its own, one after the other, under
 * the MXCSR that a program starts with. */
const hew_threads *elsewhere_of(size_t count);

/* A parallel_for that makes no call and returns HEW_ERR_SYSTEM. */
const hew_threads *refusing(void);

/* Back on the calling thread: null, and noted. */
const hew_threads *no_threads(void);

#endif
