/*
 * status.c - what went wrong, in words, and the small services around it.
 */
#include "core.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

const char *hew_version(void)
{
    return STRING(HEW_VERSION_MAJOR) "." STRING(HEW_VERSION_MINOR) "." STRING(HEW_VERSION_PATCH);
}

const char *hew_status_name(hew_status status)
{
    switch (status) {
    case HEW_OK: return "HEW_OK";
    case HEW_ERR_INVALID: return "HEW_ERR_INVALID";
    case HEW_ERR_UNSUPPORTED: return "HEW_ERR_UNSUPPORTED";
    case HEW_ERR_OVERFLOW: return "HEW_ERR_OVERFLOW";
    case HEW_ERR_NO_MEMORY: return "HEW_ERR_NO_MEMORY";
    case HEW_ERR_BUSY: return "HEW_ERR_BUSY";
    case HEW_ERR_SYSTEM: return "HEW_ERR_SYSTEM";
    }
    return "unknown hew_status";
}

static _Thread_local char last_error[256];

const char *hew_last_error(void)
{
    return last_error;
}

hew_status hew_fail(hew_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error, sizeof last_error, format, args);
    va_end(args);
    return status;
}

bool hew_verbose(void)
{
    /* 0: not yet read.  Two threads that race here store the same answer. */
    enum { OFF = 1, ON = 2 };
    static atomic_int state;
    int seen = atomic_load_explicit(&state, memory_order_relaxed);
    if (seen == 0) {
        const char *value = getenv("HEW_VERBOSE");
        seen = value != NULL && atoi(value) > 0 ? ON : OFF;
        atomic_store_explicit(&state, seen, memory_order_relaxed);
    }
    return seen == ON;
}

void hew_verbose_line(const char *format, ...)
{
    /* One write, so that lines of several threads don't mix; a longer line is cut. */
    char line[512] = "hew: ";
    const size_t prefix = 5, room = sizeof line - prefix - 1;
    va_list args;
    va_start(args, format);
    const int wanted = vsnprintf(line + prefix, room, format, args);
    va_end(args);
    if (wanted < 0)
        return;
    const size_t length = prefix + hew_min((size_t)wanted, room - 1);
    line[length] = '\n';
    if (write(STDERR_FILENO, line, length + 1) < 0)
        return; /* a closed stderr is no reason to fail */
}

double hew_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
