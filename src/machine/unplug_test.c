/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a whole machine when PV drivers take over: each bit of the
 * mask, requests in flight (the class of XSA-139 and CVE-2015-5166), what was
 * acknowledged, twice, over a reset, over save and restore.
 */
#include "../devices/ide/ide.h"
#include "../devices/xenplat/xenplat.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BM   0xc000u /* rig_firmware() puts the bus master there */
#define PRDT 0x1000u
#define DATA 0x10000u

/*
 * A disk that forgets what was not flushed, as one does whose other user
 * looks behind our cache. Requests wait until they are let go.
 */
struct vault {
    struct blk blk;
    struct blk_req *head, **end;
    bool at_once;
    uint8_t *fresh, *firm;
    unsigned closed;
};

static void vault_do(struct vault *v, struct blk_req *r)
{
    uint8_t *p = v->fresh + r->off_bytes;

    if (r->op == BLK_FLUSH)
        memcpy(v->firm, v->fresh, v->blk.size_bytes);
    for (unsigned i = 0; i < r->niov; p += r->iov[i++].iov_len) {
        if (r->op == BLK_READ)
            memcpy(r->iov[i].iov_base, p, r->iov[i].iov_len);
        else if (r->op == BLK_WRITE)
            memcpy(p, r->iov[i].iov_base, r->iov[i].iov_len);
    }
}

static bool vault_step(struct vault *v)
{
    struct blk_req *r = v->head;

    if (!r)
        return false;
    v->head = r->next;
    if (!v->head)
        v->end = &v->head;
    vault_do(v, r);
    r->done(r, 0);
    return true;
}

static int vault_submit(struct blk *b, struct blk_req *r)
{
    struct vault *v = (struct vault *)b;

    assert_int_equal(v->closed, 0);
    if (v->at_once) {
        vault_do(v, r);
        return 0;
    }
    r->next = NULL;
    *v->end = r;
    v->end = &r->next;
    return BLK_QUEUED;
}

static void vault_drain(struct blk *b)
{
    while (vault_step((struct vault *)b))
        ;
}

static void vault_close(struct blk *b)
{
    struct vault *v = (struct vault *)b;

    vault_drain(b);
    free(v->fresh);
    free(v->firm);
    free(v);
}

static struct vault *vault_new(void)
{
    static const struct blk_ops ops = {
        .submit = vault_submit, .drain = vault_drain, .close = vault_close};
    struct vault *v = calloc(1, sizeof(*v));

    assert_non_null(v);
    v->blk = (struct blk){.ops = &ops,
                          .size_bytes = RIG_DISK_BYTES,
                          .phys_block_bytes = 512,
                          .can_discard = true};
    v->fresh = calloc(1, RIG_DISK_BYTES);
    v->firm = calloc(1, RIG_DISK_BYTES);
    assert_true(v->fresh && v->firm);
    v->end = &v->head;
    return v;
}

/* The host of a rig: closes what is gone at once, as the worst host might. */
struct host {
    struct rig *r;
    unsigned disks[MACHINE_DISKS], nics[MACHINE_NICS];
    bool close;
    const char *product; /* blacklisted, with build 7 */
};

static void disk_gone(void *ctx, unsigned unit)
{
    struct host *h = ctx;
    struct blk **blk = &h->r->conf.disk[unit].blk;

    h->disks[unit]++;
    assert_true(ide_unit_idle(machine_dev(h->r->m, "ide", 0), unit));
    if (!h->close)
        return;
    (*blk)->ops->close(*blk);
    *blk = NULL;
}

static void nic_gone(void *ctx, unsigned nic)
{
    ((struct host *)ctx)->nics[nic]++;
}

static bool blacklisted(void *ctx, const char *product, uint32_t build)
{
    struct host *h = ctx;

    return h->product && strcmp(h->product, product) == 0 && build == 7;
}

static void on_event(void *ctx, enum machine_event e)
{
}

static struct rig *new_rig(struct host *h)
{
    struct rig *r = rig_new();

