/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that a guest writes to a port byte by byte, gathered into log lines.
 * The buffer is no guest-visible state: a save drops an unfinished line. A
 * line goes out at a newline or when full, escaped, through the caller's
 * bucket. Loop thread only.
 */
#ifndef HVMD_GUESTLINE_H
#define HVMD_GUESTLINE_H

#include <hvmd/log.h>

#define GUESTLINE_BYTES 180u /* fits one log line with its prefix */

struct guestline {
    char text[GUESTLINE_BYTES];
    uint32_t len;
};

static inline void guestline_flush(struct guestline *g, struct log *log,
                                   struct log_bucket *bucket, const char *who)
{
    char shown[GUESTLINE_BYTES + 60];

    if (g->len == 0)
        return;
    log_escape(shown, sizeof(shown), g->text, g->len);
    g->len = 0;
    bucket_log(log, bucket, who, "%s", shown);
}

static inline void guestline_put(struct guestline *g, struct log *log,
                                 struct log_bucket *bucket, const char *who,
                                 char c)
{
    if (c == '\n') {
        guestline_flush(g, log, bucket, who);
        return;
    }
    if (c == '\r')
        return;
    g->text[g->len++] = c;
    if (g->len == sizeof(g->text))
        guestline_flush(g, log, bucket, who);
}

#endif
