/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the data path: frames with headers as asked for, plain
 * slow checksums to hold the fast ones against, and descriptors in the guest's
 * memory. Lengths in bytes, without FCS.
 */
#ifndef RTL8139_FRAMES_H
#define RTL8139_FRAMES_H

#include "rig.h"

#define PROTO_TCP 6u
#define PROTO_UDP 17u

/* A frame to dst from elsewhere, each byte from its place and the seed. */
void frame_plain(uint8_t *f, uint32_t len, const uint8_t dst[6], uint8_t seed);

struct frame_ip {
    uint32_t len;     /* of the frame */
    uint8_t proto;    /* PROTO_ */
    uint8_t ip_words; /* of the IP header; 0: 5 */
    uint8_t tcp_words;
    bool tag;         /* 802.1Q in the frame */
    uint32_t trailer; /* of len: behind the IP packet */
};
/* IPv4 with right lengths and right checksums; returns where L4 begins. */
uint32_t frame_ip(uint8_t *f, const struct frame_ip *);

/* Word by word, as RFC 1071 has it. */
uint16_t slow_sum(const uint8_t *, uint32_t len, uint32_t start);
/* TCP's or UDP's over all of the packet: 0 when right. */
uint16_t slow_l4(const uint8_t *f, uint32_t l3);
uint32_t slow_crc(const uint8_t *, uint32_t len);

uint16_t get_be16(const uint8_t *);
void set_be16(uint8_t *, uint32_t);
uint32_t get_le32(const uint8_t *);

/* Descriptor n of the ring at gpa. */
void desc_set(struct rig *, uint32_t gpa, unsigned n, uint32_t cmd,
              uint32_t vlan, uint64_t buf);
uint32_t desc_cmd(struct rig *, uint32_t gpa, unsigned n);
uint32_t desc_vlan(struct rig *, uint32_t gpa, unsigned n);

/* Transmit descriptors of the C+: commands and status */
#define PLUS_ONE    (RTL_DESC_OWN | RTL_DESC_FS | RTL_DESC_LS)
#define PLUS_LGSEN  0x08000000u
#define PLUS_MSS(n) ((uint32_t)(n) << 16)
#define PLUS_IPCS   0x00040000u
#define PLUS_UDPCS  0x00020000u
#define PLUS_TCPCS  0x00010000u
#define PLUS_TES    0x00800000u
#define PLUS_LNKF   0x00200000u
#define PLUS_TAGC   0x00020000u /* second word */
#define PLUS_BUF    0x100000u   /* the frame; fragments scattered from here */
#define PLUS_BIG    60000u      /* of a large send */

/* Puts f in n fragments with this command into the normal ring and polls. */
void plus_send(struct rig *, const uint8_t *f, uint32_t len, unsigned n,
               uint32_t cmd, uint32_t vlan);
/* The access is answered; then the frames leave, and in time TOK comes. */
static inline void plus_poll(struct rig *r)
{
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    bench_step(r->b, NS_PER_MS);
}

/* The last frame on the cable: there is one, or none. */
const uint8_t *sent_frame(struct rig *, uint32_t *len);
void assert_nothing_sent(struct rig *);

/* C+ mode, all that it has, both directions, at these rings. */
#define RIG_TNPDS 0x10000u
#define RIG_THPDS 0x11000u
#define RIG_RDSAR 0x12000u
#define RIG_RING  0x20000u /* C: receive ring */
void rig_cplus(struct rig *, uint32_t tcr, uint16_t cpcr_more);
/* C mode; rcr with the length of the ring. */
void rig_cmode(struct rig *, uint32_t tcr, uint32_t rcr);
/* A card in C+ mode, with nothing more. */
struct rig *rig_plus(void);
#define RIG_RCR (RCR_APM | RCR_AB | RCR_AM)

#endif
