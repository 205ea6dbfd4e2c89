/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storm_fixture.h"

#include <string.h>

uint64_t draw(struct prng *p)
{
    p->s ^= p->s << 13;
    p->s ^= p->s >> 7;
    p->s ^= p->s << 17;
    return p->s * UINT64_C(0x2545f4914f6cdd1d);
}

unsigned below(struct prng *p, unsigned n)
{
    return (unsigned)((draw(p) >> 33) % n);
}

uint64_t value(struct prng *p)
{
    static const uint64_t odd[] = {
        0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0xffffffff, UINT64_MAX,
    };

    switch (below(p, 4)) {
    case 0:
        return odd[below(p, sizeof(odd) / sizeof(odd[0]))];
    case 1:
        return UINT64_C(1) << below(p, 64);
    case 2:
        return below(p, 256);
    default:
        return draw(p);
    }
}

static const struct {
    uint16_t base, len;
} ports[] = {
    {0x00, 0x20},   {0x60, 5},     {0x70, 2},      {0x80, 0x13},
    {0xb2, 2},      {0xc0, 0x20},  {0x170, 8},     {0x1ce, 4},
    {0x1f0, 8},     {0x278, 8},    {0x2f8, 8},     {0x376, 1},
    {0x378, 8},     {0x3b0, 0x30}, {0x3f6, 1},     {0x3f8, 8},
    {0x402, 1},     {0x480, 0x10}, {0xcf8, 8},     {0xae00, 0x10},
    {0xaf00, 0x20}, {0xafe0, 4},   {0xb000, 0x48}, {0xc000, 0x400},
    {0x1f0, 8},     {0x170, 8},    {0xc000, 0x10}, {0x3c0, 0x20},
};

static uint16_t port(struct prng *p)
{
    unsigned i = below(p, sizeof(ports) / sizeof(ports[0]));

    if (below(p, 50) == 0)
        return (uint16_t)draw(p);
    return (uint16_t)(ports[i].base + below(p, ports[i].len));
}

static uint64_t mmio(struct prng *p)
{
    switch (below(p, 4)) {
    case 0:
        return 0xf0000000 + below(p, 0x2000000);
    case 1:
        return 0xf1400000 + below(p, 0x20000);
    case 2:
        return draw(p);
    default:
        return 0xa0000 + below(p, 0x20000);
    }
}

static void one_config(struct rig *r, struct prng *p)
{
    static const uint8_t fns[] = {0x00, 0x08, 0x09, 0x0b, 0x10, 0x18};
    unsigned devfn = fns[below(p, sizeof(fns))];
    unsigned size = 1u << below(p, 3);
    unsigned reg = below(p, 4) ? below(p, 0x40) : below(p, 256);

    if (below(p, 3) == 0) {
        rig_cfg(r, devfn, reg, size);
        return;
    }
    /* mostly keep the decoders on, or the storm calms down */
    if (reg < 6 && reg + size > 4)
        rig_cfg_set(r, devfn, 4, 2, 7);
    else
        rig_cfg_set(r, devfn, reg, size, (uint32_t)value(p));
}

static void one_string(struct rig *r, struct prng *p)
{
    uint8_t buf[4096];
    unsigned size = 1u << below(p, 3);
    size_t n = 1 + below(p, sizeof(buf) / 8);
    bool wr = below(p, 2) != 0;

    for (unsigned i = 0; i < sizeof(buf); i += 8) {
        uint64_t v = draw(p);

        memcpy(buf + i, &v, 8);
    }
    if (below(p, 2))
        machine_rep(r->m, port(p), size, wr, buf, n);
    else
        machine_copy(r->m, mmio(p), size, wr, buf, n);
}

/* The command registers of the disks, so that transfers begin at all. */
static void one_disk_command(struct rig *r, struct prng *p)
{
    static const uint8_t commands[] = {
        0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0xa0,
        0xa1, 0xb0, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xe0, 0xe7, 0xec,
        0xef, 0x06, 0x08, 0x90, 0x91, 0xf8, 0x27, 0xe5, 0xe6,
    };
    uint16_t base = below(p, 2) ? 0x1f0 : 0x170;
    uint16_t bm = base == 0x1f0 ? 0xc000 : 0xc008;

    rig_out(r, (uint16_t)(base + 6), 1, 0xe0 | (below(p, 2) << 4));
    for (uint16_t reg = 1; reg < 6; reg++)
        if (below(p, 2))
            rig_out(r, (uint16_t)(base + reg), 1, (uint32_t)value(p) & 0xff);
    rig_out(r, (uint16_t)(bm + 4), 4, below(p, RIG_RAM_BYTES) & ~3u);
    rig_out(r, (uint16_t)(base + 7), 1,
            below(p, 4) ? commands[below(p, sizeof(commands))] : below(p, 256));
    if (below(p, 2))
        rig_out(r, bm, 1, below(p, 2) ? 0x09 : 0x01);
}

