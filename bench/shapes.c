/*
 * shapes.c - reads benchdnn's shape files: words between blanks, of which those that begin with
 * '-' are options for the problems after them.
 */
#include "cases.h"

#include <stdio.h>
#include <strings.h>

enum { MAX_DEPTH = 8, MAX_WORD = 4096, MAX_WARNED = 64, MAX_OPTION = 40 };

enum { ALG_POOL_MAX = 1, ALG_POOL_AVG = 2, ALG_POOL_AVG_PADDED = 4, ALG_SOFTMAX = 8, ALG_LOG = 16 };

typedef struct reader {
    case_list *list;
    problem_op wanted, op; /* op: PROBLEM_OP_COUNT for a driver that isn't ours */
    case_settings base, now;
    unsigned algs;    /* 0: as `now` says */
    char alg_list[256], alpha[16], beta[16]; /* of operations on tensors */
    bool type_ok[3];  /* --dt or --cfg, --sdt, --ddt */
    bool dir_ok, direct, tags_ok;
    bool src_last, dst_last; /* reorder: channels last in --stag, --dtag */
    size_t left_out;
    char warned[MAX_WARNED][MAX_OPTION];
    size_t n_warned;
    int depth;
} reader;

static void reset(reader *r)
{
    r->now = r->base;
    r->algs = 0;
    r->alg_list[0] = r->alpha[0] = r->beta[0] = '\0';
    r->type_ok[0] = r->type_ok[1] = r->type_ok[2] = r->dir_ok = r->direct = r->tags_ok = true;
    r->src_last = r->base.to_channels_first;
    r->dst_last = !r->base.to_channels_first;
    if (!r->base.has_axis && r->op == PROBLEM_SOFTMAX) {
        r->now.has_axis = true; /* benchdnn's default */
        r->now.axis = 1;
    }
}

/* The i-th of a list "a,b,c" into `item`; false after the last. */
static bool list_item(const char *list, size_t i, char *item, size_t size)
{
    for (; i > 0; i--) {
        list = strchr(list, ',');
        if (!list)
            return false;
        list++;
    }
    const size_t length = strcspn(list, ",");
    if (length >= size)
        return false;
    memcpy(item, list, length);
    item[length] = '\0';
    return true;
}

static bool has_f32(const char *list)
{
    char item[128];
    for (size_t i = 0; list_item(list, i, item, sizeof item); i++) {
        if (strcasecmp(item, "f32") == 0)
            return true;
    }
    return list[0] == '\0';
}

/* The first of a list of types that the operation can have here; with --types on the command line,
 * only those. */
static bool set_types(reader *r, const char *list)
{
    char item[128], why[PROBLEM_WHY];
    const problem_op op = r->op == PROBLEM_OP_COUNT ? PROBLEM_GEMM : r->op;
    bench_types t;
    for (size_t i = 0; list_item(list, i, item, sizeof item); i++) {
        if (!types_parse(item, &t) || !types_fit(op, &t, why))
            continue;
        if (!r->base.types_given || types_same(&t, &r->base.types)) {
            r->now.types = t;
            return true;
        }
    }
    return list[0] == '\0';
}

static void set_direction(reader *r, const char *list)
{
    char item[32];
    bench_dir dir;
    r->dir_ok = false;
    for (size_t i = 0; list_item(list, i, item, sizeof item) && !r->dir_ok; i++) {
        r->dir_ok = r->base.dir_given ? case_dir_parse(item, &dir) && dir == r->base.dir
                                      : strncasecmp(item, "FWD", 3) == 0;
        r->now.bias = r->base.bias || strcasecmp(item, "FWD_B") == 0;
    }
}

