/* op_gemm.c - Gemm, MatMul, MatMulInteger, QLinearMatMul. */
#include "onnx/op.h"

#include <string.h>

/* Runs with B plain; where B can be packed (there is one for the whole batch) with that too, and
 * the result has to be the same to the bit. */
static outcome run(call *c, hew_gemm_desc *d, hew_gemm_args *args, size_t out_bytes)
{
    const bool shared = d->batch <= 1 || d->stride_b == HEW_STRIDE_SHARED;
    void *plain = args->c, *start = op_memory(c, out_bytes, 1);
    memcpy(start, plain, out_bytes);
    for (int packed = 0; packed <= shared; packed++) {
        hew_gemm *op;
        d->b_packed = packed;
        const outcome created = op_status(c, hew_gemm_create(&op, d));
        if (created != PASSED)
            return created;
        const size_t threads = c->threads ? c->threads->count : 1;
        args->scratch = op_aligned(c, hew_gemm_scratch_size(op, threads));
        args->threads = c->threads;
        hew_status status = HEW_OK;
        if (packed) {
            void *b = op_aligned(c, hew_gemm_packed_size(op));
            status = hew_gemm_pack(op, args->b, b);
            args->packed_b = b;
            args->c = op_memory(c, out_bytes, sizeof(float));
            memcpy(args->c, start, out_bytes);
        }
        if (status == HEW_OK)
            status = hew_gemm_run(op, args);
        hew_gemm_destroy(op);
        const outcome ran = op_status(c, status);
        if (ran != PASSED)
            return ran;
    }
    if (shared && memcmp(plain, args->c, out_bytes) != 0) {
        op_refuse(c, "packed B and plain B give different bits");
        return FAILED;
    }
    return PASSED;
}

