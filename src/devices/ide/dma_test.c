/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks by DMA: PRD rules, pieces, errors, stop, TRIM. */
#include "rig.h"

#define EXACT  BM_ST_INTR
#define LONGER (BM_ST_INTR | BM_ST_ACTIVE)

static void go(struct rig *r, uint8_t cmd, bool to_mem)
{
    rig_bm_prepare(r, 0);
    rig_command(r, 0, cmd);
    rig_bm_start(r, 0, to_mem);
}

static void test_read(void **state)
{
    static const struct rig_prd prd[] = {
        {RIG_DATA, 512}, {RIG_DATA + 0x2000, 1024}, {RIG_DATA + 0x3802, 512}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 3, true);
    rig_lba28(r, 0, 10, 4);
    rig_bm_prepare(r, 0);
    rig_command(r, 0, CMD_READ_DMA);
    assert_int_equal(rig_bm_status(r, 0), 0);
    assert_false(rig_irq(r, 0));
    rig_bm_start(r, 0, true);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_bm_status(r, 0), EXACT); /* latched */
    rig_check_pattern(r->b->ram + RIG_DATA, 5120, 512);
    rig_check_pattern(r->b->ram + RIG_DATA + 0x2000, 5632, 1024);
    rig_check_pattern(r->b->ram + RIG_DATA + 0x3802, 6656, 512);
    assert_int_equal(r->b->ram[RIG_DATA + 512], 0);
    assert_int_equal(r->blk[0]->rd_ops, 1);
    rig_bm_stop(r, 0);
    bench_outb(r->b, RIG_BM + BM_STATUS, BM_ST_INTR);
    assert_int_equal(rig_bm_status(r, 0), 0);
    rig_free(r);
}

static void test_write(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 1000},
                                         {RIG_DATA + 5000, 24}};
    struct rig *r = rig_disk();

    memset(r->b->ram + RIG_DATA, 0xa1, 1000);
    memset(r->b->ram + RIG_DATA + 5000, 0xb2, 24);
    rig_prdt(r, prd, 2, true);
    rig_lba48(r, 0, 77, 2);
    go(r, CMD_WRITE_DMA_EXT, false);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(blk_mem_data(r->blk[0])[77 * 512 + 999], 0xa1);
    assert_int_equal(blk_mem_data(r->blk[0])[77 * 512 + 1000], 0xb2);
    assert_int_equal(blk_mem_data(r->blk[0])[77 * 512 + 1023], 0xb2);
    assert_int_equal(r->blk[0]->flush_ops, 0);
    rig_lba48(r, 0, 78, 2);
    go(r, CMD_WRITE_DMA_FUA_EXT, false);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(r->blk[0]->flush_ops, 1);
    rig_free(r);
}

/* 64 regions of 64 KiB. */
static void whole_table(struct rig *r)
{
    struct rig_prd prd[64];

    for (unsigned i = 0; i < 64; i++)
        prd[i] = (struct rig_prd){RIG_DATA + i * 65536, 65536};
    rig_prdt(r, prd, 64, true);
}

/* A table of 64 KiB regions; whole megabytes; a count of 0 is 64 KiB. */
static void test_large(void **state)
{
    struct rig *r = rig_disk();
    unsigned i;

    whole_table(r);
    rig_lba48(r, 0, 100, 8192);
    go(r, CMD_READ_DMA_EXT, true);
    /* more than a stretch: the rest runs from the timer */
    for (i = 0; i < 8 && (rig_bm_status(r, 0) & BM_ST_ACTIVE); i++)
        bench_step(r->b, IDE_RUN_REST_NS);
    assert_int_equal(i, 2);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_check_pattern(r->b->ram + RIG_DATA, 51200, 8192 * 512);
    assert_int_equal(r->blk[0]->rd_ops, 2);
    rig_free(r);
}

/* The rest between two stretches is nothing that a guest times. */
static void test_large_goes_on_as_work(void **state)
{
    struct rig *r = rig_disk();
    unsigned i;

    whole_table(r);
    rig_lba48(r, 0, 0, 8192);
    go(r, CMD_READ_DMA_EXT, true);
    for (i = 0; clock_run_work(&r->b->clock); i++)
        ;
    assert_int_equal(i, 2);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    rig_free(r);
}

