/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks by PIO: transfers, addresses, errors, write cache */
#include "rig.h"

static void test_identify(void **state)
{
    struct rig *r = rig_disk();
    uint8_t id[512], sum = 0;
    unsigned i;

    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 1), 32);
    assert_int_equal(rig_word(id, 3), 16);
    assert_int_equal(rig_word(id, 6), 63);
    assert_memory_equal(id + 20, "VHDM0000", 8);
    assert_memory_equal(id + 46, ".1 0    ", 8);
    assert_memory_equal(id + 54, "VHDMH RADDSI K", 14);
    assert_int_equal(rig_word(id, 60), 32768);
    assert_int_equal(rig_word(id, 100), 32768);
    assert_int_equal(rig_word(id, 49) & 0x0300, 0x0300);
    assert_int_equal(rig_word(id, 53), 7);
    assert_int_equal(rig_word(id, 83) & 0xc000, 0x4000);
    assert_int_equal(rig_word(id, 83) & 0x0400, 0x0400);
    assert_int_equal(rig_word(id, 85) & 0x0021, 0x0021);
    assert_int_equal(rig_word(id, 88), 0x203f);
    assert_int_equal(rig_word(id, 169), 1);
    assert_int_equal(rig_word(id, 106), 0x4000);
    for (i = 0; i < 512; i++)
        sum = (uint8_t)(sum + id[i]);
    assert_int_equal(sum, 0);
    rig_free(r);
}

static void test_read_sectors(void **state)
{
    struct rig *r = rig_disk();
    static uint8_t buf[256 * 512];
    unsigned i;

    rig_lba28(r, 0, 7, 3);
    rig_command(r, 0, CMD_READ);
    for (i = 0; i < 3; i++) {
        assert_true(rig_irq(r, 0));
        assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
        rig_ins(r, 0, buf + i * 512, 512);
    }
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_check_pattern(buf, 7 * 512, 3 * 512);
    assert_int_equal(r->blk[0]->rd_ops, 1); /* all in one request */
    /* 0 means 256, in two requests of the buffer's size */
    rig_lba28(r, 0, 1000, 0);
    rig_command(r, 0, CMD_READ);
    rig_ins(r, 0, buf, sizeof(buf));
    rig_check_pattern(buf, 1000 * 512, sizeof(buf));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(r->blk[0]->rd_ops, 3);
    /* past the end nothing comes */
    assert_int_equal(bench_inw(r->b, 0x1f0), 0);
    rig_free(r);
}

static void test_read_widths(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512];
    unsigned i;
    uint32_t v;

    rig_lba28(r, 0, 1, 1);
    rig_command(r, 0, CMD_READ_NORETRY);
    for (i = 0; i < 256; i += 4) {
        v = bench_inl(r->b, 0x1f0);
        memcpy(buf + i, &v, 4);
    }
    for (; i < 512; i += 2) {
        v = bench_inw(r->b, 0x1f0);
        memcpy(buf + i, &v, 2);
    }
    rig_check_pattern(buf, 512, 512);
    rig_lba28(r, 0, 2, 1);
    rig_command(r, 0, CMD_READ);
    bus_rep(&r->b->bus, 0x1f0, 4, false, buf, 128);
    rig_check_pattern(buf, 1024, 512);
    assert_int_equal(rig_status(r, 0), ST_OK);
    /* byte reads take words, so 256 of them end the sector */
    rig_lba28(r, 0, 3, 1);
    rig_command(r, 0, CMD_READ);
    for (i = 0; i < 256; i++)
        assert_int_equal(bench_inb(r->b, 0x1f0), rig_byte(1536 + i * 2));
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

