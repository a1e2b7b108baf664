/* The .hewnet format: described in README.md, written by train_fashion.py. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "hewnet1\n"
#define RECORD_WORDS 16
#define NO_TENSOR UINT32_MAX

struct cursor {
    const uint8_t *at;
    size_t left;
};

/* The next `size` bytes, or NULL when the file ends before. */
static const uint8_t *take(struct cursor *in, size_t size)
{
    if (size > in->left)
        return NULL;
    const uint8_t *bytes = in->at;
    in->at += size;
    in->left -= size;
    return bytes;
}

static bool take_words(struct cursor *in, uint32_t *words, size_t count)
{
    const uint8_t *bytes = take(in, 4 * count);
    if (bytes == NULL)
        return false;
    memcpy(words, bytes, 4 * count);
    return true;
}

/* Floats in memory of their own, or NULL: the file ends first, or there is no memory. */
static float *take_floats(struct cursor *in, int count)
{
    const size_t size = sizeof(float) * (size_t)count;
    const uint8_t *bytes = count > 0 ? take(in, size) : NULL;
    float *floats = bytes ? malloc(size) : NULL;
    if (floats != NULL)
        memcpy(floats, bytes, size);
    return floats;
}

static bool read_header(struct net *net, struct cursor *in, uint32_t *layers)
{
    uint32_t words[7];      /* layers, h, w, c, scale, shift, bytes of class names */
    if (!take_words(in, words, 7))
        return net_fail(net, "hewnet: the file ends inside its header");
    for (int i = 1; i <= 3; i++)
        if (words[i] > NET_MAX_ELEMENTS)
            return net_fail(net, "hewnet: a picture extent of %u", words[i]);
    if (!net_begin(net, (int)words[1], (int)words[2], (int)words[3]))
        return false;
    float scale, shift;
    memcpy(&scale, &words[4], sizeof scale);
    memcpy(&shift, &words[5], sizeof shift);
    for (uint32_t c = 0; c < words[3]; c++) {
        net->in_scale[c] = scale;
        net->in_shift[c] = shift;
    }
    *layers = words[0];
    const uint8_t *names = take(in, words[6]);
    if (names == NULL)
        return net_fail(net, "hewnet: the file ends inside its class names");
    return net_name_classes(net, (const char *)names, words[6]);
}

/* The record's words into a layer; false when one is out of any range that could be meant. */
static bool decode(const uint32_t *word, struct net_layer *l, bool *has_bias)
{
    for (int i = 0; i < RECORD_WORDS; i++)
        if (word[i] > NET_MAX_ELEMENTS && !(i == 2 && word[i] == NO_TENSOR))
            return false;
    *l = net_layer_default((enum net_op)word[0], (int)word[1]);
    if (word[2] != NO_TENSOR)
        l->in[l->in_count++] = (int)word[2];
    if (word[3] >= HEW_ACT_COUNT)
        return false;
    l->act.kind = (hew_act_kind)word[3];
    l->out_c = (int)word[4];
    for (int d = 0; d < 2; d++) {
        l->kernel[d] = (int)word[5 + d];
        l->stride[d] = (int)word[7 + d];
        l->pad_lo[d] = (int)word[9 + d];
        l->pad_hi[d] = (int)word[11 + d];
    }
    l->groups = (int)word[13];
    *has_bias = word[14] & 1;
    l->ceil_mode = word[15] & 1;
    l->count_pad = word[15] & 2;
    return true;
}

static bool read_layer(struct net *net, struct cursor *in)
{
    uint32_t words[RECORD_WORDS];
    struct net_layer layer;
    bool has_bias;
    if (!take_words(in, words, RECORD_WORDS))
        return net_fail(net, "hewnet: the file ends at layer %d", net->layer_count + 1);
    if (!decode(words, &layer, &has_bias))
        return net_fail(net, "hewnet: layer %d has an impossible attribute", net->layer_count + 1);
    if (layer.in[0] >= net->tensor_count)
        return net_fail(net, "hewnet: layer %d reads tensor %d, which doesn't exist yet",
                        net->layer_count + 1, layer.in[0]);
    if (layer.op == NET_CONV || layer.op == NET_LINEAR) {
        layer.weights = take_floats(in, net_weight_count(net, &layer));
        layer.bias = has_bias && layer.weights ? take_floats(in, layer.out_c) : NULL;
        if (layer.weights == NULL || (has_bias && layer.bias == NULL)) {
            free(layer.weights);
            return net_fail(net, "hewnet: the file ends inside the weights of layer %d",
                            net->layer_count + 1);
        }
    }
    return net_add(net, &layer);
}

bool net_read_hewnet(struct net *net, const uint8_t *bytes, size_t size)
{
    *net = (struct net){ .output = -1 };
    const size_t magic = sizeof MAGIC - 1;
    if (size < magic + sizeof(uint64_t) || memcmp(bytes, MAGIC, magic) != 0)
        return net_fail(net, "hewnet: the file doesn't begin with the format's name");
    uint64_t stored;
    memcpy(&stored, bytes + size - sizeof stored, sizeof stored);
    if (stored != net_hash(NET_HASH_START, bytes, size - sizeof stored))
        return net_fail(net, "hewnet: the checksum at its end doesn't match: cut short or damaged");

    struct cursor in = { bytes + magic, size - magic - sizeof stored };
    uint32_t layers = 0;
    if (!read_header(net, &in, &layers))
        return false;
    for (uint32_t i = 0; i < layers; i++)
        if (!read_layer(net, &in))
            return false;
    if (in.left != 0)
        return net_fail(net, "hewnet: %zu bytes after the last layer", in.left);
    return net_end(net, net->tensor_count - 1);
}
