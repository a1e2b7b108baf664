/*
 * The type of each tensor; scales and zero points.
 *
 * Results are f32: a convolution or linear layer of integers writes them as such, and what leads to
 * them through pools and concats is f32 too.  All else is of the net's type.
 *
 * Pools and concats copy elements or average them, so their inputs and outputs share a scale and a
 * zero point: those of the union of their ranges.
 */
#include "ranges.h"
#include "types.h"

#include <math.h>
#include <stdlib.h>

static bool keeps_elements(const struct net_layer *l)
{
    return l->op == NET_MAXPOOL || l->op == NET_AVGPOOL || l->op == NET_GLOBAL_AVGPOOL
           || l->op == NET_CONCAT;
}

/* ------------------------------------------------------------------------ f32 and where ----- */

static bool make_f32(struct net *net, int tensor)
{
    const bool news = net->tensors[tensor].type != HEW_F32;
    net->tensors[tensor].type = HEW_F32;
    return news;
}

/* Whether something became f32 because of this layer. */
static bool spread_f32(struct net *net, const struct net_layer *l)
{
    const bool in = net->tensors[l->in[0]].type == HEW_F32;
    bool all = l->op == NET_SOFTMAX, any = false, news = false;
    for (int k = 0; k < l->in_count; k++)
        any |= net->tensors[l->in[k]].type == HEW_F32;
    if (keeps_elements(l))
        all |= any || net->tensors[l->out].type == HEW_F32;
    if (in || all)
        news |= make_f32(net, l->out);
    /* An f32 result takes an f32 residual. */
    const bool residual = l->op == NET_CONV && net->tensors[l->out].type == HEW_F32;
    for (int k = 0; k < l->in_count; k++)
        if (all || (residual && k == 1))
            news |= make_f32(net, l->in[k]);
    return news;
}

static void choose_types(struct net *net)
{
    for (int t = 0; t < net->tensor_count; t++)
        net->tensors[t].type = net->type->tensors;
    make_f32(net, net->logits);
    make_f32(net, net->output);
    for (bool news = true; news;) {
        news = false;
        for (int i = 0; i < net->layer_count; i++)
            news |= spread_f32(net, &net->layers[i]);
    }
}

/* -------------------------------------------------------------------------- scale, zero ----- */

/* What bytes become needs no calibration. */
static struct net_range range_of_bytes(const struct net *net)
{
    struct net_range r = { 0.0f, 0.0f };
    for (int c = 0; c < net->tensors[0].c; c++)
        for (int byte = 0; byte < 256; byte += 255) {
            const float x = (float)byte * net->in_scale[c] + net->in_shift[c];
            r.lo = fminf(r.lo, x);
            r.hi = fmaxf(r.hi, x);
        }
    return r;
}

static void unite(struct net_range *a, struct net_range *b)
{
    a->lo = b->lo = fminf(a->lo, b->lo);
    a->hi = b->hi = fmaxf(a->hi, b->hi);
}

static bool same(struct net_range a, struct net_range b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

static void share_ranges(const struct net *net, struct net_range *of)
{
    for (bool news = true; news;) {
        news = false;
        for (int i = 0; i < net->layer_count; i++) {
            const struct net_layer *l = &net->layers[i];
            for (int k = 0; keeps_elements(l) && k < l->in_count; k++) {
                news |= !same(of[l->in[k]], of[l->out]);
                unite(&of[l->in[k]], &of[l->out]);
            }
        }
    }
}

bool net_choose_type(struct net *net, const struct net_type *type, const struct net_ranges *ranges)
{
    if (net->type != NULL)
        return net_fail(net, "the net's type has been chosen before");
    net->type = type;
    choose_types(net);
    if (!type->ranged)
        return true;
    if (ranges == NULL || ranges->count != net->tensor_count)
        return net_fail(net, "%s: no ranges of this net's tensors", type->name);
    const size_t count = (size_t)net->tensor_count;
    struct net_range *of = malloc(count * sizeof *of);
    if (of == NULL)
        return net_fail(net, "out of memory");
    for (size_t t = 0; t < count; t++)
        of[t] = ranges->of[t];
    of[0] = range_of_bytes(net);
    share_ranges(net, of);
    hew_status status = HEW_OK;
    for (size_t t = 0; t < count && status == HEW_OK; t++) {
        struct net_tensor *tensor = &net->tensors[t];
        if (tensor->type != HEW_F32 && !isnan(of[t].lo))
            status = hew_scale_of_range(tensor->type, false, of[t].lo, of[t].hi, &tensor->scale,
                                        &tensor->zero);
    }
    free(of);
    return status == HEW_OK ? true : net_fail(net, "%s: %s", type->name, hew_last_error());
}
