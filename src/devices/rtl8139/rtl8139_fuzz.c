/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes become a hostile driver, a hostile wire and an administrator:
 * registers of any width, config space, descriptors and other memory, frames,
 * a full or pulled cable, time, pause, save and load, reset, unplug. After
 * each of them the state must be one that registers can reach and no memory
 * may stay pinned; in the end a reset must bring back a chip that works.
 * Without a fuzzing engine: rtl8139_fuzz [-n ROUNDS] [FILE...].
 */
#include "../../bench/bench.h"
#include "priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM   (256u << 10)
#define PIO   0xc000u
#define MMIO  0xe0000000u
#define ROM   0xe1000000u
#define DEVFN PCI_DEVFN(4, 0)
/* Packets for the transmit descriptors, each of its own length */
#define SLOTS       16u
#define SLOT_GPA(n) (0x10000u + (n)*0x800u)
#define SLOT_LEN(n) (40u + (n)*100u)
#define OPS_MOST    4000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bytes {
    const uint8_t *p;
    size_t left;
};

struct world {
    struct bench *b;
    struct net *net;
    struct dev *dev;
    struct bytes in;
    bool paused;
};

static uint8_t take(struct bytes *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->p++;
}

static uint32_t take32(struct bytes *in)
{
    uint32_t v = take(in);

    v |= (uint32_t)take(in) << 8;
    v |= (uint32_t)take(in) << 16;
    return v | (uint32_t)take(in) << 24;
}

static struct world *world_new(const uint8_t *data, size_t len)
{
    static const uint8_t image[3000] = {0x55, 0xaa};
    static struct rom rom = {image, sizeof(image)};
    static uint8_t mac[6] = {0x00, 0x16, 0x3e, 0, 0, 1};
    struct world *w = calloc(1, sizeof(*w));
    struct conf c = {.n = 0};
    struct err e;

    if (!w)
        abort();
    w->in = (struct bytes){data, len};
    w->b = bench_new(RAM);
    w->b->env.pci = pci_bus_new(&w->b->hv, &w->b->bus, &w->b->gmem);
    w->b->hole_gpa = RAM / 2;
    w->b->hole_len = 8192;
    w->net = net_mem_new();
    conf_set_ptr(&c, "mac", mac);
    conf_set_ptr(&c, "net", w->net);
    conf_set_ptr(&c, "rom", &rom);
    conf_set_num(&c, "revision", take(&w->in) & 7 ? 0x20 : 0x10);
    conf_set_num(&c, "devfn", DEVFN);
    w->dev = dev_new(&rtl8139_ops, &w->b->env, 0, &c, &e);
    if (!w->dev)
        abort();
    return w;
}

static void world_free(struct world *w)
{
    dev_free(w->dev);
    w->net->ops->close(w->net);
    pci_bus_free(w->b->env.pci);
    bench_free(w->b);
    free(w);
}

static void place(struct world *w)
{
    pci_cfg_write(w->b->env.pci, DEVFN, PCI_BAR0, 4, PIO);
    pci_cfg_write(w->b->env.pci, DEVFN, PCI_BAR0 + 4, 4, MMIO);
    pci_cfg_write(w->b->env.pci, DEVFN, PCI_ROM, 4, ROM | 1);
    pci_cfg_write(w->b->env.pci, DEVFN, PCI_COMMAND, 2, 7);
}

/* Offsets where drivers write most come up more often. */
static uint32_t offset(struct bytes *in)
{
    static const uint8_t hot[] = {
        RTL_CR,    RTL_TSD0,    RTL_TSD0 + 4, RTL_TSAD0, RTL_TNPDS,
        RTL_THPDS, RTL_RBSTART, RTL_CAPR,     RTL_IMR,   RTL_ISR,
        RTL_TCR,   RTL_RCR,     RTL_9346CR,   RTL_BMCR,  RTL_TPPOLL,
        RTL_CPCR,  RTL_RDSAR,   RTL_DTCCR,    RTL_TCTR,  RTL_TIMERINT};
    uint8_t v = take(in);

    return v < 128 ? hot[v % sizeof(hot)] : take(in);
}

