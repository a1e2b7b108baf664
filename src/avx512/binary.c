/* binary over the registers of this folder: src/simd/binary.h. */
#include "bytes.h"
#include "narrow.h"

#define HEW_BINARY hew_binary_avx512
#include "../simd/binary.h"
