/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transmit rings of the C+: descriptors, and what hostile rings do. */
#include "frames.h"

#include <string.h>

static void test_one_descriptor(void **state)
{
    struct rig *r = rig_plus();
    const uint8_t *f;
    uint32_t len;

    frame_plain(r->b->ram + PLUS_BUF, 1514, rig_mac, 1);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 1514, 0, PLUS_BUF);
    plus_poll(r);
    f = sent_frame(r, &len);
    assert_int_equal(len, 1514);
    assert_memory_equal(f, r->b->ram + PLUS_BUF, 1514);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 0),
                     RTL_DESC_FS | RTL_DESC_LS | 1514);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK | INT_TDU);
    assert_true(rig_irq(r));
    assert_int_equal(r->rtl->s.tx_wait, 0);
    rig_free(r);
}

static void test_every_length(void **state)
{
    struct rig *r = rig_plus();

    for (uint32_t n = 1; n < 400; n++) {
        const uint8_t *f;
        uint32_t len;

        frame_plain(r->b->ram + PLUS_BUF, n, rig_mac, (uint8_t)n);
        memset(r->b->ram + PLUS_BUF + n, 0xee, 100);
        desc_set(r, RIG_TNPDS, 0, PLUS_ONE | RTL_DESC_EOR | n, 0, PLUS_BUF);
        plus_poll(r);
        f = sent_frame(r, &len);
        assert_int_equal(len, n < 60 ? 60 : n);
        assert_memory_equal(f, r->b->ram + PLUS_BUF, n);
        for (uint32_t i = n; i < len; i++)
            assert_int_equal(f[i], 0);
    }
    rig_free(r);
}

static void test_fragments(void **state)
{
    uint8_t want[1500];

    frame_plain(want, sizeof(want), rig_mac, 5);
    for (unsigned n = 2; n <= 64; n++) {
        struct rig *r = rig_plus();
        const uint8_t *f;
        uint32_t len;

        if (n > 46) { /* they no longer fit in the test's memory */
            for (unsigned i = 0; i < n; i++)
                desc_set(r, RIG_TNPDS, i,
                         RTL_DESC_OWN | (i ? 0 : RTL_DESC_FS) |
                             (i == n - 1 ? RTL_DESC_LS : 0) | 20,
                         0, PLUS_BUF + i * 20);
            memcpy(r->b->ram + PLUS_BUF, want, n * 20);
            plus_poll(r);
            f = sent_frame(r, &len);
            assert_int_equal(len, n * 20);
        } else {
            plus_send(r, want, sizeof(want), n, 0, 0);
            f = sent_frame(r, &len);
            assert_int_equal(len, sizeof(want));
        }
        assert_memory_equal(f, want, len);
        for (unsigned i = 0; i < n; i++)
            assert_false(desc_cmd(r, RIG_TNPDS, i) & RTL_DESC_OWN);
        rig_free(r);
    }
}

static void test_a_page_without_ram_goes_as_ones(void **state)
{
    struct rig *r = rig_plus();
    const uint8_t *f;
    uint32_t len;

    r->b->hole_gpa = 0x200000;
    r->b->hole_len = 0x1000;
    memset(r->b->ram + 0x1ff000, 0x11, 0x3000);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 0x3000, 0, 0x1ff000);
    plus_poll(r);
    f = sent_frame(r, &len);
    assert_int_equal(len, 0x3000);
    assert_int_equal(f[0xfff], 0x11);
    assert_int_equal(f[0x1000], 0xff);
    assert_int_equal(f[0x1fff], 0xff);
    assert_int_equal(f[0x2000], 0x11);
    rig_free(r);
}

static void test_eor_wraps(void **state)
{
    struct rig *r = rig_plus();

    for (unsigned n = 0; n < 3; n++)
        desc_set(r, RIG_TNPDS, n, PLUS_ONE | (n == 2 ? RTL_DESC_EOR : 0) | 60,
                 0, PLUS_BUF);
    plus_poll(r);
    assert_int_equal(r->net->tx_frames, 3);
    assert_true(desc_cmd(r, RIG_TNPDS, 2) & RTL_DESC_EOR);
    assert_int_equal(r->rtl->s.tx_ring[0], 0);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 60, 0, PLUS_BUF);
    plus_poll(r);
    assert_int_equal(r->net->tx_frames, 4);
    rig_free(r);
}