/* "sum", "relu", "sum:0.5+relu:0.1"...: the first entry of the list that this library can fuse. */
static bool set_post_ops(reader *r, const char *list)
{
    char entry[256];
    for (size_t i = 0; list_item(list, i, entry, sizeof entry); i++) {
        hew_act act = {HEW_ACT_NONE, 0, 0};
        bool residual = false, ok = true;
        char *rest = NULL;
        for (char *op = strtok_r(entry, "+'\"", &rest); op; op = strtok_r(NULL, "+'\"", &rest)) {
            const bool sum = strcmp(op, "sum") == 0 || strcmp(op, "sum:1") == 0;
            if (sum)
                ok &= !residual && act.kind == HEW_ACT_NONE;
            else
                ok &= act.kind == HEW_ACT_NONE && case_act_parse(op, &act);
            residual |= sum;
        }
        if (ok) {
            r->now.act = act.kind == HEW_ACT_NONE ? r->base.act : act;
            r->now.residual = residual || r->base.residual;
            return true;
        }
    }
    return false;
}

static void set_algs(reader *r, const char *list)
{
    static const struct {
        const char *word;
        unsigned alg;
    } words[] = {{"max", ALG_POOL_MAX},
                 {"pooling_max", ALG_POOL_MAX},
                 {"avg_np", ALG_POOL_AVG},
                 {"pooling_avg_exclude_padding", ALG_POOL_AVG},
                 {"avg_p", ALG_POOL_AVG_PADDED},
                 {"pooling_avg_include_padding", ALG_POOL_AVG_PADDED},
                 {"softmax", ALG_SOFTMAX},
                 {"softmax_accurate", ALG_SOFTMAX},
                 {"logsoftmax", ALG_LOG},
                 {"softmax_log", ALG_LOG}};
    char item[48];
    r->algs = 0;
    snprintf(r->alg_list, sizeof r->alg_list, "%s", list);
    r->direct = r->op != PROBLEM_CONV;
    for (size_t i = 0; list_item(list, i, item, sizeof item); i++) {
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            r->algs |= strcasecmp(item, words[k].word) == 0 ? words[k].alg : 0;
        r->direct |= strcasestr(item, "direct") != NULL || strcasestr(item, "auto") != NULL;
    }
}

static void set_axis(reader *r, const char *list)
{
    r->now.has_axis = true;
    r->now.axis = strtoll(list, NULL, 10);
}

/* Which of a tensor's layouts is meant matters for products and reorders alone. */
static void set_tag(reader *r, char which, const char *list)
{
    char tag[32];
    if (!list_item(list, 0, tag, sizeof tag))
        return;
    const bool transposed = strcmp(tag, "ba") == 0 || strcmp(tag, "acb") == 0;
    const bool last = strcmp(tag, "axb") == 0 || strcmp(tag, "nhwc") == 0 ||
                      strcmp(tag, "nwc") == 0 || strcmp(tag, "ndhwc") == 0;
    const bool first = strcmp(tag, "abx") == 0 || strcmp(tag, "nchw") == 0 ||
                       strcmp(tag, "ncw") == 0 || strcmp(tag, "ncdhw") == 0;
    if (r->op == PROBLEM_GEMM && which == 's')
        r->now.transpose_a = transposed;
    else if (r->op == PROBLEM_GEMM && which == 'w')
        r->now.transpose_b = transposed;
    else if (r->op == PROBLEM_REORDER && which == 's')
        r->src_last = last;
    else if (r->op == PROBLEM_REORDER && which == 'd')
        r->dst_last = last;
    if (r->op == PROBLEM_REORDER)
        r->tags_ok = last || first;
    r->now.to_channels_first = r->src_last && !r->dst_last;
}

static void warn_once(reader *r, const char *path, const char *option)
{
    char name[MAX_OPTION];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(option, "="), option);
    for (size_t i = 0; i < r->n_warned; i++) {
        if (strcmp(r->warned[i], name) == 0)
            return;
    }
    if (r->n_warned < MAX_WARNED)
        snprintf(r->warned[r->n_warned++], MAX_OPTION, "%s", name);
    fprintf(stderr, "hew-bench: %s: %s is ignored\n", path, name);
}

