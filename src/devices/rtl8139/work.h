/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the transmitters and receivers of the RTL8139C+ keep for themselves,
 * and what they share: Ethernet's CRC, Internet checksums, offload. Nothing
 * here is saved; a new machine begins with zeros. Lengths in bytes, without
 * FCS; loop thread; no function fails.
 * Source: IEEE 802.3 section 3.2.9 (FCS); RFC 791, 793, 768, 1071; RTL8139C+
 * data sheet 1.6, sections on receive and transmit descriptors.
 */
#ifndef RTL8139_WORK_H
#define RTL8139_WORK_H

#include <hvmd/net.h>
#include <stddef.h>

struct rtl;

/* C+: 16-byte descriptors, at most so many in a ring, fetched in runs. */
#define RTL_DESC_BYTES 16u
#define RTL_RING_MAX   64u
#define RTL_DESC_RUN   8u
#define RTL_DESC_OWN   0x80000000u
#define RTL_DESC_EOR   0x40000000u
#define RTL_DESC_FS    0x20000000u
#define RTL_DESC_LS    0x10000000u

#define RTL_ETH_MIN   60u /* shortest frame on a wire */
#define RTL_ETH_BYTES 14u
#define RTL_FCS_BYTES 4u
#define RTL_TAG_BYTES 4u
/* Ethernet, a tag, IPv4 and TCP with all options: what offload looks at. */
#define RTL_HEADERS (14u + 4u + 60u + 60u)

/* A descriptor, copied once from guest memory (R1). */
struct rtl_desc {
    uint32_t cmd, vlan;
    uint64_t gpa;
};

struct rtl_work {
    /* Receive descriptors that the chip owns, from s.rx_ring on. */
    struct rtl_desc rxd[RTL_RING_MAX];
    uint32_t rxd_at, rxd_n, rxd_next;
    /* The cable holds a frame that takes so many bytes; 0: it does not. */
    uint32_t rx_need;
    uint64_t rx_wait_ns;  /* until the next look for room, doubles */
    uint16_t rx_isr;      /* told at the end of the batch */
    bool rx_batches;      /* the cable says when a batch ends */
    uint64_t rx_look_ns;  /* that look is due; 0: none is planned */
    uint64_t loop_due_ns; /* the frame in the loopback slot comes back */
    bool tx_full;         /* the cable said -EAGAIN and not yet tx_ready */
    /* When the driver is told of what (tell.c). */
    uint16_t tx_isr;
    uint32_t tx_done;           /* descriptors since it was told */
    uint32_t tx_frames;         /* frames */
    uint64_t held_ns, tell_ns;  /* tx_isr waits since, until */
    uint64_t sent_ns, gap_ns;   /* the last frame, time between frames */
    uint64_t rose_ns, serve_ns; /* the last interrupt, how long they take */
    bool rok_used;              /* the driver had ROK unmasked */
    bool polled;                /* and masked it */
    uint32_t tx_ring[2]; /* descriptors in a ring, as far as seen; 0: many */
};

/* Bits of rtl_state.tx_wait: who is not done. */
#define RTL_WAIT_C    1u
#define RTL_WAIT_NPQ  2u
#define RTL_WAIT_HPQ  4u
#define RTL_WAIT_BITS 7u

/*
 * n descriptors at gpa, up to RTL_DESC_RUN; false: there is no memory. A driver
 * writes the command last and may be at it now: where OWN is set, the rest is
 * at least as new.
 */
bool rtl_desc_read(struct rtl *, uint64_t gpa, uint32_t n, struct rtl_desc *);
/* Sends what is waiting, as far as it goes. */
void rtl_tx_run(struct rtl *);
void rtl_tx_c(struct rtl *);
/* budget: descriptors and bytes that may still be looked at in this turn. */
struct rtl_budget {
    uint32_t descs, bytes;
};
void rtl_tx_plus(struct rtl *, bool hp, struct rtl_budget *);
/* Arms nic->more, unless it is due earlier. 0: when the access is answered. */
void rtl_more_at(struct rtl *, uint64_t when_ns);

/* done descriptors are the driver's again; most: it waits for no more. */
void rtl_tx_tell(struct rtl *, uint16_t bits, uint32_t done, uint32_t most);
/* Of received frames, w.rx_isr; now: it is not the end of a batch only. */
void rtl_rx_tell(struct rtl *, bool now);
/* What was held back goes to ISR: now, or if it is time. */
void rtl_tell_now(struct rtl *);
void rtl_tell_due(struct rtl *);
void rtl_tell_served(struct rtl *); /* IMR or ISR was written */
void rtl_tell_forget(struct rtl *); /* the transmitter was reset */

bool rtl_looped(const struct rtl *); /* TCR.LBK */
/* The frame in the loopback slot comes back in. */
void rtl_rx_loop(struct rtl *, const uint8_t *frame, uint32_t len);
/* The cable holds a frame: looks again whether there is room (rx.c). */
void rtl_rx_again(struct rtl *);

/* FCS, as its four bytes follow the frame in little-endian order. */
uint32_t rtl_crc(uint32_t crc, const uint8_t *, size_t len);
/* The chip's index into MAR0-7: the six top bits of the CRC, MSB first. */
unsigned rtl_hash(const uint8_t addr[6]);

/* One's complement sum of 16-bit big-endian words, odd byte last. */
uint32_t rtl_sum(const uint8_t *, size_t len);
uint16_t rtl_sum_fold(uint32_t sum);

/*
 * Transmit: what the command bits ask to be done to a frame of len bytes whose
 * first n = min(len, RTL_HEADERS) bytes are in h. Fills in the IP checksum and
 * the pseudo header's sum. Lengths that the frame does not bear out: nothing
 * is done and *o is zero (XSA-140). *len shrinks where a large send has bytes
 * behind its IP packet. *end: where the checksum ends.
 */
#define RTL_OFFL_IP    1u
#define RTL_OFFL_UDP   2u
#define RTL_OFFL_TCP   4u
#define RTL_OFFL_LARGE 8u
void rtl_offload(unsigned what, uint16_t mss, uint8_t *h, uint32_t n,
                 uint32_t *len, uint32_t *end, struct net_offload *o);
/* Finishes the checksum of o in iov[0], over all iovs up to byte end. */
void rtl_offload_finish(const struct net_offload *o, const struct iovec *iov,
                        unsigned niov, uint32_t end);
/* Receive: PID1, PID0, IPF, UDPF, TCPF as in the status descriptor. */
uint32_t rtl_rx_check(const uint8_t *frame, uint32_t len);

#endif
