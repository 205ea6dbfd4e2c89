/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums and cutting: the work that a sender left to the cable. */
#include "segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define ETHERTYPE_AT  12u
#define ETHER_IP      0x0800u
#define ETHER_IPV6    0x86ddu
#define ETHER_VLAN    0x8100u
#define ETHER_SVLAN   0x88a8u
#define VLAN_TAGS_MAX 2u

#define IP_HEADER   20u /* without options */
#define IP_TOTAL_AT 2u
#define IP_ID_AT    4u
#define IP_SUM_AT   10u
#define IPV6_HEADER 40u
#define IPV6_LEN_AT 4u

#define TCP_HEADER   20u
#define TCP_SEQ_AT   4u
#define TCP_OFF_AT   12u
#define TCP_FLAGS_AT 13u
#define TCP_SUM_AT   16u
#define TCP_FIN      0x01u
#define TCP_PSH      0x08u
#define TCP_CWR      0x80u

#define UDP_HEADER 8u
#define UDP_LEN_AT 4u
#define UDP_SUM_AT 6u

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)((sum & 0xffffu) + (sum >> 16));
}

uint16_t seg_sum(const uint8_t *p, size_t n)
{
    uint64_t sum = 0, carry = 0, x[4];
    uint16_t v = 0;

    for (; n >= sizeof(x); n -= sizeof(x), p += sizeof(x)) {
        memcpy(x, p, sizeof(x));
        carry += __builtin_add_overflow(sum, x[0], &sum);
        carry += __builtin_add_overflow(sum, x[1], &sum);
        carry += __builtin_add_overflow(sum, x[2], &sum);
        carry += __builtin_add_overflow(sum, x[3], &sum);
    }
    sum = (sum & 0xffffffffu) + (sum >> 32) + carry;
    for (; n >= 2; n -= 2, p += 2) {
        memcpy(&v, p, 2);
        sum += v;
    }
    if (n) {
        v = 0;
        memcpy(&v, p, 1);
        sum += v;
    }
    return fold(sum);
}

/* Sums p into the field at p + at, where a part of the sum stands. */
static void finish_sum(uint8_t *p, uint32_t len, uint32_t at)
{
    uint16_t sum = (uint16_t)~seg_sum(p, len);

    memcpy(p + at, &sum, 2);
}

/* Of TCP, UDP and what a sender asked for: zero would mean none in UDP. */
static void finish_l4_sum(uint8_t *p, uint32_t len, uint32_t at)
{
    finish_sum(p, len, at);
    if (!(p[at] | p[at + 1]))
        memset(p + at, 0xff, 2);
}

/* Finds the IP header: its offset, 0: there is none that we can cut. */
static uint16_t find_ip(const uint8_t *head, uint32_t have, bool *v6)
{
    uint32_t at = ETHERTYPE_AT;
    unsigned tags;
    uint16_t type;

    for (tags = 0; have - at >= 2; tags++, at += 4) {
        type = get16(head + at);
        if (type == ETHER_IP || type == ETHER_IPV6) {
            *v6 = type == ETHER_IPV6;
            return (uint16_t)(at + 2);
        }
        if ((type != ETHER_VLAN && type != ETHER_SVLAN) ||
            tags == VLAN_TAGS_MAX || have - at < 6)
            return 0;
    }
    return 0;
}

/* Of a frame to be cut: l4 and hdr_len, and that nothing lies. */
static int find_headers(struct seg_terms *t, const uint8_t *head, uint32_t have,
                        const struct net_offload *o)
{
    uint32_t l4 = o->csum_start, end;

    t->l3 = find_ip(head, have, &t->v6);
    if (!t->l3 || l4 < t->l3 + (t->v6 ? IPV6_HEADER : IP_HEADER) || l4 > have)
        return -EINVAL;
    if (!t->v6 &&
        (head[t->l3] >> 4 != 4 || t->l3 + (head[t->l3] & 15u) * 4u != l4))
        return -EINVAL;
    if (t->v6 && head[t->l3] >> 4 != 6)
        return -EINVAL;
    t->l4 = (uint16_t)l4;
    t->udp = o->csum_offset == UDP_SUM_AT;
    if (t->udp) {
        end = l4 + UDP_HEADER;
    } else {
        if (o->csum_offset != TCP_SUM_AT || have - l4 < TCP_HEADER)
            return -EINVAL;
        end = (head[l4 + TCP_OFF_AT] >> 4) * 4u;
        if (end < TCP_HEADER)
            return -EINVAL;
        end += l4;
        t->cwr = head[l4 + TCP_FLAGS_AT] & TCP_CWR;
    }
    if (end > have || end > SEG_HEAD_MAX)
        return -EINVAL;
    t->hdr_len = (uint16_t)end;
    return 0;
}

