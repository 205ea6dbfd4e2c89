/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8042. One output buffer serves both devices and the controller itself.
 * An answer of the controller that finds a device's byte there goes first and
 * the byte follows: a driver that polls for the answer never mistakes a key
 * for it, and the key is not lost.
 *
 * Scan codes and packets leave a device no faster than its cable carries
 * them. Without that gap Linux, which empties the buffer before it probes and
 * gives up after 16 bytes, would find no controller while keys are typed.
 * Answers come at once: nobody counts them, and probing takes hundreds.
 */
#include "regs.h"

#include <hvmd/machine.h>

static void ps2_irqs(struct ps2 *p)
{
    const struct ps2_regs *r = &p->r;
    bool kbd = r->src == SRC_KBD || r->src == SRC_CTL;
    bool aux = r->src == SRC_AUX || r->src == SRC_CTL_AUX;

    irq_set(&p->irq_kbd, kbd && (r->ram[0] & CCB_KBD_INT));
    irq_set(&p->irq_aux, aux && (r->ram[0] & CCB_AUX_INT));
}

/* Asks for a kick when the cable is busy. which: 0 keyboard, 1 mouse. */
static bool wire_free(struct ps2 *p, unsigned which)
{
    uint64_t when = p->next_ns[which];

    if (!when || clock_now(p->dev.env.clock) >= when)
        return true;
    if (!timer_armed(&p->wire) || p->wire.when_ns > when)
        timer_set(&p->wire, when);
    return false;
}

static void obuf_put(struct ps2_regs *r, uint8_t val, enum ps2_src src,
                     bool fresh)
{
    r->obuf = val;
    r->src = (uint8_t)src;
    r->fresh = fresh;
}

static bool kbd_send(struct ps2 *p)
{
    struct ps2_regs *r = &p->r;
    struct ps2_kbd *k = &r->kbd;
    bool fresh = !k->reply.len;
    uint8_t b, brk = 0;

    if ((r->ram[0] & CCB_KBD_DIS) || (fresh && !k->out.len))
        return false;
    if (fresh && !wire_free(p, 0))
        return false;
    b = fifo_get(fresh ? &k->out : &k->reply);
    if (r->ram[0] & CCB_XLATE) {
        if (fresh && b == 0xf0 && k->out.len) {
            b = fifo_get(&k->out);
            brk = 0x80;
        }
        obuf_put(r, ps2_xlate[b] | brk, SRC_KBD, fresh);
    } else {
        obuf_put(r, b, SRC_KBD, fresh);
    }
    if (b != DEV_RESEND)
        k->last = b;
    if (fresh)
        kbd_drained(p);
    return true;
}

static bool aux_send(struct ps2 *p)
{
    struct ps2_regs *r = &p->r;
    struct ps2_aux *a = &r->aux;
    bool fresh = !a->reply.len;

    if ((r->ram[0] & CCB_AUX_DIS) || (fresh && !a->out.len))
        return false;
    if (fresh && !wire_free(p, 1))
        return false;
    obuf_put(r, fifo_get(fresh ? &a->out : &a->reply), SRC_AUX, fresh);
    return true;
}

void ps2_kick(struct ps2 *p)
{
    struct ps2_regs *r = &p->r;

    aux_produce(p);
    if (r->src == SRC_NONE) {
        if (r->held_src != SRC_NONE) {
            obuf_put(r, r->held, r->held_src, true);
            r->held_src = SRC_NONE;
        } else if (r->kbd.reply.len && kbd_send(p)) {
        } else if (r->aux.reply.len && aux_send(p)) {
        } else if (!kbd_send(p)) {
            aux_send(p);
        }
    }
    ps2_irqs(p);
}

static void ps2_fire(void *ctx)
{
    ps2_kick(ctx);
}

/* An answer of the controller itself. */
static void ctl_answer(struct ps2 *p, uint8_t val, enum ps2_src as)
{
    struct ps2_regs *r = &p->r;

    if (r->src == SRC_KBD || r->src == SRC_AUX) {
        r->held = r->obuf;
        r->held_src = r->src;
    }
    /* A new byte is a new edge, also on a line that is up already. */
    r->src = SRC_NONE;
    ps2_irqs(p);
    obuf_put(r, val, as, false);
}

