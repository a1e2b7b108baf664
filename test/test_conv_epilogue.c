/* Convolution: what happens around the sum - epilogue, values, strides, batches, threads. */
#include "conv_case.h"

#include <stdlib.h>

/* One of each way to compute a convolution, with tails. */
static const hew_conv_desc shapes[] = {
    {.in = {5, 7}, .in_c = 19, .out_c = 21, .kernel = {1, 1}},
    {.in = {6, 5}, .in_c = 12, .out_c = 37, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
    {.in = {9, 8}, .in_c = 3, .out_c = 17, .kernel = {5, 5}, .stride = {2, 2}, .pad_lo = {2, 2},
     .pad_hi = {1, 2}},
    {.in = {6, 7}, .in_c = 21, .out_c = 21, .groups = 21, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {6, 7}, .in_c = 9, .out_c = 18, .groups = 9, .kernel = {3, 3}, .pad_lo = {0, 1},
     .pad_hi = {1, 0}, .stride = {1, 2}},
    {.in = {5, 5}, .in_c = 24, .out_c = 12, .groups = 4, .kernel = {3, 3}, .pad_lo = {1, 1},
     .pad_hi = {1, 1}},
    {.in = {3, 4}, .in_c = 200, .out_c = 18, .kernel = {3, 3}, .pad_lo = {1, 1}, .pad_hi = {1, 1}},
    {.in = {3, 4, 5}, .in_c = 6, .out_c = 10, .kernel = {2, 3, 3}, .pad_lo = {1, 1, 1},
     .pad_hi = {0, 1, 1}},
    {.in = {23}, .in_c = 5, .out_c = 34, .kernel = {4}, .dilation = {2}, .pad_lo = {3}},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static conv_case case_of(int shape)
{
    conv_case g = {.d = shapes[shape]};
    g.d.size = sizeof g.d;
    return g;
}

static void scale_bias_residual(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 0; bits < 8; bits++)
            for (int kind = NO_RESIDUAL; kind <= RESIDUAL_IN_PLACE; kind++) {
                conv_case g = case_of(s);
                g.scale = bits & 1;
                g.bias = bits & 2;
                g.d.act.kind = bits & 4 ? HEW_ACT_RELU : HEW_ACT_NONE;
                g.residual = (residual_kind)kind;
                check_conv(&g);
            }
}

static void activations(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int kind = 0; kind < HEW_ACT_COUNT; kind++)
            for (int more = 0; more < 2; more++) {
                conv_case g = case_of(s);
                g.d.act.kind = (hew_act_kind)kind;
                g.bias = true;
                g.residual = more ? RESIDUAL : NO_RESIDUAL;
                check_conv(&g);
            }
}

/* Slices of wider tensors. */
static void strides(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 1; bits < 8; bits++)
            for (int kind = NO_RESIDUAL; kind <= RESIDUAL_IN_PLACE; kind++) {
                conv_case g = case_of(s);
                g.d.batch = 2;
                g.d.in_stride = bits & 1 ? g.d.in_c + 5 : 0;
                g.d.out_stride = bits & 2 ? g.d.out_c + 11 : 0;
                g.residual = (residual_kind)kind;
                g.d.residual_stride = bits & 4 && kind == RESIDUAL ? g.d.out_c + 3 : 0;
                check_conv(&g);
            }
}

/* Taps in the padding are left out: 0 * Inf must not show up.  And all the rest of the floats. */
static void values(void)
{
    static const fill fills[][3] = {{FILL_INTS, FILL_INTS, FILL_INTS},
                                    {FILL_SPECIALS, FILL_MIXED, FILL_MIXED},
                                    {FILL_MIXED, FILL_SPECIALS, FILL_MIXED},
                                    {FILL_SPECIALS, FILL_SPECIALS, FILL_SPECIALS},
                                    {FILL_DENORMALS, FILL_MIXED, FILL_DENORMALS},
                                    {FILL_DENORMALS, FILL_DENORMALS, FILL_DENORMALS},
                                    {FILL_ZEROS, FILL_MIXED, FILL_ZEROS},
                                    {FILL_MIXED, FILL_ZEROS, FILL_MIXED},
                                    {FILL_MIXED, FILL_NANS, FILL_MIXED},
                                    {FILL_NANS, FILL_NANS, FILL_NANS}};
    for (int s = 0; s < SHAPES; s++)
        for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++)
            for (int bits = 0; bits < 8; bits++) {
                conv_case g = case_of(s);
                g.in = fills[f][0];
                g.weights = fills[f][1];
                g.rest = fills[f][2];
                g.nans = g.weights == FILL_NANS ? NAN_ANY : NAN_BITS;
                g.scale = bits & 1;
                g.bias = bits & 2;
                g.residual = bits & 4 ? RESIDUAL : NO_RESIDUAL;
                g.d.act.kind = bits == 3 ? HEW_ACT_CLIP : HEW_ACT_NONE;
                check_conv(&g);
            }
}

