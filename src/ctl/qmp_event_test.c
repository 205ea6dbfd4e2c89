/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events to whoever listens or does not, and replies that come later. */
#include "ctl_sock.h"
#include "qmp_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRAY                                                                   \
    "\"event\":\"DEVICE_TRAY_MOVED\",\"data\":{\"device\":\"ide-5632\","       \
    "\"tray-open\":true}}"

static void tray(struct host *h)
{
    qmp_event(&h->ctx, QMP_EV_TRAY_MOVED,
              "\"device\":\"%s\",\"tray-open\":true", "ide-5632");
}

static void test_events(void **state)
{
    struct host *h = *state;
    const char *got;
    struct client c;

    tray(h); /* nobody there */
    dial(&c, h);
    expect_part(&c, HELLO);
    tray(h); /* not negotiated */
    say(&c, "{\"execute\":\"qmp_capabilities\"}");
    expect(&c, "{\"return\":{}}");
    quiet(&c);
    tray(h);
    got = hear(&c);
    assert_int_equal(strncmp(got, "{\"timestamp\":{\"seconds\":", 24), 0);
    assert_non_null(strstr(got, ",\"microseconds\":"));
    assert_non_null(strstr(got, TRAY));
    test_free((void *)(uintptr_t)got);
    qmp_event(&h->ctx, QMP_EV_SUSPEND, "%s", "");
    expect_part(&c, "\"event\":\"SUSPEND\"}");
    say(&c, "{\"execute\":\"query-events\"}");
    got = hear(&c);
    for (unsigned i = 0; qmp_event_name(i); i++)
        assert_non_null(strstr(got, qmp_event_name(i)));
    test_free((void *)(uintptr_t)got);
    hang_up(&c);
    /* the next client starts with nothing of the last one's */
    tray(h);
    open_up(&c, h);
    quiet(&c);
    hang_up(&c);
    assert_int_equal(h->ctx.events_lost, 0);
}

/* On every connection, those of the control socket too. */
static void test_everybody(void **state)
{
    struct host *h = *state;
    char run[64], libxl[64];
    struct ctl_sock *ctl;
    struct client c[4];
    struct err e;

    snprintf(libxl, sizeof(libxl), "%s", h->path);
    snprintf(run, sizeof(run), "%s/run", h->dir);
    ctl = ctl_sock_new(h->loop, run, 7, &h->ctx, &e);
    assert_non_null(ctl);
    open_up(&c[0], h);
    snprintf(h->path, sizeof(h->path), "%.48s/7.sock", run);
    for (unsigned i = 1; i < 4; i++)
        open_up(&c[i], h);
    tray(h);
    for (unsigned i = 0; i < 4; i++)
        expect_part(&c[i], TRAY);
    hang_up(&c[2]);
    tray(h);
    expect_part(&c[3], TRAY);
    for (unsigned i = 0; i < 4; i++)
        if (i != 2)
            hang_up(&c[i]);
    ctl_sock_free(ctl);
    rmdir(run);
    strcpy(h->path, libxl);
}

/* One that never reads: bounded, counted, not closed, and not waited for. */
static void test_deaf(void **state)
{
    struct host *h = *state;
    unsigned n = 0;
    struct client c;
    const char *got;

    open_up(&c, h);
    for (unsigned i = 0; i < 20000; i++) {
        tray(h);
        if (i % 16 == 0)
            turn(h, 20);
    }
    assert_true(h->ctx.events_lost > 1000);
    /* what it reads in the end are whole events, and commands are served */
    say(&c, "{\"execute\":\"cont\",\"id\":7}");
    for (;;) {
        got = hear(&c);
        if (strstr(got, "\"id\":7"))
            break;
        assert_non_null(strstr(got, TRAY));
        test_free((void *)(uintptr_t)got);
        n++;
    }
    test_free((void *)(uintptr_t)got);
    assert_int_equal(n + h->ctx.events_lost, 20000);
    tray(h);
    expect_part(&c, TRAY);
    hang_up(&c);
}

