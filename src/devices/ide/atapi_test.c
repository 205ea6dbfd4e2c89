/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet protocol: data by PIO and DMA, limits, errors, lost media */
#include "rig.h"

#define CD      2u
#define SECTORS 1000u

static uint32_t be32(const uint8_t *p)
{
    return ide_get_be32(p);
}

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static struct rig *ready(void)
{
    struct rig *r = rig_cd(SECTORS);

    rig_clear_ua(r, CD);
    return r;
}

static void test_identify_packet(void **state)
{
    struct rig *r = ready();
    uint8_t id[512];

    rig_command(r, CD, CMD_IDENTIFY_PACKET);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_DRQ);
    rig_ins(r, CD, id, 512);
    assert_false(rig_irq(r, CD));
    assert_int_equal(rig_word(id, 0), 0x85c0);
    assert_int_equal(rig_word(id, 49) & 0x0300, 0x0300);
    assert_int_equal(rig_word(id, 82) & 0x0210, 0x0210);
    assert_memory_equal(id + 54, "VHDMD DVR-MO", 12);
    rig_free(r);
}

static void cdb_read10(uint8_t cdb[12], uint32_t lba, unsigned n)
{
    memset(cdb, 0, 12);
    cdb[0] = MMC_READ_10;
    ide_be32(cdb + 2, lba);
    ide_be16(cdb + 7, n);
}

static void test_read_pio(void **state)
{
    static const uint16_t limits[] = {5120, 2048, 0xfffe, 0xffff, 4096,
                                      2,    3,    6000,   2047,   1};
    static uint8_t buf[SECTORS * CD_SECTOR];
    struct rig *r = ready();
    uint8_t cdb[12];
    unsigned i;

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        cdb_read10(cdb, i, 7);
        memset(buf, 0, 7 * CD_SECTOR);
        assert_int_equal(rig_packet_in(r, CD, cdb, limits[i], buf, sizeof(buf)),
                         7 * CD_SECTOR);
        rig_check_pattern(buf, i * CD_SECTOR, 7 * CD_SECTOR);
    }
    /* much, across several fills of the buffer, at an odd limit */
    cdb_read10(cdb, 0, SECTORS);
    assert_int_equal(rig_packet_in(r, CD, cdb, 0xfc01, buf, sizeof(buf)),
                     sizeof(buf));
    rig_check_pattern(buf, 0, sizeof(buf));
    memset(cdb, 0, 12);
    cdb[0] = MMC_READ_12;
    ide_be32(cdb + 2, SECTORS - 2);
    ide_be32(cdb + 6, 2);
    assert_int_equal(rig_packet_in(r, CD, cdb, 2048, buf, sizeof(buf)), 4096);
    rig_check_pattern(buf, (SECTORS - 2) * CD_SECTOR, 4096);
    rig_free(r);
}

/* Bursts are exactly the limit, but for the last; one interrupt each + 1. */
static void test_bursts(void **state)
{
    static uint8_t buf[14336];
    struct rig *r = ready();
    uint8_t cdb[12];

    cdb_read10(cdb, 0, 7);
    (void)bench_rises(r->b, 15);
    assert_int_equal(rig_packet_in(r, CD, cdb, 5120, buf, sizeof(buf)), 14336);
    assert_int_equal(bench_rises(r->b, 15), 4);
    rig_free(r);
}

static void test_read_dma(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 3000},
                                         {RIG_DATA + 0x4000, 7240}};
    static const struct rig_prd inq[] = {{RIG_DATA, 36}};
    uint8_t cdb[12] = {MMC_INQUIRY, 0, 0, 0, 36};
    struct rig *r = ready();

    cdb_read10(cdb, 20, 5);
    rig_prdt(r, prd, 2, true);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    assert_false(rig_irq(r, CD));
    rig_bm_start(r, CD, true);
    assert_int_equal(rig_bm_status(r, CD), BM_ST_INTR);
    assert_int_equal(rig_status(r, CD), ST_OK);
    assert_int_equal(rig_reg(r, CD, ATA_NSECT), IR_COD | IR_IO);
    rig_check_pattern(r->b->ram + RIG_DATA, 20 * CD_SECTOR, 3000);
    rig_check_pattern(r->b->ram + RIG_DATA + 0x4000, 20 * CD_SECTOR + 3000,
                      7240);
    /* a reply by DMA */
    memset(cdb, 0, 12);
    cdb[0] = MMC_INQUIRY;
    cdb[4] = 36;
    rig_prdt(r, inq, 1, true);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    rig_bm_start(r, CD, true);
    assert_int_equal(rig_bm_status(r, CD), BM_ST_INTR);
    assert_memory_equal(r->b->ram + RIG_DATA + 8, "HVMD", 4);
    /* no data: no DMA, an interrupt */
    memset(cdb, 0, 12);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    rig_bm_start(r, CD, true);
    assert_int_equal(rig_status(r, CD), ST_OK);
    rig_bm_stop(r, CD);
    rig_free(r);
}

