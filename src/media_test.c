/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CDs come and go, by descriptor, on a machine that a driver looks at. */
#include "devices/xenplat/xenplat.h"
#include "hvmd.h"
#include "machine/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CD      2u /* secondary master, with a medium; 3 is empty */
#define PORT    0x170
#define UNPLUG  0x10
#define BLOCK   2048u
#define READ_10 0x28
#define START   0x1b /* START STOP UNIT */
#define PREVENT 0x1e
#define EVENTS  0x4a

struct bed {
    struct rig *r;
    struct hvmd h;
    struct err e;
    /* what the server was told */
    unsigned finished, moved;
    uint64_t token;
    bool open;
};

static struct bed *told; /* by the stand-ins below; set by each test */

/* In place of the QMP server. */
void qmp_finish(struct qmp_ctx *ctx, uint64_t token, const struct err *e)
{
    assert_null(e);
    told->finished++;
    told->token = token;
}

void qmp_event(struct qmp_ctx *ctx, enum qmp_event_id id, const char *data, ...)
{
    va_list ap;
    char text[200];

    va_start(ap, data);
    vsnprintf(text, sizeof(text), data, ap);
    va_end(ap);
    assert_int_equal(id, QMP_EV_TRAY_MOVED);
    assert_non_null(
        strstr(text, "\"device\":\"ide1-cd0\",\"id\":\"ide1-cd0\","));
    told->moved++;
    told->open = strstr(text, "\"tray-open\":true") != NULL;
}

const char *qmp_plain(char *buf, size_t len, const char *s)
{
    return buf;
}

static int setup(void **state)
{
    struct bed *b = calloc(1, sizeof(*b));
    struct err e;

    assert_non_null(b);
    told = b;
    b->r = rig_new();
    b->h.loop = loop_new();
    b->h.pool = pool_new(b->h.loop, 1);
    log_init_fd(&b->h.log, STDERR_FILENO, NULL);
    b->r->host.tray_moved = hvmd_tray_moved;
    b->r->host.ctx = &b->h;
    b->r->host.event = NULL;
    rig_start(b->r);
    b->h.machine = b->r->m;
    b->h.machine_conf = b->r->conf;
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        b->h.disk[u] = b->r->conf.disk[u].blk;
    assert_int_equal(hvmd_media_init(&b->h, &e), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;

    struct blk *rigs = b->r->conf.disk[CD].blk;

    hvmd_media_end(&b->h);
    rig_free(b->r);
    for (unsigned u = CD; u < MACHINE_DISKS; u++)
        if (b->h.disk[u] && b->h.disk[u] != rigs)
            b->h.disk[u]->ops->close(b->h.disk[u]);
    pool_free(b->h.pool);
    loop_free(b->h.loop);
    free(b);
    return 0;
}
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void stop_loop(void *ctx)
{
    loop_stop(ctx, 0);
}

static void turn(struct bed *b, unsigned ms)
{
    struct timer t;

    timer_init(&t, loop_clock(b->h.loop), stop_loop, b->h.loop);
    timer_set(&t, clock_now(loop_clock(b->h.loop)) + ms * NS_PER_MS);
    loop_run(b->h.loop);
}

static void pass(struct bed *b, unsigned s)
{
    loop_clock(b->h.loop)->offset_ns -= s * NS_PER_S;
    turn(b, 1);
}

/* A packet; then DRQ in, or the end. Status. */
static uint8_t packet(struct bed *b, const uint8_t cdb[12])
{
    rig_out(b->r, PORT + 6, 1, 0xa0);
    rig_out(b->r, PORT + 1, 1, 0);
    rig_out(b->r, PORT + 4, 1, BLOCK & 0xff);
    rig_out(b->r, PORT + 5, 1, BLOCK >> 8);
    rig_out(b->r, PORT + 7, 1, 0xa0);
    for (unsigned i = 0; i < 6; i++)
        rig_out(b->r, PORT, 2, cdb[2 * i] | (unsigned)cdb[2 * i + 1] << 8);
    for (unsigned i = 0; rig_in(b->r, PORT + 7, 1) & 0x80 && i < 1000; i++)
        turn(b, 1);
    return (uint8_t)rig_in(b->r, PORT + 7, 1);
}

/* A command without data, over its unit attentions. */
static bool obey(struct bed *b, uint8_t opcode, uint8_t byte4)
{
    const uint8_t cdb[12] = {opcode, 0, 0, 0, byte4};

    for (unsigned i = 0; i < 4; i++)
        if (!(packet(b, cdb) & 1))
            return true;
    return false;
}

/* The first block; false: it cannot be read. */
static bool read_cd(struct bed *b, char text[BLOCK + 1])
{
    const uint8_t cdb[12] = {READ_10, 0, 0, 0, 0, 0, 0, 0, 1};

    for (unsigned i = 0; i < 4; i++) {
        if (!(packet(b, cdb) & 8))
            continue;
        for (unsigned k = 0; k < BLOCK; k += 2) {
            uint32_t v = rig_in(b->r, PORT, 2);

            text[k] = (char)v;
            text[k + 1] = (char)(v >> 8);
        }
        text[BLOCK] = 0;
        return true;
    }
    return false;
}

static void reads(struct bed *b, const char *want)
{
    char text[BLOCK + 1];

    assert_true(read_cd(b, text));
    assert_string_equal(text, want);
}

static void reads_nothing(struct bed *b)
{
    char text[BLOCK + 1];

    assert_false(read_cd(b, text));
}

/* What the drive has to say of its medium (MMC-3 6.4): its event. */
static unsigned media_event(struct bed *b)
{
    const uint8_t cdb[12] = {EVENTS, 1, 0, 0, 0x10, 0, 0, 0, 8};
    unsigned v = 0;

    assert_true(packet(b, cdb) & 8);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t w = rig_in(b->r, PORT, 2);

        if (i == 2)
            v = w & 0xf;
    }
    return v;
}

