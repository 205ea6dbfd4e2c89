/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packet commands tell: disc, drive, modes, media events */
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

static void test_attention(void **state)
{
    static const uint8_t tur[12] = {MMC_TEST_UNIT_READY};
    static const uint8_t inq[12] = {MMC_INQUIRY, 0, 0, 0, 36};
    static const uint8_t ask[12] = {MMC_REQUEST_SENSE, 0, 0, 0, 18};
    struct rig *r = rig_cd(SECTORS);
    uint8_t buf[64];

    /* INQUIRY runs in spite of it and leaves it pending */
    assert_int_equal(rig_packet_in(r, CD, inq, 64, buf, 64), 36);
    assert_int_equal(buf[0], 5);
    assert_int_equal(buf[1], 0x80);
    assert_memory_equal(buf + 8, "HVMD    HVMD DVD-ROM    1.0 ", 28);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0x062900);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0);
    /* REQUEST SENSE itself tells one, too */
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_int_equal(rig_packet_in(r, CD, ask, 18, buf, 64), 18);
    assert_int_equal(buf[2], SK_ATTENTION);
    assert_int_equal(buf[12], 0x29);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0);
    rig_free(r);
}

static void test_toc(void **state)
{
    struct rig *r = ready();
    uint8_t cdb[12] = {MMC_READ_TOC}, buf[64];

    cdb[8] = 64;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 20);
    assert_int_equal(be16(buf), 18);
    assert_int_equal(buf[5], 0x14);
    assert_int_equal(buf[6], 1);
    assert_int_equal(be32(buf + 8), 0);
    assert_int_equal(buf[14], 0xaa);
    assert_int_equal(be32(buf + 16), SECTORS);
    cdb[1] = 2; /* MSF: 1150 frames = 00:15:25 */
    cdb[6] = 0xaa;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 12);
    assert_memory_equal(buf + 8, "\0\0\x0f\x19", 4);
    cdb[6] = 2;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[6] = 0;
    cdb[2] = 1;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 12);
    assert_int_equal(buf[6], 1);
    cdb[2] = 0;
    cdb[9] = 0x80; /* format 2 the old way */
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 48);
    assert_int_equal(buf[7], 0xa0);
    assert_int_equal(buf[29], 0xa2);
    assert_memory_equal(buf + 34, "\0\x0f\x19", 3);
    assert_int_equal(buf[40], 0x01);
    assert_memory_equal(buf + 45, "\0\x02\0", 3);
    cdb[6] = 2; /* there is no second session */
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[6] = 0;
    cdb[2] = 4;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    rig_free(r);
}

static void test_information(void **state)
{
    struct rig *r = ready();
    size_t n;
    uint8_t buf[256];
    uint8_t cap[12] = {MMC_READ_CAPACITY}, conf[12] = {MMC_GET_CONFIGURATION};
    uint8_t disc[12] = {MMC_DISC_INFO}, track[12] = {MMC_TRACK_INFO, 1};
    uint8_t mech[12] = {MMC_MECHANISM_STATUS}, sub[12] = {MMC_READ_SUBCHANNEL};
    uint8_t dvd[12] = {MMC_READ_DVD}, bufcap[12] = {MMC_BUFFER_CAPACITY};

    assert_int_equal(rig_packet_in(r, CD, cap, 8, buf, 8), 8);
    assert_int_equal(be32(buf), SECTORS - 1);
    assert_int_equal(be32(buf + 4), 2048);
    conf[8] = 255;
    n = rig_packet_in(r, CD, conf, 256, buf, 256);
    assert_int_equal(n, be32(buf) + 4);
    assert_int_equal(be16(buf + 6), 0x08);
    assert_int_equal(be16(buf + 8), 0); /* profile list */
    assert_int_equal(buf[18], 1);       /* CD-ROM is current */
    conf[1] = 2;
    conf[3] = 0x1e;
    assert_int_equal(rig_packet_in(r, CD, conf, 256, buf, 256), 16);
    assert_int_equal(buf[10], 0x09);
    conf[1] = 3;
    assert_int_equal(rig_packet_sense(r, CD, conf), 0x052400);
    disc[8] = 255;
    assert_int_equal(rig_packet_in(r, CD, disc, 256, buf, 256), 34);
    assert_int_equal(buf[2], 0x0e);
    track[5] = 1;
    track[8] = 255;
    assert_int_equal(rig_packet_in(r, CD, track, 256, buf, 256), 36);
    assert_int_equal(be32(buf + 24), SECTORS);
    track[5] = 2;
    assert_int_equal(rig_packet_sense(r, CD, track), 0x052400);
    mech[9] = 8;
    assert_int_equal(rig_packet_in(r, CD, mech, 8, buf, 8), 8);
    sub[2] = 0x40;
    sub[3] = 1;
    sub[8] = 24;
    assert_int_equal(rig_packet_in(r, CD, sub, 24, buf, 24), 16);
    assert_int_equal(buf[1], 0x15);
    bufcap[8] = 12;
    assert_int_equal(rig_packet_in(r, CD, bufcap, 24, buf, 24), 12);
    assert_int_equal(rig_packet_sense(r, CD, dvd), 0x053002);
    dvd[7] = 0xff;
    dvd[9] = 64;
    assert_int_equal(rig_packet_in(r, CD, dvd, 64, buf, 64), 20);
    rig_free(r);
}

