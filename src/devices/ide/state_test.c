/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Save and restore: at every step of every kind of transfer, into a fresh
 * device, which finishes it; and hostile state.
 */
#include "rig.h"

#include <stdlib.h>

static const struct rig_unit both[4] = {
    {.present = true, .bytes = 4 << 20},
    {0},
    {.present = true, .cd = true, .bytes = 4 << 20, .read_only = true}};

/* Everything over to a new machine of these units, the old one ends. */
static struct rig *move_to(struct rig *old, const struct rig_unit units[4])
{
    size_t n = state_bytes(&ide_state_desc);
    uint8_t *buf = malloc(n);
    struct rig *r = rig_new(units);
    unsigned i;
    struct err err;

    assert_non_null(buf);
    old->dev->ops->pause(old->dev, true);
    assert_true(old->dev->ops->idle(old->dev));
    ide_state_desc.settle(old->dev);
    n = state_save(&ide_state_desc, old->dev, buf);
    assert_true(n <= IDE_SAVED_REGS + 2 * IDE_SAVED_MOST);
    r->dev->ops->pause(r->dev, true);
    memcpy(r->b->ram, old->b->ram, RIG_RAM);
    for (i = 0; i < 4; i++)
        if (r->blk[i])
            memcpy(blk_mem_data(r->blk[i]), blk_mem_data(old->blk[i]),
                   r->blk[i]->size_bytes);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    assert_memory_equal(&r->ide->st, &old->ide->st, sizeof(r->ide->st));
    assert_int_equal(rig_irq(r, 0), rig_irq(old, 0));
    assert_int_equal(rig_irq(r, 2), rig_irq(old, 2));
    r->dev->ops->pause(r->dev, false);
    free(buf);
    rig_free(old);
    return r;
}

static struct rig *move(struct rig *old)
{
    return move_to(old, both);
}

static void test_covers(void **state)
{
    assert_true(state_covers(&ide_state_desc));
}

static void test_pio_read(void **state)
{
    struct rig *r = rig_new(both);
    uint8_t buf[512];
    unsigned i;

    rig_lba48(r, 0, 100, 200);
    r = move(r);
    rig_command(r, 0, CMD_READ_EXT);
    for (i = 0; i < 200; i++) {
        if (i % 50 == 3)
            r = move(r);
        assert_true(rig_irq(r, 0));
        assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
        rig_ins(r, 0, buf, 100);
        if (i % 50 == 7)
            r = move(r);
        rig_ins(r, 0, buf + 100, 412);
        rig_check_pattern(buf, (100 + i) * 512, 512);
    }
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

static void test_pio_write(void **state)
{
    struct rig *r = rig_new(both);
    uint8_t buf[512];
    unsigned i;

    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_WRITE_EXT);
    for (i = 0; i < 200; i++) {
        memset(buf, (int)i, 512);
        if (i % 50 == 3)
            r = move(r);
        rig_outs(r, 0, buf, 100);
        if (i % 50 == 7)
            r = move(r);
        rig_outs(r, 0, buf, 412);
    }
    assert_int_equal(rig_status(r, 0), ST_OK);
    for (i = 0; i < 200; i++) {
        assert_int_equal(blk_mem_data(r->blk[0])[(100 + i) * 512], i);
        assert_int_equal(blk_mem_data(r->blk[0])[(100 + i) * 512 + 511], i);
    }
    rig_free(r);
}

/* Paused when the first of three pieces is done. */
static void test_dma(void **state)
{
    struct rig *r = rig_new(both);
    struct rig_prd prd[40];
    unsigned i;

    for (i = 0; i < 40; i++)
        prd[i] = (struct rig_prd){RIG_DATA + i * 65536, 65536};
    rig_prdt(r, prd, 40, true);
    rig_lba48(r, 0, 0, 5120);
    rig_bm_prepare(r, 0);
    rig_command(r, 0, CMD_READ_DMA_EXT);
    r = move(r); /* waits for START */
    blk_mem_hold(r->blk[0], true);
    rig_bm_start(r, 0, true);
    r->dev->ops->pause(r->dev, true);
    assert_true(blk_mem_release(r->blk[0]));
    r = move(r);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_INTR);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_check_pattern(r->b->ram + RIG_DATA, 0, 5120 * 512);
    rig_free(r);
}

