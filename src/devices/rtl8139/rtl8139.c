/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device: properties, PCI function, power states, cable, life cycle. */
#include "priv.h"

#include <errno.h>
#include <string.h>

#define REVISION_C     0x10u
#define REVISION_CPLUS 0x20u
#define ROM_BAR_MIN    2048u
#define ROM_MAX        (1u << 20)
#define PCI_CAP_PM     0x01u
#define PCI_MIN_GNT    0x3eu
#define PCI_MAX_LAT    0x3fu
#define STATUS_CAPS    0x10u

static const uint8_t default_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static size_t rom_mem(void *dev, uint32_t off, bool wr, void *buf, size_t len)
{
    const struct rtl *rtl = dev;
    size_t have = off < rtl->rom.size_bytes ? rtl->rom.size_bytes - off : 0;

    if (wr)
        return len;
    if (have > len)
        have = len;
    if (have)
        memcpy(buf, rtl->rom.data + off, have);
    memset((uint8_t *)buf + have, 0xff, len - have);
    return len;
}

static uint64_t rom_rd(void *dev, uint32_t off, unsigned size)
{
    uint8_t b[8];
    uint64_t val = 0;

    rom_mem(dev, off, false, b, size);
    for (unsigned i = 0; i < size; i++)
        val |= (uint64_t)b[i] << (8 * i);
    return val;
}

static void rom_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    (void)dev, (void)off, (void)size, (void)val; /* read-only */
}

static const struct io_ops rom_ops = {
    .rd = rom_rd, .wr = rom_wr, .mem = rom_mem, .min = 1, .max = 8};

/* The capability is at its place on the chip whether it is shown or not. */
void rtl_pm_update(struct rtl *rtl)
{
    uint8_t *cfg = rtl->s.cfg;
    bool on = (rtl->s.config1 & CONFIG1_PMEN) != 0;

    cfg[PCI_CAP_PTR] = on ? RTL_PMCAP : 0;
    cfg[PCI_STATUS] &= (uint8_t)~STATUS_CAPS;
    cfg[PCI_STATUS] |= on ? STATUS_CAPS : 0;
}

/* Data moves, or no longer; the wire and the counter follow. */
static void power_changed(struct rtl *rtl)
{
    rtl_timer_check(rtl);
    rtl_irq_update(rtl);
    rtl_timer_arm(rtl);
    rtl_rx_update(rtl);
    rtl_tx_resume(rtl);
}

static void config_wrote(struct dev *dev, unsigned reg, unsigned size)
{
    struct rtl *rtl = (struct rtl *)dev;

    if (reg <= RTL_PMCSR && reg + size > RTL_PMCSR)
        power_changed(rtl);
    if (reg < PCI_STATUS && reg + size > PCI_COMMAND) {
        rtl_tx_resume(rtl); /* it may be bus master now */
        rtl_rx_update(rtl);
    }
}

static void init_config(struct rtl *rtl, unsigned revision)
{
    const struct pci_id id = {
        .vendor = 0x10ec,
        .device = 0x8139,
        .subsys_vendor = 0x1af4,
        .subsys = 0x1100,
        .revision = (uint8_t)revision,
        .class_code = 0x0200,
        .int_pin = 1,
    };
    struct pci_dev *pd = &rtl->pci;

    pci_setup(pd, &rtl->dev, rtl->s.cfg, &id);
    pci_put(pd, PCI_STATUS, 2, 0x0280); /* medium DEVSEL, back-to-back */
    pci_put(pd, PCI_MIN_GNT, 1, RTL_MIN_GNT);
    pci_put(pd, PCI_MAX_LAT, 1, RTL_MAX_LAT);
    pci_put(pd, RTL_PMCAP, 1, PCI_CAP_PM);
    pci_put(pd, RTL_PMCAP + 2, 2, RTL_PMC);
    pci_set_mask(pd, RTL_PMCSR, 1, PMCSR_STATE);
    pd->wrote = config_wrote;
    pci_set_bar(pd, 0, SPACE_PIO, RTL_REG_BYTES, false, &rtl_io_ops, rtl, NULL);
    pci_set_bar(pd, 1, SPACE_MMIO, RTL_REG_BYTES, false, &rtl_io_ops, rtl,
                NULL);
}

