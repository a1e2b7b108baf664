/*
 * tile.c - AMX: the tiles of each thread, their configuration, and the faults of a bad one.
 *
 * After the pseudocode of the instruction set reference.  Every tile always holds 16 rows of 64
 * bytes, of which those outside its configured shape are zero.
 */
#include "emu_internal.h"

#include <stdatomic.h>
#include <string.h>

enum { TILES = 8, MAX_ROWS = 16, MAX_COLSB = 64 };

/* The 64 bytes that LDTILECFG reads and STTILECFG writes. */
typedef struct tilecfg {
    uint8_t palette, start_row, reserved_a[14];
    uint16_t colsb[TILES];
    uint8_t reserved_b[16];
    uint8_t rows[TILES], reserved_c[8];
} tilecfg;
_Static_assert(sizeof(tilecfg) == 64, "as in memory");

/* Palette 0 is the initial state: no tile is configured, and all is zero. */
static _Thread_local struct {
    tilecfg cfg;
    tile t[TILES];
} amx;

static bool all_zero(const uint8_t *p, size_t bytes)
{
    while (bytes > 0 && p[bytes - 1] == 0)
        bytes--;
    return bytes == 0;
}

static outcome load_config(const uint8_t *from)
{
    tilecfg c;
    guest_copy(&c, from, sizeof c);
    if (c.palette == 0) {
        memset(&amx, 0, sizeof amx);
        return DONE;
    }
    if (c.palette != 1)
        return fault(FAULT_GP, "LDTILECFG: palette %d", c.palette);
    if (!all_zero(c.reserved_a, sizeof c.reserved_a) ||
        !all_zero(c.reserved_b, sizeof c.reserved_b) ||
        !all_zero(c.reserved_c, sizeof c.reserved_c))
        return fault(FAULT_GP, "LDTILECFG: a reserved byte is not zero");
    for (int t = 0; t < TILES; t++)
        if (c.colsb[t] > MAX_COLSB || c.rows[t] > MAX_ROWS || (c.colsb[t] == 0) != (c.rows[t] == 0))
            return fault(FAULT_GP, "LDTILECFG: tmm%d has %d rows of %d bytes", t, c.rows[t],
                         c.colsb[t]);
    memset(&amx, 0, sizeof amx);
    amx.cfg = c;
    return DONE;
}

/* #UD, unless tmm is a tile that is configured. */
static outcome check_tile(const char *what, unsigned tmm)
{
    if (tmm >= TILES)
        return fault(FAULT_UD, "%s: there is no tmm%u", what, tmm);
    if (amx.cfg.palette == 0)
        return fault(FAULT_UD, "%s: tiles are not configured", what);
    if (amx.cfg.rows[tmm] == 0)
        return fault(FAULT_UD, "%s: tmm%u is not configured", what, tmm);
    return DONE;
}

static outcome check_dwords(const char *what, unsigned tmm)
{
    const outcome o = check_tile(what, tmm);
    if (o == DONE && amx.cfg.colsb[tmm] % 4 != 0)
        return fault(FAULT_UD, "%s: tmm%u has rows of %d bytes", what, tmm, amx.cfg.colsb[tmm]);
    return o;
}

/* A page fault leaves start_row at the row that met it, so that the instruction can go on there. */
static outcome move_rows(const insn *i, emu_insn name)
{
    const unsigned tmm = i->reg;
    const outcome o = check_dwords(emu_name(name), tmm);
    if (o != DONE)
        return o;
    if (!i->sib)
        return fault(FAULT_UD, "%s: no SIB byte", emu_name(name));
    const unsigned rows = amx.cfg.rows[tmm], bytes = amx.cfg.colsb[tmm];
    if (amx.cfg.start_row >= rows)
        return fault(FAULT_UD, "%s: start_row %d of %u", emu_name(name), amx.cfg.start_row, rows);
    for (; amx.cfg.start_row < rows; amx.cfg.start_row++) {
        uint8_t *const memory = insn_address(i, amx.cfg.start_row * i->index);
        uint8_t *const row = amx.t[tmm].row[amx.cfg.start_row];
        atomic_signal_fence(memory_order_seq_cst); /* start_row is in memory if the copy faults */
        if (name == EMU_TILESTORED) {
            guest_copy(memory, row, bytes);
        } else {
            guest_copy(row, memory, bytes);
            memset(row + bytes, 0, MAX_COLSB - bytes);
        }
    }
    if (name != EMU_TILESTORED)
        memset(amx.t[tmm].row[rows], 0, (MAX_ROWS - rows) * sizeof amx.t[tmm].row[0]);
    amx.cfg.start_row = 0;
    return DONE;
}

