/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Power, SMART, resets, absent devices, unplug, PCI registers */
#include "rig.h"

static void test_power(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512];

    rig_select(r, 0, 0);
    rig_nodata(r, 0, CMD_CHECK_POWER);
    assert_int_equal(rig_reg(r, 0, ATA_NSECT), 0xff);
    rig_nodata(r, 0, CMD_IDLE_NOW);
    rig_nodata(r, 0, CMD_CHECK_POWER);
    assert_int_equal(rig_reg(r, 0, ATA_NSECT), 0x80);
    rig_nodata(r, 0, CMD_STANDBY_NOW);
    assert_int_equal(r->blk[0]->flush_ops, 1);
    rig_nodata(r, 0, CMD_CHECK_POWER);
    assert_int_equal(rig_reg(r, 0, ATA_NSECT), 0x00);
    rig_lba28(r, 0, 9, 1);
    rig_command(r, 0, CMD_READ);
    rig_ins(r, 0, buf, 512);
    rig_nodata(r, 0, CMD_CHECK_POWER);
    assert_int_equal(rig_reg(r, 0, ATA_NSECT), 0xff);
    rig_nodata(r, 0, CMD_SLEEP);
    assert_int_equal(r->blk[0]->flush_ops, 2);
    rig_command(r, 0, CMD_IDENTIFY); /* asleep: no answer */
    assert_false(rig_irq(r, 0));
    assert_int_equal(rig_status(r, 0), ST_OK);
    rig_srst(r, 0);
    rig_nodata(r, 0, CMD_CHECK_POWER);
    assert_int_equal(rig_reg(r, 0, ATA_NSECT), 0xff);
    rig_free(r);
}

static void smart(struct rig *r, uint8_t feature, uint8_t nsect, uint8_t lbal)
{
    rig_select(r, 0, 0);
    bench_outb(r->b, 0x1f1, feature);
    bench_outb(r->b, 0x1f2, nsect);
    bench_outb(r->b, 0x1f3, lbal);
    bench_outb(r->b, 0x1f4, 0x4f);
    bench_outb(r->b, 0x1f5, 0xc2);
}

static void test_smart(void **state)
{
    struct rig *r = rig_disk();
    uint8_t p[512], sum;
    unsigned i, k;
    static const uint8_t feats[] = {SMART_READ_DATA, SMART_READ_THRESHOLDS};

    for (k = 0; k < 2; k++) {
        smart(r, feats[k], 0, 0);
        rig_command(r, 0, CMD_SMART);
        assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
        rig_ins(r, 0, p, 512);
        for (i = 0, sum = 0; i < 512; i++)
            sum = (uint8_t)(sum + p[i]);
        assert_int_equal(sum, 0);
        assert_int_equal(p[2], 1);
    }
    smart(r, SMART_STATUS, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM), 0x4f);
    assert_int_equal(rig_reg(r, 0, ATA_LBAH), 0xc2);
    /* a short and a captive test, the second failing */
    smart(r, SMART_OFFLINE, 0, 1);
    rig_nodata(r, 0, CMD_SMART);
    blk_mem_fail(r->blk[0], BLK_READ, 100, -EIO);
    smart(r, SMART_OFFLINE, 0, 0x81);
    rig_expect_abort(r, 0, CMD_SMART);
    assert_int_equal(rig_reg(r, 0, ATA_LBAM), 0xf4);
    blk_mem_fail(r->blk[0], BLK_READ, 0, 0);
    smart(r, SMART_READ_LOG, 1, 6);
    rig_command(r, 0, CMD_SMART);
    rig_ins(r, 0, p, 512);
    assert_int_equal(p[508], 2);
    assert_int_equal(p[2], 1);
    assert_int_equal(p[3], 0);
    assert_int_equal(p[2 + 24], 0x81);
    assert_int_equal(p[3 + 24], 0x70);
    smart(r, SMART_READ_LOG, 1, 0);
    rig_command(r, 0, CMD_SMART);
    rig_ins(r, 0, p, 512);
    assert_int_equal(p[12], 1);
    smart(r, SMART_READ_LOG, 1, 0x44);
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_AUTOSAVE, 0xf1, 0);
    rig_nodata(r, 0, CMD_SMART);
    smart(r, SMART_AUTOSAVE, 0x22, 0);
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_DISABLE, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    smart(r, SMART_READ_DATA, 0, 0);
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_ENABLE, 0, 0);
    bench_outb(r->b, 0x1f4, 0x4e); /* wrong key */
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_ENABLE, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    smart(r, 0xee, 0, 0);
    rig_expect_abort(r, 0, CMD_SMART);
    rig_free(r);
}