static void ctl_reset(struct ps2 *p)
{
    struct dev *d = &p->dev;

    if (d->env.machine)
        machine_request(d->env.machine, MACHINE_RESET);
    else
        d->env.hv->ops->shutdown(d->env.hv, HV_REBOOT);
}

static uint8_t port2(const struct ps2_regs *r)
{
    uint8_t v = r->p2 & (uint8_t) ~(P2_KBD_OBF | P2_AUX_OBF);

    if (r->src == SRC_KBD || r->src == SRC_CTL)
        v |= P2_KBD_OBF;
    if (r->src == SRC_AUX || r->src == SRC_CTL_AUX)
        v |= P2_AUX_OBF;
    return v;
}

static void ctl_command(struct ps2 *p, uint8_t cmd)
{
    struct ps2_regs *r = &p->r;

    switch (cmd) {
    case 0x20 ... 0x3f: /* read RAM */
        ctl_answer(p, r->ram[cmd & 0x1f], SRC_CTL);
        break;
    case 0x60 ... 0x7f: /* write RAM */
    case 0xa5:          /* load password */
    case 0xd1:          /* write output port */
    case 0xd2:          /* write output buffer */
    case 0xd3:          /* the same as from the mouse */
    case 0xd4:          /* write to the mouse */
        r->cmd = cmd;
        break;
    case 0xa4: /* a password never gets installed */
        ctl_answer(p, 0xf1, SRC_CTL);
        break;
    case 0xa6: /* enable the password that is not there */
        break;
    case 0xa7:
        r->ram[0] |= CCB_AUX_DIS;
        break;
    case 0xa8:
        r->ram[0] &= (uint8_t)~CCB_AUX_DIS;
        break;
    case 0xa9: /* test the mouse's lines */
    case 0xab: /* test the keyboard's */
        ctl_answer(p, 0x00, SRC_CTL);
        break;
    case 0xaa: /* self-test */
        r->ram[0] |= CCB_SYS;
        r->src = r->held_src = SRC_NONE;
        ctl_answer(p, 0x55, SRC_CTL);
        break;
    case 0xad:
        r->ram[0] |= CCB_KBD_DIS;
        break;
    case 0xae:
        r->ram[0] &= (uint8_t)~CCB_KBD_DIS;
        break;
    case 0xc0:
        ctl_answer(p, P1_IDLE, SRC_CTL);
        break;
    case 0xc1:
    case 0xc2:
        r->poll = cmd & 3;
        break;
    case 0xd0:
        ctl_answer(p, port2(r), SRC_CTL);
        break;
    case 0xdd:
        r->p2 &= (uint8_t)~P2_A20;
        break;
    case 0xdf:
        r->p2 |= P2_A20;
        break;
    case 0xe0: /* test inputs: bit 0 keyboard clock, bit 1 its data */
        ctl_answer(p, r->ram[0] & CCB_KBD_DIS ? 2 : 3, SRC_CTL);
        break;
    case 0xf0 ... 0xff: /* pulses the output port bits that are 0 here */
        if (!(cmd & P2_RESET))
            ctl_reset(p);
        break;
    default:
        guest_log(&p->dev, LOG_CTL, "no controller command %02x", cmd);
    }
}

/* The byte that a command written before was waiting for. */
static void ctl_param(struct ps2 *p, uint8_t cmd, uint8_t val)
{
    struct ps2_regs *r = &p->r;

    switch (cmd) {
    case 0x60 ... 0x7f:
        r->ram[cmd & 0x1f] = val;
        break;
    case 0xa5: /* swallowed up to its final zero */
        if (val)
            r->cmd = cmd;
        break;
    case 0xd1:
        r->p2 = val;
        if (!(val & P2_RESET))
            ctl_reset(p);
        break;
    case 0xd2:
        ctl_answer(p, val, SRC_CTL);
        break;
    case 0xd3:
        ctl_answer(p, val, SRC_CTL_AUX);
        break;
    case 0xd4: /* sending releases the clock line */
        r->ram[0] &= (uint8_t)~CCB_AUX_DIS;
        aux_write(p, val);
        break;
    default: /* only a restored state gets here: no such command waits */
        break;
    }
}

