/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that a QMP client has passed for a later command, which names
 * them by /dev/fdset/N. Numbered sets of descriptors, all of them together
 * at most FDSET_FDS. One lives until it is removed or no client is connected
 * any more; xenopsd adds, uses and removes it by a connection each while it
 * listens for events by another. The oldest whose connection has ended makes
 * room for a new one. Opening a set gives a duplicate, which is independent of
 * all that. Zeroed memory is an empty table. Loop thread.
 *
 * Source: QEMU's QMP reference, add-fd, remove-fd and query-fdsets.
 */
#ifndef HVMD_FDSET_H
#define HVMD_FDSET_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stdint.h>

#define FDSET_FDS        16
#define FDSET_OPAQUE_MAX 4352 /* bytes; libxl's is a format and a path */
#define FDSET_NEW        (-1)
#define FDSET_ALL        (-1)

struct fdset_fd {
    int64_t set;
    int fd;
    const void *owner; /* the connection; NULL: nobody's */
    bool left;         /* that has ended */
    uint64_t age;      /* less is older */
    char *opaque;      /* the client's words about it; may be NULL */
};

struct fdset {
    struct fdset_fd fd[FDSET_FDS]; /* in order of set, then of arrival */
    unsigned n;
    uint64_t ages;
};

/*
 * Takes fd over, also on an error. set: FDSET_NEW or the number of a set,
 * made if need be. Returns that number or -errno.
 */
int64_t fdset_add(struct fdset *, int fd, int64_t set, const char *opaque,
                  const void *owner, struct err *);
/* A descriptor of a set, or FDSET_ALL of them. -ENOENT: there is none. */
int fdset_remove(struct fdset *, int64_t set, int fd, struct err *);
/* The connection has ended; last: and there is no other. */
void fdset_leave(struct fdset *, const void *owner, bool last);
/* All of them. */
void fdset_clear(struct fdset *);

/* Whether a file name means a set. */
bool fdset_named(const char *filename);
/*
 * A duplicate, closed at exec, of the first descriptor in the set that allows
 * what accmode says (O_RDONLY, O_WRONLY, O_RDWR). -errno: -ENOENT no such set,
 * -EACCES none that allows it, -EINVAL not the name of a set.
 */
int fdset_open(const struct fdset *, const char *filename, int accmode,
               struct err *);

#endif