static void test_read_cd(void **state)
{
    static uint8_t buf[40 * RAW_SECTOR];
    uint8_t cdb[12] = {MMC_READ_CD};
    struct rig *r = ready();
    unsigned i;

    ide_be32(cdb + 2, 16);
    cdb[8] = 40;
    cdb[9] = 0xf8;
    assert_int_equal(rig_packet_in(r, CD, cdb, 5120, buf, sizeof(buf)),
                     sizeof(buf));
    for (i = 0; i < 40; i++) {
        const uint8_t *p = buf + i * RAW_SECTOR;

        assert_memory_equal(p, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0",
                            12);
        assert_int_equal(p[12], 0);
        assert_int_equal(p[13], 2);
        assert_int_equal(p[14], (16 + i) / 10 << 4 | (16 + i) % 10);
        assert_int_equal(p[15], 1);
        rig_check_pattern(p + 16, (16 + i) * CD_SECTOR, CD_SECTOR);
    }
    /* user data only; header only; header and user data */
    cdb[9] = 0x10;
    assert_int_equal(rig_packet_in(r, CD, cdb, 2048, buf, sizeof(buf)),
                     40 * CD_SECTOR);
    rig_check_pattern(buf, 16 * CD_SECTOR, 40 * CD_SECTOR);
    cdb[9] = 0x20;
    assert_int_equal(rig_packet_in(r, CD, cdb, 2048, buf, sizeof(buf)), 160);
    assert_int_equal(buf[4 * 39 + 2], 0x55);
    cdb[9] = 0x30;
    assert_int_equal(rig_packet_in(r, CD, cdb, 2048, buf, sizeof(buf)),
                     40 * 2052);
    rig_check_pattern(buf + 39 * 2052 + 4, 55 * CD_SECTOR, CD_SECTOR);
    cdb[9] = 0;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    cdb[9] = 0x12; /* C2 */
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[9] = 0x10;
    cdb[10] = 1; /* sub-channel */
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[10] = 0;
    cdb[1] = 1 << 2; /* audio */
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x056400);
    cdb[1] = 6 << 2; /* no type of sector */
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    /* by MSF: 00:02:16 to 00:02:18 */
    memset(cdb, 0, 12);
    cdb[0] = MMC_READ_CD_MSF;
    cdb[4] = cdb[7] = 2;
    cdb[5] = 16;
    cdb[8] = 18;
    cdb[9] = 0x10;
    assert_int_equal(rig_packet_in(r, CD, cdb, 2048, buf, sizeof(buf)), 4096);
    rig_check_pattern(buf, 16 * CD_SECTOR, 4096);
    cdb[8] = 75;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[4] = cdb[7] = 1; /* before the first block */
    cdb[8] = 18;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    rig_free(r);
}

static void test_read_cd_dma(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 65536},
                                         {RIG_DATA + 0x10000, 65536},
                                         {RIG_DATA + 0x20000, 10048}};
    uint8_t cdb[12] = {MMC_READ_CD};
    struct rig *r = ready();
    unsigned i;

    cdb[8] = 60;
    cdb[9] = 0xf8;
    rig_prdt(r, prd, 3, true);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    rig_bm_start(r, CD, true);
    assert_int_equal(rig_bm_status(r, CD), BM_ST_INTR);
    assert_int_equal(rig_status(r, CD), ST_OK);
    for (i = 0; i < 60; i++)
        rig_check_pattern(r->b->ram + RIG_DATA + i * RAW_SECTOR + 16,
                          i * CD_SECTOR, CD_SECTOR);
    rig_free(r);
}