static void test_dvd(void **state)
{
    uint64_t bytes = UINT64_C(4700) << 20;
    struct rig_filter f = {
        .blk = {.size_bytes = bytes, .read_only = true},
    };
    struct rig *r = rig_filtered(&f, true);
    uint8_t conf[12] = {MMC_GET_CONFIGURATION, 0, 0, 0, 0, 0, 0, 0, 255};
    uint8_t dvd[12] = {MMC_READ_DVD, 0, 0, 0, 0, 0, 0, 0, 8, 4};
    static uint8_t buf[4096];

    rig_clear_ua(r, 0);
    rig_packet_in(r, 0, conf, 256, buf, 256);
    assert_int_equal(be16(buf + 6), 0x10);
    assert_int_equal(rig_packet_in(r, 0, dvd, 2048, buf, sizeof(buf)), 2052);
    assert_int_equal(be32(buf + 12), 0x30000 + bytes / 2048 - 1);
    dvd[7] = 1;
    assert_int_equal(rig_packet_in(r, 0, dvd, 2048, buf, sizeof(buf)), 8);
    dvd[7] = 4;
    assert_int_equal(rig_packet_in(r, 0, dvd, 2048, buf, sizeof(buf)), 2052);
    dvd[6] = 1;
    assert_int_equal(rig_packet_sense(r, 0, dvd), 0x052400);
    dvd[6] = 0;
    dvd[7] = 3;
    assert_int_equal(rig_packet_sense(r, 0, dvd), 0x052400);
    rig_free(r);
}

static void test_mode(void **state)
{
    struct rig *r = ready();
    uint8_t sense[12] = {MMC_MODE_SENSE_10, 0, 0x2a}, buf[128], put[64];
    uint8_t sel[12] = {MMC_MODE_SELECT_10, 0x10};
    uint8_t lock[12] = {MMC_PREVENT_ALLOW, 0, 0, 0, 1};
    size_t n;

    sense[8] = 128;
    n = rig_packet_in(r, CD, sense, 128, buf, 128);
    assert_int_equal(n, 30);
    assert_int_equal(be16(buf), 28);
    assert_int_equal(buf[8], 0x2a);
    assert_int_equal(buf[14], 0x29);
    assert_int_equal(rig_packet_sense(r, CD, lock), 0);
    rig_packet_in(r, CD, sense, 128, buf, 128);
    assert_int_equal(buf[14], 0x2b);
    sense[2] = 0x3f;
    n = rig_packet_in(r, CD, sense, 128, buf, 128);
    assert_int_equal(n, 8 + 8 + 16 + 12 + 22);
    sense[2] = 0x41; /* changeable: nothing */
    rig_packet_in(r, CD, sense, 128, buf, 128);
    assert_int_equal(buf[11], 0);
    sense[2] = 0xc1;
    assert_int_equal(rig_packet_sense(r, CD, sense), 0x053900);
    sense[2] = 0x22;
    assert_int_equal(rig_packet_sense(r, CD, sense), 0x052400);
    /* MODE SELECT: the same values are taken, others are not */
    sense[2] = 0x01;
    n = rig_packet_in(r, CD, sense, 128, put, 64);
    memset(put, 0, 8);
    sel[8] = (uint8_t)n;
    rig_packet(r, CD, sel, 64, false);
    assert_true(rig_irq(r, CD));
    assert_int_equal(rig_status(r, CD), ST_OK | ST_DRQ);
    assert_int_equal(rig_reg(r, CD, ATA_NSECT), 0);
    rig_outs(r, CD, put, n);
    assert_true(rig_irq(r, CD));
    assert_int_equal(rig_status(r, CD), ST_OK);
    put[11] ^= 1;
    rig_packet(r, CD, sel, 6, false); /* in bursts of 6 */
    rig_outs(r, CD, put, n);
    assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, CD), SK_ILLEGAL << 4 | ER_ABRT);
    rig_free(r);
}