static void test_multiple(void **state)
{
    struct rig *r = rig_disk();
    static uint8_t buf[20 * 512];
    uint8_t id[512];

    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f2, 8);
    rig_nodata(r, 0, CMD_SET_MULTI);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 59), 0x108);
    rig_lba28(r, 0, 64, 20);
    (void)bench_rises(r->b, 14);
    rig_command(r, 0, CMD_READ_MULTI);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf, 8 * 512);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf + 8 * 512, 8 * 512);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf + 16 * 512, 4 * 512);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(bench_rises(r->b, 14), 3);
    rig_check_pattern(buf, 64 * 512, sizeof(buf));
    /* not a power of two; too many; and off means abort */
    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f2, 3);
    rig_expect_abort(r, 0, CMD_SET_MULTI);
    bench_outb(r->b, 0x1f2, 32);
    rig_expect_abort(r, 0, CMD_SET_MULTI);
    bench_outb(r->b, 0x1f2, 0);
    rig_nodata(r, 0, CMD_SET_MULTI);
    rig_lba28(r, 0, 64, 2);
    rig_expect_abort(r, 0, CMD_READ_MULTI);
    rig_expect_abort(r, 0, CMD_WRITE_MULTI_EXT);
    rig_free(r);
}

static void test_write(void **state)
{
    struct rig *r = rig_disk();
    static uint8_t buf[300 * 512];
    unsigned i;

    for (i = 0; i < sizeof(buf); i++)
        buf[i] = (uint8_t)(i * 7 + i / 512);
    rig_lba28(r, 0, 100, 2);
    rig_command(r, 0, CMD_WRITE);
    assert_false(rig_irq(r, 0)); /* none before the first block */
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_outs(r, 0, buf, 512);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    assert_int_equal(r->blk[0]->wr_ops, 0);
    rig_outs(r, 0, buf + 512, 512);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_memory_equal(blk_mem_data(r->blk[0]) + 51200, buf, 1024);
    assert_int_equal(r->blk[0]->wr_ops, 1);
    assert_int_equal(r->blk[0]->flush_ops, 0);
    rig_lba48(r, 0, 2000, 300);
    rig_command(r, 0, CMD_WRITE_EXT);
    for (i = 0; i < 300; i++)
        rig_outs(r, 0, buf + i * 512, 512);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_memory_equal(blk_mem_data(r->blk[0]) + 2000 * 512, buf, sizeof(buf));
    rig_lba48(r, 0, 3000, 32);
    rig_command(r, 0, CMD_WRITE_MULTI_FUA_EXT);
    rig_outs(r, 0, buf, 32 * 512);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(r->blk[0]->flush_ops, 1);
    assert_memory_equal(blk_mem_data(r->blk[0]) + 3000 * 512, buf, 32 * 512);
    rig_free(r);
}

static void test_write_cache(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512] = {1}, id[512];

    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f1, 0x82);
    rig_nodata(r, 0, CMD_SET_FEATURES);
    assert_int_equal(r->blk[0]->flush_ops, 1);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 85) & 0x20, 0);
    rig_lba28(r, 0, 1, 1);
    rig_command(r, 0, CMD_WRITE);
    rig_outs(r, 0, buf, 512);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(r->blk[0]->flush_ops, 2);
    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f1, 0x02);
    rig_nodata(r, 0, CMD_SET_FEATURES);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 85) & 0x20, 0x20);
    /* a failing flush is told */
    blk_mem_fail(r->blk[0], BLK_FLUSH, 1, -EIO);
    rig_expect_abort(r, 0, CMD_FLUSH);
    rig_nodata(r, 0, CMD_FLUSH_EXT);
    rig_free(r);
}

