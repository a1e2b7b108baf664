/* Products in AMX's tile registers: how many instructions they take, that no tile is left in use,
 * and sums that take several calls of a kernel.  Types, tails and epilogues: test_gemm_s8,
 * test_gemm_bf16, test_quantized, test_dynamic, on this rung too. */
#include "harness.h"

#include "emu/emu.h"

#include <immintrin.h>
#include <string.h>

#ifndef HEW_SANITIZED /* the sanitizer builds define it as 1 */
#define HEW_SANITIZED 0
#endif

/* ------------------------------------------------------------------------- released tiles --- */

__attribute__((target("amx-tile"))) static void check_released(const char *where)
{
    uint8_t config[64];
    static const uint8_t none[64];
    memset(config, 0xEE, sizeof config);
    _tile_storeconfig(config);
    __asm__ volatile("" ::: "memory");
    if (memcmp(config, none, sizeof none) != 0)
        fail_case("tiles are configured %s", where);
}

/* A parallel_for whose calls leave no tile configured. */
static hew_status run_checked(void *context, size_t n, hew_task *fn, void *arg)
{
    (void)context;
    for (size_t i = 0; i < n; i++) {
        fn(arg, i);
        check_released("after a task");
    }
    return HEW_OK;
}

/* -------------------------------------------------------------------------------- one run --- */

/* Operands of a descriptor, dense, and its run by this rung. */
typedef struct job {
    hew_gemm_desc d;
    char *a, *b, *c;
    float *scale;
    size_t c_bytes;
    hew_gemm *op;
    void *packed, *scratch;
} job;

static size_t size_of(hew_type type) { return type == HEW_F32 ? 4 : type == HEW_BF16 ? 2 : 1; }

static void fill_any(rng *r, hew_type type, void *p, size_t n)
{
    if (type == HEW_BF16)
        fill_bf16(r, p, n, FILL_MIXED);
    else if (type == HEW_F32)
        fill_f32(r, p, n, FILL_MIXED);
    else
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)p)[i] = (uint8_t)rng_next(r);
}

static job job_new(rng *r, hew_gemm_desc d)
{
    job j = {.d = d};
    const size_t batch = (size_t)(d.batch ? d.batch : 1), b = d.b_packed ? 1 : batch;
    const size_t m = (size_t)d.m, n = (size_t)d.n, k = (size_t)d.k;
    j.a = hew_alloc(batch * m * k * size_of(d.a_type));
    j.b = hew_alloc(b * n * k * size_of(d.b_type));
    j.c_bytes = batch * m * n * size_of(d.c_type);
    j.c = hew_alloc(j.c_bytes);
    j.scale = hew_alloc(n * 4);
    fill_any(r, d.a_type, j.a, batch * m * k);
    fill_any(r, d.b_type, j.b, b * n * k);
    for (size_t i = 0; i < n; i++)
        j.scale[i] = 0.01f / (float)(k + 1);
    return j;
}

/* Everything but the run. */
static void prepare(job *j, size_t threads)
{
    check_status(hew_gemm_create(&j->op, &j->d), HEW_OK);
    j->packed = hew_alloc(hew_gemm_packed_size(j->op));
    j->scratch = hew_alloc(hew_gemm_scratch_size(j->op, threads));
    if (j->d.b_packed)
        check_status(hew_gemm_pack(j->op, j->b, j->packed), HEW_OK);
    memset(j->c, 0xEE, j->c_bytes);
}

static void run(job *j, const hew_threads *threads)
{
    state_save();
    const hew_status s = hew_gemm_run(
        j->op, &HEW_GEMM_ARGS(.a = j->a, .b = j->d.b_packed ? NULL : j->b, .packed_b = j->packed,
                              .c = j->c, .scale = j->scale, .scratch = j->scratch,
                              .threads = threads));
    state_check();
    check_status(s, HEW_OK);
}

static void finish(job *j)
{
    hew_gemm_destroy(j->op);
    hew_free(j->packed);
    hew_free(j->scratch);
}

static void job_free(job *j)
{
    hew_free(j->a);
    hew_free(j->b);
    hew_free(j->c);
    hew_free(j->scale);
}

static const hew_gemm_desc types[] = {
    {.size = sizeof(hew_gemm_desc), .a_type = HEW_U8, .b_type = HEW_S8, .c_type = HEW_U8},
    {.size = sizeof(hew_gemm_desc), .a_type = HEW_S8, .b_type = HEW_S8, .c_type = HEW_F32},
    {.size = sizeof(hew_gemm_desc), .a_type = HEW_U8, .b_type = HEW_U8, .c_type = HEW_S8},
    {.size = sizeof(hew_gemm_desc), .a_type = HEW_F32, .b_type = HEW_S8, .c_type = HEW_F32,
     .a_dynamic = HEW_DYNAMIC_ASYMMETRIC},
    {.size = sizeof(hew_gemm_desc), .a_type = HEW_BF16, .b_type = HEW_BF16, .c_type = HEW_BF16},
};
enum { TYPES = sizeof types / sizeof types[0] };

static hew_gemm_desc desc_of(size_t type, int64_t m, int64_t n, int64_t k)
{
    hew_gemm_desc d = types[type];
    d.m = m;
    d.n = n;
    d.k = k;
    return d;
}

/* ---------------------------------------------------------------------------------- tests --- */

