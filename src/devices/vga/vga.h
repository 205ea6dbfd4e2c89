/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard VGA with Bochs VBE extensions, PCI 1234:1111. Owns no memory of the
 * guest: video memory is asked of the hypervisor at each access. Display work
 * happens only in refresh(); the device has no timers. Loop thread only.
 * conf: "vgamem_mib" num (power of two, 1..256, default 16), "rom" ptr (const
 * struct rom *, may be absent), "devfn" num (default: next free slot),
 * "xres", "yres" num: preferred mode in the EDID (default 1280 x 800).
 * Sources: IBM VGA technical reference (registers and memory logic); Bochs VBE
 * display interface 0xb0c0..0xb0c5; VESA E-EDID A.2.
 */
#ifndef HVMD_VGA_H
#define HVMD_VGA_H

#include <hvmd/dev.h>
#include <hvmd/display.h>

extern const struct dev_ops vga_ops;

/* The screen of a device made with vga_ops; lives as long as it. */
struct display *vga_display(struct dev *);

#endif
