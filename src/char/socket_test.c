/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "char_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int unix_client(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(a.sun_path, path);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int unix_server(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(a.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static int inet_socket(int type, unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static int tcp_client(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* The port in "disconnected:tcp:127.0.0.1:4444,server=on". */
static unsigned port_of(struct rig *r)
{
    const char *comma = strrchr(r->c->filename, ',');

    assert_non_null(comma);
    while (comma[-1] != ':')
        comma--;
    return (unsigned)atoi(comma);
}

static void unix_serves(void **state)
{
    struct rig *r = *state;
    static const char *const forms[] = {
        "%s/s", "%s/s,server", "%s/s,server,nowait", "%s/s,server=on,wait=off",
        "%s/s,server=on"};
    char path[100], spec[200];
    struct stat st;
    int a, b;

    snprintf(path, sizeof(path), "%s/s", r->dir);
    for (unsigned i = 1; i < sizeof(forms) / sizeof(forms[0]); i++) {
        snprintf(spec, sizeof(spec), "%s/s%s", r->dir, forms[i] + 4);
        chr_use(r, "unix:%s", spec);
        assert_int_equal(lstat(path, &st), 0);
    }
    chr_use_opts(r, "socket,path=%s,server=on,wait=off,id=libxl-channel0",
                 path);
    room(r, 16);
    assert_false(r->c->connected);
    assert_memory_equal(r->c->filename, "disconnected:unix:", 18);
    assert_int_equal(put(r, "lost"), 4);
    assert_int_equal(idle_wakeups(r), 0);
    a = unix_client(path);
    linked(r, true);
    assert_memory_equal(r->c->filename, "unix:", 5);
    put(r, "hello");
    expect(a, "hello");
    assert_int_equal(write(a, "world", 5), 5);
    got(r, "world");
    /* The second one waits for the first to leave. */
    b = unix_client(path);
    assert_true(b >= 0);
    assert_int_equal(write(b, "me", 2), 2);
    got(r, "");
    assert_int_equal(idle_wakeups(r), 0);
    put(r, "to a");
    expect(a, "to a");
    close(a);
    got(r, "me");
    assert_int_equal(r->ups, 2);
    assert_int_equal(r->downs, 1);
    put(r, "to b");
    expect(b, "to b");
    close(b);
    linked(r, false);
    assert_int_equal(idle_wakeups(r), 0);
    chr_drop(r);
    assert_int_equal(lstat(path, &st), -1);
}

static void unix_paths(void **state)
{
    struct rig *r = *state;
    char path[100];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/s", r->dir);
    fd = unix_server(path);
    assert_non_null(strstr(refused(r, "unix:%s,server", path), "in use"));
    close(fd); /* what it leaves behind is taken */
    assert_non_null(strstr(refused(r, "unix:%s", path), "server=on"));
    chr_use(r, "unix:%s,server,nowait", path);
    /* Another's socket at our path is not ours to remove. */
    assert_int_equal(unlink(path), 0);
    fd = unix_server(path);
    chr_drop(r);
    assert_int_equal(lstat(path, &st), 0);
    close(fd);
    unlink(path);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_non_null(strstr(refused(r, "unix:%s,server", path), "no socket"));
    assert_int_equal(lstat(path, &st), 0);
    close(fd);
    assert_non_null(
        strstr(refused(r, "unix:%s/no/s,server", r->dir), "folder"));
}

static void unix_room_and_hangup(void **state)
{
    struct rig *r = *state;
    char path[100];
    int fd;

    snprintf(path, sizeof(path), "%s/s", r->dir);
    chr_use(r, "unix:%s,server,nowait", path);
    fd = unix_client(path);
    run(r, 20);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    assert_int_equal(idle_wakeups(r), 0); /* hung up, unread, no room */
    assert_int_equal(put(r, "x"), 1);
    room(r, 4);
    got(r, "0123");
    assert_int_equal(idle_wakeups(r), 0);
    r->refill = 1;
    room(r, 1);
    got(r, "456789");
    assert_false(r->c->connected);
    /* Somebody new goes before what is left of one who left. */
    r->refill = 0;
    room(r, 0);
    fd = unix_client(path);
    run(r, 20);
    assert_int_equal(write(fd, "old", 3), 3);
    close(fd);
    assert_int_equal(idle_wakeups(r), 0);
    fd = unix_client(path);
    run(r, 20);
    put(r, "hello");
    expect(fd, "hello");
    room(r, 16);
    got(r, "");
    fills_and_drains(r, fd);
    close(fd);
}

