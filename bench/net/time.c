/* What layers cost. */
#include "plan.h"
#include "types.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_seconds(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds, int count)
{
    qsort(seconds, (size_t)count, sizeof *seconds, compare_seconds);
    return seconds[count / 2];
}

/* A run's layers, and their sum after them, each into its own row of `runs` times. */
static void time_once(const struct net *net, double *seconds, int runs)
{
    double whole = 0.0;
    for (int i = 0; i < net->layer_count; i++, seconds += runs) {
        const double start = now();
        net_run_layer(net, &net->layers[i]);
        *seconds = now() - start;
        whole += *seconds;
    }
    *seconds = whole;
}

static void keep_medians(struct net *net, double *seconds, int runs)
{
    for (int i = 0; i < net->layer_count; i++, seconds += runs)
        net->layers[i].seconds = median(seconds, runs);
    net->seconds = median(seconds, runs);
}

bool net_time(struct net *const *nets, int count, int runs)
{
    size_t rows = 0;
    for (int n = 0; n < count; n++) {
        if (!net_run(nets[n]))
            return false;
        rows += (size_t)nets[n]->layer_count + 1;
    }
    double *seconds = malloc(rows * (size_t)runs * sizeof *seconds), *at;
    if (seconds == NULL)
        return false;
    for (int r = 0; r < runs; r++) {
        at = seconds + r;
        for (int n = 0; n < count; n++, at += (nets[n - 1]->layer_count + 1) * runs)
            time_once(nets[n], at, runs);
    }
    at = seconds;
    for (int n = 0; n < count; n++, at += (nets[n - 1]->layer_count + 1) * runs)
        keep_medians(nets[n], at, runs);
    free(seconds);
    return true;
}

double net_layer_ops(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    const double outputs = (double)net->batch * out->h * out->w * out->c;
    if (l->op == NET_CONV)
        return 2.0 * outputs * l->kernel[0] * l->kernel[1] * (in->c / l->groups);
    if (l->op == NET_LINEAR)
        return 2.0 * outputs * in->h * in->w * in->c;
    return 0.0;
}

/* Pools and softmax have no created operation to ask: the active kernel of the family. */
static const char *family_kernel(const char *family)
{
    hew_kernel_info info;
    for (size_t i = 0; hew_active_kernel(i, &info); i++)
        if (strcmp(info.family, family) == 0)
            return info.symbol;
    return "-";
}

const char *net_layer_kernel(const struct net *net, const struct net_layer *l)
{
    switch (l->op) {
    case NET_CONV:
        return hew_conv_kernel(l->conv);
    case NET_LINEAR:
        return hew_gemm_kernel(l->gemm);
    case NET_MAXPOOL:
    case NET_AVGPOOL:
    case NET_GLOBAL_AVGPOOL:
        return family_kernel(net_type_of(net, l)->pooling);
    case NET_SOFTMAX:
        return family_kernel("softmax_f32");
    default:
        return "-";
    }
}
