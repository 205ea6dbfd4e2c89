/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports 3b0..3df: the register files, the palette DAC, the status. */
#include "vga_int.h"

#define MASK_ROW(name, index, wmask) [index] = (wmask),
const uint8_t vga_sr_mask[VGA_SRS] = {VGA_SEQUENCER(MASK_ROW)};
const uint8_t vga_gr_mask[VGA_GRS] = {VGA_GRAPHICS(MASK_ROW)};
const uint8_t vga_cr_mask[VGA_CRS] = {VGA_CRTC(MASK_ROW)};
const uint8_t vga_ar_mask[VGA_ARS] = {0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      0x3f,
                                      VGA_ATTRIBUTE(MASK_ROW)};

#define PORT_BASE 0x3b0u

/*
 * The picture's rhythm, from the VM clock. The beam's vertical pause is
 * drawn out (real: retrace lasts two lines): a trapped port read takes longer
 * than two lines, and programs that wait for retrace would miss it.
 */
#define LINE_NS         31778u /* 31.469 kHz */
#define LINE_VISIBLE_NS 25422u
#define LINES_60HZ      525u
#define LINES_70HZ      449u
#define LINES_PAUSE     49u
#define MISC_480_LINES  0xc0u /* both sync polarities */

static uint8_t status1(struct vga *vga)
{
    uint32_t lines = (vga->s.misc & MISC_480_LINES) == MISC_480_LINES
                         ? LINES_60HZ
                         : LINES_70HZ;
    uint64_t t = clock_now(vga->dev.env.clock) % (lines * LINE_NS);

    if (t / LINE_NS >= lines - LINES_PAUSE)
        return STATUS_BLANK | STATUS_VSYNC;
    return t % LINE_NS >= LINE_VISIBLE_NS ? STATUS_BLANK : 0;
}

static uint8_t crtc_read(const struct vga *vga)
{
    const struct vga_state *s = &vga->s;

    if (s->cr_index < VGA_CRS && vga_cr_mask[s->cr_index])
        return s->cr[s->cr_index];
    if (s->cr_index == 0x22) /* the latch of the plane to be read */
        return s->latch[s->gr[GR_READ_MAP] & 3u];
    if (s->cr_index == 0x24) /* attribute flip-flop */
        return s->ar_data ? 0x80 : 0;
    return 0;
}

static void crtc_write(struct vga *vga, uint8_t val)
{
    struct vga_state *s = &vga->s;
    unsigned i = s->cr_index;

    if (i >= VGA_CRS)
        return;
    val &= vga_cr_mask[i];
    if (i <= CR_OVERFLOW && (s->cr[CR_V_SYNC_END] & CR11_PROTECT)) {
        if (i != CR_OVERFLOW)
            return;
        /* Line compare bit 8 alone stays writable. */
        val = (uint8_t)((s->cr[i] & ~0x10u) | (val & 0x10u));
    }
    s->cr[i] = val;
}

static void attr_write(struct vga *vga, uint8_t val)
{
    struct vga_state *s = &vga->s;

    if (!s->ar_data) {
        s->ar_index = val & 0x3f;
    } else {
        unsigned i = s->ar_index & 0x1fu;

        s->ar[i] = val & vga_ar_mask[i];
        vga->lut_stale = true;
    }
    s->ar_data = !s->ar_data;
}

static uint8_t dac_read(struct vga *vga)
{
    struct vga_state *s = &vga->s;
    uint8_t val = s->dac[s->dac_rd * 3u + s->dac_sub];

    if (++s->dac_sub == 3) {
        s->dac_sub = 0;
        s->dac_rd = (uint8_t)(s->dac_rd + 1u);
    }
    return val;
}

