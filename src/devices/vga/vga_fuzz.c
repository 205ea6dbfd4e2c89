/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile guest at the VGA and a viewer that looks. FUZZ_START: the mode to
 * begin with; 0: a linear one.
 */
#include "../../bench/steps.h"
#include "vga_fixture.h"

#include <string.h>

#define BAR2         0xfeb00000u
#define DEVFN        PCI_DEVFN(2, 0)
#define REFUSED(how) (((how)&0x17) == 0x10)
#define DOTS         4096u /* of an input's looks, but for rare inputs */

static const struct steps_window windows[] = {
    {IO_PIO, 0x3c0, 16},         {IO_PIO, 0x1ce, 4},
    {IO_MMIO, 0xa0000, 0x10000}, {IO_MMIO, BAR2, 0x1000},
    {IO_PIO, 0x3b0, 0x30},       {IO_MMIO, 0xb0000, 0x10000},
    {IO_PCI, DEVFN << 8, 256},   {IO_MMIO, 0xfea00000, 0x10000},
};

struct world {
    struct rig rig;
    struct conf conf;
    struct rom rom;
    unsigned looks;
    uint32_t dots;
};

/* A look is a screen of work. Few are large where many inputs are tried. */
static void look_once(struct steps *s, bool all)
{
    struct world *w = s->ctx;
    struct vga_view v;

    vga_view_get(w->rig.vga, &v);
    w->dots += v.w * v.h;
    if (!s->rare && w->dots > DOTS)
        return;
    rig_look(&w->rig, all);
    if (all) /* else some of it is of inputs before */
        fuzz_answer(w->rig.viewer->px,
                    (size_t)w->rig.viewer->w * w->rig.viewer->h * 4);
}

static void look(struct steps *s, unsigned a)
{
    struct world *w = s->ctx;
    struct display *d = vga_display(w->rig.dev);

    if (a & 2)
        d->ops->watch(d->dev, a & 4);
    w->rig.viewer->refuse = a == 15;
    if (w->looks++ < 4)
        look_once(s, a & 1);
}

static void mode(struct steps *s, unsigned a, uint8_t x, uint8_t y)
{
    struct rig *rig = &((struct world *)s->ctx)->rig;
    static const uint8_t preset[] = {3, 4, 6, 0x0d, 0x12, 0x13};
    static const uint16_t depth[] = {4, 8, 15, 16, 24, 32, 0, 7};

    if (a >= 8) {
        if (s->rare) /* a palette is a thousand accesses */
            rig_mode(rig, preset[a % sizeof(preset)]);
        else
            rig_mode_regs(rig, preset[a % sizeof(preset)]);
        if (x & 1) { /* a small one */
            rig_crt(rig, 0x11, 0);
            rig_crt(rig, 0x01, x >> 4);
            rig_crt(rig, 0x07, 0);
            rig_crt(rig, 0x12, y & 31);
        }
    } else {
        rig_vbe_mode(rig, (uint16_t)(x * 4), (uint16_t)(y * 4), depth[a]);
    }
}

/* The guest writes to its linear memory, where nobody sees it. */
static void touch(struct steps *s, unsigned a)
{
    uint32_t off = ((uint32_t)take(&s->in, 2) << a) % (s->b->vram_pages * 4096);

    s->b->vram[off] = take8(&s->in);
    bench_vram_touch(s->b, off, 1);
}

/* 0: a look; 1: a mode; 2: memory */
static void own(struct steps *s, unsigned n, unsigned a)
{
    if (n == 0) {
        look(s, a);
    } else if (n == 1) {
        uint8_t x = take8(&s->in);

        mode(s, a, x, take8(&s->in));
    } else {
        touch(s, a);
    }
}

static unsigned own_bytes(struct bytes in, unsigned n, unsigned a)
{
    return n == 0 ? 0 : n == 1 ? 2 : 3;
}

