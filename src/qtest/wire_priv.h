/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the wire: one command and how it is answered. */
#ifndef HVMD_QTEST_WIRE_PRIV_H
#define HVMD_QTEST_WIRE_PRIV_H

#include "wire.h"

#define WIRE_WORDS 6u

struct cmd {
    char *word[WIRE_WORDS]; /* the command's name first; the last: the rest */
    unsigned words;
    uint64_t num[WIRE_WORDS]; /* those that the row calls numbers */
};

/* args: one letter a word: n number, w word, ? before those that may lack */
struct wire_row {
    const char *name, *args;
    void (*run)(struct wire *, struct cmd *);
};

extern const struct wire_row wire_rows[]; /* ends with a NULL name */

/* n more bytes of answer, counted when they are there; NULL: no memory. */
char *wire_reply_room(struct wire *, size_t n);
/* Interrupts of what was put off come before the answer. */
void wire_say(struct wire *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void wire_ok(struct wire *);
/* A number in at least so many digits. */
void wire_ok_hex(struct wire *, uint64_t v, unsigned least);

#endif
