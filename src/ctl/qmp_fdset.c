/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptor sets by QMP. */
#include "fdset.h"
#include "qmp_impl.h"

#include <errno.h>

static int64_t arg_int(struct qmp_call *call, const char *key, int64_t absent)
{
    struct json_object *v;

    return json_object_object_get_ex(call->args, key, &v)
               ? json_object_get_int64(v)
               : absent;
}

/* What the client says is never the number that stands for "not given". */
static bool arg_valid(struct qmp_call *call, const char *key, int64_t most)
{
    int64_t v = arg_int(call, key, 0);

    if (v >= 0 && v <= most)
        return true;
    err_set(&call->err, -EINVAL, "'%s' must be 0 or more", key);
    return false;
}

struct json_object *qmp_add_fd(struct qmp_call *call)
{
    struct json_object *o, *opaque = NULL;
    int64_t set;
    int fd;

    if (!arg_valid(call, "fdset-id", INT64_MAX))
        return NULL;
    if (!call->nfds) {
        err_set(&call->err, -EINVAL,
                "no descriptor came with add-fd (SCM_RIGHTS)");
        return NULL;
    }
    json_object_object_get_ex(call->args, "opaque", &opaque);
    fd = call->fds[0];
    call->fds[0] = -1;
    set = fdset_add(&call->ctx->fdset, fd, arg_int(call, "fdset-id", FDSET_NEW),
                    opaque ? json_object_get_string(opaque) : NULL, call->qmp,
                    &call->err);
    if (set < 0)
        return NULL;
    o = json_object_new_object();
    put_int(o, "fdset-id", set);
    put_int(o, "fd", fd);
    return o;
}

struct json_object *qmp_remove_fd(struct qmp_call *call)
{
    if (!arg_valid(call, "fdset-id", INT64_MAX) ||
        !arg_valid(call, "fd", INT32_MAX) ||
        fdset_remove(&call->ctx->fdset, arg_int(call, "fdset-id", 0),
                     (int)arg_int(call, "fd", FDSET_ALL), &call->err))
        return NULL;
    return json_object_new_object();
}

struct json_object *qmp_query_fdsets(struct qmp_call *call)
{
    struct json_object *list = json_object_new_array(), *set, *fds = NULL, *o;
    const struct fdset *f = &call->ctx->fdset;

    for (unsigned i = 0; i < f->n; i++) {
        if (!i || f->fd[i].set != f->fd[i - 1].set) {
            set = json_object_new_object();
            fds = json_object_new_array();
            json_object_object_add(set, "fds", fds);
            put_int(set, "fdset-id", f->fd[i].set);
            json_object_array_add(list, set);
        }
        o = json_object_new_object();
        put_int(o, "fd", f->fd[i].fd);
        if (f->fd[i].opaque) /* as it came, for the client to find again */
            json_object_object_add(o, "opaque",
                                   json_object_new_string(f->fd[i].opaque));
        json_object_array_add(fds, o);
    }
    return list;
}
