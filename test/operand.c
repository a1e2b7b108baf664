#include "operand.h"

#include <stdlib.h>
#include <string.h>

operand operand_new(rng *r, bool present, layout l, fill kind)
{
    if (!present)
        return (operand){0};
    const size_t count = (size_t)(l.outer * l.rows * l.columns);
    operand o = {malloc(layout_span(l) * sizeof *o.p + 1), l};
    float *dense = malloc(count * sizeof *dense + 1);
    if (!o.p || !dense)
        fail_case("out of memory");
    fill_f32(r, dense, count, kind);
    poison_f32(o.p, layout_span(l));
    const float *from = dense;
    for (int64_t i = 0; i < l.outer * l.rows; i++, from += l.columns)
        if (l.columns)
            memcpy(o.p + i / l.rows * l.outer_stride + i % l.rows * l.row_stride, from,
                   (size_t)l.columns * sizeof *o.p);
    free(dense);
    return o;
}

void operand_free(operand *o)
{
    free(o->p);
    *o = (operand){0};
}

size_t operand_bytes(operand o) { return layout_span(o.l) * sizeof *o.p; }

buffer operand_place(operand o, placement where)
{
    return o.p ? buffer_copy(o.p, operand_bytes(o), sizeof *o.p, where) : (buffer){0};
}

void operand_check(const char *what, const buffer *copy, operand o)
{
    if (o.p && memcmp(copy->data, o.p, operand_bytes(o)) != 0)
        fail_case("%s was written to", what);
}

buffer buffer_of_nans(size_t bytes, placement where)
{
    buffer b = buffer_new(bytes, HEW_ALIGNMENT, where);
    memset(b.data, 0xff, bytes);
    return b;
}
