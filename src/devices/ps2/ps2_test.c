/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The controller, the set-up of the tests, saving and hostile input. */
#include "ps2_test.h"

#include <errno.h>
#include <hvmd/machine.h>
#include <stdlib.h>

static void leds(void *ctx, uint8_t v)
{
    struct rig *r = ctx;

    r->leds = v;
    r->leds_calls++;
}

int rig_setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct err e;

    assert_non_null(r);
    r->b = bench_new(1 << 16);
    r->dev = dev_new(&ps2_ops, &r->b->env, 0, NULL, &e);
    assert_non_null(r->dev);
    r->p = (struct ps2 *)r->dev;
    r->in = ps2_input(r->dev);
    r->in->leds = leds;
    r->in->leds_ctx = r;
    *state = r;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *r = *state;

    dev_free(r->dev);
    bench_free(r->b);
    free(r);
    return 0;
}

void cmd(struct rig *r, uint8_t c)
{
    bench_outb(r->b, 0x64, c);
}

void cmd1(struct rig *r, uint8_t c, uint8_t val)
{
    cmd(r, c);
    bench_outb(r->b, 0x60, val);
}

uint8_t sts(struct rig *r)
{
    return bench_inb(r->b, 0x64);
}

uint8_t get(struct rig *r, bool aux)
{
    for (unsigned i = 0; i < 50 && !(sts(r) & STS_OBF); i++)
        bench_step(r->b, NS_PER_MS);
    assert_true(sts(r) & STS_OBF);
    assert_int_equal(!!(sts(r) & STS_AUXB), aux);
    return bench_inb(r->b, 0x60);
}

bool nothing(struct rig *r)
{
    bench_step(r->b, NS_PER_S);
    return !(sts(r) & STS_OBF);
}

void kbd_expect(struct rig *r, unsigned n, const uint8_t *want)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(get(r, false), want[i]);
    assert_true(nothing(r));
}

void kbd_send1(struct rig *r, uint8_t v)
{
    bench_outb(r->b, 0x60, v);
    assert_int_equal(get(r, false), DEV_ACK);
}

void aux_send1(struct rig *r, uint8_t v)
{
    cmd1(r, 0xd4, v);
    assert_int_equal(get(r, true), DEV_ACK);
}

static void ctl_self_tests(void **state)
{
    struct rig *r = *state;

    assert_false(sts(r) & (STS_OBF | STS_SYS));
    cmd(r, 0xaa);
    assert_int_equal(sts(r), STS_OBF | STS_SYS | STS_CMD | STS_INH);
    assert_int_equal(get(r, false), 0x55);
    cmd(r, 0xab);
    assert_int_equal(get(r, false), 0x00);
    cmd(r, 0xa9);
    assert_int_equal(get(r, false), 0x00);
    cmd(r, 0xa4);
    assert_int_equal(get(r, false), 0xf1);
    cmd(r, 0xc0);
    assert_int_equal(get(r, false), P1_IDLE);
    cmd(r, 0xe0);
    assert_int_equal(get(r, false), 3);
    cmd(r, 0xad);
    cmd(r, 0xe0);
    assert_int_equal(get(r, false), 2);
    cmd(r, 0x99); /* none: no answer, and it is counted */
    assert_true(nothing(r));
    assert_int_equal(r->dev->mistakes, 1);
}

static void ctl_ram(void **state)
{
    struct rig *r = *state;

    for (uint8_t i = 0; i < 32; i++)
        cmd1(r, 0x60 + i, (uint8_t)(0xc0 ^ (i * 7)));
    for (uint8_t i = 0; i < 32; i++) {
        cmd(r, 0x20 + i);
        assert_int_equal(get(r, false), (uint8_t)(0xc0 ^ (i * 7)));
    }
    /* The A2 flag tells which port was written last. */
    cmd(r, 0x60);
    assert_true(sts(r) & STS_CMD);
    bench_outb(r->b, 0x60, CTR_NORMAL);
    assert_false(sts(r) & STS_CMD);
    assert_true(sts(r) & STS_SYS);
    /* A new command takes the place of one that waits for its byte. */
    cmd(r, 0x60);
    cmd(r, 0x20);
    assert_int_equal(get(r, false), CTR_NORMAL);
    bench_outb(r->b, 0x60, 0xee);
    assert_int_equal(get(r, false), 0xee); /* went to the keyboard */
}

