/* GEMM: shapes.  Each result is compared with the definition, bit for bit. */
#include "gemm_case.h"

/* Where loops over k end, begin again and are cut: reduce.h's blocks are of 512. */
static const int64_t edges_k[] = {0, 1, 2, 3, 7, 8, 9, 511, 512, 513, 1025};
enum { EDGES_K = sizeof edges_k / sizeof edges_k[0] };

/* Calls fn for the tile of each kernel that serves this rung. */
static void for_each_tile(void (*fn)(int64_t mr, int64_t nr))
{
    size_t count;
    const hew_kernel *kernels = hew_kernels(HEW_FAMILY_gemm_f32, &count);
    for (size_t i = 0; i < count; i++)
        fn(kernels[i].mr, kernels[i].nr);
}

/* Plain and packed. */
static void check_both(int64_t m, int64_t n, int64_t k)
{
    gemm_case g = GEMM_CASE(.m = m, .n = n, .k = k);
    check_gemm(&g);
    g.d.b_packed = true;
    check_gemm(&g);
}

static void m_tails(int64_t mr, int64_t nr)
{
    for (int64_t m = 1; m <= 2 * mr + 1; m++)
        check_both(m, nr, 9);
}
static void m_tail(void) { for_each_tile(m_tails); }

static void n_tails(int64_t mr, int64_t nr)
{
    for (int64_t n = 1; n <= 2 * nr + 1; n++)
        check_both(mr, n, 5);
}
static void n_tail(void) { for_each_tile(n_tails); }

static void k_tails(int64_t mr, int64_t nr)
{
    for (int i = 0; i < EDGES_K; i++) {
        check_both(mr + 1, nr + 1, edges_k[i]);
        check_both(mr, nr, edges_k[i]);
    }
    for (int64_t k = 1; k <= 40; k++)
        check_both(mr - 1, nr - 1, k);
}
static void k_tail(void) { for_each_tile(k_tails); }

static void corners(int64_t mr, int64_t nr)
{
    const int64_t edges_m[] = {mr - 1, mr, mr + 1, 2 * mr, 2 * mr + 1};
    const int64_t edges_n[] = {nr - 1, nr, nr + 1, 2 * nr - 1, 2 * nr};
    static const int64_t some_k[] = {1, 8, 31, 513};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            for (int l = 0; l < 4; l++)
                check_both(edges_m[i], edges_n[j], some_k[l]);
}
static void tile_corners(void) { for_each_tile(corners); }

static void tiny(void)
{
    for (int64_t m = 0; m <= 3; m++)
        for (int64_t n = 0; n <= 3; n++)
            for (int64_t k = 0; k <= 3; k++)
                check_both(m, n, k);
    static const int64_t squares[] = {4, 5, 8, 15, 16, 17, 24, 31, 32, 33, 48};
    for (int i = 0; i < 11; i++)
        check_both(squares[i], squares[i], squares[i]);
}

/* What a product of nothing leaves: the epilogue alone. */
static void no_k(void)
{
    for (int i = 0; i < 8; i++) {
        gemm_case g = GEMM_CASE(.m = 7, .n = 19, .k = 0, .beta = i & 1 ? 0.5f : 0.0f);
        g.bias = i & 2;
        g.residual = i & 4 ? RESIDUAL : NO_RESIDUAL;
        check_gemm(&g);
        g.d.b_packed = true;
        check_gemm(&g);
    }
}

static void transposes(void)
{
    static const int64_t sizes[][3] = {{1, 1, 1},   {3, 5, 7},    {6, 16, 8},    {7, 17, 9},
                                       {8, 64, 33}, {13, 65, 64}, {33, 100, 70}, {5, 49, 520},
                                       {70, 9, 130}, {1, 70, 33}, {70, 1, 33}, {2, 130, 515}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int bits = 0; bits < 16; bits++) {
            gemm_case g = GEMM_CASE(.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]);
            g.d.transpose_a = bits & 1;
            g.d.transpose_b = bits & 2;
            g.d.b_packed = bits & 4;
            if (bits & 8) {
                g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + 3;
                g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + 5;
                g.d.ldc = g.d.n + 7;
            }
            check_gemm(&g);
        }
}

/* Matrix times vector and vector times matrix. */
static void gemv(void)
{
    static const int64_t lengths[] = {1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 129, 255, 1000};
    static const int64_t some_k[] = {1, 3, 16, 67, 511, 513, 1025};
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
        for (size_t i = 0; i < sizeof some_k / sizeof some_k[0]; i++)
            for (int bits = 0; bits < 8; bits++) {
                gemm_case g = GEMM_CASE(.m = 1, .n = 1, .k = some_k[i]);
                *(bits & 1 ? &g.d.m : &g.d.n) = lengths[l];
                g.d.transpose_a = g.d.transpose_b = bits & 2;
                g.d.b_packed = bits & 4;
                g.bias = true;
                check_gemm(&g);
            }
}