    *h = (struct host){.r = r, .close = true};
    r->conf.nnics = 0;
    r->host.ctx = h;
    r->host.event = on_event;
    r->host.disk_gone = disk_gone;
    r->host.nic_gone = nic_gone;
    r->host.blacklisted = blacklisted;
    return r;
}

/* Unit u is a disk, a CD drive or nothing, as layout says: "dc-d". */
static void lay_out(struct rig *r, const char *layout)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        struct machine_disk *d = &r->conf.disk[u];

        if (d->blk)
            d->blk->ops->close(d->blk);
        *d = (struct machine_disk){.present = layout[u] != '-',
                                   .cdrom = layout[u] == 'c'};
        if (d->present)
            d->blk = blk_mem_new(RIG_DISK_BYTES, d->cdrom);
    }
}

static struct dev *ide(struct rig *r)
{
    return machine_dev(r->m, "ide", 0);
}

static struct dev *platform(struct rig *r)
{
    return machine_dev(r->m, "xenplat", 0);
}

static unsigned disks(struct rig *r)
{
    unsigned mask = 0;

    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        mask |= (unsigned)ide_unit_is_disk(ide(r), u) << u;
    return mask;
}

static unsigned cds(struct rig *r)
{
    unsigned mask = 0;

    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        mask |= (unsigned)ide_unit_is_cd(ide(r), u) << u;
    return mask;
}

static void every_mask(void **state)
{
    static const struct {
        const char *layout;
        unsigned disks, cds;
    } machine[] = {{"ddcc", 3, 12}, {"dcdc", 5, 10}, {"dddd", 15, 0},
                   {"cddc", 6, 9},  {"-d-c", 2, 8},  {"--c-", 0, 4}};

    for (unsigned i = 0; i < sizeof(machine) / sizeof(machine[0]); i++) {
        for (unsigned mask = 0; mask < 32; mask++) {
            struct host h;
            struct rig *r = new_rig(&h);
            unsigned had = machine[i].disks, left = had;
            struct xenplat_event ev;

            lay_out(r, machine[i].layout);
            rig_start(r);
            assert_int_equal(disks(r), had);
            rig_out(r, 0x10, 2, mask);
            if (mask & 1)
                left = 0;
            else if (mask & 4)
                left &= 1;
            assert_int_equal(disks(r), left);
            assert_int_equal(cds(r), machine[i].cds);
            for (unsigned u = 0; u < MACHINE_DISKS; u++)
                assert_int_equal(h.disks[u], (had & ~left) >> u & 1);
            assert_int_equal(xenplat_unplug_mask(platform(r)), mask & 15);
            assert_int_equal(xenplat_journal(platform(r), &ev, 1), 1);
            assert_int_equal(ev.went, had & ~left);
            assert_int_equal(ev.port_value, mask);
            assert_int_equal(ev.via, XENPLAT_VIA_PORT);
            assert_false(ev.ignored);
            /* the function stays, for the CD drives */
            assert_int_equal(rig_cfg(r, PCI_DEVFN(1, 1), 0, 4), 0x70108086);
            rig_free(r);
        }
    }
}

static void select_lba(struct rig *r, unsigned unit, uint32_t lba, uint8_t n)
{
    uint16_t port = unit & 2 ? 0x170 : 0x1f0;

    rig_out(r, port + 6, 1, 0xe0 | (unit & 1) << 4);
    rig_out(r, port + 2, 1, n);
    rig_out(r, port + 3, 1, lba & 0xff);
    rig_out(r, port + 4, 1, lba >> 8 & 0xff);
    rig_out(r, port + 5, 1, lba >> 16 & 0xff);
}

/* WRITE DMA or READ DMA of n sectors at DATA on the primary channel. */
static void dma(struct rig *r, unsigned unit, uint8_t cmd, uint32_t lba,
                uint8_t n)
{
    uint32_t half = n * 256u; /* a region must not be over 64 KiB */
    uint32_t prd[4] = {DATA, half, DATA + half, half | 0x80000000u};

    memcpy(r->b->ram + PRDT, prd, sizeof(prd));
    rig_out(r, BM, 1, 0);
    rig_out(r, BM + 4, 4, PRDT);
    rig_out(r, BM + 2, 1, 6);
    select_lba(r, unit, lba, n);
    rig_out(r, 0x1f7, 1, cmd);
    rig_out(r, BM, 1, cmd == 0xca ? 1 : 9);
}