static void access_reg(struct world *w, uint8_t op)
{
    static const uint8_t sizes[4] = {1, 2, 4, 8};
    enum space space = op & 2 ? SPACE_MMIO : SPACE_PIO;
    unsigned size = sizes[op >> 2 & 3];
    uint32_t off = offset(&w->in);
    uint64_t at = (space == SPACE_MMIO ? MMIO : PIO) + off;

    if (size == 8 && space == SPACE_PIO)
        size = 4;
    if (!(op & 1))
        bus_read(&w->b->bus, space, at, size);
    else if (op & 16) /* a small number: bases inside RAM, single bits */
        bus_write(&w->b->bus, space, at, size, (uint64_t)take(&w->in) << 8);
    else
        bus_write(&w->b->bus, space, at, size, take32(&w->in));
}

/* Both kinds of rings work at once, so that most inputs move data. */
static void go(struct world *w)
{
    struct bus *bus = &w->b->bus;
    uint8_t how = take(&w->in);

    place(w);
    bus_write(bus, SPACE_PIO, PIO + RTL_CPCR, 2,
              how & 33 ? CPCR_TX | CPCR_RX | CPCR_RXCHKSUM | CPCR_RXVLAN : 0);
    bus_write(bus, SPACE_PIO, PIO + RTL_TNPDS, 4, 0x1000);
    bus_write(bus, SPACE_PIO, PIO + RTL_THPDS, 4, how & 2 ? 0x1000 : 0x1400);
    bus_write(bus, SPACE_PIO, PIO + RTL_RDSAR, 4, how & 4 ? 0x1000 : 0x1800);
    bus_write(bus, SPACE_PIO, PIO + RTL_RBSTART, 4, how & 8 ? 0x1000 : 0x8000);
    bus_write(bus, SPACE_PIO, PIO + RTL_CR, 1, CR_RE | CR_TE);
    bus_write(bus, SPACE_PIO, PIO + RTL_RCR, 4, take32(&w->in) | RCR_AB);
    bus_write(bus, SPACE_PIO, PIO + RTL_TCR, 4, how & 16 ? TCR_LBK : 0);
    bus_write(bus, SPACE_PIO, PIO + RTL_IMR, 2, take32(&w->in));
}

/* One of the rings' descriptors, owned by the chip more often than not. */
static void descriptor(struct world *w)
{
    uint8_t *d = w->b->ram + 0x1000 + take(&w->in) % 192 * 16u;
    uint32_t flags = take(&w->in), cmd = (uint32_t)take(&w->in) << 16;
    uint32_t n = take(&w->in) % SLOTS, gpa = SLOT_GPA(n);

    cmd |= flags & 32 ? take32(&w->in) : SLOT_LEN(n);
    if (flags & 3)
        cmd |= RTL_DESC_OWN;
    if (flags & 12)
        cmd |= RTL_DESC_FS | RTL_DESC_LS;
    if (flags & 16)
        cmd |= (uint32_t)take(&w->in) << 24;
    if (flags & 64)
        gpa = take32(&w->in);
    memset(d, 0, 16);
    memcpy(d, &cmd, 4);
    d[6] = flags & 128 ? take(&w->in) : 0;
    memcpy(d + 8, &gpa, 4);
}

static void memory(struct world *w)
{
    uint32_t at = take32(&w->in) % RAM, n = take(&w->in);

    for (uint32_t i = 0; i < n && at + i < RAM; i++)
        w->b->ram[at + i] = take(&w->in);
}

