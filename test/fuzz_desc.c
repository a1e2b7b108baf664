/* The fuzzer's entry, and the operations that are one call. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -------------------------------------------------------------------- reorder ---- */

typedef struct reorder_case {
    hew_reorder_desc d;
    size_t in;
    const hew_threads *threads;
} reorder_case;

static hew_status run_reorder(const void *what, void *out)
{
    const reorder_case *c = what;
    void *in = out == NULL ? NULL : fuzz_elements(c->d.in_type, c->in, 1);
    const hew_status status = hew_reorder(&c->d, in, out, c->threads);
    fuzz_unfloats(in);
    return status;
}

/* Rows and columns of an image in a layout. */
static size_t image_floats(const hew_reorder_desc *d, hew_layout layout, int64_t stride)
{
    const bool last = layout == HEW_CHANNELS_LAST;
    const int64_t rows = last ? d->pixels : d->channels, columns = last ? d->channels : d->pixels;
    const int64_t batch = d->batch == 0 ? 1 : d->batch < 0 ? 0 : d->batch;
    if (rows < 0 || rows > FUZZ_MOST_FLOATS || batch > 8)
        return FUZZ_MOST_FLOATS + 1;
    if (layout == HEW_BLOCKS_OF_8 || layout == HEW_BLOCKS_OF_16) {
        const int64_t block = layout == HEW_BLOCKS_OF_8 ? 8 : 16;
        if (columns < 0 || columns > FUZZ_MOST_FLOATS)
            return FUZZ_MOST_FLOATS + 1;
        return fuzz_span(1, 0, batch * ((rows + block - 1) / block), columns * block,
                         columns * block);
    }
    return fuzz_span(1, 0, batch * rows, fuzz_or_dense(stride, columns), columns);
}

void fuzz_reorder(fuzz_bytes *in)
{
    reorder_case c = {.d =
                          HEW_REORDER_DESC(.pixels = fuzz_extent(in), .channels = fuzz_extent(in))};
    hew_reorder_desc *d = &c.d;
    static const hew_type types[] = {HEW_F32, HEW_F32, HEW_BF16, HEW_F16};
    const unsigned pair = fuzz_byte(in) % 16;
    d->in_type = fuzz_one_in(in, 50) ? fuzz_type(in) : types[pair % 4];
    d->out_type = fuzz_one_in(in, 50) ? fuzz_type(in) : types[pair / 4];
    d->from = (hew_layout)(fuzz_byte(in) % 9 % 5), d->to = (hew_layout)(fuzz_byte(in) % 9 % 5);
    d->batch = fuzz_one_in(in, 3) ? fuzz_small(in, 4) : 0;
    d->in_stride = fuzz_stride(in, d->from == HEW_CHANNELS_LAST ? d->channels : d->pixels);
    d->out_stride = fuzz_stride(in, d->to == HEW_CHANNELS_LAST ? d->channels : d->pixels);
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    c.in = image_floats(d, d->from, d->in_stride);
    const size_t out = image_floats(d, d->to, d->out_stride);
    fuzz_on_every_rung(run_reorder, &c, d->out_type, out,
                       c.in <= FUZZ_MOST_FLOATS && out <= FUZZ_MOST_FLOATS);
}

typedef struct weights_case {
    hew_reorder_weights_desc d;
    size_t in;
    const hew_threads *threads;
} weights_case;

static hew_status run_weights(const void *what, void *out)
{
    const weights_case *c = what;
    void *in = out == NULL ? NULL : fuzz_elements(c->d.type, c->in, 1);
    const hew_status status = hew_reorder_weights(&c->d, in, out, c->threads);
    fuzz_unfloats(in);
    return status;
}