static void put_vaults(struct rig *r, struct vault *v[2])
{
    for (unsigned u = 0; u < 2; u++) {
        r->conf.disk[u].blk->ops->close(r->conf.disk[u].blk);
        v[u] = vault_new();
        r->conf.disk[u].blk = &v[u]->blk;
    }
}

/* Lets requests go until the command on the primary channel is over. */
static bool finish(struct rig *r, struct vault *v)
{
    for (unsigned i = 0; i < 100000; i++) {
        if (!(rig_in(r, 0x3f6, 1) & 0x88))
            return !(rig_in(r, 0x1f7, 1) & 1);
        if (!vault_step(v))
            bench_step(r->b, NS_PER_MS);
    }
    return false;
}

/*
 * Writes are acknowledged, more are on their way: when the unplug returns,
 * all that was acknowledged is firmly on the disk.
 */
static void nothing_acknowledged_is_lost(void **state)
{
    uint32_t seed = 7;

    for (unsigned round = 0; round < 60; round++) {
        struct host h;
        struct rig *r = new_rig(&h);
        struct vault *v[2];
        uint8_t *want = calloc(1, RIG_DISK_BYTES);
        unsigned acknowledged = round % 7, at;

        assert_non_null(want);
        put_vaults(r, v);
        h.close = false;
        rig_start(r);
        rig_firmware(r);
        for (unsigned i = 0; i <= acknowledged; i++) {
            uint8_t n = (uint8_t)(1 + (seed >> 8) % 255);

            at = (seed >> 16) % 4096;
            seed = seed * 1664525u + 1013904223u;
            memset(r->b->ram + DATA, (int)(round * 8 + i + 1), n * 512u);
            dma(r, 0, 0xca, at, n);
            if (i == acknowledged)
                break; /* in flight, and nobody was told */
            assert_true(finish(r, v[0]));
            memset(want + at * 512u, (int)(round * 8 + i + 1), n * 512u);
        }
        for (unsigned k = round % 3; k > 0; k--)
            vault_step(v[0]);
        rig_out(r, 0x10, 2, 1);
        assert_int_equal(h.disks[0], 1);
        assert_null(v[0]->head);
        assert_null(v[1]->head);
        /* the last one may be there or not, or in part */
        for (unsigned i = 0; i < RIG_DISK_BYTES; i++)
            if (v[0]->firm[i] != (uint8_t)(round * 8 + acknowledged + 1))
                assert_int_equal(v[0]->firm[i], want[i]);
        assert_memory_equal(v[0]->firm, v[0]->fresh, RIG_DISK_BYTES);
        assert_int_equal(r->b->pins, 0);
        assert_int_equal(r->b->isa_level[14], 0);
        v[0]->closed = v[1]->closed = 1; /* any use fails from here on */
        rig_out(r, 0x1f7, 1, 0xe7);
        dma(r, 0, 0xca, 1, 1);
        dma(r, 1, 0xc8, 1, 1);
        rig_out(r, 0x10, 2, 3);
        machine_reset_devices(r->m);
        rig_firmware(r);
        dma(r, 0, 0xc8, 1, 1);
        bench_step(r->b, NS_PER_S);
        assert_int_equal(r->b->isa_level[14], 0);
        rig_free(r);
        free(want);
    }
}

