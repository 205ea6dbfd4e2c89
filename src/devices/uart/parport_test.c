/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uart_test.h"

static uint8_t in(struct rig *r, unsigned reg)
{
    return bench_inb(r->b, (uint16_t)(LPT + reg));
}

static void out(struct rig *r, unsigned reg, uint8_t v)
{
    bench_outb(r->b, (uint16_t)(LPT + reg), v);
}

static void print(struct rig *r, uint8_t c, uint8_t irqen)
{
    out(r, LPT_DATA, c);
    out(r, LPT_CONTROL, 0x0c | irqen | LPT_C_STROBE);
    out(r, LPT_CONTROL, 0x0c | irqen);
}

/* How firmware and Linux find the port, and that it has no reverse mode. */
static void probes(void **state)
{
    struct rig *r = *state;
    static const uint8_t pattern[] = {0x00, 0xff, 0x55, 0xaa};

    assert_int_equal(in(r, LPT_CONTROL) & 0x0f, 0x0c);
    out(r, LPT_CONTROL, 0x0c);
    assert_int_equal(in(r, LPT_CONTROL) & 0x0f, 0x0c);
    out(r, LPT_CONTROL, 0x0e);
    assert_int_equal(in(r, LPT_CONTROL) & 0x0f, 0x0e);
    out(r, LPT_CONTROL, 0x0c | 0x20);
    for (unsigned i = 0; i < sizeof(pattern); i++) {
        out(r, LPT_DATA, pattern[i]);
        assert_int_equal(in(r, LPT_DATA), pattern[i]);
    }
    assert_int_equal(in(r, LPT_STATUS), 0xdf);
    out(r, LPT_STATUS, 0);
    assert_int_equal(in(r, LPT_STATUS), 0xdf);
}

static void printing(void **state)
{
    struct rig *r = *state;

    print(r, 'a', 0);
    print(r, 'b', 0);
    assert_int_equal(r->lpt_len, 2);
    assert_memory_equal(r->lpt_out, "ab", 2);
    assert_int_equal(bench_rises(r->b, 7), 0);
    /* Strobe is an edge. */
    out(r, LPT_CONTROL, 0x0d);
    out(r, LPT_CONTROL, 0x0d);
    assert_int_equal(r->lpt_len, 3);
    /* An edge for each byte, also when nobody reads the status. */
    print(r, 'c', LPT_C_IRQEN);
    print(r, 'd', LPT_C_IRQEN);
    assert_true(bench_rises(r->b, 7) >= 2);
    assert_int_equal(r->b->isa_level[7], 1);
    in(r, LPT_STATUS);
    assert_int_equal(r->b->isa_level[7], 0);
}

static void busy(void **state)
{
    struct rig *r = *state;

    r->lpt_accept = 0;
    print(r, 'a', LPT_C_IRQEN);
    assert_int_equal(in(r, LPT_STATUS) & LPT_S_READY, 0);
    print(r, 'b', LPT_C_IRQEN); /* too early: not taken */
    assert_int_equal(bench_rises(r->b, 7), 0);
    r->lpt_accept = 10;
    r->lpt_chr.tx_ready(r->lpt_chr.dev);
    assert_int_equal(bench_rises(r->b, 7), 1);
    assert_int_equal(in(r, LPT_STATUS) & LPT_S_READY, LPT_S_READY);
    r->lpt_chr.tx_ready(r->lpt_chr.dev);
    assert_int_equal(r->lpt_len, 1);
    assert_int_equal(r->lpt_out[0], 'a');
    /* INIT ends what the printer was doing. */
    r->lpt_accept = 0;
    print(r, 'c', 0);
    out(r, LPT_CONTROL, 0x08);
    assert_int_equal(in(r, LPT_STATUS) & LPT_S_READY, LPT_S_READY);
}

static void parport_state(void **state)
{
    struct rig *r = *state;
    const struct state_desc *s = parport_ops.state;
    uint8_t buf[16];
    struct err e;

    assert_true(state_covers(s));
    assert_int_equal(state_bytes(s), 5);
    r->lpt_accept = 0;
    print(r, 'q', LPT_C_IRQEN);
    state_save(s, r->lpt, buf);
    r->lpt->ops->reset(r->lpt, RESET_POWER);
    assert_int_equal(in(r, LPT_STATUS), 0xdf);
    r->lpt_accept = 1;
    assert_int_equal(state_load(s, r->lpt, buf, 5, &e), 0);
    assert_int_equal(r->lpt_len, 1);
    assert_int_equal(r->lpt_out[0], 'q');
    assert_int_equal(r->b->isa_level[7], 1);
    buf[1] = 0x40;
    assert_true(state_load(s, r->lpt, buf, 5, &e) < 0);
}

static void no_printer(void **state)
{
    struct rig *r = *state;
    struct conf c = {0};
    struct err e;
    struct dev *d;

    assert_null(dev_new(&parport_ops, &r->b->env, 1, &c, &e));
    assert_non_null(strstr(e.text, "0x378"));
    conf_set_num(&c, "base", 0x278);
    conf_set_num(&c, "irq", 5);
    d = dev_new(&parport_ops, &r->b->env, 1, &c, &e);
    assert_non_null(d);
    bench_outb(r->b, 0x278, 'x');
    bench_outb(r->b, 0x27a, 0x0c | LPT_C_STROBE | LPT_C_IRQEN);
    assert_int_equal(bench_rises(r->b, 5), 1);
    assert_int_equal(bench_inb(r->b, 0x279), 0xdf);
    dev_free(d);
}

int parport_run(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {T(probes), T(printing), T(busy),
                                       T(parport_state), T(no_printer)};

    return cmocka_run_group_tests_name("parport", tests, NULL, NULL);
}
