/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside human-monitor-command: qmp_hmp.c has commands, hmp_info.c queries. */
#ifndef HVMD_HMP_H
#define HVMD_HMP_H

#include "qmp_impl.h"

#define HMP_ARGS       5u
#define HMP_LINE_MAX   4096u
#define HMP_TEXT_BYTES (64u << 10) /* of an answer; what is more is cut off */

/* One line being carried out. */
struct hmp {
    struct qmp_call *call;
    struct qmp_ctx *ctx;
    char line[256]; /* as it came, escaped, maybe cut */
    char *arg[HMP_ARGS + 1];
    unsigned nargs;
    char *text; /* the answer: lines end in CR LF */
    size_t len;
};

void hmp_say(struct hmp *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "info SUBJECT"; false: there is no such subject. */
bool hmp_info(struct hmp *, const char *subject);
void hmp_info_help(struct hmp *);

#endif
