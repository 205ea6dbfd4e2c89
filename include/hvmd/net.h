/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network back ends: whole Ethernet frames without FCS. Loop thread only.
 * Source of the offload terms: Virtual I/O Device 1.1, 5.1.6 (as Linux tun).
 */
#ifndef HVMD_NET_H
#define HVMD_NET_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct loop;
struct net;

#define NET_FRAME_MAX 65550u

/* What the sender left to do. All offsets are from the start of the frame. */
struct net_offload {
    /* 0: checksums are complete. Else: the sum over [csum_start, end) goes to
     * csum_start + csum_offset, where the pseudo header's sum stands. */
    uint16_t csum_start, csum_offset;
    /* 0: one frame. Else TCP over IPv4 or IPv6 to be cut into segments of at
     * most mss bytes of payload behind hdr_len bytes of headers; csum_* are
     * set, and the pseudo header's length is that of all behind csum_start. */
    uint16_t mss, hdr_len;
};

struct net_ops {
    /*
     * Takes one frame, offload NULL: as it is. Bytes taken, -EAGAIN (told by
     * tx_ready later) or another -errno. The back end reads every byte once,
     * so iov may be guest memory; headers it has to look at (the first
     * hdr_len or csum_start + csum_offset + 2 bytes) must be in iov[0], the
     * caller's own memory.
     */
    int64_t (*tx)(struct net *, const struct net_offload *,
                  const struct iovec *, unsigned niov);
    /* Whether rx() may be called; off keeps frames queued in the host. */
    void (*rx_on)(struct net *, bool);
    /*
     * Whether the device hears nothing, as its receiver is off, and drops
     * whatever comes: a host that can throws it away unread and wakes nobody.
     * What came before is still offered, and what comes after deaf(false) too.
     * May be NULL.
     */
    void (*deaf)(struct net *, bool);
    void (*close)(struct net *);
};

struct net {
    const struct net_ops *ops;
    /*
     * Set by the device. rx: one plain frame, checksums complete; false when
     * it could not take it: offered again after rx_on(true). rx_end: no more
     * frames follow in this turn of the loop; may be NULL. link: the cable
     * was plugged (up) or ended, as when the interface is deleted; may be NULL.
     */
    bool (*rx)(void *dev, const uint8_t *frame, uint32_t len);
    void (*rx_end)(void *dev);
    void (*tx_ready)(void *dev);
    void (*link)(void *dev, bool up);
    void *dev;
    bool down; /* the other end is gone for now */
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes, dropped;
};

/* Creates or opens the tap ifname; its fd lives until close. */
struct net *net_tap_open(struct loop *, const char *ifname, struct err *);
/* One that the toolstack opened (fd=); taken over when it is a tap. */
struct net *net_tap_open_fd(struct loop *, int fd, struct err *);

/* Frames over a stream socket: four bytes of length, big-endian, and the
 * frame. A unix socket at path, or a literal inet address, or a connected
 * socket, taken over unless it fails. What connects later looks for path in the
 * root directory of then. */
enum net_stream_kind { NET_STREAM_UNIX, NET_STREAM_INET, NET_STREAM_FD };
struct net_stream_conf {
    enum net_stream_kind kind;
    const char *path;
    const char *host, *port;
    int fd;
    bool server;           /* listens, for one peer after the other */
    uint32_t reconnect_ms; /* a client tries again after so long; 0: never */
};
struct net *net_stream_open(struct loop *, const struct net_stream_conf *,
                            struct err *);

/* A cable whose other end is the test. */
struct net *net_mem_new(void);
/* A frame from the wire. False: rx is off, or the device could not take it. */
bool net_mem_put(struct net *, const void *frame, uint32_t len);
/* The latest frame the device sent; NULL: none since it was last asked. */
const uint8_t *net_mem_sent(struct net *, uint32_t *len);
/* What that frame's sender left to do; all 0: nothing. Never NULL. */
const struct net_offload *net_mem_offload(struct net *);
/* The end of a turn; the cable pulled or plugged; what rx_on() said last. */
void net_mem_rx_end(struct net *);
void net_mem_link(struct net *, bool up);
bool net_mem_rx_is_on(struct net *);
bool net_mem_is_deaf(struct net *);
/* While full, tx() says -EAGAIN; tx_ready() comes when that ends. */
void net_mem_full(struct net *, bool full);

#endif
