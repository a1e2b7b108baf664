/*
 * trap.c - signals: from an instruction that the CPU refused to the one behind it.
 *
 * SIGILL comes for what the CPU doesn't know.  The handler decodes, executes on the signal frame,
 * and goes on while the next instruction is one it must emulate too, for a trap costs far more than
 * that.  Memory is accessed at the program's own addresses; if that faults, SIGSEGV comes while
 * `active`, the emulation is abandoned, and the program's handler hears of the fault as if the
 * instruction had raised it.
 */
#include "emu_internal.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const int signals[] = {SIGILL, SIGSEGV, SIGBUS};
enum { SIGNALS = sizeof signals / sizeof signals[0] };
static struct sigaction previous[NSIG];

static _Thread_local volatile sig_atomic_t active; /* a memory fault now is the program's */
static _Thread_local sigjmp_buf abandoned;
static _Thread_local siginfo_t memory_fault;
static _Thread_local char last_fault[160];
static atomic_bool faults_expected;
static _Atomic uint64_t counts[EMU_INSN_COUNT];
static unsigned native;

uint64_t emu_count(emu_insn which) { return atomic_load(&counts[which]); }
const char *emu_last_fault(void) { return last_fault; }
void emu_expect_faults(bool expected) { atomic_store(&faults_expected, expected); }

/* ------------------------------------------------------------------------ reporting -------- */

/* vsnprintf of integers and strings takes no lock and allocates nothing. */
outcome fault(outcome kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_fault, sizeof last_fault, format, args);
    va_end(args);
    return kind;
}

static void report(const uint8_t *at)
{
    char line[320];
    int used = snprintf(line, sizeof line, "emu: %s\n  at %p:", last_fault, (const void *)at);
    volatile int shown = 0;
    active = 1; /* the instruction may be the last thing on its page */
    if (sigsetjmp(abandoned, 1) == 0)
        for (; shown < 15; shown = shown + 1) {
            uint8_t byte;
            guest_copy(&byte, at + shown, 1);
            used += snprintf(line + used, sizeof line - (size_t)used, " %02x", byte);
        }
    active = 0;
    if (!atomic_load(&faults_expected)) {
        const size_t length = strlen(line);
        line[length] = '\n';
        if (write(STDERR_FILENO, line, length + 1) < 0)
            errno = 0;
    }
}

/* -------------------------------------------------------------------- other handlers ------- */

/*
 * Calls the handler that was there before, with the signals blocked that the kernel would block.
 * If there was none the process ends by this signal, at the instruction that raised it.
 */
static void pass_on(int number, siginfo_t *info, ucontext_t *context)
{
    const struct sigaction *p = &previous[number];
    if ((p->sa_flags & SA_SIGINFO) == 0 && (p->sa_handler == SIG_DFL || p->sa_handler == SIG_IGN)) {
        signal(number, SIG_DFL);
        raise(number); /* comes when this handler returns */
        return;
    }
    sigset_t mask;
    sigorset(&mask, &context->uc_sigmask, &p->sa_mask);
    if ((p->sa_flags & SA_NODEFER) == 0)
        sigaddset(&mask, number);
    info->si_signo = number;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if ((p->sa_flags & SA_SIGINFO) != 0)
        p->sa_sigaction(number, info, context);
    else
        p->sa_handler(number);
}

static void on_memory_fault(int number, siginfo_t *info, void *context)
{
    if (!active) {
        pass_on(number, info, context);
        return;
    }
    memory_fault = *info;
    siglongjmp(abandoned, 1);
}

/* ----------------------------------------------------------------------- emulation --------- */

/* Instructions from RIP on; returns at the first that isn't done, with RIP there. */
static outcome run(const frame *f, bool forced)
{
    for (;;) {
        insn i;
        emu_insn name;
        if (!decode(f, &i) || !identify(&i, &name))
            return NOT_KNOWN;
        if (!forced && (native & emu_feature_of(name)) != 0)
            return NOT_KNOWN;
        const outcome o = execute(f, &i, name);
        if (o != DONE)
            return o;
        atomic_fetch_add_explicit(&counts[name], 1, memory_order_relaxed);
        f->gpr[REG_RIP] += (greg_t)i.length;
        if (forced)
            return DONE;
    }
}

