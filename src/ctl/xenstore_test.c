/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxenstore against a daemon of our own that keeps a journal. */
#include "xenstore.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenstore.h>

#include <cmocka.h>

struct daemon {
    char dir[32];
    char path[64];
    int lfd;
    pthread_t thread;
    const char *deny; /* paths holding this are answered EACCES */
    bool folders;     /* those below are there */
    char journal[2048];
};

static int get(int fd, void *buf, size_t len)
{
    return recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len ? 0 : -1;
}

static const struct folder {
    const char *path, *names; /* blanks between */
} folder[] = {
    {"/mh/driver-blacklist", "linux gplpv-windows empty"},
    {"/mh/driver-blacklist/linux", "393472 0x1 12x -3 4294967296 7"},
    {"/mh/driver-blacklist/gplpv-windows", "4294967295"},
    {"backend/vkbd/17", "0 1"},
};

/* In place of the path: the names in that folder, each with its NUL. */
static unsigned list(char *path)
{
    for (unsigned i = 0; i < sizeof(folder) / sizeof(folder[0]); i++) {
        if (strcmp(path, folder[i].path))
            continue;
        strcpy(path, folder[i].names);
        for (char *p = path; (p = strchr(p, ' ')); p++)
            *p = 0;
        return (unsigned)strlen(folder[i].names) + 1;
    }
    return 0;
}

