#include "pictures.h"

#include "graph.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXTENT 16384

static bool fail(struct pictures *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct pictures *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error, sizeof p->error, format, args);
    va_end(args);
    return false;
}

void pictures_free(struct pictures *p)
{
    free(p->pixels);
    free(p->labels);
    free(p->logits);
    *p = (struct pictures){ .count = 0 };
}

const uint8_t *picture(const struct pictures *p, int i)
{
    return p->pixels + (size_t)i * (size_t)p->h * (size_t)p->w * (size_t)p->c;
}

static void *copy(const uint8_t *from, size_t size)
{
    void *to = malloc(size + 1);
    if (to != NULL)
        memcpy(to, from, size);
    return to;
}

/* ------------------------------------------------------------------------------- .bin ----- */

#define MAGIC "hewpics1"

static bool decode_pictures(struct pictures *p, const uint8_t *bytes, size_t size)
{
    uint32_t word[5];       /* count, h, w, c, classes */
    const size_t header = 8 + sizeof word;
    if (size < header || memcmp(bytes, MAGIC, 8) != 0)
        return false;
    memcpy(word, bytes + 8, sizeof word);
    for (int i = 0; i < 5; i++)
        if (word[i] == 0 || word[i] > MAX_EXTENT)
            return false;
    const size_t labels = word[0], logits = 4 * labels * word[4];
    const size_t pixels = labels * word[1] * word[2];       /* < 2^42, and c below */
    if (size != header + labels + pixels * word[3] + logits)
        return false;
    p->count = (int)word[0];
    p->h = (int)word[1], p->w = (int)word[2], p->c = (int)word[3];
    p->classes = (int)word[4];
    p->labels = copy(bytes + header, labels);
    p->pixels = copy(bytes + header + labels, pixels * word[3]);
    p->logits = copy(bytes + size - logits, logits);
    return p->labels && p->pixels && p->logits;
}

bool pictures_read(struct pictures *p, const char *path)
{
    *p = (struct pictures){ .count = 0 };
    size_t size;
    uint8_t *bytes = net_read_file(path, &size);
    if (bytes == NULL)
        return fail(p, "%s: %s", path, strerror(errno));
    const bool good = decode_pictures(p, bytes, size);
    free(bytes);
    return good ? true : fail(p, "%s: not a file of pictures, or a damaged one", path);
}

/* ---------------------------------------------------------------------------------- idx ----- */

