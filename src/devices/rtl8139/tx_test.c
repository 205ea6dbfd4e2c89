/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The four descriptors of the RTL8139C, what leaves and what comes back. */
#include "frames.h"

#include <errno.h>
#include <string.h>

#define BUF(n) (0x100000u + (n)*0x4000u)

static void tx_start(struct rig *r, unsigned n, uint32_t len)
{
    frame_plain(r->b->ram + BUF(n), len, rig_mac, (uint8_t)(n + 1));
    rig_wr4(r, RTL_TSAD0 + n * 4, BUF(n));
    rig_wr4(r, RTL_TSD0 + n * 4, len);
}

/* The access is answered; then the frame leaves, and in time TOK comes. */
static void tx(struct rig *r, unsigned n, uint32_t len)
{
    tx_start(r, n, len);
    bench_step(r->b, NS_PER_MS);
}

static uint32_t tsd(struct rig *r, unsigned n)
{
    return rig_rd4(r, RTL_TSD0 + n * 4);
}

static void assert_sent(struct rig *r, uint32_t gpa, uint32_t len)
{
    uint32_t got;
    const uint8_t *f = net_mem_sent(r->net, &got);

    assert_non_null(f);
    assert_int_equal(got, len);
    assert_memory_equal(f, r->b->ram + gpa, len);
}

static void test_one_frame(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    tx(r, 0, 1000);
    assert_sent(r, BUF(0), 1000);
    assert_int_equal(tsd(r, 0), TSD_OWN | TSD_TOK | 1000);
    assert_int_equal(rig_rd2(r, RTL_TSAD), 0x100f);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK);
    assert_true(rig_irq(r));
    rig_wr2(r, RTL_ISR, INT_TOK);
    assert_false(rig_irq(r));
    assert_int_equal(net_mem_offload(r->net)->csum_start, 0);
    rig_free(r);
}

static void test_early_threshold_is_kept(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rig_wr4(r, RTL_TSAD0, BUF(0));
    rig_wr4(r, RTL_TSD0, 0x00380000u | 100);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(tsd(r, 0), 0x00380000u | TSD_OWN | TSD_TOK | 100);
    rig_free(r);
}

static void test_in_order(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    tx(r, 1, 200);
    tx(r, 2, 300);
    assert_nothing_sent(r); /* it is 0's turn */
    assert_int_equal(tsd(r, 1), 200);
    tx(r, 0, 100);
    assert_int_equal(r->net->tx_frames, 3);
    assert_sent(r, BUF(2), 300);
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(tsd(r, n), TSD_OWN | TSD_TOK | (n + 1) * 100);
    tx(r, 3, 400);
    tx(r, 0, 100);
    assert_int_equal(r->net->tx_frames, 5);
    rig_free(r);
}

/* Bytes behind a short frame are not the guest's to send (R12). */
static void test_short_frames_are_padded_with_zeros(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    for (uint32_t len = 1; len < 60; len++) {
        const uint8_t *f;
        uint32_t got;

        memset(r->b->ram + BUF(0), 0xee, 100);
        frame_plain(r->b->ram + BUF(0), len, rig_mac, 1);
        rig_wr4(r, RTL_TSAD0 + (len - 1) % 4 * 4, BUF(0));
        rig_wr4(r, RTL_TSD0 + (len - 1) % 4 * 4, len);
        bench_step(r->b, NS_PER_MS);
        f = net_mem_sent(r->net, &got);
        assert_non_null(f);
        assert_int_equal(got, 60);
        assert_memory_equal(f, r->b->ram + BUF(0), len);
        for (uint32_t i = len; i < 60; i++)
            assert_int_equal(f[i], 0);
    }
    rig_free(r);
}

static void test_sizes(void **state)
{
    static const uint32_t len[] = {60, 1514, 1518, TSD_FRAME_MAX, TSD_SIZE};
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    for (unsigned i = 0; i < 5; i++) {
        tx(r, i % 4, len[i]);
        assert_sent(r, BUF(i % 4), len[i]);
    }
    rig_free(r);
}

static void test_size_0_sends_nothing_and_is_done(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rig_wr4(r, RTL_TSD0, 0);
    bench_step(r->b, NS_PER_MS);
    assert_nothing_sent(r);
    assert_int_equal(tsd(r, 0), TSD_OWN | TSD_TOK);
    tx(r, 1, 64);
    assert_sent(r, BUF(1), 64);
    rig_free(r);
}