/* 64 is all that a ring can have, with or without RTL_DESC_EOR. */
static void test_wraps_at_64(void **state)
{
    struct rig *r = rig_plus();

    for (unsigned n = 0; n < 65; n++)
        desc_set(r, RIG_TNPDS, n, PLUS_ONE | 60, 0, PLUS_BUF);
    plus_poll(r);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(r->net->tx_frames, 64);
    assert_int_equal(r->rtl->s.tx_ring[0], 0);
    assert_true(desc_cmd(r, RIG_TNPDS, 64) & RTL_DESC_OWN);
    rig_free(r);
}

static void test_not_owned_is_not_sent(void **state)
{
    struct rig *r = rig_plus();

    desc_set(r, RIG_TNPDS, 0, RTL_DESC_FS | RTL_DESC_LS | 60, 0, PLUS_BUF);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TDU);
    rig_free(r);
}

static void test_incomplete_frame_waits(void **state)
{
    struct rig *r = rig_plus();
    uint32_t len;

    desc_set(r, RIG_TNPDS, 0, RTL_DESC_OWN | RTL_DESC_FS | 40, 0, PLUS_BUF);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_true(desc_cmd(r, RIG_TNPDS, 0) & RTL_DESC_OWN);
    desc_set(r, RIG_TNPDS, 1, RTL_DESC_OWN | RTL_DESC_LS | 40, 0, PLUS_BUF);
    plus_poll(r);
    sent_frame(r, &len);
    assert_int_equal(len, 80);
    assert_false(desc_cmd(r, RIG_TNPDS, 0) & RTL_DESC_OWN);
    rig_free(r);
}

static void test_no_first_segment(void **state)
{
    struct rig *r = rig_plus();
    uint32_t len;

    desc_set(r, RIG_TNPDS, 0, RTL_DESC_OWN | RTL_DESC_LS | 60, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 1, PLUS_ONE | 70, 0, PLUS_BUF);
    plus_poll(r);
    sent_frame(r, &len);
    assert_int_equal(len, 70);
    assert_int_equal(r->net->tx_frames, 1);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 0), RTL_DESC_LS | PLUS_TES | 60);
    assert_true(rig_rd2(r, RTL_ISR) & INT_TER);
    rig_free(r);
}

static void test_second_first_segment(void **state)
{
    struct rig *r = rig_plus();
    uint32_t len;

    desc_set(r, RIG_TNPDS, 0, RTL_DESC_OWN | RTL_DESC_FS | 60, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 1, RTL_DESC_OWN | 60, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 2, PLUS_ONE | 70, 0, PLUS_BUF);
    plus_poll(r);
    sent_frame(r, &len);
    assert_int_equal(len, 70);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 0), RTL_DESC_FS | PLUS_TES | 60);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 1), PLUS_TES | 60);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 2), RTL_DESC_FS | RTL_DESC_LS | 70);
    rig_free(r);
}

static void test_zero_length_is_an_error(void **state)
{
    struct rig *r = rig_plus();

    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | RTL_DESC_EOR, 0, PLUS_BUF);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 0),
                     RTL_DESC_FS | RTL_DESC_LS | RTL_DESC_EOR | PLUS_TES);
    rig_free(r);
}

static void test_a_segment_may_be_empty(void **state)
{
    struct rig *r = rig_plus();
    uint32_t len;

    desc_set(r, RIG_TNPDS, 0, RTL_DESC_OWN | RTL_DESC_FS, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 1, RTL_DESC_OWN | 200, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 2, RTL_DESC_OWN | RTL_DESC_LS, 0, PLUS_BUF);
    plus_poll(r);
    sent_frame(r, &len);
    assert_int_equal(len, 200);
    rig_free(r);
}

