/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The receive ring of the C+: descriptors, tags, checks, room. */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#define OWN    RTL_DESC_OWN
#define EOR    RTL_DESC_EOR
#define FS     RTL_DESC_FS
#define LS     RTL_DESC_LS
#define PAM    0x02000000u
#define BAR    0x01000000u
#define PID    0x00030000u
#define TCP    0x00010000u
#define UDP    0x00020000u
#define IP     0x00030000u
#define IPF    0x00008000u
#define UDPF   0x00004000u
#define TCPF   0x00002000u
#define LEN    0x00001fffu
#define RING   RIG_RDSAR
#define BUF(n) (0x100000u + (n)*0x4000u)

/* n descriptors with buffers of so many bytes, all the chip's. */
static struct rig *rig_rx(uint16_t cpcr, unsigned n, uint32_t size)
{
    struct rig *r = rig_new();

    for (unsigned i = 0; i < n; i++)
        desc_set(r, RING, i, OWN | (i == n - 1 ? EOR : 0) | size, 0xffffffff,
                 BUF(i));
    rig_cplus(r, 0, cpcr);
    return r;
}

static bool put(struct rig *r, uint32_t len, uint8_t seed)
{
    uint8_t f[9000];

    frame_plain(f, len, rig_mac, seed);
    return net_mem_put(r->net, f, len);
}

static void test_one_descriptor(void **state)
{
    struct rig *r = rig_rx(0, 4, 1536);
    uint8_t f[1001];

    frame_plain(f, sizeof(f), rig_mac, 7);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_int_equal(desc_cmd(r, RING, 0), FS | LS | PAM | 1005);
    assert_int_equal(desc_vlan(r, RING, 0), 0);
    assert_memory_equal(r->b->ram + BUF(0), f, sizeof(f));
    assert_int_equal(get_le32(r->b->ram + BUF(0) + 1001), slow_crc(f, 1001));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK);
    assert_true(desc_cmd(r, RING, 1) & OWN);
    rig_free(r);
}

static void test_ring_wraps_at_eor(void **state)
{
    struct rig *r = rig_rx(0, 3, 1536);

    for (unsigned i = 0; i < 10; i++) {
        assert_true(put(r, 100 + i, 1));
        assert_int_equal(desc_cmd(r, RING, i % 3),
                         FS | LS | PAM | (i % 3 == 2 ? EOR : 0) | (104 + i));
        desc_set(r, RING, i % 3, OWN | (i % 3 == 2 ? EOR : 0) | 1536, 0,
                 BUF(i % 3));
    }
    rig_free(r);
}

static void test_ring_wraps_at_64(void **state)
{
    struct rig *r = rig_rx(0, 65, 1536);

    for (unsigned i = 0; i < 64; i++)
        assert_true(put(r, 100, 1));
    assert_false(put(r, 100, 1));
    assert_true(desc_cmd(r, RING, 64) & OWN);
    assert_int_equal(r->rtl->s.rx_ring, 0);
    rig_free(r);
}

/* First and last parts are marked, the length is in the last. */
static void test_several_descriptors(void **state)
{
    for (uint32_t size = 8; size < 600; size += 23)
        for (uint32_t len = 60; len < size * 60 && len < 1600; len += 111) {
            struct rig *r = rig_rx(0, 64, size);
            uint32_t all = len + 4, n = (all + size - 1) / size;
            uint8_t f[1600], got[1604];

            frame_plain(f, len, rig_mac, 2);
            assert_true(net_mem_put(r->net, f, len));
            for (uint32_t i = 0; i < n; i++) {
                uint32_t want = i == n - 1 ? LS | PAM | all : size;

                assert_int_equal(desc_cmd(r, RING, i),
                                 want | (i ? 0 : FS) | (i == 63 ? EOR : 0));
                memcpy(got + i * size, r->b->ram + BUF(i),
                       i == n - 1 ? all - i * size : size);
            }
            assert_memory_equal(got, f, len);
            assert_int_equal(get_le32(got + len), slow_crc(f, len));
            assert_int_equal(r->rtl->s.rx_ring, n % 64);
            rig_free(r);
        }
}

