/*
 * hew_bench.c - checks and times operations, against the reference and against other libraries.
 */
#include "kernels.h"
#include "options.h"
#include "ours.h"
#include "peak.h"
#include "reference.h"
#include "report.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "build_info.h" /* HEW_BENCH_COMMIT, HEW_BENCH_FLAGS: written by make */

enum { MAX_VARIANTS = 4 };

typedef struct bench {
    options o;
    report r;
    const peer_api *peers[PEERS_MAX];
    unsigned all_rungs;
    double peak[HEW_ISA_COUNT]; /* GFLOP/s of one thread; 0: not measured yet */
    hew_pool *pool;
    hew_threads threads;
    size_t wrong, refused;
} bench;

/* Everything from this rung down. */
static void use_rung(const bench *b, int isa)
{
    hew_cpu_restrict(b->all_rungs & ((2u << isa) - 1));
}

/* ------------------------------------------------------------------------------- operands --- */

static bool fill_job(bench_job *job)
{
    const problem_sizes s = problem_elements(&job->p);
    const size_t channels = (size_t)(job->p.op == PROBLEM_CONV ? job->p.oc : job->p.n);
    float *in = bench_floats(s.in), *weights = bench_floats(s.weights);
    float *bias = job->bias ? bench_floats(channels) : NULL;
    float *residual = job->residual ? bench_floats(s.out) : NULL;
    job->in = in;
    job->weights = weights;
    job->bias_values = bias;
    job->residual_values = residual;
    job->in_count = s.in;
    job->weights_count = s.weights;
    job->out_count = s.out;
    if (!in || !weights || (job->bias && !bias) || (job->residual && !residual))
        return false;
    fill_values(in, s.in, 1);
    fill_values(weights, s.weights, 2);
    if (bias)
        fill_values(bias, channels, 3);
    if (residual)
        fill_values(residual, s.out, 4);
    return true;
}

static void empty_job(bench_job *job)
{
    free((float *)(uintptr_t)job->in);
    free((float *)(uintptr_t)job->weights);
    free((float *)(uintptr_t)job->bias_values);
    free((float *)(uintptr_t)job->residual_values);
}

/* ---------------------------------------------------------------------------------- peers --- */

typedef struct rival {
    const peer_api *api;
    void *op;
} rival;

static void run_ours(void *op)
{
    ours_run(op);
}

static void run_rival(void *op)
{
    const rival *v = op;
    v->api->run(v->op);
}

/* One run of the peer gives what one run of ours gave. */
static bool check_rival(const bench_job *job, const rival *v, const float *expected, float *theirs,
                        const char *name)
{
    double err, allowed;
    v->api->run(v->op);
    v->api->output(v->op, theirs);
    if (within_rounding(job, expected, theirs, &err, &allowed))
        return true;
    fprintf(stderr, "hew-bench: %s: %s's result (%s) is %g away from ours, %g would be rounding\n",
            job->p.text, name, v->api->label(v->op), err, allowed);
    return false;
}

/*
 * Makes each of a peer's variants and keeps those that are right, at most MAX_VARIANTS.  Returns
 * how many; `wrong` is set if none is right.
 */
static size_t gather(const peer_api *api, const bench_job *job, const float *expected,
                     rival *rivals, bool *wrong, bool verbose)
{
    size_t count = 0, bad = 0;
    float *theirs = bench_floats(job->out_count);
    for (int variant = 0; theirs && count < MAX_VARIANTS; variant++) {
        char why[PEER_WHY] = "";
        rival v = {api, api->create(job, variant, why)};
        if (!v.op && !why[0])
            break;
        if (!v.op) {
            if (verbose)
                fprintf(stderr, "hew-bench: %s, way %d: %s\n", api->name, variant, why);
            if (variant > 3)
                break;
        } else if (check_rival(job, &v, expected, theirs, api->name)) {
            rivals[count++] = v;
        } else {
            api->destroy(v.op);
            bad++;
        }
    }
    free(theirs);
    *wrong |= bad > 0 && count == 0;
    return count;
}

/* A short contest among the variants; the fastest stays. */
static void choose(rival *rivals, size_t count, double seconds, bool threaded)
{
    contestant c[MAX_VARIANTS];
    for (size_t i = 0; i < count; i++)
        c[i] = (contestant){.run = run_rival, .op = &rivals[i]};
    if (count > 1)
        time_contest(c, count, seconds, threaded);
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        best = c[i].median_us < c[best].median_us ? i : best;
    for (size_t i = 0; i < count; i++) {
        if (i != best)
            rivals[i].api->destroy(rivals[i].op);
    }
    rivals[0] = rivals[best];
}

/* ------------------------------------------------------------------------------ measuring --- */

/* What the machine could do at most for this job, in the unit of the report's rate; sets the rate
 * and the percentage. */
