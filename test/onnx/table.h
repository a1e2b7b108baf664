/* table.h - what came out, operator by operator, and docs/onnx.md made of it. */
#ifndef HEW_TEST_ONNX_TABLE_H
#define HEW_TEST_ONNX_TABLE_H

#include "onnx/case.h"

#include <stdio.h>

enum { TABLE_MAX_ROWS = 512, ROW_MAX_REASONS = 24 };

typedef struct table_reason {
    char text[WHY_BYTES];
    int count;
} table_reason;

typedef struct table_row {
    char name[64];
    bool known; /* the operator has a function */
    int count[3]; /* of each outcome */
    table_reason reasons[ROW_MAX_REASONS];
    int reason_count;
} table_row;

typedef struct table {
    int count[3];
    uint64_t list;                     /* hash of the tests' names */
    table_row rows[TABLE_MAX_ROWS];    /* graphs of one node: a row for each operator, sorted */
    int row_count;
    table_row lacking[TABLE_MAX_ROWS]; /* graphs of several: a row for what they lack */
    int lacking_count;
    char *graphs;                      /* the names of those that passed, ", " between */
    int graph_count[3];
} table;

/* Notes a test's outcome; `why` unless it passed. */
void table_add(table *t, const onnx_case *tc, const char *suite, outcome result, const char *why);
void table_free(table *t);

/* The document. */
void table_write(const table *t, FILE *out);

/* Whether a document is about this list of tests. */
bool table_same_list(const table *t, const char *document);

#endif
