/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no client should send, or leave unread. */
#include "qmp_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_garbage(void **state)
{
    static const char *const line[] = {
        "hello\n",
        "[]\n",
        "7 \n",
        "\"x\"\n",
        "nul\n",
        "{\"execute\" \"cont\"}\n",
        "{'execute':'cont'}\n",
        "{\"execute\":\"cont\",}\n",
        "{/* x */\"execute\":\"cont\"}\n",
        "{\"execute\":\"\xff\"}\n",
        "{\"execute\":\"\xc0\x80\"}\n",
        "{\"execute\":\"\xed\xa0\x80\"}\n",
        "{\"execute\":\"\xe2\x82\"}\n",
        "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]\n",
    };
    struct host *h = *state;
    struct client c;
    size_t i;

    open_up(&c, h);
    for (i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
        say(&c, line[i]);
        expect_part(&c, "GenericError");
        say(&c, "{\"execute\":\"cont\",\"id\":1}");
        expect(&c, "{\"return\":{},\"id\":1}");
    }
    say_n(&c, "{\"execute\":\0\"cont\"}\n", 21);
    expect_part(&c, "GenericError");
    /* what follows an error in the same packet, on the next line, counts */
    say(&c, "oops {\"execute\":\"stop\"}\n{\"execute\":\"cont\",\"id\":2}");
    expect_part(&c, "GenericError");
    expect(&c, "{\"return\":{},\"id\":2}");
    assert_int_equal(h->stops, 0);
    for (i = 0; i < QMP_ERRORS_MAX; i++)
        say(&c, "x\n");
    closed(&c);
    hang_up(&c);
}

static void flood(struct host *h, const char *piece, size_t total)
{
    size_t len = strlen(piece), sent = 0;
    struct client c;
    ssize_t n;

    open_up(&c, h);
    while (sent < total) {
        n = send(c.fd, piece, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        if (n > 0)
            sent += (size_t)n;
        turn(h, 20);
    }
    closed(&c);
    hang_up(&c);
    /* the next one is served */
    open_up(&c, h);
    hang_up(&c);
}

static void test_flood(void **state)
{
    char piece[4097];

    memset(piece, 'g', 4096);
    piece[4096] = 0;
    flood(*state, piece, 2u << 20);
}

static void test_flood_command(void **state)
{
    struct host *h = *state;
    char piece[4097];
    struct client c;

    open_up(&c, h);
    say(&c, "{\"execute\":\"");
    memset(piece, 'g', 4096);
    piece[4096] = 0;
    for (unsigned i = 0; i < 512; i++) {
        say(&c, piece);
        turn(h, 20);
    }
    closed(&c);
    hang_up(&c);
    /* just inside the limit */
    open_up(&c, h);
    say(&c, "{\"execute\":\"");
    for (unsigned i = 0; i < 255; i++)
        say(&c, piece);
    say(&c, "\"}");
    expect_part(&c, "CommandNotFound");
    hang_up(&c);
}

/* Asks and never reads: bounded, closed after the stall, others served. */
static void test_no_reader(void **state)
{
    static const char ask[] = "{\"execute\":\"much\",\"arguments\":{\"len\":"
                              "900000}}";
    struct host *h = *state;
    struct client c, d;
    struct log log = {0};
    unsigned i;

    h->ctx.log = &log; /* no writer: counts only */
    open_up(&c, h);
    for (i = 0; i < 200; i++)
        if (send(c.fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
            break;
    turn(h, 20000);
    dial(&d, h); /* waits in the backlog */
    turn(h, 2000);
    assert_int_equal(recv(d.fd, d.buf, 1, 0), -1);
    loop_clock(h->loop)->offset_ns -= 9 * NS_PER_S; /* time passes */
    turn(h, 2000);
    assert_int_equal(recv(d.fd, d.buf, 1, 0), -1);
    loop_clock(h->loop)->offset_ns -= 2 * NS_PER_S;
    turn(h, 2000);
    expect_part(&d, HELLO);
    hang_up(&d);
    close(c.fd);
    /* a reply too long for libxl is not sent */
    open_up(&c, h);
    say(&c, "{\"execute\":\"much\",\"arguments\":{\"len\":1048577}}");
    closed(&c);
    hang_up(&c);
    h->ctx.log = NULL;
}

/* A reader that is only slow gets all of it. */
static void test_slow_reader(void **state)
{
    struct host *h = *state;
    struct client c;
    size_t total = 0;
    unsigned i;
    ssize_t n;

    open_up(&c, h);
    say(&c, "{\"execute\":\"much\",\"arguments\":{\"len\":1000000}}"
            "{\"execute\":\"much\",\"arguments\":{\"len\":3}}");
    for (i = 0; i < 10000 && total < 1000000 + 15 + 18; i++) {
        turn(h, 50);
        n = recv(c.fd, c.buf, 20000, 0);
        if (n > 0)
            total += (size_t)n;
    }
    assert_int_equal(total, 1000000 + 15 + 18);
    hang_up(&c);
}

/* Ends while a client is in the middle of something. */
static void test_free_busy(void **state)
{
    struct client c;

    open_up(&c, *state);
    say(&c, "{\"execute\":\"much\",\"arguments\":{\"len\":900000}}{\"exec");
    turn(*state, 2000);
    close(c.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_garbage),   T(test_flood),       T(test_flood_command),
        T(test_no_reader), T(test_slow_reader), T(test_free_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
