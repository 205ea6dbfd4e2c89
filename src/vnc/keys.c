/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and buttons of one viewer: codes go on as they are; keysyms are looked
 * up in the guest's layout, and where the character's level differs from the
 * modifiers held, Shift or AltGr is pressed or lifted around the key: viewers
 * with another layout, or without modifier keys, then write what they mean.
 */
#include "vnc.h"

#include "keymap.h"

#include <string.h>

#define CODE_LSHIFT 0x2au
#define CODE_RSHIFT 0x36u
#define CODE_LCTRL  0x1du
#define CODE_RCTRL  0x9du
#define CODE_LALT   0x38u
#define CODE_RALT   0xb8u
#define LAMP_CAPS   0x04u
#define PRESSED                                                                \
    (sizeof(((struct client *)0)->pressed) /                                   \
     sizeof(((struct client *)0)->pressed[0]))

/* RFB's buttons 1 to 3 are ours; 4 and 5 are the wheel, 8 is "back". */
#define MASK_BUTTONS    0x07u
#define MASK_WHEEL_UP   0x08u
#define MASK_WHEEL_DOWN 0x10u
#define MASK_BACK       0x80u

static bool held(const struct client *c, uint32_t code)
{
    return c->held[code >> 5] & (1u << (code & 31));
}

static void send_msg(struct client *c, const struct vnc_msg *m)
{
    c->told++;
    c->s->told++;
    tell(m);
}

static void send_code(struct client *c, uint32_t code, bool down)
{
    struct vnc_msg m = {.type = VNC_KEY};

    m.key.code = code;
    m.key.down = down;
    send_msg(c, &m);
}

static void key(struct client *c, uint32_t code, bool down)
{
    uint32_t bit = 1u << (code & 31);

    if (!down && !held(c, code))
        return;
    if (down)
        c->held[code >> 5] |= bit;
    else
        c->held[code >> 5] &= ~bit;
    send_code(c, code, down);
}

static unsigned levels_held(const struct client *c)
{
    return (held(c, CODE_LSHIFT) || held(c, CODE_RSHIFT) ? KEYMAP_SHIFT : 0) |
           (held(c, CODE_RALT) ? KEYMAP_ALTGR : 0);
}

/* Presses e's key with the modifiers its character needs. */
static void press(struct client *c, const struct keymap_entry *e)
{
    unsigned have = levels_held(c), differ;
    bool plain =
        held(c, CODE_LCTRL) || held(c, CODE_RCTRL) || held(c, CODE_LALT);

    if (!(e->mods & KEYMAP_EXACT) || plain) {
        key(c, e->code, true);
        return;
    }
    differ = have ^ e->mods;
    if ((e->mods & KEYMAP_CAPS) && (c->s->lamps & LAMP_CAPS))
        differ ^= KEYMAP_SHIFT;
    bool lift = (differ & KEYMAP_SHIFT) && (have & KEYMAP_SHIFT);
    bool shift = (differ & KEYMAP_SHIFT) && !lift;
    bool altgr = (differ & KEYMAP_ALTGR) && !(have & KEYMAP_ALTGR);
    bool left = held(c, CODE_LSHIFT), right = held(c, CODE_RSHIFT);

    if (lift && left)
        send_code(c, CODE_LSHIFT, false);
    if (lift && right)
        send_code(c, CODE_RSHIFT, false);
    if (shift)
        send_code(c, CODE_LSHIFT, true);
    if (altgr)
        send_code(c, CODE_RALT, true);
    key(c, e->code, true);
    if (altgr)
        send_code(c, CODE_RALT, false);
    if (shift)
        send_code(c, CODE_LSHIFT, false);
    if (lift && left)
        send_code(c, CODE_LSHIFT, true);
    if (lift && right)
        send_code(c, CODE_RSHIFT, true);
}

/* The code a keysym went out as, 0: it is not down. Forgets it if asked. */
static uint8_t recall(struct client *c, uint32_t sym, bool forget)
{
    for (unsigned i = 0; i < PRESSED; i++) {
        uint8_t code = c->pressed[i].code;

        if (!code || c->pressed[i].sym != sym)
            continue;
        if (forget)
            c->pressed[i].code = 0;
        return code;
    }
    return 0;
}

static void remember(struct client *c, uint32_t sym, uint8_t code)
{
    for (unsigned i = 0; i < PRESSED; i++)
        if (!c->pressed[i].code) {
            c->pressed[i].sym = sym;
            c->pressed[i].code = code;
            return;
        }
}

void keys_sym(struct client *c, bool down, uint32_t sym)
{
    uint8_t code = recall(c, sym, !down);
    const struct keymap_entry *e;

    if (!down && code) {
        key(c, code, false);
        return;
    }
    e = keymap_find(c->s->layout, sym, levels_held(c));
    if (!e)
        return;
    if (!down) {
        key(c, e->code, false);
        return;
    }
    if (!code)
        remember(c, sym, e->code);
    press(c, e);
}

void keys_code(struct client *c, bool down, uint32_t code, uint32_t sym)
{
    if (!code || code > 0xff)
        keys_sym(c, down, sym);
    else
        key(c, code, down);
}

static unsigned buttons(const struct server *s)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < s->n; i++)
        mask |= s->client[i]->mask;
    return (mask & MASK_BUTTONS) | (mask & MASK_BACK ? BTN_BIT_SIDE : 0);
}

void keys_pointer(struct client *c, unsigned mask, uint32_t x, uint32_t y)
{
    struct server *s = c->s;
    struct vnc_msg m = {.type = VNC_POINTER};
    unsigned pressed = mask & ~c->mask;

    c->mask = mask;
    m.pointer.x = x < s->w ? x : s->w - 1;
    m.pointer.y = y < s->h ? y : s->h - 1;
    m.pointer.buttons = buttons(s);
    m.pointer.wheel = pressed & MASK_WHEEL_UP     ? 1
                      : pressed & MASK_WHEEL_DOWN ? -1
                                                  : 0;
    s->x = m.pointer.x;
    s->y = m.pointer.y;
    send_msg(c, &m);
}

void keys_release(struct client *c)
{
    for (uint32_t code = 1; code < 256; code++)
        key(c, code, false);
    if (c->mask)
        keys_pointer(c, 0, c->s->x, c->s->y);
}