/* Pieces limited by iovecs: pages in descending order, split sectors. */
static void test_scattered(void **state)
{
    struct rig *r = rig_disk();
    struct rig_prd prd[700];
    unsigned i;
    uint64_t off = 0;

    for (i = 0; i < 700; i++)
        prd[i] = (struct rig_prd){RIG_DATA + (700 - i) * 4096 + (i % 7) * 2,
                                  500 + (i % 13) * 2};
    for (i = 0; i < 700; i++)
        off += prd[i].bytes;
    i = (unsigned)(off / 512);
    rig_prdt(r, prd, 700, true);
    rig_lba48(r, 0, 3, (uint16_t)i);
    go(r, CMD_READ_DMA_EXT, true);
    assert_int_equal(rig_bm_status(r, 0), off % 512 ? LONGER : EXACT);
    assert_int_equal(rig_status(r, 0), ST_OK);
    for (i = 0, off = 0; i < 699; off += prd[i].bytes, i++)
        rig_check_pattern(r->b->ram + prd[i].addr, 1536 + off, prd[i].bytes);
    assert_true(r->blk[0]->rd_ops >= 3);
    rig_free(r);
}

/* 2-byte regions: 256 of them are a sector. */
static void test_tiny(void **state)
{
    struct rig *r = rig_disk();
    struct rig_prd prd[600];
    unsigned i;

    for (i = 0; i < 600; i++)
        prd[i] = (struct rig_prd){RIG_DATA + i * 4, 2};
    rig_prdt(r, prd, 600, true);
    rig_lba28(r, 0, 4, 2);
    go(r, CMD_READ_DMA, true);
    assert_int_equal(rig_bm_status(r, 0), LONGER);
    assert_int_equal(rig_status(r, 0), ST_OK);
    for (i = 0; i < 512; i++)
        rig_check_pattern(r->b->ram + RIG_DATA + i * 4, 2048 + i * 2, 2);
    assert_int_equal(r->b->ram[RIG_DATA + 512 * 4], 0);
    rig_free(r);
}

static void test_short_table(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 512},
                                         {RIG_DATA + 512, 100}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 2, true);
    rig_lba28(r, 0, 10, 4);
    go(r, CMD_READ_DMA, true);
    assert_int_equal(rig_bm_status(r, 0), 0);
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_check_pattern(r->b->ram + RIG_DATA, 5120, 512);
    /* less than one sector */
    rig_prdt(r, prd + 1, 1, true);
    rig_lba28(r, 0, 10, 1);
    go(r, CMD_READ_DMA, true);
    rig_bm_stop(r, 0);
    assert_int_equal(rig_bm_status(r, 0), 0);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

static void test_long_table(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 4096}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 1, true);
    rig_lba28(r, 0, 10, 1);
    go(r, CMD_READ_DMA, true);
    assert_int_equal(rig_bm_status(r, 0), LONGER);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_bm_stop(r, 0);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_int_equal(r->b->ram[RIG_DATA + 512], 0);
    rig_free(r);
}

static void test_no_bus_master(void **state)
{
    struct rig *r = rig_disk();

    rig_bus_master(r, false);
    rig_lba28(r, 0, 0, 0);
    go(r, CMD_READ_DMA, true);
    assert_int_equal(rig_bm_status(r, 0), LONGER);
    assert_int_equal(rig_status(r, 0), ST_OK);
    /* a write must not put anything on the disk */
    rig_lba28(r, 0, 0, 1);
    go(r, CMD_WRITE_DMA, false);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_ABRT);
    assert_int_equal(r->blk[0]->wr_ops, 0);
    rig_free(r);
}

static void test_stop(void **state)
{
    struct rig *r = rig_disk();
    struct rig_prd prd[40];
    unsigned i;

    /* the one piece in flight ends, and with it the command */
    for (i = 0; i < 40; i++)
        prd[i] = (struct rig_prd){RIG_DATA + i * 65536, 65536};
    rig_prdt(r, prd, 1, true);
    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 0, 1);
    go(r, CMD_READ_DMA, true);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    assert_int_equal(rig_alt(r, 0), ST_BSY | ST_OK);
    assert_int_equal(r->b->pins, 1);
    rig_bm_stop(r, 0);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(rig_bm_status(r, 0), BM_ST_INTR);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(r->b->pins, 0);
    /* of several pieces, the second does not start */
    rig_prdt(r, prd, 40, true);
    rig_lba48(r, 0, 0, 5120);
    go(r, CMD_READ_DMA_EXT, true);
    rig_bm_stop(r, 0);
    assert_true(blk_mem_release(r->blk[0]));
    assert_false(blk_mem_release(r->blk[0]));
    assert_int_equal(rig_bm_status(r, 0), 0);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_false(rig_irq(r, 0));
    /* stopped before it was started: nothing but the command waits */
    rig_lba28(r, 0, 0, 1);
    rig_bm_prepare(r, 0);
    rig_command(r, 0, CMD_READ_DMA);
    rig_bm_stop(r, 0);
    assert_int_equal(rig_bm_status(r, 0), 0);
    rig_bm_start(r, 0, true);
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(rig_bm_status(r, 0), LONGER);
    rig_free(r);
}