static void test_too_long(void **state)
{
    struct rig *r = rig_plus();

    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 0xffff, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 1, RTL_DESC_OWN | RTL_DESC_FS | 0xffff, 0, PLUS_BUF);
    for (unsigned n = 2; n < 63; n++)
        desc_set(r, RIG_TNPDS, n, RTL_DESC_OWN | 0xffff, 0, PLUS_BUF);
    desc_set(r, RIG_TNPDS, 63,
             RTL_DESC_OWN | RTL_DESC_LS | PLUS_LGSEN | PLUS_MSS(1460) | 0xffff,
             0, PLUS_BUF);
    plus_poll(r);
    bench_step(r->b, NS_PER_MS);
    assert_nothing_sent(r);
    for (unsigned n = 0; n < 64; n++)
        assert_int_equal(desc_cmd(r, RIG_TNPDS, n) & (RTL_DESC_OWN | PLUS_TES),
                         PLUS_TES);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | RTL_FRAME_MAX, 0, PLUS_BUF);
    plus_poll(r);
    assert_int_equal(r->net->tx_bytes, RTL_FRAME_MAX);
    rig_free(r);
}

static void test_high_priority_first(void **state)
{
    struct rig *r = rig_plus();
    uint32_t len;

    net_mem_full(r->net, true);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, PLUS_BUF);
    desc_set(r, RIG_THPDS, 0, PLUS_ONE | 200, 0, PLUS_BUF);
    plus_poll(r);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_HPQ);
    assert_int_equal(r->rtl->s.tx_wait, RTL_WAIT_HPQ | RTL_WAIT_NPQ);
    net_mem_full(r->net, false);
    sent_frame(r, &len);
    assert_int_equal(len, 100); /* the last one */
    assert_int_equal(r->net->tx_frames, 2);
    assert_int_equal(r->rtl->s.tx_ring[0], 1);
    assert_int_equal(r->rtl->s.tx_ring[1], 1);
    rig_free(r);
}

static void test_cable_full(void **state)
{
    struct rig *r = rig_plus();

    for (unsigned n = 0; n < 10; n++)
        desc_set(r, RIG_TNPDS, n, PLUS_ONE | 100, 0, PLUS_BUF);
    net_mem_full(r->net, true);
    plus_poll(r);
    plus_poll(r);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    assert_true(desc_cmd(r, RIG_TNPDS, 0) & RTL_DESC_OWN);
    net_mem_full(r->net, false);
    assert_int_equal(r->net->tx_frames, 10);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK | INT_TDU);
    rig_free(r);
}

static void test_no_link(void **state)
{
    struct rig *r = rig_plus();

    rtl8139_set_link(r->dev, false);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, PLUS_BUF);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_int_equal(desc_cmd(r, RIG_TNPDS, 0),
                     RTL_DESC_FS | RTL_DESC_LS | PLUS_TES | PLUS_LNKF | 100);
    assert_true(rig_rd2(r, RTL_ISR) & INT_TER);
    rig_free(r);
}

static void test_switched_off(void **state)
{
    struct rig *r = rig_plus();

    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, PLUS_BUF);
    rig_wr1(r, RTL_CR, CR_RE);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_true(desc_cmd(r, RIG_TNPDS, 0) & RTL_DESC_OWN);
    rig_free(r);
}

static void test_waits_for_bus_master(void **state)
{
    struct rig *r = rig_plus();

    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, PLUS_BUF);
    rig_cfg_wr(r, PCI_COMMAND, 2, PCI_COMMAND_IO);
    plus_poll(r);
    assert_nothing_sent(r);
    rig_cfg_wr(r, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    assert_int_equal(r->net->tx_frames, 1);
    rig_free(r);
}

/* The upper half of an address counts in dual address cycles only. */
static void test_dac(void **state)
{
    struct rig *r = rig_plus();
    const uint8_t *f;
    uint32_t len;

    memset(r->b->ram + PLUS_BUF, 0x22, 100);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, UINT64_C(1) << 32 | PLUS_BUF);
    desc_set(r, RIG_TNPDS, 1, PLUS_ONE | 100, 0, UINT64_C(1) << 32 | PLUS_BUF);
    desc_set(r, RIG_TNPDS, 2, PLUS_ONE | 100, 0, UINT64_MAX - 10);
    desc_set(r, RIG_TNPDS, 3, PLUS_ONE | 200, 0, UINT64_MAX - 10);
    net_mem_full(r->net, true);
    plus_poll(r);
    net_mem_full(r->net, false);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(r->net->tx_frames, 4);
    desc_set(r, RIG_TNPDS, 4, PLUS_ONE | 100, 0, UINT64_C(1) << 32 | PLUS_BUF);
    plus_poll(r);
    f = sent_frame(r, &len);
    assert_int_equal(f[50], 0x22);
    rig_wr2(r, RTL_CPCR, CPCR_TX | CPCR_RX | CPCR_DAC);
    desc_set(r, RIG_TNPDS, 5, PLUS_ONE | 100, 0, UINT64_C(1) << 32 | PLUS_BUF);
    plus_poll(r);
    f = sent_frame(r, &len);
    assert_int_equal(f[50], 0xff);
    desc_set(r, RIG_TNPDS, 6, PLUS_ONE | 2000, 0, UINT64_MAX - 10); /* wraps */
    plus_poll(r);
    assert_nothing_sent(r);
    assert_true(desc_cmd(r, RIG_TNPDS, 6) & PLUS_TES);
    rig_free(r);
}

