/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP for test programs: hvmd's own server with a few commands in front of its
 * table, and breakpoints of the block layer by the human monitor's qemu-io.
 */
#include "qtest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct json_object *named(const char *name)
{
    struct json_object *o = json_object_new_object();

    put_str(o, "name", name);
    return o;
}

static struct json_object *types(struct qmp_call *call)
{
    struct json_object *list = json_object_new_array();
    const char *of = arg_str(call, "implements");

    if (!of || !strcmp(of, "accel"))
        json_object_array_add(list, named("qtest-accel"));
    if (of && strcmp(of, "device"))
        return list;
    for (unsigned i = 0; args_driver(i); i++)
        json_object_array_add(list, named(args_driver(i)));
    return list;
}

static struct json_object *machines(struct qmp_call *call)
{
    struct json_object *list = json_object_new_array();
    struct json_object *pc = named("pc-i440fx"), *none = named("none");

    put_str(pc, "alias", "pc");
    put_bool(pc, "is-default", true);
    put_int(pc, "cpu-max", 128);
    put_int(none, "cpu-max", 1);
    json_object_array_add(list, pc);
    json_object_array_add(list, none);
    return list;
}

static int find_unit(const struct qtest *q, const char *name)
{
    const struct board_conf *c = &q->board->conf;

    for (int u = 0; u < MACHINE_DISKS; u++)
        if (c->machine.disk[u].present &&
            (!strcmp(c->drive[u], name) || !strcmp(c->device[u], name)))
            return u;
    return -ENODEV;
}

/* DRIVE "break EVENT TAG" and DRIVE "resume TAG" */
static int qemu_io(struct qtest *q, const char *line, struct err *e)
{
    char drive[64], what[16], first[32], second[32];
    int n = sscanf(line, "qemu-io %63s %*[\"']%15s %31[^ \"'] %31[^ \"']",
                   drive, what, first, second);
    int u = n > 0 ? find_unit(q, drive) : -ENODEV;
    struct image *im = u < 0 ? NULL : q->board->conf.image[u];

    if (!im)
        return err_set(e, -ENODEV, "qemu-io: there is no such drive");
    if (n == 4 && !strcmp(what, "break"))
        return image_break(im, first, second, e);
    if (n == 3 && !strcmp(what, "resume"))
        return image_resume(im, first, e);
    return err_set(e, -EINVAL,
                   "qemu-io: there are \"break EVENT TAG\" and \"resume TAG\"");
}

static struct json_object *human(struct qmp_call *call)
{
    const char *line = arg_str(call, "command-line");
    char text[sizeof(call->err.text) + 16];

    if (strncmp(line, "qemu-io ", 8))
        return qmp_human(call);
    if (!qemu_io(call->ctx->opaque, line, &call->err))
        return json_object_new_string("");
    snprintf(text, sizeof(text), "Error: %s\r\n", call->err.text);
    return json_object_new_string(text);
}

static const struct qmp_cmd own[] = {
    {"qom-list-types", "implements:s?,abstract:b?", types},
    {"query-machines", "*", machines},
    {"human-monitor-command", "command-line:s,cpu-index:i?", human},
};

#define OWN (sizeof(own) / sizeof(own[0]))

/* The first of a name counts. */
static struct qmp_cmd *all_commands(void)
{
    struct qmp_cmd *all;
    unsigned n = 0;

    while (qmp_commands[n].name)
        n++;
    all = calloc(OWN + n + 1, sizeof(*all));
    if (all) {
        memcpy(all, own, sizeof(own));
        memcpy(all + OWN, qmp_commands, n * sizeof(*all));
    }
    return all;
}

static enum qmp_status op_status(void *ctx)
{
    return ((struct qtest *)ctx)->stopped ? QMP_PAUSED : QMP_RUNNING;
}

static void on_stopped(void *ctx)
{
    struct qtest *q = ctx;

    if (!q->stopped)
        qmp_event(&q->ctx, QMP_EV_STOP, QMP_NO_DATA);
    q->stopped = true;
}

static int op_cont(void *ctx, struct err *e)
{
    struct qtest *q = ctx;

    if (q->stopped)
        qmp_event(&q->ctx, QMP_EV_RESUME, QMP_NO_DATA);
    q->stopped = false;
    board_cont(q->board);
    board_settle(q->board);
    return 0;
}

static int op_stop(void *ctx, struct err *e)
{
    on_stopped(ctx);
    return 0;
}

/* The event RESET is behind the reply, and before the next command. */
static int op_reset(void *ctx, struct err *e)
{
    ((struct qtest *)ctx)->board->reset_wanted = true;
    return 0;
}

static void op_replied(void *ctx)
{
    board_settle(((struct qtest *)ctx)->board);
}

static void op_quit(void *ctx)
{
    loop_stop(((struct qtest *)ctx)->loop, 0);
}

