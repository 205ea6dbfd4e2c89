/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside src/char: one stream over one or two file descriptors, which pty,
 * file, stdio, pipe, serial device and socket are made of; and the parsed
 * form of what the administrator wrote. Loop thread only; what open() calls
 * may block is bounded and at start-up only.
 */
#ifndef CHR_INTERNAL_H
#define CHR_INTERNAL_H

#include <hvmd/chardev.h>
#include <hvmd/loop.h>
#include <sys/types.h>

/*
 * A peer that is there but does not read is waited for this long; then output
 * is dropped until it reads again. A guest must not hang on a stopped viewer.
 */
#define STREAM_STALL_NS (3 * NS_PER_S)

struct stream;

struct stream_ops {
    /* Bytes of buf dealt with, or -errno; -EAGAIN waits. NULL: write(2). */
    ssize_t (*send)(struct stream *, const uint8_t *buf, size_t len);
    /* Takes what is not input out of buf; bytes left. NULL: all is. */
    size_t (*filter)(struct stream *, uint8_t *buf, size_t len);
    /* The peer is gone and the descriptors are off the loop. */
    void (*down)(struct stream *);
    /* The peer is gone, but input of it is kept (hup_held). May be NULL. */
    void (*held)(struct stream *);
    /* Closes what is the kind's own; the stream is off the loop. */
    void (*close)(struct stream *);
};

/* Begins every kind of stream; the kind owns the descriptors. */
struct stream {
    struct chr chr;
    const struct stream_ops *ops;
    struct loop *loop;
    int rfd, wfd; /* -1: none; the same: one serves both */
    struct loop_src rsrc, wsrc;
    struct timer stall;
    size_t room;
    bool out_wait; /* told the device to wait for tx_ready() */
    bool stalled;  /* it waited too long: drop */
    bool hup_held; /* hung up with input unread and no room for it */
};

/* Allocates size bytes (a struct that begins with a stream). */
void *stream_new(size_t size, const struct stream_ops *, struct loop *,
                 const char *label);
/* Puts the descriptors on the loop: connected. They must not block. */
int stream_up(struct stream *, int rfd, int wfd);
/* Takes them off; tells the device and then ops->down. */
void stream_down(struct stream *);
/* Back on the loop after hup_held: there is a peer again, or room. */
void stream_resume(struct stream *);
void stream_close(struct chr *);
void chr_name(struct chr *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "key=value,key,..." with ",," for a comma; a key alone has value NULL. */
#define OPTS_MAX 16
struct opts {
    char text[1024];
    struct opt {
        const char *key, *val;
        bool used;
    } item[OPTS_MAX];
    unsigned n;
};

/* What the sentences of errors begin with. */
struct where {
    struct loop *loop;
    const char *option; /* -serial */
    const char *label;  /* serial0 */
    const char *spec;   /* as the administrator wrote it */
    struct err *err;
};
int fail(const struct where *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* first: the key that a first item without '=' belongs to; NULL: none. */
int opts_parse(const struct where *, struct opts *, const char *text,
               const char *first);
/* The value, or def when absent; marks it as used. */
const char *opts_str(struct opts *, const char *key, const char *def);
/* on, off, yes, no, true, false, or the key alone; "nokey" is off. */
int opts_bool(const struct where *, struct opts *, const char *key, bool def,
              bool *out);
int opts_num(const struct where *, struct opts *, const char *key,
             unsigned most, unsigned *out);
/* Refuses what nobody asked about. */
int opts_done(const struct where *, const struct opts *);

/* The kinds; 0 or -errno with the sentence set. */
int chr_null(const struct where *, struct chr **);
int chr_pty(const struct where *, struct chr **);
int chr_file(const struct where *, const char *path, bool append,
             struct chr **);
int chr_stdio(const struct where *, struct chr **);
int chr_pipe(const struct where *, const char *path, struct chr **);
int chr_tty(const struct where *, const char *path, struct chr **);

struct sock_conf {
    const char *path;        /* or */
    const char *host, *port; /* "" : any or this host */
    bool server, telnet, nodelay;
    unsigned reconnect_s; /* client: 0 never */
    unsigned port_to;     /* server: also tries up to this port; 0: no */
    int family;           /* AF_UNSPEC, AF_INET, AF_INET6 */
};
int chr_socket(const struct where *, const struct sock_conf *, struct chr **);
int chr_udp(const struct where *, const char *host, const char *port,
            const char *local_host, const char *local_port, struct chr **);

struct addrinfo;
/* Resolves, at start-up only. */
int sock_resolve(const struct where *, const char *host, const char *port,
                 int family, int type, bool passive, struct addrinfo **);

#endif
