/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input's bytes as a guest of the IDE function: accesses to all its
 * ports, guest memory (PRD tables above all), time, back ends that hold and
 * fail, media changes, unplug, pause, save and restore. By hand:
 * clang -fsanitize=fuzzer,address,undefined -DFUZZ_RUNTIME with the sources
 * of the device. Without, main() replays the files given, or random input.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#define OPS_MAX 3000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
    const uint8_t *p;
    size_t left;
};

struct guest {
    struct rig *r;
    struct blk *spare;
    uint8_t buf[32768];
    bool paused;
};

static uint32_t take(struct input *in, unsigned bytes)
{
    uint32_t v = 0;
    unsigned i;

    for (i = 0; i < bytes && in->left; i++, in->left--)
        v |= (uint32_t)*in->p++ << (8 * i);
    return v;
}

static void one_port(struct guest *g, struct input *in)
{
    struct bus *bus = &g->r->b->bus;
    uint8_t how = (uint8_t)take(in, 1);
    uint16_t base = how & 0x80 ? 0x170 : 0x1f0;
    unsigned reg = how & 7, size = 1u << (how >> 3 & 3);

    if (size > 4)
        size = 1;
    if (how & 0x20) /* control */
        base = (uint16_t)(base + 0x206), reg = 0;
    if (how & 0x40)
        bus_write(bus, SPACE_PIO, base + reg, size, take(in, size));
    else
        bus_read(bus, SPACE_PIO, base + reg, size);
}

static void one_rep(struct guest *g, struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    unsigned size = how & 1 ? 2 : 4;

    bus_rep(&g->r->b->bus, how & 2 ? 0x1f0 : 0x170, size, how & 4, g->buf,
            how & 8 ? 256 : sizeof(g->buf) / size);
}

/* A whole command: registers as they stand, the given ones set. */
static void one_command(struct guest *g, struct input *in)
{
    struct rig *r = g->r;
    uint8_t how = (uint8_t)take(in, 1);
    unsigned unit = how & 3;
    uint32_t lba = take(in, 2);

    if (how & 4)
        rig_lba28(r, unit, lba, (uint8_t)take(in, 1));
    else
        rig_lba48(r, unit, lba, (uint16_t)take(in, 2));
    if (how & 8)
        bench_outb(r->b, rig_port(unit / 2) + ATA_ERROR, (uint8_t)take(in, 1));
    if (how & 16)
        rig_bm_prepare(r, unit);
    rig_command(r, unit, (uint8_t)take(in, 1));
    if (how & 32)
        rig_bm_start(r, unit, true);
}

static void one_packet(struct guest *g, struct input *in)
{
    struct rig *r = g->r;
    uint8_t how = (uint8_t)take(in, 1), cdb[12] = {0};
    unsigned unit = how & 1 ? 3 : 1, i;
    uint16_t port = rig_port(unit / 2);

    cdb[0] = (uint8_t)take(in, 1);
    for (i = 1; i < 12; i++)
        cdb[i] =
            how & 2 || i > 4 ? (uint8_t)take(in, 1) & (i == 7 ? 0 : 255) : 0;
    rig_select(r, unit, 0);
    bench_outb(r->b, port + ATA_ERROR, how >> 2 & 1);
    bench_outb(r->b, port + ATA_LBAM, (uint8_t)take(in, 1));
    bench_outb(r->b, port + ATA_LBAH, (uint8_t)take(in, 1));
    if (how & 4)
        rig_bm_prepare(r, unit);
    rig_command(r, unit, CMD_PACKET);
    rig_outs(r, unit, cdb, 12);
    if (how & 4)
        rig_bm_start(r, unit, true);
}

static void one_table(struct guest *g, struct input *in)
{
    struct rig_prd prd[16];
    unsigned n = 1 + take(in, 1) % 16, i;

    for (i = 0; i < n; i++) {
        prd[i].addr = take(in, 3) | (take(in, 1) == 0xff ? 0xf0000000 : 0);
        prd[i].bytes = take(in, 2);
    }
    rig_prdt(g->r, prd, n, take(in, 1) & 1);
}