/* The value of "--name=value" when the word is that option, else null. */
static const char *value_of(const char *word, const char *name)
{
    const size_t length = strlen(name);
    const bool same = strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0;
    return same && word[2 + length] == '=' ? word + 3 + length : NULL;
}

static bool take_option(reader *r, const char *word)
{
    const char *v;
    problem_op driver;
    if (strcmp(word, "--reset") == 0)
        reset(r);
    else if ((v = value_of(word, "dt")) || (v = value_of(word, "cfg")))
        r->type_ok[0] = set_types(r, v);
    else if ((v = value_of(word, "sdt")))
        r->type_ok[1] = has_f32(v);
    else if ((v = value_of(word, "ddt")))
        r->type_ok[2] = has_f32(v);
    else if ((v = value_of(word, "dir")))
        set_direction(r, v);
    else if ((v = value_of(word, "mb")))
        r->now.mb = strtoll(v, NULL, 10) > 0 ? strtoll(v, NULL, 10) : r->base.mb;
    else if ((v = value_of(word, "alg")))
        set_algs(r, v);
    else if ((v = value_of(word, "axis")))
        set_axis(r, v);
    else if ((v = value_of(word, "group")))
        r->now.groups = strtoll(v, NULL, 10);
    else if ((v = value_of(word, "alpha")))
        list_item(v, 0, r->alpha, sizeof r->alpha);
    else if ((v = value_of(word, "beta")))
        list_item(v, 0, r->beta, sizeof r->beta);
    else if ((v = value_of(word, "stag")) || (v = value_of(word, "tag")))
        set_tag(r, 's', v);
    else if ((v = value_of(word, "wtag")))
        set_tag(r, 'w', v);
    else if ((v = value_of(word, "dtag")))
        set_tag(r, 'd', v);
    else if ((v = value_of(word, "bia_dt")))
        r->now.bias = r->base.bias || strncmp(v, "undef", 5) != 0;
    else if ((v = value_of(word, "attr-zero-points")))
        return case_zero_points_parse(v, &r->now.zero_points);
    else if (value_of(word, "attr-oscale") || value_of(word, "attr-scales"))
        return true; /* of integers, all problems have scales */
    else if ((v = value_of(word, "attr-post-ops")))
        return set_post_ops(r, v);
    else if (!strchr(word, '=') && problem_op_parse(word + 2, &driver))
        r->op = r->wanted == PROBLEM_OP_COUNT || r->wanted == driver ? driver : PROBLEM_OP_COUNT;
    else
        return false;
    return true;
}

/* A problem of an operation on tensors with each of --alg's that is known. */
static case_result add_tensors(reader *r, const char *text, char why[PROBLEM_WHY])
{
    char word[96];
    case_settings s = r->now;
    case_result result = CASE_ADDED;
    for (size_t i = 0; result != CASE_WRONG; i++) {
        s.alg = list_item(r->alg_list, i, word, 48) ? word : NULL;
        if (!s.alg && i > 0)
            break;
        if (s.alg && r->op == PROBLEM_ELTWISE)
            snprintf(word + strlen(word), 48, ":%s:%s", r->alpha[0] ? r->alpha : "0",
                     r->beta[0] ? r->beta : "0");
        result = case_add(r->list, r->op, text, &s, why);
        r->left_out += result == CASE_UNSUPPORTED;
    }
    return result;
}