static void test_tray(void **state)
{
    struct rig *r = ready();
    uint8_t tur[12] = {MMC_TEST_UNIT_READY}, ev[12] = {MMC_GET_EVENT, 1};
    uint8_t lock[12] = {MMC_PREVENT_ALLOW}, eject[12] = {MMC_START_STOP};
    uint8_t buf[8], mech[12] = {MMC_MECHANISM_STATUS};
    struct blk *other = blk_mem_new(2048 * 10, true);

    ev[4] = 0x10;
    ev[8] = 8;
    mech[9] = 8;
    assert_int_equal(rig_packet_in(r, CD, ev, 8, buf, 8), 8);
    assert_int_equal(buf[4], EV_NONE);
    assert_int_equal(buf[5], 2);
    /* locked: the toolstack's wish becomes an event */
    lock[4] = 1;
    assert_int_equal(rig_packet_sense(r, CD, lock), 0);
    assert_true(ide_cd_locked(r->dev, CD));
    assert_int_equal(ide_cd_eject(r->dev, CD, false), -EBUSY);
    ev[8] = 4; /* the header alone: the event stays (MMC-3 6.8.1) */
    assert_int_equal(rig_packet_in(r, CD, ev, 8, buf, 8), 4);
    ev[8] = 8;
    rig_packet_in(r, CD, ev, 8, buf, 8);
    assert_int_equal(buf[4], EV_EJECT_REQUEST);
    rig_packet_in(r, CD, ev, 8, buf, 8); /* it is told once */
    assert_int_equal(buf[4], EV_NONE);
    eject[4] = 2;
    assert_int_equal(rig_packet_sense(r, CD, eject), 0x055302);
    lock[4] = 0;
    assert_int_equal(rig_packet_sense(r, CD, lock), 0);
    /* the guest opens and closes it: the same disc, as if new */
    assert_int_equal(rig_packet_sense(r, CD, eject), 0);
    assert_true(ide_cd_tray_open(r->dev, CD));
    assert_int_equal(rig_packet_sense(r, CD, tur), 0x023a02);
    rig_packet_in(r, CD, ev, 8, buf, 8);
    assert_int_equal(buf[4], EV_REMOVAL);
    assert_int_equal(buf[5], 1);
    rig_packet_in(r, CD, mech, 8, buf, 8);
    assert_int_equal(buf[1], 0x10);
    eject[4] = 3;
    assert_int_equal(rig_packet_sense(r, CD, eject), 0);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0x062800);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0);
    /* the toolstack takes it out and puts another in */
    assert_int_equal(ide_cd_eject(r->dev, CD, false), 0);
    assert_null(ide_unit_blk(r->dev, CD));
    assert_int_equal(rig_packet_sense(r, CD, tur), 0x023a02);
    assert_int_equal(ide_cd_insert(r->dev, CD, other, false), 0);
    rig_packet_in(r, CD, ev, 8, buf, 8);
    assert_int_equal(buf[4], EV_NEW_MEDIA);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0x062800);
    assert_int_equal(rig_packet_sense(r, CD, tur), 0);
    assert_int_equal(ide_cd_insert(r->dev, 0, other, false), -ENODEV);
    assert_int_equal(ide_cd_eject(r->dev, 7, true), -ENODEV);
    /* forced: the lock breaks */
    lock[4] = 1;
    assert_int_equal(rig_packet_sense(r, CD, lock), 0);
    assert_int_equal(ide_cd_insert(r->dev, CD, r->blk[2], false), -EBUSY);
    assert_int_equal(ide_cd_eject(r->dev, CD, true), 0);
    assert_int_equal(ide_cd_insert(r->dev, CD, r->blk[2], false), 0);
    other->ops->close(other);
    rig_free(r);
}

