/*
 * problem_keys.c - conv, pool and ip: "g32mb1ic256ih56oc256oh56kh3ph1".
 */
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { D, H, W };

/* One row of values for each spatial axis. */
typedef struct spatial {
    int64_t i, o, k, s, p, d;
} spatial;

typedef struct keys {
    int64_t g, mb, ic, oc;
    spatial axis[3];
} keys;

static int64_t *find_key(keys *v, problem_op op, const char *key)
{
    static const char axes[] = "dhw";
    const char *axis = key[0] && key[1] ? strchr(axes, key[1]) : NULL;
    if (strcmp(key, "g") == 0)
        return op == PROBLEM_CONV ? &v->g : NULL;
    if (strcmp(key, "mb") == 0)
        return &v->mb;
    if (strcmp(key, "ic") == 0)
        return &v->ic;
    if (strcmp(key, "oc") == 0)
        return op == PROBLEM_POOL ? NULL : &v->oc;
    if (!axis)
        return NULL;
    spatial *s = &v->axis[axis - axes];
    switch (key[0]) {
    case 'i': return &s->i;
    case 'o': return op == PROBLEM_IP ? NULL : &s->o;
    case 'k': return op == PROBLEM_IP ? NULL : &s->k;
    case 's': return op == PROBLEM_IP ? NULL : &s->s;
    case 'p': return op == PROBLEM_IP ? NULL : &s->p;
    case 'd': return op == PROBLEM_IP ? NULL : &s->d;
    default: return NULL;
    }
}

static bool read_keys(keys *v, problem_op op, const char *text, char why[PROBLEM_WHY])
{
    for (const char *s = text; *s;) {
        if (*s == '_') {
            s++;
            continue;
        }
        char key[3] = "";
        for (size_t i = 0; i < 2 && s[i] >= 'a' && s[i] <= 'z'; i++)
            key[i] = s[i];
        int64_t *value = find_key(v, op, key);
        if (!value) {
            snprintf(why, PROBLEM_WHY, "no key of a %s problem at '%.24s'", problem_op_name(op), s);
            return false;
        }
        s += strlen(key);
        char *end;
        const long long x = *s >= '0' && *s <= '9' ? strtoll(s, &end, 10) : -1;
        if (x < 0 || x > INT32_MAX) {
            snprintf(why, PROBLEM_WHY, "'%s' wants a number from 0 to %d, not '%.12s'", key,
                     INT32_MAX, s);
            return false;
        }
        *value = x;
        s = end;
    }
    return true;
}

static bool present(const spatial *a, bool with_kernel)
{
    if (!with_kernel)
        return a->i != 0;
    return a->i || a->k || a->o || a->d || a->s != 1 || a->p > 0;
}

/* Output extent from padding, or padding from the output's extent. */
static bool complete_axis(spatial *a, char letter, char why[PROBLEM_WHY])
{
    if (a->i == 0 || a->k == 0) {
        snprintf(why, PROBLEM_WHY, "i%c and k%c must be there and not be 0", letter, letter);
        return false;
    }
    const int64_t reach = (a->k - 1) * (a->d + 1) + 1;
    if (a->o == 0) {
        a->p = a->p < 0 ? 0 : a->p;
        const int64_t room = a->i + 2 * a->p - reach;
        a->o = room < 0 ? 0 : room / a->s + 1;
        if (a->o == 0)
            snprintf(why, PROBLEM_WHY, "o%c comes out as 0: the kernel is longer than the input",
                     letter);
        return a->o != 0;
    }
    if (a->p < 0)
        a->p = ((a->o - 1) * a->s - a->i + reach) / 2;
    return true;
}

