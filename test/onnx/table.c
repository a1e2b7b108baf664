/* table.c - see table.h. */
#include "onnx/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The row of a name, in its place. */
static table_row *row_of(table_row *rows, int *count, const char *name)
{
    int at = 0;
    while (at < *count && strcmp(rows[at].name, name) < 0)
        at++;
    if (at < *count && strcmp(rows[at].name, name) == 0)
        return &rows[at];
    if (*count == TABLE_MAX_ROWS)
        fail_case("more than %d operators", TABLE_MAX_ROWS);
    memmove(&rows[at + 1], &rows[at], (size_t)(*count - at) * sizeof rows[0]);
    ++*count;
    rows[at] = (table_row){.known = false};
    snprintf(rows[at].name, sizeof rows[at].name, "%s", name);
    return &rows[at];
}

static void add_reason(table_row *row, const char *why)
{
    int at = 0;
    while (at < row->reason_count && strcmp(row->reasons[at].text, why) != 0)
        at++;
    if (at == ROW_MAX_REASONS)
        fail_case("%s: more than %d reasons", row->name, ROW_MAX_REASONS);
    if (at == row->reason_count) {
        row->reasons[row->reason_count++] = (table_reason){.count = 0};
        snprintf(row->reasons[at].text, WHY_BYTES, "%s", why);
    }
    row->reasons[at].count++;
}

static void add_name(table *t, const char *name)
{
    const size_t before = t->graphs ? strlen(t->graphs) : 0, size = strlen(name);
    t->graphs = realloc(t->graphs, before + size + 5); /* ", ", two `, the end */
    if (!t->graphs)
        fail_case("out of memory");
    sprintf(t->graphs + before, "%s`%s`", before ? ", " : "", name);
}

static void add_graph(table *t, const onnx_case *tc, outcome result, const char *why)
{
    struct pb_bytes missing[CASE_MAX_NODES];
    const int count = case_missing(tc, missing);
    t->graph_count[result]++;
    if (result == PASSED)
        add_name(t, tc->name + strlen("test_"));
    for (int i = 0; i < count; i++) {
        char op[64];
        pb_text(missing[i], op, sizeof op);
        row_of(t->lacking, &t->lacking_count, op)->count[NOT_SUPPORTED]++;
    }
    if (result == NOT_SUPPORTED && count == 0)
        row_of(t->lacking, &t->lacking_count, why)->count[NOT_SUPPORTED]++;
}

void table_add(table *t, const onnx_case *tc, const char *suite, outcome result, const char *why)
{
    t->count[result]++;
    if (t->list == 0)
        t->list = NET_HASH_START;
    t->list = net_hash(t->list, suite, strlen(suite) + 1);
    t->list = net_hash(t->list, tc->name, strlen(tc->name) + 1);
    if (tc->node_count > 1) {
        add_graph(t, tc, result, why);
        return;
    }
    char op[64];
    pb_text(tc->nodes[0].op, op, sizeof op);
    table_row *row = row_of(t->rows, &t->row_count, op);
    row->known = op_find(tc->nodes[0].op) != NULL;
    row->count[result]++;
    if (result != PASSED && row->known)
        add_reason(row, why);
}

void table_free(table *t) { free(t->graphs); }

/* ----------------------------------------------------------------------------- document ---- */

/* Versions of the package, by their lists of tests. */
static const struct {
    uint64_t list;
    const char *version;
} versions[] = {
    {0x2239a64c82985889, "1.12.0"},
};

static const char *version_of(uint64_t list)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (versions[i].list == list)
            return versions[i].version;
    return "unknown";
}

static void list_line(const table *t, char *line, size_t size)
{
    snprintf(line, size, "version %s, whose list of %d tests has the checksum `%016" PRIx64 "`",
             version_of(t->list), t->count[PASSED] + t->count[FAILED] + t->count[NOT_SUPPORTED],
             t->list);
}