static void test_full_cable_keeps_the_descriptor(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    net_mem_full(r->net, true);
    tx(r, 0, 100);
    tx(r, 1, 200);
    assert_int_equal(tsd(r, 0), 100);
    assert_int_equal(rig_rd2(r, RTL_TSAD), 0x000c);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    assert_int_equal(r->rtl->s.tx_wait, RTL_WAIT_C);
    net_mem_full(r->net, false);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(r->net->tx_frames, 2);
    assert_sent(r, BUF(1), 200);
    assert_int_equal(tsd(r, 0), TSD_OWN | TSD_TOK | 100);
    assert_int_equal(r->rtl->s.tx_wait, 0);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK);
    rig_free(r);
}

static void test_transmitter_off(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rig_wr1(r, RTL_CR, CR_RE);
    tx(r, 0, 100);
    assert_nothing_sent(r);
    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    bench_step(r->b, NS_PER_MS);
    assert_sent(r, BUF(0), 100);
    rig_free(r);
}

static void test_switching_off_drops_what_waits(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    tx(r, 0, 100);
    assert_sent(r, BUF(0), 100);
    net_mem_full(r->net, true);
    tx(r, 1, 100);
    rig_wr1(r, RTL_CR, CR_RE);
    assert_true(tsd(r, 1) & TSD_OWN);
    net_mem_full(r->net, false);
    assert_nothing_sent(r);
    rig_wr1(r, RTL_CR, CR_RE | CR_TE);
    bench_step(r->b, NS_PER_MS);
    assert_nothing_sent(r);
    tx(r, 0, 300); /* it begins at 0 again */
    assert_sent(r, BUF(0), 300);
    rig_free(r);
}

static void test_no_link_no_carrier(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rtl8139_set_link(r->dev, false);
    rig_wr2(r, RTL_ISR, INT_ALL);
    tx(r, 0, 100);
    assert_nothing_sent(r);
    assert_int_equal(tsd(r, 0), TSD_CRS | TSD_OWN | TSD_TOK | 100);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK);
    rig_free(r);
}

/* Nobody says tx_ready on a cable that was pulled. */
static void test_link_lost_while_full(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    net_mem_full(r->net, true);
    tx(r, 0, 100);
    rtl8139_set_link(r->dev, false);
    bench_step(r->b, NS_PER_MS);
    assert_true(tsd(r, 0) & TSD_OWN);
    rig_free(r);
}

static void test_without_cable(void **state)
{
    struct rig *r = rig_new_for(0x20, false, NULL);

    rig_cmode(r, 0, RIG_RCR);
    tx(r, 0, 100);
    assert_true(tsd(r, 0) & TSD_CRS);
    rig_free(r);
}

static void test_waits_for_bus_master(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rig_cfg_wr(r, PCI_COMMAND, 2, PCI_COMMAND_IO);
    tx(r, 0, 100);
    assert_nothing_sent(r);
    assert_int_equal(tsd(r, 0), 100);
    rig_cfg_wr(r, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    assert_sent(r, BUF(0), 100);
    rig_free(r);
}

static void test_memory_without_ram(void **state)
{
    struct rig *r = rig_new();
    const uint8_t *f;
    uint32_t len;

    rig_cmode(r, 0, RIG_RCR);
    rig_wr4(r, RTL_TSAD0, 0xfffffff0u);
    rig_wr4(r, RTL_TSD0, 1000);
    bench_step(r->b, NS_PER_MS);
    f = net_mem_sent(r->net, &len);
    assert_non_null(f);
    assert_int_equal(len, 1000);
    for (uint32_t i = 0; i < len; i++)
        assert_int_equal(f[i], 0xff);
    rig_free(r);
}

/* TCR.CRC: the driver put the FCS behind the frame. */
static void test_fcs_of_the_driver(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, TCR_CRC, RIG_RCR);
    tx(r, 0, 104);
    assert_sent(r, BUF(0), 100);
    assert_int_equal(tsd(r, 0), TSD_OWN | TSD_TOK | 104);
    tx(r, 1, 3);
    assert_nothing_sent(r);
    rig_free(r);
}

static void test_pause(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    net_mem_full(r->net, true);
    tx(r, 0, 100);
    r->dev->ops->pause(r->dev, true);
    net_mem_full(r->net, false);
    assert_nothing_sent(r);
    r->dev->ops->pause(r->dev, false);
    assert_sent(r, BUF(0), 100);
    rig_free(r);
}

static void test_loopback(void **state)
{
    struct rig *r = rig_new();
    uint8_t *ring = r->b->ram + RIG_RING;

    rig_cmode(r, TCR_LBK, RIG_RCR);
    tx_start(r, 0, 100);
    rtl_tx_resume(r->rtl);
    assert_true(rig_rd1(r, RTL_CR) & CR_BUFE); /* never in the same call */
    bench_step(r->b, NS_PER_MS);
    assert_nothing_sent(r);
    assert_false(rig_rd1(r, RTL_CR) & CR_BUFE);
    assert_int_equal(get_le32(ring), 104u << 16 | 0x4001);
    assert_memory_equal(ring + 4, r->b->ram + BUF(0), 100);
    assert_int_equal(get_le32(ring + 104), slow_crc(ring + 4, 100));
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK | INT_TOK);
    rig_free(r);
}

