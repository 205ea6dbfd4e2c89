/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors meant for the administrator: one sentence, built once, where the
 * facts are, naming the option or file and the remedy. Never used below
 * machine_io(): a guest's mistake is data, not an error.
 */
#ifndef HVMD_ERR_H
#define HVMD_ERR_H

struct err {
    char text[512]; /* one sentence, no newline */
};

/* Stores the sentence (unless e is NULL) and returns code (a -errno). */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