static void check_signature(struct rig *r, unsigned unit, bool cd)
{
    rig_select(r, unit, 0);
    assert_int_equal(rig_error(r, unit), 1);
    assert_int_equal(rig_reg(r, unit, ATA_NSECT), 1);
    assert_int_equal(rig_reg(r, unit, ATA_LBAL), 1);
    assert_int_equal(rig_reg(r, unit, ATA_LBAM), cd ? 0x14 : 0);
    assert_int_equal(rig_reg(r, unit, ATA_LBAH), cd ? 0xeb : 0);
    assert_int_equal(rig_status(r, unit), cd ? 0 : ST_OK);
}

static void test_resets(void **state)
{
    static const struct rig_unit u[4] = {
        {.present = true, .bytes = 1 << 20},
        {.present = true, .cd = true, .bytes = 1 << 20, .read_only = true}};
    struct rig *r = rig_new(u);

    rig_select(r, 1, 0);
    bench_outb(r->b, 0x3f6, CTL_SRST);
    assert_int_equal(rig_alt(r, 0), ST_BSY);
    bench_outb(r->b, 0x3f6, 0);
    assert_int_equal(rig_reg(r, 0, ATA_DEVICE) & DEV_DEV1, 0);
    check_signature(r, 0, false);
    check_signature(r, 1, true);
    /* DIAGNOSTIC runs on both and leaves device 0 selected */
    rig_select(r, 1, 0);
    rig_command(r, 1, CMD_DIAGNOSTIC);
    assert_true(rig_irq(r, 0));
    assert_int_equal(rig_reg(r, 0, ATA_DEVICE) & DEV_DEV1, 0);
    check_signature(r, 0, false);
    assert_false(rig_irq(r, 0));
    check_signature(r, 1, true);
    /* DEVICE RESET: packet devices only */
    rig_select(r, 0, 0);
    rig_expect_abort(r, 0, CMD_DEVICE_RESET);
    rig_select(r, 1, 0);
    rig_command(r, 1, CMD_DEVICE_RESET);
    check_signature(r, 1, true);
    /* IDENTIFY DEVICE and READ show a packet device */
    bench_outb(r->b, 0x1f4, 0);
    rig_command(r, 1, CMD_IDENTIFY);
    assert_int_equal(rig_status(r, 1), ST_OK | ST_ERR);
    assert_int_equal(rig_error(r, 1), ER_ABRT);
    assert_int_equal(rig_reg(r, 1, ATA_LBAM), 0x14);
    assert_int_equal(rig_reg(r, 1, ATA_LBAH), 0xeb);
    /* power-on reset brings translation and features back */
    rig_select(r, 0, 7);
    bench_outb(r->b, 0x1f2, 32);
    rig_nodata(r, 0, CMD_INIT_PARAMS);
    r->dev->ops->reset(r->dev, RESET_POWER);
    check_signature(r, 0, false);
    assert_int_equal(r->ide->unit[0].st->spt, 63);
    assert_int_equal(pci_cfg_read(r->pci, PCI_DEVFN(1, 1), 0x20, 4), 1);
    rig_free(r);
}

static void test_absent(void **state)
{
    static const struct rig_unit slave_only[4] = {
        {0}, {.present = true, .bytes = 1 << 20}};
    struct rig *r = rig_disk();
    uint8_t id[512];
    unsigned i;

    /* device 1 missing: zero status, no reaction */
    rig_select(r, 1, 0);
    for (i = 1; i < 8; i++)
        if (i != ATA_DEVICE)
            assert_int_equal(rig_reg(r, 1, i), 0);
    assert_int_equal(rig_alt(r, 1), 0);
    rig_command(r, 1, CMD_IDENTIFY);
    rig_command(r, 1, CMD_FLUSH);
    assert_false(rig_irq(r, 1));
    assert_int_equal(bench_inw(r->b, 0x1f0), 0);
    rig_identify(r, 0, id);
    /* nobody on the secondary channel */
    for (i = 0; i < 8; i++)
        assert_int_equal(rig_reg(r, 2, i), 0);
    rig_command(r, 2, CMD_DIAGNOSTIC);
    rig_command(r, 2, CMD_FLUSH);
    rig_srst(r, 1);
    assert_false(rig_irq(r, 2));
    assert_int_equal(rig_alt(r, 2), 0);
    rig_free(r);
    /* device 1 alone */
    r = rig_new(slave_only);
    rig_select(r, 0, 0);
    assert_int_equal(rig_status(r, 0), 0);
    rig_command(r, 0, CMD_IDENTIFY);
    assert_false(rig_irq(r, 0));
    rig_identify(r, 1, id);
    assert_int_equal(rig_word(id, 93) & 0x6100, 0x6100);
    rig_srst(r, 0);
    assert_int_equal(rig_status(r, 0), 0);
    check_signature(r, 1, false);
    rig_free(r);
}

