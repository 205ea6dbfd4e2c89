/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cutter against a slow one written from the RFCs, on random frames. */
#include "segment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 4000u

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16) % below;
}

/* A frame to be cut, and where its parts are. */
struct sample {
    uint8_t f[66000];
    uint32_t l3, l4, hdr, len, mss;
    bool v6, udp;
};

static uint32_t slow_sum(const uint8_t *p, uint32_t n, uint32_t sum)
{
    for (uint32_t i = 0; i < n; i++)
        sum += i % 2 ? p[i] : p[i] * 256u;
    while (sum > 0xffff)
        sum = sum % 0x10000 + sum / 0x10000;
    return sum;
}

static void store16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v / 256);
    p[1] = (uint8_t)(v % 256);
}

static uint32_t load32(const uint8_t *p)
{
    return ((p[0] * 256u + p[1]) * 256u + p[2]) * 256u + p[3];
}

static void store32(uint8_t *p, uint32_t v)
{
    store16(p, v / 65536);
    store16(p + 2, v % 65536);
}

static uint32_t pseudo(const struct sample *s, const uint8_t *f, uint32_t n)
{
    uint8_t tail[8] = {0};
    uint32_t sum =
        s->v6 ? slow_sum(f + s->l3 + 8, 32, 0) : slow_sum(f + s->l3 + 12, 8, 0);

    store32(tail, n);
    tail[7] = s->udp ? 17 : 6;
    return slow_sum(tail, 8, sum);
}

static uint32_t sum_at(const struct sample *s)
{
    return s->l4 + (s->udp ? 6 : 16);
}

static uint32_t put_ip(struct sample *s, uint32_t at)
{
    uint8_t *ip = s->f + at;
    uint32_t n;

    s->l3 = at;
    if (s->v6) {
        n = rnd(3) ? 0 : 8 + rnd(8) * 8;
        ip[0] = 0x60 | rnd(16);
        ip[6] = n ? 60 : s->udp ? 17 : 6; /* destination options */
        if (n) {
            ip[40] = s->udp ? 17 : 6;
            ip[41] = (uint8_t)(n / 8 - 1);
        }
        return at + 40 + n;
    }
    n = rnd(2) ? 20 : 20 + rnd(11) * 4;
    ip[0] = (uint8_t)(0x40 | n / 4);
    ip[9] = s->udp ? 17 : 6;
    return at + n;
}

static void make(struct sample *s, uint32_t payload)
{
    uint32_t at = 12, tags = rnd(3);

    for (uint32_t i = 0; i < sizeof(s->f); i++)
        s->f[i] = (uint8_t)rnd(256);
    if (!rnd(8))
        memset(s->f, 0xff * (int)rnd(2), sizeof(s->f)); /* sums of 0, ffff */
    s->v6 = rnd(2);
    s->udp = !rnd(3);
    for (; tags; tags--, at += 4)
        store16(s->f + at, rnd(2) ? 0x8100 : 0x88a8);
    store16(s->f + at, s->v6 ? 0x86dd : 0x0800);
    s->l4 = put_ip(s, at + 2);
    s->hdr = s->l4 + 8;
    if (!s->udp) {
        uint32_t words = rnd(2) ? 5 : 5 + rnd(11);

        s->hdr = s->l4 + words * 4;
        s->f[s->l4 + 12] = (uint8_t)(words << 4 | rnd(16));
    }
    s->len = s->hdr + payload;
    store16(s->f + sum_at(s), pseudo(s, s->f, s->len - s->l4));
    if (s->v6)
        store16(s->f + s->l3 + 4, s->len - s->l3 - 40);
    else
        store16(s->f + s->l3 + 2, s->len - s->l3);
}

/* The frame that carries payload [from, from + n), built anew. */
static uint32_t expect(const struct sample *s, uint8_t *out, uint32_t nth,
                       uint32_t from, uint32_t n, bool last)
{
    uint8_t *ip = out + s->l3, *l4 = out + s->l4;
    uint32_t len = s->hdr + n;

    memcpy(out, s->f, s->hdr);
    memcpy(out + s->hdr, s->f + s->hdr + from, n);
    if (s->v6) {
        store16(ip + 4, len - s->l3 - 40);
    } else {
        store16(ip + 2, len - s->l3);
        store16(ip + 4, (ip[4] * 256u + ip[5] + nth) % 65536);
        store16(ip + 10, 0);
        store16(ip + 10, 0xffff - slow_sum(ip, s->l4 - s->l3, 0));
    }
    if (s->udp) {
        store16(l4 + 4, len - s->l4);
    } else {
        store32(l4 + 4, load32(l4 + 4) + from);
        if (nth)
            l4[13] &= 0x7f;
        if (!last)
            l4[13] &= 0xf6;
    }
    store16(out + sum_at(s), 0);
    n = slow_sum(l4, len - s->l4, pseudo(s, out, len - s->l4));
    store16(out + sum_at(s), n == 0xffff ? 0xffff : 0xffff - n);
    return len;
}

