/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands and discs that come by xenstore, on a bench machine. */
#include "ctl/xs_fake.h"
#include "devices/ide/ide.h"
#include "machine/rig.h"
#include "trad.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

struct bed {
    struct hvmd h;
    struct rig *r;
    struct xs_fake *f;
    struct timer end;
    char dir[32], save[64], line[512], password[16];
    unsigned stops, conts, saves, lines, announced;
    int stop_rc, save_rc;
    int dirty; /* 0: not told, 1 off, 2 on */
};

static struct bed *bed_of(void *hvmd)
{
    return (struct bed *)hvmd; /* h is its first member */
}

/* The console, of which nothing is here. */
bool console_enabled(const struct console *c)
{
    return true;
}

const char *console_service(const struct console *c)
{
    return "5907";
}

int console_set_password(struct console *c, const char *word)
{
    snprintf((char *)c, 16, "%.15s", word);
    return 0;
}

void hvmd_announce(struct hvmd *h)
{
    bed_of(h)->announced++;
}

static int op_stop(void *h, struct err *e)
{
    bed_of(h)->stops++;
    return bed_of(h)->stop_rc ? err_set(e, bed_of(h)->stop_rc, "no stop") : 0;
}

static int op_cont(void *h, struct err *e)
{
    bed_of(h)->conts++;
    return 0;
}

static int op_save(void *h, int fd, struct err *e)
{
    bed_of(h)->saves++;
    if (bed_of(h)->save_rc)
        return err_set(e, bed_of(h)->save_rc, "no state");
    return write(fd, "state", 5) == 5 ? 0 : -EIO;
}

static int op_dirty(void *h, bool on, struct err *e)
{
    bed_of(h)->dirty = 1 + on;
    return 0;
}

static const struct qmp_ops ops = {.stop = op_stop,
                                   .cont = op_cont,
                                   .save = op_save,
                                   .dirty_log = op_dirty,
                                   .eject = hvmd_eject,
                                   .change_medium = hvmd_change_medium};

static void on_line(void *ctx, const char *line, size_t len)
{
    struct bed *b = ctx;

    b->lines++;
    snprintf(b->line, sizeof(b->line), "%.*s", (int)len, line);
}

static void on_end(void *ctx)
{
    loop_stop(((struct bed *)ctx)->h.loop, 0);
}

#define CD "/local/domain/0/backend/qdisk/3/5632"

