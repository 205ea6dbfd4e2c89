/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ATA commands: the table of what each kind of device takes, addresses,
 * transfers, and how commands end. Source: ATA/ATAPI-6 clause 8, ATA8-ACS.
 */
#include "priv.h"

#define F_DISK  0x01u
#define F_CD    0x02u
#define F_EXT   0x04u
#define F_DMA   0x08u
#define F_MULTI 0x10u
#define F_FUA   0x20u

struct ata_cmd {
    void (*run)(struct ide_unit *);
    uint8_t flags;
};

void ata_ok(struct ide_chan *ch)
{
    ide_cmd_unit(ch)->st->status = ST_OK;
    ide_cmd_unit(ch)->st->error = 0;
    ide_end(ch, true);
}

void ata_fail(struct ide_chan *ch, uint8_t error)
{
    struct ide_unit *u = ide_cmd_unit(ch);

    u->st->status = ST_OK | ST_ERR;
    u->st->error = error;
    if (u->kind == KIND_DISK && (error & (ER_UNC | ER_IDNF)))
        ata_smart_error(ch);
    ide_end(ch, true);
}

/* The address registers name a sector in the addressing the command used. */
void ata_put_lba(struct ide_chan *ch, uint64_t lba)
{
    struct ide_unit_state *s = ide_cmd_unit(ch)->st;

    if (ch->st->ext) {
        s->lbal = (uint8_t)lba;
        s->lbam = (uint8_t)(lba >> 8);
        s->lbah = (uint8_t)(lba >> 16);
        s->hob_lbal = (uint8_t)(lba >> 24);
        s->hob_lbam = (uint8_t)(lba >> 32);
        s->hob_lbah = (uint8_t)(lba >> 40);
    } else if (s->device & DEV_LBA) {
        s->lbal = (uint8_t)lba;
        s->lbam = (uint8_t)(lba >> 8);
        s->lbah = (uint8_t)(lba >> 16);
        s->device =
            (uint8_t)((s->device & ~DEV_HEAD) | ((lba >> 24) & DEV_HEAD));
    } else {
        uint64_t track = lba / s->spt, cyl = track / s->heads;

        if (cyl > 0xffff)
            cyl = 0xffff;
        s->lbal = (uint8_t)(lba % s->spt + 1);
        s->lbam = (uint8_t)cyl;
        s->lbah = (uint8_t)(cyl >> 8);
        s->device =
            (uint8_t)((s->device & ~DEV_HEAD) | (track % s->heads & DEV_HEAD));
    }
}

void ata_fail_lba(struct ide_chan *ch, uint8_t error, uint64_t lba)
{
    ata_put_lba(ch, lba);
    ata_fail(ch, error);
}

static void ata_abort(struct ide_unit *u)
{
    ata_fail(u->ch, ER_ABRT);
}

static void ata_accept(struct ide_unit *u)
{
    ata_ok(u->ch);
}

void ata_reply(struct ide_chan *ch, uint32_t bytes)
{
    struct ide_chan_state *st = ch->st;

    st->op = OP_REPLY;
    st->pos = st->end = 0;
    st->fill = bytes;
    st->block = SECTOR;
    st->left = 0;
    ide_data_phase(ch);
}

bool ata_chs_valid(const struct ide_unit *u)
{
    return u->st->heads && u->st->spt && u->st->cyls;
}

/* Start address of the command; false: no such address (IDNF). */
static bool ata_address(struct ide_unit *u, uint64_t *lba, uint32_t *count)
{
    const struct ide_unit_state *s = u->st;
    uint32_t cyl, head;

    *count = s->nsect ? s->nsect : 256;
    if (u->ch->st->ext) {
        *lba = (uint64_t)s->hob_lbah << 40 | (uint64_t)s->hob_lbam << 32 |
               (uint64_t)s->hob_lbal << 24 | (uint32_t)s->lbah << 16 |
               (uint32_t)s->lbam << 8 | s->lbal;
        *count = (uint32_t)s->hob_nsect << 8 | s->nsect;
        if (!*count)
            *count = 65536;
        return true;
    }
    if (s->device & DEV_LBA) {
        *lba = (uint32_t)(s->device & DEV_HEAD) << 24 |
               (uint32_t)s->lbah << 16 | (uint32_t)s->lbam << 8 | s->lbal;
        return true;
    }
    cyl = (uint32_t)s->lbah << 8 | s->lbam;
    head = s->device & DEV_HEAD;
    *lba = ((uint64_t)cyl * s->heads + head) * s->spt + s->lbal - 1u;
    return s->lbal && s->lbal <= s->spt && head < s->heads && cyl < s->cyls;
}