static int disc(const char *text, int flags)
{
    char path[] = "/tmp/hvmd-media-XXXXXX";
    int fd = mkstemp(path), again;

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(ftruncate(fd, 64 * BLOCK), 0);
    again = open(path, flags | O_CLOEXEC);
    unlink(path); /* the descriptor is all there is */
    close(fd);
    return again;
}

static int eject(struct bed *b, const char *drive, bool force, uint64_t token)
{
    bool rigs = b->h.disk[CD] && b->h.disk[CD] == b->r->conf.disk[CD].blk;
    int rc = hvmd_eject(&b->h, drive, force, token, &b->e);

    if (rigs && !b->h.disk[CD])
        b->r->conf.disk[CD].blk = NULL; /* closed */
    return rc;
}

static int insert(struct bed *b, const char *drive, const char *text)
{
    return hvmd_change_medium(&b->h, drive, disc(text, O_RDONLY), "/a.iso",
                              false, &b->e);
}

static void drive(struct bed *b, unsigned n, struct qmp_drive *d)
{
    memset(d, 0, sizeof(*d));
    assert_true(hvmd_drive(&b->h, n, d));
}

static void test_change(void **state)
{
    struct bed *b = *state;
    struct qmp_drive d;

    drive(b, 2, &d);
    assert_string_equal(d.name, "ide1-cd0");
    assert_true(d.removable && d.read_only && !d.locked && !d.tray_open);
    assert_int_equal(eject(b, "ide1-cd0", false, 1), 0);
    assert_int_equal(b->moved, 1);
    assert_true(b->open);
    reads_nothing(b);
    drive(b, 2, &d);
    assert_null(d.file);
    assert_true(d.tray_open);
    /* of an empty drive: as good */
    assert_int_equal(eject(b, "ide1-cd0", false, 2), 0);
    assert_int_equal(insert(b, "ide1-cd0", "disc A"), 0);
    assert_false(b->open);
    reads(b, "disc A");
    drive(b, 2, &d);
    assert_string_equal(d.file, "/a.iso");
    assert_int_equal(d.size_bytes, 64 * BLOCK);
    assert_true(d.rd_bytes >= BLOCK && d.rd_ops);
    /* straight from one to the next */
    for (unsigned i = 0; i < 20; i++) {
        char text[16];

        snprintf(text, sizeof(text), "disc %u", i);
        assert_int_equal(insert(b, "ide1-cd0", text), 0);
        reads(b, text);
    }
    assert_int_equal(b->finished, 0);
    assert_false(hvmd_drive(&b->h, 4, &d));
}

