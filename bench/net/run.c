/*
 * hew-run: a model file classifies pictures.
 *
 * Exit status 1 means that the model or a picture could not be read, or that --check found logits
 * which differ from the recorded ones.
 */
#include "pictures.h"
#include "sheet.h"

#include "../peak.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGREEMENT 1e-3
#define TIMED_RUNS 15
#define MAX_PICTURES 1024

struct options {
    const char *model, *labels, *check, *mean, *std;
    const char *pictures[MAX_PICTURES];
    int picture_count, top;
    size_t threads;
    bool bgr, table;
};

static const char usage[] =
    "usage: hew-run MODEL.onnx|MODEL.hewnet [options] [PICTURE.ppm ...]\n"
    "  --image FILE   a picture (as without the option); scaled and cropped to the model's input\n"
    "  --labels FILE  class names, one a line\n"
    "  --top N        how many classes to print for each picture (5)\n"
    "  --bgr          the model wants blue, green, red\n"
    "  --mean A,B,C   subtracted from the bytes of each channel, and\n"
    "  --std A,B,C    what they are then divided by, in the model's channel order\n"
    "  --check DIR    compare with the recorded logits in DIR/NAME.logits.f32\n"
    "  --table        time each layer, on as many threads\n"
    "  --threads N    1; 0 = as many as there are\n";

static bool add_picture(struct options *o, const char *path)
{
    if (o->picture_count >= MAX_PICTURES)
        return false;
    o->pictures[o->picture_count++] = path;
    return true;
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "image", 1, NULL, 'i' }, { "labels", 1, NULL, 'l' },  { "top", 1, NULL, 'n' },
        { "bgr", 0, NULL, 'b' },   { "mean", 1, NULL, 'm' },    { "std", 1, NULL, 's' },
        { "check", 1, NULL, 'c' }, { "threads", 1, NULL, 't' }, { "table", 0, NULL, 'T' },
        { NULL, 0, NULL, 0 },
    };
    bool good = true;
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (key) {
        case 'i': good = add_picture(o, optarg) && good; break;
        case 'l': o->labels = optarg; break;
        case 'n': o->top = atoi(optarg); break;
        case 'b': o->bgr = true; break;
        case 'm': o->mean = optarg; break;
        case 's': o->std = optarg; break;
        case 'c': o->check = optarg; break;
        case 't': o->threads = strtoul(optarg, NULL, 10); break;
        case 'T': o->table = true; break;
        default: return false;
        }
    if (optind < argc)
        o->model = argv[optind++];
    while (optind < argc)
        good = add_picture(o, argv[optind++]) && good;
    return good && o->model != NULL;
}

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "hew-run: %s%s%s\n", what, *why ? ": " : "", why);
    return false;
}

/* One number for each channel, or one for all. */
static bool numbers(const char *text, int channels, float *out, float fallback)
{
    for (int c = 0; c < channels; c++) {
        char *end = NULL;
        out[c] = text ? strtof(text, &end) : fallback;
        if (text != NULL && end == text)
            return false;
        if (text != NULL && *end == ',')
            text = end + 1;
        else if (text != NULL && *end != '\0')
            return false;
    }
    return true;
}

/* (v - mean) / std, then whatever the model itself does with its input. */
static bool normalise(struct net *net, const struct options *o)
{
    const int channels = net->tensors[0].c;
    float mean[NET_MAX_CHANNELS], std[NET_MAX_CHANNELS];
    if (!numbers(o->mean, channels, mean, 0.0f) || !numbers(o->std, channels, std, 1.0f))
        return fail("--mean and --std take one number, or one for each channel", "");
    for (int c = 0; c < channels; c++) {
        net->in_scale[c] /= std[c];
        net->in_shift[c] -= mean[c] * net->in_scale[c];
    }
    return true;
}

static bool read_labels(struct net *net, const char *path)
{
    size_t size;
    uint8_t *text = net_read_file(path, &size);
    if (text == NULL)
        return fail(path, strerror(errno));
    const bool good = net_name_classes(net, (const char *)text, size);
    free(text);
    return good ? true : fail(path, net->error);
}

