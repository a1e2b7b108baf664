/*
 * hew-demo: a residual network trained on Fashion-MNIST classifies pictures on Hew's kernels, in
 * each of the types of types.h.
 *
 * Exit status 1 means that something fell short: an accuracy, the agreement with PyTorch, or that
 * of a calibration with the committed one.
 */
#include "pictures.h"
#include "ranges.h"
#include "sheet.h"
#include "types.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 100
#define CALIBRATION 500         /* training pictures */
#define REQUIRED 92.0           /* % of the 10,000 test pictures, in f32 */
#define LOSS_OF_FEW 2.0         /* of BATCH pictures, where those are all there is */
#define TIMED_RUNS 25
#define TIMED_BATCHES 9
#define MAX_TYPES 8

struct options {
    const char *folder, *data, *ppm, *write_ranges;
    size_t threads;
    unsigned types;
    bool checksum_only, no_full;
    bool observed;              /* in a way of its own, not that of the committed ranges */
    hew_observer_kind observer;
};

static const char usage[] =
    "usage: hew-demo [options]\n"
    "  --types T      f32, bf16, u8s8, several with commas between them, or all (all)\n"
    "  --files DIR    where fashion.hewnet, fashion.ranges and fashion100.bin are (bench/net)\n"
    "  --data DIR     the Fashion-MNIST pictures (/usr/share/datasets/fashion-mnist)\n"
    "  --threads N    0 = as many as there are (0)\n"
    "  --ppm FILE     write the contact sheet as a picture\n"
    "  --no-full      leave out the 10,000 test pictures\n"
    "  --checksum     print the checksum of the 100 pictures' logits and nothing else\n"
    "  --observer O   calibrate by min-max, moving-average, percentile, kl or mse (as committed)\n"
    "  --write-ranges FILE  calibrate, write the result, and do nothing else\n";

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "files", 1, NULL, 'f' },   { "data", 1, NULL, 'd' },         { "threads", 1, NULL, 't' },
        { "ppm", 1, NULL, 'p' },     { "no-full", 0, NULL, 'n' },      { "types", 1, NULL, 'T' },
        { "checksum", 0, NULL, 'c' }, { "write-ranges", 1, NULL, 'w' },
        { "observer", 1, NULL, 'o' }, { NULL, 0, NULL, 0 },
    };
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (key) {
        case 'f': o->folder = optarg; break;
        case 'd': o->data = optarg; break;
        case 't': o->threads = strtoul(optarg, NULL, 10); break;
        case 'T': o->types = net_types_named(optarg); break;
        case 'p': o->ppm = optarg; break;
        case 'n': o->no_full = true; break;
        case 'c': o->checksum_only = true; break;
        case 'w': o->write_ranges = optarg; break;
        case 'o':
            o->observed = net_observer_named(optarg, &o->observer);
            if (!o->observed)
                return false;
            break;
        default: return false;
        }
    return optind == argc && o->types != 0;
}

/* The model in one type, and what came out of it. */
struct trial {
    struct net net, single;     /* for BATCH pictures on all threads; for one on one */
    double hundred, full;       /* % right; 0: not tried */
};

struct demo {
    const struct options *o;
    const hew_threads *threads;
    char model[1024], ranges_path[1024];
    struct pictures few, all;   /* the committed ones; the test set, or none */
    struct net_ranges ranges;
    struct trial trial[MAX_TYPES];
    int count;
};

static bool fail(const char *what)
{
    fprintf(stderr, "hew-demo: %s\n", what);
    return false;
}

/* The ref rung takes minutes for thousands of pictures. */
static bool slow(void)
{
    return hew_active_isa() == HEW_ISA_REF;
}

/* ------------------------------------------------------------------------------ pictures ----- */