static void check(const struct sample *s)
{
    static uint8_t buf[66000], want[66000];
    struct net_offload o = {(uint16_t)s->l4, s->udp ? 6 : 16, (uint16_t)s->mss,
                            (uint16_t)s->hdr};
    uint32_t from = 0, nth = 0, n, len;
    struct cut c;

    memcpy(buf, s->f, s->len);
    assert_int_equal(cut_begin(&c, buf, s->len, &o), 0);
    for (; from < s->len - s->hdr; from += n, nth++) {
        n = s->len - s->hdr - from;
        if (n > s->mss)
            n = s->mss;
        len = expect(s, want, nth, from, n, from + n == s->len - s->hdr);
        assert_int_equal(c.len, len);
        /* An IP header of a frame that is not cut keeps its checksum. */
        if (!s->v6 && s->len - s->hdr <= s->mss)
            memcpy(want + s->l3, s->f + s->l3, s->l4 - s->l3);
        assert_memory_equal(c.frame, want, len);
        /* Its owner may scribble over it once it is delivered. */
        memset(c.frame, 0x5a, c.len);
        cut_next(&c);
    }
    assert_int_equal(c.len, 0);
}

static void test_cut(void **state)
{
    static struct sample s;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t most = i % 64 ? 9000 : 65000;

        make(&s, 1 + rnd(most));
        s.mss = 1 + rnd(rnd(4) ? 1500 : 65535);
        if (s.udp && s.mss >= s.len - s.hdr)
            store16(s.f + s.l4 + 4, s.len - s.l4);
        check(&s);
    }
}

/* An odd segment, one byte more, one byte less, and one byte each. */
static void test_edges(void **state)
{
    static const uint32_t mss[] = {1, 2, 999, 1000, 1001, 1459, 1460, 1461};
    static struct sample s;

    for (unsigned i = 0; i < sizeof(mss) / sizeof(mss[0]); i++) {
        for (uint32_t payload = 1000; payload < 1003; payload++) {
            do
                make(&s, payload);
            while (s.udp);
            s.mss = mss[i];
            check(&s);
        }
    }
}

/* Any range of any bytes; the field holds a part of the sum before. */
static void test_sum(void **state)
{
    static uint8_t f[3000], want[3000];
    struct net_offload o = {0};
    uint32_t len, n;
    struct cut c;

    for (unsigned i = 0; i < ROUNDS; i++) {
        len = 64 + rnd(sizeof(f) - 64);
        for (n = 0; n < len; n++)
            f[n] = want[n] = (uint8_t)rnd(256);
        o.csum_start = (uint16_t)(1 + rnd(len - 2));
        o.csum_offset = (uint16_t)rnd(len - o.csum_start - 1);
        n = 0xffff - slow_sum(f + o.csum_start, len - o.csum_start, 0);
        store16(want + o.csum_start + o.csum_offset, n ? n : 0xffff);
        assert_int_equal(cut_begin(&c, f, len, &o), 0);
        assert_ptr_equal(c.frame, f);
        assert_int_equal(c.len, len);
        assert_memory_equal(f, want, len);
        cut_next(&c);
        assert_int_equal(c.len, 0);
    }
}

static void test_plain(void **state)
{
    uint8_t f[100] = {1, 2, 3}, want[100] = {1, 2, 3};
    const struct net_offload none = {0};
    struct cut c;

    assert_int_equal(cut_begin(&c, f, 100, NULL), 0);
    assert_int_equal(c.len, 100);
    cut_next(&c);
    assert_int_equal(c.len, 0);
    assert_int_equal(cut_begin(&c, f, 14, &none), 0);
    assert_int_equal(c.len, 14);
    assert_memory_equal(f, want, 100);
    assert_int_equal(cut_begin(&c, f, 13, NULL), -EINVAL);
    assert_int_equal(c.len, 0);
}

