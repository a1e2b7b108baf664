/* What test_onnx stands on: the reader of tensors, of every type; the eye for differences. */
#include "onnx/case.h"
#include "protobuf_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 6, DIMS = 1, TYPE = 2, RAW = 9 };

/* Where TensorProto has the elements of a type beside raw_data. */
static const struct {
    int type;
    unsigned field;
    bool fixed;
} kinds[] = {
    {ONNX_FLOAT, 4, true},    {ONNX_DOUBLE, 10, true},  {ONNX_UINT8, 5, false},
    {ONNX_INT8, 5, false},    {ONNX_UINT16, 5, false},  {ONNX_INT16, 5, false},
    {ONNX_INT32, 5, false},   {ONNX_INT64, 7, false},   {ONNX_BOOL, 5, false},
    {ONNX_FLOAT16, 5, false}, {ONNX_UINT32, 11, false}, {ONNX_UINT64, 11, false},
    {ONNX_BFLOAT16, 5, false},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };
typedef enum form { RAW_DATA, PACKED, ONE_BY_ONE, FORMS } form;

/* A tensor of 2 x 3 elements whose low bytes are those of `values`. */
static void put_tensor(struct bytes *to, int kind, form how, const int64_t values[COUNT])
{
    static struct bytes body;
    const size_t size = onnx_type_size(kinds[kind].type);
    const bool fixed = kinds[kind].fixed;
    to->size = body.size = 0;
    put_int(to, DIMS, 2);
    put_int(to, DIMS, 3);
    put_int(to, TYPE, (uint64_t)kinds[kind].type);
    for (int i = 0; i < COUNT; i++) {
        if (how == RAW_DATA || (how == PACKED && fixed)) {
            put(&body, &values[i], size);
        } else if (how == PACKED) {
            put_varint(&body, (uint64_t)values[i]);
        } else if (fixed) {
            put_varint(to, kinds[kind].field << 3 | (size == 4 ? 5 : 1));
            put(to, &values[i], size);
        } else {
            put_int(to, kinds[kind].field, (uint64_t)values[i]);
        }
    }
    if (how != ONE_BY_ONE)
        put_message(to, how == RAW_DATA ? RAW : kinds[kind].field, &body);
}

/* From a block of just this size, so that a sanitizer sees a read past it. */
static const char *read_exact(const struct bytes *from, size_t size, struct onnx_tensor *t)
{
    struct pb_bytes name = {NULL, 0};
    buffer exact = buffer_copy(from->data, size, 1, AT_BACK);
    const char *wrong = onnx_read_tensor((struct pb_bytes){exact.data, size}, t, &name);
    buffer_free(&exact);
    return wrong;
}

static void every_type(void)
{
    static struct bytes message;
    static const int64_t values[COUNT] = {0, 1, -1, -128, 0x7f, 0x40490fdb40490fdb};
    for (int kind = 0; kind < KINDS; kind++)
        for (form how = RAW_DATA; how < FORMS; how++) {
            struct onnx_tensor t;
            const size_t size = onnx_type_size(kinds[kind].type);
            case_rng("%s, form %d", onnx_type_name(kinds[kind].type), how);
            put_tensor(&message, kind, how, values);
            const char *wrong = read_exact(&message, message.size, &t);
            if (wrong)
                fail_case("%s", wrong);
            if (t.type != kinds[kind].type || t.rank != 2 || t.dims[0] != 2 || t.dims[1] != 3)
                fail_case("type %d, %d axes", t.type, t.rank);
            for (size_t i = 0; i < COUNT; i++)
                if (memcmp((char *)t.data + size * i, &values[i], size) != 0)
                    fail_case("element %zu is not what was written", i);
            onnx_free_tensor(&t);
        }
}