bool table_same_list(const table *t, const char *document)
{
    char line[160];
    list_line(t, line, sizeof line);
    return strstr(document, line) != NULL;
}

static void write_reasons(const table_row *row, FILE *out)
{
    for (int i = 0; i < row->reason_count; i++)
        fprintf(out, "%s%s (%d)", i ? "; " : "", row->reasons[i].text, row->reasons[i].count);
}

static void write_operators(const table *t, FILE *out)
{
    fputs("\n## Operators\n\n"
          "| operator | passed | not supported | why not |\n|---|---|---|---|\n", out);
    for (int i = 0; i < t->row_count; i++) {
        const table_row *row = &t->rows[i];
        if (!row->known)
            continue;
        fprintf(out, "| %s | %d | %d | ", row->name, row->count[PASSED], row->count[NOT_SUPPORTED]);
        write_reasons(row, out);
        fputs(" |\n", out);
    }
}

/* An item of a list that goes on, in lines of 100 columns. */
static void write_item(const char *text, size_t *column, FILE *out)
{
    const size_t size = strlen(text);
    if (*column > 0)
        *column += (size_t)fprintf(out, *column + size > 97 ? ",\n" : ", ");
    if (*column + size > 99)
        *column = 0;
    *column += (size_t)fprintf(out, "%s", text);
}

static void write_absent(const table *t, FILE *out)
{
    size_t column = 0;
    int tests = 0;
    for (int i = 0; i < t->row_count; i++)
        tests += t->rows[i].known ? 0 : t->rows[i].count[NOT_SUPPORTED];
    fprintf(out, "\n## Operators that Hew doesn't have\n\n"
                 "%d of the tests not supported, so many of each:\n\n", tests);
    for (int i = 0; i < t->row_count; i++) {
        char text[96];
        snprintf(text, sizeof text, "%s %d", t->rows[i].name, t->rows[i].count[NOT_SUPPORTED]);
        if (!t->rows[i].known)
            write_item(text, &column, out);
    }
    fputs(".\n", out);
}

static void write_graphs(const table *t, FILE *out)
{
    size_t column = 0;
    fprintf(out,
            "\n## Graphs of several nodes\n\n"
            "Operators written out as a graph of others (`..._expanded`), and what PyTorch "
            "exports: %d\npassed, %d not supported.",
            t->graph_count[PASSED], t->graph_count[NOT_SUPPORTED]);
    if (t->graphs)
        fprintf(out, " Passed: %s.", t->graphs);
    fputs("\n\nWhat the others lack, with the number of graphs that do:\n\n", out);
    for (int i = 0; i < t->lacking_count; i++) {
        char text[WHY_BYTES + 32];
        snprintf(text, sizeof text, "%s %d", t->lacking[i].name,
                 t->lacking[i].count[NOT_SUPPORTED]);
        write_item(text, &column, out);
    }
    fputs(".\n", out);
}

void table_write(const table *t, FILE *out)
{
    char line[160];
    list_line(t, line, sizeof line);
    fprintf(out,
            "# ONNX's operator tests\n\n"
            "The tests that ONNX has for its operators, as Debian's package `libonnx-testdata` "
            "installs them:\n%s.\n\n"
            "**%d passed, %d failed, %d not supported.**\n\n"
            "`test/test_onnx.c` runs them on every rung of the ladder, with one thread and with "
            "several, and\nwants the same bits from all. It compares with the tests' own expected "
            "output: integers have to be\nequal, floats as near as ONNX's own runner asks for by "
            "default, |got - want| <= 1e-7 + 1e-3 |want|.\nImages, which ONNX has channels first, "
            "are reordered around the calls. `test/onnx/op_*.c` shows how\nan operator's "
            "attributes become calls of `hew.h`.\n\n"
            "Written by `make onnx-table`; the test fails where this is out of date.\n",
            line, t->count[PASSED], t->count[FAILED], t->count[NOT_SUPPORTED]);
    write_operators(t, out);
    write_graphs(t, out);
    write_absent(t, out);
}
