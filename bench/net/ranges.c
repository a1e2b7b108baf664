#include "ranges.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool net_ranges_fail(struct net_ranges *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->error, sizeof r->error, format, args);
    va_end(args);
    return false;
}

bool net_ranges_begin(struct net_ranges *r, const struct net *net)
{
    *r = (struct net_ranges){ .count = net->tensor_count };
    r->of = malloc((size_t)net->tensor_count * sizeof *r->of);
    if (r->of == NULL)
        return net_ranges_fail(r, "out of memory");
    for (int t = 0; t < r->count; t++)
        r->of[t] = (struct net_range){ NAN, NAN };
    return true;
}

void net_free_ranges(struct net_ranges *r)
{
    free(r->of);
    *r = (struct net_ranges){ .count = 0 };
}

bool net_same_ranges(const struct net_ranges *a, const struct net_ranges *b)
{
    bool same = a->count == b->count;
    for (int t = 0; same && t < a->count; t++)
        same = isnan(a->of[t].lo) ? isnan(b->of[t].lo)
                                  : a->of[t].lo == b->of[t].lo && a->of[t].hi == b->of[t].hi;
    return same;
}

/* -------------------------------------------------------------------------------- files ----- */

/* The next line, its comment cut off; false at the end. */
static bool next_line(char **at, char **line)
{
    if (**at == '\0')
        return false;
    *line = *at;
    *at += strcspn(*at, "\n");
    if (**at == '\n')
        *(*at)++ = '\0';
    (*line)[strcspn(*line, "#")] = '\0';
    return true;
}

static bool parse(struct net_ranges *r, const struct net *net, char *text)
{
    bool known = false;
    for (char *line; next_line(&text, &line);) {
        uint64_t hash;
        int tensor, used = 0;
        float lo, hi;
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        if (sscanf(line, " net %" SCNx64 " %d %n", &hash, &r->pictures, &used) == 2) {
            known = hash == net->hash;
            if (!known)
                return net_ranges_fail(r, "ranges of another net, with checksum %016" PRIx64, hash);
        } else if (sscanf(line, " %d %f %f %n", &tensor, &lo, &hi, &used) == 3 && tensor > 0
                   && tensor < r->count && isfinite(lo) && isfinite(hi) && lo <= hi) {
            r->of[tensor] = (struct net_range){ lo, hi };
        } else {
            return net_ranges_fail(r, "not a range: %.60s", line);
        }
        if (line[used] != '\0')
            return net_ranges_fail(r, "more than a range: %.60s", line);
    }
    return known ? true : net_ranges_fail(r, "no line says which net the ranges are of");
}

static bool complete(struct net_ranges *r, const struct net *net)
{
    for (int i = 0; i < net->layer_count; i++)
        if (isnan(r->of[net->layers[i].out].lo))
            return net_ranges_fail(r, "no range of tensor %d", net->layers[i].out);
    return true;
}

bool net_read_ranges(struct net_ranges *r, const struct net *net, const char *path)
{
    if (!net_ranges_begin(r, net))
        return false;
    size_t size;
    uint8_t *bytes = net_read_file(path, &size);
    char *text = bytes ? realloc(bytes, size + 1) : NULL;
    if (text == NULL) {
        free(bytes);
        return net_ranges_fail(r, "%s: %s", path, strerror(errno));
    }
    text[size] = '\0';
    const bool good = parse(r, net, text) && complete(r, net);
    free(text);
    return good;
}

bool net_write_ranges(const struct net_ranges *r, const struct net *net, const char *path,
                      const char *pictures, const char *observer)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    fprintf(file, "# Tensor, least and largest element; %s of %d %s.\n", observer, r->pictures,
            pictures);
    fprintf(file, "net %016" PRIx64 " %d\n", net->hash, r->pictures);
    for (int i = 0; i < net->layer_count; i++) {
        const int t = net->layers[i].out;
        fprintf(file, "%d %a %a\t# %g %g\n", t, (double)r->of[t].lo, (double)r->of[t].hi,
                (double)r->of[t].lo, (double)r->of[t].hi);
    }
    const bool good = !ferror(file);
    return fclose(file) == 0 && good;
}
