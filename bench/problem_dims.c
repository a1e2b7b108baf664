/*
 * problem_dims.c - gemm, softmax and reorder: "384x1024:1024x4096", "128x1000".
 */
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads "AxBxC" up to ':' or the end.  Returns the count of numbers, 0 after an error. */
int problem_read_dims(const char **text, int64_t dims[PROBLEM_MAX_DIMS], char why[PROBLEM_WHY])
{
    const char *s = *text;
    for (int count = 0; count < PROBLEM_MAX_DIMS; s++) {
        char *end;
        const long long x = *s >= '0' && *s <= '9' ? strtoll(s, &end, 10) : -1;
        if (x < 0 || x > INT32_MAX) {
            snprintf(why, PROBLEM_WHY, "a number from 0 to %d is wanted at '%.24s'", INT32_MAX, s);
            return 0;
        }
        dims[count++] = x;
        for (s = end; *s == '_'; s++) {
        }
        if (*s != 'x') {
            *text = s;
            return count;
        }
    }
    snprintf(why, PROBLEM_WHY, "more than %d dimensions", PROBLEM_MAX_DIMS);
    return 0;
}

/* The older way to write a product: mXnXkX in any order, with mb for a batch. */
static bool read_mnk(problem *p, const char *text, char why[PROBLEM_WHY])
{
    int64_t mb = 0;
    p->m = p->n = p->k = -1;
    for (const char *s = text; *s;) {
        if (*s == '_') {
            s++;
            continue;
        }
        const bool batch = s[0] == 'm' && s[1] == 'b';
        int64_t *to = batch ? &mb : NULL;
        if (!batch)
            to = *s == 'm' ? &p->m : *s == 'n' ? &p->n : *s == 'k' ? &p->k : NULL;
        const char *digits = s + (batch ? 2 : 1);
        char *end;
        const long long x = to && *digits >= '0' && *digits <= '9' ? strtoll(digits, &end, 10) : -1;
        if (x < 0 || x > INT32_MAX) {
            snprintf(why, PROBLEM_WHY, "neither MxK:KxN nor mXnXkX at '%.24s'", s);
            return false;
        }
        *to = x;
        s = end;
    }
    if (p->m < 0 || p->n < 0 || p->k < 0) {
        snprintf(why, PROBLEM_WHY, "m, n and k are wanted");
        return false;
    }
    p->dims = 2 + (mb > 0);
    p->a_batch[0] = p->b_batch[0] = p->c_batch[0] = mb;
    return true;
}

static bool match_batch(problem *p, const int64_t *a, const int64_t *b, char why[PROBLEM_WHY])
{
    for (int i = 0; i < p->dims - 2; i++) {
        if (a[i] != b[i] && a[i] != 1 && b[i] != 1) {
            snprintf(why, PROBLEM_WHY, "batch dimension %d is %lld in A and %lld in B", i,
                     (long long)a[i], (long long)b[i]);
            return false;
        }
        p->a_batch[i] = a[i];
        p->b_batch[i] = b[i];
        p->c_batch[i] = a[i] == 1 ? b[i] : a[i];
    }
    return true;
}

static bool check_c(const problem *p, const int64_t *c, int count, char why[PROBLEM_WHY])
{
    bool same = count == p->dims && c[count - 2] == p->m && c[count - 1] == p->n;
    for (int i = 0; same && i < count - 2; i++)
        same = c[i] == p->c_batch[i];
    if (!same)
        snprintf(why, PROBLEM_WHY, "the third tensor is not the product of the first two");
    return same;
}

static bool parse_gemm(problem *p, const char *s, char why[PROBLEM_WHY])
{
    if (*s < '0' || *s > '9')
        return read_mnk(p, s, why);

    int64_t a[PROBLEM_MAX_DIMS], b[PROBLEM_MAX_DIMS], c[PROBLEM_MAX_DIMS];
    const int a_dims = problem_read_dims(&s, a, why);
    if (a_dims == 0)
        return false;
    if (*s != ':' || a_dims < 2) {
        snprintf(why, PROBLEM_WHY, "a product is written MxK:KxN");
        return false;
    }
    s++;
    const int b_dims = problem_read_dims(&s, b, why);
    if (b_dims == 0)
        return false;
    if (b_dims != a_dims || a[a_dims - 1] != b[b_dims - 2]) {
        snprintf(why, PROBLEM_WHY, "%s",
                 b_dims != a_dims ? "A and B have different numbers of dimensions"
                                  : "A's columns are not B's rows");
        return false;
    }
    p->dims = a_dims;
    p->m = a[a_dims - 2];
    p->k = a[a_dims - 1];
    p->n = b[b_dims - 1];
    if (!match_batch(p, a, b, why))
        return false;
    if (*s == ':') {
        s++;
        const int c_dims = problem_read_dims(&s, c, why);
        if (c_dims == 0 || !check_c(p, c, c_dims, why))
            return false;
    }
    if (*s) {
        snprintf(why, PROBLEM_WHY, "nothing may follow the tensors, but '%.24s' does", s);
        return false;
    }
    return true;
}

bool problem_parse_dims(problem *p, const char *text, char why[PROBLEM_WHY])
{
    if (p->op == PROBLEM_GEMM)
        return parse_gemm(p, text, why);

    int64_t *const dims = p->shape;
    const char *s = text;
    const int count = problem_read_dims(&s, dims, why);
    if (count == 0)
        return false;
    if (*s || (p->op == PROBLEM_REORDER && count < 3)) {
        snprintf(why, PROBLEM_WHY, "a %s problem is written %s", problem_op_name(p->op),
                 p->op == PROBLEM_REORDER ? "NxCxW, NxCxHxW or NxCxDxHxW" : "AxBxC...");
        return false;
    }
    p->rank = count;
    p->rows = p->columns = p->pixels = 1;
    if (p->op == PROBLEM_REORDER) {
        p->rows = dims[0];
        p->columns = dims[1];
        for (int i = 2; i < count; i++)
            p->pixels *= dims[i];
        return true;
    }
    for (int i = 0; i + 1 < count; i++)
        p->rows *= dims[i];
    p->columns = dims[count - 1];
    return true;
}