/* Runs pictures first .. first + batch - 1, repeating the last to fill the batch up. */
static bool classify(struct net *net, const struct pictures *p, int first, int *guess)
{
    const int classes = net->tensors[net->logits].c;
    for (int i = 0; i < net->batch; i++)
        net_input(net, i, picture(p, first + i < p->count ? first + i : p->count - 1));
    if (!net_run(net))
        return fail(net->error);
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
static bool hundred(const struct demo *d, struct trial *t)
{
    const struct net *net = &t->net;
    int guess[BATCH];
    if (!classify(&t->net, &d->few, 0, guess))
        return false;
    const unsigned long long sum = checksum(net, d->few.count);
    if (d->o->checksum_only) {
        printf("%s %016llx\n", net->type->name, sum);
        return true;
    }
    printf("\n%s: checksum of the logits of %d committed pictures %016llx (%s)\n", net->type->name,
           d->few.count, sum, hew_isa_name(hew_active_isa()));
    if (isatty(STDOUT_FILENO) && t == &d->trial[0])
        sheet_terminal(net, &d->few, guess, 20);
    sheet_text(net, &d->few, guess);
    if (d->o->ppm != NULL && !sheet_ppm(net, &d->few, guess, d->o->ppm))
        return fail("the contact sheet could not be written");
    t->hundred = accuracy(&d->few, guess);
    const double difference = largest_difference(net, &d->few), most = net->type->agreement;
    printf("%.0f %% right; logits within %.1e of PyTorch's in f32\n", t->hundred, difference);
    if (most > 0.0 && !(difference < most))
        return fail("the logits differ from PyTorch's");
    return true;
}

/* The whole test set. */
static bool ten_thousand(const struct demo *d, struct trial *t)
{
    const struct pictures *p = &d->all;
    int *guess = malloc((size_t)p->count * sizeof *guess);
    bool good = guess != NULL;
    uint64_t hash = NET_HASH_START;
    for (int first = 0; good && first < p->count; first += BATCH) {
        good = classify(&t->net, p, first, guess);
        const int rest = p->count - first;
        const uint64_t part = checksum(&t->net, rest < BATCH ? rest : BATCH);
        hash = net_hash(hash, &part, sizeof part);
    }
    if (good) {
        t->full = accuracy(p, guess);
        printf("%d test pictures: %.2f %% right, checksum %016llx\n", p->count, t->full,
               (unsigned long long)hash);
    }
    free(guess);
    return good;
}

/* Whether a type's accuracy is what f32's promises: that of this run, else the one required. */
static bool accurate(const struct demo *d, const struct trial *t)
{
    const struct trial *first = &d->trial[0];
    const double loss = t->net.type->loss;
    const bool relative = first->net.type == &net_types[0] && t != first;
    if (t->full > 0.0 && t->full < (relative ? first->full : REQUIRED) - loss)
        return fail("too few of the test pictures are right");
    if (t->full == 0.0 && relative && t->hundred < first->hundred - LOSS_OF_FEW)
        return fail("too few of the committed pictures are right");
    return true;
}

/* --------------------------------------------------------------------------- calibration ----- */

static bool load(const struct demo *d, struct net *net, const struct net_type *type, int batch,
                 const hew_threads *threads)
{
    if (!net_load(net, d->model) || !net_choose_type(net, type, &d->ranges)
        || !net_prepare(net, batch, threads))
        return fail(net->error);
    const struct net_tensor *in = &net->tensors[0];
    if (d->few.count > BATCH || d->few.h != in->h || d->few.w != in->w || d->few.c != in->c
        || d->few.classes != net->tensors[net->logits].c)
        return fail("the pictures don't fit the net");
    return true;
}

/* The first training pictures through the net in f32; false also where there are none. */
static bool calibrate(const struct demo *d, struct net_ranges *r, struct net *net)
{
    struct pictures p;
    *r = (struct net_ranges){ .count = 0 };
    if (!pictures_read_idx(&p, d->o->data, "train"))
        return snprintf(r->error, sizeof r->error, "%.200s", p.error), false;
    const bool fits = p.count >= CALIBRATION && p.h == d->few.h && p.w == d->few.w;
    const bool good = fits && net_calibrate(r, net, &p, CALIBRATION, d->o->observer);
    if (!fits)
        snprintf(r->error, sizeof r->error, "too few training pictures, or of another size");
    pictures_free(&p);
    return good;
}

static bool new_ranges(struct demo *d, struct net *net)
{
    const char *to = d->o->write_ranges, *how = net_observer_name(d->o->observer);
    if (!calibrate(d, &d->ranges, net))
        return fail(d->ranges.error);
    if (to != NULL
        && !net_write_ranges(&d->ranges, net, to, "training pictures of Fashion-MNIST", how))
        return fail("the ranges could not be written");
    return true;
}

/* They must be what calibration finds again, where it can be tried. */
static bool committed_ranges(struct demo *d, struct net *net)
{
    struct net_ranges found = { .count = 0 };
    bool good = true;
    if (!net_read_ranges(&d->ranges, net, d->ranges_path))
        return fail(d->ranges.error);
    if (d->o->checksum_only)
        return true;
    if (slow() || !calibrate(d, &found, net)) {
        printf("SKIPPED: calibration (%s): %s has the result for %d pictures\n",
               slow() ? "slow on the ref rung" : found.error, d->ranges_path, d->ranges.pictures);
    } else {
        printf("calibrated on %d training pictures (%s)\n", found.pictures,
               net_observer_name(d->o->observer));
        good = net_same_ranges(&found, &d->ranges)
                   ? true : fail("calibration gives other ranges than those committed");
    }
    net_free_ranges(&found);
    return good;
}

static bool find_ranges(struct demo *d)
{
    struct net net;
    const bool own = d->o->write_ranges != NULL || d->o->observed;
    const bool good = load(d, &net, &net_types[0], BATCH, d->threads)
                      && (own ? new_ranges(d, &net) : committed_ranges(d, &net));
    net_free(&net);
    return good;
}

/* -------------------------------------------------------------------------------- timing ----- */

static bool time_all(struct demo *d)
{
    struct net *batches[MAX_TYPES], *singles[MAX_TYPES];
    for (int i = 0; i < d->count; i++) {
        struct trial *t = &d->trial[i];
        if (!load(d, &t->single, t->net.type, 1, NULL))
            return false;
        net_input(&t->single, 0, picture(&d->few, 0));
        batches[i] = &t->net;
        singles[i] = &t->single;
    }
    if (!net_time(singles, d->count, TIMED_RUNS)
        || !net_time(batches, d->count, slow() ? 1 : TIMED_BATCHES))
        return fail("timing failed");
    for (int i = 0; i < d->count; i++) {
        printf("\n%s: one picture, one thread, medians of %d runs%s:\n", singles[i]->type->name,
               TIMED_RUNS, d->count > 1 ? " in turn with the other types" : "");
        sheet_layers(singles[i]);
    }
    return true;
}

static void summary(const struct demo *d)
{
    char head[64];
    snprintf(head, sizeof head, "%d pictures, %zu threads", BATCH, d->threads->count);
    printf("\n%-6s %14s %16s %26s   %s\n", "type", "committed 100", "10,000 pictures",
           "one picture, one thread", head);
    for (int i = 0; i < d->count; i++) {
        const struct trial *t = &d->trial[i];
        printf("%-6s %12.0f %% ", t->net.type->name, t->hundred);
        if (t->full > 0.0)
            printf("%14.2f %% ", t->full);
        else
            printf("%16s ", "-");
        printf("%22.3f ms   %.0f pictures/s\n", t->single.seconds * 1e3, BATCH / t->net.seconds);
    }
}

/* ---------------------------------------------------------------------------------- demo ----- */

static bool try_types(struct demo *d)
{
    const char *why = d->o->no_full ? "--no-full"
                      : slow() ? "slow on the ref rung"
                      : pictures_read_idx(&d->all, d->o->data, "t10k") ? NULL : d->all.error;
    if (why != NULL && !d->o->checksum_only)
        printf("SKIPPED: the 10,000 test pictures (%s)\n", why);
    if (d->all.count > 0 && (d->all.h != d->few.h || d->all.w != d->few.w))
        return fail("the test pictures don't fit the net");
    for (int i = 0; i < net_type_count; i++) {
        if ((d->o->types >> i & 1) == 0)
            continue;
        struct trial *t = &d->trial[d->count++];
        if (!load(d, &t->net, &net_types[i], BATCH, d->threads) || !hundred(d, t))
            return false;
        if (d->o->checksum_only)
            continue;
        if ((d->all.count > 0 && !ten_thousand(d, t)) || !accurate(d, t))
            return false;
    }
    return true;
}

static bool demo(struct demo *d)
{
    char path[1024];
    bool ranged = d->o->write_ranges != NULL;
    for (int i = 0; i < net_type_count; i++)
        ranged |= (d->o->types >> i & 1) && net_types[i].ranged;
    snprintf(d->model, sizeof d->model, "%s/fashion.hewnet", d->o->folder);
    snprintf(d->ranges_path, sizeof d->ranges_path, "%s/fashion.ranges", d->o->folder);
    snprintf(path, sizeof path, "%s/fashion100.bin", d->o->folder);
    if (!pictures_read(&d->few, path))
        return fail(d->few.error);
    if (ranged && !find_ranges(d))
        return false;
    if (d->o->write_ranges != NULL)
        return true;
    if (!try_types(d))
        return false;
    if (d->o->checksum_only)
        return true;
    if (!time_all(d))
        return false;
    summary(d);
    return true;
}

int main(int argc, char **argv)
{
    struct options o = { .folder = "bench/net", .data = "/usr/share/datasets/fashion-mnist",
                         .types = net_types_named("all"), .observer = HEW_OBSERVER_MSE };
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    hew_pool *pool;
    if (hew_pool_create(&pool, &HEW_POOL_DESC(.threads = o.threads)) != HEW_OK)
        return fail(hew_last_error()), 1;
    const hew_threads threads = hew_pool_threads(pool);
    static struct demo d;
    d.o = &o;
    d.threads = &threads;
    const bool good = demo(&d);
    for (int i = 0; i < d.count; i++) {
        net_free(&d.trial[i].net);
        net_free(&d.trial[i].single);
    }
    net_free_ranges(&d.ranges);
    pictures_free(&d.few);
    pictures_free(&d.all);
    hew_pool_destroy(pool);
    return good ? 0 : 1;
}
