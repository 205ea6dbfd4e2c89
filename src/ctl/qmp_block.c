/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives and their media. A medium comes by descriptor (/dev/fdset/N), or by
 * the name of a file where that can still be opened. Its format is what the
 * command says, which is raw, and is never guessed (rule R11).
 */
#include "fdset.h"
#include "qmp_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMATS                                                                \
    "raw is the only format served; convert the image by 'qemu-img convert "   \
    "-O raw'"

static int no_drive(struct qmp_call *call, const char *drive)
{
    call->class = QMP_DEVICE_NOT_FOUND;
    return err_set(&call->err, -ENODEV, "Device '%.80s' not found", drive);
}

int qmp_do_eject(struct qmp_call *call, const char *drive, bool force)
{
    const struct qmp_ops *ops = call->ctx->ops;
    int rc =
        ops->eject(call->ctx->opaque, drive, force, call->token, &call->err);

    if (rc == -ENODEV)
        return no_drive(call, drive);
    call->later = rc == QMP_LATER;
    return rc;
}

/* The words that came with the descriptor hold the path: libxl's "raw:/a". */
static const char *shown_name(const struct qmp_ctx *ctx, const char *filename)
{
    const char *number = strrchr(filename, '/') + 1, *path;
    long long set = strtoll(number, NULL, 10);

    for (unsigned i = 0; i < ctx->fdset.n; i++) {
        if (ctx->fdset.fd[i].set != set || !ctx->fdset.fd[i].opaque)
            continue;
        path = strchr(ctx->fdset.fd[i].opaque, '/');
        return path ? path : filename;
    }
    return filename;
}

