/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IDE faults of other device models, replayed here; named by their ids. */
#include "rig.h"

#include <stdlib.h>

static const struct rig_unit disk_and_cds[4] = {
    {.present = true, .bytes = 1 << 20},
    {.present = true, .cd = true, .bytes = 1 << 20, .read_only = true},
    {.present = true, .cd = true},
    {.present = true, .bytes = 1 << 20}};

static void drain_writes(struct rig *r, unsigned unit, unsigned sectors)
{
    static uint8_t junk[512];
    unsigned i;

    memset(junk, 0xcc, sizeof(junk));
    for (i = 0; i < sectors; i++)
        rig_outs(r, unit, junk, sizeof(junk));
    bus_rep(&r->b->bus, rig_port(unit / 2), 4, true, junk, 128);
}

/* XSA-138: a packet command ends with DRQ up, and PIO runs past the buffer. */
static void xsa_138_cve_2015_5154_atapi_drq_left_set(void **state)
{
    static const uint8_t inq[12] = {MMC_INQUIRY, 0, 0, 0, 36};
    struct rig *r = rig_new(disk_and_cds);
    static uint8_t buf[200000];
    unsigned op, i;

    for (op = 0; op < 256; op++) {
        uint8_t cdb[12];

        memset(cdb, 0xff, sizeof(cdb));
        cdb[0] = (uint8_t)op;
        rig_packet(r, 1, cdb, 0xfffe, false);
        drain_writes(r, 1, 200);
        rig_ins(r, 1, buf, sizeof(buf));
        /* more data than a block of commands ever has */
        for (i = 0; i < 100; i++)
            bench_outw(r->b, 0x1f0, 0xaaaa);
        rig_srst(r, 0);
    }
    /* after the reply DRQ is gone, and reads and writes do nothing */
    rig_packet_in(r, 1, inq, 64, buf, 64);
    assert_int_equal(rig_alt(r, 1) & ST_DRQ, 0);
    assert_int_equal(bench_inl(r->b, 0x1f0), 0);
    drain_writes(r, 1, 300);
    /* buffers end where they end also in a WRITE */
    rig_lba28(r, 0, 0, 1);
    rig_command(r, 0, CMD_WRITE);
    drain_writes(r, 0, 300);
    assert_int_equal(r->blk[0]->wr_bytes, 512);
    rig_free(r);
}

/* ATA commands that read and write, to CD drives with and without medium. */
static void cve_2015_6855_ata_commands_to_cds(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 4096}};
    struct rig *r = rig_new(disk_and_cds);
    unsigned unit, cmd;

    rig_prdt(r, prd, 1, true);
    for (unit = 1; unit < 3; unit++)
        for (cmd = 0; cmd < 256; cmd++) {
            rig_lba48(r, unit, 0, 1);
            bench_outb(r->b, rig_port(unit / 2) + ATA_ERROR, 1);
            rig_bm_prepare(r, unit);
            rig_command(r, unit, (uint8_t)cmd);
            rig_bm_start(r, unit, true);
            rig_bm_stop(r, unit);
            drain_writes(r, unit, 2);
            rig_srst(r, unit / 2);
        }
    for (cmd = 0; cmd < 256; cmd++)
        if (cmd == CMD_WRITE || cmd == CMD_READ_DMA || cmd == CMD_READ_EXT ||
            cmd == CMD_READ_MULTI || cmd == CMD_FLUSH || cmd == CMD_DSM ||
            cmd == CMD_SMART || cmd == CMD_INIT_PARAMS) {
            rig_lba28(r, 2, 0, 1);
            rig_expect_abort(r, 2, (uint8_t)cmd);
        }
    rig_free(r);
}

/* PRD tables that never make up a whole sector. */
static void cve_2014_9718_prdt_without_a_sector(void **state)
{
    struct rig *r = rig_new(disk_and_cds);
    struct rig_prd prd[8];
    unsigned i;

    for (i = 0; i < 8; i++)
        prd[i] = (struct rig_prd){RIG_DATA, 62};
    rig_prdt(r, prd, 8, true);
    for (i = 0; i < 2; i++) {
        rig_lba28(r, 0, 0, 0);
        rig_bm_prepare(r, 0);
        rig_command(r, 0, i ? CMD_WRITE_DMA : CMD_READ_DMA);
        rig_bm_start(r, 0, !i);
        assert_int_equal(rig_bm_status(r, 0), 0);
        assert_int_equal(rig_status(r, 0), ST_OK);
    }
    assert_int_equal(r->blk[0]->rd_ops + r->blk[0]->wr_ops, 0);
    rig_free(r);
}

