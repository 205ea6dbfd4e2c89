/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI function, power states, option ROM, cable, unplug, life cycle. */
#include "rig.h"

#include <string.h>

static void identity(void **state)
{
    struct rig *r = rig_new();

    assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), 0x813910ec);
    assert_int_equal(rig_cfg(r, PCI_REVISION, 4), 0x02000020);
    assert_int_equal(rig_cfg(r, PCI_SUBSYS_VENDOR, 4), 0x11001af4);
    assert_int_equal(rig_cfg(r, PCI_INTERRUPT_PIN, 1), 1);
    assert_int_equal(rig_cfg(r, PCI_STATUS, 2), 0x0290);
    rig_cfg_wr(r, PCI_BAR0, 4, 0xffffffff);
    rig_cfg_wr(r, PCI_BAR0 + 4, 4, 0xffffffff);
    rig_cfg_wr(r, PCI_ROM, 4, 0xffffffff);
    assert_int_equal(rig_cfg(r, PCI_BAR0, 4), 0xffffff01);
    assert_int_equal(rig_cfg(r, PCI_BAR0 + 4, 4), 0xffffff00);
    assert_int_equal(rig_cfg(r, PCI_ROM, 4), 0);
    for (unsigned n = 2; n < 6; n++) {
        rig_cfg_wr(r, PCI_BAR0 + 4 * n, 4, 0xffffffff);
        assert_int_equal(rig_cfg(r, PCI_BAR0 + 4 * n, 4), 0);
    }
    rig_free(r);
    (void)state;
}

/* Config space has no other writable bytes than the table of the sheet. */
static void config_masks(void **state)
{
    struct rig *r = rig_new();

    rig_cfg_wr(r, PCI_COMMAND, 2, 0);
    for (unsigned i = PCI_BAR0 + 8; i < 256; i++) {
        uint8_t was = (uint8_t)rig_cfg(r, i, 1), now;

        if (i == PCI_INTERRUPT_LINE || i == RTL_PMCSR)
            continue;
        rig_cfg_wr(r, i, 1, (uint8_t)~was);
        now = (uint8_t)rig_cfg(r, i, 1);
        assert_int_equal(now, was);
    }
    rig_free(r);
    (void)state;
}

