/* Reading a model file of either format. */
#include "graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 30)

uint64_t net_hash(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint8_t *net_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t room = 0;
    *size = 0;
    while (file != NULL && !feof(file) && !ferror(file) && *size < MAX_FILE) {
        if (*size == room) {
            room = room ? 2 * room : 1 << 16;
            uint8_t *larger = realloc(bytes, room);
            if (larger == NULL)
                break;
            bytes = larger;
        }
        *size += fread(bytes + *size, 1, room - *size, file);
    }
    if (file == NULL)
        return NULL;
    const bool whole = feof(file) && !ferror(file);
    fclose(file);
    if (!whole) {
        free(bytes);
        errno = errno ? errno : EFBIG;
        return NULL;
    }
    return bytes;
}

bool net_load(struct net *net, const char *path)
{
    *net = (struct net){ .output = -1 };
    size_t size;
    uint8_t *bytes = net_read_file(path, &size);
    if (bytes == NULL)
        return net_fail(net, "%s: %s", path, strerror(errno));
    const bool own = size >= 6 && memcmp(bytes, "hewnet", 6) == 0;
    const bool good = own ? net_read_hewnet(net, bytes, size) : net_read_onnx(net, bytes, size);
    net->hash = net_hash(NET_HASH_START, bytes, size);
    free(bytes);
    return good && net_fuse(net);
}
