/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all saved state, and what restored state must fulfil. */
#include "priv.h"

#define S struct ide_state
#define UNIT(n)                                                                \
    FIELD_MAX(S, unit[n].max_sectors, 1, UINT64_C(1) << 48),                   \
        FIELD(S, unit[n].sense_lba, 1), FIELD(S, unit[n].cyls, 1),             \
        FIELD(S, unit[n].err_count, 1), FIELD(S, unit[n].error, 1),            \
        FIELD(S, unit[n].feature, 1), FIELD(S, unit[n].nsect, 1),              \
        FIELD(S, unit[n].lbal, 1), FIELD(S, unit[n].lbam, 1),                  \
        FIELD(S, unit[n].lbah, 1), FIELD(S, unit[n].device, 1),                \
        FIELD(S, unit[n].status, 1), FIELD(S, unit[n].hob_feature, 1),         \
        FIELD(S, unit[n].hob_nsect, 1), FIELD(S, unit[n].hob_lbal, 1),         \
        FIELD(S, unit[n].hob_lbam, 1), FIELD(S, unit[n].hob_lbah, 1),          \
        FIELD_MAX(S, unit[n].intrq, 1, 1),                                     \
        FIELD_MAX(S, unit[n].power, 1, PW_SLEEP),                              \
        FIELD_MAX(S, unit[n].detached, 1, 1),                                  \
        FIELD_MAX(S, unit[n].heads, 1, 16), FIELD(S, unit[n].spt, 1),          \
        FIELD_MAX(S, unit[n].multi, 1, IDE_MULTI),                             \
        FIELD(S, unit[n].xfer_mode, 1), FIELD_MAX(S, unit[n].wcache, 1, 1),    \
        FIELD_MAX(S, unit[n].readahead, 1, 1),                                 \
        FIELD_MAX(S, unit[n].smart, 1, 1),                                     \
        FIELD_MAX(S, unit[n].autosave, 1, 1),                                  \
        FIELD_MAX(S, unit[n].auto_offline, 1, 1),                              \
        FIELD(S, unit[n].native_cmd, 1),                                       \
        FIELD_MAX(S, unit[n].err_next, 1, SMART_ERRORS - 1),                   \
        FIELD_MAX(S, unit[n].test_next, 1, SMART_TESTS - 1),                   \
        FIELD_MAX(S, unit[n].tray_open, 1, 1),                                 \
        FIELD_MAX(S, unit[n].locked, 1, 1),                                    \
        FIELD_MAX(S, unit[n].ua, 1, UA_ALL),                                   \
        FIELD_MAX(S, unit[n].event, 1, EV_REMOVAL),                            \
        FIELD_MAX(S, unit[n].sense_key, 1, 15), FIELD(S, unit[n].asc, 1),      \
        FIELD(S, unit[n].ascq, 1), FIELD_MAX(S, unit[n].sense_info, 1, 1),     \
        FIELD_ARRAY(S, unit[n].cdb, 1), FIELD_ARRAY(S, unit[n].err_log, 1),    \
        FIELD_ARRAY(S, unit[n].test_log, 1)
#define CHAN(n)                                                                \
    FIELD(S, chan[n].off, 1), FIELD(S, chan[n].left, 1),                       \
        FIELD_MAX(S, chan[n].pos, 1, IDE_BUF),                                 \
        FIELD_MAX(S, chan[n].end, 1, IDE_BUF),                                 \
        FIELD_MAX(S, chan[n].fill, 1, IDE_SAVED_MOST),                         \
        FIELD_MAX(S, chan[n].wpos, 1, IDE_BUF),                                \
        FIELD_MAX(S, chan[n].block, 1, 0xffff),                                \
        FIELD_MAX(S, chan[n].chunk, 1, DMA_PIECE),                             \
        FIELD(S, chan[n].bm_prdt, 1),                                          \
        FIELD_MAX(S, chan[n].prd_next, 1, PRD_MAX),                            \
        FIELD(S, chan[n].prd_addr, 1),                                         \
        FIELD_MAX(S, chan[n].prd_left, 1, 65536),                              \
        FIELD_MAX(S, chan[n].prd_eot, 1, 1), FIELD(S, chan[n].bm_cmd, 1),      \
        FIELD(S, chan[n].bm_status, 1), FIELD_MAX(S, chan[n].bm_stop, 1, 1),   \
        FIELD_MAX(S, chan[n].phase, 1, PH_LAST),                               \
        FIELD_MAX(S, chan[n].op, 1, OP_LAST),                                  \
        FIELD_MAX(S, chan[n].unit, 1, 1), FIELD_MAX(S, chan[n].dma, 1, 1),     \
        FIELD(S, chan[n].cmd, 1), FIELD(S, chan[n].ctl, 1),                    \
        FIELD_MAX(S, chan[n].sel, 1, 1),                                       \
        FIELD_MAX(S, chan[n].reset_mask, 1, 3),                                \
        FIELD_MAX(S, chan[n].ext, 1, 1), FIELD_MAX(S, chan[n].fua, 1, 1),      \
        FIELD_MAX(S, chan[n].lost, 1, 1), FIELD(S, chan[n].raw_fields, 1),     \
        FIELD_LIVE(S, chan[n].buf, chan[n].fill, 1)

