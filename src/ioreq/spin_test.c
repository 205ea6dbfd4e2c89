/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "spin.h"

#include <cmocka.h>

static void window_follows_what_a_call_costs(void **s)
{
    struct spin sp = {0};

    spin_cost(&sp, 100);
    assert_int_equal(sp.open_ns, SPIN_LEAST_NS);
    for (int i = 0; i < 100; i++)
        spin_cost(&sp, 20000);
    assert_in_range(sp.open_ns, 159000, 160000);
    for (int i = 0; i < 100; i++)
        spin_cost(&sp, UINT32_MAX);
    assert_int_equal(sp.open_ns, SPIN_MOST_NS);
}

static void opens_when_looking_would_have_paid(void **s)
{
    struct spin sp = {.open_ns = 50000};

    spin_miss(&sp, 1000);
    spin_woken(&sp, 1000 + 50000); /* too late for the window */
    assert_int_equal(sp.window_ns, 0);
    spin_woken(&sp, 1000 + 49999);
    assert_int_equal(sp.window_ns, 50000);
}

static void closes_when_it_does_not_pay(void **s)
{
    struct spin sp = {.open_ns = 40000};
    unsigned looks = 0;

    spin_hit(&sp);
    while (sp.window_ns && looks < 100) {
        spin_miss(&sp, looks);
        looks++;
    }
    assert_int_equal(sp.window_ns, 0);
    assert_in_range(looks, SPIN_FAILS, 5 * SPIN_FAILS);
    /* and stays closed for a slow guest */
    for (unsigned i = 0; i < 10; i++) {
        spin_miss(&sp, i * 1000000);
        spin_woken(&sp, i * 1000000 + 900000);
        assert_int_equal(sp.window_ns, 0);
    }
}

/* Requests that come only while we sleep: looking must not go on for ever. */
static void a_guest_on_our_cpu_ends_the_looking(void **s)
{
    struct spin sp = {.open_ns = 100000};
    unsigned vain = 0;

    for (unsigned i = 0; i < 10000; i++) {
        if (sp.window_ns)
            vain++;
        spin_miss(&sp, i);
        spin_woken(&sp, i + 10);
    }
    assert_in_range(vain, 1, 400);
    while (!sp.window_ns) {
        spin_miss(&sp, 0);
        spin_woken(&sp, 10);
    }
    spin_hit(&sp); /* it has a CPU of its own now */
    assert_int_equal(sp.closes, 0);
    assert_int_equal(sp.rest, 0);
}

static void a_hit_forgives_misses(void **s)
{
    struct spin sp = {.open_ns = 40000};

    spin_hit(&sp);
    for (unsigned i = 0; i < 100; i++) {
        spin_miss(&sp, i);
        spin_hit(&sp);
    }
    assert_int_equal(sp.window_ns, 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_follows_what_a_call_costs),
        cmocka_unit_test(opens_when_looking_would_have_paid),
        cmocka_unit_test(closes_when_it_does_not_pay),
        cmocka_unit_test(a_guest_on_our_cpu_ends_the_looking),
        cmocka_unit_test(a_hit_forgives_misses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
