/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine on the bench, with what a qtest client needs of a PC that Xen has
 * otherwise: RAM behind the PAM registers, the firmware's ROM, the firmware
 * configuration ports, CMOS bytes about disks and boot order, interrupt inputs
 * to be watched, and a clock that only the client moves. Loop thread only.
 */
#ifndef HVMD_QTEST_BOARD_H
#define HVMD_QTEST_BOARD_H

#include "../bench/bench.h"
#include "image.h"

#include <hvmd/chardev.h>
#include <hvmd/machine.h>

#define BOARD_RAM_MOST UINT64_C(0xe0000000)
#define BOARD_ROM_MOST (16u << 20)

/* How the BIOS shall see a disk; cyls 0: by its size and partition table. */
struct board_chs {
    uint32_t cyls, heads, secs;
    int trans; /* 0 none, 1 LBA, 2 large, 3 rechs; -1: the usual one */
};

struct board_conf {
    struct machine_conf machine;
    struct image *image[MACHINE_DISKS]; /* the machine's back ends; owned */
    struct board_chs chs[MACHINE_DISKS];
    char drive[MACHINE_DISKS][64];  /* names */
    char device[MACHINE_DISKS][64]; /* ids of -device, "" */
    char boot_once[5];
    bool no_floppy_check;
    unsigned serials; /* ports */
    const char *rom;  /* path; NULL: none */
    uint8_t uuid[16]; /* as it is written */
};

struct board {
    struct bench *bench;
    struct machine *m;
    struct board_conf conf;
    struct net *net[MACHINE_NICS];
    struct chr chr[MACHINE_SERIALS]; /* lead nowhere */
    uint8_t *rom;
    size_t rom_bytes;
    struct {
        uint16_t key, at;
        uint8_t data[16];
        uint8_t len;
    } fw;
    uint8_t confadd_low;
    uint32_t fires_most; /* timers in one step of the clock */
    bool booted, reset_wanted;
    /* Set by the owner; may be NULL. */
    void (*gsi)(void *ctx, unsigned gsi, bool level);
    void *gsi_ctx;
    void (*event)(void *ctx, enum machine_event);
    void (*tray)(void *ctx, unsigned unit, bool open);
    void *ctx;
};

/* Takes the images over, also on an error. */
struct board *board_new(const struct board_conf *, struct err *);
void board_free(struct board *);

uint32_t board_in(struct board *, uint16_t port, unsigned size);
void board_out(struct board *, uint16_t port, unsigned size, uint32_t val);
/* size: 1, 2, 4, 8, little endian */
uint64_t board_load(struct board *, uint64_t gpa, unsigned size);
void board_store(struct board *, uint64_t gpa, unsigned size, uint64_t val);
/* What goes round the end of the address space is lost. */
void board_read(struct board *, uint64_t gpa, void *buf, size_t len);
void board_write(struct board *, uint64_t gpa, const void *buf, size_t len);

/* After each command: what devices put off until it was answered. */
void board_settle(struct board *);
/* -EBUSY: timers follow one another without end; 0. */
int board_clock_to(struct board *, uint64_t now_ns);
void board_reset(struct board *);
/* image.c's: what faults had stopped goes on. */
void board_cont(struct board *);

/* cmos.c: what the BIOS reads about disks and boot devices. */
void board_fill_cmos(struct board *);

#endif
