/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual CPUs, which are all that device_add adds. libxl asks which there
 * are, adds those that are to come, and of those that go tells xenstore alone.
 */
#include "qmp_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPU_TYPE "xen-x86_64-cpu"

bool qmp_cpu_online(const struct qmp_ctx *ctx, unsigned cpu)
{
    return !ctx->ops->cpu_online || ctx->ops->cpu_online(ctx->opaque, cpu);
}

static void put_path(struct json_object *o, const char *key, unsigned cpu)
{
    char path[48];

    snprintf(path, sizeof(path), "/machine/cpu[%u]", cpu);
    put_str(o, key, path);
}

static struct json_object *props(unsigned cpu)
{
    struct json_object *o = json_object_new_object();

    put_int(o, "socket-id", cpu);
    put_int(o, "core-id", 0);
    put_int(o, "thread-id", 0);
    return o;
}

static struct json_object *each_online(const struct qmp_ctx *ctx,
                                       void (*fill)(struct json_object *,
                                                    unsigned cpu))
{
    struct json_object *list = json_object_new_array(), *cpu;

    for (unsigned i = 0; i < ctx->max_vcpus; i++) {
        if (!qmp_cpu_online(ctx, i))
            continue;
        cpu = json_object_new_object();
        fill(cpu, i);
        json_object_array_add(list, cpu);
    }
    return list;
}

static void fast(struct json_object *cpu, unsigned i)
{
    put_int(cpu, "cpu-index", i);
    put_path(cpu, "qom-path", i);
    put_int(cpu, "thread-id", getpid()); /* Xen runs them, not we */
    put_str(cpu, "target", "x86_64");
    json_object_object_add(cpu, "props", props(i));
}

struct json_object *qmp_query_cpus_fast(struct qmp_call *call)
{
    return each_online(call->ctx, fast);
}

/* The form before QEMU 2.12. */
static void former(struct json_object *cpu, unsigned i)
{
    put_int(cpu, "CPU", i);
    put_bool(cpu, "current", i == 0);
    put_bool(cpu, "halted", false);
    put_path(cpu, "qom_path", i);
    put_int(cpu, "thread_id", getpid());
    put_str(cpu, "arch", "x86");
}

struct json_object *qmp_query_cpus(struct qmp_call *call)
{
    return each_online(call->ctx, former);
}

/* The last first, as QEMU has them. */
struct json_object *qmp_query_hotpluggable_cpus(struct qmp_call *call)
{
    const struct qmp_ctx *ctx = call->ctx;
    struct json_object *list, *cpu;

    if (!ctx->ops->set_vcpu)
        return qmp_absent(call);
    list = json_object_new_array();
    for (unsigned i = ctx->max_vcpus; i-- > 0;) {
        cpu = json_object_new_object();
        put_str(cpu, "type", CPU_TYPE);
        put_int(cpu, "vcpus-count", 1);
        json_object_object_add(cpu, "props", props(i));
        if (qmp_cpu_online(ctx, i))
            put_path(cpu, "qom-path", i);
        json_object_array_add(list, cpu);
    }
    return list;
}

static struct json_object *set_vcpu(struct qmp_call *call, int64_t cpu, bool on)
{
    const struct qmp_ctx *ctx = call->ctx;

    if (cpu < 0 || cpu >= ctx->max_vcpus) {
        err_set(&call->err, -EINVAL,
                "there is no virtual CPU %lld: the guest has %u, 0 to %u "
                "(maxvcpus=)",
                (long long)cpu, ctx->max_vcpus, ctx->max_vcpus - 1);
        return NULL;
    }
    return qmp_result(
        call, ctx->ops->set_vcpu(ctx->opaque, (unsigned)cpu, on, &call->err));
}

/* The form before QEMU 2.7. */
struct json_object *qmp_cpu_add(struct qmp_call *call)
{
    struct json_object *id;

    if (!call->ctx->ops->set_vcpu)
        return qmp_absent(call);
    json_object_object_get_ex(call->args, "id", &id);
    return set_vcpu(call, json_object_get_int64(id), true);
}

/* False: the error is set. */
static bool int_arg(struct qmp_call *call, const char *key, int64_t *v)
{
    struct json_object *o;

    if (json_object_object_get_ex(call->args, key, &o) &&
        json_object_is_type(o, json_type_int)) {
        *v = json_object_get_int64(o);
        return true;
    }
    err_set(&call->err, -EINVAL, "a CPU needs '%s', an integer", key);
    return false;
}

static struct json_object *add_cpu(struct qmp_call *call)
{
    int64_t socket, core, thread;

    if (!int_arg(call, "socket-id", &socket) ||
        !int_arg(call, "core-id", &core) ||
        !int_arg(call, "thread-id", &thread))
        return NULL;
    if (core || thread) {
        err_set(&call->err, -EINVAL,
                "each virtual CPU is thread 0 of core 0 of its socket");
        return NULL;
    }
    return set_vcpu(call, socket, true);
}

static bool begins(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

struct json_object *qmp_device_add(struct qmp_call *call)
{
    const char *driver = arg_str(call, "driver");

    if (!call->ctx->ops->set_vcpu)
        return qmp_absent(call);
    if (!strcmp(driver, CPU_TYPE))
        return add_cpu(call);
    if (!strcmp(driver, "xen-pci-passthrough"))
        err_set(&call->err, -ENOTSUP,
                "PCI passthrough is not served; leave out pci= and "
                "pci-attach, or run this guest with qemu-xen");
    else if (begins(driver, "usb-") || strstr(driver, "-usb-") ||
             begins(driver, "nec-usb"))
        err_set(&call->err, -ENOTSUP,
                "there is no USB, so '%.40s' cannot be added; leave out "
                "usbctrl= and usbdev=",
                driver);
    else
        err_set(&call->err, -ENOTSUP,
                "'%.40s' cannot be added to a running guest; only virtual "
                "CPUs (%s) can",
                driver, CPU_TYPE);
    return NULL;
}

struct json_object *qmp_device_del(struct qmp_call *call)
{
    const char *id = arg_str(call, "id");
    char *end = NULL;
    long cpu;

    if (!call->ctx->ops->set_vcpu)
        return qmp_absent(call);
    cpu = begins(id, "cpu-") ? strtol(id + 4, &end, 10) : -1;
    if (cpu >= 0 && id[4] >= '0' && id[4] <= '9' && !*end)
        return set_vcpu(call, cpu, false);
    call->class = QMP_DEVICE_NOT_FOUND;
    err_set(&call->err, -ENODEV, "Device '%.80s' not found", id);
    return NULL;
}