/* A few vectors and a matrix, on either side. */
static void few_vectors(void)
{
    static const int64_t lengths[] = {5, 8, 16, 31, 33, 70, 300};
    static const int64_t some_k[] = {1, 2, 3, 4, 5, 7, 9, 15, 18, 33, 513};
    for (int64_t few = 1; few <= 5; few++)
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
            for (size_t i = 0; i < sizeof some_k / sizeof some_k[0]; i++)
                for (int bits = 0; bits < 8; bits++) {
                    gemm_case g = GEMM_CASE(.m = few, .n = lengths[l], .k = some_k[i]);
                    if (bits & 1) {
                        g.d.n = few;
                        g.d.m = lengths[l];
                    }
                    g.d.transpose_a = bits & 2;
                    g.d.transpose_b = bits & 4;
                    if (i % 2) {
                        g.d.lda = (g.d.transpose_a ? g.d.m : g.d.k) + 3;
                        g.d.ldb = (g.d.transpose_b ? g.d.k : g.d.n) + 1;
                        g.d.ldc = g.d.n + 2;
                        g.bias = g.scale = true;
                    }
                    g.d.beta = l == 4 ? 0.5f : 0.0f;
                    g.d.act.kind = l == 5 ? HEW_ACT_RELU : HEW_ACT_NONE;
                    g.residual = l == 6 ? RESIDUAL : NO_RESIDUAL;
                    check_gemm(&g);
                }
}

/* Past every cache block of the drivers in one direction at a time. */
static void blocks(void)
{
    static const int64_t sizes[][3] = {{1030, 17, 40}, {530, 70, 130}, {9, 2100, 70},
                                       {33, 1100, 530}, {130, 130, 1100}, {7, 33, 9000},
                                       {1, 4100, 600}, {4100, 1, 600}, {300, 300, 300},
                                       {2, 5000, 130}, {3, 700, 1100}, {900, 4, 1030}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        gemm_case g = GEMM_CASE(.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]);
        g.bias = g.threads = true;
        g.d.act.kind = s % 3 == 2 ? HEW_ACT_RELU : HEW_ACT_NONE;
        for (int bits = 0; bits < 6; bits++) {
            g.d.transpose_a = bits & 1;
            g.d.transpose_b = bits & 2;
            g.d.b_packed = bits & 4;
            check_gemm(&g);
        }
    }
}

/* A caller in the middle of a wider tensor: every stride has room to spare. */
static void random_strides(rng *r, hew_gemm_desc *d)
{
    const int64_t batch = d->batch > 0 ? d->batch : 1;
    d->lda = (d->transpose_a ? d->m : d->k) + rng_between(r, 0, 9);
    d->ldb = (d->transpose_b ? d->k : d->n) + rng_between(r, 0, 9);
    d->ldc = d->n + rng_between(r, 0, 9);
    d->ldr = d->n + rng_between(r, 0, 9);
    if (batch == 1)
        return;
    const int64_t rows_a = d->transpose_a ? d->k : d->m, rows_b = d->transpose_b ? d->n : d->k;
    d->stride_a = rng_chance(r, 4) ? HEW_STRIDE_SHARED : rows_a * d->lda + rng_between(r, 0, 9);
    d->stride_b = rng_chance(r, 4) ? HEW_STRIDE_SHARED : rows_b * d->ldb + rng_between(r, 0, 9);
    if (d->b_packed)
        d->stride_b = 0;
    d->stride_c = d->m * d->ldc + rng_between(r, 0, 9);
    d->stride_r = rng_chance(r, 4) ? HEW_STRIDE_SHARED : d->m * d->ldr + rng_between(r, 0, 9);
}

static gemm_case random_case(rng *r)
{
    const int64_t most = rng_chance(r, 8) ? 260 : 40;
    gemm_case g = GEMM_CASE(.m = rng_between(r, 1, most), .n = rng_between(r, 1, most),
                            .k = rng_between(r, 0, rng_chance(r, 6) ? 1100 : 80));
    if (g.d.m * g.d.n * g.d.k > 4 << 20)
        g.d.k = 64;
    g.d.transpose_a = rng_chance(r, 3);
    g.d.transpose_b = rng_chance(r, 3);
    g.d.b_packed = rng_chance(r, 2);
    g.d.batch = rng_chance(r, 4) ? rng_between(r, 2, 4) : 0;
    g.d.alpha = rng_chance(r, 3) ? rng_f32(r) : 0.0f;
    g.d.beta = rng_chance(r, 3) ? rng_f32(r) : 0.0f;
    g.d.act.kind = rng_chance(r, 3) ? (hew_act_kind)rng_between(r, 0, HEW_ACT_COUNT - 1) : 0;
    g.scale = rng_chance(r, 3);
    g.bias = rng_chance(r, 2);
    if (rng_chance(r, 2))
        random_strides(r, &g.d);
    g.residual = (residual_kind)rng_between(r, 0, 2);
    if (g.residual == RESIDUAL_IN_PLACE) {
        g.d.beta = 0.0f; /* both read C: test_gemm_epilogue.c */
        g.d.ldr = g.d.ldc;
        g.d.stride_r = g.d.stride_c;
    }
    g.a = rng_chance(r, 6) ? FILL_SPECIALS : FILL_MIXED;
    g.b = rng_chance(r, 6) ? FILL_SPECIALS : FILL_MIXED;
    g.threads = rng_chance(r, 8);
    return g;
}

static void random_shapes(void)
{
    for (int i = 0; i < 2000; i++) {
        rng r = case_rng("number %d", i);
        const gemm_case g = random_case(&r);
        check_gemm(&g);
    }
}

int main(void)
{
    static const test tests[] = {
        {"m_tail", m_tail}, {"n_tail", n_tail}, {"k_tail", k_tail}, {"tile_corners", tile_corners},
        {"tiny", tiny}, {"no_k", no_k}, {"transposes", transposes}, {"gemv", gemv},
        {"few_vectors", few_vectors}, {"blocks", blocks}, {"random_shapes", random_shapes},
    };
    return run_on_rungs("gemm_f32", HEW_FAMILY_gemm_f32, TESTS(tests));
}