/* Out of descriptors: it neither spins nor forgets who waits. */
static void no_descriptors(void **state)
{
    struct rig *r = *state;
    struct rlimit old, l;
    char path[100];
    int fd;

    snprintf(path, sizeof(path), "%s/s", r->dir);
    chr_use(r, "unix:%s,server,nowait", path);
    fd = unix_client(path);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    l = old;
    l.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
    assert_int_equal(idle_wakeups(r), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_false(r->c->connected);
    skip_time(r, NS_PER_S);
    linked(r, true);
    close(fd);
}

static void unix_connects(void **state)
{
    struct rig *r = *state;
    char path[100];
    int l, fd;

    snprintf(path, sizeof(path), "%s/s", r->dir);
    l = unix_server(path);
    chr_use(r, "unix:%s", path);
    room(r, 16);
    assert_true(r->c->connected);
    fd = accept(l, NULL, NULL);
    put(r, "hello");
    expect(fd, "hello");
    close(fd);
    linked(r, false);
    skip_time(r, 10 * NS_PER_S);
    assert_true(accept4(l, NULL, NULL, SOCK_NONBLOCK) < 0);
    /* Again and again, if told so. */
    chr_use(r, "unix:%s,reconnect=2", path);
    fd = accept(l, NULL, NULL);
    assert_true(fd >= 0);
    close(fd);
    linked(r, false);
    assert_int_equal(idle_wakeups(r), 0);
    skip_time(r, 2 * NS_PER_S);
    assert_true(r->c->connected);
    fd = accept(l, NULL, NULL);
    put(r, "back");
    expect(fd, "back");
    close(l);
    close(fd);
    unlink(path);
    run(r, 20);
    for (unsigned i = 0; i < 5; i++)
        skip_time(r, 2 * NS_PER_S); /* nobody there */
    assert_false(r->c->connected);
    l = unix_server(path);
    skip_time(r, 2 * NS_PER_S);
    assert_true(r->c->connected);
    close(l);
    /* Nobody there at the start is no error then. */
    unlink(path);
    chr_use(r, "unix:%s,reconnect=1", path);
    assert_false(r->c->connected);
}

static void tcp(void **state)
{
    struct rig *r = *state;
    unsigned port;
    int fd, l;

    chr_use(r, "tcp:127.0.0.1:0,server,nowait,nodelay");
    room(r, 16);
    port = port_of(r);
    fd = tcp_client(port);
    run(r, 20);
    put(r, "hello");
    run(r, 20);
    expect(fd, "hello");
    assert_int_equal(write(fd, "in", 2), 2);
    got(r, "in");
    /* The port is taken; with to= the next free one is found. */
    assert_non_null(
        strstr(refused(r, "tcp:127.0.0.1:%u,server", port), "another port"));
    close(fd);
    run(r, 20);
    chr_drop(r);
    l = inet_socket(SOCK_STREAM, &port);
    assert_int_equal(listen(l, 1), 0);
    chr_use_opts(r, "socket,host=127.0.0.1,port=%u,to=%u,server=on,wait=off",
                 port, port + 20);
    assert_in_range(port_of(r), port + 1, port + 20);
    /* As a client. */
    chr_use(r, "tcp:localhost:%u,ipv4", port);
    assert_true(r->c->connected);
    fd = accept(l, NULL, NULL);
    put(r, "client");
    run(r, 20);
    expect(fd, "client");
    close(fd);
    close(l);
    chr_drop(r);
    assert_non_null(
        strstr(refused(r, "tcp:127.0.0.1:%u", port), "Connection refused"));
    /* Reconnecting does not block either. */
    chr_use(r, "tcp:127.0.0.1:%u,reconnect=1", port);
    assert_false(r->c->connected);
    skip_time(r, NS_PER_S);
    assert_false(r->c->connected);
    chr_drop(r);
    chr_use(r, "tcp::0,server,nowait"); /* any address */
    fd = tcp_client(port_of(r));
    linked(r, true);
    close(fd);
}

static void telnet_serves(void **state)
{
    struct rig *r = *state;
    static const uint8_t in[] = {'a', 255, 251, 3,    255, 253, 1,   'b', 255,
                                 255, 255, 243, '\r', 0,   'c', 255, 250, 24,
                                 0,   'x', 255, 255,  240, 255, 240, 'd'};
    char buf[100];
    int fd;

    chr_use(r, "telnet:127.0.0.1:0,server,nowait");
    r->refill = 16;
    room(r, 16);
    fd = tcp_client(port_of(r));
    run(r, 20);
    assert_int_equal(take(fd, buf, sizeof(buf)), 12);
    assert_memory_equal(buf, "\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd",
                        11);
    assert_int_equal(put(r, "a\xff\xff"
                            "b"),
                     4);
    run(r, 20);
    expect(fd, "a\xff\xff\xff\xff"
               "b");
    /* Commands vanish from the input, wherever it is cut. */
    assert_int_equal(write(fd, in, sizeof(in)), sizeof(in));
    got(r, "ab\xff\rcd");
    for (unsigned i = 0; i < sizeof(in); i++) {
        assert_int_equal(write(fd, in + i, 1), 1);
        run(r, 1);
    }
    got(r, "ab\xff\rcd");
    /* In binary mode CR stands alone. */
    assert_int_equal(write(fd, "\xff\xfb\x00\r\x00z", 6), 6);
    run(r, 20);
    assert_int_equal(r->got_len, 3);
    assert_memory_equal(r->got, "\r\0z", 3);
    r->got_len = 0;
    /* The next client begins anew. */
    assert_int_equal(write(fd, "\xff\xfa", 2), 2);
    close(fd);
    run(r, 20);
    fd = tcp_client(port_of(r));
    run(r, 20);
    assert_int_equal(write(fd, "ok", 2), 2);
    got(r, "ok");
    close(fd);
    chr_use(r, "tcp:127.0.0.1:0,server,nowait,telnet");
    assert_memory_equal(r->c->filename, "disconnected:telnet:", 20);
}

/* A doubled 255 of which only one half fitted. */
static void telnet_half_sent(void **state)
{
    struct telnet t = {.owe_iac = true};
    uint8_t buf[1000];
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(telnet_send(&t, fd[0],
                                 (const uint8_t *)"\xff"
                                                  "x",
                                 2),
                     1);
    assert_int_equal(telnet_send(&t, fd[0], (const uint8_t *)"x", 1), 1);
    assert_int_equal(telnet_send(&t, fd[0], NULL, 0), 0);
    assert_int_equal(read(fd[1], buf, sizeof(buf)), 2);
    assert_memory_equal(buf, "\xffx", 2);
    /* Long output is taken in pieces. */
    memset(buf, 255, sizeof(buf));
    assert_int_equal(telnet_send(&t, fd[0], buf, sizeof(buf)), 256);
    assert_int_equal(read(fd[1], buf, sizeof(buf)), 512);
    close(fd[1]);
    assert_int_equal(telnet_send(&t, fd[0], buf, 1), -EPIPE);
    close(fd[0]);
}

/* Any input: never more than came, and data after a reset of the state. */
static void telnet_any_input(void **state)
{
    static const uint8_t often[] = {255, 250, 240, 251, 253, 0, '\r', 'x'};
    struct telnet t = {0};
    uint8_t buf[64];
    uint32_t x = 7;
    size_t n;

    for (unsigned i = 0; i < 100000; i++) {
        for (unsigned k = 0; k < sizeof(buf); k++) {
            x = x * 1664525 + 1013904223;
            buf[k] = x >> 31 ? often[x >> 16 & 7] : (uint8_t)(x >> 8);
        }
        n = x >> 20 & 63;
        assert_true(telnet_filter(&t, buf, n) <= n);
    }
    memcpy(buf, "\xff\xf0\xff\xf0y", 5);
    n = telnet_filter(&t, buf, 5);
    assert_in_range(n, 1, 5);
    assert_int_equal(buf[n - 1], 'y');
}

static void udp(void **state)
{
    struct rig *r = *state;
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    unsigned port, mine;
    int fd = inet_socket(SOCK_DGRAM, &port);
    int other = inet_socket(SOCK_DGRAM, &mine);

    close(other);
    chr_use(r, "udp:127.0.0.1:%u@127.0.0.1:%u", port, mine);
    put(r, "hello");
    run(r, 20);
    {
        char buf[100];
        ssize_t n =
            recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&a, &len);
        assert_int_equal(n, 5);
        assert_int_equal(ntohs(a.sin_port), mine);
    }
    /* One datagram after the other, as there is room. */
    sendto(fd, "0123456789", 10, 0, (struct sockaddr *)&a, len);
    sendto(fd, "abc", 3, 0, (struct sockaddr *)&a, len);
    got(r, "");
    assert_int_equal(idle_wakeups(r), 0);
    room(r, 4);
    got(r, "0123");
    assert_int_equal(idle_wakeups(r), 0);
    room(r, 6);
    got(r, "456789");
    room(r, 8);
    got(r, "abc");
    assert_int_equal(idle_wakeups(r), 0);
    /* Nobody there: no error, no spinning. */
    close(fd);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(put(r, "x"), 1);
        run(r, 10);
    }
    assert_int_equal(idle_wakeups(r), 0);
    chr_use(r, "udp::%u", port);
    chr_use(r, "udp:127.0.0.1:%u@:%u", port, mine);
    chr_use_opts(r,
                 "udp,host=127.0.0.1,port=%u,localaddr=127.0.0.1,"
                 "localport=%u",
                 port, mine);
    assert_int_equal(put(r, "x"), 1);
}

int socket_run(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(unix_serves),          T(unix_paths),
        T(unix_room_and_hangup), T(no_descriptors),
        T(unix_connects),        T(tcp),
        T(telnet_serves),        T(telnet_half_sent),
        T(telnet_any_input),     T(udp),
    };
    return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