/* BARs moved and switched, both windows on the same registers */
static void windows(void **state)
{
    struct rig *r = rig_new();
    struct bus *bus = &r->b->bus;

    for (unsigned i = 0; i < 64; i++) {
        uint16_t cmd = (i & 3) | PCI_COMMAND_MASTER;
        uint64_t pio = 0x1000 + 0x100 * i, mmio = 0xf0000000 + 0x1000 * i;

        rig_cfg_wr(r, PCI_BAR0, 4, (uint32_t)pio);
        rig_cfg_wr(r, PCI_BAR0 + 4, 4, (uint32_t)mmio);
        rig_cfg_wr(r, PCI_COMMAND, 2, cmd);
        assert_int_equal(bus_read(bus, SPACE_PIO, pio + RTL_RERID, 1),
                         cmd & PCI_COMMAND_IO ? 0x20 : 0xff);
        assert_int_equal(bus_read(bus, SPACE_MMIO, mmio + RTL_RERID, 1),
                         cmd & PCI_COMMAND_MEMORY ? 0x20 : 0xff);
        bus_write(bus, SPACE_PIO, pio + RTL_MAR0, 4, i);
        if (cmd & PCI_COMMAND_IO)
            assert_int_equal(r->rtl->s.mar[0], i);
        bus_write(bus, SPACE_MMIO, mmio + RTL_MAR0, 8, 0x1122334455667788);
        if (cmd & PCI_COMMAND_MEMORY)
            assert_memory_equal(r->rtl->s.mar,
                                "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
        assert_int_equal(bus_read(bus, SPACE_PIO, RIG_PIO + RTL_RERID, 1),
                         0xff);
    }
    /* On top of each other: sizing with the decoders on */
    rig_cfg_wr(r, PCI_COMMAND, 2, 7);
    rig_cfg_wr(r, PCI_BAR0, 4, 0xffffffff);
    rig_cfg_wr(r, PCI_BAR0 + 4, 4, 0xffffffff);
    rig_cfg_wr(r, PCI_BAR0, 4, RIG_PIO);
    rig_cfg_wr(r, PCI_BAR0 + 4, 4, RIG_MMIO);
    assert_int_equal(rig_rd1(r, RTL_RERID), 0x20);
    rig_free(r);
    (void)state;
}

static void option_rom(void **state)
{
    uint8_t data[5000];
    struct rom rom = {data, sizeof(data)};
    struct rig *r;
    struct bus *bus;
    uint8_t out[16];

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    r = rig_new_for(0x20, true, &rom);
    bus = &r->b->bus;
    rig_cfg_wr(r, PCI_ROM, 4, 0xffffffff);
    assert_int_equal(rig_cfg(r, PCI_ROM, 4), 0xffffe001);
    rig_cfg_wr(r, PCI_ROM, 4, 0xe1000001);
    assert_int_equal(bus_read(bus, SPACE_MMIO, 0xe1000003, 4),
                     data[3] | data[4] << 8 | data[5] << 16 |
                         (uint32_t)data[6] << 24);
    bus_write(bus, SPACE_MMIO, 0xe1000000, 4, 0);
    bus_copy(bus, 0xe1000000 + 4992, 1, false, out, sizeof(out));
    assert_memory_equal(out, data + 4992, 8);
    assert_memory_equal(out + 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_int_equal(bus_read(bus, SPACE_MMIO, 0xe1001ff8, 8), UINT64_MAX);
    rig_free(r);
    (void)state;
}

static void refused(void **state)
{
    struct bench *b = bench_new(RIG_RAM);
    static uint8_t group[6] = {0x01, 0, 0, 0, 0, 0};
    struct rom big = {group, (1u << 20) + 1};
    static const char *const what[] = {"multicast", "1 MiB", "revision",
                                       "is taken"};
    struct dev *first;
    struct conf none = {.n = 0};
    struct err e;

    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    conf_set_num(&none, "devfn", PCI_DEVFN(5, 0));
    first = dev_new(&rtl8139_ops, &b->env, 0, &none, &e);
    assert_non_null(first);
    for (unsigned i = 0; i < 4; i++) {
        struct conf c = {.n = 0};

        if (i == 0)
            conf_set_ptr(&c, "mac", group);
        else if (i == 1)
            conf_set_ptr(&c, "rom", &big);
        else if (i == 2)
            conf_set_num(&c, "revision", 0x30);
        else
            conf_set_num(&c, "devfn", PCI_DEVFN(5, 0));
        assert_null(dev_new(&rtl8139_ops, &b->env, 1, &c, &e));
        assert_non_null(strstr(e.text, what[i]));
    }
    dev_free(first);
    pci_bus_free(b->env.pci);
    bench_free(b);
    (void)state;
}

/* As many as there are slots; the next one is refused with a sentence. */
static void full_bus(void **state)
{
    struct bench *b = bench_new(RIG_RAM);
    struct dev *d[32] = {NULL};
    unsigned n = 0;
    struct err e;

    b->env.pci = pci_bus_new(&b->hv, &b->bus, &b->gmem);
    while (n < 32 && (d[n] = dev_new(&rtl8139_ops, &b->env, n, NULL, &e)))
        n++;
    assert_int_equal(n, 30); /* slots 2 to 31 */
    assert_non_null(strstr(e.text, "no PCI slot left"));
    while (n-- > 0)
        dev_free(d[n]);
    pci_bus_free(b->env.pci);
    bench_free(b);
    (void)state;
}

static void capability(void **state)
{
    struct rig *r = rig_new();

    assert_int_equal(rig_cfg(r, PCI_CAP_PTR, 1), RTL_PMCAP);
    assert_int_equal(rig_cfg(r, RTL_PMCAP, 4), RTL_PMC << 16 | 0x0001);
    rig_unlock(r, true);
    rig_wr1(r, RTL_CONFIG1, 0);
    assert_int_equal(rig_cfg(r, PCI_CAP_PTR, 1), 0);
    assert_int_equal(rig_cfg(r, PCI_STATUS, 2), 0x0280);
    r = rig_move(r);
    assert_int_equal(rig_cfg(r, PCI_CAP_PTR, 1), 0);
    rig_unlock(r, true);
    rig_wr1(r, RTL_CONFIG1, 0xff);
    assert_int_equal(rig_cfg(r, PCI_STATUS, 2), 0x0290);
    assert_int_equal(rig_cfg(r, PCI_CAP_PTR, 1), RTL_PMCAP);
    rig_free(r);
    (void)state;
}

/* Below D0 only config space answers; what was set is there afterwards. */
static void power_states(void **state)
{
    static const uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct rig *r = rig_new();

    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    rig_wr4(r, RTL_RCR, RCR_AB);
    rig_wr4(r, RTL_RBSTART, 0x10000);
    rig_wr2(r, RTL_IMR, INT_ALL);
    rig_wr4(r, RTL_TCTR, 0);
    rig_wr4(r, RTL_TIMERINT, 1000);
    for (unsigned d = 1; d <= 3; d++) {
        rtl_isr(r->rtl, INT_LENCHG);
        assert_true(rig_irq(r));
        rig_cfg_wr(r, RTL_PMCSR, 2, d);
        assert_int_equal(rig_cfg(r, RTL_PMCSR, 2), d);
        assert_false(rig_irq(r));
        assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
        assert_int_equal(rig_rd4(r, RTL_TCR), 0xffffffff);
        rig_wr2(r, RTL_IMR, 0);
        assert_true(net_mem_put(r->net, frame, sizeof(frame))); /* unheard */
        r = rig_move(r);
        assert_int_equal(rig_rd1(r, RTL_RERID), 0xff);
        rig_cfg_wr(r, RTL_PMCSR, 2, 0xfffc); /* D0, no other bit */
        assert_int_equal(rig_cfg(r, RTL_PMCSR, 2), 0);
        assert_true(rig_irq(r));
        assert_int_equal(rig_rd2(r, RTL_IMR), INT_ALL);
        assert_int_equal(rig_rd2(r, RTL_ISR), INT_LENCHG);
        rig_wr2(r, RTL_ISR, INT_ALL);
        assert_false(rig_irq(r));
        assert_int_not_equal(clock_next(&r->b->clock), TIMER_NEVER);
    }
    assert_true(net_mem_put(r->net, frame, sizeof(frame)));
    net_mem_rx_end(r->net);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK);
    assert_int_equal(rig_rd2(r, RTL_CBR), 68);
    rig_free(r);
    (void)state;
}

static void unplug(void **state)
{
    struct rig *r = rig_new();
    unsigned claims = r->b->pci_claims;

    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    rig_wr2(r, RTL_IMR, INT_ALL);
    rig_wr4(r, RTL_TIMERINT, 1000);
    rtl_isr(r->rtl, INT_ROK);
    assert_true(rig_irq(r));
    for (unsigned i = 0; i < 3; i++) {
        rtl8139_unplug(r->dev);
        assert_false(rig_irq(r));
        assert_null(r->net->rx);
        assert_null(r->net->link);
        assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
        assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), 0xffffffff);
        rig_cfg_wr(r, PCI_COMMAND, 2, 7);
        assert_int_equal(rig_rd4(r, RTL_TCR), 0xffffffff);
        rig_wr1(r, RTL_CR, CR_RST);
        assert_int_equal(r->b->pci_claims, claims - 1);
        rtl8139_set_link(r->dev, i & 1);
        r->dev->ops->pause(r->dev, true);
        r->dev->ops->pause(r->dev, false);
        assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    }
    r = rig_move(r); /* as gone on the other side */
    assert_null(r->net->rx);
    assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), 0xffffffff);
    assert_int_equal(r->b->pci_claims, claims - 1);
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), 0xffffffff);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    rig_free(r);
    (void)state;
}

