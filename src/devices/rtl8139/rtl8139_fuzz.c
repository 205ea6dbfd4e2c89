/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile driver, a hostile wire and an administrator at the RTL8139. The
 * state must always be one that registers can reach, and no memory may stay
 * pinned. FUZZ_START is how the targets differ: what go() is told first, or
 * nothing.
 */
#include "../../bench/steps.h"
#include "priv.h"

#include <string.h>

#define RAM   (128u << 10)
#define PIO   0xc000u
#define MMIO  0xe0000000u
#define ROM   0xe1000000u
#define DEVFN PCI_DEVFN(4, 0)
/* Packets for the transmit descriptors, each of its own length */
#define SLOTS       16u
#define SLOT_GPA(n) (0x8000u + (n)*0x800u)
#define SLOT_LEN(n) (40u + (n)*100u)

static const struct steps_window windows[] = {
    {IO_PIO, PIO, 256},        {IO_MMIO, MMIO, 256},
    {IO_PCI, DEVFN << 8, 256}, {IO_MMIO, ROM, 8192},
    {IO_PIO, PIO + 0x10, 32}, /* TSD, TSAD */
    {IO_PIO, PIO + 0x30, 64},
};

/* What a driver sets up; a 1: C+ mode, 2: one transmit ring, 4 and 8: where
 * the receive rings lie, loopback in the 16s place. */
static void go(struct steps *s, unsigned how, uint32_t rcr)
{
    steps_out(s, PIO + RTL_CPCR, 2,
              how & 1 ? CPCR_TX | CPCR_RX | CPCR_RXCHKSUM | CPCR_RXVLAN : 0);
    steps_out(s, PIO + RTL_TNPDS, 4, 0x1000);
    steps_out(s, PIO + RTL_THPDS, 4, how & 2 ? 0x1000 : 0x1400);
    steps_out(s, PIO + RTL_RDSAR, 4, how & 4 ? 0x1000 : 0x1800);
    steps_out(s, PIO + RTL_RBSTART, 4, how & 8 ? 0x1000 : 0x4000);
    steps_out(s, PIO + RTL_CR, 1, CR_RE | CR_TE);
    steps_out(s, PIO + RTL_RCR, 4, rcr | RCR_AB);
    steps_out(s, PIO + RTL_TCR, 4, how & 16 ? TCR_LBK : 0);
    steps_out(s, PIO + RTL_IMR, 2, 0xffff);
}

/* A descriptor of a ring, owned by the chip more often than not. */
static void descriptor(struct steps *s, unsigned a)
{
    uint32_t at = 0x1000 + take8(&s->in) % 192 * 16u;
    uint32_t flags = take8(&s->in), n = take8(&s->in) % SLOTS;
    uint32_t d[4] = {SLOT_LEN(n), 0, SLOT_GPA(n), 0};

    if (flags & 32)
        d[0] = (uint32_t)take(&s->in, 4);
    if (flags & 3)
        d[0] |= RTL_DESC_OWN;
    if (flags & 12)
        d[0] |= RTL_DESC_FS | RTL_DESC_LS;
    if (flags & 16)
        d[0] |= (uint32_t)take(&s->in, 2) << 16;
    if (flags & 64)
        d[2] = (uint32_t)take(&s->in, 4);
    if (flags & 128)
        d[1] = (uint32_t)take(&s->in, 3);
    if (a & 1) /* the last of its ring */
        d[0] |= 1u << 30;
    steps_poke(s, at, d, sizeof(d));
}

static unsigned descriptor_bytes(struct bytes in)
{
    uint32_t flags = (uint32_t)take(&in, 2) >> 8;

    return 3 + (flags & 32 ? 4 : 0) + (flags & 16 ? 2 : 0) +
           (flags & 64 ? 4 : 0) + (flags & 128 ? 3 : 0);
}

/*
 * Headers that offload looks into, right but for what the input says. a 1:
 * IPv6, 2: tagged, 4: UDP, 8: an IP option. p has room for 2048 bytes.
 */