static void test_packet(void **state)
{
    uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    static uint8_t buf[40 * RAW_SECTOR];
    struct rig *r = rig_new(both);
    size_t got = 0;
    unsigned i = 0;

    r = move(r);
    rig_clear_ua(r, 2);
    rig_select(r, 2, 0);
    bench_outb(r->b, 0x171, 0);
    bench_outb(r->b, 0x174, 0x00);
    bench_outb(r->b, 0x175, 0x10);
    rig_command(r, 2, CMD_PACKET);
    rig_outs(r, 2, cdb, 4);
    r = move(r);
    rig_outs(r, 2, cdb + 4, 8);
    while (rig_status(r, 2) & ST_DRQ) {
        size_t n = rig_reg(r, 2, ATA_LBAM) | (size_t)rig_reg(r, 2, ATA_LBAH)
                                                 << 8;

        if (i++ % 5 == 2)
            r = move(r);
        assert_true(n <= 4096 && got + n <= sizeof(buf));
        rig_ins(r, 2, buf + got, n);
        got += n;
    }
    assert_int_equal(got, sizeof(buf));
    for (i = 0; i < 40; i++)
        rig_check_pattern(buf + i * RAW_SECTOR + 16, (9 + i) * CD_SECTOR,
                          CD_SECTOR);
    rig_free(r);
}

/* What was made of raw sectors for DMA and is not in memory yet: made anew. */
static void test_packet_dma(void **state)
{
    static const uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    const struct rig_prd prd[2] = {{RIG_DATA, 65536},
                                   {RIG_DATA + 65536, 40 * RAW_SECTOR - 65536}};
    struct rig *r = rig_new(both);
    unsigned i;

    rig_clear_ua(r, 2);
    rig_prdt(r, prd, 2, true);
    rig_bm_prepare(r, 2);
    blk_mem_hold(r->blk[2], true);
    rig_packet(r, 2, cdb, 0, true);
    rig_bm_start(r, 2, true);
    r->dev->ops->pause(r->dev, true);
    assert_true(blk_mem_release(r->blk[2]));
    assert_int_equal(r->ide->st.chan[1].phase, PH_DMA);
    assert_true(r->ide->st.chan[1].fill > IDE_SAVED_MOST);
    r = move(r);
    assert_int_equal(rig_bm_status(r, 2), BM_ST_INTR);
    assert_int_equal(rig_status(r, 2), ST_OK);
    for (i = 0; i < 40; i++)
        rig_check_pattern(r->b->ram + RIG_DATA + i * RAW_SECTOR + 16,
                          (9 + i) * CD_SECTOR, CD_SECTOR);
    rig_free(r);
}

/*
 * A table of small regions takes several turns; saved after each of them, in
 * the middle of a sector, and once in that of the last.
 */
static void test_packet_dma_in_turns(void **state)
{
    static const struct {
        uint8_t sectors;
        uint32_t region;
    } row[] = {{40, 12}, {20, 22}};

    for (unsigned n = 0; n < 2; n++) {
        uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 0, 0xf8};
        struct rig *r = rig_new(both);
        unsigned i, turns = 1;

        cdb[8] = row[n].sectors;
        rig_clear_ua(r, 2);
        for (i = 0; i < PRD_MAX; i++) {
            uint32_t e[2] = {RIG_DATA + i * row[n].region, row[n].region};

            memcpy(r->b->ram + RIG_PRDT + 8 * i, e, sizeof(e));
        }
        rig_bm_prepare(r, 2);
        rig_packet(r, 2, cdb, 0, true);
        rig_bm_start(r, 2, true);
        while (timer_armed(&r->ide->chan[1].timer)) {
            r->dev->ops->pause(r->dev, true);
            r = move(r); /* which begins the next turn */
            turns++;
        }
        assert_true(turns >= 2);
        assert_int_equal(rig_status(r, 2), ST_OK);
        for (i = 0; i < row[n].sectors; i++)
            rig_check_pattern(r->b->ram + RIG_DATA + i * RAW_SECTOR + 16,
                              (9 + i) * CD_SECTOR, CD_SECTOR);
        assert_int_equal(r->b->ram[RIG_DATA + i * RAW_SECTOR + 1], 0);
        rig_free(r);
    }
}

