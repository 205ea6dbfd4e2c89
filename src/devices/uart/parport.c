/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parallel port: data, status and control of a standard port with a
 * printer that is always on line. STROBE hands the data byte to the byte
 * stream; the printer is busy until it is taken. No reverse mode, as bit 5 of
 * the control register has no effect drivers find none.
 * Source: IEEE 1284-1994, compatibility mode.
 */
#include "regs.h"

#include <errno.h>
#include <hvmd/chardev.h>

struct parport {
    struct dev dev;
    struct parport_regs r;
    struct irq irq;
    struct chr *chr;
};

static void irq_update(struct parport *p)
{
    irq_set(&p->irq, p->r.irq && (p->r.control & LPT_C_IRQEN));
}

/* Offers the strobed byte; ACK, an edge for each byte, tells it was taken. */
static void flush(struct parport *p)
{
    struct parport_regs *r = &p->r;

    if (!r->busy)
        return;
    if (p->chr && p->chr->ops->write(p->chr, &r->out, 1) != 1)
        return;
    r->busy = 0;
    r->irq = 0;
    irq_update(p);
    r->irq = 1;
    irq_update(p);
}

static void parport_tx_ready(void *dev)
{
    flush(dev);
}

static void control_write(struct parport *p, uint8_t val)
{
    struct parport_regs *r = &p->r;
    uint8_t was = r->control;

    r->control = val & LPT_C_MASK;
    if (!(r->control & LPT_C_INIT)) {
        r->busy = 0; /* the printer is held in reset */
        r->irq = 0;
    } else if ((r->control & ~was & LPT_C_STROBE) && !r->busy) {
        r->out = r->data;
        r->busy = 1;
        flush(p);
    }
    irq_update(p);
}

static uint64_t parport_rd(void *dev, uint32_t off, unsigned size)
{
    struct parport *p = dev;
    struct parport_regs *r = &p->r;

    switch (off) {
    case LPT_DATA:
        return r->data;
    case LPT_STATUS:
        r->irq = 0;
        irq_update(p);
        return LPT_S_UNUSED | LPT_S_ERROR | LPT_S_SELECT | LPT_S_ACK |
               (r->busy ? 0 : LPT_S_READY);
    default:
        return r->control | LPT_C_UNUSED;
    }
}

static void parport_wr(void *dev, uint32_t off, unsigned size, uint64_t val)
{
    struct parport *p = dev;

    if (off == LPT_DATA)
        p->r.data = (uint8_t)val;
    else if (off == LPT_CONTROL)
        control_write(p, (uint8_t)val);
}

static const struct io_ops parport_io = {
    .rd = parport_rd, .wr = parport_wr, .min = 1, .max = 1};

static int parport_init(struct dev *d, const struct conf *conf, struct err *e)
{
    struct parport *p = (struct parport *)d;
    uint64_t base = conf_num(conf, "base", 0x378);
    int rc;

    irq_wire_isa(&p->irq, d->env.hv, (unsigned)conf_num(conf, "irq", 7));
    rc = dev_map(d, SPACE_PIO, base, 3, &parport_io);
    if (rc < 0)
        return err_set(e, rc, "the parallel port's I/O ports at %#x are taken",
                       (unsigned)base);
    p->chr = conf_ptr(conf, "chr");
    if (p->chr) {
        p->chr->dev = p;
        p->chr->tx_ready = parport_tx_ready;
    }
    return 0;
}

static void parport_reset(struct dev *d, enum reset_kind kind)
{
    struct parport *p = (struct parport *)d;

    p->r = (struct parport_regs){.control = LPT_C_INIT | LPT_C_SELECT};
    irq_update(p);
}

static void parport_fini(struct dev *d)
{
    struct parport *p = (struct parport *)d;

    if (p->chr) {
        p->chr->tx_ready = NULL;
        p->chr->dev = NULL;
    }
}

static void parport_loaded(void *dev)
{
    struct parport *p = dev;

    flush(p);
    irq_update(p);
    irq_replay(&p->irq);
}

static const struct field parport_fields[] = {
    FIELD(struct parport_regs, data, 1),
    FIELD_MAX(struct parport_regs, control, 1, LPT_C_MASK),
    FIELD_BOOL(struct parport_regs, busy, 1),
    FIELD(struct parport_regs, out, 1),
    FIELD_BOOL(struct parport_regs, irq, 1),
    FIELD_END,
};

static const struct state_desc parport_state = {
    .name = "parport",
    .version = 1,
    .off = offsetof(struct parport, r),
    .size = sizeof(struct parport_regs),
    .fields = parport_fields,
    .loaded = parport_loaded,
};

const struct dev_ops parport_ops = {
    .name = "parport",
    .size = sizeof(struct parport),
    .init = parport_init,
    .reset = parport_reset,
    .fini = parport_fini,
    .state = &parport_state,
};
