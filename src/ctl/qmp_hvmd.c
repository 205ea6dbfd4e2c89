/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that are hvmd's own: its figures, the unplug journal. */
#include "ctl_stats.h"
#include "qmp_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put_count(struct json_object *o, const char *key, uint64_t v)
{
    json_object_object_add(o, key, json_object_new_uint64(v));
}

static void put_memory(struct json_object *o, const struct ctl_proc *p)
{
    struct json_object *m = json_object_new_object();

    put_count(m, "rss", p->rss_bytes);
    put_count(m, "pss", p->pss_bytes);
    put_count(m, "private-dirty", p->private_dirty_bytes);
    put_count(m, "swap", p->swap_bytes);
    json_object_object_add(o, "memory", m);
}

static void put_proc(struct json_object *o, const struct ctl_stats *s)
{
    const struct ctl_proc *p = &s->proc;
    struct json_object *cpu = json_object_new_object();

    put_count(cpu, "total-ns", p->cpu_ns);
    put_count(cpu, "user-ns", p->user_ns);
    put_count(cpu, "system-ns", p->system_ns);
    put_count(cpu, "voluntary-switches", p->voluntary);
    put_count(cpu, "involuntary-switches", p->involuntary);
    put_count(cpu, "viewers-ns", s->viewers_cpu_ns);
    json_object_object_add(o, "cpu", cpu);
    if (p->has_memory)
        put_memory(o, p);
}

static void put_ioreqs(struct json_object *o, const struct ctl_stats *s)
{
    struct json_object *r = json_object_new_object();

    put_count(r, "synchronous", s->ioreqs);
    put_count(r, "buffered", s->buffered);
    put_count(r, "unknown", s->unknown);
    put_count(r, "malformed", s->malformed);
    json_object_object_add(o, "ioreqs", r);
}

static struct json_object *devices(const struct ctl_stats *s)
{
    static const char *const kind[HIT_KINDS] = {
        [HIT_PIO_RD] = "pio-reads",    [HIT_PIO_WR] = "pio-writes",
        [HIT_MMIO_RD] = "mmio-reads",  [HIT_MMIO_WR] = "mmio-writes",
        [HIT_CFG_RD] = "config-reads", [HIT_CFG_WR] = "config-writes",
    };
    struct json_object *list = json_object_new_array(), *o;

    for (unsigned i = 0; i < s->ndevs; i++) {
        const struct ctl_dev *d = &s->dev[i];

        o = json_object_new_object();
        put_str(o, "name", d->name);
        put_int(o, "instance", d->instance);
        for (unsigned k = 0; k < HIT_KINDS; k++)
            put_count(o, kind[k], d->hits[k]);
        put_count(o, "mistakes", d->mistakes);
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *disks(const struct ctl_stats *s)
{
    struct json_object *list = json_object_new_array(), *o;

    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        const struct ctl_disk *d = &s->disk[i];
        const struct blk none = {0}, *b = d->blk ? d->blk : &none;

        if (!d->present)
            continue;
        o = json_object_new_object();
        put_int(o, "unit", i);
        if (d->id)
            put_str(o, "id", d->id);
        put_str(o, "kind", d->cdrom ? "cdrom" : "disk");
        put_bool(o, "attached", d->attached);
        put_bool(o, "medium", d->blk != NULL);
        put_count(o, "size-bytes", b->size_bytes);
        put_count(o, "read-ops", b->rd_ops);
        put_count(o, "read-bytes", b->rd_bytes);
        put_count(o, "write-ops", b->wr_ops);
        put_count(o, "write-bytes", b->wr_bytes);
        put_count(o, "flush-ops", b->flush_ops);
        put_count(o, "errors", b->errors);
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *nics(const struct ctl_stats *s)
{
    struct json_object *list = json_object_new_array(), *o;
    char mac[18];

    for (unsigned i = 0; i < s->nnics; i++) {
        const struct ctl_nic *n = &s->nic[i];

        o = json_object_new_object();
        put_int(o, "index", i);
        if (n->id)
            put_str(o, "id", n->id);
        put_str(o, "model", n->model);
        snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0],
                 n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5]);
        put_str(o, "mac", mac);
        put_bool(o, "attached", n->attached);
        put_count(o, "rx-frames", n->rx_frames);
        put_count(o, "rx-bytes", n->rx_bytes);
        put_count(o, "tx-frames", n->tx_frames);
        put_count(o, "tx-bytes", n->tx_bytes);
        put_count(o, "rx-filtered", n->rx_filtered);
        put_count(o, "rx-held", n->rx_held);
        put_count(o, "rx-errors", n->rx_errors);
        put_count(o, "tx-errors", n->tx_errors);
        put_count(o, "tx-segments", n->tx_segments);
        put_count(o, "interrupts", n->interrupts);
        put_count(o, "dropped", n->dropped);
        json_object_array_add(list, o);
    }
    return list;
}