static int setup(void **state)
{
    struct bed *b = test_calloc(1, sizeof(*b));
    struct err e;

    signal(SIGPIPE, SIG_IGN);
    strcpy(b->dir, "/tmp/hvmd-trad-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->save, sizeof(b->save), "%s/save", b->dir);
    b->f = xs_fake_new();
    b->r = rig_new();
    b->r->conf.disk[2].blk->ops->close(b->r->conf.disk[2].blk);
    b->r->conf.disk[2].blk = NULL;
    rig_start(b->r);
    b->h.machine = b->r->m;
    b->h.machine_conf = b->r->conf;
    b->h.loop = loop_new();
    b->h.pool = pool_new(b->h.loop, 1);
    b->h.log = (struct log){.write = on_line, .ctx = b};
    b->h.console = (struct console *)b->password;
    b->h.qmp_ctx.ops = &ops;
    b->h.conf.domid = 3;
    b->h.conf.vnc.password = true;
    timer_init(&b->end, loop_clock(b->h.loop), on_end, b);
    xs_fake_set(b->f, "/local/domain/3/memory/static-max", "262144");
    xs_fake_set(b->f, "/local/domain/3/vm", "/vm/u");
    xs_fake_set(b->f, "/vm/u/vncpasswd", "secret");
    xs_fake_set(b->f, "/local/domain/3/device/vbd/5632/backend", CD);
    xs_fake_set(b->f, CD "/dev", "hdc");
    xs_fake_set(b->f, CD "/type", "qdisk");
    xs_fake_set(b->f, CD "/params", "");
    xs_fake_set(b->f, CD "/device-type", "cdrom");
    b->h.xenstore = xs_ctl_open(3, &e);
    assert_non_null(b->h.xenstore);
    assert_int_equal(hvmd_trad_config(&b->h, &e), 0);
    assert_int_equal(hvmd_media_init(&b->h, &e), 0);
    b->h.trad->save_file = b->save;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    char path[80];

    hvmd_trad_end(&b->h);
    hvmd_trad_end(&b->h); /* twice is fine */
    hvmd_media_end(&b->h);
    xs_ctl_close(b->h.xenstore);
    timer_cancel(&b->end);
    rig_free(b->r);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (b->h.disk[i])
            b->h.disk[i]->ops->close(b->h.disk[i]);
    pool_free(b->h.pool);
    loop_free(b->h.loop);
    argv_free(&b->h.conf);
    xs_fake_free(b->f);
    snprintf(path, sizeof(path), "%s.3", b->save);
    unlink(path);
    assert_int_equal(rmdir(b->dir), 0);
    test_free(b);
    return 0;
}
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void run_ms(struct bed *b, unsigned ms)
{
    timer_set(&b->end, clock_now(loop_clock(b->h.loop)) + ms * NS_PER_MS);
    loop_run(b->h.loop);
}

static void start(struct bed *b)
{
    struct err e;

    assert_int_equal(hvmd_trad_start(&b->h, &e), 0);
    assert_int_equal(hvmd_trad_tell(&b->h, &e), 0);
    run_ms(b, 100);
    assert_int_equal(b->stops + b->saves + b->lines, 0);
}

/* Until the node has this value, at most 5 s. */
static void await(struct bed *b, const char *path, const char *value)
{
    char text[64];

    for (unsigned i = 0; i < 500; i++) {
        if (xs_fake_get(b->f, path, text, sizeof(text)) && !strcmp(text, value))
            return;
        run_ms(b, 10);
    }
    fail_msg("%s is '%s' and not '%s'", path, text, value);
}

/* The machine is slow when others work on it: waits at most 5 s. */
static void await_lines(struct bed *b, unsigned n)
{
    for (unsigned i = 0; i < 500 && b->lines < n; i++)
        run_ms(b, 10);
    assert_int_equal(b->lines, n);
}

static struct blk *await_disc(struct bed *b, bool there)
{
    for (unsigned i = 0; i < 500 && !b->h.disk[2] == there; i++)
        run_ms(b, 10);
    assert_int_equal(b->h.disk[2] != NULL, there);
    return b->h.disk[2];
}

static void test_start(void **state)
{
    struct bed *b = *state;
    char text[16];

    start(b);
    assert_string_equal(b->password, "secret");
    assert_true(xs_fake_get(b->f, "/vm/u/vncpasswd", text, sizeof(text)));
    assert_string_equal(text, "");
    await(b, "/local/domain/3/console/vnc-port", "5907");
    assert_int_equal(xs_fake_watches(b->f), 3);
    assert_int_equal(b->conts, 0);
    assert_int_equal(b->h.conf.ram_mib, 256);
}

static void test_save(void **state)
{
    struct bed *b = *state;
    struct stat st;
    char path[80];

    start(b);
    snprintf(path, sizeof(path), "%s.3", b->save);
    /* what lies there is replaced, not followed */
    assert_int_equal(symlink("/dev/full", path), 0);
    xs_fake_set(b->f, "device-model/3/command", "save");
    await(b, "device-model/3/state", "paused");
    assert_int_equal(b->stops, 1);
    assert_int_equal(b->saves, 1);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_size, 5);
    assert_int_equal(st.st_mode & 0777, 0600);
    xs_fake_set(b->f, "device-model/3/command", "continue");
    await(b, "device-model/3/state", "running");
    assert_int_equal(b->conts, 1);
    /* and again */
    xs_fake_set(b->f, "device-model/3/command", "save");
    await(b, "device-model/3/state", "paused");
    assert_int_equal(b->saves, 2);
    assert_int_equal(b->lines, 0);
}

static void test_save_fails(void **state)
{
    struct bed *b = *state;
    char path[80], text[16];

    start(b);
    snprintf(path, sizeof(path), "%s.3", b->save);
    b->save_rc = -EIO;
    xs_fake_set(b->f, "device-model/3/command", "save");
    await_lines(b, 1);
    assert_false(xs_fake_get(b->f, "device-model/3/state", text, 16));
    assert_non_null(strstr(b->line, "no state"));
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(b->conts, 1);
    b->save_rc = 0;
    b->stop_rc = -EIO;
    xs_fake_set(b->f, "device-model/3/command", "save");
    await_lines(b, 2);
    assert_non_null(strstr(b->line, "no stop"));
    assert_int_equal(b->saves, 1);
    assert_int_equal(b->conts, 2);
    b->stop_rc = 0;
    b->h.trad->save_file = "/nonexistent/save";
    xs_fake_set(b->f, "device-model/3/command", "save");
    await_lines(b, 3);
    assert_non_null(strstr(b->line, "/nonexistent/save.3"));
    assert_false(xs_fake_get(b->f, "device-model/3/state", text, 16));
}

