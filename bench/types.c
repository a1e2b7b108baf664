/* types.c - the tables of types, and what is read from them. */
#include "types.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static double get_f32(const void *x, size_t i)
{
    return ((const float *)x)[i];
}
static void put_f32(void *x, size_t i, double value)
{
    ((float *)x)[i] = (float)value;
}
static double get_bf16(const void *x, size_t i)
{
    const uint32_t bits = (uint32_t)((const uint16_t *)x)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static void put_bf16(void *x, size_t i, double value)
{
    const float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    ((uint16_t *)x)[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
static double get_f16(const void *x, size_t i)
{
    const int bits = ((const uint16_t *)x)[i], exponent = bits >> 10 & 31, digits = bits & 1023;
    const double size = exponent == 31 ? (digits ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(digits, -24)
                                        : ldexp(digits + 1024, exponent - 25);
    return bits & 0x8000 ? -size : size;
}
/* The nearest one; of numbers that have one. */
static void put_f16(void *x, size_t i, double value)
{
    int exponent;
    frexp(value, &exponent);
    const int last = exponent - 11 < -24 ? -24 : exponent - 11; /* of the last digit */
    const int digits = (int)nearbyint(ldexp(fabs(value), -last));
    const int size = digits < 1024 ? digits : ((last + 24) << 10) + digits;
    ((uint16_t *)x)[i] = (uint16_t)(size | (signbit(value) ? 0x8000 : 0));
}
static double get_s8(const void *x, size_t i)
{
    return ((const int8_t *)x)[i];
}
static void put_s8(void *x, size_t i, double value)
{
    ((int8_t *)x)[i] = (int8_t)value;
}
static double get_u8(const void *x, size_t i)
{
    return ((const uint8_t *)x)[i];
}
static void put_u8(void *x, size_t i, double value)
{
    ((uint8_t *)x)[i] = (uint8_t)value;
}
static double get_s32(const void *x, size_t i)
{
    return ((const int32_t *)x)[i];
}
static void put_s32(void *x, size_t i, double value)
{
    ((int32_t *)x)[i] = (int32_t)value;
}
static double get_s4(const void *x, size_t i)
{
    const int half = ((const uint8_t *)x)[i / 2] >> (i % 2 * 4) & 15;
    return half < 8 ? half : half - 16;
}
static void put_s4(void *x, size_t i, double value)
{
    uint8_t *byte = (uint8_t *)x + i / 2;
    const int shift = (int)(i % 2 * 4);
    *byte = (uint8_t)((*byte & ~(15 << shift)) | (((int)value & 15) << shift));
}

/* Biases are as large as a sum of some hundred products. */
static const element elements[] = {
    [HEW_F32] = {"f32", 32, false, -1, 1, 0, 0, 0, get_f32, put_f32},
    [HEW_BF16] = {"bf16", 16, false, -1, 1, 0, 0, 0, get_bf16, put_bf16},
    [HEW_F16] = {"f16", 16, false, -1, 1, 0, 0, 0, get_f16, put_f16},
    [HEW_S8] = {"s8", 8, true, -128, 127, -7, -5, 5, get_s8, put_s8},
    [HEW_U8] = {"u8", 8, true, 0, 255, 119, 120, 136, get_u8, put_u8},
    [HEW_S32] = {"s32", 32, true, -100000, 100000, 0, 0, 0, get_s32, put_s32},
    [HEW_S4] = {"s4", 4, true, -8, 7, 0, -2, 2, get_s4, put_s4},
};
enum { N_ELEMENTS = sizeof elements / sizeof *elements };

const element *element_of(hew_type type)
{
    return &elements[type];
}

size_t element_bytes(hew_type type, size_t count)
{
    return (count * (size_t)elements[type].bits + 7) / 8;
}

void element_copy(hew_type type, void *to, size_t to_index, const void *from, size_t from_index,
                  size_t count)
{
    const element *e = &elements[type];
    const size_t bytes = (size_t)e->bits / 8;
    if (bytes) {
        memcpy((char *)to + to_index * bytes, (const char *)from + from_index * bytes,
               count * bytes);
        return;
    }
    for (size_t i = 0; i < count; i++)
        e->put(to, to_index + i, e->get(from, from_index + i));
}

void *element_alloc(hew_type type, size_t count)
{
    const size_t bytes = (element_bytes(type, count) + 127) / 64 * 64;
    void *p = aligned_alloc(64, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void fill_values(hew_type type, void *x, size_t count, double lo, double hi, uint64_t seed)
{
    const element *e = &elements[type];
    for (size_t i = 0; i < count; i++) {
        uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1342543de82ef95u; /* splitmix64 */
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        const double part = (double)(z >> 32) * 0x1p-32; /* [0, 1) */
        const double up = e->integer ? (double)(int64_t)(part * (hi - lo + 1)) : part * (hi - lo);
        e->put(x, i, lo + up);
    }
}

/* ---------------------------------------------------------------------------------- names --- */

enum {
    F32 = 1 << HEW_F32, BF16 = 1 << HEW_BF16, S8 = 1 << HEW_S8, U8 = 1 << HEW_U8,
    S32 = 1 << HEW_S32, S4 = 1 << HEW_S4, F16 = 1 << HEW_F16,
    PRODUCTS = 1 << PROBLEM_GEMM | 1 << PROBLEM_IP,
    HALVES = 1 << PROBLEM_POOL | 1 << PROBLEM_SOFTMAX | 1 << PROBLEM_ELTWISE | 1 << PROBLEM_SUM |
             1 << PROBLEM_BINARY | 1 << PROBLEM_PRELU | 1 << PROBLEM_REDUCTION |
             1 << PROBLEM_CONCAT | 1 << PROBLEM_SHUFFLE | 1 << PROBLEM_LNORM | 1 << PROBLEM_BNORM |
             1 << PROBLEM_GNORM | 1 << PROBLEM_LRN | 1 << PROBLEM_RESAMPLING,
    ANY = (1 << PROBLEM_OP_COUNT) - 1
};

static const struct {
    const char *name;
    bench_types types;
} short_names[] = {{"wo8", {HEW_F32, HEW_S8, HEW_F32, HEW_DYNAMIC_NONE, HEW_MATH_DEFAULT}},
                   {"wo4", {HEW_F32, HEW_S4, HEW_F32, HEW_DYNAMIC_NONE, HEW_MATH_DEFAULT}},
                   {"dyn8", {HEW_F32, HEW_S8, HEW_F32, HEW_DYNAMIC_SYMMETRIC, HEW_MATH_DEFAULT}},
                   {"dyn8u", {HEW_F32, HEW_S8, HEW_F32, HEW_DYNAMIC_ASYMMETRIC, HEW_MATH_DEFAULT}},
                   {"fpmath", {HEW_F32, HEW_F32, HEW_F32, HEW_DYNAMIC_NONE, HEW_MATH_BF16}}};
enum { N_SHORT = sizeof short_names / sizeof *short_names };

/* The type whose name the text begins with, the text moved past it. */
static bool next_element(const char **text, hew_type *type)
{
    for (int i = 0; i < N_ELEMENTS; i++) {
        const size_t length = strlen(elements[i].name);
        if (strncasecmp(*text, elements[i].name, length) == 0 &&
            !((*text)[length] >= '0' && (*text)[length] <= '9')) {
            *type = (hew_type)i;
            *text += length;
            return true;
        }
    }
    return false;
}

bool element_parse(const char *word, hew_type *type)
{
    return next_element(&word, type) && !*word;
}

bool types_parse(const char *word, bench_types *types)
{
    hew_type read[3];
    int count = 0;
    for (int i = 0; i < N_SHORT; i++) {
        if (strcasecmp(word, short_names[i].name) == 0) {
            *types = short_names[i].types;
            return true;
        }
    }
    while (*word && count < 3) {
        if (!next_element(&word, &read[count++]))
            return false;
        if (*word == ':' && word[1])
            word++;
    }
    if (*word || count == 0)
        return false;
    *types = (bench_types){.in = read[0], .weights = read[count > 1],
                           .out = count > 2 ? read[2] : read[0]};
    return true;
}

const char *types_name(problem_op op, const bench_types *types)
{
    static char names[HEW_DYNAMIC_ASYMMETRIC + 1][N_ELEMENTS][N_ELEMENTS][N_ELEMENTS][12];
    char *name = names[types->dynamic][types->in][types->weights][types->out];
    const char *in = elements[types->in].name, *out = elements[types->out].name;
    for (int i = 0; i < N_SHORT; i++) {
        bench_types t = short_names[i].types;
        if (types_same(types, &t))
            return short_names[i].name;
        t.out = types->out;
        if (types_same(types, &t)) {
            snprintf(name, sizeof names[0][0][0][0], "%s:%s", short_names[i].name, out);
            return name;
        }
    }
    const bool weights = 1 << op & (PRODUCTS | 1 << PROBLEM_CONV);
    const bool alike = types->in == types->out && (!weights || types->in == types->weights);
    if (alike && (!weights || !elements[types->in].integer))
        return in;
    snprintf(name, sizeof names[0][0][0][0], "%s%s%s", in, elements[types->weights].name, out);
    return name;
}

bool types_same(const bench_types *a, const bench_types *b)
{
    return a->in == b->in && a->weights == b->weights && a->out == b->out &&
           a->dynamic == b->dynamic && a->math == b->math;
}

/* ------------------------------------------------------------------------------- what fits --- */

/* Sets of types.  alike: all three must be the same one. */
static const struct {
    int ops, in, weights, out;
    bool alike, dynamic;
    const char *words;
} rules[] = {
    {ANY, F32, F32, F32, true, false, "f32"},
    {PRODUCTS | 1 << PROBLEM_CONV, BF16, BF16, F32 | BF16, false, false, "bf16, bf16bf16f32"},
    {PRODUCTS | 1 << PROBLEM_CONV, F16 | F32, F16 | F32, F16 | F32, false, false,
     "f16 or f32 times f16 or f32 to either, fpmath"},
    {PRODUCTS | 1 << PROBLEM_CONV, U8 | S8, U8 | S8, F32 | BF16 | U8 | S8 | S32, false, false,
     "u8 or s8 times s8 or u8 to u8, s8, s32, f32 or bf16"},
    {PRODUCTS, F32, S8 | S4, F32, false, false, "wo8, wo4"},
    {PRODUCTS, F32, S8, F32 | BF16 | U8 | S8, false, true, "dyn8, dyn8u"},
    {HALVES, BF16, BF16, BF16, true, false, "bf16"},
    {1 << PROBLEM_POOL, U8 | S8, U8 | S8, U8 | S8, true, false, "u8, s8"},
};

bool types_quantised(const bench_types *types)
{
    return elements[types->in].integer || types->dynamic != HEW_DYNAMIC_NONE;
}

bool types_weight_only(const bench_types *types)
{
    return !types_quantised(types) && elements[types->weights].integer;
}

bool types_fit(problem_op op, const bench_types *types, char why[PROBLEM_WHY])
{
    size_t used = (size_t)snprintf(why, PROBLEM_WHY, "no %s with types %s; there are",
                                   problem_op_name(op), types_name(op, types));
    const char *comma = "";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!(rules[i].ops >> op & 1) || (types->math && rules[i].in != (F16 | F32)))
            continue;
        if (rules[i].in >> types->in & 1 && rules[i].weights >> types->weights & 1 &&
            rules[i].out >> types->out & 1 &&
            rules[i].dynamic == (types->dynamic != HEW_DYNAMIC_NONE) &&
            (!rules[i].alike || (types->in == types->weights && types->in == types->out))) {
            why[0] = '\0';
            return true;
        }
        used += (size_t)snprintf(why + used, PROBLEM_WHY - used, "%s %s", comma, rules[i].words);
        comma = ";";
    }
    return false;
}
