/* options.h - hew-bench's command line. */
#ifndef HEW_BENCH_OPTIONS_H
#define HEW_BENCH_OPTIONS_H

#include "cases.h"
#include "peers.h"

typedef struct options {
    problem_op op;
    case_list cases;
    bool isas[HEW_ISA_COUNT]; /* the rungs to run on, each in turn */
    int threads;
    double min_time; /* seconds */
    bool check_only, csv, list, verbose;
    const char *json; /* path, "-" for stdout, or null */
    const char *peers[RIVALS_MAX];
    size_t n_peers;
    bool has_against;
    bench_types against; /* this library with these types is a contestant, too */
} options;

/* Exits with status 2 and a message when the command line is wrong; with 0 after --help. */
void options_parse(options *o, int argc, char **argv);

/* "hew-bench: ..." on stderr, and exit status 2. */
__attribute__((format(printf, 1, 2), noreturn)) void options_fail(const char *format, ...);

#endif