struct json_object *qmp_query_name(struct qmp_call *call)
{
    struct json_object *o = json_object_new_object();

    if (call->ctx->name)
        put_str(o, "name", call->ctx->name);
    return o;
}

struct json_object *qmp_query_stats(struct qmp_call *call)
{
    const struct qmp_ctx *ctx = call->ctx;
    struct json_object *o, *log;
    struct ctl_stats s;

    if (!ctx->ops->stats)
        return qmp_absent(call);
    memset(&s, 0, sizeof(s));
    ctx->ops->stats(ctx->opaque, &s);
    o = json_object_new_object();
    put_int(o, "domid", ctx->domid);
    put_str(o, "name", ctx->name ? ctx->name : "");
    put_int(o, "pid", getpid());
    put_str(o, "version", HVMD_VERSION);
    put_count(o, "uptime-ns", s.uptime_ns);
    put_str(o, "status", qmp_status_name(ctx->ops->status(ctx->opaque)));
    put_str(o, "state", s.stepped_aside ? "stepped-aside" : "emulating");
    put_int(o, "vcpus", ctx->max_vcpus);
    put_int(o, "viewers", s.viewers);
    put_proc(o, &s);
    put_ioreqs(o, &s);
    json_object_object_add(o, "devices", devices(&s));
    json_object_object_add(o, "disks", disks(&s));
    json_object_object_add(o, "nics", nics(&s));
    put_count(o, "events-lost", ctx->events_lost);
    log = json_object_new_object();
    put_count(log, "guest-bytes", s.log_bytes);
    put_count(log, "guest-dropped", s.log_dropped);
    json_object_object_add(o, "log", log);
    return o;
}

static struct json_object *event(const struct ctl_unplug_event *e)
{
    struct json_object *o = json_object_new_object();

    put_count(o, "time-ns", e->wall_ns);
    put_str(o, "via", e->via);
    put_int(o, "port-value", e->port_value);
    put_str(o, "went", e->went);
    put_int(o, "product", e->product);
    if (e->product_name)
        put_str(o, "product-name", e->product_name);
    put_int(o, "build", e->build);
    put_bool(o, "ignored", e->ignored);
    return o;
}

struct json_object *qmp_query_unplug(struct qmp_call *call)
{
    const struct qmp_ctx *ctx = call->ctx;
    struct json_object *o, *list;
    struct ctl_unplug u;

    if (!ctx->ops->unplug)
        return qmp_absent(call);
    memset(&u, 0, sizeof(u));
    if (ctx->ops->unplug(ctx->opaque, &u, &call->err))
        return NULL;
    o = json_object_new_object();
    put_bool(o, "ignore-next", u.ignoring);
    put_int(o, "mask", u.mask);
    put_count(o, "total", u.total);
    list = json_object_new_array();
    for (unsigned i = 0; i < u.n; i++)
        json_object_array_add(list, event(&u.event[i]));
    json_object_object_add(o, "events", list);
    return o;
}

struct json_object *qmp_ignore_unplug(struct qmp_call *call)
{
    const struct qmp_ctx *ctx = call->ctx;
    struct json_object *on = NULL;

    if (!ctx->ops->ignore_unplug)
        return qmp_absent(call);
    json_object_object_get_ex(call->args, "enable", &on);
    if (ctx->ops->ignore_unplug(ctx->opaque, json_object_get_boolean(on),
                                &call->err))
        return NULL;
    return json_object_new_object();
}