/* Events while a long reply goes out piece by piece. */
static void test_never_inside(void **state)
{
    struct host *h = *state;
    char *all = test_malloc(2u << 20), *at, *end;
    size_t len = 0;
    unsigned events = 0, replies = 0;
    struct client c;
    ssize_t n;

    open_up(&c, h);
    for (unsigned i = 0; i < 3; i++)
        say(&c, "{\"execute\":\"much\",\"arguments\":{\"len\":400000}}");
    for (unsigned i = 0; i < 3000 && replies < 3; i++) {
        tray(h);
        turn(h, 30);
        n = recv(c.fd, all + len, 7000, 0);
        if (n > 0)
            len += (size_t)n;
        replies = 0;
        for (at = all; (end = memmem(at, len - (size_t)(at - all), "\r\n", 2));
             at = end + 2)
            replies += !strncmp(at, "{\"return\":\"x", 11);
    }
    assert_int_equal(replies, 3);
    for (at = all; (end = memmem(at, len - (size_t)(at - all), "\r\n", 2));
         at = end + 2) {
        *end = 0;
        if (!strncmp(at, "{\"timestamp\"", 12)) {
            assert_non_null(strstr(at, TRAY));
            events++;
        } else {
            assert_int_equal(strncmp(at, "{\"return\":\"x", 11), 0);
            assert_int_equal(strlen(at), 400000 + 13);
        }
    }
    assert_true(events > 3);
    test_free(all);
    hang_up(&c);
}

/* Too long to be one event: lost, not cut. */
static void test_long_event(void **state)
{
    struct host *h = *state;
    char name[2000];
    struct client c;

    open_up(&c, h);
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    qmp_event(&h->ctx, QMP_EV_TRAY_MOVED, "\"device\":\"%s\"", name);
    quiet(&c);
    assert_int_equal(h->ctx.events_lost, 1);
    assert_string_equal(qmp_plain(name, 9, "a\"b\\c\n\xc3\xa4"), "a?b?c???");
    hang_up(&c);
}

/* A locked tray: the reply waits, and what was asked behind it. */
static void test_later(void **state)
{
    struct host *h = *state;
    struct err e = {.text = "it \"burns\""};
    struct client c;

    h->locked = true;
    open_up(&c, h);
    say(&c, "{\"execute\":\"eject\",\"id\":1,\"arguments\":{\"id\":"
            "\"ide-5632\"}}{\"execute\":\"cont\",\"id\":2}");
    quiet(&c);
    assert_int_equal(h->conts, 0);
    tray(h);
    expect_part(&c, TRAY);
    qmp_finish(&h->ctx, h->token + 100, NULL); /* nobody's */
    qmp_finish(&h->ctx, 0, NULL);
    quiet(&c);
    qmp_finish(&h->ctx, h->token, NULL);
    expect(&c, "{\"return\":{},\"id\":1}");
    expect(&c, "{\"return\":{},\"id\":2}");
    qmp_finish(&h->ctx, h->token, NULL); /* once is enough */
    /* that fails; an id that is null; words instead of an object */
    say(&c, "{\"execute\":\"eject\",\"id\":null,\"arguments\":{\"id\":"
            "\"ide-5632\"}}");
    quiet(&c);
    qmp_finish(&h->ctx, h->token, &e);
    expect(&c, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"it \\\"burns"
               "\\\"\"},\"id\":null}");
    for (unsigned i = 0; i < 2; i++) {
        say(&c, "{\"execute\":\"human-monitor-command\",\"arguments\":{"
                "\"command-line\":\"eject ide-5632\"}}");
        quiet(&c);
        qmp_finish(&h->ctx, h->token, i ? &e : NULL);
        expect(&c, i ? "{\"return\":\"Error: it \\\"burns\\\"\\r\\n\"}"
                     : "{\"return\":\"\"}");
    }
    hang_up(&c);
}

/* Who waits goes away, and another comes to the same socket. */
static void test_later_gone(void **state)
{
    struct host *h = *state;
    struct client c, d;
    uint64_t token;

    h->locked = true;
    open_up(&c, h);
    say(&c, "{\"execute\":\"eject\",\"arguments\":{\"id\":\"ide-5632\"}}");
    quiet(&c);
    token = h->token;
    hang_up(&c);
    open_up(&d, h);
    qmp_finish(&h->ctx, token, NULL);
    quiet(&d);
    say(&d, "{\"execute\":\"eject\",\"arguments\":{\"id\":\"ide-5632\"}}");
    quiet(&d);
    assert_true(h->token != token);
    qmp_finish(&h->ctx, h->token, NULL);
    expect(&d, "{\"return\":{}}");
    /* and when the server goes while somebody waits */
    say(&d, "{\"execute\":\"eject\",\"arguments\":{\"id\":\"ide-5632\"}}");
    turn(h, 500);
    close(d.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_events),       T(test_everybody),  T(test_deaf),
        T(test_never_inside), T(test_long_event), T(test_later),
        T(test_later_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
