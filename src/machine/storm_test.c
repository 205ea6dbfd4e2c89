/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile guest: random accesses over everything that is claimed, config
 * space, moving BARs, string forms, time, DMA into memory full of noise. The
 * sanitizers judge; the bounds on the log and the bookkeeping are checked.
 */
#include "alloc_fixture.h"
#include "storm_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* A viewer: checks what it is shown against the contract of the sink. */
struct looker {
    struct sink sink;
    bool watched, all;
    uint32_t w, h;
    uint8_t *px;
};

static uint8_t *look_resize(void *ctx, uint32_t w, uint32_t h, uint32_t *stride)
{
    struct looker *look = ctx;

    assert_in_range(w, 1, DISPLAY_MAX_W);
    assert_in_range(h, 1, DISPLAY_MAX_H);
    look->w = w;
    look->h = h;
    *stride = w * 4;
    /* its end is the end of the buffer, so that one pixel more is found */
    return look->px + (size_t)4 * (DISPLAY_MAX_W * DISPLAY_MAX_H - w * h);
}

static void look_damage(void *ctx, struct rect area)
{
    struct looker *look = ctx;

    assert_true(area.w > 0 && area.h > 0);
    assert_true(area.x < look->w && area.w <= look->w - area.x);
    assert_true(area.y < look->h && area.h <= look->h - area.y);
}

static const struct sink_ops look_ops = {look_resize, look_damage};

/* Somebody who looks, types and moves the mouse. */
static void one_viewer(struct rig *r, struct prng *p, struct looker *look)
{
    struct display *display = machine_display(r->m);
    struct input *input = machine_input(r->m);

    switch (below(p, 5)) {
    case 4:
        rig_serial_in(r, (uint8_t)below(p, 256), 1 + below(p, 64));
        break;
    case 0:
        look->watched = !look->watched;
        display->ops->watch(display->dev, look->watched);
        look->all = true;
        break;
    case 1:
        if (!look->watched)
            break;
        display->ops->refresh(display->dev, &look->sink, look->all);
        look->all = false;
        break;
    case 2:
        input->ops->key(input->dev, (uint8_t)below(p, 256), below(p, 2));
        break;
    default:
        input->ops->rel(input->dev, (int32_t)value(p), (int32_t)value(p),
                        (int32_t)below(p, 3) - 1, below(p, 32));
        break;
    }
}

static void load_noise(struct rig *r, struct prng *p)
{
    struct dev *d;
    struct err e;

    machine_pause(r->m, true);
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (r->conf.disk[u].blk)
            r->conf.disk[u].blk->ops->drain(r->conf.disk[u].blk);
    for (unsigned i = 0; (d = machine_dev_at(r->m, i)); i++) {
        size_t len = d->ops->state ? state_bytes(d->ops->state) : 0;
        uint8_t *buf = malloc(len + 1);

        assert_non_null(buf);
        if (len) {
            len = state_save(d->ops->state, d, buf);
            for (unsigned n = 0; n < 8; n++)
                buf[below(p, (unsigned)len)] ^= (uint8_t)(1u << below(p, 8));
            (void)state_load(d->ops->state, d, buf, len, &e);
        }
        free(buf);
    }
    machine_pause(r->m, false);
}

static void storm(uint64_t seed, unsigned steps, bool noise)
{
    struct prng p = {seed};
    struct rig *r = rig_new();
    struct looker look = {.sink = {&look_ops, &look}};

    look.px = malloc((size_t)4 * DISPLAY_MAX_W * DISPLAY_MAX_H);
    assert_non_null(look.px);

    rig_start(r);
    for (size_t i = 0; i + 8 <= RIG_RAM_BYTES; i += 8) {
        /* addresses inside RAM, so that PRD tables lead somewhere */
        uint64_t v = draw(&p) & UINT64_C(0x8000fffe007ffffe);

        memcpy(r->b->ram + i, &v, 8);
    }
    rig_firmware(r);
    for (unsigned i = 0; i < steps; i++) {
        if (i % 4096 == 4095) {
            machine_reset_devices(r->m);
            rig_firmware(r);
        }
        if (noise && i % 512 == 511)
            load_noise(r, &p);
        storm_step(r, &p);
        if (i % 64 == 0)
            one_viewer(r, &p, &look);
    }
    free(look.px);
    /* every function is still there under its own name */
    assert_int_equal(rig_cfg(r, 0x00, 0, 4), 0x12378086);
    assert_int_equal(rig_cfg(r, 0x08, 0, 4), 0x70008086);
    assert_int_equal(rig_cfg(r, 0x18, 0, 4), 0x11111234);
    /* 10 lines at once and one a second for each message, all short */
    assert_true(r->b->log.guest_bytes < LOG_GUEST_CAP_BYTES + 1024);
    rig_free(r);
}

static unsigned steps(void)
{
    const char *env = getenv("HVMD_STORM_STEPS");

    return env ? (unsigned)strtoul(env, NULL, 0) : 40000;
}

static void storm_of_accesses(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        storm(seed * UINT64_C(0x9e3779b97f4a7c15), steps(), false);
}

static void storm_of_states(void **state)
{
    for (uint64_t seed = 11; seed <= 12; seed++)
        storm(seed * UINT64_C(0x9e3779b97f4a7c15), steps(), true);
}

/* Rule R9: after start nothing is allocated on behalf of the guest. */
static void no_access_allocates(void **state)
{
    struct prng p = {0x7654321};
    struct rig *r = rig_new();
    void *volatile probe;

    rig_start(r);
    rig_firmware(r);
    alloc_count(true);
    probe = malloc(1);
    assert_int_equal(alloc_seen(), 1); /* the hook works */
    for (unsigned i = 0; i < steps(); i++)
        storm_step(r, &p);
    alloc_count(false);
    assert_int_equal(alloc_seen(), 1);
    free(probe);
    rig_free(r);
}

/* Goal 5: one access costs at most a millisecond or so, whatever it is. */
static void no_access_is_long(void **state)
{
    struct prng p = {0x1234567};
    struct rig *r = rig_new();
    uint64_t worst = 0;

    rig_start(r);
    rig_firmware(r);
    for (unsigned i = 0; i < 20000; i++) {
        struct timespec a, b;
        uint64_t ns;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        storm_step(r, &p);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        ns = (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000u +
             (uint64_t)(b.tv_nsec - a.tv_nsec);
        if (ns > worst)
            worst = ns;
    }
    print_message("worst access: %llu us\n", (unsigned long long)worst / 1000);
    /* generous, since sanitizers and time steps are inside */
    assert_true(worst < 200000000u);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storm_of_accesses),
        cmocka_unit_test(storm_of_states),
        cmocka_unit_test(no_access_is_long),
        cmocka_unit_test(no_access_allocates),
    };

    return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}
