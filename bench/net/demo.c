/*
 * hew-demo: a residual network trained on Fashion-MNIST classifies pictures on Hew's kernels.
 *
 * Exit status 1 means that something fell short: an accuracy, or the agreement with PyTorch.
 */
#include "pictures.h"
#include "sheet.h"

#include "../peak.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 100
#define REQUIRED 92.0           /* % of the 10,000 test pictures */
#define AGREEMENT 1e-3          /* largest difference of a logit from PyTorch's */
#define TIMED_RUNS 25

struct options {
    const char *folder, *data, *ppm;
    size_t threads;
    bool checksum_only, no_full;
};

static const char usage[] =
    "usage: hew-demo [options]\n"
    "  --files DIR   where fashion.hewnet and fashion100.bin are (bench/net)\n"
    "  --data DIR    the Fashion-MNIST test set (/usr/share/datasets/fashion-mnist)\n"
    "  --threads N   0 = as many as there are (0)\n"
    "  --ppm FILE    write the contact sheet as a picture\n"
    "  --no-full     leave out the 10,000 test pictures\n"
    "  --checksum    print the checksum of the 100 pictures' logits and nothing else\n";

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "files", 1, NULL, 'f' }, { "data", 1, NULL, 'd' },    { "threads", 1, NULL, 't' },
        { "ppm", 1, NULL, 'p' },   { "no-full", 0, NULL, 'n' }, { "checksum", 0, NULL, 'c' },
        { NULL, 0, NULL, 0 },
    };
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (key) {
        case 'f': o->folder = optarg; break;
        case 'd': o->data = optarg; break;
        case 't': o->threads = strtoul(optarg, NULL, 10); break;
        case 'p': o->ppm = optarg; break;
        case 'n': o->no_full = true; break;
        case 'c': o->checksum_only = true; break;
        default: return false;
        }
    return optind == argc;
}

static int fail(const char *what)
{
    fprintf(stderr, "hew-demo: %s\n", what);
    return 1;
}

/* Runs pictures first .. first + batch - 1, repeating the last to fill the batch up. */
static bool classify(struct net *net, const struct pictures *p, int first, int *guess)
{
    const int classes = net->tensors[net->logits].c;
    for (int i = 0; i < net->batch; i++)
        net_input(net, i, picture(p, first + i < p->count ? first + i : p->count - 1));
    if (!net_run(net))
        return false;
    for (int i = 0; i < net->batch && first + i < p->count; i++)
        guess[first + i] = sheet_best(net_logits(net, i), classes);
    return true;
}

static double accuracy(const struct pictures *p, const int *guess)
{
    int right = 0;
    for (int i = 0; i < p->count; i++)
        right += guess[i] == p->labels[i];
    return 100.0 * right / p->count;
}

static uint64_t checksum(const struct net *net, int count)
{
    const size_t size = (size_t)net->tensors[net->logits].c * sizeof(float);
    uint64_t hash = NET_HASH_START;
    for (int i = 0; i < count; i++)
        hash = net_hash(hash, net_logits(net, i), size);
    return hash;
}

static double largest_difference(const struct net *net, const struct pictures *p)
{
    double largest = 0.0;
    for (int i = 0; i < p->count; i++)
        for (int c = 0; c < p->classes; c++) {
            const double d = fabs((double)net_logits(net, i)[c] - p->logits[i * p->classes + c]);
            largest = d > largest || isnan(d) ? d : largest;
        }
    return largest;
}

/* The committed pictures: sheet, accuracy, agreement, checksum. */
static bool hundred(struct net *net, const struct options *o, const struct pictures *p)
{
    int guess[BATCH];
    if (!classify(net, p, 0, guess))
        return fail(net->error), false;
    if (o->checksum_only) {
        printf("%016llx\n", (unsigned long long)checksum(net, p->count));
        return true;
    }
    if (isatty(STDOUT_FILENO))
        sheet_terminal(net, p, guess, 20);
    sheet_text(net, p, guess);
    if (o->ppm != NULL && !sheet_ppm(net, p, guess, o->ppm))
        return fail("the contact sheet could not be written"), false;
    const double difference = largest_difference(net, p);
    printf("\n%d committed pictures: %.0f %% right; logits within %.1e of PyTorch's\n", p->count,
           accuracy(p, guess), difference);
    printf("checksum of their logits: %016llx (%s)\n", (unsigned long long)checksum(net, p->count),
           hew_isa_name(hew_active_isa()));
    return difference < AGREEMENT ? true : (fail("the logits differ from PyTorch's"), false);
}