static void *serve(void *arg)
{
    struct daemon *d = arg;
    struct xsd_sockmsg m;
    char body[256];
    int fd = accept(d->lfd, NULL, NULL);

    while (!get(fd, &m, sizeof(m)) && m.len < sizeof(body) &&
           !get(fd, body, m.len)) {
        size_t at = strlen(d->journal);

        body[m.len] = 0;
        /* path and value, or path and permissions, NUL between */
        snprintf(d->journal + at, sizeof(d->journal) - at, "%u %s %s\n",
                 (unsigned)m.type, body,
                 strlen(body) + 1 < m.len ? body + strlen(body) + 1 : "");
        if (m.type == XS_DIRECTORY && !d->deny) {
            m.len = d->folders ? list(body) : 0;
            if (!m.len) {
                m.type = XS_ERROR;
                m.len = 7;
                memcpy(body, "ENOENT", 7);
            }
        } else if (d->deny && strstr(body, d->deny)) {
            m.type = XS_ERROR;
            m.len = 7;
            memcpy(body, "EACCES", 7);
        } else {
            m.len = 3;
            memcpy(body, "OK", 3);
        }
        if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) < 0 ||
            send(fd, body, m.len, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
    return NULL;
}

static void start(struct daemon *d, const char *deny)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    memset(d, 0, sizeof(*d));
    d->deny = deny;
    strcpy(d->dir, "/tmp/hvmd-xs-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    snprintf(d->path, sizeof(d->path), "%s/socket", d->dir);
    memcpy(addr.sun_path, d->path, strlen(d->path) + 1);
    d->lfd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(d->lfd, (void *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(d->lfd, 1), 0);
    setenv("XENSTORED_PATH", d->path, 1);
    assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
}

static void finish(struct daemon *d)
{
    pthread_join(d->thread, NULL);
    close(d->lfd);
    unlink(d->path);
    rmdir(d->dir);
}

static void test_running(void **state)
{
    struct daemon d;
    struct xenstore *x;
    struct err e;
    char want[1024] = "";
    static const char *const kind[] = {"console", "vkbd", "9pfs", "qusb"};

    start(&d, NULL);
    x = xs_ctl_open(17, &e);
    assert_non_null(x);
    assert_int_equal(xs_ctl_backends(x, &e), 0);
    assert_int_equal(xs_ctl_state(x, "running", &e), 0);
    xs_ctl_close(x);
    finish(&d);
    for (int i = 0; i < 4; i++) {
        size_t at = strlen(want);

        snprintf(want + at, sizeof(want) - at,
                 "%u device-model/17/backends/%s \n"
                 "%u device-model/17/backends/%s n0\n",
                 XS_MKDIR, kind[i], XS_SET_PERMS, kind[i]);
    }
    snprintf(want + strlen(want), sizeof(want) - strlen(want),
             "%u device-model/17/state running\n", XS_WRITE);
    assert_string_equal(d.journal, want);
}

static void test_denied(void **state)
{
    struct daemon d;
    struct xenstore *x;
    struct err e;

    start(&d, "state");
    x = xs_ctl_open(3, &e);
    assert_non_null(x);
    assert_int_equal(xs_ctl_state(x, "running", &e), -EACCES);
    assert_non_null(strstr(e.text, "device-model/3/state"));
    xs_ctl_close(x);
    finish(&d);
    start(&d, "backends");
    x = xs_ctl_open(3, &e);
    assert_non_null(x);
    assert_int_equal(xs_ctl_backends(x, &e), -EACCES);
    assert_non_null(strstr(e.text, "backends/console"));
    xs_ctl_close(x);
    finish(&d);
}

static void test_blacklist(void **state)
{
    struct daemon d;
    struct xenstore *x;
    struct xs_blacklist l;
    struct err e;

    start(&d, NULL);
    d.folders = true;
    x = xs_ctl_open(17, &e);
    assert_non_null(x);
    assert_int_equal(xs_ctl_blacklist(x, &l, &e), 0);
    xs_ctl_close(x);
    finish(&d);
    assert_int_equal(l.n, 3);
    assert_true(xs_blacklisted(&l, "linux", 393472));
    assert_true(xs_blacklisted(&l, "linux", 7));
    assert_true(xs_blacklisted(&l, "gplpv-windows", UINT32_MAX));
    assert_false(xs_blacklisted(&l, "gplpv-windows", 7));
    assert_false(xs_blacklisted(&l, "linux", 12));
    assert_false(xs_blacklisted(&l, "linux", 0));
    assert_false(xs_blacklisted(&l, "linu", 7));

    start(&d, NULL);
    x = xs_ctl_open(17, &e);
    assert_int_equal(xs_ctl_blacklist(x, &l, &e), 0);
    xs_ctl_close(x);
    finish(&d);
    assert_int_equal(l.n, 0);
    start(&d, "blacklist");
    x = xs_ctl_open(17, &e);
    assert_int_equal(xs_ctl_blacklist(x, &l, &e), 0);
    xs_ctl_close(x);
    finish(&d);
    assert_int_equal(l.n, 0);
}

static void test_vkbd(void **state)
{
    struct daemon d;
    struct xenstore *x;
    struct err e;
    char want[200];

    start(&d, NULL);
    d.folders = true;
    x = xs_ctl_open(17, &e);
    assert_non_null(x);
    assert_int_equal(xs_ctl_close_vkbd(x, &e), 0);
    xs_ctl_close(x);
    finish(&d);
    snprintf(want, sizeof(want),
             "%u backend/vkbd/17 \n%u backend/vkbd/17/0/state 6\n"
             "%u backend/vkbd/17/1/state 6\n",
             XS_DIRECTORY, XS_WRITE, XS_WRITE);
    assert_string_equal(d.journal, want);

    start(&d, NULL);
    x = xs_ctl_open(17, &e);
    assert_int_equal(xs_ctl_close_vkbd(x, &e), 0);
    xs_ctl_close(x);
    finish(&d);
    start(&d, "vkbd");
    x = xs_ctl_open(17, &e);
    assert_int_equal(xs_ctl_close_vkbd(x, &e), -EACCES);
    assert_non_null(strstr(e.text, "backend/vkbd/17"));
    xs_ctl_close(x);
    finish(&d);
}

static void test_absent(void **state)
{
    struct err e = {""};

    setenv("XENSTORED_PATH", "/nonexistent/socket", 1);
    if (!access("/dev/xen/xenbus", F_OK) || !access("/proc/xen/xenbus", F_OK))
        skip(); /* a domain of Xen: the other way works */
    assert_null(xs_ctl_open(1, &e));
    assert_non_null(strstr(e.text, "xenstore"));
    xs_ctl_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running),   cmocka_unit_test(test_denied),
        cmocka_unit_test(test_blacklist), cmocka_unit_test(test_vkbd),
        cmocka_unit_test(test_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
