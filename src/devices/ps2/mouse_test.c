/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mouse: its commands, identities, packets and counters. */
#include "ps2_test.h"

static void rel(struct rig *r, int32_t dx, int32_t dy, int32_t dz, unsigned btn)
{
    r->in->ops->rel(r->in->dev, dx, dy, dz, btn);
}

static void expect(struct rig *r, unsigned n, const uint8_t *want)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(get(r, true), want[i]);
    assert_true(nothing(r));
}
#define BYTES(r, ...)                                                          \
    expect(r, sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

static void ask(struct rig *r, uint8_t v)
{
    cmd1(r, 0xd4, v);
}

static void rate(struct rig *r, uint8_t v)
{
    aux_send1(r, 0xf3);
    aux_send1(r, v);
}

static void wheel_mouse(struct rig *r, uint8_t id)
{
    rate(r, 200);
    rate(r, id == 4 ? 200 : 100);
    rate(r, 80);
    ask(r, 0xf2);
    BYTES(r, 0xfa, id);
}

static void commands(void **state)
{
    struct rig *r = *state;

    ask(r, 0xff);
    BYTES(r, 0xfa, 0xaa, 0x00);
    ask(r, 0xf2);
    BYTES(r, 0xfa, 0x00);
    ask(r, 0xe9);
    BYTES(r, 0xfa, 0x00, 0x02, 100);
    aux_send1(r, 0xe7);
    aux_send1(r, 0xe8);
    aux_send1(r, 0x01);
    rate(r, 40);
    aux_send1(r, 0xf4);
    rel(r, 0, 0, 0, BTN_BIT_LEFT | BTN_BIT_MIDDLE);
    BYTES(r, 0x0d, 0, 0);
    ask(r, 0xe9);
    BYTES(r, 0xfa, 0x20 | 0x10 | 0x04 | 0x02, 0x01, 40);
    aux_send1(r, 0xf0);
    ask(r, 0xe9);
    BYTES(r, 0xfa, 0x40 | 0x20 | 0x10 | 0x04 | 0x02, 0x01, 40);
    aux_send1(r, 0xf6);
    ask(r, 0xe9);
    BYTES(r, 0xfa, 0x04 | 0x02, 0x02, 100);
    /* What no mouse has, and parameters out of range. */
    ask(r, 0xe1);
    BYTES(r, 0xfe);
    ask(r, 0xfa);
    BYTES(r, 0xfe);
    aux_send1(r, 0xe8);
    ask(r, 0x04);
    BYTES(r, 0xfe);
    aux_send1(r, 0xf3);
    ask(r, 0);
    BYTES(r, 0xfe);
    assert_int_equal(r->p->r.aux.rate, 100);
}

static void wrap_mode(void **state)
{
    struct rig *r = *state;

    aux_send1(r, 0xf4);
    aux_send1(r, 0xee);
    ask(r, 0xf2);
    BYTES(r, 0xf2);
    ask(r, 0x12);
    BYTES(r, 0x12);
    rel(r, 1, 1, 0, 0);
    assert_true(nothing(r));
    aux_send1(r, 0xec);
    rel(r, 1, 0, 0, 0);
    BYTES(r, 0x08, 1, 0);
    aux_send1(r, 0xee);
    ask(r, 0xff);
    BYTES(r, 0xfa, 0xaa, 0x00);
}

static void packets(void **state)
{
    struct rig *r = *state;

    rel(r, 10, 10, 0, 1); /* not reporting: nothing */
    rel(r, 0, 0, 0, 0);
    assert_true(nothing(r));
    aux_send1(r, 0xf4); /* and it begins from zero */
    assert_true(nothing(r));
    rel(r, 3, -4, 0, 0); /* pixels go down, the mouse's y up */
    BYTES(r, 0x08, 3, 4);
    rel(r, -1, 255, 0, 0);
    BYTES(r, 0x08 | 0x10 | 0x20, 0xff, 0x01);
    rel(r, 0, 0, 0, BTN_BIT_RIGHT);
    BYTES(r, 0x0a, 0, 0);
    rel(r, 0, 0, 0, BTN_BIT_RIGHT | BTN_BIT_SIDE); /* has no such button */
    assert_true(nothing(r));
    rel(r, 0, 0, 5, BTN_BIT_RIGHT); /* nor a wheel */
    assert_true(nothing(r));
    rel(r, 0, 0, 0, 0);
    BYTES(r, 0x08, 0, 0);
}

static void large_motion(void **state)
{
    struct rig *r = *state;
    int sum = 0, n;
    uint8_t head;

    aux_send1(r, 0xf4);
    rel(r, -1000, 0, 0, 0);
    for (n = 0; n < 4; n++) {
        head = get(r, true);
        assert_int_equal(head & ~0x10, 0x08);
        sum += get(r, true) - (head & 0x10 ? 256 : 0);
        assert_int_equal(get(r, true), 0);
    }
    assert_int_equal(sum, -1000);
    assert_true(nothing(r));
    /* Beyond the counters motion is lost, and the packet says so. */
    rel(r, 0x7fffffff, 0, 0, 0);
    rel(r, 0x7fffffff, (int32_t)0x80000000, 0, 0);
    head = get(r, true);
    assert_int_equal(head & 0x40, 0x40);
    for (sum = get(r, true), get(r, true); !nothing(r);) {
        head = get(r, true);
        sum += get(r, true);
        get(r, true);
    }
    assert_int_equal(sum, 255 + AUX_COUNT_MAX); /* the first went out */
}

static void motion_adds_up(void **state)
{
    struct rig *r = *state;

    aux_send1(r, 0xf4);
    for (unsigned i = 0; i < 50; i++)
        rel(r, 1, 0, 0, 0);
    assert_int_equal(get(r, true), 0x08);
    assert_int_equal(get(r, true), 1); /* the first was on its way */
    assert_int_equal(get(r, true), 0);
    BYTES(r, 0x08, 49, 0);
}

static void sampling_rate(void **state)
{
    struct rig *r = *state;
    unsigned packets_n = 0;

    rate(r, 10);
    aux_send1(r, 0xf4);
    for (unsigned ms = 0; ms < 1000; ms++) {
        rel(r, 1, 0, 0, 0);
        bench_step(r->b, NS_PER_MS);
        if (sts(r) & STS_OBF) {
            for (unsigned i = 0; i < 3; i++)
                get(r, true);
            packets_n++;
        }
    }
    assert_in_range(packets_n, 9, 11);
    /* Buttons do not wait. */
    rel(r, 0, 0, 0, 1);
    assert_true(sts(r) & STS_OBF);
    while (sts(r) & STS_OBF) {
        get(r, true);
        bench_step(r->b, WIRE_NS);
    }
}

static void clicks_not_lost(void **state)
{
    struct rig *r = *state;
    unsigned presses = 0, last = 0, v;

    aux_send1(r, 0xf4);
    for (unsigned i = 0; i < 100; i++) { /* nobody reads meanwhile */
        rel(r, 0, 0, 0, BTN_BIT_LEFT);
        rel(r, 0, 0, 0, 0);
    }
    assert_true(r->p->r.aux.out.len <= AUX_QUEUE);
    for (;;) {
        bench_step(r->b, 20 * NS_PER_MS);
        if (!(sts(r) & STS_OBF))
            break;
        v = get(r, true) & 1;
        get(r, true);
        get(r, true);
        presses += v && !last;
        last = v;
    }
    assert_in_range(presses, 2, 4);
    assert_int_equal(last, 0);
}

static void scaling(void **state)
{
    struct rig *r = *state;
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 100, 200};
    static const uint8_t out[] = {1, 1, 3, 6, 9, 12, 200, 255};

    aux_send1(r, 0xe7);
    aux_send1(r, 0xf4);
    for (unsigned i = 0; i < sizeof(in); i++) {
        rel(r, in[i], in[i], 0, 0);
        BYTES(r, 0x28, out[i], (uint8_t)-out[i]);
    }
    aux_send1(r, 0xe6);
    rel(r, 4, 0, 0, 0);
    BYTES(r, 0x08, 4, 0);
    /* Read Data does not scale. */
    aux_send1(r, 0xe7);
    aux_send1(r, 0xf0);
    rel(r, 4, 0, 0, 0);
    ask(r, 0xeb);
    BYTES(r, 0xfa, 0x08, 4, 0);
}

