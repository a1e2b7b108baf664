/*
 * random - numbers of Philox-4x32-10, and dropout by them: kernels_random.h, src/ref/random.c.
 *
 * The including file has its narrow.h and multiply.h included first and defines
 * HEW_RANDOM_FILL_KERNEL and HEW_DROPOUT_KERNEL, the kernels' names.
 *
 * Sixteen counters at a time, one a lane; their four words are the numbers of a group of 64
 * elements.  A group of which only a part is wanted goes through a buffer.  Bound by multiplies: 40
 * of 32 by 32 bits for a group, each of which takes two.
 */
#include <string.h>

#include "kernels_random.h"
#include "philox.h"
#include "trig.h"
#include "typed.h"

typedef struct words {
    i32x16 w[4];
} words;

HEW_INLINE words philox(uint64_t seed, uint64_t group)
{
    static const int32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const uint64_t number = group * 16; /* its low word and a lane don't carry */
    i32x16 c0 = x16_add_int(x16_load_int(lanes), x16_set_int((int32_t)(uint32_t)number));
    i32x16 c1 = x16_set_int((int32_t)(uint32_t)(number >> 32));
    i32x16 c2 = x16_set_int(0), c3 = c2;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < HEW_PHILOX_ROUNDS; round++) {
        const x16_wide p0 = x16_multiply(c0, HEW_PHILOX_M0), p1 = x16_multiply(c2, HEW_PHILOX_M1);
        c0 = x16_xor_int(x16_xor_int(p1.high, c1), x16_set_int((int32_t)k0));
        c2 = x16_xor_int(x16_xor_int(p0.high, c3), x16_set_int((int32_t)k1));
        c1 = p1.low;
        c3 = p0.low;
        k0 += HEW_PHILOX_W0;
        k1 += HEW_PHILOX_W1;
    }
    return (words){{c0, c1, c2, c3}};
}

/* The upper 24 bits: x16_shift_down keeps the sign. */
HEW_INLINE i32x16 upper(i32x16 word)
{
    return x16_and_int(x16_shift_down(word, 8), x16_set_int(0xffffff));
}
HEW_INLINE f32x16 unit(i32x16 word)
{
    return x16_mul(x16_to_float(upper(word)), x16_set(0x1p-24f));
}

/* A group's numbers, as they are to be stored. */
HEW_INLINE void numbers(const hew_random_run *r, uint64_t group, f32x16 x[4])
{
    const words w = philox(r->seed, group);
    const f32x16 scale = x16_set(r->scale), shift = x16_set(r->shift), top = x16_set(r->top);
    if (r->kind == HEW_RANDOM_NORMAL) {
        for (int pair = 0; pair < 4; pair += 2) {
            const f32x16 u = x16_add(unit(w.w[pair]), x16_set(0x1p-24f));
            const f32x16 angle = x16_mul(unit(w.w[pair + 1]), x16_set(HEW_TWO_PI));
            const f32x16 radius = x16_sqrt(x16_mul(x16_set(-2.0f), x16_log(u)));
            x[pair] = x16_mul(radius, x16_cos(angle));
            x[pair + 1] = x16_mul(radius, x16_sin(angle));
        }
    } else {
        for (int j = 0; j < 4; j++)
            x[j] = unit(w.w[j]);
    }
    for (int j = 0; j < 4; j++)
        x[j] = x16_min(x16_fma(x[j], scale, shift), top);
}

HEW_INLINE void fill(const hew_type type, const hew_random_run *r)
{
    char part[HEW_PHILOX_GROUP * sizeof(float)];
    for (size_t i = 0; i < r->n;) {
        const uint64_t e = r->first + i;
        const size_t skip = (size_t)(e % HEW_PHILOX_GROUP);
        const size_t here = hew_min(HEW_PHILOX_GROUP - skip, r->n - i);
        void *const to = x16_out_at(type, r->out, i);
        void *const out = here == HEW_PHILOX_GROUP ? to : part;
        f32x16 x[4];
        numbers(r, e / HEW_PHILOX_GROUP, x);
        for (size_t j = 0; j < 4; j++)
            x16_store_type(type, x16_out_at(type, out, 16 * j), x[j]);
        if (out != to)
            memcpy(to, x16_at(type, part, skip), here * x16_type_bytes(type));
        i += here;
    }
}

void HEW_RANDOM_FILL_KERNEL(const hew_random_run *run)
{
    if (run->type == HEW_F32)
        fill(HEW_F32, run);
    else
        fill(HEW_BF16, run);
}

/* --------------------------------------------------------------------------------- dropout ---- */

/* A group: 64 elements, of `given` and mask too where there are such. */
HEW_INLINE void drop_group(const hew_type type, const hew_dropout_run *r, uint64_t group,
                           const void *in, const uint8_t *given, void *out, uint8_t *mask)
{
    const f32x16 scale = x16_set(r->scale), zero = x16_set(0.0f);
    const i32x16 least = x16_set_int(given ? 1 : r->least);
    words w = {{least, least, least, least}};
    if (!given)
        w = philox(r->seed, group);
    for (size_t j = 0; j < 4; j++) {
        const i32x16 number = given ? x16_load_u8(given + 16 * j) : upper(w.w[j]);
        const mask16 dropped = x16_less_int(number, least);
        const f32x16 x = x16_load_type(type, x16_at(type, in, 16 * j));
        x16_store_type(type, x16_out_at(type, out, 16 * j),
                       x16_select(dropped, zero, x16_mul(x, scale)));
        if (mask)
            x16_store_bytes(mask + 16 * j,
                            x16_bits(x16_select(dropped, zero, x16_from_bits(x16_set_int(1)))));
    }
}

/* A part of one, elements [skip, skip + n). */
HEW_INLINE void drop_part(const hew_type type, const hew_dropout_run *r, uint64_t group,
                          size_t skip, size_t n, size_t i)
{
    char x[HEW_PHILOX_GROUP * sizeof(float)] = {0};
    uint8_t given[HEW_PHILOX_GROUP] = {0}, mask[HEW_PHILOX_GROUP];
    memcpy(x16_out_at(type, x, skip), x16_at(type, r->in, i), n * x16_type_bytes(type));
    if (r->given)
        memcpy(given + skip, r->given + i, n);
    drop_group(type, r, group, x, r->given ? given : NULL, x, mask);
    memcpy(x16_out_at(type, r->out, i), x16_at(type, x, skip), n * x16_type_bytes(type));
    if (r->mask)
        memcpy(r->mask + i, mask + skip, n);
}

HEW_INLINE void drop(const hew_type type, const hew_dropout_run *r)
{
    for (size_t i = 0; i < r->n;) {
        const uint64_t e = r->first + i;
        const size_t skip = (size_t)(e % HEW_PHILOX_GROUP);
        const size_t here = hew_min(HEW_PHILOX_GROUP - skip, r->n - i);
        if (here == HEW_PHILOX_GROUP)
            drop_group(type, r, e / HEW_PHILOX_GROUP, x16_at(type, r->in, i),
                       r->given ? r->given + i : NULL, x16_out_at(type, r->out, i),
                       r->mask ? r->mask + i : NULL);
        else
            drop_part(type, r, e / HEW_PHILOX_GROUP, skip, here, i);
        i += here;
    }
}

void HEW_DROPOUT_KERNEL(const hew_dropout_run *run)
{
    if (run->type == HEW_F32)
        drop(HEW_F32, run);
    else
        drop(HEW_BF16, run);
}