/* Only one half of LBK is set: reserved, so not loopback. */
static void test_loopback_without_receiver(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, TCR_LBK, RIG_RCR);
    rig_wr1(r, RTL_CR, CR_TE);
    for (unsigned n = 0; n < 4; n++)
        tx(r, n, 100);
    assert_int_equal(r->rtl->s.tally_rx_ok, 0);
    for (unsigned n = 0; n < 4; n++)
        assert_true(tsd(r, n) & TSD_OWN);
    rig_free(r);
}

static int64_t broken_tx(struct net *n, const struct net_offload *o,
                         const struct iovec *iov, unsigned niov)
{
    return -EIO;
}

/* A cable that loses frames is none of the driver's business. */
static void test_broken_cable(void **state)
{
    struct rig *r = rig_new();
    const struct net_ops *real = r->net->ops;
    struct net_ops ops = *real;

    ops.tx = broken_tx;
    r->net->ops = &ops;
    rig_cmode(r, 0, RIG_RCR);
    tx(r, 0, 100);
    assert_int_equal(tsd(r, 0), TSD_OWN | TSD_TOK | 100);
    assert_int_equal(r->rtl->stats.tx_errors, 1);
    r->net->ops = real;
    rig_free(r);
}

static void test_half_loopback_is_none(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0x20000, RIG_RCR);
    tx(r, 0, 100);
    assert_sent(r, BUF(0), 100);
    rig_free(r);
}

/* The wire is silent while the chip talks to itself. */
static void test_loopback_hears_no_cable(void **state)
{
    struct rig *r = rig_new();
    uint8_t f[100];

    rig_cmode(r, TCR_LBK, RIG_RCR);
    frame_plain(f, sizeof(f), rig_mac, 9);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_true(rig_rd1(r, RTL_CR) & CR_BUFE);
    rig_free(r);
}

/*
 * CVE-2021-3416: loopback called the receiver from the transmitter. Here four
 * frames go through a slot for one, each from the timer.
 */
static void test_cve_2021_3416_loopback_never_calls_itself(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, TCR_LBK, RIG_RCR);
    for (unsigned n = 0; n < 4; n++)
        tx_start(r, n, 500);
    rtl_tx_resume(r->rtl);
    assert_true(tsd(r, 0) & TSD_OWN);
    assert_false(tsd(r, 1) & TSD_OWN); /* the slot holds one */
    assert_int_equal(r->rtl->s.tally_rx_ok, 0);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(r->rtl->s.tally_rx_ok, 4);
    for (unsigned n = 0; n < 4; n++)
        assert_true(tsd(r, n) & TSD_OWN);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* A looped frame for a full ring is lost; the transmitter goes on. */
static void test_loopback_into_a_full_ring(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, TCR_LBK, RIG_RCR);
    for (unsigned n = 0; n < 10; n++) {
        tx(r, n % 4, 1500);
        bench_step(r->b, NS_PER_MS);
        assert_true(tsd(r, n % 4) & TSD_OWN);
    }
    assert_int_equal(r->rtl->s.tally_rx_ok, 5);
    assert_int_equal(rig_rd4(r, RTL_MPC), 5);
    assert_true(rig_rd2(r, RTL_ISR) & INT_RXOVW);
    assert_true(net_mem_rx_is_on(r->net));
    rig_free(r);
}

static void test_reset_empties_the_slot(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, TCR_LBK, RIG_RCR);
    tx_start(r, 0, 100);
    rtl_tx_resume(r->rtl);
    assert_int_equal(r->rtl->s.loop_full, 1);
    rig_wr1(r, RTL_CR, CR_RST);
    rig_cmode(r, TCR_LBK, RIG_RCR);
    bench_step(r->b, NS_PER_MS);
    assert_true(rig_rd1(r, RTL_CR) & CR_BUFE);
    rig_free(r);
}