static int init_pci(struct rtl *rtl, const struct conf *conf, struct err *err)
{
    unsigned devfn = (unsigned)conf_num(conf, "devfn", PCI_DEVFN_AUTO);
    uint64_t revision = conf_num(conf, "revision", REVISION_CPLUS);
    uint32_t rom_bytes = ROM_BAR_MIN;
    int rc;

    if (revision != REVISION_C && revision != REVISION_CPLUS)
        return err_set(err, -EINVAL,
                       "an rtl8139 has revision %#x (RTL8139C) or %#x "
                       "(RTL8139C+), not %#llx",
                       REVISION_C, REVISION_CPLUS,
                       (unsigned long long)revision);
    rtl->cplus = revision >= REVISION_CPLUS;
    init_config(rtl, (unsigned)revision);
    while (rom_bytes < rtl->rom.size_bytes)
        rom_bytes *= 2;
    if (rtl->rom.size_bytes)
        pci_set_bar(&rtl->pci, PCI_BAR_ROM, SPACE_MMIO, rom_bytes, false,
                    &rom_ops, rtl, NULL);
    rc = pci_add(rtl->dev.env.pci, &rtl->pci, devfn);
    if (rc == -ENOSPC)
        return err_set(err, rc, "there is no PCI slot left for an rtl8139");
    if (rc)
        return err_set(err, rc, "rtl8139: PCI device %02x.%u is taken",
                       PCI_SLOT(devfn), PCI_FN(devfn));
    return 0;
}

static void net_tx_ready(void *dev)
{
    struct rtl *rtl = dev;

    rtl->w.tx_full = false;
    rtl_tx_resume(rtl);
}

static void net_link(void *dev, bool up)
{
    (void)up;
    rtl_phy_link(dev);
}

static void plug(struct rtl *rtl, struct net *net)
{
    rtl->net = net;
    if (!net)
        return;
    net->dev = rtl;
    net->rx = rtl_rx;
    net->rx_end = rtl_rx_end;
    net->tx_ready = net_tx_ready;
    net->link = net_link;
}

/* Nothing is heard of the cable any more, whoever owns it then. */
static void unplug_net(struct rtl *rtl)
{
    struct net *net = rtl->net;

    rtl->net = NULL;
    if (!net)
        return;
    net->rx = NULL;
    net->rx_end = NULL;
    net->tx_ready = NULL;
    net->link = NULL;
    net->dev = NULL;
    if (net->ops->rx_on)
        net->ops->rx_on(net, false);
}

static void more_fire(void *dev)
{
    rtl_tx_resume(dev);
}

static int rtl_init(struct dev *dev, const struct conf *conf, struct err *err)
{
    struct rtl *rtl = (struct rtl *)dev;
    const uint8_t *mac = conf_ptr(conf, "mac");
    const struct rom *rom = conf_ptr(conf, "rom");
    int rc;

    memcpy(rtl->mac, mac ? mac : default_mac, sizeof(rtl->mac));
    if (rtl->mac[0] & 1)
        return err_set(err, -EINVAL,
                       "%02x:%02x:%02x:%02x:%02x:%02x is a multicast address; "
                       "a network card's first octet is even",
                       rtl->mac[0], rtl->mac[1], rtl->mac[2], rtl->mac[3],
                       rtl->mac[4], rtl->mac[5]);
    if (rom && rom->size_bytes > ROM_MAX)
        return err_set(err, -EINVAL,
                       "the option ROM of an rtl8139 is larger than 1 MiB");
    if (rom)
        rtl->rom = *rom;
    timer_init(&rtl->timer, dev->env.clock, rtl_timer_fire, rtl);
    timer_init(&rtl->more, dev->env.clock, more_fire, rtl);
    rtl->s.cable = 1;
    rc = init_pci(rtl, conf, err);
    if (rc == 0)
        plug(rtl, conf_ptr(conf, "net"));
    return rc;
}

