/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An option's value as keys and values: "a=b,c.d=e,flag", where ",," is a
 * comma of a value, or a JSON object, whose inner objects become dotted keys
 * and whose arrays numbered ones. Which keys an option has is its reader's to
 * know: each one asked for is ticked off, what is left over is refused.
 */
#ifndef HVMD_QTEST_KEYVAL_H
#define HVMD_QTEST_KEYVAL_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stdint.h>

#define KEYVAL_MOST 48

struct keyval {
    struct {
        char *key, *val; /* owned; a word alone has the value "on" */
        bool read;
    } item[KEYVAL_MOST];
    unsigned n;
};

/* implied: the key of a first word alone; NULL: none. -errno. */
int keyval_parse(struct keyval *, const char *text, const char *implied,
                 struct err *);
int keyval_add(struct keyval *, const char *key, const char *val, struct err *);
void keyval_free(struct keyval *);
/* The last value of prefix followed by key; NULL: none. */
const char *keyval_get(struct keyval *, const char *prefix, const char *key);
/* Ticks off keys that need no reading: names between spaces. */
void keyval_skip(struct keyval *, const char *prefix, const char *keys);
/* Whether any key begins with prefix. */
bool keyval_has(const struct keyval *, const char *prefix);
/* Whether any key but that one has been read. */
bool keyval_used(const struct keyval *, const char *but);
/* 0, or the sentence about a key that nobody has read. */
int keyval_done(const struct keyval *, const char *option, struct err *);

/* A number, or a decimal fraction with one of k, M, G, T; false: none such. */
bool keyval_size(const char *text, uint64_t *bytes);
/* C's rules, whole; false: no number. */
bool keyval_number(const char *text, uint64_t *out);

#endif