static uint64_t data_rd(void *dev, uint32_t off, unsigned size)
{
    struct ps2 *p = dev;
    struct ps2_regs *r = &p->r;
    uint8_t v = r->obuf;

    if (r->src == SRC_NONE)
        return v;
    if (r->fresh)
        p->next_ns[r->src == SRC_AUX] = clock_now(p->dev.env.clock) + WIRE_NS;
    r->src = SRC_NONE;
    r->fresh = 0;
    ps2_irqs(p);
    ps2_kick(p);
    return v;
}

static void data_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct ps2 *p = dev;
    struct ps2_regs *r = &p->r;
    uint8_t cmd = r->cmd;

    r->a2 = 0;
    r->cmd = 0;
    if (cmd) {
        ctl_param(p, cmd, (uint8_t)val);
    } else {
        r->ram[0] &= (uint8_t)~CCB_KBD_DIS; /* releases the clock line */
        kbd_write(p, (uint8_t)val);
    }
    ps2_kick(p);
}

static uint64_t status_rd(void *dev, uint32_t off, unsigned size)
{
    const struct ps2_regs *r = &((struct ps2 *)dev)->r;
    unsigned v = STS_INH;

    if (r->src != SRC_NONE)
        v |= STS_OBF;
    if (r->src == SRC_AUX || r->src == SRC_CTL_AUX)
        v |= STS_AUXB;
    if (r->ram[0] & CCB_SYS)
        v |= STS_SYS;
    if (r->a2)
        v |= STS_CMD;
    if (r->poll == 1)
        v = (v & 0x0f) | (P1_IDLE << 4 & 0xf0);
    else if (r->poll == 2)
        v = (v & 0x0f) | (P1_IDLE & 0xf0);
    return v;
}

static void status_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct ps2 *p = dev;

    p->r.a2 = 1;
    p->r.cmd = 0;
    p->r.poll = 0;
    ctl_command(p, (uint8_t)val);
    ps2_kick(p);
}

static const struct io_ops data_io = {
    .rd = data_rd, .wr = data_wr, .min = 1, .max = 1};
static const struct io_ops status_io = {
    .rd = status_rd, .wr = status_wr, .min = 1, .max = 1};

static const struct input_ops input_ops = {.key = kbd_key, .rel = aux_rel};

static int ps2_init(struct dev *d, const struct conf *conf, struct err *e)
{
    struct ps2 *p = (struct ps2 *)d;
    int rc;

    p->input.ops = &input_ops;
    p->input.dev = d;
    irq_wire_isa(&p->irq_kbd, d->env.hv, 1);
    irq_wire_isa(&p->irq_aux, d->env.hv, 12);
    timer_init(&p->wire, d->env.clock, ps2_fire, p);
    timer_init(&p->sample, d->env.clock, ps2_fire, p);
    rc = dev_map(d, SPACE_PIO, 0x60, 1, &data_io);
    if (rc == 0)
        rc = dev_map(d, SPACE_PIO, 0x64, 1, &status_io);
    if (rc < 0)
        return err_set(e, rc, "the keyboard controller's ports are taken");
    return 0;
}

static void ps2_reset(struct dev *d, enum reset_kind kind)
{
    struct ps2 *p = (struct ps2 *)d;

    timer_cancel(&p->wire);
    timer_cancel(&p->sample);
    p->next_ns[0] = p->next_ns[1] = p->next_sample_ns = 0;
    p->r = (struct ps2_regs){.ram[0] = CCB_XLATE, .p2 = P2_RESET | P2_A20};
    p->r.kbd.set = 2;
    kbd_reset(p);
    aux_reset(p);
    if (p->input.leds)
        p->input.leds(p->input.leds_ctx, 0);
    ps2_irqs(p);
}

static void ps2_pause(struct dev *d, bool on)
{
    ((struct ps2 *)d)->paused = on;
}

static void ps2_fini(struct dev *d)
{
    struct ps2 *p = (struct ps2 *)d;

    timer_cancel(&p->wire);
    timer_cancel(&p->sample);
}

struct input *ps2_input(struct dev *d)
{
    return &((struct ps2 *)d)->input;
}

const struct dev_ops ps2_ops = {
    .name = "ps2",
    .size = sizeof(struct ps2),
    .init = ps2_init,
    .reset = ps2_reset,
    .pause = ps2_pause,
    .fini = ps2_fini,
    .state = &ps2_state,
};