/* The parity equations of ECMA-130 annex A hold for every code word. */
static void test_ecc(void **state)
{
    uint8_t s[RAW_SECTOR];
    unsigned i, k;

    for (i = 0; i < CD_SECTOR; i++)
        s[16 + i] = rig_byte(i * 37);
    cd_mode1_sector(s, 4711);
    for (i = 0; i < 86; i++) {
        uint8_t sum = 0, w = 0;

        for (k = 0; k < 26; k++) {
            uint8_t v = s[12 + i + k * 86];

            sum ^= v;
            w = (uint8_t)((w << 1 ^ (w & 0x80 ? 0x11d : 0)) ^ v);
        }
        assert_int_equal(sum | w, 0);
    }
    for (i = 0; i < 52; i++) {
        uint8_t sum = 0, w = 0, v;

        for (k = 0; k < 45; k++) {
            v = k < 43 ? s[12 + (i / 2 * 86 + k * 88) % 2236 + i % 2]
                       : s[2248 + (k - 43) * 52 + i];
            sum ^= v;
            w = (uint8_t)((w << 1 ^ (w & 0x80 ? 0x11d : 0)) ^ v);
        }
        assert_int_equal(sum | w, 0);
    }
    /* 4711 + 150 = 01:04:61 */
    assert_int_equal(s[12], 0x01);
    assert_int_equal(s[13], 0x04);
    assert_int_equal(s[14], 0x61);
}

static void test_limits(void **state)
{
    struct rig *r = ready();
    uint8_t cdb[12], buf[2048];

    cdb_read10(cdb, SECTORS, 1);
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052100);
    cdb_read10(cdb, SECTORS - 1, 2);
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052100);
    cdb_read10(cdb, 0xffffffff, 0xffff);
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052100);
    cdb_read10(cdb, SECTORS - 1, 0);
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    memset(cdb, 0xff, 12);
    cdb[0] = MMC_READ_12;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052100);
    cdb[0] = MMC_SEEK;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052100);
    memset(cdb, 0, 12);
    cdb[0] = MMC_SEEK;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    cdb[0] = 0xdf;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052000);
    /* data by PIO with a byte count limit of 0 */
    cdb_read10(cdb, 0, 1);
    rig_packet(r, CD, cdb, 0, false);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
    assert_true(rig_error(r, CD) & ER_ABRT);
    /* allocation lengths cut replies, also to odd ones */
    memset(cdb, 0, 12);
    cdb[0] = MMC_INQUIRY;
    cdb[4] = 7;
    memset(buf, 0x11, sizeof(buf));
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, sizeof(buf)), 7);
    assert_int_equal(buf[4], 31);
    assert_int_equal(buf[7], 0); /* the pad byte of the last word */
    assert_int_equal(buf[8], 0x11);
    cdb[4] = 0;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    /* overlapped packets are not for us */
    rig_select(r, CD, 0);
    bench_outb(r->b, 0x171, 2);
    rig_expect_abort(r, CD, CMD_PACKET);
    rig_free(r);
}

static void test_empty(void **state)
{
    static const struct rig_unit u[4] = {
        {0}, {0}, {.present = true, .cd = true}};
    static const uint8_t need[] = {
        MMC_TEST_UNIT_READY, MMC_READ_10,    MMC_READ_12,
        MMC_READ_CAPACITY,   MMC_READ_TOC,   MMC_READ_CD,
        MMC_DISC_INFO,       MMC_TRACK_INFO, MMC_SEEK,
        MMC_READ_SUBCHANNEL, MMC_READ_DVD,   MMC_READ_CD_MSF};
    struct rig *r = rig_new(u);
    uint8_t cdb[12] = {0}, buf[256];
    unsigned i;

    rig_clear_ua(r, CD);
    for (i = 0; i < sizeof(need); i++) {
        cdb[0] = need[i];
        assert_int_equal(rig_packet_sense(r, CD, cdb), 0x023a01);
    }
    cdb[0] = MMC_START_STOP;
    cdb[4] = 1;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x023a01);
    memset(cdb, 0, 12);
    cdb[0] = MMC_GET_CONFIGURATION;
    cdb[8] = 255;
    rig_packet_in(r, CD, cdb, 256, buf, 256);
    assert_int_equal(be16(buf + 6), 0);
    rig_expect_abort(r, CD, CMD_FLUSH);
    /* every packet opcode and every command byte on an empty drive */
    for (i = 0; i < 256; i++) {
        memset(cdb, 0xff, 12);
        cdb[0] = (uint8_t)i;
        rig_packet(r, CD, cdb, 0xfffe, false);
        rig_srst(r, 1);
        rig_command(r, CD, (uint8_t)i);
        rig_srst(r, 1);
    }
    rig_free(r);
}

