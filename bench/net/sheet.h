/* What the tools print: contact sheets and the table of layers. */
#ifndef HEW_NET_SHEET_H
#define HEW_NET_SHEET_H

#include "graph.h"
#include "pictures.h"

/* Half-block pictures with their predicted classes, as many as fit beside and below each other. */
void sheet_terminal(const struct net *net, const struct pictures *p, const int *guess, int most);

/* The predicted classes alone, ten in a row; the wrong ones begin with an exclamation mark. */
void sheet_text(const struct net *net, const struct pictures *p, const int *guess);

/* All pictures, thrice enlarged, with their class on green where it is right, else on red. */
bool sheet_ppm(const struct net *net, const struct pictures *p, const int *guess,
               const char *path);

/* A line for each layer of a net that net_time has timed: shape, kernel, time, rate, % of peak. */
void sheet_layers(const struct net *net);

/* The name of a class, or its number in digits. */
const char *sheet_class(const struct net *net, int class, char digits[16]);

/* The index of the largest score. */
int sheet_best(const float *scores, int count);

#endif
