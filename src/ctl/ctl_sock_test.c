/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: many clients, and those no socket should have. */
#include "ctl_fake.h"
#include "ctl_sock.h"
#include "qmp_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The rig's own server stands for libxl's; path is of the control socket. */
struct bed {
    struct host *h;
    struct ctl_sock *ctl;
    struct fake fake;
    char run[64], libxl[64];
    char big[16384];
};

static int bed_setup(void **state)
{
    struct bed *b = test_calloc(1, sizeof(*b));
    struct err e;

    rig_setup((void **)&b->h);
    fake_init(&b->fake, b->h->loop);
    b->h->ctx.name = "guest";
    b->h->ctx.domid = 7;
    snprintf(b->libxl, sizeof(b->libxl), "%s", b->h->path);
    snprintf(b->run, sizeof(b->run), "%s/run", b->h->dir);
    b->ctl = ctl_sock_new(b->h->loop, b->run, 7, &b->h->ctx, &e);
    assert_non_null(b->ctl);
    snprintf(b->h->path, sizeof(b->h->path), "%.48s/7.sock", b->run);
    memset(b->big, 'g', sizeof(b->big) - 1);
    *state = b;
    return 0;
}

static int bed_teardown(void **state)
{
    struct bed *b = *state;

    ctl_sock_free(b->ctl);
    assert_int_equal(access(b->h->path, F_OK), -1);
    assert_int_equal(rmdir(b->run), 0);
    snprintf(b->h->path, sizeof(b->h->path), "%s", b->libxl);
    rig_teardown((void **)&b->h);
    test_free(b);
    return 0;
}
#define B(fn) cmocka_unit_test_setup_teardown(fn, bed_setup, bed_teardown)

/* Commands with the figures of ctl_fake.c. */
static void use_fake(struct bed *b)
{
    b->h->ctx.ops = &fake_ops;
    b->h->ctx.opaque = &b->fake;
}

static void ask(struct client *c)
{
    say(c, "{\"execute\":\"query-name\",\"id\":5}");
    expect(c, "{\"return\":{\"name\":\"guest\"},\"id\":5}");
}

/* Another client, and libxl, are served now. */
static void others_served(struct bed *b)
{
    char control[64];
    struct client c;

    open_up(&c, b->h);
    ask(&c);
    hang_up(&c);
    memcpy(control, b->h->path, sizeof(control));
    memcpy(b->h->path, b->libxl, sizeof(b->libxl));
    open_up(&c, b->h);
    ask(&c);
    hang_up(&c);
    memcpy(b->h->path, control, sizeof(control));
}

