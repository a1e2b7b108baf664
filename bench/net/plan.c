/*
 * Memory of a net.  A concat costs nothing when its inputs are written straight into their channels
 * of its output: such a tensor is a slice of its parent, with the parent's row stride.  The tensors
 * that are not slices (the roots) share buffers: one is free again after its last reader.
 */
#include "plan.h"

#include "types.h"

#include <stdlib.h>

struct buffer {
    size_t size;        /* the largest tensor that it will hold */
    int tensor;         /* the root in it now, or -1 */
};

struct plan {
    struct net *net;
    int *first, *last;  /* of each root: the layers that write it first and read it last */
    int *where;         /* of each root: its buffer */
    struct buffer *buffers;
    int buffer_count;
};

static bool reads_dense(const struct net *net, int tensor)
{
    const struct net_tensor *t = &net->tensors[tensor];
    for (int i = 0; i < net->layer_count; i++)
        if (net->layers[i].op == NET_LINEAR && net->layers[i].in[0] == tensor
            && (t->h > 1 || t->w > 1))
            return true;
    return false;
}

/* Whether input k of a concat may live inside the concat's output. */
static bool can_slice(const struct net *net, const struct net_layer *concat, int k)
{
    const int tensor = concat->in[k];
    for (int j = 0; j < k; j++)
        if (concat->in[j] == tensor)
            return false;
    return tensor != 0 && tensor != net->logits && tensor != net->output
           && net->tensors[tensor].parent < 0 && !reads_dense(net, tensor);
}

static void slice_concats(struct net *net)
{
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *l = &net->layers[i];
        for (int k = 0, offset = 0; l->op == NET_CONCAT && k < l->in_count; k++) {
            struct net_tensor *t = &net->tensors[l->in[k]];
            if (can_slice(net, l, k)) {
                t->parent = l->out;
                t->offset = offset;
            }
            offset += t->c;
        }
    }
}

/* The tensor in whose buffer this one lies, and its first channel there. */
static int root_of(const struct net *net, int tensor, int *offset)
{
    for (*offset = 0; net->tensors[tensor].parent >= 0; tensor = net->tensors[tensor].parent)
        *offset += net->tensors[tensor].offset;
    return tensor;
}

static void live(struct plan *p, int tensor, int layer)
{
    int offset;
    const int root = root_of(p->net, tensor, &offset);
    if (p->first[root] < 0 || layer < p->first[root])
        p->first[root] = layer;
    if (layer > p->last[root])
        p->last[root] = layer;
}

static void find_lifetimes(struct plan *p)
{
    const struct net *net = p->net;
    for (int t = 0; t < net->tensor_count; t++)
        p->first[t] = p->last[t] = p->where[t] = -1;
    for (int i = 0; i < net->layer_count; i++) {
        live(p, net->layers[i].out, i);
        for (int k = 0; k < net->layers[i].in_count; k++)
            live(p, net->layers[i].in[k], i);
    }
    /* The caller's: the picture may be run again, the results are read afterwards. */
    const int callers[3] = { 0, net->logits, net->output };
    for (int k = 0; k < 3; k++) {
        live(p, callers[k], 0);
        live(p, callers[k], net->layer_count);
    }
}

static size_t tensor_bytes(const struct net *net, int tensor)
{
    const struct net_tensor *t = &net->tensors[tensor];
    return net_element_size(t->type) * (size_t)net->batch * (size_t)t->h * (size_t)t->w
           * (size_t)t->c;
}

/* A free buffer: the smallest that is large enough, else the largest, which then grows. */
static int choose_buffer(struct plan *p, size_t size)
{
    int best = -1;
    for (int b = 0; b < p->buffer_count; b++) {
        if (p->buffers[b].tensor >= 0)
            continue;
        const size_t have = p->buffers[b].size, best_size = best < 0 ? 0 : p->buffers[best].size;
        if (best < 0 || (best_size < size ? have > best_size : have >= size && have < best_size))
            best = b;
    }
    if (best < 0) {
        best = p->buffer_count++;
        p->buffers[best].size = 0;
    }
    if (p->buffers[best].size < size)
        p->buffers[best].size = size;
    return best;
}

static void assign_buffers(struct plan *p)
{
    for (int i = 0; i <= p->net->layer_count; i++) {
        for (int t = 0; t < p->net->tensor_count; t++)
            if (p->first[t] == i) {
                p->where[t] = choose_buffer(p, tensor_bytes(p->net, t));
                p->buffers[p->where[t]].tensor = t;
            }
        for (int b = 0; b < p->buffer_count; b++)
            if (p->buffers[b].tensor >= 0 && p->last[p->buffers[b].tensor] == i)
                p->buffers[b].tensor = -1;
    }
}

static bool allocate(struct plan *p)
{
    struct net *net = p->net;
    net->buffers = calloc((size_t)p->buffer_count, sizeof *net->buffers);
    if (net->buffers == NULL)
        return net_fail(net, "out of memory");
    net->buffer_count = p->buffer_count;
    for (int b = 0; b < p->buffer_count; b++)
        if ((net->buffers[b] = hew_alloc(p->buffers[b].size)) == NULL)
            return net_fail(net, "no memory for %zu bytes", p->buffers[b].size);
    for (int t = 0; t < net->tensor_count; t++) {
        int offset;
        const int root = root_of(net, t, &offset);
        if (p->where[root] < 0)
            continue;           /* fused away */
        struct net_tensor *tensor = &net->tensors[t];
        tensor->row_stride = net->tensors[root].c;
        tensor->data = (char *)net->buffers[p->where[root]]
                       + (size_t)offset * net_element_size(tensor->type);
    }
    return true;
}

bool net_plan_memory(struct net *net)
{
    const size_t n = (size_t)net->tensor_count;
    struct plan p = {
        .net = net,
        .first = malloc(n * sizeof(int)),
        .last = malloc(n * sizeof(int)),
        .where = malloc(n * sizeof(int)),
        .buffers = malloc(n * sizeof(struct buffer)),
    };
    bool good = p.first && p.last && p.where && p.buffers;
    if (good) {
        slice_concats(net);
        find_lifetimes(&p);
        assign_buffers(&p);
        good = allocate(&p);
    } else {
        net_fail(net, "out of memory");
    }
    free(p.first);
    free(p.last);
    free(p.where);
    free(p.buffers);
    return good;
}
