/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4, TCP and UDP as far as the chip knows them: what is left to the cable
 * when a frame goes out, what the status says when one comes in. Every length
 * in a header is a claim, held against the length of the frame before it is
 * used (XSA-140).
 */
#include "work.h"

#include <string.h>

#define ETHERTYPE_IP  0x0800u
#define ETHERTYPE_TAG 0x8100u
#define IP_MIN        20u
#define IP_FRAGMENT   0x3fffu /* offset and more-fragments bit */
#define IP_SUM        10u
#define PROTO_TCP     6u
#define PROTO_UDP     17u
#define TCP_MIN       20u
#define TCP_SUM       16u
#define UDP_BYTES     8u
#define UDP_SUM       6u
/* Shorter segments would make one frame into thousands. */
#define MSS_MIN 48u

/* Receive status, protocol and failures. */
#define RX_PID_TCP 0x00010000u
#define RX_PID_UDP 0x00020000u
#define RX_PID_IP  0x00030000u
#define RX_IPF     0x00008000u
#define RX_UDPF    0x00004000u
#define RX_TCPF    0x00002000u

/* Where the parts of a packet are; offsets in the frame. */
struct packet {
    uint32_t l3, l4, end; /* end: of the IP packet; 0: it says so itself */
    uint8_t proto;
    bool fragment;
};

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

uint16_t rtl_sum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Words are added as they lie in memory: RFC 1071 (B), byte order. */
uint32_t rtl_sum(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    uint32_t w[4];
    uint16_t h;

    for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
        memcpy(w, p, sizeof(w));
        sum += (uint64_t)w[0] + w[1] + w[2] + w[3];
    }
    for (; len >= sizeof(h); p += sizeof(h), len -= sizeof(h)) {
        memcpy(&h, p, sizeof(h));
        sum += h;
    }
    if (len) {
        uint8_t last[2] = {*p, 0};

        memcpy(&h, last, sizeof(h));
        sum += h;
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    h = rtl_sum_fold((uint32_t)sum);
    return be16((const uint8_t *)&h);
}

/* The frame's IPv4 packet; n bytes of len are at f. False: there is none. */
static bool parse(const uint8_t *f, uint32_t n, uint32_t len, struct packet *p)
{
    uint32_t ihl, total;

    p->l3 = RTL_ETH_BYTES;
    if (n < RTL_ETH_BYTES + IP_MIN)
        return false;
    if (be16(f + 12) == ETHERTYPE_TAG) {
        p->l3 += RTL_TAG_BYTES;
        if (n < p->l3 + IP_MIN)
            return false;
    }
    if (be16(f + p->l3 - 2) != ETHERTYPE_IP || f[p->l3] >> 4 != 4)
        return false;
    ihl = (f[p->l3] & 15u) * 4;
    total = be16(f + p->l3 + 2);
    if (ihl < IP_MIN || ihl > n - p->l3 || total > len - p->l3 ||
        (total && total < ihl))
        return false;
    p->l4 = p->l3 + ihl;
    p->end = total ? p->l3 + total : 0;
    p->proto = f[p->l3 + 9];
    p->fragment = (be16(f + p->l3 + 6) & IP_FRAGMENT) != 0;
    return true;
}

/* Of addresses, protocol and len bytes of TCP or UDP. */
static uint32_t pseudo(const uint8_t *ip, uint32_t proto, uint32_t len)
{
    return rtl_sum(ip + 12, 8) + proto + len;
}

static void fill_ip_sum(uint8_t *ip, uint32_t bytes)
{
    put_be16(ip + IP_SUM, 0);
    put_be16(ip + IP_SUM, (uint16_t)~rtl_sum_fold(rtl_sum(ip, bytes)));
}

static void large(uint16_t mss, uint8_t *h, uint32_t n, uint32_t *len,
                  uint32_t *end, struct net_offload *o, struct packet *p)
{
    uint32_t hdr;

    /* Some drivers leave the total length to the chip. */
    if (!p->end)
        p->end = *len;
    if (mss < MSS_MIN || p->proto != PROTO_TCP || p->fragment ||
        p->end - p->l3 > UINT16_MAX || n < p->l4 + TCP_MIN)
        return;
    hdr = p->l4 + (h[p->l4 + 12] >> 4) * 4u;
    if (hdr < p->l4 + TCP_MIN || hdr > n || hdr > p->end)
        return;
    put_be16(h + p->l3 + 2, p->end - p->l3);
    fill_ip_sum(h + p->l3, p->l4 - p->l3);
    put_be16(h + p->l4 + TCP_SUM,
             rtl_sum_fold(pseudo(h + p->l3, PROTO_TCP, p->end - p->l4)));
    *len = *end = p->end;
    o->csum_start = (uint16_t)p->l4;
    o->csum_offset = TCP_SUM;
    if (p->end - hdr > mss) {
        o->mss = mss;
        o->hdr_len = (uint16_t)hdr;
    }
}