static void test_no_such_command(void **state)
{
    static const uint8_t cmds[] = {
        CMD_NOP, 0x01, CMD_READ_LOG_EXT, 0xa0, 0xa1, 0xb1, 0xf5, 0xff, 0xe4};
    struct rig *r = rig_disk();
    unsigned i;

    rig_select(r, 0, 0);
    for (i = 0; i < sizeof(cmds); i++)
        rig_expect_abort(r, 0, cmds[i]);
    rig_free(r);
}

/* Both channels and two devices in one process do not touch each other. */
static void test_two_machines(void **state)
{
    static const struct rig_unit u[4] = {{.present = true, .bytes = 1 << 20},
                                         {.present = true, .bytes = 1 << 20},
                                         {.present = true, .bytes = 2 << 20},
                                         {.present = true, .bytes = 1 << 20}};
    struct rig *a = rig_new(u), *b = rig_new(u);
    uint8_t buf[512];

    memset(blk_mem_data(b->blk[2]), 0x77, 512);
    rig_lba28(a, 2, 0, 1);
    rig_command(a, 2, CMD_READ);
    rig_lba28(b, 2, 0, 1);
    rig_command(b, 2, CMD_READ);
    assert_true(rig_irq(a, 2));
    assert_false(rig_irq(a, 0));
    rig_lba28(a, 1, 5, 1);
    rig_command(a, 1, CMD_READ);
    rig_ins(a, 1, buf, 512);
    rig_check_pattern(buf, 5 * 512, 512);
    rig_ins(a, 2, buf, 512);
    rig_check_pattern(buf, 0, 512);
    rig_ins(b, 2, buf, 512);
    assert_int_equal(buf[0], 0x77);
    rig_free(a);
    rig_free(b);
}

/* Turning to the other device in a data phase drops it, no more. */
static void test_abandon(void **state)
{
    static const struct rig_unit u[4] = {{.present = true, .bytes = 1 << 20},
                                         {.present = true, .bytes = 1 << 20}};
    struct rig *r = rig_new(u);
    uint8_t buf[512];

    rig_lba28(r, 0, 0, 4);
    rig_command(r, 0, CMD_WRITE);
    rig_outs(r, 0, buf, 512);
    rig_lba28(r, 1, 3, 1);
    assert_int_equal(bench_inw(r->b, 0x1f0), 0);
    rig_command(r, 1, CMD_READ);
    rig_ins(r, 1, buf, 512);
    rig_check_pattern(buf, 3 * 512, 512);
    rig_select(r, 0, 0);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_ERR);
    assert_int_equal(r->blk[0]->wr_ops, 0);
    /* a second command to the same device waits for its turn in vain */
    rig_lba28(r, 0, 8, 1);
    rig_command(r, 0, CMD_READ);
    rig_command(r, 0, CMD_RECALIBRATE);
    assert_int_equal(rig_status(r, 0), ST_OK | ST_DRQ);
    rig_ins(r, 0, buf, 512);
    rig_check_pattern(buf, 8 * 512, 512);
    rig_free(r);
}

/* SRST while a request is in flight: busy until it ended, then as new. */
static void test_srst_in_flight(void **state)
{
    struct rig *r = rig_disk();
    uint8_t buf[512];

    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 9, 1);
    rig_command(r, 0, CMD_READ);
    rig_srst(r, 0);
    assert_int_equal(rig_alt(r, 0), ST_BSY);
    rig_command(r, 0, CMD_IDENTIFY);
    assert_int_equal(rig_alt(r, 0), ST_BSY);
    assert_true(blk_mem_release(r->blk[0]));
    assert_false(rig_irq(r, 0));
    check_signature(r, 0, false);
    blk_mem_hold(r->blk[0], false);
    rig_lba28(r, 0, 11, 1);
    rig_command(r, 0, CMD_READ);
    rig_ins(r, 0, buf, 512);
    rig_check_pattern(buf, 11 * 512, 512);
    rig_free(r);
}

