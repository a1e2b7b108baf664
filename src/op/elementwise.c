/*
 * elementwise.c - operations on tensors that are chains of a step or two.
 */
#include "chain.h"
#include "format.h"

static hew_status check_size(const char *op, const void *desc, size_t given, size_t wanted)
{
    if (!desc)
        return hew_fail(HEW_ERR_INVALID, "%s: desc is null", op);
    if (given != wanted)
        return hew_fail(HEW_ERR_INVALID, "%s: descriptor size is %zu, this library's is %zu", op,
                        given, wanted);
    return HEW_OK;
}

/* All but the operands, 200 bytes, which an initialiser would clear: time that counts for few
 * elements. */
static void fill_step(hew_chain_step *step, hew_step_kind kind, const hew_act *act)
{
    step->kind = kind;
    step->act = *act;
    step->from_output = step->swap = false;
}

hew_status hew_chain(const hew_chain_desc *desc, const void *in, const void *const *operands,
                     void *out, const hew_threads *threads)
{
    static const hew_chain_words words = {
        "chain",
        {"out", "in", "operand 0", "operand 1", "operand 2", "operand 3", "operand 4", "operand 5",
         "operand 6", "operand 7", "operand 8", "operand 9"},
        HEW_CHAIN_TYPES};
    const hew_status s = check_size("chain", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    return hew_chain_run(&(hew_chain_call){&words, &desc->in, &desc->out, desc->step, desc->steps,
                                           in, operands, out}, threads);
}

hew_status hew_elementwise(const hew_elementwise_desc *desc, const void *in, void *out,
                           const hew_threads *threads)
{
    static const hew_chain_words words = {"elementwise", {"out", "in"}, HEW_CHAIN_TYPES};
    const hew_status s = check_size("elementwise", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    hew_chain_step step;
    fill_step(&step, HEW_STEP_ACT, &desc->act);
    return hew_chain_run(&(hew_chain_call){&words, &desc->in, &desc->out, &step, 1, in, NULL, out},
                         threads);
}

hew_status hew_elementwise_backward(const hew_elementwise_backward_desc *desc, const void *x,
                                    const void *dy, void *dx, const hew_threads *threads)
{
    static const hew_chain_words words = {
        "elementwise_backward", {"dx", "x", "dy"}, HEW_CHAIN_FLOATS};
    const hew_status s =
        check_size("elementwise_backward", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    const hew_operand from = {.tensor = desc->x}, to = {.tensor = desc->dx};
    hew_chain_step step;
    fill_step(&step, HEW_STEP_BACKWARD, &desc->act);
    step.from_output = desc->from_output;
    step.b = (hew_operand){.tensor = desc->dy};
    return hew_chain_run(&(hew_chain_call){&words, &from, &to, &step, 1, x, &dy, dx}, threads);
}

hew_status hew_pairwise(const hew_pairwise_desc *desc, const void *a, const void *b, void *c,
                        const hew_threads *threads)
{
    static const hew_chain_words words = {"pairwise", {"c", "a", "b"}, HEW_CHAIN_TYPES};
    const hew_status s = check_size("pairwise", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    if ((int)desc->kind < HEW_STEP_ADD || (int)desc->kind > HEW_STEP_PRELU)
        return hew_fail(HEW_ERR_INVALID, "pairwise: kind %d; kinds are %d to %d", (int)desc->kind,
                        HEW_STEP_ADD, HEW_STEP_PRELU);
    hew_chain_step step[2];
    fill_step(&step[0], desc->kind, &(hew_act){HEW_ACT_NONE, 0.0f, 0.0f});
    step[0].b = desc->b;
    const bool acts = desc->act.kind != HEW_ACT_NONE;
    if (acts)
        fill_step(&step[1], HEW_STEP_ACT, &desc->act);
    return hew_chain_run(&(hew_chain_call){&words, &desc->a, &desc->c, step, 1 + acts, a, &b, c},
                         threads);
}

hew_status hew_select(const hew_select_desc *desc, const void *condition, const void *a,
                      const void *b, void *out, const hew_threads *threads)
{
    static const hew_chain_words words = {"select", {"out", "condition", "a", "b"},
                                          HEW_CHAIN_TYPES};
    const hew_status s = check_size("select", desc, desc ? desc->size : 0, sizeof *desc);
    if (s != HEW_OK)
        return s;
    hew_chain_step step;
    fill_step(&step, HEW_STEP_SELECT, &(hew_act){HEW_ACT_NONE, 0.0f, 0.0f});
    step.b = desc->a;
    step.c = desc->b;
    return hew_chain_run(&(hew_chain_call){&words, &desc->condition, &desc->out, &step, 1,
                                           condition, (const void *const[]){a, b}, out}, threads);
}
