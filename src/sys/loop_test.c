/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hvmd/loop.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct end {
    struct loop *loop;
    struct loop_src src;
    struct loop_src *other;
    int fd;
    unsigned calls, events, stop_at;
    bool read_it;
};

static void on_ready(void *ctx, unsigned events)
{
    struct end *e = ctx;
    char c;

    e->calls++;
    e->events |= events;
    if (e->other)
        loop_del(e->loop, e->other);
    if (e->read_it)
        assert_true(read(e->fd, &c, 1) >= 0);
    if (e->calls == e->stop_at)
        loop_stop(e->loop, 7);
}

static void on_stop(void *ctx)
{
    loop_stop(ctx, 42);
}

static void stop_after(struct loop *l, struct timer *t, uint64_t ns)
{
    timer_init(t, loop_clock(l), on_stop, l);
    timer_set(t, clock_now(loop_clock(l)) + ns);
}

static uint64_t now_ns(struct loop *l)
{
    return clock_now(loop_clock(l));
}

static void test_ready(void **state)
{
    struct loop *l = loop_new();
    struct end e = {.loop = l, .stop_at = 3};
    struct end out = {.loop = l, .stop_at = 1};
    int sv[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    e.fd = sv[0];
    assert_int_equal(loop_add(l, &e.src, sv[0], LOOP_IN, on_ready, &e), 0);
    assert_int_equal(write(sv[1], "x", 1), 1);
    /* Level-triggered: unread input is told again and again. */
    assert_int_equal(loop_run(l), 7);
    assert_int_equal(e.calls, 3);
    assert_int_equal(e.events, LOOP_IN);

    assert_int_equal(loop_add(l, &out.src, sv[1], 0, on_ready, &out), 0);
    loop_want(l, &out.src, LOOP_IN | LOOP_OUT);
    loop_want(l, &e.src, 0);
    assert_int_equal(loop_run(l), 7);
    assert_int_equal(out.events, LOOP_OUT);
    assert_int_equal(e.calls, 3);

    /* The end of the peer is told though nothing is wanted. */
    loop_del(l, &out.src);
    loop_del(l, &out.src);
    close(sv[1]);
    e.events = 0;
    e.stop_at = 4;
    assert_int_equal(loop_run(l), 7);
    assert_true(e.events & LOOP_HUP);
    assert_false(e.events & LOOP_IN);
    loop_del(l, &e.src);
    close(sv[0]);
    loop_free(l);
}

/* Two sources ready in one batch, each deleting the other: one is called. */
static void test_delete_in_callback(void **state)
{
    struct loop *l = loop_new();
    struct end a = {.loop = l, .stop_at = 1}, b = {.loop = l, .stop_at = 1};
    struct timer t;
    int round;

    for (round = 0; round < 2; round++) {
        a.fd = eventfd(1, EFD_NONBLOCK);
        b.fd = eventfd(1, EFD_NONBLOCK);
        a.calls = b.calls = 0;
        a.stop_at = b.stop_at = 0;
        a.read_it = b.read_it = false;
        a.other = &b.src;
        b.other = &a.src;
        assert_int_equal(loop_add(l, &a.src, a.fd, LOOP_IN, on_ready, &a), 0);
        assert_int_equal(loop_add(l, &b.src, b.fd, LOOP_IN, on_ready, &b), 0);
        stop_after(l, &t, 2 * NS_PER_MS);
        assert_int_equal(loop_run(l), 42);
        assert_true((a.calls == 0) != (b.calls == 0));
        loop_del(l, &a.src);
        loop_del(l, &b.src);
        close(a.fd);
        close(b.fd);
    }
    /* A source that deletes itself. */
    a.fd = eventfd(1, EFD_NONBLOCK);
    a.other = &a.src;
    a.calls = 0;
    assert_int_equal(loop_add(l, &a.src, a.fd, LOOP_IN, on_ready, &a), 0);
    stop_after(l, &t, 2 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    assert_int_equal(a.calls, 1);
    close(a.fd);
    loop_free(l);
}

static void test_regular_file(void **state)
{
    struct loop *l = loop_new();
    struct loop_src src;
    FILE *f = tmpfile();

    assert_non_null(f);
    assert_int_equal(loop_add(l, &src, fileno(f), LOOP_IN, on_ready, NULL),
                     -EPERM);
    assert_false(src.added);
    loop_del(l, &src);
    loop_want(l, &src, LOOP_OUT);
    assert_int_equal(loop_add(l, &src, -1, LOOP_IN, on_ready, NULL), -EBADF);
    fclose(f);
    loop_free(l);
}

/* An edge is told once; a further change is told though nobody read. */
static void test_edge(void **state)
{
    struct loop *l = loop_new();
    struct end e = {.loop = l};
    struct timer t;

    e.fd = eventfd(1, EFD_NONBLOCK);
    assert_int_equal(
        loop_add(l, &e.src, e.fd, LOOP_IN | LOOP_EDGE, on_ready, &e), 0);
    stop_after(l, &t, 3 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    assert_int_equal(e.calls, 1);
    assert_int_equal(eventfd_write(e.fd, 1), 0);
    stop_after(l, &t, 3 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    assert_int_equal(e.calls, 2);
    loop_del(l, &e.src);
    close(e.fd);
    loop_free(l);
}

static void test_timers(void **state)
{
    struct loop *l = loop_new();
    struct clock vm;
    struct timer host_t, vm_t;
    uint64_t t0 = now_ns(l), took;

    clock_init_monotonic(&vm);
    loop_serve(l, &vm);
    stop_after(l, &host_t, 3 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    took = now_ns(l) - t0;
    assert_in_range(took, 3 * NS_PER_MS, 20 * NS_PER_S);

    timer_init(&vm_t, &vm, on_stop, l);
    timer_set(&vm_t, clock_now(&vm) + 700 * NS_PER_US);
    t0 = now_ns(l);
    assert_int_equal(loop_run(l), 42);
    assert_in_range(now_ns(l) - t0, 600 * NS_PER_US, 20 * NS_PER_S);

    /* A paused VM clock is not waited for; the host's goes on. */
    timer_set(&vm_t, clock_now(&vm) + NS_PER_MS);
    clock_pause(&vm, true);
    t0 = now_ns(l);
    stop_after(l, &host_t, 5 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    assert_in_range(now_ns(l) - t0, 5 * NS_PER_MS, 20 * NS_PER_S);
    assert_true(timer_armed(&vm_t));
    clock_pause(&vm, false);
    assert_int_equal(loop_run(l), 42);
    assert_false(timer_armed(&vm_t));
    loop_free(l);
}

struct work {
    struct loop *loop;
    uint64_t left, done, at_event, max_gap_ns, last_ns;
    int fd;
};

static bool find_work(void *ctx)
{
    struct work *w = ctx;

    if (!w->left)
        return false;
    w->left--;
    w->done++;
    return true;
}

static void on_event(void *ctx, unsigned events)
{
    struct work *w = ctx;

    w->at_event = w->done;
    loop_stop(w->loop, 1);
}

/* Endless work may not starve descriptors or timers. */
static void test_poll_fair(void **state)
{
    struct loop *l = loop_new();
    struct work w = {.loop = l, .left = UINT64_MAX};
    struct loop_src src;
    struct timer t;
    uint64_t t0;

    w.fd = eventfd(1, EFD_NONBLOCK);
    loop_poll(l, find_work, &w);
    assert_int_equal(loop_add(l, &src, w.fd, LOOP_IN, on_event, &w), 0);
    assert_int_equal(loop_run(l), 1);
    assert_in_range(w.at_event, 1, 64);
    loop_del(l, &src);

    t0 = now_ns(l);
    stop_after(l, &t, 2 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    assert_in_range(now_ns(l) - t0, 2 * NS_PER_MS, 20 * NS_PER_S);

    /* Work that ends lets the loop sleep and the timer wake it. */
    w.left = 1000;
    w.done = 0;
    do {
        stop_after(l, &t, 2 * NS_PER_MS);
        assert_int_equal(loop_run(l), 42);
    } while (w.left);
    assert_int_equal(w.done, 1000);
    close(w.fd);
    loop_free(l);
}

static bool count_turn(void *ctx)
{
    ((struct work *)ctx)->done++;
    return false;
}

/* An idle loop sleeps: a turn for the event, none in between. */
static void test_sleeps(void **state)
{
    struct loop *l = loop_new();
    struct work w = {.loop = l};
    struct timer t;

    loop_poll(l, count_turn, &w);
    stop_after(l, &t, 30 * NS_PER_MS);
    assert_int_equal(loop_run(l), 42);
    assert_in_range(w.done, 1, 3);
    loop_free(l);
}

static bool slow_work(void *ctx)
{
    struct work *w = ctx;
    uint64_t t0 = now_ns(w->loop);

    while (now_ns(w->loop) - t0 < 100 * NS_PER_US)
        ;
    w->done++;
    return true;
}

/* Slow hits: the turn of the others comes by time, not by number. */
static void test_poll_slow(void **state)
{
    struct loop *l = loop_new();
    struct work w = {.loop = l};
    struct loop_src src;

    w.fd = eventfd(1, EFD_NONBLOCK);
    loop_poll(l, slow_work, &w);
    assert_int_equal(loop_add(l, &src, w.fd, LOOP_IN, on_event, &w), 0);
    assert_int_equal(loop_run(l), 1);
    assert_in_range(w.at_event, 1, 16);
    close(w.fd);
    loop_free(l);
}

struct put_off {
    struct loop *loop;
    struct clock vm;
    struct timer t;
    unsigned asked, done;
};

static void on_put_off(void *ctx)
{
    struct put_off *p = ctx;

    assert_int_equal(++p->done, p->asked);
}

static bool put_off_work(void *ctx)
{
    struct put_off *p = ctx;

    assert_int_equal(p->done, p->asked); /* that of the request before */
    if (p->asked == 20) {
        loop_stop(p->loop, 3);
        return false;
    }
    p->asked++;
    timer_set(&p->t, 0);
    return true;
}

/* A timer at 0 fires between a request and the next. */
static void test_put_off(void **state)
{
    struct put_off p = {.loop = loop_new()};

    clock_init_monotonic(&p.vm);
    timer_init(&p.t, &p.vm, on_put_off, &p);
    loop_serve(p.loop, &p.vm);
    loop_poll(p.loop, put_off_work, &p);
    assert_int_equal(loop_run(p.loop), 3);
    assert_int_equal(p.done, 20);
    loop_free(p.loop);
}

static bool stop_work(void *ctx)
{
    loop_stop(ctx, 9);
    return true;
}

static void test_stop(void **state)
{
    struct loop *l = loop_new();

    loop_stop(l, 5);
    assert_int_equal(loop_run(l), 5);
    loop_poll(l, stop_work, l);
    assert_int_equal(loop_run(l), 9);
    loop_free(l);
}

static void on_again(void *ctx)
{
    struct timer *t = ctx;

    timer_set(t, t->when_ns == TIMER_NEVER ? 0 : t->when_ns);
}

/* A timer that re-arms itself for now cannot lock out descriptors. */
static void test_timer_storm(void **state)
{
    struct loop *l = loop_new();
    struct work w = {.loop = l};
    struct loop_src src;
    struct timer t;

    timer_init(&t, loop_clock(l), on_again, &t);
    timer_set(&t, 0);
    w.fd = eventfd(1, EFD_NONBLOCK);
    assert_int_equal(loop_add(l, &src, w.fd, LOOP_IN, on_event, &w), 0);
    assert_int_equal(loop_run(l), 1);
    timer_cancel(&t);
    close(w.fd);
    loop_free(l);
}

static int without_pwait2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};
    struct loop *l = loop_new();
    struct timespec ts = {0, 1};
    struct work w = {.loop = l};
    struct timer t;
    uint64_t t0;
    unsigned i;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
        return 77;
    if (syscall(__NR_epoll_pwait2, -1, NULL, 1, &ts, NULL, 0) == 0 ||
        errno != ENOSYS)
        return 77;
    loop_poll(l, count_turn, &w);
    for (i = 0; i < 5; i++) {
        t0 = now_ns(l);
        stop_after(l, &t, 1500 * NS_PER_US);
        if (loop_run(l) != 42)
            return 1;
        if (now_ns(l) - t0 < 1500 * NS_PER_US)
            return 2;
    }
    loop_free(l);
    return w.done > 20 ? 3 : 0; /* a turn or two each, no spinning */
}

/* Before Linux 5.11 time-outs are whole milliseconds, rounded up. */
static void test_old_kernel(void **state)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(without_pwait2());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_delete_in_callback),
        cmocka_unit_test(test_regular_file),
        cmocka_unit_test(test_edge),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_poll_fair),
        cmocka_unit_test(test_poll_slow),
        cmocka_unit_test(test_put_off),
        cmocka_unit_test(test_sleeps),
        cmocka_unit_test(test_old_kernel),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_timer_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