/* C broadcast to m x n: {m, n}, {1, n}, {m, 1}, {n}, {1}, {}; old versions align it to an axis. */
static bool spread(call *c, const struct onnx_tensor *from, float *to, int64_t m, int64_t n)
{
    int64_t rows = from->rank == 2 ? from->dims[0] : 1;
    int64_t columns = from->rank == 0 ? 1 : from->dims[from->rank - 1];
    if (from->rank > 2 || (rows != 1 && rows != m) || (columns != 1 && columns != n)) {
        op_refuse(c, "a C that doesn't broadcast");
        return false;
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            to[i * n + j] = from->floats[(rows == 1 ? 0 : i * columns) + (columns == 1 ? 0 : j)];
    return true;
}

/* A, B, C: alpha A' B' + beta C.  A vector of columns is the library's bias. */
outcome op_gemm(call *c)
{
    const struct onnx_tensor *a = c->in[0], *b = c->in[1], *add = c->in[2];
    const bool ta = onnx_int(c->node, "transA", 0), tb = onnx_int(c->node, "transB", 0);
    const float alpha = onnx_float(c->node, "alpha", 1), beta = onnx_float(c->node, "beta", 1);
    hew_type type;
    if (!op_type(c, 0, &type))
        return NOT_SUPPORTED;
    if (type != HEW_F32 || a->rank != 2 || b->rank != 2 || alpha == 0)
        return op_refuse(c, "%s, alpha = %g", onnx_type_name(a->type), (double)alpha);
    const int64_t m = a->dims[ta], k = a->dims[!ta], n = b->dims[!tb];
    hew_gemm_desc d = HEW_GEMM_DESC(.m = m, .n = n, .k = k, .transpose_a = ta, .transpose_b = tb,
                                    .alpha = alpha);
    hew_gemm_args args = HEW_GEMM_ARGS(.a = a->data, .b = b->data);
    args.c = op_output(c, 0, a->type, 2, (int64_t[]){m, n});
    const bool vector = add && add->rank == 1 && add->count == n && beta == 1;
    if (vector)
        args.bias = add->floats;
    else if (add && spread(c, add, args.c, m, n))
        d.beta = beta;
    else if (add)
        return NOT_SUPPORTED;
    return run(c, &d, &args, sizeof(float) * (size_t)(m * n));
}

/* What NumPy's matmul makes of two tensors: a batch, m, n, k and the output's shape. */
typedef struct product {
    int64_t batch, a_batch, b_batch, m, n, k, dims[ONNX_MAX_RANK];
    int rank;
} product;

static int64_t dim_from_end(const struct onnx_tensor *t, int i)
{
    return i < t->rank ? t->dims[t->rank - 1 - i] : 1;
}

static bool describe_product(call *c, const struct onnx_tensor *a, const struct onnx_tensor *b,
                             product *p)
{
    *p = (product){.batch = 1, .a_batch = 1, .b_batch = 1, .m = 1, .n = 1};
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    if (a->rank == 0 || b->rank == 0) {
        op_refuse(c, "a scalar");
        return false;
    }
    p->k = a->dims[a->rank - 1];
    p->m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    p->n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    for (int i = rank - 1; i >= 2; i--) {
        const int64_t da = dim_from_end(a, i), db = dim_from_end(b, i);
        p->dims[p->rank] = da == 1 ? db : da;
        p->a_batch *= da;
        p->b_batch *= db;
        p->batch *= p->dims[p->rank++];
    }
    if (a->rank > 1)
        p->dims[p->rank++] = p->m;
    if (b->rank > 1)
        p->dims[p->rank++] = p->n;
    const bool whole = p->a_batch == p->batch || p->a_batch == 1;
    if (!whole || (p->b_batch != p->batch && p->b_batch != 1)) {
        op_refuse(c, "batches that broadcast in part");
        return false;
    }
    return true;
}

/* The product of inputs a and b, into output 0 of `type`. */
static outcome multiply(call *c, int a, int b, hew_gemm_desc *d, hew_gemm_args *args, int type)
{
    product p;
    if (!op_type(c, a, &d->a_type) || !op_type(c, b, &d->b_type) ||
        !describe_product(c, c->in[a], c->in[b], &p))
        return NOT_SUPPORTED;
    d->m = p.m;
    d->n = p.n;
    d->k = p.k;
    d->batch = p.batch == 0 ? -1 : p.batch;
    d->stride_a = p.a_batch == 1 ? HEW_STRIDE_SHARED : 0;
    d->stride_b = p.b_batch == 1 ? HEW_STRIDE_SHARED : 0;
    args->a = c->in[a]->data;
    args->b = c->in[b]->data;
    args->c = op_output(c, 0, type, p.rank, p.dims);
    return run(c, d, args, onnx_type_size(type) * (size_t)c->out[0].count);
}

outcome op_matmul(call *c)
{
    hew_gemm_desc d = HEW_GEMM_DESC(0);
    hew_gemm_args args = HEW_GEMM_ARGS(0);
    return op_type(c, 0, &d.c_type) ? multiply(c, 0, 1, &d, &args, c->in[0]->type) : NOT_SUPPORTED;
}

/* Columns of the product by input b. */
static int64_t columns_of(const call *c, int b)
{
    const struct onnx_tensor *t = c->in[b];
    return t->rank > 1 ? t->dims[t->rank - 1] : 1;
}

/* A, B, a_zero_point, b_zero_point */
outcome op_matmul_integer(call *c)
{
    hew_gemm_desc d = HEW_GEMM_DESC(.c_type = HEW_S32);
    hew_gemm_args args = HEW_GEMM_ARGS(0);
    if (!op_zero(c, 2, &args.a_zero) || !op_spread(c, 3, columns_of(c, 1), &args.b_zero))
        return NOT_SUPPORTED;
    return multiply(c, 0, 1, &d, &args, ONNX_INT32);
}

/* a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point */
outcome op_qlinear_matmul(call *c)
{
    hew_gemm_desc d = HEW_GEMM_DESC(0);
    hew_gemm_args args = HEW_GEMM_ARGS(0);
    const int64_t n = columns_of(c, 3);
    if (!op_type(c, 7, &d.c_type) || !op_scales(c, 1, 4, n, &args.scale) ||
        !op_zero(c, 2, &args.a_zero) || !op_spread(c, 5, n, &args.b_zero) ||
        !op_scale(c, 6, &args.c_scale) || !op_zero(c, 7, &args.c_zero))
        return NOT_SUPPORTED;
    return multiply(c, 0, 3, &d, &args, c->in[7]->type);
}