/* Sets off and left from the task file; false: the command has failed. */
static bool ata_extent(struct ide_unit *u)
{
    struct ide_chan_state *st = u->ch->st;
    uint64_t lba, max = u->st->max_sectors;
    uint32_t count;

    if (!ata_address(u, &lba, &count)) {
        ata_fail(u->ch, ER_IDNF);
        return false;
    }
    if (lba >= max || count > max - lba) {
        ata_fail_lba(u->ch, ER_IDNF, lba >= max ? lba : max);
        return false;
    }
    st->off = lba * SECTOR;
    st->left = (uint64_t)count * SECTOR;
    st->pos = st->end = st->fill = st->wpos = 0;
    return true;
}

static const struct ata_cmd ata_cmds[256];

/* Sets the DRQ block; false: the command has failed. */
static bool ata_block(struct ide_unit *u)
{
    struct ide_chan_state *st = u->ch->st;

    st->block = SECTOR;
    if (ata_cmds[st->cmd].flags & F_MULTI) {
        if (!u->st->multi) {
            ata_abort(u);
            return false;
        }
        st->block = u->st->multi * SECTOR;
    }
    return true;
}

static void ata_read(struct ide_unit *u)
{
    if (!ata_block(u) || !ata_extent(u))
        return;
    u->ch->st->op = OP_READ;
    ide_data_phase(u->ch);
}

static void ata_write(struct ide_unit *u)
{
    if (!u->blk || u->blk->read_only)
        return ata_abort(u);
    if (!ata_block(u) || !ata_extent(u))
        return;
    u->ch->st->op = OP_WRITE;
    ide_data_phase(u->ch);
}

static void ata_verify(struct ide_unit *u)
{
    if (!ata_extent(u))
        return;
    u->ch->st->op = OP_VERIFY;
    ide_data_phase(u->ch);
}

void ata_verify_end(struct ide_chan *ch)
{
    if (ch->st->cmd == CMD_SMART)
        ata_smart_test_end(ch, true, 0);
    else
        ata_ok(ch);
}

static void ata_seek(struct ide_unit *u)
{
    uint64_t lba;
    uint32_t count;

    if (!ata_address(u, &lba, &count) || lba >= u->st->max_sectors)
        ata_fail(u->ch, ER_IDNF);
    else
        ata_ok(u->ch);
}

static void ata_flush(struct ide_unit *u)
{
    if (!u->blk || u->blk->read_only)
        return ata_ok(u->ch);
    ide_busy(u->ch, PH_FLUSH);
}

/* What a flush was for: itself, a write through, or going to rest. */
void ata_flush_end(struct ide_chan *ch)
{
    struct ide_unit_state *s = ide_cmd_unit(ch)->st;

    switch (ch->st->cmd) {
    case CMD_STANDBY_NOW:
    case CMD_STANDBY:
    case 0x94:
    case 0x96:
        s->power = PW_STANDBY;
        break;
    case CMD_SLEEP:
    case 0x99:
        s->power = PW_SLEEP;
        break;
    default:
        break;
    }
    ata_ok(ch);
}

static void ata_sleep(struct ide_unit *u)
{
    if (u->blk && !u->blk->read_only && u->kind == KIND_DISK)
        ide_busy(u->ch, PH_FLUSH);
    else
        ata_flush_end(u->ch);
}

void ata_standby(struct ide_unit *u)
{
    ata_sleep(u);
}

/* A packet device shows what it is, and aborts (ATA-6 8.15.5.2, 8.27.5.2). */
static void ata_show_packet(struct ide_unit *u)
{
    ide_signature(u);
    ata_abort(u);
}