/* Headers that offload looks into, right but for what the input says */
static void packet(uint8_t *p, uint32_t len, struct bytes *in)
{
    uint8_t flags = take(in), odd = take(in);
    unsigned at = 14, l4;

    memset(p, flags & 1 ? 0xff : 0x02, 12);
    if (flags & 2) {
        memcpy(p + 12, "\x81\x00\x00\x05", 4);
        at += 4;
    }
    memcpy(p + at - 2, flags & 4 ? "\x86\xdd" : "\x08\x00", 2);
    p[at] = flags & 4 ? 0x60 : flags & 8 ? 0x46 : 0x45;
    l4 = at + (flags & 8 ? 24 : 20);
    p[at + 2] = (uint8_t)((len - at) >> 8);
    p[at + 3] = (uint8_t)(len - at);
    p[at + 6] = p[at + 7] = 0;
    p[at + 9] = flags & 16 ? 17 : 6;
    p[l4 + 4] = (uint8_t)((len - l4) >> 8); /* UDP */
    p[l4 + 5] = (uint8_t)(len - l4);
    p[l4 + 12] = 0x50;
    if (flags & 32)
        p[at + odd % 40] = take(in);
    if (flags & 64)
        p[l4 + odd % 20] = take(in);
}

/* The 93C46: an instruction, whole or broken off, by its pins */
static void eeprom(struct world *w)
{
    struct bus *bus = &w->b->bus;
    uint32_t bits = (uint32_t)take(&w->in) << 24 | take32(&w->in) >> 8;
    unsigned n = take(&w->in) % 64u;
    uint8_t base = EEM_PROGRAM | EE_CS;

    bus_write(bus, SPACE_PIO, PIO + RTL_9346CR, 1, EEM_PROGRAM);
    for (unsigned i = 0; i < n; i++) {
        bool di = i == 0 || (bits >> (32 - i % 32 - 1) & 1);
        uint8_t pins = (uint8_t)(base | (di ? EE_DI : 0));

        bus_write(bus, SPACE_PIO, PIO + RTL_9346CR, 1, pins);
        bus_write(bus, SPACE_PIO, PIO + RTL_9346CR, 1, pins | EE_SK);
    }
    bus_write(bus, SPACE_PIO, PIO + RTL_9346CR, 1,
              n & 1 ? EEM_NORMAL : EEM_LOAD);
}

static void frame(struct world *w)
{
    uint8_t f[2048];
    uint32_t n = (take32(&w->in) & 0x7ff) + 1;

    memset(f, take(&w->in), sizeof(f));
    packet(f, n < 60 ? 60 : n, &w->in);
    net_mem_put(w->net, f, n);
}

static void save_and_load(struct world *w)
{
    const struct state_desc *s = w->dev->ops->state;
    size_t n = state_bytes(s), changes = take(&w->in) & 3;
    uint8_t *buf = malloc(n);
    struct err e;

    if (!buf)
        abort();
    state_save(s, w->dev, buf);
    while (changes--)
        buf[take32(&w->in) % n] = take(&w->in);
    if (state_load(s, w->dev, buf, n, &e) && !e.text[0])
        abort();
    free(buf);
}

static void administrator(struct world *w, uint8_t op)
{
    switch (op % 8) {
    case 0:
        net_mem_full(w->net, op & 8);
        break;
    case 1:
        rtl8139_set_link(w->dev, op & 8);
        break;
    case 2:
        net_mem_link(w->net, op & 8);
        break;
    case 3:
        w->paused = !w->paused;
        w->dev->ops->pause(w->dev, w->paused);
        break;
    case 4:
        w->dev->ops->reset(w->dev, op & 8 ? RESET_BUS : RESET_POWER);
        break;
    case 5:
        if (take(&w->in) == 0)
            rtl8139_unplug(w->dev);
        break;
    case 6:
        save_and_load(w);
        break;
    default:
        bus_read(&w->b->bus, SPACE_MMIO, ROM + take32(&w->in) % 8192u, 4);
        bus_write(&w->b->bus, SPACE_MMIO, ROM + take(&w->in), 4, op);
        pci_cfg_write(w->b->env.pci, DEVFN, take(&w->in), 1, take(&w->in));
        break;
    }
}

