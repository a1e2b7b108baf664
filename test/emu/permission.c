/*
 * permission.c - a system's answer to a program that asks for tile registers.
 *
 * A seccomp filter turns arch_prctl's requests of that kind into SIGSYS, whose handler answers.
 * There is no way back: the filter stays until the process ends, and its children have it too.
 */
#include "emu_internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { GET_XCOMP_SUPP = 0x1021, GET_XCOMP_PERM = 0x1022, REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };

static permission stance;
static atomic_uint requests;

unsigned emu_permission_requests(void) { return atomic_load(&requests); }

static long answer(long request, uint64_t argument)
{
    static uint64_t permitted = 0xE7;
    const uint64_t with_tiles = 0x600E7;
    if (request == REQ_XCOMP_PERM)
        atomic_fetch_add(&requests, 1);
    if (stance == PERMISSION_UNKNOWN)
        return -EINVAL;
    if (request == REQ_XCOMP_PERM) {
        if (argument != TILE_DATA)
            return -EINVAL;
        if (stance == PERMISSION_DENIED)
            return -EPERM;
        permitted = with_tiles;
        return 0;
    }
    const uint64_t value = request == GET_XCOMP_PERM ? permitted : with_tiles;
    memcpy((void *)(uintptr_t)argument, &value, sizeof value);
    return 0;
}

static void on_system_call(int number, siginfo_t *info, void *context)
{
    (void)number;
    greg_t *const gpr = ((ucontext_t *)context)->uc_mcontext.gregs;
    gpr[REG_RAX] = info->si_syscall == SYS_arch_prctl
                       ? answer((long)gpr[REG_RDI], (uint64_t)gpr[REG_RSI])
                       : -ENOSYS;
}

const char *permission_present(permission p)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, REQ_XCOMP_PERM, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, GET_XCOMP_SUPP, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    const struct sock_fprog program = {sizeof code / sizeof code[0], code};
    const struct sigaction action = {.sa_sigaction = on_system_call,
                                     .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stance = p;
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return "no seccomp filter to answer arch_prctl with";
    return NULL;
}