static void test_place(void **state)
{
    struct bed *b = *state;
    struct ctl_sock *second;
    char file[80], longer[200];
    struct stat st;
    struct err e;
    int fd;

    assert_int_equal(stat(b->run, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(b->h->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* the domain's next hvmd replaces it; the old one leaves that alone */
    second = ctl_sock_new(b->h->loop, b->run, 7, &b->h->ctx, &e);
    assert_non_null(second);
    ctl_sock_free(b->ctl);
    b->ctl = second;
    others_served(b);

    assert_int_equal(chmod(b->run, 0777), 0);
    assert_null(ctl_sock_new(b->h->loop, b->run, 8, &b->h->ctx, &e));
    assert_non_null(strstr(e.text, "others may write"));
    assert_int_equal(chmod(b->run, 0700), 0);
    snprintf(file, sizeof(file), "%s/file", b->h->dir);
    fd = open(file, O_CREAT | O_RDWR, 0600);
    close(fd);
    assert_null(ctl_sock_new(b->h->loop, file, 8, &b->h->ctx, &e));
    assert_non_null(strstr(e.text, file));
    unlink(file);
    assert_int_equal(symlink(b->run, file), 0);
    assert_null(ctl_sock_new(b->h->loop, file, 8, &b->h->ctx, &e));
    unlink(file);
    assert_null(ctl_sock_new(b->h->loop, "/no/such/dir", 8, &b->h->ctx, &e));
    assert_non_null(strstr(e.text, "/no/such/dir"));
    memset(longer, 'p', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    memcpy(longer, b->run, strlen(b->run));
    longer[strlen(b->run)] = '/';
    assert_null(ctl_sock_new(b->h->loop, longer, 8, &b->h->ctx, &e));
    rmdir(longer);
    snprintf(file, sizeof(file), "%s/8.sock", b->run);
    assert_int_equal(mkdir(file, 0700), 0);
    assert_null(ctl_sock_new(b->h->loop, b->run, 8, &b->h->ctx, &e));
    assert_non_null(strstr(e.text, "not a socket"));
    assert_int_equal(rmdir(file), 0);
}

static void test_many(void **state)
{
    struct client *c = test_calloc(CTL_CLIENTS + 1, sizeof(*c));
    struct bed *b = *state;
    unsigned i;

    for (i = 0; i < CTL_CLIENTS - 1; i++)
        open_up(&c[i], b->h);
    for (i = 0; i < CTL_CLIENTS - 1; i++)
        ask(&c[i]);
    others_served(b); /* in the last place */
    open_up(&c[i], b->h);
    for (i = CTL_CLIENTS; i-- > 0;)
        ask(&c[i]);
    /* idle clients cost nothing */
    assert_int_equal(clock_next(loop_clock(b->h->loop)), TIMER_NEVER);
    /* all have spoken lately: no room */
    dial(&c[CTL_CLIENTS], b->h);
    expect_part(&c[CTL_CLIENTS], "all places of this socket are taken");
    closed(&c[CTL_CLIENTS]);
    hang_up(&c[CTL_CLIENTS]);
    hang_up(&c[3]);
    others_served(b);
    open_up(&c[3], b->h);
    /* one goes and one comes in the same turn of the loop */
    close(c[3].fd);
    open_up(&c[3], b->h);
    /* the one silent for longest makes room, the others stay */
    loop_clock(b->h->loop)->offset_ns -= CTL_SILENT_NS;
    for (i = 0; i < CTL_CLIENTS; i++)
        if (i != 6)
            ask(&c[i]);
    open_up(&c[CTL_CLIENTS], b->h);
    closed(&c[6]);
    for (i = 0; i <= CTL_CLIENTS; i++)
        if (i != 6)
            ask(&c[i]);
    for (i = 0; i <= CTL_CLIENTS; i++)
        close(c[i].fd);
    turn(b->h, 1000);
    others_served(b);
    test_free(c);
}

/* libxl counts on the list of its own sockets. */
static void test_unlisted(void **state)
{
    struct bed *b = *state;
    struct client c;
    const char *got;

    open_up(&c, b->h);
    say(&c, "{\"execute\":\"query-chardev\"}");
    got = hear(&c);
    assert_non_null(strstr(got, "libxl-cmd"));
    assert_null(strstr(got, "7.sock"));
    test_free((void *)(uintptr_t)got);
    hang_up(&c);
}

static void test_half_lines(void **state)
{
    struct client *c = test_calloc(CTL_CLIENTS, sizeof(*c));
    struct bed *b = *state;
    unsigned i;

    for (i = 0; i < CTL_CLIENTS - 1; i++) {
        open_up(&c[i], b->h);
        say(&c[i], i & 1 ? "{" : "{\"execute\":\"query-na");
    }
    for (i = 0; i < 50; i++) {
        say(&c[1], "\"x\":1,");
        turn(b->h, 100);
        others_served(b);
    }
    say(&c[0], "me\",\"id\":5}");
    expect(&c[0], "{\"return\":{\"name\":\"guest\"},\"id\":5}");
    for (i = 0; i < CTL_CLIENTS - 1; i++)
        hang_up(&c[i]);
    test_free(c);
}

static void test_huge(void **state)
{
    struct bed *b = *state;
    struct client c;

    open_up(&c, b->h); /* one command of more than may be */
    say(&c, "{\"execute\":\"");
    say(&c, b->big);
    closed(&c);
    hang_up(&c);
    others_served(b);
    open_up(&c, b->h); /* just inside */
    say(&c, "{\"execute\":\"");
    say_n(&c, b->big, CTL_IN_MAX - 14);
    say(&c, "\"}");
    expect_part(&c, "CommandNotFound");
    hang_up(&c);
    open_up(&c, b->h); /* no JSON, without an end */
    for (unsigned i = 0; i < 64; i++)
        say_n(&c, b->big, sizeof(b->big) - 1);
    closed(&c);
    hang_up(&c);
    open_up(&c, b->h);
    for (unsigned i = 0; i < QMP_ERRORS_MAX; i++)
        say(&c, "[]\n");
    closed(&c);
    hang_up(&c);
    others_served(b);
}

/* Asks for a lot, takes nothing: the others do not notice, it is closed. */
static void test_no_reader(void **state)
{
    static const char much[] = "{\"execute\":\"much\",\"arguments\":{\"len\":"
                               "900000}}";
    struct bed *b = *state;
    struct client c[4];
    unsigned i, n;

    for (i = 0; i < 4; i++) {
        open_up(&c[i], b->h);
        for (n = 0; n < 100; n++)
            if (send(c[i].fd, much, sizeof(much) - 1, MSG_NOSIGNAL) < 0)
                break;
        turn(b->h, 2000);
        others_served(b);
    }
    loop_clock(b->h->loop)->offset_ns -= QMP_STALL_NS;
    turn(b->h, 2000);
    others_served(b);
    for (i = 0; i < 4; i++) {
        closed(&c[i]);
        close(c[i].fd);
    }
}

static void test_flood(void **state)
{
    static const char status[] = "{\"execute\":\"query-status\"}";
    struct bed *b = *state;
    struct client c;

    open_up(&c, b->h);
    for (unsigned i = 0; i < 20; i++) {
        /* as much as the sockets hold, replies unread */
        while (send(c.fd, status, sizeof(status) - 1, MSG_NOSIGNAL) > 0)
            ;
        turn(b->h, 500);
        others_served(b);
        while (recv(c.fd, b->big, sizeof(b->big) - 1, 0) > 0)
            ;
    }
    hang_up(&c);
    others_served(b);
}

static uint32_t dice(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* Clients that come, say any part of something, and go: one always works. */
static void test_storm(void **state)
{
    static const char *const word[] = {
        "{\"execute\":\"qmp_capabilities\"}",
        "{\"execute\":\"query-name\"}",
        "{\"execute\":\"much\",\"arguments\":{\"len\":70000}}",
        "\n",
        "{\"execute\":",
        "]\n",
        "\"\\u00",
        "{{{{",
    };
    int fd[24];
    struct bed *b = *state;
    struct client good, c;
    uint32_t seed = 1;

    for (unsigned i = 0; i < 24; i++)
        fd[i] = -1;
    open_up(&good, b->h);
    for (unsigned round = 0; round < 1500; round++) {
        unsigned i = dice(&seed, 24);
        const char *w = word[dice(&seed, 8)];

        if (fd[i] < 0) {
            dial(&c, b->h);
            fd[i] = c.fd;
        } else if (dice(&seed, 4) == 0) {
            close(fd[i]);
            fd[i] = -1;
        } else if (send(fd[i], w, dice(&seed, (uint32_t)strlen(w) + 1),
                        MSG_NOSIGNAL) < 0) {
            close(fd[i]);
            fd[i] = -1;
        }
        if (round % 4 == 0)
            turn(b->h, 50);
        if (round % 16 == 0)
            ask(&good);
        if (round % 100 == 99)
            loop_clock(b->h->loop)->offset_ns -= NS_PER_S;
    }
    for (unsigned i = 0; i < 24; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    hang_up(&good);
    others_served(b);
}

/* A reply out, then the end, with other clients still there. */
static void test_quit(void **state)
{
    struct bed *b = *state;
    struct client c, d;

    open_up(&c, b->h);
    open_up(&d, b->h);
    say(&c, "{\"execute\":\"quit\"}");
    expect(&c, "{\"return\":{}}");
    assert_int_equal(b->h->quits, 1);
    ctl_sock_free(b->ctl);
    b->ctl = NULL;
    closed(&c);
    closed(&d);
    hang_up(&c);
    hang_up(&d);
}

static void dump(struct client *c, int fd, const char *rest, const char *want)
{
    send_fd(c, "{", 1, &fd, 1);
    say(c, rest);
    expect_part(c, want);
}

static void test_screendump_fd(void **state)
{
    static const char plain[] = "\"execute\":\"screendump\"}";
    struct bed *b = *state;
    struct client c;
    char text[64];
    unsigned before;
    int fd, p[2];

    use_fake(b);
    assert_int_equal(pipe(p), 0);
    fd = memfd_create("dump", MFD_CLOEXEC);
    assert_true(fd >= 0);
    open_up(&c, b->h);
    before = open_fds();
    dump(&c, fd, plain, "{\"return\":{}}");
    assert_int_equal(pread(fd, text, sizeof(text), 0), 29);
    assert_memory_equal(text, "P6\n3 2\n255\n\xff", 12);
    dump(&c, p[1], plain, "not that of a plain file");
    dump(&c, fd,
         "\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/x\"}}",
         "not both");
    say(&c, "{\"execute\":\"screendump\"}");
    expect_part(&c, "'filename' of screendump is missing");
    b->fake.no_screen = true;
    dump(&c, fd, plain, "no display");
    assert_int_equal(b->fake.dumps, 1);
    assert_int_equal(open_fds(), before);
    hang_up(&c);
    close(fd);
    close(p[0]);
    close(p[1]);
}

static void test_stats(void **state)
{
    static const char *const part[] = {
        "{\"return\":{\"domid\":7,\"name\":\"guest\",\"pid\":",
        "\"uptime-ns\":3600000000000,\"status\":\"running\",\"state\":"
        "\"emulating\",\"vcpus\":4,\"viewers\":0,\"cpu\":{\"total-ns\":",
        "\"memory\":{\"rss\":9437184,\"pss\":6553600,\"private-dirty\":2097152,"
        "\"swap\":0}",
        "\"ioreqs\":{\"synchronous\":0,\"buffered\":0,\"unknown\":0,"
        "\"malformed\":1}",
        "{\"name\":\"ide\",\"instance\":0,\"pio-reads\":0,\"pio-writes\":0,"
        "\"mmio-reads\":0,\"mmio-writes\":0,\"config-reads\":4,"
        "\"config-writes\":0,\"mistakes\":0}",
        "{\"unit\":0,\"id\":\"ide-768\",\"kind\":\"disk\",\"attached\":true,"
        "\"medium\":true,\"size-bytes\":10737418240,",
        "{\"unit\":2,\"kind\":\"cdrom\",\"attached\":true,\"medium\":true,",
        "\"nics\":[{\"index\":0,\"id\":\"nic0\",\"model\":\"rtl8139\",\"mac\":"
        "\"00:16:3e:01:02:03\",\"attached\":true,\"rx-frames\":0,",
        "\"rx-errors\":0,\"tx-errors\":1,\"tx-segments\":0,\"interrupts\":0,"
        "\"dropped\":0}],",
        "\"log\":{\"guest-bytes\":0,\"guest-dropped\":7}}}",
    };
    struct bed *b = *state;
    struct client c;
    const char *got;

    use_fake(b);
    open_up(&c, b->h);
    say(&c, "{\"execute\":\"query-hvmd-stats\"}");
    got = hear(&c);
    for (unsigned i = 0; i < sizeof(part) / sizeof(part[0]); i++)
        if (!strstr(got, part[i]))
            fail_msg("no %s\nin %s", part[i], got);
    test_free((void *)(uintptr_t)got);
    b->fake.aside = b->fake.no_memory = true;
    say(&c, "{\"execute\":\"query-hvmd-stats\"}");
    got = hear(&c);
    assert_non_null(strstr(got, "\"state\":\"stepped-aside\""));
    assert_non_null(strstr(got, "\"synchronous\":1234,\"buffered\":500,"));
    assert_non_null(strstr(got, "\"attached\":false,\"medium\":false,"));
    assert_null(strstr(got, "\"memory\""));
    test_free((void *)(uintptr_t)got);
    hang_up(&c);
}

static void test_unplug(void **state)
{
    struct bed *b = *state;
    struct client c;

    use_fake(b);
    open_up(&c, b->h);
    say(&c, "{\"execute\":\"query-hvmd-unplug\"}");
    expect(&c, "{\"return\":{\"ignore-next\":false,\"mask\":0,\"total\":0,"
               "\"events\":[]}}");
    say(&c, "{\"execute\":\"hvmd-ignore-next-unplug\",\"arguments\":{"
            "\"enable\":true}}");
    expect(&c, "{\"return\":{}}");
    assert_true(b->fake.ignoring);
    b->fake.aside = true;
    say(&c, "{\"execute\":\"query-hvmd-unplug\"}");
    expect(&c,
           "{\"return\":{\"ignore-next\":true,\"mask\":3,\"total\":2,"
           "\"events\":[{\"time-ns\":1700000000000000000,\"via\":\"port\","
           "\"port-value\":3,\"went\":\"hda nics\",\"product\":3,"
           "\"product-name\":\"linux\",\"build\":1,\"ignored\":false},"
           "{\"time-ns\":1700000100000000000,\"via\":\"port\",\"port-value\":1,"
           "\"went\":\"nothing\",\"product\":30583,\"build\":0,\"ignored\":"
           "true}]}}");
    say(&c, "{\"execute\":\"hvmd-ignore-next-unplug\",\"arguments\":{"
            "\"enable\":false}}");
    expect(&c, "{\"return\":{}}");
    assert_false(b->fake.ignoring);
    say(&c, "{\"execute\":\"hvmd-ignore-next-unplug\"}");
    expect_part(&c, "'enable' of hvmd-ignore-next-unplug is missing");
    b->fake.no_platform = true;
    say(&c, "{\"execute\":\"query-hvmd-unplug\"}");
    expect_part(&c, "no Xen platform device");
    say(&c, "{\"execute\":\"hvmd-ignore-next-unplug\",\"arguments\":{"
            "\"enable\":true}}");
    expect_part(&c, "no Xen platform device");
    hang_up(&c);
    /* a server whose main gives none of it */
    b->h->ctx.ops = &(const struct qmp_ops){0};
    open_up(&c, b->h);
    say(&c, "{\"execute\":\"query-hvmd-stats\"}");
    expect_part(&c, "CommandNotFound");
    say(&c, "{\"execute\":\"query-hvmd-unplug\"}");
    expect_part(&c, "CommandNotFound");
    hang_up(&c);
}

/* Of this very process, as the kernel tells it. */
static void test_proc(void **state)
{
    int fd = ctl_proc_open();
    struct ctl_proc a, b;
    char *block;

    assert_true(fd >= 0);
    ctl_proc_read(fd, &a);
    assert_true(a.has_memory);
    assert_true(a.pss_bytes && a.pss_bytes <= a.rss_bytes);
    assert_true(a.cpu_ns > 0);
    block = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(block, MAP_FAILED);
    memset(block, 1, 8 << 20);
    ctl_proc_read(fd, &b); /* the same descriptor again */
    assert_true(b.private_dirty_bytes >= a.private_dirty_bytes + (7 << 20));
    assert_true(b.cpu_ns > a.cpu_ns);
    munmap(block, 8 << 20);
    close(fd);
    ctl_proc_read(-1, &b);
    assert_false(b.has_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        B(test_place),         B(test_many),  B(test_unlisted),
        B(test_half_lines),    B(test_huge),  B(test_no_reader),
        B(test_flood),         B(test_storm), B(test_quit),
        B(test_screendump_fd), B(test_stats), B(test_unplug),
        B(test_proc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