/* CVE-2012-6075: no byte goes behind a buffer that is smaller than a frame. */
static void test_cve_2012_6075_buffer_is_not_overrun(void **state)
{
    struct rig *r = rig_rx(0, 8, 256);

    for (unsigned i = 0; i < 8; i++)
        memset(r->b->ram + BUF(i), 0xa5, 0x4000);
    assert_true(put(r, 1500, 1));
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 256; j < 0x4000; j++)
            assert_int_equal(r->b->ram[BUF(i) + j], 0xa5);
    rig_free(r);
}

/* A ring that a frame can never fit in: the frame is lost, not the cable. */
static void test_ring_smaller_than_a_frame(void **state)
{
    static const uint32_t size[] = {0, 1, 100, 374};

    for (unsigned i = 0; i < 4; i++) {
        struct rig *r = rig_rx(0, 4, size[i]);

        assert_true(put(r, 1500, 1));
        assert_int_equal(rig_rd4(r, RTL_MPC), 1);
        assert_int_equal(rig_rd2(r, RTL_ISR), INT_RXOVW);
        assert_true(desc_cmd(r, RING, 0) & OWN);
        assert_true(net_mem_rx_is_on(r->net));
        rig_free(r);
    }
}

/* The same where the chip stands outside of the ring that EOR closes. */
static void test_ring_closed_behind_the_chip(void **state)
{
    struct rig *r = rig_rx(0, 64, 1536);

    for (unsigned i = 0; i < 10; i++)
        assert_true(put(r, 100, 1));
    for (unsigned i = 0; i < 64; i++)
        desc_set(r, RING, i, OWN | (i == 5 ? EOR : 0), 0, BUF(i));
    assert_true(put(r, 100, 1));
    assert_int_equal(rig_rd4(r, RTL_MPC), 1);
    rig_free(r);
}

static void test_longest(void **state)
{
    struct rig *r = rig_rx(0, 2, LEN);
    static uint8_t f[NET_FRAME_MAX];

    frame_plain(f, sizeof(f), rig_mac, 1);
    assert_true(net_mem_put(r->net, f, 8187));
    assert_int_equal(desc_cmd(r, RING, 0), FS | LS | PAM | 8191);
    assert_true(net_mem_put(r->net, f, 8188));
    assert_true(net_mem_put(r->net, f, NET_FRAME_MAX));
    assert_true(desc_cmd(r, RING, 1) & OWN);
    assert_int_equal(r->rtl->s.tally_rx_err, 2);
    rig_free(r);
}

static void test_no_descriptor_holds_the_cable(void **state)
{
    struct rig *r = rig_rx(0, 2, 1536);

    assert_true(put(r, 100, 1));
    assert_true(put(r, 100, 1));
    rig_wr2(r, RTL_ISR, INT_ALL);
    assert_false(put(r, 100, 1));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_RXOVW);
    assert_false(net_mem_rx_is_on(r->net));
    assert_int_equal(rig_rd4(r, RTL_MPC), 0);
    /* as 8139cp does it: descriptors first, then IMR */
    desc_set(r, RING, 0, OWN | 1536, 0, BUF(0));
    assert_false(net_mem_rx_is_on(r->net));
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, 100, 1));
    assert_int_equal(r->rtl->stats.rx_held, 1);
    rig_free(r);
}

/*
 * A driver that says nothing at all is found out by looking, rarer and rarer,
 * and at last only when it touches a register; once nothing waits, nobody
 * looks.
 */
