/*
 * amx_model.c - what problems cost on AMX: instructions, counted under the emulator, and a model of
 * the cycles that they need at least.  A machine isn't asked, so nothing here is a time.
 *
 *     amx-model [--markdown] [--no-steps] [WORD]     problems whose name or text has WORD in it
 */
#include "amx_count.h"
#include "cases.h"

#include <stdio.h>
#include <unistd.h>

typedef struct totals {
    uint64_t least, multiplies, others;
    double together, apart;
} totals;

typedef struct model {
    bool markdown, step;
    const char *word;
    case_list cases;
} model;

static void print_head(const model *m)
{
    static const char *const heads[] = {"problem", "least", "multiplies", "other tiles", "peer's",
                                        "peer's others", "other instructions", "% together",
                                        "% apart"};
    const size_t n = sizeof heads / sizeof heads[0];
    if (m->markdown) {
        for (size_t i = 0; i < n; i++)
            printf("| %s ", heads[i]);
        printf("|\n|---|");
        for (size_t i = 1; i < n; i++)
            printf("--:|");
        printf("\n");
        return;
    }
    printf("%-52s %9s %10s %11s %17s %12s %8s %8s\n", heads[0], heads[1], heads[2], heads[3],
           "peer's", "others", "together", "apart");
}

static void print_row(const model *m, const char *title, const totals *t, uint64_t instructions,
                      const amx_peer *peer)
{
    char peers[2][24] = {"", ""}, others[24] = "";
    if (peer) {
        snprintf(peers[0], sizeof peers[0], "%llu", (unsigned long long)peer->multiplies);
        snprintf(peers[1], sizeof peers[1], "%llu", (unsigned long long)peer->others);
    }
    if (m->step)
        snprintf(others, sizeof others, "%llu", (unsigned long long)instructions);
    const double least = 16.0 * 100 * (double)t->least;
    printf(m->markdown ? "| %s | %llu | %llu | %llu | %s | %s | %s | %.1f | %.1f |\n"
                       : "%-52s %9llu %10llu %11llu %8s %8s %12s %7.1f%% %7.1f%%\n",
           title, (unsigned long long)t->least, (unsigned long long)t->multiplies,
           (unsigned long long)t->others, peers[0], peers[1], others, least / t->together,
           least / t->apart);
    fflush(stdout);
}

static void progress(const model *m, size_t i, const char *type, const char *text)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (i < m->cases.count)
        fprintf(stderr, "\r\033[K[%zu/%zu] %s %s\r", i + 1, m->cases.count, type, text);
    else
        fprintf(stderr, "\r\033[K");
}

/* Steps are slow: first it is seen that tiles are used at all. */
static bool count(const model *m, const problem *p, hew_type type, amx_counts *c,
                  char why[PROBLEM_WHY])
{
    if (!amx_count(p, type, false, c, why))
        return false;
    if (c->multiplies == 0)
        snprintf(why, PROBLEM_WHY, "runs without AMX");
    return c->multiplies > 0 && (!m->step || amx_count(p, type, true, c, why));
}

/* All problems with one type; false if one of them couldn't be run, or runs without AMX. */
static bool run_type(const model *m, hew_type type, const char *name)
{
    totals resnet = {0};
    bool all = true;
    uint64_t instructions = 0;
    for (size_t i = 0; i < m->cases.count; i++) {
        const problem *p = &m->cases.jobs[i].p;
        char why[PROBLEM_WHY], title[2 * PROBLEM_TEXT];
        snprintf(title, sizeof title, "%s %s", name, p->name[0] ? p->name : p->text);
        if (m->word && !strstr(title, m->word) && !strstr(p->text, m->word))
            continue;
        amx_counts c;
        progress(m, i, name, p->text);
        const bool counted = count(m, p, type, &c, why);
        progress(m, m->cases.count, "", "");
        if (!counted) {
            fprintf(stderr, "amx-model: %s: %s\n", title, why);
            all = false;
            continue;
        }
        const amx_cycles cycles = amx_model(&c);
        const totals t = {amx_least_multiplies(p, type), c.multiplies, amx_other_tiles(&c),
                          cycles.together, cycles.apart};
        print_row(m, title, &t, c.others, amx_peer_of(p, type));
        if (p->op != PROBLEM_CONV)
            continue;
        resnet = (totals){resnet.least + t.least, resnet.multiplies + t.multiplies,
                          resnet.others + t.others, resnet.together + t.together,
                          resnet.apart + t.apart};
        instructions += c.others;
    }
    char title[64];
    snprintf(title, sizeof title, "%s convolutions, each once", name);
    if (resnet.least > 0)
        print_row(m, title, &resnet, instructions, NULL);
    return all;
}

int main(int argc, char **argv)
{
    static const char *const gemms[] = {"256x256:256x256", "512x512:512x512",
                                        "1024x1024:1024x1024"};
    model m = {.step = true};
    char why[PROBLEM_WHY];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--markdown") == 0)
            m.markdown = true;
        else if (strcmp(argv[i], "--no-steps") == 0)
            m.step = false;
        else
            m.word = argv[i];
    }
    const char *const missing = amx_count_begin();
    if (missing) {
        fprintf(stderr, "amx-model: %s\n", missing);
        return 1;
    }
    const case_settings plain = {.group = ""};
    bool ok = case_add_suite(&m.cases, PROBLEM_CONV, "resnet50", &plain, why);
    for (size_t i = 0; i < sizeof gemms / sizeof gemms[0]; i++)
        ok = ok && case_add(&m.cases, PROBLEM_GEMM, gemms[i], &plain, why) == CASE_ADDED;
    if (!ok) {
        fprintf(stderr, "amx-model: %s\n", why);
        return 1;
    }
    print_head(&m);
    ok = run_type(&m, HEW_U8, "u8s8");
    ok &= run_type(&m, HEW_BF16, "bf16");
    free(m.cases.jobs);
    return ok ? 0 : 1;
}
