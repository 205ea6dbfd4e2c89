/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hvmd/hv.h>
#include <hvmd/irq.h>

static void drive_isa(void *ctx, unsigned n, bool level)
{
    struct hv *hv = ctx;

    hv->ops->isa_irq(hv, n, level);
}

static void drive_intx(void *ctx, unsigned n, bool level)
{
    struct hv *hv = ctx;

    hv->ops->pci_intx(hv, n >> 2, n & 3, level);
}

static void drive_or(void *ctx, unsigned n, bool level)
{
    struct irq_or *gate = ctx;
    uint32_t bit = UINT32_C(1) << n;
    uint32_t in = level ? gate->in | bit : gate->in & ~bit;

    if (in == gate->in) { /* a replay */
        irq_replay(&gate->out);
        return;
    }
    gate->in = in;
    irq_set(&gate->out, in != 0);
}

void irq_wire_isa(struct irq *i, struct hv *hv, unsigned irq)
{
    *i = (struct irq){.drive = drive_isa, .ctx = hv, .n = irq & 15};
}

void irq_wire_intx(struct irq *i, struct hv *hv, unsigned slot, unsigned pin)
{
    *i = (struct irq){
        .drive = drive_intx, .ctx = hv, .n = (slot & 31) << 2 | (pin & 3)};
}

void irq_wire_or(struct irq *i, struct irq_or *gate, unsigned input)
{
    *i = (struct irq){.drive = drive_or, .ctx = gate, .n = input & 31};
}