void rtl_offload(unsigned what, uint16_t mss, uint8_t *h, uint32_t n,
                 uint32_t *len, uint32_t *end, struct net_offload *o)
{
    struct packet p;
    uint32_t l4_len, at;

    *o = (struct net_offload){0};
    *end = *len;
    if (!what || !parse(h, n, *len, &p))
        return;
    if (what & RTL_OFFL_LARGE) {
        large(mss, h, n, len, end, o, &p);
        return;
    }
    if (!p.end)
        return;
    if (what & RTL_OFFL_IP)
        fill_ip_sum(h + p.l3, p.l4 - p.l3);
    l4_len = p.end - p.l4;
    if (p.fragment)
        return;
    if (what & RTL_OFFL_TCP && p.proto == PROTO_TCP && l4_len >= TCP_MIN)
        at = TCP_SUM;
    else if (what & RTL_OFFL_UDP && p.proto == PROTO_UDP &&
             l4_len >= UDP_BYTES && n >= p.l4 + UDP_BYTES &&
             be16(h + p.l4 + 4) == l4_len)
        at = UDP_SUM;
    else
        return;
    if (n < p.l4 + at + 2)
        return;
    put_be16(h + p.l4 + at, rtl_sum_fold(pseudo(h + p.l3, p.proto, l4_len)));
    o->csum_start = (uint16_t)p.l4;
    o->csum_offset = (uint16_t)at;
    *end = p.end;
}

void rtl_offload_finish(const struct net_offload *o, const struct iovec *iov,
                        unsigned niov, uint32_t end)
{
    uint8_t *at = (uint8_t *)iov[0].iov_base + o->csum_start + o->csum_offset;
    uint32_t pos = 0, sum = 0;
    uint16_t value;
    unsigned i;

    for (i = 0; i < niov && pos < end; i++) {
        uint32_t len = (uint32_t)iov[i].iov_len;
        uint32_t from = pos < o->csum_start ? o->csum_start - pos : 0;
        uint32_t to = end - pos < len ? end - pos : len;

        if (from < to) {
            uint32_t part =
                rtl_sum((const uint8_t *)iov[i].iov_base + from, to - from);

            /* an odd start swaps the bytes: RFC 1071 (B) */
            if ((pos + from - o->csum_start) & 1)
                part = (part & 0xff) << 8 | part >> 8;
            sum = rtl_sum_fold(sum + part);
        }
        pos += len;
    }
    value = (uint16_t)~sum;
    if (!value && o->csum_offset == UDP_SUM)
        value = 0xffff; /* RFC 768: 0 means none */
    put_be16(at, value);
}

static bool sum_ok(const uint8_t *f, const struct packet *p, uint32_t len)
{
    return rtl_sum_fold(pseudo(f + p->l3, p->proto, len) +
                        rtl_sum(f + p->l4, len)) == 0xffff;
}

uint32_t rtl_rx_check(const uint8_t *f, uint32_t len)
{
    uint32_t status, udp;
    struct packet p;

    if (!parse(f, len, len, &p) || !p.end)
        return 0;
    status =
        rtl_sum_fold(rtl_sum(f + p.l3, p.l4 - p.l3)) == 0xffff ? 0 : RX_IPF;
    if (!p.fragment && p.proto == PROTO_TCP && p.end - p.l4 >= TCP_MIN)
        return status | RX_PID_TCP |
               (sum_ok(f, &p, p.end - p.l4) ? 0 : RX_TCPF);
    if (!p.fragment && p.proto == PROTO_UDP && p.end - p.l4 >= UDP_BYTES) {
        udp = be16(f + p.l4 + 4);
        if (udp >= UDP_BYTES && udp <= p.end - p.l4)
            return status | RX_PID_UDP |
                   (!be16(f + p.l4 + UDP_SUM) || sum_ok(f, &p, udp) ? 0
                                                                    : RX_UDPF);
    }
    return status | RX_PID_IP;
}