static void test_read_error(void **state)
{
    struct rig_filter f = {.bad = 1037, .bad_end = 1038, .err = -EIO};
    struct rig *r = rig_filtered(&f, false);
    static const struct rig_prd prd[] = {{RIG_DATA, 30000},
                                         {RIG_DATA + 30000, 30000}};

    rig_prdt(r, prd, 2, true);
    rig_lba28(r, 0, 1000, 100);
    go(r, CMD_READ_DMA, true);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_bm_status(r, 0), LONGER);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_UNC);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL) | rig_reg(r, 0, ATA_LBAM) << 8,
                     1037);
    /* what is before it has come, and was not disturbed by the retries */
    rig_check_pattern(r->b->ram + RIG_DATA, 512000, 37 * 512);
    assert_int_equal(r->b->ram[RIG_DATA + 37 * 512], 0);
    assert_int_equal(r->b->pins, 0);
    rig_free(r);
}

static void test_write_error(void **state)
{
    struct rig_filter f = {.bad = 50, .bad_end = 51, .err = -ENOSPC};
    struct rig *r = rig_filtered(&f, false);
    static const struct rig_prd prd[] = {{RIG_DATA, 65536}};

    memset(r->b->ram + RIG_DATA, 0x99, 65536);
    rig_prdt(r, prd, 1, true);
    rig_lba28(r, 0, 0, 128);
    go(r, CMD_WRITE_DMA, false);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), ER_ABRT);
    assert_int_equal(rig_reg(r, 0, ATA_LBAL), 50);
    assert_int_equal(blk_mem_data(f.under)[50 * 512 - 1], 0x99);
    rig_check_pattern(blk_mem_data(f.under) + 50 * 512, 50 * 512, 512);
    rig_free(r);
}

/* Pages that are not there: scratch, and the transfer goes on. */
static void test_hole(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 4096},
                                         {RIG_DATA + 0x10000, 4096},
                                         {0xfee00000, 4096},
                                         {RIG_DATA + 4096, 4096}};
    struct rig *r = rig_disk();

    r->b->hole_gpa = RIG_DATA + 0x10000;
    r->b->hole_len = 0x1000;
    rig_prdt(r, prd, 4, true);
    rig_lba28(r, 0, 0, 32);
    go(r, CMD_READ_DMA, true);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    rig_check_pattern(r->b->ram + RIG_DATA, 0, 4096);
    rig_check_pattern(r->b->ram + RIG_DATA + 4096, 3 * 4096, 4096);
    rig_free(r);
}

