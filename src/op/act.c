/*
 * act.c - what an activation's zeros stand for, and which ones make no sense.
 */
#include "kernels.h"

static const char *const names[HEW_ACT_COUNT] = {
    "none", "relu",     "leaky_relu", "clip",      "elu",         "sigmoid", "tanh",
    "silu", "gelu_erf", "gelu_tanh",  "hardswish", "hardsigmoid", "mish",    "abs",
    "square", "sqrt",   "rsqrt",      "exp",       "expm1",       "log",     "log1p",
    "pow",  "linear",   "softplus",   "erf",       "round",       "sin",     "cos"};

static bool is_finite(float x)
{
    return x - x == 0.0f;
}

hew_status hew_act_defaults(const char *op, hew_act *act)
{
    const int kind = (int)act->kind;
    if (kind < 0 || kind >= HEW_ACT_COUNT)
        return hew_fail(HEW_ERR_INVALID, "%s: there is no activation %d; they are 0 to %d", op,
                        kind, HEW_ACT_COUNT - 1);
    const bool is_clip = act->kind == HEW_ACT_CLIP;
    const bool is_hardsigmoid = act->kind == HEW_ACT_HARDSIGMOID;
    const bool is_unset = act->alpha == 0.0f && act->beta == 0.0f;
    if (is_clip && is_unset)
        act->beta = 6.0f;
    if (is_hardsigmoid && is_unset)
        *act = (hew_act){act->kind, 1.0f / 6.0f, 0.5f};
    if (act->kind == HEW_ACT_LEAKY_RELU && act->alpha == 0.0f)
        act->alpha = 0.01f;
    const bool is_one = act->kind == HEW_ACT_ELU || act->kind == HEW_ACT_POW ||
                        act->kind == HEW_ACT_LINEAR || act->kind == HEW_ACT_SOFTPLUS;
    if (is_one && act->alpha == 0.0f)
        act->alpha = 1.0f;
    if (act->kind == HEW_ACT_LINEAR && act->beta == 0.0f)
        act->beta = -0.0f; /* so that a product of -0 stays one */

    /* A clip may be open on a side: infinite bounds are fine, NaN ones fail the comparison. */
    if (is_clip && !(act->alpha <= act->beta))
        return hew_fail(HEW_ERR_INVALID, "%s: clip needs alpha <= beta; they are %g and %g", op,
                        (double)act->alpha, (double)act->beta);
    if (!is_clip && !(is_finite(act->alpha) && is_finite(act->beta)))
        return hew_fail(HEW_ERR_INVALID, "%s: %s with alpha %g and beta %g; both must be finite",
                        op, names[kind], (double)act->alpha, (double)act->beta);
    return HEW_OK;
}