static void test_room_without_a_word(void **state)
{
    struct rig *r = rig_rx(0, 1, 1536);
    unsigned looks = 0;

    assert_true(put(r, 100, 1));
    assert_false(timer_armed(&r->rtl->more));
    assert_false(put(r, 100, 1));
    for (unsigned i = 0; i < 100; i++) {
        uint64_t next = clock_next(&r->b->clock);

        assert_true(timer_armed(&r->rtl->more));
        bench_step(r->b, NS_PER_MS);
        looks += clock_next(&r->b->clock) != next;
    }
    assert_in_range(looks, 5, 12);
    desc_set(r, RING, 0, OWN | EOR | 1536, 0, BUF(0));
    bench_step(r->b, 200 * NS_PER_MS);
    assert_true(net_mem_rx_is_on(r->net));
    assert_false(timer_armed(&r->rtl->more));

    assert_true(put(r, 100, 1));
    assert_false(put(r, 100, 1));
    bench_step(r->b, 2 * NS_PER_S);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    desc_set(r, RING, 0, OWN | EOR | 1536, 0, BUF(0));
    bench_step(r->b, NS_PER_S);
    assert_false(net_mem_rx_is_on(r->net));
    rig_rd2(r, RTL_ISR);
    assert_true(net_mem_rx_is_on(r->net));
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* Enough for the frame that waits, not only for some frame. */
static void test_room_for_the_one_that_waits(void **state)
{
    struct rig *r = rig_rx(0, 4, 500);

    assert_true(put(r, 1400, 1));
    assert_false(put(r, 1400, 1));
    desc_set(r, RING, 0, OWN | 500, 0, BUF(0));
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_false(net_mem_rx_is_on(r->net));
    desc_set(r, RING, 1, OWN | 500, 0, BUF(1));
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, 1400, 1));
    rig_free(r);
}

static void test_receiver_off_while_full(void **state)
{
    struct rig *r = rig_rx(0, 1, 1536);

    assert_true(put(r, 100, 1));
    assert_false(put(r, 100, 1));
    rig_wr1(r, RTL_CR, CR_TE);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, 100, 1));
    bench_step(r->b, NS_PER_S);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* Descriptors are read ahead: but none that the driver holds, and not after
 * the driver moved the ring or began it anew. */
static void test_nothing_stale_is_used(void **state)
{
    struct rig *r = rig_rx(0, 8, 1536);

    net_mem_rx_end(r->net); /* it batches */
    assert_true(put(r, 100, 1));
    for (unsigned i = 1; i < 8; i++)
        desc_set(r, RING, i, OWN | (i == 7 ? EOR : 0) | 1536, 0, BUF(i + 20));
    net_mem_rx_end(r->net);
    memset(r->b->ram + BUF(1), 0, 100);
    assert_true(put(r, 100, 1));
    assert_int_equal(r->b->ram[BUF(1)], 0);
    assert_memory_equal(r->b->ram + BUF(21), rig_mac, 6);
    desc_set(r, RING + 0x1000, 0, OWN | EOR | 1536, 0, BUF(40));
    rig_wr4(r, RTL_RDSAR, RING + 0x1000);
    assert_true(put(r, 100, 1));
    assert_memory_equal(r->b->ram + BUF(40), rig_mac, 6);
    rig_free(r);
}

static void test_one_interrupt_for_a_batch(void **state)
{
    struct rig *r = rig_rx(0, 64, 1536);

    net_mem_rx_end(r->net);
    for (unsigned i = 0; i < 64; i++)
        assert_true(put(r, 100, 1));
    assert_false(rig_irq(r));
    net_mem_rx_end(r->net);
    assert_true(rig_irq(r));
    assert_int_equal(r->rtl->stats.interrupts, 1);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(desc_cmd(r, RING, i) & LEN, 104);
    rig_free(r);
}

static void test_tag_is_stripped(void **state)
{
    for (uint32_t len = 64; len < 200; len++) {
        struct rig *r = rig_rx(CPCR_RXVLAN, 2, 1536);
        uint8_t f[200], want[200];

        frame_plain(f, len, rig_mac, 1);
        set_be16(f + 12, 0x8100);
        set_be16(f + 14, 0x6123);
        memcpy(want, f, 12);
        memcpy(want + 12, f + 16, len - 16);
        memset(r->b->ram + BUF(0), 0xa5, 300);
        assert_true(net_mem_put(r->net, f, len));
        assert_int_equal(desc_cmd(r, RING, 0), FS | LS | PAM | len);
        assert_int_equal(desc_vlan(r, RING, 0), 0x12361);
        assert_memory_equal(r->b->ram + BUF(0), want, len - 4);
        assert_int_equal(get_le32(r->b->ram + BUF(0) + len - 4),
                         slow_crc(f, len));
        assert_int_equal(r->b->ram[BUF(0) + len], 0xa5);
        assert_true(put(r, len, 1)); /* untagged */
        assert_int_equal(desc_vlan(r, RING, 1), 0);
        rig_free(r);
    }
}