/* The whole test set, where it is installed. */
static bool ten_thousand(struct net *net, const struct options *o)
{
    struct pictures p;
    const char *why = o->no_full ? "--no-full"
                      : hew_active_isa() == HEW_ISA_REF ? "the ref rung takes minutes" : NULL;
    if (why != NULL || !pictures_read_idx(&p, o->data)) {
        printf("SKIPPED: the 10,000 test pictures (%s)\n", why ? why : p.error);
        return true;
    }
    const struct net_tensor *in = &net->tensors[0];
    int *guess = malloc((size_t)p.count * sizeof *guess);
    bool good = guess != NULL && p.h == in->h && p.w == in->w && p.c == in->c;
    uint64_t hash = NET_HASH_START;
    for (int first = 0; good && first < p.count; first += net->batch) {
        const int rest = p.count - first;
        good = classify(net, &p, first, guess);
        const uint64_t part = checksum(net, rest < net->batch ? rest : net->batch);
        hash = net_hash(hash, &part, sizeof part);
    }
    if (good) {
        const double percent = accuracy(&p, guess);
        printf("%d test pictures: %.2f %% right (more than %.0f required), checksum %016llx\n",
               p.count, percent, REQUIRED, (unsigned long long)hash);
        good = percent > REQUIRED;
    }
    free(guess);
    pictures_free(&p);
    return good ? true : (fail("the test pictures fell short"), false);
}

/* One picture at a time on one thread: what each layer costs. */
static bool table(const char *path, const struct pictures *p)
{
    struct net net;
    bool good = net_load(&net, path) && net_prepare(&net, 1, NULL);
    if (good) {
        net_input(&net, 0, picture(p, 0));
        const double peak = hew_bench_peak_gflops(), whole = net_time(&net, TIMED_RUNS);
        printf("\nOne picture, one thread, medians of %d runs:\n", TIMED_RUNS);
        sheet_layers(&net, whole, peak);
    } else {
        fail(net.error);
    }
    net_free(&net);
    return good;
}

static bool demo(const struct options *o, const hew_threads *threads)
{
    char net_path[1024], pictures_path[1024];
    snprintf(net_path, sizeof net_path, "%s/fashion.hewnet", o->folder);
    snprintf(pictures_path, sizeof pictures_path, "%s/fashion100.bin", o->folder);
    struct pictures p;
    struct net net;
    if (!pictures_read(&p, pictures_path))
        return fail(p.error), false;
    bool good = net_load(&net, net_path) && net_prepare(&net, BATCH, threads);
    if (!good)
        fail(net.error);
    const struct net_tensor *in = good ? &net.tensors[0] : NULL;
    if (good && (p.count > BATCH || p.h != in->h || p.w != in->w || p.c != in->c
                 || p.classes != net.tensors[net.logits].c))
        good = (fail("the pictures don't fit the net"), false);
    if (good)
        good = hundred(&net, o, &p);
    if (good && !o->checksum_only)
        good = ten_thousand(&net, o);
    net_free(&net);
    if (good && !o->checksum_only)
        good = table(net_path, &p);
    pictures_free(&p);
    return good;
}

int main(int argc, char **argv)
{
    struct options o = { .folder = "bench/net", .data = "/usr/share/datasets/fashion-mnist" };
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    hew_pool *pool;
    if (hew_pool_create(&pool, &HEW_POOL_DESC(.threads = o.threads)) != HEW_OK)
        return fail(hew_last_error());
    const hew_threads threads = hew_pool_threads(pool);
    const bool good = demo(&o, &threads);
    hew_pool_destroy(pool);
    return good ? 0 : 1;
}
