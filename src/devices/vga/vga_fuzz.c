/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile guest: bytes become port, window and BAR accesses, memory contents,
 * time and looks at the screen. Built alone (no fuzzer runtime) it runs a fixed
 * number of pseudo-random inputs, or the files that it is given.
 */
#include "vga_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bytes {
    const uint8_t *p;
    size_t left;
};

static uint32_t take(struct bytes *in, unsigned n)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < n && in->left; i++, in->p++, in->left--)
        v |= (uint32_t)*in->p << (8 * i);
    return v;
}

static void port_access(struct rig *rig, struct bytes *in)
{
    static const uint16_t ports[] = {0x3c0, 0x3c4, 0x3ce, 0x3d4, 0x3c2, 0x3c6,
                                     0x3c8, 0x3da, 0x3b4, 0x1ce, 0x1cf, 0x1d0};
    uint32_t sel = take(in, 1);
    uint16_t port =
        sel < 192 ? ports[sel % 12] : (uint16_t)(0x3b0 + take(in, 1) % 48);
    unsigned size = 1u << (sel >> 4) % 3;

    if (sel & 8)
        bus_read(&rig->b->bus, SPACE_PIO, port, size);
    else
        bus_write(&rig->b->bus, SPACE_PIO, port, size, take(in, size));
}

static void window_access(struct rig *rig, struct bytes *in)
{
    uint32_t how = take(in, 1), addr = 0xa0000 + take(in, 3) % 0x20000;
    unsigned size = 1u << (how & 3);
    uint8_t buf[256];
    size_t n = (how >> 4) + 1u;

    if (n * size > sizeof(buf))
        n = sizeof(buf) / size;
    memset(buf, (int)take(in, 1), sizeof(buf));
    if (addr + n * size <= 0xc0000)
        bus_copy(&rig->b->bus, addr, size, (how & 4) != 0, buf, n);
    else if (how & 4)
        bus_write(&rig->b->bus, SPACE_MMIO, addr, size, buf[0]);
    else
        bus_read(&rig->b->bus, SPACE_MMIO, addr, size);
}

static void bar_access(struct rig *rig, struct bytes *in)
{
    uint32_t how = take(in, 1), off = take(in, 2) & 0xfff;
    unsigned size = 1u << how % 3;

    if (how & 8)
        bus_read(&rig->b->bus, SPACE_MMIO, 0xfeb00000 + off, size);
    else
        bus_write(&rig->b->bus, SPACE_MMIO, 0xfeb00000 + off, size,
                  take(in, size));
}

static void vbe_mode(struct rig *rig, struct bytes *in)
{
    static const uint16_t bpp[] = {4, 8, 15, 16, 24, 32, 0, 7};

    rig_vbe_mode(rig, (uint16_t)(take(in, 1) * 12), (uint16_t)(take(in, 1) * 8),
                 bpp[take(in, 1) & 7]);
}

static void config_access(struct rig *rig, struct bytes *in)
{
    uint32_t reg = take(in, 1), size = 1u << take(in, 1) % 3;

    pci_cfg_write(rig->b->env.pci, rig->vga->pci.devfn, reg & ~(size - 1), size,
                  take(in, size));
    pci_cfg_write(rig->b->env.pci, rig->vga->pci.devfn, PCI_BAR0 + 8, 4,
                  0xfeb00000);
    pci_cfg_write(rig->b->env.pci, rig->vga->pci.devfn, PCI_COMMAND, 2,
                  PCI_COMMAND_MEMORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    static struct viewer viewer = {.kept = true};
    struct rig *rig = rig_new_for(1, &viewer);
    struct display *d = vga_display(rig->dev);
    unsigned looks = 0;

    if (take(&in, 1) & 1)
        d->ops->watch(d->dev, true);
    while (in.left) {
        uint32_t op = take(&in, 1);

        if (op < 120)
            port_access(rig, &in);
        else if (op < 200)
            window_access(rig, &in);
        else if (op < 220)
            bar_access(rig, &in);
        else if (op < 224)
            config_access(rig, &in);
        else if (op < 228)
            vbe_mode(rig, &in);
        else if (op < 236)
            rig_mode(rig, (const unsigned[]){3, 4, 6, 0x0d, 0x12,
                                             0x13}[take(&in, 1) % 6]);
        else if (op < 240)
            bench_step(rig->b, take(&in, 4));
        else if (op < 244)
            bench_vram_touch(rig->b, take(&in, 2), 1);
        else if (op < 246)
            rig->dev->ops->reset(rig->dev, RESET_BUS);
        else if (looks++ < 8) /* a look is a screen of work */
            rig_look(rig, op == 255);
    }
    rig_look(rig, false);
    rig_free(rig);
    return 0;
}

#ifndef FUZZ_RUNTIME
static void run_random(uint64_t seed)
{
    uint8_t buf[2048];

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
    unsigned rounds = 150;

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
