/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "char_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static bool count(void *ctx)
{
    struct rig *r = ctx;

    r->wakeups++;
    return false;
}

static void stop(void *ctx)
{
    struct rig *r = ctx;

    loop_stop(r->loop, 0);
}

int rig_setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    r->loop = loop_new();
    assert_non_null(r->loop);
    timer_init(&r->stop, loop_clock(r->loop), stop, r);
    loop_poll(r->loop, count, r);
    strcpy(r->dir, "/tmp/hvmd-char-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    *state = r;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *r = *state;
    char cmd[100];

    chr_drop(r);
    timer_cancel(&r->stop);
    loop_free(r->loop);
    snprintf(cmd, sizeof(cmd), "rm -r %s", r->dir);
    assert_int_equal(system(cmd), 0);
    free(r);
    return 0;
}

void run(struct rig *r, unsigned ms)
{
    timer_set(&r->stop, clock_now(loop_clock(r->loop)) + ms * NS_PER_MS);
    assert_int_equal(loop_run(r->loop), 0);
}

void skip_time(struct rig *r, uint64_t ns)
{
    loop_clock(r->loop)->offset_ns -= ns;
    run(r, 20);
}

unsigned idle_wakeups(struct rig *r)
{
    run(r, 20);
    r->wakeups = 0;
    run(r, 100);
    return r->wakeups - 1; /* the look before the one wait */
}

static void dev_rx(void *dev, const uint8_t *buf, size_t len)
{
    struct rig *r = dev;

    assert_true(len > 0 && r->got_len + len < sizeof(r->got));
    memcpy(r->got + r->got_len, buf, len);
    r->got_len += len;
    if (r->refill)
        r->c->ops->rx_room(r->c, r->refill);
}

static void dev_tx_ready(void *dev)
{
    struct rig *r = dev;

    r->ready++;
}

static void dev_event(void *dev, bool connected)
{
    struct rig *r = dev;

    assert_int_equal(r->c->connected, connected);
    if (connected)
        r->ups++;
    else
        r->downs++;
}

static void adopt(struct rig *r)
{
    assert_non_null(r->c);
    assert_string_equal(r->c->label, "serial0");
    r->c->dev = r;
    r->c->rx = dev_rx;
    r->c->tx_ready = dev_tx_ready;
    r->c->event = dev_event;
    r->got_len = r->ready = r->ups = r->downs = 0;
}

void chr_use(struct rig *r, const char *fmt, ...)
{
    char spec[4300];
    va_list ap;

    chr_drop(r);
    va_start(ap, fmt);
    vsnprintf(spec, sizeof(spec), fmt, ap);
    va_end(ap);
    strcpy(r->err.text, "");
    if (chr_open(r->loop, spec, "serial0", &r->c, &r->err) < 0)
        fail_msg("%s", r->err.text);
    adopt(r);
}

void chr_use_opts(struct rig *r, const char *fmt, ...)
{
    char spec[4300];
    va_list ap;

    chr_drop(r);
    va_start(ap, fmt);
    vsnprintf(spec, sizeof(spec), fmt, ap);
    va_end(ap);
    if (chr_open_opts(r->loop, spec, "serial0", &r->c, &r->err) < 0)
        fail_msg("%s", r->err.text);
    adopt(r);
}

void chr_drop(struct rig *r)
{
    if (r->c)
        r->c->ops->close(r->c);
    r->c = NULL;
}

const char *refused(struct rig *r, const char *fmt, ...)
{
    char spec[4300];
    struct chr *c = (struct chr *)1;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    vsnprintf(spec, sizeof(spec), fmt, ap);
    va_end(ap);
    strcpy(r->err.text, "");
    if (!strncmp(spec, "opts:", 5))
        rc = chr_open_opts(r->loop, spec + 5, "serial0", &c, &r->err);
    else
        rc = chr_open(r->loop, spec, "serial0", &c, &r->err);
    assert_true(rc < 0);
    assert_null(c);
    assert_non_null(strstr(r->err.text, "(serial0): "));
    assert_int_equal(strncmp(r->err.text, "-chardev \"", 10) == 0,
                     strncmp(spec, "opts:", 5) == 0);
    assert_null(strchr(r->err.text, '\n'));
    return r->err.text;
}

