/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keyboard: its commands, the three scan sets, a full queue. */
#include "ps2_test.h"

static void key(struct rig *r, uint8_t code, bool down)
{
    r->in->ops->key(r->in->dev, code, down);
}

/* The table is a permutation of 01..7f, so every key survives both ways. */
static void xlate_round_trip(void **state)
{
    bool seen[128] = {false};

    for (unsigned s = 1; s < 0x80; s++) {
        uint8_t set2 = kbd_set2((uint8_t)s);

        assert_int_not_equal(set2, 0);
        assert_int_equal(ps2_xlate[set2], s);
        assert_false(seen[ps2_xlate[s]]);
        seen[ps2_xlate[s]] = true;
    }
    for (unsigned s = 0x85; s < 0x100; s++)
        assert_int_equal(ps2_xlate[s], s);
    assert_int_equal(ps2_xlate[0x00], 0xff);
    assert_int_equal(ps2_xlate[0x83], 0x41);
    assert_int_equal(ps2_xlate[0x84], 0x54);
    /* A few known by heart: Esc, A, Space, Enter, F1, F12, keypad 5. */
    assert_int_equal(kbd_set2(0x01), 0x76);
    assert_int_equal(kbd_set2(0x1e), 0x1c);
    assert_int_equal(kbd_set2(0x39), 0x29);
    assert_int_equal(kbd_set2(0x1c), 0x5a);
    assert_int_equal(kbd_set2(0x3b), 0x05);
    assert_int_equal(kbd_set2(0x58), 0x07);
    assert_int_equal(kbd_set2(0x4c), 0x73);
}

static void keys_translated(void **state)
{
    struct rig *r = *state;

    for (unsigned c = 1; c < 256; c++) {
        uint8_t base = c & 0x7f;

        if (!base || base == 0x60 || base == 0x61 || base == 0x7f ||
            c == 0xc6 || c == 0xb7)
            continue;
        key(r, (uint8_t)c, true);
        if (c & 0x80)
            assert_int_equal(get(r, false), 0xe0);
        assert_int_equal(get(r, false), base);
        key(r, (uint8_t)c, false);
        if (c & 0x80)
            assert_int_equal(get(r, false), 0xe0);
        assert_int_equal(get(r, false), base | 0x80);
    }
    assert_true(nothing(r));
}

static void keys_not_there(void **state)
{
    struct rig *r = *state;
    static const uint8_t none[] = {0x00, 0x60, 0x61, 0x7f,
                                   0x80, 0xe0, 0xe1, 0xff};

    for (unsigned i = 0; i < sizeof(none); i++) {
        key(r, none[i], true);
        key(r, none[i], false);
    }
    assert_true(nothing(r));
}

static void keys_set2(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, 0);
    key(r, 0x1e, true);
    key(r, 0x1e, false);
    KEYS(r, 0x1c, 0xf0, 0x1c);
    key(r, 0xc8, true);
    key(r, 0xc8, false);
    KEYS(r, 0xe0, 0x75, 0xe0, 0xf0, 0x75);
    key(r, 0x41, true);
    KEYS(r, 0x83);
    key(r, 0xc6, true);
    key(r, 0xc6, false);
    KEYS(r, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
    key(r, 0xb7, true);
    KEYS(r, 0xe0, 0x12, 0xe0, 0x7c);
    key(r, 0xb7, false);
    KEYS(r, 0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12);
}

static void keys_set1(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, 0);
    kbd_send1(r, 0xf0);
    kbd_send1(r, 0x01);
    key(r, 0x1e, true);
    key(r, 0x1e, false);
    KEYS(r, 0x1e, 0x9e);
    key(r, 0x9d, true);
    key(r, 0x9d, false);
    KEYS(r, 0xe0, 0x1d, 0xe0, 0x9d);
    key(r, 0xc6, true);
    KEYS(r, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    key(r, 0xb7, true);
    key(r, 0xb7, false);
    KEYS(r, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
}

static void keys_set3(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, 0);
    kbd_send1(r, 0xf0);
    kbd_send1(r, 0x03);
    kbd_send1(r, 0xf0);
    kbd_send1(r, 0x00);
    assert_int_equal(get(r, false), 3);
    /* Letters repeat and have no break; Shift has one and does not repeat. */
    key(r, 0x1e, true);
    key(r, 0x1e, true);
    key(r, 0x1e, false);
    KEYS(r, 0x1c, 0x1c);
    key(r, 0x2a, true);
    key(r, 0x2a, true);
    key(r, 0x2a, false);
    KEYS(r, 0x12, 0xf0, 0x12);
    /* F1 only has a make. */
    key(r, 0x3b, true);
    key(r, 0x3b, true);
    key(r, 0x3b, false);
    KEYS(r, 0x07);
    key(r, 0xc6, true);
    KEYS(r, 0x62);
    key(r, 0xc8, true);
    KEYS(r, 0x63);
    /* All keys: all three. */
    kbd_send1(r, 0xfa);
    key(r, 0x3b, true);
    key(r, 0x3b, true);
    key(r, 0x3b, false);
    KEYS(r, 0x07, 0x07, 0xf0, 0x07);
    kbd_send1(r, 0xf9);
    key(r, 0x3b, true);
    key(r, 0x3b, true);
    key(r, 0x3b, false);
    KEYS(r, 0x07);
    kbd_send1(r, 0xf8);
    key(r, 0x3b, true);
    key(r, 0x3b, true);
    key(r, 0x3b, false);
    KEYS(r, 0x07, 0xf0, 0x07);
    kbd_send1(r, 0xf7);
    key(r, 0x3b, true);
    key(r, 0x3b, true);
    key(r, 0x3b, false);
    KEYS(r, 0x07, 0x07);
    /* One key make/break, another make only, until a command comes. */
    kbd_send1(r, 0xfc);
    kbd_send1(r, 0x07);
    kbd_send1(r, 0x0f);
    kbd_send1(r, 0xfd);
    kbd_send1(r, 0x17);
    kbd_send1(r, 0xf4);
    key(r, 0x3c, true);
    key(r, 0x3c, false);
    KEYS(r, 0x0f, 0xf0, 0x0f);
    key(r, 0x3d, true);
    key(r, 0x3d, true);
    key(r, 0x3d, false);
    KEYS(r, 0x17);
}

