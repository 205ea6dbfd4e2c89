/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From keysyms (X11, RFC 6143 section 7.5.4) to PC set 1 codes (0x80 set for
 * E0-prefixed keys) by the guest's keyboard layout: for viewers that do not
 * send key codes. The tables are const, made at build time by keymap_gen.c.
 */
#ifndef HVMD_VNC_KEYMAP_H
#define HVMD_VNC_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#define KEYMAP_SHIFT 0x01u /* the level needs Shift */
#define KEYMAP_ALTGR 0x02u /* the level needs AltGr */
#define KEYMAP_EXACT 0x04u /* a character: the level matters */
#define KEYMAP_CAPS  0x08u /* Caps Lock swaps the level */

struct keymap_entry {
    uint32_t sym;
    uint8_t code;
    uint8_t mods; /* KEYMAP_* */
};

struct keymap {
    const struct keymap_entry *entry; /* by sym, then by mods */
    unsigned n;
};

extern const struct keymap keymaps[]; /* by layout number */
extern const unsigned keymaps_n;

/*
 * The entry for sym, preferring one reachable with the modifiers held (SHIFT,
 * ALTGR bits); falls back to the first layout, since viewers of any script
 * have Latin letters. NULL: the keyboard lacks it.
 */
const struct keymap_entry *keymap_find(unsigned layout, uint32_t sym,
                                       unsigned held);

#endif
