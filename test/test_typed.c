/*
 * bf16 and f16 as types of storage: all of them to floats, and floats to them, by the kernels of
 * quantize_f32 and dequantize_f32, against the definition; and that against double precision.
 */
#include "harness.h"
#include "ref/ref.h"

#include <fenv.h>
#include <xmmintrin.h>

#ifdef HEW_SANITIZED
enum { STRIDE = 80021 };
#else
enum { STRIDE = 1009 }; /* a prime, so that all bits vary */
#endif
enum { CHUNK = 4096, HALVES = 1 << 16 };
static const hew_type types[] = {HEW_BF16, HEW_F16};

static dequantize_f32_fn *widen(void)
{
    size_t count;
    const hew_kernel *line = hew_kernels(HEW_FAMILY_dequantize_f32, &count);
    check_kernel(line->name);
    return HEW_FN(dequantize_f32, line);
}

static quantize_f32_fn *narrow(void)
{
    size_t count;
    return HEW_FN(quantize_f32, hew_kernels(HEW_FAMILY_quantize_f32, &count));
}

/* What a number of the type stands for, NaN apart. */
static double value_of(hew_type type, uint16_t half)
{
    const int digits = type == HEW_BF16 ? 7 : 10, bias = type == HEW_BF16 ? 127 : 15;
    const int fraction = half & ((1 << digits) - 1);
    const int exponent = (half & 0x7fff) >> digits;
    const double sign = half & 0x8000 ? -1.0 : 1.0;
    if (exponent == 2 * bias + 1)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias - digits);
    return sign * ldexp(fraction + (1 << digits), exponent - bias - digits);
}

static void to_floats(void)
{
    static uint16_t halves[HALVES];
    static float want[HALVES], got[HALVES];
    for (int i = 0; i < HALVES; i++)
        halves[i] = (uint16_t)i;
    for (int t = 0; t < 2; t++) {
        case_rng("type %d", (int)types[t]);
        hew_dequantize_rows rows = {.x = halves, .type = types[t], .y = want, .rows = 1,
                                    .n = HALVES};
        hew_dequantize_f32_ref(&rows);
        rows.y = got;
        const unsigned mxcsr = _mm_getcsr();
        _mm_setcsr(mxcsr | 0x8040); /* denormals are zeros: not here */
        widen()(&rows);
        _mm_setcsr(mxcsr);
        check_bits("y", want, got, layout_of(1, HALVES, HALVES), NAN_BITS);
        for (int i = 0; i < HALVES; i++) {
            const double exact = value_of(types[t], (uint16_t)i);
            const bool right = isnan(exact) ? isnan(want[i]) && !signbit(want[i]) == !(i >> 15)
                                            : (double)want[i] == exact &&
                                                  !signbit(want[i]) == !(i >> 15);
            if (!right)
                fail_case("%04x of type %d is %a, not %a", i, (int)types[t], (double)want[i],
                          exact);
            const uint16_t back = types[t] == HEW_BF16 ? hew_ref_bf16(want[i])
                                                       : hew_ref_f16(want[i]);
            if (!isnan(exact) && back != i)
                fail_case("%04x of type %d comes back as %04x", i, (int)types[t], back);
        }
    }
}

/* Whether y is the one nearest to x: half a step away, and if that, even. */
static bool is_nearest(hew_type type, double x, uint16_t y)
{
    const int digits = type == HEW_BF16 ? 7 : 10, least = type == HEW_BF16 ? -126 : -14;
    const double limit = type == HEW_BF16 ? 0x1p128 : 0x1p16; /* what an infinity stands for */
    int exponent;
    frexp(x, &exponent);
    exponent = x == 0 || exponent - 1 < least ? least : exponent - 1;
    const double step = ldexp(1.0, exponent - digits);
    const double got = fmax(-limit, fmin(limit, value_of(type, y)));
    const double away = fabs(got - fmax(-limit, fmin(limit, x))) / step;
    return !signbit(x) == !(y >> 15) && (away < 0.5 || (away == 0.5 && y % 2 == 0));
}

