/*
 * pack_rows - a panel of words from rows of B as the caller stores them.
 *
 *     rows of B        k     a0 a1 a2 ...
 *                      k+1   b0 b1 b2 ...
 *     a row of words   depth 4     a0 b0 c0 d0 | a1 b1 c1 d1 | ...       bytes of four rows
 *                      depth 2     a0 b0 | a1 b1 | ...                   16 bits of two
 *
 * Of depth 2, bytes are widened with their sign.  A register of every row becomes two or four of
 * words, in order, by interleaving neighbours and then pairs.  Columns past n and rows past k are
 * zeros, which masked loads give.  Bound: memory, or in the cache 4 shuffles for each of the words'
 * registers.
 *
 * The including file has its zip.h and reg_s32.h included first.
 */
#include <string.h>

#include "kernels_matrix.h"

typedef enum pack_form { FOUR_BYTES, TWO_BYTES, TWO_HALVES } pack_form;

/* Rows as registers of words; returns how many. */
HEW_INLINE int zip_rows(const pack_form form, const vb row[4], vb words[4])
{
    vb ab[2], cd[2];
    if (form == TWO_HALVES) {
        vb_zip_u16(row[0], row[1], words);
        return 2;
    }
    vb_zip_u8(row[0], row[1], ab);
    if (form == TWO_BYTES) {
        vb_widen_s8(ab[0], words);
        vb_widen_s8(ab[1], words + 2);
    } else {
        vb_zip_u8(row[2], row[3], cd);
        vb_zip_u16(ab[0], cd[0], words);
        vb_zip_u16(ab[1], cd[1], words + 2);
    }
    return 4;
}

/* Of nr words from column `at` on, those that there are: a register, half of one or none. */
HEW_INLINE void store_words(char *row, size_t at, size_t nr, vb x)
{
    if (at + LANES <= nr)
        vb_store(row + at * 4, x);
    else if (at < nr)
        vb_store_half(row + at * 4, x);
}

/* As many columns as a register has elements. */
HEW_INLINE void pack_columns(const hew_pack_rows *p, const pack_form form, size_t first)
{
    uint8_t signs[BYTES]; /* of columns that there are: the others stay zeros */
    memset(signs, 0x80, sizeof signs);
    const size_t element = form == TWO_HALVES ? 2 : 1, depth = form == FOUR_BYTES ? 4 : 2;
    const size_t n = first < p->n ? hew_min(p->n - first, BYTES / element) : 0;
    const vb_lanes lanes = vb_first(n * element);
    const vb flip = p->flip ? vb_load_some(lanes, signs) : vb_set(0);
    const char *b = (const char *)p->b + first * element;
    char *out = p->out;
    vb row[4], words[4], sums[4] = {vb_set(0), vb_set(0), vb_set(0), vb_set(0)};
    int registers = 4;
    for (size_t k = 0; k < p->k; k += depth, out += p->nr * 4) {
        for (size_t i = 0; i < depth; i++, b += p->b_row)
            row[i] = k + i < p->k ? vb_xor(vb_load_some(lanes, b), flip) : vb_set(0);
        registers = zip_rows(form, row, words);
        HEW_UNROLL for (int r = 0; r < registers; r++) {
            store_words(out, first + (size_t)r * LANES, p->nr, words[r]);
            if (form != TWO_HALVES)
                sums[r] = vd_add(sums[r], form == FOUR_BYTES ? vd_sum_s8(words[r])
                                                             : vd_sum_s16(words[r]));
        }
    }
    if (form != TWO_HALVES)
        HEW_UNROLL for (int r = 0; r < 4; r++)
            store_words((char *)p->sums, first + (size_t)r * LANES, p->nr, sums[r]);
}

/* Words that are there already: turned over, and summed. */
HEW_INLINE void sum_words(const hew_pack_rows *p, size_t first)
{
    const vf_mask lanes = vf_first((int)p->n - (int)first);
    const vi flip = vi_set(p->flip ? (int32_t)0x80808080 : 0);
    const char *b = (const char *)p->b + first * 4;
    char *out = (char *)p->out + first * 4;
    vb sum = vb_set(0);
    for (size_t k = 0; k < p->k; k += 4, b += p->b_row, out += p->nr * 4) {
        const vi words = vi_xor(vi_load_masked(lanes, b), flip);
        vi_store_masked(lanes, out, words);
        sum = vd_add(sum, vd_sum_s8((vb)words));
    }
    vi_store_masked(lanes, p->sums + first, (vi)sum);
}

void HEW_PACK_ROWS(const hew_pack_rows *p)
{
    if (p->element == 4) {
        for (size_t first = 0; first < p->n; first += LANES)
            sum_words(p, first);
        return;
    }
    const size_t columns = p->depth == 2 && p->element == 2 ? BYTES / 2 : BYTES;
    for (size_t first = 0; first < p->nr; first += columns)
        if (p->element == 2)
            pack_columns(p, TWO_HALVES, first);
        else if (p->depth == 2)
            pack_columns(p, TWO_BYTES, first);
        else
            pack_columns(p, FOUR_BYTES, first);
}
