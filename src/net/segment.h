/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside src/net: a frame with work left to do becomes plain frames with
 * complete checksums. It is done in place: the headers of each frame are
 * written right in front of its piece of the payload, over bytes that have
 * been delivered before, so no payload is copied and nothing is allocated.
 * Units: bytes. The buffer is the owner's and stays until the last frame has
 * gone. Loop thread. Errors: -EINVAL, the headers are not what was promised.
 * Sources: RFC 1071 (sum), 791, 8200, 768, 9293 (flags), 3168 6.1.2 (CWR);
 * Virtual I/O Device 1.1, 5.1.6.
 */
#ifndef NET_SEGMENT_H
#define NET_SEGMENT_H

#include <hvmd/net.h>
#include <stddef.h>

#define ETH_HEADER   14u
#define ETH_SHORTEST 60u /* what a card pads to */
/* The most bytes of headers in a frame that is cut. */
#define SEG_HEAD_MAX 512u

/* What a frame's headers and its sender's terms come to. */
struct seg_terms {
    uint16_t l3, l4;       /* offsets of the IP and the TCP or UDP header */
    uint16_t sum_start;    /* 0: checksums are complete */
    uint32_t sum_at;       /* where the checksum goes */
    uint16_t mss, hdr_len; /* mss 0: one frame */
    bool v6, udp, cwr;
};

/*
 * head: the first have bytes of a frame of len. TCP or UDP over IPv4 or IPv6,
 * behind up to two VLAN tags; what fits in one segment is not cut.
 */
int seg_read_terms(struct seg_terms *, const uint8_t *head, uint32_t have,
                   uint32_t len, const struct net_offload *);

struct cut {
    uint8_t *frame; /* the current plain frame */
    uint32_t len;   /* of it; 0: none is left */
    uint32_t left;  /* bytes of payload behind it */
    uint32_t seq;   /* of its first byte */
    uint16_t id;    /* of IPv4 */
    uint16_t base;  /* the pseudo header's sum without the length */
    struct seg_terms t;
    uint8_t head[SEG_HEAD_MAX]; /* as they came */
};

/* Begins with the first frame; terms NULL: the frame as it is. */
int cut_begin(struct cut *, uint8_t *frame, uint32_t len,
              const struct net_offload *);
/* The current frame has been taken: on to the next. */
void cut_next(struct cut *);

/* The sum of RFC 1071, not inverted, in the order of memory. */
uint16_t seg_sum(const uint8_t *p, size_t n);

/* Bytes in all; more than NET_FRAME_MAX: -EMSGSIZE. */
int64_t seg_iov_bytes(const struct iovec *, unsigned niov);
/* Copies what is behind the first skip bytes; bytes copied. */
uint32_t seg_iov_copy(uint8_t *dst, const struct iovec *, unsigned niov,
                      size_t skip);

#endif