/* Fills in w from h and both from d, and tells the rank.  0 if the combination makes no sense. */
static int complete_rank(keys *v, bool with_kernel, char why[PROBLEM_WHY])
{
    bool there[3];
    for (int i = D; i <= W; i++)
        there[i] = present(&v->axis[i], with_kernel);

    if (there[D] && there[H] != there[W]) {
        snprintf(why, PROBLEM_WHY, "with d, either both h and w are written or neither");
        return 0;
    }
    if (there[D] && !there[H])
        v->axis[H] = v->axis[W] = v->axis[D];
    if (!there[D] && there[H] && !there[W])
        v->axis[W] = v->axis[H];
    if (!there[D] && !there[H] && !there[W] && with_kernel)
        snprintf(why, PROBLEM_WHY, "no spatial extent: ih, iw or id is missing");
    return there[D] ? 3 : there[H] ? 2 : there[W] ? 1 : 0;
}

/* The right padding is what makes o come out; a negative one only drops input that no tap reads. */
static bool store_axis(problem *p, int to, const spatial *a, char letter, char why[PROBLEM_WHY])
{
    const int64_t reach = (a->k - 1) * (a->d + 1) + 1;
    int64_t pad_hi = (a->o - 1) * a->s - a->i + reach - a->p;
    if (pad_hi < 0 && pad_hi > -a->s)
        pad_hi = 0;
    if (a->p < 0 || pad_hi < 0) {
        snprintf(why, PROBLEM_WHY,
                 "o%c = %lld reads only a part of the input: padding %lld and %lld", letter,
                 (long long)a->o, (long long)a->p, (long long)pad_hi);
        p->unsupported = true;
        return false;
    }
    p->in[to] = a->i;
    p->out[to] = a->o;
    p->kernel[to] = a->k;
    p->stride[to] = a->s;
    p->dilation[to] = a->d + 1;
    p->pad_lo[to] = a->p;
    p->pad_hi[to] = pad_hi;
    return true;
}

static bool check_channels(const problem *p, char why[PROBLEM_WHY])
{
    const char *missing = p->ic == 0 ? "ic" : p->oc == 0 && p->op != PROBLEM_POOL ? "oc" : NULL;
    if (missing)
        snprintf(why, PROBLEM_WHY, "%s is missing or 0", missing);
    else if (p->g == 0 || p->ic % p->g || p->oc % p->g)
        snprintf(why, PROBLEM_WHY, "g = %lld does not divide ic = %lld and oc = %lld",
                 (long long)p->g, (long long)p->ic, (long long)p->oc);
    else if (p->mb == 0)
        snprintf(why, PROBLEM_WHY, "mb is 0");
    return why[0] == '\0';
}

bool problem_parse_keys(problem *p, const char *text, char why[PROBLEM_WHY])
{
    keys v = {.g = 1, .mb = 2};
    for (int i = D; i <= W; i++)
        v.axis[i] = (spatial){.s = 1, .p = -1};
    if (!read_keys(&v, p->op, text, why))
        return false;

    p->g = v.g;
    p->mb = v.mb;
    p->ic = v.ic;
    p->oc = v.oc;
    if (!check_channels(p, why))
        return false;

    const bool with_kernel = p->op != PROBLEM_IP;
    for (int i = D; i <= W && with_kernel; i++) {
        if (v.axis[i].s == 0) {
            snprintf(why, PROBLEM_WHY, "s%c is 0", "dhw"[i]);
            return false;
        }
        if (present(&v.axis[i], true) && !complete_axis(&v.axis[i], "dhw"[i], why))
            return false;
    }
    p->rank = complete_rank(&v, with_kernel, why);
    if (why[0])
        return false;

    for (int i = 0; i < 3; i++)
        p->in[i] = p->out[i] = p->kernel[i] = p->stride[i] = p->dilation[i] = 1;
    for (int i = 0; i < p->rank; i++) {
        const int from = 3 - p->rank + i;
        if (!with_kernel)
            p->in[i] = v.axis[from].i;
        else if (!store_axis(p, i, &v.axis[from], "dhw"[from], why))
            return false;
    }
    if (p->op == PROBLEM_IP) {
        p->dims = 2;
        p->m = p->mb;
        p->n = p->oc;
        p->k = p->ic * p->in[0] * p->in[1] * p->in[2];
    }
    return true;
}
