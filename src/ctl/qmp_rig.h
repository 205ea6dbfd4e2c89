/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the QMP server: a loop with one server whose operations
 * are counted, and clients of it, all in one thread.
 */
#ifndef HVMD_QMP_RIG_H
#define HVMD_QMP_RIG_H

#include "qmp_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HELLO                                                                  \
    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},"

struct host {
    struct loop *loop;
    struct qmp_ctx ctx;
    struct qmp *q;
    char dir[32], path[64];
    enum qmp_status status;
    unsigned conts, stops, resets, quits;
    char password[64];
    bool fail, link;
    char dump[64];
    bool logging;
    int save_fails; /* -errno */
    int took;       /* fd taken by the test's own command */
    unsigned seen_fds;
    /* Its drives: "ide0-hd0", and a CD drive "ide-5632" or "ide1-cd0". */
    bool locked, forced; /* an eject is put off; was forced */
    unsigned ejects;
    uint64_t token;
    char medium[64]; /* name of it; "": none */
    char first[8];   /* bytes of it */
    uint32_t cpus;   /* online, bits */
    uint8_t keys[16];
    unsigned nkeys, hold_ms;
};

struct client {
    struct host *h;
    int fd;
    char buf[65536];
    size_t len;
    bool eof;
};

/* A zeroed host with a loop and operations, and no server. */
void host_init(struct host *);
int rig_setup(void **state);
int rig_teardown(void **state);
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

/* Lets the loop run for so long. */
void turn(struct host *, unsigned us);

void dial(struct client *, struct host *);
void open_up(struct client *, struct host *); /* also negotiates */
void hang_up(struct client *);
void say(struct client *, const char *);
void say_n(struct client *, const char *, size_t len);
/* As libxl does: the first bytes carry descriptors, the rest comes by say(). */
void send_fd(struct client *, const char *, size_t len, const int *fds,
             unsigned n);
unsigned open_fds(void);
bool hear_some(struct client *); /* false: nothing came */
/* The next message without its end, to be test_free()d. */
const char *hear(struct client *);
void expect(struct client *, const char *whole);
void expect_part(struct client *, const char *part);
void quiet(struct client *);  /* nothing comes */
void closed(struct client *); /* the server hangs up */

#endif