/* A colour takes effect with its third byte. */
static void dac_write(struct vga *vga, uint8_t val)
{
    struct vga_state *s = &vga->s;

    if (!(s->vbe[VBE_ENABLE] & VBE_8BIT_DAC))
        val &= 0x3f;
    s->dac_tmp[s->dac_sub] = val;
    if (++s->dac_sub < 3)
        return;
    for (unsigned i = 0; i < 3; i++)
        s->dac[s->dac_wr * 3u + i] = s->dac_tmp[i];
    s->dac_sub = 0;
    s->dac_wr = (uint8_t)(s->dac_wr + 1u);
    vga->lut_stale = true;
}

/* The half of 3bx/3dx that MISC_COLOR leaves unselected. */
static bool deselected(const struct vga *vga, uint32_t port)
{
    if (port < 0x3c0)
        return (vga->s.misc & MISC_COLOR) != 0;
    return port >= 0x3d0 && !(vga->s.misc & MISC_COLOR);
}

uint8_t vga_port_read(struct vga *vga, uint32_t port)
{
    struct vga_state *s = &vga->s;

    if (deselected(vga, port))
        return 0xff;
    switch (port) {
    case 0x3b4:
    case 0x3d4:
        return s->cr_index;
    case 0x3b5:
    case 0x3d5:
        return crtc_read(vga);
    case 0x3ba:
    case 0x3da:
        s->ar_data = 0;
        return status1(vga);
    case 0x3c0:
        return s->ar_index;
    case 0x3c1:
        return s->ar[s->ar_index & 0x1fu];
    case 0x3c2:
        return 0x10; /* switch sense: a monitor is there */
    case 0x3c3:
        return s->enable;
    case 0x3c4:
        return s->sr_index;
    case 0x3c5:
        return s->sr[s->sr_index & 7u];
    case 0x3c6:
        return s->pel_mask;
    case 0x3c7:
        return s->dac_state;
    case 0x3c8:
        return s->dac_wr;
    case 0x3c9:
        return dac_read(vga);
    case 0x3ca:
        return s->feature;
    case 0x3cc:
        return s->misc;
    case 0x3ce:
        return s->gr_index;
    case 0x3cf:
        return s->gr[s->gr_index & 15u];
    default:
        return 0xff;
    }
}

void vga_port_write(struct vga *vga, uint32_t port, uint8_t val)
{
    struct vga_state *s = &vga->s;

    if (deselected(vga, port))
        return;
    switch (port) {
    case 0x3b4:
    case 0x3d4:
        s->cr_index = val;
        break;
    case 0x3b5:
    case 0x3d5:
        crtc_write(vga, val);
        break;
    case 0x3ba:
    case 0x3da:
        s->feature = val & 0x0b;
        break;
    case 0x3c0:
        attr_write(vga, val);
        break;
    case 0x3c2:
        s->misc = val & MISC_MASK;
        break;
    case 0x3c3:
        s->enable = val & 1;
        break;
    case 0x3c4:
        s->sr_index = val & 7;
        break;
    case 0x3c5:
        s->sr[s->sr_index & 7u] = val & vga_sr_mask[s->sr_index & 7u];
        break;
    case 0x3c6:
        s->pel_mask = val;
        vga->lut_stale = true;
        break;
    case 0x3c7:
        s->dac_rd = val;
        s->dac_sub = 0;
        s->dac_state = 3;
        break;
    case 0x3c8:
        s->dac_wr = val;
        s->dac_sub = 0;
        s->dac_state = 0;
        break;
    case 0x3c9:
        dac_write(vga, val);
        break;
    case 0x3ce:
        s->gr_index = val & 15;
        break;
    case 0x3cf:
        s->gr[s->gr_index & 15u] = val & vga_gr_mask[s->gr_index & 15u];
        break;
    default:
        break;
    }
}

static uint64_t port_rd(void *dev, uint32_t off, unsigned size)
{
    (void)size;
    return vga_port_read(dev, PORT_BASE + off);
}

static void port_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    (void)size;
    vga_port_write(dev, PORT_BASE + off, (uint8_t)val);
}

const struct io_ops vga_port_ops = {
    .rd = port_rd, .wr = port_wr, .min = 1, .max = 1};
