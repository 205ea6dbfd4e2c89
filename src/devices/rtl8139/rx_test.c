/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters and the receive ring of the RTL8139C. */
#include "frames.h"

#include <string.h>

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t other[6] = {0x02, 0, 0, 0, 0, 1};
static const uint8_t group[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};

#define RBLEN(n) ((uint32_t)(n) << RCR_RBLEN_SHIFT)
#define FRAME    2000u

static bool put(struct rig *r, const uint8_t dst[6], uint32_t len)
{
    uint8_t f[FRAME];

    frame_plain(f, len, dst, (uint8_t)len);
    return net_mem_put(r->net, f, len);
}

static struct rig *rig_ring(uint32_t rcr)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR | rcr);
    return r;
}

static bool empty(struct rig *r)
{
    return rig_rd1(r, RTL_CR) & CR_BUFE;
}

/* A driver's step: the frame at *at, then CAPR; returns its header. */
static uint32_t take(struct rig *r, uint32_t *at, uint32_t ring)
{
    uint32_t hdr = get_le32(r->b->ram + RIG_RING + *at % ring);

    *at = (*at + (hdr >> 16) + 4 + 3) & ~3u;
    rig_wr2(r, RTL_CAPR, (uint16_t)(*at - 16));
    return hdr;
}

static void test_one_frame(void **state)
{
    struct rig *r = rig_ring(0);
    const uint8_t *p = r->b->ram + RIG_RING;
    uint8_t f[1001];
    uint32_t at = 0;

    assert_true(empty(r));
    frame_plain(f, sizeof(f), rig_mac, 7);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_false(empty(r));
    assert_int_equal(get_le32(p), 1005u << 16 | 0x4001);
    assert_memory_equal(p + 4, f, sizeof(f));
    assert_int_equal(get_le32(p + 4 + 1001), slow_crc(f, 1001));
    assert_int_equal(rig_rd2(r, RTL_CBR), 1012);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK);
    assert_true(rig_irq(r));
    take(r, &at, 8192);
    assert_true(empty(r));
    rig_free(r);
}

/* Short, long, in pieces, from anywhere. */
static void test_fcs(void **state)
{
    static uint8_t f[9000];

    frame_plain(f, sizeof(f), rig_mac, 1);
    for (uint32_t len = 0; len < 1600; len++)
        assert_int_equal(rtl_crc(0, f, len), slow_crc(f, len));
    for (uint32_t len = 4080; len < 8800; len += 59)
        assert_int_equal(rtl_crc(0, f, len), slow_crc(f, len));
    for (uint32_t n = 1; n < 9000; n += 700)
        assert_int_equal(rtl_crc(rtl_crc(0, f, n), f + n, 9000 - n),
                         slow_crc(f, 9000));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rtl_crc(0, f + i, 1514), slow_crc(f + i, 1514));
}

static void test_short_frames_are_padded(void **state)
{
    struct rig *r = rig_ring(0);
    uint32_t at = 0;

    for (uint32_t len = 14; len < 62; len++) {
        const uint8_t *p = r->b->ram + RIG_RING + at % 8192;

        memset(r->b->ram + RIG_RING + at % 8192, 0xee, 80);
        assert_true(put(r, rig_mac, len));
        assert_int_equal(take(r, &at, 8192) >> 16, len < 60 ? 64 : len + 4);
        for (uint32_t i = len; i < 60; i++)
            assert_int_equal(p[4 + i], 0);
    }
    rig_free(r);
}

/* Less than a header: no frame of anybody's, unless runts are wanted. */
static void test_runts(void **state)
{
    struct rig *r = rig_ring(0);
    uint32_t at = 0;

    assert_true(put(r, rig_mac, 13));
    assert_true(put(r, rig_mac, 7));
    assert_true(empty(r));
    assert_true(rig_rd2(r, RTL_ISR) & INT_RER);
    rig_wr4(r, RTL_RCR, RIG_RCR | RCR_AR);
    assert_true(put(r, rig_mac, 7));
    assert_true(empty(r));
    assert_true(put(r, rig_mac, 13));
    assert_int_equal(take(r, &at, 8192), 17u << 16 | 0x4011);
    rig_free(r);
}

