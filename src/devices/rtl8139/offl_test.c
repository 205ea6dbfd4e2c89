/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums, tags and large sends that a driver leaves to the chip. */
#include "frames.h"

#include <string.h>

static void test_offload(void **state)
{
    static const struct {
        uint32_t cmd, l4_sum;
        uint8_t proto;
    } kind[] = {{PLUS_IPCS | PLUS_TCPCS, 16, PROTO_TCP},
                {PLUS_IPCS | PLUS_UDPCS, 6, PROTO_UDP}};
    uint8_t want[1400], f[1400];

    for (unsigned i = 0; i < 2 * 2 * 11 * 5; i++) {
        struct rig *r = rig_plus();
        struct frame_ip ip = {.len = 1000 + i,
                              .proto = kind[i & 1].proto,
                              .ip_words = (uint8_t)(5 + i / 4 % 11),
                              .tag = i & 2};
        uint32_t l4 = frame_ip(want, &ip), at = l4 + kind[i & 1].l4_sum, len;
        uint32_t l3 = ip.tag ? 18 : 14;
        const struct net_offload *o;
        uint8_t got[1400];

        memcpy(f, want, ip.len);
        set_be16(f + l3 + 10, 0x5555);
        set_be16(f + at, 0xaaaa);
        plus_send(r, f, ip.len, 1 + i / 44, kind[i & 1].cmd, 0);
        memcpy(got, sent_frame(r, &len), sizeof(got));
        assert_int_equal(len, ip.len);
        o = net_mem_offload(r->net);
        assert_int_equal(o->csum_start, l4);
        assert_int_equal(o->csum_offset, kind[i & 1].l4_sum);
        assert_int_equal(o->mss, 0);
        set_be16(got + at, (uint16_t)~slow_sum(got + l4, len - l4, 0));
        assert_memory_equal(got, want, len);
        rig_free(r);
    }
}

/* A short packet is followed by zeros, which change no sum. */
static void test_offload_of_a_short_frame(void **state)
{
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = 54, .proto = PROTO_TCP};
    uint8_t want[60] = {0}, f[60], got[60];
    uint32_t l4 = frame_ip(want, &ip), len;

    memcpy(f, want, 54);
    set_be16(f + l4 + 16, 0);
    plus_send(r, f, 54, 1, PLUS_IPCS | PLUS_TCPCS, 0);
    memcpy(got, sent_frame(r, &len), sizeof(got));
    assert_int_equal(len, 60);
    assert_int_equal(net_mem_offload(r->net)->csum_start, l4);
    set_be16(got + l4 + 16, (uint16_t)~slow_sum(got + l4, len - l4, 0));
    assert_memory_equal(got, want, 60);
    rig_free(r);
}

/* Bytes behind the packet are sent, but are no part of its sum. */
static void test_offload_before_a_trailer(void **state)
{
    uint8_t want[700], f[700];

    for (unsigned i = 0; i < 40; i++) {
        struct rig *r = rig_plus();
        struct frame_ip ip = {.len = 60 + i * 16,
                              .trailer = 1 + i / 8,
                              .proto = i & 1 ? PROTO_UDP : PROTO_TCP};
        uint32_t l4 = frame_ip(want, &ip), len;
        const uint8_t *got;

        memcpy(f, want, ip.len);
        set_be16(f + l4 + (i & 1 ? 6 : 16), 0x1111);
        plus_send(r, f, ip.len, 1 + i % 7, i & 1 ? PLUS_UDPCS : PLUS_TCPCS, 0);
        got = sent_frame(r, &len);
        assert_int_equal(len, ip.len);
        assert_int_equal(net_mem_offload(r->net)->csum_start, 0);
        assert_memory_equal(got, want, len);
        rig_free(r);
    }
}

/* RFC 768: a sum of 0 goes as ffff, for 0 says that there is none. */
static void test_udp_sum_of_zero(void **state)
{
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = 101, .proto = PROTO_UDP, .trailer = 1};
    uint8_t f[101], got[101];
    uint32_t l4 = frame_ip(f, &ip), len;

    /* the data makes up for all of the rest */
    set_be16(f + 98, 0);
    set_be16(f + l4 + 6, 0);
    set_be16(f + 98, slow_l4(f, 14));
    assert_int_equal(slow_l4(f, 14), 0);
    plus_send(r, f, 101, 2, PLUS_UDPCS, 0);
    memcpy(got, sent_frame(r, &len), 101);
    assert_int_equal(get_be16(got + l4 + 6), 0xffff);
    rig_free(r);
}