static void drop_image(struct qtest *q, int unit, struct blk *old)
{
    if (!old)
        return;
    old->ops->close(old);
    q->board->conf.image[unit] = NULL;
}

static int op_eject(void *ctx, const char *drive, bool force, uint64_t token,
                    struct err *e)
{
    struct qtest *q = ctx;
    int u = find_unit(q, drive);
    struct blk *old = NULL;
    int rc =
        u < 0 ? u : machine_cd_eject(q->board->m, (unsigned)u, force, &old);

    if (rc && u >= 0)
        return err_set(e, rc, "drive '%.40s': %s", drive,
                       rc == -EBUSY ? "the guest has locked it" : "no CD-ROM");
    drop_image(q, u, old);
    return rc;
}

static int op_change(void *ctx, const char *drive, int fd, const char *name,
                     bool force, struct err *e)
{
    struct qtest *q = ctx;
    char path[32];
    struct image_conf c = {.path = path, .read_only = true};
    int u = find_unit(q, drive), rc = u;
    struct image *im = NULL;
    struct blk *old = NULL;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (u >= 0) {
        im = image_new(&c, e);
        rc = im ? 0 : -EINVAL;
    }
    close(fd);
    if (im)
        rc = machine_cd_insert(q->board->m, (unsigned)u, &im->blk, force, &old);
    if (im && rc) {
        im->blk.ops->close(&im->blk);
        err_set(e, rc, "drive '%.40s' does not take it", drive);
    }
    if (rc)
        return rc;
    drop_image(q, u, old);
    q->board->conf.image[u] = im;
    return 0;
}

static const struct qmp_ops ops = {
    .status = op_status,
    .cont = op_cont,
    .stop = op_stop,
    .reset = op_reset,
    .quit = op_quit,
    .replied = op_replied,
    .eject = op_eject,
    .change_medium = op_change,
};

static void on_event(void *ctx, enum machine_event ev)
{
    static const char guest[] = "\"guest\":%s,\"reason\":\"%s\"";
    struct qtest *q = ctx;

    switch (ev) {
    case MACHINE_POWEROFF:
        qmp_event(&q->ctx, QMP_EV_SHUTDOWN, guest, "true", "guest-shutdown");
        break;
    case MACHINE_RESET:
        qmp_event(&q->ctx, QMP_EV_RESET, guest, "false",
                  "host-qmp-system-reset");
        break;
    case MACHINE_SUSPEND:
        qmp_event(&q->ctx, QMP_EV_SUSPEND, QMP_NO_DATA);
        break;
    case MACHINE_WAKEUP:
        qmp_event(&q->ctx, QMP_EV_WAKEUP, QMP_NO_DATA);
        break;
    }
}

static void on_tray(void *ctx, unsigned unit, bool open)
{
    struct qtest *q = ctx;
    char drive[64];

    qmp_plain(drive, sizeof(drive), q->board->conf.drive[unit]);
    qmp_event(&q->ctx, QMP_EV_TRAY_MOVED,
              "\"device\":\"%s\",\"id\":\"%s\",\"tray-open\":%s", drive, drive,
              open ? "true" : "false");
}

int qtest_open_qmp(struct qtest *q, struct err *e)
{
    struct args_peer peer = q->args.qmp;
    struct qmp_listen l = {.label = "qmp", .path = peer.path};
    struct qmp_client c = {.label = "qmp", .in_max = QMP_IN_MAX};

    q->board->event = on_event;
    q->board->tray = on_tray;
    q->board->ctx = q;
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        if (!q->board->conf.image[u])
            continue;
        q->board->conf.image[u]->stopped = on_stopped;
        q->board->conf.image[u]->ctx = q;
    }
    q->ctx = (struct qmp_ctx){.ops = &ops, .opaque = q, .max_vcpus = 1};
    q->cmds = all_commands();
    if (!q->cmds)
        return err_set(e, -ENOMEM, "out of memory");
    q->ctx.cmds = q->cmds;
    if (!peer.path)
        return 0;
    if (peer.listens) {
        q->qmp = qmp_new(q->loop, &l, &q->ctx, e);
        return q->qmp ? 0 : -EINVAL;
    }
    c.fd = qtest_connect(peer.path, "-mon", e);
    if (c.fd < 0)
        return c.fd;
    if (fcntl(c.fd, F_SETFL, O_NONBLOCK) < 0)
        return err_set(e, -errno, "-mon: %s", strerror(errno));
    q->qmp = qmp_serve(q->loop, &c, &q->ctx);
    return q->qmp ? 0 : err_set(e, -EPIPE, "-mon: nobody reads there");
}

void qtest_close_qmp(struct qtest *q)
{
    if (q->qmp)
        qmp_free(q->qmp);
    free(q->cmds);
}