/* CVE-2016-8910: a ring with no end and nothing in it. */
static void test_cve_2016_8910_ring_without_end(void **state)
{
    static const uint32_t len[] = {0, 60, 0xffff};

    for (unsigned i = 0; i < 3 * 3; i++) {
        struct rig *r = rig_plus();
        uint32_t eor = i / 3 == 0 ? 0 : i / 3 == 1 ? 0 : 63;

        for (unsigned n = 0; n < 64; n++)
            desc_set(r, RIG_TNPDS, n,
                     RTL_DESC_OWN | (n == 0 ? RTL_DESC_FS : 0) |
                         (n == eor ? RTL_DESC_EOR : 0) | len[i % 3],
                     0, PLUS_BUF);
        for (unsigned k = 0; k < 3; k++)
            plus_poll(r);
        assert_nothing_sent(r);
        assert_int_equal(r->rtl->s.tx_wait, 0);
        assert_false(timer_armed(&r->rtl->more)); /* it has come to rest */
        assert_true(rig_rd2(r, RTL_ISR) & INT_TDU);
        rig_free(r);
    }
}

/* A cable in whose hands the guest gives all descriptors back at once. */
struct greedy {
    struct net_ops ops; /* first */
    const struct net_ops *real;
    struct rig *r;
    unsigned sent;
};

static void own_again(struct rig *r)
{
    for (unsigned n = 0; n < 64; n++)
        desc_set(r, RIG_TNPDS, n, PLUS_ONE | 60, 0, PLUS_BUF);
}

static int64_t greedy_tx(struct net *n, const struct net_offload *o,
                         const struct iovec *iov, unsigned niov)
{
    struct greedy *g = (struct greedy *)(uintptr_t)n->ops;

    own_again(g->r);
    g->sent++;
    return g->real->tx(n, o, iov, niov);
}

static void test_cve_2016_8910_ring_that_never_empties(void **state)
{
    struct rig *r = rig_plus();
    struct greedy g = {.ops = *r->net->ops, .real = r->net->ops, .r = r};

    g.ops.tx = greedy_tx;
    r->net->ops = &g.ops;
    own_again(r);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    rtl_tx_resume(r->rtl);
    assert_int_equal(g.sent, RTL_TX_BUDGET);
    /* the rest has its turns in the loop, each as bounded */
    for (unsigned k = 0; k < 100; k++) {
        assert_true(timer_armed(&r->rtl->more));
        timer_cancel(&r->rtl->more);
        g.sent = 0;
        rtl_tx_resume(r->rtl);
        assert_int_equal(g.sent, RTL_TX_BUDGET);
    }
    r->net->ops = g.real;
    rig_free(r);
}

/* A guest that writes its descriptors while they are read. */
struct busy {
    struct gmem_ops ops; /* first */
    const struct gmem_ops *real;
    struct rig *r;
    unsigned reads;
};

static int busy_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct busy *b = (struct busy *)(uintptr_t)g->ops;
    int rc = b->real->read(g, gpa, dst, len);

    if (gpa >= RIG_TNPDS && gpa < RIG_TNPDS + 64 * 16 && b->reads++ == 0) {
        desc_set(b->r, RIG_TNPDS, 0, PLUS_ONE | RTL_DESC_EOR | 0xffff, 0,
                 PLUS_BUF + 0x1000);
        desc_set(b->r, RIG_TNPDS, 1, PLUS_ONE | 200, 0, PLUS_BUF);
    }
    return rc;
}

