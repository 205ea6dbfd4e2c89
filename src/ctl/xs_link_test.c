/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches without a thread, and what a xenstored out of its mind may send. */
#include "xs_fake.h"
#include "xs_link.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include <cmocka.h>

struct bed {
    struct xs_fake *f;
    struct loop *loop;
    struct log log;
    struct xs_link *x;
    struct timer end;
    unsigned events, values, lines;
    char event[512], value[512], line[512];
    bool echo; /* each event reads its node */
};

static void on_line(void *ctx, const char *line, size_t len)
{
    struct bed *b = ctx;

    b->lines++;
    snprintf(b->line, sizeof(b->line), "%.*s", (int)len, line);
}

static void on_value(void *ctx, const char *path, const char *value)
{
    struct bed *b = ctx;

    b->values++;
    snprintf(b->value, sizeof(b->value), "%s=%s", path,
             value ? value : "(none)");
}

static void on_event(void *ctx, const char *path, const char *token)
{
    struct bed *b = ctx;

    b->events++;
    snprintf(b->event, sizeof(b->event), "%s %s", token, path);
    if (b->echo)
        assert_int_equal(xs_link_read(b->x, path, on_value), 0);
}

static void on_end(void *ctx)
{
    loop_stop(((struct bed *)ctx)->loop, 0);
}

static int setup(void **state)
{
    struct bed *b = test_calloc(1, sizeof(*b));
    struct err e;

    signal(SIGPIPE, SIG_IGN);
    b->f = xs_fake_new();
    b->loop = loop_new();
    b->log = (struct log){.write = on_line, .ctx = b};
    timer_init(&b->end, loop_clock(b->loop), on_end, b);
    b->x = xs_link_open(b->loop, on_event, b, &b->log, &e);
    assert_non_null(b->x);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;

    xs_link_close(b->x);
    timer_cancel(&b->end);
    loop_free(b->loop);
    xs_fake_free(b->f);
    test_free(b);
    return 0;
}

static void run_ms(struct bed *b, unsigned ms)
{
    timer_set(&b->end, clock_now(loop_clock(b->loop)) + ms * NS_PER_MS);
    loop_run(b->loop);
}

/* Until *count is n, at most 5 s. */
static void until(struct bed *b, const unsigned *count, unsigned n)
{
    for (unsigned i = 0; i < 500 && *count < n; i++)
        run_ms(b, 10);
    assert_int_equal(*count, n);
}

static unsigned threads(void)
{
    DIR *d = opendir("/proc/self/task");
    unsigned n = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void test_watch(void **state)
{
    struct bed *b = *state;
    unsigned before = threads();
    char text[32];

    b->echo = true;
    assert_int_equal(xs_link_watch(b->x, "device-model/3/command", "cmd"), 0);
    until(b, &b->values, 1);
    assert_string_equal(b->event, "cmd device-model/3/command");
    assert_string_equal(b->value, "device-model/3/command=(none)");
    xs_fake_set(b->f, "device-model/3/command", "save");
    until(b, &b->values, 2);
    assert_string_equal(b->value, "device-model/3/command=save");
    assert_int_equal(xs_link_write(b->x, "device-model/3/state", "paused"), 0);
    for (unsigned i = 0; i < 500 && !xs_fake_get(b->f, "device-model/3/state",
                                                 text, sizeof(text));
         i++)
        run_ms(b, 10);
    assert_true(xs_fake_get(b->f, "device-model/3/state", text, sizeof(text)));
    assert_string_equal(text, "paused");
    /* below, and absolute */
    assert_int_equal(xs_link_watch(b->x, "/local/domain/3/cpu", "cpu"), 0);
    until(b, &b->values, 3);
    xs_fake_set(b->f, "/local/domain/3/cpu/1/availability", "online");
    until(b, &b->values, 4);
    assert_string_equal(b->value, "/local/domain/3/cpu/1/availability=online");
    assert_int_equal(threads(), before);
    assert_int_equal(b->lines, 0);
}

/* A burst of changes is not a burst of questions, and its end is seen. */
static void test_burst(void **state)
{
    struct bed *b = *state;
    unsigned asked;
    char text[8];

    b->echo = true;
    xs_link_watch(b->x, "a", "a");
    until(b, &b->values, 1);
    asked = xs_fake_requests(b->f);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%u", i);
        xs_fake_set(b->f, "a", text);
    }
    until(b, &b->events, 101);
    for (unsigned i = 0; i < 500 && strcmp(b->value, "a=99"); i++)
        run_ms(b, 10);
    assert_true(xs_fake_requests(b->f) - asked <= 100);
    assert_string_equal(b->value, "a=99");
    assert_int_equal(b->lines, 0);
}