/* No such header fits in what the frame has. */
static void test_large_send_of_another_protocol(void **state)
{
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = 1000, .proto = PROTO_UDP};
    uint8_t f[1000];
    uint32_t len;

    frame_ip(f, &ip);
    plus_send(r, f, 1000, 1, PLUS_LGSEN | PLUS_MSS(200), 0);
    assert_memory_equal(sent_frame(r, &len), f, 1000);
    assert_int_equal(net_mem_offload(r->net)->mss, 0);
    rig_free(r);
}

static void test_offload_not_asked_for(void **state)
{
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = 200, .proto = PROTO_TCP};
    uint8_t f[200];
    uint32_t l4 = frame_ip(f, &ip), len;

    set_be16(f + l4 + 16, 0x1234);
    set_be16(f + 24, 0x4321);
    plus_send(r, f, 200, 1, 0, 0);
    assert_memory_equal(sent_frame(r, &len), f, 200);
    plus_send(r, f, 200, 1, PLUS_UDPCS, 0); /* it is TCP */
    assert_memory_equal(sent_frame(r, &len), f, 200);
    assert_int_equal(net_mem_offload(r->net)->csum_start, 0);
    set_be16(f + 20, 0x2000); /* a fragment */
    plus_send(r, f, 200, 1, PLUS_TCPCS, 0);
    assert_memory_equal(sent_frame(r, &len), f, 200);
    rig_free(r);
}

static void test_tag_is_inserted(void **state)
{
    struct frame_ip ip = {.len = 600, .proto = PROTO_TCP};
    uint8_t want[604], f[600];

    for (unsigned n = 1; n < 5; n++) {
        struct rig *r = rig_plus();
        uint32_t l4 = frame_ip(f, &ip), len;
        uint8_t got[604];

        memcpy(want, f, 12);
        set_be16(want + 12, 0x8100);
        set_be16(want + 14, 0x6123);
        memcpy(want + 16, f + 12, 588);
        set_be16(f + l4 + 16, 0);
        plus_send(r, f, 600, n, n & 1 ? PLUS_TCPCS : 0, PLUS_TAGC | 0x2361);
        memcpy(got, sent_frame(r, &len), sizeof(got));
        assert_int_equal(len, 604);
        if (n & 1) {
            assert_int_equal(net_mem_offload(r->net)->csum_start, l4 + 4);
            set_be16(got + l4 + 20,
                     (uint16_t)~slow_sum(got + l4 + 4, len - l4 - 4, 0));
        } else {
            set_be16(want + l4 + 20, 0);
        }
        assert_memory_equal(got, want, 604);
        rig_free(r);
    }
}

static void test_tag_on_a_tiny_frame(void **state)
{
    for (uint32_t n = 1; n < 64; n++) {
        struct rig *r = rig_plus();
        const uint8_t *got;
        uint8_t f[64];
        uint32_t len;

        frame_plain(f, n, rig_mac, 1);
        plus_send(r, f, n, 1, 0, PLUS_TAGC | 0x0100);
        got = sent_frame(r, &len);
        assert_int_equal(len, n + (n < 14 ? 0 : 4) < 60 ? 60 : n + 4);
        assert_memory_equal(got, f, n < 12 ? n : 12);
        assert_int_equal(got[12] == 0x81, n >= 14);
        rig_free(r);
    }
}

static void send_large(struct rig *r, uint8_t *f, uint32_t len, unsigned n,
                       uint32_t mss, uint32_t vlan)
{
    plus_send(r, f, len, n, PLUS_LGSEN | PLUS_MSS(mss), vlan);
}

