/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An input as what a guest and the world around it do to devices on a bench,
 * one step after the other. A step is a byte, its kind in the low four bits,
 * and what belongs to it; addresses lie in the windows of the target's map,
 * so that most bytes are of use. Windows are I/O ports, MMIO or the config
 * space of a function (base: devfn << 8). steps_text.c writes inputs as text
 * and text as inputs.
 */
#ifndef HVMD_STEPS_H
#define HVMD_STEPS_H

#include "bench.h"
#include "fuzz.h"

#include <hvmd/block.h>
#include <hvmd/chardev.h>
#include <hvmd/machine.h>
#include <hvmd/net.h>

#define STEPS_DEVS  48
#define STEPS_MOST  4096u /* of one input */
#define STEPS_USUAL 128u
#define STEPS_BLKS  4
#define STEPS_REP   8192u /* bytes of a string operation */
#define STEPS_SAVES 2u    /* of one input; more are passed over */
/* Time of one input: a card that is given work for ever takes 30 ms a second */
#define STEPS_TIME (10 * NS_PER_S)
/* Elements of string operations that go one by one, of inputs not rare */
#define STEPS_SINGLES 32u

/* Low four bits; a: the high four. off: 1, 2 or 4 bytes as the window needs. */
enum step {
    STEP_WR1, /* a window (15: its number in the next byte), off, value */
    STEP_WR2,
    STEP_WR4,
    STEP_WR8,
    STEP_RD1, /* a window, off */
    STEP_RD2,
    STEP_RD4,
    STEP_RD8,
    STEP_REP,  /* a window, flags, off, count, data: see REP_ */
    STEP_MEM,  /* a 0: 3 bytes address; else 0x1000 * a + 16 * byte. count,
                  data */
    STEP_TIME, /* byte << 2 * a nanoseconds, a at most 12 */
    STEP_BACK, /* a: enum step_back */
    STEP_LIFE, /* a: enum step_life */
    STEP_OWN,  /* and the next two: the target's own, with a */
};

#define REP_SIZE  0x03u /* element: 1 << that, at most 4 */
#define REP_WRITE 0x04u
#define REP_EIGHT 0x08u /* eight times as many elements (count 0: 256) */
#define REP_FEW   32u   /* elements at most, unless the map allows more */
#define REP_DATA  0xf0u /* >> 4, times 4: bytes of data, repeated as needed */

enum step_back {
    BACK_HOLD,    /* unit: requests wait */
    BACK_THROUGH, /* unit: they do not */
    BACK_FAIL,    /* unit | op << 2 | error << 4, count */
    BACK_RELEASE, /* unit: one request ends */
    BACK_DRAIN,   /* unit: all do */
    BACK_FRAME,   /* length 2 bytes, then 2 bytes and that many (mod 128) */
    BACK_FULL,    /* 1: the network takes nothing */
    BACK_LINK,    /* 1: the cable is in */
    BACK_RX_END,
    BACK_INPUT,  /* a byte stream's count (mod 64) and data */
    BACK_ACCEPT, /* so many bytes are taken from now on */
};

enum step_life {
    LIFE_RESET,
    LIFE_RESET_BUS,
    LIFE_PAUSE,
    LIFE_RESUME,
    LIFE_SAVE,   /* saves and restores */
    LIFE_DAMAGE, /* the same, n (mod 4) bytes changed: 2 bytes where, value */
    LIFE_HOLE,   /* page and pages: no RAM there */
    LIFE_PLACE,  /* what firmware does */
};

struct steps_window {
    enum io_kind kind;
    uint32_t base, len;
};

/* Of a steps_map, from an array. */
#define STEPS_WINDOWS(w) .win = (w), .nwin = sizeof(w) / sizeof((w)[0])

struct steps;

struct steps_map {
    const struct steps_window *win;
    unsigned nwin;
    /* Steps of the target's own, n 0 to 2; NULL: none. */
    void (*own)(struct steps *, unsigned n, unsigned a);
    /* How many bytes follow them; NULL: none do. */
    unsigned (*own_bytes)(struct bytes, unsigned n, unsigned a);
    void (*place)(struct steps *);  /* after each reset; may be NULL */
    unsigned head;                  /* bytes that the target takes first */
    bool bulk;                      /* long string operations make sense */
    unsigned usual;                 /* bytes of most inputs; 0: STEPS_USUAL */
    unsigned saves;                 /* of one input; 0: STEPS_SAVES */
    void (*unmake)(struct steps *); /* what build() made; may be NULL */
};