/* A command is read once; the rest is not older than it (R1). */
static void test_descriptor_written_under_way(void **state)
{
    struct rig *r = rig_plus();
    struct busy b = {.ops = *r->b->gmem.ops, .real = r->b->gmem.ops, .r = r};
    const uint8_t *f;
    uint32_t len;

    b.ops.read = busy_read;
    memset(r->b->ram + PLUS_BUF, 0x11, 0x1000);
    memset(r->b->ram + PLUS_BUF + 0x1000, 0x22, 0x1000);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, PLUS_BUF);
    r->b->gmem.ops = &b.ops;
    plus_poll(r);
    f = sent_frame(r, &len);
    assert_int_equal(len, 100);
    assert_int_equal(f[0], 0x22);
    assert_int_equal(r->net->tx_frames, 1); /* the other is rung for later */
    plus_poll(r);
    assert_int_equal(r->net->tx_frames, 2);
    r->b->gmem.ops = b.real;
    rig_free(r);
}

/* Long frames use up the turn by their bytes. */
static void test_budget_of_bytes(void **state)
{
    static uint8_t f[PLUS_BIG];
    struct rig *r = rig_plus();
    struct frame_ip ip = {.len = PLUS_BIG, .proto = PROTO_TCP};

    frame_ip(f, &ip);
    memcpy(r->b->ram + PLUS_BUF, f, PLUS_BIG);
    for (unsigned n = 0; n < 20; n++)
        desc_set(r, RIG_TNPDS, n,
                 PLUS_ONE | PLUS_LGSEN | PLUS_MSS(1460) | PLUS_BIG, 0,
                 PLUS_BUF);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    rtl_tx_resume(r->rtl);
    assert_in_range(r->net->tx_frames, 1, 6);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(r->net->tx_frames, 20);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* TOK comes for a quarter of the ring, or some time after a frame. */
static void test_one_interrupt_for_many_frames(void **state)
{
    for (unsigned size = 1; size <= 64; size *= 2) {
        struct rig *r = rig_plus();
        unsigned want = size < 4 ? 1 : size / 4, at = 0;

        for (unsigned k = 0; k < 3 * size; k++) { /* it learns the size */
            desc_set(r, RIG_TNPDS, at,
                     PLUS_ONE | (at == size - 1 ? RTL_DESC_EOR : 0) | 60, 0,
                     PLUS_BUF);
            plus_poll(r);
            at = (at + 1) % size;
        }
        rig_wr2(r, RTL_ISR, INT_ALL);
        for (unsigned k = 1; k <= want; k++) {
            assert_false(rig_irq(r));
            desc_set(r, RIG_TNPDS, at,
                     PLUS_ONE | (at == size - 1 ? RTL_DESC_EOR : 0) | 60, 0,
                     PLUS_BUF);
            rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
            bench_step(r->b, 0);
            assert_false(desc_cmd(r, RIG_TNPDS, at) & RTL_DESC_OWN);
            at = (at + 1) % size;
        }
        assert_true(rig_irq(r));
        rig_free(r);
    }
}

static void test_saved_at_every_step(void **state)
{
    for (unsigned step = 0; step < 4; step++) {
        struct rig *r = rig_plus();

        for (unsigned n = 0; n < 6; n++)
            desc_set(r, RIG_TNPDS, n,
                     RTL_DESC_OWN | (n & 1 ? RTL_DESC_LS : RTL_DESC_FS) |
                         (n == 5 ? RTL_DESC_EOR : 0) | 60,
                     0, PLUS_BUF);
        if (step == 0)
            r = rig_move(r);
        net_mem_full(r->net, true);
        plus_poll(r);
        if (step == 1)
            r = rig_move(r);
        net_mem_full(r->net, step == 2);
        if (step == 2)
            r = rig_move(r);
        net_mem_full(r->net, false);
        if (step == 3)
            r = rig_move(r);
        assert_int_equal(r->rtl->s.tally_tx_ok, 3);
        assert_int_equal(r->rtl->s.tx_ring[0], 0);
        for (unsigned n = 0; n < 6; n++)
            assert_false(desc_cmd(r, RIG_TNPDS, n) & RTL_DESC_OWN);
        assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK | INT_TDU);
        rig_free(r);
    }
}

