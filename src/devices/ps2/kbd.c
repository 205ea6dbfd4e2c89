/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard. Repeats are made by the viewer and pass as further makes. A
 * release is never lost: one that finds the queue full is owed and follows
 * when there is room, so that no key sticks in the guest.
 * Source: IBM PS/2 Hardware Interface Technical Reference, Keyboards.
 */
#include "regs.h"

#include <string.h>

/* Input codes: set 1, bit 7 for E0 */
#define KEY_CTRL_L 0x1du
#define KEY_CTRL_R 0x9du
#define KEY_SHF_L  0x2au
#define KEY_SHF_R  0x36u
#define KEY_ALT_L  0x38u
#define KEY_ALT_R  0xb8u
#define KEY_SYSRQ  0x54u
#define KEY_PRTSC  0xb7u
#define KEY_PAUSE  0xc6u
#define KEY_CAPS   0x3au

#define SET3_PAUSE 0x62u
#define SEQ_MAX    8u

static void set_leds(struct ps2 *p, uint8_t leds)
{
    if (p->r.kbd.leds == leds)
        return;
    p->r.kbd.leds = leds;
    if (p->input.leds)
        p->input.leds(p->input.leds_ctx, leds);
}

static void key_types_default(struct ps2_kbd *k)
{
    memset(k->no_break, 0xff, sizeof(k->no_break));
    memset(k->no_repeat, 0xff, sizeof(k->no_repeat));
    for (const uint8_t *c = kbd_set3_repeats; *c; c++)
        bit_put(k->no_repeat, *c, false);
    for (const uint8_t *c = kbd_set3_breaks; *c; c++)
        bit_put(k->no_break, *c, false);
}

static void forget_keys(struct ps2_kbd *k)
{
    fifo_clear(&k->out);
    k->overrun = 0;
    memset(k->down, 0, sizeof(k->down));
    memset(k->owed, 0, sizeof(k->owed));
}

static void set_default(struct ps2_kbd *k)
{
    k->set = 2;
    k->rate = 0x2b; /* 10.9 a second after 500 ms */
    key_types_default(k);
    forget_keys(k);
}

void kbd_reset(struct ps2 *p)
{
    struct ps2_kbd *k = &p->r.kbd;

    set_default(k);
    fifo_clear(&k->reply);
    k->cmd = 0;
    k->scanning = 1;
    k->last = DEV_BAT_OK;
    set_leds(p, 0);
}

static void answer(struct ps2_kbd *k, uint8_t val)
{
    fifo_put(&k->reply, val, REPLY_MAX);
}

/* FB, FC, FD: the types of single keys until a command comes. */
static void key_type(struct ps2_kbd *k, uint8_t cmd, uint8_t code)
{
    bit_put(k->no_break, code, cmd != 0xfc);
    bit_put(k->no_repeat, code, cmd != 0xfb);
    answer(k, DEV_ACK);
    k->cmd = cmd;
}

static void kbd_param(struct ps2 *p, uint8_t cmd, uint8_t val)
{
    struct ps2_kbd *k = &p->r.kbd;

    switch (cmd) {
    case 0xed:
        answer(k, DEV_ACK);
        set_leds(p, val & 7);
        break;
    case 0xf0:
        if (val > 3) {
            answer(k, DEV_RESEND);
            break;
        }
        answer(k, DEV_ACK);
        if (val == 0) {
            answer(k, k->set);
        } else {
            k->set = val;
            forget_keys(k);
        }
        break;
    case 0xf3:
        answer(k, DEV_ACK);
        k->rate = val & 0x7f;
        break;
    case 0xfb:
    case 0xfc:
    case 0xfd:
        key_type(k, cmd, val);
        break;
    default: /* only after a restore: nothing waits for a parameter */
        answer(k, DEV_RESEND);
    }
}

static void kbd_command(struct ps2 *p, uint8_t cmd)
{
    struct ps2_kbd *k = &p->r.kbd;
    uint8_t last = k->last;

    switch (cmd) {
    case 0xee: /* echo */
        answer(k, 0xee);
        return;
    case 0xfe:
        answer(k, last);
        return;
    case 0xed: /* lamps */
    case 0xf0: /* scan set */
    case 0xf3: /* typematic rate and delay */
    case 0xfb: /* key types: typematic, make/break, make */
    case 0xfc:
    case 0xfd:
        k->cmd = cmd;
        answer(k, DEV_ACK);
        return;
    case 0xf2: /* identity */
        answer(k, DEV_ACK);
        answer(k, 0xab);
        answer(k, 0x83);
        return;
    case 0xf4: /* enable */
        forget_keys(k);
        k->scanning = 1;
        break;
    case 0xf5: /* defaults, disable */
        set_default(k);
        k->scanning = 0;
        break;
    case 0xf6: /* defaults */
        set_default(k);
        break;
    case 0xf7: /* all keys: typematic, make/break, make, all three */
    case 0xf8:
    case 0xf9:
    case 0xfa:
        memset(k->no_break, cmd & 1 ? 0xff : 0, sizeof(k->no_break));
        memset(k->no_repeat, cmd == 0xf8 || cmd == 0xf9 ? 0xff : 0,
               sizeof(k->no_repeat));
        break;
    case 0xff: /* reset and self-test */
        kbd_reset(p);
        answer(k, DEV_ACK);
        answer(k, DEV_BAT_OK);
        return;
    default:
        answer(k, DEV_RESEND);
        guest_log(&p->dev, LOG_KBD, "no keyboard command %02x", cmd);
        return;
    }
    answer(k, DEV_ACK);
}

