/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task file of a channel: ports, device selection, interrupt, resets. */
#include "priv.h"

static struct ide_unit *chan_unit(struct ide_chan *ch, unsigned i)
{
    return &ch->ide->unit[ch->n * 2u + (i & 1u)];
}

static struct ide_unit *chan_selected(struct ide_chan *ch)
{
    return chan_unit(ch, ch->st->sel);
}

/* INTRQ is driven by the selected device only and gated by nIEN (ATA 5.2.9). */
void ide_chan_update_irq(struct ide_chan *ch)
{
    struct ide_unit *u = chan_selected(ch);
    bool level = ide_present(u) && u->st->intrq && !(ch->st->ctl & CTL_NIEN);

    if (level && !ch->irq.level)
        ch->st->bm_status |= BM_ST_INTR;
    irq_set(&ch->irq, level);
}

void ide_raise(struct ide_unit *u)
{
    struct ide_chan *ch = u->ch;

    u->st->intrq = 1;
    ide_chan_update_irq(ch);
    /* A guest that never read the status has the line up still. */
    if (ch->irq.level)
        ch->st->bm_status |= BM_ST_INTR;
}

void ide_busy(struct ide_chan *ch, enum ide_phase phase)
{
    ch->st->phase = (uint8_t)phase;
    ide_cmd_unit(ch)->st->status = ST_BSY | ST_OK;
}

void ide_end(struct ide_chan *ch, bool irq)
{
    struct ide_chan_state *st = ch->st;

    st->phase = PH_IDLE;
    st->op = OP_NONE;
    st->pos = st->end = st->fill = 0;
    st->left = 0;
    if (st->dma)
        ide_bm_done(ch);
    st->dma = 0;
    if (irq)
        ide_raise(ide_cmd_unit(ch));
}

/* ATA/ATAPI-6 9.12: what a device shows after reset and diagnostic. */
void ide_signature(struct ide_unit *u)
{
    struct ide_unit_state *s = u->st;
    bool cd = u->kind == KIND_CD;

    s->nsect = s->lbal = 1;
    s->lbam = cd ? 0x14 : 0;
    s->lbah = cd ? 0xeb : 0;
    s->hob_nsect = s->hob_lbal = s->hob_lbam = s->hob_lbah = 0;
    s->device &= DEV_DEV1;
}

static void chan_post(struct ide_unit *u)
{
    ide_signature(u);
    u->st->error = ER_DIAG_PASSED;
    u->st->status = u->kind == KIND_CD ? 0 : ST_OK;
}

/*
 * A command in progress is dropped. What it has in flight cannot be called
 * back: the reset ends, and BSY with it, when that request has ended. The bus
 * master is active so long after an SRST.
 */
void ide_reset_begin(struct ide_chan *ch, unsigned mask)
{
    struct ide_chan_state *st = ch->st;
    unsigned i;

    if (st->phase != PH_RESET && st->dma) {
        st->dma = mask == 3 && (st->bm_status & BM_ST_ACTIVE);
        if (!st->dma)
            ide_bm_reset(ch);
    }
    st->op = OP_NONE;
    st->reset_mask |= (uint8_t)mask;
    st->phase = PH_RESET;
    for (i = 0; i < 2; i++) {
        struct ide_unit *u = chan_unit(ch, i);

        if (!(mask & 1u << i))
            continue;
        u->st->intrq = 0;
        u->st->status = ST_BSY;
        u->st->native_cmd = 0;
    }
    ide_chan_update_irq(ch);
}

void ide_reset_end(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    unsigned i;

    for (i = 0; i < 2; i++) {
        struct ide_unit *u = chan_unit(ch, i);

        if (!(st->reset_mask & 1u << i))
            continue;
        u->st->power = PW_ACTIVE;
        u->st->sense_key = u->st->asc = u->st->ascq = 0;
        chan_post(u);
    }
    if (st->dma) { /* hosts that have seen INTR look for INTRQ */
        ide_bm_reset(ch);
        chan_unit(ch, 0)->st->intrq = (st->bm_status & BM_ST_INTR) != 0;
        st->dma = 0;
    }
    if (st->reset_mask == 3) {
        st->sel = 0;
        chan_unit(ch, 0)->st->device = chan_unit(ch, 1)->st->device = 0;
    }
    st->reset_mask = 0;
    st->pos = st->end = st->fill = 0;
    st->left = 0;
    st->lost = 0;
    st->phase = PH_IDLE;
}

/* Runs on both devices, whichever is selected; device 0 answers for both. */
static void chan_diagnostic(struct ide_chan *ch)
{
    unsigned i;

    for (i = 0; i < 2; i++) {
        struct ide_unit *u = chan_unit(ch, i);

        u->st->device = 0;
        u->st->native_cmd = 0;
        chan_post(u);
    }
    ch->st->sel = 0;
    ch->st->unit = 0;
    ide_end(ch, true);
}

/* The guest turned to the other device in the middle of a data phase. */
static void chan_abandon(struct ide_chan *ch)
{
    struct ide_unit *u = ide_cmd_unit(ch);

    guest_log(&ch->ide->dev, IDE_LOG_MISUSE,
              "channel %u: command %02x of unit %u left unfinished", ch->n,
              ch->st->cmd, u->n);
    u->st->status = ST_OK | ST_ERR;
    u->st->error = ER_ABRT;
    ide_end(ch, false);
}