static void test_filters(void **state)
{
    static const struct {
        uint32_t rcr;
        uint8_t mar; /* in all 8 registers */
        const uint8_t *dst;
        uint32_t status; /* 0: not for us */
    } c[] = {
        {0, 0xff, rig_mac, 0},         {RCR_APM, 0, rig_mac, 0x4001},
        {RCR_APM, 0xff, other, 0},     {RCR_APM, 0xff, broadcast, 0},
        {RCR_APM, 0xff, group, 0},     {RCR_AB, 0, broadcast, 0x2001},
        {RCR_AB, 0xff, group, 0},      {RCR_AB, 0, rig_mac, 0},
        {RCR_AM, 0xff, group, 0x8001}, {RCR_AM, 0, group, 0},
        {RCR_AM, 0xff, broadcast, 0},  {RCR_AAP, 0, other, 0x0001},
        {RCR_AAP, 0, rig_mac, 0x4001}, {RCR_AAP, 0xff, group, 0},
        {RCR_AAP, 0xff, broadcast, 0}, {RCR_AR | RCR_AER, 0xff, rig_mac, 0},
    };

    for (unsigned i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        struct rig *r = rig_new();

        rig_cmode(r, 0, c[i].rcr);
        rig_wr4(r, RTL_MAR0, c[i].mar * 0x01010101u);
        rig_wr4(r, RTL_MAR0 + 4, c[i].mar * 0x01010101u);
        assert_true(put(r, c[i].dst, 100));
        assert_int_equal(empty(r), !c[i].status);
        if (c[i].status)
            assert_int_equal(get_le32(r->b->ram + RIG_RING) & 0xffff,
                             c[i].status);
        else
            assert_int_equal(r->rtl->stats.rx_filtered, 1);
        rig_free(r);
    }
}

/* The index as IEEE 802.3 and all drivers compute it, bit by bit. */
static unsigned slow_hash(const uint8_t *addr)
{
    uint32_t crc = 0xffffffff;

    for (unsigned i = 0; i < 48; i++) {
        uint32_t bit = (addr[i / 8] >> (i % 8) ^ crc >> 31) & 1;

        crc = crc << 1 ^ (bit ? 0x04c11db7u : 0);
    }
    return crc >> 26;
}

static void test_multicast_hash(void **state)
{
    struct rig *r = rig_ring(0);
    uint64_t seen = 0;

    for (unsigned i = 0; i < 400; i++) {
        uint8_t a[6] = {
            0x33, 0x33, 0, (uint8_t)(i * 37), (uint8_t)(i >> 3), (uint8_t)i};
        unsigned h = slow_hash(a);

        assert_int_equal(rtl_hash(a), h);
        seen |= UINT64_C(1) << h;
        rig_wr4(r, RTL_MAR0, h < 32 ? 1u << h : 0);
        rig_wr4(r, RTL_MAR0 + 4, h < 32 ? 0 : 1u << (h - 32));
        rig_wr2(r, RTL_CAPR, (uint16_t)(rig_rd2(r, RTL_CBR) - 16));
        assert_true(put(r, a, 60));
        assert_false(empty(r));
        rig_wr4(r, RTL_MAR0, h < 32 ? ~(1u << h) : UINT32_MAX);
        rig_wr4(r, RTL_MAR0 + 4, h < 32 ? UINT32_MAX : ~(1u << (h - 32)));
        rig_wr2(r, RTL_CAPR, (uint16_t)(rig_rd2(r, RTL_CBR) - 16));
        assert_true(put(r, a, 60));
        assert_true(empty(r));
    }
    assert_int_equal(seen, UINT64_MAX);
    rig_free(r);
}