static void check(struct world *w)
{
    const struct rtl *rtl = (const struct rtl *)w->dev;
    struct rtl_state s = rtl->s;
    struct rtl8139_filter filter;
    struct rtl8139_stats stats;
    struct err e;

    rtl8139_filter(w->dev, &filter);
    rtl8139_stats(w->dev, &stats);
    if (filter.link != rtl_link(rtl) || stats.tx_segments > stats.tx_frames)
        abort();

    if (rtl_state_desc.check(&s, &e) || w->b->pins)
        abort();
    for (const struct field *f = rtl_state_desc.fields; f->name; f++)
        for (uint32_t i = 0; i < f->count; i++) {
            uint64_t v = 0;

            memcpy(&v, (const uint8_t *)&s + f->off + i * f->width, f->width);
            if (v > f->max)
                abort();
        }
}

static void step(struct world *w)
{
    uint8_t op = take(&w->in);

    if (op < 112) {
        access_reg(w, op);
    } else if (op < 152) {
        descriptor(w);
    } else if (op < 162) {
        memory(w);
    } else if (op < 166) {
        eeprom(w);
    } else if (op < 180) {
        uint32_t n = take(&w->in) % SLOTS;

        packet(w->b->ram + SLOT_GPA(n), SLOT_LEN(n), &w->in);
    } else if (op < 208) {
        frame(w);
    } else if (op < 216) {
        net_mem_rx_end(w->net);
    } else if (op < 228) {
        if (!w->paused)
            bench_step(w->b, (uint64_t)take(&w->in) << (op & 15));
    } else if (op < 236) {
        go(w);
    } else {
        administrator(w, take(&w->in));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct world *w = world_new(data, len);
    struct bytes good = {data, 0}; /* zeros: nothing wrong */
    unsigned ops = 0;

    for (uint32_t n = 0; n < SLOTS; n++)
        packet(w->b->ram + SLOT_GPA(n), SLOT_LEN(n), &good);
    place(w);
    go(w);
    while (w->in.left && ops++ < OPS_MOST) {
        step(w);
        check(w);
    }
    /* However it was treated, a reset makes it work again, unless gone. */
    if (w->paused)
        w->dev->ops->pause(w->dev, false);
    w->dev->ops->reset(w->dev, RESET_POWER);
    place(w);
    check(w);
    if (!((struct rtl *)w->dev)->s.gone &&
        (bench_inb(w->b, PIO + RTL_CR) != CR_BUFE ||
         bench_inw(w->b, PIO + RTL_ISR) ||
         clock_next(&w->b->clock) != TIMER_NEVER))
        abort();
    world_free(w);
    return 0;
}

#ifndef FUZZ_RUNTIME
static void run_random(uint64_t seed)
{
    static uint8_t buf[8192];

    for (size_t i = 0; i < sizeof(buf); i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        buf[i] = (uint8_t)(seed >> 24);
    }
    LLVMFuzzerTestOneInput(buf, sizeof(buf));
}

static int run_file(const char *path)
{
    static uint8_t buf[1 << 16];
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f) {
        perror(path);
        return 1;
    }
    n = fread(buf, 1, sizeof(buf), f);
    fclose(f);
    return LLVMFuzzerTestOneInput(buf, n);
}

int main(int argc, char **argv)
{
    unsigned rounds = 100;

    if (argc > 1 && argv[1][0] != '-') {
        for (int i = 1; i < argc; i++)
            if (run_file(argv[i]))
                return 1;
        return 0;
    }
    if (argc > 2 && !strcmp(argv[1], "-n"))
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < rounds; i++)
        run_random(0x9e3779b97f4a7c15u * (i + 1));
    return 0;
}
#endif