static void keys_repeat(void **state)
{
    struct rig *r = *state;

    key(r, 0x1e, true);
    key(r, 0x1e, true);
    key(r, 0x1e, true);
    key(r, 0x1e, false);
    key(r, 0x1e, false); /* was up already */
    KEYS(r, 0x1e, 0x1e, 0x1e, 0x9e);
    key(r, 0xc6, true);
    key(r, 0xc6, true); /* Pause never repeats */
    KEYS(r, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
}

static void keys_pause_and_print(void **state)
{
    struct rig *r = *state;

    key(r, 0x1d, true);
    key(r, 0xc6, true);
    key(r, 0xc6, false);
    key(r, 0x1d, false);
    KEYS(r, 0x1d, 0xe0, 0x46, 0xe0, 0xc6, 0x9d);
    key(r, 0xb7, true);
    key(r, 0xb7, false);
    KEYS(r, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    key(r, 0x2a, true);
    key(r, 0xb7, true);
    key(r, 0xb7, false);
    key(r, 0x2a, false);
    KEYS(r, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xaa);
    /* SysRq ends as SysRq, though Alt is up by then. */
    key(r, 0xb8, true);
    key(r, 0xb7, true);
    key(r, 0xb8, false);
    key(r, 0xb7, false);
    KEYS(r, 0xe0, 0x38, 0x54, 0xe0, 0xb8, 0xd4);
}

static void queue_overrun(void **state)
{
    struct rig *r = *state;

    /* One is in the output buffer, 16 wait, the next is the overrun. */
    for (uint8_t c = 0; c < 30; c++)
        key(r, 0x10 + c, true);
    for (uint8_t c = 0; c < 17; c++)
        assert_int_equal(get(r, false), 0x10 + c);
    assert_int_equal(get(r, false), 0xff);
    assert_true(nothing(r));
    /* Keys that did not get through have no break either. */
    for (uint8_t c = 17; c < 30; c++)
        key(r, 0x10 + c, false);
    assert_true(nothing(r));
    /* In set 2 the overrun code is 00. */
    cmd1(r, 0x60, 0);
    kbd_send1(r, 0xf4);
    for (uint8_t c = 0; c < 20; c++)
        key(r, 0x10 + c, true);
    for (uint8_t c = 0; c < 17; c++)
        get(r, false);
    assert_int_equal(get(r, false), 0x00);
    assert_true(nothing(r));
}

static void queue_keeps_breaks(void **state)
{
    struct rig *r = *state;
    bool up[17] = {false};
    uint8_t v;

    for (uint8_t c = 0; c < 17; c++)
        key(r, 0x10 + c, true);
    for (uint8_t c = 0; c < 17; c++)
        key(r, 0x10 + c, false); /* no room for any */
    for (uint8_t c = 0; c < 17; c++)
        assert_int_equal(get(r, false), 0x10 + c);
    for (uint8_t c = 0; c < 17; c++) {
        v = get(r, false);
        assert_in_range(v, 0x90, 0xa0);
        assert_false(up[v - 0x90]);
        up[v - 0x90] = true;
    }
    assert_true(nothing(r));
    /* Pressed again while its break was owed: it is down, as one sees. */
    for (uint8_t c = 0; c < 17; c++)
        key(r, 0x10 + c, true);
    key(r, 0x10, false);
    get(r, false);
    for (uint8_t c = 0; c < 30; c++)
        if (!(sts(r) & STS_OBF))
            bench_step(r->b, WIRE_NS);
    key(r, 0x10, true);
    for (uint8_t c = 1; c < 17; c++)
        assert_int_equal(get(r, false), 0x10 + c);
    do
        v = get(r, false);
    while (v == 0xff);
    if (v == 0x90)
        v = get(r, false);
    assert_int_equal(v, 0x10);
    assert_true(nothing(r));
}

static void commands(void **state)
{
    struct rig *r = *state;

    bench_outb(r->b, 0x60, 0xee);
    KEYS(r, 0xee);
    kbd_send1(r, 0xed);
    kbd_send1(r, 0x02);
    assert_int_equal(r->leds, 2);
    kbd_send1(r, 0xed);
    kbd_send1(r, 0xff & 0x05);
    assert_int_equal(r->leds, 5);
    bench_outb(r->b, 0x60, 0xf2);
    KEYS(r, 0xfa, 0xab, 0x41); /* 83 through the translator */
    cmd1(r, 0x60, 0);
    bench_outb(r->b, 0x60, 0xf2);
    KEYS(r, 0xfa, 0xab, 0x83);
    kbd_send1(r, 0xf0);
    kbd_send1(r, 0x00);
    KEYS(r, 0x02);
    kbd_send1(r, 0xf0);
    bench_outb(r->b, 0x60, 0x04);
    KEYS(r, 0xfe);
    kbd_send1(r, 0xf3);
    kbd_send1(r, 0x20);
    assert_int_equal(r->p->r.kbd.rate, 0x20);
    bench_outb(r->b, 0x60, 0xef);
    KEYS(r, 0xfe);
    bench_outb(r->b, 0x60, 0xf1);
    KEYS(r, 0xfe);
    /* A command in place of a parameter is obeyed. */
    kbd_send1(r, 0xed);
    kbd_send1(r, 0xf4);
    bench_outb(r->b, 0x60, 0x05);
    KEYS(r, 0xfe);
    assert_int_equal(r->leds, 5);
    bench_outb(r->b, 0x60, 0xff);
    KEYS(r, 0xfa, 0xaa);
    assert_int_equal(r->leds, 0);
}

static void command_resend(void **state)
{
    struct rig *r = *state;

    key(r, 0x1e, true);
    KEYS(r, 0x1e);
    bench_outb(r->b, 0x60, 0xfe);
    KEYS(r, 0x1e);
    bench_outb(r->b, 0x60, 0xfe);
    KEYS(r, 0x1e);
}

static void commands_scanning(void **state)
{
    struct rig *r = *state;

    kbd_send1(r, 0xf5);
    key(r, 0x1e, true);
    key(r, 0x1e, false);
    assert_true(nothing(r));
    kbd_send1(r, 0xf4);
    key(r, 0x1e, true);
    KEYS(r, 0x1e);
    /* Enable forgets what was queued. */
    key(r, 0x1e, true);
    key(r, 0x1e, true);
    key(r, 0x1e, true);
    assert_int_equal(get(r, false), 0x1e);
    kbd_send1(r, 0xf4);
    assert_true(nothing(r));
    kbd_send1(r, 0xf0);
    kbd_send1(r, 0x01);
    kbd_send1(r, 0xf6);
    assert_int_equal(r->p->r.kbd.set, 2);
    key(r, 0x1e, true);
    KEYS(r, 0x1e);
}

/* An answer goes ahead of keys, and never in the midst of F0 and its key. */
static void answers_first(void **state)
{
    struct rig *r = *state;

    key(r, 0x1e, true);
    key(r, 0x1e, false);
    key(r, 0x1f, true);
    assert_int_equal(get(r, false), 0x1e);
    bench_outb(r->b, 0x60, 0xed);
    assert_int_equal(bench_inb(r->b, 0x60), DEV_ACK);
    bench_outb(r->b, 0x60, 0x01);
    assert_int_equal(bench_inb(r->b, 0x60), DEV_ACK);
    KEYS(r, 0x9e, 0x1f);
}

/* What Linux' driver does to find and set up the keyboard. */
static void linux_probe(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, CCB_XLATE | CCB_KBD_INT | CCB_AUX_INT);
    bench_outb(r->b, 0x60, 0xf2);
    KEYS(r, 0xfa, 0xab, 0x41);
    kbd_send1(r, 0xed);
    kbd_send1(r, 0x00);
    kbd_send1(r, 0xf3);
    kbd_send1(r, 0x00);
    kbd_send1(r, 0xf4);
    key(r, 0x10, true);
    KEYS(r, 0x10);
}

int kbd_run(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(xlate_round_trip),  T(keys_translated),
        T(keys_not_there),    T(keys_set2),
        T(keys_set1),         T(keys_set3),
        T(keys_repeat),       T(keys_pause_and_print),
        T(queue_overrun),     T(queue_keeps_breaks),
        T(commands),          T(command_resend),
        T(commands_scanning), T(answers_first),
        T(linux_probe),
    };
    return cmocka_run_group_tests_name("keyboard", tests, NULL, NULL);
}