/* Regions that are no multiple of 512 bytes, with every kind of command. */
static void cve_2019_20175_prd_no_multiple_of_512(void **state)
{
    static const uint32_t sizes[] = {2, 510, 514, 1000, 65534, 65536};
    struct rig *r = rig_new(disk_and_cds);
    static const uint8_t cmds[] = {CMD_READ_DMA, CMD_WRITE_DMA, CMD_DSM};
    struct rig_prd prd[16];
    unsigned i, k, n;

    for (n = 1; n <= 16; n++)
        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            for (k = 0; k < sizeof(cmds); k++) {
                unsigned j;

                for (j = 0; j < n; j++)
                    prd[j] = (struct rig_prd){RIG_DATA + j * 3, sizes[i]};
                rig_prdt(r, prd, n, true);
                rig_lba48(r, 0, 0, 8);
                bench_outb(r->b, 0x1f1, 1);
                rig_bm_prepare(r, 0);
                rig_command(r, 0, cmds[k]);
                rig_bm_start(r, 0, true);
                rig_bm_stop(r, 0);
                assert_int_equal(rig_status(r, 0) & (ST_BSY | ST_DRQ), 0);
                assert_int_equal(r->b->pins, 0);
            }
    rig_free(r);
}

/* READ with a start of -1, and lengths beyond every end. */
static void cve_2020_29443_read_from_minus_one(void **state)
{
    static const uint8_t ops[] = {MMC_READ_10, MMC_READ_12, MMC_READ_CD,
                                  MMC_READ_CD_MSF};
    struct rig *r = rig_new(disk_and_cds);
    static uint8_t buf[65536];
    unsigned i, k;

    rig_clear_ua(r, 1);
    for (i = 0; i < sizeof(ops); i++)
        for (k = 0; k < 2; k++) {
            uint8_t cdb[12];

            memset(cdb, 0xff, sizeof(cdb));
            cdb[0] = ops[i];
            if (ops[i] == MMC_READ_CD)
                cdb[1] = cdb[10] = 0;
            cdb[9] = 0xf8;
            if (k)
                memset(cdb + 6, 0, 3); /* nothing to read, from nowhere */
            rig_packet(r, 1, cdb, 0xfffe, false);
            assert_int_equal(rig_status(r, 1), ST_OK | ST_ERR);
            rig_ins(r, 1, buf, sizeof(buf));
        }
    assert_int_equal(r->blk[1]->rd_ops, 0);
    rig_free(r);
}

/*
 * A reset while a write is in flight: it goes where it was meant to go, not
 * to sector 0, and no other command runs before it has ended.
 */
static void cve_2023_5088_reset_while_dma_pends(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 65536}};
    struct rig *r = rig_new(disk_and_cds);
    unsigned how;

    memset(r->b->ram + RIG_DATA, 0x66, 65536);
    rig_prdt(r, prd, 1, true);
    for (how = 0; how < 3; how++) {
        blk_mem_hold(r->blk[0], true);
        rig_lba28(r, 0, 1000, 128);
        rig_bm_prepare(r, 0);
        rig_command(r, 0, CMD_WRITE_DMA);
        rig_bm_start(r, 0, false);
        if (how == 0)
            rig_srst(r, 0);
        else if (how == 1)
            r->dev->ops->reset(r->dev, RESET_POWER);
        else
            assert_int_equal(ide_disk_detach(r->dev, 0), 0);
        rig_lba28(r, 0, 0, 128);
        rig_command(r, 0, CMD_WRITE_DMA);
        rig_bm_start(r, 0, false);
        assert_int_equal(r->b->pins, 1);
        assert_true(blk_mem_release(r->blk[0]));
        assert_int_equal(r->b->pins, 0);
        rig_check_pattern(blk_mem_data(r->blk[0]), 0, 1000 * 512);
        assert_int_equal(blk_mem_data(r->blk[0])[1000 * 512], 0x66);
        while (blk_mem_release(r->blk[0]))
            ;
        rig_check_pattern(blk_mem_data(r->blk[0]), 0, 1000 * 512);
        if (how == 1) {
            pci_cfg_write(r->pci, PCI_DEVFN(1, 1), 0x20, 4, RIG_BM);
            rig_bus_master(r, true);
        }
    }
    rig_free(r);
}

/* #4052: SRST with DMA in flight on the slave, and no master. */
static void qemu_4052_srst_without_a_master(void **state)
{
    static const struct rig_unit slave[4] = {
        {0}, {.present = true, .bytes = 1 << 20}};
    static const struct rig_prd prd[] = {{RIG_DATA, 4096}};
    struct rig *r = rig_new(slave);

    rig_prdt(r, prd, 1, true);
    blk_mem_hold(r->blk[1], true);
    rig_lba28(r, 1, 0, 8);
    rig_bm_prepare(r, 1);
    rig_command(r, 1, CMD_READ_DMA);
    rig_bm_start(r, 1, true);
    assert_int_equal(r->b->pins, 1);
    rig_srst(r, 0);
    rig_select(r, 0, 0);
    rig_command(r, 0, CMD_DIAGNOSTIC);
    rig_srst(r, 0);
    assert_true(blk_mem_release(r->blk[1]));
    assert_int_equal(r->b->pins, 0);
    assert_int_equal(rig_status(r, 0), 0);
    rig_select(r, 1, 0);
    assert_int_equal(rig_status(r, 1), ST_OK);
    rig_free(r);
}