size_t put(struct rig *r, const char *s)
{
    return r->c->ops->write(r->c, (const uint8_t *)s, strlen(s));
}

void room(struct rig *r, size_t n)
{
    r->c->ops->rx_room(r->c, n);
}

void got(struct rig *r, const char *want)
{
    size_t n = strlen(want);

    for (unsigned i = 0; i < 100 && r->got_len < n; i++)
        run(r, 20);
    run(r, 20); /* and no more */
    r->got[r->got_len] = 0;
    assert_int_equal(r->got_len, n);
    assert_memory_equal(r->got, want, n);
    r->got_len = 0;
}

void linked(struct rig *r, bool up)
{
    for (unsigned i = 0; i < 100 && r->c->connected != up; i++)
        run(r, 20);
    assert_int_equal(r->c->connected, up);
}

size_t take(int fd, char *buf, size_t len)
{
    struct pollfd f = {.fd = fd, .events = POLLIN};
    ssize_t n;

    poll(&f, 1, 50);
    n = read(fd, buf, len - 1);
    if (n < 0)
        n = 0;
    buf[n] = 0;
    return (size_t)n;
}

void expect(int fd, const char *want)
{
    char buf[300];
    size_t n = 0;

    for (unsigned i = 0; i < 40 && n < strlen(want); i++)
        n += take(fd, buf + n, sizeof(buf) - n);
    assert_string_equal(buf, want);
}

/* A peer that is there and does not read, and then does. */
void fills_and_drains(struct rig *r, int peer)
{
    static const char line[] = "0123456789abcde";
    char buf[65536];
    size_t n;

    r->ready = 0;
    for (unsigned i = 0; (n = put(r, line)) == 15; i++)
        assert_true(i < 1000000);
    assert_int_equal(put(r, line), 0);
    assert_int_equal(r->ready, 0);
    assert_int_equal(idle_wakeups(r), 0);
    /* It waits for some time, then the output is lost and nothing hangs. */
    skip_time(r, STREAM_STALL_NS - NS_PER_S);
    assert_int_equal(r->ready, 0);
    skip_time(r, NS_PER_S);
    assert_int_equal(r->ready, 1);
    assert_int_equal(put(r, line), 15);
    assert_int_equal(put(r, line), 15);
    assert_int_equal(idle_wakeups(r), 0);
    while (take(peer, buf, sizeof(buf)))
        run(r, 5);
    run(r, 20);
    assert_int_equal(r->ready, 2);
    assert_int_equal(put(r, "again"), 5);
    run(r, 20);
    expect(peer, "again");
    /* Waiting ends as soon as it reads. */
    while (put(r, line) == 15)
        ;
    while (take(peer, buf, sizeof(buf)))
        run(r, 5);
    run(r, 20);
    assert_int_equal(r->ready, 3);
    skip_time(r, 2 * STREAM_STALL_NS);
    assert_int_equal(r->ready, 3);
}