static void test_set_features(void **state)
{
    static const uint8_t good[] = {0x00, 0x01, 0x08, 0x0c, 0x20, 0x22, 0x45};
    static const uint8_t bad[] = {0x02, 0x0d, 0x10, 0x23, 0x46, 0x80, 0xff};
    struct rig *r = rig_disk();
    uint8_t id[512];
    unsigned i;

    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f1, 3);
    for (i = 0; i < sizeof(good); i++) {
        bench_outb(r->b, 0x1f2, good[i]);
        rig_nodata(r, 0, CMD_SET_FEATURES);
    }
    for (i = 0; i < sizeof(bad); i++) {
        bench_outb(r->b, 0x1f2, bad[i]);
        rig_expect_abort(r, 0, CMD_SET_FEATURES);
    }
    bench_outb(r->b, 0x1f2, 0x22);
    rig_nodata(r, 0, CMD_SET_FEATURES);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 63), 0x0407);
    assert_int_equal(rig_word(id, 88), 0x003f);
    bench_outb(r->b, 0x1f1, 0x55);
    rig_nodata(r, 0, CMD_SET_FEATURES);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 85) & 0x40, 0);
    bench_outb(r->b, 0x1f1, 0x77);
    rig_expect_abort(r, 0, CMD_SET_FEATURES);
    rig_free(r);
}

static void test_chs(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512], id[512];

    /* cylinder 2, head 3, sector 4 */
    rig_select(r, 0, 3);
    bench_outb(r->b, 0x1f2, 1);
    bench_outb(r->b, 0x1f3, 4);
    bench_outb(r->b, 0x1f4, 2);
    bench_outb(r->b, 0x1f5, 0);
    rig_command(r, 0, CMD_READ);
    rig_ins(r, 0, buf, 512);
    rig_check_pattern(buf, ((2 * 16 + 3) * 63 + 3) * 512, 512);
    /* sector 0 and 64 are no sectors */
    bench_outb(r->b, 0x1f3, 0);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    bench_outb(r->b, 0x1f3, 64);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    /* behind the last cylinder the disk has 512 sectors more */
    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f3, 1);
    bench_outb(r->b, 0x1f4, 32);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    /* another translation: 8 heads, 32 sectors */
    rig_select(r, 0, 7);
    bench_outb(r->b, 0x1f2, 32);
    rig_nodata(r, 0, CMD_INIT_PARAMS);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 54), 128);
    assert_int_equal(rig_word(id, 55), 8);
    assert_int_equal(rig_word(id, 56), 32);
    rig_select(r, 0, 1);
    bench_outb(r->b, 0x1f2, 1);
    bench_outb(r->b, 0x1f3, 1);
    bench_outb(r->b, 0x1f4, 5);
    rig_command(r, 0, CMD_READ);
    rig_ins(r, 0, buf, 512);
    rig_check_pattern(buf, (5 * 8 + 1) * 32 * 512, 512);
    rig_select(r, 0, 8); /* there is no such head */
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    rig_free(r);
}

/* A translation with so few sectors a cylinder that 16 bits do not count them.
 */
static void test_init_params_of_a_huge_disk(void **state)
{
    struct rig_filter f = {.blk = {.size_bytes = UINT64_C(1) << 40},
                           .base = 65534 * 512,
                           .bad = 65537,
                           .bad_end = 65538,
                           .err = -EIO};
    struct rig *r = rig_filtered(&f, false);
    uint8_t id[512], buf[512];

    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f2, 1);
    rig_nodata(r, 0, CMD_INIT_PARAMS);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 54), 65535);
    assert_int_equal(rig_word(id, 55), 1);
    assert_int_equal(rig_word(id, 56), 1);
    /* The one that fails is on no cylinder that the registers can name. */
    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f2, 4);
    bench_outb(r->b, 0x1f3, 1);
    bench_outb(r->b, 0x1f4, 65534 & 0xff);
    bench_outb(r->b, 0x1f5, 65534 >> 8);
    rig_command(r, 0, CMD_READ);
    while (rig_status(r, 0) & ST_DRQ)
        rig_ins(r, 0, buf, 512);
    assert_true(rig_status(r, 0) & ST_ERR);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM), 0xff);
    assert_int_equal(rig_reg(r, 0, ATA_LBAH), 0xff);
    rig_free(r);
}