void kbd_write(struct ps2 *p, uint8_t val)
{
    struct ps2_kbd *k = &p->r.kbd;
    uint8_t cmd = k->cmd;

    /* A byte from the host ends what the keyboard was answering. */
    fifo_clear(&k->reply);
    k->cmd = 0;
    /* A command in place of a parameter is a command. */
    if (cmd && val < 0xed)
        kbd_param(p, cmd, val);
    else
        kbd_command(p, val);
}

/* One plain key in set 1 or 2. */
static unsigned put_code(uint8_t *seq, uint8_t set, uint8_t code, bool down)
{
    uint8_t base = code & 0x7f;
    uint8_t set2 = kbd_set2(base);
    unsigned n = 0;

    /* Their breaks would read as prefixes or as an overrun. */
    if (!set2 || base == 0x60 || base == 0x61 || base == 0x7f)
        return 0;
    if (code & 0x80)
        seq[n++] = 0xe0;
    if (set == 1) {
        seq[n++] = down ? base : base | 0x80;
        return n;
    }
    if (!down)
        seq[n++] = 0xf0;
    seq[n++] = set2;
    return n;
}

static bool held(const struct ps2_kbd *k, uint8_t left, uint8_t right)
{
    return bit_get(k->down, left) || bit_get(k->down, right);
}

static unsigned put_pause(const struct ps2_kbd *k, uint8_t *seq, bool down)
{
    static const uint8_t set1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const uint8_t set2[] = {0xe1, 0x14, 0x77, 0xe1,
                                   0xf0, 0x14, 0xf0, 0x77};
    unsigned n;

    if (!down)
        return 0; /* it has no break: both are sent at once */
    if (held(k, KEY_CTRL_L, KEY_CTRL_R)) { /* Break */
        n = put_code(seq, k->set, 0xc6, true);
        return n + put_code(seq + n, k->set, 0xc6, false);
    }
    if (k->set == 1) {
        memcpy(seq, set1, sizeof(set1));
        return sizeof(set1);
    }
    memcpy(seq, set2, sizeof(set2));
    return sizeof(set2);
}

static unsigned put_prtsc(const struct ps2_kbd *k, uint8_t *seq, bool down)
{
    const uint8_t shift = 0x80 | KEY_SHF_L; /* sent with it */
    unsigned n;

    if (held(k, KEY_SHF_L, KEY_SHF_R) || held(k, KEY_CTRL_L, KEY_CTRL_R))
        return put_code(seq, k->set, KEY_PRTSC, down);
    n = put_code(seq, k->set, down ? shift : KEY_PRTSC, down);
    return n + put_code(seq + n, k->set, down ? KEY_PRTSC : shift, down);
}

static unsigned put_set3(const struct ps2_kbd *k, uint8_t *seq, uint8_t code,
                         bool down)
{
    uint8_t c = code == KEY_PAUSE ? (uint8_t)SET3_PAUSE
                                  : kbd_set3[code >> 7][code & 0x7f];

    if (!c)
        return 0;
    if (down) {
        if (bit_get(k->down, code) && bit_get(k->no_repeat, c))
            return 0;
        seq[0] = c;
        return 1;
    }
    if (bit_get(k->no_break, c))
        return 0;
    seq[0] = 0xf0;
    seq[1] = c;
    return 2;
}

static unsigned sequence(const struct ps2_kbd *k, uint8_t *seq, uint8_t code,
                         bool down)
{
    if (k->set == 3)
        return put_set3(k, seq, code, down);
    if (code == KEY_PAUSE)
        return put_pause(k, seq, down);
    if (code == KEY_PRTSC)
        return put_prtsc(k, seq, down);
    return put_code(seq, k->set, code, down);
}

/* All of it or nothing. */
static bool queue(struct ps2_kbd *k, const uint8_t *seq, unsigned n)
{
    if (k->out.len + n > KBD_QUEUE)
        return false;
    for (unsigned i = 0; i < n; i++)
        fifo_put(&k->out, seq[i], KBD_QUEUE);
    return true;
}

void kbd_key(void *dev, uint8_t code, bool down)
{
    struct ps2 *p = dev;
    struct ps2_kbd *k = &p->r.kbd;
    uint8_t seq[SEQ_MAX];
    unsigned n;

    if (p->paused && down)
        return;
    /* Alt makes it SysRq, and it ends as what it began. */
    if (code == KEY_PRTSC && k->set != 3 &&
        (down ? held(k, KEY_ALT_L, KEY_ALT_R) : bit_get(k->down, KEY_SYSRQ)))
        code = KEY_SYSRQ;
    if (!k->scanning || (!down && !bit_get(k->down, code)))
        return;
    if (down && code == KEY_PAUSE && bit_get(k->down, code))
        return; /* never repeats */
    n = sequence(k, seq, code, down);
    if (queue(k, seq, n)) {
        bit_put(k->down, code, down);
        bit_put(k->owed, code, false);
    } else if (!down) {
        bit_put(k->down, code, false);
        bit_put(k->owed, code, true);
    } else if (!k->overrun) {
        k->overrun =
            fifo_put(&k->out, k->set == 1 ? 0xff : 0x00, KBD_QUEUE + 1);
    }
    ps2_kick(p);
}

void kbd_drained(struct ps2 *p)
{
    struct ps2_kbd *k = &p->r.kbd;
    uint8_t seq[SEQ_MAX];
    unsigned i, n;

    if (k->out.len <= KBD_QUEUE - SEQ_MAX)
        k->overrun = 0;
    for (i = 0; i < 256; i++) {
        if (i % 8 == 0 && !k->owed[i / 8]) {
            i += 7;
            continue;
        }
        if (!bit_get(k->owed, (uint8_t)i))
            continue;
        n = sequence(k, seq, (uint8_t)i, false);
        if (!queue(k, seq, n))
            return;
        bit_put(k->owed, (uint8_t)i, false);
    }
}