/* A reset that waits for a request: saved when that has ended. */
/* What a read has no use for, as restored, must not spoil the next save. */
static void test_stale_wpos_is_taken_again(void **state)
{
    struct rig *r = rig_new(both);
    uint8_t buf[100];

    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_READ_EXT);
    rig_ins(r, 0, buf, sizeof(buf));
    assert_true(r->ide->st.chan[0].fill > SECTOR);
    r->ide->st.chan[0].wpos = r->ide->st.chan[0].fill;
    r = move(r);
    assert_int_equal(r->ide->st.chan[0].wpos, 0);
    rig_free(r);
}

/* A guest that trimmed when it was saved could not be restored. */
static void test_save_amid_trim(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, SECTOR}};
    uint8_t ranges[SECTOR] = {0, 0, 0, 0, 0, 0, 2, 0, 9, 0, 0, 0, 0, 0, 1};
    struct rig *r = rig_new(both);

    gmem_write(&r->b->gmem, RIG_DATA, ranges, sizeof(ranges));
    blk_mem_hold(r->blk[0], true);
    rig_prdt(r, prd, 1, true);
    rig_bm_prepare(r, 0);
    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 1);
    rig_command(r, 0, CMD_DSM);
    rig_bm_start(r, 0, false);
    ide_ops.pause(r->dev, true);
    blk_mem_release(r->blk[0]);
    assert_int_equal(r->ide->st.chan[0].phase, PH_TRIM);
    r = move(r);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* A read by DMA that waits for the disk when SRST takes it away. */
static struct rig *srst_amid_dma(void)
{
    static const struct rig_prd prd[] = {{RIG_DATA, SECTOR}};
    struct rig *r = rig_new(both);

    blk_mem_hold(r->blk[0], true);
    rig_prdt(r, prd, 1, true);
    rig_bm_prepare(r, 0);
    rig_lba28(r, 0, 0, 1);
    rig_command(r, 0, CMD_READ_DMA);
    rig_bm_start(r, 0, true);
    rig_srst(r, 0);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    return r;
}

/* What is done to it meanwhile is nothing; it ends on the other side. */
static void test_save_amid_srst_of_dma(void **state)
{
    struct rig *r = srst_amid_dma();

    bench_outb(r->b, 0x1f7, CMD_DIAGNOSTIC);
    bench_outb(r->b, 0x1f7, CMD_DEVICE_RESET);
    rig_srst(r, 0);
    assert_int_equal(rig_alt(r, 0) & ST_BSY, ST_BSY);
    ide_ops.pause(r->dev, true);
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(r->ide->st.chan[0].phase, PH_RESET);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    r = move(r);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_INTR);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_false(rig_irq(r, 0));
    rig_free(r);
}

/* Saved state may name a transfer mode that no guest can set. */
static void test_mode_that_cannot_be(void **state)
{
    struct rig *r = rig_disk();
    uint8_t id[512];

    for (unsigned mode = 0; mode < 256; mode++) {
        bool mw = mode >= 0x20 && mode < 0x23,
             ultra = mode >= 0x40 && mode < 0x46;

        r->ide->unit[0].st->xfer_mode = (uint8_t)mode;
        rig_identify(r, 0, id);
        assert_int_equal(rig_word(id, 63) >> 8, mw ? 1 << (mode - 0x20) : 0);
        assert_int_equal(rig_word(id, 88) >> 8, ultra ? 1 << (mode - 0x40) : 0);
    }
    rig_free(r);
}

/* The disk goes meanwhile: the engine stops, nobody is left to interrupt. */
static void test_unplug_amid_srst_of_dma(void **state)
{
    struct rig *r = srst_amid_dma();

    assert_int_equal(ide_disk_detach(r->dev, 0), 0);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    blk_mem_hold(r->blk[0], false);
    while (blk_mem_release(r->blk[0]))
        ;
    assert_true(ide_unit_idle(r->dev, 0));
    assert_int_equal(rig_bm_status(r, 0), BM_ST_INTR);
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), 0);
    r = move(r);
    assert_false(rig_irq(r, 0));
    rig_free(r);
}

static void wrong(const struct ide_state *st, const char *field)
{
    struct err err;

    assert_int_equal(ide_state_desc.check(st, &err), -EINVAL);
    if (!strstr(err.text, field))
        fail_msg("%s is not named: %s", field, err.text);
}

