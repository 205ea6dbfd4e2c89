/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the place of qemu-dm: what the command line does not say is taken from
 * xenstore, and what QMP does for qemu-xen is done by nodes there.
 * Source: tools/libs/light/libxl_dm.c, libxl_dom_save.c, libxl_pci.c and
 * libxl_domain.c of Xen 4.17.
 */
#include "ctl/savefile.h"
#include "ctl/trad_store.h"
#include "ctl/xs_link.h"
#include "hvmd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NODE 128 /* bytes of a path in xenstore, with its NUL */

/* LIBXL_DEVICE_MODEL_SAVE_FILE of libxl_internal.h, without the number */
#define SAVE_FILE "/var/lib/xen/qemu-save"

/* When the hotplug scripts, which begin at "running", should have put the taps
 * into their bridges. */
#define ANNOUNCE_NS (3 * NS_PER_S)

struct trad {
    struct xs_link *link;
    struct trad_cds cds;
    const char *save_file; /* "." and the domain's number follow */
    struct timer announce; /* after -loadvm */
};

static void dm_node(const struct hvmd *h, const char *name, char out[NODE])
{
    snprintf(out, NODE, "device-model/%u/%s", h->conf.domid, name);
}

static void answer(struct hvmd *h, const char *name, const char *value)
{
    char path[NODE];

    dm_node(h, name, path);
    xs_link_write(h->trad->link, path, value);
}

/* A file of our own making, whatever had that name. */
static int save_state(struct hvmd *h, struct err *e)
{
    char path[NODE];
    int fd, rc;

    snprintf(path, sizeof(path), "%s.%u", h->trad->save_file, h->conf.domid);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, -errno, "cannot create %s: %s", path,
                       strerror(errno));
    rc = h->qmp_ctx.ops->save(h, fd, e);
    if (close(fd) < 0 && !rc)
        rc = err_set(e, -errno, "cannot write %s: %s", path, strerror(errno));
    if (rc < 0)
        unlink(path);
    return rc;
}

/* There is no answer that says no: the toolstack's patience ends. */
static void cmd_save(struct hvmd *h)
{
    struct err e, why;
    int rc = h->qmp_ctx.ops->stop(h, &e);

    if (!rc)
        rc = save_state(h, &e);
    if (!rc) {
        answer(h, "state", "paused");
        return;
    }
    log_line(&h->log, "save: %s; the guest goes on", e.text);
    if (h->qmp_ctx.ops->cont(h, &why) < 0)
        log_line(&h->log, "save: %s", why.text);
}

static void cmd_continue(struct hvmd *h)
{
    struct err e;

    if (h->qmp_ctx.ops->cont(h, &e) < 0)
        log_line(&h->log, "continue: %s", e.text);
    else
        answer(h, "state", "running");
}

static void cmd_pci_ins(struct hvmd *h)
{
    log_line(&h->log, "pci-ins: PCI pass-through is not served");
    answer(h, "state", "pci-insert-failed");
}

/* Nothing that could be asked for is there. */
static void cmd_pci_rem(struct hvmd *h)
{
    answer(h, "state", "pci-removed");
}

static void on_command(void *ctx, const char *path, const char *value)
{
    static const struct {
        const char *name;
        void (*run)(struct hvmd *);
    } command[] = {
        {"save", cmd_save},
        {"continue", cmd_continue},
        {"pci-ins", cmd_pci_ins},
        {"pci-rem", cmd_pci_rem},
    };
    struct hvmd *h = ctx;
    char shown[64];

    for (unsigned i = 0; value && i < sizeof(command) / sizeof(command[0]); i++)
        if (!strcmp(value, command[i].name)) {
            command[i].run(h);
            return;
        }
    if (!value || !*value)
        return;
    log_escape(shown, sizeof(shown), value, strlen(value));
    log_line(&h->log, "xenstore: the command '%s' is not known", shown);
}

/* The toolstack has decided: the guest's lock does not hold. */
static void change_disc(struct hvmd *h, unsigned unit, const char *params)
{
    const char *now = h->media[unit].file;
    char file[4096] = "", drive[24];
    struct err e;
    int fd = -1, rc = trad_image(h->trad->cds.type[unit], params, file,
                                 sizeof(file), &e);

    if (!rc && !strcmp(file, now ? now : ""))
        return;
    snprintf(drive, sizeof(drive), "ide%u-cd%u", unit / 2 & 1, unit & 1);
    if (!rc && *file) {
        /* a pipe must not make us wait for its writer */
        fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        rc = fd < 0
                 ? err_set(&e, -errno, "cannot open %s: %s", file,
                           strerror(errno))
                 : h->qmp_ctx.ops->change_medium(h, drive, fd, file, true, &e);
    }
    if (rc)
        log_line(&h->log, "CD-ROM, IDE unit %u: %s; the drive is empty", unit,
                 e.text);
    if (rc || !*file)
        h->qmp_ctx.ops->eject(h, drive, true, 0, &e);
}

static void on_params(void *ctx, const char *path, const char *value)
{
    struct hvmd *h = ctx;
    size_t len = strlen(path) - strlen("/params");

    /* Gone with the drive's back end: the toolstack is taking all apart. */
    for (unsigned i = 0; value && i < MACHINE_DISKS; i++)
        if (!strncmp(path, h->trad->cds.backend[i], len) &&
            !h->trad->cds.backend[i][len])
            change_disc(h, i, value);
}

