/* cases.c - the list of cases, and the names of activations. */
#include "cases.h"

#include "tensors.h"

#include <stdio.h>
#include <strings.h>

static const char *const act_names[HEW_ACT_COUNT] = {
    "none", "relu",     "leaky_relu", "clip",      "elu",         "sigmoid", "tanh",
    "silu", "gelu_erf", "gelu_tanh",  "hardswish", "hardsigmoid", "mish",    "abs",
    "square", "sqrt",   "rsqrt",      "exp",       "expm1",       "log",     "log1p",
    "pow",  "linear",   "softplus",   "erf",       "round",       "sin",     "cos"};

/* benchdnn's words where they are not ours. */
static const struct {
    const char *word;
    hew_act_kind kind;
} act_aliases[] = {{"logistic", HEW_ACT_SIGMOID},
                   {"swish", HEW_ACT_SILU},
                   {"clip_v2", HEW_ACT_CLIP},
                   {"relu6", HEW_ACT_CLIP},
                   {"gelu", HEW_ACT_GELU_ERF}};

const char *case_act_name(hew_act_kind kind)
{
    return (unsigned)kind < HEW_ACT_COUNT ? act_names[kind] : "unknown";
}

bool case_act_parse(const char *word, hew_act *act)
{
    char name[24];
    *act = (hew_act){HEW_ACT_NONE, 0, 0};
    const size_t length = strcspn(word, ":");
    if (length >= sizeof name)
        return false;
    memcpy(name, word, length);
    name[length] = '\0';
    int kind = -1;
    for (int i = 0; i < HEW_ACT_COUNT; i++)
        kind = strcasecmp(name, act_names[i]) == 0 ? i : kind;
    for (size_t i = 0; i < sizeof act_aliases / sizeof *act_aliases; i++)
        kind = strcasecmp(name, act_aliases[i].word) == 0 ? (int)act_aliases[i].kind : kind;
    if (kind < 0)
        return false;
    act->kind = (hew_act_kind)kind;
    if (word[length] == ':') {
        char *end;
        act->alpha = strtof(word + length + 1, &end);
        if (*end == ':')
            act->beta = strtof(end + 1, &end);
        if (*end)
            return false;
        if (act->kind == HEW_ACT_RELU && act->alpha != 0) /* benchdnn's relu has a slope */
            act->kind = HEW_ACT_LEAKY_RELU;
    }
    return true;
}

/* benchdnn's, in the order of bench_dir. */
static const char *const dir_names[] = {"FWD_I", "FWD_D", "BWD_D", "BWD_DW"};

bool case_dir_parse(const char *word, bench_dir *dir)
{
    for (int i = 0; i < (int)(sizeof dir_names / sizeof *dir_names); i++) {
        if (strcasecmp(word, dir_names[i]) == 0) {
            *dir = (bench_dir)i;
            return true;
        }
    }
    return false;
}

const char *case_dir_name(bench_dir dir) { return dir_names[dir]; }

/* Besides inference, which all have. */
static bool dir_fits(problem_op op, const bench_types *types, bench_dir dir, char why[PROBLEM_WHY])
{
    enum { TRAIN = 1 << BENCH_TRAINING, DATA = 1 << BENCH_BACKWARD, ALL = 1 << BENCH_BACKWARD_ALL };
    static const int dirs[PROBLEM_OP_COUNT] = {
        [PROBLEM_POOL] = TRAIN | DATA,   [PROBLEM_SOFTMAX] = DATA,
        [PROBLEM_ELTWISE] = DATA,        [PROBLEM_PRELU] = ALL,
        [PROBLEM_SHUFFLE] = DATA,        [PROBLEM_LNORM] = TRAIN | DATA | ALL,
        [PROBLEM_BNORM] = TRAIN | DATA | ALL, [PROBLEM_GNORM] = TRAIN | DATA | ALL,
        [PROBLEM_LRN] = DATA,            [PROBLEM_RESAMPLING] = DATA};
    const int those = element_of(types->in)->integer ? 0 : dirs[op];
    if (dir == BENCH_INFERENCE || those >> dir & 1)
        return true;
    int used = snprintf(why, PROBLEM_WHY, "no %s of %s in direction %s; there is FWD_I",
                        problem_op_name(op), types_name(op, types), dir_names[dir]);
    for (int i = 1; i <= BENCH_BACKWARD_ALL; i++)
        if (those >> i & 1)
            used += snprintf(why + used, PROBLEM_WHY - (size_t)used, ", %s", dir_names[i]);
    return false;
}

