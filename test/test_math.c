/*
 * The special functions over all floats: the bits of the definition, and its distance from double
 * precision.  Every float that is HEW_TEST_STRIDE after another is taken; `make test-every-float`
 * takes them all.
 */
#include "harness.h"
#include "ref/math.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HEW_SANITIZED
enum { STRIDE = 40009 };
#else
enum { STRIDE = 5003 }; /* a prime, so that all bits vary */
#endif
enum { CHUNK = 4096, TASKS = 256, WORKERS = 32 };

/* ------------------------------------------------------------------------ what is right ---- */

static double exact_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
static double exact_silu(double x) { return x * exact_sigmoid(x); }
static double exact_gelu_erf(double x) { return x * 0.5 * erfc(-x * M_SQRT1_2); }
static double exact_elu(double x) { return x < 0.0 ? expm1(x) : x; }
static double exact_gelu_tanh(double x)
{
    return x * exact_sigmoid(2.0 * M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x));
}
static double exact_rsqrt(double x) { return 1.0 / sqrt(x); }
static double exact_softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }
static double exact_cube_root(double x) { return pow(x, (double)(1.0f / 3)); }
static double exact_far_power(double x) { return pow(x, -17.0); }
static double exact_mish(double x)
{
    const double e = exp(fmin(x, 50.0));
    return x * (e * (e + 2.0) / (e * (e + 2.0) + 2.0));
}

/* In units of the last place of `exact`, 2^-149 to 2^104.  An infinite float stands for 2^128. */
static double distance(float y, double exact)
{
    const double got = y > FLT_MAX ? 0x1p128 : y < -FLT_MAX ? -0x1p128 : (double)y;
    const double want = exact > 0x1p128 ? 0x1p128 : exact < -0x1p128 ? -0x1p128 : exact;
    union {
        double value;
        uint64_t bits;
    } u = {.value = want};
    const int exponent = (int)(u.bits >> 52 & 0x7ff) - 1023;
    const int last = exponent < -126 ? -149 : exponent > 127 ? 104 : exponent - 23;
    u.bits = (uint64_t)(1023 - last) << 52;
    return isnan(y) ? INFINITY : fabs(got - want) * u.value;
}

/* -------------------------------------------------------------------------------- walks ---- */

typedef struct function {
    const char *name;
    hew_act act;
    double (*exact)(double);
    double bound; /* ULP: the largest distance over all floats, rounded up */
    bool *measured; /* on a rung before: what is measured is the definition, which has none */
} function;

static uint64_t stride_of_walks(void)
{
    const char *const text = getenv("HEW_TEST_STRIDE");
    return text ? strtoull(text, NULL, 0) : STRIDE;
}

typedef struct walk {
    const function *f;
    act_f32_fn *kernel;
    uint64_t stride;
    double worst[WORKERS];
    float worst_x[WORKERS];
    uint32_t wrong[WORKERS]; /* bits of an x, or 0 */
} walk;

static void walk_chunk(walk *w, size_t worker, uint64_t first, uint64_t end)
{
    float x[CHUNK], want[CHUNK], got[CHUNK];
    size_t n = 0;
    for (uint64_t bits = first; bits < end && n < CHUNK; bits += w->stride)
        x[n++] = ref_from_bits((uint32_t)bits);
    memcpy(want, x, n * sizeof(float));
    memcpy(got, x, n * sizeof(float));
    hew_act_f32_rows rows = {.act = w->f->act, .x = want, .rows = 1, .n = n};
    hew_act_f32_ref(&rows);
    rows.x = got;
    w->kernel(&rows);
    for (size_t i = 0; i < n; i++) {
        if (ref_bits(want[i]) != ref_bits(got[i]))
            w->wrong[worker] = ref_bits(x[i]) ? ref_bits(x[i]) : 0x80000000u;
        if (*w->f->measured || isnan(x[i]) || isinf(x[i]))
            continue;
        const double exact = w->f->exact((double)x[i]);
        const double d = isnan(exact) && isnan(want[i]) ? 0.0 : distance(want[i], exact);
        if (!(d <= w->worst[worker])) {
            w->worst[worker] = d;
            w->worst_x[worker] = x[i];
        }
    }
}

static void walk_task(void *context, size_t worker, size_t task)
{
    walk *w = context;
    const uint64_t span = (UINT64_C(1) << 32) / TASKS, end = (task + 1) * span;
    /* The first multiple of the stride in this task's part. */
    uint64_t bits = (task * span + w->stride - 1) / w->stride * w->stride;
    for (; bits < end; bits += CHUNK * w->stride)
        walk_chunk(w, worker, bits, end);
}

static void walk_floats(const function *f)
{
    size_t count;
    case_rng("%s", f->name);
    walk w = {.f = f,
              .kernel = HEW_FN(act_f32, hew_kernels(HEW_FAMILY_act_f32, &count)),
              .stride = stride_of_walks()};
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const hew_threads *threads = pool_of(cpus > WORKERS ? WORKERS : (size_t)cpus);
    state_save();
    check_status(hew_parallel(threads, TASKS, walk_task, &w), HEW_OK);
    state_check();
    size_t worst = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        if (w.wrong[i])
            fail_case("%s(%a), bits %08x, is not what the definition says", f->name,
                      (double)ref_from_bits(w.wrong[i]), w.wrong[i]);
        if (w.worst[i] > w.worst[worst])
            worst = i;
    }
    if (w.stride == 1 && !*f->measured)
        print_message("%s: %.4f ULP at %a\n", f->name, w.worst[worst], (double)w.worst_x[worst]);
    if (!(w.worst[worst] <= f->bound))
        fail_case("%s(%a) is %.3f ULP off, more than %g", f->name, (double)w.worst_x[worst],
                  w.worst[worst], f->bound);
    *f->measured = true;
}

