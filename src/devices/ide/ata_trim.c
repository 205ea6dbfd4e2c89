/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DATA SET MANAGEMENT with TRIM: up to TRIM_BLOCKS blocks of 64 ranges come
 * by DMA into buf, are checked all, then discarded one after another.
 * Source: ATA8-ACS 7.10.
 */
#include "priv.h"

#define RANGE_BYTES 8u

void ata_dsm(struct ide_unit *u)
{
    struct ide_chan_state *st = u->ch->st;
    /*
     * The count has 16 bits, but what IDENTIFY offers fits into 8: drivers that
     * keep to it may leave the rest as an earlier command left it
     * (test_trim_count_has_8_bits; QEMU's ide-test does).
     */
    uint32_t blocks = u->st->nsect;

    if (!(u->st->feature & 1) || !blocks || blocks > TRIM_BLOCKS || !u->blk ||
        !u->blk->can_discard || u->blk->read_only)
        return ata_fail(u->ch, ER_ABRT);
    st->op = OP_PARAM;
    st->pos = st->end = 0;
    st->fill = blocks * SECTOR;
    st->block = SECTOR;
    st->left = 0;
    ide_data_phase(u->ch);
}

static uint64_t range_at(const uint8_t *buf, uint32_t at, uint32_t *count)
{
    uint64_t v = 0;
    unsigned i;

    for (i = 0; i < 6; i++)
        v |= (uint64_t)buf[at + i] << (8 * i);
    *count = (uint32_t)buf[at + 6] | (uint32_t)buf[at + 7] << 8;
    return v;
}

void ata_dsm_param(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint64_t lba, max = ide_cmd_unit(ch)->st->max_sectors;
    uint32_t at, count;

    for (at = 0; at < st->fill; at += RANGE_BYTES) {
        lba = range_at(st->buf, at, &count);
        if (count && (lba >= max || count > max - lba))
            return ata_fail_lba(ch, ER_ABRT | ER_IDNF, lba);
    }
    st->wpos = 0;
    ide_busy(ch, PH_TRIM);
}

/* Neighbours in the list that follow each other on the disk go together. */
void ata_trim_step(struct ide_chan *ch)
{
    struct ide_chan_state *st = ch->st;
    uint64_t lba = 0, total = 0;

    while (st->wpos < st->fill) {
        uint32_t count;
        uint64_t next = range_at(st->buf, st->wpos, &count);

        if (count && total && next != lba + total)
            break;
        if (count && !total)
            lba = next;
        total += count;
        st->wpos += RANGE_BYTES;
    }
    if (!total)
        return ata_ok(ch);
    ide_submit(ch, BLK_DISCARD, lba * SECTOR, total * SECTOR, 0);
}
