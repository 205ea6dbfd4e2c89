/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VGA's state is. Video memory travels with the guest's memory. */
#include "vga_int.h"

#include <errno.h>

static const struct field vga_fields[] = {
    FIELD_ARRAY(struct vga_state, vbe, 1),
    FIELD(struct vga_state, vbe_index, 1),
    FIELD_ARRAY(struct vga_state, cfg, 1),
    FIELD_ARRAY(struct vga_state, sr, 1),
    FIELD_ARRAY(struct vga_state, gr, 1),
    FIELD_ARRAY(struct vga_state, ar, 1),
    FIELD_ARRAY(struct vga_state, cr, 1),
    FIELD_MAX(struct vga_state, sr_index, 1, 7),
    FIELD_MAX(struct vga_state, gr_index, 1, 15),
    FIELD_MAX(struct vga_state, ar_index, 1, 0x3f),
    FIELD(struct vga_state, cr_index, 1),
    FIELD_BOOL(struct vga_state, ar_data, 1),
    FIELD_MAX(struct vga_state, misc, 1, MISC_MASK),
    FIELD_MAX(struct vga_state, feature, 1, 0x0b),
    FIELD_BOOL(struct vga_state, enable, 1),
    FIELD_ARRAY(struct vga_state, latch, 1),
    FIELD(struct vga_state, pel_mask, 1),
    FIELD_MAX(struct vga_state, dac_state, 1, 3),
    FIELD(struct vga_state, dac_rd, 1),
    FIELD(struct vga_state, dac_wr, 1),
    FIELD_MAX(struct vga_state, dac_sub, 1, 2),
    FIELD_ARRAY(struct vga_state, dac_tmp, 1),
    FIELD_BOOL(struct vga_state, big_endian, 1),
    FIELD_MAX(struct vga_state, pad, 1, 0),
    FIELD_ARRAY(struct vga_state, dac, 1),
    FIELD_END};

static int check_masks(const uint8_t *reg, const uint8_t *mask, unsigned n,
                       const char *what, struct err *e)
{
    for (unsigned i = 0; i < n; i++)
        if (reg[i] & ~mask[i])
            return err_set(e, -EINVAL,
                           "state of vga: %s register %#x holds %#x, which no "
                           "write can put there",
                           what, i, reg[i]);
    return 0;
}

static int vga_check(const void *state, struct err *e)
{
    const struct vga_state *s = state;
    int rc = 0;

    if (s->vbe[VBE_ENABLE] & ~VBE_ENABLE_MASK)
        rc = err_set(e, -EINVAL,
                     "state of vga: field vbe, enable register, holds %#x",
                     s->vbe[VBE_ENABLE]);
    if (!rc)
        rc = check_masks(s->sr, vga_sr_mask, VGA_SRS, "sequencer", e);

    if (!rc)
        rc = check_masks(s->gr, vga_gr_mask, VGA_GRS, "graphics", e);
    if (!rc)
        rc = check_masks(s->ar, vga_ar_mask, VGA_ARS, "attribute", e);
    if (!rc)
        rc = check_masks(s->cr, vga_cr_mask, VGA_CRS, "CRT controller", e);
    return rc;
}

static void vga_loaded(void *dev)
{
    struct vga *vga = dev;

    /* As large a mode as this video memory holds, whatever was saved. */
    vga->s.vbe[VBE_MEMORY_64K] = (uint16_t)(vga->vram_bytes / VBE_BANK_SIZE);
    vga_vbe_fix(vga);
    vga->lut_stale = true;
    vga->px = NULL; /* all is drawn anew */
    pci_loaded(&vga->pci);
}

const struct state_desc vga_state_desc = {
    .name = "vga",
    .version = 1,
    .off = offsetof(struct vga, s),
    .size = sizeof(struct vga_state),
    .fields = vga_fields,
    .check = vga_check,
    .loaded = vga_loaded,
};
