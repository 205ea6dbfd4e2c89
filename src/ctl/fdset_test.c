/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fdset.h"
#include "qmp_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int null_fd(int flags)
{
    int fd = open("/dev/null", flags | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void test_numbers(void **state)
{
    unsigned before = open_fds();
    struct fdset f = {.n = 0};
    struct err e;

    assert_int_equal(
        fdset_add(&f, null_fd(O_RDONLY), FDSET_NEW, NULL, NULL, &e), 0);
    assert_int_equal(fdset_add(&f, null_fd(O_RDONLY), 7, "x", NULL, &e), 7);
    assert_int_equal(
        fdset_add(&f, null_fd(O_RDONLY), FDSET_NEW, NULL, NULL, &e), 1);
    assert_int_equal(fdset_add(&f, null_fd(O_RDONLY), 1, NULL, NULL, &e), 1);
    assert_int_equal(f.n, 4);
    assert_int_equal(f.fd[3].set, 7); /* in order */
    assert_int_equal(fdset_remove(&f, 0, FDSET_ALL, &e), 0);
    assert_int_equal(fdset_remove(&f, 0, FDSET_ALL, &e), -ENOENT);
    assert_int_equal(fdset_remove(&f, 1, f.fd[0].fd, &e), 0);
    assert_int_equal(fdset_remove(&f, 1, 9999, &e), -ENOENT);
    assert_int_equal(f.n, 2);
    /* a number that is free again */
    assert_int_equal(
        fdset_add(&f, null_fd(O_RDONLY), FDSET_NEW, NULL, NULL, &e), 0);
    assert_int_equal(fdset_add(&f, null_fd(O_RDONLY), -2, NULL, NULL, &e),
                     -EINVAL);
    fdset_clear(&f);
    assert_int_equal(open_fds(), before);
}

static void test_bounds(void **state)
{
    unsigned before = open_fds();
    static char words[FDSET_OPAQUE_MAX + 2];
    struct fdset f = {.n = 0};
    struct err e;

    memset(words, 'o', FDSET_OPAQUE_MAX + 1);
    assert_int_equal(
        fdset_add(&f, null_fd(O_RDONLY), FDSET_NEW, words, NULL, &e), -E2BIG);
    words[FDSET_OPAQUE_MAX] = 0;
    for (int i = 0; i < FDSET_FDS; i++)
        assert_int_equal(fdset_add(&f, null_fd(O_RDONLY), FDSET_NEW, words,
                                   i & 1 ? &f : NULL, &e),
                         i);
    assert_int_equal(
        fdset_add(&f, null_fd(O_RDONLY), FDSET_NEW, NULL, NULL, &e), -EMFILE);
    assert_non_null(strstr(e.text, "remove-fd"));
    assert_int_equal(open_fds(), before + FDSET_FDS);
    fdset_leave(&f, &f, false); /* stay, as long as nobody needs the room */
    assert_int_equal(f.n, FDSET_FDS);
    assert_int_equal(fdset_add(&f, null_fd(O_RDONLY), 99, NULL, NULL, &e), 99);
    assert_int_equal(f.n, FDSET_FDS);
    assert_int_equal(f.fd[0].set, 0); /* somebody's still */
    assert_int_equal(f.fd[1].set, 2); /* 1 was the oldest of those left */
    fdset_leave(&f, NULL, false);
    fdset_leave(&f, &e, true); /* nobody is connected any more */
    assert_int_equal(f.n, 0);
    assert_int_equal(open_fds(), before);
    fdset_clear(&f);
    assert_int_equal(open_fds(), before);
}

static void test_open(void **state)
{
    static const char *const bad[] = {"/dev/fdset/",
                                      "/dev/fdset/-1",
                                      "/dev/fdset/0x",
                                      "/dev/fdset/ 0",
                                      "/dev/fdset/99999999999999999999",
                                      "/dev/null",
                                      ""};
    struct fdset f = {.n = 0};
    struct err e;
    int fd;

    fdset_add(&f, null_fd(O_RDONLY), 0, NULL, NULL, &e);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(fdset_open(&f, bad[i], O_RDONLY, &e), -EINVAL);
    assert_int_equal(fdset_open(&f, "/dev/fdset/1", O_RDONLY, &e), -ENOENT);
    assert_int_equal(fdset_open(&f, "/dev/fdset/0", O_WRONLY, &e), -EACCES);
    assert_int_equal(fdset_open(&f, "/dev/fdset/0", O_RDWR, &e), -EACCES);
    fd = fdset_open(&f, "/dev/fdset/0", O_RDONLY, &e);
    assert_true(fd > 2 && fd != f.fd[0].fd);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    fdset_clear(&f);
    assert_true(fcntl(fd, F_GETFD) >= 0); /* is its opener's */
    close(fd);
    /* the one of the set that fits */
    fdset_add(&f, null_fd(O_RDONLY), 0, NULL, NULL, &e);
    fdset_add(&f, null_fd(O_RDWR), 0, NULL, NULL, &e);
    fd = fdset_open(&f, "/dev/fdset/0", O_WRONLY, &e);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    close(fd);
    fdset_clear(&f);
    assert_true(fdset_named("/dev/fdset/3"));
    assert_false(fdset_named("/dev/fdsets"));
}

/* As libxl sends it, with and without arguments. */
static void test_qmp(void **state)
{
    struct host *h = *state;
    unsigned before;
    struct client c;
    int fd = null_fd(O_RDWR);
    char want[256];

    open_up(&c, h);
    before = open_fds();
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\",\"id\":3}");
    expect_part(&c, "{\"return\":{\"fdset-id\":0,\"fd\":");
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\",\"arguments\":"
            "{\"opaque\":\"raw:/a \\u00fc\"}}");
    expect_part(&c, "{\"return\":{\"fdset-id\":1,\"fd\":");
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":1}}");
    expect_part(&c, "{\"return\":{\"fdset-id\":1,\"fd\":");
    assert_int_equal(open_fds(), before + 3);
    say(&c, "{\"execute\":\"query-fdsets\"}");
    snprintf(want, sizeof(want),
             "{\"return\":[{\"fds\":[{\"fd\":%d}],\"fdset-id\":0},"
             "{\"fds\":[{\"fd\":%d,\"opaque\":\"raw:/a ü\"},{\"fd\":%d}],"
             "\"fdset-id\":1}]}",
             h->ctx.fdset.fd[0].fd, h->ctx.fdset.fd[1].fd,
             h->ctx.fdset.fd[2].fd);
    expect(&c, want);
    say(&c, "{\"execute\":\"remove-fd\",\"arguments\":{\"fdset-id\":1}}");
    expect(&c, "{\"return\":{}}");
    assert_int_equal(open_fds(), before + 1);
    say(&c, "{\"execute\":\"remove-fd\",\"arguments\":{\"fdset-id\":1}}");
    expect_part(&c, "GenericError");
    say(&c, "{\"execute\":\"remove-fd\",\"arguments\":"
            "{\"fdset-id\":0,\"fd\":-1}}");
    expect_part(&c, "'fd' must be 0 or more");
    say(&c, "{\"execute\":\"add-fd\"}");
    expect_part(&c, "no descriptor came");
    say(&c, "{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":-1}}");
    expect_part(&c, "'fdset-id' must be 0 or more");
    assert_int_equal(h->ctx.fdset.n, 1);
    hang_up(&c); /* and what it brought goes with it */
    assert_int_equal(h->ctx.fdset.n, 0);
    assert_int_equal(open_fds(), before - 2);
    close(fd);
}

