/* machine.c - runs one instruction with every register loaded before and stored after it. */
#include "machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

_Static_assert(offsetof(machine, k) == 2048 && offsetof(machine, gpr) == 2112 &&
               offsetof(machine, flags) == 2240 && offsetof(machine, mxcsr) == 2248,
               "the assembly below counts on it");

/*
 * machine_enter(m, code): `code` ends with a jump to machine_leave.  RSP may be anything in
 * between, so signals need a stack of their own.  Not for two threads at a time.
 */
void machine_enter(machine *m, const void *code);
extern const char machine_leave[];

#define EACH_GPR(m) \
    m(rax, 0) m(rcx, 1) m(rdx, 2) m(rbx, 3) m(rbp, 5) m(rsi, 6) m(r8, 8) m(r9, 9) m(r10, 10) \
    m(r11, 11) m(r12, 12) m(r13, 13) m(r14, 14) m(r15, 15)
#define LOAD(name, n) "mov 2112+8*" #n "(%rdi), %" #name "\n"
#define STORE(name, n) "mov %" #name ", 2112+8*" #n "(%rdi)\n"
#define ALL_32 \
    "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
__asm__(".text\n"
        ".p2align 4\n"
        ".globl machine_enter\n"
        ".type machine_enter, @function\n"
        "machine_enter:\n"
        "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsi, machine_code_at(%rip)\n"
        "mov %rdi, machine_state(%rip)\n"
        "stmxcsr machine_own_mxcsr(%rip)\n"
        ".irp n," ALL_32 "\nvmovdqu64 64*\\n(%rdi), %zmm\\n\n.endr\n"
        ".irp n,0,1,2,3,4,5,6,7\nkmovq 2048+8*\\n(%rdi), %k\\n\n.endr\n"
        "ldmxcsr 2248(%rdi)\n"
        "push 2240(%rdi)\npopfq\n"
        "mov %rsp, machine_own_rsp(%rip)\n"
        "mov 2112+8*4(%rdi), %rsp\n" EACH_GPR(LOAD)
        "mov 2112+8*7(%rdi), %rdi\n"
        "jmp *machine_code_at(%rip)\n"
        ".globl machine_leave\n"
        "machine_leave:\n"
        "mov %rdi, machine_rdi(%rip)\n"
        "mov machine_state(%rip), %rdi\n" EACH_GPR(STORE)
        "mov %rsp, 2112+8*4(%rdi)\n"
        "mov machine_own_rsp(%rip), %rsp\n"
        "pushfq\npop 2240(%rdi)\n"
        "mov machine_rdi(%rip), %rax\n"
        "mov %rax, 2112+8*7(%rdi)\n"
        "stmxcsr 2248(%rdi)\n"
        "ldmxcsr machine_own_mxcsr(%rip)\n"
        ".irp n," ALL_32 "\nvmovdqu64 %zmm\\n, 64*\\n(%rdi)\n.endr\n"
        ".irp n,0,1,2,3,4,5,6,7\nkmovq %k\\n, 2048+8*\\n(%rdi)\n.endr\n"
        "vzeroupper\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\n"
        "ret\n"
        ".size machine_enter, .-machine_enter\n"
        ".lcomm machine_code_at, 8\n.lcomm machine_state, 8\n.lcomm machine_own_rsp, 8\n"
        ".lcomm machine_rdi, 8\n.lcomm machine_own_mxcsr, 8\n");

static uint8_t *low_pages(size_t pages)
{
    uint8_t *const p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (p == MAP_FAILED) {
        perror("machine: no memory below 2 GiB");
        abort();
    }
    return p;
}

static uint8_t *code_page(void)
{
    static uint8_t *page;
    if (page == NULL)
        page = low_pages(1);
    return page;
}

uint8_t *machine_arena(void)
{
    static uint8_t *arena;
    if (arena == NULL) {
        arena = low_pages(ARENA_BYTES / PAGE + 2) + PAGE;
        mprotect(arena - PAGE, PAGE, PROT_NONE);
        mprotect(arena + ARENA_BYTES, PAGE, PROT_NONE);
    }
    return arena;
}

uint64_t machine_code(bool forced)
{
    return (uintptr_t)code_page() + (forced ? EMU_FORCE_BYTES : 0);
}

void machine_run(machine *m, const uint8_t *code, size_t bytes, bool forced)
{
    const size_t prefix = forced ? EMU_FORCE_BYTES : 0;
    const uint64_t back = (uintptr_t)machine_leave;
    uint8_t *const page = code_page();
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    memcpy(page, EMU_FORCE, prefix);
    memcpy(page + prefix, code, bytes);
    memcpy(page + prefix + bytes, "\xFF\x25\0\0\0\0", 6); /* jmp *0(%rip) */
    memcpy(page + prefix + bytes + 6, &back, 8);
    mprotect(page, PAGE, PROT_READ | PROT_EXEC);
    machine_enter(m, page);
}

/* ------------------------------------------------------------------------- faults ---------- */

static sigjmp_buf out;
static volatile bool catching;
static fault_seen seen;
static const machine *began;

static void on_fault(int number, siginfo_t *info, void *context)
{
    static const uint8_t place[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    const greg_t *const gpr = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (!catching) { /* no business of this file: let it end the test */
        signal(number, SIG_DFL);
        return;
    }
    seen = (fault_seen){number, (uintptr_t)info->si_addr, (uint64_t)gpr[REG_RIP], false};
    for (int g = 0; g < 16; g++)
        seen.changed |= (uint64_t)gpr[place[g]] != began->gpr[g];
    siglongjmp(out, 1);
}

fault_seen machine_try(machine *m, const uint8_t *code, size_t bytes, bool forced)
{
    const machine copy = *m;
    began = &copy;
    seen = (fault_seen){0, 0, 0, false};
    if (sigsetjmp(out, 1) == 0) {
        catching = true;
        machine_run(m, code, bytes, forced);
    }
    catching = false;
    return seen;
}

void machine_begin(void)
{
    const long arch_set_gs = 0x1001, somewhere = 0x12340;
    static const int caught[] = {SIGILL, SIGSEGV, SIGBUS};
    static bool has_stack;
    if (emu_missing() != NULL) {
        printf("emulator: SKIPPED: %s\n", emu_missing());
        skip();
    }
    syscall(SYS_arch_prctl, arch_set_gs, somewhere);
    if (!has_stack)
        emu_thread_stack();
    has_stack = true;
    for (int i = 0; i < 3; i++) {
        const struct sigaction action = {.sa_sigaction = on_fault,
                                         .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigaction(caught[i], &action, NULL);
    }
    emu_install();
}

void machine_end(void)
{
    emu_expect_faults(false);
    emu_remove();
}

uint64_t segment_base_of(uint8_t prefix)
{
    const long arch_get_fs = 0x1003, arch_get_gs = 0x1004;
    unsigned long base = 0;
    if (prefix != 0)
        syscall(SYS_arch_prctl, prefix == 0x64 ? arch_get_fs : arch_get_gs, &base);
    return base;
}
