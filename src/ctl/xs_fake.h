/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests: a xenstored with a few nodes, for libxenstore and xs_link.c. It
 * runs in a thread; calls are from the test's.
 */
#ifndef HVMD_XS_FAKE_H
#define HVMD_XS_FAKE_H

#include <stdbool.h>

struct xs_fake;

/* Starts it and points XENSTORED_PATH to it. */
struct xs_fake *xs_fake_new(void);
void xs_fake_free(struct xs_fake *);
/* value NULL: the node goes. Watches fire. Relative paths are of domain 0. */
void xs_fake_set(struct xs_fake *, const char *path, const char *value);
/* The node's value into out; false: there is none. */
bool xs_fake_get(struct xs_fake *, const char *path, char *out, unsigned size);
unsigned xs_fake_watches(struct xs_fake *);
unsigned xs_fake_requests(struct xs_fake *); /* so far */
void xs_fake_hang(struct xs_fake *, bool);   /* answers nothing */
/* Sends these bytes to all clients, or with len 0 hangs up. */
void xs_fake_raw(struct xs_fake *, const void *bytes, unsigned len);

#endif