/* What it borrowed is given back: no saved state makes it use that again. */
static void unplug_is_for_good(void **state)
{
    uint8_t data[512] = {0x55, 0xaa}, buf[4096];
    struct rom rom = {data, sizeof(data)};
    struct rig *r = rig_new_for(0x20, true, &rom);
    size_t n = state_bytes(&rtl_state_desc);
    struct err e;

    assert_true(n <= sizeof(buf));
    rig_cfg_wr(r, PCI_ROM, 4, 0xe1000001);
    assert_int_equal(bus_read(&r->b->bus, SPACE_MMIO, 0xe1000000, 1), 0x55);
    state_save(&rtl_state_desc, r->dev, buf);
    rtl8139_unplug(r->dev);
    assert_int_equal(state_load(&rtl_state_desc, r->dev, buf, n, &e), 0);
    assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), 0xffffffff);
    assert_int_equal(bus_read(&r->b->bus, SPACE_MMIO, 0xe1000000, 1), 0xff);
    assert_null(r->rtl->rom.data);
    assert_null(r->rtl->net);
    rig_free(r);
    (void)state;
}

static void resets(void **state)
{
    struct rig *r = rig_new();

    for (unsigned kind = RESET_POWER; kind <= RESET_BUS; kind++) {
        rig_wr1(r, RTL_CR, CR_RE | CR_TE);
        rig_wr2(r, RTL_IMR, INT_ALL);
        rig_wr4(r, RTL_TIMERINT, 1000);
        rig_wr4(r, RTL_MAR0, 0xffffffff);
        rtl_isr(r->rtl, INT_ROK);
        assert_true(rig_irq(r));
        r->dev->ops->reset(r->dev, (enum reset_kind)kind);
        assert_false(rig_irq(r));
        assert_int_equal(rig_cfg(r, PCI_COMMAND, 2), 0);
        assert_int_equal(rig_cfg(r, PCI_BAR0, 4), 1);
        assert_int_equal(rig_rd1(r, RTL_RERID), 0xff);
        assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
        rig_cfg_wr(r, PCI_BAR0, 4, RIG_PIO);
        rig_cfg_wr(r, PCI_COMMAND, 2, 7);
        assert_int_equal(rig_rd1(r, RTL_CR), CR_BUFE);
        assert_int_equal(rig_rd4(r, RTL_MAR0), 0);
        assert_int_equal(rig_rd4(r, RTL_IDR0), 0x123e1600);
        assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    }
    rig_free(r);
    (void)state;
}

