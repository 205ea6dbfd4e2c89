/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest protocol: one command a line, words parted by one space, numbers
 * by C's rules, words behind a command's own not looked at; one line of answer
 * to each; interrupt lines come between.
 * Knows no descriptors: the owner puts bytes in and takes answers out. Memory
 * grows with the longest line only. Loop thread only.
 */
#ifndef HVMD_QTEST_WIRE_H
#define HVMD_QTEST_WIRE_H

#include "board.h"

#define WIRE_LINE_MOST (256u << 20)
#define WIRE_SPAN_MOST (256u << 20) /* bytes of memory in one command */

struct wire {
    struct board *b;
    char *in;
    size_t in_len, in_room, seen; /* seen: no end of line before */
    bool skip;                    /* the rest of a line that is too long */
    char *out;
    size_t out_len, out_room;
    uint32_t span_most;
    bool irqs;    /* interrupt lines are wanted */
    bool obeying; /* the owner looks at out when that is done */
    /* Something came by itself; may be NULL. */
    void (*ready)(void *ctx);
    void *ctx;
};

/* Puts its hook for interrupts into the board. */
void wire_init(struct wire *, struct board *);
void wire_free(struct wire *);
/* Where at least n bytes may be put, and how many; NULL: no memory. */
char *wire_room(struct wire *, size_t n, size_t *room);
/* n bytes were put there: obeys the lines that are whole. */
void wire_took(struct wire *, size_t n);
/* No more will come: obeys what stands behind the last end of a line. */
void wire_end(struct wire *);

#endif