#define WALK(function_name, act_kind, parameter, double_function, bound)                           \
    static void function_name(void)                                                                \
    {                                                                                              \
        static bool measured;                                                                      \
        walk_floats(&(function){#function_name, {act_kind, 1, parameter}, double_function, bound,  \
                                &measured});                                                       \
    }
WALK(sigmoid, HEW_ACT_SIGMOID, 0, exact_sigmoid, 1.7)
WALK(hyperbolic_tangent, HEW_ACT_TANH, 0, tanh, 2.0)
WALK(silu, HEW_ACT_SILU, 0, exact_silu, 2.7)
WALK(gelu_erf, HEW_ACT_GELU_ERF, 0, exact_gelu_erf, 3.7)
WALK(gelu_tanh, HEW_ACT_GELU_TANH, 0, exact_gelu_tanh, 2.7)
WALK(mish, HEW_ACT_MISH, 0, exact_mish, 3.6)
WALK(elu, HEW_ACT_ELU, 0, exact_elu, 0.95)
WALK(exp_full, HEW_ACT_EXP, 0, exp, 1.0)
WALK(expm1_full, HEW_ACT_EXPM1, 0, expm1, 1.47)
WALK(log_full, HEW_ACT_LOG, 0, log, 0.9)
WALK(log_plus_one, HEW_ACT_LOG1P, 0, log1p, 1.46)
WALK(rsqrt, HEW_ACT_RSQRT, 0, exact_rsqrt, 1.5)
WALK(softplus, HEW_ACT_SOFTPLUS, 0, exact_softplus, 2.0)
WALK(error_function, HEW_ACT_ERF, 0, erf, 1.5)
WALK(sine, HEW_ACT_SIN, 0, sin, 2.0)
WALK(cosine, HEW_ACT_COS, 0, cos, 2.0)
WALK(cube_root, HEW_ACT_POW, 1.0f / 3, exact_cube_root, 1.5)
WALK(far_power, HEW_ACT_POW, -17, exact_far_power, 1.5)

/* ----------------------------------------------------------------------------- exp, log ---- */

/* These two have no kernel of their own; softmax's have their bits. */
static void check_distance(const char *name, float x, float y, double exact, double bound,
                           double *worst)
{
    const double d = distance(y, exact);
    *worst = fmax(*worst, d);
    if (!(d <= bound))
        fail_case("%s(%a) = %a is %.3f ULP off, more than %g", name, (double)x, (double)y, d,
                  bound);
}

static void exponential(void)
{
    const uint64_t stride = stride_of_walks();
    double worst = 0;
    case_rng("exp");
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += stride) {
        const float x = ref_from_bits((uint32_t)bits), y = ref_exp(x);
        if (isnan(x) ? ref_bits(y) != (ref_bits(x) | 0x400000) : x == -INFINITY && y != 0.0f)
            fail_case("exp(%a) = %a", (double)x, (double)y);
        if (x <= 0.0f && !isinf(x))
            check_distance("exp", x, y, exp((double)x), 0.9, &worst);
    }
    if (stride == 1)
        print_message("exp, x <= 0: %.4f ULP\n", worst);
}

static void logarithm(void)
{
    const uint64_t stride = stride_of_walks();
    double worst = 0;
    case_rng("log");
    for (uint64_t bits = 0x00800000; bits < 0x7f800000; bits += stride) {
        const float x = ref_from_bits((uint32_t)bits);
        check_distance("log", x, ref_log(x), log((double)x), 0.9, &worst);
    }
    if (stride == 1)
        print_message("log, normal x: %.4f ULP\n", worst);
}

/* exp and log of the rung's softmax, as rows of 0 and x. */
static void in_softmax(void)
{
    size_t count;
    softmax_f32_fn *fn = HEW_FN(softmax_f32, hew_kernels(HEW_FAMILY_softmax_f32, &count));
    const uint64_t stride = stride_of_walks();
    case_rng("softmax of 0 and x");
    float in[2 * CHUNK] = {0}, want[2 * CHUNK], got[2 * CHUNK];
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32;) {
        size_t n = 0;
        for (; n < CHUNK && bits < UINT64_C(1) << 32; n++, bits += stride)
            in[2 * n + 1] = ref_from_bits((uint32_t)bits);
        for (int log = 0; log < 2; log++) {
            hew_softmax_rows rows = {.log = log, .rows = n, .columns = 2, .visible = 2,
                                     .scale = 1.0f, .in = in, .in_stride = 2, .out = want,
                                     .out_stride = 2};
            hew_softmax_f32_ref(&rows);
            rows.out = got;
            fn(&rows);
            check_bits("out", want, got, layout_of((int64_t)n, 2, 2), NAN_BITS);
        }
    }
}

int main(void)
{
    static const test tests[] = {{"sigmoid", sigmoid},     {"tanh", hyperbolic_tangent},
                                 {"silu", silu},           {"gelu_erf", gelu_erf},
                                 {"gelu_tanh", gelu_tanh}, {"mish", mish},
                                 {"elu", elu},             {"exp_full", exp_full},
                                 {"expm1", expm1_full},    {"log_full", log_full},
                                 {"log1p", log_plus_one},  {"rsqrt", rsqrt},
                                 {"softplus", softplus},   {"erf", error_function},
                                 {"sin", sine},            {"cos", cosine},
                                 {"cube_root", cube_root}, {"far_power", far_power},
                                 {"exp", exponential},
                                 {"log", logarithm},       {"in_softmax", in_softmax}};
    return run_on_rungs("math", HEW_FAMILY_act_f32, TESTS(tests));
}
