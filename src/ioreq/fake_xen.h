/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In place of Xen's libraries and of the event loop: one domain, as large as
 * FAKE_PAGES, whose calls fail when they are told to. The functions are those
 * of the libraries' headers and of hvmd/loop.h, so a program that links this
 * links neither. One domain at a time.
 */
#ifndef HVMD_FAKE_XEN_H
#define HVMD_FAKE_XEN_H

#include <hvmd/loop.h>
#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>

#define FAKE_PAGES (UINT64_C(3) << 18) /* 3 GiB, of which little is touched */
#define FAKE_BUF   0u                  /* of the two shared pages */
#define FAKE_SYNC  1u

#define FAKE_MODIFIED 8u

struct fake_range {
    uint64_t first;
    uint32_t n;
};

struct fake_xen {
    uint8_t (*page)[4096];
    uint8_t *ram; /* all of it */
    int ram_fd;
    unsigned vcpus;
    /* Calls until one fails, 0: none does; of how many, with which error. */
    unsigned fail_in, fail_for;
    int fail_errno;
    bool taken; /* who fails to map has lost the place to another */
    /* Frames without memory */
    uint64_t hole, hole_len;
    int fd[2];     /* event channels: ours, the other side's */
    uint64_t ns;   /* all clocks; each look takes a little */
    unsigned told; /* notifications */
    /* Frames that Xen was told are changed; the first calls of that */
    struct fake_range modified[FAKE_MODIFIED];
    unsigned nmodified;

    struct loop_src *src;
    bool (*poll)(void *);
    void *poll_ctx;
    struct clock clock;
};

void fake_xen_begin(struct fake_xen *);
void fake_xen_end(struct fake_xen *);
/* A port fires, and the loop sees it. */
void fake_xen_fire(struct fake_xen *, const uint32_t *ports, unsigned n);
/* What the loop does before it sleeps; true: there was work. */
bool fake_xen_poll(struct fake_xen *);

#endif
