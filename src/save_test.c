/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stop, save, go on, and going on elsewhere, with a machine on the bench. */
#include "hvmd.h"
#include "machine/rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define UNPLUG    0x10 /* hvm-emulated-unplug.pandoc */
#define STATE_MAX 65536

/* Xen's part. */
struct xen {
    bool enabled, log_dirty;
    unsigned forgets, rests;
    int fail; /* of xen_enable() */
    uint64_t vram_gfn, adopted;
};

int xen_enable(struct xen *x, bool on)
{
    if (x->fail)
        return x->fail;
    x->enabled = on;
    return 0;
}

void xen_forget(struct xen *x)
{
    x->forgets++;
}

void xen_rest(struct xen *x)
{
    x->rests++;
}

void xen_log_dirty(struct xen *x, bool on)
{
    x->log_dirty = on;
}

uint64_t xen_vram_gfn(const struct xen *x)
{
    return x->vram_gfn;
}

int xen_adopt_vram(struct xen *x, uint64_t gfn)
{
    x->adopted = gfn;
    return gfn == 0xbad ? -EINVAL : 0;
}

/* The console, of which nothing is here. */
void console_release(struct console *c)
{
    ++*(unsigned *)c;
}

struct bed {
    struct rig *r;
    struct hvmd h;
    struct xen x;
    unsigned released; /* how often viewers' keys were */
    uint8_t bytes[STATE_MAX];
    size_t len;
};

static struct bed *bed_new(void)
{
    struct bed *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    b->r = rig_new();
    b->h.loop = loop_new();
    b->h.pool = pool_new(b->h.loop, 1);
    b->h.xen = &b->x;
    b->h.console = (struct console *)&b->released;
    b->x = (struct xen){.enabled = true, .vram_gfn = 0xf0000};
    b->r->host.disk_gone = hvmd_disk_gone;
    b->r->host.nic_gone = hvmd_nic_gone;
    b->r->host.ctx = &b->h;
    hvmd_aside_init(&b->h);
    return b;
}

/* The disks stay the rig's: hvmd only stops and flushes them. */
static void start(struct bed *b)
{
    rig_start(b->r);
    b->h.machine = b->r->m;
    b->h.machine_conf = b->r->conf;
    b->h.status = b->h.paused_from = QMP_RUNNING;
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        b->h.disk[i] = b->r->conf.disk[i].blk;
}

static void bed_free(struct bed *b)
{
    hvmd_aside_end(&b->h);
    hvmd_drop_state(&b->h);
    rig_free(b->r);
    pool_free(b->h.pool);
    loop_free(b->h.loop);
    free(b);
}

