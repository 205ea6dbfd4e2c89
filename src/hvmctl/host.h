/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hvmds of this host, found by their sockets in one folder. One that
 * hangs costs its own answer only. Errors: -errno with a sentence in err.
 */
#ifndef HVMCTL_HOST_H
#define HVMCTL_HOST_H

#include "conn.h"
#include "figures.h"

#define ANSWER_NS UINT64_C(2000000000) /* how long one may take */

struct dom {
    unsigned domid;
    struct conn conn;
    bool listed;  /* its socket is there */
    bool answers; /* now is of the latest round */
    bool dead;    /* nobody listens on the socket */
    struct err err;
    struct figures now, before;
    bool has_before; /* of the same process: rates can be told */
};

struct host {
    const char *dir;
    struct dom **dom; /* by number */
    unsigned n;
};

void host_init(struct host *, const char *dir);
void host_free(struct host *);
/*
 * Finds sockets that came and went and asks all hvmds for their figures, all
 * together within wait_ns and a little for each that hangs. What died and left
 * its socket is not there. -errno: the folder cannot be read (that there is
 * none is no error).
 */
int host_look(struct host *, uint64_t wait_ns, struct err *);

/* DOMAIN of the command line, a number or a name, connected. */
int host_find(const char *dir, const char *domain, unsigned *domid,
              struct conn *, struct err *);
/* One command, with args as in conn_send(); NULL: err names the domain. */
struct json_object *host_call(struct conn *, const char *domain,
                              const char *command, struct json_object *args,
                              int fd, struct err *);

#endif
