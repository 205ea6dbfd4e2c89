/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

uint8_t rig_byte(uint64_t off)
{
    return (uint8_t)(off ^ off >> 9 ^ off >> 17 ^ 0x5a);
}

static int filter_submit(struct blk *b, struct blk_req *r)
{
    struct rig_filter *f = (struct rig_filter *)b;
    int rc;

    f->requests++;
    if (r->op != BLK_FLUSH) {
        f->last_off = r->off_bytes;
        f->last_len = r->len_bytes;
        if (r->off_bytes < f->bad_end * SECTOR &&
            r->off_bytes + r->len_bytes > f->bad * SECTOR)
            return f->err;
        assert_true(r->off_bytes >= f->base);
    }
    r->off_bytes -= r->op == BLK_FLUSH ? 0 : f->base;
    rc = blk_submit(f->under, r);
    r->off_bytes = f->last_off;
    return rc;
}

static void filter_drain(struct blk *b)
{
    struct rig_filter *f = (struct rig_filter *)b;

    f->under->ops->drain(f->under);
}

static void filter_close(struct blk *b)
{
    struct rig_filter *f = (struct rig_filter *)b;

    f->under->ops->close(f->under);
}

static const struct blk_ops filter_ops = {
    .submit = filter_submit,
    .drain = filter_drain,
    .close = filter_close,
};

struct rig *rig_filtered(struct rig_filter *f, bool cd)
{
    struct rig_unit u[4] = {
        {.present = true, .cd = cd, .bytes = 16 << 20, .read_only = cd}};
    struct rig *r = rig_new(u);
    struct ide_unit *unit = &r->ide->unit[0];

    f->under = r->blk[0];
    f->blk.ops = &filter_ops;
    if (!f->blk.size_bytes)
        f->blk.size_bytes = 16 << 20;
    f->blk.phys_block_bytes = 512;
    r->blk[0] = unit->blk = &f->blk;
    r->dev->ops->reset(r->dev, RESET_POWER);
    pci_cfg_write(r->pci, PCI_DEVFN(1, 1), 0x20, 4, RIG_BM);
    rig_bus_master(r, true);
    return r;
}

struct rig *rig_new(const struct rig_unit unit[4])
{
    struct rig *r = calloc(1, sizeof(*r));
    struct conf conf = {.n = 0};
    static const char *const keys[4][3] = {{"present0", "cdrom0", "blk0"},
                                           {"present1", "cdrom1", "blk1"},
                                           {"present2", "cdrom2", "blk2"},
                                           {"present3", "cdrom3", "blk3"}};
    struct err err;
    unsigned i;
    uint64_t k;

    assert_non_null(r);
    r->b = bench_new(RIG_RAM);
    r->pci = pci_bus_new(&r->b->hv, &r->b->bus, &r->b->gmem);
    r->b->env.pci = r->pci;
    for (i = 0; i < 4; i++) {
        if (!unit[i].present)
            continue;
        conf_set_num(&conf, keys[i][0], 1);
        conf_set_num(&conf, keys[i][1], unit[i].cd);
        if (!unit[i].bytes)
            continue;
        r->blk[i] = blk_mem_new(unit[i].bytes, unit[i].read_only);
        assert_non_null(r->blk[i]);
        for (k = 0; k < unit[i].bytes && k < RIG_RAM; k++)
            blk_mem_data(r->blk[i])[k] = rig_byte(k);
        conf_set_ptr(&conf, keys[i][2], r->blk[i]);
    }
    r->dev = dev_new(&ide_ops, &r->b->env, 0, &conf, &err);
    assert_non_null(r->dev);
    r->ide = (struct ide *)r->dev;
    pci_cfg_write(r->pci, PCI_DEVFN(1, 1), 0x20, 4, RIG_BM);
    rig_bus_master(r, true);
    return r;
}

struct rig *rig_disk(void)
{
    static const struct rig_unit u[4] = {{.present = true, .bytes = 16 << 20}};

    return rig_new(u);
}

struct rig *rig_cd(uint32_t sectors)
{
    struct rig_unit u[4] = {{0}};

    u[2].present = u[2].cd = u[2].read_only = true;
    u[2].bytes = (uint64_t)sectors * CD_SECTOR;
    return rig_new(u);
}

void rig_free(struct rig *r)
{
    unsigned i;

    r->dev->ops->pause(r->dev, true);
    for (i = 0; i < 4; i++)
        if (r->blk[i])
            r->blk[i]->ops->close(r->blk[i]);
    assert_true(r->dev->ops->idle(r->dev));
    assert_int_equal(r->b->pins, 0);
    dev_free(r->dev);
    pci_bus_free(r->pci);
    bench_free(r->b);
    free(r);
}

void rig_bus_master(struct rig *r, bool on)
{
    pci_cfg_write(r->pci, PCI_DEVFN(1, 1), PCI_COMMAND, 2,
                  PCI_COMMAND_IO | (on ? PCI_COMMAND_MASTER : 0));
}

