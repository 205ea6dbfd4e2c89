/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to xenstore for the time the guest runs: watches, reads and
 * writes that never wait. libxenstore starts a thread at the first watch and
 * waits for every answer; here the connection is one more descriptor of the
 * loop, silent until somebody writes to a watched node. At most
 * XS_LINK_WAITING questions are open at a time. When xenstored goes, one line
 * is logged and the guest goes on. Loop thread.
 * Source: xen/io/xs_wire.h, docs/misc/xenstore.txt.
 */
#ifndef HVMD_XS_LINK_H
#define HVMD_XS_LINK_H

#include <hvmd/err.h>
#include <hvmd/log.h>
#include <hvmd/loop.h>

#define XS_LINK_WAITING 16u

struct xs_link;

/* A node at or below the watched one changed, or the watch is new. */
typedef void xs_link_event(void *ctx, const char *path, const char *token);
/* value: NULL when there is no such node; lives until this returns. */
typedef void xs_link_value(void *ctx, const char *path, const char *value);

/* Blocks to connect. NULL: err says why. */
struct xs_link *xs_link_open(struct loop *, xs_link_event *, void *ctx,
                             struct log *, struct err *);
/* -EBUSY: too many questions open; -EPIPE: xenstored is gone; -EINVAL: the
 * words are too long. The same of all three; a failure on the other side is a
 * line in the log. */
int xs_link_watch(struct xs_link *, const char *path, const char *token);
/* A question for the same path and done that is still open serves. */
int xs_link_read(struct xs_link *, const char *path, xs_link_value *done);
int xs_link_write(struct xs_link *, const char *path, const char *value);
void xs_link_close(struct xs_link *); /* NULL is fine */

#endif
