/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the toolstack's commands do. */
#include "ctl/ctl_stats.h"
#include "devices/rtl8139/rtl8139.h"
#include "hvmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum qmp_status ctl_status(void *ctx)
{
    const struct hvmd *h = ctx;

    return h->status;
}

static int ctl_reset(void *ctx, struct err *e)
{
    struct hvmd *h = ctx;
    struct hv *hv = xen_hv(h->xen);
    int rc = hv->ops->shutdown(hv, HV_REBOOT);

    if (rc < 0)
        return err_set(e, rc, "Xen refuses the reset: %s", strerror(-rc));
    qmp_event(&h->qmp_ctx, QMP_EV_RESET,
              "\"guest\":false,\"reason\":\"host-qmp-system-reset\"");
    return 0;
}

static int ctl_powerdown(void *ctx, struct err *e)
{
    struct hvmd *h = ctx;
    int rc = xen_power_button(h->xen);

    if (rc < 0)
        return err_set(e, rc, "Xen refuses the power button: %s",
                       strerror(-rc));
    qmp_event(&h->qmp_ctx, QMP_EV_POWERDOWN, QMP_NO_DATA);
    return 0;
}

static int ctl_wakeup(void *ctx, struct err *e)
{
    struct hvmd *h = ctx;

    int rc = machine_wakeup(h->machine);

    if (!rc)
        return 0;
    return machine_suspended(h->machine)
               ? err_set(e, rc, "the hypervisor does not wake the guest: %s",
                         strerror(-rc))
               : err_set(e, rc, "the guest is not suspended");
}

static void ctl_quit(void *ctx)
{
    struct hvmd *h = ctx;

    loop_stop(h->loop, 0);
}

static int ctl_vnc_password(void *ctx, const char *password, struct err *e)
{
    struct hvmd *h = ctx;
    int rc = console_set_password(h->console, password);

    return rc < 0 ? err_set(e, rc,
                            "-vnc was given without password=on: nobody is "
                            "asked for a password")
                  : 0;
}

static int ctl_screendump(void *ctx, const char *path, struct err *e)
{
    struct hvmd *h = ctx;

    return console_screendump(h->console, path, e);
}

static int ctl_screendump_fd(void *ctx, int fd, struct err *e)
{
    struct hvmd *h = ctx;

    return console_screendump_fd(h->console, fd, e);
}

static const char *nic_name(const struct hvmd *h, unsigned i)
{
    return h->conf.nic[i].id ? h->conf.nic[i].id : "rtl8139";
}

static int ctl_set_link(void *ctx, const char *name, bool up, struct err *e)
{
    struct hvmd *h = ctx;

    for (unsigned i = 0; i < h->conf.nnics; i++) {
        const struct argv_nic *n = &h->conf.nic[i];

        if (strcmp(name, nic_name(h, i)) &&
            (!n->netdev_id || strcmp(name, n->netdev_id)))
            continue;
        rtl8139_set_link(machine_dev(h->machine, rtl8139_ops.name, i), up);
        return 0;
    }
    return -ENODEV;
}

static bool ctl_rx_filter(void *ctx, unsigned n, struct qmp_rx_filter *out)
{
    struct hvmd *h = ctx;
    struct rtl8139_filter f;

    if (n >= h->conf.nnics)
        return false;
    rtl8139_filter(machine_dev(h->machine, rtl8139_ops.name, n), &f);
    *out = (struct qmp_rx_filter){.name = nic_name(h, n),
                                  .promiscuous = f.promiscuous,
                                  .unicast = f.unicast,
                                  .broadcast = f.broadcast,
                                  .multicast = f.multicast,
                                  .multicast_all = f.multicast_all,
                                  .multicast_hash = f.mar,
                                  .link = f.link,
                                  .receiver = f.receiver};
    memcpy(out->mac, f.mac, sizeof(f.mac));
    return true;
}

static const struct qmp_ops ctl_ops = {
    .status = ctl_status,
    .cont = hvmd_cont,
    .stop = hvmd_stop,
    .powerdown = ctl_powerdown,
    .reset = ctl_reset,
    .wakeup = ctl_wakeup,
    .quit = ctl_quit,
    .vnc_info = hvmd_vnc_info,
    .vnc_password = ctl_vnc_password,
    .screendump = ctl_screendump,
    .screendump_fd = ctl_screendump_fd,
    .stats = hvmd_stats,
    .unplug = hvmd_unplug_journal,
    .ignore_unplug = hvmd_ignore_unplug,
    .dirty_log = hvmd_dirty_log,
    .save = hvmd_save,
    .set_link = ctl_set_link,
    .rx_filter = ctl_rx_filter,
    .drive = hvmd_drive,
    .eject = hvmd_eject,
    .change_medium = hvmd_change_medium,
    .pci = hvmd_pci,
    .cpu_online = hvmd_cpu_online,
    .set_vcpu = hvmd_set_vcpu,
    .send_keys = hvmd_send_keys,
};