static void test_large_send(void **state)
{
    static uint8_t want[PLUS_BIG], f[PLUS_BIG];

    for (unsigned n = 1; n < 30; n++) {
        struct rig *r = rig_plus();
        struct frame_ip ip = {.len = PLUS_BIG,
                              .proto = PROTO_TCP,
                              .ip_words = (uint8_t)(5 + n % 11),
                              .tcp_words = (uint8_t)(5 + n % 10)};
        uint32_t l4 = frame_ip(want, &ip), len;
        static uint8_t got[PLUS_BIG];
        const struct net_offload *o;

        memcpy(f, want, PLUS_BIG);
        set_be16(f + 24, 0);
        set_be16(f + l4 + 16, 0);
        if (n & 1) /* left to the chip by some drivers */
            set_be16(f + 16, 0);
        send_large(r, f, PLUS_BIG, n, 1448, 0);
        memcpy(got, sent_frame(r, &len), PLUS_BIG);
        assert_int_equal(len, PLUS_BIG);
        o = net_mem_offload(r->net);
        assert_int_equal(o->mss, 1448);
        assert_int_equal(o->hdr_len, l4 + (5 + n % 10) * 4);
        assert_int_equal(o->csum_start, l4);
        assert_int_equal(o->csum_offset, 16);
        set_be16(got + l4 + 16, (uint16_t)~slow_sum(got + l4, len - l4, 0));
        assert_memory_equal(got, want, PLUS_BIG);
        assert_int_equal(r->rtl->stats.tx_segments, 1);
        assert_int_equal(r->rtl->s.tally_tx_ok,
                         (PLUS_BIG - o->hdr_len + 1447) / 1448);
        rig_free(r);
    }
}

static void test_large_send_with_tag(void **state)
{
    static uint8_t f[PLUS_BIG];
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = PLUS_BIG, .proto = PROTO_TCP};
    uint32_t l4 = frame_ip(f, &ip), len;
    const uint8_t *got;

    send_large(r, f, PLUS_BIG, 3, 1000, PLUS_TAGC | 0x0200);
    got = sent_frame(r, &len);
    assert_int_equal(len, PLUS_BIG + 4);
    assert_int_equal(get_be16(got + 12), 0x8100);
    assert_int_equal(get_be16(got + 14), 2);
    assert_int_equal(net_mem_offload(r->net)->csum_start, l4 + 4);
    assert_int_equal(net_mem_offload(r->net)->hdr_len, l4 + 24);
    rig_free(r);
}

/* No more than one segment: a plain frame with a checksum to be done. */
static void test_large_send_that_is_small(void **state)
{
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = 54 + 500, .proto = PROTO_TCP};
    uint8_t f[600];
    uint32_t l4 = frame_ip(f, &ip), len;

    send_large(r, f, ip.len, 2, 500, 0);
    sent_frame(r, &len);
    assert_int_equal(net_mem_offload(r->net)->mss, 0);
    assert_int_equal(net_mem_offload(r->net)->csum_start, l4);
    rig_free(r);
}

/* What stands behind the packet is no data of the stream. */
static void test_large_send_with_trailer(void **state)
{
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = 3000, .proto = PROTO_TCP, .trailer = 100};
    uint8_t f[3000];
    uint32_t len;

    frame_ip(f, &ip);
    send_large(r, f, ip.len, 1, 1000, 0);
    sent_frame(r, &len);
    assert_int_equal(len, 2900);
    rig_free(r);
}

/*
 * XSA-140: headers whose lengths are not those of the frame. Such a frame goes
 * out as it is: not a byte beyond it, and nothing in it is touched.
 */
