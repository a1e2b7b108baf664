/* copy between types: what hew_dequantize's and hew_quantize's definitions give element by element,
 * whatever the strides, with one scale or one for each index of an axis. */
#include "strided.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

static const hew_type types[] = {HEW_F32, HEW_BF16, HEW_F16, HEW_S8, HEW_U8, HEW_S32};

static bool is_integer(hew_type t) { return t == HEW_S8 || t == HEW_U8 || t == HEW_S32; }

static int32_t zero_of(hew_type type, const void *zero, size_t i)
{
    if (!zero)
        return 0;
    return type == HEW_S8   ? ((const int8_t *)zero)[i]
           : type == HEW_U8 ? ((const uint8_t *)zero)[i]
                            : ((const int32_t *)zero)[i];
}

static void convert_one(const hew_copy_desc *d, size_t channel, const void *from, void *to)
{
    const size_t ci = d->in_per_axis ? channel : 0, co = d->out_per_axis ? channel : 0;
    float x;
    if (d->in.type == HEW_F32)
        memcpy(&x, from, sizeof x);
    else
        hew_dequantize_f32_ref(&(hew_dequantize_rows){
            .x = from, .type = d->in.type, .y = &x, .scale = d->in_scale ? d->in_scale[ci] : 1,
            .zero = zero_of(d->in.type, d->in_zero, ci), .rows = 1, .n = 1});
    const float scale = d->out_scale ? d->out_scale[co] : 1;
    const int32_t zero = zero_of(d->out.type, d->out_zero, co);
    if (d->out.type == HEW_F32) {
        memcpy(to, &x, sizeof x);
    } else if (d->out.type == HEW_S32) {
        const float v = x / scale;
        const double q = isnan(v) ? zero : nearbyint((double)v) + zero;
        *(int32_t *)to = (int32_t)fmin(fmax(q, INT32_MIN), INT32_MAX);
    } else {
        hew_quantize_f32_ref(&(hew_quantize_rows){.x = &x, .y = to, .type = d->out.type,
                                                  .scale = scale, .zero = zero, .rows = 1, .n = 1});
    }
}

static hew_tensor some_shape(rng *r)
{
    hew_tensor t = {.rank = (int)rng_between(r, 0, 5)};
    int64_t most = 6000;
    for (int j = 0; j < t.rank; j++) {
        t.extent[j] = rng_between(r, rng_chance(r, 40) ? 0 : 1, rng_chance(r, 3) ? 700 : 9);
        t.extent[j] = t.extent[j] > most ? 1 : t.extent[j];
        most /= t.extent[j] ? t.extent[j] : 1;
    }
    return t;
}

static void fill_scales(rng *r, float *scale, int32_t *zero, hew_type type, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        scale[i] = ldexpf(1 + (float)rng_between(r, 0, 99) / 100, (int)rng_between(r, -9, 3));
        if (type == HEW_S32)
            zero[i] = (int32_t)rng_next(r);
        else
            ((uint8_t *)zero)[i] = (uint8_t)rng_next(r);
    }
}