/* Paused: nothing to the cable and nothing from it; then what waited. */
static void pausing(void **state)
{
    static const uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct rig *r = rig_new();
    uint32_t len;

    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    rig_wr4(r, RTL_RCR, RCR_AB);
    rig_wr4(r, RTL_RBSTART, 0x10000);
    r->dev->ops->pause(r->dev, true);
    assert_false(net_mem_rx_is_on(r->net));
    assert_false(net_mem_put(r->net, frame, sizeof(frame)));
    rig_wr4(r, RTL_TSAD0, 0x20000);
    rig_wr4(r, RTL_TSD0, 100);
    assert_null(net_mem_sent(r->net, &len));
    assert_int_equal(rig_rd4(r, RTL_TSD0), 100);
    r->dev->ops->pause(r->dev, false);
    assert_non_null(net_mem_sent(r->net, &len));
    assert_int_equal(len, 100);
    assert_true(rig_rd4(r, RTL_TSD0) & TSD_TOK);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(net_mem_put(r->net, frame, sizeof(frame)));
    rig_free(r);
    (void)state;
}

/*
 * Loopback into the rings it is fed from: each frame hands over the next two
 * descriptors of both. It goes on without the guest, but slowly.
 */
static void loopback_feeds_itself(void **state)
{
    const uint32_t tx = 0x4000, rx = 0x1000 - 16, len = 310;
    const uint32_t desc[8] = {0x80000000 | RTL_DESC_FS | RTL_DESC_LS | len,
                              tx,
                              0xc0000000 | RTL_DESC_FS | RTL_DESC_LS | len,
                              tx,
                              0x80000600,
                              rx,
                              0xc0000600,
                              rx};
    struct rig *r = rig_new();
    uint8_t *frame = r->b->ram + tx;

    memset(frame, 0xff, 6);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t at = (i < 2 ? 0 : 0x100) + i % 2 * 16;

        for (unsigned k = 0; k < 2; k++) {
            memcpy(frame + 16 + at + 8 * k, &desc[2 * i + k], 4);
            memcpy(r->b->ram + 0x1000 + at + 8 * k, &desc[2 * i + k], 4);
        }
    }
    rig_wr2(r, RTL_CPCR, CPCR_RX | CPCR_TX);
    rig_wr4(r, RTL_TNPDS, 0x1000);
    rig_wr4(r, RTL_RDSAR, 0x1100);
    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    rig_wr4(r, RTL_RCR, RCR_AB);
    rig_wr4(r, RTL_TCR, TCR_LBK);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    bench_step(r->b, 10 * NS_PER_MS);
    assert_in_range(r->rtl->stats.rx_frames, 150, 200); /* one in 50 us */
    rig_wr4(r, RTL_TCR, 0);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    rig_free(r);
    (void)state;
}