static void ctl_enable_bits(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint8_t cmd, bits;
    } step[] = {{0xa7, CCB_AUX_DIS},
                {0xad, CCB_AUX_DIS | CCB_KBD_DIS},
                {0xa8, CCB_KBD_DIS},
                {0xae, 0}};

    for (unsigned i = 0; i < 4; i++) {
        cmd(r, step[i].cmd);
        cmd(r, 0x20);
        assert_int_equal(get(r, false) & (CCB_AUX_DIS | CCB_KBD_DIS),
                         step[i].bits);
    }
    /* Writing to a device enables it. */
    cmd(r, 0xad);
    cmd(r, 0xa7);
    kbd_send1(r, 0xf4);
    aux_send1(r, 0xf4);
    cmd(r, 0x20);
    assert_int_equal(get(r, false) & (CCB_AUX_DIS | CCB_KBD_DIS), 0);
}

static void ctl_disabled_keeps_bytes(void **state)
{
    struct rig *r = *state;

    cmd(r, 0xad);
    r->in->ops->key(r->in->dev, 0x1e, true);
    assert_true(nothing(r));
    cmd(r, 0xae);
    KEYS(r, 0x1e);
    aux_send1(r, 0xf4);
    cmd(r, 0xa7);
    r->in->ops->rel(r->in->dev, 1, 0, 0, 0);
    assert_true(nothing(r));
    cmd(r, 0xa8);
    assert_int_equal(get(r, true), 0x08);
    assert_int_equal(get(r, true), 1);
    assert_int_equal(get(r, true), 0);
}

static void ctl_output_port(void **state)
{
    struct rig *r = *state;

    cmd(r, 0xd0);
    assert_int_equal(get(r, false), P2_RESET | P2_A20);
    cmd(r, 0xdd);
    cmd(r, 0xd0);
    assert_int_equal(get(r, false), P2_RESET);
    cmd(r, 0xdf);
    cmd(r, 0xd0);
    assert_int_equal(get(r, false), P2_RESET | P2_A20);
    cmd1(r, 0xd1, 0xcd);
    cmd(r, 0xd0);
    assert_int_equal(get(r, false), 0xcd);
    /* It shows whose byte waits. */
    cmd1(r, 0xd2, 0x42);
    cmd(r, 0xd0);
    assert_int_equal(get(r, false), 0xcd | P2_KBD_OBF);
    cmd1(r, 0xd3, 0x42);
    cmd(r, 0xd0);
    assert_int_equal(get(r, false), 0xcd | P2_AUX_OBF);
    assert_int_equal(r->b->shutdown, -1);
}

static void ctl_poll_input(void **state)
{
    struct rig *r = *state;

    cmd(r, 0xc1);
    assert_int_equal(sts(r) & 0xf0, P1_IDLE << 4 & 0xf0);
    cmd(r, 0xc2);
    assert_int_equal(sts(r) & 0xf0, P1_IDLE & 0xf0);
    cmd(r, 0xae);
    assert_int_equal(sts(r) & 0xf0, STS_INH);
}

static void ctl_reset_line(void **state)
{
    struct rig *r = *state;

    for (unsigned c = 0xf0; c <= 0xff; c++) {
        r->b->shutdown = -1;
        cmd(r, (uint8_t)c);
        assert_int_equal(r->b->shutdown, c & 1 ? -1 : HV_REBOOT);
    }
    r->b->shutdown = -1;
    cmd1(r, 0xd1, 0x02);
    assert_int_equal(r->b->shutdown, HV_REBOOT);
}