static void ata_identify_any(struct ide_unit *u)
{
    if (u->kind == KIND_CD)
        ata_show_packet(u);
    else
        ata_identify(u);
}

static void ata_read_any(struct ide_unit *u)
{
    if (u->kind == KIND_CD)
        ata_show_packet(u);
    else
        ata_read(u);
}

void ata_param(struct ide_chan *ch)
{
    ata_dsm_param(ch);
}

#define ROW(fn, f)                                                             \
    {                                                                          \
        .run = (fn), .flags = (f)                                              \
    }
#define RECAL ROW(ata_accept, F_DISK)
#define SEEKS ROW(ata_seek, F_DISK)

static const struct ata_cmd ata_cmds[256] = {
    [CMD_NOP] = ROW(ata_abort, F_DISK | F_CD),
    [CMD_DSM] = ROW(ata_dsm, F_DISK | F_EXT | F_DMA),
    [CMD_RECALIBRATE] = RECAL,
    [0x11] = RECAL,
    [0x12] = RECAL,
    [0x13] = RECAL,
    [0x14] = RECAL,
    [0x15] = RECAL,
    [0x16] = RECAL,
    [0x17] = RECAL,
    [0x18] = RECAL,
    [0x19] = RECAL,
    [0x1a] = RECAL,
    [0x1b] = RECAL,
    [0x1c] = RECAL,
    [0x1d] = RECAL,
    [0x1e] = RECAL,
    [0x1f] = RECAL,
    [CMD_READ] = ROW(ata_read_any, F_DISK | F_CD),
    [CMD_READ_NORETRY] = ROW(ata_read, F_DISK),
    [CMD_READ_EXT] = ROW(ata_read, F_DISK | F_EXT),
    [CMD_READ_DMA_EXT] = ROW(ata_read, F_DISK | F_EXT | F_DMA),
    [CMD_READ_NATIVE_EXT] = ROW(ata_read_native, F_DISK | F_EXT),
    [CMD_READ_MULTI_EXT] = ROW(ata_read, F_DISK | F_EXT | F_MULTI),
    [CMD_WRITE] = ROW(ata_write, F_DISK),
    [CMD_WRITE_NORETRY] = ROW(ata_write, F_DISK),
    [CMD_WRITE_EXT] = ROW(ata_write, F_DISK | F_EXT),
    [CMD_WRITE_DMA_EXT] = ROW(ata_write, F_DISK | F_EXT | F_DMA),
    [CMD_SET_MAX_EXT] = ROW(ata_set_max, F_DISK | F_EXT),
    [CMD_WRITE_MULTI_EXT] = ROW(ata_write, F_DISK | F_EXT | F_MULTI),
    [CMD_WRITE_VERIFY] = ROW(ata_write, F_DISK | F_FUA),
    [CMD_WRITE_DMA_FUA_EXT] = ROW(ata_write, F_DISK | F_EXT | F_DMA | F_FUA),
    [CMD_VERIFY] = ROW(ata_verify, F_DISK),
    [CMD_VERIFY_NORETRY] = ROW(ata_verify, F_DISK),
    [CMD_VERIFY_EXT] = ROW(ata_verify, F_DISK | F_EXT),
    [CMD_SEEK] = SEEKS,
    [0x71] = SEEKS,
    [0x72] = SEEKS,
    [0x73] = SEEKS,
    [0x74] = SEEKS,
    [0x75] = SEEKS,
    [0x76] = SEEKS,
    [0x77] = SEEKS,
    [0x78] = SEEKS,
    [0x79] = SEEKS,
    [0x7a] = SEEKS,
    [0x7b] = SEEKS,
    [0x7c] = SEEKS,
    [0x7d] = SEEKS,
    [0x7e] = SEEKS,
    [0x7f] = SEEKS,
    [CMD_INIT_PARAMS] = ROW(ata_init_params, F_DISK),
    /* ATA-1 and -2 numbers of the power commands */
    [0x94] = ROW(ata_standby, F_DISK | F_CD),
    [0x95] = ROW(ata_idle, F_DISK | F_CD),
    [0x96] = ROW(ata_standby, F_DISK | F_CD),
    [0x97] = ROW(ata_idle, F_DISK | F_CD),
    [0x98] = ROW(ata_check_power, F_DISK | F_CD),
    [0x99] = ROW(ata_sleep, F_DISK | F_CD),
    [CMD_PACKET] = ROW(atapi_packet, F_CD),
    [CMD_IDENTIFY_PACKET] = ROW(ata_identify_packet, F_CD),
    [CMD_SMART] = ROW(ata_smart, F_DISK),
    [CMD_READ_MULTI] = ROW(ata_read, F_DISK | F_MULTI),
    [CMD_WRITE_MULTI] = ROW(ata_write, F_DISK | F_MULTI),
    [CMD_SET_MULTI] = ROW(ata_set_multi, F_DISK),
    [CMD_READ_DMA] = ROW(ata_read, F_DISK | F_DMA),
    [CMD_READ_DMA_NORETRY] = ROW(ata_read, F_DISK | F_DMA),
    [CMD_WRITE_DMA] = ROW(ata_write, F_DISK | F_DMA),
    [CMD_WRITE_DMA_NORETRY] = ROW(ata_write, F_DISK | F_DMA),
    [CMD_WRITE_MULTI_FUA_EXT] =
        ROW(ata_write, F_DISK | F_EXT | F_MULTI | F_FUA),
    [CMD_STANDBY_NOW] = ROW(ata_standby, F_DISK | F_CD),
    [CMD_IDLE_NOW] = ROW(ata_idle, F_DISK | F_CD),
    [CMD_STANDBY] = ROW(ata_standby, F_DISK | F_CD),
    [CMD_IDLE] = ROW(ata_idle, F_DISK | F_CD),
    [CMD_CHECK_POWER] = ROW(ata_check_power, F_DISK | F_CD),
    [CMD_SLEEP] = ROW(ata_sleep, F_DISK | F_CD),
    [CMD_FLUSH] = ROW(ata_flush, F_DISK),
    [CMD_FLUSH_EXT] = ROW(ata_flush, F_DISK | F_EXT),
    [CMD_IDENTIFY] = ROW(ata_identify_any, F_DISK | F_CD),
    [CMD_SET_FEATURES] = ROW(ata_set_features, F_DISK | F_CD),
    [CMD_READ_NATIVE] = ROW(ata_read_native, F_DISK),
    [CMD_SET_MAX] = ROW(ata_set_max, F_DISK),
};