/* TCR.CRC: the driver put the FCS behind the frame. */
static void test_fcs_of_the_driver(void **state)
{
    struct rig *r = rig_new();
    uint32_t len;

    rig_cplus(r, TCR_CRC, 0);
    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 304, 0, PLUS_BUF);
    plus_poll(r);
    sent_frame(r, &len);
    assert_int_equal(len, 300);
    desc_set(r, RIG_TNPDS, 1, PLUS_ONE | 4, 0, PLUS_BUF);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_true(desc_cmd(r, RIG_TNPDS, 1) & PLUS_TES);
    rig_free(r);
}

static void test_rung_with_the_mode_off(void **state)
{
    struct rig *r = rig_plus();

    desc_set(r, RIG_TNPDS, 0, PLUS_ONE | 100, 0, PLUS_BUF);
    rig_wr2(r, RTL_CPCR, CPCR_RX);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_int_equal(r->rtl->s.tx_wait, 0);
    assert_true(desc_cmd(r, RIG_TNPDS, 0) & RTL_DESC_OWN);
    rig_free(r);
}

/* CVE-2016-8910 again: all ones, for ever, and no write sticks. */
static void test_cve_2016_8910_ring_without_ram(void **state)
{
    struct rig *r = rig_plus();

    rig_wr4(r, RTL_TNPDS, 0xfff00000u);
    plus_poll(r);
    assert_nothing_sent(r);
    assert_int_equal(r->rtl->s.tx_wait, 0);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* A short ring at the end of memory is a ring. */
static void test_ring_at_the_end_of_ram(void **state)
{
    struct rig *r = rig_plus();
    uint32_t ring = 0x300000 - 0x100;

    r->b->hole_gpa = 0x300000 - 0x100 + 3 * 16;
    r->b->hole_len = 0x1000;
    rig_wr4(r, RTL_TNPDS, ring);
    for (unsigned n = 0; n < 3; n++)
        desc_set(r, ring, n, PLUS_ONE | (n == 2 ? RTL_DESC_EOR : 0) | 100, 0,
                 PLUS_BUF);
    plus_poll(r);
    assert_int_equal(r->net->tx_frames, 3);
    rig_free(r);
}

/* Rings and frames of dice: nothing hangs, nothing stays pinned. */
static void test_dice(void **state)
{
    uint64_t x = 88172645463325252u;
    struct rig *r = rig_plus();

    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned i = 0; i < 64 * 4; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            memcpy(r->b->ram + RIG_TNPDS + i * 4, &x, 4);
            if (i % 4 == 3 && x >> 60)
                memset(r->b->ram + RIG_TNPDS + i * 4, 0, 4);
        }
        memcpy(r->b->ram + PLUS_BUF + round, &x, 8);
        rig_wr4(r, RTL_TCR, x >> 40 & 1 ? TCR_LBK : 0);
        rig_wr2(r, RTL_CPCR, (uint16_t)(CPCR_TX | CPCR_RX | (x >> 32 & 0x70)));
        rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ | TPPOLL_HPQ);
        bench_step(r->b, NS_PER_MS);
        assert_int_equal(r->b->pins, 0);
        assert_int_equal(r->rtl->s.tx_wait, 0);
    }
    rig_free(r);
}

int main(int argc, char **argv)
{
#define T(n) cmocka_unit_test(test_##n)
    const struct CMUnitTest tests[] = {
        T(one_descriptor),
        T(every_length),
        T(fragments),
        T(a_page_without_ram_goes_as_ones),
        T(eor_wraps),
        T(wraps_at_64),
        T(not_owned_is_not_sent),
        T(incomplete_frame_waits),
        T(no_first_segment),
        T(second_first_segment),
        T(zero_length_is_an_error),
        T(a_segment_may_be_empty),
        T(too_long),
        T(high_priority_first),
        T(cable_full),
        T(no_link),
        T(switched_off),
        T(waits_for_bus_master),
        T(dac),
        T(cve_2016_8910_ring_without_end),
        T(cve_2016_8910_ring_that_never_empties),
        T(descriptor_written_under_way),
        T(budget_of_bytes),
        T(one_interrupt_for_many_frames),
        T(saved_at_every_step),
        T(fcs_of_the_driver),
        T(rung_with_the_mode_off),
        T(cve_2016_8910_ring_without_ram),
        T(ring_at_the_end_of_ram),
        T(dice),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