struct fake_machine {
    struct machine_head head;
    unsigned resets;
};

static int requested(struct machine *m, enum machine_event e)
{
    if (e == MACHINE_RESET)
        ((struct fake_machine *)m)->resets++;
    return 0;
}

/* With a machine it is the machine that tells the hypervisor. */
static void ctl_reset_machine(void **state)
{
    struct rig *r = *state;
    struct fake_machine m = {.head.request = requested};

    r->dev->env.machine = (struct machine *)&m;
    cmd(r, 0xfe);
    assert_int_equal(m.resets, 1);
    assert_int_equal(r->b->shutdown, -1);
}

static void ctl_ports_taken(void **state)
{
    struct rig *r = *state;
    struct err e;

    assert_null(dev_new(&ps2_ops, &r->b->env, 1, NULL, &e));
    assert_non_null(strstr(e.text, "keyboard controller"));
}

static void ctl_password_swallowed(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0xa5, 0x12);
    bench_outb(r->b, 0x60, 0xff); /* not the keyboard's reset */
    bench_outb(r->b, 0x60, 0x00);
    cmd(r, 0xa6);
    assert_true(nothing(r));
    bench_outb(r->b, 0x60, 0xee);
    assert_int_equal(get(r, false), 0xee);
}

/* How Linux finds the mouse port and that its interrupt arrives. */
static void ctl_linux_aux_probe(void **state)
{
    struct rig *r = *state;
    static const uint8_t mux[] = {0xf0, 0x56, 0xa4};

    cmd1(r, 0x60, CCB_XLATE | CCB_KBD_DIS | CCB_AUX_DIS);
    cmd1(r, 0xd3, 0x5a);
    assert_int_equal(get(r, true), 0x5a);
    cmd(r, 0xa7);
    cmd(r, 0x20);
    assert_true(get(r, false) & CCB_AUX_DIS);
    cmd(r, 0xa8);
    cmd(r, 0x20);
    assert_false(get(r, false) & CCB_AUX_DIS);
    /* No active multiplexer: all three come back. */
    for (unsigned i = 0; i < 3; i++) {
        cmd1(r, 0xd3, mux[i]);
        assert_int_equal(get(r, true), mux[i]);
    }
    assert_int_equal(bench_rises(r->b, 12), 0);
    cmd1(r, 0x60, CCB_XLATE | CCB_KBD_DIS | CCB_AUX_INT);
    cmd1(r, 0xd3, 0xa5);
    assert_int_equal(bench_rises(r->b, 12), 1);
    assert_int_equal(r->b->isa_level[12], 1);
    assert_int_equal(get(r, true), 0xa5);
    assert_int_equal(r->b->isa_level[12], 0);
    assert_int_equal(bench_rises(r->b, 1), 0);
}

/* How SeaBIOS brings up the controller and the keyboard. */
static void ctl_seabios_init(void **state)
{
    struct rig *r = *state;

    cmd(r, 0xad);
    cmd(r, 0xa7);
    assert_false(sts(r) & STS_OBF);
    cmd(r, 0xaa);
    assert_int_equal(get(r, false), 0x55);
    cmd(r, 0xab);
    assert_int_equal(get(r, false), 0x00);
    cmd1(r, 0x60, CCB_KBD_DIS | CCB_AUX_DIS);
    cmd1(r, 0x60, CCB_AUX_DIS);
    bench_outb(r->b, 0x60, 0xff);
    assert_int_equal(get(r, false), DEV_ACK);
    assert_int_equal(get(r, false), DEV_BAT_OK);
    kbd_send1(r, 0xf5);
    kbd_send1(r, 0xf0);
    kbd_send1(r, 0x02);
    cmd1(r, 0x60, CCB_AUX_DIS | CCB_XLATE | CCB_KBD_INT);
    kbd_send1(r, 0xf4);
    bench_rises(r->b, 1);
    r->in->ops->key(r->in->dev, 0x1c, true);
    assert_int_equal(bench_rises(r->b, 1), 1);
    KEYS(r, 0x1c);
}