/* Fields that are each possible, but not together, by one. */
static void test_transfer_that_cannot_be(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[0], was;
    struct err err;

    assert_non_null(st);
    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_READ_EXT);
    rig_status(r, 0);
    memcpy(st, &r->ide->st, sizeof(*st));
    was = *c;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    c->end = c->fill + 1;
    wrong(st, ".end ");
    *c = was;
    c->wpos = c->fill + 1;
    wrong(st, ".wpos ");
    *c = was;
    c->pos = c->end + 1;
    wrong(st, ".pos ");
    *c = was;
    c->left = UINT64_MAX - c->off + 1;
    wrong(st, ".left ");
    *c = was;
    c->phase = PH_DMA;
    c->pos = c->fill + 1;
    wrong(st, ".pos ");
    *c = was;
    c->op = OP_WRITE;
    c->phase = PH_STORE;
    c->wpos = 0;
    c->pos = c->end = c->fill = 2 * SECTOR;
    c->left = SECTOR;
    wrong(st, ".fill ");
    free(st);
    rig_free(r);
}

/* Nothing is fetched for a command that reads nothing: it went on to a DRQ
 * block of no bytes, and the next save had what no restore takes. */
static void test_fetch_for_no_command_is_refused(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[0];
    struct err err;

    assert_non_null(st);
    memcpy(st, &r->ide->st, sizeof(*st));
    c->phase = PH_FETCH;
    c->chunk = IDE_CHUNK;
    c->op = OP_NONE;
    wrong(st, ".phase ");
    c->op = OP_REPLY;
    wrong(st, ".phase ");
    c->op = OP_READ;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    free(st);
    rig_free(r);
}

static void test_reset(void **state)
{
    struct rig *r = rig_new(both);

    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 0, 8);
    rig_command(r, 0, CMD_READ);
    bench_outb(r->b, 0x3f6, CTL_SRST);
    assert_true(blk_mem_release(r->blk[0]));
    r = move(r);
    assert_int_equal(rig_alt(r, 0), ST_BSY);
    bench_outb(r->b, 0x3f6, 0);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(rig_error(r, 0), 1);
    rig_free(r);
}

/* Pokes at whatever the state says, for a while. */
static void poke(struct rig *r, uint32_t seed)
{
    static uint8_t buf[4096];
    unsigned i;

    for (i = 0; i < 6; i++) {
        uint16_t p = rig_port(seed >> 8 & 1);

        seed = seed * 1664525u + 1013904223u;
        bus_rep(&r->b->bus, p, 2, seed & 1, buf, 2048);
        bus_rep(&r->b->bus, p, 4, !(seed & 1), buf, 1024);
        rig_status(r, seed >> 7 & 2);
        bench_outb(r->b, p + (seed >> 16 & 7), (uint8_t)(seed >> 24));
        bench_outb(r->b, (uint16_t)(RIG_BM + (seed >> 5 & 8)),
                   (uint8_t)(seed >> 12));
        bench_step(r->b, IDE_RUN_REST_NS);
    }
}

#define CHAN_REGS (offsetof(struct ide_chan_state, buf))
#define FIRST     (offsetof(struct ide_state, chan))

/* The stream has the fields in the order of the struct, of buf what is live. */
static bool is_register(size_t live, size_t i)
{
    size_t second = FIRST + CHAN_REGS + live;

    return i < FIRST + CHAN_REGS || (i >= second && i < second + CHAN_REGS);
}

static size_t register_at(size_t live, uint32_t n)
{
    n %= FIRST + 2 * CHAN_REGS;
    return n < FIRST + CHAN_REGS ? n : n + live;
}

/* A buffer that no save leaves: the save after it was larger than any. */
static void test_buffer_that_no_save_leaves(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_chan_state *c = &r->ide->st.chan[0];
    uint8_t *buf = malloc(state_bytes(&ide_state_desc));
    struct err err;
    size_t n;

    assert_non_null(buf);
    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_READ_EXT);
    assert_true(c->phase == PH_PIO_IN && c->fill > IDE_SAVED_MOST);
    n = state_save(&ide_state_desc, r->dev, buf); /* not settled */
    assert_true(state_load(&ide_state_desc, r->dev, buf, n, &err) < 0);
    assert_non_null(strstr(err.text, "fill"));
    ide_state_desc.settle(r->dev);
    assert_true(c->fill <= IDE_SAVED_MOST);
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    free(buf);
    rig_free(r);
}

/* A write's place in the buffer, then a packet: refused, a migration was lost.
 */