static int begin(struct sample *s, struct net_offload o, uint32_t len)
{
    struct cut c;
    int rc = cut_begin(&c, s->f, len, &o);

    if (rc)
        assert_int_equal(c.len, 0);
    return rc;
}

/* Headers that promise what is not there are refused, not followed. */
static void test_lies(void **state)
{
    static struct sample s, t;
    struct net_offload o = {0};

    do
        make(&s, 500);
    while (s.v6 || s.udp || s.l3 != 14 || s.l4 != 34 || s.hdr != 54);
    o = (struct net_offload){34, 16, 100, 54};
    t = s;
    assert_int_equal(begin(&t, o, t.len), 0);
    t = s;
    t.f[14] = 0x46; /* options that the terms know nothing of */
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    t.f[14] = 0x44;
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    t.f[14] = 0x65;
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    t = s;
    t.f[46] = 0x40; /* a TCP header of 16 bytes */
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    t.f[46] = 0xf0; /* and one longer than the frame */
    assert_int_equal(begin(&t, o, 34 + 59), -EINVAL);
    t = s;
    assert_int_equal(begin(&t, o, 34 + 19), -EINVAL);
    assert_int_equal(begin(&t, o, 33), -EINVAL);
    store16(t.f + 12, 0x0806);
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    for (unsigned i = 0; i < 3; i++)
        store16(t.f + 12 + i * 4, 0x8100);
    store16(t.f + 24, 0x0800);
    assert_int_equal(begin(&t, o, t.len), -EINVAL); /* three tags */
    store16(t.f + 12, 0x86dd);
    assert_int_equal(begin(&t, o, t.len), -EINVAL); /* IPv6 of 20 bytes */
    t = s;
    o.csum_offset = 6; /* UDP has no such length */
    assert_int_equal(begin(&t, o, 41), -EINVAL);
    o.csum_offset = 10;
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    o = (struct net_offload){0, 0, 100, 54};
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    o = (struct net_offload){33, 16, 100, 54};
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    o = (struct net_offload){0xffff, 0xffff, 0, 0};
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    o = (struct net_offload){(uint16_t)(t.len - 17), 16, 0, 0};
    assert_int_equal(begin(&t, o, t.len), -EINVAL);
    o.csum_start--;
    assert_int_equal(begin(&t, o, t.len), 0);
    /* hdr_len is a hint: what counts is in the headers. */
    t = s;
    o = (struct net_offload){34, 16, 100, 0xffff};
    assert_int_equal(begin(&t, o, t.len), 0);
}

static void test_long_headers(void **state)
{
    static struct sample s;
    struct net_offload o = {14 + 40, 16, 100, 0};

    memset(s.f, 0, sizeof(s.f));
    store16(s.f + 12, 0x86dd);
    s.f[14] = 0x60;
    s.f[o.csum_start + 12] = 0x50;
    assert_int_equal(begin(&s, o, 2000), 0);
    memset(s.f + 20, 0, 2000);
    o.csum_start = SEG_HEAD_MAX - 20;
    s.f[o.csum_start + 12] = 0x50;
    assert_int_equal(begin(&s, o, 2000), 0);
    o.csum_start++;
    s.f[o.csum_start + 12] = 0x50;
    assert_int_equal(begin(&s, o, 2000), -EINVAL);
}

static void test_iov(void **state)
{
    uint8_t a[3] = {1, 2, 3}, b[4] = {4, 5, 6, 7}, out[8];
    const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7};
    const struct iovec v[4] = {{a, 3}, {a, 0}, {b, 4}, {b, SIZE_MAX}};

    assert_int_equal(seg_iov_bytes(v, 3), 7);
    assert_int_equal(seg_iov_bytes(v, 0), 0);
    assert_int_equal(seg_iov_bytes(v, 4), -EMSGSIZE);
    for (uint32_t skip = 0; skip < 9; skip++) {
        uint32_t left = skip < 7 ? 7 - skip : 0;

        memset(out, 0x5a, sizeof(out));
        assert_int_equal(seg_iov_copy(out, v, 3, skip), left);
        assert_memory_equal(out, want + 7 - left, left);
        assert_int_equal(out[left], 0x5a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),  cmocka_unit_test(test_edges),
        cmocka_unit_test(test_sum),  cmocka_unit_test(test_plain),
        cmocka_unit_test(test_lies), cmocka_unit_test(test_long_headers),
        cmocka_unit_test(test_iov),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