/* Of the targets that are made of steps: for replay_main.c. */
extern const struct steps_map fuzz_map __attribute__((weak));

/* In place of the bench's bus and of the devices' own operations. */
struct steps_seam {
    uint64_t (*io)(struct steps *, const struct io_msg *);
    void (*rep)(struct steps *, const struct io_msg *, void *buf, size_t n);
    void (*reset)(struct steps *, enum reset_kind);
    void (*pause)(struct steps *, bool);
};

/* A byte stream that takes as much as it is told to. */
struct steps_chr {
    struct chr chr;
    size_t accept, room;
};

struct steps {
    const struct steps_map *map;
    const struct steps_seam *seam;
    struct bytes in;
    struct bench *b;
    struct dev *dev[STEPS_DEVS];
    unsigned ndevs;
    struct blk *blk[STEPS_BLKS]; /* of blk_mem_new() */
    struct net *net;             /* of net_mem_new() */
    struct steps_chr chr;
    bool paused;
    size_t saved_most; /* bytes that saved state may take; 0: any */
    unsigned saves;    /* that were asked for */
    bool still;        /* a restore alone changes nothing that is saved */
    unsigned singles;  /* of STEPS_SINGLES, left */
    uint64_t time_ns;  /* of STEPS_TIME, left */
    uint8_t *spare[2]; /* for the saved form of state and for the state */
    size_t spare_bytes;
    void *ctx; /* the target's; of steps_kept(): freed with it */
    struct kept *kept;
    bool placed; /* by steps_kept() */
    bool unmade; /* not to be brought back */
    bool rare;   /* may take long: one input of 256, and all replays */
};

/* With a bench, a PCI bus and nothing on it. */
void steps_begin(struct steps *, const struct steps_map *, const uint8_t *data,
                 size_t len, size_t ram_bytes);
struct dev *steps_add(struct steps *, const struct dev_ops *,
                      const struct conf *);
/* Another one, which must be refused. */
void steps_refused(struct steps *, const struct dev_ops *, const struct conf *);
/* To the end of the input. Between steps the target may look; may be NULL. */
void steps_run(struct steps *, void (*between)(struct steps *));
/* Pauses, waits for back ends, looks that nothing is left. */
void steps_quiet(struct steps *);
/* The same, and frees all. */
void steps_end(struct steps *);

/*
 * A rig that stays (keep.h): build() makes one for each key, with
 * steps_begin() and steps_add(), all else of it in memory of its own (ctx).
 * steps_back() ends the input and brings the rig back as it was built.
 */
struct steps *steps_kept(struct bytes, unsigned key,
                         void (*build)(struct steps *, unsigned key));
void steps_back(struct steps *);

/* Memory for saves, if it is to be there for all of them. */
void steps_spare(struct steps *);
void steps_spare_free(struct steps *);

/* One access to the devices, by the seam. */
uint64_t steps_io(struct steps *, enum io_kind, bool wr, uint64_t addr,
                  unsigned size, uint64_t val);
static inline void steps_out(struct steps *s, uint16_t port, unsigned size,
                             uint32_t val)
{
    steps_io(s, IO_PIO, true, port, size, val);
}
static inline void steps_cfg(struct steps *s, unsigned devfn, unsigned reg,
                             unsigned size, uint32_t val)
{
    steps_io(s, IO_PCI, true, devfn << 8 | reg, size, val);
}
/* Writes to guest memory, as far as there is some. */
void steps_poke(struct steps *, uint32_t gpa, const void *, size_t len);

/*
 * Inputs as text, a step a line (docs/FUZZING.md). show: to stdout. make: the
 * seeds in a text file to files in a folder; 0, or -1 and a line on stderr.
 */
void steps_show(const struct steps_map *, const uint8_t *data, size_t len);
int steps_make(const struct steps_map *, const char *text, const char *folder);
/* The same of whatever this target takes: steps (*.txt) or lines (*.lines). */
int fuzz_make(const char *text, const char *folder);
bool fuzz_is_text(const char *path);

#endif
