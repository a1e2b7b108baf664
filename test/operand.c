#include "operand.h"
#include "ref/ref.h"

#include <stdlib.h>
#include <string.h>

static size_t size_of(hew_type type)
{
    return type == HEW_S8 || type == HEW_U8 ? 1 : type == HEW_BF16 || type == HEW_F16 ? 2 : 4;
}

static int64_t integer(rng *r, hew_type type, fill kind)
{
    const int64_t low = type == HEW_U8 ? 0 : type == HEW_S8 ? -128 : -(1 << 20);
    const int64_t high = type == HEW_U8 ? 255 : type == HEW_S8 ? 127 : 1 << 20;
    if (kind == FILL_INTS)
        return rng_between(r, type == HEW_U8 ? 0 : -8, 8);
    if (kind == FILL_SPECIALS && !rng_chance(r, 8))
        return rng_chance(r, 2) ? low : high;
    return rng_between(r, low, high);
}

static void fill_integers(rng *r, hew_type type, void *p, size_t n, fill kind)
{
    for (size_t i = 0; i < n; i++) {
        const int64_t x = integer(r, type, kind);
        if (type == HEW_S32)
            ((int32_t *)p)[i] = (int32_t)x;
        else
            ((uint8_t *)p)[i] = (uint8_t)x;
    }
}

static void fill_f16(rng *r, uint16_t *p, size_t n, fill kind)
{
    float some[256];
    for (size_t i = 0; i < n; i += 256) {
        const size_t count = hew_min(n - i, 256);
        fill_f32(r, some, count, kind);
        for (size_t j = 0; j < count; j++)
            p[i + j] = hew_ref_f16(some[j]);
    }
}

operand operand_new(rng *r, bool present, hew_type type, layout l, fill kind)
{
    if (!present)
        return (operand){0};
    const size_t count = (size_t)(l.outer * l.rows * l.columns), size = size_of(type);
    operand o = {type, malloc(layout_span(l) * size + 1), l};
    char *dense = malloc(count * size + 1);
    if (!o.p || !dense)
        fail_case("out of memory");
    memset(o.p, 0xa5, layout_span(l) * size);
    if (type == HEW_F32) {
        fill_f32(r, (float *)dense, count, kind);
        poison_f32(o.p, layout_span(l));
    } else if (type == HEW_BF16) {
        fill_bf16(r, (uint16_t *)dense, count, kind);
    } else if (type == HEW_F16) {
        fill_f16(r, (uint16_t *)dense, count, kind);
    } else {
        fill_integers(r, type, dense, count, kind);
    }
    const char *from = dense;
    for (int64_t i = 0; i < l.outer * l.rows; i++, from += (size_t)l.columns * size)
        if (l.columns)
            memcpy((char *)o.p + (size_t)(i / l.rows * l.outer_stride + i % l.rows * l.row_stride) *
                                     size,
                   from, (size_t)l.columns * size);
    free(dense);
    return o;
}

void operand_free(operand *o)
{
    free(o->p);
    *o = (operand){0};
}

size_t operand_bytes(operand o) { return layout_span(o.l) * size_of(o.type); }

buffer operand_place(operand o, placement where)
{
    return o.p ? buffer_copy(o.p, operand_bytes(o), size_of(o.type), where) : (buffer){0};
}

void operand_check(const char *what, const buffer *copy, operand o)
{
    if (o.p && memcmp(copy->data, o.p, operand_bytes(o)) != 0)
        fail_case("%s was written to", what);
}

static void compare_f16(const char *what, const uint16_t *want, const uint16_t *got, layout l,
                        nan_rule nans)
{
    const size_t span = layout_span(l);
    float *floats = malloc(2 * span * sizeof *floats + 1);
    if (!floats)
        fail_case("out of memory");
    for (size_t i = 0; i < span; i++) {
        floats[i] = hew_ref_from_f16(want[i]);
        floats[span + i] = hew_ref_from_f16(got[i]);
    }
    check_bits(what, floats, floats + span, l, nans);
    free(floats);
}

void operand_compare(const char *what, const void *want, const buffer *got, operand o,
                     nan_rule nans)
{
    if (o.type == HEW_F32)
        check_bits(what, want, got->data, o.l, nans);
    else if (o.type == HEW_BF16)
        check_bf16(what, want, got->data, o.l, nans);
    else if (o.type == HEW_F16)
        compare_f16(what, want, got->data, o.l, nans);
    else
        check_elements(what, o.type, want, got->data, o.l);
}

buffer buffer_of_nans(size_t bytes, placement where)
{
    buffer b = buffer_new(bytes, HEW_ALIGNMENT, where);
    memset(b.data, 0xff, bytes);
    return b;
}

void operands_keep(operands *o)
{
    const operand *c = &o->of[OPERAND_C];
    o->want = malloc(operand_bytes(*c) + 1);
    if (!o->want)
        fail_case("out of memory");
    memcpy(o->want, c->p, operand_bytes(*c));
}

void operands_free(operands *o)
{
    for (int i = 0; i < OPERANDS; i++)
        operand_free(&o->of[i]);
    free(o->want);
}

void operands_place(const operands *o, buffer copies[OPERANDS], placement where)
{
    for (int i = 0; i < OPERANDS; i++)
        copies[i] = operand_place(o->of[i], where);
}

void operands_check(const operands *o, buffer copies[OPERANDS], nan_rule nans)
{
    static const char *const names[OPERANDS] = {
        [OPERAND_A] = "the input", [OPERAND_B] = "the weights",     [SCALE] = "scale",
        [BIAS] = "bias",           [BIAS_S32] = "the s32 bias",     [ZEROS] = "the zero points",
        [ADDEND] = "the residual", [OPERAND_C] = "the output"};
    operand_compare(names[OPERAND_C], o->want, &copies[OPERAND_C], o->of[OPERAND_C], nans);
    for (int i = 0; i < OPERAND_C; i++)
        operand_check(names[i], &copies[i], o->of[i]);
    for (int i = 0; i < OPERANDS; i++)
        buffer_free(&copies[i]);
}