void rig_select(struct rig *r, unsigned unit, uint8_t bits)
{
    bench_outb(r->b, rig_port(unit / 2) + ATA_DEVICE,
               (uint8_t)(DEV_ONES | bits | (unit & 1 ? DEV_DEV1 : 0)));
}

void rig_lba28(struct rig *r, unsigned unit, uint32_t lba, uint8_t count)
{
    uint16_t p = rig_port(unit / 2);

    rig_select(r, unit, (uint8_t)(DEV_LBA | (lba >> 24 & 15)));
    bench_outb(r->b, p + ATA_NSECT, count);
    bench_outb(r->b, p + ATA_LBAL, (uint8_t)lba);
    bench_outb(r->b, p + ATA_LBAM, (uint8_t)(lba >> 8));
    bench_outb(r->b, p + ATA_LBAH, (uint8_t)(lba >> 16));
}

void rig_lba48(struct rig *r, unsigned unit, uint64_t lba, uint16_t count)
{
    uint16_t p = rig_port(unit / 2);

    rig_select(r, unit, DEV_LBA);
    bench_outb(r->b, p + ATA_NSECT, (uint8_t)(count >> 8));
    bench_outb(r->b, p + ATA_LBAL, (uint8_t)(lba >> 24));
    bench_outb(r->b, p + ATA_LBAM, (uint8_t)(lba >> 32));
    bench_outb(r->b, p + ATA_LBAH, (uint8_t)(lba >> 40));
    bench_outb(r->b, p + ATA_NSECT, (uint8_t)count);
    bench_outb(r->b, p + ATA_LBAL, (uint8_t)lba);
    bench_outb(r->b, p + ATA_LBAM, (uint8_t)(lba >> 8));
    bench_outb(r->b, p + ATA_LBAH, (uint8_t)(lba >> 16));
}

void rig_command(struct rig *r, unsigned unit, uint8_t cmd)
{
    bench_outb(r->b, rig_port(unit / 2) + ATA_STATUS, cmd);
}

uint8_t rig_status(struct rig *r, unsigned unit)
{
    return rig_reg(r, unit, ATA_STATUS);
}

uint8_t rig_alt(struct rig *r, unsigned unit)
{
    return bench_inb(r->b, rig_ctl(unit / 2));
}

uint8_t rig_error(struct rig *r, unsigned unit)
{
    return rig_reg(r, unit, ATA_ERROR);
}

uint8_t rig_reg(struct rig *r, unsigned unit, unsigned reg)
{
    return bench_inb(r->b, (uint16_t)(rig_port(unit / 2) + reg));
}

bool rig_irq(struct rig *r, unsigned unit)
{
    return r->b->isa_level[14 + unit / 2];
}

void rig_ins(struct rig *r, unsigned unit, void *buf, size_t bytes)
{
    bus_rep(&r->b->bus, rig_port(unit / 2), 2, false, buf, (bytes + 1) / 2);
}

void rig_outs(struct rig *r, unsigned unit, const void *buf, size_t bytes)
{
    bus_rep(&r->b->bus, rig_port(unit / 2), 2, true, (void *)(uintptr_t)buf,
            (bytes + 1) / 2);
}

void rig_srst(struct rig *r, unsigned ch)
{
    bench_outb(r->b, rig_ctl(ch), CTL_SRST);
    bench_outb(r->b, rig_ctl(ch), 0);
}

void rig_nodata(struct rig *r, unsigned unit, uint8_t cmd)
{
    rig_command(r, unit, cmd);
    assert_true(rig_irq(r, unit));
    assert_int_equal(rig_status(r, unit), ST_OK);
    assert_false(rig_irq(r, unit));
}

void rig_expect_abort(struct rig *r, unsigned unit, uint8_t cmd)
{
    rig_command(r, unit, cmd);
    assert_true(rig_irq(r, unit));
    assert_int_equal(rig_status(r, unit), ST_OK | ST_ERR);
    assert_true(rig_error(r, unit) & ER_ABRT);
}

void rig_prdt(struct rig *r, const struct rig_prd *prd, unsigned n, bool eot)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        uint32_t e[2] = {prd[i].addr, prd[i].bytes & 0xffff};

        if (eot && i == n - 1)
            e[1] |= PRD_EOT;
        memcpy(r->b->ram + RIG_PRDT + i * 8, e, 8);
    }
}

static uint16_t bm_port(unsigned unit)
{
    return (uint16_t)(RIG_BM + unit / 2 * 8);
}

void rig_bm_prepare(struct rig *r, unsigned unit)
{
    bench_outb(r->b, bm_port(unit), 0);
    bench_outb(r->b, bm_port(unit) + BM_STATUS, BM_ST_INTR | BM_ST_ERROR);
    bench_outl(r->b, bm_port(unit) + BM_PRDT, RIG_PRDT);
}

void rig_bm_start(struct rig *r, unsigned unit, bool to_mem)
{
    bench_outb(r->b, bm_port(unit),
               (uint8_t)(BM_CMD_START | (to_mem ? BM_CMD_RWCON : 0)));
}

void rig_bm_stop(struct rig *r, unsigned unit)
{
    bench_outb(r->b, bm_port(unit), 0);
}

