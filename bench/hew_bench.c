/*
 * hew_bench.c - checks and times operations, against the reference and against other libraries.
 */
#include "against.h"
#include "kernels.h"
#include "operands.h"
#include "options.h"
#include "ours.h"
#include "peak.h"
#include "reference.h"
#include "report.h"
#include "rivals.h"
#include "timing.h"
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#if defined(__clang__)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define CLANG_VERSION TEXT(__clang_major__) "." TEXT(__clang_minor__) "." TEXT(__clang_patchlevel__)
#endif

#include "build_info.h" /* HEW_BENCH_COMMIT, HEW_BENCH_FLAGS: written by make */

typedef struct bench {
    options o;
    report r;
    const peer_api *peers[RIVALS_MAX];
    unsigned all_rungs;
    double peak[HEW_ISA_COUNT];      /* GFLOP/s of one thread, and GOP/s of integers */
    double peak_int8[HEW_ISA_COUNT];
    hew_pool *pool;
    hew_threads threads;
    size_t wrong, refused;
} bench;

/* Everything from this rung down. */
static void use_rung(const bench *b, int isa)
{
    hew_cpu_restrict(b->all_rungs & ((2u << isa) - 1));
}

/* ------------------------------------------------------------------------------ measuring --- */

static bool is_gemv(const problem *p)
{
    return (p->op == PROBLEM_GEMM || p->op == PROBLEM_IP) && (p->m == 1 || p->n == 1);
}

/* Cases that memory bounds are held against pure traffic of as many bytes, in the same contest. */
static hew_bench_traffic *roof_of(const bench *b, const bench_job *job)
{
    const bool moves = report_moves_data(job->p.op);
    if (!moves && !is_gemv(&job->p))
        return NULL;
    const bool copy = moves && job->out_count > job->in_count / 8; /* else it mostly reads */
    return hew_bench_traffic_create((size_t)operands_bytes(job), copy,
                                    b->pool ? &b->threads : NULL);
}

/* Sets the rate and how much of the possible it is; roof: the traffic's time, 0 without. */
static void rate(bench *b, int isa, report_row *row, double roof_us)
{
    const problem *p = &row->job->p;
    const double seconds = row->median_us * 1e-6;
    const double work = report_moves_data(p->op) ? operands_bytes(row->job) : 2 * problem_macs(p);
    row->rate = work / seconds * 1e-9;
    if (roof_us > 0) {
        row->pct_peak = 100 * roof_us / row->median_us;
        return;
    }
    const double peak = types_quantised(&row->job->types) ? b->peak_int8[isa] : b->peak[isa];
    row->pct_peak = 100 * row->rate / (peak * row->job->threads);
}

static void run_ours(void *op)
{
    ours_run(op);
}

static void time_case(bench *b, int isa, ours *mine, report_row *row)
{
    rival rivals[RIVALS_MAX * MAX_VARIANTS];
    contestant c[2 + RIVALS_MAX];
    size_t of_peer[1 + RIVALS_MAX], used = 0, count = 1;
    bool wrong = false;
    for (size_t i = 0; i < b->o.n_peers; i++) {
        row->peers[i].name = b->o.peers[i];
        const size_t n = rival_gather(b->peers[i], row->job, mine->out, rivals + used, &wrong,
                                      b->o.verbose);
        if (n == 0)
            continue;
        if (!b->o.check_only)
            rival_choose(rivals + used, n, b->o.min_time / 3, row->job->threads > 1);
        else
            for (size_t k = 1; k < n; k++)
                rivals[used + k].api->destroy(rivals[used + k].op);
        c[count] = (contestant){.run = rival_run, .op = &rivals[used]};
        of_peer[count++] = i;
        used++;
    }
    if (wrong) {
        snprintf(row->check + strlen(row->check), sizeof row->check - strlen(row->check),
                 " PEER DIFFERS");
        b->wrong++;
    }
    if (!b->o.check_only) {
        hew_bench_traffic *roof = roof_of(b, row->job);
        c[0] = (contestant){.run = run_ours, .op = mine};
        c[count] = (contestant){.run = hew_bench_traffic_run, .op = roof};
        time_contest(c, count + (roof != NULL), b->o.min_time, row->job->threads > 1);
        row->min_us = c[0].min_us;
        row->median_us = c[0].median_us;
        rate(b, isa, row, roof ? c[count].median_us : 0);
        hew_bench_traffic_destroy(roof);
    }
    for (size_t i = 1; i < count; i++) {
        const rival *v = c[i].op;
        report_peer *p = &row->peers[of_peer[i]];
        p->min_us = c[i].min_us;
        p->median_us = c[i].median_us;
        snprintf(p->label, sizeof p->label, "%s", v->api->label(v->op));
        v->api->destroy(v->op);
    }
}

