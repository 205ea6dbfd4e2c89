/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Idle is idle: a machine whose guest asks nothing arms no timer, whatever
 * the guest programmed before, so that the process is never woken.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void at_rest(struct rig *r, const char *after)
{
    bench_step(r->b, 2 * NS_PER_S);
    if (clock_next(&r->b->clock) != TIMER_NEVER)
        fail_msg("a timer is armed 2 s after: %s", after);
}

static void program_uart(struct rig *r)
{
    rig_out(r, 0x3fb, 1, 0x83);
    rig_out(r, 0x3f8, 2, 0x0001);
    rig_out(r, 0x3fb, 1, 0x03);
    rig_out(r, 0x3fa, 1, 0xc7);
    rig_out(r, 0x3fc, 1, 0x0b);
    rig_out(r, 0x3f9, 1, 0x0f);
    for (unsigned i = 0; i < 100; i++)
        rig_out(r, 0x3f8, 1, 'a' + i % 26);
    rig_serial_in(r, 'x', 3); /* below the trigger level, never read */
    at_rest(r, "serial port");
    rig_out(r, 0x3fa, 1, 0);
    rig_serial_in(r, 'x', 1);
    at_rest(r, "serial port without FIFO");
}

static void program_ps2(struct rig *r)
{
    struct input *in = machine_input(r->m);

    rig_out(r, 0x64, 1, 0x60);
    rig_out(r, 0x60, 1, 0x47);
    rig_out(r, 0x60, 1, 0xf3); /* typematic */
    rig_out(r, 0x60, 1, 0x00);
    in->ops->key(in->dev, 0x1e, true); /* held, never read */
    at_rest(r, "a key held down");
    while (rig_in(r, 0x64, 1) & 1)
        rig_in(r, 0x60, 1);
    rig_out(r, 0x64, 1, 0xd4);
    rig_out(r, 0x60, 1, 0xf4); /* stream mode */
    at_rest(r, "mouse in stream mode");
    for (unsigned i = 0; i < 10; i++)
        in->ops->rel(in->dev, 3, -2, 1, i & 1);
    at_rest(r, "mouse moved, nobody reads");
    for (unsigned i = 0; i < 300 && rig_in(r, 0x64, 1) & 1; i++) {
        rig_in(r, 0x60, 1);
        bench_step(r->b, 50 * NS_PER_MS);
    }
    at_rest(r, "mouse read");
}

static void ata(struct rig *r, uint8_t feature, uint8_t count, uint8_t cmd)
{
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f1, 1, feature);
    rig_out(r, 0x1f2, 1, count);
    rig_out(r, 0x1f3, 1, 0);
    rig_out(r, 0x1f4, 1, 0x4f);
    rig_out(r, 0x1f5, 1, 0xc2);
    rig_out(r, 0x1f7, 1, cmd);
}

static void program_ide(struct rig *r)
{
    static const uint32_t prd[2] = {0x10000, 0x80000200};

    ata(r, 0, 1, 0xe3); /* IDLE with a standby timer of 5 s */
    bench_step(r->b, 10 * NS_PER_S);
    at_rest(r, "standby timer");
    ata(r, 0xd4, 1, 0xb0); /* SMART: self-test */
    at_rest(r, "SMART self-test");
    ata(r, 0xd8, 0xf1, 0xb0); /* automatic off-line collection */
    at_rest(r, "SMART");
    memcpy(r->b->ram + 0x1000, prd, sizeof(prd));
    rig_out(r, 0xc004, 4, 0x1000);
    ata(r, 0, 1, 0xc8);
    rig_out(r, 0xc000, 1, 9); /* and the bus master is never stopped */
    at_rest(r, "DMA");
    ata(r, 0, 4, 0x20);
    rig_in(r, 0x1f0, 2); /* left in the middle */
    at_rest(r, "PIO");
    rig_out(r, 0x3f6, 1, 4); /* left in reset */
    at_rest(r, "reset");
    rig_out(r, 0x376, 1, 0);
    rig_out(r, 0x176, 1, 0xa0);
    rig_out(r, 0x177, 1, 0xa0); /* a packet that never comes */
    at_rest(r, "packet");
}

static void program_rest(struct rig *r)
{
    struct display *d = machine_display(r->m);

    assert_non_null(d);
    rig_out(r, 0xb2, 1, 0xf1);
    rig_out(r, 0xafe2, 2, 0xffff);
    rig_out(r, 0xb002, 2, 0xffff);
    machine_set_vcpu(r->m, 2, true);
    rig_out(r, 0x378, 1, 0x55);
    rig_out(r, 0x37a, 1, 0x1d);
    rig_out(r, 0x3d4, 2, 0x000a); /* cursor on */
    rig_out(r, 0x1ce, 2, 4);
    rig_out(r, 0x1d0, 2, 0x41);
    for (unsigned port = 0; port < 0x10; port++)
        rig_out(r, (uint16_t)port, 1, 0xff); /* 8237 */
    for (unsigned i = 0; i < 128; i++) {
        rig_out(r, 0x70, 1, i);
        rig_out(r, 0x71, 1, 0xff);
    }
    at_rest(r, "all the others");
}

static void idle(void **state)
{
    struct rig *r = rig_new();

    rig_start(r);
    at_rest(r, "power-on");
    rig_firmware(r);
    at_rest(r, "firmware");
    program_uart(r);
    program_ps2(r);
    program_ide(r);
    program_rest(r);
    rig_out(r, 0x10, 2, 3);
    at_rest(r, "unplug");
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle),
    };

    return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