static void damage(void)
{
    static struct bytes message, bad;
    static const int64_t values[COUNT] = {300, 1, -1, -128, 0x7f, 77};
    struct onnx_tensor t;
    rng r = case_rng("damage");
    for (int kind = 0; kind < KINDS; kind++)
        for (form how = RAW_DATA; how < FORMS; how++) {
            put_tensor(&message, kind, how, values);
            for (size_t cut = 6; cut < message.size; cut++) { /* the type is there */
                if (!read_exact(&message, cut, &t))
                    fail_case("%s, form %d: %zu of %zu bytes are a tensor",
                              onnx_type_name(kinds[kind].type), how, cut, message.size);
                onnx_free_tensor(&t);
            }
            for (int round = 0; round < 300; round++) {
                bad = message;
                for (int64_t flips = rng_between(&r, 1, 4); flips > 0; flips--)
                    bad.data[rng_between(&r, 0, (int64_t)bad.size - 1)] =
                        (uint8_t)rng_between(&r, 0, 255);
                read_exact(&bad, bad.size, &t);
                onnx_free_tensor(&t);
            }
        }
}

/* ------------------------------------------------------------------------- differences ---- */

static struct onnx_tensor tensor_of(int type, int rank, void *data)
{
    return (struct onnx_tensor){.rank = rank, .dims = {2, 3}, .count = COUNT, .type = type,
                                .data = data};
}

static void check_differs(const char *what, bool differs, struct onnx_tensor want,
                          struct onnx_tensor got)
{
    if ((case_differs(&want, &got) != NULL) != differs)
        fail_case("%s: %s", what, differs ? "not seen" : case_differs(&want, &got));
}

static void float_differences(void)
{
    static const struct {
        float want, got;
        bool differs;
    } pairs[] = {
        {1, 1, false},          {1, 1.0009f, false},        {1, 1.0011f, true},
        {1, 0.9991f, false},    {1, 0.9989f, true},         {-1000, -1000.9f, false},
        {-1000, 1000, true},    {0, 0.9e-7f, false},        {0, 1.1e-7f, true},
        {0, -1.1e-7f, true},    {0, -0.0f, false},          {INFINITY, INFINITY, false},
        {1, INFINITY, true},    {INFINITY, 1, true},        {INFINITY, -INFINITY, true},
        {NAN, NAN, false},      {NAN, 1, true},             {1, NAN, true},
        {INFINITY, NAN, true},  {NAN, INFINITY, true},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        float want[COUNT] = {1, 2, 3, 4, 5, pairs[i].want}, got[COUNT] = {1, 2, 3, 4, 5};
        got[COUNT - 1] = pairs[i].got;
        case_rng("%.9g for %.9g", (double)pairs[i].got, (double)pairs[i].want);
        check_differs("floats", pairs[i].differs, tensor_of(ONNX_FLOAT, 2, want),
                      tensor_of(ONNX_FLOAT, 2, got));
    }
}

static void other_differences(void)
{
    int64_t want[COUNT] = {1, 2, 3, 4, 5, 1000000}, got[COUNT];
    case_rng("integers");
    for (int kind = 0; kind < KINDS; kind++) {
        const size_t last = onnx_type_size(kinds[kind].type) * (COUNT - 1);
        const int type = kinds[kind].type;
        if (type == ONNX_FLOAT)
            continue;
        memcpy(got, want, sizeof got);
        check_differs(onnx_type_name(type), false, tensor_of(type, 2, want),
                      tensor_of(type, 2, got));
        ((uint8_t *)got)[last] ^= 1;
        check_differs(onnx_type_name(type), true, tensor_of(type, 2, want),
                      tensor_of(type, 2, got));
    }
    struct onnx_tensor a = tensor_of(ONNX_INT8, 2, want), b = tensor_of(ONNX_UINT8, 2, want);
    check_differs("types", true, a, b);
    check_differs("ranks", true, a, tensor_of(ONNX_INT8, 1, want));
    b = a;
    b.dims[0] = 3;
    b.dims[1] = 2;
    check_differs("shapes", true, a, b);
    check_differs("strings", true, tensor_of(ONNX_STRING, 2, NULL),
                  tensor_of(ONNX_STRING, 2, NULL));
}

int main(void)
{
    static const test tests[] = {
        {"every_type", every_type},
        {"damage", damage},
        {"float_differences", float_differences},
        {"other_differences", other_differences},
    };
    return run_once("onnx_reader", TESTS(tests));
}