static void file_is(const char *path, const char *want)
{
    char got[16] = "";
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    close(fd);
    assert_string_equal(got, want);
}

#define SAVE(name)                                                             \
    "{\"execute\":\"xen-save-devices-state\",\"arguments\":"                   \
    "{\"live\":true,\"filename\":\"" name "\"}}"

/* The dialogue of xl save: the file is complete when the answer comes. */
static void test_save(void **state)
{
    struct host *h = *state;
    char path[64], say_path[256];
    unsigned before;
    struct client c;
    int fd, p[2];

    snprintf(path, sizeof(path), "%s/f", h->dir);
    open_up(&c, h);
    say(&c, "{\"execute\":\"xen-set-global-dirty-log\",\"arguments\":"
            "{\"enable\":true}}");
    expect(&c, "{\"return\":{}}");
    assert_true(h->logging);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    before = open_fds();
    send_fd(&c, "{", 1, &fd, 1);
    say(&c, "\"execute\":\"add-fd\"}");
    expect_part(&c, "\"fdset-id\":0");
    say(&c, SAVE("/dev/fdset/0"));
    expect(&c, "{\"return\":{}}");
    file_is(path, "state");
    assert_int_equal(open_fds(), before + 1);
    /* by name, over what was there */
    snprintf(say_path, sizeof(say_path),
             "{\"execute\":\"xen-save-devices-state\",\"arguments\":"
             "{\"filename\":\"%s\"}}",
             path);
    say(&c, say_path);
    expect(&c, "{\"return\":{}}");
    file_is(path, "state");
    h->save_fails = -ENOSPC;
    say(&c, say_path);
    expect_part(&c, "No space left");
    /* what would make us wait, and what is not there */
    assert_int_equal(pipe(p), 0);
    send_fd(&c, "{", 1, &p[1], 1);
    say(&c, "\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":9}}");
    expect_part(&c, "\"fdset-id\":9");
    say(&c, SAVE("/dev/fdset/9"));
    expect_part(&c, "is not a plain file");
    say(&c, SAVE("/dev/fdset/3"));
    expect_part(&c, "there is no descriptor set 3");
    say(&c, SAVE("/nowhere/at/all"));
    expect_part(&c, "No such file or directory");
    close(p[0]);
    close(p[1]);
    close(fd);
    unlink(path);
    hang_up(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_open),
        T(test_qmp),
        T(test_save),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