/* Behind the end of a runt something stands that looks like a tag. */
static void test_runt_has_no_tag(void **state)
{
    for (uint32_t len = 8; len < 14; len++) {
        struct rig *r = rig_rx(CPCR_RXVLAN, 1, 1536);
        uint8_t f[18];

        rig_wr4(r, RTL_RCR, RIG_RCR | RCR_AR);
        frame_plain(f, sizeof(f), rig_mac, 1);
        set_be16(f + 12, 0x8100);
        assert_true(net_mem_put(r->net, f, len));
        assert_int_equal(desc_cmd(r, RING, 0) & LEN, len + 4);
        assert_int_equal(desc_vlan(r, RING, 0), 0);
        rig_free(r);
    }
}

static void test_tag_over_small_buffers(void **state)
{
    for (uint32_t size = 5; size < 40; size++) {
        struct rig *r = rig_rx(CPCR_RXVLAN, 64, size);
        uint8_t f[150], got[200];

        frame_plain(f, sizeof(f), rig_mac, 1);
        set_be16(f + 12, 0x8100);
        assert_true(net_mem_put(r->net, f, sizeof(f)));
        for (uint32_t i = 0; i * size < 150; i++)
            memcpy(got + i * size, r->b->ram + BUF(i), size);
        assert_memory_equal(got, f, 12);
        assert_memory_equal(got + 12, f + 16, 134);
        rig_free(r);
    }
}

static void test_tag_stays(void **state)
{
    struct rig *r = rig_rx(0, 2, 1536);
    uint8_t f[200];

    frame_plain(f, sizeof(f), rig_mac, 1);
    set_be16(f + 12, 0x8100);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_memory_equal(r->b->ram + BUF(0), f, 200);
    assert_int_equal(desc_vlan(r, RING, 0), 0);
    rig_free(r);
}

static uint32_t check(const uint8_t *f, uint32_t len, uint16_t cpcr)
{
    struct rig *r = rig_rx(cpcr, 1, 2048);
    uint32_t status;

    assert_true(net_mem_put(r->net, f, len));
    status = desc_cmd(r, RING, 0) & (PID | IPF | UDPF | TCPF);
    rig_free(r);
    return status;
}

static void test_checksums(void **state)
{
    for (unsigned i = 0; i < 2 * 2 * 11; i++) {
        struct frame_ip ip = {.len = 200 + i * 31,
                              .proto = i & 1 ? PROTO_UDP : PROTO_TCP,
                              .tag = i & 2,
                              .trailer = i % 3,
                              .ip_words = (uint8_t)(5 + i / 4)};
        uint32_t pid = i & 1 ? UDP : TCP, fail = i & 1 ? UDPF : TCPF;
        uint32_t l3 = ip.tag ? 18 : 14, l4;
        uint16_t on = CPCR_RXCHKSUM | (i & 4 ? CPCR_RXVLAN : 0);
        uint8_t f[2000];

        l4 = frame_ip(f, &ip);
        assert_int_equal(check(f, ip.len, 0), 0);
        assert_int_equal(check(f, ip.len, on), pid);
        if (ip.trailer) {
            f[ip.len - 1] ^= 1; /* no part of the packet */
            assert_int_equal(check(f, ip.len, on), pid);
        }
        f[ip.len - ip.trailer - 1] ^= 0x10;
        assert_int_equal(check(f, ip.len, on), pid | fail);
        f[l3 + 8] ^= 1; /* time to live: in no pseudo header */
        assert_int_equal(check(f, ip.len, on), pid | fail | IPF);
        f[ip.len - ip.trailer - 1] ^= 0x10;
        assert_int_equal(check(f, ip.len, on), pid | IPF);
        f[l3 + 8] ^= 1;
        f[l4 + 1] ^= 1;
        assert_int_equal(check(f, ip.len, on), pid | fail);
        f[l3 + 12] ^= 1; /* an address: in both sums */
        assert_int_equal(check(f, ip.len, on) & IPF, IPF);
    }
}

