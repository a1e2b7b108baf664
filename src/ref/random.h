/*
 * random.h - Philox-4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
 * 2, 3", 2011.
 */
#ifndef HEW_REF_RANDOM_H
#define HEW_REF_RANDOM_H

#include "core.h"
#include "philox.h"

HEW_INLINE void ref_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
    for (int round = 0; round < HEW_PHILOX_ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)HEW_PHILOX_M0 * c[0], p1 = (uint64_t)HEW_PHILOX_M1 * c[2];
        c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ k[0];
        c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ k[1];
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        k[0] += HEW_PHILOX_W0;
        k[1] += HEW_PHILOX_W1;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

/* Word `word` of the block in which element e is. */
HEW_INLINE uint32_t ref_random_word(uint64_t seed, uint64_t e, int word)
{
    const uint64_t number = e / HEW_PHILOX_GROUP * 16 + e % 16;
    uint32_t out[4];
    ref_philox((uint32_t[4]){(uint32_t)number, (uint32_t)(number >> 32), 0, 0},
               (uint32_t[2]){(uint32_t)seed, (uint32_t)(seed >> 32)}, out);
    return out[word];
}

#endif
