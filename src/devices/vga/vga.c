/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The card: PCI function, BARs, option ROM, life cycle. As libxl's stdvga
 * presents it: BAR 0 video memory, BAR 2 registers, expansion ROM.
 */
#include "vga_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIB            (1024u * 1024u)
#define VGAMEM_DEFAULT 16u
#define VGAMEM_MAX     256u
#define ROM_BAR_MIN    0x10000u
#define ROM_MAX        MIB
#define CELLS          ((size_t)DISPLAY_MAX_H * VGA_TEXT_COLS)

enum vga_log { LOG_VRAM_MOVE };

static const struct pci_id vga_id = {.vendor = 0x1234,
                                     .device = 0x1111,
                                     .subsys_vendor = 0x1af4,
                                     .subsys = 0x1100,
                                     .revision = 2,
                                     .class_code = 0x0300};

static size_t rom_mem(void *dev, uint32_t off, bool wr, void *buf, size_t len)
{
    const struct vga *vga = dev;
    size_t have = off < vga->rom.size_bytes ? vga->rom.size_bytes - off : 0;

    if (wr)
        return len;
    if (have > len)
        have = len;
    if (have)
        memcpy(buf, vga->rom.data + off, have);
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

/* BAR 0 is guest memory: the hypervisor moves its pages. */
static void vram_moved(void *dev, uint64_t addr)
{
    struct vga *vga = dev;
    struct hv *hv = vga->dev.env.hv;
    uint64_t gfn = addr == PCI_BAR_OFF ? HV_GFN_NONE : addr >> 12;

    if (hv->ops->vram_move(hv, gfn))
        guest_log(&vga->dev, LOG_VRAM_MOVE,
                  "video memory cannot be placed at %#llx",
                  (unsigned long long)addr);
}

static int vga_add_pci(struct vga *vga, const struct conf *conf, struct err *e)
{
    unsigned devfn = (unsigned)conf_num(conf, "devfn", PCI_DEVFN_AUTO);
    uint32_t rom_bytes = ROM_BAR_MIN;
    int rc;

    pci_setup(&vga->pci, &vga->dev, vga->s.cfg, &vga_id);
    pci_set_bar(&vga->pci, 0, SPACE_MMIO, vga->vram_bytes, true, NULL, vga,
                vram_moved);
    pci_set_bar(&vga->pci, 2, SPACE_MMIO, BAR2_BYTES, false, &vga_bar2_ops, vga,
                NULL);
    while (rom_bytes < vga->rom.size_bytes)
        rom_bytes *= 2;
    if (vga->rom.size_bytes)
        pci_set_bar(&vga->pci, PCI_BAR_ROM, SPACE_MMIO, rom_bytes, false,
                    &rom_ops, vga, NULL);
    rc = pci_add(vga->dev.env.pci, &vga->pci, devfn);
    if (rc)
        return err_set(e, rc, "the VGA card finds no free PCI slot");
    return 0;
}

static const struct vga_region {
    enum space space;
    uint64_t base, len;
    const struct io_ops *ops;
} regions[] = {{SPACE_PIO, 0x3b0, 0x30, &vga_port_ops},
               {SPACE_PIO, 0x1ce, 4, &vga_vbe_ops},
               {SPACE_MMIO, 0xa0000, 0x20000, &vga_window_ops}};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

static void vga_unmap(struct vga *vga, unsigned n)
{
    while (n-- > 0)
        bus_unmap(vga->dev.env.bus, regions[n].space, regions[n].base);
}

static int vga_map(struct vga *vga, struct err *e)
{
    for (unsigned i = 0; i < REGIONS; i++) {
        const struct vga_region *r = &regions[i];
        int rc = dev_map(&vga->dev, r->space, r->base, r->len, r->ops);

        if (!rc)
            continue;
        vga_unmap(vga, i);
        return err_set(e, rc,
                       "the VGA card's place at %#llx is taken by another "
                       "device",
                       (unsigned long long)r->base);
    }
    return 0;
}

static void vga_fini(struct dev *dev)
{
    struct vga *vga = (struct vga *)dev;

    free(vga->marks);
    free(vga->cells);
}

/* What the administrator asked for, checked. */
static int vga_configure(struct vga *vga, const struct conf *conf,
                         struct err *e)
{
    const struct rom *rom = conf_ptr(conf, "rom");
    uint64_t mib = conf_num(conf, "vgamem_mib", VGAMEM_DEFAULT);
    uint64_t w = conf_num(conf, "xres", 1280), h = conf_num(conf, "yres", 800);

    if (mib < 1 || mib > VGAMEM_MAX || (mib & (mib - 1)))
        return err_set(e, -EINVAL,
                       "video memory of %llu MiB is not possible: it must be "
                       "a power of two from 1 to %u",
                       (unsigned long long)mib, VGAMEM_MAX);
    if (w < 8 || w > DISPLAY_MAX_W || h < 1 || h > DISPLAY_MAX_H)
        return err_set(e, -EINVAL,
                       "a preferred mode of %llux%llu is not possible: at "
                       "most %ux%u",
                       (unsigned long long)w, (unsigned long long)h,
                       DISPLAY_MAX_W, DISPLAY_MAX_H);
    if (rom && rom->size_bytes > ROM_MAX)
        return err_set(e, -EINVAL, "the VGA's option ROM is larger than 1 MiB");
    vga->vram_bytes = (uint32_t)mib * MIB;
    if (rom)
        vga->rom = *rom;
    vga_edid(vga->edid, (uint32_t)w, (uint32_t)h, vga->vram_bytes);
    return 0;
}

static int vga_attach(struct vga *vga, const struct conf *conf, struct err *e)
{
    struct hv *hv = vga->dev.env.hv;
    int rc = hv->ops->vram_alloc(hv, vga->vram_bytes / HV_PAGE_BYTES);

    if (rc)
        return err_set(e, rc,
                       "%u MiB of video memory cannot be had for the guest: "
                       "%s; lower videoram or raise maxmem",
                       vga->vram_bytes / MIB, strerror(-rc));
    rc = vga_map(vga, e);
    if (rc)
        return rc;
    rc = vga_add_pci(vga, conf, e);
    if (rc)
        vga_unmap(vga, REGIONS);
    return rc;
}

static int vga_init(struct dev *dev, const struct conf *conf, struct err *e)
{
    struct vga *vga = (struct vga *)dev;
    int rc = vga_configure(vga, conf, e);

    if (rc)
        return rc;
    vga->mark_bytes = vga->vram_bytes / HV_PAGE_BYTES / 8;
    vga->marks = calloc(2, vga->mark_bytes);
    vga->cells = calloc(CELLS, sizeof(vga->cells[0]));
    if (vga->marks && vga->cells) {
        vga->hv_bits = vga->marks + vga->mark_bytes;
        vga->display.ops = &vga_display_ops;
        vga->display.dev = vga;
        rc = vga_attach(vga, conf, e);
    } else {
        rc = err_set(e, -ENOMEM, "out of memory for the VGA card");
    }
    if (rc)
        vga_fini(dev); /* nobody else calls it after a failed init */
    return rc;
}

static void vga_reset(struct dev *dev, enum reset_kind kind)
{
    struct vga *vga = (struct vga *)dev;
    struct vga_state *s = &vga->s;
    uint8_t cfg[sizeof(s->cfg)];

    (void)kind;
    memcpy(cfg, s->cfg, sizeof(cfg));
    memset(s, 0, sizeof(*s));
    memcpy(s->cfg, cfg, sizeof(cfg));
    s->enable = 1;
    s->pel_mask = 0xff;
    vga_vbe_reset(vga);
    vga->lut_stale = true;
    pci_reset(&vga->pci);
}

struct display *vga_display(struct dev *dev)
{
    return &((struct vga *)dev)->display;
}

const struct dev_ops vga_ops = {
    .name = "vga",
    .size = sizeof(struct vga),
    .init = vga_init,
    .reset = vga_reset,
    .fini = vga_fini,
    .state = &vga_state_desc,
};