static outcome check_shapes(const char *what, unsigned c, unsigned a, unsigned b)
{
    const unsigned operands[] = {c, a, b};
    for (int n = 0; n < 3; n++) {
        const outcome o = check_dwords(what, operands[n]);
        if (o != DONE)
            return o;
    }
    const tilecfg *cfg = &amx.cfg;
    if (c == a || a == b || b == c)
        return fault(FAULT_UD, "%s: tmm%u, tmm%u, tmm%u are not three tiles", what, c, a, b);
    if (cfg->colsb[c] != cfg->colsb[b] || cfg->rows[c] != cfg->rows[a] ||
        cfg->colsb[a] / 4 != cfg->rows[b])
        return fault(FAULT_UD, "%s: %d x %d bytes from %d x %d and %d x %d", what, cfg->rows[c],
                     cfg->colsb[c], cfg->rows[a], cfg->colsb[a], cfg->rows[b], cfg->colsb[b]);
    return DONE;
}

static outcome multiply(const insn *i, emu_insn name)
{
    const unsigned c = i->reg, a = i->rm, b = i->vvvv;
    const outcome o = check_shapes(emu_name(name), c, a, b);
    if (o != DONE)
        return o;
    const int m = amx.cfg.rows[c], n = amx.cfg.colsb[c] / 4, k = amx.cfg.rows[b];
    tile *const t = amx.t;
    if (name == EMU_TDPBF16PS || name == EMU_TDPFP16PS)
        tile_dot_pairs(&t[c], &t[a], &t[b], m, n, k, name == EMU_TDPFP16PS);
    else
        tile_dot_bytes(&t[c], &t[a], &t[b], m, n, k, name == EMU_TDPBSSD || name == EMU_TDPBSUD,
                       name == EMU_TDPBSSD || name == EMU_TDPBUSD);
    amx.cfg.start_row = 0;
    return DONE;
}

static outcome zero(const insn *i)
{
    const outcome o = check_tile("TILEZERO", i->reg);
    if (o != DONE)
        return o;
    memset(&amx.t[i->reg], 0, sizeof amx.t[0]);
    amx.cfg.start_row = 0;
    return DONE;
}

/* The bits of an encoding that must have one value. */
static bool well_formed(const insn *i, emu_insn name)
{
    const bool three_tiles = name >= EMU_TDPBSSD, modrm_reg_0 = (i->modrm >> 3 & 7) == 0;
    if (i->vl_code != 0 || (!three_tiles && i->vvvv != 0))
        return false;
    switch (name) {
    case EMU_LDTILECFG:
    case EMU_STTILECFG: return modrm_reg_0;
    case EMU_TILERELEASE: return i->modrm == 0xC0;
    case EMU_TILEZERO: return (i->modrm & 7) == 0;
    default: return true;
    }
}

outcome execute_tile(const insn *i, emu_insn name)
{
    if (!well_formed(i, name))
        return NOT_KNOWN;
    switch (name) {
    case EMU_LDTILECFG: return load_config(insn_address(i, i->index));
    case EMU_STTILECFG:
        guest_copy(insn_address(i, i->index), &amx.cfg, sizeof amx.cfg);
        return DONE;
    case EMU_TILERELEASE: memset(&amx, 0, sizeof amx); return DONE;
    case EMU_TILEZERO: return zero(i);
    case EMU_TILELOADD:
    case EMU_TILELOADDT1:
    case EMU_TILESTORED: return move_rows(i, name);
    default: return multiply(i, name);
    }
}
