/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Save and restore: at every step of every kind of transfer, into a fresh
 * device, which finishes it.
 */
#include "rig.h"

#include <stdlib.h>

static void test_covers(void **state)
{
    assert_true(state_covers(&ide_state_desc));
}

static void test_pio_read(void **state)
{
    struct rig *r = rig_new(rig_both);
    uint8_t buf[512];
    unsigned i;

    rig_lba48(r, 0, 100, 200);
    r = rig_move(r, rig_both);
    rig_command(r, 0, CMD_READ_EXT);
    for (i = 0; i < 200; i++) {
        if (i % 50 == 3)
            r = rig_move(r, rig_both);
        assert_true(rig_irq(r, 0));
        assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
        rig_ins(r, 0, buf, 100);
        if (i % 50 == 7)
            r = rig_move(r, rig_both);
        rig_ins(r, 0, buf + 100, 412);
        rig_check_pattern(buf, (100 + i) * 512, 512);
    }
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

static void test_pio_write(void **state)
{
    struct rig *r = rig_new(rig_both);
    uint8_t buf[512];
    unsigned i;

    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_WRITE_EXT);
    for (i = 0; i < 200; i++) {
        memset(buf, (int)i, 512);
        if (i % 50 == 3)
            r = rig_move(r, rig_both);
        rig_outs(r, 0, buf, 100);
        if (i % 50 == 7)
            r = rig_move(r, rig_both);
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
    struct rig *r = rig_new(rig_both);
    struct rig_prd prd[40];
    unsigned i;

    for (i = 0; i < 40; i++)
        prd[i] = (struct rig_prd){RIG_DATA + i * 65536, 65536};
    rig_prdt(r, prd, 40, true);
    rig_lba48(r, 0, 0, 5120);
    rig_bm_prepare(r, 0);
    rig_command(r, 0, CMD_READ_DMA_EXT);
    r = rig_move(r, rig_both); /* waits for START */
    blk_mem_hold(r->blk[0], true);
    rig_bm_start(r, 0, true);
    r->dev->ops->pause(r->dev, true);
    assert_true(blk_mem_release(r->blk[0]));
    r = rig_move(r, rig_both);
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
    struct rig *r = rig_new(rig_both);
    size_t got = 0;
    unsigned i = 0;

    r = rig_move(r, rig_both);
    rig_clear_ua(r, 2);
    rig_select(r, 2, 0);
    bench_outb(r->b, 0x171, 0);
    bench_outb(r->b, 0x174, 0x00);
    bench_outb(r->b, 0x175, 0x10);
    rig_command(r, 2, CMD_PACKET);
    rig_outs(r, 2, cdb, 4);
    r = rig_move(r, rig_both);
    rig_outs(r, 2, cdb + 4, 8);
    while (rig_status(r, 2) & ST_DRQ) {
        size_t n = rig_reg(r, 2, ATA_LBAM) | (size_t)rig_reg(r, 2, ATA_LBAH)
                                                 << 8;

        if (i++ % 5 == 2)
            r = rig_move(r, rig_both);
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
    struct rig *r = rig_new(rig_both);
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
    r = rig_move(r, rig_both);
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
        struct rig *r = rig_new(rig_both);
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
            r = rig_move(r, rig_both); /* which begins the next turn */
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

/* What a read has no use for, as restored, must not spoil the next save. */
static void test_stale_wpos_is_taken_again(void **state)
{
    struct rig *r = rig_new(rig_both);
    uint8_t buf[100];

    rig_lba48(r, 0, 100, 200);
    rig_command(r, 0, CMD_READ_EXT);
    rig_ins(r, 0, buf, sizeof(buf));
    assert_true(r->ide->st.chan[0].fill > SECTOR);
    r->ide->st.chan[0].wpos = r->ide->st.chan[0].fill;
    r = rig_move(r, rig_both);
    assert_int_equal(r->ide->st.chan[0].wpos, 0);
    rig_free(r);
}

/* A guest that trimmed when it was saved could not be restored. */
static void test_save_amid_trim(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, SECTOR}};
    uint8_t ranges[SECTOR] = {0, 0, 0, 0, 0, 0, 2, 0, 9, 0, 0, 0, 0, 0, 1};
    struct rig *r = rig_new(rig_both);

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
    r = rig_move(r, rig_both);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* A read by DMA that waits for the disk when SRST takes it away. */
static struct rig *srst_amid_dma(void)
{
    static const struct rig_prd prd[] = {{RIG_DATA, SECTOR}};
    struct rig *r = rig_new(rig_both);

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
    r = rig_move(r, rig_both);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_INTR);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_false(rig_irq(r, 0));
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
    r = rig_move(r, rig_both);
    assert_false(rig_irq(r, 0));
    rig_free(r);
}

/* A reset that waits for a request: saved when that has ended. */
static void test_reset(void **state)
{
    struct rig *r = rig_new(rig_both);

    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 0, 8);
    rig_command(r, 0, CMD_READ);
    bench_outb(r->b, 0x3f6, CTL_SRST);
    assert_true(blk_mem_release(r->blk[0]));
    r = rig_move(r, rig_both);
    assert_int_equal(rig_alt(r, 0), ST_BSY);
    bench_outb(r->b, 0x3f6, 0);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(rig_error(r, 0), 1);
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
    uint8_t sector[512] = {0};
    struct err err;

    rig_lba28(r, 1, 0, 1);
    rig_command(r, 1, CMD_WRITE);
    rig_outs(r, 1, sector, sizeof(sector));
    assert_int_equal(rig_status(r, 1), ST_OK);
    rig_select(r, 0, 0);
    rig_command(r, 0, CMD_PACKET);
    assert_int_equal(r->ide->st.chan[0].phase, PH_PIO_OUT);
    ide_state_desc.settle(r->dev);
    assert_int_equal(rig_reload(r, &err), 0);
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
    r = rig_move(r, units);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf + 100, 412);
    assert_int_equal(rig_word(buf, 60), 2048);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* It has no DRQ block: that may be of a packet without data, or of none. */
static void test_save_amid_verify(void **state)
{
    struct rig *r = rig_new(rig_both);

    blk_mem_hold(r->blk[0], true);
    rig_lba48(r, 0, 3, 200);
    rig_command(r, 0, CMD_VERIFY_EXT);
    ide_ops.pause(r->dev, true);
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(r->ide->st.chan[0].phase, PH_FETCH);
    assert_int_equal(r->ide->st.chan[0].block, 0);
    r = rig_move(r, rig_both);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* The state may say so before or after the disk is taken away here. */
static void test_detached(void **state)
{
    struct rig *r = rig_new(rig_both), *other = rig_new(rig_both);
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
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_packet_after_a_write),
        cmocka_unit_test(test_reply_of_a_disk_after_a_longer_cd),
        cmocka_unit_test(test_save_amid_verify),
        cmocka_unit_test(test_detached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