/* Round every ring many times, with and without WRAP, any lengths. */
static void test_ring(void **state)
{
    for (unsigned k = 0; k < 8; k++) {
        struct rig *r = rig_ring(RBLEN(k / 2) | (k & 1 ? RCR_WRAP : 0));
        uint32_t ring = 8192u << (k / 2), at = 0, done = 0;
        uint8_t *mem = r->b->ram + RIG_RING, f[FRAME], got[FRAME];

        for (unsigned i = 0; i < 3 * 65536 / 700; i++) {
            uint32_t len = 60 + i * 97 % 1455, hdr, p = at % ring;
            bool linear = k & 1 && ring < 65536;

            frame_plain(f, len, rig_mac, (uint8_t)i);
            memset(mem + ring, 0x5a, 2048);
            assert_true(net_mem_put(r->net, f, len));
            hdr = take(r, &at, ring);
            assert_int_equal(hdr, (len + 4) << 16 | 0x4001);
            for (uint32_t j = 0; j < len + 4; j++)
                got[j] = mem[linear ? p + 4 + j : (p + 4 + j) % ring];
            assert_memory_equal(got, f, len);
            assert_int_equal(get_le32(got + len), slow_crc(f, len));
            if (!linear)
                assert_int_equal(mem[ring], 0x5a);
            assert_true(empty(r));
            assert_int_equal(rig_rd2(r, RTL_CBR), (uint16_t)(at % ring));
            done++;
        }
        assert_int_equal(rig_rd4(r, RTL_MPC), 0);
        assert_int_equal(r->rtl->s.tally_rx_ok, done);
        rig_free(r);
    }
}

static void test_full_ring_holds_the_cable(void **state)
{
    struct rig *r = rig_ring(0);
    uint32_t at = 0;
    unsigned n = 0;

    while (put(r, rig_mac, 1000))
        n++;
    assert_int_equal(n, 8);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK); /* CAPR will tell */
    assert_false(net_mem_rx_is_on(r->net));
    assert_int_equal(r->rtl->stats.rx_held, 1);
    assert_int_equal(rig_rd4(r, RTL_MPC), 0); /* nothing is lost */
    rig_wr2(r, RTL_ISR, INT_ALL);
    assert_false(net_mem_rx_is_on(r->net));
    take(r, &at, 8192);
    assert_false(net_mem_rx_is_on(r->net)); /* not for one frame */
    while (!empty(r))
        take(r, &at, 8192);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, rig_mac, 1000));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK);
    rig_free(r);
}

/* Half a ring for the cable, but a whole one is not asked for. */
static void test_full_ring_of_a_slow_driver(void **state)
{
    struct rig *r = rig_ring(0);
    uint32_t at = 0;

    while (put(r, rig_mac, 1000))
        ;
    rig_wr2(r, RTL_ISR, INT_ALL);
    take(r, &at, 8192);
    take(r, &at, 8192);
    assert_false(net_mem_rx_is_on(r->net));
    bench_step(r->b, 10 * NS_PER_MS);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, rig_mac, 1000));
    rig_free(r);
}

/* One that acknowledged all and took nothing is reminded, ever more rarely. */
static void test_full_ring_of_a_driver_that_forgot(void **state)
{
    struct rig *r = rig_ring(0);
    unsigned n = 0;

    while (put(r, rig_mac, 1000))
        ;
    for (unsigned i = 0; i < 10000; i++) {
        rig_wr2(r, RTL_ISR, INT_ALL);
        assert_false(rig_irq(r));
        bench_step(r->b, NS_PER_MS);
        n += rig_irq(r);
    }
    assert_in_range(n, 5, 10);
    assert_false(timer_armed(&r->rtl->more)); /* it has died */
    rig_free(r);
}

/*
 * Linux 8139too takes 64 frames in one go, acknowledges each, and goes on only
 * when ISR shows more, though there be frames in the ring.
 */
static void test_frames_left_by_a_polling_driver(void **state)
{
    struct rig *r = rig_ring(RBLEN(2));
    uint32_t at = 0;

    net_mem_rx_end(r->net);
    while (put(r, rig_mac, 300))
        ;
    net_mem_rx_end(r->net);
    assert_true(rig_irq(r));
    rig_wr2(r, RTL_IMR, (uint16_t)(INT_ALL & ~(INT_ROK | INT_RXOVW)));
    for (unsigned i = 0; i < 64; i++) {
        assert_false(empty(r));
        take(r, &at, 32768);
        rig_wr2(r, RTL_ISR, INT_ROK | INT_RXOVW);
    }
    assert_false(empty(r));
    assert_int_equal(rig_rd2(r, RTL_ISR) & INT_ROK, 0);
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_true(rig_irq(r));
    assert_true(rig_rd2(r, RTL_ISR) & INT_ROK);
    rig_wr2(r, RTL_IMR, (uint16_t)(INT_ALL & ~(INT_ROK | INT_RXOVW)));
    while (!empty(r))
        take(r, &at, 32768);
    rig_wr2(r, RTL_ISR, INT_ALL);
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_false(rig_irq(r)); /* all taken: nothing to tell */
    rig_free(r);
}

