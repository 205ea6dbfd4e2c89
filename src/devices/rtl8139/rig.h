/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the RTL8139C+ share: a bench with a PCI bus, one card
 * whose BARs are placed and enabled, and a cable to the test. Failures end the
 * test by assertion.
 */
#ifndef RTL8139_RIG_H
#define RTL8139_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../bench/bench.h"
#include "priv.h"

#define RIG_RAM  (4u << 20)
#define RIG_PIO  0xc000u
#define RIG_MMIO 0xe0000000u
#define RIG_SLOT 4u

extern const uint8_t rig_mac[6];

struct rig {
    struct bench *b;
    struct pci_bus *pci;
    struct net *net; /* NULL: none */
    struct dev *dev;
    struct rtl *rtl; /* the same */
};

/* revision 0x10 or 0x20 */
struct rig *rig_new_for(unsigned revision, bool cable, const struct rom *);
struct rig *rig_new(void);
void rig_free(struct rig *);
/* To a new bench by its saved state; the old one is freed. */
struct rig *rig_move(struct rig *);

bool rig_irq(const struct rig *);
uint32_t rig_cfg(struct rig *, unsigned reg, unsigned size);
void rig_cfg_wr(struct rig *, unsigned reg, unsigned size, uint32_t);

uint32_t rig_rd(struct rig *, unsigned off, unsigned size); /* I/O */
void rig_wr(struct rig *, unsigned off, unsigned size, uint32_t);

static inline uint8_t rig_rd1(struct rig *r, unsigned off)
{
    return (uint8_t)rig_rd(r, off, 1);
}
static inline uint16_t rig_rd2(struct rig *r, unsigned off)
{
    return (uint16_t)rig_rd(r, off, 2);
}
static inline uint32_t rig_rd4(struct rig *r, unsigned off)
{
    return rig_rd(r, off, 4);
}
static inline void rig_wr1(struct rig *r, unsigned off, uint8_t v)
{
    rig_wr(r, off, 1, v);
}
static inline void rig_wr2(struct rig *r, unsigned off, uint16_t v)
{
    rig_wr(r, off, 2, v);
}
static inline void rig_wr4(struct rig *r, unsigned off, uint32_t v)
{
    rig_wr(r, off, 4, v);
}
/* 9346CR: CONFIG registers writable or not */
void rig_unlock(struct rig *, bool on);

/* 93C46 as a driver drives its pins */
uint16_t rig_ee_read(struct rig *, unsigned word);
void rig_ee_cmd(struct rig *, uint32_t bits, unsigned n);
void rig_ee_end(struct rig *);
uint8_t rig_ee_clock(struct rig *, bool di); /* returns DO after it */

#endif
