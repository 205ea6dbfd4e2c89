/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the IDE function. struct ide_state is all that the guest can see and
 * all that is saved; the rest is wires and requests in flight. A channel runs
 * one command at a time, as a phase; ide_run() advances the phases that need
 * the back end. Offsets, lengths: bytes. Loop thread only.
 *
 * Reset while a request is in flight: the channel stays busy (PH_RESET) until
 * that request has ended, so a late completion finds no new state, and buffer
 * and pinned memory are never in use twice (rule R8).
 */
#ifndef IDE_PRIV_H
#define IDE_PRIV_H

#include <errno.h>
#include <hvmd/block.h>
#include <hvmd/dev.h>
#include <hvmd/pci.h>
#include <string.h>

#include "ide.h"
#include "regs.h"

#define SECTOR     512u
#define CD_SECTOR  2048u
#define RAW_SECTOR 2352u
#define IDE_CHUNK  65536u /* back-end request of a PIO transfer */
#define IDE_BUF    69632u /* IDE_CHUNK + a byte count limit's remainder */
/*
 * What has to be saved of buf is bounded by these, whatever the guest does:
 * what it wrote and is not on the disk yet, and one burst to a guest.
 */
#define IDE_OUT_CHUNK   16384u
#define IDE_BURST       8192u
#define IDE_SAVED_MOST  IDE_OUT_CHUNK /* > IDE_BURST + RAW_SECTOR */
#define IDE_MULTI       16u           /* most sectors of a DRQ block */
#define DMA_PIECE       (2u << 20)
#define DMA_PINS        256u
#define DMA_IOVS        (DMA_PINS + GMEM_IOVS(65536u))
#define PRD_MAX         8192u /* entries of one table, rule R4 */
#define PRD_BATCH       128u
#define TRIM_BLOCKS     8u /* most 512-byte blocks of ranges in one command */
#define IDE_RUN_MOST    (2u << 20) /* bytes moved at a stretch, rule R4 */
#define IDE_RUN_REQS    64u
#define IDE_RUN_PRDS    2048u /* entries taken up at a stretch */
#define IDE_RUN_REST_NS (10u * NS_PER_US)
#define SMART_ERRORS    5u
#define SMART_TESTS     21u

enum ide_phase {
    PH_IDLE,
    PH_PIO_IN,   /* DRQ: the guest reads buf */
    PH_PIO_OUT,  /* DRQ: the guest fills buf */
    PH_DMA_WAIT, /* DMA command, bus master not started */
    /* from here on busy */
    PH_FETCH, /* disk to buf */
    PH_STORE, /* buf to disk */
    PH_FLUSH,
    PH_TRIM,
    PH_DMA, /* disk or buf with guest memory */
    PH_RESET,
    PH_LAST = PH_RESET,
};

enum ide_op {
    OP_NONE,
    OP_READ,   /* off, left */
    OP_WRITE,  /* off, left */
    OP_VERIFY, /* off, left */
    OP_RAW,    /* CD sectors as READ CD wants them */
    OP_REPLY,  /* buf to guest */
    OP_PARAM,  /* guest to buf, then the command goes on */
    OP_CDB,    /* guest to buf: a command packet */
    OP_LAST = OP_CDB,
};

enum ide_power { PW_ACTIVE, PW_IDLE, PW_STANDBY, PW_SLEEP };

/* Pending unit attentions, bits; the lowest is told first */
#define UA_POWER_ON 1u
#define UA_MEDIUM   2u
#define UA_ALL      3u

/* Media events (MMC-3 6.4) */
enum ide_event { EV_NONE, EV_EJECT_REQUEST, EV_NEW_MEDIA, EV_REMOVAL };

struct ide_unit_state {
    uint64_t max_sectors; /* disk: accessible (SET MAX) */
    uint32_t sense_lba;
    uint16_t cyls; /* current translation */
    uint16_t err_count;
    uint8_t error, feature, nsect, lbal, lbam, lbah, device, status;
    uint8_t hob_feature, hob_nsect, hob_lbal, hob_lbam, hob_lbah;
    uint8_t intrq, power, detached;
    uint8_t heads, spt, multi, xfer_mode, wcache, readahead;
    uint8_t smart, autosave;
    uint8_t auto_offline, native_cmd, err_next, test_next;
    uint8_t tray_open, locked, ua, event;
    uint8_t sense_key, asc, ascq, sense_info;
    uint8_t cdb[12];
    uint8_t err_log[SMART_ERRORS * 16];
    uint8_t test_log[SMART_TESTS * 8];
};

struct ide_chan_state {
    uint64_t off, left; /* of the transfer with the back end */
    uint32_t pos, end;  /* buf: next byte, end of the DRQ block */
    uint32_t fill;      /* buf: end of what is or shall be in it */
    uint32_t wpos;      /* buf: written to the disk so far */
    uint32_t block;     /* most bytes of a DRQ block */
    uint32_t chunk;     /* most bytes of a back-end request */
    uint32_t bm_prdt, prd_next, prd_addr, prd_left;
    uint8_t prd_eot, bm_cmd, bm_status, bm_stop;
    uint8_t phase, op, unit, dma;
    uint8_t cmd, ctl, sel, reset_mask;
    uint8_t ext, fua, lost;
    uint8_t raw_fields; /* OP_RAW: byte 9 of READ CD */
    uint8_t buf[IDE_BUF];
};

struct ide_state {
    uint8_t cfg[256];
    struct ide_unit_state unit[IDE_UNITS];
    struct ide_chan_state chan[2];
};

#define IDE_SAVED_REGS (sizeof(struct ide_state) - 2u * IDE_BUF)

enum ide_kind { KIND_NONE, KIND_DISK, KIND_CD };

struct ide;

struct ide_unit {
    struct ide *ide;
    struct ide_chan *ch;
    struct ide_unit_state *st;
    unsigned n; /* 0..3 */
    enum ide_kind kind;
    struct blk *blk;
    struct blk_req flush; /* at detach */
    bool flush_busy, detaching;
    char serial[21];
    char firmware[9];
};

struct ide_chan {
    struct ide *ide;
    struct ide_chan_state *st;
    unsigned n;
    struct irq irq;
    struct timer timer; /* goes on after IDE_RUN_MOST */
    struct {
        struct blk_req req;
        bool busy, to_mem;
        unsigned unit; /* 0, 1 */
        uint32_t bytes;
        struct iovec iov[DMA_IOVS];  /* of the request */
        struct iovec piov[DMA_IOVS]; /* as pinned, for unpinning */
        struct {
            uint64_t gpa;
            uint32_t len;
            unsigned niov;
        } pin[DMA_PINS];
        unsigned npins, npiov;
        uint32_t prd_next, prd_addr, prd_left; /* where the piece began */
        uint8_t prd_eot;
    } io;
    uint32_t prd[PRD_BATCH * 2]; /* entries read, host order */
    uint32_t prd_base, prd_n;
    uint32_t loads; /* entries taken up in this stretch */
    bool running;
};

struct ide {
    struct dev dev;
    struct pci_dev pci;
    struct ide_unit unit[IDE_UNITS];
    struct ide_chan chan[2];
    bool paused;
    struct ide_state st;
};

#include "funcs.h"

#endif