static void test_detach(void **state)
{
    static const struct rig_unit u[4] = {
        {.present = true, .bytes = 1 << 20},
        {.present = true, .cd = true, .bytes = 1 << 20, .read_only = true}};
    struct rig *r = rig_new(u);

    assert_int_equal(ide_disk_detach(r->dev, 1), -ENODEV);
    assert_int_equal(ide_disk_detach(r->dev, 2), -ENODEV);
    assert_int_equal(ide_disk_detach(r->dev, 99), -ENODEV);
    blk_mem_hold(r->blk[0], true);
    rig_lba28(r, 0, 9, 1);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(ide_disk_detach(r->dev, 0), 0);
    assert_int_equal(ide_disk_detach(r->dev, 0), 0);
    assert_false(ide_unit_is_disk(r->dev, 0));
    assert_int_equal(rig_status(r, 0), 0);
    assert_true(blk_mem_release(r->blk[0])); /* the read */
    assert_false(ide_unit_idle(r->dev, 0));
    assert_true(blk_mem_release(r->blk[0])); /* the flush */
    assert_true(ide_unit_idle(r->dev, 0));
    assert_null(ide_unit_blk(r->dev, 0));
    assert_int_equal(r->blk[0]->flush_ops, 1);
    assert_int_equal(ide_disk_detach(r->dev, 0), 0);
    rig_command(r, 0, CMD_IDENTIFY);
    assert_false(rig_irq(r, 0));
    /* the CD on the same channel stays */
    rig_srst(r, 0);
    check_signature(r, 1, true);
    rig_free(r);
}

static void test_pci(void **state)
{
    struct rig *r = rig_disk();
    unsigned f = PCI_DEVFN(1, 1);

    assert_int_equal(pci_cfg_read(r->pci, f, 0, 4), 0x70108086);
    assert_int_equal(pci_cfg_read(r->pci, f, 8, 4), 0x01018000);
    pci_cfg_write(r->pci, f, 0x20, 4, 0xffffffff);
    assert_int_equal(pci_cfg_read(r->pci, f, 0x20, 4), 0xfffffff1);
    pci_cfg_write(r->pci, f, 0x40, 4, 0x80008000);
    assert_int_equal(pci_cfg_read(r->pci, f, 0x40, 4), 0x80008000);
    pci_cfg_write(r->pci, f, 0x44, 1, 0x5a);
    assert_int_equal(pci_cfg_read(r->pci, f, 0x44, 1), 0x5a);
    pci_cfg_write(r->pci, f, 0x48, 4, 0xffffffff);
    assert_int_equal(pci_cfg_read(r->pci, f, 0x48, 4), 0x3333000f);
    pci_cfg_write(r->pci, f, 0x09, 1, 0xff);
    assert_int_equal(pci_cfg_read(r->pci, f, 0x09, 1), 0x80);
    rig_free(r);
}

static void test_set_max_chs(void **state)
{
    struct rig *r = rig_disk();
    uint8_t id[512];

    rig_select(r, 0, 0);
    rig_nodata(r, 0, CMD_READ_NATIVE);
    rig_select(r, 0, 1);
    bench_outb(r->b, 0x1f3, 63); /* cylinder 4, head 1, sector 63 */
    bench_outb(r->b, 0x1f4, 4);
    bench_outb(r->b, 0x1f5, 0);
    rig_nodata(r, 0, CMD_SET_MAX);
    rig_identify(r, 0, id);
    assert_int_equal(rig_word(id, 60), (4 * 16 + 2) * 63);
    rig_nodata(r, 0, CMD_READ_NATIVE);
    bench_outb(r->b, 0x1f3, 64);
    rig_command(r, 0, CMD_SET_MAX);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    rig_nodata(r, 0, CMD_READ_NATIVE);
    bench_outb(r->b, 0x1f1, 2); /* SET MAX LOCK: not ours */
    rig_expect_abort(r, 0, CMD_SET_MAX);
    rig_free(r);
}