/* xenstored stops to answer: questions are refused, not waited for. */
static void test_hang(void **state)
{
    struct bed *b = *state;
    char path[16];
    int rc = 0;

    xs_fake_hang(b->f, true);
    for (unsigned i = 0; i < XS_LINK_WAITING; i++) {
        snprintf(path, sizeof(path), "n%u", i);
        assert_int_equal(xs_link_read(b->x, path, on_value), 0);
        assert_int_equal(xs_link_read(b->x, path, on_value), 0); /* serves */
    }
    rc = xs_link_read(b->x, "one-more", on_value);
    assert_int_equal(rc, -EBUSY);
    run_ms(b, 30);
    assert_int_equal(b->values, 0);
    xs_fake_hang(b->f, false);
    until(b, &b->values, XS_LINK_WAITING);
    assert_int_equal(xs_link_read(b->x, "one-more", on_value), 0);
    until(b, &b->values, XS_LINK_WAITING + 1);
}

static void test_too_long(void **state)
{
    struct bed *b = *state;
    char path[300], word[4200];

    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    memset(word, 'w', sizeof(word) - 1);
    word[sizeof(word) - 1] = 0;
    assert_int_equal(xs_link_read(b->x, path, on_value), -EINVAL);
    assert_int_equal(xs_link_write(b->x, "a", word), -EINVAL);
    assert_int_equal(xs_link_watch(b->x, "a", word), -EINVAL);
}

/* An error is a line in the log; that a node is missing is none. */
static void test_errors(void **state)
{
    struct bed *b = *state;
    struct xsd_sockmsg m = {.type = XS_ERROR, .req_id = 0, .len = 7};
    char bytes[sizeof(m) + 7];

    xs_fake_hang(b->f, true);
    xs_link_write(b->x, "a", "1");
    memcpy(bytes, &m, sizeof(m));
    memcpy(bytes + sizeof(m), "EACCES", 7);
    xs_fake_raw(b->f, bytes, sizeof(bytes));
    until(b, &b->lines, 1);
    assert_non_null(strstr(b->line, "EACCES"));
    assert_non_null(strstr(b->line, "'a'"));
}

static const struct {
    struct xsd_sockmsg m;
    const char *body;
} odd[] = {
    {{.type = XS_READ, .req_id = 9, .len = 0}, ""},    /* nobody asked */
    {{.type = XS_WRITE, .req_id = 0, .len = 3}, "OK"}, /* it was a read */
    {{.type = XS_WATCH_EVENT, .len = 3}, "abc"},       /* no token */
    {{.type = XS_WATCH_EVENT, .len = 0}, ""},
    {{.type = XS_READ, .req_id = 0, .len = 5000}, ""}, /* too long */
    {{.type = XS_READ, .req_id = 0, .len = UINT32_MAX}, ""},
    {{.type = 77, .req_id = 0, .len = 0}, ""},
};

static void test_odd(void **state)
{
    struct bed *b;
    char bytes[64];

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        size_t len = strlen(odd[i].body) + (odd[i].body[0] == 'O');

        setup((void **)&b);
        xs_fake_hang(b->f, true);
        xs_link_read(b->x, "a", on_value);
        memcpy(bytes, &odd[i].m, sizeof(odd[i].m));
        memcpy(bytes + sizeof(odd[i].m), odd[i].body, len);
        xs_fake_raw(b->f, bytes, (unsigned)(sizeof(odd[i].m) + len));
        until(b, &b->lines, 1);
        assert_int_equal(b->events + b->values, 0);
        assert_int_equal(xs_link_read(b->x, "b", on_value), -EPIPE);
        run_ms(b, 5);
        assert_int_equal(b->lines, 1);
        teardown((void **)&b);
    }
}

static void test_gone(void **state)
{
    struct bed *b = *state;

    run_ms(b, 50); /* until it is accepted */
    xs_fake_raw(b->f, NULL, 0);
    until(b, &b->lines, 1);
    assert_non_null(strstr(b->line, "not heard"));
    assert_int_equal(xs_link_write(b->x, "a", "b"), -EPIPE);
    run_ms(b, 20);
    assert_int_equal(b->lines, 1);
}

static void test_absent(void **state)
{
    struct log log = {0};
    struct loop *l = loop_new();
    struct err e = {.text = ""};

    setenv("XENSTORED_PATH", "/nonexistent/socket", 1);
    assert_null(xs_link_open(l, on_event, NULL, &log, &e));
    assert_non_null(strstr(e.text, "xenstore"));
    xs_link_close(NULL);
    loop_free(l);
}

#define B(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        B(test_watch),  B(test_burst),
        B(test_hang),   B(test_too_long),
        B(test_errors), cmocka_unit_test(test_odd),
        B(test_gone),   cmocka_unit_test(test_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
