/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_signals_end_the_loop(void **state)
{
    static const int sigs[] = {SIGHUP, SIGINT, SIGTERM};
    struct signals s = {.loop = NULL};
    struct loop *loop = loop_new();
    struct err e = {""};

    signals_close(&s); /* of none */
    assert_int_equal(signals_watch(&s, loop, &e), 0);
    raise(SIGPIPE);
    raise(SIGXFSZ);
    for (unsigned i = 0; i < 3; i++) {
        raise(sigs[i]);
        assert_int_equal(loop_run(loop), 0);
    }
    signals_close(&s);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_end_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
