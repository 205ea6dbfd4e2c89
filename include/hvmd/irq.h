/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interrupt wire from a device. Remembers its level, so that setting it
 * again costs nothing, and is replayed after a restore. Loop thread only.
 */
#ifndef HVMD_IRQ_H
#define HVMD_IRQ_H

#include <stdbool.h>
#include <stdint.h>

struct hv;

struct irq {
    void (*drive)(void *ctx, unsigned n, bool level); /* NULL: unwired */
    void *ctx;
    unsigned n;
    bool level;
};

static inline void irq_set(struct irq *i, bool level)
{
    if (i->level == level)
        return;
    i->level = level;
    if (i->drive)
        i->drive(i->ctx, i->n, level);
}

/* Drives the wire again at its present level. */
static inline void irq_replay(struct irq *i)
{
    if (i->drive)
        i->drive(i->ctx, i->n, i->level);
}

/* Several devices on one line: up while one of them holds it up. */
struct irq_or {
    struct irq out;
    uint32_t in; /* one bit an input */
};

/* ISA lines 0..15 and a PCI function's own INTx (pin 0..3 = INTA..INTD). */
void irq_wire_isa(struct irq *, struct hv *, unsigned irq);
void irq_wire_intx(struct irq *, struct hv *, unsigned slot, unsigned pin);
/* input: 0..31, another for each device on the gate */
void irq_wire_or(struct irq *, struct irq_or *, unsigned input);

#endif