/* A 130/16/63 disk; INITIALIZE DEVICE PARAMETERS with 0 sectors before. */
static void test_native_max_chs(void **state)
{
    static const struct rig_unit u[4] = {
        {.present = true, .bytes = 130 * 16 * 63 * 512}};
    struct rig *r = rig_new(u);

    rig_select(r, 0, 15);
    bench_outb(r->b, 0x1f2, 0);
    rig_expect_abort(r, 0, CMD_INIT_PARAMS);
    rig_select(r, 0, 0);
    rig_nodata(r, 0, CMD_READ_NATIVE);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM), 129);
    assert_int_equal(rig_reg(r, 0, ATA_LBAH), 0);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL), 63);
    assert_int_equal(rig_reg(r, 0, ATA_DEVICE) & DEV_HEAD, 15);
    rig_free(r);
}

static void test_set_max(void **state)
{
    struct rig *r = rig_disk();
    uint8_t id[512];

    rig_lba28(r, 0, 999, 0);
    rig_expect_abort(r, 0, CMD_SET_MAX); /* no READ NATIVE MAX before */
    rig_select(r, 0, DEV_LBA);
    rig_nodata(r, 0, CMD_READ_NATIVE);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL), 0xff);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM), 0x7f);
    rig_lba28(r, 0, 999, 0);
    rig_nodata(r, 0, CMD_SET_MAX);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 60), 1000);
    rig_lba28(r, 0, 1000, 1);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    rig_lba48(r, 0, 0, 0);
    rig_nodata(r, 0, CMD_READ_NATIVE_EXT);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL), 0xff);
    rig_lba48(r, 0, 32767, 0);
    rig_nodata(r, 0, CMD_SET_MAX_EXT);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 60), 32768);
    rig_nodata(r, 0, CMD_READ_NATIVE_EXT);
    rig_lba48(r, 0, 32768, 0); /* more than there is */
    rig_command(r, 0, CMD_SET_MAX_EXT);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    rig_free(r);
}

static void test_limits(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512];

    rig_lba28(r, 0, 32767, 1);
    rig_command(r, 0, CMD_READ);
    rig_ins(r, 0, buf, 512);
    rig_check_pattern(buf, 32767 * 512, 512);
    rig_lba28(r, 0, 32767, 2);
    rig_command(r, 0, CMD_READ);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL), 0); /* 32768 */
    assert_int_equal(rig_reg(r, 0, ATA_LBAM), 0x80);
    rig_lba48(r, 0, UINT64_C(0xffffffffffff), 0);
    rig_command(r, 0, CMD_WRITE_EXT);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    bench_outb(r->b, 0x3f6, CTL_HOB);
    assert_int_equal(rig_reg(r, 0, ATA_LBAH), 0xff);
    bench_outb(r->b, 0x3f6, 0);
    rig_lba28(r, 0, 40000, 1);
    rig_command(r, 0, CMD_SEEK);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    rig_lba28(r, 0, 4000, 1);
    rig_nodata(r, 0, 0x7f);
    rig_nodata(r, 0, 0x1f);
    rig_free(r);
}

static void test_big_disk(void **state)
{
    uint64_t base = UINT64_C(3) << 40, lba = base / 512 + 5;
    struct rig_filter f = {.blk = {.size_bytes = base + (16 << 20)},
                           .base = base};
    struct rig *r = rig_filtered(&f, false);
    uint8_t id[512], buf[512];

    f.base = base;
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 1), 16383);
    assert_int_equal(rig_word(id, 54), 16383);
    assert_int_equal(rig_word(id, 60) | rig_word(id, 61) << 16, 0x0fffffff);
    assert_int_equal(rig_word(id, 100) | (uint32_t)rig_word(id, 101) << 16,
                     (uint32_t)(f.blk.size_bytes / 512));
    assert_int_equal(rig_word(id, 102), f.blk.size_bytes / 512 >> 32);
    rig_lba48(r, 0, lba, 1);
    rig_command(r, 0, CMD_READ_EXT);
    rig_ins(r, 0, buf, 512);
    assert_true(f.last_off == lba * 512);
    rig_check_pattern(buf, 5 * 512, 512);
    rig_nodata(r, 0, CMD_READ_NATIVE_EXT);
    bench_outb(r->b, 0x3f6, CTL_HOB);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM),
                     (f.blk.size_bytes / 512 - 1) >> 32);
    /* any command register write takes HOB away */
    bench_outb(r->b, 0x1f2, 0);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM),
                     ((f.blk.size_bytes / 512 - 1) >> 8) & 0xff);
    rig_select(r, 0, DEV_LBA);
    rig_nodata(r, 0, CMD_READ_NATIVE);
    assert_int_equal(rig_reg(r, 0, ATA_DEVICE) & 15, 15);
    rig_free(r);
}

