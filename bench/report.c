/* report.c - the table, CSV and JSON lines. */
#include "report.h"

#include "cases.h"
#include "tensors.h"

#include <math.h>

bool report_moves_data(problem_op op)
{
    return op == PROBLEM_POOL || op == PROBLEM_SOFTMAX || op == PROBLEM_REORDER ||
           problem_has_tensors(op);
}

static void append(char *to, size_t size, const char *text)
{
    const size_t used = strlen(to);
    snprintf(to + used, size - used, "%s", text);
}

void report_title(const bench_job *job, char *to, size_t size)
{
    snprintf(to, size, "%s", job->p.name[0] ? job->p.name : job->p.text);
    if (job->transpose_a || job->transpose_b)
        append(to, size, job->transpose_a ? job->transpose_b ? " A'B'" : " A'" : " B'");
    if (job->p.op == PROBLEM_POOL && job->pooling != HEW_POOLING_MAX)
        append(to, size, job->pooling == HEW_POOLING_AVG ? " avg_np" : " avg_p");
    if (job->p.op == PROBLEM_GEMM && !job->packed)
        append(to, size, " plain");
    if (job->b_group) {
        char group[24];
        snprintf(group, sizeof group, " /%lld", (long long)job->b_group);
        append(to, size, group);
    }
    if (job->zero_points)
        append(to, size, " zp");
    if (job->log)
        append(to, size, " log");
    if (problem_has_tensors(job->p.op) && tensors_alg_name(job)[0]) {
        append(to, size, " ");
        append(to, size, tensors_alg_name(job));
        append(to, size, job->from_output ? "_dst" : "");
    }
    if (job->bias)
        append(to, size, " +bias");
    if (job->residual)
        append(to, size, " +add");
    if (job->act.kind != HEW_ACT_NONE && job->p.op != PROBLEM_ELTWISE) {
        append(to, size, " +");
        append(to, size, case_act_name(job->act.kind));
    }
}

static const char csv_header[] = "op,types,problem,name,isa,kernel,threads,min_us,median_us,gops,"
                                 "pct_peak,max_err,peer,peer_min_us,peer_median_us,ratio,dir\n";

/* Of the column of a peer's times. */
static int peer_width(const report *r, size_t i)
{
    const int name = (int)strlen(r->peer_names[i]) + 3;
    return name > 13 ? name : 13;
}

static void table_head(const report *r, const bench_job *job)
{
    const bench_types *t = &job->types;
    const bool forward = job->dir == BENCH_INFERENCE;
    if (job->group[0] || t->weights != HEW_F32 || t->in != HEW_F32 || !forward)
        printf("\n%s%s%s%s%s\n", job->group, job->group[0] ? ", " : "", types_name(job->p.op, t),
               forward ? "" : ", ", forward ? "" : case_dir_name(job->dir));
    printf("%-*s  %-*s", r->problem_width, "problem", r->kernel_width, "kernel");
    if (r->timed)
        printf(" %10s %10s %8s %6s", "min us", "median us",
               report_moves_data(job->p.op) ? "GB/s" : types_quantised(t) ? "GOP/s" : "GFLOP/s",
               "% peak");
    printf("  %-*s", r->timed && r->n_peers ? r->check_width : 0, "check");
    for (size_t i = 0; i < r->n_peers && r->timed; i++)
        printf(" %*s us  ratio", peer_width(r, i) - 3, r->peer_names[i]);
    printf("\n");
}

void report_begin(report *r)
{
    r->sums[0].group = "all";
    r->sums[0].types = "";
    r->n_sums = 1;
    if (r->csv)
        fputs(csv_header, stdout);
}

static void json_string(FILE *f, const char *key, const char *value)
{
    fprintf(f, "\"%s\":\"", key);
    for (; *value; value++) {
        const unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < 0x20)
            fprintf(f, "\\u%04x", c);
        else
            fputc(c, f);
    }
    fputs("\",", f);
}

/* The fields are other tools' input: add to them, never rename.  A NaN has no number in JSON. */
static void write_json(FILE *f, const report_row *row, const report_peer *peer)
{
    fputc('{', f);
    json_string(f, "op", problem_op_name(row->job->p.op));
    json_string(f, "types", types_name(row->job->p.op, &row->job->types));
    json_string(f, "problem", row->job->p.text);
    json_string(f, "name", row->job->p.name);
    json_string(f, "dir", case_dir_name(row->job->dir));
    json_string(f, "isa", row->isa);
    json_string(f, "kernel", row->kernel);
    fprintf(f, "\"threads\":%d,\"min_us\":%.6g,\"median_us\":%.6g,\"gops\":%.6g,\"pct_peak\":%.4g,",
            row->job->threads, row->min_us, row->median_us, row->rate, row->pct_peak);
    if (isfinite(row->max_err))
        fprintf(f, "\"max_err\":%.6g", row->max_err);
    else
        fprintf(f, "\"max_err\":null");
    if (peer) {
        fputc(',', f);
        json_string(f, "peer", peer->name);
        fprintf(f, "\"peer_min_us\":%.6g,\"peer_median_us\":%.6g,\"ratio\":%.4g", peer->min_us,
                peer->median_us, peer->median_us / row->median_us);
    }
    fputs("}\n", f);
    fflush(f);
}

static void csv_string(const char *value)
{
    putchar('"');
    for (; *value; value++)
        printf(*value == '"' ? "\"\"" : "%c", *value);
    fputs("\",", stdout);
}