static void test_smart_more(void **state)
{
    struct rig *r = rig_disk();
    uint8_t p[512];

    smart(r, SMART_AUTO_OFFLINE, 0xf8, 0);
    rig_nodata(r, 0, CMD_SMART);
    smart(r, SMART_READ_DATA, 0, 0);
    rig_command(r, 0, CMD_SMART);
    rig_ins(r, 0, p, 512);
    assert_int_equal(p[362], 0x82);
    smart(r, SMART_AUTO_OFFLINE, 7, 0);
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_OFFLINE, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    smart(r, SMART_OFFLINE, 0, 3);
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_READ_LOG, 2, 1);
    rig_expect_abort(r, 0, CMD_SMART);
    smart(r, SMART_SAVE, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    /* disabled, errors are not kept */
    smart(r, SMART_DISABLE, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    rig_lba28(r, 0, 0xfffffff, 1);
    rig_command(r, 0, CMD_READ);
    assert_int_equal(rig_error(r, 0), ER_IDNF);
    assert_int_equal(r->ide->unit[0].st->err_count, 0);
    /* the count of errors stays at the most that a word holds */
    smart(r, SMART_ENABLE, 0, 0);
    rig_nodata(r, 0, CMD_SMART);
    r->ide->unit[0].st->err_count = 0xfffe;
    for (unsigned i = 0; i < 3; i++) {
        rig_lba28(r, 0, 0xfffffff, 1);
        rig_command(r, 0, CMD_READ);
    }
    assert_int_equal(r->ide->unit[0].st->err_count, 0xffff);
    rig_free(r);
}

/* A packet device has transfer modes and power, but no cache to switch. */
static void test_cd_features(void **state)
{
    static const uint8_t no[] = {0x02, 0x82, 0x55, 0xaa};
    struct rig *r = rig_cd(10);
    unsigned i;

    rig_select(r, 2, 0);
    for (i = 0; i < sizeof(no); i++) {
        bench_outb(r->b, 0x171, no[i]);
        rig_expect_abort(r, 2, CMD_SET_FEATURES);
    }
    bench_outb(r->b, 0x171, 0x66);
    rig_nodata(r, 2, CMD_SET_FEATURES);
    bench_outb(r->b, 0x171, 0x03);
    bench_outb(r->b, 0x172, 0x42);
    rig_nodata(r, 2, CMD_SET_FEATURES);
    rig_nodata(r, 2, CMD_STANDBY_NOW);
    rig_nodata(r, 2, CMD_CHECK_POWER);
    assert_int_equal(rig_reg(r, 2, ATA_NSECT), 0);
    rig_nodata(r, 2, CMD_SLEEP);
    rig_command(r, 2, CMD_DEVICE_RESET); /* wakes it */
    assert_int_equal(rig_status(r, 2), 0);
    rig_nodata(r, 2, CMD_IDLE_NOW);
    rig_free(r);
}

/* What an administrator can get wrong is told in a sentence. */
static void test_bad_configuration(void **state)
{
    struct bench *b = bench_new(1 << 20);
    struct blk *tiny = blk_mem_new(511, false);
    struct conf conf = {.n = 0};
    struct err err = {""};
    struct dev *d;

    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf_set_num(&conf, "present1", 1);
    assert_null(dev_new(&ide_ops, &b->env, 0, &conf, &err));
    assert_non_null(strstr(err.text, "unit 1"));
    pci_bus_free(b->env.pci);
    bench_free(b);

    b = bench_new(1 << 20);
    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf_set_ptr(&conf, "blk1", tiny);
    assert_null(dev_new(&ide_ops, &b->env, 0, &conf, &err));
    pci_bus_free(b->env.pci);
    bench_free(b);

    b = bench_new(1 << 20);
    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf = (struct conf){.n = 0};
    d = dev_new(&ide_ops, &b->env, 0, &conf, &err);
    assert_non_null(d);
    assert_null(dev_new(&ide_ops, &b->env, 1, &conf, &err));
    assert_non_null(strstr(err.text, "0x1f0"));
    assert_true(ide_unit_idle(d, 77));
    assert_false(ide_unit_is_cd(d, 77));
    dev_free(d);
    pci_bus_free(b->env.pci);
    bench_free(b);
    tiny->ops->close(tiny);
}

static void test_serial_and_firmware(void **state)
{
    struct bench *b = bench_new(1 << 20);
    struct blk *blk = blk_mem_new(1 << 20, false);
    struct conf conf = {.n = 0};
    struct err err;
    struct dev *d;
    uint16_t id[256];

    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf_set_num(&conf, "present0", 1);
    conf_set_ptr(&conf, "blk0", blk);
    conf_set_str(&conf, "serial0", "a serial number that is too long");
    conf_set_str(&conf, "firmware0", "version");
    d = dev_new(&ide_ops, &b->env, 0, &conf, &err);
    assert_non_null(d);
    bench_outb(b, 0x1f7, CMD_IDENTIFY);
    bus_rep(&b->bus, 0x1f0, 2, false, id, 256);
    assert_memory_equal(id + 10, " aesirlan mueb rhtta", 20);
    assert_memory_equal(id + 23, "evsroi n", 8);
    dev_free(d);
    pci_bus_free(b->env.pci);
    blk->ops->close(blk);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_smart),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_no_such_command),
        cmocka_unit_test(test_two_machines),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_srst_in_flight),
        cmocka_unit_test(test_detach),
        cmocka_unit_test(test_pci),
        cmocka_unit_test(test_set_max_chs),
        cmocka_unit_test(test_smart_more),
        cmocka_unit_test(test_cd_features),
        cmocka_unit_test(test_bad_configuration),
        cmocka_unit_test(test_serial_and_firmware),

    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
