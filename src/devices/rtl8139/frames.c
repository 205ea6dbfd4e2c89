/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frames.h"

#include <string.h>

static const uint8_t elsewhere[6] = {0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc};

uint16_t get_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

void set_be16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
           p[0];
}

static void set_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void frame_plain(uint8_t *f, uint32_t len, const uint8_t dst[6], uint8_t seed)
{
    for (uint32_t i = 0; i < len; i++)
        f[i] = (uint8_t)(i * 7 + i / 251 + seed);
    memcpy(f, dst, len < 6 ? len : 6);
    if (len >= 14) {
        memcpy(f + 6, elsewhere, 6);
        set_be16(f + 12, 0x88b5); /* local experimental */
    }
}

uint16_t slow_sum(const uint8_t *p, uint32_t len, uint32_t start)
{
    uint32_t sum = start;

    for (uint32_t i = 0; i < len; i++) {
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return (uint16_t)sum;
}

uint16_t slow_l4(const uint8_t *f, uint32_t l3)
{
    uint32_t ihl = (f[l3] & 15u) * 4, l4 = get_be16(f + l3 + 2) - ihl;
    uint32_t start = (f[l3 + 9] + l4) % 0xffff;

    start = slow_sum(f + l3 + 12, 8, start);
    return (uint16_t)~slow_sum(f + l3 + ihl, l4, start);
}

uint32_t slow_crc(const uint8_t *p, uint32_t len)
{
    uint32_t crc = 0xffffffff;

    for (uint32_t i = 0; i < len * 8; i++) {
        uint32_t bit = (p[i / 8] >> (i % 8) ^ crc) & 1;

        crc = crc >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~crc;
}

uint32_t frame_ip(uint8_t *f, const struct frame_ip *w)
{
    uint32_t l3 = w->tag ? 18 : 14, ihl = (w->ip_words ? w->ip_words : 5) * 4u;
    uint32_t l4 = l3 + ihl, end = w->len - w->trailer;
    uint8_t *ip = f + l3;

    frame_plain(f, w->len, rig_mac, 3);
    if (w->tag) {
        set_be16(f + 12, 0x8100);
        set_be16(f + 14, 0x2064);
    }
    set_be16(f + l3 - 2, 0x0800);
    ip[0] = (uint8_t)(0x40 | ihl / 4);
    ip[1] = 0;
    set_be16(ip + 2, end - l3);
    set_be16(ip + 6, 0x4000);
    ip[8] = 64;
    ip[9] = w->proto;
    set_be16(ip + 10, 0);
    set_be16(ip + 10, (uint16_t)~slow_sum(ip, ihl, 0));
    if (w->proto == PROTO_TCP) {
        f[l4 + 12] = (uint8_t)((w->tcp_words ? w->tcp_words : 5) << 4);
        f[l4 + 13] = 0x10;
        set_be16(f + l4 + 16, 0);
        set_be16(f + l4 + 16, slow_l4(f, l3));
    } else {
        set_be16(f + l4 + 4, end - l4);
        set_be16(f + l4 + 6, 0);
        set_be16(f + l4 + 6, slow_l4(f, l3));
    }
    return l4;
}

void desc_set(struct rig *r, uint32_t gpa, unsigned n, uint32_t cmd,
              uint32_t vlan, uint64_t buf)
{
    uint8_t *p = r->b->ram + gpa + n * 16;

    set_le32(p, cmd);
    set_le32(p + 4, vlan);
    set_le32(p + 8, (uint32_t)buf);
    set_le32(p + 12, (uint32_t)(buf >> 32));
}

uint32_t desc_cmd(struct rig *r, uint32_t gpa, unsigned n)
{
    return get_le32(r->b->ram + gpa + n * 16);
}

uint32_t desc_vlan(struct rig *r, uint32_t gpa, unsigned n)
{
    return get_le32(r->b->ram + gpa + n * 16 + 4);
}

void rig_cplus(struct rig *r, uint32_t tcr, uint16_t cpcr_more)
{
    rig_wr2(r, RTL_CPCR, (uint16_t)(CPCR_TX | CPCR_RX | cpcr_more));
    rig_wr4(r, RTL_TNPDS, RIG_TNPDS);
    rig_wr4(r, RTL_TNPDS + 4, 0);
    rig_wr4(r, RTL_THPDS, RIG_THPDS);
    rig_wr4(r, RTL_THPDS + 4, 0);
    rig_wr4(r, RTL_RDSAR, RIG_RDSAR);
    rig_wr4(r, RTL_RDSAR + 4, 0);
    rig_wr1(r, RTL_CR, CR_TE | CR_RE);
    rig_wr4(r, RTL_TCR, tcr);
    rig_wr4(r, RTL_RCR, RIG_RCR);
    rig_wr2(r, RTL_IMR, INT_ALL);
    rig_wr2(r, RTL_ISR, INT_ALL);
}

void rig_cmode(struct rig *r, uint32_t tcr, uint32_t rcr)
{
    rig_wr1(r, RTL_CR, CR_TE | CR_RE);
    rig_wr4(r, RTL_TCR, tcr);
    rig_wr4(r, RTL_RCR, rcr);
    rig_wr4(r, RTL_RBSTART, RIG_RING);
    rig_wr2(r, RTL_IMR, INT_ALL);
    rig_wr2(r, RTL_ISR, INT_ALL);
}

void plus_send(struct rig *r, const uint8_t *f, uint32_t len, unsigned n,
               uint32_t cmd, uint32_t vlan)
{
    uint32_t at = 0;

    for (unsigned i = 0; i < n; i++) {
        uint32_t part = i == n - 1 ? len - at : len / n;
        uint32_t gpa = PLUS_BUF + i * 0x11003u;

        memcpy(r->b->ram + gpa, f + at, part);
        desc_set(r, RIG_TNPDS, i,
                 RTL_DESC_OWN | (i ? 0 : RTL_DESC_FS) |
                     (i == n - 1 ? RTL_DESC_LS | RTL_DESC_EOR : 0) | cmd | part,
                 vlan, gpa);
        at += part;
    }
    plus_poll(r);
}

const uint8_t *sent_frame(struct rig *r, uint32_t *len)
{
    const uint8_t *f = net_mem_sent(r->net, len);

    assert_non_null(f);
    return f;
}

void assert_nothing_sent(struct rig *r)
{
    uint32_t len;

    assert_null(net_mem_sent(r->net, &len));
}

struct rig *rig_plus(void)
{
    struct rig *r = rig_new();

    rig_cplus(r, 0, 0);
    return r;
}
