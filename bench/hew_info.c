/*
 * hew_info.c - what the library finds on this machine, and what the machine can do at most.
 */
#include "hew.h"
#include "peak.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct peaks {
    double gflops[HEW_ISA_COUNT], gops[HEW_ISA_COUNT];
    double copy_memory, read_memory, copy_l2, read_l2;
    size_t memory_bytes, l2_bytes;
} peaks;

static peaks measure(const hew_cpu_info *cpu)
{
    peaks p = {.memory_bytes = hew_bench_memory_bytes(),
               .l2_bytes = (cpu->l2 ? cpu->l2 : (size_t)256 << 10) / 2};
    for (int i = 0; i < HEW_ISA_COUNT; i++) {
        if (!hew_isa_available((hew_isa)i))
            continue;
        p.gflops[i] = hew_bench_peak_gflops_of((hew_isa)i);
        p.gops[i] = hew_bench_peak_gops_of((hew_isa)i);
    }
    p.copy_memory = hew_bench_copy_gbs(p.memory_bytes, NULL);
    p.read_memory = hew_bench_read_gbs(p.memory_bytes, NULL);
    p.copy_l2 = hew_bench_copy_gbs(p.l2_bytes, NULL);
    p.read_l2 = hew_bench_read_gbs(p.l2_bytes, NULL);
    return p;
}

static void print_text(const hew_cpu_info *cpu, const peaks *p)
{
    printf("hew %s\n", hew_version());
    printf("CPU        %s (%s, family %d, model %d, stepping %d), %ld CPUs\n",
           cpu->brand[0] ? cpu->brand : "no brand string", cpu->vendor, cpu->family, cpu->model,
           cpu->stepping, sysconf(_SC_NPROCESSORS_ONLN));
    printf("features   %s\n", cpu->features);
    printf("caches     L1d %zu KB, L2 %zu KB, L3 %zu KB\n", cpu->l1d >> 10, cpu->l2 >> 10,
           cpu->l3 >> 10);
    printf("\nrungs      of one thread  f32 GFLOP/s  int8 GOP/s\n");
    for (int i = 0; i < HEW_ISA_COUNT; i++) {
        printf("           %-13s ", hew_isa_name((hew_isa)i));
        if (hew_isa_available((hew_isa)i))
            printf("%12.1f %11.1f%s\n", p->gflops[i], p->gops[i],
                   hew_active_isa() == (hew_isa)i ? "  (active)" : "");
        else
            printf("%12s %11s\n", "-", "-");
    }
    printf("\nbandwidth  of one thread, GB/s      copy    read\n");
    printf("           from memory (%3zu MB) %8.1f %7.1f\n", p->memory_bytes >> 20, p->copy_memory,
           p->read_memory);
    printf("           in L2       (%3zu KB) %8.1f %7.1f\n", p->l2_bytes >> 10, p->copy_l2,
           p->read_l2);
    printf("\nkernels in use\n");
    hew_kernel_info k;
    const char *family = "";
    for (size_t i = 0; hew_active_kernel(i, &k); i++) {
        printf("           %-14s %s\n", strcmp(family, k.family) == 0 ? "" : k.family, k.symbol);
        family = k.family;
    }
}

/* A JSON string; what CPUs call themselves has no control characters. */
static void quoted(const char *s)
{
    putchar('"');
    for (; *s; s++)
        printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    putchar('"');
}

static void print_json(const hew_cpu_info *cpu, const peaks *p)
{
    printf("{\"version\":\"%s\",\"vendor\":", hew_version());
    quoted(cpu->vendor);
    printf(",\"brand\":");
    quoted(cpu->brand);
    printf(",\"family\":%d,\"model\":%d,\"stepping\":%d,\"cpus\":%ld,\"features\":", cpu->family,
           cpu->model, cpu->stepping, sysconf(_SC_NPROCESSORS_ONLN));
    quoted(cpu->features);
    printf(",\"l1d\":%zu,\"l2\":%zu,\"l3\":%zu,\"active\":\"%s\",\"rungs\":[", cpu->l1d, cpu->l2,
           cpu->l3, hew_isa_name(hew_active_isa()));
    const char *comma = "";
    for (int i = 0; i < HEW_ISA_COUNT; i++) {
        if (!hew_isa_available((hew_isa)i))
            continue;
        printf("%s{\"isa\":\"%s\",\"gflops\":%.5g,\"int8_gops\":%.5g}", comma,
               hew_isa_name((hew_isa)i), p->gflops[i], p->gops[i]);
        comma = ",";
    }
    printf("],\"memory_copy_gbs\":%.4g,\"memory_read_gbs\":%.4g,\"l2_copy_gbs\":%.4g,"
           "\"l2_read_gbs\":%.4g,\"kernels\":[",
           p->copy_memory, p->read_memory, p->copy_l2, p->read_l2);
    hew_kernel_info k;
    comma = "";
    for (size_t i = 0; hew_active_kernel(i, &k); i++) {
        printf("%s{\"family\":\"%s\",\"symbol\":\"%s\",\"isa\":\"%s\"}", comma, k.family, k.symbol,
               hew_isa_name(k.isa));
        comma = ",";
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    static const char help[] =
        "usage: hew-info [--json]\n\n"
        "Prints this CPU, the rungs of instruction sets that it and the system offer, what it can\n"
        "do at most (measured now, with one thread; bandwidths count bytes read and written), and\n"
        "the kernels that serve each family.  HEW_MAX_ISA=NAME caps the rungs.\n";
    const bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc > 1 && !json) {
        fprintf(stderr, "hew-info: '%s' is not an option; %s", argv[argc > 2 ? 2 : 1], help);
        return 2;
    }
    hew_cpu_info cpu = {.size = sizeof cpu};
    if (hew_cpu_query(&cpu) != HEW_OK) {
        fprintf(stderr, "hew-info: %s\n", hew_last_error());
        return 1;
    }
    const peaks p = measure(&cpu);
    (json ? print_json : print_text)(&cpu, &p);
    return 0;
}