/* The last word stays free: a full ring is no empty one. */
static void test_exactly_full(void **state)
{
    struct rig *r = rig_ring(0);
    uint32_t at = 0;

    for (unsigned i = 0; i < 7; i++)
        assert_true(put(r, rig_mac, 1024 - 8));
    assert_true(put(r, rig_mac, 1024 - 8 - 4));
    assert_false(empty(r));
    assert_int_equal(rig_rd2(r, RTL_CBR), 8188);
    assert_false(put(r, rig_mac, 60));
    for (unsigned i = 0; i < 8; i++) {
        assert_false(empty(r));
        take(r, &at, 8192);
    }
    assert_true(empty(r));
    for (unsigned i = 0; i < 7; i++)
        assert_true(put(r, rig_mac, 1024 - 8));
    assert_false(put(r, rig_mac, 1024 - 8)); /* would meet CAPR */
    rig_free(r);
}

/* CAPR in the word that stays free: less than no room, not a lot of it. */
static void test_capr_just_ahead(void **state)
{
    struct rig *r = rig_ring(0);

    for (unsigned ahead = 1; ahead < 4; ahead++) {
        rig_wr2(r, RTL_CAPR, (uint16_t)(rig_rd2(r, RTL_CBR) + ahead - 16u));
        assert_false(put(r, rig_mac, 60));
    }
    rig_free(r);
}

/* CAPR anywhere, the ring resized under way: no write leaves the ring. */
static void test_capr_of_dice(void **state)
{
    struct rig *r = rig_ring(0);
    uint32_t x = 1;

    for (unsigned i = 0; i < 4000; i++) {
        x = x * 1664525 + 1013904223;
        rig_wr2(r, RTL_CAPR, (uint16_t)(x >> 16));
        if (i % 16 == 0)
            rig_wr4(r, RTL_RCR,
                    RIG_RCR | (x & 1 ? RCR_WRAP : 0) | RBLEN(x >> 1 & 3));
        put(r, rig_mac, 14 + (x >> 8) % 1501);
        assert_in_range(r->rtl->s.rx_put, 0, 65535);
    }
    for (uint32_t i = 0; i < 4096; i++) {
        assert_int_equal(r->b->ram[RIG_RING - 4096 + i], 0);
        assert_int_equal(r->b->ram[RIG_RING + 65536 + 1552 + i], 0);
    }
    rig_free(r);
}

/* With WRAP drivers leave 1.5 KiB behind the ring, and not more. */
static void test_long_frame_at_the_end_of_the_ring(void **state)
{
    struct rig *r = rig_ring(RCR_WRAP);
    uint8_t f[4000];
    uint32_t at = 0;

    for (unsigned i = 0; i < 5; i++) {
        assert_true(put(r, rig_mac, 1600));
        take(r, &at, 8192);
    }
    frame_plain(f, sizeof(f), rig_mac, 1);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_true(empty(r));
    assert_true(rig_rd2(r, RTL_ISR) & INT_RER);
    rig_wr4(r, RTL_RCR, RIG_RCR);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_false(empty(r));
    rig_free(r);
}

/* CVE-2018-17958, CVE-2012-6075: lengths beyond everything the chip has. */
static void test_cve_2018_17958_frames_beyond_any_buffer(void **state)
{
    static uint8_t f[NET_FRAME_MAX];
    static const uint32_t len[] = {4093,  8188,  8189,         16384,
                                   32768, 65535, NET_FRAME_MAX};

    frame_plain(f, sizeof(f), rig_mac, 1);
    for (unsigned k = 0; k < 4; k++) {
        struct rig *r = rig_ring(RBLEN(k) | RCR_AER | RCR_AR);

        for (unsigned i = 0; i < 7; i++)
            assert_true(net_mem_put(r->net, f, len[i]));
        assert_true(empty(r));
        assert_int_equal(r->rtl->s.tally_rx_err, 7);
        assert_true(net_mem_put(r->net, f, 4092));
        assert_false(empty(r));
        rig_free(r);
    }
}

