/*
 * problem_tensors.c - operations on tensors: "64x3x7:1x3x7", "mb1ic64ih56eps1e-5".
 */
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t problem_volume(const problem_shape *s)
{
    size_t points = 1;
    for (int i = 0; i < s->rank; i++)
        points *= (size_t)s->extent[i];
    return points;
}

/* ------------------------------------------------------------------------------- shapes ---- */

static bool read_shapes(problem *p, const char *text, int least, int most, char why[PROBLEM_WHY])
{
    const char *s = text;
    while (p->n_shapes < most) {
        problem_shape *shape = &p->shapes[p->n_shapes++];
        shape->rank = problem_read_dims(&s, shape->extent, why);
        if (shape->rank == 0)
            return false;
        if (*s != ':')
            break;
        s++;
    }
    if (*s || p->n_shapes < least) {
        snprintf(why, PROBLEM_WHY, "a %s problem has %d%s tensors, as in %s",
                 problem_op_name(p->op), least, most > least ? " or more" : "",
                 least == 1 ? "AxBxC" : "AxBxC:AxBxC");
        return false;
    }
    return true;
}

/* The second tensor has the first one's extents, or 1, where it is broadcast or what is left. */
static bool check_second(const problem *p, char why[PROBLEM_WHY])
{
    const problem_shape *a = &p->shapes[0], *b = &p->shapes[1];
    bool fits = a->rank == b->rank;
    for (int i = 0; fits && i < a->rank; i++)
        fits = b->extent[i] == a->extent[i] || b->extent[i] == 1;
    if (!fits)
        snprintf(why, PROBLEM_WHY, "each extent of the second tensor is the first one's, or 1");
    return fits;
}

bool problem_set_concat_axis(problem *p, int axis, char why[PROBLEM_WHY])
{
    const problem_shape *a = &p->shapes[0];
    bool fits = axis >= 0 && axis < a->rank;
    for (int i = 1; fits && i < p->n_shapes; i++) {
        fits = p->shapes[i].rank == a->rank;
        for (int j = 0; fits && j < a->rank; j++)
            fits = j == axis || p->shapes[i].extent[j] == a->extent[j];
    }
    if (!fits)
        snprintf(why, PROBLEM_WHY, "tensors don't go together along axis %d", axis);
    return fits;
}

/* --------------------------------------------------------------------------------- keys ---- */

typedef struct named {
    const char *key;
    double *value;
} named;

typedef struct values {
    double g, mb, ic, i[3], o[3], eps, ls, alpha, beta, k;
} values;

static bool read_values(problem_op op, const char *text, values *v, char why[PROBLEM_WHY])
{
    const named keys[] = {{"mb", &v->mb},     {"ic", &v->ic},     {"id", &v->i[0]},
                          {"ih", &v->i[1]},   {"iw", &v->i[2]},   {"od", &v->o[0]},
                          {"oh", &v->o[1]},   {"ow", &v->o[2]},   {"eps", &v->eps},
                          {"ls", &v->ls},     {"alpha", &v->alpha}, {"beta", &v->beta},
                          {"g", &v->g},       {"k", &v->k}};
    for (const char *s = text; *s;) {
        if (*s == '_') {
            s++;
            continue;
        }
        const named *found = NULL;
        for (size_t i = 0; i < sizeof keys / sizeof *keys && !found; i++)
            if (strncmp(s, keys[i].key, strlen(keys[i].key)) == 0)
                found = &keys[i];
        char *end = NULL;
        const char *digits = found ? s + strlen(found->key) : s;
        if (found)
            *found->value = strtod(digits, &end);
        if (!found || end == digits || !(*found->value >= 0 && *found->value <= INT32_MAX)) {
            snprintf(why, PROBLEM_WHY, "no key and number of a %s problem at '%.24s'",
                     problem_op_name(op), s);
            return false;
        }
        s = end;
    }
    return true;
}

/* {batch, channels, spatial...}, w from h and both from d where they are missing. */
static bool shape_of(problem_shape *s, const values *v, const double at[3], char why[PROBLEM_WHY])
{
    const bool d = at[0] > 0, h = at[1] > 0, w = at[2] > 0;
    const double height = h ? at[1] : at[0], width = w ? at[2] : height;
    const int first = d ? 0 : h ? 1 : w ? 2 : 3;
    if (v->mb < 1 || v->ic < 1 || (w && !h && d)) {
        snprintf(why, PROBLEM_WHY, "mb and ic must not be 0, nor h be missing between d and w");
        return false;
    }
    const double all[3] = {at[0], height, width};
    *s = (problem_shape){.rank = 5 - first, .extent = {(int64_t)v->mb, (int64_t)v->ic}};
    for (int i = first; i < 3; i++)
        s->extent[2 + i - first] = (int64_t)all[i];
    return true;
}

static bool parse_values(problem *p, const char *text, char why[PROBLEM_WHY])
{
    values v = {.g = 1, .mb = 2, .eps = 1.0 / 16, .ls = 5, .alpha = 1.0 / 8192, .beta = 0.75,
                .k = 1};
    if (!read_values(p->op, text, &v, why) || !shape_of(&p->shapes[0], &v, v.i, why))
        return false;
    p->n_shapes = 1;
    p->g = (int64_t)v.g;
    p->eps = v.eps;
    p->window = (int64_t)v.ls;
    p->lrn_alpha = v.alpha;
    p->lrn_beta = v.beta;
    p->lrn_k = v.k;
    if (p->op == PROBLEM_GNORM && (p->g < 1 || p->shapes[0].extent[1] % p->g)) {
        snprintf(why, PROBLEM_WHY, "g = %lld does not divide ic", (long long)p->g);
        return false;
    }
    if (p->op == PROBLEM_LRN && p->window < 1) {
        snprintf(why, PROBLEM_WHY, "ls is 0");
        return false;
    }
    if (p->op != PROBLEM_RESAMPLING)
        return true;
    p->n_shapes = 2;
    if (!shape_of(&p->shapes[1], &v, v.o, why))
        return false;
    if (p->shapes[0].rank < 3 || p->shapes[1].rank != p->shapes[0].rank)
        snprintf(why, PROBLEM_WHY, "i and o must be there for the same dimensions");
    return why[0] == '\0';
}

bool problem_parse_tensors(problem *p, const char *text, char why[PROBLEM_WHY])
{
    switch (p->op) {
    case PROBLEM_BNORM:
    case PROBLEM_GNORM:
    case PROBLEM_LRN:
    case PROBLEM_RESAMPLING: return parse_values(p, text, why);
    case PROBLEM_BINARY:
    case PROBLEM_PRELU:
    case PROBLEM_REDUCTION:
        return read_shapes(p, text, 2, 2, why) && check_second(p, why);
    case PROBLEM_CONCAT: return read_shapes(p, text, 2, PROBLEM_MAX_SHAPES, why);
    default:
        p->eps = 1e-5;
        return read_shapes(p, text, 1, 1, why);
    }
}
