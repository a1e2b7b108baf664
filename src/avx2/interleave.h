/* interleave.h - src/avx512/interleave.h for AVX2. */
#ifndef HEW_INTERLEAVE_H
#define HEW_INTERLEAVE_H

#include "bytes.h"
#include "narrow.h"
#include "reg_s32.h"

#include "../simd/interleave_256.h"

#endif
