/*
 * peers.c - loads a peer with its symbols to itself.
 *
 * RTLD_DEEPBIND: OpenBLAS and BLIS both define cblas_sgemm, and either must find its own.
 */
#include "peers.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

const char *const peer_names[PEERS_MAX] = {"onednn", "openblas", "blis", "libxsmm"};

/*
 * Threads of these libraries spin for some time after a job, on the CPUs that the next contestant
 * needs: shorten it to well below the pause that the timing makes, and leave it far above the time
 * between two runs.  Both are read when the library is loaded; a value that the user has set stays.
 */
static void limit_spinning(void)
{
    setenv("GOMP_SPINCOUNT", "20000", 0);        /* some 0.3 ms; 300000 by default */
    setenv("OPENBLAS_THREAD_TIMEOUT", "20", 0);  /* 2^20 cycles, 2^26 by default */
}

const peer_api *peer_load(const char *name, char why[PEER_WHY])
{
    char path[1024];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length <= 0) {
        snprintf(why, PEER_WHY, "/proc/self/exe does not tell where this program is");
        return NULL;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    snprintf(slash, sizeof path - (size_t)(slash - path), "/bench/peer_%.24s.so", name);

    limit_spinning();
    void *so = access(path, R_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) : NULL;
    if (!so) {
        const char *error = dlerror();
        snprintf(why, PEER_WHY, "%.150s", error ? error : "was not found when this was built");
        return NULL;
    }
    const peer_api *api = dlsym(so, PEER_SYMBOL);
    if (!api || api->api != PEER_API_VERSION) {
        snprintf(why, PEER_WHY, "its plugin was built by another version of this program");
        return NULL;
    }
    return api;
}