/* At every stage of every kind of command; the host closes at once. */
static void in_the_middle(void **state)
{
    static const uint8_t cmd[] = {0x20, 0x30, 0xc4, 0xc5, 0x40, 0xe7,
                                  0xca, 0xc8, 0x06, 0xb0, 0xec};

    for (unsigned c = 0; c < sizeof(cmd); c++) {
        for (unsigned stage = 0; stage < 12; stage++) {
            struct host h;
            struct rig *r = new_rig(&h);
            struct vault *v[2];

            put_vaults(r, v);
            v[0]->at_once = stage >= 8;
            rig_start(r);
            rig_firmware(r);
            r->b->ram[DATA + 2] = 9; /* TRIM: 9 sectors from 0 */
            rig_out(r, 0x1f1, 1, cmd[c] == 0x06 ? 1 : 0xd0);
            dma(r, 0, cmd[c], cmd[c] == 0xb0 ? 0xc24f00 : 5,
                cmd[c] == 0x06 ? 1 : 200);
            for (unsigned i = 0; i < (stage & 3); i++) {
                vault_step(v[0]);
                for (unsigned w = 0; w < stage * 100; w++)
                    rig_out(r, 0x1f0, 2, w);
            }
            if (stage & 4)
                rig_out(r, 0x3f6, 1, 0x04); /* in reset, too */
            rig_out(r, 0x10, 2, 1);
            assert_int_equal(h.disks[0] + h.disks[1], 2);
            assert_int_equal(r->b->pins, 0);
            rig_out(r, 0x3f6, 1, 0);
            bench_step(r->b, NS_PER_S);
            assert_int_equal(r->b->isa_level[14], 0);
            assert_true(machine_idle(r->m));
            rig_free(r);
        }
    }
}

/* A CD on the same channel, in the middle of a read, does not notice. */
static void a_cd_goes_on(void **state)
{
    static const uint8_t read10[12] = {0x28, 0, 0, 0, 0, 3, 0, 0, 2};
    struct host h;
    struct rig *r = new_rig(&h);
    uint8_t *cd;

    lay_out(r, "dcdc");
    rig_start(r);
    rig_firmware(r);
    cd = blk_mem_data(r->conf.disk[1].blk);
    for (unsigned i = 0; i < 4096; i++)
        cd[3 * 2048 + i] = (uint8_t)(i * 7 + i / 256);
    for (unsigned try = 0; try < 2; try++) { /* a unit attention first */
        rig_out(r, 0x1f6, 1, 0xb0);
        rig_out(r, 0x1f1, 1, 0);
        rig_out(r, 0x1f4, 1, 0);
        rig_out(r, 0x1f5, 1, 8);
        rig_out(r, 0x1f7, 1, 0xa0);
        for (unsigned i = 0; i < 12; i += 2)
            rig_out(r, 0x1f0, 2, read10[i] | read10[i + 1] << 8);
        if (rig_in(r, 0x1f7, 1) & 8)
            break;
    }
    for (unsigned i = 0; i < 4096; i += 2) {
        if (i == 1000)
            rig_out(r, 0x10, 2, 3);
        if (i % 2048 == 0)
            assert_int_equal(rig_in(r, 0x1f7, 1) & 0x89, 8);
        assert_int_equal(rig_in(r, 0x1f0, 2),
                         cd[3 * 2048 + i] | cd[3 * 2048 + i + 1] << 8);
    }
    assert_int_equal(rig_in(r, 0x1f7, 1) & 0x89, 0);
    assert_int_equal(disks(r), 0);
    rig_free(r);
}

static void xsa_139_cve_2015_5166_twice_and_over_a_reset(void **state)
{
    struct host h;
    struct rig *r = new_rig(&h);
    struct xenplat_event ev[3];

    rig_start(r);
    rig_out(r, 0x10, 2, 4);
    rig_out(r, 0x10, 2, 4);
    rig_out(r, 0x10, 2, 7);
    assert_int_equal(h.disks[0], 1);
    assert_int_equal(h.disks[1], 1);
    assert_int_equal(xenplat_journal(platform(r), ev, 3), 3);
    assert_int_equal(ev[0].went, 2);
    assert_int_equal(ev[1].went, 0);
    assert_int_equal(ev[2].went, 1);
    machine_reset_devices(r->m);
    assert_int_equal(disks(r), 0);
    rig_firmware(r);
    rig_out(r, 0x10, 2, 7);
    assert_int_equal(h.disks[0] + h.disks[1], 2);
    assert_int_equal(xenplat_events(platform(r)), 4);
    rig_free(r);
}

