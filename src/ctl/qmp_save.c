/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the toolstack asks for to save or migrate a guest. */
#include "fdset.h"
#include "qmp_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json_object *done(struct qmp_call *call, int rc)
{
    if (!rc)
        return json_object_new_object();
    if (!call->err.text[0])
        err_set(&call->err, rc, "the command failed: %s", strerror(-rc));
    return NULL;
}

struct json_object *qmp_dirty_log(struct qmp_call *call)
{
    struct json_object *on = NULL;

    if (!call->ctx->ops->dirty_log)
        return qmp_absent(call);
    json_object_object_get_ex(call->args, "enable", &on);
    return done(call, call->ctx->ops->dirty_log(call->ctx->opaque,
                                                json_object_get_boolean(on),
                                                &call->err));
}

/* libxl passes the file; others name it. Neither may make us wait. */
static int open_file(struct qmp_call *call, const char *name)
{
    struct stat st;
    int fd;

    if (fdset_named(name))
        fd = fdset_open(&call->ctx->fdset, name, O_WRONLY, &call->err);
    else
        fd = open(name,
                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK |
                      O_NOCTTY,
                  0600);
    if (fd < 0)
        return call->err.text[0] ? fd
                                 : err_set(&call->err, -errno, "%.200s: %s",
                                           name, strerror(errno));
    if (!fstat(fd, &st) && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return err_set(&call->err, -EINVAL,
                   "%.200s is not a plain file: the state goes into one", name);
}

struct json_object *qmp_save_devices(struct qmp_call *call)
{
    struct json_object *name = NULL;
    int fd, rc;

    if (!call->ctx->ops->save)
        return qmp_absent(call);
    json_object_object_get_ex(call->args, "filename", &name);
    fd = open_file(call, json_object_get_string(name));
    if (fd < 0)
        return done(call, fd);
    rc = call->ctx->ops->save(call->ctx->opaque, fd, &call->err);
    if (close(fd) && !rc)
        rc = err_set(&call->err, -errno, "%.200s: %s",
                     json_object_get_string(name), strerror(errno));
    return done(call, rc);
}
