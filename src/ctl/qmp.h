/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP servers: JSON commands of the toolstack over unix sockets. One client at
 * a time per socket, the next waits in the backlog (the control socket serves
 * many: ctl_sock.h). A command ends where its
 * object ends, with or without a new line; every message sent ends in \r\n and
 * holds none inside. File descriptors passed with a command go to that
 * command; those it does not take are closed.
 *
 * Memory is bounded: 1 MiB of one unfinished command, one reply at a time
 * (nothing more is read before it has gone out). A client that takes nothing
 * for 10 s is closed. Loop thread only; what the commands do is behind struct
 * qmp_ops, so that none of this needs Xen.
 *
 * Source: QEMU's QMP specification as far as libxl and xenstat speak it
 * (tools/libs/light/libxl_qmp.c, tools/libs/stat/xenstat_qmp.c).
 */
#ifndef HVMD_QMP_H
#define HVMD_QMP_H

#include "fdset.h"

#include <hvmd/chardev.h>
#include <hvmd/err.h>
#include <hvmd/log.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct qmp;
struct ctl_stats; /* ctl_stats.h */
struct ctl_unplug;
struct qmp_cmd; /* a row of the command table, qmp_impl.h */

enum qmp_status {
    QMP_PRELAUNCH, /* -S: never run yet */
    QMP_RUNNING,
    QMP_PAUSED,
    QMP_SUSPENDED, /* ACPI S3 */
    QMP_SHUTDOWN,  /* powered off, waiting for the toolstack */
};

struct qmp_vnc {
    bool enabled;
    char host[256];   /* the address bound; a path for a unix socket */
    char service[32]; /* TCP port in decimal; "" for a unix socket */
    bool unix_socket;
    bool password; /* viewers are asked for one */
    unsigned clients;
    /* Of client n, or false: no more. host: as above; service may be "". */
    bool (*client)(void *, unsigned n, const char **host, const char **service);
};

/* A drive, for query-block and its like. Strings are borrowed. */
struct qmp_drive {
    char name[64];    /* its id, or as QEMU would name it: "ide1-cd0" */
    const char *id;   /* of -device; may be NULL */
    char bus[24];     /* "ide1-cd0" */
    const char *file; /* NULL: no medium */
    uint64_t size_bytes;
    bool removable, read_only, locked, tray_open;
    uint64_t rd_bytes, wr_bytes, rd_ops, wr_ops, flush_ops;
};

/* A PCI function. */
struct qmp_pci {
    uint16_t vendor, device, subsys_vendor, subsys, class_code;
    uint8_t irq, pin;
    const char *id; /* of -device; NULL: none; borrowed */
    struct qmp_bar {
        bool io, prefetch;
        uint64_t addr;       /* UINT64_MAX: not decoded */
        uint32_t size_bytes; /* 0: absent */
    } bar[7];                /* the last: the expansion ROM */
};

enum qmp_event_id {
    QMP_EV_SHUTDOWN,
    QMP_EV_RESET,
    QMP_EV_STOP,
    QMP_EV_RESUME,
    QMP_EV_POWERDOWN,
    QMP_EV_SUSPEND,
    QMP_EV_WAKEUP,
    QMP_EV_TRAY_MOVED,
    QMP_EV_VNC_CONNECTED,
    QMP_EV_VNC_INITIALIZED,
    QMP_EV_VNC_DISCONNECTED,
};

#define QMP_LATER 1 /* the reply follows by qmp_finish() */

/* What a network card lets through. */
struct qmp_rx_filter {
    const char *name; /* "nic0"; borrowed */
    uint8_t mac[6];
    bool promiscuous, unicast, broadcast;
    bool multicast, multicast_all; /* by hash, every one */
    uint64_t multicast_hash;
    bool link, receiver;
};

/*
 * What commands do. 0 or -errno with a sentence in err, which the client gets.
 * A member left NULL makes its commands fail with CommandNotFound.
 */