static void rate(bench *b, int isa, report_row *row)
{
    const bench_job *job = row->job;
    const problem *p = &job->p;
    const double seconds = row->median_us * 1e-6;
    const hew_threads *threads = b->pool ? &b->threads : NULL;
    const double bytes = (double)(job->in_count + job->weights_count + job->out_count) * 4;
    double part;
    if (report_moves_data(p->op)) {
        row->rate = bytes / seconds * 1e-9;
        part = row->rate / hew_bench_copy_gbs((size_t)bytes, threads);
    } else {
        row->rate = 2 * problem_macs(p) / seconds * 1e-9;
        if (b->peak[isa] == 0)
            b->peak[isa] = hew_bench_peak_gflops();
        part = row->rate / (b->peak[isa] * job->threads);
        if (p->op != PROBLEM_CONV && (p->m == 1 || p->n == 1))
            part = bytes / seconds * 1e-9 / hew_bench_read_gbs((size_t)bytes, threads);
    }
    row->pct_peak = 100 * part;
}

static void time_case(bench *b, int isa, ours *mine, report_row *row)
{
    rival rivals[PEERS_MAX * MAX_VARIANTS];
    contestant c[1 + PEERS_MAX];
    size_t of_peer[1 + PEERS_MAX], used = 0, count = 1;
    bool wrong = false;
    for (size_t i = 0; i < b->o.n_peers; i++) {
        row->peers[i].name = b->o.peers[i];
        const size_t n = gather(b->peers[i], row->job, mine->out, rivals + used, &wrong,
                                b->o.verbose);
        if (n == 0)
            continue;
        if (!b->o.check_only)
            choose(rivals + used, n, b->o.min_time / 3, row->job->threads > 1);
        else
            for (size_t k = 1; k < n; k++)
                rivals[used + k].api->destroy(rivals[used + k].op);
        c[count] = (contestant){.run = run_rival, .op = &rivals[used]};
        of_peer[count++] = i;
        used++;
    }
    if (wrong) {
        snprintf(row->check + strlen(row->check), sizeof row->check - strlen(row->check),
                 " PEER DIFFERS");
        b->wrong++;
    }
    if (!b->o.check_only) {
        c[0] = (contestant){.run = run_ours, .op = mine};
        time_contest(c, count, b->o.min_time, row->job->threads > 1);
        row->min_us = c[0].min_us;
        row->median_us = c[0].median_us;
        rate(b, isa, row);
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

static void run_on_rung(bench *b, const bench_job *job, const reference *ref, int isa)
{
    ours mine;
    char why[PROBLEM_WHY] = "";
    report_row row = {.job = job, .isa = hew_isa_name((hew_isa)isa)};
    use_rung(b, isa);
    if (!ours_create(&mine, job, b->pool ? &b->threads : NULL, why) || !ours_run(&mine)) {
        fprintf(stderr, "hew-bench: %s: %s\n", job->p.text, why[0] ? why : hew_last_error());
        b->refused++;
        ours_destroy(&mine);
        return;
    }
    row.kernel = mine.kernel;
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
    if (fill_job(job) && reference_create(&ref, job, why)) {
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
    empty_job(job);
}

/* --------------------------------------------------------------------------------- set-up --- */

static void print_header(bench *b)
{
    hew_cpu_info cpu = {.size = sizeof cpu};
    hew_cpu_query(&cpu);
    printf("# %s, %ld CPUs; caches %zu K, %zu K, %zu K\n", cpu.brand, sysconf(_SC_NPROCESSORS_ONLN),
           cpu.l1d >> 10, cpu.l2 >> 10, cpu.l3 >> 10);
    printf("# hew %s, commit %s, %s, %s\n", hew_version(), HEW_BENCH_COMMIT,
#if defined(__clang__)
           "clang " __clang_version__,
#else
           "gcc " __VERSION__,
#endif
           HEW_BENCH_FLAGS);
    for (int isa = 0; isa < HEW_ISA_COUNT; isa++) {
        if (!b->o.isas[isa])
            continue;
        b->peak[isa] = hew_bench_peak_gflops_of((hew_isa)isa);
        printf("# %s: %.1f GFLOP/s f32 peak of one thread; %d thread%s\n",
               hew_isa_name((hew_isa)isa), b->peak[isa], b->o.threads,
               b->o.threads == 1 ? "" : "s");
    }
    for (size_t i = 0; i < b->o.n_peers; i++)
        printf("# %s: %s\n", b->o.peers[i], b->peers[i]->about());
    printf("\n");
}

static void measure_columns(bench *b)
{
    report *r = &b->r;
    r->problem_width = 7;
    r->kernel_width = 24;
    r->check_width = 5;
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
    b->r = (report){.csv = o->csv, .verbose = o->verbose, .timed = !o->check_only,
                    .n_peers = o->n_peers};
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