/* Without a domain there is nothing to run, reset or look at. */
static const struct qmp_ops probe_ops = {
    .status = ctl_status,
    .quit = ctl_quit,
};

void hvmd_guest_event(void *ctx, enum machine_event event)
{
    struct hvmd *h = ctx;
    enum qmp_status *now = &h->status;

    if (h->status == QMP_PAUSED || h->status == QMP_PRELAUNCH)
        now = &h->paused_from;
    switch (event) {
    case MACHINE_POWEROFF:
        *now = QMP_SHUTDOWN;
        qmp_event(&h->qmp_ctx, QMP_EV_SHUTDOWN,
                  "\"guest\":true,\"reason\":\"guest-shutdown\"");
        break;
    case MACHINE_RESET:
        *now = QMP_SHUTDOWN;
        qmp_event(&h->qmp_ctx, QMP_EV_RESET,
                  "\"guest\":true,\"reason\":\"guest-reset\"");
        break;
    case MACHINE_SUSPEND:
        *now = QMP_SUSPENDED;
        qmp_event(&h->qmp_ctx, QMP_EV_SUSPEND, QMP_NO_DATA);
        break;
    case MACHINE_WAKEUP:
        *now = QMP_RUNNING;
        qmp_event(&h->qmp_ctx, QMP_EV_WAKEUP, QMP_NO_DATA);
        break;
    }
}

static void list_chr(struct hvmd *h, const struct chr *c)
{
    if (c && h->qmp_ctx.nchrs < QMP_CHRS)
        h->qmp_ctx.chr[h->qmp_ctx.nchrs++] = c;
}

/* The guest does not depend on it: a failure is a line in the log. */
static void open_ctl_sock(struct hvmd *h)
{
    const char *dir = h->conf.control ? h->conf.control : HVMD_CONTROL_DIR;
    struct err e;

    if (strcmp(dir, "none") == 0)
        return;
    h->ctl_sock = ctl_sock_new(h->loop, dir, h->conf.domid, &h->qmp_ctx, &e);
    if (!h->ctl_sock)
        log_line(&h->log, "no control socket: %s", e.text);
}

int hvmd_open_control(struct hvmd *h, struct err *e)
{
    h->status = h->conf.prelaunch ? QMP_PRELAUNCH : QMP_RUNNING;
    h->paused_from = QMP_RUNNING;
    if (h->state) {
        h->status = QMP_PAUSED;
        if (machine_suspended(h->machine))
            h->paused_from = QMP_SUSPENDED;
    }
    h->qmp_ctx.ops = h->conf.action == ARGV_PROBE ? &probe_ops : &ctl_ops;
    h->qmp_ctx.opaque = h;
    h->qmp_ctx.log = &h->log;
    h->qmp_ctx.name = h->conf.name;
    h->qmp_ctx.uuid = h->uuid[0] ? h->uuid : NULL;
    h->qmp_ctx.domid = h->conf.domid;
    h->qmp_ctx.max_vcpus = h->conf.max_vcpus;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        list_chr(h, h->serial[i]);
    list_chr(h, h->parallel);
    for (unsigned i = 0; i < ARGV_CHARDEVS; i++)
        list_chr(h, h->channel[i]);
    for (unsigned i = 0; i < h->conf.nmons; i++) {
        const struct argv_chardev *c = &h->conf.chardev[h->conf.mon[i]];
        struct qmp_listen where = {
            .label = c->id, .path = c->path, .fd = c->fd};

        h->qmp[i] = qmp_new(h->loop, &where, &h->qmp_ctx, e);
        if (!h->qmp[i])
            return -EINVAL;
    }
    if (h->conf.action == ARGV_PROBE)
        return 0;
    hvmd_sendkey_init(h);
    hvmd_vcpus_init(h);
    h->smaps_fd = ctl_proc_open();
    open_ctl_sock(h);
    return hvmd_media_init(h, e);
}

void hvmd_close_control(struct hvmd *h)
{
    hvmd_vcpus_end(h);
    hvmd_sendkey_end(h);
    hvmd_media_end(h);
    ctl_sock_free(h->ctl_sock);
    if (h->smaps_fd >= 0)
        close(h->smaps_fd);
    for (unsigned i = 0; i < ARGV_MONS; i++)
        if (h->qmp[i])
            qmp_free(h->qmp[i]);
}