static void test_packet_after_a_write(void **state)
{
    static const struct rig_unit units[4] = {
        {.present = true, .cd = true, .bytes = 1 << 20},
        {.present = true, .bytes = 1 << 20}};
    struct rig *r = rig_new(units);
    uint8_t sector[512] = {0}, *buf = malloc(state_bytes(&ide_state_desc));
    struct err err;
    size_t n;

    assert_non_null(buf);
    rig_lba28(r, 1, 0, 1);
    rig_command(r, 1, CMD_WRITE);
    rig_outs(r, 1, sector, sizeof(sector));
    assert_int_equal(rig_status(r, 1), ST_OK);
    rig_select(r, 0, 0);
    rig_command(r, 0, CMD_PACKET);
    assert_int_equal(r->ide->st.chan[0].phase, PH_PIO_OUT);
    ide_state_desc.settle(r->dev);
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    free(buf);
    rig_free(r);
}

/* What was read for a disk's DMA, as only a saved state can have it. */
static void test_buffer_of_dma(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_chan_state *c = &r->ide->st.chan[0];

    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_READ_EXT);
    c->phase = PH_DMA;
    ide_state_desc.settle(r->dev);
    assert_true(c->fill < 512);
    assert_int_equal(c->phase, PH_FETCH);
    assert_int_equal(c->left, 200 * 512);
    rig_free(r);
}

/* Sectors of which nothing is wanted: nothing came, and that was no state. */
static void test_raw_sectors_without_fields(void **state)
{
    static const uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    struct rig *r = rig_new(both);
    struct ide_chan_state *c = &r->ide->st.chan[1];
    uint8_t *buf = malloc(state_bytes(&ide_state_desc));
    struct err err;
    size_t n;

    assert_non_null(buf);
    rig_clear_ua(r, 2);
    rig_packet(r, 2, cdb, 2048, false);
    ide_state_desc.settle(r->dev);
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    assert_true(c->op == OP_RAW && c->left);
    c->raw_fields = 0;
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_true(state_load(&ide_state_desc, r->dev, buf, n, &err) < 0);
    assert_non_null(strstr(err.text, "raw_fields"));
    free(buf);
    rig_free(r);
}

/* A saved block as long as 16 bits say, of a disk: one burst all the same. */
static void test_block_that_no_command_makes(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_chan_state *c = &r->ide->st.chan[0];
    uint8_t sector[512];

    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_READ_EXT);
    c->block = 51008;
    rig_ins(r, 0, sector, sizeof(sector));
    assert_int_equal(c->end - c->pos, IDE_BURST);
    ide_state_desc.settle(r->dev);
    assert_true(c->fill <= IDE_SAVED_MOST);
    rig_free(r);
}

/* Where a CD was read last may be behind the end of the disk beside it. */
static void test_reply_of_a_disk_after_a_longer_cd(void **state)
{
    static const struct rig_unit units[4] = {
        {.present = true, .bytes = 1 << 20},
        {.present = true, .cd = true, .bytes = 8 << 20, .read_only = true}};
    static const uint8_t cdb[12] = {MMC_READ_10, 0, 0, 0, 0x0c, 0, 0, 0, 1};
    struct rig *r = rig_new(units);
    uint8_t buf[CD_SECTOR];

    rig_clear_ua(r, 1);
    assert_int_equal(rig_packet_in(r, 1, cdb, CD_SECTOR, buf, CD_SECTOR),
                     CD_SECTOR);
    rig_select(r, 0, 0);
    rig_command(r, 0, CMD_IDENTIFY);
    rig_ins(r, 0, buf, 100);
    r = move_to(r, units);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf + 100, 412);
    assert_int_equal(rig_word(buf, 60), 2048);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* It has no DRQ block: that may be of a packet without data, or of none. */
static void test_save_amid_verify(void **state)
{
    struct rig *r = rig_new(both);

    blk_mem_hold(r->blk[0], true);
    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_VERIFY_EXT);
    ide_ops.pause(r->dev, true);
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(r->ide->st.chan[0].phase, PH_FETCH);
    assert_int_equal(r->ide->st.chan[0].block, 0);
    r = move(r);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* More in the buffer than was read, as a saved state may say. */
static void test_unread_of_more_than_was_read(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_chan_state *c = &r->ide->st.chan[0];

    rig_lba48(r, 0, 0, 200);
    ide_ops.pause(r->dev, true);
    rig_command(r, 0, CMD_READ_EXT);
    assert_int_equal(c->phase, PH_FETCH);
    c->fill = IDE_SAVED_MOST;
    ide_ops.pause(r->dev, false);
    assert_true(c->phase == PH_PIO_IN && c->fill == IDE_BUF);
    r = move(r);
    c = &r->ide->st.chan[0];
    assert_true(c->fill <= IDE_SAVED_MOST);
    assert_int_equal(c->left, 200 * SECTOR);
    rig_free(r);
}

