/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stop and go on, the devices' state to a file and from one: what the toolstack
 * needs to save, restore and migrate a guest. Its memory is the toolstack's
 * business; we only tell Xen which of it we wrote.
 */
#include "devices/rtl8139/rtl8139.h"
#include "hvmd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t now_ns(struct hvmd *h)
{
    return clock_now(loop_clock(h->loop));
}

static void flushed(struct blk_req *r, int err)
{
    *(int *)r->ctx = err;
}

/*
 * What was in flight ends. Then to the medium: who goes on with the guest may
 * read it by another way, on another host.
 */
static int settle_disk(struct blk *b)
{
    int err = 0;
    struct blk_req r = {.op = BLK_FLUSH, .done = flushed, .ctx = &err};
    int rc;

    b->ops->drain(b);
    if (b->read_only)
        return 0;
    rc = blk_submit(b, &r);
    if (rc != BLK_QUEUED)
        return rc;
    b->ops->drain(b);
    return err;
}

/* All of them, whatever one says. */
static int settle_disks(struct hvmd *h, struct err *e)
{
    int rc = 0, one;

    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        one = h->disk[i] ? settle_disk(h->disk[i]) : 0;
        if (one < 0)
            rc = err_set(e, one, "IDE unit %u cannot be flushed: %s", i,
                         strerror(-one));
    }
    return rc;
}

/*
 * The guest may be on another host now, and so behind another port of the
 * switches: RARP (RFC 903) makes them learn it. Nobody needs to answer.
 */
void hvmd_announce(struct hvmd *h)
{
    static const uint8_t rarp[] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    struct rtl8139_filter f;

    for (unsigned i = 0; i < h->machine_conf.nnics; i++) {
        struct net *net = h->machine_conf.nic[i].net;
        uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        struct iovec iov = {frame, sizeof(frame)};

        if (!net || h->gone_nics & 1u << i)
            continue;
        rtl8139_filter(machine_dev(h->machine, rtl8139_ops.name, i), &f);
        memcpy(frame + 6, f.mac, 6);
        memcpy(frame + 12, rarp, sizeof(rarp));
        memcpy(frame + 22, f.mac, 6); /* the sender's hardware address */
        memcpy(frame + 32, f.mac, 6); /* the one asked for */
        if (f.link)
            net->ops->tx(net, NULL, &iov, 1);
    }
}

int hvmd_cont(void *ctx, struct err *e)
{
    struct hvmd *h = ctx;
    int rc;

    if (h->status == QMP_RUNNING || h->status == QMP_SUSPENDED ||
        h->status == QMP_SHUTDOWN)
        return 0;
    /* A domain that was suspended may come back with other pages. */
    xen_forget(h->xen);
    rc = xen_enable(h->xen, true);
    if (rc < 0)
        return err_set(e, rc, "the ioreq server cannot be enabled: %s",
                       strerror(-rc));
    machine_pause(h->machine, false);
    h->status = h->paused_from;
    qmp_event(&h->qmp_ctx, QMP_EV_RESUME, QMP_NO_DATA);
    if (h->arrived)
        hvmd_announce(h);
    h->arrived = false;
    hvmd_aside_now(h);
    return 0;
}

/* Requests first, then what they left in flight: nothing starts any more. */
int hvmd_stop(void *ctx, struct err *e)
{
    struct hvmd *h = ctx;
    uint64_t begun = now_ns(h);
    int rc;

    if (h->status == QMP_PAUSED || h->status == QMP_PRELAUNCH)
        return 0;
    hvmd_release_keys(h); /* who goes on knows nothing of them */
    console_release(h->console);
    rc = xen_enable(h->xen, false);
    if (rc < 0)
        return err_set(e, rc, "the ioreq server cannot be disabled: %s",
                       strerror(-rc));
    machine_pause(h->machine, true);
    h->paused_from = h->status;
    h->status = QMP_PAUSED;
    rc = settle_disks(h, e);
    h->stop_ns = now_ns(h) - begun;
    qmp_event(&h->qmp_ctx, QMP_EV_STOP, QMP_NO_DATA);
    return rc;
}

int hvmd_dirty_log(void *ctx, bool on, struct err *e)
{
    struct hvmd *h = ctx;

    xen_log_dirty(h->xen, on);
    return 0;
}

