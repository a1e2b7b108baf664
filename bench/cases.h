/*
 * cases.h - the list of what is to be run: problems from the command line, from suites and from
 * shape files, each with what is fused to it.
 */
#ifndef HEW_BENCH_CASES_H
#define HEW_BENCH_CASES_H

#include "job.h"

/* What a problem's text doesn't say.  All zero: the default. */
typedef struct case_settings {
    const char *group; /* null: "" */
    bench_types types;
    bool types_given;  /* a shape file's problems of other types are left out */
    bool has_out;
    hew_type out;      /* instead of the one in types */
    bool has_b_group;
    int64_t b_group;   /* weight-only; without has_b_group 0 for s8, 128 for s4 */
    unsigned zero_points;
    hew_act act;
    bool bias, residual, transpose_a, transpose_b;
    bool one_shot;      /* B of a gemm is plain */
    bool log;
    bench_dir dir;
    bool dir_given; /* a shape file's problems of other directions are left out */
    bool to_channels_first;
    hew_pooling_kind pooling;
    int64_t mb; /* not 0: instead of what is written */
    bool has_axis;
    int64_t axis; /* of softmax the last one without has_axis, else 1 */
    const char *alg;  /* of an operation on tensors; null: the usual one */
    int64_t groups;   /* of shuffle; 0: 4 */
} case_settings;

typedef struct case_list {
    bench_job *jobs; /* without operands */
    size_t count, capacity;
} case_list;

typedef enum case_result {
    CASE_ADDED = 0,
    CASE_WRONG,      /* the text is no problem, or there is no memory: `why` */
    CASE_UNSUPPORTED /* it is one, but of a kind that this library doesn't do: `why` */
} case_result;

case_result case_add(case_list *list, problem_op op, const char *text, const case_settings *s,
                     char why[PROBLEM_WHY]);

/*
 * A shape file of benchdnn: problems and options, `#` comments, `\` at the end of a line, other
 * files through --batch.  Options that change what is computed are followed as far as this library
 * can; those that concern oneDNN alone are named once on stderr and ignored.  Of a list of options
 * the first that this library can do counts, and all of --alg's; of --dir's the one given, or
 * without dir_given any forward one, as inference.  Problems of other types, directions or drivers
 * are counted on stderr and left out.
 */
bool case_add_file(case_list *list, problem_op op, const char *path, const case_settings *s,
                   char why[PROBLEM_WHY]);

/* The suites for an operation (PROBLEM_OP_COUNT: for any), "NAME" or "NAME:TYPES";
 * case_suite_list prints them. */
bool case_add_suite(case_list *list, problem_op op, const char *suite, const case_settings *s,
                    char why[PROBLEM_WHY]);
void case_suite_list(problem_op op);

/* "src", "wei", "dst" in a list, as in benchdnn's --attr-zero-points.  False for other words. */
bool case_zero_points_parse(const char *list, unsigned *zero_points);

/* "FWD_I", "FWD_D", "BWD_D", "BWD_DW".  False for other words. */
bool case_dir_parse(const char *word, bench_dir *dir);
const char *case_dir_name(bench_dir dir);

/* "relu", "gelu_tanh", ... with optional ":alpha:beta".  False for other words. */
bool case_act_parse(const char *word, hew_act *act);
const char *case_act_name(hew_act_kind kind);

#endif