/* A table without end stops at its 64 KiB. */
static void test_endless_table(void **state)
{
    struct rig *r = rig_disk();
    unsigned i;

    for (i = 0; i < 0x30000; i += 8) {
        uint32_t e[2] = {RIG_DATA, 2};

        memcpy(r->b->ram + RIG_PRDT + i, e, 8);
    }
    rig_lba28(r, 0, 0, 100);
    go(r, CMD_READ_DMA, true);
    bench_step(r->b, NS_PER_MS); /* it takes several turns */
    assert_int_equal(rig_bm_status(r, 0), 0);
    assert_int_equal(r->blk[0]->rd_bytes, 8192 * 2); /* 32 sectors' worth */
    /* near the end of its 64 KiB it is short, and does not wrap */
    rig_bm_prepare(r, 0);
    bench_outl(r->b, RIG_BM + BM_PRDT, RIG_PRDT + 0xfff0);
    rig_lba28(r, 0, 0, 1);
    rig_command(r, 0, CMD_READ_DMA);
    rig_bm_start(r, 0, true);
    assert_int_equal(rig_bm_status(r, 0), 0);
    rig_bm_prepare(r, 0);
    bench_outl(r->b, RIG_BM + BM_PRDT, RIG_PRDT + 0xfffc);
    rig_command(r, 0, CMD_READ_DMA);
    rig_bm_start(r, 0, true);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

static void test_bm_registers(void **state)
{
    struct rig *r = rig_disk();

    bench_outl(r->b, RIG_BM + 4, 0xffffffff);
    assert_int_equal(bench_inl(r->b, RIG_BM + 4), 0xfffffffc);
    bench_outl(r->b, RIG_BM + 12, 0x12345678);
    assert_int_equal(bench_inw(r->b, RIG_BM + 14), 0x1234);
    bench_outb(r->b, RIG_BM + 2, 0xff);
    assert_int_equal(bench_inb(r->b, RIG_BM + 2), BM_ST_CAPABLE);
    assert_int_equal(bench_inb(r->b, RIG_BM + 10), 0);
    bench_outb(r->b, RIG_BM + 2, 0x20);
    assert_int_equal(bench_inb(r->b, RIG_BM + 2), 0x20);
    bench_outb(r->b, RIG_BM, 0xff & ~BM_CMD_START);
    assert_int_equal(bench_inb(r->b, RIG_BM), BM_CMD_RWCON);
    assert_int_equal(bench_inb(r->b, RIG_BM + 1), 0);
    assert_int_equal(bench_inb(r->b, RIG_BM + 3), 0);
    /* started with no command: ACTIVE until stopped */
    bench_outb(r->b, RIG_BM, BM_CMD_START);
    assert_int_equal(rig_bm_status(r, 0) & BM_ST_ACTIVE, BM_ST_ACTIVE);
    bench_outb(r->b, RIG_BM, 0);
    assert_int_equal(rig_bm_status(r, 0) & BM_ST_ACTIVE, 0);
    rig_free(r);
}

/* The engine started before the command. */
static void test_start_first(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 512}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 1, true);
    rig_lba28(r, 0, 6, 1);
    rig_bm_prepare(r, 0);
    rig_bm_start(r, 0, true);
    rig_command(r, 0, CMD_READ_DMA);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    rig_check_pattern(r->b->ram + RIG_DATA, 3072, 512);
    rig_free(r);
}

static void put_range(struct rig *r, unsigned i, uint64_t lba, uint16_t n)
{
    uint64_t e = lba | (uint64_t)n << 48;

    memcpy(r->b->ram + RIG_DATA + i * 8, &e, 8);
}

static void test_trim(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 512}};
    struct rig *r = rig_disk();
    const uint8_t *d = blk_mem_data(r->blk[0]);

    rig_prdt(r, prd, 1, true);
    put_range(r, 0, 8, 8);
    put_range(r, 1, 16, 16); /* follows: one request */
    put_range(r, 3, 100, 1);
    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 1);
    go(r, CMD_DSM, false);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_check_pattern(d, 0, 8 * 512);
    assert_int_equal(d[8 * 512] | d[32 * 512 - 1] | d[100 * 512], 0);
    rig_check_pattern(d + 32 * 512, 32 * 512, 68 * 512);
    /* one bad range: nothing at all is done */
    put_range(r, 0, 200, 8);
    put_range(r, 1, 32767, 2);
    go(r, CMD_DSM, false);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_true(rig_error(r, 0) & ER_ABRT);
    rig_check_pattern(d + 200 * 512, 200 * 512, 512);
    put_range(r, 1, UINT64_C(0xffffffffffff), 0xffff);
    go(r, CMD_DSM, false);
    assert_true(rig_status(r, 0) & ST_ERR);
    assert_true(rig_error(r, 0) & ER_IDNF);
    rig_check_pattern(d + 200 * 512, 200 * 512, 512);
    /* counts and features that are not TRIM */
    rig_lba48(r, 0, 0, TRIM_BLOCKS + 1);
    rig_expect_abort(r, 0, CMD_DSM);
    rig_lba48(r, 0, 0, 0);
    rig_expect_abort(r, 0, CMD_DSM);
    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 0);
    rig_expect_abort(r, 0, CMD_DSM);
    rig_free(r);
}

