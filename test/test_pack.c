/* Panels of words, packed from B as it is and transposed, against one put together element by
 * element. */
#include "pack.h"

#include <string.h>

#include "harness.h"

typedef struct pack_case {
    size_t k, n, column, gap, nr, depth, element;
    bool transposed, flip;
} pack_case;

static pack_case some_case(rng *r)
{
    static const size_t widths[] = {8, 16, 32, 48, 64};
    pack_case c = {.nr = widths[rng_between(r, 0, 4)], .element = rng_chance(r, 3) ? 2 : 1};
    c.depth = c.element == 2 || rng_chance(r, 3) ? 2 : 4;
    c.k = (size_t)rng_between(r, 0, 70);
    c.n = (size_t)rng_between(r, rng_chance(r, 2) ? (int64_t)c.nr - 3 : 1, (int64_t)c.nr);
    c.column = (size_t)rng_between(r, 0, 5);
    c.gap = rng_chance(r, 2) ? 0 : (size_t)rng_between(r, 1, 9);
    c.transposed = rng_chance(r, 2);
    c.flip = c.element == 1 && rng_chance(r, 2);
    return c;
}

/* What the panel must hold: each word put together from its elements. */
static void pack_plain(const pack_case *c, const uint8_t *b, size_t row, size_t column,
                       uint8_t *out, int32_t *sums)
{
    memset(out, 0, hew_ceil_div(c->k, c->depth) * c->nr * 4);
    memset(sums, 0, c->nr * sizeof *sums);
    for (size_t i = 0; i < c->k; i++)
        for (size_t j = 0; j < c->n; j++) {
            const uint8_t *from = b + (i * row + (c->column + j) * column) * c->element;
            uint8_t *word = out + (i / c->depth * c->nr + j) * 4, *part;
            part = word + i % c->depth * (4 / c->depth);
            if (c->element == 2) {
                memcpy(part, from, 2);
                continue;
            }
            const int8_t value = (int8_t)(*from ^ (c->flip ? 0x80 : 0));
            const int16_t wide = value;
            memcpy(part, c->depth == 4 ? (const void *)&value : &wide, 4 / c->depth);
            sums[j] += value;
        }
}

static void check_case(rng *r, const pack_case *c, placement place)
{
    const hew_kernel kernel = {.nr = (int)c->nr, .depth = (int)c->depth};
    const hew_panel panel = {.kernel = &kernel, .column = c->column, .n = (int)c->n};
    const size_t columns = c->column + c->n, inner = (c->transposed ? c->k : columns) + c->gap;
    const size_t outer = c->transposed ? columns : c->k;
    const size_t elements = outer && inner ? outer * inner - c->gap : 0;
    const size_t words = hew_ceil_div(c->k, c->depth) * c->nr;
    buffer b = buffer_new(elements * c->element, c->element, place);
    buffer out = buffer_new(words * 4, 64, place), sums = buffer_new(c->nr * 4, 4, place);
    buffer want = buffer_new(words * 4, 64, place), want_sums = buffer_new(c->nr * 4, 4, place);
    for (size_t i = 0; i < elements * c->element; i++)
        ((uint8_t *)b.data)[i] = (uint8_t)(rng_chance(r, 4) ? 0x80 : rng_next(r));
    memset(out.data, 0x5a, words * 4);
    const size_t row = c->transposed ? 1 : inner, column = c->transposed ? inner : 1;
    pack_plain(c, b.data, row, column, want.data, want_sums.data);
    state_save();
    if (c->element == 2) {
        hew_pack_halves(&panel, c->k, b.data, row, column, out.data);
        memset(sums.data, 0, c->nr * 4);
    } else {
        const hew_bytes bytes = {b.data, row, column, c->flip};
        hew_pack_bytes(&panel, c->k, &bytes, out.data, sums.data);
    }
    state_check();
    check_elements("words", HEW_S32, want.data, out.data, layout_of(1, words, words));
    check_elements("sums", HEW_S32, want_sums.data, sums.data, layout_of(1, c->nr, c->nr));
    buffer_free(&b), buffer_free(&out), buffer_free(&sums);
    buffer_free(&want), buffer_free(&want_sums);
}

static void words_of_any_panel(void)
{
    for (int i = 0; i < 400; i++) {
        rng r = case_rng("panel %d", i);
        const pack_case c = some_case(&r);
        r = case_rng("panel %d: k %zu, columns %zu + %zu of %zu, gap %zu, depth %zu, %zu bytes%s%s",
                     i, c.k, c.column, c.n, c.nr, c.gap, c.depth, c.element,
                     c.transposed ? ", transposed" : "", c.flip ? ", flipped" : "");
        check_case(&r, &c, i % 2 ? AT_BACK : AT_FRONT);
    }
}

static const test tests[] = {{"words_of_any_panel", words_of_any_panel}};

int main(void) { return run_on_rungs("pack", HEW_FAMILY_pack_rows, TESTS(tests)); }