static void test_receiver_off_drops(void **state)
{
    struct rig *r = rig_ring(0);

    rig_wr1(r, RTL_CR, CR_TE);
    assert_true(put(r, rig_mac, 100));
    rig_wr1(r, RTL_CR, CR_TE | CR_RE);
    assert_true(empty(r));
    assert_true(put(r, rig_mac, 100));
    assert_false(empty(r));
    rig_free(r);
}

/*
 * The cable knows when nobody hears, so that an unused card costs the host
 * nothing, however busy the bridge is.
 */
static void test_receiver_off_is_deaf(void **state)
{
    struct rig *r = rig_new();

    assert_true(net_mem_is_deaf(r->net));
    rig_wr1(r, RTL_CR, CR_TE);
    assert_true(net_mem_is_deaf(r->net));
    rig_wr1(r, RTL_CR, CR_TE | CR_RE);
    assert_false(net_mem_is_deaf(r->net));
    r = rig_move(r);
    assert_false(net_mem_is_deaf(r->net));
    rig_cfg_wr(r, RTL_PMCSR, 1, 3); /* D3 */
    assert_true(net_mem_is_deaf(r->net));
    rig_cfg_wr(r, RTL_PMCSR, 1, 0);
    assert_false(net_mem_is_deaf(r->net));
    rtl8139_set_link(r->dev, false);
    assert_true(net_mem_is_deaf(r->net));
    rtl8139_set_link(r->dev, true);
    assert_false(net_mem_is_deaf(r->net));
    rig_wr1(r, RTL_CR, CR_RST);
    assert_true(net_mem_is_deaf(r->net));
    r = rig_move(r);
    assert_true(net_mem_is_deaf(r->net));
    rig_wr1(r, RTL_CR, CR_RE);
    assert_false(net_mem_is_deaf(r->net));
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_true(net_mem_is_deaf(r->net));
    rig_free(r);
}

/* Switching it off lets go of a cable that was held. */
static void test_receiver_off_while_full(void **state)
{
    struct rig *r = rig_ring(0);

    while (put(r, rig_mac, 1000))
        ;
    assert_false(net_mem_rx_is_on(r->net));
    rig_wr1(r, RTL_CR, CR_TE);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, rig_mac, 1000));
    rig_wr1(r, RTL_CR, CR_TE | CR_RE); /* and the ring starts anew */
    assert_true(empty(r));
    assert_int_equal(rig_rd2(r, RTL_CBR), 0);
    assert_int_equal(rig_rd2(r, RTL_CAPR), 0xfff0);
    rig_free(r);
}

static void test_link_down_drops(void **state)
{
    struct rig *r = rig_ring(0);

    rtl8139_set_link(r->dev, false);
    assert_true(put(r, rig_mac, 100));
    assert_true(empty(r));
    rtl8139_set_link(r->dev, true);
    assert_true(put(r, rig_mac, 100));
    assert_false(empty(r));
    rig_free(r);
}

static void test_pause_keeps_frames_in_the_host(void **state)
{
    struct rig *r = rig_ring(0);

    r->dev->ops->pause(r->dev, true);
    assert_false(net_mem_rx_is_on(r->net));
    assert_false(put(r, rig_mac, 100));
    r->dev->ops->pause(r->dev, false);
    assert_true(put(r, rig_mac, 100));
    rig_free(r);
}

static void test_without_bus_master_frames_are_missed(void **state)
{
    struct rig *r = rig_ring(0);

    rig_cfg_wr(r, PCI_COMMAND, 2, PCI_COMMAND_IO);
    assert_true(put(r, rig_mac, 100));
    assert_true(empty(r));
    assert_int_equal(rig_rd4(r, RTL_MPC), 1);
    rig_wr4(r, RTL_MPC, 0);
    assert_int_equal(rig_rd4(r, RTL_MPC), 0);
    rig_free(r);
}