/* Good sectors come, then the error names the bad one. */
static void test_read_error(void **state)
{
    struct rig_filter f = {.bad = 1037, .bad_end = 1038, .err = -EIO};
    struct rig *r = rig_filtered(&f, false);
    uint8_t buf[512], log[512];
    unsigned i;

    rig_lba28(r, 0, 1000, 100);
    rig_command(r, 0, CMD_READ);
    for (i = 0; i < 37; i++) {
        assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
        rig_ins(r, 0, buf, 512);
        rig_check_pattern(buf, (1000 + i) * 512, 512);
    }
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_UNC);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL) | rig_reg(r, 0, ATA_LBAM) << 8,
                     1037);
    rig_lba48(r, 0, 1000, 38);
    rig_command(r, 0, CMD_VERIFY_EXT);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_UNC);
    rig_lba48(r, 0, 1000, 37);
    rig_nodata(r, 0, CMD_VERIFY_EXT);
    /* SMART knows of both */
    bench_outb(r->b, 0x1f1, SMART_READ_LOG);
    bench_outb(r->b, 0x1f2, 1);
    bench_outb(r->b, 0x1f3, 1);
    bench_outb(r->b, 0x1f4, 0x4f);
    bench_outb(r->b, 0x1f5, 0xc2);
    rig_command(r, 0, CMD_SMART);
    rig_ins(r, 0, log, 512);
    assert_int_equal(rig_word(log, 226), 2);
    assert_int_equal(log[1], 2);
    assert_int_equal(log[2 + 90 + 48 + 7], CMD_VERIFY_EXT);
    assert_int_equal(log[2 + 60 + 1], ER_UNC);
    rig_free(r);
}

/* DRQ blocks keep their size when pieces become small after an error. */
static void test_multiple_error(void **state)
{
    struct rig_filter f = {.bad = 1101, .bad_end = 1102, .err = -EIO};
    struct rig *r = rig_filtered(&f, false);
    static uint8_t buf[16 * 512];
    unsigned i;

    rig_lba28(r, 0, 1000, 128);
    rig_command(r, 0, CMD_READ_MULTI);
    blk_mem_hold(f.under, true);
    for (i = 0; i < 6; i++) {
        while (rig_alt(r, 0) & ST_BSY)
            assert_true(blk_mem_release(f.under));
        assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
        rig_ins(r, 0, buf, sizeof(buf));
        rig_check_pattern(buf, (1000 + i * 16) * 512, sizeof(buf));
    }
    while (rig_alt(r, 0) & ST_BSY)
        assert_true(blk_mem_release(f.under));
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_UNC);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL) | rig_reg(r, 0, ATA_LBAM) << 8,
                     1101);
    rig_free(r);
}

static void test_4k_sectors(void **state)
{
    struct rig_filter f = {.err = 0};
    struct rig *r = rig_filtered(&f, false);
    uint8_t id[512];

    f.blk.phys_block_bytes = 4096;
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 106), 0x6003);
    assert_int_equal(rig_word(id, 169), 0); /* this one cannot discard */
    assert_int_equal(rig_word(id, 105), 0);
    rig_free(r);
}