/* Each went on to a state that was saved and that no restore takes. */
static void test_phase_of_another_command(void **state)
{
    static const struct {
        uint8_t phase, op;
    } row[] = {{PH_PIO_IN, OP_WRITE}, {PH_PIO_IN, OP_CDB},
               {PH_PIO_OUT, OP_READ}, {PH_STORE, OP_NONE},
               {PH_TRIM, OP_WRITE},   {PH_DMA_WAIT, OP_VERIFY},
               {PH_DMA, OP_CDB}};
    struct rig *r = rig_new(both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[0];
    struct err err;

    assert_non_null(st);
    memcpy(st, &r->ide->st, sizeof(*st));
    c->chunk = IDE_CHUNK;
    c->end = c->fill = c->left = SECTOR;
    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        c->phase = row[i].phase;
        c->op = row[i].op;
        wrong(st, ".phase ");
    }
    c->phase = PH_PIO_OUT;
    c->op = OP_WRITE;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    free(st);
    rig_free(r);
}

/* Ranges to trim come in whole blocks: else the last one went past its end. */
static void test_part_of_a_range_to_trim(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_chan_state *c = &r->ide->st.chan[0];
    uint8_t *buf = malloc(state_bytes(&ide_state_desc));
    struct err err;
    size_t n;

    assert_non_null(buf);
    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 1);
    rig_command(r, 0, CMD_DSM);
    assert_int_equal(c->phase, PH_DMA_WAIT);
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    assert_int_equal(c->phase, PH_DMA_WAIT);
    c->fill = 20;
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    assert_int_equal(c->phase, PH_IDLE);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    free(buf);
    rig_free(r);
}

/* So many raw sectors that their bytes are 0 once more: no DRQ block came. */
static void test_raw_sectors_beyond_64_bits(void **state)
{
    static const uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    struct rig *r = rig_new(both);
    struct ide_state *st = malloc(sizeof(*st));
    struct ide_chan_state *c = &st->chan[1];
    struct err err;

    assert_non_null(st);
    rig_clear_ua(r, 2);
    rig_packet(r, 2, cdb, 2048, false);
    ide_state_desc.settle(r->dev);
    memcpy(st, &r->ide->st, sizeof(*st));
    assert_true(c->op == OP_RAW && c->left);
    c->left = (uint64_t)UINT32_MAX * CD_SECTOR;
    assert_int_equal(ide_state_desc.check(st, &err), 0);
    c->left += CD_SECTOR;
    wrong(st, ".left ");
    free(st);
    rig_free(r);
}

/* A CD's reply to no packet, in DRQ blocks of no bytes: none ever came. */
static void test_reply_of_no_block(void **state)
{
    struct rig *r = rig_new(both);
    struct ide_chan_state *c;
    uint8_t *buf = malloc(state_bytes(&ide_state_desc)), id[512];
    struct err err;
    size_t n;

    assert_non_null(buf);
    rig_select(r, 2, 0);
    rig_command(r, 2, CMD_IDENTIFY_PACKET);
    rig_ins(r, 2, id, 100);
    r = move(r);
    c = &r->ide->st.chan[1];
    assert_int_equal(rig_status(r, 2), ST_OK | ST_DRQ);
    c->block = 0;
    n = state_save(&ide_state_desc, r->dev, buf);
    assert_int_equal(state_load(&ide_state_desc, r->dev, buf, n, &err), 0);
    assert_int_equal(c->phase, PH_IDLE);
    assert_int_equal(rig_status(r, 2), ST_OK | ST_ERR);
    free(buf);
    rig_free(r);
}