/* Descriptors that make no frame use up the budget: no reason to be early. */
static void loopback_behind_broken_descriptors(void **state)
{
    struct rig *r = rig_new();
    uint8_t *frame = r->b->ram + 0x4000, *ring = r->b->ram + 0x1000;
    const uint32_t good[2] = {0x80000000 | RTL_DESC_FS | RTL_DESC_LS | 1100,
                              0x4000};
    const uint32_t bad = 0x80000010, put[8] = {0x80000600, 0, 0x1000 - 16, 0,
                                               0xc0000600, 0, 0x1000 - 16, 0};

    /* the frame is the ring of 64 and what it comes back to: both anew */
    memcpy(frame + 16, &good[0], 4);
    memcpy(frame + 16 + 8, &good[1], 4);
    for (unsigned i = 1; i < 64; i++)
        memcpy(frame + 16 + 16 * i, &bad, 4);
    memcpy(frame + 16 + 1024, put, sizeof(put));
    memset(frame, 0xff, 6);
    memcpy(ring, frame + 16, 1024 + sizeof(put));
    rig_wr2(r, RTL_CPCR, CPCR_RX | CPCR_TX);
    rig_wr4(r, RTL_TNPDS, 0x1000);
    rig_wr4(r, RTL_RDSAR, 0x1400);
    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    rig_wr4(r, RTL_RCR, RCR_AB);
    rig_wr4(r, RTL_TCR, TCR_LBK);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    bench_step(r->b, 10 * NS_PER_MS);
    assert_in_range(r->rtl->stats.rx_frames, 50, 120);
    rig_free(r);
}

static void filter_report(void **state)
{
    struct rig *r = rig_new();
    struct rtl8139_filter f;

    rtl8139_filter(r->dev, &f);
    assert_memory_equal(f.mac, rig_mac, 6);
    assert_true(f.link);
    assert_false(f.receiver || f.transmitter || f.promiscuous || f.unicast);
    rig_wr1(r, RTL_CR, CR_RE);
    rig_wr4(r, RTL_RCR, RCR_APM | RCR_AM | RCR_AB);
    rig_wr4(r, RTL_MAR0, 0x01020304);
    rig_wr4(r, RTL_MAR0 + 4, 0x80000000);
    rtl8139_filter(r->dev, &f);
    assert_true(f.receiver && f.unicast && f.multicast && f.broadcast);
    assert_false(f.promiscuous || f.multicast_all || f.transmitter);
    assert_true(f.mar == 0x8000000001020304);
    rig_wr1(r, RTL_CR, CR_TE);
    rig_wr4(r, RTL_RCR, RCR_AAP | RCR_AM);
    rig_wr4(r, RTL_MAR0, 0xffffffff);
    rig_wr4(r, RTL_MAR0 + 4, 0xffffffff);
    rtl8139_filter(r->dev, &f);
    assert_true(f.promiscuous && f.multicast_all && f.transmitter);
    assert_false(f.unicast || f.broadcast || f.receiver);
    rig_free(r);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity),
        cmocka_unit_test(config_masks),
        cmocka_unit_test(windows),
        cmocka_unit_test(option_rom),
        cmocka_unit_test(refused),
        cmocka_unit_test(full_bus),
        cmocka_unit_test(capability),
        cmocka_unit_test(power_states),
        cmocka_unit_test(unplug),
        cmocka_unit_test(unplug_is_for_good),
        cmocka_unit_test(resets),
        cmocka_unit_test(pausing),
        cmocka_unit_test(loopback_feeds_itself),
        cmocka_unit_test(loopback_behind_broken_descriptors),
        cmocka_unit_test(filter_report),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
