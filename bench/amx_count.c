/*
 * amx_count.c - runs a problem under the emulator, and counts.
 */
#include "amx_count.h"

#include "core.h"
#include "emu/emu.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* ------------------------------------------------------------------------ single steps ----- */

static volatile uint64_t steps;
static volatile uintptr_t last_step;

/* A `rep` traps after each of its rounds, and is one instruction. */
static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    const uintptr_t at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    steps += at != last_step;
    last_step = at;
}

/* Sets or clears the trap flag; handlers run without it, so the emulator's work isn't counted. */
static void step(bool on)
{
    static struct sigaction before;
    enum { TRAP_FLAG = 0x100 };
    uint64_t flags;
    if (on) {
        const struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
        sigaction(SIGTRAP, &action, &before);
    }
    /* No push: below the stack pointer lies the compiler's red zone. */
    flags = __builtin_ia32_readeflags_u64();
    __builtin_ia32_writeeflags_u64(on ? flags | TRAP_FLAG : flags & ~(uint64_t)TRAP_FLAG);
    if (!on)
        sigaction(SIGTRAP, &before, NULL);
}

/* --------------------------------------------------------------------------- one run ------- */

const char *amx_count_begin(void)
{
    const char *const missing = emu_missing();
    return missing ? missing : emu_present(EMU_HOST_PLUS);
}

static amx_counts count_now(void)
{
    return (amx_counts){
        .multiplies = emu_count(EMU_TDPBSSD) + emu_count(EMU_TDPBSUD) + emu_count(EMU_TDPBUSD) +
                      emu_count(EMU_TDPBUUD) + emu_count(EMU_TDPBF16PS) + emu_count(EMU_TDPFP16PS),
        .loads = emu_count(EMU_TILELOADD) + emu_count(EMU_TILELOADDT1),
        .stores = emu_count(EMU_TILESTORED),
        .zeros = emu_count(EMU_TILEZERO),
        .configs = emu_count(EMU_LDTILECFG) + emu_count(EMU_STTILECFG) +
                   emu_count(EMU_TILERELEASE),
        .others = steps};
}

/* What surrounds one run; memory is of zeros, whose products take as many instructions as any. */
typedef struct run {
    hew_conv *conv;
    hew_gemm *gemm;
    void *in, *weights, *out, *packed, *scratch;
    float *bias;
} run;

static size_t size_of(hew_type type) { return type == HEW_BF16 ? 2 : 1; }