uint8_t rig_bm_status(struct rig *r, unsigned unit)
{
    return bench_inb(r->b, bm_port(unit) + BM_STATUS);
}

void rig_packet(struct rig *r, unsigned unit, const uint8_t cdb[12],
                uint16_t limit, bool dma)
{
    uint16_t p = rig_port(unit / 2);

    rig_select(r, unit, 0);
    bench_outb(r->b, p + ATA_ERROR, dma);
    bench_outb(r->b, p + ATA_LBAM, (uint8_t)limit);
    bench_outb(r->b, p + ATA_LBAH, (uint8_t)(limit >> 8));
    rig_command(r, unit, CMD_PACKET);
    assert_int_equal(rig_alt(r, unit), ST_OK | ST_DRQ);
    assert_int_equal(rig_reg(r, unit, ATA_NSECT), IR_COD);
    assert_false(rig_irq(r, unit));
    rig_outs(r, unit, cdb, 12);
}

size_t rig_packet_in(struct rig *r, unsigned unit, const uint8_t cdb[12],
                     uint16_t limit, void *buf, size_t room)
{
    size_t got = 0;

    rig_packet(r, unit, cdb, limit, false);
    for (;;) {
        uint8_t st;
        size_t n;

        assert_true(rig_irq(r, unit));
        st = rig_status(r, unit);
        assert_false(rig_irq(r, unit));
        assert_int_equal(st & (ST_BSY | ST_ERR | ST_DF), 0);
        if (!(st & ST_DRQ))
            break;
        assert_int_equal(rig_reg(r, unit, ATA_NSECT), IR_IO);
        n = rig_reg(r, unit, ATA_LBAM) | (size_t)rig_reg(r, unit, ATA_LBAH)
                                             << 8;
        assert_true(n > 0 && n <= (limit < 2 ? 2 : limit));
        assert_true(n <= room - got);
        rig_ins(r, unit, (uint8_t *)buf + got, n);
        got += n;
    }
    assert_int_equal(rig_reg(r, unit, ATA_NSECT), IR_COD | IR_IO);
    return got;
}

uint32_t rig_packet_sense(struct rig *r, unsigned unit, const uint8_t cdb[12])
{
    static const uint8_t ask[12] = {MMC_REQUEST_SENSE, 0, 0, 0, 18};
    uint8_t sense[20], st;

    rig_packet(r, unit, cdb, 0xfffe, false);
    assert_true(rig_irq(r, unit));
    st = rig_status(r, unit);
    assert_false(st & (ST_BSY | ST_DRQ));
    if (!(st & ST_ERR))
        return 0;
    assert_int_equal(rig_packet_in(r, unit, ask, 18, sense, sizeof(sense)), 18);
    assert_int_equal(sense[0] & 0x7f, 0x70);
    return (uint32_t)sense[2] << 16 | (uint32_t)sense[12] << 8 | sense[13];
}

void rig_clear_ua(struct rig *r, unsigned unit)
{
    static const uint8_t tur[12] = {MMC_TEST_UNIT_READY};
    unsigned i;

    for (i = 0; i < 4; i++)
        if (rig_packet_sense(r, unit, tur) >> 16 != SK_ATTENTION)
            break;
}

uint16_t rig_word(const uint8_t *id, unsigned w)
{
    return (uint16_t)(id[w * 2] | id[w * 2 + 1] << 8);
}

void rig_identify(struct rig *r, unsigned unit, uint8_t id[512])
{
    rig_select(r, unit, 0);
    rig_command(r, unit, CMD_IDENTIFY);
    assert_true(rig_irq(r, unit));
    assert_int_equal(rig_alt(r, unit), ST_OK | ST_DRQ);
    assert_true(rig_irq(r, unit)); /* alternate status acknowledges nothing */
    assert_int_equal(rig_status(r, unit), ST_OK | ST_DRQ);
    assert_false(rig_irq(r, unit));
    rig_ins(r, unit, id, 512);
    assert_int_equal(rig_status(r, unit), ST_OK);
    assert_false(rig_irq(r, unit));
}

void rig_check_pattern(const uint8_t *p, uint64_t off, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (p[i] != rig_byte(off + i))
            fail_msg("byte %zu of offset %llu differs", i,
                     (unsigned long long)off);
}

const struct rig_unit rig_both[4] = {
    {.present = true, .bytes = 4 << 20},
    {0},
    {.present = true, .cd = true, .bytes = 4 << 20, .read_only = true}};

struct rig *rig_move(struct rig *old, const struct rig_unit unit[4])
{
    size_t n = state_bytes(&ide_state_desc);
    uint8_t *buf = malloc(n);
    struct rig *r = rig_new(unit);
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

int rig_reload(struct rig *r, struct err *e)
{
    uint8_t *buf = malloc(state_bytes(&ide_state_desc));
    size_t n;
    int rc;

    assert_non_null(buf);
    n = state_save(&ide_state_desc, r->dev, buf);
    rc = state_load(&ide_state_desc, r->dev, buf, n, e);
    free(buf);
    return rc;
}