/* A block device of any size may be given as a CD. */
static void test_more_blocks_than_32_bits_count(void **state)
{
    struct rig_filter f = {.blk = {.size_bytes = UINT64_C(1) << 44}};
    struct rig *r = rig_filtered(&f, true);
    static const uint8_t ask[12] = {MMC_READ_CAPACITY};
    uint8_t cap[8];

    rig_clear_ua(r, 0);
    assert_int_equal(rig_packet_in(r, 0, ask, 8, cap, 8), 8);
    assert_int_equal(be32(cap), 0xfffffffe);
    assert_int_equal(be32(cap + 4), 2048);
    rig_free(r);
}

static void test_medium_error(void **state)
{
    struct rig_filter f = {.bad = 41, .bad_end = 42, .err = -EIO};
    struct rig *r = rig_filtered(&f, true);
    static const uint8_t ask[12] = {MMC_REQUEST_SENSE, 0, 0, 0, 18};
    static const struct rig_prd prd[] = {{RIG_DATA, 65536}};
    uint8_t cdb[12], sense[18];

    rig_clear_ua(r, 0);
    cdb_read10(cdb, 0, 20);
    rig_packet(r, 0, cdb, 0xfffe, false);
    /* the good ones may come first; then the error */
    while (rig_status(r, 0) & ST_DRQ) {
        static uint8_t buf[65536];

        rig_ins(r, 0, buf,
                rig_reg(r, 0, ATA_LBAM) | (size_t)rig_reg(r, 0, ATA_LBAH) << 8);
    }
    assert_int_equal(rig_alt(r, 0), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 0), SK_MEDIUM << 4 | ER_ABRT);
    rig_packet_in(r, 0, ask, 18, sense, 18);
    assert_int_equal(sense[0], 0xf0);
    assert_int_equal(be32(sense + 3), 10);
    assert_int_equal(sense[12], 0x11);
    /* and by DMA */
    rig_prdt(r, prd, 1, true);
    rig_bm_prepare(r, 0);
    rig_packet(r, 0, cdb, 0, true);
    rig_bm_start(r, 0, true);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    rig_packet_in(r, 0, ask, 18, sense, 18);
    assert_int_equal(sense[2], SK_MEDIUM);
    rig_check_pattern(r->b->ram + RIG_DATA, 0, 41 * 512);
    rig_free(r);
}

/* The medium goes while a read of it is in flight, and in a data phase. */
static void test_lost_medium(void **state)
{
    struct rig *r = ready();
    uint8_t cdb[12], tur[12] = {0};
    static uint8_t buf[65536];
    struct blk *other = blk_mem_new(2048 * 10, true);

    blk_mem_hold(r->blk[2], true);
    cdb_read10(cdb, 0, 100);
    rig_packet(r, CD, cdb, 2048, false);
    assert_int_equal(ide_cd_eject(r->dev, CD, true), 0);
    assert_false(ide_unit_idle(r->dev, CD));
    assert_int_equal(ide_cd_insert(r->dev, CD, other, false), 0);
    assert_int_equal(rig_status(r, CD) & ST_BSY, ST_BSY);
    assert_true(blk_mem_release(r->blk[2]));
    assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, CD) >> 4, SK_NOT_READY);
    assert_true(ide_unit_idle(r->dev, CD));
    assert_int_equal(rig_packet_sense(r, CD, tur), 0x062800);
    /* now during the data phase: what is in the buffer may still come */
    blk_mem_hold(r->blk[2], false);
    assert_int_equal(ide_cd_insert(r->dev, CD, r->blk[2], false), 0);
    rig_clear_ua(r, CD);
    rig_packet(r, CD, cdb, 0x8000, false);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_DRQ);
    assert_int_equal(ide_cd_insert(r->dev, CD, other, false), 0);
    rig_ins(r, CD, buf, 0x8000);
    rig_ins(r, CD, buf, 0x8000);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
    other->ops->close(other);
    r->ide->unit[CD].blk = r->blk[2];
    rig_free(r);
}

