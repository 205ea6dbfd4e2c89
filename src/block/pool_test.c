/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pool.h"

#include <hvmd/loop.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define REQS 256

/* A disk that counts, and notes what its worker saw. */
struct fake {
    struct pool_disk d;
    struct loop *loop;
    struct blk_req req[REQS];
    uint64_t order[REQS]; /* finished, by number */
    unsigned finished, resubmit;
    atomic_uint worked, signals_open;
    unsigned sleep_us;
    bool inside; /* a submit */
};

static int fake_work(struct blk_req *r)
{
    struct fake *f = (struct fake *)r->blk;
    sigset_t set;

    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (!sigismember(&set, SIGTERM) || !sigismember(&set, SIGXFSZ))
        atomic_fetch_add(&f->signals_open, 1);
    if (f->sleep_us)
        usleep(f->sleep_us);
    atomic_fetch_add(&f->worked, 1);
    return -(int)(r->off_bytes % 3);
}

static void fake_submit(struct fake *f, unsigned i)
{
    f->req[i].blk = &f->d.blk;
    f->req[i].off_bytes = i;
    f->d.in_flight++;
    f->inside = true;
    pool_submit(f->d.pool, &f->req[i]);
    f->inside = false;
}

static void fake_finish(struct blk_req *r, int err)
{
    struct fake *f = (struct fake *)r->blk;

    assert_false(f->inside);
    assert_int_equal(err, -(int)(r->off_bytes % 3));
    f->order[f->finished % REQS] = r->off_bytes;
    f->finished++;
    f->d.in_flight--;
    if (f->resubmit) {
        f->resubmit--;
        fake_submit(f, (unsigned)r->off_bytes);
    } else if (!f->d.in_flight)
        loop_stop(f->loop, 0);
}

static struct fake *fake_new(struct loop *l, struct pool *p)
{
    struct fake *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->d.pool = p;
    f->d.work = fake_work;
    f->d.finish = fake_finish;
    f->loop = l;
    return f;
}

static void test_lazy_threads(void **state)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);
    struct fake *f = fake_new(l, p);
    unsigned i;

    assert_int_equal(pool_live(p), 0);
    fake_submit(f, 5);
    assert_int_equal(pool_live(p), 1);
    loop_run(l);
    assert_int_equal(f->finished, 1);
    assert_int_equal(f->order[0], 5);

    /* Slow ones side by side need the second worker, but no third. */
    f->sleep_us = 2000;
    for (i = 0; i < 8; i++)
        fake_submit(f, i);
    assert_int_equal(pool_live(p), 2);
    loop_run(l);
    assert_int_equal(f->finished, 9);
    assert_int_equal(atomic_load(&f->signals_open), 0);
    pool_free(p);
    free(f);
    loop_free(l);
}

/* One worker: first in, first out. */
static void test_order(void **state)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 1);
    struct fake *f = fake_new(l, p);
    unsigned i;

    for (i = 0; i < REQS; i++)
        fake_submit(f, i);
    loop_run(l);
    assert_int_equal(f->finished, REQS);
    for (i = 0; i < REQS; i++)
        assert_int_equal(f->order[i], i);
    pool_free(p);
    free(f);
    loop_free(l);
}

static void test_stress(void **state)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 4);
    struct fake *f = fake_new(l, p);
    unsigned i;

    f->resubmit = 20000;
    for (i = 0; i < REQS; i++)
        fake_submit(f, i);
    loop_run(l);
    assert_int_equal(f->finished, 20000 + REQS);
    assert_int_equal(atomic_load(&f->worked), 20000 + REQS);
    pool_free(p);
    free(f);
    loop_free(l);
}

static void test_wait(void **state)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);
    struct fake *f = fake_new(l, p);
    unsigned i, round;

    for (round = 0; round < 50; round++) {
        f->sleep_us = round % 2 ? 100 : 0;
        for (i = 0; i < 20; i++)
            fake_submit(f, i);
        while (f->d.in_flight)
            pool_wait(p);
        assert_int_equal(f->finished, 20 * (round + 1));
    }
    /* Stale rings of the bell do no harm to a later turn of the loop. */
    f->sleep_us = 1000;
    fake_submit(f, 1);
    loop_stop(l, 0);
    loop_run(l);
    loop_run(l);
    assert_int_equal(f->finished, 1001);
    pool_free(p);
    free(f);
    loop_free(l);
}

static void wait_live(struct pool *p, unsigned want)
{
    unsigned ms;

    for (ms = 0; pool_live(p) != want && ms < 5000; ms++)
        usleep(1000);
    assert_int_equal(pool_live(p), want);
}

/* Idle workers end and come back; kept ones stay. */
static void test_idle(void **state)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);
    struct fake *f = fake_new(l, p);
    unsigned i, round;

    pool_set_idle(p, 10);
    f->sleep_us = 500;
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 4; i++)
            fake_submit(f, i);
        loop_run(l);
        wait_live(p, 0);
    }
    assert_int_equal(pool_keep(p), 0);
    assert_int_equal(pool_live(p), 2);
    usleep(50000);
    assert_int_equal(pool_live(p), 2);
    fake_submit(f, 2);
    loop_run(l);
    assert_int_equal(f->finished, 13);
    pool_free(p);
    free(f);
    loop_free(l);
}

/* Told to rest, workers end at once or with their work; the next one starts. */
static void test_rest(void **state)
{
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);
    struct fake *f = fake_new(l, p);
    unsigned round;

    pool_set_idle(p, 3600000);
    pool_rest(p);
    f->sleep_us = 500;
    for (round = 1; round <= 200; round++) {
        fake_submit(f, 0);
        fake_submit(f, 1);
        if (round % 3 == 0)
            pool_rest(p); /* while they work */
        loop_run(l);
        assert_int_equal(f->finished, round * 2);
        if (round % 3 == 1)
            pool_rest(p);
    }
    pool_rest(p);
    wait_live(p, 0);
    assert_int_equal(pool_keep(p), 0);
    pool_rest(p);
    usleep(20000);
    assert_int_equal(pool_live(p), 2);
    pool_free(p);
    free(f);
    loop_free(l);
}

static int without_threads(void)
{
    struct rlimit none = {0, 0};
    struct loop *l = loop_new();
    struct pool *p = pool_new(l, 2);
    struct fake *f = fake_new(l, p);
    unsigned i;

    if (setresuid(65534, 65534, 65534) < 0 ||
        setrlimit(RLIMIT_NPROC, &none) < 0)
        return 2;
    for (i = 0; i < 10; i++)
        fake_submit(f, i);
    if (pool_live(p))
        return 3;
    if (f->finished)
        return 4;
    loop_run(l);
    i = f->finished;
    pool_free(p);
    free(f);
    loop_free(l);
    return i == 10 ? 0 : 5;
}

/* No thread to be had: the work is done all the same. */
static void test_no_threads(void **state)
{
    int status;
    pid_t pid;

    if (getuid() != 0)
        skip();
    pid = fork();
    if (pid == 0)
        _exit(without_threads());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lazy_threads), cmocka_unit_test(test_order),
        cmocka_unit_test(test_stress),       cmocka_unit_test(test_wait),
        cmocka_unit_test(test_idle),         cmocka_unit_test(test_rest),
        cmocka_unit_test(test_no_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