static void test_names(void **state)
{
    struct bed *b = *state;

    assert_int_equal(eject(b, "floppy0", false, 1), -ENODEV);
    assert_int_equal(insert(b, "ide1-cd2", "x"), -ENODEV);
    assert_int_equal(eject(b, "ide0-hd0", true, 1), -EINVAL);
    assert_non_null(strstr(b->e.text, "hard disk"));
    assert_int_equal(insert(b, "ide0-hd1", "x"), -EINVAL);
    /* a name of its own */
    b->h.machine_conf.disk[CD].id = "ide-5632";
    assert_int_equal(eject(b, "ide-5633", false, 1), -ENODEV);
    assert_int_equal(insert(b, "ide1-cd1", "other"), 0);
    b->h.machine_conf.disk[CD].id = NULL;
}

/* R11: the descriptor says what may be done with the medium. */
static void test_modes(void **state)
{
    struct bed *b = *state;
    int fd[2], before;

    assert_int_equal(eject(b, "ide1-cd0", false, 1), 0);
    before = dup(0);
    close(before);
    assert_int_equal(hvmd_change_medium(&b->h, "ide1-cd0", disc("x", O_RDWR),
                                        "/a", false, &b->e),
                     -EINVAL);
    assert_int_equal(hvmd_change_medium(&b->h, "ide1-cd0", disc("x", O_WRONLY),
                                        "/a", false, &b->e),
                     -EINVAL);
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(
        hvmd_change_medium(&b->h, "ide1-cd0", fd[0], "/a", false, &b->e),
        -EINVAL);
    close(fd[1]);
    assert_int_equal(hvmd_change_medium(&b->h, "ide1-cd0", open("/", O_RDONLY),
                                        "/", false, &b->e),
                     -EINVAL);
    reads_nothing(b);
    assert_int_equal(dup(0), before); /* all of them closed */
    close(before);
}

/* Locked: asked, given up by the guest itself, answered when it is out. */
static void test_asked(void **state)
{
    struct bed *b = *state;

    assert_int_equal(eject(b, "ide1-cd0", false, 1), 0);
    assert_int_equal(insert(b, "ide1-cd0", "disc A"), 0);
    reads(b, "disc A");
    assert_true(obey(b, PREVENT, 1));
    media_event(b);
    assert_int_equal(eject(b, "ide1-cd0", false, 77), QMP_LATER);
    assert_int_equal(media_event(b), 1); /* EjectRequest */
    reads(b, "disc A");
    assert_int_equal(b->finished, 0);
    assert_true(obey(b, PREVENT, 0));
    b->moved = 0;
    assert_true(obey(b, START, 2));
    assert_int_equal(b->moved, 1);
    assert_int_equal(b->finished, 0); /* not in the middle of an access */
    turn(b, 1);
    assert_int_equal(b->finished, 1);
    assert_int_equal(b->token, 77);
    assert_null(b->h.disk[CD]);
    pass(b, 10);
    assert_int_equal(b->finished, 1);
    assert_true(obey(b, START, 3)); /* the guest closes an empty drive */
    assert_false(b->open);
    reads_nothing(b);
    assert_int_equal(insert(b, "ide1-cd0", "disc B"), 0);
    reads(b, "disc B");
}

