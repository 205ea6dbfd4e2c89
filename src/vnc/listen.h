/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets that -vnc asks for: HOST:DISPLAY[,password=on][,to=N],
 * unix:PATH or none, as libxl builds the argument (HOST is its free-text
 * vnclisten). Opened once at start-up; nothing listens by default (R13).
 * Loop thread, before the loop runs.
 */
#ifndef HVMD_VNC_LISTEN_H
#define HVMD_VNC_LISTEN_H

#include <hvmd/err.h>
#include <stdbool.h>

#define LISTEN_MAX       4
#define LISTEN_BASE_PORT 5900u

struct listen {
    int fd[LISTEN_MAX];
    unsigned n; /* 0: none */
    bool password;
    char host[256];   /* numeric address of the first, or the path */
    char service[16]; /* TCP port, "" for a unix socket */
    char path[108];   /* unix socket to remove, "" for TCP */
};

/* 0, or -errno with one sentence; NULL and "none" open nothing. */
int listen_open(struct listen *, const char *spec, struct err *);
void listen_close(struct listen *);

#endif
