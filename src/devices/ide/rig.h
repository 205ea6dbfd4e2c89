/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the IDE function share: a bench with a PCI bus and one
 * function, and a driver's ways to issue commands. RAM addresses are bytes.
 * Failures end the test by assertion. Source of protocols: ATA/ATAPI-6.
 */
#ifndef IDE_RIG_H
#define IDE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../bench/bench.h"
#include "priv.h"

#define RIG_RAM  (16u << 20)
#define RIG_BM   0xc000u
#define RIG_PRDT 0x10000u /* one table at a time */
#define RIG_DATA 0x100000u

/*
 * A disk in front of another: sectors [bad, bad_end) fail with err, and its
 * byte `base` is the other's byte 0, so that huge disks cost nothing.
 */
struct rig_filter {
    struct blk blk;
    struct blk *under;
    uint64_t base;
    uint64_t bad, bad_end; /* sectors */
    int err;
    uint64_t last_off, last_len;
    unsigned requests;
};

struct rig {
    struct bench *b;
    struct pci_bus *pci;
    struct dev *dev;
    struct blk *blk[4];
    struct ide *ide;
};

struct rig_unit {
    bool present, cd;
    uint64_t bytes; /* 0: no medium */
    bool read_only;
};

struct rig *rig_new(const struct rig_unit unit[4]);
/* One disk of 16 MiB as primary master, filled with rig_byte(). */
struct rig *rig_disk(void);
/* A CD of the given sectors as secondary master. */
struct rig *rig_cd(uint32_t sectors);
/* One disk behind f, which the caller filled but for ops and under. */
struct rig *rig_filtered(struct rig_filter *f, bool cd);
void rig_free(struct rig *);
/* A disk and a CD of 4 MiB, each the master of its channel. */
extern const struct rig_unit rig_both[4];
/* Everything over to a new machine of these units, the old one ends. */
struct rig *rig_move(struct rig *old, const struct rig_unit unit[4]);
/* Saved and restored in place; what state_load() says. */
int rig_reload(struct rig *, struct err *);
uint8_t rig_byte(uint64_t off);
void rig_bus_master(struct rig *, bool on);

/* Task file */
static inline uint16_t rig_port(unsigned ch)
{
    return ch ? 0x170 : 0x1f0;
}
static inline uint16_t rig_ctl(unsigned ch)
{
    return ch ? 0x376 : 0x3f6;
}
void rig_select(struct rig *, unsigned unit, uint8_t bits);
void rig_lba28(struct rig *, unsigned unit, uint32_t lba, uint8_t count);
void rig_lba48(struct rig *, unsigned unit, uint64_t lba, uint16_t count);
void rig_command(struct rig *, unsigned unit, uint8_t cmd);
uint8_t rig_status(struct rig *, unsigned unit); /* acknowledges */
uint8_t rig_alt(struct rig *, unsigned unit);
uint8_t rig_error(struct rig *, unsigned unit);
uint8_t rig_reg(struct rig *, unsigned unit, unsigned reg);
bool rig_irq(struct rig *, unsigned unit);
void rig_ins(struct rig *, unsigned unit, void *buf, size_t bytes);
void rig_outs(struct rig *, unsigned unit, const void *buf, size_t bytes);
void rig_srst(struct rig *, unsigned ch);
/* Command without data that must succeed. */
void rig_nodata(struct rig *, unsigned unit, uint8_t cmd);
void rig_expect_abort(struct rig *, unsigned unit, uint8_t cmd);

/* DMA */
struct rig_prd {
    uint32_t addr;
    uint32_t bytes; /* 65536 is written as 0 */
};
void rig_prdt(struct rig *, const struct rig_prd *, unsigned n, bool eot);
void rig_bm_prepare(struct rig *, unsigned unit);
void rig_bm_start(struct rig *, unsigned unit, bool to_mem);
void rig_bm_stop(struct rig *, unsigned unit);
uint8_t rig_bm_status(struct rig *, unsigned unit);

/* Packets */
void rig_packet(struct rig *, unsigned unit, const uint8_t cdb[12],
                uint16_t limit, bool dma);
/* PIO data in; returns bytes got; the command must succeed. */
size_t rig_packet_in(struct rig *, unsigned unit, const uint8_t cdb[12],
                     uint16_t limit, void *buf, size_t room);
/* No data, or an error: the sense key << 16 | asc << 8 | ascq (0: good). */
uint32_t rig_packet_sense(struct rig *, unsigned unit, const uint8_t cdb[12]);
/* Drops pending unit attentions. */
void rig_clear_ua(struct rig *, unsigned unit);

/* Common checks */
uint16_t rig_word(const uint8_t *id, unsigned w);
void rig_identify(struct rig *, unsigned unit, uint8_t id[512]);
void rig_check_pattern(const uint8_t *p, uint64_t off, size_t n);

#endif