/* On the calling thread and by tasks; B packed, packed by the run, or by each task. */
static void released(void)
{
    static const hew_threads checked = {run_checked, NULL, 3};
    for (size_t type = 0; type < TYPES; type++)
        for (int bits = 0; bits < 16; bits++) {
            rng r = case_rng("types %zu, %d", type, bits);
            hew_gemm_desc d = desc_of(type, bits & 1 ? 150 : 40, 77, bits & 2 ? 65 : 200);
            d.b_packed = bits & 4;
            d.batch = bits & 8 ? 3 : 1;
            job j = job_new(&r, d);
            prepare(&j, checked.count);
            if (strstr(hew_gemm_kernel(j.op), "_amx") == NULL)
                fail_case("the kernel is %s", hew_gemm_kernel(j.op));
            run(&j, &checked);
            run(&j, NULL);
            check_released("after a run");
            finish(&j);
            job_free(&j);
        }
}

/* Sums that rest in scratch, with k in blocks of caches and a last chunk that is shorter; tiles of
 * all heights; panels by ones and twos; the same by the definition. */
static void long_sums(void)
{
    static const int64_t sizes[][3] = {{5, 70, 5003},  {16, 131, 2111}, {70, 9, 4501},
                                       {45, 33, 2400}, {100, 16, 530},  {133, 100, 77}};
    for (size_t type = 0; type < TYPES; type++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int packed = 0; packed < 2; packed++) {
                rng r = case_rng("types %zu, sizes %zu, %d", type, s, packed);
                hew_gemm_desc d = desc_of(type, sizes[s][0], sizes[s][1], sizes[s][2]);
                d.b_packed = packed;
                if (HEW_SANITIZED && s % 2)
                    continue;
                job j = job_new(&r, d);
                void *const want = hew_alloc(j.c_bytes);
                use_ref();
                prepare(&j, 1);
                run(&j, NULL);
                memcpy(want, j.c, j.c_bytes);
                finish(&j);
                use_test_rung();
                prepare(&j, 1);
                run(&j, NULL);
                check_elements("C", d.c_type, want, j.c, layout_of(d.m, d.n, d.n));
                finish(&j);
                hew_free(want);
                job_free(&j);
            }
}

typedef struct counts {
    uint64_t multiplies, moves, configs;
} counts;

static counts counts_now(void)
{
    return (counts){emu_count(EMU_TDPBUSD) + emu_count(EMU_TDPBSSD) + emu_count(EMU_TDPBF16PS),
                    emu_count(EMU_TILELOADD) + emu_count(EMU_TILESTORED) + emu_count(EMU_TILEZERO),
                    emu_count(EMU_LDTILECFG) + emu_count(EMU_TILERELEASE)};
}

/*
 * Four loads for four multiplies of a 2 x 2 block, a zero and a store for each tile of C, and a
 * configuration for a task, not for a tile.
 */
static void instructions(void)
{
    static const struct {
        size_t type;
        int64_t m, n, k;
        uint64_t multiplies, moves, configs; /* at most so many of the last */
    } cases[] = {
        {0, 256, 256, 256, 1024, 1024 + 512, 34},
        {4, 256, 256, 256, 2048, 2048 + 512, 34},
        {0, 32, 32, 128, 8, 8 + 8, 2},
        {0, 16, 64, 128, 8, 10 + 8, 2},       /* 1 x 4 */
        {0, 64, 16, 128, 8, 10 + 8, 2},       /* 4 x 1 */
        {0, 16, 32, 128, 4, 6 + 4, 2},        /* 1 x 2 */
        {1, 40, 32, 128, 12, 8 + 6 + 12, 3},  /* rows by configuration */
        {4, 32, 32, 96, 12, 12 + 8, 2},       /* three chunks of 16 words */
        {4, 32, 32, 48, 8, 8 + 8, 2},         /* two of 12 */
        {4, 32, 32, 100, 16, 16 + 8 + 8, 3},  /* three of 13, and one of 11: the sums rest */
    };
    if ((emu_native() & EMU_AMX) != 0)
        return; /* nothing is counted */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rng r = case_rng("types %zu, %d x %d x %d", cases[i].type, (int)cases[i].m,
                         (int)cases[i].n, (int)cases[i].k);
        hew_gemm_desc d = desc_of(cases[i].type, cases[i].m, cases[i].n, cases[i].k);
        d.b_packed = true;
        job j = job_new(&r, d);
        prepare(&j, 1);
        const counts before = counts_now();
        run(&j, NULL);
        const counts after = counts_now();
        finish(&j);
        job_free(&j);
        const counts got = {after.multiplies - before.multiplies, after.moves - before.moves,
                            after.configs - before.configs};
        if (got.multiplies != cases[i].multiplies || got.moves != cases[i].moves ||
            got.configs > cases[i].configs)
            fail_case("%d multiplies, %d loads, stores and zeros, %d configurations; want %d, %d "
                      "and at most %d",
                      (int)got.multiplies, (int)got.moves, (int)got.configs,
                      (int)cases[i].multiplies, (int)cases[i].moves, (int)cases[i].configs);
    }
}

int main(void)
{
    static const test tests[] = {{"released", released},
                                 {"long_sums", long_sums},
                                 {"instructions", instructions}};
    return run_on_rungs("gemm_amx", HEW_FAMILY_amx_u8s8, TESTS(tests));
}