/* A packet for a CD drive, and some data after it. */
static void one_packet(struct rig *r, struct prng *p)
{
    static const uint8_t commands[] = {
        0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2b,
        0x35, 0x3c, 0x42, 0x43, 0x44, 0x46, 0x4a, 0x51, 0x52,
        0x55, 0x5a, 0xa8, 0xad, 0xb9, 0xbb, 0xbd, 0xbe,
    };
    uint8_t cdb[12], data[4096];

    rig_out(r, 0x176, 1, below(p, 4) ? 0xa0 : 0xb0);
    rig_out(r, 0x171, 1, below(p, 3) == 0);
    rig_out(r, 0x174, 2, below(p, 2) ? 2048 : (uint32_t)value(p) & 0xffff);
    rig_out(r, 0x177, 1, 0xa0);
    memset(cdb, 0, sizeof(cdb));
    cdb[0] = below(p, 8) ? commands[below(p, sizeof(commands))]
                         : (uint8_t)below(p, 256);
    for (unsigned i = 1; i < sizeof(cdb); i++)
        cdb[i] = below(p, 3) ? (uint8_t)below(p, 4) : (uint8_t)value(p);
    if (below(p, 8) == 0) { /* READ CD, whole sectors and parts */
        cdb[0] = 0xbe;
        cdb[8] = (uint8_t)below(p, 3);
        cdb[9] = below(p, 2) ? 0xf8 : (uint8_t)value(p);
    }
    if (below(p, 2)) { /* a place that exists */
        cdb[2] = cdb[3] = 0;
        cdb[7] = 0;
    }
    machine_rep(r->m, 0x170, 2, true, cdb, 6);
    rig_out(r, 0xc00c, 4, below(p, RIG_RAM_BYTES) & ~3u);
    rig_out(r, 0xc008, 1, below(p, 3) ? 0 : 0x09);
    for (unsigned i = below(p, 4); i > 0; i--)
        machine_rep(r->m, 0x170, 2, below(p, 8) == 0, data, 1 + below(p, 2048));
    if (below(p, 2))
        rig_in(r, 0x177, 1);
}

/* Sectors to or from a disk that waits for them. */
static void one_pump(struct rig *r, struct prng *p)
{
    uint8_t data[8192];
    uint16_t base = below(p, 2) ? 0x1f0 : 0x170;
    unsigned size = below(p, 2) ? 2 : 4;

    memset(data, (int)below(p, 256), sizeof(data));
    machine_rep(r->m, base, size, below(p, 2), data,
                512 * (1 + below(p, 8)) / size);
    rig_in(r, (uint16_t)(base + 7), 1);
}

static void vbe(struct rig *r, uint16_t index, uint16_t val)
{
    rig_out(r, 0x1ce, 2, index);
    rig_out(r, 0x1d0, 2, val);
}

/* Sequences that chance alone does not find. */
static void one_recipe(struct rig *r, struct prng *p)
{
    static const uint8_t depth[] = {4, 8, 15, 16, 24, 32};

    switch (below(p, 4)) {
    case 0: /* SMART has a signature */
        rig_out(r, 0x1f6, 1, 0xe0);
        rig_out(r, 0x1f4, 1, 0x4f);
        rig_out(r, 0x1f5, 1, 0xc2);
        rig_out(r, 0x1f1, 1, 0xd0 + below(p, 16));
        rig_out(r, 0x1f2, 1, below(p, 4));
        rig_out(r, 0x1f3, 1, below(p, 16));
        rig_out(r, 0x1f7, 1, 0xb0);
        break;
    case 1: /* a graphics mode, banked or linear */
        vbe(r, 4, 0);
        vbe(r, 1, (uint16_t)(1 + below(p, 2000)));
        vbe(r, 2, (uint16_t)(1 + below(p, 1300)));
        vbe(r, 3, depth[below(p, sizeof(depth))]);
        vbe(r, 4, (uint16_t)(1 + below(p, 256)));
        vbe(r, 6, (uint16_t)below(p, 4096));
        vbe(r, 8, (uint16_t)below(p, 256));
        break;
    case 2: /* the mouse hears only what follows d4 */
        rig_out(r, 0x64, 1, 0xd4);
        rig_out(r, 0x60, 1, below(p, 2) ? 0xe6 + below(p, 26) : below(p, 256));
        rig_in(r, 0x60, 1);
        break;
    default: /* SET FEATURES */
        rig_out(r, 0x1f6, 1, 0xe0 | (below(p, 2) << 4));
        rig_out(r, 0x1f1, 1, below(p, 2) ? 3 : (uint32_t)value(p) & 0xff);
        rig_out(r, 0x1f2, 1, 8 * below(p, 9) + below(p, 8));
        rig_out(r, 0x1f7, 1, 0xef);
        break;
    }
}

void storm_step(struct rig *r, struct prng *p)
{
    unsigned size = 1u << below(p, 3);

    switch (below(p, 19)) {
    case 18:
        one_recipe(r, p);
        break;
    case 16:
        one_packet(r, p);
        break;
    case 17:
        one_pump(r, p);
        break;
    case 0:
        one_config(r, p);
        break;
    case 1:
        one_string(r, p);
        break;
    case 2:
        one_disk_command(r, p);
        break;
    case 3:
    case 4:
        rig_read(r, IO_MMIO, mmio(p), 1u << below(p, 4));
        break;
    case 5:
    case 6:
    case 7:
        rig_write(r, IO_MMIO, mmio(p), 1u << below(p, 4), value(p));
        break;
    case 8:
        bench_step(r->b, below(p, 2000000));
        break;
    case 9:
    case 10:
    case 11:
        rig_in(r, port(p), size);
        break;
    default:
        rig_out(r, port(p), size, (uint32_t)value(p));
        break;
    }
}
