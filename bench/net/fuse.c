/*
 * Fusion: what Hew's epilogue can do on the way out (scale and shift folded into the weights,
 * residual, activation) needs no pass over memory of its own.
 *
 * Each rule looks at a layer and at the one that makes its input, and applies only if nobody else
 * reads that intermediate tensor.  What is left over afterwards becomes a depthwise 1x1 convolution
 * with weight 1, so that the executor knows convolutions, pools, softmax and linear layers only.
 */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

struct fusion {
    struct net *net;
    int *maker;         /* of each tensor: a layer, or -1 */
    int *uses;          /* of each tensor */
    bool *dead;         /* of each layer: merged into another, or read by none */
};

/* The weighted layer that makes `tensor` for a single reader and still has its epilogue free. */
static struct net_layer *open_maker(const struct fusion *f, int tensor)
{
    const int m = f->maker[tensor];
    if (m < 0 || f->uses[tensor] != 1)
        return NULL;
    struct net_layer *maker = &f->net->layers[m];
    const bool weighted = maker->op == NET_CONV || maker->op == NET_LINEAR;
    return weighted && maker->act.kind == HEW_ACT_NONE ? maker : NULL;
}

/* Layer i vanishes: `maker` writes its output instead. */
static void absorb(struct fusion *f, int i, struct net_layer *maker)
{
    maker->out = f->net->layers[i].out;
    f->maker[maker->out] = (int)(maker - f->net->layers);
    f->dead[i] = true;
}

static bool fold_into_weights(struct fusion *f, int i, struct net_layer *maker)
{
    const struct net_layer *affine = &f->net->layers[i];
    const int per_channel = net_weight_count(f->net, maker) / maker->out_c;
    if (maker->bias == NULL)
        maker->bias = calloc((size_t)maker->out_c, sizeof(float));
    if (maker->bias == NULL)
        return net_fail(f->net, "out of memory");
    for (int c = 0; c < maker->out_c; c++) {
        const double scale = affine->weights[c], shift = affine->bias ? affine->bias[c] : 0.0;
        float *w = maker->weights + (size_t)c * (size_t)per_channel;
        for (int k = 0; k < per_channel; k++)
            w[k] = (float)(w[k] * scale);
        maker->bias[c] = (float)(maker->bias[c] * scale + shift);
    }
    return true;
}

/* The picture's own normalisation: done while its bytes are converted to floats. */
static void fold_into_input(struct fusion *f, int i)
{
    struct net *net = f->net;
    const struct net_layer *affine = &net->layers[i];
    for (int c = 0; c < affine->out_c; c++) {
        const double scale = affine->weights[c], shift = affine->bias ? affine->bias[c] : 0.0;
        net->in_scale[c] = (float)(net->in_scale[c] * scale);
        net->in_shift[c] = (float)(net->in_shift[c] * scale + shift);
    }
    for (int k = 0; k < net->layer_count; k++)
        for (int j = 0; j < net->layers[k].in_count; j++)
            if (net->layers[k].in[j] == affine->out)
                net->layers[k].in[j] = 0;
    f->uses[0] = f->uses[affine->out];
    f->dead[i] = true;
}

static bool fuse_affine(struct fusion *f, int i)
{
    const struct net_layer *l = &f->net->layers[i];
    struct net_layer *maker = open_maker(f, l->in[0]);
    if (maker != NULL && maker->in_count == 1) {
        maker->act = l->act;
        if (!fold_into_weights(f, i, maker))
            return false;
        absorb(f, i, maker);
    } else if (l->in[0] == 0 && f->uses[0] == 1 && l->act.kind == HEW_ACT_NONE
               && l->out != f->net->logits) {
        fold_into_input(f, i);
    }
    return true;
}