static void test_trim_count_has_8_bits(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 512}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 1, true);
    put_range(r, 0, 8, 8);
    rig_lba48(r, 0, 0, 0x0101);
    bench_outb(r->b, 0x1f1, 1);
    go(r, CMD_DSM, false);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(blk_mem_data(r->blk[0])[8 * 512], 0);
    rig_free(r);
}

/* A request for each range: so many that others have their turn between. */
static void test_trim_has_turns(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 2048}};
    struct rig *r = rig_disk();
    unsigned i;

    rig_prdt(r, prd, 1, true);
    for (i = 0; i < 256; i++)
        put_range(r, i, 8 * i, 1);
    rig_lba48(r, 0, 0, 4);
    bench_outb(r->b, 0x1f1, 1);
    go(r, CMD_DSM, false);
    for (i = 0; i < 8 && (rig_alt(r, 0) & ST_BSY); i++)
        bench_step(r->b, IDE_RUN_REST_NS);
    assert_int_equal(i, (256 + 2) / IDE_RUN_REQS);
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_free(r);
}

/* SRST while a discard is in flight: then INTR, no ACTIVE, no error, INTRQ,
 * whether or not the host has ended the reset. */
static void trim_reset(bool ended)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 512}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 1, true);
    put_range(r, 0, 8, 8);
    blk_mem_hold(r->blk[0], true);
    rig_lba48(r, 0, 0, 1);
    bench_outb(r->b, 0x1f1, 1);
    go(r, CMD_DSM, false);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    if (ended)
        rig_srst(r, 0);
    else
        bench_outb(r->b, 0x3f6, CTL_SRST);
    assert_int_equal(rig_alt(r, 0) & ST_BSY, ST_BSY);
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    assert_false(rig_irq(r, 0));
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(rig_bm_status(r, 0), BM_ST_INTR);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_false(rig_irq(r, 0));
    rig_free(r);
}

static void test_trim_reset(void **state)
{
    trim_reset(true);
    trim_reset(false);
}

/* Pause between pieces: the command stays, and goes on after. */
static void test_pause(void **state)
{
    struct rig *r = rig_disk();
    struct rig_prd prd[40];
    unsigned i;

    for (i = 0; i < 40; i++)
        prd[i] = (struct rig_prd){RIG_DATA + i * 65536, 65536};
    rig_prdt(r, prd, 40, true);
    blk_mem_hold(r->blk[0], true);
    rig_lba48(r, 0, 0, 5120);
    go(r, CMD_READ_DMA_EXT, true);
    r->dev->ops->pause(r->dev, true);
    assert_false(r->dev->ops->idle(r->dev));
    assert_true(blk_mem_release(r->blk[0]));
    assert_false(blk_mem_release(r->blk[0]));
    assert_true(r->dev->ops->idle(r->dev));
    assert_int_equal(rig_bm_status(r, 0), BM_ST_ACTIVE);
    blk_mem_hold(r->blk[0], false);
    r->dev->ops->pause(r->dev, false);
    assert_int_equal(rig_bm_status(r, 0), EXACT);
    rig_check_pattern(r->b->ram + RIG_DATA, 0, 5120 * 512);
    rig_free(r);
}

/* Machine reset while DMA is in flight: its end touches nothing new. */
static void test_power_reset_in_flight(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 512}};
    struct rig *r = rig_disk();

    rig_prdt(r, prd, 1, true);
    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 0, 1);
    go(r, CMD_WRITE_DMA, false);
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_int_equal(r->b->pins, 1);
    assert_int_equal(rig_alt(r, 0), ST_BSY);
    rig_command(r, 0, CMD_RECALIBRATE);
    assert_false(rig_irq(r, 0));
    assert_true(blk_mem_release(r->blk[0]));
    assert_int_equal(r->b->pins, 0);
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    assert_int_equal(rig_error(r, 0), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_large_goes_on_as_work),
        cmocka_unit_test(test_scattered),
        cmocka_unit_test(test_tiny),
        cmocka_unit_test(test_short_table),
        cmocka_unit_test(test_long_table),
        cmocka_unit_test(test_no_bus_master),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_write_error),
        cmocka_unit_test(test_hole),
        cmocka_unit_test(test_endless_table),
        cmocka_unit_test(test_bm_registers),
        cmocka_unit_test(test_start_first),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_trim_count_has_8_bits),
        cmocka_unit_test(test_trim_has_turns),
        cmocka_unit_test(test_trim_reset),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_power_reset_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
