/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside src/net: the cable over a stream socket; stream.c moves frames while
 * there is a peer, stream_open.c finds peers. Loop thread only. A peer is
 * hostile: a length above STREAM_FRAME_MAX ends the connection.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "segment.h"

#include <hvmd/loop.h>
#include <hvmd/net.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STREAM_LEN_BYTES 4u
/* QEMU peers send up to 68 KiB; what no card here takes is dropped. */
#define STREAM_FRAME_MAX (68u * 1024u)
#define STREAM_BUF_BYTES (128u * 1024u)

struct stream {
    struct net net;
    struct loop *loop;
    int fd; /* the connection; -1: none */
    struct loop_src src;
    struct timer again; /* goes on in the next turn of the loop */
    struct timer stall; /* the peer has not read for long */

    bool rx_on;             /* the device wants frames */
    bool watched;           /* LOOP_IN */
    bool receiving;         /* inside receive() */
    uint32_t in_at, in_end; /* of in: not delivered yet */

    bool tx_wait;             /* the device heard -EAGAIN */
    bool tx_full;             /* the kernel said it: LOOP_OUT */
    bool stalled;             /* frames are dropped until the peer reads */
    bool broken;              /* a write failed; ends in the next turn */
    uint32_t out_at, out_end; /* of out: taken, not sent yet */
    struct cut cut;           /* in cut_buf: the same, before out */

    /* stream_open.c */
    bool server;
    int dial_fd; /* server: listening; client: connecting; -1: none */
    struct loop_src dial_src;
    struct timer redial;
    uint64_t redial_ns; /* client; 0: never */
    struct sockaddr_storage addr;
    socklen_t addr_len;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* ours */
    dev_t path_dev;
    ino_t path_ino;

    struct iovec iov[IOV_MAX];
    uint8_t in[STREAM_BUF_BYTES], out[STREAM_BUF_BYTES];
    uint8_t cut_buf[NET_FRAME_MAX];
};

/* Prepares what moves frames; there is no peer yet. */
void net_stream_init(struct stream *, struct loop *);
/* There is one: fd, which does not block; the caller's again on -errno. */
int net_stream_up(struct stream *, int fd);
/* Ends the connection, tells the device and calls net_stream_dial_again(). */
void net_stream_down(struct stream *);
void net_stream_dial_again(struct stream *);
void net_stream_dial_close(struct stream *);

#endif