static void ctl_irq_edges(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, CTR_NORMAL);
    r->in->ops->key(r->in->dev, 0x9c, true); /* two bytes */
    assert_int_equal(bench_rises(r->b, 1), 1);
    assert_int_equal(bench_inb(r->b, 0x60), 0xe0);
    assert_int_equal(r->b->isa_level[1], 0);
    /* The next one takes its time on the cable, then a new edge. */
    assert_false(sts(r) & STS_OBF);
    bench_step(r->b, WIRE_NS - 1);
    assert_false(sts(r) & STS_OBF);
    bench_step(r->b, 1);
    assert_int_equal(bench_rises(r->b, 1), 1);
    assert_int_equal(bench_inb(r->b, 0x60), 0x1c);
    bench_step(r->b, NS_PER_S);
    assert_int_equal(bench_rises(r->b, 1), 0);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    /* Enabling the interrupt with a byte waiting raises it. */
    cmd1(r, 0x60, 0);
    r->in->ops->key(r->in->dev, 0x1e, true);
    assert_int_equal(bench_rises(r->b, 1), 0);
    cmd1(r, 0x60, CTR_NORMAL);
    assert_int_equal(bench_rises(r->b, 1), 1);
    /* Reading an empty buffer gives the old byte and disturbs nothing. */
    assert_int_equal(bench_inb(r->b, 0x60), 0x1c);
    assert_int_equal(bench_inb(r->b, 0x60), 0x1c);
    assert_int_equal(r->b->isa_level[1], 0);
}

/* A key that is waiting when the driver asks the controller something. */
static void ctl_answer_before_key(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, CTR_NORMAL);
    r->in->ops->key(r->in->dev, 0x1e, true);
    assert_int_equal(bench_rises(r->b, 1), 1);
    cmd(r, 0x20);
    assert_int_equal(bench_rises(r->b, 1), 1);
    assert_int_equal(bench_inb(r->b, 0x60), CTR_NORMAL);
    assert_int_equal(bench_rises(r->b, 1), 1); /* the key again */
    assert_int_equal(bench_inb(r->b, 0x60), 0x1e);
    assert_true(nothing(r));
    /* An answer nobody fetched gives way to the next. */
    cmd(r, 0xc0);
    cmd(r, 0x20);
    assert_int_equal(get(r, false), CTR_NORMAL);
    assert_true(nothing(r));
}

static void ctl_two_devices(void **state)
{
    struct rig *r = *state;

    cmd1(r, 0x60, CTR_NORMAL);
    aux_send1(r, 0xf4);
    r->in->ops->rel(r->in->dev, 5, 0, 0, 0);
    r->in->ops->key(r->in->dev, 0x10, true);
    assert_int_equal(get(r, true), 0x08);
    /* The mouse's cable is busy, the keyboard's is not. */
    assert_int_equal(get(r, false), 0x10);
    assert_int_equal(get(r, true), 5);
    assert_int_equal(get(r, true), 0);
    assert_true(nothing(r));
}

/* Linux empties at most 16 bytes before it probes, 50 us apart. */
static void ctl_flush_ends(void **state)
{
    struct rig *r = *state;
    unsigned n = 0;

    for (uint8_t c = 0x10; c < 0x30; c++)
        r->in->ops->key(r->in->dev, c, true);
    while ((sts(r) & STS_OBF) && n < 100) {
        bench_step(r->b, 50 * NS_PER_US);
        bench_inb(r->b, 0x60);
        n++;
    }
    assert_in_range(n, 1, 15);
}

static void ctl_wide_access(void **state)
{
    struct rig *r = *state;

    bench_outw(r->b, 0x60, 0xffee); /* 0x61 is nobody's */
    assert_int_equal(bench_inw(r->b, 0x60), 0xffee);
    assert_int_equal(bench_inl(r->b, 0x64) & 0xffffff00, 0xffffff00);
}

