/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "regs.h"

#include <errno.h>

#define F(m)          FIELD(struct ps2_regs, m, 1)
#define FB(m)         FIELD_BOOL(struct ps2_regs, m, 1)
#define FM(m, most)   FIELD_MAX(struct ps2_regs, m, 1, most)
#define FA(m)         FIELD_ARRAY(struct ps2_regs, m, 1)
#define FZ(m)         FIELD_ARRAY_MAX(struct ps2_regs, m, 1, 0)
#define FIFO(m, most) FA(m.byte), FM(m.head, FIFO_SIZE - 1), FM(m.len, most)

static const struct field ps2_fields[] = {
    FA(ram),
    F(cmd),
    FB(a2),
    FM(poll, 2),
    F(p2),
    F(obuf),
    FM(src, SRC_MAX),
    F(held),
    FM(held_src, SRC_AUX),
    FB(fresh),
    FIFO(kbd.out, KBD_QUEUE + 1),
    FIFO(kbd.reply, REPLY_MAX),
    F(kbd.cmd),
    FM(kbd.set, 3),
    FB(kbd.scanning),
    FM(kbd.leds, 7),
    FM(kbd.rate, 0x7f),
    F(kbd.last),
    FB(kbd.overrun),
    FA(kbd.down),
    FA(kbd.owed),
    FA(kbd.no_break),
    FA(kbd.no_repeat),
    FIFO(aux.out, AUX_QUEUE),
    FIFO(aux.reply, REPLY_MAX),
    F(aux.cmd),
    FM(aux.id, 4),
    FM(aux.mode, AUX_REMOTE),
    FB(aux.wrap),
    FB(aux.reporting),
    FM(aux.resolution, 3),
    FB(aux.scaling),
    FM(aux.rate, 200),
    FA(aux.knock),
    FA(aux.last),
    FM(aux.last_len, 5),
    FM(aux.buttons, 0x1f),
    FM(aux.pressed, 0x1f),
    FM(aux.sent, 0x1f),
    FM(aux.lost, 3),
    F(aux.dx),
    F(aux.dy),
    F(aux.dz),
    FIELD_END,
};

static bool counter_ok(uint32_t v)
{
    return v + AUX_COUNT_MAX <= 2u * AUX_COUNT_MAX;
}

static int counter_refuse(const char *name, struct err *e)
{
    return err_set(e, -EINVAL,
                   "state of ps2: field aux.%s is beyond what the mouse counts",
                   name);
}

static int ps2_check(const void *state, struct err *e)
{
    const struct ps2_regs *r = state;

    if (r->kbd.set < 1)
        return err_set(e, -EINVAL,
                       "state of ps2: field kbd.set is 0, valid are 1 to 3");
    if (r->aux.id == 1 || r->aux.id == 2)
        return err_set(e, -EINVAL,
                       "state of ps2: field aux.id is %u, no mouse has that",
                       r->aux.id);
    if (r->aux.rate < 10)
        return err_set(e, -EINVAL,
                       "state of ps2: field aux.rate is %u, the least valid "
                       "one is 10",
                       r->aux.rate);
    if (!counter_ok(r->aux.dx))
        return counter_refuse("dx", e);
    if (!counter_ok(r->aux.dy))
        return counter_refuse("dy", e);
    if (!counter_ok(r->aux.dz))
        return counter_refuse("dz", e);
    return 0;
}

static void ps2_loaded(void *dev)
{
    struct ps2 *p = dev;

    timer_cancel(&p->wire);
    timer_cancel(&p->sample);
    p->next_ns[0] = p->next_ns[1] = p->next_sample_ns = 0;
    if (p->input.leds)
        p->input.leds(p->input.leds_ctx, p->r.kbd.leds);
    ps2_kick(p);
    irq_replay(&p->irq_kbd);
    irq_replay(&p->irq_aux);
}

const struct state_desc ps2_state = {
    .name = "ps2",
    .version = 1,
    .off = offsetof(struct ps2, r),
    .size = sizeof(struct ps2_regs),
    .fields = ps2_fields,
    .check = ps2_check,
    .loaded = ps2_loaded,
};