/* An idx file of bytes: 0 0 8 rank, then big-endian extents.  `rank` of them, in `dims`. */
static uint8_t *read_idx(const char *folder, const char *name, int rank, int *dims)
{
    char path[1024], command[1100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    const bool plain = file != NULL;
    if (!plain) {
        /* The name goes to a shell: nothing but a plain path. */
        if (strcspn(path, "'\\") != strlen(path))
            return NULL;
        snprintf(command, sizeof command, "gzip -dc '%s.gz' 2>/dev/null", path);
        if ((file = popen(command, "r")) == NULL)
            return NULL;
    }
    uint8_t head[16], *data = NULL;
    size_t size = 1;
    bool good = fread(head, 1, 4, file) == 4 && head[2] == 8 && head[3] == rank
                && fread(head, 4, (size_t)rank, file) == (size_t)rank;
    for (int i = 0; good && i < rank; i++) {
        const uint8_t *b = head + 4 * i;
        dims[i] = b[0] ? 0 : b[1] << 16 | b[2] << 8 | b[3];
        good = dims[i] > 0 && size * (size_t)dims[i] < (size_t)1 << 31;
        size *= (size_t)dims[i];
    }
    if (good && (data = malloc(size)) != NULL && fread(data, 1, size, file) != size) {
        free(data);
        data = NULL;
    }
    (void)(plain ? fclose(file) : pclose(file));
    return data;
}

bool pictures_read_idx(struct pictures *p, const char *folder, const char *set)
{
    *p = (struct pictures){ .c = 1 };
    int dims[3], labels;
    char images[64], classes[64];
    snprintf(images, sizeof images, "%s-images-idx3-ubyte", set);
    snprintf(classes, sizeof classes, "%s-labels-idx1-ubyte", set);
    p->pixels = read_idx(folder, images, 3, dims);
    p->labels = read_idx(folder, classes, 1, &labels);
    if (p->pixels == NULL || p->labels == NULL || labels != dims[0]) {
        pictures_free(p);
        return fail(p, "no %s pictures in %s", set, folder);
    }
    p->count = dims[0];
    p->h = dims[1];
    p->w = dims[2];
    return true;
}

/* ---------------------------------------------------------------------------------- ppm ----- */

/* A decimal number of a PPM header, after white space and comments; -1 where there is none. */
static int header_number(const uint8_t **at, const uint8_t *end)
{
    while (*at < end && (strchr(" \t\r\n", **at) || **at == '#'))
        if (*(*at)++ == '#')
            while (*at < end && **at != '\n')
                ++*at;
    int value = -1;
    for (; *at < end && **at >= '0' && **at <= '9' && value <= MAX_EXTENT; ++*at)
        value = (value < 0 ? 0 : value) * 10 + (**at - '0');
    return value;
}

/* Channel i of c at a position between the samples of an RGB picture, bilinearly. */
static float sample(const uint8_t *rgb, int width, int height, float y, float x, int channel)
{
    const float cy = y < 0 ? 0 : y > (float)(height - 1) ? (float)(height - 1) : y;
    const float cx = x < 0 ? 0 : x > (float)(width - 1) ? (float)(width - 1) : x;
    const int y0 = (int)cy, x0 = (int)cx;
    const int y1 = y0 + 1 < height ? y0 + 1 : y0, x1 = x0 + 1 < width ? x0 + 1 : x0;
    const float fy = cy - (float)y0, fx = cx - (float)x0;
    const uint8_t *a = rgb + 3 * (size_t)y0 * (size_t)width + channel;
    const uint8_t *b = rgb + 3 * (size_t)y1 * (size_t)width + channel;
    const float top = (float)a[3 * x0] * (1 - fx) + (float)a[3 * x1] * fx;
    const float low = (float)b[3 * x0] * (1 - fx) + (float)b[3 * x1] * fx;
    return top * (1 - fy) + low * fy;
}

static void scale(struct pictures *p, const uint8_t *rgb, int width, int height, bool bgr)
{
    /* Source samples for one of ours: the smaller ratio, so that the crop fits inside. */
    const float ry = (float)height / (float)p->h, rx = (float)width / (float)p->w;
    const float step = ry < rx ? ry : rx;
    const float y0 = 0.5f * ((float)height - step * (float)p->h);
    const float x0 = 0.5f * ((float)width - step * (float)p->w);
    uint8_t *to = p->pixels;
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            float v[3];
            for (int i = 0; i < 3; i++)
                v[i] = sample(rgb, width, height, y0 + ((float)y + 0.5f) * step - 0.5f,
                              x0 + ((float)x + 0.5f) * step - 0.5f, i);
            if (p->c == 1) {
                *to++ = (uint8_t)(0.299f * v[0] + 0.587f * v[1] + 0.114f * v[2] + 0.5f);
                continue;
            }
            for (int i = 0; i < 3; i++)
                *to++ = (uint8_t)(v[bgr ? 2 - i : i] + 0.5f);
        }
}

bool pictures_read_ppm(struct pictures *p, const char *path, int h, int w, int c, bool bgr)
{
    *p = (struct pictures){ .count = 1, .h = h, .w = w, .c = c };
    if (c != 1 && c != 3)
        return fail(p, "the net reads %d channels: pictures give 1 or 3", c);
    size_t size;
    uint8_t *bytes = net_read_file(path, &size);
    if (bytes == NULL)
        return fail(p, "%s: %s", path, strerror(errno));
    const uint8_t *at = bytes + 2, *end = bytes + size;
    const bool magic = size > 2 && memcmp(bytes, "P6", 2) == 0;
    const int width = magic ? header_number(&at, end) : -1;
    const int height = magic ? header_number(&at, end) : -1;
    const int most = magic ? header_number(&at, end) : -1;
    bool good = width > 0 && width <= MAX_EXTENT && height > 0 && height <= MAX_EXTENT
                && most == 255 && at < end
                && (size_t)(end - at - 1) >= 3 * (size_t)width * (size_t)height;
    p->pixels = good ? malloc((size_t)h * (size_t)w * (size_t)c) : NULL;
    if (p->pixels != NULL)
        scale(p, at + 1, width, height, bgr);
    free(bytes);
    return p->pixels ? true : fail(p, "%s: not a binary 8-bit PPM, or cut short", path);
}