static void headers(uint8_t *p, uint32_t len, unsigned a, struct bytes *in)
{
    uint8_t flags = take8(in), odd = take8(in), val = take8(in);
    unsigned at = a & 2 ? 18 : 14, l4;

    memset(p, flags & 1 ? 0xff : 0x02, 12);
    memcpy(p + 12, "\x81\x00\x00\x05", 4);
    memcpy(p + at - 2, a & 1 ? "\x86\xdd" : "\x08\x00", 2);
    p[at] = a & 1 ? 0x60 : a & 8 ? 0x46 : 0x45;
    l4 = at + (a & 1 ? 40 : a & 8 ? 24 : 20);
    p[at + 2] = (uint8_t)((len - at) >> 8);
    p[at + 3] = (uint8_t)(len - at);
    p[at + 4] = (uint8_t)((len - l4) >> 8);
    p[at + 5] = (uint8_t)(len - l4);
    p[at + 6] = a & 4 ? 17 : 6; /* of IPv6; a fragment of IPv4 */
    p[at + 7] = 0;
    if (!(a & 1))
        p[at + 6] = flags & 2 ? 0x20 : 0;
    p[at + 9] = a & 4 ? 17 : 6;
    if (a & 4) {
        p[l4 + 4] = (uint8_t)((len - l4) >> 8);
        p[l4 + 5] = (uint8_t)(len - l4);
    } else {
        p[l4 + 12] = 0x50;
    }
    if (flags & 4)
        p[at + odd % 48] = val;
    if (flags & 8)
        p[l4 + odd % 20] = val;
    if (flags & 16)
        p[odd % 14] = val;
}

/* flags 64: a frame arrives, else: the memory of a slot */
static void packet(struct steps *s, unsigned a)
{
    uint8_t p[2048] = {0};
    uint32_t how = take8(&s->in), n = how % SLOTS;
    uint32_t len =
        how & 64 ? 60 + (uint32_t)take(&s->in, 2) % 1500 : SLOT_LEN(n);

    headers(p, len, a, &s->in);
    if (!(how & 64))
        steps_poke(s, SLOT_GPA(n), p, len);
    else if (s->net)
        net_mem_put(s->net, p, len);
}

/* The 93C46: an instruction, whole or broken off, by its pins */
static void eeprom(struct steps *s)
{
    uint32_t bits = (uint32_t)take(&s->in, 4);
    unsigned n = take8(&s->in) % 64u;
    uint8_t base = EEM_PROGRAM | EE_CS;

    steps_out(s, PIO + RTL_9346CR, 1, EEM_PROGRAM);
    for (unsigned i = 0; i < n; i++) {
        bool di = i == 0 || (bits >> (31 - i % 32) & 1);
        uint8_t pins = (uint8_t)(base | (di ? EE_DI : 0));

        steps_out(s, PIO + RTL_9346CR, 1, pins);
        steps_out(s, PIO + RTL_9346CR, 1, pins | EE_SK);
        steps_io(s, IO_PIO, false, PIO + RTL_9346CR, 1, 0);
    }
    steps_out(s, PIO + RTL_9346CR, 1, n & 1 ? EEM_NORMAL : EEM_LOAD);
}

static void administrator(struct steps *s, unsigned a)
{
    uint8_t how;

    if (a < 2) {
        rtl8139_set_link(s->dev[0], a & 1);
    } else if (a < 4) {
        how = take8(&s->in);
        go(s, how, (uint32_t)take(&s->in, 3));
    } else if (a < 8) {
        eeprom(s);
    } else if (a == 8) {
        rtl8139_unplug(s->dev[0]);
    }
}

static void own(struct steps *s, unsigned n, unsigned a)
{
    if (n == 0)
        descriptor(s, a);
    else if (n == 1)
        packet(s, a);
    else
        administrator(s, a);
}

static unsigned own_bytes(struct bytes in, unsigned n, unsigned a)
{
    if (n == 0)
        return descriptor_bytes(in);
    if (n == 1)
        return take8(&in) & 64 ? 6 : 4;
    return a < 2 || a > 7 ? 0 : a < 4 ? 4 : 5;
}

