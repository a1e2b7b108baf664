/* What holds for every run of every operation: threads change nothing, runs at the same time don't
 * disturb each other, a caller's MXCSR is kept and is that of all tasks, and a parallel_for that
 * refuses is reported. */
#include "every_op.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

static void *allocated(size_t bytes)
{
    void *p = hew_alloc(bytes);
    if (!p)
        fail_case("out of memory");
    return p;
}

static const inputs *all_inputs(void)
{
    static inputs in;
    if (in.x)
        return &in;
    rng r = case_rng("inputs");
    float **const floats[] = {&in.x, &in.y, &in.z, &in.positive};
    for (int i = 0; i < 4; i++) {
        *floats[i] = allocated(sizeof(float[FLOATS]));
        fill_f32(&r, *floats[i], FLOATS, FILL_MIXED);
    }
    uint16_t **const halves[] = {&in.h, &in.w};
    for (int i = 0; i < 2; i++) {
        *halves[i] = allocated(sizeof(uint16_t[FLOATS]));
        fill_bf16(&r, *halves[i], FLOATS, FILL_MIXED);
    }
    in.q = allocated(FLOATS);
    in.index = allocated(sizeof(int32_t[FLOATS]));
    for (int i = 0; i < FLOATS; i++) {
        in.positive[i] = 0.5f + in.positive[i] * in.positive[i];
        in.q[i] = (uint8_t)rng_next(&r);
        in.index[i] = (int32_t)rng_between(&r, 0, 63);
    }
    return &in;
}

/* An operation, what it gives, and all that a run needs. */
typedef struct setup {
    const every_op *op;
    run_args args;
    float *want;
} setup;

static void give_memory(run_args *a)
{
    a->out = allocated(sizeof(float[FLOATS]));
    a->scratch = allocated(SCRATCH_BYTES);
    poison_f32(a->out, FLOATS);
    poison_f32(a->scratch, SCRATCH_BYTES / sizeof(float));
}

static void take_memory(run_args *a)
{
    hew_free(a->out);
    hew_free(a->scratch);
}

static void check_same(const float *want, const float *got)
{
    check_bits("out", want, got, layout_of(1, FLOATS, FLOATS), NAN_BITS);
}

static void set_up(setup *s, const every_op *op)
{
    *s = (setup){.op = op, .args.in = all_inputs()};
    case_rng("%s", op->name);
    void *made = NULL, *packed = NULL;
    if (op->create)
        op->create(s->args.in, &made, &packed);
    s->args.op = made;
    s->args.packed = packed;
    give_memory(&s->args);
    s->want = allocated(sizeof(float[FLOATS]));
    poison_f32(s->want, FLOATS);
}

static void tear_down(setup *s)
{
    if (s->op->destroy)
        s->op->destroy((void *)s->args.op);
    hew_free((void *)s->args.packed);
    hew_free(s->want);
    take_memory(&s->args);
}

/* What comes of one thread is what is wanted. */
static void run_alone(setup *s)
{
    no_threads();
    state_save();
    const hew_status status = s->op->run(&s->args);
    state_check();
    check_status(status, HEW_OK);
    memcpy(s->want, s->args.out, sizeof(float[FLOATS]));
    if (s->want[0] == 0 && memcmp(s->want, s->want + 1, sizeof(float[FLOATS - 1])) == 0)
        fail_case("all of it is zero");
}

static void run_again(setup *s, const hew_threads *threads)
{
    poison_f32(s->args.out, FLOATS);
    s->args.threads = threads;
    check_status(s->op->run(&s->args), HEW_OK);
    check_same(s->want, s->args.out);
}

static void threads_of(setup *s)
{
    run_alone(s);
    run_again(s, NULL);
    for (size_t n = 1; n <= 3; n++)
        run_again(s, pool_of(n));
    run_again(s, pool_of(8));
    run_again(s, reversed_of(5));
}

/* Rounding up with denormals flushed. */
static void mxcsr_of(setup *s)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr((before & ~0x3fu) | 0xc040u);
    state_save();
    no_threads();
    hew_status status = s->op->run(&s->args);
    state_check();
    memcpy(s->want, s->args.out, sizeof(float[FLOATS]));
    poison_f32(s->args.out, FLOATS);
    s->args.threads = elsewhere_of(3);
    if (status == HEW_OK)
        status = s->op->run(&s->args);
    state_check();
    _mm_setcsr(before);
    check_status(status, HEW_OK);
    check_same(s->want, s->args.out);
}

/* Nothing is written, since no task was run. */
static void refused_of(setup *s)
{
    s->args.threads = refusing();
    check_refused(s->op->run(&s->args), HEW_ERR_SYSTEM, "HEW_ERR_SYSTEM");
    check_same(s->want, s->args.out);
}

typedef struct runner {
    pthread_t thread;
    const every_op *op;
    run_args args;
    hew_status status;
} runner;

static void *run_often(void *arg)
{
    runner *r = arg;
    for (int i = 0; i < 3 && r->status == HEW_OK; i++)
        r->status = r->op->run(&r->args);
    return NULL;
}

/* Two on their own, two that share a pool. */
static void concurrent_of(setup *s)
{
    enum { RUNNERS = 4 };
    runner runners[RUNNERS] = {0};
    run_alone(s);
    const hew_threads *const pool = pool_of(2);
    for (int i = 0; i < RUNNERS; i++) {
        runners[i].op = s->op;
        runners[i].args = s->args;
        give_memory(&runners[i].args);
        runners[i].args.threads = i % 2 ? pool : NULL;
        if (pthread_create(&runners[i].thread, NULL, run_often, &runners[i]) != 0)
            fail_case("no thread");
    }
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runners[i].thread, NULL);
    for (int i = 0; i < RUNNERS; i++) {
        check_status(runners[i].status, HEW_OK);
        check_same(s->want, runners[i].args.out);
        take_memory(&runners[i].args);
    }
}

static void for_every_op(void (*check)(setup *s))
{
    for (size_t i = 0; i < every_op_count; i++) {
        setup s;
        set_up(&s, &every_ops[i]);
        check(&s);
        tear_down(&s);
    }
}

static void threads(void) { for_every_op(threads_of); }
static void mxcsr(void) { for_every_op(mxcsr_of); }
static void refused_threads(void) { for_every_op(refused_of); }
static void concurrent_runs(void) { for_every_op(concurrent_of); }

int main(void)
{
    static const test tests[] = {
        {"threads", threads}, {"mxcsr", mxcsr}, {"refused_threads", refused_threads},
        {"concurrent_runs", concurrent_runs},
    };
    return run_once("every_op", TESTS(tests)) +
           run_on_rungs("every_op", HEW_FAMILY_gemm_f32, TESTS(tests));
}
