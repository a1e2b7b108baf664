/* ONNX's own operator tests, on every rung.  What comes out is in docs/onnx.md. */
#include "onnx/table.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const suites[] = {"node", "pytorch-converted", "pytorch-operator", "simple"};

/* HEW_ONNX_TESTS=DIR, or where Debian has them. */
static const char *data_folder(void)
{
    const char *given = getenv("HEW_ONNX_TESTS");
    const char *folder = given ? given : "/usr/share/libonnx-testdata/data";
    if (access(folder, R_OK) != 0) {
        printf("onnx: SKIPPED: no %s: install libonnx-testdata\n", folder);
        fflush(stdout);
        skip();
    }
    return folder;
}

static int is_test(const struct dirent *entry) { return strncmp(entry->d_name, "test_", 5) == 0; }

/* ------------------------------------------------------------------------------ running ---- */

/* On the test's rung with one thread and with several, and by the definition: one result. */
static outcome run_thrice(onnx_case *tc, char why[WHY_BYTES])
{
    uint64_t hash, other;
    outcome result = case_run(tc, no_threads(), &hash, why);
    if (result != PASSED)
        return result;
    result = case_run(tc, pool_of(3), &other, why);
    no_threads();
    if (result == PASSED && other != hash) {
        snprintf(why, WHY_BYTES, "other bits with 3 threads");
        result = FAILED;
    }
    if (result != PASSED)
        return result;
    use_ref();
    result = case_run(tc, NULL, &other, why);
    use_test_rung();
    if (result == PASSED && other != hash) {
        snprintf(why, WHY_BYTES, "other bits than ref's");
        result = FAILED;
    }
    return result;
}

static void run_folder(table *t, const char *suite, const char *folder, const char *name)
{
    static onnx_case tc;
    struct pb_bytes missing[CASE_MAX_NODES];
    char why[WHY_BYTES] = "";
    case_rng("%s/%s", suite, name);
    case_open(&tc, folder, name);
    outcome result = NOT_SUPPORTED;
    if (case_missing(&tc, missing) == 0) {
        result = case_read(&tc, folder, why);
        if (result == PASSED)
            result = run_thrice(&tc, why);
    }
    if (result == FAILED)
        fprintf(stderr, "onnx on %s: %s/%s: %s\n", hew_isa_name(test_rung()), suite, name, why);
    table_add(t, &tc, suite, result, why);
    case_close(&tc);
}

static void run_all(table *t)
{
    const char *data = data_folder();
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        char folder[512];
        struct dirent **entries;
        snprintf(folder, sizeof folder, "%s/%s", data, suites[i]);
        const int count = scandir(folder, &entries, is_test, alphasort);
        if (count <= 0)
            fail_case("no tests in %s", folder);
        for (int k = 0; k < count; k++) {
            run_folder(t, suites[i], folder, entries[k]->d_name);
            free(entries[k]);
        }
        free(entries);
    }
    printf("onnx on %s: %d passed, %d failed, %d not supported\n", hew_isa_name(test_rung()),
           t->count[PASSED], t->count[FAILED], t->count[NOT_SUPPORTED]);
    fflush(stdout);
    if (t->count[FAILED] > 0)
        fail_case("%d of ONNX's tests fail", t->count[FAILED]);
}

static table results;

static void operators(void)
{
    results = (table){.row_count = 0};
    run_all(&results);
    table_free(&results);
}

/* That a test whose expected output is another one fails: each of these, in every element. */
static void wrong_outputs_are_seen(void)
{
    static const char *const names[] = {"test_conv_with_strides_padding", "test_relu",
                                        "test_qlinearconv", "test_matmulinteger"};
    static onnx_case tc;
    char folder[512], why[WHY_BYTES];
    uint64_t hash;
    snprintf(folder, sizeof folder, "%s/node", data_folder());
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        case_rng("%s", names[i]);
        case_open(&tc, folder, names[i]);
        if (case_read(&tc, folder, why) != PASSED || case_run(&tc, NULL, &hash, why) != PASSED)
            fail_case("%s", why);
        struct onnx_tensor *want = &tc.want[0];
        for (int k = 0; k < want->count; k++) {
            const size_t size = onnx_type_size(want->type), at = size * (size_t)k;
            uint8_t *byte = (uint8_t *)want->data + at + (want->type == ONNX_FLOAT ? 3 : 0);
            *byte ^= 0x40; /* a float's exponent by 128, an integer by 64 */
            if (case_run(&tc, NULL, &hash, why) != FAILED)
                fail_case("another element %d is not seen", k);
            *byte ^= 0x40;
        }
        case_close(&tc);
    }
}

/* ----------------------------------------------------------------------------- document ---- */

/* The line of `text` where `there` is another. */
static const char *first_difference(const char *there, char *text)
{
    char *line = text;
    for (size_t i = 0; text[i] != '\0' && text[i] == there[i]; i++)
        if (text[i] == '\n')
            line = text + i + 1;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* HEW_ONNX_TABLE=FILE writes it there. */
static void document(void)
{
    const char *target = getenv("HEW_ONNX_TABLE");
    char *text;
    size_t size;
    results = (table){.row_count = 0};
    run_all(&results);
    FILE *out = target ? fopen(target, "w") : open_memstream(&text, &size);
    if (!out)
        fail_case("%s can't be written", target ? target : "memory");
    table_write(&results, out);
    fclose(out);
    case_rng("docs/onnx.md");
    if (!target) {
        size_t there_size;
        char *there = (char *)net_read_file("docs/onnx.md", &there_size);
        if (!there)
            fail_case("docs/onnx.md can't be read (tests run from the top folder)");
        there = realloc(there, there_size + 1);
        there[there_size] = '\0';
        if (!table_same_list(&results, there)) {
            printf("onnx: SKIPPED: docs/onnx.md is about another version of libonnx-testdata\n");
            fflush(stdout);
            skip();
        }
        if (strcmp(there, text) != 0)
            fail_case("docs/onnx.md is out of date (make onnx-table writes it); it lacks this:\n%s",
                      first_difference(there, text));
        free(there);
        free(text);
    }
    table_free(&results);
}

int main(void)
{
    static const test on_rungs[] = {{"operators", operators}};
    static const test once[] = {{"wrong_outputs_are_seen", wrong_outputs_are_seen},
                                {"document", document}};
    return run_on_rungs("onnx", HEW_FAMILY_gemm_u8s8, TESTS(on_rungs)) +
           run_once("onnx", TESTS(once));
}