static void ctl_reset_state(void **state)
{
    struct rig *r = *state;
    struct ps2_regs fresh = r->p->r;

    cmd1(r, 0x60, CTR_NORMAL);
    aux_send1(r, 0xf4);
    kbd_send1(r, 0xed);
    kbd_send1(r, 0x07);
    for (uint8_t c = 1; c < 60; c++) {
        r->in->ops->key(r->in->dev, c, true);
        r->in->ops->rel(r->in->dev, c, c, c, c & 3);
    }
    assert_int_equal(r->b->isa_level[1], 1);
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_int_equal(r->b->isa_level[1], 0);
    assert_int_equal(r->leds, 0);
    assert_memory_equal(&fresh, &r->p->r, sizeof(fresh));
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
}

/* Saves r and puts it in a new device on the same ports. */
static void move(struct rig *r)
{
    size_t n = state_bytes(&ps2_state);
    uint8_t *buf = malloc(n);
    struct err e;

    state_save(&ps2_state, r->dev, buf);
    dev_free(r->dev);
    bus_unmap(&r->b->bus, SPACE_PIO, 0x60);
    bus_unmap(&r->b->bus, SPACE_PIO, 0x64);
    r->dev = dev_new(&ps2_ops, &r->b->env, 0, NULL, &e);
    assert_non_null(r->dev);
    r->p = (struct ps2 *)r->dev;
    r->in = ps2_input(r->dev);
    assert_int_equal(state_load(&ps2_state, r->dev, buf, n, &e), 0);
    free(buf);
}

static void state_mid_sequence(void **state)
{
    struct rig *r = *state;
    static const uint8_t want[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};

    assert_true(state_covers(&ps2_state));
    for (unsigned cut = 0; cut < sizeof(want); cut++) {
        cmd1(r, 0x60, CTR_NORMAL);
        r->in->ops->key(r->in->dev, 0xc6, true);
        for (unsigned i = 0; i < sizeof(want); i++) {
            if (i == cut)
                move(r);
            assert_int_equal(r->b->isa_level[1], i == 0 || i == cut);
            assert_int_equal(get(r, false), want[i]);
        }
        r->in->ops->key(r->in->dev, 0xc6, false);
        assert_true(nothing(r));
    }
    /* In the midst of a command with a parameter, of either device. */
    kbd_send1(r, 0xf0);
    move(r);
    kbd_send1(r, 0x01);
    aux_send1(r, 0xe8);
    move(r);
    aux_send1(r, 0x03);
    assert_int_equal(r->p->r.kbd.set, 1);
    assert_int_equal(r->p->r.aux.resolution, 3);
    cmd(r, 0xd4);
    move(r);
    bench_outb(r->b, 0x60, 0xf2);
    assert_int_equal(get(r, true), DEV_ACK);
    assert_int_equal(get(r, true), 0);
}

/* CVE-2017-16845: queue positions of a saved state are checked. */
static void cve_2017_16845_saved_queue_positions(void **state)
{
    struct rig *r = *state;
    size_t n = state_bytes(&ps2_state);
    uint8_t *good = malloc(n), *bad = malloc(n);
    unsigned taken = 0, refused = 0;
    struct err e;

    state_save(&ps2_state, r->dev, good);
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bad, good, n);
            bad[i] ^= (uint8_t)(1u << bit);
            if (state_load(&ps2_state, r->dev, bad, n, &e) < 0) {
                refused++;
                continue;
            }
            taken++;
            r->in->ops->key(r->in->dev, 0xc6, true);
            r->in->ops->rel(r->in->dev, 9, 9, 9, 31);
            for (unsigned k = 0; k < 6; k++) {
                bench_step(r->b, WIRE_NS);
                bench_inb(r->b, 0x60);
                bench_outb(r->b, 0x60, 0xfe);
            }
            cmd1(r, 0xd4, 0xfe);
        }
    }
    assert_true(refused > 100 && taken > 1000);
    assert_true(state_load(&ps2_state, r->dev, good, n - 1, &e) < 0);
    free(good);
    free(bad);
}