/* The kernel's own rung: the one in use may have nothing better for this type. */
static const char *isa_of(const char *kernel, int rung)
{
    for (size_t i = 0; i < hew_all_kernels_count; i++) {
        if (strcmp(hew_all_kernels[i].name, kernel) == 0)
            return hew_isa_name(hew_all_kernels[i].isa);
    }
    return hew_isa_name((hew_isa)rung);
}

static void run_on_rung(bench *b, const bench_job *job, const reference *ref, int isa)
{
    ours mine;
    char why[PROBLEM_WHY] = "";
    report_row row = {.job = job};
    use_rung(b, isa);
    if (!ours_create(&mine, job, b->pool ? &b->threads : NULL, why) || !ours_run(&mine)) {
        fprintf(stderr, "hew-bench: %s: %s\n", job->p.text, why[0] ? why : hew_last_error());
        b->refused++;
        ours_destroy(&mine);
        return;
    }
    row.kernel = mine.kernel;
    row.isa = isa_of(mine.kernel, isa);
    const size_t different = reference_compare(ref, mine.out, &row.max_err);
    snprintf(row.check, sizeof row.check, "%s", ref->what);
    if (different) {
        snprintf(row.check, sizeof row.check, "WRONG: %zu of %zu differ from ref by up to %.3g",
                 different, job->out_count, row.max_err);
        b->wrong++;
    }
    time_case(b, isa, &mine, &row);
    report_add(&b->r, &row);
    ours_destroy(&mine);
}

static void run_case(bench *b, bench_job *job)
{
    reference ref = {.job = NULL};
    char why[PROBLEM_WHY] = "";
    job->threads = b->o.threads;
    hew_cpu_restrict(~0u);
    operands_describe(job);
    const bool memory = operands_alloc(job);
    if (memory)
        operands_fill(job);
    if (memory && training_prepare(job, why) && reference_create(&ref, job, why)) {
        for (int isa = 0; isa < HEW_ISA_COUNT; isa++) {
            if (b->o.isas[isa])
                run_on_rung(b, job, &ref, isa);
        }
    } else {
        fprintf(stderr, "hew-bench: %s: %s\n", job->p.text, why[0] ? why : "no memory");
        b->refused++;
    }
    hew_cpu_restrict(~0u);
    reference_destroy(&ref);
    operands_free(job);
}

/* --------------------------------------------------------------------------------- set-up --- */

static void measure_peaks(bench *b)
{
    for (int isa = 0; isa < HEW_ISA_COUNT; isa++) {
        if (!b->o.isas[isa] || b->o.check_only)
            continue;
        b->peak[isa] = hew_bench_peak_gflops_of((hew_isa)isa);
        b->peak_int8[isa] = hew_bench_peak_gops_of((hew_isa)isa);
    }
}

static void print_header(const bench *b)
{
    hew_cpu_info cpu = {.size = sizeof cpu};
    hew_cpu_query(&cpu);
    printf("# %s, %ld CPUs; caches %zu K, %zu K, %zu K\n", cpu.brand, sysconf(_SC_NPROCESSORS_ONLN),
           cpu.l1d >> 10, cpu.l2 >> 10, cpu.l3 >> 10);
    printf("# hew %s, commit %s, %s, %s\n", hew_version(), HEW_BENCH_COMMIT,
#if defined(__clang__)
           "clang " CLANG_VERSION,
#else
           "gcc " __VERSION__,
#endif
           HEW_BENCH_FLAGS);
    for (int isa = 0; isa < HEW_ISA_COUNT; isa++) {
        if (!b->o.isas[isa])
            continue;
        printf("# %s: ", hew_isa_name((hew_isa)isa));
        if (b->peak[isa] > 0)
            printf("peak of one thread %.1f GFLOP/s f32, %.1f GOP/s int8; ", b->peak[isa],
                   b->peak_int8[isa]);
        printf("%d thread%s\n", b->o.threads, b->o.threads == 1 ? "" : "s");
    }
    for (size_t i = 0; i < b->o.n_peers; i++)
        printf("# %s: %s\n", b->o.peers[i], b->peers[i]->about());
    double load;
    if (b->o.threads > 1 && getloadavg(&load, 1) == 1 && load > 0.5)
        printf("# the load is %.1f: with several threads, what others take shows in the times\n",
               load);
    printf("\n");
}

