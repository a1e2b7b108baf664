/*
 * kernels.c - kernels.def as a table, and the lines of it that serve on this CPU.
 */
#include "kernels.h"

/* kernels.def writes rungs as hew_isa_name does. */
enum {
    RUNG_avx2 = HEW_ISA_AVX2,
    RUNG_avx2_vnni = HEW_ISA_AVX2_VNNI,
    RUNG_avx512 = HEW_ISA_AVX512,
    RUNG_avx512_vnni = HEW_ISA_AVX512_VNNI,
    RUNG_avx512_bf16 = HEW_ISA_AVX512_BF16,
    RUNG_amx = HEW_ISA_AMX
};

const hew_kernel hew_all_kernels[] = {
#define HEW_FAMILY(family)
#define HEW_REF(family, symbol)                                                                    \
    {HEW_ISA_REF, HEW_FAMILY_##family, 0, 0, 1, #symbol, #family, (hew_any_fn *)symbol},
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol)                                             \
    {(hew_isa)RUNG_##isa, HEW_FAMILY_##family, mr, nr, depth, #symbol, #family,                    \
     (hew_any_fn *)symbol},
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL
    {.name = ""} /* the end */
};

/* Numbers the lines.  FIRST_f is what f's first line gets; BEFORE_f takes the count back by one. */
enum {
#define HEW_FAMILY(family) FIRST_##family, BEFORE_##family = FIRST_##family - 1,
#define HEW_REF(family, symbol) LINE_ref_##symbol,
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol) LINE_##isa##_##symbol,
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL
    LINE_COUNT
};

const size_t hew_all_kernels_count = LINE_COUNT;

static const int first_line[HEW_FAMILY_COUNT + 1] = {
#define HEW_FAMILY(family) FIRST_##family,
#define HEW_REF(family, symbol)
#define HEW_KERNEL(isa, family, mr, nr, depth, symbol)
#include "kernels.def"
#undef HEW_FAMILY
#undef HEW_REF
#undef HEW_KERNEL
    LINE_COUNT
};

const hew_kernel *hew_kernels(int family, size_t *count)
{
    const unsigned rungs = hew_cpu_rungs();
    const hew_kernel *const first = hew_all_kernels + first_line[family];
    const hew_kernel *end = hew_all_kernels + first_line[family + 1];
    while (end > first && (rungs >> end[-1].isa & 1) == 0)
        end--;
    const hew_kernel *begin = end;
    while (begin > first && begin[-1].isa == end[-1].isa)
        begin--;
    *count = (size_t)(end - begin);
    return begin;
}

bool hew_active_kernel(size_t i, hew_kernel_info *info)
{
    for (int family = 0; family < HEW_FAMILY_COUNT; family++) {
        size_t count;
        const hew_kernel *kernel = hew_kernels(family, &count);
        if (i < count) {
            if (info != NULL)
                *info = (hew_kernel_info){kernel[i].family_name, kernel[i].name, kernel[i].isa};
            return info != NULL;
        }
        i -= count;
    }
    return false;
}
