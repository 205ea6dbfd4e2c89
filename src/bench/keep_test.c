/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keep.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Out of the compiler's sight: it knows what malloc() and free() do. */
static void *(*volatile take)(size_t) = malloc;
static void *(*volatile take_zero)(size_t, size_t) = calloc;
static void (*volatile give)(void *) = free;

/* A world of three blocks: bytes, zeros, and pages of which one is zero. */
struct world {
    struct keep keep;
    uint8_t *some, *zero, *pages;
};

#define SOME  100u
#define PAGES (3 * KEEP_PAGE + 100)

static void make(struct world *w)
{
    keep_record(&w->keep);
    w->some = take(SOME);
    w->zero = take_zero(10, 10);
    w->pages = take(PAGES);
    memset(w->some, 1, SOME);
    memset(w->pages, 2, PAGES);
    memset(w->pages + KEEP_PAGE, 0, KEEP_PAGE);
    keep_image(&w->keep);
}

static void unmake(struct world *w)
{
    give(w->some);
    give(w->zero);
    give(w->pages);
    assert_true(keep_end(&w->keep));
}

static void test_each_byte_comes_back(void **state)
{
    static const size_t at[] = {
        0,        KEEP_PAGE - 1, KEEP_PAGE, 2 * KEEP_PAGE - 1, 3 * KEEP_PAGE,
        PAGES - 1};
    struct world w;

    make(&w);
    assert_true(keep_same(&w.keep));
    for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        uint8_t was = w.pages[at[i]];

        w.pages[at[i]] = 3;
        w.some[SOME - 1] = 4;
        w.zero[99] = 5;
        assert_false(keep_same(&w.keep));
        keep_back(&w.keep);
        assert_int_equal(w.pages[at[i]], was);
        assert_int_equal(w.some[SOME - 1], 1);
        assert_int_equal(w.zero[99], 0);
        assert_true(keep_same(&w.keep));
    }
    unmake(&w);
}

static void test_what_was_freed_comes_back(void **state)
{
    struct world w;

    make(&w);
    memset(w.some, 9, SOME);
    give(w.some);
    give(w.zero);
    keep_back(&w.keep);
    assert_int_equal(w.some[0], 1);
    assert_int_equal(w.zero[0], 0);
    assert_true(keep_same(&w.keep));
    give(w.some); /* and may be freed again */
    keep_back(&w.keep);
    unmake(&w);
}

static void test_what_set_up_freed_is_no_part(void **state)
{
    struct keep k;
    void *a, *b;

    keep_record(&k);
    a = take(10);
    b = take(20);
    give(a);
    keep_image(&k);
    assert_int_equal(k.n, 1);
    assert_int_equal(k.block[0].bytes, 20);
    give(b);
    assert_true(keep_end(&k));
}

static void test_what_an_input_takes_is_counted(void **state)
{
    struct world w;
    void *p;

    make(&w);
    p = take(1);
    assert_int_equal(w.keep.more, 1);
    give(NULL);
    assert_int_equal(w.keep.more, 1);
    give(p);
    assert_int_equal(w.keep.more, 0);
    keep_current(NULL); /* nobody's */
    p = take(1);
    give(p);
    assert_int_equal(w.keep.more, 0);
    keep_current(&w.keep);
    unmake(&w);
}

static void test_the_end_tells_what_is_left(void **state)
{
    struct world w;
    void *p;

    make(&w);
    give(w.some);
    give(w.zero);
    assert_false(keep_end(&w.keep)); /* pages */

    make(&w);
    p = take(1);
    give(w.some);
    give(w.zero);
    give(w.pages);
    assert_false(keep_end(&w.keep)); /* p */
    give(p);
}

static void test_only_wet_pages_are_looked_at(void **state)
{
    struct keep k;
    uint8_t *pages, *wet;

    keep_record(&k);
    pages = take_zero(1, PAGES);
    wet = take(4);
    keep_wet(&k, pages, wet);
    assert_int_equal(wet[0] | wet[1] | wet[2] | wet[3], 0);
    pages[KEEP_PAGE] = 7;
    keep_image(&k);

    pages[0] = pages[KEEP_PAGE] = pages[PAGES - 1] = 1;
    wet[1] = wet[3] = 1;
    keep_back(&k);
    assert_int_equal(pages[0], 1); /* nobody said so */
    assert_int_equal(pages[KEEP_PAGE], 7);
    assert_int_equal(pages[PAGES - 1], 0);
    assert_int_equal(wet[1] | wet[3], 0);
    assert_false(keep_same(&k)); /* which all is compared for */
    wet[0] = 1;
    keep_back(&k);
    assert_true(keep_same(&k));
    give(pages);
    give(wet);
    assert_true(keep_end(&k));
}

static void free_twice(struct world *w)
{
    give(w->some);
    give(w->some);
}

static void back_with_more(struct world *w)
{
    if (take(1))
        keep_back(&w->keep);
}

static void assert_abort(void (*f)(struct world *))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        const struct rlimit none = {0, 0};
        struct world w;

        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL); /* not cmocka's */
        make(&w);
        f(&w);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_mistakes_are_finds(void **state)
{
    assert_abort(free_twice);
    assert_abort(back_with_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_comes_back),
        cmocka_unit_test(test_what_was_freed_comes_back),
        cmocka_unit_test(test_what_set_up_freed_is_no_part),
        cmocka_unit_test(test_what_an_input_takes_is_counted),
        cmocka_unit_test(test_the_end_tells_what_is_left),
        cmocka_unit_test(test_only_wet_pages_are_looked_at),
        cmocka_unit_test(test_mistakes_are_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