void fuzz_weights(fuzz_bytes *in)
{
    weights_case c = {.d = HEW_REORDER_WEIGHTS_DESC(.out_channels = fuzz_extent(in),
                                                    .in_channels = fuzz_extent(in),
                                                    .taps = fuzz_small(in, 10))};
    hew_reorder_weights_desc *d = &c.d;
    d->type = fuzz_type(in);
    d->from_blocks = fuzz_one_in(in, 2);
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    const bool empty = d->out_channels <= 0 || d->in_channels <= 0 || d->taps <= 0;
    const int64_t o = d->out_channels / 16 + 1, i = d->in_channels / 16 + 1;
    const size_t blocks = empty ? 0 : fuzz_span(1, 0, o * 16, i * 16 * d->taps, i * 16 * d->taps);
    c.in = blocks;
    fuzz_on_every_rung(run_weights, &c, d->type, blocks, blocks <= FUZZ_MOST_FLOATS);
}

/* --------------------------------------------------------------------------- elementwise ---- */

typedef struct binary_case {
    hew_binary_desc d;
    size_t a, b; /* elements */
    bool in_place;
    const hew_threads *threads;
} binary_case;

static hew_status run_binary(const void *what, void *out)
{
    const binary_case *c = what;
    void *a = out == NULL ? NULL : fuzz_elements(c->d.a_type, c->a, 1);
    void *b = out == NULL ? NULL : fuzz_elements(c->d.b_type, c->b, 2);
    const hew_status status = hew_binary(&c->d, c->in_place ? out : a, b, out, c->threads);
    fuzz_unfloats(a);
    fuzz_unfloats(b);
    return status;
}

static size_t matrix_elements(const hew_binary_desc *d, int64_t stride)
{
    return fuzz_span(1, 0, d->rows, fuzz_or_dense(stride, d->columns), d->columns);
}

static hew_type fuzz_element(fuzz_bytes *in)
{
    return fuzz_one_in(in, 3) ? fuzz_type(in) : fuzz_one_in(in, 2) ? HEW_U8 : HEW_S8;
}

void fuzz_binary(fuzz_bytes *in)
{
    binary_case c = {.d = HEW_BINARY_DESC(.rows = fuzz_extent(in), .columns = fuzz_extent(in))};
    hew_binary_desc *d = &c.d;
    d->kind = fuzz_one_in(in, 100) ? (hew_binary_kind)fuzz_byte(in) : HEW_BINARY_ADD;
    d->a_type = fuzz_element(in), d->b_type = fuzz_element(in), d->c_type = fuzz_element(in);
    d->a_scale = fuzz_scale(in), d->b_scale = fuzz_scale(in);
    d->c_scale = d->c_type == HEW_F32 ? 0 : fuzz_scale(in);
    d->a_zero = fuzz_zero(in, d->a_type), d->b_zero = fuzz_zero(in, d->b_type);
    d->c_zero = fuzz_zero(in, d->c_type);
    d->a_stride = fuzz_stride(in, d->columns), d->b_stride = fuzz_stride(in, d->columns);
    d->c_stride = fuzz_stride(in, d->columns);
    d->act = fuzz_activation(in);
    d->size -= fuzz_one_in(in, 100);
    c.threads = fuzz_threads(in);
    c.in_place = fuzz_one_in(in, 3);
    if (c.in_place)
        d->a_type = d->c_type, d->a_stride = d->c_stride, d->a_zero = d->c_zero;
    c.a = matrix_elements(d, d->a_stride);
    c.b = matrix_elements(d, d->b_stride);
    const size_t out = matrix_elements(d, d->c_stride);
    const bool fits =
        c.a <= FUZZ_MOST_FLOATS && c.b <= FUZZ_MOST_FLOATS && out <= FUZZ_MOST_FLOATS;
    fuzz_on_every_rung(run_binary, &c, d->c_type, out, fits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const operations[])(fuzz_bytes *) = {
        fuzz_gemm,   fuzz_conv,       fuzz_pooling,      fuzz_softmax, fuzz_reorder,
        fuzz_binary, fuzz_layer_norm, fuzz_channel_norm, fuzz_lrn, fuzz_chain,
        fuzz_reduce, fuzz_order,      fuzz_random,       fuzz_move,    fuzz_resample,
        fuzz_weights};
    fuzz_bytes in = {data, size};
    operations[fuzz_byte(&in) % (sizeof operations / sizeof operations[0])](&in);
    return 0;
}