static int state_fd(const struct bed *b)
{
    int fd = memfd_create("state", MFD_CLOEXEC);

    assert_true(fd > 2);
    if (b)
        assert_int_equal(write(fd, b->bytes, b->len), (ssize_t)b->len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void save(struct bed *b)
{
    int fd = state_fd(NULL);
    struct err e = {.text = ""};

    assert_int_equal(hvmd_save(&b->h, fd, &e), 0);
    b->len = (size_t)lseek(fd, 0, SEEK_END);
    assert_true(b->len > 0 && b->len <= STATE_MAX);
    assert_int_equal(pread(fd, b->bytes, b->len, 0), (ssize_t)b->len);
    close(fd);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx, 0);
}

static void turn(struct bed *b)
{
    struct timer t;

    timer_init(&t, loop_clock(b->h.loop), stop_loop, b->h.loop);
    timer_set(&t, clock_now(loop_clock(b->h.loop)) + NS_PER_US * 1000);
    loop_run(b->h.loop);
}

/* hvmd no longer has the back ends that went: the rig closes them. */
static void forget_disks(struct bed *b)
{
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        b->h.disk[i] = NULL;
    turn(b);
}

static void start_unplugged(struct bed *b)
{
    start(b);
    rig_out(b->r, UNPLUG, 2, 3);
    forget_disks(b);
}

static void test_go_on(void **state)
{
    struct bed *b = bed_new();
    struct err e = {.text = ""};

    start(b);
    rig_firmware(b->r);
    assert_int_equal(hvmd_cont(&b->h, &e), 0); /* it runs: nothing to do */
    assert_int_equal(b->x.forgets, 0);
    for (unsigned i = 0; i < 2; i++) /* the second makes no difference */
        assert_int_equal(hvmd_stop(&b->h, &e), 0);
    assert_false(b->x.enabled);
    assert_int_equal(b->h.status, QMP_PAUSED);
    save(b);
    assert_false(b->x.enabled);
    assert_int_equal(b->h.status, QMP_PAUSED);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(hvmd_cont(&b->h, &e), 0);
    assert_true(b->x.enabled);
    assert_int_equal(b->x.forgets, 1);
    assert_int_equal(b->h.status, QMP_RUNNING);
    save(b); /* nobody stopped it: it runs on */
    assert_true(b->x.enabled);
    assert_int_equal(b->h.status, QMP_RUNNING);
    /* a suspended guest is suspended again, not running */
    b->h.status = QMP_SUSPENDED;
    assert_int_equal(hvmd_stop(&b->h, &e), 0);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    assert_int_equal(b->h.status, QMP_SUSPENDED);
    bed_free(b);
}

/* What the disks hold back must be known before another takes them over. */
static void test_flush(void **state)
{
    struct bed *b = bed_new();
    struct err e = {.text = ""};
    struct blk *disk;
    uint64_t before;

    start(b);
    disk = b->h.disk[0];
    before = disk->flush_ops;
    assert_int_equal(hvmd_stop(&b->h, &e), 0);
    assert_int_equal(disk->flush_ops, before + 1);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    blk_mem_fail(disk, BLK_FLUSH, 1, -EIO);
    assert_int_equal(hvmd_stop(&b->h, &e), -EIO);
    assert_string_equal(e.text, "IDE unit 0 cannot be flushed: Input/output "
                                "error");
    assert_int_equal(b->h.status, QMP_PAUSED); /* and goes on all the same */
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    assert_int_equal(b->h.status, QMP_RUNNING);
    blk_mem_fail(disk, BLK_FLUSH, 1, -EIO);
    assert_int_equal(hvmd_save(&b->h, -1, &e), -EIO);
    assert_int_equal(b->h.status, QMP_RUNNING);
    bed_free(b);
}

/* Neither Xen's refusal nor a bad file leaves a guest that hangs. */
static void test_failures(void **state)
{
    struct bed *b = bed_new();
    struct err e = {.text = ""};

    start(b);
    b->x.fail = -EPERM;
    assert_int_equal(hvmd_stop(&b->h, &e), -EPERM);
    assert_int_equal(b->h.status, QMP_RUNNING);
    b->x.fail = 0;
    assert_true(hvmd_save(&b->h, -1, &e) < 0);
    assert_non_null(e.text[0] ? e.text : NULL);
    assert_true(b->x.enabled);
    assert_int_equal(b->h.status, QMP_RUNNING);
    hvmd_dirty_log(&b->h, true, &e);
    assert_true(b->x.log_dirty);
    hvmd_dirty_log(&b->h, false, &e);
    assert_false(b->x.log_dirty);
    bed_free(b);
}

static int incoming(struct bed *to, const struct bed *from, struct err *e)
{
    int rc;

    to->h.conf.incoming_fd = state_fd(from);
    rc = hvmd_read_state(&to->h, e);
    if (!rc)
        rc = hvmd_adopt_vram(&to->h, e);
    if (rc)
        return rc;
    start(to);
    to->h.status = QMP_PAUSED;
    return hvmd_apply_state(&to->h, e);
}

static void test_restore(void **state)
{
    struct bed *a = bed_new(), *b = bed_new();
    struct err e = {.text = ""};
    const uint8_t *frame;
    uint32_t len;

    start(a);
    rig_firmware(a->r);
    assert_int_equal(hvmd_stop(&a->h, &e), 0);
    save(a);
    assert_int_equal(incoming(b, a, &e), 0);
    assert_int_equal(b->x.adopted, 0xf0000);
    save(b);
    assert_int_equal(b->len, a->len);
    assert_memory_equal(b->bytes, a->bytes, a->len);
    assert_null(net_mem_sent(b->r->net, &len));
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    assert_int_equal(b->h.status, QMP_RUNNING);
    /* switches learn where it is: RARP, once */
    frame = net_mem_sent(b->r->net, &len);
    assert_non_null(frame);
    assert_int_equal(len, 60);
    assert_memory_equal(frame + 6, b->r->conf.nic[0].mac, 6);
    assert_memory_equal(frame + 12, "\x80\x35", 2);
    assert_memory_equal(frame + 32, b->r->conf.nic[0].mac, 6);
    assert_int_equal(hvmd_stop(&b->h, &e), 0);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    assert_null(net_mem_sent(b->r->net, &len));
    bed_free(a);
    bed_free(b);
}

/* A key that sendkey or a viewer holds would be down for ever in the next
 * process. */
static void test_key_held_at_save(void **state)
{
    static const uint8_t ctrl = 0x1d;
    struct bed *a = bed_new(), *b = bed_new();
    struct err e = {.text = ""};
    uint64_t seen = 0;

    start(a);
    hvmd_sendkey_init(&a->h);
    rig_out(a->r, 0x64, 1, 0x60); /* 8042: scan codes of set 1, no clock off */
    rig_out(a->r, 0x60, 1, 0x40);
    assert_int_equal(hvmd_send_keys(&a->h, &ctrl, 1, 10000, &e), 0);
    assert_int_equal(hvmd_stop(&a->h, &e), 0);
    assert_int_equal(a->h.sendkey.n, 0);
    assert_int_equal(a->released, 1);
    save(a);
    assert_int_equal(incoming(b, a, &e), 0);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    for (unsigned i = 0; i < 4; i++, bench_step(b->r->b, NS_PER_MS * 10))
        if (rig_in(b->r, 0x64, 1) & 1)
            seen = seen << 8 | rig_in(b->r, 0x60, 1);
    assert_int_equal(seen, 0x1d9d);
    hvmd_sendkey_end(&a->h);
    bed_free(a);
    bed_free(b);
}

/* What is pressed between "stop" and the saving would be down for ever too; to
 * let go of what was held is no news then. */
static void test_key_pressed_while_stopped(void **state)
{
    struct bed *b = bed_new();
    struct err e = {.text = ""};
    static uint8_t before[STATE_MAX];
    struct input *in;
    size_t len;

    start(b);
    in = machine_input(b->r->m);
    assert_int_equal(hvmd_stop(&b->h, &e), 0);
    save(b);
    len = b->len;
    memcpy(before, b->bytes, len);
    in->ops->key(in->dev, 0x1d, true);
    in->ops->rel(in->dev, 0, 0, 0, BTN_BIT_LEFT);
    save(b);
    assert_int_equal(b->len, len);
    assert_memory_equal(b->bytes, before, len);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    in->ops->key(in->dev, 0x1d, true);
    in->ops->rel(in->dev, 0, 0, 0, BTN_BIT_LEFT);
    assert_int_equal(hvmd_stop(&b->h, &e), 0);
    in->ops->rel(in->dev, 0, 0, 0, 0);
    in->ops->key(in->dev, 0x1d, false);
    save(b);
    assert_memory_not_equal(b->bytes, before, len);
    bed_free(b);
}

/* It may sleep (ACPI S3) when it is saved and when it goes on. */
static void test_aside_of_a_guest_asleep(void **state)
{
    struct bed *a = bed_new(), *b = bed_new();
    struct err e = {.text = ""};

    start_unplugged(a);
    a->h.status = QMP_SUSPENDED;
    assert_int_equal(hvmd_stop(&a->h, &e), 0);
    save(a);
    assert_int_equal(incoming(b, a, &e), 0);
    b->h.paused_from = QMP_SUSPENDED;
    forget_disks(b);
    assert_true(b->h.gone_disks && b->h.gone_nics);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    turn(b);
    assert_int_equal(b->h.status, QMP_SUSPENDED);
    assert_int_equal(b->h.gone_disks | b->h.gone_nics, 0);
    assert_int_equal(b->x.rests, 1);
    bed_free(a);
    bed_free(b);
}

/*
 * Where video memory goes when its BAR is off is behind the guest's memory as
 * it ever was: -m of a restore may say less (xl mem-max).
 */
static void test_memory_that_became_less(void **state)
{
    struct bed *a = bed_new(), *b = bed_new();
    struct err e = {.text = ""};

    a->r->conf.ram_bytes = UINT64_C(512) << 20;
    start(a);
    save(a);
    b->h.conf.ram_mib = 256;
    assert_int_equal(incoming(b, a, &e), 0);
    assert_int_equal(b->h.conf.ram_mib, 512);
    hvmd_drop_state(&b->h);
    b->h.conf.ram_mib = 1024; /* and more is more */
    b->h.conf.incoming_fd = state_fd(a);
    assert_int_equal(hvmd_read_state(&b->h, &e), 0);
    assert_int_equal(b->h.conf.ram_mib, 1024);
    /* more than -m can say is no size */
    hvmd_drop_state(&b->h);
    a->h.machine = NULL;
    rig_free(a->r);
    a->r = rig_new();
    a->r->conf.ram_bytes = (UINT64_C(1) << 44) + (1 << 20);
    start(a);
    save(a);
    b->h.conf.incoming_fd = state_fd(a);
    assert_true(hvmd_read_state(&b->h, &e) < 0);
    assert_non_null(strstr(e.text, "ram_bytes"));
    bed_free(a);
    bed_free(b);
}

static void test_refused(void **state)
{
    struct bed *a = bed_new(), *b = bed_new();
    struct err e = {.text = ""};
    int closed = state_fd(NULL);

    start(a);
    save(a);
    a->len /= 2;
    assert_true(incoming(b, a, &e) < 0);
    assert_memory_equal(e.text, "-incoming fd:", 13);
    close(closed);
    b->h.conf.incoming_fd = closed;
    assert_true(hvmd_read_state(&b->h, &e) < 0);
    assert_non_null(strstr(e.text, "no such open file"));
    /* a number that nothing came by, and that our loop has taken since */
    b->h.conf.incoming_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_true(hvmd_read_state(&b->h, &e) < 0);
    assert_non_null(strstr(e.text, "no such open file"));
    assert_int_equal(close(b->h.conf.incoming_fd), 0);
    a->x.vram_gfn = 0xbad;
    save(a);
    assert_true(incoming(b, a, &e) < 0);
    assert_non_null(strstr(e.text, "0xbad"));
    /* the frames are not there */
    b->x.vram_gfn = HV_GFN_NONE;
    b->h.conf.vga = VGA_STD;
    b->h.conf.vgamem_mib = 16;
    hvmd_vram_missing(&b->h, &e);
    assert_non_null(strstr(e.text, "16 MiB of video memory"));
    bed_free(a);
    bed_free(b);
}

/* libxl's scripts want the tap of a card that is gone; then it may go. */
static void test_aside_waits(void **state)
{
    struct bed *a = bed_new(), *b = bed_new();
    struct err e = {.text = ""};

    start_unplugged(a);
    assert_int_equal(a->h.gone_disks | a->h.gone_nics, 0);
    assert_int_equal(a->x.rests, 1);
    save(a);
    assert_int_equal(incoming(b, a, &e), 0);
    forget_disks(b);
    assert_true(b->h.gone_disks && b->h.gone_nics);
    assert_int_equal(b->x.rests, 0);
    assert_int_equal(hvmd_cont(&b->h, &e), 0);
    turn(b);
    assert_int_equal(b->h.gone_disks | b->h.gone_nics, 0);
    assert_int_equal(b->x.rests, 1);
    bed_free(a);
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go_on),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_restore),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_aside_waits),
        cmocka_unit_test(test_memory_that_became_less),
        cmocka_unit_test(test_aside_of_a_guest_asleep),
        cmocka_unit_test(test_key_held_at_save),
        cmocka_unit_test(test_key_pressed_while_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