static void place(struct steps *s)
{
    steps_cfg(s, DEVFN, PCI_BAR0 + 8, 4, BAR2);
    steps_cfg(s, DEVFN, PCI_ROM, 4, 0xfea00001);
    steps_cfg(s, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows), .own = own, .own_bytes = own_bytes,
    .place = place,         .head = 1,  .usual = 64,
};

/* What a toolstack may ask for and cannot have. */
static void refused(struct steps *s, unsigned kind, const struct conf *good)
{
    static const struct {
        const char *key;
        uint64_t n;
    } bad[] = {{"vgamem_mib", 0}, {"vgamem_mib", 512}, {"vgamem_mib", 3},
               {"xres", 4},       {"xres", 9999},      {"yres", 0},
               {"yres", 9999}};
    static const uint8_t image[1] = {0};
    struct rom large = {image, 2u << 20};
    struct pci_dev pci = {.devfn = 0};
    const struct pci_id id = {.vendor = 0x1234};
    struct dev toy = {.env = s->b->env};
    uint8_t cfg[256] = {0};
    struct conf c = *good;

    if (kind < 7) {
        conf_set_num(&c, bad[kind].key, bad[kind].n);
    } else if (kind == 7) {
        conf_set_ptr(&c, "rom", &large);
    } else if (kind == 8) { /* no memory for a second one */
        steps_add(s, &vga_ops, good);
    } else if (kind == 9) {
        pci_setup(&pci, &toy, cfg, &id);
        MUST(!pci_add(s->b->env.pci, &pci, DEVFN));
    } else {
        MUST(!bus_map(&s->b->bus, SPACE_PIO, kind & 1 ? 0x1ce : 0x3c0, 1,
                      &vga_port_ops, NULL, NULL));
    }
    steps_refused(s, &vga_ops, &c);
}

/* Of the head of an input: what build() goes by, the same as few times as can
 * be. 2: a mode, 8: memory or ROM, 0x10: no card, then the ROM or a size. */
static unsigned key_of(uint8_t how)
{
    if (REFUSED(how))
        return how & 0xf8;
    how &= 0xef;
    return (how & (FUZZ_START ? 0x0a : 8)) | (how >> 4 < 4 ? 0 : how & 0xe0);
}

static void build(struct steps *s, unsigned key)
{
    static const uint8_t image[100000] = {0x55, 0xaa};
    static struct viewer viewer;
    struct world *w = calloc(1, sizeof(*w));
    struct conf *c = &w->conf;

    s->ctx = w;
    w->rom = (struct rom){image, key & 8 ? 1024 : sizeof(image)};
    steps_begin(s, &fuzz_map, NULL, 0, 4096);
    conf_set_num(c, "vgamem_mib", key & 8 && !(key & 0x10) ? 16 : 1);
    conf_set_num(c, "devfn", DEVFN);
    if (key >> 4 < 4)
        conf_set_ptr(c, "rom", &w->rom);
    else
        conf_set_num(c, "xres", (key >> 4) * 100u);
    if (key & 0x10)
        return;
    w->rig.b = s->b;
    w->rig.dev = steps_add(s, &vga_ops, c);
    w->rig.vga = (struct vga *)w->rig.dev;
    w->rig.viewer = &viewer;
    viewer.kept = true;
    viewer.sink = (struct sink){&vga_viewer_ops, &viewer};
    if (FUZZ_START == 0)
        rig_vbe_mode(&w->rig, 64, 48, 32);
    else if (key & 2)
        rig_mode(&w->rig, FUZZ_START);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    uint8_t how = take8(&in);
    struct steps *s = steps_kept(in, key_of(how), build);
    struct world *w = s->ctx;

    if (REFUSED(how)) {
        refused(s, how >> 5 | (how & 8), &w->conf);
        steps_back(s);
        return 0;
    }
    w->rig.viewer->refuse = w->rig.viewer->bad = false;
    if (how & 1)
        vga_display(w->rig.dev)->ops->watch(w->rig.dev, true);
    steps_run(s, NULL);
    w->rig.viewer->refuse = false;
    if (how & 4)
        look_once(s, false);
    steps_back(s);
    return 0;
}
