/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCTR and TimerInt: 33.333 MHz of VM time, TimeOut when they are equal, seen
 * whether or not it interrupts, and no timer armed where nobody would see.
 */
#include "rig.h"

#define TICK    30u
#define WRAP    ((uint64_t)TICK << 32)
#define CLK     33333333u
#define TIMEOUT 0x4000u

static bool timed_out(struct rig *r)
{
    return (rig_rd2(r, RTL_ISR) & TIMEOUT) != 0;
}

static void ack(struct rig *r)
{
    rig_wr2(r, RTL_ISR, TIMEOUT);
}

static void counts(void **state)
{
    struct rig *r = rig_new();

    bench_step(r->b, 12345);
    rig_wr4(r, RTL_TCTR, 0xdeadbeef);
    assert_int_equal(rig_rd4(r, RTL_TCTR), 0);
    bench_step(r->b, TICK - 1);
    assert_int_equal(rig_rd4(r, RTL_TCTR), 0);
    bench_step(r->b, 1);
    assert_int_equal(rig_rd4(r, RTL_TCTR), 1);
    bench_step(r->b, NS_PER_S - TICK);
    assert_int_equal(rig_rd4(r, RTL_TCTR), CLK);
    assert_int_equal(rig_rd1(r, RTL_TCTR + 3), CLK >> 24);
    bench_step(r->b, WRAP - NS_PER_S);
    assert_int_equal(rig_rd4(r, RTL_TCTR), 0);
    bench_step(r->b, TICK);
    assert_int_equal(rig_rd4(r, RTL_TCTR), 1);
    rig_wr1(r, RTL_TCTR + 3, 7); /* any byte of it */
    assert_int_equal(rig_rd4(r, RTL_TCTR), 0);
    assert_false(timed_out(r)); /* TimerInt is 0 */
    rig_free(r);
    (void)state;
}

static void polled(void **state)
{
    struct rig *r = rig_new();

    rig_wr4(r, RTL_TIMERINT, 1);
    rig_wr4(r, RTL_TCTR, 0);
    assert_false(timed_out(r));
    bench_step(r->b, 40);
    assert_true(timed_out(r));
    ack(r);
    assert_false(timed_out(r));
    bench_step(r->b, WRAP - 41);
    assert_false(timed_out(r));
    bench_step(r->b, TICK + 1);
    assert_true(timed_out(r)); /* once in each round */
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    rig_free(r);
    (void)state;
}

/* Reached before TCTR, TimerInt or IMR is written: told all the same. */
static void reached_before_write(void **state)
{
    struct rig *r = rig_new();

    for (unsigned how = 0; how < 3; how++) {
        rig_wr4(r, RTL_TCTR, 0);
        rig_wr4(r, RTL_TIMERINT, 0);
        ack(r);
        rig_wr4(r, RTL_TIMERINT, rig_rd4(r, RTL_TCTR) + CLK / 2);
        bench_step(r->b, NS_PER_S);
        if (how == 0)
            rig_wr4(r, RTL_TCTR, 0);
        else if (how == 1)
            rig_wr4(r, RTL_TIMERINT, 0);
        else
            rig_wr2(r, RTL_IMR, TIMEOUT);
        assert_true(timed_out(r));
        assert_int_equal(rig_irq(r), how == 2);
    }
    rig_free(r);
    (void)state;
}

static void interrupts(void **state)
{
    struct rig *r = rig_new();

    rig_wr4(r, RTL_TCTR, 0);
    rig_wr4(r, RTL_TIMERINT, 1000);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    rig_wr2(r, RTL_IMR, TIMEOUT);
    assert_int_equal(clock_next(&r->b->clock), r->b->now_ns + 1000 * TICK);
    bench_step(r->b, 1000 * TICK - 1);
    assert_false(rig_irq(r));
    bench_step(r->b, 1);
    assert_true(rig_irq(r));
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER); /* pending */
    ack(r);
    assert_false(rig_irq(r));
    assert_int_equal(clock_next(&r->b->clock), r->b->now_ns + WRAP);
    rig_wr4(r, RTL_TCTR, 0);
    assert_int_equal(clock_next(&r->b->clock), r->b->now_ns + 1000 * TICK);
    rig_wr4(r, RTL_TIMERINT, 0);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    rig_wr4(r, RTL_TIMERINT, 5);
    rig_wr2(r, RTL_IMR, 0);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    rig_free(r);
    (void)state;
}

/* TimerInt moved along, then passed by the wrap of TCTR */
static void follows(void **state)
{
    struct rig *r = rig_new();
    uint32_t next = 5 * CLK, prev = 0, curr = 0;
    unsigned hits = 0, rounds = 0;

    rig_wr4(r, RTL_TCTR, 0);
    rig_wr4(r, RTL_TIMERINT, next);
    for (unsigned i = 0; i < 20; i++) {
        bench_step(r->b, NS_PER_S);
        curr = rig_rd4(r, RTL_TCTR);
        assert_int_equal(timed_out(r), curr >= next);
        if (curr < next)
            continue;
        ack(r);
        next = curr + 5 * CLK;
        rig_wr4(r, RTL_TIMERINT, next);
        hits++;
    }
    assert_int_equal(hits, 4);
    rig_wr4(r, RTL_TIMERINT, 1);
    for (unsigned i = 0; i < 300; i++) {
        prev = curr;
        bench_step(r->b, NS_PER_S);
        curr = rig_rd4(r, RTL_TCTR);
        assert_int_equal(timed_out(r), curr < prev);
        if (curr < prev) {
            ack(r);
            rounds++;
        }
    }
    assert_int_equal(rounds, 2);
    rig_free(r);
    (void)state;
}

/* Armed or only counting: the same on the other side of a save. */
static void saved(void **state)
{
    for (unsigned armed = 0; armed < 2; armed++) {
        struct rig *r = rig_new();

        bench_step(r->b, 777);
        rig_wr4(r, RTL_TCTR, 0);
        rig_wr4(r, RTL_TIMERINT, 100);
        if (armed)
            rig_wr2(r, RTL_IMR, TIMEOUT);
        for (unsigned i = 1; i < 100; i++) {
            bench_step(r->b, TICK);
            if (i % 10 == 0)
                r = rig_move(r);
            assert_int_equal(rig_rd4(r, RTL_TCTR), i);
            if (i % 7 == 0)
                assert_false(timed_out(r));
        }
        bench_step(r->b, TICK);
        assert_int_equal(rig_irq(r), armed);
        r = rig_move(r);
        assert_int_equal(rig_irq(r), armed);
        assert_true(timed_out(r));
        rig_free(r);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(polled),
        cmocka_unit_test(reached_before_write),
        cmocka_unit_test(interrupts),
        cmocka_unit_test(follows),
        cmocka_unit_test(saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