static void remote_mode(void **state)
{
    struct rig *r = *state;

    aux_send1(r, 0xf0);
    rel(r, 7, 0, 0, BTN_BIT_MIDDLE);
    assert_true(nothing(r));
    ask(r, 0xeb);
    BYTES(r, 0xfa, 0x0c, 7, 0);
    ask(r, 0xeb);
    BYTES(r, 0xfa, 0x0c, 0, 0);
    aux_send1(r, 0xea);
    aux_send1(r, 0xf4);
    rel(r, 1, 0, 0, BTN_BIT_MIDDLE);
    BYTES(r, 0x0c, 1, 0);
}

static void wheel(void **state)
{
    struct rig *r = *state;

    wheel_mouse(r, 3);
    aux_send1(r, 0xf4);
    rel(r, 0, 0, 1, 0); /* up is negative on the wire */
    BYTES(r, 0x08, 0, 0, 0xff);
    rel(r, 0, 0, -2, BTN_BIT_LEFT);
    BYTES(r, 0x09, 0, 0, 2);
    rel(r, 0, 0, -9, BTN_BIT_LEFT);
    BYTES(r, 0x09, 0, 0, 7, 0x09, 0, 0, 2);
}

static void five_buttons(void **state)
{
    struct rig *r = *state;

    wheel_mouse(r, 3);
    wheel_mouse(r, 4);
    aux_send1(r, 0xf4);
    rel(r, 0, 0, 0, BTN_BIT_SIDE);
    BYTES(r, 0x08, 0, 0, 0x10);
    rel(r, 0, 0, 1, BTN_BIT_EXTRA);
    BYTES(r, 0x08, 0, 0, 0x2f);
    ask(r, 0xff);
    BYTES(r, 0xfa, 0xaa, 0x00);
    ask(r, 0xf2);
    BYTES(r, 0xfa, 0x00);
}

