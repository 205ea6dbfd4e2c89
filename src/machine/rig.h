/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole machine on a bench, for tests: two disks and two CD drives in
 * memory, one serial port that nobody listens to, an option ROM. The rig owns
 * all of it. Failures to make it are assertions.
 */
#ifndef HVMD_MACHINE_RIG_H
#define HVMD_MACHINE_RIG_H

#include "../bench/bench.h"

#include <hvmd/machine.h>

#define RIG_RAM_BYTES  (8u << 20)
#define RIG_DISK_BYTES (4u << 20)

struct rig {
    struct bench *b;
    struct machine_conf conf;
    struct machine_host host;
    struct machine *m;
    struct chr chr;
    struct net *net; /* the cable of the first card */
    uint8_t rom[32768];
    unsigned events[4];
    size_t tx_bytes, rx_room;
};

/* Fills conf and host; the test may change conf before rig_start(). */
struct rig *rig_new(void);
void rig_start(struct rig *);
void rig_free(struct rig *);

/* n bytes arrive at the serial port, or as many as it has room for. */
void rig_serial_in(struct rig *, uint8_t byte, size_t n);

uint64_t rig_read(struct rig *, enum io_kind, uint64_t addr, unsigned size);
void rig_write(struct rig *, enum io_kind, uint64_t addr, unsigned size,
               uint64_t val);

static inline uint32_t rig_in(struct rig *r, uint16_t port, unsigned size)
{
    return (uint32_t)rig_read(r, IO_PIO, port, size);
}

static inline void rig_out(struct rig *r, uint16_t port, unsigned size,
                           uint32_t val)
{
    rig_write(r, IO_PIO, port, size, val);
}

static inline uint32_t rig_cfg(struct rig *r, unsigned devfn, unsigned reg,
                               unsigned size)
{
    return (uint32_t)rig_read(r, IO_PCI, devfn << 8 | reg, size);
}

static inline void rig_cfg_set(struct rig *r, unsigned devfn, unsigned reg,
                               unsigned size, uint32_t val)
{
    rig_write(r, IO_PCI, devfn << 8 | reg, size, val);
}

/*
 * What the guest firmware does before it starts the BIOS: routes interrupts,
 * sets up power management, places every BAR and switches it on. Asserts what
 * the firmware asserts. Returns the number of functions found.
 */
unsigned rig_firmware(struct rig *);

#endif
