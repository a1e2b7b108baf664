#include "sheet.h"

#include "types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *sheet_class(const struct net *net, int class, char digits[16])
{
    if (class < net->class_count)
        return net->classes[class];
    snprintf(digits, 16, "%d", class);
    return digits;
}

int sheet_best(const float *scores, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

static bool wrong(const struct pictures *p, const int *guess, int i)
{
    return p->labels != NULL && guess[i] != p->labels[i];
}

/* ----------------------------------------------------------------------------- terminal ----- */

#define CELL 14     /* characters across; 7 lines of two half blocks down */

/* The mean brightness of the part of picture i that the small square (y, x) of 14 x 14 covers. */
static int brightness(const struct pictures *p, int i, int y, int x)
{
    const uint8_t *pixels = picture(p, i);
    const int y0 = y * p->h / CELL, y1 = (y + 1) * p->h / CELL;
    const int x0 = x * p->w / CELL, x1 = (x + 1) * p->w / CELL;
    int sum = 0, count = 0;
    for (int v = y0; v < y1 || v == y0; v++)
        for (int u = x0; u < x1 || u == x0; u++)
            for (int c = 0; c < p->c; c++, count++)
                sum += pixels[(v * p->w + u) * p->c + c];
    return sum / count;
}

/* A line of one picture: the upper square as the block's colour, the lower as its background. */
static void print_line(const struct pictures *p, int i, int line)
{
    for (int x = 0; x < CELL; x++)
        printf("\033[38;5;%d;48;5;%dm\u2580", 232 + brightness(p, i, 2 * line, x) * 23 / 255,
               232 + brightness(p, i, 2 * line + 1, x) * 23 / 255);
    printf("\033[0m  ");
}

void sheet_terminal(const struct net *net, const struct pictures *p, const int *guess, int most)
{
    struct winsize size;
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= CELL + 2;
    const int across = (known ? size.ws_col : 80) / (CELL + 2);
    for (int first = 0; first < p->count && first < most; first += across) {
        int end = first + across < p->count ? first + across : p->count;
        end = end < most ? end : most;
        for (int line = 0; line < CELL / 2; line++) {
            for (int i = first; i < end; i++)
                print_line(p, i, line);
            printf("\n");
        }
        for (int i = first; i < end; i++) {
            char digits[16];
            printf("\033[%dm%-*.*s\033[0m  ", wrong(p, guess, i) ? 31 : 32, CELL, CELL,
                   sheet_class(net, guess[i], digits));
        }
        printf("\n\n");
    }
}

void sheet_text(const struct net *net, const struct pictures *p, const int *guess)
{
    for (int i = 0; i < p->count; i++) {
        char digits[16];
        printf("%c%-10.10s%s", wrong(p, guess, i) ? '!' : ' ', sheet_class(net, guess[i], digits),
               i % 10 == 9 || i + 1 == p->count ? "\n" : "");
    }
}

/* ---------------------------------------------------------------------------------- ppm ----- */

#define ZOOM 3
#define LABEL 16    /* pixels below each picture */

struct canvas {
    int w, h;
    uint8_t *rgb;
};

static void dot(struct canvas *to, int y, int x, int r, int g, int b)
{
    if (y < 0 || x < 0 || y >= to->h || x >= to->w)
        return;
    uint8_t *at = to->rgb + 3 * ((size_t)y * (size_t)to->w + (size_t)x);
    at[0] = (uint8_t)r, at[1] = (uint8_t)g, at[2] = (uint8_t)b;
}

/* Capitals of 3 x 5 dots; an octal digit is a row. */
static const uint16_t letters[26] = {
    025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227,     /* A - I */
    011152, 055655, 044447, 057555, 057775, 025552, 065644, 025563, 065655,     /* J - R */
    034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247,             /* S - Z */
};

static void draw_text(struct canvas *to, int y, int x, const char *text)
{
    for (; *text; text++, x += 8) {
        const int c = toupper((unsigned char)*text);
        const int dots = c >= 'A' && c <= 'Z' ? letters[c - 'A'] : c == '-' ? 000700 : 0;
        for (int v = 0; v < 10; v++)
            for (int u = 0; u < 6; u++)
                if (dots >> (3 * (4 - v / 2) + 2 - u / 2) & 1)
                    dot(to, y + v, x + u, 255, 255, 255);
    }
}

static void draw_picture(struct canvas *to, int top, int left, const struct pictures *p, int i)
{
    const uint8_t *pixels = picture(p, i);
    for (int y = 0; y < p->h * ZOOM; y++)
        for (int x = 0; x < p->w * ZOOM; x++) {
            const uint8_t *v = pixels + ((y / ZOOM) * p->w + x / ZOOM) * p->c;
            dot(to, top + y, left + x, v[0], v[p->c == 3 ? 1 : 0], v[p->c == 3 ? 2 : 0]);
        }
}

static void draw_cell(struct canvas *to, int top, int left, const struct net *net,
                      const struct pictures *p, const int *guess, int i)
{
    const bool bad = wrong(p, guess, i);
    char digits[16];
    draw_picture(to, top, left, p, i);
    for (int y = 0; y < LABEL - 2; y++)
        for (int x = 0; x < p->w * ZOOM; x++)
            dot(to, top + p->h * ZOOM + y, left + x, bad ? 190 : 20, bad ? 30 : 110, 40);
    draw_text(to, top + p->h * ZOOM + 2, left + 3, sheet_class(net, guess[i], digits));
}

bool sheet_ppm(const struct net *net, const struct pictures *p, const int *guess,
               const char *path)
{
    const int cell_w = p->w * ZOOM + 2, cell_h = p->h * ZOOM + LABEL, rows = (p->count + 9) / 10;
    struct canvas to = { .w = 10 * cell_w, .h = rows * cell_h };
    const size_t size = 3 * (size_t)to.w * (size_t)to.h;
    to.rgb = calloc(size, 1);
    FILE *file = to.rgb ? fopen(path, "wb") : NULL;
    bool good = file != NULL;
    for (int i = 0; good && i < p->count; i++)
        draw_cell(&to, i / 10 * cell_h, i % 10 * cell_w, net, p, guess, i);
    if (good) {
        fprintf(file, "P6\n%d %d\n255\n", to.w, to.h);
        good = fwrite(to.rgb, 1, size, file) == size;
        good = fclose(file) == 0 && good;
    }
    free(to.rgb);
    return good;
}

/* ------------------------------------------------------------------------------- layers ----- */

static const char *op_name(const struct net *net, const struct net_layer *l)
{
    switch (l->op) {
    case NET_CONV:
        return l->groups > 1 && l->groups == net->tensors[l->in[0]].c ? "dwconv"
               : l->in_count == 2 ? "conv+add" : "conv";
    case NET_MAXPOOL:
        return "maxpool";
    case NET_AVGPOOL:
        return "avgpool";
    case NET_GLOBAL_AVGPOOL:
        return "mean";
    case NET_CONCAT:
        return "concat";
    case NET_SOFTMAX:
        return "softmax";
    case NET_LINEAR:
        return "linear";
    default:
        return "?";
    }
}

static void print_shape(const struct net *net, const struct net_layer *l)
{
    const struct net_tensor *in = &net->tensors[l->in[0]], *out = &net->tensors[l->out];
    char shape[96];
    int n = l->op == NET_CONCAT ? snprintf(shape, sizeof shape, "%d parts", l->in_count)
                                : snprintf(shape, sizeof shape, "%dx%dx%d", in->h, in->w, in->c);
    n += snprintf(shape + n, sizeof shape - (size_t)n, " -> %dx%dx%d", out->h, out->w, out->c);
    if (l->op == NET_CONV || l->op == NET_MAXPOOL || l->op == NET_AVGPOOL)
        snprintf(shape + n, sizeof shape - (size_t)n, "  %dx%d/%d", l->kernel[0], l->kernel[1],
                 l->stride[0]);
    printf("%-42s ", shape);
}

void sheet_layers(const struct net *net)
{
    const double threads = net->threads ? (double)net->threads->count : 1.0;
    const double peak = net->type->peak() * threads;
    double ops = 0.0;
    printf("%-3s %-8s %-42s %-33s %9s %8s %6s\n", "#", "op", "shape", "kernel", "us",
           net->type->unit, "% peak");
    for (int i = 0; i < net->layer_count; i++) {
        const struct net_layer *l = &net->layers[i];
        printf("%-3d %-8s ", i + 1, op_name(net, l));
        print_shape(net, l);
        printf("%-33s %9.1f", net_layer_kernel(net, l), l->seconds * 1e6);
        const double rate = net_layer_ops(net, l) / l->seconds * 1e-9;
        if (rate > 0.0)
            printf(" %8.1f", rate);
        if (rate > 0.0 && net_type_of(net, l) == net->type)
            printf(" %5.0f%%", 100.0 * rate / peak);
        printf("\n");
        ops += net_layer_ops(net, l);
    }
    const double rate = ops / net->seconds * 1e-9;
    printf("all of it, batch %d: %.1f us, %.1f %s, %.0f %% of a peak of %.0f\n", net->batch,
           net->seconds * 1e6, rate, net->type->unit, 100.0 * rate / peak, peak);
}
