/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unix socket to listen on: made with mode 0600, in place of a stale one,
 * removed at the end if it is still the one made. The fd belongs to the
 * struct. Loop thread. Errors: -errno with a sentence in err.
 */
#ifndef HVMD_USOCK_H
#define HVMD_USOCK_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct usock {
    int fd; /* -1: none */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    bool made; /* path is a socket of ours, this inode */
    dev_t dev;
    ino_t ino;
};

void usock_init(struct usock *);
/* option: which names the path, for messages: "-chardev libxl-cmd". */
int usock_listen(struct usock *, const char *path, const char *option,
                 struct err *);
void usock_close(struct usock *);

#endif