static void test_vital_product_data(void **state)
{
    struct rig *r = ready();
    uint8_t cdb[12] = {MMC_INQUIRY, 1, 0, 0, 64}, buf[64];

    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 7);
    assert_memory_equal(buf + 4, "\0\x80\x83", 3);
    cdb[2] = 0x80;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 24);
    assert_memory_equal(buf + 4, "HVMD00003           ", 20);
    cdb[2] = 0x83;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 28);
    assert_memory_equal(buf + 8, "HVMD00003 ", 10);
    cdb[2] = 0x81;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[1] = 0;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    rig_free(r);
}

static void test_small_commands(void **state)
{
    struct rig *r = ready();
    uint8_t cdb[12] = {MMC_SET_SPEED, 0, 0xff, 0xff}, buf[64];

    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    cdb[0] = MMC_SYNC_CACHE;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    memset(cdb, 0, 12);
    cdb[0] = MMC_VERIFY;
    cdb[8] = 10;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    cdb[7] = 0xff;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052100);
    memset(cdb, 0, 12);
    cdb[0] = MMC_READ_SUBCHANNEL;
    cdb[2] = 0x40;
    cdb[3] = 3;
    cdb[8] = 64;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 24);
    cdb[3] = 9;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[2] = 0;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 4);
    memset(cdb, 0, 12);
    cdb[0] = MMC_MODE_SENSE_6;
    cdb[2] = 0x2a;
    cdb[4] = 64;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 26);
    assert_int_equal(buf[0], 25);
    assert_int_equal(buf[4], 0x2a);
    /* polling only; other classes have nothing */
    memset(cdb, 0, 12);
    cdb[0] = MMC_GET_EVENT;
    cdb[8] = 8;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    cdb[1] = 1;
    cdb[4] = 0x40;
    assert_int_equal(rig_packet_in(r, CD, cdb, 64, buf, 64), 4);
    assert_int_equal(buf[2], 0x80);
    assert_int_equal(buf[3], 0x10);
    /* a power condition, and starting what runs */
    memset(cdb, 0, 12);
    cdb[0] = MMC_START_STOP;
    cdb[4] = 0x30;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    cdb[4] = 1;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    rig_free(r);
}

static void test_mode_select_bad(void **state)
{
    static const struct {
        uint8_t len, data[16];
        uint32_t sense;
    } bad[] = {
        {4, {0}, 0x051a00},                             /* no header */
        {9, {0, 0, 0, 0, 0, 0, 0, 0, 1}, 0x051a00},     /* half a page */
        {10, {0, 0, 0, 0, 0, 0, 0, 0, 1, 6}, 0x051a00}, /* cut short */
        {10, {0, 0, 0, 0, 0, 0, 0, 0, 9, 0}, 0x052600}, /* unknown */
        {8, {0, 0, 0, 0, 0, 0, 0xff, 0xff}, 0x051a00},  /* descriptors */
    };
    struct rig *r = ready();
    uint8_t cdb[12] = {MMC_MODE_SELECT_10, 0x10};
    static const uint8_t ask[12] = {MMC_REQUEST_SENSE, 0, 0, 0, 18};
    uint8_t sense[18];
    unsigned i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cdb[8] = bad[i].len;
        rig_packet(r, CD, cdb, 64, false);
        rig_outs(r, CD, bad[i].data, bad[i].len);
        assert_int_equal(rig_status(r, CD), ST_OK | ST_ERR);
        rig_packet_in(r, CD, ask, 18, sense, 18);
        assert_int_equal((uint32_t)sense[2] << 16 | be16(sense + 12),
                         bad[i].sense);
    }
    cdb[8] = 0;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0);
    cdb[7] = 0xff;
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x051a00);
    cdb[1] = 0x11; /* saving */
    assert_int_equal(rig_packet_sense(r, CD, cdb), 0x052400);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_toc),
        cmocka_unit_test(test_information),
        cmocka_unit_test(test_dvd),
        cmocka_unit_test(test_mode),
        cmocka_unit_test(test_tray),
        cmocka_unit_test(test_vital_product_data),
        cmocka_unit_test(test_small_commands),
        cmocka_unit_test(test_mode_select_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
