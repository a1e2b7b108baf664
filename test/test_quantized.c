/* From floats to integers: the worked example of docs/quantization.md, number by number, and a
 * network of two layers that is calibrated, folded, quantised and corrected as that page says. */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------ a worked example ---- */

static const float x[4] = {0.6f, -0.35f, 1.27f, 0.04f};
static const float w[8] = {0.5f, -1.27f, 0.3f, 0.8f, 0.02f, 0.1f, -0.254f, 0.05f};
static const float bias[2] = {0.1f, 0.2f};

/* One row times the two channels of w, as they are stored. */
static void product(hew_gemm_desc d, hew_gemm_args args)
{
    hew_gemm *op;
    d.size = sizeof d;
    d.m = 1;
    d.n = 2;
    d.k = 4;
    d.transpose_b = true;
    d.b_packed = true;
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    void *packed = hew_alloc(hew_gemm_packed_size(op));
    args.size = sizeof args;
    args.packed_b = packed;
    args.scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    check_status(hew_gemm_pack(op, args.b, packed), HEW_OK);
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_free(packed), hew_free(args.scratch);
    hew_gemm_destroy(op);
}

static void check_near(const char *what, double want, float got)
{
    if (!(fabs((double)got - want) <= 1e-6))
        fail_case("%s is %.9g, want %g", what, (double)got, want);
}

static void example(void)
{
    static const uint8_t want_x[] = {139, 20, 223, 69}, want_y[] = {156, 30};
    static const int8_t want_w[] = {50, -127, 30, 80, 10, 50, -127, 25};
    static const int32_t want_sums[] = {14508, -21518};
    case_rng("the input");
    float x_scale, w_scale[2];
    int32_t x_zero;
    check_status(hew_scale_of_range(HEW_U8, false, -0.512f, 1.528f, &x_scale, &x_zero), HEW_OK);
    check_near("x's scale", 0.008, x_scale);
    assert_int_equal(x_zero, 64);
    uint8_t qx[4], y[2], x_zero_u8 = (uint8_t)x_zero;
    check_status(hew_quantize(&HEW_QUANTIZE_DESC(.type = HEW_U8, .inner = 4, .scale = &x_scale,
                                                 .zero = &x_zero_u8),
                              x, qx, NULL),
                 HEW_OK);
    check_elements("x", HEW_U8, want_x, qx, layout_of(1, 4, 4));

    case_rng("the weights");
    int8_t qw[8];
    check_status(hew_quantize_weights(&HEW_WEIGHTS_DESC(.out_c = 2, .in_c = 4, .type = HEW_S8), w,
                                      qw, w_scale, NULL),
                 HEW_OK);
    check_near("w's first scale", 0.01, w_scale[0]);
    check_near("w's second scale", 0.002, w_scale[1]);
    check_elements("w", HEW_S8, want_w, qw, layout_of(1, 8, 8));

    case_rng("sums");
    int32_t sums[2];
    product((hew_gemm_desc){.a_type = HEW_U8, .b_type = HEW_S8, .c_type = HEW_S32},
            (hew_gemm_args){.a = qx, .b = qw, .c = sums, .a_zero = x_zero});
    check_elements("sums", HEW_S32, want_sums, sums, layout_of(1, 2, 2));

    case_rng("results");
    const float scale[] = {x_scale * w_scale[0], x_scale * w_scale[1]};
    float floats[2];
    product((hew_gemm_desc){.a_type = HEW_U8, .b_type = HEW_S8},
            (hew_gemm_args){.a = qx, .b = qw, .c = floats, .a_zero = x_zero, .scale = scale,
                            .bias = bias});
    check_near("v[0]", 1.26064, floats[0]);
    check_near("v[1]", -0.144288, floats[1]);
    product((hew_gemm_desc){.a_type = HEW_U8, .b_type = HEW_S8, .c_type = HEW_U8,
                            .act.kind = HEW_ACT_RELU},
            (hew_gemm_args){.a = qx, .b = qw, .c = y, .a_zero = x_zero, .scale = scale,
                            .bias = bias, .c_scale = 0.01f, .c_zero = 30});
    check_elements("y", HEW_U8, want_y, y, layout_of(1, 2, 2));
}

