/* Pictures to classify: 8-bit samples, channels last. */
#ifndef HEW_NET_PICTURES_H
#define HEW_NET_PICTURES_H

#include <stdbool.h>
#include <stdint.h>

struct pictures {
    int count, h, w, c;
    uint8_t *pixels;        /* count * h * w * c */
    uint8_t *labels;        /* the right class of each, or NULL */
    float *logits;          /* count * classes recorded results, or NULL */
    int classes;
    char error[256];
};

/* The .bin format of README.md: pictures, labels and recorded logits. */
bool pictures_read(struct pictures *p, const char *path);

/* The pictures of an MNIST-like dataset in `folder`: idx files, plain or .gz.  The set's name is
 * "t10k" for the 10,000 test pictures, "train" for those to train with. */
bool pictures_read_idx(struct pictures *p, const char *folder, const char *set);

/* One binary PPM, scaled to h x w from the largest centred rectangle of that shape. */
bool pictures_read_ppm(struct pictures *p, const char *path, int h, int w, int c, bool bgr);

const uint8_t *picture(const struct pictures *p, int i);
void pictures_free(struct pictures *p);

#endif
