/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI functions as the toolstack sees them. */
#include "devices/rtl8139/rtl8139.h"
#include "hvmd.h"

#include <hvmd/pci.h>

/* Only cards have names that were given. */
static const char *name_of(const struct hvmd *h, const struct dev *d)
{
    return d->ops == &rtl8139_ops ? h->conf.nic[d->instance].id : NULL;
}

bool hvmd_pci(void *ctx, unsigned devfn, struct qmp_pci *out)
{
    const struct hvmd *h = ctx;
    const struct pci_dev *p = machine_pci_dev(h->machine, devfn);

    if (!p)
        return false;
    out->vendor = (uint16_t)pci_get(p, PCI_VENDOR_ID, 2);
    out->device = (uint16_t)pci_get(p, PCI_DEVICE_ID, 2);
    out->subsys_vendor = (uint16_t)pci_get(p, PCI_SUBSYS_VENDOR, 2);
    out->subsys = (uint16_t)pci_get(p, PCI_SUBSYS_ID, 2);
    out->class_code = (uint16_t)pci_get(p, PCI_CLASS_DEVICE, 2);
    out->irq = (uint8_t)pci_get(p, PCI_INTERRUPT_LINE, 1);
    out->pin = (uint8_t)pci_get(p, PCI_INTERRUPT_PIN, 1);
    out->id = name_of(h, p->owner);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *b = &p->bar[i];

        out->bar[i] = (struct qmp_bar){.io = b->space == SPACE_PIO,
                                       .prefetch = b->prefetch,
                                       .addr = b->addr,
                                       .size_bytes = b->size};
    }
    return true;
}
