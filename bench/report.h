/*
 * report.h - results as a table or CSV on stdout, and as JSON lines in a file.
 */
#ifndef HEW_BENCH_REPORT_H
#define HEW_BENCH_REPORT_H

#include "job.h"
#include "peers.h"

#include <stdio.h>

typedef struct report_peer {
    const char *name;
    double min_us, median_us; /* 0: it has no result */
    char label[64];
} report_peer;

/* One case on one rung. */
typedef struct report_row {
    const bench_job *job;
    const char *isa, *kernel;
    char check[112]; /* what the result was compared with, or what went wrong */
    double max_err; /* against ref */
    double min_us, median_us; /* 0 with --check-only */
    double rate, pct_peak;    /* GFLOP/s, GOP/s; GB/s for operations that only move data */
    report_peer peers[RIVALS_MAX];
} report_row;

/* Ratios of one suite against each peer; the last against the best of the other libraries. */
typedef struct report_sum {
    const char *group, *types;
    size_t cases[RIVALS_MAX + 1];
    double log_ratio[RIVALS_MAX + 1], worst[RIVALS_MAX + 1];
    char worst_at[RIVALS_MAX + 1][PROBLEM_TEXT];
} report_sum;

enum { REPORT_GROUPS = 32 };

typedef struct report {
    FILE *json; /* or null */
    bool csv, verbose, timed;
    size_t n_peers; /* the first n_libraries of them are other libraries */
    size_t n_libraries;
    const char *peer_names[RIVALS_MAX];
    int problem_width, kernel_width, check_width;
    report_sum sums[REPORT_GROUPS]; /* sums[0]: everything */
    size_t n_sums;
} report;

/* "resnet_50:conv1" or the problem's text, with what is fused: "... +bias+relu". */
void report_title(const bench_job *job, char *to, size_t size);

void report_begin(report *r);
void report_add(report *r, const report_row *row);
void report_end(report *r);

/* Whether the rate is GB/s. */
bool report_moves_data(problem_op op);

#endif