static void test_xsa_140_cve_2015_5165_lying_lengths(void **state)
{
    static const uint32_t cmds[] = {
        PLUS_IPCS | PLUS_TCPCS, PLUS_IPCS | PLUS_UDPCS,
        PLUS_LGSEN | PLUS_MSS(100), PLUS_LGSEN | PLUS_MSS(2047)};
    static const struct {
        uint32_t at;
        uint8_t value;
    } lies[] = {
        {14, 0x40}, {14, 0x44}, {14, 0x43}, {14, 0x65}, /* IHL, version */
        {16, 0xff}, {17, 19},   {17, 1},                /* total length */
        {16, 0x01}, {23, 1},                            /* protocol */
        {46, 0x00}, {46, 0x40}, {46, 0xf0},             /* data offset */
    };

    for (unsigned i = 0; i < 4 * 12; i++) {
        struct rig *r = rig_plus();
        struct frame_ip ip = {.len = 90,
                              .proto = i % 4 == 1 ? PROTO_UDP : PROTO_TCP};
        uint32_t len, cmd = cmds[i % 4];
        bool tcp_only = lies[i / 4].at == 46;
        uint8_t f[90], got[90];

        frame_ip(f, &ip);
        f[16] = 0;
        f[lies[i / 4].at] = lies[i / 4].value;
        /* marks that offload would change */
        set_be16(f + 24, 0x7777);
        set_be16(f + 34 + (ip.proto == PROTO_TCP ? 16 : 6), 0x7777);
        memset(r->b->ram + PLUS_BUF + 90, 0xee, 4096);
        plus_send(r, f, 90, 1, cmd, 0);
        memcpy(got, sent_frame(r, &len), 90);
        assert_int_equal(len, 90);
        assert_int_equal(net_mem_offload(r->net)->mss, 0);
        if (tcp_only && !(cmd & PLUS_LGSEN)) {
            rig_free(r); /* a checksum does not depend on it */
            continue;
        }
        if (lies[i / 4].at != 23) {
            assert_int_equal(net_mem_offload(r->net)->csum_start, 0);
            assert_memory_equal(got, f, 90);
        }
        rig_free(r);
    }
}

/* UDP has a length of its own to lie with. */
static void test_xsa_140_lying_udp_length(void **state)
{
    static const uint16_t lie[] = {0, 7, 8, 65, 67, 0xffff};

    for (unsigned i = 0; i < 6; i++) {
        struct rig *r = rig_plus();
        struct frame_ip ip = {.len = 100, .proto = PROTO_UDP};
        uint8_t f[100];
        uint32_t len;

        frame_ip(f, &ip);
        set_be16(f + 38, lie[i]);
        plus_send(r, f, 100, 1, PLUS_UDPCS, 0);
        assert_memory_equal(sent_frame(r, &len), f, 100);
        assert_int_equal(net_mem_offload(r->net)->csum_start, 0);
        rig_free(r);
    }
}

/* Frames that end within their headers. */
static void test_xsa_140_truncated_headers(void **state)
{
    struct frame_ip ip = {
        .len = 138, .proto = PROTO_TCP, .ip_words = 15, .tcp_words = 15};
    static const uint32_t cmds[] = {PLUS_IPCS | PLUS_TCPCS | PLUS_UDPCS,
                                    PLUS_LGSEN | PLUS_MSS(100)};

    for (uint32_t n = 1; n <= 137; n++)
        for (unsigned k = 0; k < 2; k++) {
            struct rig *r = rig_plus();
            uint8_t f[138];
            uint32_t len;

            frame_ip(f, &ip);
            plus_send(r, f, n, n > 8 ? 3 : 1, cmds[k], n & 1 ? PLUS_TAGC : 0);
            sent_frame(r, &len);
            assert_int_equal(net_mem_offload(r->net)->mss, 0);
            assert_int_equal(net_mem_offload(r->net)->csum_start, 0);
            rig_free(r);
        }
}

/* One byte a segment would be sixty thousand frames for 4 KiB of work. */
static void test_tiny_mss_is_refused(void **state)
{
    static uint8_t f[PLUS_BIG];
    struct frame_ip ip = {.len = PLUS_BIG, .proto = PROTO_TCP};

    frame_ip(f, &ip);
    for (uint32_t mss = 0; mss < 48; mss++) {
        struct rig *r = rig_plus();

        send_large(r, f, PLUS_BIG, 1, mss, 0);
        assert_nothing_sent(r);
        assert_true(desc_cmd(r, RIG_TNPDS, 0) & PLUS_TES);
        rig_free(r);
    }
}

/*
 * #3518: a tag inserted, C+ and loopback: the frame came back longer than it
 * was. Here it comes back with its tag, byte for byte, and not one more.
 */