static case_result add(reader *r, const char *text, char why[PROBLEM_WHY])
{
    const bool reorder = r->op == PROBLEM_REORDER;
    if (r->op == PROBLEM_OP_COUNT || !r->type_ok[0] || !r->type_ok[1] || !r->type_ok[2] ||
        !r->dir_ok || !r->direct || (reorder && (!r->tags_ok || r->src_last == r->dst_last))) {
        r->left_out++;
        return CASE_UNSUPPORTED;
    }
    if (problem_has_tensors(r->op))
        return add_tensors(r, text, why);
    const bool pool = r->op == PROBLEM_POOL, softmax = r->op == PROBLEM_SOFTMAX;
    const unsigned algs = r->algs & (pool ? 7u : softmax ? 24u : 0u);
    case_result result = CASE_ADDED;
    for (unsigned alg = 1; alg <= ALG_LOG && result == CASE_ADDED; alg *= 2) {
        case_settings s = r->now;
        if (algs && !(algs & alg))
            continue;
        if (algs && pool)
            s.pooling = alg == ALG_POOL_MAX   ? HEW_POOLING_MAX
                        : alg == ALG_POOL_AVG ? HEW_POOLING_AVG
                                              : HEW_POOLING_AVG_PADDED;
        if (algs && softmax)
            s.log = alg == ALG_LOG;
        result = case_add(r->list, r->op, text, &s, why);
        if (!algs)
            break;
    }
    r->left_out += result == CASE_UNSUPPORTED;
    return result;
}

/* The next letter that is neither blank nor in a comment. */
static int skip_blanks(FILE *f)
{
    for (;;) {
        int c = fgetc(f);
        if (c == '#') {
            while (c != '\n' && c != EOF)
                c = fgetc(f);
        }
        if (c == EOF || !strchr(" \t\r\n", c))
            return c;
    }
}

/* Reads a word.  A '\' that ends it, or stands alone after it, joins it to the next. */
static bool next_word(FILE *f, char *word)
{
    size_t used = 0;
    int c = skip_blanks(f);
    while (c != EOF) {
        for (; c != EOF && !strchr(" \t\r\n", c); c = fgetc(f)) {
            if (used + 1 < MAX_WORD)
                word[used++] = (char)c;
        }
        if (used > 0 && word[used - 1] == '\\') {
            used--;
            c = skip_blanks(f);
            continue;
        }
        c = skip_blanks(f);
        if (c != '\\') {
            ungetc(c, f);
            break;
        }
    }
    word[used] = '\0';
    return used > 0;
}

static bool read_file(reader *r, const char *path, char why[PROBLEM_WHY]);

/* Another file: first beside the one that names it. */
static bool include(reader *r, const char *from, const char *name, char why[PROBLEM_WHY])
{
    char path[MAX_WORD];
    const char *slash = strrchr(from, '/');
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - from) : 0, from, name);
    FILE *f = fopen(path, "r");
    if (f)
        fclose(f);
    return read_file(r, f ? path : name, why);
}

static bool read_file(reader *r, const char *path, char why[PROBLEM_WHY])
{
    FILE *f = r->depth < MAX_DEPTH ? fopen(path, "r") : NULL;
    if (!f) {
        snprintf(why, PROBLEM_WHY, "%.180s can't be read", path);
        return false;
    }
    r->depth++;
    char word[MAX_WORD];
    bool ok = true;
    while (ok && next_word(f, word)) {
        const char *batch = word[0] == '-' ? value_of(word, "batch") : NULL;
        char reason[PROBLEM_WHY] = "";
        if (batch) {
            ok = include(r, path, batch, why);
        } else if (word[0] == '-') {
            if (word[1] != '-' || !take_option(r, word))
                warn_once(r, path, word);
        } else if (add(r, word, reason) == CASE_WRONG) {
            snprintf(why, PROBLEM_WHY, "%.60s: '%.60s': %.120s", path, word, reason);
            ok = false;
        }
    }
    r->depth--;
    fclose(f);
    return ok;
}

bool case_add_file(case_list *list, problem_op op, const char *path, const case_settings *s,
                   char why[PROBLEM_WHY])
{
    reader *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(why, PROBLEM_WHY, "no memory");
        return false;
    }
    r->list = list;
    r->wanted = r->op = op;
    r->base = *s;
    reset(r);
    const bool ok = read_file(r, path, why);
    if (r->left_out)
        fprintf(stderr,
                "hew-bench: %s: %zu problems left out, of other types, directions or drivers, or "
                "of kinds that this library doesn't do\n",
                path, r->left_out);
    free(r);
    return ok;
}
