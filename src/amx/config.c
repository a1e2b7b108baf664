/*
 * amx_config - the shapes of the calling thread's tiles.  ISA: AMX-TILE.
 */
#include "tile.h"

/* What LDTILECFG reads: palette 1 has eight tiles of at most 16 rows of 64 bytes. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved_a[14];
    uint16_t row_bytes[8];
    uint8_t reserved_b[16];
    uint8_t rows[8], reserved_c[8];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "as the instruction reads it");

static void set(tile_config *c, int tile, int rows, int words)
{
    c->rows[tile] = (uint8_t)rows;
    c->row_bytes[tile] = (uint16_t)(words * 4);
}

void hew_config_amx(const hew_amx_shape *shape)
{
    if (!shape) {
        _tile_release();
        return;
    }
    const int rows = (shape->m + TILE_ROWS - 1) / TILE_ROWS, cols = (shape->n + 15) / 16;
    tile_config config = {.palette = 1};
    for (int r = 0; r < rows; r++) {
        const int height = r == rows - 1 ? shape->m - r * TILE_ROWS : TILE_ROWS;
        set(&config, a_register(rows, cols, r), height, shape->chunk);
        for (int q = 0; q < cols; q++)
            set(&config, r * cols + q, height, HEW_AMX_WORDS);
    }
    for (int q = 0; q < cols; q++)
        set(&config, b_register(rows, cols, q), shape->chunk, HEW_AMX_WORDS);
    TO_MEMORY;
    _tile_loadconfig(&config);
}
