/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * THE table of QMP commands, and what they answer. A command missing here is
 * answered with CommandNotFound, on which libxl has its fall-backs.
 */
#include "opts.h"
#include "qmp_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json_object *nothing(void)
{
    return json_object_new_object();
}

struct json_object *qmp_absent(struct qmp_call *call)
{
    call->class = QMP_NOT_FOUND;
    err_set(&call->err, -ENOTSUP, "the command is not available here");
    return NULL;
}

struct json_object *qmp_result(struct qmp_call *call, int rc)
{
    if (!rc)
        return nothing();
    if (!call->err.text[0])
        err_set(&call->err, -EIO, "the command failed");
    return NULL;
}

/* A command that is one operation of main's. */
static struct json_object *act(struct qmp_call *call,
                               int (*op)(void *, struct err *))
{
    if (!op)
        return qmp_absent(call);
    return qmp_result(call, op(call->ctx->opaque, &call->err));
}

/*
 * libxl 4.17 chooses its commands by this: 2.8 brings ids and
 * blockdev-change-medium, 2.11 the argument live of xen-save-devices-state.
 */
struct json_object *qmp_version(void)
{
    struct json_object *v = nothing(), *qemu = nothing();

    put_int(qemu, "micro", 0);
    put_int(qemu, "minor", 2);
    put_int(qemu, "major", 7);
    json_object_object_add(v, "qemu", qemu);
    put_str(v, "package", "hvmd " HVMD_VERSION);
    return v;
}

struct json_object *qmp_greeting(void)
{
    struct json_object *g = nothing(), *body = nothing();

    json_object_object_add(body, "version", qmp_version());
    json_object_object_add(body, "capabilities", json_object_new_array());
    json_object_object_add(g, "QMP", body);
    return g;
}

static struct json_object *run_capabilities(struct qmp_call *call)
{
    struct json_object *list;

    if (json_object_object_get_ex(call->args, "enable", &list) &&
        json_object_array_length(list)) {
        err_set(&call->err, -EINVAL, "no capability was offered to enable");
        return NULL;
    }
    return nothing();
}

static struct json_object *run_query_version(struct qmp_call *call)
{
    return qmp_version();
}

const char *qmp_status_name(enum qmp_status s)
{
    static const char *const name[] = {
        [QMP_PRELAUNCH] = "prelaunch", [QMP_RUNNING] = "running",
        [QMP_PAUSED] = "paused",       [QMP_SUSPENDED] = "suspended",
        [QMP_SHUTDOWN] = "shutdown",
    };

    return name[s];
}

static struct json_object *run_query_status(struct qmp_call *call)
{
    struct json_object *o;
    enum qmp_status s;

    if (!call->ctx->ops->status)
        return qmp_absent(call);
    s = call->ctx->ops->status(call->ctx->opaque);
    o = nothing();
    put_bool(o, "running", s == QMP_RUNNING);
    put_bool(o, "singlestep", false);
    put_str(o, "status", qmp_status_name(s));
    return o;
}

static struct json_object *run_change_vnc_password(struct qmp_call *call)
{
    const struct qmp_ops *ops = call->ctx->ops;

    if (!ops->vnc_password)
        return qmp_absent(call);
    if (ops->vnc_password(call->ctx->opaque, arg_str(call, "password"),
                          &call->err)) {
        if (!call->err.text[0])
            err_set(&call->err, -EIO, "the password could not be set");
        return NULL;
    }
    return nothing();
}

static struct json_object *run_cont(struct qmp_call *call)
{
    return act(call, call->ctx->ops->cont);
}

static struct json_object *run_stop(struct qmp_call *call)
{
    return act(call, call->ctx->ops->stop);
}

static struct json_object *run_powerdown(struct qmp_call *call)
{
    return act(call, call->ctx->ops->powerdown);
}

static struct json_object *run_reset(struct qmp_call *call)
{
    return act(call, call->ctx->ops->reset);
}

static struct json_object *run_wakeup(struct qmp_call *call)
{
    return act(call, call->ctx->ops->wakeup);
}

static struct json_object *run_quit(struct qmp_call *call)
{
    if (!call->ctx->ops->quit)
        return qmp_absent(call);
    call->quit = true;
    return nothing();
}

static struct json_object *run_query_commands(struct qmp_call *call)
{
    const struct qmp_cmd *c = call->ctx->cmds ? call->ctx->cmds : qmp_commands;
    struct json_object *list = json_object_new_array(), *o;

    for (; c->name; c++) {
        o = nothing();
        put_str(o, "name", c->name);
        json_object_array_add(list, o);
    }
    return list;
}

/*
 * Into the file named, or into the one whose descriptor came with the command.
 * A pipe could make us wait for its reader.
 */
static int dump_screen(struct qmp_call *call, const char *filename)
{
    const struct qmp_ops *ops = call->ctx->ops;
    struct stat st;

    if (filename && call->nfds)
        return err_set(&call->err, -EINVAL,
                       "give a filename or a descriptor, not both");
    if (filename)
        return ops->screendump(call->ctx->opaque, filename, &call->err);
    if (!call->nfds || !ops->screendump_fd)
        return err_set(&call->err, -EINVAL,
                       "argument 'filename' of screendump is missing");
    if (fstat(call->fds[0], &st) || !S_ISREG(st.st_mode))
        return err_set(&call->err, -EINVAL,
                       "the descriptor is not that of a plain file");
    return ops->screendump_fd(call->ctx->opaque, call->fds[0], &call->err);
}