void ata_command(struct ide_unit *u, uint8_t cmd)
{
    struct ide_chan_state *st = u->ch->st;
    const struct ata_cmd *c = &ata_cmds[cmd];
    uint8_t native = u->st->native_cmd;

    /* SET MAX counts only right after its READ NATIVE MAX (ATA-6 8.47). */
    u->st->native_cmd = 0;
    if (cmd == CMD_SET_MAX || cmd == CMD_SET_MAX_EXT)
        u->st->native_cmd = native;
    st->ext = !!(c->flags & F_EXT);
    st->dma = !!(c->flags & F_DMA);
    st->fua = !!(c->flags & F_FUA);
    if (!c->run || !(c->flags & (u->kind == KIND_CD ? F_CD : F_DISK)))
        return ata_abort(u);
    if (u->kind == KIND_DISK && !ata_chs_valid(u))
        ata_default_chs(u);
    if (cmd != CMD_CHECK_POWER && cmd != 0x98 && cmd != CMD_SMART &&
        cmd != CMD_IDENTIFY && cmd != CMD_SET_FEATURES)
        u->st->power = PW_ACTIVE;
    c->run(u);
}

void ata_power_on(struct ide_unit *u)
{
    struct ide_unit_state *s = u->st;

    s->xfer_mode = 0x45;
    s->multi = IDE_MULTI;
    s->wcache = s->readahead = 1;
    s->smart = s->autosave = 1;
    s->max_sectors = ide_sectors(u);
    if (s->max_sectors > UINT64_C(1) << 48)
        s->max_sectors = UINT64_C(1) << 48;
    ata_default_chs(u);
}