/* Values that fit their field, but that no guest can set. */
static void state_no_guest_makes(void **state)
{
    struct rig *r = *state;
    struct ps2_regs *p = &r->p->r, good = *p;
    size_t n = state_bytes(&ps2_state);
    uint8_t *buf = malloc(n);
    struct err e;

    for (unsigned i = 0; i < 8; i++) {
        *p = good;
        p->kbd.set = i == 0 ? 0 : 1;
        p->aux.id = i == 1 ? 1 : i == 2 ? 2 : 3;
        p->aux.rate = i == 3 ? 9 : 10;
        p->aux.dx = i == 4 ? AUX_COUNT_MAX + 1 : AUX_COUNT_MAX;
        p->aux.dy = 0u - (i == 5 ? AUX_COUNT_MAX + 1 : AUX_COUNT_MAX);
        p->aux.dz = i == 6 ? 0x80000000u : 0;
        state_save(&ps2_state, r->dev, buf);
        assert_int_equal(state_load(&ps2_state, r->dev, buf, n, &e),
                         i < 7 ? -EINVAL : 0);
    }
    free(buf);
}

/* Any bytes from the guest and any input: bounded, and it still works. */
static void hammer(void **state)
{
    struct rig *r = *state;
    uint32_t x = 12345;

    for (unsigned i = 0; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        switch (x >> 29) {
        case 0:
            cmd(r, (uint8_t)(x >> 8));
            break;
        case 1:
        case 2:
            bench_outb(r->b, 0x60, (uint8_t)(x >> 8));
            break;
        case 3:
            bench_inb(r->b, 0x60);
            break;
        case 4:
            r->in->ops->key(r->in->dev, (uint8_t)(x >> 8), x >> 16 & 1);
            break;
        case 5:
            r->in->ops->rel(r->in->dev, (int32_t)(x << 3), (int32_t)(x << 7),
                            (int32_t)x, x >> 5);
            break;
        case 6:
            cmd1(r, 0xd4, (uint8_t)(x >> 8));
            break;
        default:
            bench_step(r->b, x & 0xfffff);
        }
        assert_true(r->p->r.kbd.out.len <= KBD_QUEUE + 1);
        assert_true(r->p->r.aux.out.len <= AUX_QUEUE);
        assert_true(r->p->r.kbd.reply.len <= REPLY_MAX);
        assert_true(r->p->r.aux.reply.len <= REPLY_MAX);
    }
    cmd1(r, 0x60, CTR_NORMAL);
    cmd(r, 0xaa);
    assert_int_equal(bench_inb(r->b, 0x60), 0x55);
    bench_outb(r->b, 0x60, 0xff);
    for (unsigned i = 0; i < 100; i++)
        if (get(r, sts(r) & STS_AUXB) == DEV_BAT_OK)
            return;
    fail();
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(ctl_self_tests),       T(ctl_ram),
        T(ctl_enable_bits),      T(ctl_disabled_keeps_bytes),
        T(ctl_output_port),      T(ctl_poll_input),
        T(ctl_reset_line),       T(ctl_reset_machine),
        T(ctl_ports_taken),      T(ctl_password_swallowed),
        T(ctl_linux_aux_probe),  T(ctl_seabios_init),
        T(ctl_irq_edges),        T(ctl_answer_before_key),
        T(ctl_two_devices),      T(ctl_flush_ends),
        T(ctl_wide_access),      T(ctl_reset_state),
        T(state_mid_sequence),   T(cve_2017_16845_saved_queue_positions),
        T(state_no_guest_makes), T(hammer),
    };
    int failed;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed + kbd_run() + mouse_run();
}