int seg_read_terms(struct seg_terms *t, const uint8_t *head, uint32_t have,
                   uint32_t len, const struct net_offload *o)
{
    *t = (struct seg_terms){0};
    if (len < ETH_HEADER || have < ETH_HEADER || have > len)
        return -EINVAL;
    if (!o || (!o->csum_start && !o->mss))
        return 0;
    if (!o->csum_start || (uint32_t)o->csum_start + o->csum_offset + 2u > len)
        return -EINVAL;
    t->sum_start = o->csum_start;
    t->sum_at = (uint32_t)o->csum_start + o->csum_offset;
    if (!o->mss)
        return 0;
    if (find_headers(t, head, have, o) < 0)
        return -EINVAL;
    if (len - t->hdr_len > o->mss)
        t->mss = o->mss;
    return 0;
}

/* Headers of the current frame from those of the whole. */
static void build(struct cut *c, bool first)
{
    const struct seg_terms *t = &c->t;
    uint8_t *ip = c->frame + t->l3, *l4 = c->frame + t->l4;
    uint32_t l4_len = c->len - t->l4;
    uint16_t part = fold((uint32_t)c->base + htons((uint16_t)l4_len));

    if (t->v6) {
        put16(ip + IPV6_LEN_AT, c->len - t->l3 - IPV6_HEADER);
    } else {
        put16(ip + IP_TOTAL_AT, c->len - t->l3);
        put16(ip + IP_ID_AT, c->id);
        put16(ip + IP_SUM_AT, 0);
        finish_sum(ip, (uint32_t)(t->l4 - t->l3), IP_SUM_AT);
    }
    if (t->udp) {
        put16(l4 + UDP_LEN_AT, l4_len);
    } else {
        put32(l4 + TCP_SEQ_AT, c->seq);
        if (!first)
            l4[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
        if (c->left)
            l4[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    }
    memcpy(c->frame + t->sum_at, &part, 2);
    finish_l4_sum(l4, l4_len, t->sum_at - t->l4);
}

int cut_begin(struct cut *c, uint8_t *frame, uint32_t len,
              const struct net_offload *o)
{
    struct seg_terms *t = &c->t;
    uint16_t part;

    c->len = c->left = 0;
    if (seg_read_terms(t, frame, len, len, o) < 0)
        return -EINVAL;
    c->frame = frame;
    c->len = len;
    if (!t->sum_start)
        return 0;
    if (!t->mss) {
        finish_l4_sum(frame + t->sum_start, len - t->sum_start,
                      t->sum_at - t->sum_start);
        return 0;
    }
    memcpy(c->head, frame, t->hdr_len);
    c->len = (uint32_t)t->hdr_len + t->mss;
    c->left = len - c->len;
    c->id = get16(frame + t->l3 + IP_ID_AT);
    c->seq = (uint32_t)get16(frame + t->l4 + TCP_SEQ_AT) << 16 |
             get16(frame + t->l4 + TCP_SEQ_AT + 2);
    memcpy(&part, frame + t->sum_at, 2);
    c->base = fold((uint32_t)part + (uint16_t)~htons((uint16_t)(len - t->l4)));
    build(c, true);
    return 0;
}

void cut_next(struct cut *c)
{
    uint32_t payload = c->left < c->t.mss ? c->left : c->t.mss;

    if (!c->left) {
        c->len = 0;
        return;
    }
    c->frame += c->t.mss;
    memcpy(c->frame, c->head, c->t.hdr_len);
    c->len = c->t.hdr_len + payload;
    c->left -= payload;
    c->seq += c->t.mss;
    c->id = (uint16_t)(c->id + 1u);
    build(c, false);
}

int64_t seg_iov_bytes(const struct iovec *iov, unsigned niov)
{
    size_t len = 0;
    unsigned i;

    for (i = 0; i < niov; i++) {
        if (iov[i].iov_len > NET_FRAME_MAX - len)
            return -EMSGSIZE;
        len += iov[i].iov_len;
    }
    return (int64_t)len;
}

uint32_t seg_iov_copy(uint8_t *dst, const struct iovec *iov, unsigned niov,
                      size_t skip)
{
    uint32_t n = 0;
    unsigned i;
    size_t part;

    for (i = 0; i < niov; i++) {
        part = iov[i].iov_len;
        if (skip >= part) {
            skip -= part;
            continue;
        }
        part -= skip;
        memcpy(dst + n, (const uint8_t *)iov[i].iov_base + skip, part);
        n += (uint32_t)part;
        skip = 0;
    }
    return n;
}
