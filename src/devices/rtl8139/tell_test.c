/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the driver is told: bursts, pauses, answers. */
#include "frames.h"

#include <string.h>

#define US NS_PER_US

/* A C+ card with a ring of 64 and a cable that says when a batch ends. */
static struct rig *rig_tell(void)
{
    struct rig *r = rig_plus();

    for (unsigned i = 0; i < 64; i++) {
        desc_set(r, RIG_RDSAR, i,
                 RTL_DESC_OWN | (i == 63 ? RTL_DESC_EOR : 0) | 1536, 0,
                 0x200000 + i * 0x800);
        desc_set(r, RIG_TNPDS, i, i == 63 ? RTL_DESC_EOR : 0, 0, 0);
    }
    net_mem_rx_end(r->net);
    return r;
}

static void send_next(struct rig *r)
{
    unsigned at = r->rtl->s.tx_ring[0];

    desc_set(r, RIG_TNPDS, at, PLUS_ONE | (at == 63 ? RTL_DESC_EOR : 0) | 1514,
             0, PLUS_BUF);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    bench_step(r->b, 0);
    assert_false(desc_cmd(r, RIG_TNPDS, at) & RTL_DESC_OWN);
}

static void receive(struct rig *r)
{
    uint8_t f[60];

    frame_plain(f, sizeof(f), rig_mac, 1);
    assert_true(net_mem_put(r->net, f, sizeof(f)));
    net_mem_rx_end(r->net);
}

/* The driver serves an interrupt in so long. */
static void serve(struct rig *r, uint64_t ns)
{
    assert_true(rig_irq(r));
    bench_step(r->b, ns);
    rig_wr2(r, RTL_ISR, INT_ALL);
    assert_false(rig_irq(r));
}

/* Time passes for the driver; it serves interrupts as they come. */
static void pass(struct rig *r, uint64_t ns, uint64_t serve_ns)
{
    for (uint64_t t = 0; t < ns; t += US) {
        bench_step(r->b, US);
        if (rig_irq(r))
            serve(r, serve_ns);
    }
}

/* Some bursts, so that the card knows this driver. */
static void learn(struct rig *r, uint64_t gap_ns, uint64_t serve_ns)
{
    for (unsigned i = 0; i < 100; i++) {
        send_next(r);
        pass(r, gap_ns, serve_ns);
    }
    pass(r, 20 * NS_PER_MS, serve_ns);
}

/* ns until the interrupt comes, in steps of a microsecond. */
static uint64_t until_irq(struct rig *r)
{
    uint64_t ns = 0;

    while (!rig_irq(r)) {
        assert_in_range(ns, 0, NS_PER_S);
        bench_step(r->b, US);
        ns += US;
    }
    return ns;
}

static void test_first_frame(void **state)
{
    struct rig *r = rig_tell();

    send_next(r);
    assert_in_range(until_irq(r), 1, 50 * US);
    rig_free(r);
}

/* In a burst it waits for a pause of twice the usual. */
static void test_pause_ends_a_burst(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    for (unsigned i = 0; i < 3; i++) {
        send_next(r);
        bench_step(r->b, 100 * US);
        assert_false(rig_irq(r));
    }
    send_next(r);
    assert_in_range(until_irq(r), 50 * US, 400 * US);
    rig_free(r);
}

/* But no longer than four times what it took to serve the last ones. */
static void test_never_longer_than_it_is_worth(void **state)
{
    struct rig *r = rig_tell();
    uint64_t ns = 0;

    learn(r, 100 * US, 50 * US);
    while (!rig_irq(r)) {
        send_next(r);
        bench_step(r->b, 100 * US);
        ns += 100 * US;
    }
    assert_in_range(ns, 100 * US, 400 * US);
    rig_free(r);
}

/* However slow the guest is. */
static void test_never_longer_than_8_ms(void **state)
{
    struct rig *r = rig_tell();
    uint64_t ns = 0;

    learn(r, 4 * NS_PER_MS, NS_PER_S);
    while (!rig_irq(r)) {
        send_next(r);
        bench_step(r->b, 4 * NS_PER_MS);
        ns += 4 * NS_PER_MS;
    }
    assert_in_range(ns, 1, 12 * NS_PER_MS);
    rig_free(r);
}

/* A sender at an even pace, such as a voice, pays nothing for bursts. */
static void test_even_pace_of_a_fast_guest(void **state)
{
    struct rig *r = rig_tell();

    learn(r, NS_PER_MS, 10 * US);
    for (unsigned i = 0; i < 10; i++) {
        send_next(r);
        assert_in_range(until_irq(r), 1, 51 * US);
        serve(r, 10 * US);
        bench_step(r->b, NS_PER_MS);
        receive(r);
        assert_true(rig_irq(r)); /* at once */
        serve(r, 10 * US);
    }
    rig_free(r);
}

/* One frame and its answer: nothing waits. */
static void test_question_and_answer(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    send_next(r);
    assert_false(rig_irq(r));
    receive(r);
    assert_true(rig_irq(r));
    assert_int_equal(rig_rd2(r, RTL_ISR) & (INT_ROK | INT_TOK),
                     INT_ROK | INT_TOK);
    rig_free(r);
}