static void chan_command(struct ide_chan *ch, uint8_t cmd)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = chan_selected(ch);

    if (cmd == CMD_DEVICE_RESET && ide_present(u) && u->kind == KIND_CD) {
        if (st->phase != PH_RESET) {
            /* Busy is the command's device, which is the selected one. */
            if (st->phase != PH_IDLE && st->unit != st->sel)
                chan_abandon(ch);
            ide_reset_begin(ch, 1u << st->sel);
            ide_run(ch);
        }
        return;
    }
    if (ide_is_busy(ch) || (cmd != CMD_DIAGNOSTIC && !ide_present(u)))
        return;
    if (st->phase != PH_IDLE) {
        if (cmd != CMD_DIAGNOSTIC && st->unit == st->sel) {
            guest_log(&ch->ide->dev, IDE_LOG_MISUSE,
                      "unit %u: command %02x during a data phase of %02x", u->n,
                      cmd, st->cmd);
            return;
        }
        chan_abandon(ch);
    }
    if (cmd == CMD_DIAGNOSTIC) {
        st->cmd = cmd;
        chan_diagnostic(ch);
        return;
    }
    if (u->st->power == PW_SLEEP) /* only a reset wakes it (ATA-6 6.9) */
        return;
    u->st->intrq = 0;
    ide_chan_update_irq(ch);
    st->unit = st->sel;
    st->cmd = cmd;
    st->dma = st->ext = st->fua = st->lost = 0;
    st->bm_stop = 0;
    st->chunk = IDE_CHUNK;
    ata_command(u, cmd);
    ide_run(ch);
}

static uint8_t chan_reg_read(struct ide_chan *ch, unsigned reg)
{
    struct ide_unit *u = chan_selected(ch);
    struct ide_unit_state *s = u->st;
    bool hob = ch->st->ctl & CTL_HOB;

    /*
     * Nobody there: zeros. Device 0 would answer so for a missing device 1
     * (status, ATA-6 9.16); drivers that probe see no device at once.
     */
    if (!ide_present(u)) {
        if (reg == ATA_DEVICE && ide_present(chan_unit(ch, !ch->st->sel)))
            return s->device;
        return 0;
    }
    switch (reg) {
    case ATA_ERROR:
        return hob ? s->hob_feature : s->error;
    case ATA_NSECT:
        return hob ? s->hob_nsect : s->nsect;
    case ATA_LBAL:
        return hob ? s->hob_lbal : s->lbal;
    case ATA_LBAM:
        return hob ? s->hob_lbam : s->lbam;
    case ATA_LBAH:
        return hob ? s->hob_lbah : s->lbah;
    case ATA_DEVICE:
        return s->device;
    default: /* status: acknowledges the interrupt */
        if (s->intrq) {
            s->intrq = 0;
            ide_chan_update_irq(ch);
        }
        return s->status;
    }
}

/* Both devices hear every write (ATA-6 9.16). */
static void chan_reg_write(struct ide_chan *ch, unsigned reg, uint8_t v)
{
    struct ide_chan_state *st = ch->st;
    unsigned i;

    if (reg == ATA_STATUS) {
        st->ctl &= (uint8_t)~CTL_HOB;
        chan_command(ch, v);
        return;
    }
    if (ide_is_busy(ch))
        return;
    st->ctl &= (uint8_t)~CTL_HOB;
    for (i = 0; i < 2; i++) {
        struct ide_unit_state *s = chan_unit(ch, i)->st;

        switch (reg) {
        case ATA_ERROR:
            s->hob_feature = s->feature;
            s->feature = v;
            break;
        case ATA_NSECT:
            s->hob_nsect = s->nsect;
            s->nsect = v;
            break;
        case ATA_LBAL:
            s->hob_lbal = s->lbal;
            s->lbal = v;
            break;
        case ATA_LBAM:
            s->hob_lbam = s->lbam;
            s->lbam = v;
            break;
        case ATA_LBAH:
            s->hob_lbah = s->lbah;
            s->lbah = v;
            break;
        default:
            s->device = v;
            break;
        }
    }
    if (reg == ATA_DEVICE) {
        st->sel = !!(v & DEV_DEV1);
        ide_chan_update_irq(ch);
    }
}

static uint64_t port_read(void *dev, uint32_t off, unsigned size)
{
    struct ide_chan *ch = dev;
    uint64_t v = 0;
    unsigned i;

    if (off == ATA_DATA)
        return ide_data_read(ch, size);
    for (i = 0; i < size; i++)
        v |= (uint64_t)chan_reg_read(ch, off + i) << (8 * i);
    return v;
}

static void port_write(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct ide_chan *ch = dev;
    unsigned i;

    if (off == ATA_DATA) {
        ide_data_write(ch, size, (uint32_t)val);
        return;
    }
    for (i = 0; i < size; i++)
        chan_reg_write(ch, off + i, (uint8_t)(val >> (8 * i)));
}

static size_t port_rep(void *dev, uint32_t off, unsigned size, bool wr,
                       void *buf, size_t n)
{
    return off == ATA_DATA ? ide_data_rep(dev, size, wr, buf, n) : 0;
}

const struct io_ops ide_port_ops = {
    .rd = port_read,
    .wr = port_write,
    .rep = port_rep,
    .min = 1,
    .max = 4,
};

static uint64_t ctl_read(void *dev, uint32_t off, unsigned size)
{
    struct ide_chan *ch = dev;
    struct ide_unit *u = chan_selected(ch);

    return ide_present(u) ? u->st->status : 0;
}

static void ctl_write(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct ide_chan *ch = dev;
    struct ide_chan_state *st = ch->st;
    uint8_t old = st->ctl;

    st->ctl = (uint8_t)(val & (CTL_NIEN | CTL_SRST | CTL_HOB));
    if (st->ctl & ~old & CTL_SRST)
        ide_reset_begin(ch, 3);
    else
        ide_chan_update_irq(ch);
    ide_run(ch);
}

const struct io_ops ide_ctl_ops = {
    .rd = ctl_read,
    .wr = ctl_write,
    .min = 1,
    .max = 1,
};