bool case_zero_points_parse(const char *list, unsigned *zero_points)
{
    static const char *const words[] = {"src", "wei", "dst"}; /* in the order of ZERO_... */
    *zero_points = 0;
    for (const char *s = list; *s; s += *s == ',' || *s == '+') {
        const size_t length = strcspn(s, ",+"), word = strcspn(s, ",+:"); /* "src:common:1" */
        unsigned found = 0;
        for (unsigned i = 0; i < 3; i++)
            found |= word == 3 && strncmp(s, words[i], 3) == 0 ? 1u << i : 0;
        if (!found)
            return false;
        *zero_points |= found;
        s += length;
    }
    return true;
}

/* Groups of 128 rows for s4 where they come out even; s8 has a scale for a column. */
static bool set_b_group(bench_job *job, const case_settings *s, char why[PROBLEM_WHY])
{
    if (!types_weight_only(&job->types))
        return true;
    job->b_group = s->b_group;
    if (!s->has_b_group)
        job->b_group = job->types.weights == HEW_S4 && job->p.k % 128 == 0 ? 128 : 0;
    if (job->b_group > 0 && job->p.k % job->b_group != 0) {
        snprintf(why, PROBLEM_WHY, "k = %lld is no multiple of the group, %lld",
                 (long long)job->p.k, (long long)job->b_group);
        return false;
    }
    return true;
}

static void fuse(bench_job *job, const case_settings *s)
{
    const problem_op op = job->p.op;
    const bool product = op == PROBLEM_GEMM || op == PROBLEM_IP;
    if (product || op == PROBLEM_CONV) {
        job->bias = s->bias;
        if (job->types.out != HEW_S32) { /* a bare sum */
            job->act = s->act;
            job->residual = s->residual &&
                            (job->types.out != HEW_BF16 || job->types.in == HEW_BF16);
        }
    }
    job->zero_points = s->zero_points;
    if (op == PROBLEM_GEMM) {
        job->transpose_a = s->transpose_a;
        job->transpose_b = s->transpose_b;
    }
    job->packed = product && !s->one_shot && problem_batch(&job->p, job->p.b_batch) == 1;
    job->pooling = s->pooling;
    job->log = s->log;
    job->dir = s->dir;
    job->group = s->group ? s->group : "";
    job->to_channels_first = s->to_channels_first;
}

/* What the text of an operation on tensors doesn't say. */
static bool set_tensors(bench_job *job, const case_settings *s, char why[PROBLEM_WHY])
{
    problem *p = &job->p;
    if (!problem_has_tensors(p->op))
        return true;
    const int64_t axis = s->has_axis ? s->axis : 1;
    job->axis = (int)axis;
    job->groups = s->groups ? s->groups : 4;
    if (!tensors_set_alg(job, s->alg, why) ||
        (p->op == PROBLEM_CONCAT && !problem_set_concat_axis(p, job->axis, why)))
        return false;
    if (p->op == PROBLEM_SHUFFLE &&
        (axis >= p->shapes[0].rank || p->shapes[0].extent[axis] % job->groups != 0)) {
        snprintf(why, PROBLEM_WHY, "%lld groups don't divide axis %lld", (long long)job->groups,
                 (long long)axis);
        return false;
    }
    return true;
}

case_result case_add(case_list *list, problem_op op, const char *text, const case_settings *s,
                     char why[PROBLEM_WHY])
{
    bench_job job;
    memset(&job, 0, sizeof job);
    bool ok = problem_parse(op, text, &job.p, why);
    if (ok && op == PROBLEM_SOFTMAX && s->has_axis)
        ok = problem_set_axis(&job.p, s->axis, why);
    if (!ok)
        return job.p.unsupported ? CASE_UNSUPPORTED : CASE_WRONG;
    job.types = s->types;
    if (s->has_out && op != PROBLEM_POOL)
        job.types.out = s->out;
    if (!types_fit(op, &job.types, why) || !dir_fits(op, &job.types, s->dir, why) ||
        !set_b_group(&job, s, why))
        return CASE_UNSUPPORTED;
    if (s->mb > 0 && (op == PROBLEM_CONV || op == PROBLEM_POOL || op == PROBLEM_IP))
        problem_set_mb(&job.p, s->mb);
    fuse(&job, s);
    if (!set_tensors(&job, s, why))
        return CASE_UNSUPPORTED;

    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 64;
        bench_job *jobs = realloc(list->jobs, capacity * sizeof *jobs);
        if (!jobs) {
            snprintf(why, PROBLEM_WHY, "no memory");
            return CASE_WRONG;
        }
        list->jobs = jobs;
        list->capacity = capacity;
    }
    list->jobs[list->count++] = job;
    return CASE_ADDED;
}