static void test_tally(void **state)
{
    struct rig *r = rig_ring(0);
    const struct rtl_state *s = &r->rtl->s;

    rig_wr4(r, RTL_MAR0, UINT32_MAX);
    rig_wr4(r, RTL_MAR0 + 4, UINT32_MAX);
    for (unsigned i = 0; i < 6; i++)
        put(r, i < 1 ? broadcast : i < 3 ? group : rig_mac, 100);
    assert_int_equal(s->tally_rx_ok, 6);
    assert_int_equal(s->tally_rx_brd, 1);
    assert_int_equal(s->tally_rx_mul, 2);
    assert_int_equal(s->tally_rx_phy, 3);
    assert_int_equal(r->rtl->stats.rx_frames, 6);
    assert_int_equal(r->rtl->stats.rx_bytes, 600);
    rig_free(r);
}

/* A cable that says when it is done costs one interrupt for all it gave. */
static void test_one_interrupt_for_a_batch(void **state)
{
    struct rig *r = rig_ring(RBLEN(3));

    net_mem_rx_end(r->net);
    for (unsigned i = 0; i < 20; i++)
        assert_true(put(r, rig_mac, 100));
    assert_false(rig_irq(r));
    assert_false(empty(r));
    net_mem_rx_end(r->net);
    assert_true(rig_irq(r));
    assert_int_equal(r->rtl->stats.interrupts, 1);
    rig_wr2(r, RTL_ISR, INT_ALL);
    net_mem_rx_end(r->net);
    assert_false(rig_irq(r));
    while (put(r, rig_mac, 1500))
        ;
    assert_true(rig_irq(r)); /* a refusal ends the batch */
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK);
    rig_free(r);
}

/* Frames that the cable had in hand when the machine was paused. */
static void test_offered_while_paused(void **state)
{
    struct rig *r = rig_ring(0);
    uint8_t f[100];

    frame_plain(f, sizeof(f), rig_mac, 1);
    r->dev->ops->pause(r->dev, true);
    assert_false(r->net->rx(r->net->dev, f, sizeof(f)));
    assert_true(empty(r));
    r->dev->ops->pause(r->dev, false);
    assert_true(net_mem_rx_is_on(r->net));
    rig_free(r);
}

static void test_saved_at_every_step(void **state)
{
    for (unsigned step = 0; step < 4; step++) {
        struct rig *r = rig_ring(RCR_WRAP);
        uint32_t at = 0;
        unsigned n = 0, taken = 0;

        if (step == 0)
            r = rig_move(r);
        while (put(r, rig_mac, 1000))
            n++;
        if (step == 1)
            r = rig_move(r);
        while (!empty(r)) {
            const uint8_t *p = r->b->ram + RIG_RING + at % 8192;
            uint8_t f[1000];

            frame_plain(f, 1000, rig_mac, (uint8_t)1000);
            assert_memory_equal(p + 4, f, 1000);
            take(r, &at, 8192);
            taken++;
            if (step == 2 && taken == 3)
                r = rig_move(r);
        }
        if (step == 3)
            r = rig_move(r);
        assert_int_equal(taken, n);
        assert_true(net_mem_rx_is_on(r->net));
        assert_true(put(r, rig_mac, 1000));
        assert_int_equal(take(r, &at, 8192) >> 16, 1004);
        rig_free(r);
    }
}

int main(int argc, char **argv)
{
#define T(n) cmocka_unit_test(test_##n)
    const struct CMUnitTest tests[] = {
        T(one_frame),
        T(fcs),
        T(short_frames_are_padded),
        T(runts),
        T(filters),
        T(multicast_hash),
        T(ring),
        T(full_ring_holds_the_cable),
        T(full_ring_of_a_slow_driver),
        T(full_ring_of_a_driver_that_forgot),
        T(frames_left_by_a_polling_driver),
        T(exactly_full),
        T(capr_just_ahead),
        T(capr_of_dice),
        T(long_frame_at_the_end_of_the_ring),
        T(cve_2018_17958_frames_beyond_any_buffer),
        T(receiver_off_drops),
        T(receiver_off_is_deaf),
        T(receiver_off_while_full),
        T(link_down_drops),
        T(pause_keeps_frames_in_the_host),
        T(without_bus_master_frames_are_missed),
        T(tally),
        T(one_interrupt_for_a_batch),
        T(offered_while_paused),
        T(saved_at_every_step),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
