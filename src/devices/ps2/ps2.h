/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PS/2 ports: an 8042 keyboard controller at 0x60 and 0x64 (IRQ 1 and 12),
 * a 101/102-key keyboard and a wheel mouse with five buttons. Loop thread
 * only; nothing is allocated after init and no timer runs while no byte waits.
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * Auxiliary Device Controller", "Keyboards (101- and 102-Key)"; the mouse's
 * identities 3 and 4 as Microsoft's IntelliMouse drivers use them.
 */
#ifndef HVMD_PS2_H
#define HVMD_PS2_H

#include <hvmd/dev.h>
#include <hvmd/display.h>

/* Takes no properties. */
extern const struct dev_ops ps2_ops;

/* Where keys and motion go; the lamps' callback is the caller's to set. */
struct input *ps2_input(struct dev *);

#endif