/* The same row with a scale of its own, and the same weights in four bits. */
static void other_formats(void)
{
    static const int8_t want_x[] = {60, -35, 127, 4};
    static const uint8_t want_w[] = {0x93, 0x42, 0x31, 0x19};
    case_rng("dynamic");
    int8_t qx[4], qw[8];
    float x_scale, w_scale[2], y[2];
    check_status(hew_quantize_dynamic(&HEW_QUANTIZE_DYNAMIC_DESC(.kind = HEW_DYNAMIC_SYMMETRIC,
                                                                 .rows = 1, .columns = 4),
                                      x, qx, &x_scale, NULL, NULL),
                 HEW_OK);
    check_near("x's scale", 0.01, x_scale);
    check_elements("x", HEW_S8, want_x, qx, layout_of(1, 4, 4));
    hew_weights_desc d = HEW_WEIGHTS_DESC(.out_c = 2, .in_c = 4, .type = HEW_S8);
    check_status(hew_quantize_weights(&d, w, qw, w_scale, NULL), HEW_OK);
    product((hew_gemm_desc){.b_type = HEW_S8, .a_dynamic = HEW_DYNAMIC_SYMMETRIC},
            (hew_gemm_args){.a = x, .b = qw, .c = y, .scale = w_scale});
    check_near("y[0]", 1.1575, y[0]);
    check_near("y[1]", -0.34358, y[1]);

    case_rng("four bits");
    uint8_t packed[4];
    float back[8];
    d.type = HEW_S4;
    check_status(hew_quantize_weights(&d, w, packed, w_scale, NULL), HEW_OK);
    check_elements("w", HEW_U8, want_w, packed, layout_of(1, 4, 4));
    check_near("w's scale", 1.27 / 7, w_scale[0]);
    check_status(hew_dequantize_weights(&d, packed, w_scale, NULL, back), HEW_OK);
    check_near("w[0][0]", 3 * 1.27 / 7, back[0]);
    product((hew_gemm_desc){.b_type = HEW_S4},
            (hew_gemm_args){.a = x, .b = packed, .c = y, .scale = w_scale});
    check_near("y[0]", 0.6 * 3 * 1.27 / 7 + 0.35 * 1.27 + (1.27 * 2 + 0.04 * 4) * 1.27 / 7, y[0]);
}

/* ------------------------------------------------------------------------------- a network ---- */

enum { IN = 40, HIDDEN = 64, OUT = 10, SAMPLES = 400 };

typedef struct layer {
    int64_t in, out;
    float w[HIDDEN * HIDDEN], bias[HIDDEN]; /* [out][in] */
    int8_t q[HIDDEN * HIDDEN];
    float w_scale[HIDDEN], in_scale, out_scale;
    int32_t in_zero, out_zero;
} layer;

/* A batch through a layer: floats, or bytes if `quantised`. */
static void run(const layer *l, bool quantised, bool relu, const void *in, void *out)
{
    hew_gemm_desc d = HEW_GEMM_DESC(.m = SAMPLES, .n = l->out, .k = l->in, .transpose_b = true);
    d.act.kind = relu ? HEW_ACT_RELU : HEW_ACT_NONE;
    if (quantised) {
        d.a_type = d.c_type = HEW_U8;
        d.b_type = HEW_S8;
    }
    float scale[HIDDEN];
    for (int64_t j = 0; j < l->out; j++)
        scale[j] = l->in_scale * l->w_scale[j];
    hew_gemm *op;
    check_status(hew_gemm_create(&op, &d), HEW_OK);
    hew_gemm_args args = HEW_GEMM_ARGS(.a = in, .b = l->w, .c = out, .bias = l->bias);
    if (quantised) {
        args.b = l->q;
        args.scale = scale;
        args.a_zero = l->in_zero;
        args.c_zero = l->out_zero;
        args.c_scale = l->out_scale;
    }
    args.scratch = hew_alloc(hew_gemm_scratch_size(op, 1));
    check_status(hew_gemm_run(op, &args), HEW_OK);
    hew_free(args.scratch);
    hew_gemm_destroy(op);
}

static void fill_layer(rng *r, layer *l, int64_t in, int64_t out)
{
    float norm[4][HIDDEN];
    *l = (layer){.in = in, .out = out};
    for (int64_t i = 0; i < in * out; i++)
        l->w[i] = (rng_f32(r) + rng_f32(r)) / sqrtf((float)in) * (float)(1 + i / in % 7);
    for (int64_t j = 0; j < out; j++) {
        l->bias[j] = rng_f32(r);
        norm[0][j] = 1.0f + rng_f32(r) / 2, norm[1][j] = rng_f32(r) / 4;
        norm[2][j] = rng_f32(r) / 4, norm[3][j] = 2.0f + rng_f32(r);
    }
    check_status(hew_fold_batch_norm(&HEW_WEIGHTS_DESC(.out_c = out, .in_c = in),
                                     &HEW_FOLD_NORM(.gamma = norm[0], .beta = norm[1],
                                                     .mean = norm[2], .variance = norm[3]),
                                     l->w, l->bias),
                 HEW_OK);
}