/* a + b: the later made of the two is a convolution that takes the other as its residual. */
static void fuse_add(struct fusion *f, int i)
{
    struct net_layer *add = &f->net->layers[i];
    const int later = f->maker[add->in[1]] > f->maker[add->in[0]];
    for (int k = 0; k < 2; k++) {
        const int side = k == 0 ? later : !later;
        struct net_layer *maker = open_maker(f, add->in[side]);
        if (maker == NULL || maker->op != NET_CONV || maker->in_count != 1)
            continue;
        /* It moves to the addition's place, where both inputs exist; nobody else waits for it. */
        struct net_layer fused = *maker;
        fused.in[1] = add->in[!side];
        fused.in_count = 2;
        fused.out = add->out;
        f->dead[maker - f->net->layers] = true;
        maker->weights = maker->bias = NULL;
        *add = fused;
        return;
    }
}

/* An addition or activation on its own: the convolution that does nothing else. */
static bool make_unit_conv(struct net *net, struct net_layer *l)
{
    const int c = net->tensors[l->in[0]].c;
    l->weights = malloc((size_t)c * sizeof(float));
    if (l->weights == NULL)
        return net_fail(net, "out of memory");
    for (int i = 0; i < c; i++)
        l->weights[i] = 1.0f;
    l->op = NET_CONV;
    l->groups = l->out_c = c;
    return true;
}

static bool fuse_layer(struct fusion *f, int i)
{
    struct net_layer *l = &f->net->layers[i], *maker;
    if (net_is_affine(f->net, l))
        return fuse_affine(f, i);
    if (l->op == NET_ADD) {
        fuse_add(f, i);
    } else if (l->op == NET_ACT && (maker = open_maker(f, l->in[0])) != NULL) {
        maker->act = l->act;
        absorb(f, i, maker);
    }
    return true;
}

static void count_uses(struct fusion *f)
{
    const struct net *net = f->net;
    for (int t = 0; t < net->tensor_count; t++)
        f->maker[t] = -1;
    for (int i = 0; i < net->layer_count; i++) {
        f->maker[net->layers[i].out] = i;
        for (int k = 0; k < net->layers[i].in_count; k++)
            f->uses[net->layers[i].in[k]]++;
    }
    /* The caller reads these two. */
    f->uses[net->output]++;
    f->uses[net->logits]++;
}

/* Layers that nobody reads, the last first: one may have been the only reader of another. */
static void drop_unread(struct fusion *f)
{
    for (int i = f->net->layer_count; i-- > 0;) {
        const struct net_layer *l = &f->net->layers[i];
        if (f->uses[l->out] > 0)
            continue;
        f->dead[i] = true;
        for (int k = 0; k < l->in_count; k++)
            f->uses[l->in[k]]--;
    }
}

static bool run_fusion(struct fusion *f)
{
    struct net *net = f->net;
    count_uses(f);
    drop_unread(f);
    for (int i = 0; i < net->layer_count; i++)
        if (!f->dead[i] && !fuse_layer(f, i))
            return false;
    int kept = 0;
    for (int i = 0; i < net->layer_count; i++) {
        if (f->dead[i]) {
            free(net->layers[i].weights);
            free(net->layers[i].bias);
            continue;
        }
        if (kept != i)
            net->layers[kept] = net->layers[i];
        kept++;
    }
    net->layer_count = kept;
    for (int i = 0; i < kept; i++)
        if ((net->layers[i].op == NET_ADD || net->layers[i].op == NET_ACT)
            && !make_unit_conv(net, &net->layers[i]))
            return false;
    return true;
}

bool net_fuse(struct net *net)
{
    const size_t tensors = (size_t)net->tensor_count, layers = (size_t)net->layer_count;
    struct fusion f = {
        .net = net,
        .maker = malloc(tensors * sizeof(int)),
        .uses = calloc(tensors, sizeof(int)),
        .dead = calloc(layers, sizeof(bool)),
    };
    const bool memory = f.maker != NULL && f.uses != NULL && f.dead != NULL;
    const bool good = memory ? run_fusion(&f) : net_fail(net, "out of memory");
    free(f.maker);
    free(f.uses);
    free(f.dead);
    return good;
}
