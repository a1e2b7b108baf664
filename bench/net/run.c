/*
 * hew-run: a model file classifies pictures, in each of the types asked for.
 *
 * Exit status 1 means that the model or a picture could not be read, or that --check found logits
 * which differ from the recorded ones.
 */
#include "pictures.h"
#include "ranges.h"
#include "sheet.h"
#include "types.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMED_RUNS 15
#define MAX_PICTURES 1024
#define MAX_TYPES 8

struct options {
    const char *model, *labels, *check, *mean, *std, *ranges, *write_ranges;
    const char *pictures[MAX_PICTURES];
    int picture_count, top;
    size_t threads;
    unsigned types;
    bool bgr, table;
    hew_observer_kind observer;
};

struct run {
    const struct options *o;
    const hew_threads *threads;
    struct pictures p;
    struct net_ranges ranges;
    struct net net[MAX_TYPES];
    int count;
    int *first;                 /* each picture's class by the first type */
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
    "  --types T      f32 (default), bf16, u8s8, several with commas between them, or all\n"
    "  --ranges FILE  what u8s8 needs to know of tensors; else it is calibrated on the pictures\n"
    "  --observer O   calibrate by min-max, moving-average, percentile, kl or mse (default)\n"
    "  --write-ranges FILE  keep what was found\n"
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
        { "types", 1, NULL, 'y' }, { "ranges", 1, NULL, 'r' }, { "write-ranges", 1, NULL, 'w' },
        { "observer", 1, NULL, 'o' },
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
        case 'y': o->types = net_types_named(optarg); break;
        case 'r': o->ranges = optarg; break;
        case 'w': o->write_ranges = optarg; break;
        case 'o': good = net_observer_named(optarg, &o->observer) && good; break;
        default: return false;
        }
    if (optind < argc)
        o->model = argv[optind++];
    while (optind < argc)
        good = add_picture(o, argv[optind++]) && good;
    return good && o->model != NULL && o->types != 0;
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

/* Types with rounding errors by design have no bound to keep. */
static bool check(const struct net *net, const float *logits, const char *folder,
                  const char *picture_path)
{
    const double most = net->type->agreement;
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
    return most == 0.0 || largest <= most ? true : fail(path, "the logits differ by too much");
}

static bool load(const struct run *r, struct net *net)
{
    if (!net_load(net, r->o->model))
        return fail(r->o->model, net->error);
    return (r->o->labels == NULL || read_labels(net, r->o->labels)) && normalise(net, r->o);
}

static bool prepare(const struct run *r, struct net *net, const struct net_type *type)
{
    if (!net_choose_type(net, type, &r->ranges) || !net_prepare(net, 1, r->threads))
        return fail(r->o->model, net->error);
    return true;
}

static bool read_pictures(struct run *r, const struct net_tensor *in)
{
    const size_t size = (size_t)in->h * (size_t)in->w * (size_t)in->c;
    r->p = (struct pictures){ .h = in->h, .w = in->w, .c = in->c };
    r->p.pixels = malloc(size * (size_t)r->o->picture_count + 1);
    if (r->p.pixels == NULL)
        return fail("out of memory", "");
    for (; r->p.count < r->o->picture_count; r->p.count++) {
        struct pictures one;
        if (!pictures_read_ppm(&one, r->o->pictures[r->p.count], in->h, in->w, in->c, r->o->bgr))
            return fail(one.error, "");
        memcpy(r->p.pixels + size * (size_t)r->p.count, one.pixels, size);
        pictures_free(&one);
    }
    return true;
}