static void test_commands(void **state)
{
    struct bed *b = *state;

    start(b);
    xs_fake_set(b->f, "device-model/3/command", "pci-ins");
    await(b, "device-model/3/state", "pci-insert-failed");
    xs_fake_set(b->f, "device-model/3/command", "pci-rem");
    await(b, "device-model/3/state", "pci-removed");
    b->lines = 0;
    xs_fake_set(b->f, "device-model/3/command", "fly\n\033[2J");
    await_lines(b, 1);
    assert_null(strchr(b->line, '\033'));
    xs_fake_set(b->f, "device-model/3/command", "");
    xs_fake_set(b->f, "device-model/3/command", NULL);
    run_ms(b, 50);
    assert_int_equal(b->lines, 1);
    xs_fake_set(b->f, "device-model/3/logdirty/cmd", "enable");
    await(b, "device-model/3/logdirty/ret", "enable");
    assert_int_equal(b->dirty, 2);
    xs_fake_set(b->f, "device-model/3/logdirty/cmd", "disable");
    await(b, "device-model/3/logdirty/ret", "disable");
    assert_int_equal(b->dirty, 1);
    xs_fake_set(b->f, "device-model/3/logdirty/cmd", "perhaps");
    run_ms(b, 50);
    await(b, "device-model/3/logdirty/ret", "disable");
}

/* A command of a former device model is not carried out by this one. */
static void test_stale(void **state)
{
    struct bed *b = *state;
    struct err e;

    hvmd_trad_end(&b->h);
    memset(b->h.conf.ide, 0, sizeof(b->h.conf.ide));
    xs_fake_set(b->f, "device-model/3/command", "save");
    assert_int_equal(hvmd_trad_config(&b->h, &e), 0);
    start(b);
}

static void test_discs(void **state)
{
    struct bed *b = *state;
    struct dev *ide = machine_dev(b->r->m, ide_ops.name, 0);
    char disc[64], params[80];
    struct blk *first;
    int fd;

    start(b);
    snprintf(disc, sizeof(disc), "%s/disc", b->dir);
    fd = open(disc, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    close(fd);
    snprintf(params, sizeof(params), "aio:%s", disc);
    xs_fake_set(b->f, CD "/params", params);
    first = await_disc(b, true);
    assert_int_equal(first->size_bytes, 1 << 20);
    assert_true(first->read_only);
    assert_ptr_equal(ide_unit_blk(ide, 2), first);
    assert_false(ide_cd_tray_open(ide, 2));
    /* the same is no change */
    xs_fake_set(b->f, CD "/params", params);
    run_ms(b, 50);
    assert_ptr_equal(b->h.disk[2], first);
    xs_fake_set(b->f, CD "/params", "");
    await_disc(b, false);
    assert_null(ide_unit_blk(ide, 2));
    xs_fake_set(b->f, CD "/params", params);
    await_disc(b, true);
    assert_int_equal(b->lines, 0);
    /* what cannot be had empties the drive and says why */
    xs_fake_set(b->f, CD "/params", "aio:/nonexistent/disc");
    await_lines(b, 1);
    await_disc(b, false);
    assert_non_null(strstr(b->line, "/nonexistent/disc"));
    xs_fake_set(b->f, CD "/params", "qcow2:/x");
    await_lines(b, 2);
    assert_non_null(strstr(b->line, "raw"));
    xs_fake_set(b->f, CD "/params", NULL);
    run_ms(b, 50);
    assert_int_equal(b->lines, 2);
    unlink(disc);
}

/* One that nobody writes to would keep us, and the guest, for ever. */
static void test_disc_that_is_a_pipe(void **state)
{
    struct bed *b = *state;
    char pipe[64], params[80];

    start(b);
    snprintf(pipe, sizeof(pipe), "%s/pipe", b->dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    snprintf(params, sizeof(params), "aio:%s", pipe);
    alarm(20);
    xs_fake_set(b->f, CD "/params", params);
    await_lines(b, 1);
    alarm(0);
    assert_non_null(strstr(b->line, "neither a regular file nor"));
    assert_null(b->h.disk[2]);
    unlink(pipe);
}

static void test_loadvm(void **state)
{
    struct bed *b = *state;
    struct err e;
    int fd;

    hvmd_trad_end(&b->h);
    b->h.conf.loadvm = "/nonexistent/state";
    assert_int_equal(hvmd_trad_config(&b->h, &e), -ENOENT);
    assert_non_null(strstr(e.text, "-loadvm"));
    assert_int_equal(b->h.conf.incoming_fd, 0);
    hvmd_trad_end(&b->h);
    b->h.conf.loadvm = "/dev/null";
    memset(b->h.conf.ide, 0, sizeof(b->h.conf.ide));
    assert_int_equal(hvmd_trad_config(&b->h, &e), 0);
    fd = b->h.conf.incoming_fd;
    assert_true(fd > 2);
    close(fd);
    b->h.arrived = true;
    assert_int_equal(hvmd_trad_start(&b->h, &e), 0);
    assert_int_equal(b->conts, 1); /* nobody else would say it */
    /* only when the cables should be plugged */
    run_ms(b, 100);
    assert_int_equal(b->announced, 0);
    assert_false(b->h.arrived);
    run_ms(b, 3100);
    assert_int_equal(b->announced, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_start),      T(test_save),
        T(test_save_fails), T(test_commands),
        T(test_stale),      T(test_discs),
        T(test_loadvm),     T(test_disc_that_is_a_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
