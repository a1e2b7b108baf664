/* What the elements of each tensor span while a net runs in f32, as the library's observers see. */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

struct watch {
    struct net_ranges *ranges;
    hew_observer **of;          /* each tensor, or NULL where no layer makes it */
    float *dense;               /* room for the elements of the largest tensor */
    int pictures;               /* of the batch, that are to be looked at */
    bool failed;
};

static const char *const names[] = {
    [HEW_OBSERVER_MIN_MAX] = "min-max",       [HEW_OBSERVER_MOVING_AVERAGE] = "moving-average",
    [HEW_OBSERVER_PERCENTILE] = "percentile", [HEW_OBSERVER_KL] = "kl",
    [HEW_OBSERVER_MSE] = "mse",
};

bool net_observer_named(const char *name, hew_observer_kind *kind)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (hew_observer_kind)i;
            return true;
        }
    return false;
}

const char *net_observer_name(hew_observer_kind kind)
{
    return names[kind];
}

/* Slices of a concat are made dense. */
static void observe(void *arg, const struct net *net, const struct net_layer *l)
{
    struct watch *w = arg;
    const struct net_tensor *t = &net->tensors[l->out];
    const size_t c = (size_t)t->c, row = (size_t)t->row_stride;
    const size_t pixels = (size_t)w->pictures * (size_t)t->h * (size_t)t->w;
    const float *x = t->data;
    for (size_t p = 0; row != c && p < pixels; p++)
        memcpy(w->dense + p * c, x + p * row, c * sizeof *x);
    if (!w->failed && hew_observer_observe(w->of[l->out], row == c ? x : w->dense,
                                           (int64_t)(pixels * c)) != HEW_OK)
        w->failed = !net_ranges_fail(w->ranges, "%s: %s", l->name, hew_last_error());
}

static bool create(struct watch *w, const struct net *net, hew_observer_kind kind)
{
    size_t most = 0;
    w->of = calloc((size_t)net->tensor_count, sizeof(hew_observer *));
    for (int i = 0; w->of != NULL && i < net->layer_count; i++) {
        const struct net_tensor *t = &net->tensors[net->layers[i].out];
        const size_t size = (size_t)net->batch * (size_t)t->h * (size_t)t->w * (size_t)t->c;
        most = size > most ? size : most;
        if (hew_observer_create(&w->of[net->layers[i].out],
                                &HEW_OBSERVER_DESC(.kind = kind, .type = HEW_U8)) != HEW_OK)
            return net_ranges_fail(w->ranges, "%s", hew_last_error());
    }
    w->dense = malloc(most * sizeof(float));
    return w->of && w->dense ? true : net_ranges_fail(w->ranges, "out of memory");
}

static bool look(struct watch *w, struct net *net, const struct pictures *p, int count)
{
    for (int first = 0; first < count; first += net->batch) {
        for (int i = 0; i < net->batch; i++)
            net_input(net, i, picture(p, first + i < count ? first + i : count - 1));
        w->pictures = count - first < net->batch ? count - first : net->batch;
        if (!net_run_watched(net, observe, w))
            return net_ranges_fail(w->ranges, "%s", net->error);
        if (w->failed)
            return false;
    }
    w->ranges->pictures = count;
    return true;
}

static bool conclude(struct watch *w, const struct net *net)
{
    for (int i = 0; i < net->layer_count; i++) {
        const int t = net->layers[i].out;
        struct net_range *range = &w->ranges->of[t];
        float scale;
        int32_t zero;
        if (hew_observer_result(w->of[t], &scale, &zero, &range->lo, &range->hi) != HEW_OK)
            return net_ranges_fail(w->ranges, "%s: %s", net->layers[i].name, hew_last_error());
    }
    return true;
}

bool net_calibrate(struct net_ranges *r, struct net *net, const struct pictures *p, int count,
                   hew_observer_kind kind)
{
    struct watch w = { .ranges = r };
    const bool good = net_ranges_begin(r, net) && create(&w, net, kind) && look(&w, net, p, count)
                      && conclude(&w, net);
    for (int t = 0; w.of != NULL && t < net->tensor_count; t++)
        hew_observer_destroy(w.of[t]);
    free(w.of);
    free(w.dense);
    return good;
}
