/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIO data phases. The bytes of a whole run of sectors lie in the channel's
 * buffer; DRQ blocks are windows [pos, end) into it, each announced as the
 * standard says (ATA/ATAPI-6 9.5-9.8). One end index bounds every access.
 */
#include "priv.h"

uint64_t ide_to_come(const struct ide_chan *ch)
{
    const struct ide_chan_state *st = ch->st;

    if (st->op == OP_READ)
        return st->left;
    if (st->op == OP_RAW)
        return st->left / CD_SECTOR * atapi_raw_bytes(st->raw_fields);
    return 0;
}

/* Bytes of the next burst of a packet device (byte count, odd only last). */
static uint32_t pio_burst(struct ide_chan *ch, uint64_t total)
{
    struct ide_unit_state *s = ide_cmd_unit(ch)->st;
    uint32_t limit = ch->st->block, n;

    if (limit < 2)
        limit = 2;
    if (limit > IDE_BURST) /* the device may send less (ATA-6 9.8) */
        limit = IDE_BURST;
    n = total > limit ? limit & ~1u : (uint32_t)total;
    if (n <= ch->st->fill - ch->st->pos) {
        s->lbam = (uint8_t)n;
        s->lbah = (uint8_t)(n >> 8);
    }
    return n;
}

/* Of no packet; a saved state may name a block that no SET MULTIPLE makes. */
static uint32_t drq_block(const struct ide_chan_state *st)
{
    return ide_min(st->block, IDE_BURST);
}

void ide_pio_in(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);
    bool packet = u->kind == KIND_CD && st->cmd == CMD_PACKET;
    uint32_t avail = st->fill - st->pos, n;
    uint64_t total = avail + ide_to_come(ch);

    n = packet ? pio_burst(ch, total) : ide_min(drq_block(st), total);
    if (n > avail) { /* only the last block is shorter than the others */
        ide_busy(ch, PH_FETCH);
        return;
    }
    if (packet)
        u->st->nsect = IR_IO;
    st->end = st->pos + n;
    st->phase = PH_PIO_IN;
    u->st->status = ST_OK | ST_DRQ;
    ide_raise(u);
}

void ide_pio_out(struct ide_chan *ch, bool irq)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);
    uint32_t n;

    if (st->op == OP_CDB) {
        u->st->nsect = IR_COD;
        n = st->fill - st->pos;
    } else if (u->kind == KIND_CD) {
        u->st->nsect = 0;
        n = pio_burst(ch, st->fill - st->pos);
    } else {
        n = ide_min(drq_block(st), st->fill - st->pos);
    }
    st->end = st->pos + n;
    st->phase = PH_PIO_OUT;
    u->st->status = ST_OK | ST_DRQ;
    if (irq)
        ide_raise(u);
}

static void pio_in_done(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    struct ide_unit *u = ide_cmd_unit(ch);

    if (st->pos < st->fill) {
        ide_pio_in(ch);
    } else if (ide_to_come(ch)) {
        ide_busy(ch, PH_FETCH);
    } else if (u->kind == KIND_CD && st->cmd == CMD_PACKET) {
        atapi_ok(ch);
    } else {
        u->st->status = ST_OK;
        ide_end(ch, false);
    }
    ide_run(ch);
}

static void pio_out_done(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;

    if (st->pos < st->fill) {
        ide_pio_out(ch, true);
    } else if (st->op == OP_WRITE) {
        st->wpos = 0;
        ide_busy(ch, PH_STORE);
    } else if (st->op == OP_CDB) {
        atapi_cdb(ch);
    } else if (ide_cmd_unit(ch)->kind == KIND_CD) {
        atapi_param(ch);
    } else {
        ata_param(ch);
    }
    ide_run(ch);
}

static bool pio_ready(const struct ide_chan *ch, enum ide_phase phase)
{
    const struct ide_chan_state *st = ch->st;

    return st->phase == phase && st->unit == st->sel && st->pos < st->end;
}

/*
 * The data register is 16 bits wide: a byte access moves a word and uses its
 * low half; a last odd byte comes with a zero.
 */
uint32_t ide_data_read(struct ide_chan *ch, unsigned size)
{
    struct ide_chan_state *st = ch->st;
    uint8_t b[4] = {0};
    uint32_t n;

    if (!pio_ready(ch, PH_PIO_IN))
        return 0;
    n = ide_min(size < 2 ? 2 : size, st->end - st->pos);
    memcpy(b, st->buf + st->pos, n);
    st->pos += n;
    if (st->pos == st->end)
        pio_in_done(ch);
    if (size == 1)
        return b[0];
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 |
           (size == 4 ? (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24 : 0);
}

void ide_data_write(struct ide_chan *ch, unsigned size, uint32_t val)
{
    struct ide_chan_state *st = ch->st;
    uint32_t n, i;

    if (!pio_ready(ch, PH_PIO_OUT))
        return;
    n = ide_min(size < 2 ? 2 : size, st->end - st->pos);
    for (i = 0; i < n; i++)
        st->buf[st->pos + i] = (uint8_t)(val >> (8 * i));
    st->pos += n;
    if (st->pos == st->end)
        pio_out_done(ch);
}

size_t ide_data_rep(struct ide_chan *ch, unsigned size, bool wr, uint8_t *buf,
                    size_t n)
{
    struct ide_chan_state *st = ch->st;
    size_t done = 0, total = n * size;

    if (size < 2)
        return 0;
    while (done < total && pio_ready(ch, wr ? PH_PIO_OUT : PH_PIO_IN)) {
        uint32_t k = ide_min(total - done, st->end - st->pos);

        k -= k % size; /* a last odd part goes by the single access */
        if (!k)
            break;
        if (wr)
            memcpy(st->buf + st->pos, buf + done, k);
        else
            memcpy(buf + done, st->buf + st->pos, k);
        done += k;
        st->pos += k;
        if (st->pos < st->end)
            continue;
        if (wr)
            pio_out_done(ch);
        else
            pio_in_done(ch);
    }
    return done / size;
}