static void measure_columns(bench *b)
{
    report *r = &b->r;
    r->problem_width = 7;
    r->kernel_width = 0;
    r->check_width = 5;
    hew_kernel_info k;
    for (size_t i = 0; hew_active_kernel(i, &k); i++) {
        const int width = (int)strlen(k.symbol) - (int)strlen("hew_");
        r->kernel_width = width > r->kernel_width ? width : r->kernel_width;
    }
    for (size_t i = 0; i < b->o.cases.count; i++) {
        char title[2 * PROBLEM_TEXT];
        const bench_job *job = &b->o.cases.jobs[i];
        report_title(job, title, sizeof title);
        const int width = (int)strlen(title);
        r->problem_width = width > r->problem_width ? width : r->problem_width;
        if (problem_macs(&job->p) > 0.3e9)
            r->check_width = 20;
    }
}

static void set_up(bench *b)
{
    options *o = &b->o;
    b->all_rungs = hew_cpu_rungs();
    if (o->threads != 1) {
        if (hew_pool_create(&b->pool, &HEW_POOL_DESC(.threads = (size_t)o->threads)) != HEW_OK)
            options_fail("%s", hew_last_error());
        b->threads = hew_pool_threads(b->pool);
        o->threads = (int)b->threads.count;
    }
    for (size_t i = 0; i < o->n_peers; i++) {
        char why[PEER_WHY];
        b->peers[i] = peer_load(o->peers[i], why);
        if (!b->peers[i])
            options_fail("no peer %s: %s", o->peers[i], why);
    }
    const size_t libraries = o->n_peers;
    if (o->has_against) {
        b->peers[o->n_peers] = against(&o->against, b->pool ? &b->threads : NULL);
        o->peers[o->n_peers++] = against_name(&o->against);
    }
    b->r = (report){.csv = o->csv, .verbose = o->verbose, .timed = !o->check_only,
                    .n_peers = o->n_peers, .n_libraries = libraries};
    memcpy(b->r.peer_names, o->peers, sizeof o->peers);
    if (o->json) {
        b->r.json = strcmp(o->json, "-") == 0 ? fdopen(dup(1), "w") : fopen(o->json, "w");
        if (!b->r.json)
            options_fail("%s can't be written", o->json);
        if (strcmp(o->json, "-") == 0 && !freopen("/dev/null", "w", stdout))
            options_fail("/dev/null can't be opened");
    }
}

static void progress(const bench *b, size_t i)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (i < b->o.cases.count)
        fprintf(stderr, "\r\033[K[%zu/%zu] %s\r", i + 1, b->o.cases.count,
                b->o.cases.jobs[i].p.text);
    else
        fprintf(stderr, "\r\033[K");
}

int main(int argc, char **argv)
{
    static bench b;
    options_parse(&b.o, argc, argv);
    if (b.o.list) {
        for (size_t i = 0; i < b.o.cases.count; i++)
            printf("%s %s %s\n", problem_op_name(b.o.cases.jobs[i].p.op), b.o.cases.jobs[i].p.text,
                   b.o.cases.jobs[i].p.name);
        if (b.o.cases.count == 0)
            case_suite_list(b.o.op);
        return 0;
    }
    if (b.o.cases.count == 0)
        options_fail("no problem to run: see hew-bench --help");
    set_up(&b);
    measure_columns(&b);
    measure_peaks(&b);
    if (!b.o.csv)
        print_header(&b);
    report_begin(&b.r);
    for (size_t i = 0; i < b.o.cases.count; i++) {
        progress(&b, i);
        run_case(&b, &b.o.cases.jobs[i]);
    }
    progress(&b, b.o.cases.count);
    report_end(&b.r);
    hew_pool_destroy(b.pool);
    if (b.r.json)
        fclose(b.r.json);
    if (b.wrong || b.refused)
        fprintf(stderr, "hew-bench: %zu wrong results, %zu cases not run\n", b.wrong, b.refused);
    return b.wrong || b.refused;
}
