/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "xl vcpu-set" leaves in xenstore, by a daemon that the test plays. */
#include "ctl/xs_link.h"
#include "hvmd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include <cmocka.h>

#define VCPUS 4u

struct bed {
    struct hvmd h;
    char dir[32], path[64];
    int lfd, fd; /* the daemon's */
    bool offline[VCPUS], absent[VCPUS];
    unsigned online; /* bits */
    unsigned calls, reads;
};

static struct bed *told; /* by the stand-ins for the machine */

int machine_set_vcpu(struct machine *m, unsigned vcpu, bool online)
{
    told->calls++;
    if (vcpu >= VCPUS)
        return -EINVAL;
    if (online)
        told->online |= 1u << vcpu;
    else
        told->online &= ~(1u << vcpu);
    return 0;
}

bool machine_vcpu_online(struct machine *m, unsigned vcpu)
{
    return told->online & 1u << vcpu;
}

static void answer(struct bed *b, uint32_t type, uint32_t id, const char *body,
                   size_t len)
{
    struct xsd_sockmsg head = {
        .type = type, .req_id = id, .len = (uint32_t)len};

    assert_int_equal(send(b->fd, &head, sizeof(head), MSG_NOSIGNAL),
                     sizeof(head));
    assert_int_equal(send(b->fd, body, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void fire(struct bed *b)
{
    static const char body[] = "/local/domain/7/cpu/1\0hvmd";

    answer(b, XS_WATCH_EVENT, 0, body, sizeof(body));
}

static void serve(struct bed *b, const struct xsd_sockmsg *head, char *body)
{
    unsigned cpu;

    if (head->type == XS_WATCH) {
        assert_string_equal(body, "/local/domain/7/cpu");
        assert_string_equal(body + strlen(body) + 1, "cpu");
        answer(b, XS_WATCH, head->req_id, "OK", 3);
        fire(b);
        return;
    }
    assert_int_equal(head->type, XS_READ);
    assert_int_equal(sscanf(body, "/local/domain/7/cpu/%u/availability", &cpu),
                     1);
    b->reads++;
    if (b->absent[cpu])
        answer(b, XS_ERROR, head->req_id, "ENOENT", 7);
    else if (b->offline[cpu])
        answer(b, XS_READ, head->req_id, "offline", 7); /* without a NUL */
    else
        answer(b, XS_READ, head->req_id, "online", 6);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx, 0);
}

/* Both sides, until nothing more is said. */
static void talk(struct bed *b)
{
    struct xsd_sockmsg head;
    unsigned quiet = 0;
    char body[200];

    while (quiet < 4) {
        struct timer t;

        timer_init(&t, loop_clock(b->h.loop), stop_loop, b->h.loop);
        timer_set(&t, clock_now(loop_clock(b->h.loop)) + NS_PER_MS);
        loop_run(b->h.loop);
        if (b->fd < 0)
            b->fd = accept4(b->lfd, NULL, NULL, SOCK_NONBLOCK);
        quiet++;
        if (recv(b->fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
            continue;
        assert_true(head.len < sizeof(body));
        assert_int_equal(recv(b->fd, body, head.len, 0), head.len);
        serve(b, &head, body);
        quiet = 0;
    }
}

static int setup(void **state)
{
    struct bed *b = calloc(1, sizeof(*b));
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    assert_non_null(b);
    told = b;
    strcpy(b->dir, "/tmp/hvmd-vcpus-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/s", b->dir);
    strcpy(addr.sun_path, b->path);
    b->lfd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    b->fd = -1;
    assert_int_equal(bind(b->lfd, (void *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(b->lfd, 1), 0);
    setenv("XENSTORED_PATH", b->path, 1);
    b->h.loop = loop_new();
    b->h.conf.domid = 7;
    b->h.conf.max_vcpus = VCPUS;
    b->h.conf.acpi = true;
    b->online = 3;
    b->offline[2] = b->offline[3] = true;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;

    hvmd_vcpus_end(&b->h);
    if (b->fd >= 0)
        close(b->fd);
    close(b->lfd);
    unlink(b->path);
    rmdir(b->dir);
    loop_free(b->h.loop);
    free(b);
    return 0;
}
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void test_set(void **state)
{
    struct bed *b = *state;

    hvmd_vcpus_init(&b->h);
    assert_non_null(b->h.cpu_link);
    talk(b);
    assert_int_equal(b->online, 3); /* as it was started */
    assert_int_equal(b->reads, VCPUS);
    b->offline[1] = true;
    fire(b);
    talk(b);
    assert_int_equal(b->online, 1);
    b->offline[1] = b->offline[2] = b->offline[3] = false;
    fire(b);
    fire(b);
    fire(b); /* once a look is under way, one more is enough */
    b->reads = 0;
    talk(b);
    assert_int_equal(b->online, 0xf);
    assert_true(b->reads <= 3 * VCPUS);
    /* the first cannot go, one without a word stays as it is */
    b->offline[0] = b->offline[3] = b->absent[3] = true;
    fire(b);
    talk(b);
    assert_int_equal(b->online, 0xf);
}

static void test_few(void **state)
{
    struct bed *b = *state;
    struct err e;

    b->h.conf.max_vcpus = 1; /* none to come or go */
    hvmd_vcpus_init(&b->h);
    assert_null(b->h.cpu_link);
    b->h.conf.max_vcpus = VCPUS;
    b->h.conf.acpi = false;
    hvmd_vcpus_init(&b->h);
    assert_null(b->h.cpu_link);
    b->h.conf.acpi = true;
    unlink(b->path); /* nobody there: the guest runs all the same */
    hvmd_vcpus_init(&b->h);
    assert_null(b->h.cpu_link);
    assert_int_equal(hvmd_set_vcpu(&b->h, 0, false, &e), -EINVAL);
    assert_int_equal(hvmd_set_vcpu(&b->h, VCPUS, true, &e), -EINVAL);
    assert_non_null(strstr(e.text, "acpi=1"));
}

/* Its peer is trusted, yet a bad one does no harm: the connection ends. */
static void test_bad_daemon(void **state)
{
    struct bed *b = *state;
    struct xsd_sockmsg head = {.type = XS_READ, .len = 5000};
    char odd[40];

    for (unsigned mode = 0; mode < 4; mode++) {
        hvmd_vcpus_init(&b->h);
        assert_non_null(b->h.cpu_link);
        talk(b);
        memset(odd, 0xff, sizeof(odd));
        if (mode == 0)
            send(b->fd, &head, sizeof(head), MSG_NOSIGNAL);
        else if (mode == 1)
            send(b->fd, odd, sizeof(odd), MSG_NOSIGNAL);
        else if (mode == 2)
            answer(b, XS_ERROR, 1, "EACCES", 7);
        else
            shutdown(b->fd, SHUT_RDWR);
        close(b->fd);
        b->calls = 0;
        for (unsigned i = 0; i < 3; i++) {
            struct timer t;

            timer_init(&t, loop_clock(b->h.loop), stop_loop, b->h.loop);
            timer_set(&t, clock_now(loop_clock(b->h.loop)) + NS_PER_MS);
            loop_run(b->h.loop);
        }
        assert_int_equal(b->calls, 0);
        assert_int_equal(xs_link_read(b->h.cpu_link, "/x", NULL), -EPIPE);
        hvmd_vcpus_end(&b->h);
        b->fd = -1;
    }
}

/* In pieces of a byte. */
static void test_pieces(void **state)
{
    struct bed *b = *state;
    struct xsd_sockmsg head = {.type = XS_WATCH_EVENT, .len = 7};
    char all[sizeof(head) + 7];

    hvmd_vcpus_init(&b->h);
    talk(b);
    b->offline[1] = true;
    memcpy(all, &head, sizeof(head));
    memcpy(all + sizeof(head), "/x\0hvmd", 7);
    for (size_t i = 0; i < sizeof(all); i++) {
        assert_int_equal(send(b->fd, all + i, 1, 0), 1);
        assert_int_equal(b->online, 3);
        if (i + 1 < sizeof(all))
            talk(b);
    }
    talk(b);
    assert_int_equal(b->online, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_set),
        T(test_few),
        T(test_bad_daemon),
        T(test_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
