#include "types.h"

#include "../peak.h"

#include <stdlib.h>
#include <string.h>

size_t net_element_size(hew_type type)
{
    return type == HEW_F32 || type == HEW_S32 ? 4 : type == HEW_BF16 || type == HEW_F16 ? 2 : 1;
}

/* ---------------------------------------------------------------------------------- f32 ----- */

static hew_status put_f32(const struct net_tensor *tensor, const float *in, int count, void *out)
{
    (void)tensor;
    memcpy(out, in, (size_t)count * sizeof *in);
    return HEW_OK;
}

static hew_status keep_weights(struct net_layer *l, const struct net_tensor *in, int count,
                               void **out)
{
    (void)in, (void)count;
    *out = l->weights;
    return HEW_OK;
}

/* --------------------------------------------------------------------------------- bf16 ----- */

static hew_status to_bf16(const float *in, int count, void *out)
{
    return hew_reorder(&HEW_REORDER_DESC(.out_type = HEW_BF16, .pixels = 1, .channels = count), in,
                       out, NULL);
}

static hew_status put_bf16(const struct net_tensor *tensor, const float *in, int count, void *out)
{
    (void)tensor;
    return to_bf16(in, count, out);
}

static hew_status round_weights(struct net_layer *l, const struct net_tensor *in, int count,
                                void **out)
{
    (void)in;
    *out = malloc((size_t)count * sizeof(uint16_t));
    return *out ? to_bf16(l->weights, count, *out) : HEW_ERR_NO_MEMORY;
}

/* --------------------------------------------------------------------------------- u8s8 ----- */

static hew_status put_u8(const struct net_tensor *tensor, const float *in, int count, void *out)
{
    const uint8_t zero = (uint8_t)tensor->zero;
    return hew_quantize(&HEW_QUANTIZE_DESC(.type = HEW_U8, .inner = count,
                                           .scale = &tensor->scale, .zero = &zero),
                        in, out, NULL);
}

/* Each output channel's weights are in -127 .. 127, with a scale of their own. */
static hew_status quantize_weights(struct net_layer *l, const struct net_tensor *in, int count,
                                   void **out)
{
    *out = malloc((size_t)count);
    l->scale = malloc((size_t)l->out_c * sizeof(float));
    if (*out == NULL || l->scale == NULL)
        return HEW_ERR_NO_MEMORY;
    const hew_status status =
        hew_quantize_weights(&HEW_WEIGHTS_DESC(.out_c = l->out_c, .in_c = count / l->out_c,
                                               .type = HEW_S8), l->weights, *out, l->scale, NULL);
    for (int c = 0; c < l->out_c; c++)
        l->scale[c] *= in->scale;
    return status;
}

static double peak_int8(void)
{
    return hew_bench_peak_gops_of(hew_active_isa());
}

/* -------------------------------------------------------------------------------- table ----- */

const struct net_type net_types[] = {
    { .name = "f32", .tensors = HEW_F32, .weights = HEW_F32, .pooling = "pooling_f32",
      .unit = "GFLOP/s", .peak = hew_bench_peak_gflops, .agreement = 1e-3,
      .put = put_f32, .convert = keep_weights },
    { .name = "bf16", .tensors = HEW_BF16, .weights = HEW_BF16, .pooling = "pooling_bf16",
      .unit = "GFLOP/s", .peak = hew_bench_peak_gflops, .loss = 0.5,
      .put = put_bf16, .convert = round_weights },
    { .name = "u8s8", .tensors = HEW_U8, .weights = HEW_S8, .ranged = true,
      .pooling = "pooling_u8", .unit = "GOP/s", .peak = peak_int8, .loss = 0.5,
      .put = put_u8, .convert = quantize_weights },
};
const int net_type_count = sizeof net_types / sizeof net_types[0];

const struct net_type *net_type_of(const struct net *net, const struct net_layer *l)
{
    return net->tensors[l->in[0]].type == HEW_F32 ? &net_types[0] : net->type;
}

static unsigned named(const char *name, size_t length)
{
    if (length == 3 && memcmp(name, "all", 3) == 0)
        return (1u << net_type_count) - 1;
    for (int i = 0; i < net_type_count; i++)
        if (strlen(net_types[i].name) == length && memcmp(net_types[i].name, name, length) == 0)
            return 1u << i;
    return 0;
}

unsigned net_types_named(const char *names)
{
    unsigned mask = 0;
    for (;; names++) {
        const size_t length = strcspn(names, ",");
        const unsigned one = named(names, length);
        if (one == 0)
            return 0;
        mask |= one;
        names += length;
        if (*names == '\0')
            return mask;
    }
}