static void test_write_error(void **state)
{
    struct rig_filter f = {.bad = 1037, .bad_end = 1040, .err = -ENOSPC};
    struct rig *r = rig_filtered(&f, false);
    static uint8_t buf[100 * 512];

    memset(buf, 0xee, sizeof(buf));
    rig_lba48(r, 0, 1000, 100);
    rig_command(r, 0, CMD_WRITE_EXT);
    rig_outs(r, 0, buf, sizeof(buf));
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_ABRT);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL) | rig_reg(r, 0, ATA_LBAM) << 8,
                     1037);
    assert_memory_equal(blk_mem_data(f.under) + 512000, buf, 37 * 512);
    rig_check_pattern(blk_mem_data(f.under) + 1037 * 512, 1037 * 512, 512);
    rig_free(r);
}

static void test_read_only(void **state)
{
    static const struct rig_unit u[4] = {
        {.present = true, .bytes = 1 << 20, .read_only = true}};
    static const uint8_t cmds[] = {
        CMD_WRITE,       CMD_WRITE_EXT,    CMD_WRITE_DMA, CMD_WRITE_DMA_EXT,
        CMD_WRITE_MULTI, CMD_WRITE_VERIFY, CMD_DSM};
    struct rig *r = rig_new(u);
    unsigned i;

    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 1);
    for (i = 0; i < sizeof(cmds); i++)
        rig_expect_abort(r, 0, cmds[i]);
    rig_nodata(r, 0, CMD_FLUSH);
    assert_int_equal(r->blk[0]->wr_ops + r->blk[0]->errors, 0);
    rig_free(r);
}

/* A held request: BSY until it is done, and nobody may disturb it. */
static void test_asynchronous(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512];

    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 9, 1);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_status(r, 0), ST_BSY | ST_OK);
    assert_false(rig_irq(r, 0));
    assert_false(r->dev->ops->idle(r->dev));
    bench_outb(r->b, 0x1f3, 77);
    rig_command(r, 0, CMD_WRITE);
    assert_int_equal(bench_inw(r->b, 0x1f0), 0);
    assert_true(blk_mem_release(r->blk[0]));
    assert_false(blk_mem_release(r->blk[0]));
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_reg(r, 0, ATA_LBAL), 9);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf, 512);
    rig_check_pattern(buf, 9 * 512, 512);
    assert_true(r->dev->ops->idle(r->dev));
    /* flush shows BSY | DRDY meanwhile */
    rig_command(r, 0, CMD_FLUSH);
    assert_int_equal(rig_alt(r, 0) & (ST_BSY | ST_DRDY), ST_BSY | ST_DRDY);
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

static void test_nien(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512];

    bench_outb(r->b, 0x3f6, CTL_NIEN);
    rig_lba28(r, 0, 9, 1);
    rig_command(r, 0, CMD_READ);
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_bm_status(r, 0) & BM_ST_INTR, 0);
    bench_outb(r->b, 0x3f6, 0);
    assert_true(rig_irq(r, 0)); /* was pending */
    assert_int_equal(rig_bm_status(r, 0) & BM_ST_INTR, BM_ST_INTR);
    rig_ins(r, 0, buf, 512);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_false(rig_irq(r, 0));
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify),
        cmocka_unit_test(test_read_sectors),
        cmocka_unit_test(test_read_widths),
        cmocka_unit_test(test_multiple),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_cache),
        cmocka_unit_test(test_set_features),
        cmocka_unit_test(test_chs),
        cmocka_unit_test(test_init_params_of_a_huge_disk),
        cmocka_unit_test(test_native_max_chs),
        cmocka_unit_test(test_set_max),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_big_disk),
        cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_multiple_error),
        cmocka_unit_test(test_4k_sectors),
        cmocka_unit_test(test_write_error),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_asynchronous),
        cmocka_unit_test(test_nien),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