/* Each byte of the registers flipped, and random ones: refused or harmless. */
static void test_hostile(void **state)
{
    size_t most = state_bytes(&ide_state_desc), n, live, i, k;
    uint8_t *buf = malloc(most), *orig = malloc(most);
    struct rig *r = rig_new(both);
    unsigned kind, taken = 0;
    uint32_t seed = 1;
    struct err err;

    assert_non_null(buf);
    assert_non_null(orig);
    for (kind = 0; kind < 4; kind++) {
        rig_srst(r, 0);
        rig_srst(r, 1);
        rig_lba48(r, 0, 3, 200);
        rig_command(r, 0, kind & 1 ? CMD_READ_EXT : CMD_WRITE_DMA_EXT);
        rig_select(r, 2, 0);
        rig_command(r, 2, kind & 2 ? CMD_PACKET : CMD_IDENTIFY_PACKET);
        ide_state_desc.settle(r->dev);
        n = state_save(&ide_state_desc, r->dev, orig);
        live = r->ide->st.chan[0].fill;
        for (i = 0; i < n; i++) {
            /* in the buffers, some bytes stand for all */
            if (is_register(live, i) ? kind && i % 5 != kind : i % 9973 != 0)
                continue;
            assert_int_equal(state_load(&ide_state_desc, r->dev, orig, n, &err),
                             0);
            memcpy(buf, orig, n);
            for (k = 0; k <= kind; k++) {
                seed = seed * 1664525u + 1013904223u;
                buf[k ? register_at(live, seed >> 8) : i] ^=
                    (uint8_t)(seed >> 24 | 1);
            }
            if (state_load(&ide_state_desc, r->dev, buf, n, &err))
                continue;
            taken++;
            poke(r, seed);
            while (!r->dev->ops->idle(r->dev))
                bench_step(r->b, IDE_RUN_REST_NS);
        }
        assert_int_equal(state_load(&ide_state_desc, r->dev, orig, n, &err), 0);
        for (i = 0; i < n; i += n / 60)
            assert_int_not_equal(
                state_load(&ide_state_desc, r->dev, orig, i, &err), 0);
        assert_int_not_equal(
            state_load(&ide_state_desc, r->dev, orig, n - 1, &err), 0);
    }
    assert_true(taken > 100);
    free(buf);
    free(orig);
    rig_free(r);
}

/* The state may say so before or after the disk is taken away here. */
static void test_detached(void **state)
{
    struct rig *r = rig_new(both), *other = rig_new(both);
    size_t most = state_bytes(&ide_state_desc), n, m;
    uint8_t *with = malloc(most), *without = malloc(most);
    struct err err;

    assert_true(with && without);
    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_WRITE_EXT);
    m = state_save(&ide_state_desc, r->dev, with);
    assert_int_equal(ide_disk_detach(r->dev, 0), 0);
    n = state_save(&ide_state_desc, r->dev, without);

    assert_int_equal(state_load(&ide_state_desc, other->dev, without, n, &err),
                     0);
    assert_false(ide_unit_is_disk(other->dev, 0));
    assert_int_equal(ide_disk_detach(other->dev, 0), 0);
    assert_null(ide_unit_blk(other->dev, 0));
    assert_int_equal(other->blk[0]->flush_ops, 1);

    assert_int_equal(state_load(&ide_state_desc, r->dev, with, m, &err), 0);
    assert_false(ide_unit_is_disk(r->dev, 0));
    assert_int_equal(rig_status(r, 0), 0);
    rig_free(r);
    rig_free(other);
    free(with);
    free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_pio_read),
        cmocka_unit_test(test_pio_write),
        cmocka_unit_test(test_dma),
        cmocka_unit_test(test_packet),
        cmocka_unit_test(test_packet_dma),
        cmocka_unit_test(test_packet_dma_in_turns),
        cmocka_unit_test(test_stale_wpos_is_taken_again),
        cmocka_unit_test(test_save_amid_trim),
        cmocka_unit_test(test_save_amid_srst_of_dma),
        cmocka_unit_test(test_unplug_amid_srst_of_dma),
        cmocka_unit_test(test_mode_that_cannot_be),
        cmocka_unit_test(test_transfer_that_cannot_be),
        cmocka_unit_test(test_fetch_for_no_command_is_refused),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_buffer_that_no_save_leaves),
        cmocka_unit_test(test_packet_after_a_write),
        cmocka_unit_test(test_buffer_of_dma),
        cmocka_unit_test(test_raw_sectors_without_fields),
        cmocka_unit_test(test_block_that_no_command_makes),
        cmocka_unit_test(test_reply_of_a_disk_after_a_longer_cd),
        cmocka_unit_test(test_save_amid_verify),
        cmocka_unit_test(test_unread_of_more_than_was_read),
        cmocka_unit_test(test_phase_of_another_command),
        cmocka_unit_test(test_part_of_a_range_to_trim),
        cmocka_unit_test(test_raw_sectors_beyond_64_bits),
        cmocka_unit_test(test_reply_of_no_block),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_detached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