/* The guest does not care: it is taken out all the same, in the end. */
static void test_deaf_guest(void **state)
{
    struct bed *b = *state;

    assert_int_equal(eject(b, "ide1-cd0", false, 1), 0);
    assert_int_equal(insert(b, "ide1-cd0", "disc A"), 0);
    reads(b, "disc A");
    assert_true(obey(b, PREVENT, 1));
    assert_int_equal(insert(b, "ide1-cd0", "disc B"), -EBUSY);
    assert_non_null(strstr(b->e.text, "locked"));
    assert_int_equal(eject(b, "ide1-cd0", false, 5), QMP_LATER);
    pass(b, 4);
    reads(b, "disc A");
    pass(b, 2);
    assert_int_equal(b->finished, 1);
    assert_int_equal(b->token, 5);
    reads_nothing(b);
    assert_int_equal(insert(b, "ide1-cd0", "disc B"), 0);
    reads(b, "disc B");
    /* who asks twice means it; both are answered */
    assert_true(obey(b, PREVENT, 1));
    assert_int_equal(eject(b, "ide1-cd0", false, 6), QMP_LATER);
    assert_int_equal(eject(b, "ide1-cd0", false, 7), 0);
    assert_int_equal(b->token, 6);
    assert_int_equal(b->finished, 2);
    /* and by force it is done at once */
    assert_int_equal(insert(b, "ide1-cd0", "disc C"), 0);
    reads(b, "disc C");
    assert_true(obey(b, PREVENT, 1));
    assert_int_equal(eject(b, "ide1-cd0", true, 8), 0);
    assert_int_equal(hvmd_change_medium(&b->h, "ide1-cd0",
                                        disc("disc D", O_RDONLY), "/d", false,
                                        &b->e),
                     0);
    assert_true(obey(b, PREVENT, 1));
    assert_int_equal(hvmd_change_medium(&b->h, "ide1-cd0",
                                        disc("disc E", O_RDONLY), "/e", true,
                                        &b->e),
                     0);
    reads(b, "disc E");
    /* a guest that flaps its tray while it is asked for: once out is out */
    assert_int_equal(eject(b, "ide1-cd0", false, 9), QMP_LATER);
    assert_true(obey(b, PREVENT, 0));
    for (unsigned i = 0; i < 50; i++) {
        obey(b, START, 2);
        obey(b, START, 3);
    }
    turn(b, 1);
    pass(b, 6);
    assert_int_equal(b->finished, 3);
    assert_null(b->h.disk[CD]);
}

/* A read in flight ends before the medium is closed (class of XSA-139). */
static void test_in_flight(void **state)
{
    struct bed *b = *state;
    const uint8_t cdb[12] = {READ_10, 0, 0, 0, 0, 0, 0, 0, 1};
    struct blk *old = b->h.disk[CD];

    assert_true(obey(b, PREVENT, 0)); /* past the attention of power-on */
    blk_mem_hold(old, true);
    rig_out(b->r, PORT + 6, 1, 0xa0);
    rig_out(b->r, PORT + 5, 1, BLOCK >> 8);
    rig_out(b->r, PORT + 7, 1, 0xa0);
    for (unsigned i = 0; i < 6; i++)
        rig_out(b->r, PORT, 2, cdb[2 * i] | (unsigned)cdb[2 * i + 1] << 8);
    assert_true(rig_in(b->r, PORT + 7, 1) & 0x80);
    assert_int_equal(eject(b, "ide1-cd0", false, 1), 0);
    assert_false(rig_in(b->r, PORT + 7, 1) & 0x80);
    assert_true(rig_in(b->r, PORT + 7, 1) & 1); /* the command has failed */
    reads_nothing(b);
    assert_int_equal(insert(b, "ide1-cd0", "disc A"), 0);
    reads(b, "disc A");
}

/* PV drivers have taken the disks, the workers rest: CDs change as before. */
static void test_after_unplug(void **state)
{
    struct bed *b = *state;
    struct qmp_drive d;

    rig_out(b->r, UNPLUG, 2, XENPLAT_DISKS | XENPLAT_NICS);
    pool_rest(b->h.pool);
    turn(b, 5);
    drive(b, 1, &d); /* the CD drives are all there is */
    assert_false(hvmd_drive(&b->h, 2, &d));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(eject(b, "ide1-cd0", false, 1), 0);
        assert_int_equal(insert(b, "ide1-cd0", i & 1 ? "odd" : "even"), 0);
        reads(b, i & 1 ? "odd" : "even");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_change),       T(test_names),      T(test_modes),
        T(test_asked),        T(test_deaf_guest), T(test_in_flight),
        T(test_after_unplug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
