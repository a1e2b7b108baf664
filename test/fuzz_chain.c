/* Chains of steps over tensors of any shape. */
#include "fuzz.h"

enum { MOST = 12 };

typedef struct chain_case {
    hew_chain_desc d;
    size_t elements[MOST]; /* out, in, operands */
    hew_type type[MOST];
    int tensors, in_place;
    bool fits;
    const hew_threads *threads;
} chain_case;

static hew_status run_chain(const void *what, void *out)
{
    const chain_case *c = what;
    void *data[MOST] = {out};
    const void *operands[MOST];
    for (int t = 1; t < c->tensors && out; t++)
        data[t] = t == c->in_place ? out : fuzz_elements(c->type[t], c->elements[t], (uint32_t)t);
    for (int t = 2; t < MOST; t++)
        operands[t - 2] = data[t];
    const hew_status status = hew_chain(&c->d, data[1], operands, out, c->threads);
    for (int t = 1; t < c->tensors && out; t++)
        if (t != c->in_place)
            fuzz_unfloats(data[t]);
    return status;
}

static hew_type some_type(fuzz_bytes *in)
{
    static const hew_type types[] = {HEW_F32, HEW_F32, HEW_BF16, HEW_F16, HEW_S8, HEW_U8};
    return fuzz_one_in(in, 50) ? fuzz_type(in) : types[fuzz_byte(in) % 6];
}

static void add_tensor(chain_case *c, fuzz_bytes *in, hew_operand *o)
{
    hew_tensor *const t = &o->tensor;
    t->type = some_type(in);
    if (c->tensors > 0 && c->tensors < MOST) { /* narrower than the output */
        *t = (hew_tensor){.type = t->type, .rank = c->d.out.tensor.rank};
        for (int j = 0; j < t->rank && j < HEW_MAX_RANK; j++)
            t->extent[j] = fuzz_one_in(in, 4) ? 1 : c->d.out.tensor.extent[j];
    }
    if (t->type == HEW_S8 || t->type == HEW_U8) {
        o->scale = fuzz_scale(in);
        o->zero = fuzz_zero(in, t->type);
    }
    const bool fits = t->rank >= 0 && t->rank <= HEW_MAX_RANK && c->tensors < MOST;
    const size_t elements = fits ? fuzz_lay_out(in, t) : FUZZ_MOST_FLOATS + 1;
    c->fits = c->fits && elements <= FUZZ_MOST_FLOATS;
    if (c->tensors < MOST) {
        c->type[c->tensors] = t->type;
        c->elements[c->tensors] = elements;
    }
    c->tensors++;
}

void fuzz_chain(fuzz_bytes *in)
{
    chain_case c = {.d = HEW_CHAIN_DESC(.steps = 0), .fits = true};
    hew_chain_desc *const d = &c.d;
    d->out.tensor.rank = fuzz_one_in(in, 60) ? (int)fuzz_byte(in) - 8 : (int)(fuzz_byte(in) % 4);
    for (int j = 0; j < d->out.tensor.rank && j < HEW_MAX_RANK; j++)
        d->out.tensor.extent[j] = fuzz_extent(in);
    add_tensor(&c, in, &d->out);
    add_tensor(&c, in, &d->in);
    d->steps = (int)(fuzz_byte(in) % (HEW_MAX_STEPS + 1));
    for (int i = 0; i < d->steps; i++) {
        hew_chain_step *const s = &d->step[i];
        s->kind = (hew_step_kind)(fuzz_byte(in) % (fuzz_one_in(in, 50) ? 255 : HEW_STEP_COUNT));
        s->act = fuzz_activation(in);
        s->swap = fuzz_one_in(in, 8);
        s->from_output = fuzz_one_in(in, 8);
        const int count = hew_step_operands(s->kind);
        if (count > 0)
            add_tensor(&c, in, &s->b);
        if (count > 1)
            add_tensor(&c, in, &s->c);
    }
    if (c.tensors > MOST)
        c.tensors = MOST, c.fits = false;
    d->size -= fuzz_one_in(in, 100);
    if (fuzz_one_in(in, 100))
        d->steps = (int)fuzz_byte(in) - 100, c.fits = false;
    c.threads = fuzz_threads(in);
    /* A tensor like the output may be it; others are refused. */
    const int other = 1 + (int)(fuzz_byte(in) % (unsigned)(c.tensors > 1 ? c.tensors - 1 : 1));
    if (fuzz_one_in(in, 3) && c.elements[other] <= c.elements[0] && c.type[other] == c.type[0])
        c.in_place = other;
    fuzz_on_every_rung(run_chain, &c, c.type[0], c.elements[0], c.fits);
}