/* What the administrator or PV drivers did to it outlives a reset. */
static void clear_state(struct rtl *rtl, enum reset_kind kind)
{
    struct rtl_state *s = &rtl->s;
    uint16_t words[sizeof(s->ee_word) / sizeof(s->ee_word[0])];
    uint8_t cfg[sizeof(s->cfg)], cable = s->cable, gone = s->gone;

    memcpy(cfg, s->cfg, sizeof(cfg));
    memcpy(words, s->ee_word, sizeof(words));
    memset(s, 0, sizeof(*s));
    memcpy(s->cfg, cfg, sizeof(cfg));
    s->cable = cable;
    s->gone = gone;
    rtl_regs_power_on(rtl);
    if (kind == RESET_POWER)
        rtl_eeprom_fill(rtl, rtl->mac);
    else
        memcpy(s->ee_word, words, sizeof(words));
    s->ee_do = 1;
}

static void rtl_reset(struct dev *dev, enum reset_kind kind)
{
    struct rtl *rtl = (struct rtl *)dev;

    timer_cancel(&rtl->timer);
    timer_cancel(&rtl->more);
    clear_state(rtl, kind);
    pci_reset(&rtl->pci);
    rtl_eeprom_load(rtl);
    rtl_soft_reset(rtl);
}

static void rtl_pause(struct dev *dev, bool on)
{
    struct rtl *rtl = (struct rtl *)dev;

    rtl->paused = on;
    rtl_tell_now(rtl); /* what is held back is not saved */
    rtl_rx_update(rtl);
    if (!on)
        rtl_tx_resume(rtl);
}

static void rtl_fini(struct dev *dev)
{
    struct rtl *rtl = (struct rtl *)dev;

    timer_cancel(&rtl->timer);
    timer_cancel(&rtl->more);
    unplug_net(rtl);
}

/* All work is done when a call returns: there is nothing in flight. */
const struct dev_ops rtl8139_ops = {
    .name = "rtl8139",
    .size = sizeof(struct rtl),
    .init = rtl_init,
    .reset = rtl_reset,
    .pause = rtl_pause,
    .fini = rtl_fini,
    .state = &rtl_state_desc,
};

void rtl8139_set_link(struct dev *dev, bool up)
{
    struct rtl *rtl = (struct rtl *)dev;

    rtl->s.cable = up;
    rtl_phy_link(rtl);
}

void rtl8139_unplug(struct dev *dev)
{
    struct rtl *rtl = (struct rtl *)dev;

    rtl->s.gone = 1;
    rtl->returned = true;
    rtl->rom = (struct rom){NULL, 0};
    unplug_net(rtl);
    rtl->rom = (struct rom){.data = NULL}; /* its owner may free it now */
    rtl_phy_link(rtl);
    rtl_irq_update(rtl);
    timer_cancel(&rtl->timer);
    timer_cancel(&rtl->more);
    pci_set_present(&rtl->pci, false);
}

void rtl8139_filter(const struct dev *dev, struct rtl8139_filter *f)
{
    const struct rtl *rtl = (const struct rtl *)dev;
    const struct rtl_state *s = &rtl->s;

    *f = (struct rtl8139_filter){
        .promiscuous = (s->rcr & RCR_AAP) != 0,
        .unicast = (s->rcr & RCR_APM) != 0,
        .multicast = (s->rcr & RCR_AM) != 0,
        .broadcast = (s->rcr & RCR_AB) != 0,
        .link = rtl_link(rtl),
        .receiver = (s->cr & CR_RE) != 0,
        .transmitter = (s->cr & CR_TE) != 0,
    };
    memcpy(f->mac, s->idr, sizeof(f->mac));
    for (unsigned i = 0; i < sizeof(s->mar); i++)
        f->mar |= (uint64_t)s->mar[i] << (8 * i);
    f->multicast_all = f->multicast && f->mar == UINT64_MAX;
}

void rtl8139_stats(const struct dev *dev, struct rtl8139_stats *out)
{
    *out = ((const struct rtl *)dev)->stats;
}