static const struct field ide_fields[] = {
    FIELD_ARRAY(S, cfg, 1),
    UNIT(0),
    UNIT(1),
    UNIT(2),
    UNIT(3),
    CHAN(0),
    CHAN(1),
    FIELD_END,
};

static bool of_sectors(const struct ide_chan_state *c)
{
    return c->op == OP_READ || c->op == OP_WRITE || c->op == OP_VERIFY;
}

#define OP(name) (1u << OP_##name)
#define TO_GUEST (OP(READ) | OP(RAW) | OP(REPLY))

/* What may be in each phase, bits; no bit: it does not matter. */
static const uint8_t phase_ops[PH_LAST + 1] = {
    [PH_PIO_IN] = TO_GUEST,
    [PH_PIO_OUT] = OP(WRITE) | OP(PARAM) | OP(CDB),
    [PH_DMA_WAIT] = TO_GUEST | OP(WRITE) | OP(PARAM),
    [PH_FETCH] = OP(READ) | OP(RAW) | OP(VERIFY),
    [PH_STORE] = OP(WRITE),
    [PH_TRIM] = OP(PARAM),
    [PH_DMA] = TO_GUEST | OP(WRITE) | OP(PARAM),
};

/* The field of a channel that cannot be; NULL: all can. */
static const char *chan_wrong(const struct ide_chan_state *c)
{
    bool disk = of_sectors(c);
    bool pio = c->phase == PH_PIO_IN || c->phase == PH_PIO_OUT;
    bool out =
        c->phase == PH_STORE || (c->phase == PH_PIO_OUT && c->op == OP_WRITE);

    if (pio || c->phase == PH_STORE || c->phase == PH_TRIM) {
        if (c->end > c->fill)
            return "end";
        if (c->wpos > c->fill)
            return "wpos";
        /* of ranges to trim all came by DMA, in no DRQ block */
        if (c->pos > c->end && c->phase != PH_TRIM)
            return "pos";
    }
    if (phase_ops[c->phase] && !(phase_ops[c->phase] >> c->op & 1))
        return "phase";
    if (c->pos > c->fill || (pio && c->pos == c->end))
        return "pos";
    if (c->left > UINT64_MAX - c->off || (disk && c->left % SECTOR))
        return "left";
    /* of no more blocks than a packet asks for */
    if (c->op == OP_RAW && c->left / CD_SECTOR > UINT32_MAX)
        return "left";
    if (disk && c->off % SECTOR)
        return "off";
    if (out && (c->fill % SECTOR || c->fill - c->wpos > c->left))
        return "fill";
    if (c->phase == PH_TRIM && c->fill % 8)
        return "fill";
    if ((out && c->wpos % SECTOR) || (c->phase == PH_TRIM && c->wpos % 8))
        return "wpos";
    if (c->op == OP_RAW && c->left && !atapi_raw_bytes(c->raw_fields))
        return "raw_fields";
    if (c->chunk % SECTOR)
        return "chunk";
    if (c->phase != PH_IDLE && c->phase != PH_RESET && !c->chunk)
        return "chunk";
    return c->bm_prdt & 3 ? "bm_prdt" : NULL;
}

static int ide_check(const void *state, struct err *err)
{
    const struct ide_state *s = state;
    unsigned i;

    for (i = 0; i < IDE_UNITS; i++)
        if (s->unit[i].multi & (s->unit[i].multi - 1))
            return err_set(err, -EINVAL,
                           "state of ide: unit[%u].multi is %u, no power of 2",
                           i, s->unit[i].multi);
    for (i = 0; i < 2; i++) {
        const char *field = chan_wrong(&s->chan[i]);

        if (field)
            return err_set(err, -EINVAL,
                           "state of ide: chan[%u].%s does not fit the "
                           "transfer in progress",
                           i, field);
    }
    return 0;
}

/* Whole sectors read ahead, after byte at of buf: not read yet. */
static void chan_unread(struct ide_chan *ch, uint32_t at)
{
    struct ide_chan_state *st = ch->st;
    bool raw = st->op == OP_RAW;
    uint32_t made = raw ? atapi_raw_bytes(st->raw_fields) : SECTOR, k;
    uint32_t of = SECTOR;

    if (ide_cmd_unit(ch)->kind == KIND_CD) {
        of = CD_SECTOR;
        made = raw ? made : CD_SECTOR;
    }
    if ((st->op != OP_READ && !raw) || !made)
        return;
    /* a saved state may have more in buf than was read */
    k = ide_min((st->fill - at) / made, st->off / of);
    st->fill -= k * made;
    st->off -= (uint64_t)k * of;
    st->left += (uint64_t)k * of;
}