/* Cards that config space shows. */
static unsigned cards(struct rig *r)
{
    unsigned n = 0;

    for (unsigned devfn = 0; devfn < 256; devfn++)
        n += rig_read(r, IO_PCI, devfn << 8, 4) == 0x813910ec;
    return n;
}

/* The card without a cable goes too. */
static void nics_go_once(void **state)
{
    struct host h;
    struct rig *r = new_rig(&h);
    struct net *net = net_mem_new();

    r->conf.nnics = 2;
    r->conf.nic[0].net = NULL;
    r->conf.nic[1].net = net;
    rig_start(r);
    assert_int_equal(cards(r), 2);
    rig_out(r, 0x10, 2, 1);
    assert_int_equal(h.nics[1], 0);
    assert_int_equal(cards(r), 2);
    rig_out(r, 0x10, 2, 2);
    rig_out(r, 0x10, 2, 2);
    assert_int_equal(h.nics[0], 1);
    assert_int_equal(h.nics[1], 1);
    assert_int_equal(cards(r), 0);
    assert_false(net_mem_rx_is_on(net));
    assert_false(net_mem_put(net, "", 60));
    assert_non_null(strstr(r->b->log_text, "takes nics"));
    rig_free(r);
    net->ops->close(net);
}

#define CARD PCI_DEVFN(4, 0)

static uint16_t card_start(struct rig *r)
{
    uint16_t io = (uint16_t)(rig_cfg(r, CARD, PCI_BAR0, 4) & ~3u);

    rig_out(r, io + 0x37, 1, 0x0c); /* CR: receiver and transmitter */
    rig_out(r, io + 0x30, 4, 0x20000);
    rig_out(r, io + 0x44, 4, 0x8f); /* RCR: everything, wraps */
    rig_out(r, io + 0x3c, 2, 0xffff);
    rig_out(r, io + 0x48, 4, 0); /* TCTR and its interrupt in a second */
    rig_out(r, io + 0x54, 4, 33000000);
    return io;
}

/* Frames both ways, the cable full or not, and then it is closed. */
static void a_nic_goes_under_traffic(void **state)
{
    for (unsigned full = 0; full < 2; full++) {
        struct host h;
        struct rig *r = new_rig(&h);
        struct net *net = net_mem_new();
        uint8_t frame[1000] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        unsigned claims;
        uint16_t io;

        assert_non_null(net);
        r->conf.nnics = 1;
        r->conf.nic[0].net = net;
        rig_start(r);
        assert_int_equal(rig_firmware(r), 7);
        io = card_start(r);
        claims = r->b->pci_claims;
        net_mem_full(net, full);
        for (unsigned i = 0; i < 40; i++) {
            assert_int_equal(net_mem_put(net, frame, sizeof(frame)), i < 8);
            rig_out(r, io + 0x20 + (i & 3) * 4, 4, DATA);
            rig_out(r, io + 0x10 + (i & 3) * 4, 4, 500);
        }
        assert_int_equal(rig_in(r, io + 0x3e, 2) & 1, 1);
        assert_int_equal(r->b->intx_level[4][0], 1);
        rig_out(r, 0x10, 2, 2);
        assert_int_equal(h.nics[0], 1);
        assert_null(net->rx);
        net->ops->close(net);
        assert_int_equal(r->b->intx_level[4][0], 0);
        assert_int_equal(r->b->pci_claims, claims - 1);
        assert_int_equal(rig_cfg(r, CARD, 0, 4), UINT32_MAX);
        assert_int_equal(rig_in(r, io + 0x37, 1), 0xff);
        rig_out(r, io + 0x10, 4, 500);
        rig_cfg_set(r, CARD, PCI_COMMAND, 2, 7);
        bench_step(r->b, 10 * NS_PER_S);
        assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
        assert_int_equal(r->b->intx_level[4][0], 0);
        rig_out(r, 0x10, 2, 2);
        machine_reset_devices(r->m);
        assert_int_equal(rig_firmware(r), 6);
        rig_out(r, 0x10, 2, 2);
        assert_int_equal(h.nics[0], 1);
        rig_free(r);
    }
}

