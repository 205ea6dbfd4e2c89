/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people: numbers in few characters, tables whose columns fit what
 * is in them.
 */
#ifndef HVMCTL_TEXT_H
#define HVMCTL_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_NUM 24 /* room for any of these */

/* "0", "999", "1.2k", "34k", "5.6M": at most 5 characters */
void text_count(uint64_t, char out[TEXT_NUM]);
/* "0", "512", "1.2K", "34M": powers of 1024, at most 5 characters */
void text_bytes(uint64_t, char out[TEXT_NUM]);
/* per second over ns, as text_count; below 10 with a decimal */
void text_rate(uint64_t delta, uint64_t ns, char out[TEXT_NUM]);
/* "12s", "3m05s", "2h03m", "5d04h" */
void text_span(uint64_t ns, char out[TEXT_NUM]);
/* "0.123s", "12.3s", "1234s" */
void text_seconds(uint64_t ns, char out[TEXT_NUM]);
/* "2026-11-21 04:12:33", local time; "-" for 0 */
void text_time(uint64_t wall_ns, char out[TEXT_NUM]);

/* JSON as plain ASCII, so that no string of it can steer a terminal. */
void text_json(const char *, FILE *);

#define TABLE_COLS 16

/* Cells are copied; > before a title: that column is set right. */
struct table {
    unsigned cols;
    const char *title[TABLE_COLS];
    char **cell;
    size_t n, cap;
};

/* titles end with NULL */
void table_init(struct table *, const char *const *titles);
void table_add(struct table *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void table_count(struct table *, uint64_t);
void table_bytes(struct table *, uint64_t);
/* Prints and frees. */
void table_print(struct table *, FILE *);

#endif