/* Acknowledgements within a burst come with TOK. */
static void test_acknowledgements(void **state)
{
    struct rig *r = rig_tell();
    uint64_t before;

    learn(r, 100 * US, 100 * US);
    before = r->rtl->stats.interrupts;
    send_next(r);
    for (unsigned i = 1; i < 16; i++) {
        assert_false(rig_irq(r));
        send_next(r);
        if (i % 2)
            receive(r);
    }
    assert_true(rig_irq(r)); /* a quarter of the ring */
    assert_int_equal(r->rtl->stats.interrupts, before + 1);
    assert_int_equal(rig_rd2(r, RTL_ISR) & (INT_ROK | INT_TOK),
                     INT_ROK | INT_TOK);
    serve(r, 100 * US);
    send_next(r);
    send_next(r);
    receive(r);
    assert_false(rig_irq(r));
    assert_in_range(until_irq(r), US, 400 * US);
    rig_free(r);
}

/*
 * While a driver polls, ISR shows received frames at once; an interrupt for
 * sent ones waits until ROK is unmasked. Linux 8139cp is lost otherwise.
 */
static void test_polling(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    rig_wr2(r, RTL_IMR, (uint16_t)(INT_ALL & ~INT_ROK));
    for (unsigned i = 0; i < 40; i++) {
        send_next(r);
        receive(r);
        bench_step(r->b, 100 * US);
        assert_int_equal(rig_rd2(r, RTL_ISR), INT_ROK);
        rig_wr2(r, RTL_ISR, INT_ROK);
        assert_false(rig_irq(r));
    }
    desc_set(r, RIG_TNPDS, r->rtl->s.tx_ring[0], PLUS_ONE, 0, 0); /* bad */
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    bench_step(r->b, NS_PER_MS);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    receive(r);
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_true(rig_irq(r));
    assert_int_equal(rig_rd2(r, RTL_ISR),
                     INT_ROK | INT_TOK | INT_TDU | INT_TER);
    rig_free(r);
}

/* What had begun to wait before it polled waits with the rest. */
static void test_polling_begins_in_a_burst(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    send_next(r);
    assert_false(rig_irq(r));
    rig_wr2(r, RTL_IMR, (uint16_t)(INT_ALL & ~INT_ROK));
    bench_step(r->b, 20 * NS_PER_MS);
    assert_false(rig_irq(r));
    rig_wr2(r, RTL_IMR, INT_ALL);
    assert_true(rig_irq(r));
    rig_free(r);
}

/* A driver that never wants ROK again is not kept waiting a second time. */
static void test_not_polling_but_deaf(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    rig_wr2(r, RTL_IMR, INT_TOK);
    send_next(r);
    assert_in_range(until_irq(r), 50 * NS_PER_MS, 101 * NS_PER_MS);
    serve(r, 100 * US);
    send_next(r);
    assert_in_range(until_irq(r), US, 2 * NS_PER_MS);
    rig_free(r);
}

/* News that cannot wait takes what waits along. */
static void test_errors_do_not_wait(void **state)
{
    struct rig *r = rig_tell();
    uint8_t f[10] = {0};

    learn(r, 100 * US, 100 * US);
    send_next(r);
    send_next(r);
    receive(r);
    assert_false(rig_irq(r));
    assert_true(net_mem_put(r->net, f, sizeof(f))); /* a runt */
    net_mem_rx_end(r->net);
    assert_int_equal(rig_rd2(r, RTL_ISR) & (INT_ROK | INT_RER | INT_TOK),
                     INT_ROK | INT_RER | INT_TOK);
    rig_free(r);
}

/* What waited for TOK comes when there will be none. */
static void test_transmitter_switched_off(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    send_next(r);
    send_next(r);
    receive(r);
    assert_false(rig_irq(r));
    rig_wr1(r, RTL_CR, CR_RE);
    bench_step(r->b, 0);
    assert_true(rig_irq(r));
    assert_true(rig_rd2(r, RTL_ISR) & INT_ROK);
    rig_free(r);
}

static void test_reset(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    send_next(r);
    send_next(r);
    receive(r);
    rig_wr1(r, RTL_CR, CR_RST);
    bench_step(r->b, NS_PER_S);
    assert_int_equal(rig_rd2(r, RTL_ISR), 0);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

static void test_saved(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    send_next(r);
    send_next(r);
    receive(r);
    assert_false(rig_irq(r));
    r = rig_move(r);
    assert_true(rig_irq(r));
    assert_int_equal(rig_rd2(r, RTL_ISR) & (INT_ROK | INT_TOK),
                     INT_ROK | INT_TOK);
    rig_free(r);
}

static void test_bus_reset(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    send_next(r);
    send_next(r);
    receive(r);
    r->dev->ops->reset(r->dev, RESET_BUS);
    assert_int_equal(r->rtl->s.isr, 0);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

/* Nothing waits: no timer runs. */
static void test_idle(void **state)
{
    struct rig *r = rig_tell();

    learn(r, 100 * US, 100 * US);
    assert_false(timer_armed(&r->rtl->more));
    receive(r);
    assert_false(timer_armed(&r->rtl->more));
    rig_free(r);
}

int main(void)
{
#define T(n) cmocka_unit_test(test_##n)
    const struct CMUnitTest tests[] = {
        T(first_frame),
        T(pause_ends_a_burst),
        T(never_longer_than_it_is_worth),
        T(never_longer_than_8_ms),
        T(even_pace_of_a_fast_guest),
        T(question_and_answer),
        T(acknowledgements),
        T(polling),
        T(polling_begins_in_a_burst),
        T(not_polling_but_deaf),
        T(errors_do_not_wait),
        T(transmitter_switched_off),
        T(reset),
        T(bus_reset),
        T(saved),
        T(idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