static void one_back_end(struct guest *g, struct input *in)
{
    static const int errs[] = {-EIO, -ENOSPC, -EOPNOTSUPP, -EROFS};
    uint8_t how = (uint8_t)take(in, 1);
    struct blk *b = g->r->blk[how & 3];

    if (!b)
        return;
    switch (how >> 2 & 7) {
    case 0:
        blk_mem_hold(b, true);
        break;
    case 1:
        blk_mem_hold(b, false);
        break;
    case 2:
        blk_mem_fail(b, (enum blk_op)(how >> 5 & 3), how >> 5,
                     errs[take(in, 1) & 3]);
        break;
    default:
        blk_mem_release(b);
        break;
    }
}

static void one_media(struct guest *g, struct input *in)
{
    struct dev *d = g->r->dev;

    switch (take(in, 1) & 7) {
    case 0:
        ide_cd_eject(d, 1, false);
        break;
    case 1:
        ide_cd_eject(d, 1, true);
        break;
    case 2:
        ide_cd_insert(d, 1, g->spare, false);
        break;
    case 3:
        ide_cd_insert(d, 1, g->r->blk[1], false);
        break;
    case 4:
        ide_cd_insert(d, 3, g->spare, false);
        break;
    case 5:
        ide_disk_detach(d, 2);
        break;
    case 6:
        d->ops->reset(d, RESET_BUS);
        pci_cfg_write(g->r->pci, PCI_DEVFN(1, 1), 0x20, 4, RIG_BM);
        break;
    default:
        rig_bus_master(g->r, take(in, 1) & 1);
        break;
    }
}

static void one_save(struct guest *g)
{
    static uint8_t state[sizeof(struct ide_state) + 4096];
    struct rig *r = g->r;
    size_t n = state_bytes(&ide_state_desc);
    unsigned i;
    struct err err;

    g->paused = !g->paused;
    r->dev->ops->pause(r->dev, g->paused);
    if (!g->paused || n > sizeof(state))
        return;
    for (i = 0; i < 4; i++)
        if (r->blk[i])
            r->blk[i]->ops->drain(r->blk[i]);
    if (!r->dev->ops->idle(r->dev))
        abort();
    ide_state_desc.settle(r->dev);
    n = state_save(&ide_state_desc, r->dev, state);
    if (n > IDE_SAVED_REGS + 2 * IDE_SAVED_MOST)
        abort();
    /* what a guest can reach must be what a restore takes */
    if (state_load(&ide_state_desc, r->dev, state, n, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct rig_unit units[4] = {
        {.present = true, .bytes = 1 << 16},
        {.present = true, .cd = true, .bytes = 1 << 17, .read_only = true},
        {.present = true, .bytes = 1 << 16},
        {.present = true, .cd = true}};
    struct input in = {data, len};
    struct guest *g = calloc(1, sizeof(*g));
    unsigned ops = 0, i;

    if (!g)
        abort();
    g->r = rig_new(units);
    g->spare = blk_mem_new(1 << 16, true);
    while (in.left && ops++ < OPS_MAX) {
        uint8_t op = (uint8_t)take(&in, 1);

        if (op < 80)
            one_port(g, &in);
        else if (op < 110)
            one_rep(g, &in);
        else if (op < 150)
            one_command(g, &in);
        else if (op < 190)
            one_packet(g, &in);
        else if (op < 205)
            one_table(g, &in);
        else if (op < 230)
            one_back_end(g, &in);
        else if (op < 238)
            one_media(g, &in);
        else if (op < 240)
            one_save(g);
        else
            bus_write(&g->r->b->bus, SPACE_PIO, RIG_BM + (take(&in, 1) & 15),
                      1u << (op & 1), take(&in, 2));
        bench_step(g->r->b, IDE_RUN_REST_NS / 2);
    }
    g->r->dev->ops->pause(g->r->dev, true);
    for (i = 0; i < 4; i++)
        if (g->r->blk[i])
            g->r->blk[i]->ops->drain(g->r->blk[i]);
    g->spare->ops->close(g->spare);
    rig_free(g->r);
    free(g);
    return 0;
}

#ifndef FUZZ_RUNTIME
static void run_random(uint64_t seed)
{
    uint8_t buf[4096];
    size_t i;

    for (i = 0; i < sizeof(buf); i++) {
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
    unsigned rounds = 100, i;

    if (argc > 1 && argv[1][0] != '-') {
        for (i = 1; i < (unsigned)argc; i++)
            if (run_file(argv[i]))
                return 1;
        return 0;
    }
    if (argc > 2 && !strcmp(argv[1], "-n"))
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
    for (i = 0; i < rounds; i++)
        run_random(0x9e3779b97f4a7c15u * (i + 1));
    return 0;
}
#endif
