/*
 * sites.c - where src/core/cpu.c has its CPUID and XGETBV instructions in this program.
 *
 * Taken from the program's own symbol table: the functions that stand behind the FILE symbol cpu.c,
 * and those with external linkage, by name.  Inside their bounds the instructions are found by
 * their bytes; a test compares what is found with a disassembly.
 */
#include "emu_internal.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Declared in kernels.h; here only its address counts. */
unsigned hew_cpu_rungs(void);

typedef struct image {
    const uint8_t *bytes;
    size_t size;
    const Elf64_Sym *symbols;
    size_t count;
    const char *names;
} image;

static bool open_image(image *im)
{
    const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0)
        return false;
    im->size = (size_t)status.st_size;
    void *const map = mmap(NULL, im->size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (map == MAP_FAILED)
        return false;
    im->bytes = map;
    const Elf64_Ehdr *const header = map;
    const Elf64_Shdr *const sections = (const void *)(im->bytes + header->e_shoff);
    for (unsigned s = 0; s < header->e_shnum; s++)
        if (sections[s].sh_type == SHT_SYMTAB) {
            im->symbols = (const void *)(im->bytes + sections[s].sh_offset);
            im->count = sections[s].sh_size / sizeof *im->symbols;
            im->names = (const char *)im->bytes + sections[sections[s].sh_link].sh_offset;
            return true;
        }
    munmap(map, im->size);
    return false;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_cpu_c(const char *file)
{
    const char *const slash = strrchr(file, '/');
    return strcmp(slash ? slash + 1 : file, "cpu.c") == 0;
}

static size_t add_site(emu_site *sites, size_t count, emu_site site)
{
    for (size_t s = 0; s < count; s++)
        if (sites[s].at == site.at) /* two symbols for one function */
            return count;
    if (count < EMU_MAX_SITES)
        sites[count++] = site;
    return count;
}

static size_t scan(emu_site *sites, size_t count, uintptr_t start, size_t bytes)
{
    const uint8_t *const code = (const uint8_t *)start;
    for (size_t b = 0; b + 1 < bytes; b++) {
        const bool cpuid = code[b] == 0x0F && code[b + 1] == 0xA2;
        const bool xgetbv = b + 2 < bytes && code[b] == 0x0F && code[b + 1] == 0x01 &&
                            code[b + 2] == 0xD0;
        if (cpuid || xgetbv)
            count = add_site(sites, count, (emu_site){start + b, xgetbv});
    }
    return count;
}

size_t emu_find_sites(emu_site sites[EMU_MAX_SITES], uintptr_t *load_bias)
{
    image im = {0};
    if (!open_image(&im))
        return 0;
    for (size_t s = 0; s < im.count; s++)
        if (strcmp(im.names + im.symbols[s].st_name, "hew_cpu_rungs") == 0)
            *load_bias = (uintptr_t)hew_cpu_rungs - im.symbols[s].st_value;
    bool inside = false;
    size_t count = 0;
    for (size_t s = 0; s < im.count; s++) {
        const Elf64_Sym *const symbol = &im.symbols[s];
        const char *const name = im.names + symbol->st_name;
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FILE)
            inside = is_cpu_c(name);
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_size > 0 &&
            ((inside && ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) ||
             has_prefix(name, "hew_cpu_") || has_prefix(name, "hew_isa_") ||
             has_prefix(name, "hew_active_isa")))
            count = scan(sites, count, *load_bias + symbol->st_value, symbol->st_size);
    }
    munmap((void *)(uintptr_t)im.bytes, im.size);
    return count;
}
