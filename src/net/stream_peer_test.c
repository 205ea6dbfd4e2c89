/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream back end finding its peer: connecting, listening, again. */
#include "rig.h"
#include "stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIRE (FRAME + STREAM_LEN_BYTES)

static char folder[] = "/tmp/net-stream-XXXXXX", path[64];

static struct sockaddr_un address(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path, path);
    return a;
}

static int listener(void)
{
    struct sockaddr_un a = address();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static int dial(void)
{
    struct sockaddr_un a = address();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static struct net *open_stream(struct card *c, struct net_stream_conf conf)
{
    struct err e = {""};
    struct net *n;

    conf.path = path;
    n = net_stream_open(c->loop, &conf, &e);
    assert_string_equal(e.text, "");
    return n;
}

/* A frame each way between the card and its peer. */
static void exchange(struct card *c, int fd)
{
    uint8_t w[WIRE] = {0, 0, 0, FRAME}, in[WIRE];
    struct iovec v = {w + 4, FRAME};

    c->net->ops->rx_on(c->net, true);
    put_header(w + 4, 5);
    c->stop_at = c->taken + 1;
    assert_int_equal(send(fd, w, sizeof(w), MSG_NOSIGNAL), sizeof(w));
    assert_int_equal(run_for(c, 20000), RUN_STOPPED);
    assert_int_equal(c->last, 5);
    assert_int_equal(card_tx(c, NULL, &v, 1), FRAME);
    assert_int_equal(recv(fd, in, sizeof(in), MSG_WAITALL), sizeof(in));
    assert_memory_equal(in, w, sizeof(w));
}

static void test_client(void **state)
{
    int lfd = listener(), fd;
    struct card c;

    card_new(&c);
    card_plug(
        &c, open_stream(&c, (struct net_stream_conf){.kind = NET_STREAM_UNIX}));
    assert_false(c.net->down);
    fd = accept(lfd, NULL, NULL);
    exchange(&c, fd);
    close(fd); /* without reconnect= this is the end */
    run_to_link(&c, false);
    card_skip(&c, 100 * NS_PER_S);
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    assert_int_equal(accept(lfd, NULL, NULL), -1); /* it has not come back */
    close(lfd);
    card_free(&c);
    unlink(path);
}

static void test_reconnect(void **state)
{
    int lfd, fd;
    struct card c;

    card_new(&c);
    card_plug(
        &c, open_stream(&c, (struct net_stream_conf){.kind = NET_STREAM_UNIX,
                                                     .reconnect_ms = 3600000}));
    assert_true(c.net->down); /* nobody there yet */
    for (unsigned i = 0; i < 3; i++) {
        card_skip(&c, 3601 * NS_PER_S); /* and still nobody */
        assert_int_equal(run_for(&c, 5), RUN_LATE);
        assert_int_equal(c.links, i * 2);
        lfd = listener();
        card_skip(&c, 3601 * NS_PER_S);
        run_to_link(&c, true);
        fd = accept(lfd, NULL, NULL);
        exchange(&c, fd);
        if (i == 1) /* it ends by a lie */
            assert_int_equal(send(fd, "\xff\xff\xff\xff", 4, 0), 4);
        else
            close(fd);
        run_to_link(&c, false);
        if (i == 1)
            close(fd);
        close(lfd);
        unlink(path);
    }
    card_free(&c);
}

static void test_server(void **state)
{
    struct net_stream_conf conf = {.kind = NET_STREAM_UNIX, .server = true};
    int first, second;
    struct card c;

    card_new(&c);
    card_plug(&c, open_stream(&c, conf));
    assert_true(c.net->down);
    first = dial();
    run_to_link(&c, true);
    second = dial(); /* has to wait */
    exchange(&c, first);
    c.turns = 0;
    assert_int_equal(run_for(&c, 20), RUN_LATE);
    assert_in_range(c.turns, 1, 50);
    assert_int_equal(c.links, 1);
    close(first);
    run_to_link(&c, false);
    run_to_link(&c, true);
    exchange(&c, second);
    assert_int_equal(c.links, 3);
    card_free(&c);
    close(second);
    assert_int_not_equal(access(path, F_OK), 0); /* it took its socket along */
}

static void test_path_taken(void **state)
{
    struct net_stream_conf conf = {
        .kind = NET_STREAM_UNIX, .path = path, .server = true};
    int lfd = listener();
    struct err e = {""};
    struct card c;

    card_new(&c);
    assert_null(net_stream_open(c.loop, &conf, &e)); /* somebody's */
    assert_non_null(strstr(e.text, "in use"));
    assert_int_equal(access(path, F_OK), 0);
    close(lfd); /* a dead one is taken out of the way */
    card_plug(&c, open_stream(&c, conf));
    unlink(path);
    lfd = listener(); /* and one that replaced ours stays */
    card_free(&c);
    assert_int_equal(access(path, F_OK), 0);
    close(lfd);
    unlink(path);
}

static void test_inet(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    struct net_stream_conf conf = {.kind = NET_STREAM_INET,
                                   .host = "127.0.0.1"};
    socklen_t len = sizeof(a);
    int lfd = socket(AF_INET, SOCK_STREAM, 0), fd;
    const int on = 1;
    char port[16];
    struct err e = {""};
    struct card c;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(lfd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(lfd, (struct sockaddr *)&a, &len), 0);
    snprintf(port, sizeof(port), "%u", ntohs(a.sin_port));
    conf.port = port;
    card_new(&c);
    assert_null(net_stream_open(c.loop, &conf, &e)); /* nobody listens */
    assert_non_null(strstr(e.text, "cannot connect"));
    conf.reconnect_ms = 3600000;
    e.text[0] = 0;
    card_plug(&c, net_stream_open(c.loop, &conf, &e));
    assert_int_equal(run_for(&c, 5), RUN_LATE);
    assert_true(c.net->down);
    assert_int_equal(listen(lfd, 1), 0);
    card_skip(&c, 3601 * NS_PER_S);
    run_to_link(&c, true);
    fd = accept(lfd, NULL, NULL);
    exchange(&c, fd);
    close(fd);
    run_to_link(&c, false);
    card_free(&c);

    close(lfd);
    card_new(&c);
    conf.server = true;
    card_plug(&c, net_stream_open(c.loop, &conf, &e));
    assert_string_equal(e.text, "");
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    run_to_link(&c, true);
    exchange(&c, fd);
    card_free(&c);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client), cmocka_unit_test(test_reconnect),
        cmocka_unit_test(test_server), cmocka_unit_test(test_path_taken),
        cmocka_unit_test(test_inet),
    };
    int failed;

    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/sock", folder);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failed;
}