/* FLUSH with no drive and with an empty one. */
static void flush_without_drive(void **state)
{
    static const struct rig_unit none[4] = {{0}};
    struct rig *r = rig_new(none);
    unsigned i;

    for (i = 0; i < 4; i++) {
        rig_select(r, i, 0);
        rig_command(r, i, CMD_FLUSH);
        rig_command(r, i, CMD_FLUSH_EXT);
        assert_int_equal(rig_status(r, i), 0);
        assert_false(rig_irq(r, i));
    }
    rig_free(r);
    r = rig_new(disk_and_cds);
    rig_select(r, 2, 0);
    rig_expect_abort(r, 2, CMD_FLUSH);
    rig_free(r);
}

/* A guest that writes its PRD table whenever that has been read. */
struct scribbler {
    struct gmem_ops ops; /* first */
    const struct gmem_ops *real;
    struct rig *r;
    uint64_t bytes; /* of the table, read in all */
};

static int scribble_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct scribbler *s = (struct scribbler *)(uintptr_t)g->ops;
    int rc = s->real->read(g, gpa, dst, len);
    uint32_t evil[2] = {0, 0x8000fffe};

    if (gpa >= RIG_PRDT && gpa < RIG_PRDT + PRD_TABLE_BYTES) {
        s->bytes += len;
        for (unsigned i = 0; i < 64; i++)
            memcpy(s->r->b->ram + RIG_PRDT + 8 * i, evil, 8);
    }
    return rc;
}

static struct scribbler scribble(struct rig *r)
{
    struct scribbler s = {.ops = *r->b->gmem.ops, .real = r->b->gmem.ops};

    s.ops.read = scribble_read;
    s.r = r;
    return s;
}

/* XSA-155: a descriptor that changes after it was checked. */
static void xsa_155_cve_2015_8550_prd_changes_under_way(void **state)
{
    struct rig *r = rig_new(disk_and_cds);
    struct scribbler s = scribble(r);
    struct rig_prd prd[32];

    r->b->gmem.ops = &s.ops;
    for (unsigned cmd = 0; cmd < 2; cmd++) {
        memset(r->b->ram, 0x77, 0x1000);
        for (unsigned i = 0; i < 32; i++)
            prd[i] = (struct rig_prd){RIG_DATA + i * 8192, 1024};
        rig_prdt(r, prd, 32, true);
        s.bytes = 0;
        rig_lba28(r, 0, 0, 64);
        rig_bm_prepare(r, 0);
        rig_command(r, 0, cmd ? CMD_WRITE_DMA : CMD_READ_DMA);
        rig_bm_start(r, 0, !cmd);
        assert_int_equal(rig_status(r, 0), ST_OK);
        assert_int_equal(s.bytes, PRD_BATCH * PRD_BYTES); /* once */
        for (unsigned i = 0; i < 32; i++)
            rig_check_pattern(r->b->ram + prd[i].addr, i * 1024u, 1024);
        rig_check_pattern(blk_mem_data(r->blk[0]), 0, 1 << 20);
        for (unsigned i = 0; i < 0x1000; i++)
            assert_int_equal(r->b->ram[i], 0x77);
    }
    r->b->gmem.ops = s.real;
    rig_free(r);
}

/* Lists of descriptors that never end: the table full of the smallest ones. */
static void cve_2016_4037_cve_2020_25625_table_without_end(void **state)
{
    struct rig *r = rig_new(disk_and_cds);
    uint32_t e[2] = {RIG_DATA, 2};

    for (unsigned i = 0; i < PRD_TABLE_BYTES; i += 8)
        memcpy(r->b->ram + RIG_PRDT + i, e, 8);
    for (unsigned i = 0; i < 2; i++) {
        rig_lba48(r, 0, 0, 1024);
        rig_bm_prepare(r, 0);
        rig_command(r, 0, i ? CMD_WRITE_DMA_EXT : CMD_READ_DMA_EXT);
        rig_bm_start(r, 0, !i);
        bench_step(r->b, NS_PER_S);
        assert_int_equal(rig_bm_status(r, 0) & BM_ST_ACTIVE, 0);
        assert_int_equal(rig_status(r, 0), ST_OK);
        assert_false(timer_armed(&r->ide->chan[0].timer));
        assert_int_equal(r->blk[0]->rd_bytes, 16384); /* 8192 times 2 */
    }
    rig_free(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_138_cve_2015_5154_atapi_drq_left_set),
        cmocka_unit_test(cve_2015_6855_ata_commands_to_cds),
        cmocka_unit_test(cve_2014_9718_prdt_without_a_sector),
        cmocka_unit_test(cve_2019_20175_prd_no_multiple_of_512),
        cmocka_unit_test(cve_2020_29443_read_from_minus_one),
        cmocka_unit_test(cve_2023_5088_reset_while_dma_pends),
        cmocka_unit_test(qemu_4052_srst_without_a_master),
        cmocka_unit_test(xsa_155_cve_2015_8550_prd_changes_under_way),
        cmocka_unit_test(cve_2016_4037_cve_2020_25625_table_without_end),
        cmocka_unit_test(flush_without_drive),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
