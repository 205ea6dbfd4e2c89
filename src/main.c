/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of start-up and of the end. */
#include "ctl/savefile.h"
#include "hvmd.h"
#include "sys/std_fds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_record(struct hvmd *h, struct err *e)
{
    if (!h->conf.record)
        return 0;
    if (h->state)
        return err_set(e, -EINVAL,
                       "-record: a guest that goes on from a saved state "
                       "cannot be recorded; leave it out");
    if (hvmd_spare_images(&h->conf, "-record", h->conf.record, e) < 0)
        return -EINVAL;
    h->rec = rec_open(h->conf.record, h->pool, &h->log, e);
    return h->rec ? 0 : -EINVAL;
}

/* Between the machine that is about to be made and the world. */
static void start_record(struct hvmd *h, struct machine_host *host)
{
    if (!h->rec)
        return;
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (h->disk[i])
            rec_disk(h->rec, i, h->disk[i]);
    rec_memory(h->rec, host->gmem);
    host->gmem = rec_device_memory(h->rec);
    xen_watch(h->xen, rec_watch(h->rec), rec_ring_memory(h->rec));
    rec_start(h->rec, &h->machine_conf, &h->vm_clock);
}

static int start_machine(struct hvmd *h, struct err *e)
{
    struct machine_host host = {.hv = xen_hv(h->xen),
                                .gmem = xen_gmem(h->xen),
                                .clock = &h->vm_clock,
                                .log = &h->log,
                                .event = hvmd_guest_event,
                                .disk_gone = hvmd_disk_gone,
                                .nic_gone = hvmd_nic_gone,
                                .tray_moved = hvmd_tray_moved,
                                .blacklisted = hvmd_blacklisted,
                                .ctx = h};

    hvmd_aside_init(h);
    clock_init_monotonic(&h->vm_clock);
    loop_serve(h->loop, &h->vm_clock);
    start_record(h, &host);
    h->machine = machine_new(&h->machine_conf, &host, e);
    if (h->machine)
        return hvmd_apply_state(h, e);
    hvmd_vram_missing(h, e);
    return -EINVAL;
}

static int start_console(struct hvmd *h, struct err *e)
{
    struct console_conf conf = {
        .listen = h->conf.vnc.on ? h->conf.vnc.text : NULL,
        .keymap = h->conf.keymap,
        .name = h->conf.name ? h->conf.name : "hvmd",
        .event = hvmd_viewer_event,
        .ctx = h,
    };

    h->console = console_new(h->loop, machine_display(h->machine),
                             machine_input(h->machine), &conf, &h->log, e);
    return h->console ? 0 : -EINVAL;
}

/* libxl goes on as soon as it reads "running": everything must be there. */
static int tell_toolstack(struct hvmd *h, struct err *e)
{
    int rc = h->trad ? hvmd_trad_tell(h, e) : xs_ctl_backends(h->xenstore, e);

    if (!rc)
        rc = xs_ctl_close_vkbd(h->xenstore, e);
    if (!rc)
        rc = xs_ctl_state(h->xenstore, "running", e);
    xs_ctl_close(h->xenstore);
    h->xenstore = NULL;
    return rc;
}

static int open_xenstore(struct hvmd *h, struct err *e)
{
    if (!h->xenstore)
        h->xenstore = xs_ctl_open(h->conf.domid, e);
    return h->xenstore ? 0 : -EINVAL;
}

static int start(struct hvmd *h, struct err *e)
{
    int rc = console_keymap_check(h->conf.keymap, e);

    if (!rc && h->conf.trad) {
        rc = open_xenstore(h, e);
        if (!rc)
            rc = hvmd_trad_config(h, e);
    }
    if (!rc)
        rc = hvmd_read_state(h, e);
    if (!rc)
        rc = hvmd_open_backends(h, e);
    if (!rc)
        rc = open_record(h, e);
    if (!rc)
        rc = open_xenstore(h, e);
    if (!rc)
        rc = xs_ctl_blacklist(h->xenstore, &h->blacklist, e);
    if (!rc)
        xs_ctl_uuid(h->xenstore, h->uuid);
    if (!rc) {
        h->xen = xen_open(h->conf.domid, h->conf.ram_mib << 20,
                          h->conf.max_ram_below_4g_bytes, &h->log, e);
        rc = h->xen ? 0 : -EINVAL;
    }
    if (!rc)
        rc = hvmd_adopt_vram(h, e);
    if (!rc)
        rc = start_machine(h, e);
    if (!rc)
        rc = start_console(h, e);
    if (!rc)
        rc = hvmd_open_control(h, e);
    if (!rc)
        rc = xen_serve(h->xen, h->machine, h->loop, e);
    if (!rc && h->status != QMP_RUNNING) {
        machine_pause(h->machine, true);
        rc = xen_enable(h->xen, false);
    }
    hvmd_drop_state(h);
    if (!rc && h->trad)
        rc = hvmd_trad_start(h, e);
    return rc ? rc : tell_toolstack(h, e);
}

/* In reverse, and of a start that failed half-way too. */
static void finish(struct hvmd *h)
{
    hvmd_trad_end(h);
    hvmd_close_control(h);
    hvmd_aside_end(h);
    hvmd_drop_state(h);
    console_free(h->console);
    if (h->machine)
        machine_free(h->machine);
    rec_close(h->rec);
    hvmd_close_backends(h);
    xen_close(h->xen);
    if (h->xenstore)
        xs_ctl_close(h->xenstore);
    signals_close(&h->signals);
    loop_free(h->loop);
    argv_free(&h->conf);
}

/* Xen 4.20 and later ask a device model about its options first. */
static int serve_probe(struct hvmd *h, struct err *e)
{
    int rc = hvmd_open_control(h, e);

    return rc < 0 ? rc : loop_run(h->loop);
}

static int run(struct hvmd *h, struct err *e)
{
    int rc;

    h->loop = loop_new();
    if (!h->loop)
        return err_set(e, -errno, "epoll: %s", strerror(errno));
    log_init_fd(&h->log, STDERR_FILENO, loop_clock(h->loop));
    rc = signals_watch(&h->signals, h->loop, e);
    if (rc < 0)
        return rc;
    if (h->conf.action == ARGV_PROBE)
        return serve_probe(h, e);
    for (unsigned i = 0; i < h->conf.nnotes; i++)
        log_line(&h->log, "%s", h->conf.note[i]);
    rc = start(h, e);
    if (rc < 0)
        return rc;
    rc = loop_run(h->loop);
    return rc < 0 ? err_set(e, rc, "epoll: %s", strerror(-rc)) : rc;
}

int main(int argc, char **argv)
{
    struct hvmd h = {.status = QMP_PRELAUNCH, .smaps_fd = -1};
    struct err e = {.text = ""};
    int rc;

    std_fds_claim();
    rc = argv_parse(&h.conf, argc, argv, &e);
    if (!rc && h.conf.action == ARGV_HELP) {
        argv_help(stdout);
    } else if (!rc && h.conf.action == ARGV_VERSION) {
        printf("hvmd %s\n", HVMD_VERSION);
    } else if (!rc && h.conf.action == ARGV_CHECK_STATE) {
        rc = savefile_check(h.conf.check_state, stdout, &e);
        argv_free(&h.conf);
    } else if (!rc) {
        rc = run(&h, &e);
        finish(&h);
    }
    if (rc < 0)
        fprintf(stderr, "hvmd: %s\n", e.text);
    return rc ? 1 : 0;
}