/* Pictures, and ranges if any type needs them: from a file, or from these pictures in f32. */
static bool begin(struct run *r)
{
    struct net net;
    bool ranged = r->o->write_ranges != NULL;
    for (int i = 0; i < net_type_count; i++)
        ranged |= (r->o->types >> i & 1) && net_types[i].ranged;
    bool good = load(r, &net) && read_pictures(r, &net.tensors[0]);
    if (good && ranged && r->o->ranges != NULL) {
        good = net_read_ranges(&r->ranges, &net, r->o->ranges)
                   ? true : fail(r->o->ranges, r->ranges.error);
    } else if (good && ranged) {
        good = r->p.count > 0 ? true : fail("no pictures to calibrate on, and no --ranges", "");
        good = good && prepare(r, &net, &net_types[0]);
        if (good && !net_calibrate(&r->ranges, &net, &r->p, r->p.count, r->o->observer))
            good = fail("calibration", r->ranges.error);
    }
    if (good && r->o->write_ranges != NULL
        && !net_write_ranges(&r->ranges, &net, r->o->write_ranges, "pictures",
                             net_observer_name(r->o->observer)))
        good = fail(r->o->write_ranges, "can't be written");
    net_free(&net);
    return good;
}

static bool run_type(struct run *r, const struct net_type *type)
{
    const bool first = r->count == 0;
    struct net *net = &r->net[r->count++];
    if (!load(r, net) || !prepare(r, net, type))
        return false;
    const struct net_tensor *in = &net->tensors[0];
    const int classes = net->tensors[net->logits].c;
    printf("%s%s: %d layers, input %d x %d x %d, %d classes; %s, %s, %zu thread(s)\n",
           first ? "" : "\n", r->o->model, net->layer_count, in->h, in->w, in->c, classes,
           type->name, hew_isa_name(hew_active_isa()), r->threads->count);
    bool good = true;
    int same = 0;
    uint64_t hash = NET_HASH_START;
    for (int i = 0; i < r->p.count; i++) {
        net_input(net, 0, picture(&r->p, i));
        if (!net_run(net))
            return fail(net->error, "");
        const float *logits = net_logits(net, 0);
        const int best = sheet_best(logits, classes);
        hash = net_hash(hash, logits, (size_t)classes * sizeof(float));
        r->first[i] = first ? best : r->first[i];
        same += best == r->first[i];
        print_top(net, logits, r->o->pictures[i], r->o->top);
        if (r->o->check != NULL)
            good = check(net, logits, r->o->check, r->o->pictures[i]) && good;
    }
    if (!first)
        printf("%d of %d pictures are of the class that %s gives\n", same, r->p.count,
               r->net[0].type->name);
    if (r->p.count > 0)
        printf("checksum of all logits: %016llx\n", (unsigned long long)hash);
    return good;
}

static bool table(struct run *r)
{
    struct net *nets[MAX_TYPES];
    for (int i = 0; i < r->count; i++)
        nets[i] = &r->net[i];
    if (!net_time(nets, r->count, TIMED_RUNS))
        return fail("timing failed", "");
    for (int i = 0; i < r->count; i++) {
        printf("\n%s: one picture, %zu thread(s), medians of %d runs:\n", nets[i]->type->name,
               r->threads->count, TIMED_RUNS);
        sheet_layers(nets[i]);
    }
    return true;
}

static bool run(struct run *r)
{
    r->first = calloc((size_t)r->o->picture_count + 1, sizeof *r->first);
    bool good = r->first != NULL && begin(r);
    for (int i = 0; good && i < net_type_count; i++)
        if (r->o->types >> i & 1)
            good = run_type(r, &net_types[i]);
    if (good && r->o->table)
        good = table(r);
    for (int i = 0; i < r->count; i++)
        net_free(&r->net[i]);
    net_free_ranges(&r->ranges);
    pictures_free(&r->p);
    free(r->first);
    return good;
}

int main(int argc, char **argv)
{
    struct options o = { .top = 5, .threads = 1, .types = 1, .observer = HEW_OBSERVER_MSE };
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    hew_pool *pool;
    if (hew_pool_create(&pool, &HEW_POOL_DESC(.threads = o.threads)) != HEW_OK)
        return fail("no threads", hew_last_error()), 1;
    const hew_threads threads = hew_pool_threads(pool);
    struct run r = { .o = &o, .threads = &threads };
    const bool good = run(&r);
    hew_pool_destroy(pool);
    return good ? 0 : 1;
}
