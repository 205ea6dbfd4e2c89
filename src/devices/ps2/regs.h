/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers, commands and the state of the 8042, keyboard and mouse. Private
 * to this folder. Times are VM clock ns.
 * Source: IBM PS/2 Hardware Interface Technical Reference.
 */
#ifndef PS2_REGS_H
#define PS2_REGS_H

#include "ps2.h"

/* Status register, port 0x64 read */
#define STS_OBF  0x01u /* output buffer full */
#define STS_SYS  0x04u /* system flag of the command byte */
#define STS_CMD  0x08u /* last write went to 0x64 */
#define STS_INH  0x10u /* 1: keyboard not locked */
#define STS_AUXB 0x20u /* output buffer holds a byte of the mouse */

/* Controller command byte, RAM byte 0 */
#define CCB_KBD_INT 0x01u
#define CCB_AUX_INT 0x02u
#define CCB_SYS     0x04u
#define CCB_KBD_DIS 0x10u
#define CCB_AUX_DIS 0x20u
#define CCB_XLATE   0x40u

/* Output port P2 */
#define P2_RESET   0x01u /* 0 resets the processor */
#define P2_A20     0x02u
#define P2_KBD_OBF 0x10u
#define P2_AUX_OBF 0x20u

/* Input port P1: lines idle high, jumper open, colour, not locked */
#define P1_IDLE 0xa3u

/* Whose byte is in the output buffer */
enum ps2_src { SRC_NONE, SRC_KBD, SRC_AUX, SRC_CTL, SRC_CTL_AUX };
#define SRC_MAX SRC_CTL_AUX

/* Both devices */
#define DEV_ACK    0xfau
#define DEV_RESEND 0xfeu
#define DEV_BAT_OK 0xaau

/* A keyboard holds 16 codes; the overrun code then takes a 17th place. */
#define KBD_QUEUE 16u
#define AUX_QUEUE 16u
#define REPLY_MAX 8u
#define FIFO_SIZE 32u /* power of two, above all of these */

/* A byte takes 11 clocks of 10 to 16 kHz on the wire. */
#define WIRE_NS NS_PER_MS

struct ps2_fifo {
    uint8_t byte[FIFO_SIZE];
    uint8_t head; /* next to leave */
    uint8_t len;
};

struct ps2_kbd {
    struct ps2_fifo out;   /* scan codes */
    struct ps2_fifo reply; /* answers; they go first */
    uint8_t cmd;           /* waits for its parameter; 0: none */
    uint8_t set;           /* scan set 1..3 */
    uint8_t scanning;
    uint8_t leds;
    uint8_t rate;     /* typematic rate and delay as set; the viewer repeats */
    uint8_t last;     /* last byte sent, for Resend */
    uint8_t overrun;  /* the overrun code is queued */
    uint8_t down[32]; /* keys the guest was told are down, by code */
    uint8_t owed[32]; /* breaks that found no room */
    uint8_t no_break[32]; /* set 3 key types, by set 3 code */
    uint8_t no_repeat[32];
};

enum aux_mode { AUX_STREAM, AUX_REMOTE };

struct ps2_aux {
    struct ps2_fifo out;   /* stream packets */
    struct ps2_fifo reply; /* answers; they go first */
    uint8_t cmd;
    uint8_t id; /* 0, 3 or 4 */
    uint8_t mode;
    uint8_t wrap;
    uint8_t reporting;
    uint8_t resolution; /* 0..3: 1, 2, 4, 8 counts per mm */
    uint8_t scaling;    /* 2:1 */
    uint8_t rate;       /* samples per second */
    uint8_t knock[2];   /* the two rates set before */
    uint8_t last[5];    /* last answer or packet, for Resend */
    uint8_t last_len;
    uint8_t buttons; /* BTN_BIT_*, now */
    uint8_t pressed; /* pressed since the last packet */
    uint8_t sent;    /* as last reported */
    uint8_t lost;    /* bit 0 x, 1 y: motion beyond the counters */
    /* Not yet reported; within +-AUX_COUNT_MAX, in two's complement. */
    uint32_t dx, dy, dz;
};
#define AUX_COUNT_MAX 4095

/* All that the guest can observe. */
struct ps2_regs {
    uint8_t ram[32]; /* 0: command byte */
    uint8_t cmd;     /* written to 0x64, waits for its byte at 0x60 */
    uint8_t a2;      /* last write went to 0x64 */
    uint8_t poll;    /* status shows P1: 1 low half, 2 high half */
    uint8_t p2;      /* output port as written */
    uint8_t obuf;
    uint8_t src; /* enum ps2_src */
    /* A device's byte that an answer of the controller displaced. */
    uint8_t held;
    uint8_t held_src;
    uint8_t fresh; /* the byte in obuf is not an answer of its device */
    struct ps2_kbd kbd;
    struct ps2_aux aux;
};

struct ps2 {
    struct dev dev;
    struct ps2_regs r;
    struct input input;
    struct irq irq_kbd, irq_aux;
    struct timer wire;   /* next byte off a cable */
    struct timer sample; /* next packet of the mouse */
    uint64_t next_ns[2]; /* per device: cable busy until */
    uint64_t next_sample_ns;
    bool paused; /* nothing is pressed that the saved state would hold down */
};

enum { LOG_CTL = 0, LOG_KBD, LOG_AUX };

extern const struct state_desc ps2_state;

/* ps2.c */
void ps2_kick(struct ps2 *); /* bytes may have become available */

/* kbd.c */
void kbd_reset(struct ps2 *);
void kbd_write(struct ps2 *, uint8_t val); /* a byte from the host */
void kbd_key(void *dev, uint8_t code, bool down);
void kbd_drained(struct ps2 *); /* a scan code left the queue */

/* mouse.c */
void aux_reset(struct ps2 *);
void aux_write(struct ps2 *, uint8_t val);
void aux_rel(void *dev, int32_t dx, int32_t dy, int32_t dz, unsigned buttons);
void aux_produce(struct ps2 *); /* queues a packet if one is due */

/* tables.c */
extern const uint8_t ps2_xlate[256];   /* set 2 to set 1, as the 8042 does */
extern const uint8_t kbd_set3[2][128]; /* by set 1 code; 1: E0 keys */
/* Set 3 codes that by default are typematic or make/break, ended by 0. */
extern const uint8_t kbd_set3_repeats[];
extern const uint8_t kbd_set3_breaks[];
uint8_t kbd_set2(uint8_t set1); /* 1..7f; 0: no such key */

static inline void fifo_clear(struct ps2_fifo *f)
{
    f->head = f->len = 0;
}

/* False: it would hold more than max. */
static inline bool fifo_put(struct ps2_fifo *f, uint8_t v, unsigned max)
{
    if (f->len >= max || f->len >= FIFO_SIZE)
        return false;
    f->byte[(f->head + f->len) % FIFO_SIZE] = v;
    f->len++;
    return true;
}

static inline uint8_t fifo_get(struct ps2_fifo *f)
{
    uint8_t v;

    if (!f->len)
        return 0;
    v = f->byte[f->head % FIFO_SIZE];
    f->head = (uint8_t)((f->head + 1u) % FIFO_SIZE);
    f->len--;
    return v;
}

static inline bool bit_get(const uint8_t map[32], uint8_t n)
{
    return map[n / 8] >> (n % 8) & 1;
}

static inline void bit_put(uint8_t map[32], uint8_t n, bool on)
{
    if (on)
        map[n / 8] |= (uint8_t)(1u << (n % 8));
    else
        map[n / 8] &= (uint8_t) ~(1u << (n % 8));
}

#endif