static int write_state(struct hvmd *h, int fd, struct err *e)
{
    struct savefile_info info = {.vram_gfn = xen_vram_gfn(h->xen)};
    uint64_t begun = now_ns(h);
    int rc = savefile_write(h->machine, &info, fd, e);

    if (!rc)
        log_line(&h->log,
                 "state of the devices saved: %lld bytes, %llu us after %llu "
                 "us to stop",
                 (long long)lseek(fd, 0, SEEK_CUR),
                 (unsigned long long)(now_ns(h) - begun) / NS_PER_US,
                 (unsigned long long)h->stop_ns / NS_PER_US);
    return rc;
}

/* libxl has stopped us before; whoever has not finds the guest running on. */
int hvmd_save(void *ctx, int fd, struct err *e)
{
    struct hvmd *h = ctx;
    bool stopped = h->status == QMP_PAUSED || h->status == QMP_PRELAUNCH;
    struct err why;
    int rc = stopped ? 0 : hvmd_stop(h, e);

    if (!rc)
        rc = write_state(h, fd, e);
    if (!stopped && hvmd_cont(h, rc ? &why : e) < 0 && !rc)
        rc = -EIO;
    return rc;
}

/* The same sentence after the option that the state came by. */
static int in_incoming(const struct hvmd *h, int rc, struct err *e)
{
    struct err why = *e;

    if (h->conf.loadvm)
        return err_set(e, rc, "-loadvm %s: %s", h->conf.loadvm, why.text);
    return err_set(e, rc, "-incoming fd:%d: %s", h->conf.incoming_fd, why.text);
}

/*
 * "xl mem-max" changes what -m says at the next restore, but not where the
 * guest has memory: frames below the greater of both are not free. The next
 * state says so too.
 */
static void keep_ram(struct hvmd *h)
{
    uint64_t mib = savefile_ram_bytes(h->state) >> 20;

    if (h->conf.ram_mib < mib)
        h->conf.ram_mib = mib;
}

int hvmd_read_state(struct hvmd *h, struct err *e)
{
    int fd = h->conf.incoming_fd;
    struct stat st;

    if (!fd)
        return 0;
    /* a number that was not passed on may be one of our own by now */
    if (fstat(fd, &st) ||
        !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        return err_set(e, -EBADF,
                       "-incoming fd:%d: there is no such open file; give the "
                       "number of one that is passed on to hvmd",
                       fd);
    h->state = savefile_read(fd, e);
    close(fd);
    if (!h->state)
        return in_incoming(h, -EINVAL, e);
    keep_ram(h);
    return 0;
}

int hvmd_adopt_vram(struct hvmd *h, struct err *e)
{
    uint64_t gfn = h->state ? savefile_info(h->state)->vram_gfn : HV_GFN_NONE;

    if (!h->state || !xen_adopt_vram(h->xen, gfn))
        return 0;
    err_set(e, -EINVAL,
            "the saved state has video memory at frame %#llx, which no guest "
            "can have",
            (unsigned long long)gfn);
    return in_incoming(h, -EINVAL, e);
}

/* Why the machine could not be made, if that is why. */
void hvmd_vram_missing(struct hvmd *h, struct err *e)
{
    if (!h->state || h->conf.vga == VGA_NONE ||
        xen_vram_gfn(h->xen) != HV_GFN_NONE)
        return;
    err_set(e, -ENXIO,
            "the %u MiB of video memory that the saved state has at frame "
            "%#llx are not all in the domain; give the guest the videoram= it "
            "was saved with",
            (unsigned)h->conf.vgamem_mib,
            (unsigned long long)savefile_info(h->state)->vram_gfn);
    in_incoming(h, -ENXIO, e);
}

int hvmd_apply_state(struct hvmd *h, struct err *e)
{
    int rc;

    if (!h->state)
        return 0;
    machine_pause(h->machine, true);
    rc = savefile_apply(h->state, h->machine, e);
    h->arrived = !rc;
    if (rc)
        in_incoming(h, rc, e);
    else
        log_line(&h->log, "going on from a state saved by hvmd %s",
                 savefile_writer(h->state));
    return rc;
}

void hvmd_drop_state(struct hvmd *h)
{
    if (h->state)
        savefile_free(h->state);
    h->state = NULL;
}
