/* operand.h - tensors of a test case: a master copy in ordinary memory, and guarded copies. */
#ifndef HEW_TEST_OPERAND_H
#define HEW_TEST_OPERAND_H

#include "harness.h"

typedef struct operand {
    hew_type type;
    void *p; /* null: absent */
    layout l;
} operand;

/* Elements get the fill, what lies between the rows poison.  Integers: FILL_MIXED is any value,
 * FILL_SPECIALS mostly the lowest and the highest (s32: of 20 bits), FILL_INTS -8 to 8
 * (u8: 0 to 8). */
operand operand_new(rng *r, bool present, hew_type type, layout l, fill kind);
void operand_free(operand *o);
size_t operand_bytes(operand o);

/* A guarded copy; of an absent operand, a buffer whose data is null. */
buffer operand_place(operand o, placement where);

/* Fails the test if a copy is no longer one. */
void operand_check(const char *what, const buffer *copy, operand o);

/* Aligned guarded memory that begins as NaNs: for packed operands and scratch. */
buffer buffer_of_nans(size_t bytes, placement where);

/* An operand's values compared with a buffer's, bit for bit. */
void operand_compare(const char *what, const void *want, const buffer *got, operand o,
                     nan_rule nans);

/* The operands of a GEMM; of a convolution, with its input as A and its weights as B. */
enum { OPERAND_A, OPERAND_B, SCALE, BIAS, BIAS_S32, ZEROS, ADDEND, OPERAND_C, OPERANDS };
typedef struct operands {
    operand of[OPERANDS];
    void *want; /* C, when all is done */
} operands;

/* want becomes a copy of C. */
void operands_keep(operands *o);
void operands_free(operands *o);

/* Guarded copies of all, and whether C then is what is wanted and the others what they were. */
void operands_place(const operands *o, buffer copies[OPERANDS], placement where);
void operands_check(const operands *o, buffer copies[OPERANDS], nan_rule nans);

typedef enum residual_kind { NO_RESIDUAL, RESIDUAL, RESIDUAL_IN_PLACE } residual_kind;

#endif
