/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process hvmd-vnc, seen from hvmd: found at start-up, started without
 * copying hvmd's address space, given one socket and nothing else, reaped
 * through its pidfd. Loop thread only.
 */
#ifndef HVMD_VNC_CHILD_H
#define HVMD_VNC_CHILD_H

#include <hvmd/err.h>
#include <hvmd/loop.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int pidfd;
    int ctl; /* our end of the control socket, -1: closed */
    struct loop_src pid_src, ctl_src;
    void *owner;        /* NULL: let go, only to be reaped */
    struct child *next; /* in the owner's list of those let go */
};

/* Opens the program for child_start(): an O_PATH fd, or -errno. */
int child_open(struct err *);
/*
 * Starts it; null_fd (/dev/null) becomes its standard input and output.
 * 0 or -errno. name is shown in process listings.
 */
int child_start(struct child *, int exec_fd, int null_fd, const char *name);
/* What it has used so far, and until it is reaped. */
uint64_t child_cpu_ns(const struct child *);
/* Kills; its pidfd becomes readable soon. */
void child_signal(struct child *);
/* Kills, waits for the end (prompt) and closes. */
void child_kill(struct child *);

#endif