static void test_checksums_that_are_not_there(void **state)
{
    struct frame_ip ip = {.len = 300, .proto = PROTO_UDP};
    uint8_t f[300];

    frame_ip(f, &ip);
    set_be16(f + 40, 0); /* UDP without one */
    f[200] ^= 1;
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM), UDP);
    set_be16(f + 38, 7); /* its length is none */
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM), IP);
    set_be16(f + 38, 300);
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM), IP);
    frame_ip(f, &ip);
    f[20] |= 0x20; /* a fragment */
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM) & PID, IP);
    ip.proto = PROTO_TCP;
    frame_ip(f, &ip);
    f[23] = 1; /* ICMP */
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM) & PID, IP);
    f[12] = 0x86; /* not IPv4 */
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM), 0);
    frame_ip(f, &ip);
    f[14] = 0x44; /* an impossible header */
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM), 0);
    f[14] = 0x45;
    set_be16(f + 16, 287); /* more than there is */
    assert_int_equal(check(f, 300, CPCR_RXCHKSUM), 0);
}

/* Headers cut off anywhere: ASan watches. */
static void test_checksums_of_truncated_frames(void **state)
{
    struct frame_ip ip = {.len = 200, .ip_words = 15, .tcp_words = 15};
    unsigned pid = 0;

    for (unsigned i = 0; i < 4; i++)
        for (uint32_t len = 14; len < 200; len++) {
            uint8_t f[200], *tight;

            ip.proto = i & 1 ? PROTO_UDP : PROTO_TCP;
            ip.tag = i & 2;
            frame_ip(f, &ip);
            set_be16(f + (ip.tag ? 20 : 16), len - (ip.tag ? 18 : 14));
            /* no bytes behind it that a reader might take for it */
            tight = malloc(len);
            assert_non_null(tight);
            memcpy(tight, f, len);
            for (uint32_t n = len; n >= 14; n -= n < 20 ? 1 : 6)
                assert_int_equal(rtl_rx_check(tight + len - n, n) & ~0x3e000u,
                                 0);
            pid += rtl_rx_check(tight, len) & PID ? 1 : 0;
            free(tight);
        }
    assert_in_range(pid, 300, 744); /* most of them are packets */
}

static void test_dac(void **state)
{
    struct rig *r = rig_rx(0, 1, 1536);

    desc_set(r, RING, 0, OWN | EOR | 1536, 0, UINT64_C(1) << 32 | BUF(0));
    assert_true(put(r, 100, 1));
    assert_memory_equal(r->b->ram + BUF(0), rig_mac, 6);
    memset(r->b->ram + BUF(0), 0, 6);
    rig_wr2(r, RTL_CPCR, CPCR_TX | CPCR_RX | CPCR_DAC);
    desc_set(r, RING, 0, OWN | EOR | 1536, 0, UINT64_C(1) << 32 | BUF(0));
    assert_true(put(r, 100, 1));
    assert_int_equal(r->b->ram[BUF(0) + 1], 0);
    desc_set(r, RING, 0, OWN | EOR | 1536, 0, UINT64_MAX - 20);
    assert_true(put(r, 100, 1));
    assert_int_equal(desc_cmd(r, RING, 0) & LEN, 104);
    rig_free(r);
}

static void test_ring_without_ram(void **state)
{
    struct rig *r = rig_rx(0, 1, 1536);

    rig_wr4(r, RTL_RDSAR, 0xfff00000u);
    assert_false(put(r, 100, 1)); /* reads as ones, but is no memory */
    rig_wr4(r, RTL_RDSAR, RING);
    assert_true(net_mem_rx_is_on(r->net));
    assert_true(put(r, 100, 1));
    rig_free(r);
}