static struct json_object *run_screendump(struct qmp_call *call)
{
    const char *format = arg_str(call, "format");

    if (!call->ctx->ops->screendump)
        return qmp_absent(call);
    if (format && strcmp(format, "ppm")) {
        err_set(&call->err, -EINVAL,
                "format '%.40s' is not served; say ppm and convert it", format);
        return NULL;
    }
    if (dump_screen(call, arg_str(call, "filename"))) {
        if (!call->err.text[0])
            err_set(&call->err, -EIO, "the screen could not be written");
        return NULL;
    }
    return nothing();
}

static struct json_object *option_keys(const struct opt_desc *d)
{
    static const char *const type[] = {
        [TEXT] = "string", [WORD] = "string", [FLAG] = "boolean",
        [NUM] = "number",  [SIZE] = "size",   [ENUM] = "string",
    };
    struct json_object *list = json_object_new_array(), *o;
    const struct sub_desc *s;

    for (s = sub_table; s->group; s++) {
        if (s->class == REFUSED || strcmp(s->group, d->name))
            continue;
        o = nothing();
        put_str(o, "name", s->key);
        put_str(o, "help", s->help);
        put_str(o, "type", type[s->kind]);
        json_object_array_add(list, o);
    }
    return list;
}

/* Xen 4.20's libxl asks whether -run-with is known before it uses it. */
static struct json_object *run_query_options(struct qmp_call *call)
{
    struct json_object *list = json_object_new_array(), *o;
    const char *only = arg_str(call, "option");
    const struct opt_desc *d;
    bool found = false;

    for (d = opt_table; d->name; d++) {
        if (d->class == REFUSED || (only && strcmp(only, d->name)))
            continue;
        found = true;
        o = nothing();
        put_str(o, "option", d->name);
        json_object_object_add(o, "parameters", option_keys(d));
        json_object_array_add(list, o);
    }
    if (only && !found) {
        err_set(&call->err, -EINVAL, "there is no option '%.80s'", only);
        json_object_put(list);
        return NULL;
    }
    return list;
}

const struct qmp_cmd qmp_commands[] = {
    {"qmp_capabilities", "enable:a?", run_capabilities},
    {"query-version", "", run_query_version},
    {"query-commands", "", run_query_commands},
    {"query-command-line-options", "option:s?", run_query_options},
    {"query-status", "", run_query_status},
    {"query-chardev", "", qmp_query_chardev},
    {"query-vnc", "", qmp_query_vnc},
    {"query-block", "", qmp_query_block},
    {"query-blockstats", "query-nodes:b?", qmp_query_blockstats},
    {"query-pci", "", qmp_query_pci},
    {"query-uuid", "", qmp_query_uuid},
    {"query-events", "", qmp_query_events},
    {"query-cpus-fast", "", qmp_query_cpus_fast},
    {"query-cpus", "", qmp_query_cpus},
    {"query-hotpluggable-cpus", "", qmp_query_hotpluggable_cpus},
    {"cpu-add", "id:i", qmp_cpu_add},
    {"device_add", "driver:s,id:s?,*", qmp_device_add},
    {"device_del", "id:s", qmp_device_del},
    {"eject", "id:s?,device:s?,force:b?", qmp_eject},
    {"blockdev-change-medium",
     "id:s?,device:s?,filename:s,format:s?,read-only-mode:s?,force:b?",
     qmp_change_medium},
    {"change", "device:s,target:s,arg:s?", qmp_change},
    {"change-vnc-password", "password:s", run_change_vnc_password},
    {"set_link", "name:s,up:b", qmp_set_link},
    {"query-rx-filter", "name:s?", qmp_query_rx_filter},
    {"cont", "", run_cont},
    {"stop", "", run_stop},
    {"system_powerdown", "", run_powerdown},
    {"system_reset", "", run_reset},
    {"system_wakeup", "", run_wakeup},
    {"screendump", "filename:s?,format:s?", run_screendump},
    {"xen-set-global-dirty-log", "enable:b", qmp_dirty_log},
    {"xen-save-devices-state", "filename:s,live:b?", qmp_save_devices},
    {"add-fd", "fdset-id:i?,opaque:s?", qmp_add_fd},
    {"remove-fd", "fdset-id:i,fd:i?", qmp_remove_fd},
    {"query-fdsets", "", qmp_query_fdsets},
    {"human-monitor-command", "command-line:s,cpu-index:i?", qmp_human},
    {"quit", "", run_quit},
    {"query-name", "", qmp_query_name},
    {"query-hvmd-stats", "", qmp_query_stats},
    {"query-hvmd-unplug", "", qmp_query_unplug},
    {"hvmd-ignore-next-unplug", "enable:b", qmp_ignore_unplug},
    {NULL},
};

const char *qmp_command_name(unsigned i)
{
    return i < sizeof(qmp_commands) / sizeof(qmp_commands[0])
               ? qmp_commands[i].name
               : NULL;
}
