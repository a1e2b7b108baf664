/*
 * chain_check.c - what a chain is asked for, and whether it makes sense.
 */
#include "chain.h"
#include "format.h"

static hew_status check_operand(const hew_chain_words *w, int t, const hew_operand *o,
                                const void *data, hew_tensor *checked, hew_chain_part *p,
                                bool *has_bytes)
{
    int64_t points;
    *checked = o->tensor;
    hew_status s = hew_check_tensor(w->op, w->name[t], w->types, checked, &points);
    if (s == HEW_OK)
        s = hew_check_data(w->op, w->name[t], checked, points, data);
    if (s != HEW_OK)
        return s;
    const bool bytes = checked->type == HEW_S8 || checked->type == HEW_U8;
    if (!bytes && (o->scale != 0.0f || o->zero != 0))
        return hew_fail(HEW_ERR_INVALID, "%s: %s of %s has a scale of %g and a zero of %d", w->op,
                        w->name[t], hew_type_name(checked->type), (double)o->scale, (int)o->zero);
    if (bytes)
        s = hew_check_zero(w->op, w->name[t], o->zero, checked->type);
    if (s == HEW_OK && bytes)
        s = hew_check_scale(w->op, w->name[t], o->scale);
    const float scale = o->scale == 0.0f ? 1.0f : o->scale;
    *has_bytes = *has_bytes || bytes;
    *p = (hew_chain_part){.type = checked->type,
                          .size = hew_type_size(checked->type),
                          .zero = o->zero,
                          .scale = t == HEW_CHAIN_OUT ? 1.0f / scale : scale,
                          .data = (char *)(uintptr_t)data};
    return s;
}

static bool has_output_slope(const hew_act *act)
{
    switch (act->kind) {
    case HEW_ACT_LEAKY_RELU:
    case HEW_ACT_ELU:
    case HEW_ACT_HARDSIGMOID: return act->alpha >= 0.0f;
    case HEW_ACT_NONE:
    case HEW_ACT_RELU:
    case HEW_ACT_CLIP:
    case HEW_ACT_SIGMOID:
    case HEW_ACT_TANH:
    case HEW_ACT_SQRT:
    case HEW_ACT_RSQRT:
    case HEW_ACT_EXP:
    case HEW_ACT_EXPM1:
    case HEW_ACT_LINEAR: return true;
    default: return false;
    }
}

static hew_status check_step(const hew_chain_words *w, int i, const hew_chain_step *step,
                             hew_chain_link *l)
{
    const int kind = (int)step->kind;
    if (kind < 0 || kind >= HEW_STEP_COUNT)
        return hew_fail(HEW_ERR_INVALID, "%s: step %d is of kind %d; they are 0 to %d", w->op, i,
                        kind, HEW_STEP_COUNT - 1);
    if (step->swap && (kind < HEW_STEP_ADD || kind > HEW_STEP_GE))
        return hew_fail(HEW_ERR_INVALID, "%s: step %d of kind %d can't be swapped", w->op, i, kind);
    *l = (hew_chain_link){.kind = step->kind,
                          .act = step->act,
                          .from_output = step->from_output,
                          .swap = step->swap};
    const hew_status s = hew_act_defaults(w->op, &l->act);
    if (s == HEW_OK && l->from_output && !has_output_slope(&l->act))
        return hew_fail(HEW_ERR_UNSUPPORTED, "%s: the derivative of activation %d with alpha %g "
                        "isn't a function of its output", w->op, (int)l->act.kind,
                        (double)l->act.alpha);
    return s;
}

/* Every tensor, in the order of hew_chain_words. */
typedef struct tensors {
    hew_tensor t[HEW_CHAIN_TENSORS];
    const hew_tensor *p[HEW_CHAIN_TENSORS];
    int count;
} tensors;

