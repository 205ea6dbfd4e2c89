/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the controller, keyboard and mouse share. */
#ifndef PS2_TEST_H
#define PS2_TEST_H

#include "../../bench/bench.h"
#include "regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CTR_NORMAL (CCB_KBD_INT | CCB_AUX_INT | CCB_SYS | CCB_XLATE)

struct rig {
    struct bench *b;
    struct dev *dev;
    struct ps2 *p;
    struct input *in;
    uint8_t leds;
    unsigned leds_calls;
};

int rig_setup(void **state);
int rig_teardown(void **state);

void cmd(struct rig *, uint8_t c); /* to 0x64 */
void cmd1(struct rig *, uint8_t c, uint8_t val);
uint8_t sts(struct rig *);
/* Waits for a byte as a driver does; aux: must be the mouse's. */
uint8_t get(struct rig *, bool aux);
bool nothing(struct rig *); /* after any time */
void kbd_expect(struct rig *, unsigned n, const uint8_t *want);
void kbd_send1(struct rig *, uint8_t v); /* and takes the ACK */
void aux_send1(struct rig *, uint8_t v);
#define KEYS(r, ...)                                                           \
    kbd_expect(r, sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

int kbd_run(void);
int mouse_run(void);

#endif