static void place(struct steps *s)
{
    steps_cfg(s, DEVFN, PCI_BAR0, 4, PIO);
    steps_cfg(s, DEVFN, PCI_BAR0 + 4, 4, MMIO);
    steps_cfg(s, DEVFN, PCI_ROM, 4, ROM | 1);
    steps_cfg(s, DEVFN, PCI_COMMAND, 2, 7);
#ifdef FUZZ_START
    go(s, FUZZ_START, 0x0f);
#endif
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows),
    .own = own,
    .own_bytes = own_bytes,
    .place = place,
    .head = 1,
    .usual = 64,
    .saves = 1,
};

static void between(struct steps *s)
{
    MUST(!s->b->pins);
}

static void check(struct steps *s)
{
    const struct rtl *rtl = (const struct rtl *)s->dev[0];
    struct rtl_state st = rtl->s;
    struct rtl8139_filter filter;
    struct rtl8139_stats stats;
    struct err e;

    rtl8139_filter(s->dev[0], &filter);
    rtl8139_stats(s->dev[0], &stats);
    MUST(filter.link == rtl_link(rtl));
    MUST(stats.tx_segments <= stats.tx_frames);
    MUST(!rtl_state_desc.check(&st, &e));
    for (const struct field *f = rtl_state_desc.fields; f->name; f++)
        for (uint32_t i = 0; f->max < FIELD_ALL(f->width) && i < f->count; i++)
            MUST(state_get(f, &st, i) <= f->max);
}

/* What a toolstack may ask for and cannot have. */
static void refused(struct steps *s, unsigned kind, const struct conf *good)
{
    static const uint8_t image[1] = {0}, odd[6] = {1};
    struct rom large = {image, 2u << 20};
    const struct pci_id id = {.vendor = 0x1234};
    struct pci_dev pci[32] = {{.devfn = 0}};
    struct dev toy = {.env = s->b->env};
    uint8_t cfg[256] = {0};
    struct conf c = *good;

    if (kind == 0)
        conf_set_ptr(&c, "mac", (void *)odd);
    else if (kind == 1)
        conf_set_num(&c, "revision", 0x15);
    else if (kind == 2)
        conf_set_ptr(&c, "rom", &large);
    else if (kind == 3)
        conf_set_num(&c, "devfn", PCI_DEVFN_AUTO);
    for (unsigned i = 0; kind > 2 && i < 32; i++) {
        pci_setup(&pci[i], &toy, cfg, &id);
        MUST(!pci_add(s->b->env.pci, &pci[i], PCI_DEVFN(i, 0)));
    }
    steps_refused(s, &rtl8139_ops, &c);
}

/* key: as the head of the input, 128: no chip yet. The ctx is its conf. */
static void build(struct steps *s, unsigned key)
{
    static const uint8_t image[3000] = {0x55, 0xaa};
    static const struct rom rom = {image, sizeof(image)};
    static const uint8_t mac[6] = {0x00, 0x16, 0x3e, 0, 0, 1};
    struct conf *c = calloc(1, sizeof(*c));

    s->ctx = c;
    steps_begin(s, &fuzz_map, NULL, 0, RAM);
    s->b->mirror_end = 4u << 20;
    s->net = net_mem_new();
    conf_set_ptr(c, "net", key & 64 ? NULL : s->net);
    conf_set_num(c, "revision", key & 1 ? 0x20 : 0x10);
    conf_set_num(c, "devfn", DEVFN);
    if (!(key & 32)) {
        conf_set_ptr(c, "mac", (void *)mac);
        conf_set_ptr(c, "rom", (void *)&rom);
    }
    if (!(key & 128))
        steps_add(s, &rtl8139_ops, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    uint8_t how = take8(&in);
    bool no = (how & (128 | 16 | 8)) == 128;
    struct steps *s = steps_kept(
        in, (no ? 128 : 0) | (how & (64 | 32)) | (how & 7 ? 1 : 0), build);

    if (no) {
        refused(s, how & 7, s->ctx);
    } else {
        steps_run(s, between);
        check(s);
    }
    steps_back(s);
    return 0;
}