static void resend(void **state)
{
    struct rig *r = *state;

    ask(r, 0xf2);
    BYTES(r, 0xfa, 0x00);
    ask(r, 0xfe);
    BYTES(r, 0xfa, 0x00);
    aux_send1(r, 0xf4);
    rel(r, 9, 0, 0, 0);
    BYTES(r, 0x08, 9, 0);
    ask(r, 0xfe);
    BYTES(r, 0x08, 9, 0);
}

/* A command in the midst of a packet drops the rest, not the button. */
static void command_breaks_packet(void **state)
{
    struct rig *r = *state;

    aux_send1(r, 0xf4);
    rel(r, 0, 0, 0, BTN_BIT_RIGHT);
    assert_int_equal(get(r, true), 0x0a);
    ask(r, 0xf2);
    assert_int_equal(get(r, true), 0xfa);
    assert_int_equal(get(r, true), 0x00);
    BYTES(r, 0x0a, 0, 0);
}

/* The probes of Linux' driver for other mice must fail as on a plain one. */
static void linux_probe(void **state)
{
    struct rig *r = *state;

    ask(r, 0xf2);
    BYTES(r, 0xfa, 0x00);
    ask(r, 0xf6);
    BYTES(r, 0xfa);
    for (unsigned i = 0; i < 4; i++) { /* Synaptics: identify */
        aux_send1(r, 0xe8);
        aux_send1(r, 0x00);
    }
    ask(r, 0xe9);
    BYTES(r, 0xfa, 0x00, 0x00, 100);
    aux_send1(r, 0xe8);
    aux_send1(r, 0x03);
    for (unsigned i = 0; i < 3; i++) /* Genius, Elantech */
        aux_send1(r, 0xe6);
    ask(r, 0xe9);
    BYTES(r, 0xfa, 0x00, 0x03, 100);
    ask(r, 0xff);
    BYTES(r, 0xfa, 0xaa, 0x00);
    wheel_mouse(r, 3);
    wheel_mouse(r, 4);
    rate(r, 100);
    aux_send1(r, 0xe8);
    aux_send1(r, 0x03);
    aux_send1(r, 0xe6);
    aux_send1(r, 0xf4);
    rel(r, 1, -1, 0, 0);
    BYTES(r, 0x08, 1, 1, 0);
}

int mouse_run(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(commands),
        T(wrap_mode),
        T(packets),
        T(large_motion),
        T(motion_adds_up),
        T(sampling_rate),
        T(clicks_not_lost),
        T(scaling),
        T(remote_mode),
        T(wheel),
        T(five_buttons),
        T(resend),
        T(command_breaks_packet),
        T(linux_probe),
    };
    return cmocka_run_group_tests_name("mouse", tests, NULL, NULL);
}