static hew_status check_steps(const hew_chain_call *c, tensors *all, hew_chain_op *op)
{
    const hew_chain_words *const w = c->words;
    if (c->steps < 0 || c->steps > HEW_MAX_STEPS)
        return hew_fail(HEW_ERR_INVALID, "%s: %d steps; it is 0 to %d", w->op, c->steps,
                        HEW_MAX_STEPS);
    op->links = c->steps > 0 ? c->steps : 1; /* none: the activation NONE */
    op->link[0] = (hew_chain_link){.kind = HEW_STEP_ACT};
    hew_status s = HEW_OK;
    for (int i = 0; i < c->steps && s == HEW_OK; i++) {
        const hew_chain_step *const step = &c->step[i];
        hew_chain_link *const l = &op->link[i];
        s = check_step(w, i, step, l);
        const int count = s == HEW_OK ? hew_step_operands(l->kind) : 0;
        for (int k = 0; k < count && s == HEW_OK; k++) {
            const int t = all->count;
            if (t == HEW_CHAIN_TENSORS)
                return hew_fail(HEW_ERR_UNSUPPORTED, "%s: more than %d operands", w->op,
                                HEW_CHAIN_OPERANDS);
            if (!c->operands)
                return hew_fail(HEW_ERR_INVALID, "%s: operands is null", w->op);
            s = check_operand(w, t, k ? &step->c : &step->b, c->operands[t - 2], &all->t[t],
                              &op->part[t], &op->bytes);
            *(k ? &l->c : &l->b) = t;
            all->count++;
        }
    }
    return s;
}

/* The output has an element for each point, and is an input in all of it or not at all. */
static hew_status check_output(const hew_chain_words *w, const hew_chain_op *op)
{
    const hew_nest *const nest = &op->nest;
    for (int j = 0; j < nest->rank; j++)
        if (nest->extent[j] > 1 && nest->stride[HEW_CHAIN_OUT][j] == 0)
            return hew_fail(HEW_ERR_INVALID, "%s: %s has a stride of 0 along dimension %d", w->op,
                            w->name[HEW_CHAIN_OUT], j);
    for (int t = HEW_CHAIN_IN; t < nest->tensors; t++) {
        if (op->part[t].data != op->part[HEW_CHAIN_OUT].data)
            continue;
        bool same = op->part[t].size == op->part[HEW_CHAIN_OUT].size;
        for (int j = 0; j < nest->rank; j++)
            same = same && (nest->extent[j] <= 1 ||
                            nest->stride[t][j] == nest->stride[HEW_CHAIN_OUT][j]);
        if (!same)
            return hew_fail(HEW_ERR_INVALID, "%s: %s is %s, but with elements of another size or "
                            "other strides", w->op, w->name[HEW_CHAIN_OUT], w->name[t]);
    }
    return HEW_OK;
}

/* What is most common, and short: dense tensors of one shape.  Fills in all of the nest but
 * strides, which are the sizes of elements. */
static bool are_one_row(const tensors *all, hew_nest *nest)
{
    const hew_tensor *const first = &all->t[0];
    int64_t points = 1;
    for (int j = first->rank - 1; j >= 0; j--) {
        if (first->stride[j] != points)
            return false;
        points *= first->extent[j];
        for (int t = 1; t < all->count; t++)
            if (all->t[t].rank != first->rank || all->t[t].extent[j] != first->extent[j] ||
                all->t[t].stride[j] != first->stride[j])
                return false;
    }
    nest->rank = 1;
    nest->tensors = all->count;
    nest->extent[0] = (size_t)points;
    return first->rank > 0;
}

hew_status hew_chain_check(const hew_chain_call *c, hew_chain_op *op)
{
    const hew_chain_words *const w = c->words;
    tensors all;
    all.count = 2;
    op->bytes = false;
    hew_status s = check_operand(w, HEW_CHAIN_OUT, c->out_desc, c->out, &all.t[0], &op->part[0],
                                 &op->bytes);
    if (s == HEW_OK)
        s = check_operand(w, HEW_CHAIN_IN, c->in_desc, c->in, &all.t[1], &op->part[1],
                          &op->bytes);
    if (s == HEW_OK)
        s = check_steps(c, &all, op);
    if (s != HEW_OK)
        return s;
    if (are_one_row(&all, &op->nest)) {
        for (int t = 0; t < all.count; t++)
            op->nest.stride[t][0] = (ptrdiff_t)op->part[t].size;
        return check_output(w, op);
    }
    for (int t = 0; t < all.count; t++)
        all.p[t] = &all.t[t];
    s = hew_nest_broadcast(w->op, all.count, all.p, w->name, &op->nest);
    if (s != HEW_OK || hew_nest_points(&op->nest, op->nest.rank) == 0)
        return s;
    return check_output(w, op);
}