/* In the order of the devices, or against it; hostile: one without other. */
static void restored(void **state)
{
    for (unsigned how = 0; how < 8; how++) {
        struct host h, g;
        struct rig *r = new_rig(&h), *to = new_rig(&g);
        const struct state_desc *si, *sx;
        uint8_t *bi, *bx;
        size_t ni = 0, nx;
        struct err e;

        rig_start(r);
        rig_start(to);
        si = ide(r)->ops->state;
        sx = platform(r)->ops->state;
        bi = malloc(state_bytes(si));
        bx = malloc(state_bytes(sx));
        assert_true(bi && bx);
        rig_out(r, 0x12, 2, 3);
        if (how & 2) /* the disks' state knows nothing of it */
            ni = state_save(si, ide(r), bi);
        rig_out(r, 0x10, 2, how & 4 ? 4 : 3);
        if (!(how & 2))
            ni = state_save(si, ide(r), bi);
        nx = state_save(sx, platform(r), bx);
        for (unsigned i = 0; i < 2; i++) {
            if ((how & 1) == i)
                assert_int_equal(state_load(si, ide(to), bi, ni, &e), 0);
            else
                assert_int_equal(state_load(sx, platform(to), bx, nx, &e), 0);
        }
        assert_int_equal(disks(to), how & 4 ? 1 : 0);
        assert_int_equal(g.disks[0], how & 4 ? 0 : 1);
        assert_int_equal(g.disks[1], 1);
        assert_int_equal(xenplat_events(platform(to)), 1);
        rig_out(to, 0x10, 2, 1);
        assert_int_equal(disks(to), 0);
        assert_int_equal(g.disks[0] + g.disks[1], 2);
        rig_firmware(to);
        dma(to, 0, 0xc8, 1, 1);
        dma(to, 1, 0xca, 1, 1);
        rig_free(r);
        rig_free(to);
        free(bi);
        free(bx);
    }
}

static void the_blacklist_is_asked(void **state)
{
    struct host h;
    struct rig *r = new_rig(&h);

    rig_start(r);
    h.product = "linux";
    rig_out(r, 0x12, 2, 3);
    rig_out(r, 0x10, 4, 8);
    assert_int_equal(rig_in(r, 0x10, 2), 0x49d2);
    rig_out(r, 0x10, 4, 7);
    assert_int_equal(rig_in(r, 0x10, 2), 0xd249);
    rig_out(r, 0x12, 2, 2);
    rig_out(r, 0x10, 4, 7);
    assert_int_equal(rig_in(r, 0x10, 2), 0x49d2);
    rig_out(r, 0x12, 2, 99); /* not registered: has no name */
    rig_out(r, 0x10, 4, 7);
    assert_int_equal(rig_in(r, 0x10, 2), 0x49d2);
    rig_free(r);
}

static void rescued(void **state)
{
    struct host h;
    struct rig *r = new_rig(&h);

    r->conf.ignore_unplug = true;
    rig_start(r);
    rig_out(r, 0x12, 2, 3);
    rig_out(r, 0x10, 4, 8);
    assert_int_equal(rig_in(r, 0x10, 2), 0xd249);
    rig_out(r, 0x10, 2, 7);
    assert_int_equal(disks(r), 3);
    machine_reset_devices(r->m);
    assert_false(xenplat_ignoring(platform(r)));
    assert_int_equal(rig_in(r, 0x10, 2), 0x49d2);
    rig_out(r, 0x10, 2, 7);
    assert_int_equal(disks(r), 0);
    rig_free(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mask),
        cmocka_unit_test(nothing_acknowledged_is_lost),
        cmocka_unit_test(in_the_middle),
        cmocka_unit_test(a_cd_goes_on),
        cmocka_unit_test(xsa_139_cve_2015_5166_twice_and_over_a_reset),
        cmocka_unit_test(nics_go_once),
        cmocka_unit_test(a_nic_goes_under_traffic),
        cmocka_unit_test(restored),
        cmocka_unit_test(the_blacklist_is_asked),
        cmocka_unit_test(rescued),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("unplug", tests, NULL, NULL);
}
