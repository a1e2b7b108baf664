/*
 * chain - the definition of hew_chain, from a valid descriptor, point by point.
 */
#include "kernels.h"
#include "ref/derivative.h"
#include "ref/ref.h"

static float step_of(const hew_chain_step *step, float v, float b, float c)
{
    switch (step->kind) {
    case HEW_STEP_ACT: return hew_ref_act(step->act, v);
    case HEW_STEP_ADD: return ref_nan_first(v, v + b);
    case HEW_STEP_SUB: return ref_nan_first(v, v - b);
    case HEW_STEP_MUL: return ref_product(v, b);
    case HEW_STEP_DIV: return ref_nan_first(v, v / b);
    case HEW_STEP_MIN: return v != v ? v : min_of(v, b);
    case HEW_STEP_MAX: return v != v ? v : max_of(v, b);
    case HEW_STEP_POW: return ref_pow(v, b);
    case HEW_STEP_EQ: return v == b ? 1.0f : 0.0f;
    case HEW_STEP_NE: return v == b ? 0.0f : 1.0f;
    case HEW_STEP_LT: return v < b ? 1.0f : 0.0f;
    case HEW_STEP_LE: return v <= b ? 1.0f : 0.0f;
    case HEW_STEP_GT: return b < v ? 1.0f : 0.0f;
    case HEW_STEP_GE: return b <= v ? 1.0f : 0.0f;
    case HEW_STEP_PRELU: return v < 0.0f ? ref_product(v, b) : v;
    case HEW_STEP_SELECT: return v == 0.0f ? c : b;
    case HEW_STEP_BACKWARD: return ref_backward(step->act, step->from_output, v, b);
    case HEW_STEP_PRELU_BACKWARD: return 0.0f < v ? c : ref_product(c, b);
    case HEW_STEP_SLOPE_BACKWARD: return v < 0.0f ? ref_product(b, v) : 0.0f;
    case HEW_STEP_COUNT: break;
    }
    return v;
}

/* The element of t at a point of the output's shape. */
static int64_t element_of(const hew_tensor *shape, const hew_tensor *t, const int64_t *index)
{
    int64_t at = 0, dense = 1;
    bool is_dense = true;
    for (int j = 0; j < t->rank; j++)
        is_dense = is_dense && t->stride[j] == 0;
    for (int j = t->rank - 1; j >= 0; j--) {
        const int64_t i = t->extent[j] == 1 ? 0 : index[shape->rank - t->rank + j];
        at += i * (is_dense ? dense : t->stride[j]);
        dense *= t->extent[j];
    }
    return at;
}

static float scale_of(const hew_operand *o)
{
    return o->scale == 0.0f ? 1.0f : o->scale;
}

static float load(const hew_operand *o, const void *data, int64_t at)
{
    if (o->tensor.type == HEW_S8)
        return (float)(((const int8_t *)data)[at] - o->zero) * scale_of(o);
    if (o->tensor.type == HEW_U8)
        return (float)(((const uint8_t *)data)[at] - o->zero) * scale_of(o);
    return hew_ref_load_type(o->tensor.type, data, at);
}

static void store(const hew_operand *o, void *data, int64_t at, float v)
{
    if (o->tensor.type == HEW_S8 || o->tensor.type == HEW_U8)
        ((uint8_t *)data)[at] =
            (uint8_t)hew_ref_quantize(v * (1.0f / scale_of(o)), o->zero, o->tensor.type);
    else
        hew_ref_store_type(o->tensor.type, data, at, v);
}

void hew_chain_ref(const hew_chain_desc *desc, const void *in, const void *const *operands,
                   void *out)
{
    hew_chain_desc d = *desc;
    const hew_tensor *const shape = &d.out.tensor;
    int64_t points = 1, index[HEW_MAX_RANK];
    for (int i = 0; i < d.steps; i++)
        hew_act_defaults("chain", &d.step[i].act);
    for (int j = 0; j < shape->rank; j++)
        points *= shape->extent[j];
    for (int64_t p = 0; p < points; p++) {
        int64_t rest = p;
        for (int j = shape->rank - 1; j >= 0; j--) {
            index[j] = rest % shape->extent[j];
            rest /= shape->extent[j];
        }
        float v = load(&d.in, in, element_of(shape, &d.in.tensor, index));
        int next = 0;
        for (int i = 0; i < d.steps; i++) {
            const hew_chain_step *const step = &d.step[i];
            const int count = hew_step_operands(step->kind);
            float b = 0.0f, c = 0.0f;
            if (count > 0)
                b = load(&step->b, operands[next++], element_of(shape, &step->b.tensor, index));
            if (count > 1)
                c = load(&step->c, operands[next++], element_of(shape, &step->c.tensor, index));
            v = step->swap ? step_of(step, b, v, c) : step_of(step, v, b, c);
        }
        store(&d.out, out, element_of(shape, shape, index), v);
    }
}
