/* pack_rows over the registers of this folder: src/simd/pack_rows.h. */
#include "zip.h"
#include "reg_s32.h"

#define HEW_PACK_ROWS hew_pack_rows_avx2
#include "../simd/pack_rows.h"