/* What an abandoned or faulting instruction means to the program. */
static void deliver(outcome o, siginfo_t *info, ucontext_t *context)
{
    const uint8_t *const at = (const uint8_t *)context->uc_mcontext.gregs[REG_RIP];
    if (o == DONE) { /* abandoned */
        pass_on(memory_fault.si_signo, &memory_fault, context);
        return;
    }
    if (o == NOT_KNOWN)
        fault(NOT_KNOWN, "this instruction can't be emulated");
    report(at);
    if (o == FAULT_GP) {
        siginfo_t general = {.si_code = SI_KERNEL};
        pass_on(SIGSEGV, &general, context);
    } else {
        info->si_addr = (void *)(uintptr_t)at;
        pass_on(SIGILL, info, context);
    }
}

/* Byte by byte, for a UD2 of another's may be the last thing on its page. */
static bool starts_forced(const uint8_t *code)
{
    size_t same = 0;
    while (same < EMU_FORCE_BYTES && ((const volatile uint8_t *)code)[same] ==
           (uint8_t)EMU_FORCE[same])
        same++;
    return same == EMU_FORCE_BYTES;
}

/* ThreadSanitizer has handlers begin with every signal blocked. */
static void unblock_memory_faults(void)
{
    sigset_t faults;
    sigemptyset(&faults);
    sigaddset(&faults, SIGSEGV);
    sigaddset(&faults, SIGBUS);
    pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}

static void install(void);

static void on_illegal(int number, siginfo_t *info, void *context)
{
    (void)number;
    ucontext_t *const uc = context;
    greg_t *const rip = &uc->uc_mcontext.gregs[REG_RIP];
    const greg_t start = *rip;
    const int saved_errno = errno;
    frame f;
    if (identity_answer(uc->uc_mcontext.gregs))
        return;
    install(); /* someone may have put a handler over the one for memory faults */
    unblock_memory_faults();
    volatile outcome o = DONE;
    volatile bool finished = false, forced = false;
    if (!frame_of(&f, uc)) {
        o = fault(NOT_KNOWN, "the signal frame has no AVX-512 state");
    } else if (sigsetjmp(abandoned, 1) == 0) {
        active = 1;
        forced = starts_forced((const uint8_t *)start);
        *rip += forced ? EMU_FORCE_BYTES : 0;
        o = run(&f, forced);
        finished = o == DONE || (o == NOT_KNOWN && *rip != start && !forced);
    }
    active = 0;
    if (!finished) {
        if (forced)
            *rip = start;
        deliver(o, info, uc);
    }
    errno = saved_errno;
}

/* ----------------------------------------------------------------- taking the signals ------ */

static void install(void)
{
    for (int s = 0; s < SIGNALS; s++) {
        const bool illegal = signals[s] == SIGILL;
        void (*const handler)(int, siginfo_t *, void *) = illegal ? on_illegal : on_memory_fault;
        struct sigaction now, ours = {.sa_sigaction = handler,
                                      .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigaction(signals[s], NULL, &now);
        if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == handler)
            continue;
        previous[signals[s]] = now;
        if (illegal) { /* nothing asynchronous sees half an instruction */
            sigfillset(&ours.sa_mask);
            for (int other = 0; other < SIGNALS; other++)
                sigdelset(&ours.sa_mask, signals[other]);
        } else { /* it may leave by siglongjmp, which restores no mask */
            ours.sa_flags |= SA_NODEFER;
        }
        sigaction(signals[s], &ours, NULL);
    }
}

void emu_install(void)
{
    native = emu_native();
    active = 0;
    install();
}

void emu_remove(void)
{
    for (int s = 0; s < SIGNALS; s++) {
        struct sigaction now;
        sigaction(signals[s], NULL, &now);
        if (now.sa_sigaction == on_illegal || now.sa_sigaction == on_memory_fault)
            sigaction(signals[s], &previous[signals[s]], NULL);
    }
}

void emu_thread_stack(void)
{
    const size_t bytes = 256 << 10;
    void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                              0);
    const stack_t stack = {.ss_sp = memory, .ss_size = bytes};
    if (memory == MAP_FAILED || sigaltstack(&stack, NULL) != 0) {
        perror("emu_thread_stack");
        abort();
    }
}