static void on_logdirty(void *ctx, const char *path, const char *value)
{
    struct hvmd *h = ctx;
    bool on = value && !strcmp(value, "enable");
    struct err e;

    if (!value || (!on && strcmp(value, "disable") != 0))
        return;
    if (h->qmp_ctx.ops->dirty_log(h, on, &e) < 0)
        log_line(&h->log, "logdirty: %s", e.text);
    else
        answer(h, "logdirty/ret", value);
}

static void on_event(void *ctx, const char *path, const char *token)
{
    struct hvmd *h = ctx;
    char own[NODE];

    if (!strcmp(token, "command") || !strcmp(token, "logdirty/cmd")) {
        dm_node(h, token, own);
        xs_link_read(h->trad->link, own,
                     token[0] == 'c' ? on_command : on_logdirty);
    } else if (!strcmp(token, "params")) {
        xs_link_read(h->trad->link, path, on_params);
    }
}

static void on_announce(void *ctx)
{
    hvmd_announce(ctx);
}

/* From here on it is -incoming. */
static int open_loadvm(struct hvmd *h, struct err *e)
{
    int fd;

    if (!h->conf.loadvm)
        return 0;
    fd = savefile_open(h->conf.loadvm, "-loadvm", e);
    if (fd < 0)
        return fd;
    h->conf.incoming_fd = fd;
    return 0;
}

int hvmd_trad_config(struct hvmd *h, struct err *e)
{
    int rc;

    h->trad = calloc(1, sizeof(*h->trad));
    if (!h->trad)
        return err_set(e, -ENOMEM, "out of memory");
    h->trad->save_file = SAVE_FILE;
    timer_init(&h->trad->announce, loop_clock(h->loop), on_announce, h);
    rc = open_loadvm(h, e);
    if (!rc)
        rc = trad_store_config(h->xenstore, &h->conf, &h->trad->cds, e);
    return rc;
}

/* xend left it to a script that qemu-dm ran. */
static int join_bridge(const struct argv_netdev *n, struct err *e)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq tap = {0}, bridge = {0};
    int rc = fd < 0 ? -errno : 0;

    snprintf(tap.ifr_name, IFNAMSIZ, "%s", n->ifname);
    snprintf(bridge.ifr_name, IFNAMSIZ, "%s", n->bridge);
    if (!rc && ioctl(fd, SIOCGIFFLAGS, &tap) < 0)
        rc = -errno;
    tap.ifr_flags |= IFF_UP;
    if (!rc && ioctl(fd, SIOCSIFFLAGS, &tap) < 0)
        rc = -errno;
    bridge.ifr_ifindex = (int)if_nametoindex(n->ifname);
    if (!rc && ioctl(fd, SIOCBRADDIF, &bridge) < 0 && errno != EBUSY)
        rc = -errno;
    if (fd >= 0)
        close(fd);
    return !rc ? 0
               : err_set(e, rc,
                         "-net tap,ifname=%s,bridge=%s: cannot put the tap "
                         "into the bridge: %s; say script=no and let a hotplug "
                         "script do it",
                         n->ifname, n->bridge, strerror(-rc));
}

/* Nobody will say "continue" to us: it is the domain that is paused. */
static int go_on(struct hvmd *h, struct err *e)
{
    bool arrived = h->arrived;
    int rc;

    if (!h->conf.loadvm)
        return 0;
    h->arrived = false;
    rc = h->qmp_ctx.ops->cont(h, e);
    if (!rc && arrived)
        timer_set(&h->trad->announce,
                  clock_now(loop_clock(h->loop)) + ANNOUNCE_NS);
    return rc;
}

static int watch_all(struct hvmd *h)
{
    static const char *const own[] = {"command", "logdirty/cmd"};
    struct xs_link *link = h->trad->link;
    char path[NODE];
    int rc = 0;

    for (unsigned i = 0; i < 2 && !rc; i++) {
        dm_node(h, own[i], path);
        rc = xs_link_watch(link, path, own[i]);
    }
    for (unsigned i = 0; i < MACHINE_DISKS && !rc; i++) {
        if (!h->trad->cds.backend[i][0])
            continue;
        snprintf(path, sizeof(path), "%s/params", h->trad->cds.backend[i]);
        rc = xs_link_watch(link, path, "params");
    }
    return rc;
}

int hvmd_trad_start(struct hvmd *h, struct err *e)
{
    char password[64];
    int rc = 0;

    for (unsigned i = 0; i < h->conf.nnetdevs && !rc; i++)
        if (h->conf.netdev[i].join)
            rc = join_bridge(&h->conf.netdev[i], e);
    if (rc)
        return rc;
    if (h->conf.vnc.password) {
        trad_store_password(h->xenstore, h->conf.domid, password,
                            sizeof(password));
        console_set_password(h->console, password);
        explicit_bzero(password, sizeof(password));
    }
    h->trad->link = xs_link_open(h->loop, on_event, h, &h->log, e);
    if (!h->trad->link)
        return -EINVAL;
    rc = watch_all(h);
    return rc ? err_set(e, rc, "cannot watch xenstore: %s", strerror(-rc))
              : go_on(h, e);
}

int hvmd_trad_tell(struct hvmd *h, struct err *e)
{
    const char *tty[MACHINE_SERIALS] = {NULL};

    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (h->serial[i] && !strncmp(h->serial[i]->filename, "pty:", 4))
            tty[i] = h->serial[i]->filename + 4;
    return trad_store_tell(
        h->xenstore, h->conf.domid,
        console_enabled(h->console) ? console_service(h->console) : NULL, tty,
        e);
}

void hvmd_trad_end(struct hvmd *h)
{
    if (!h->trad)
        return;
    timer_cancel(&h->trad->announce);
    xs_link_close(h->trad->link);
    free(h->trad);
    h->trad = NULL;
}