static void every_pair(void)
{
    static float scales[2][1024];
    static int32_t zeros[2][1024];
    for (int i = 0; i < 700; i++) {
        rng r = case_rng("convert %d", i);
        hew_copy_desc d = HEW_COPY_DESC(.in = some_shape(&r));
        d.out = d.in;
        d.in.type = types[i % 6], d.out.type = types[i / 6 % 6];
        hew_type sides[] = {d.in.type, d.out.type};
        d.in = any_strides(&r, d.in, 2), d.out = any_strides(&r, d.out, 2);
        d.axis = d.in.rank ? (int)rng_between(&r, 0, d.in.rank - 1) : 0;
        for (int k = 0; k < 2; k++) {
            if (!is_integer(sides[k]) || rng_chance(&r, 4))
                continue;
            fill_scales(&r, scales[k], zeros[k], sides[k], 1024);
            *(k ? &d.out_scale : &d.in_scale) = scales[k];
            *(k ? &d.out_zero : &d.in_zero) = rng_chance(&r, 3) ? NULL : zeros[k];
            *(k ? &d.out_per_axis : &d.in_per_axis) = d.in.rank > 0 && rng_chance(&r, 2);
        }
        strided from = strided_new(&r, d.in, AT_BACK), to = strided_new(&r, d.out, AT_FRONT);
        if (d.in.type == HEW_F32 && from.elements > 0)
            fill_f32(&r, from.memory.data, (size_t)from.elements, FILL_SPECIALS);
        if (rng_chance(&r, 10) && d.in.rank > 1) { /* strides of 0 alone would be dense */
            d.in.stride[0] = 0;
            d.in.stride[1] = d.in.stride[1] ? d.in.stride[1] : 1;
            from.t = d.in;
        }
        strided want = strided_copy(&to, AT_FRONT);
        const bool converts = d.in.type != d.out.type || d.in_scale || d.out_scale;
        for (int64_t p = 0; p < tensor_points(&d.out); p++) {
            int64_t index[HEW_MAX_RANK] = {0};
            tensor_index(&d.out, p, index);
            void *const at = strided_index(&want, index);
            if (converts)
                convert_one(&d, (size_t)index[d.axis], strided_index(&from, index), at);
            else
                memcpy(at, strided_index(&from, index), (size_t)type_bytes(d.in.type));
        }
        const hew_threads *t = rng_chance(&r, 3) ? pool_of(3) : no_threads();
        state_save();
        const hew_status status = hew_copy(&d, from.data, to.data, t);
        state_check();
        check_status(status, HEW_OK);
        check_strided("out", &want, &to);
        strided_free(&from), strided_free(&to), strided_free(&want);
    }
}

/* Ties, ends and NaN of s32, which has no kernel, in every rounding mode. */
static void rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    const float x[] = {0.5f, 1.5f, -0.5f, -1.5f, 2.5f, 3e9f, -3e9f, NAN, INFINITY, -INFINITY,
                       0x1p30f, -0.49999997f};
    const int32_t want[] = {0, 2, 0, -2, 2, INT32_MAX, INT32_MIN, 0, INT32_MAX, INT32_MIN, 1 << 30,
                            0};
    int32_t got[12];
    const hew_copy_desc d = HEW_COPY_DESC(
        .in = {.rank = 1, .extent = {12}}, .out = {.type = HEW_S32, .rank = 1, .extent = {12}});
    for (int i = 0; i < 4; i++) {
        case_rng("mode %d", i);
        fesetround(modes[i]);
        const hew_status status = hew_copy(&d, x, got, NULL);
        fesetround(FE_TONEAREST);
        check_status(status, HEW_OK);
        for (int k = 0; k < 12; k++)
            if (got[k] != want[k])
                fail_case("%g became %d", (double)x[k], got[k]);
    }
}

static void refusals(void)
{
    const hew_tensor f = {.rank = 1, .extent = {4}};
    const hew_tensor b = {.type = HEW_U8, .rank = 1, .extent = {4}};
    const float scale[] = {1, 2, 0, 4}, bad = NAN;
    float x[4] = {0};
    uint8_t y[4] = {7, 7, 7, 7};
    case_rng("refusals");
    check_refused(hew_copy(&HEW_COPY_DESC(.in = f, .out = b, .out_scale = &bad), x, y, NULL),
                  HEW_ERR_INVALID, "scale 0 of out is nan");
    check_refused(hew_copy(&HEW_COPY_DESC(.in = f, .out = b, .out_scale = scale,
                                          .out_per_axis = true), x, y, NULL), HEW_ERR_INVALID,
                  "scale 2 of out is 0");
    check_refused(hew_copy(&HEW_COPY_DESC(.in = f, .out = b, .in_scale = scale), x, y, NULL),
                  HEW_ERR_INVALID, "in is f32, which has no scale");
    check_refused(hew_copy(&HEW_COPY_DESC(.in = f, .out = b, .out_per_axis = true, .axis = 1), x, y,
                           NULL), HEW_ERR_INVALID, "axis is 1");
    check_refused(hew_copy(&HEW_COPY_DESC(.in = f, .out = {.type = HEW_S64, .rank = 1,
                                                           .extent = {4}}), x, y, NULL),
                  HEW_ERR_UNSUPPORTED, "s64");
    for (int i = 0; i < 4; i++)
        assert_int_equal(y[i], 7);
}

int main(void)
{
    static const test tests[] = {
        {"every_pair", every_pair}, {"rounding", rounding}, {"refusals", refusals}};
    return run_on_rungs("convert", HEW_FAMILY_quantize_f32, TESTS(tests));
}