static void test_filter_and_class(void **state)
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t other[6] = {2, 2, 2, 2, 2, 2};
    struct rig *r = rig_rx(0, 2, 1536);
    uint8_t f[60];

    frame_plain(f, 60, other, 1);
    assert_true(net_mem_put(r->net, f, 60));
    assert_true(desc_cmd(r, RING, 0) & OWN);
    frame_plain(f, 60, all, 1);
    assert_true(net_mem_put(r->net, f, 60));
    assert_int_equal(desc_cmd(r, RING, 0), FS | LS | BAR | 64);
    /* a full ring does not hold up what is for others */
    assert_true(put(r, 60, 1));
    frame_plain(f, 60, other, 1);
    assert_true(net_mem_put(r->net, f, 60));
    assert_true(net_mem_rx_is_on(r->net));
    rig_free(r);
}

static void test_saved_at_every_step(void **state)
{
    for (unsigned step = 0; step < 4; step++) {
        struct rig *r = rig_rx(CPCR_RXVLAN, 4, 800);

        if (step == 0)
            r = rig_move(r);
        assert_true(put(r, 1000, 1));
        if (step == 1)
            r = rig_move(r);
        assert_true(put(r, 1000, 2));
        assert_false(put(r, 1000, 3));
        if (step == 2)
            r = rig_move(r);
        for (unsigned i = 0; i < 4; i++)
            desc_set(r, RING, i, OWN | (i == 3 ? EOR : 0) | 800, 0, BUF(i));
        if (step == 3)
            r = rig_move(r);
        rig_wr2(r, RTL_IMR, INT_ALL);
        assert_true(put(r, 1000, 3));
        assert_int_equal(desc_cmd(r, RING, 1), LS | PAM | 1004);
        assert_int_equal(r->rtl->s.tally_rx_ok, 3);
        assert_int_equal(rig_rd4(r, RTL_MPC), 0);
        rig_free(r);
    }
}

static void test_runt(void **state)
{
    struct rig *r = rig_rx(0, 1, 1536);

    assert_true(put(r, 13, 1));
    assert_true(desc_cmd(r, RING, 0) & OWN);
    rig_wr4(r, RTL_RCR, RIG_RCR | RCR_AR);
    assert_true(put(r, 13, 1));
    assert_int_equal(desc_cmd(r, RING, 0),
                     EOR | FS | LS | PAM | 0x00180000 | 17);
    rig_free(r);
}

/* Rings and frames of dice. */
static void test_dice(void **state)
{
    uint64_t x = 88172645463325252u;
    struct rig *r = rig_rx(0, 64, 1536);

    for (unsigned round = 0; round < 20000; round++) {
        uint32_t len;

        for (unsigned i = 0; i < 8; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            desc_set(r, RING, x >> 50 & 63, (uint32_t)x | OWN, 0,
                     x >> 20 & 0x3fffff);
        }
        len = 14 + (uint32_t)(x >> 30) % (x >> 60 ? 1500 : 8900);
        if (!put(r, len, (uint8_t)x))
            bench_step(r->b, NS_PER_MS);
        if (x >> 55 == 0)
            rig_wr2(r, RTL_CPCR,
                    (uint16_t)(CPCR_TX | CPCR_RX | (x >> 8 & 0x70)));
        assert_in_range(r->rtl->s.rx_ring, 0, 63);
        assert_int_equal(r->b->pins, 0);
    }
    rig_free(r);
}

int main(int argc, char **argv)
{
#define T(n) cmocka_unit_test(test_##n)
    const struct CMUnitTest tests[] = {
        T(one_descriptor),
        T(ring_wraps_at_eor),
        T(ring_wraps_at_64),
        T(several_descriptors),
        T(cve_2012_6075_buffer_is_not_overrun),
        T(ring_smaller_than_a_frame),
        T(ring_closed_behind_the_chip),
        T(longest),
        T(no_descriptor_holds_the_cable),
        T(room_without_a_word),
        T(room_for_the_one_that_waits),
        T(receiver_off_while_full),
        T(nothing_stale_is_used),
        T(one_interrupt_for_a_batch),
        T(tag_is_stripped),
        T(runt_has_no_tag),
        T(tag_over_small_buffers),
        T(tag_stays),
        T(checksums),
        T(checksums_that_are_not_there),
        T(checksums_of_truncated_frames),
        T(dac),
        T(ring_without_ram),
        T(filter_and_class),
        T(saved_at_every_step),
        T(runt),
        T(dice),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
