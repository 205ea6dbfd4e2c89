/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of byte streams share: a device's side and a real loop. */
#ifndef CHAR_TEST_H
#define CHAR_TEST_H

#include "chr.h"
#include "telnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct loop *loop;
    struct timer stop;
    unsigned wakeups;
    char dir[64];
    struct chr *c;
    struct err err;
    char got[16384];
    size_t got_len;
    size_t refill; /* room given again by rx() */
    unsigned ready, ups, downs;
};

int rig_setup(void **state);
int rig_teardown(void **state);
void run(struct rig *, unsigned ms);
/* Time passes for the loop's timers without being waited for. */
void skip_time(struct rig *, uint64_t ns);
/* Wake-ups while nothing happens. */
unsigned idle_wakeups(struct rig *);
/* Opens and takes the device's side; fails the test on error. */
void chr_use(struct rig *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void chr_use_opts(struct rig *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void chr_drop(struct rig *);
/* The sentence of opening what must not open. */
const char *refused(struct rig *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
size_t put(struct rig *, const char *s);
void room(struct rig *, size_t n);
/* Exactly this came since the last call. */
void got(struct rig *, const char *want);
/* Waits until it is connected, or not. */
void linked(struct rig *, bool up);
/* Just this is to be read from fd. */
void expect(int fd, const char *want);
/* Reads what fd has, or gets in 50 ms, with a terminating zero. */
size_t take(int fd, char *buf, size_t len);
void fills_and_drains(struct rig *, int peer);

int socket_run(void);

#endif