/* Saved with frames waiting for the cable: they leave in the new machine. */
/* TOK comes for two frames, or some time after one; never not at all. */
static void test_one_interrupt_for_two_frames(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    tx_start(r, 0, 100);
    assert_nothing_sent(r); /* the guest has its answer first */
    bench_step(r->b, 0);
    assert_sent(r, BUF(0), 100);
    assert_int_equal(tsd(r, 0), TSD_OWN | TSD_TOK | 100);
    assert_false(rig_irq(r));
    tx_start(r, 1, 200);
    bench_step(r->b, 0);
    assert_sent(r, BUF(1), 200);
    assert_true(rig_irq(r));
    assert_int_equal(r->rtl->stats.interrupts, 1);
    rig_wr2(r, RTL_ISR, INT_ALL);
    tx_start(r, 2, 300);
    bench_step(r->b, 0);
    assert_false(rig_irq(r));
    assert_true(timer_armed(&r->rtl->more));
    bench_step(r->b, NS_PER_MS);
    assert_true(rig_irq(r));
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* Where it makes no interrupt, ISR says it at once. */
static void test_masked_tok_is_not_held_back(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rig_wr2(r, RTL_IMR, INT_ROK);
    tx_start(r, 0, 100);
    bench_step(r->b, 0);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* An interrupt for a received frame brings what is known of sent ones. */
static void test_tok_comes_along_with_rok(void **state)
{
    struct rig *r = rig_new();
    uint8_t f[60];

    rig_cmode(r, 0, RIG_RCR);
    net_mem_rx_end(r->net);
    tx_start(r, 0, 100);
    bench_step(r->b, 0);
    frame_plain(f, sizeof(f), rig_mac, 1);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    assert_false(rig_irq(r));
    net_mem_rx_end(r->net);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK | INT_TOK);
    assert_int_equal(r->rtl->stats.interrupts, 1);
    rig_free(r);
}

/* Four descriptors are too few to wait until the driver has polled. */
static void test_tok_while_polling(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    rig_wr2(r, RTL_IMR, (uint16_t)(INT_ALL & ~INT_ROK));
    tx_start(r, 0, 100);
    tx_start(r, 1, 100);
    bench_step(r->b, 0);
    assert_true(rig_irq(r));
    rig_free(r);
}

static void test_held_back_tok_is_saved(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    tx_start(r, 0, 100);
    bench_step(r->b, 0);
    assert_false(rig_irq(r));
    r = rig_move(r);
    assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK);
    assert_true(rig_irq(r));
    rig_free(r);
}

/* A reset takes it back, as it does with all of ISR. */
static void test_reset_forgets_tok(void **state)
{
    struct rig *r = rig_new();

    rig_cmode(r, 0, RIG_RCR);
    tx_start(r, 0, 100);
    bench_step(r->b, 0);
    rig_wr1(r, RTL_CR, CR_RST);
    rig_cmode(r, 0, RIG_RCR);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    rig_free(r);
}

static void test_saved_at_every_step(void **state)
{
    for (unsigned step = 0; step < 5; step++) {
        struct rig *r = rig_new();

        rig_cmode(r, 0, RIG_RCR);
        if (step == 0)
            r = rig_move(r);
        net_mem_full(r->net, true);
        tx(r, 0, 100);
        if (step == 1)
            r = rig_move(r);
        net_mem_full(r->net, step < 2);
        tx(r, 1, 200);
        if (step == 2)
            r = rig_move(r);
        net_mem_full(r->net, false);
        if (step == 3)
            r = rig_move(r);
        tx(r, 2, 300);
        if (step == 4)
            r = rig_move(r);
        bench_step(r->b, NS_PER_MS);
        for (unsigned n = 0; n < 3; n++)
            assert_int_equal(tsd(r, n), TSD_OWN | TSD_TOK | (n + 1) * 100);
        assert_int_equal(rig_rd2(r, RTL_ISR), INT_TOK);
        assert_int_equal(r->rtl->s.tally_tx_ok, 3);
        rig_free(r);
    }
}

int main(int argc, char **argv)
{
#define T(n) cmocka_unit_test(test_##n)
    const struct CMUnitTest tests[] = {
        T(one_frame),
        T(early_threshold_is_kept),
        T(in_order),
        T(short_frames_are_padded_with_zeros),
        T(sizes),
        T(size_0_sends_nothing_and_is_done),
        T(full_cable_keeps_the_descriptor),
        T(transmitter_off),
        T(switching_off_drops_what_waits),
        T(no_link_no_carrier),
        T(link_lost_while_full),
        T(without_cable),
        T(waits_for_bus_master),
        T(memory_without_ram),
        T(fcs_of_the_driver),
        T(pause),
        T(loopback),
        T(loopback_without_receiver),
        T(broken_cable),
        T(half_loopback_is_none),
        T(loopback_hears_no_cable),
        T(cve_2021_3416_loopback_never_calls_itself),
        T(loopback_into_a_full_ring),
        T(reset_empties_the_slot),
        T(one_interrupt_for_two_frames),
        T(masked_tok_is_not_held_back),
        T(tok_comes_along_with_rok),
        T(tok_while_polling),
        T(held_back_tok_is_saved),
        T(reset_forgets_tok),
        T(saved_at_every_step),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