static int open_file(const char *filename, struct err *e)
{
    /* a pipe must not make us wait for its writer */
    int fd = open(filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return err_set(e, -errno,
                       "cannot open %.200s: %s; name a file that is there, or "
                       "pass its descriptor by add-fd",
                       filename, strerror(errno));
    return fd;
}

int qmp_do_change(struct qmp_call *call, const char *drive,
                  const char *filename, const char *format, bool force)
{
    struct qmp_ctx *ctx = call->ctx;
    const char *name = filename;
    int fd, rc;

    if (format && strcmp(format, "raw"))
        return err_set(&call->err, -ENOTSUP, "format '%.40s': " FORMATS,
                       format);
    if (fdset_named(filename)) {
        name = shown_name(ctx, filename);
        fd = fdset_open(&ctx->fdset, filename, O_RDONLY, &call->err);
    } else {
        fd = open_file(filename, &call->err);
    }
    if (fd < 0)
        return fd;
    rc = ctx->ops->change_medium(ctx->opaque, drive, fd, name, force,
                                 &call->err);
    return rc == -ENODEV ? no_drive(call, drive) : rc;
}

/* Newer clients name a drive by its id, older ones by device. */
static const char *drive_arg(struct qmp_call *call)
{
    const char *id = arg_str(call, "id"), *device = arg_str(call, "device");

    if (id && device)
        err_set(&call->err, -EINVAL, "give 'id' or 'device', not both");
    else if (!id && !device)
        err_set(&call->err, -EINVAL, "argument 'id' is missing");
    else
        return id ? id : device;
    return NULL;
}

static bool arg_true(struct qmp_call *call, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(call->args, key, &v) &&
           json_object_get_boolean(v);
}

struct json_object *qmp_eject(struct qmp_call *call)
{
    const char *drive = drive_arg(call);
    int rc;

    if (!call->ctx->ops->eject)
        return qmp_absent(call);
    if (!drive)
        return NULL;
    rc = qmp_do_eject(call, drive, arg_true(call, "force"));
    return rc == QMP_LATER ? NULL : qmp_result(call, rc);
}

struct json_object *qmp_change_medium(struct qmp_call *call)
{
    const char *drive = drive_arg(call);
    const char *mode = arg_str(call, "read-only-mode");

    if (!call->ctx->ops->change_medium)
        return qmp_absent(call);
    if (!drive)
        return NULL;
    if (mode && strcmp(mode, "retain") && strcmp(mode, "read-only")) {
        err_set(&call->err, -EINVAL,
                "read-only-mode '%.40s': a CD-ROM is always read-only", mode);
        return NULL;
    }
    return qmp_result(
        call, qmp_do_change(call, drive, arg_str(call, "filename"),
                            arg_str(call, "format"), arg_true(call, "force")));
}

/* Of clients that know no newer: a medium, or the password of VNC. */
struct json_object *qmp_change(struct qmp_call *call)
{
    const struct qmp_ops *ops = call->ctx->ops;
    const char *device = arg_str(call, "device");
    const char *target = arg_str(call, "target"), *arg = arg_str(call, "arg");

    if (!strcmp(device, "vnc")) {
        if (!ops->vnc_password)
            return qmp_absent(call);
        if (strcmp(target, "password")) {
            err_set(&call->err, -EINVAL,
                    "where VNC listens cannot be changed; only 'password' can");
            return NULL;
        }
        return qmp_result(call, ops->vnc_password(call->ctx->opaque,
                                                  arg ? arg : "", &call->err));
    }
    if (!ops->change_medium)
        return qmp_absent(call);
    return qmp_result(call, qmp_do_change(call, device, target, arg, false));
}

static struct json_object *inserted(const struct qmp_drive *d)
{
    static const char *const limits[] = {"iops", "iops_rd", "iops_wr",
                                         "bps",  "bps_rd",  "bps_wr"};
    struct json_object *o = json_object_new_object();
    struct json_object *image = json_object_new_object();
    struct json_object *cache = json_object_new_object();

    put_str(image, "filename", d->file);
    put_str(image, "format", "raw");
    put_int(image, "virtual-size", (int64_t)d->size_bytes);
    put_bool(cache, "no-flush", false);
    put_bool(cache, "direct", false);
    put_bool(cache, "writeback", true);
    put_str(o, "file", d->file);
    put_str(o, "drv", "raw");
    put_bool(o, "ro", d->read_only);
    put_bool(o, "encrypted", false);
    put_str(o, "detect_zeroes", "off");
    put_int(o, "write_threshold", 0);
    put_int(o, "backing_file_depth", 0);
    for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        put_int(o, limits[i], 0);
    json_object_object_add(o, "image", image);
    json_object_object_add(o, "cache", cache);
    return o;
}

/* An object for each drive, whose name is in it; fill() adds the rest. */
static struct json_object *each_drive(struct qmp_call *call,
                                      void (*fill)(struct json_object *,
                                                   const struct qmp_drive *))
{
    const struct qmp_ctx *ctx = call->ctx;
    struct json_object *list, *o;

    if (!ctx->ops->drive)
        return qmp_absent(call);
    list = json_object_new_array();
    for (unsigned i = 0;; i++) {
        struct qmp_drive d = {.file = NULL};

        if (!ctx->ops->drive(ctx->opaque, i, &d))
            return list;
        o = json_object_new_object();
        put_str(o, "device", d.name);
        put_str(o, "qdev", d.id ? d.id : d.bus);
        fill(o, &d);
        json_object_array_add(list, o);
    }
}

static void describe(struct json_object *o, const struct qmp_drive *d)
{
    put_str(o, "type", "unknown");
    put_bool(o, "removable", d->removable);
    put_bool(o, "locked", d->locked);
    if (d->removable)
        put_bool(o, "tray_open", d->tray_open);
    put_str(o, "io-status", "ok");
    if (d->file)
        json_object_object_add(o, "inserted", inserted(d));
}

struct json_object *qmp_query_block(struct qmp_call *call)
{
    return each_drive(call, describe);
}

static void count(struct json_object *drive, const struct qmp_drive *d)
{
    struct json_object *o = json_object_new_object();

    put_int(o, "rd_bytes", (int64_t)d->rd_bytes);
    put_int(o, "wr_bytes", (int64_t)d->wr_bytes);
    put_int(o, "rd_operations", (int64_t)d->rd_ops);
    put_int(o, "wr_operations", (int64_t)d->wr_ops);
    put_int(o, "flush_operations", (int64_t)d->flush_ops);
    /* Not measured. */
    put_int(o, "rd_total_time_ns", 0);
    put_int(o, "wr_total_time_ns", 0);
    put_int(o, "flush_total_time_ns", 0);
    put_int(o, "rd_merged", 0);
    put_int(o, "wr_merged", 0);
    put_int(o, "wr_highest_offset", 0);
    json_object_object_add(drive, "stats", o);
}

struct json_object *qmp_query_blockstats(struct qmp_call *call)
{
    return each_drive(call, count);
}