static int pty_slave(struct rig *r)
{
    const char *name = r->c->filename;
    int fd;

    assert_memory_equal(name, "pty:/dev/pts/", 13);
    fd = open(name + 4, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(fd >= 0);
    run(r, 20);
    linked(r, true);
    return fd;
}

static void pty_talks(void **state)
{
    struct rig *r = *state;
    int fd;

    chr_use(r, "pty");
    room(r, 16);
    assert_false(r->c->connected);
    assert_int_equal(put(r, "lost"), 4); /* nobody is there */
    assert_int_equal(idle_wakeups(r), 0);
    fd = pty_slave(r);
    assert_int_equal(r->ups, 1);
    assert_int_equal(put(r, "hello\n"), 6);
    expect(fd, "hello\n"); /* raw: no CR, no echo */
    assert_int_equal(write(fd, "\003in\r", 4), 4);
    got(r, "\003in\r");
    assert_int_equal(idle_wakeups(r), 0);
    close(fd);
    linked(r, false);
    assert_int_equal(r->downs, 1);
    assert_int_equal(idle_wakeups(r), 0);
    assert_int_equal(put(r, "lost"), 4);
    fd = pty_slave(r);
    assert_int_equal(put(r, "again"), 5);
    expect(fd, "again");
    close(fd);
}

static void pty_room(void **state)
{
    struct rig *r = *state;
    int fd;

    chr_use(r, "pty");
    fd = pty_slave(r);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    got(r, "");
    room(r, 4);
    got(r, "0123");
    assert_int_equal(idle_wakeups(r), 0);
    room(r, 1);
    got(r, "4");
    room(r, 100);
    got(r, "56789");
    /* Input of one who left before there was room. */
    room(r, 0);
    assert_int_equal(write(fd, "left", 4), 4);
    close(fd);
    assert_int_equal(idle_wakeups(r), 0);
    room(r, 2);
    got(r, "le");
    assert_int_equal(idle_wakeups(r), 0);
    /* The next one sees output, though nobody took that yet. */
    fd = pty_slave(r);
    put(r, "out");
    expect(fd, "out");
    close(fd);
    assert_int_equal(idle_wakeups(r), 0);
    room(r, 16);
    got(r, "ft");
    assert_false(r->c->connected);
    assert_int_equal(idle_wakeups(r), 0);
}

static void pty_brief_visit(void **state)
{
    struct rig *r = *state;
    int fd;

    chr_use(r, "pty");
    room(r, 16);
    run(r, 5);
    fd = open(r->c->filename + 4, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hi", 2), 2);
    close(fd);
    got(r, "hi");
    assert_false(r->c->connected);
    for (unsigned i = 0; i < 20; i++) {
        fd = open(r->c->filename + 4, O_RDWR | O_NOCTTY);
        close(fd);
        run(r, 1);
    }
    assert_false(r->c->connected);
    assert_int_equal(idle_wakeups(r), 0);
}

static void pty_reader_stops(void **state)
{
    struct rig *r = *state;
    int fd;

    chr_use_opts(r, "pty");
    fd = pty_slave(r);
    fills_and_drains(r, fd);
    /* One that leaves while output waits releases it. */
    while (put(r, "0123456789abcde") == 15)
        ;
    r->ready = 0;
    close(fd);
    run(r, 20);
    assert_int_equal(r->ready, 1);
    assert_int_equal(put(r, "x"), 1);
}

/* The next n descriptors can be had, no more. */
static void fd_limit(struct rlimit *old, unsigned n)
{
    struct rlimit l;
    int fd = dup(0);

    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
    l = *old;
    l.rlim_cur = (rlim_t)fd + n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* Its instances are limited: we hold the other side open ourselves then. */
static void pty_without_inotify(void **state)
{
    struct rig *r = *state;
    struct rlimit old;
    int fd;

    fd_limit(&old, 2);
    chr_use(r, "pty");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    room(r, 16);
    assert_true(r->c->connected);
    assert_int_equal(put(r, "kept"), 4);
    fd = pty_slave(r);
    expect(fd, "kept");
    assert_int_equal(write(fd, "in", 2), 2);
    got(r, "in");
    close(fd);
    assert_true(r->c->connected);
    assert_int_equal(idle_wakeups(r), 0);
    chr_drop(r);
    fd_limit(&old, 0);
    assert_non_null(strstr(refused(r, "pty"), "/dev/pts"));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void check_file(const char *path, const char *want)
{
    char buf[200];
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    take(fd, buf, sizeof(buf));
    close(fd);
    assert_string_equal(buf, want);
}

static void files(void **state)
{
    struct rig *r = *state;
    char path[100];

    snprintf(path, sizeof(path), "%s/log,1", r->dir);
    chr_use(r, "file:%s", path);
    room(r, 16);
    assert_true(r->c->connected);
    assert_int_equal(put(r, "one\n"), 4);
    check_file(path, "one\n");
    chr_use(r, "file:%s", path); /* truncates */
    assert_int_equal(put(r, "two\n"), 4);
    check_file(path, "two\n");
    chr_use_opts(r, "file,path=%s/log,,1,append=on,id=x", r->dir);
    assert_int_equal(put(r, "three\n"), 6);
    check_file(path, "two\nthree\n");
    assert_int_equal(idle_wakeups(r), 0);
    /* A full disk loses output, not the guest. */
    chr_use(r, "file:/dev/full");
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(put(r, "abc"), 3);
    chr_use(r, "null");
    assert_string_equal(r->c->filename, "null");
    room(r, 16);
    assert_int_equal(put(r, "abc"), 3);
    assert_int_equal(idle_wakeups(r), 0);
}

static void none(void **state)
{
    struct rig *r = *state;
    struct chr *c = (struct chr *)1;

    assert_int_equal(chr_open(r->loop, "none", "serial0", &c, &r->err), 0);
    assert_null(c);
}

static void stdio(void **state)
{
    struct rig *r = *state;
    int old0 = dup(0), old1 = dup(1), in[2], out[2], flags;

    fflush(stdout);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    flags = fcntl(in[0], F_GETFL);
    dup2(in[0], 0);
    dup2(out[1], 1);
    chr_use(r, "stdio");
    room(r, 16);
    assert_int_equal(write(in[1], "abc", 3), 3);
    run(r, 20);
    put(r, "out");
    close(in[1]); /* the end of input is not the end of output */
    run(r, 20);
    put(r, "put");
    r->wakeups = 0;
    run(r, 50);
    chr_drop(r);
    /* From /dev/null, as libxl starts us: no input, and no spinning. */
    dup2(open("/dev/null", O_RDONLY), 0);
    chr_use(r, "stdio");
    room(r, 16);
    run(r, 20);
    put(r, "!");
    chr_drop(r);
    dup2(old0, 0);
    dup2(old1, 1);
    assert_true(r->wakeups <= 2);
    assert_int_equal(fcntl(in[0], F_GETFL), flags); /* as it was */
    assert_int_equal(r->got_len, 0);
    assert_memory_equal(r->got, "abc", 3);
    expect(out[0], "output!");
    close(in[0]);
    close(out[0]);
    close(out[1]);
}

static void pipes(void **state)
{
    struct rig *r = *state;
    char in[100], out[100];
    int ifd, ofd;

    snprintf(in, sizeof(in), "%s/p.in", r->dir);
    snprintf(out, sizeof(out), "%s/p.out", r->dir);
    assert_int_equal(mkfifo(in, 0600), 0);
    assert_non_null(strstr(refused(r, "pipe:%s/p", r->dir), "mkfifo"));
    assert_int_equal(mkfifo(out, 0600), 0);
    chr_use(r, "pipe:%s/p", r->dir);
    room(r, 16);
    assert_int_equal(idle_wakeups(r), 0);
    ifd = open(in, O_WRONLY | O_NONBLOCK);
    assert_true(ifd >= 0);
    assert_int_equal(write(ifd, "ping", 4), 4);
    got(r, "ping");
    close(ifd);
    assert_int_equal(idle_wakeups(r), 0); /* no hang-up */
    put(r, "pong");
    ofd = open(out, O_RDONLY | O_NONBLOCK);
    expect(ofd, "pong");
    fills_and_drains(r, ofd);
    close(ofd);
    /* One fifo for both ways. */
    snprintf(in, sizeof(in), "%s/one", r->dir);
    assert_int_equal(mkfifo(in, 0600), 0);
    chr_use_opts(r, "pipe,path=%s", in);
    room(r, 16);
    put(r, "self");
    got(r, "self");
}

static void serial_device(void **state)
{
    struct rig *r = *state;
    const struct chr_line line = {9600, 7, 2, 'E'};
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios t;

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    chr_use(r, "%s", ptsname(master));
    room(r, 16);
    assert_int_equal(tcgetattr(master, &t), 0);
    assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(cfgetospeed(&t), B115200);
    r->c->ops->line(r->c, &line);
    assert_int_equal(tcgetattr(master, &t), 0);
    assert_int_equal(cfgetospeed(&t), B9600);
    assert_int_equal(write(master, "in", 2), 2);
    got(r, "in");
    put(r, "out");
    expect(master, "out");
    assert_int_equal(idle_wakeups(r), 0);
    close(master);
    linked(r, false);
    assert_int_equal(put(r, "x"), 1);
    assert_int_equal(idle_wakeups(r), 0);
}

/* What the guest says would be written over the disk's contents. */
static void file_is_no_disk(void **state)
{
    struct rig *r = *state;
    char disk[200];

    snprintf(disk, sizeof(disk), "%s/disk", r->dir);
    if (mknod(disk, S_IFBLK | 0600, makedev(7, 4095)))
        skip(); /* not root */
    assert_non_null(strstr(refused(r, "file:%s", disk), "block device"));
    unlink(disk);
}

static void refusals(void **state)
{
    struct rig *r = *state;
    char big[1100];

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    assert_non_null(strstr(refused(r, "vc"), "use pty"));
    assert_non_null(strstr(refused(r, "vc:80Cx24C"), "use pty"));
    assert_non_null(strstr(refused(r, "mon:stdio"), "not supported"));
    assert_non_null(strstr(refused(r, "foo"), "use pty, null"));
    assert_non_null(strstr(refused(r, "%s", ""), "use pty, null"));
    assert_non_null(strstr(refused(r, "file:"), "path is missing"));
    assert_non_null(strstr(refused(r, "file:%s", r->dir), "Is a directory"));
    assert_non_null(strstr(refused(r, "file:%s/no/no", r->dir), "No such"));
    assert_non_null(strstr(refused(r, "pipe:"), "path is missing"));
    assert_non_null(strstr(refused(r, "pipe:%s/no", r->dir), "mkfifo"));
    assert_non_null(strstr(refused(r, "/dev/no-such"), "/dev/ttyS0"));
    assert_non_null(
        strstr(refused(r, "/dev/fd/../../proc/self/maps"), "/dev/ttyS0"));
    assert_non_null(strstr(refused(r, "unix:"), "path is missing"));
    assert_non_null(strstr(refused(r, "unix:%s", big), "longer"));
    assert_non_null(strstr(refused(r, "unix:%.200s,server", big), "longer"));
    assert_non_null(strstr(refused(r, "unix:/x,bogus=1"), "\"bogus\""));
    assert_non_null(strstr(refused(r, "unix:/x,telnet"), "\"telnet\""));
    assert_non_null(strstr(refused(r, "unix:/x,server=maybe"), "on or off"));
    assert_non_null(strstr(refused(r, "unix:/x,nowait=1"), "no value"));
    assert_non_null(strstr(refused(r, "unix:/x,reconnect=-1"), "number"));
    assert_non_null(
        strstr(refused(r, "unix:/x,server,reconnect=1"), "clients"));
    assert_non_null(strstr(refused(r, "unix:/x,a,b,c,d,e,f,g,h,i,j,k,l,m,n,"
                                      "o,p,q"),
                           "more than"));
    assert_non_null(strstr(refused(r, "tcp:localhost"), "port is missing"));
    assert_non_null(strstr(refused(r, "tcp:localhost:"), "port is missing"));
    assert_non_null(strstr(refused(r, "tcp:[::1"), "IPv6"));
    assert_non_null(
        strstr(refused(r, "tcp:127.0.0.1:70000,server"), "above 65535"));
    assert_non_null(
        strstr(refused(r, "tcp:127.0.0.1:no-such,server"), "no address"));
    assert_non_null(strstr(refused(r, "udp:127.0.0.1"), "port is missing"));
    assert_non_null(strstr(refused(r, "opts:vc"), "not supported"));
    assert_non_null(strstr(refused(r, "opts:%s", ""), "not supported"));
    assert_non_null(strstr(refused(r, "opts:pty,mux=on"), "mux"));
    assert_non_null(strstr(refused(r, "opts:pty,path=/x"), "\"path\""));
    assert_non_null(strstr(refused(r, "opts:file"), "path=P"));
    assert_non_null(strstr(refused(r, "opts:socket,server=on"), "path=P"));
    assert_non_null(strstr(refused(r, "opts:socket,path=/x,port=1"), "path=P"));
    assert_non_null(strstr(refused(r, "opts:udp,host=::1"), "port=N"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(pty_talks),
        T(pty_room),
        T(pty_brief_visit),
        T(pty_reader_stops),
        T(pty_without_inotify),
        T(files),
        T(none),
        T(stdio),
        T(pipes),
        T(serial_device),
        T(file_is_no_disk),
        T(refusals),
    };
    int failed;

    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + socket_run();
}