_Static_assert(IDE_BURST + RAW_SECTOR <= IDE_SAVED_MOST, "saved state grows");

static void chan_settle(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint32_t keep;

    switch (st->phase) {
    case PH_IDLE:
    case PH_RESET:
    case PH_FLUSH:
        st->pos = st->end = st->fill = st->wpos = 0;
        break;
    case PH_PIO_IN:
        chan_unread(ch, st->end);
        break;
    case PH_DMA:
        /* disks' goes past buf, but in a saved state */
        if (st->pos < st->fill && (st->op == OP_RAW || st->op == OP_READ)) {
            chan_unread(ch, st->pos);
            if (st->left) /* else part of the last sector is left to copy */
                st->phase = PH_FETCH;
        }
        break;
    default:
        break;
    }
    if (st->phase == PH_PIO_IN || st->phase == PH_FETCH ||
        st->phase == PH_DMA) {
        memmove(st->buf, st->buf + st->pos, st->fill - st->pos);
        st->fill -= st->pos;
        st->end = st->end > st->pos ? st->end - st->pos : 0;
        st->pos = 0;
    }
    /* It is of writes, and of ranges to trim: else what the last one left. */
    if (st->op != OP_WRITE && st->phase != PH_TRIM)
        st->wpos = 0;
    /* of bytes that nobody will look at none is kept */
    keep = st->phase == PH_PIO_OUT ? st->pos : st->fill;
    memset(st->buf + keep, 0, IDE_BUF - keep);
}

static void ide_settle(void *dev)
{
    struct ide *ide = dev;
    unsigned i;

    for (i = 0; i < 2; i++)
        if (!ide->chan[i].io.busy)
            chan_settle(&ide->chan[i]);
}

/* Whether the command in progress fits the device that is here. */
static bool chan_fits(struct ide_chan *ch)
{
    struct ide_unit *u = ide_cmd_unit(ch);
    const struct ide_chan_state *st = ch->st;

    if (st->phase == PH_IDLE || st->phase == PH_RESET)
        return true;
    if (!ide_present(u))
        return false;
    if (u->kind == KIND_CD)
        return st->op != OP_WRITE && st->op != OP_VERIFY &&
               st->phase != PH_STORE && st->phase != PH_FLUSH &&
               st->phase != PH_TRIM &&
               (st->cmd == CMD_PACKET || (st->op == OP_REPLY && st->block));
    if (st->op == OP_WRITE || st->phase == PH_STORE || st->phase == PH_TRIM)
        if (u->blk->read_only)
            return false;
    /* else off is of a command before, maybe of the other device */
    if (of_sectors(st) && st->off + st->left > u->blk->size_bytes)
        return false;
    if (st->op == OP_PARAM && st->fill % SECTOR)
        return false;
    if (st->op == OP_CDB || st->op == OP_RAW)
        return false;
    return st->block || st->op == OP_VERIFY || st->phase == PH_FLUSH;
}

static void ide_loaded(void *dev)
{
    struct ide *ide = dev;
    unsigned i;

    for (i = 0; i < IDE_UNITS; i++) {
        struct ide_unit *u = &ide->unit[i];

        /* a disk that was unplugged here cannot come back */
        if (u->kind == KIND_DISK && !u->blk)
            u->st->detached = 1;
        if (u->kind == KIND_DISK && u->st->max_sectors > ide_sectors(u))
            u->st->max_sectors = ide_sectors(u);
        if (u->kind == KIND_DISK && !ata_chs_valid(u))
            ata_default_chs(u);
    }
    for (i = 0; i < 2; i++) {
        struct ide_chan *ch = &ide->chan[i];

        ch->prd_n = 0;
        if (!chan_fits(ch)) {
            ide_cmd_unit(ch)->st->status = ST_OK | ST_ERR;
            ide_cmd_unit(ch)->st->error = ER_ABRT;
            ide_end(ch, false);
        }
        ide_chan_update_irq(ch);
        irq_replay(&ch->irq);
    }
    pci_loaded(&ide->pci);
    for (i = 0; i < 2; i++)
        ide_run(&ide->chan[i]);
}

const struct state_desc ide_state_desc = {
    .name = "ide",
    .version = 1,
    .off = (uint32_t)offsetof(struct ide, st),
    .size = sizeof(struct ide_state),
    .fields = ide_fields,
    .check = ide_check,
    .settle = ide_settle,
    .loaded = ide_loaded,
};