/* The same, with windows that lie in the padding with all of their taps. */
static void values_in_padding(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int f = 0; f < 4; f++) {
            static const fill fills[] = {FILL_NANS, FILL_SPECIALS, FILL_ZEROS, FILL_MIXED};
            conv_case g = case_of(s);
            for (int i = 0; i < 3 && g.d.kernel[i]; i++) {
                g.d.pad_lo[i] += g.d.kernel[i] + 1;
                g.d.pad_hi[i] += 2;
            }
            g.weights = fills[f];
            g.in = f == 3 ? FILL_ZEROS : FILL_MIXED;
            g.rest = f >= 2 ? FILL_ZEROS : FILL_MIXED;
            g.nans = f ? NAN_BITS : NAN_ANY;
            g.bias = f >= 2;
            g.threads = true;
            check_conv(&g);
        }
}

static void batches(void)
{
    static const int64_t counts[] = {-1, 1, 2, 3, 7};
    for (int s = 0; s < SHAPES; s++)
        for (int c = 0; c < 5; c++) {
            conv_case g = case_of(s);
            g.d.batch = counts[c];
            g.bias = true;
            g.threads = c == 3;
            check_conv(&g);
        }
}

/* Member i of a batch has the bits that it has alone. */
static void batch_position(void)
{
    for (int s = 0; s < SHAPES; s++) {
        enum { MEMBERS = 5 };
        rng r = case_rng("equal members of shape %d", s);
        hew_conv_desc d = case_of(s).d;
        d.batch = MEMBERS;
        hew_conv *op;
        check_status(hew_conv_create(&op, &d), HEW_OK);
        const conv_layouts l = conv_layouts_of(&d);
        const size_t member = (size_t)l.in.outer_stride;
        float *in = malloc(sizeof *in * layout_span(l.in));
        float *w = malloc(sizeof *w * layout_span(l.weights));
        float *out = malloc(sizeof *out * layout_span(l.out));
        fill_f32(&r, in, member, FILL_MIXED);
        for (size_t i = member; i < layout_span(l.in); i++)
            in[i] = in[i - member];
        fill_f32(&r, w, layout_span(l.weights), FILL_MIXED);
        const hew_threads *threads = pool_of(3);
        void *packed = hew_alloc(hew_conv_packed_size(op));
        void *scratch = hew_alloc(hew_conv_scratch_size(op, threads->count));
        check_status(hew_conv_pack(op, w, packed), HEW_OK);
        check_status(hew_conv_run(op, &HEW_CONV_ARGS(.in = in, .packed = packed, .out = out,
                                                     .scratch = scratch, .threads = threads)),
                     HEW_OK);
        layout one = l.out;
        one.outer = 1;
        for (int i = 1; i < MEMBERS; i++)
            check_bits("a later member", out, out + i * l.out.outer_stride, one, NAN_BITS);
        hew_free(packed);
        hew_free(scratch);
        hew_conv_destroy(op);
        free(in);
        free(w);
        free(out);
    }
}

static void threads(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int scale = 1; scale <= 3; scale += 2) {
            conv_case g = case_of(s);
            for (int i = 0; i < 3 && g.d.kernel[i]; i++)
                g.d.in[i] *= scale;
            g.bias = g.threads = true;
            g.residual = RESIDUAL_IN_PLACE;
            g.d.act.kind = scale == 1 ? HEW_ACT_SILU : HEW_ACT_RELU;
            check_conv(&g);
        }
}

int main(void)
{
    static const test tests[] = {
        {"scale_bias_residual", scale_bias_residual}, {"activations", activations},
        {"strides", strides}, {"values", values}, {"values_in_padding", values_in_padding},
        {"batches", batches}, {"batch_position", batch_position}, {"threads", threads},
    };
    return run_on_rungs("conv_f32", HEW_FAMILY_gemm_f32, TESTS(tests));
}