static void *zeros(size_t bytes)
{
    void *const p = hew_alloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

static bool allocate(run *r, const problem *p, hew_type type, size_t packed, size_t scratch)
{
    const problem_sizes n = problem_elements(p);
    r->in = zeros(n.in * size_of(type));
    r->weights = zeros(n.weights * size_of(type));
    r->out = zeros(n.out * size_of(type));
    r->packed = hew_alloc(packed);
    r->scratch = hew_alloc(scratch);
    r->bias = zeros((size_t)(p->op == PROBLEM_CONV ? p->oc : p->n) * sizeof(float));
    return r->in && r->weights && r->out && r->packed && r->scratch && r->bias;
}

static hew_status run_conv(run *r, const problem *p, hew_type type, bool stepping)
{
    hew_conv_desc d = HEW_CONV_DESC(.batch = p->mb, .in_c = p->ic, .out_c = p->oc, .groups = p->g,
                                    .in_type = type, .out_type = type,
                                    .weight_type = type == HEW_U8 ? HEW_S8 : type,
                                    .act = {.kind = HEW_ACT_RELU});
    for (int i = 0; i < p->rank; i++) {
        d.in[i] = p->in[i];
        d.kernel[i] = p->kernel[i];
        d.stride[i] = p->stride[i];
        d.dilation[i] = p->dilation[i];
        d.pad_lo[i] = p->pad_lo[i];
        d.pad_hi[i] = p->pad_hi[i];
    }
    hew_status s = hew_conv_create(&r->conv, &d);
    if (s == HEW_OK && !allocate(r, p, type, hew_conv_packed_size(r->conv),
                                 hew_conv_scratch_size(r->conv, 1)))
        s = HEW_ERR_NO_MEMORY;
    if (s == HEW_OK)
        s = hew_conv_pack(r->conv, r->weights, r->packed);
    const hew_conv_args args =
        HEW_CONV_ARGS(.in = r->in, .packed = r->packed, .bias = r->bias, .out = r->out,
                      .scratch = r->scratch, .scale = type == HEW_U8 ? r->bias : NULL);
    if (s != HEW_OK)
        return s;
    step(stepping);
    s = hew_conv_run(r->conv, &args);
    step(false);
    return s;
}

static hew_status run_gemm(run *r, const problem *p, hew_type type, bool stepping)
{
    const hew_gemm_desc d =
        HEW_GEMM_DESC(.m = p->m, .n = p->n, .k = p->k, .a_type = type, .c_type = type,
                      .b_type = type == HEW_U8 ? HEW_S8 : type, .b_packed = true,
                      .act = {.kind = HEW_ACT_RELU});
    hew_status s = hew_gemm_create(&r->gemm, &d);
    if (s == HEW_OK && !allocate(r, p, type, hew_gemm_packed_size(r->gemm),
                                 hew_gemm_scratch_size(r->gemm, 1)))
        s = HEW_ERR_NO_MEMORY;
    if (s == HEW_OK)
        s = hew_gemm_pack(r->gemm, r->weights, r->packed);
    const hew_gemm_args args =
        HEW_GEMM_ARGS(.a = r->in, .packed_b = r->packed, .bias = r->bias, .c = r->out,
                      .scratch = r->scratch, .scale = type == HEW_U8 ? r->bias : NULL);
    if (s != HEW_OK)
        return s;
    step(stepping);
    s = hew_gemm_run(r->gemm, &args);
    step(false);
    return s;
}

bool amx_count(const problem *p, hew_type type, bool stepping, amx_counts *counts,
               char why[PROBLEM_WHY])
{
    run r = {NULL};
    const amx_counts before = count_now();
    const hew_status s = p->op == PROBLEM_CONV ? run_conv(&r, p, type, stepping)
                                               : run_gemm(&r, p, type, stepping);
    const amx_counts after = count_now();
    hew_conv_destroy(r.conv);
    hew_gemm_destroy(r.gemm);
    void *const memory[] = {r.in, r.weights, r.out, r.packed, r.scratch, r.bias};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        hew_free(memory[i]);
    if (s != HEW_OK) {
        snprintf(why, PROBLEM_WHY, "%s: %.200s", hew_status_name(s), hew_last_error());
        return false;
    }
    *counts = (amx_counts){after.multiplies - before.multiplies, after.loads - before.loads,
                           after.stores - before.stores, after.zeros - before.zeros,
                           after.configs - before.configs, after.others - before.others};
    return true;
}

/* --------------------------------------------------------------------------- the model ----- */

static uint64_t tiles(int64_t extent, int64_t of_one)
{
    return (uint64_t)((extent + of_one - 1) / of_one);
}

uint64_t amx_least_multiplies(const problem *p, hew_type type)
{
    const int64_t depth = 64 / (int64_t)size_of(type);
    if (p->op != PROBLEM_CONV)
        return tiles(p->m, 16) * tiles(p->n, 16) * tiles(p->k, depth);
    int64_t pixels = p->mb, taps = 1;
    for (int i = 0; i < p->rank; i++) {
        pixels *= p->out[i];
        taps *= p->kernel[i];
    }
    return (uint64_t)p->g * tiles(pixels, 16) * tiles(p->oc / p->g, 16) *
           tiles(taps * (p->ic / p->g), depth);
}

static double larger(double a, double b) { return a > b ? a : b; }

amx_cycles amx_model(const amx_counts *c)
{
    amx_cycles t = {.multiply = 16.0 * (double)c->multiplies,
                    .load = 8.0 * (double)c->loads,
                    .store = 16.0 * (double)c->stores};
    t.issue = (double)(c->multiplies + amx_other_tiles(c) + c->others) / 6;
    t.together = larger(larger(t.multiply, t.load), larger(t.store, t.issue));
    t.apart = larger(t.multiply, t.load) + t.store + (double)c->others / 6;
    return t;
}

/* --------------------------------------------------------------------------- the peer ------ */

const amx_peer amx_peers[AMX_PEERS] = {
    {"mb1ic64ih56oc64oh56kh3ph1", HEW_U8, 7488, 9218},
    {"mb1ic256ih14oc256oh14kh3ph1", HEW_U8, 8064, 8546},
    {"mb1ic256ih56oc64kh1", HEW_U8, 3136, 4734},
    {"256x256:256x256", HEW_U8, 1024, 1570},
    {"mb1ic64ih56oc64oh56kh3ph1", HEW_BF16, 15120, 19826},
    {"mb1ic512ih7oc512oh7kh3ph1", HEW_BF16, 18432, 18754},
    {"256x256:256x256", HEW_BF16, 2048, 2594},
};

const amx_peer *amx_peer_of(const problem *p, hew_type type)
{
    for (size_t i = 0; i < AMX_PEERS; i++)
        if (amx_peers[i].type == type && strcmp(amx_peers[i].text, p->text) == 0)
            return &amx_peers[i];
    return NULL;
}