struct qmp_ops {
    enum qmp_status (*status)(void *);
    int (*cont)(void *, struct err *);      /* idempotent */
    int (*stop)(void *, struct err *);      /* idempotent; returns when quiet */
    int (*powerdown)(void *, struct err *); /* power button */
    int (*reset)(void *, struct err *);
    int (*wakeup)(void *, struct err *); /* from ACPI S3 */
    void (*quit)(void *);                /* after the reply is on its way */
    void (*replied)(void *);             /* after each; may be NULL */
    void (*vnc_info)(void *, struct qmp_vnc *);
    int (*vnc_password)(void *, const char *, struct err *);
    int (*screendump)(void *, const char *filename, struct err *); /* PPM */
    int (*screendump_fd)(void *, int fd, struct err *); /* a plain file */
    bool (*cpu_online)(void *, unsigned cpu);           /* NULL: all are */
    /* Given zeroed structs. */
    void (*stats)(void *, struct ctl_stats *); /* needs status too */
    int (*unplug)(void *, struct ctl_unplug *, struct err *);
    int (*ignore_unplug)(void *, bool on, struct err *);
    /* While on, all that is written for the guest is reported to Xen. */
    int (*dirty_log)(void *, bool on, struct err *);
    /* The devices' state into a plain file; stops the guest for it. */
    int (*save)(void *, int fd, struct err *);
    /* The cable of a card, by its name or its back end's; -ENODEV: none. */
    int (*set_link)(void *, const char *name, bool up, struct err *);
    /* Card n; false: there are no more. */
    bool (*rx_filter)(void *, unsigned n, struct qmp_rx_filter *);
    /* Drive n, PCI function devfn; false: there is none. Given zeroed. */
    bool (*drive)(void *, unsigned n, struct qmp_drive *);
    bool (*pci)(void *, unsigned devfn, struct qmp_pci *);
    /*
     * By the drive's id or name; -ENODEV: no such drive. 0, or QMP_LATER: the
     * guest is asked first. force: it is not.
     */
    int (*eject)(void *, const char *drive, bool force, uint64_t token,
                 struct err *);
    /* fd: taken over, also on an error; name: of the file, to be shown. */
    int (*change_medium)(void *, const char *drive, int fd, const char *name,
                         bool force, struct err *);
    int (*set_vcpu)(void *, unsigned cpu, bool online, struct err *);
    /* Presses all, lets them go after a while. */
    int (*send_keys)(void *, const uint8_t *code, unsigned n, unsigned hold_ms,
                     struct err *);
};

#define QMP_CHRS 32

/* Shared by the servers of a process; outlives them. */
struct qmp_ctx {
    const struct qmp_ops *ops;
    void *opaque;     /* for ops */
    struct log *log;  /* may be NULL */
    const char *name; /* the guest's, may be NULL */
    const char *uuid; /* may be NULL */
    unsigned domid;
    unsigned max_vcpus;
    /* Byte streams that query-chardev lists beside the servers themselves. */
    const struct chr *chr[QMP_CHRS];
    unsigned nchrs;
    /* NULL: the commands of qmp_cmds.c; ends with a NULL name. */
    const struct qmp_cmd *cmds;
    struct fdset fdset;       /* descriptors passed for later commands */
    uint64_t events_lost;     /* by clients that did not read them */
    struct qmp *servers;      /* private */
    struct qmp *all;          /* private */
    uint64_t tokens;          /* private */
    struct log_bucket bucket; /* private */
};

/* Where a server listens. */
struct qmp_listen {
    const char *label; /* "libxl-cmd"; borrowed */
    const char *path;  /* made, mode 0600; a stale socket there is replaced */
    int fd;            /* with path NULL: a listening unix socket, owned */
};

/* NULL: err says why. */
struct qmp *qmp_new(struct loop *, const struct qmp_listen *, struct qmp_ctx *,
                    struct err *);
/* A client that has connected already. */
struct qmp_client {
    const char *label; /* for messages */
    int fd;            /* owned, also on an error */
    size_t in_max;     /* bytes of one unfinished command */
    /* Once, when the connection has ended: to be freed later, not inside. */
    void (*gone)(void *ctx);
    void *ctx;
};

/* Serves it; query-chardev does not list it. NULL: no memory, or gone. */
struct qmp *qmp_serve(struct loop *, const struct qmp_client *,
                      struct qmp_ctx *);
/*
 * Tells all clients of an event; data: the members of its object, as for
 * printf(), "": none. Safe anywhere on the loop thread: nothing is sent, freed
 * or allocated inside. Strings in it go through qmp_plain().
 */
void qmp_event(struct qmp_ctx *, enum qmp_event_id, const char *data, ...)
    __attribute__((format(printf, 3, 4)));
/* An event without particulars; printf() formats are not to be empty. */
#define QMP_NO_DATA "%s", ""
/* s with a ? for what cannot be in a JSON string as it is; returns buf. */
const char *qmp_plain(char *buf, size_t len, const char *s);
/*
 * The reply to a command that was put off; e NULL: well done. Nothing happens
 * when the client has gone. From the loop.
 */
void qmp_finish(struct qmp_ctx *, uint64_t token, const struct err *e);
/* When a client of qmp_serve() last sent something, on the loop's clock. */
uint64_t qmp_heard_ns(const struct qmp *);
/* Closes the client and removes the socket, if it is still the one made. */
void qmp_free(struct qmp *);

/* Of an address of VNC, as QMP names it. */
const char *qmp_family(bool unix_socket, const char *host);
/* Whether a name is in the table (for tests and the manual). */
const char *qmp_command_name(unsigned i); /* NULL past the last */
const char *qmp_event_name(unsigned i);

#endif