/* DEVICE RESET in the middle of things; also while busy. */
static void test_device_reset(void **state)
{
    struct rig *r = ready();
    uint8_t cdb[12], buf[2048];

    cdb_read10(cdb, 0, 100);
    rig_packet(r, CD, cdb, 2048, false);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_DRQ);
    rig_command(r, CD, CMD_DEVICE_RESET);
    assert_false(rig_irq(r, CD));
    assert_int_equal(rig_status(r, CD), 0);
    assert_int_equal(rig_reg(r, CD, ATA_LBAH), 0xeb);
    blk_mem_hold(r->blk[2], true);
    rig_packet(r, CD, cdb, 2048, false);
    rig_command(r, CD, CMD_DEVICE_RESET);
    assert_int_equal(rig_status(r, CD), ST_BSY);
    assert_true(blk_mem_release(r->blk[2]));
    assert_int_equal(rig_status(r, CD), 0);
    blk_mem_hold(r->blk[2], false);
    cdb_read10(cdb, 3, 1);
    assert_int_equal(rig_packet_in(r, CD, cdb, 2048, buf, 2048), 2048);
    rig_check_pattern(buf, 3 * 2048, 2048);
    rig_free(r);
}

/* Parameters by DMA; without bus mastering nothing is taken. */
static void test_param_dma(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 8}};
    uint8_t cdb[12] = {MMC_MODE_SELECT_10, 0x10, 0, 0, 0, 0, 0, 0, 8};
    struct rig *r = ready();

    rig_prdt(r, prd, 1, true);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    rig_bm_start(r, CD, false);
    assert_int_equal(rig_bm_status(r, CD), BM_ST_INTR);
    assert_int_equal(rig_status(r, CD), ST_OK);
    rig_bus_master(r, false);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    rig_bm_start(r, CD, false);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, CD) >> 4, SK_ABORTED);
    rig_free(r);
}

/* The engine is stopped between the pieces of raw and of plain reads. */
static void test_stop_dma(void **state)
{
    static const struct rig_prd prd[] = {{RIG_DATA, 65536},
                                         {RIG_DATA + 65536, 65536},
                                         {RIG_DATA + 131072, 65536}};
    uint8_t cdb[12] = {MMC_READ_CD, 0, 0, 0, 0, 0, 0, 0, 60, 0xf8};
    struct rig *r = ready();

    rig_prdt(r, prd, 3, true);
    blk_mem_hold(r->blk[2], true);
    rig_bm_prepare(r, CD);
    rig_packet(r, CD, cdb, 0, true);
    rig_bm_start(r, CD, true);
    rig_bm_stop(r, CD);
    assert_int_equal(rig_bm_status(r, CD), BM_ST_ACTIVE);
    assert_true(blk_mem_release(r->blk[2]));
    assert_false(blk_mem_release(r->blk[2]));
    assert_int_equal(rig_bm_status(r, CD), 0);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, CD) >> 4, SK_ABORTED);
    assert_false(rig_irq(r, CD));
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify_packet),
        cmocka_unit_test(test_read_pio),
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_read_dma),
        cmocka_unit_test(test_read_cd),
        cmocka_unit_test(test_read_cd_dma),
        cmocka_unit_test(test_ecc),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_more_blocks_than_32_bits_count),
        cmocka_unit_test(test_medium_error),
        cmocka_unit_test(test_lost_medium),
        cmocka_unit_test(test_device_reset),
        cmocka_unit_test(test_param_dma),
        cmocka_unit_test(test_stop_dma),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
