/*
 * problem.c - what is common to all problems: names, sizes, work.
 */
#include "problem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const op_names[PROBLEM_OP_COUNT] = {
    "gemm",   "ip",    "conv",      "pool",   "softmax", "reorder", "eltwise", "sum", "binary",
    "prelu",  "reduction", "concat", "shuffle", "lnorm", "bnorm",   "gnorm",   "lrn", "resampling"};

const char *problem_op_name(problem_op op)
{
    return (unsigned)op < PROBLEM_OP_COUNT ? op_names[op] : "unknown";
}

bool problem_op_parse(const char *word, problem_op *op)
{
    if (strcasecmp(word, "matmul") == 0)
        word = "gemm";
    if (strcasecmp(word, "pooling") == 0)
        word = "pool";
    for (int i = 0; i < PROBLEM_OP_COUNT; i++) {
        if (strcasecmp(word, op_names[i]) == 0) {
            *op = (problem_op)i;
            return true;
        }
    }
    return false;
}

/*
 * Splits the name off: from an 'n' that no digit follows to the end of the text, quotes and an
 * underscore before it removed.  Keys that begin with n ("n128", of mXnXkX) go on with a digit.
 */
static bool split_name(const char *text, problem *p, char why[PROBLEM_WHY])
{
    const char *cut = strchr(text, 'n');
    while (cut && cut[1] >= '0' && cut[1] <= '9')
        cut = strchr(cut + 1, 'n');

    size_t length = cut ? (size_t)(cut - text) : strlen(text);
    while (length > 0 && text[length - 1] == '_')
        length--;
    if (length == 0 || length >= PROBLEM_TEXT) {
        snprintf(why, PROBLEM_WHY, "%s",
                 length == 0 ? "an empty problem" : "a problem of too many letters");
        return false;
    }
    memcpy(p->text, text, length);
    p->text[length] = '\0';

    size_t used = 0;
    for (const char *s = cut ? cut + 1 : ""; *s && used + 1 < PROBLEM_TEXT; s++) {
        if (*s != '"' && *s != '\'')
            p->name[used++] = *s;
    }
    p->name[used] = '\0';
    return true;
}

/* Refuses what no machine holds, so that products of extents fit in 64 bits from here on. */
static bool check_size(const problem *p, char why[PROBLEM_WHY])
{
    double in = 1, weights = 1, out = 1;
    for (int i = 0; i < p->dims - 2; i++) {
        in *= (double)p->a_batch[i];
        weights *= (double)p->b_batch[i];
        out *= (double)p->c_batch[i];
    }
    if (p->n_shapes) {
        for (int i = 0; i < p->n_shapes; i++) {
            double points = 1;
            for (int j = 0; j < p->shapes[i].rank; j++)
                points *= (double)p->shapes[i].extent[j];
            in = points > in ? points : in;
        }
    } else if (p->dims) {
        in *= (double)p->m * (double)p->k;
        weights *= (double)p->k * (double)p->n;
        out *= (double)p->m * (double)p->n;
    } else if (p->rows) {
        in *= (double)p->rows * (double)p->columns * (double)p->pixels;
    } else {
        for (int i = 0; i < 3; i++) {
            in *= (double)p->in[i];
            weights *= (double)p->kernel[i];
            out *= (double)p->out[i];
        }
        in *= (double)p->mb * (double)p->ic;
        weights *= (double)p->ic * (double)p->oc / (double)p->g;
        out *= (double)p->mb * (double)(p->oc ? p->oc : p->ic);
    }
    const double most = 0x1p38; /* a tensor of 1 TB */
    if (in > most || weights > most || out > most)
        snprintf(why, PROBLEM_WHY, "a tensor of over 2^38 elements");
    return why[0] == '\0';
}

bool problem_parse(problem_op op, const char *text, problem *p, char why[PROBLEM_WHY])
{
    memset(p, 0, sizeof *p);
    p->op = op;
    why[0] = '\0';
    if (!split_name(text, p, why))
        return false;
    const bool keys = op == PROBLEM_CONV || op == PROBLEM_POOL || op == PROBLEM_IP;
    if (!(problem_has_tensors(op) ? problem_parse_tensors(p, p->text, why)
          : keys                  ? problem_parse_keys(p, p->text, why)
                                  : problem_parse_dims(p, p->text, why)))
        return false;
    return check_size(p, why);
}

void problem_set_mb(problem *p, int64_t mb)
{
    p->mb = mb;
    if (p->op == PROBLEM_IP)
        p->m = mb;
}

bool problem_set_axis(problem *p, int64_t axis, char why[PROBLEM_WHY])
{
    if (axis < 0 || axis >= p->rank) {
        snprintf(why, PROBLEM_WHY, "axis %lld of a shape of %d extents", (long long)axis, p->rank);
        return false;
    }
    for (int64_t i = axis + 1; i < p->rank; i++) {
        if (p->shape[i] != 1) {
            snprintf(why, PROBLEM_WHY, "softmax is done along the last axis, not along axis %lld",
                     (long long)axis);
            p->unsupported = true;
            return false;
        }
    }
    p->rows = 1;
    for (int64_t i = 0; i < axis; i++)
        p->rows *= p->shape[i];
    p->columns = p->shape[axis];
    return true;
}

/* Taps of one axis that fall inside the input, over all outputs. */
static double axis_taps(const problem *p, int axis)
{
    double taps = 0;
    for (int64_t o = 0; o < p->out[axis]; o++) {
        for (int64_t t = 0; t < p->kernel[axis]; t++) {
            const int64_t i = o * p->stride[axis] + t * p->dilation[axis] - p->pad_lo[axis];
            taps += i >= 0 && i < p->in[axis];
        }
    }
    return taps;
}

double problem_macs(const problem *p)
{
    switch (p->op) {
    case PROBLEM_GEMM:
    case PROBLEM_IP:
        return (double)problem_batch(p, p->c_batch) * (double)p->m * (double)p->n * (double)p->k;
    case PROBLEM_CONV:
        return (double)p->mb * (double)p->oc * (double)(p->ic / p->g) * axis_taps(p, 0) *
               axis_taps(p, 1) * axis_taps(p, 2);
    default:
        return 0;
    }
}

int64_t problem_batch(const problem *p, const int64_t batch[PROBLEM_MAX_DIMS])
{
    int64_t members = 1;
    for (int i = 0; i < p->dims - 2; i++)
        members *= batch[i];
    return members;
}

static size_t volume(const int64_t extents[3])
{
    return (size_t)(extents[0] * extents[1] * extents[2]);
}

problem_sizes problem_elements(const problem *p)
{
    problem_sizes s = {0, 0, 0};
    const size_t mb = (size_t)p->mb, ic = (size_t)p->ic, oc = (size_t)p->oc;
    switch (p->op) {
    case PROBLEM_GEMM:
    case PROBLEM_IP:
        s.in = (size_t)(problem_batch(p, p->a_batch) * p->m * p->k);
        s.weights = (size_t)(problem_batch(p, p->b_batch) * p->k * p->n);
        s.out = (size_t)(problem_batch(p, p->c_batch) * p->m * p->n);
        break;
    case PROBLEM_CONV:
        s.in = mb * volume(p->in) * ic;
        s.weights = oc * (ic / (size_t)p->g) * volume(p->kernel);
        s.out = mb * volume(p->out) * oc;
        break;
    case PROBLEM_POOL:
        s.in = mb * volume(p->in) * ic;
        s.out = mb * volume(p->out) * ic;
        break;
    default:
        s.in = s.out = (size_t)(p->rows * p->columns * p->pixels);
        break;
    }
    return s;
}