static void write_csv(const report_row *row, const report_peer *peer)
{
    printf("%s,%s,", problem_op_name(row->job->p.op), types_name(row->job->p.op, &row->job->types));
    csv_string(row->job->p.text);
    csv_string(row->job->p.name);
    printf("%s,%s,%d,%.6g,%.6g,%.6g,%.4g,%.6g,", row->isa, row->kernel, row->job->threads,
           row->min_us, row->median_us, row->rate, row->pct_peak, row->max_err);
    if (peer)
        printf("%s,%.6g,%.6g,%.4g", peer->name, peer->min_us, peer->median_us,
               peer->median_us / row->median_us);
    else
        printf(",,,");
    printf(",%s\n", case_dir_name(row->job->dir));
}

static void write_row(const report *r, const report_row *row)
{
    char title[2 * PROBLEM_TEXT];
    report_title(row->job, title, sizeof title);
    const char *kernel = strncmp(row->kernel, "hew_", 4) == 0 ? row->kernel + 4 : row->kernel;
    printf("%-*s  %-*s", r->problem_width, title, r->kernel_width, kernel);
    if (r->timed)
        printf(" %10.*f %10.*f %8.1f %6.1f", row->min_us < 10 ? 3 : 1, row->min_us,
               row->median_us < 10 ? 3 : 1, row->median_us, row->rate, row->pct_peak);
    printf("  %-*s", r->timed && r->n_peers ? r->check_width : 0, row->check);
    for (size_t i = 0; i < r->n_peers && r->timed; i++) {
        const report_peer *p = &row->peers[i];
        const int width = peer_width(r, i);
        if (p->median_us > 0)
            printf(" %*.*f %6.2f", width, p->median_us < 10 ? 3 : 1, p->median_us,
                   p->median_us / row->median_us);
        else
            printf(" %*s %6s", width, "-", "-");
        if (r->verbose && p->median_us > 0)
            printf(" [%s]", p->label);
    }
    printf("\n");
    fflush(stdout);
}

static void count_ratio(report_sum *sum, size_t i, const report_row *row, double ratio)
{
    sum->log_ratio[i] += log(ratio);
    if (sum->cases[i]++ == 0 || ratio < sum->worst[i]) {
        sum->worst[i] = ratio;
        report_title(row->job, sum->worst_at[i], PROBLEM_TEXT);
    }
}

/* The sum of the row's suite; cases of a suite follow each other, each with a head of its own. */
static report_sum *sum_of(report *r, const bench_job *job)
{
    report_sum *last = &r->sums[r->n_sums - 1];
    const char *types = types_name(job->p.op, &job->types);
    if (r->n_sums > 1 && strcmp(last->group, job->group) == 0 && strcmp(last->types, types) == 0)
        return last;
    if (!r->csv)
        table_head(r, job);
    if (r->n_sums < REPORT_GROUPS)
        r->n_sums++;
    last = &r->sums[r->n_sums - 1];
    last->group = job->group;
    last->types = types;
    return last;
}

static void write_record(const report *r, const report_row *row, const report_peer *peer)
{
    if (r->json)
        write_json(r->json, row, peer);
    if (r->csv)
        write_csv(row, peer);
}

void report_add(report *r, const report_row *row)
{
    report_sum *const sums[] = {&r->sums[0], sum_of(r, row->job)};
    double best = 0;
    bool any = false;
    for (size_t i = 0; i < r->n_peers && r->timed; i++) {
        const report_peer *p = &row->peers[i];
        if (p->median_us <= 0)
            continue;
        if (i < r->n_libraries)
            best = best == 0 || p->median_us < best ? p->median_us : best;
        any = true;
        for (size_t k = 0; k < 2; k++)
            count_ratio(sums[k], i, row, p->median_us / row->median_us);
        write_record(r, row, p);
    }
    for (size_t k = 0; k < 2 && best > 0; k++)
        count_ratio(sums[k], RIVALS_MAX, row, best / row->median_us);
    if (!any)
        write_record(r, row, NULL);
    if (!r->csv)
        write_row(r, row);
}

static void end_line(const report_sum *sum, size_t i, const char *peer, bool name_group)
{
    if (sum->cases[i])
        printf("%-12s %-8s %-16s %5.2f over %3zu, worst %5.2f at %s\n",
               name_group ? sum->group : "", name_group ? sum->types : "", peer,
               exp(sum->log_ratio[i] / (double)sum->cases[i]), sum->cases[i], sum->worst[i],
               sum->worst_at[i]);
}

void report_end(report *r)
{
    if (r->csv || !r->n_peers || !r->timed)
        return;
    printf("\nGeometric means of the ratios, a peer's median / ours (over 1: ours is faster)\n");
    for (size_t k = 1; k <= r->n_sums; k++) {
        const report_sum *sum = &r->sums[k % r->n_sums]; /* "all" last */
        if (k == r->n_sums && r->n_sums == 2)
            break;
        size_t lines = 0, libraries = 0;
        for (size_t i = 0; i < r->n_peers; i++) {
            end_line(sum, i, r->peer_names[i], lines == 0);
            lines += sum->cases[i] > 0;
            libraries += sum->cases[i] > 0 && i < r->n_libraries;
        }
        if (libraries > 1)
            end_line(sum, RIVALS_MAX, "the best of them", false);
    }
}