static void check_chunk(hew_type type, const float *x, size_t n, unsigned mode)
{
    uint16_t want[CHUNK], got[CHUNK];
    hew_quantize_rows rows = {.x = x, .y = want, .type = type, .rows = 1, .n = n};
    hew_quantize_f32_ref(&rows);
    rows.y = got;
    const unsigned mxcsr = _mm_getcsr();
    _mm_setcsr(mxcsr | mode);
    narrow()(&rows);
    _mm_setcsr(mxcsr);
    check_elements("y", type, want, got, layout_of(1, (int64_t)n, (int64_t)n));
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]) ? !isnan(value_of(type, want[i])) || !signbit(x[i]) != !(want[i] >> 15)
                        : !is_nearest(type, (double)x[i], want[i]))
            fail_case("%a is %04x of type %d", (double)x[i], want[i], (int)type);
}

/* In every rounding mode, with denormals as zeros and not. */
static void from_floats(void)
{
    float x[CHUNK];
    for (int t = 0; t < 2; t++) {
        unsigned mode = 0;
        for (uint64_t bits = 0; bits < UINT64_C(1) << 32; mode = (mode + 0x2000) & 0x6000) {
            size_t n = 0;
            case_rng("type %d from %08x", (int)types[t], (unsigned)bits);
            for (; n < CHUNK && bits < UINT64_C(1) << 32; bits += STRIDE)
                x[n++] = float_of((uint32_t)bits);
            check_chunk(types[t], x, n, mode | (bits & 1 ? 0x8040 : 0));
        }
    }
}

/* Each of the type's numbers, halfway to the next, and the floats on both sides of these. */
static void ties(void)
{
    float x[CHUNK];
    for (int t = 0; t < 2; t++)
        for (int first = 0; first < 0x7fff; first += CHUNK / 6) {
            size_t n = 0;
            case_rng("type %d from %04x", (int)types[t], first);
            for (int i = first; i < first + CHUNK / 6 && i < 0x7fff; i++) {
                const double low = value_of(types[t], (uint16_t)i);
                const double high = value_of(types[t], (uint16_t)(i + 1));
                if (isnan(low) || isinf(low))
                    break;
                const double end = types[t] == HEW_BF16 ? 0x1p128 : 0x1p16;
                const float tie = (float)(0.5 * (low + fmin(high, end)));
                const float some[] = {(float)low, tie, -tie, nextafterf(tie, 0.0f),
                                      nextafterf(tie, INFINITY), -nextafterf(tie, INFINITY)};
                memcpy(x + n, some, sizeof some);
                n += 6;
            }
            check_chunk(types[t], x, n, 0);
        }
}

/* Guarded rows of every length, to floats; test_quantize_f32.c has the others. */
static void lengths(void)
{
    for (int t = 0; t < 2; t++)
        for (size_t n = 0; n <= 70; n++) {
            rng r = case_rng("type %d, n %zu", (int)types[t], n);
            const size_t rows = (size_t)rng_between(&r, 0, 4);
            const size_t x_stride = n + (size_t)rng_between(&r, 0, 3);
            const size_t y_stride = n + (size_t)rng_between(&r, 0, 3);
            const placement where = (placement)rng_chance(&r, 2);
            const layout l = layout_of((int64_t)rows, (int64_t)y_stride, (int64_t)n);
            buffer x = buffer_new((rows ? (rows - 1) * x_stride + n : 0) * 2, 2, where);
            buffer y = buffer_new(layout_span(l) * 4, 4, where);
            fill_bf16(&r, x.data, x.bytes / 2, FILL_NANS);
            poison_f32(y.data, layout_span(l));
            buffer want = buffer_copy(y.data, y.bytes, 4, where);
            hew_dequantize_rows call = {.x = x.data, .x_stride = 2 * x_stride, .type = types[t],
                                        .y = want.data, .y_stride = 4 * y_stride, .rows = rows,
                                        .n = n};
            hew_dequantize_f32_ref(&call);
            call.y = y.data;
            state_save();
            widen()(&call);
            state_check();
            check_bits("y", want.data, y.data, l, NAN_BITS);
            buffer_free(&x), buffer_free(&y), buffer_free(&want);
        }
}

int main(void)
{
    static const test tests[] = {{"to_floats", to_floats},
                                 {"from_floats", from_floats},
                                 {"ties", ties},
                                 {"lengths", lengths}};
    return run_on_rungs("typed", HEW_FAMILY_dequantize_f32, TESTS(tests));
}