static void print_top(const struct net *net, const float *logits, const char *path, int top)
{
    const int classes = net->tensors[net->logits].c;
    const double most = logits[sheet_best(logits, classes)];
    double sum = 0.0, above = INFINITY;
    for (int c = 0; c < classes; c++)
        sum += exp(logits[c] - most);
    printf("%s\n", path);
    for (int n = 0, last = -1; n < top && n < classes; n++) {
        /* The best of those below the last one printed; among equals the next index. */
        int best = -1;
        for (int c = 0; c < classes; c++)
            if ((logits[c] < above || (logits[c] == above && c > last))
                && (best < 0 || logits[c] > logits[best]))
                best = c;
        if (best < 0)
            break;
        char digits[16];
        printf("  %5.1f %%  %9.4f  %s\n", 100.0 * exp(logits[best] - most) / sum, logits[best],
               sheet_class(net, best, digits));
        above = logits[best];
        last = best;
    }
}

static bool check(const struct net *net, const float *logits, const char *folder,
                  const char *picture_path)
{
    const char *slash = strrchr(picture_path, '/'), *name = slash ? slash + 1 : picture_path;
    const int stem = (int)strcspn(name, "."), classes = net->tensors[net->logits].c;
    char path[1024];
    snprintf(path, sizeof path, "%s/%.*s.logits.f32", folder, stem, name);
    size_t size;
    float *recorded = (float *)(void *)net_read_file(path, &size);
    if (recorded == NULL)
        return fail(path, strerror(errno));
    double largest = 0.0;
    for (int c = 0; c < classes && size == (size_t)classes * sizeof(float); c++) {
        const double d = fabs((double)logits[c] - recorded[c]);
        largest = d > largest || isnan(d) ? d : largest;
    }
    free(recorded);
    if (size != (size_t)classes * sizeof(float))
        return fail(path, "it doesn't hold one float for each class");
    printf("  within %.1e of the recorded logits\n", largest);
    return largest <= AGREEMENT ? true : fail(path, "the logits differ by more than 1e-3");
}

static bool run_picture(struct net *net, const struct options *o, const char *path, uint64_t *hash)
{
    const struct net_tensor *in = &net->tensors[0];
    struct pictures p;
    if (!pictures_read_ppm(&p, path, in->h, in->w, in->c, o->bgr))
        return fail(p.error, "");
    net_input(net, 0, p.pixels);
    pictures_free(&p);
    if (!net_run(net))
        return fail(net->error, "");
    const float *logits = net_logits(net, 0);
    *hash = net_hash(*hash, logits, (size_t)net->tensors[net->logits].c * sizeof(float));
    print_top(net, logits, path, o->top);
    return o->check ? check(net, logits, o->check, path) : true;
}

static bool run(struct net *net, const struct options *o, const hew_threads *threads)
{
    if (!net_load(net, o->model) || !net_prepare(net, 1, threads))
        return fail(o->model, net->error);
    if ((o->labels && !read_labels(net, o->labels)) || !normalise(net, o))
        return false;
    const struct net_tensor *in = &net->tensors[0];
    printf("%s: %d layers, input %d x %d x %d, %d classes; %s, %zu thread(s)\n", o->model,
           net->layer_count, in->h, in->w, in->c, net->tensors[net->logits].c,
           hew_isa_name(hew_active_isa()), threads->count);
    bool good = true;
    uint64_t hash = NET_HASH_START;
    for (int i = 0; i < o->picture_count; i++)
        good = run_picture(net, o, o->pictures[i], &hash) && good;
    if (o->picture_count > 0)
        printf("checksum of all logits: %016llx\n", (unsigned long long)hash);
    if (o->table) {
        const double peak = hew_bench_peak_gflops() * (double)threads->count;
        printf("\nOne picture, %zu thread(s), medians of %d runs:\n", threads->count, TIMED_RUNS);
        sheet_layers(net, net_time(net, TIMED_RUNS), peak);
    }
    return good;
}

int main(int argc, char **argv)
{
    struct options o = { .top = 5, .threads = 1 };
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    hew_pool *pool;
    if (hew_pool_create(&pool, &HEW_POOL_DESC(.threads = o.threads)) != HEW_OK)
        return fail("no threads", hew_last_error()), 1;
    const hew_threads threads = hew_pool_threads(pool);
    struct net net;
    const bool good = run(&net, &o, &threads);
    net_free(&net);
    hew_pool_destroy(pool);
    return good ? 0 : 1;
}
