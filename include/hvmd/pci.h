/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI bus 0 and its functions. Config space is data: values, write masks and
 * write-1-to-clear masks (rule R15: default read-only). BARs are sized, moved
 * and switched by generic code, which maps their handlers on the bus and tells
 * the owner. Source: PCI Local Bus Specification 3.0, chapter 6. Loop thread.
 */
#ifndef HVMD_PCI_H
#define HVMD_PCI_H

#include <hvmd/dev.h>

#define PCI_DEVFN(slot, fn) ((unsigned)(((slot) << 3) | (fn)))
#define PCI_SLOT(devfn)     ((unsigned)(devfn) >> 3)
#define PCI_FN(devfn)       ((unsigned)(devfn)&7u)

/* Header type 0 registers */
#define PCI_VENDOR_ID      0x00
#define PCI_DEVICE_ID      0x02
#define PCI_COMMAND        0x04
#define PCI_STATUS         0x06
#define PCI_REVISION       0x08
#define PCI_CLASS_PROG     0x09
#define PCI_CLASS_DEVICE   0x0a
#define PCI_HEADER_TYPE    0x0e
#define PCI_BAR0           0x10
#define PCI_SUBSYS_VENDOR  0x2c
#define PCI_SUBSYS_ID      0x2e
#define PCI_ROM            0x30
#define PCI_CAP_PTR        0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN  0x3d

#define PCI_COMMAND_IO       0x0001
#define PCI_COMMAND_MEMORY   0x0002
#define PCI_COMMAND_MASTER   0x0004
#define PCI_COMMAND_INTX_OFF 0x0400

#define PCI_BARS    7 /* 0..5 and the expansion ROM */
#define PCI_BAR_ROM 6
#define PCI_BAR_OFF UINT64_MAX

struct pci_bar {
    uint32_t size; /* bytes, power of two; 0: absent */
    enum space space;
    bool prefetch;
    /* Who answers there; NULL: memory that the owner moves itself. */
    const struct io_ops *ops;
    void *dev; /* given to ops */
    /* Told after each change of where it decodes (PCI_BAR_OFF: nowhere). */
    void (*moved)(void *dev, uint64_t addr);
    uint64_t addr; /* where it decodes now */
    bool mapped;   /* false while another region is in its way */
};

struct pci_dev {
    struct dev *owner;
    struct pci_bus *bus;
    uint8_t devfn;
    bool present; /* false: config reads as ones (unplugged) */
    struct irq intx;
    struct pci_bar bar[PCI_BARS];
    uint8_t wmask[256]; /* bits the guest may write */
    uint8_t w1c[256];   /* bits cleared by writing one */
    /* After the generic write of [reg, reg + size); may be NULL. */
    void (*wrote)(struct dev *owner, unsigned reg, unsigned size);
    /* Before a read, to refresh live registers; may be NULL. */
    void (*reading)(struct dev *owner, unsigned reg);
    /* State: a device lists it as FIELD_ARRAY of its own state struct. */
    uint8_t *cfg;           /* 256 bytes inside the owner's state struct */
    uint8_t reset_cfg[256]; /* taken at pci_add() */
};

struct pci_bus; /* src/devices/pci/pci.c */

struct pci_id {
    uint16_t vendor, device, subsys_vendor, subsys;
    uint8_t revision, prog;
    uint16_t class_code; /* base class << 8 | sub class */
    uint8_t int_pin;     /* 0 none, 1 INTA .. 4 INTD */
};

/* Fills the header of cfg and the usual write masks, wires intx. */
void pci_setup(struct pci_dev *, struct dev *owner, uint8_t cfg[256],
               const struct pci_id *);
/* Before pci_add(). size is rounded by nobody: must be a power of two. */
void pci_set_bar(struct pci_dev *, unsigned n, enum space, uint32_t size,
                 bool prefetch, const struct io_ops *, void *dev,
                 void (*moved)(void *, uint64_t));
/* Write mask helper: value at reg, little-endian, bytes 1..4 */
void pci_set_mask(struct pci_dev *, unsigned reg, unsigned bytes,
                  uint32_t mask);
void pci_put(struct pci_dev *, unsigned reg, unsigned bytes, uint32_t val);
uint32_t pci_get(const struct pci_dev *, unsigned reg, unsigned bytes);

/* Appends capability id of len bytes; returns its offset. */
unsigned pci_add_cap(struct pci_dev *, uint8_t id, unsigned len);

#define PCI_DEVFN_AUTO 0x100u /* the first free slot from 2 on, function 0 */
/* -EEXIST: slot taken; -ENOSPC: bus full. Claims the function. */
int pci_add(struct pci_bus *, struct pci_dev *, unsigned devfn);
/* Takes the function away or puts it back (unplug); idempotent. */
void pci_set_present(struct pci_dev *, bool);
/* Bus reset of one function: header back to reset_cfg, BARs off. */
void pci_reset(struct pci_dev *);
/* After a restore: maps what cfg says, calls moved, replays intx. */
void pci_loaded(struct pci_dev *);

/* DMA: all ones / nothing without the bus-master bit. As gmem_*. */
bool pci_master(const struct pci_dev *);
int pci_dma_read(struct pci_dev *, uint64_t gpa, void *dst, size_t len);
int pci_dma_write(struct pci_dev *, uint64_t gpa, const void *src, size_t len);
/* INTx honouring the disable bit and keeping the status bit. */
void pci_irq(struct pci_dev *, bool level);

/* Config access by the machine or the 0xcfc ports; absent: all ones. */
uint32_t pci_cfg_read(struct pci_bus *, unsigned devfn, unsigned reg,
                      unsigned size);
void pci_cfg_write(struct pci_bus *, unsigned devfn, unsigned reg,
                   unsigned size, uint32_t val);
struct pci_dev *pci_find(struct pci_bus *, unsigned devfn);

struct pci_bus *pci_bus_new(struct hv *, struct bus *, struct gmem *);
void pci_bus_free(struct pci_bus *);

#endif