static void test_qemu_3518_tag_in_loopback(void **state)
{
    for (uint32_t n = 14; n < 300; n += 1 + n / 20) {
        struct rig *r = rig_new();
        uint32_t len = n + 4 < 60 ? 60 : n + 4;
        uint8_t *got, f[300], want[304] = {0};

        rig_cplus(r, TCR_LBK, n & 1 ? CPCR_RXVLAN : 0);
        got = r->b->ram + 0x300000;
        memset(got, 0xa5, 2048);
        desc_set(r, RIG_RDSAR, 0, RTL_DESC_OWN | RTL_DESC_EOR | 2048,
                 0xffffffff, 0x300000);
        frame_plain(f, n, rig_mac, 1);
        memcpy(want, f, 12);
        set_be16(want + 12, 0x8100);
        set_be16(want + 14, 0x0005);
        memcpy(want + 16, f + 12, n - 12);
        plus_send(r, f, n, 1, 0, PLUS_TAGC | 0x0500);
        if (n & 1) { /* stripped again */
            memmove(want + 12, want + 16, len - 16);
            len -= 4;
            assert_int_equal(desc_vlan(r, RIG_RDSAR, 0), 0x10500);
        } else {
            assert_int_equal(desc_vlan(r, RIG_RDSAR, 0), 0);
        }
        assert_int_equal(desc_cmd(r, RIG_RDSAR, 0) & 0x1fff, len + 4);
        assert_memory_equal(got, want, len);
        for (uint32_t i = len + 4; i < 2048; i++)
            assert_int_equal(got[i], 0xa5);
        rig_free(r);
    }
}

static void test_offload_in_loopback(void **state)
{
    struct rig *r = rig_new();
    struct frame_ip ip = {.len = 500, .proto = PROTO_UDP};
    uint8_t want[500], f[500];
    uint32_t l4 = frame_ip(want, &ip);

    rig_cplus(r, TCR_LBK, CPCR_RXCHKSUM);
    desc_set(r, RIG_RDSAR, 0, RTL_DESC_OWN | RTL_DESC_EOR | 2048, 0, 0x300000);
    memcpy(f, want, 500);
    set_be16(f + l4 + 6, 0);
    plus_send(r, f, 500, 3, PLUS_UDPCS, 0);
    bench_step(r->b, NS_PER_MS);
    assert_memory_equal(r->b->ram + 0x300000, want, 500);
    assert_int_equal(desc_cmd(r, RIG_RDSAR, 0) & 0x3e000, 0x20000);
    rig_free(r);
}

static void test_large_send_in_loopback(void **state)
{
    struct rig *r = rig_new();
    struct frame_ip ip = {.len = 4000, .proto = PROTO_TCP};
    static uint8_t want[PLUS_BIG], f[PLUS_BIG];
    uint32_t l4 = frame_ip(want, &ip);

    rig_cplus(r, TCR_LBK, CPCR_RXCHKSUM);
    desc_set(r, RIG_RDSAR, 0, RTL_DESC_OWN | RTL_DESC_EOR | 8000, 0, 0x300000);
    memcpy(f, want, 4000);
    set_be16(f + l4 + 16, 0);
    send_large(r, f, 4000, 3, 1000, 0);
    bench_step(r->b, NS_PER_MS);
    assert_memory_equal(r->b->ram + 0x300000, want, 4000);
    ip.len = PLUS_BIG;
    frame_ip(f, &ip);
    rig_wr1(r, RTL_CR, 0);
    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    send_large(r, f, PLUS_BIG, 1, 1000, 0);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(r->rtl->s.tally_rx_ok, 1); /* too long for the slot */
    assert_false(desc_cmd(r, RIG_TNPDS, 0) & RTL_DESC_OWN);
    rig_free(r);
}

int main(int argc, char **argv)
{
#define T(n) cmocka_unit_test(test_##n)
    const struct CMUnitTest tests[] = {
        T(offload),
        T(offload_of_a_short_frame),
        T(offload_before_a_trailer),
        T(udp_sum_of_zero),
        T(large_send_of_another_protocol),
        T(offload_not_asked_for),
        T(tag_is_inserted),
        T(tag_on_a_tiny_frame),
        T(large_send),
        T(large_send_with_tag),
        T(large_send_that_is_small),
        T(large_send_with_trailer),
        T(xsa_140_cve_2015_5165_lying_lengths),
        T(xsa_140_lying_udp_length),
        T(xsa_140_truncated_headers),
        T(tiny_mss_is_refused),
        T(qemu_3518_tag_in_loopback),
        T(offload_in_loopback),
        T(large_send_in_loopback),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