static void calibrate(const float *t, int64_t elements, hew_observer_kind kind, float *scale,
                      int32_t *zero)
{
    hew_observer *o;
    check_status(hew_observer_create(&o, &HEW_OBSERVER_DESC(.kind = kind, .type = HEW_U8)), HEW_OK);
    for (int64_t i = 0; i < elements; i += elements / 8)
        check_status(hew_observer_observe(o, t + i, elements / 8), HEW_OK);
    check_status(hew_observer_result(o, scale, zero, NULL, NULL), HEW_OK);
    hew_observer_destroy(o);
}

static void quantize_layer(layer *l, const float *in, bool correct)
{
    const hew_weights_desc d = HEW_WEIGHTS_DESC(.out_c = l->out, .in_c = l->in, .type = HEW_S8);
    check_status(hew_quantize_weights(&d, l->w, l->q, l->w_scale, NULL), HEW_OK);
    if (!correct)
        return;
    double sums[HIDDEN] = {0};
    float mean[HIDDEN];
    check_status(hew_add_channel_sums(SAMPLES, l->in, 0, in, sums), HEW_OK);
    for (int64_t i = 0; i < l->in; i++)
        mean[i] = (float)(sums[i] / SAMPLES);
    check_status(hew_correct_bias(&d, l->w, l->q, l->w_scale, NULL, mean, l->bias), HEW_OK);
}

/* Signal to noise in dB, of a tensor that is back in floats. */
static double quality(const float *want, const float *got, int64_t n)
{
    double signal = 0, noise = 0;
    for (int64_t i = 0; i < n; i++) {
        signal += (double)want[i] * (double)want[i];
        noise += ((double)want[i] - (double)got[i]) * ((double)want[i] - (double)got[i]);
    }
    return 10 * log10(signal / noise);
}

static void network(void)
{
    static float in[SAMPLES * IN], hidden[SAMPLES * HIDDEN];
    static float out[SAMPLES * OUT], back[SAMPLES * OUT];
    static uint8_t q_in[SAMPLES * IN], q_hidden[SAMPLES * HIDDEN], q_out[SAMPLES * OUT];
    static layer first, second;
    for (hew_observer_kind kind = HEW_OBSERVER_MIN_MAX; kind <= HEW_OBSERVER_MSE; kind++)
        for (int correct = 0; correct < 2; correct++) {
            rng r = case_rng("observer %d, %s", (int)kind, correct ? "corrected" : "plain");
            for (int i = 0; i < SAMPLES * IN; i++)
                in[i] = rng_f32(&r) + rng_f32(&r) + 0.5f;
            fill_layer(&r, &first, IN, HIDDEN);
            fill_layer(&r, &second, HIDDEN, OUT);
            run(&first, false, true, in, hidden);
            run(&second, false, false, hidden, out);

            calibrate(in, SAMPLES * IN, kind, &first.in_scale, &first.in_zero);
            calibrate(hidden, SAMPLES * HIDDEN, kind, &first.out_scale, &first.out_zero);
            calibrate(out, SAMPLES * OUT, kind, &second.out_scale, &second.out_zero);
            second.in_scale = first.out_scale;
            second.in_zero = first.out_zero;
            quantize_layer(&first, in, correct);
            quantize_layer(&second, hidden, correct);

            const uint8_t in_zero = (uint8_t)first.in_zero, out_zero = (uint8_t)second.out_zero;
            hew_quantize_desc d = HEW_QUANTIZE_DESC(.type = HEW_U8, .inner = SAMPLES * IN,
                                                    .scale = &first.in_scale, .zero = &in_zero);
            check_status(hew_quantize(&d, in, q_in, NULL), HEW_OK);
            run(&first, true, true, q_in, q_hidden);
            run(&second, true, false, q_hidden, q_out);
            d = HEW_QUANTIZE_DESC(.type = HEW_U8, .inner = SAMPLES * OUT,
                                  .scale = &second.out_scale, .zero = &out_zero);
            check_status(hew_dequantize(&d, q_out, back, NULL), HEW_OK);
            /* 33 dB and more where the ends are kept; where they are clipped, it depends. */
            const bool keeps = kind == HEW_OBSERVER_MIN_MAX || kind == HEW_OBSERVER_MSE;
            const double db = quality(out, back, SAMPLES * OUT);
            if (!(db > (keeps ? 30 : 12)))
                fail_case("%.1f dB", db);
        }
}

int main(void)
{
    static const test tests[] = {
        {"example", example}, {"other_formats", other_formats}, {"network", network}};
    return run_on_rungs("quantized", HEW_FAMILY_gemm_u8s8, TESTS(tests));
}
