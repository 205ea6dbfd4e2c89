/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries about what there is: byte streams, VNC, PCI functions, the UUID. */
#include "qmp_impl.h"

#include <stdio.h>
#include <string.h>

static void add_chardev(struct json_object *list, const char *label,
                        const char *filename, bool open)
{
    struct json_object *o = json_object_new_object();

    put_bool(o, "frontend-open", open);
    put_str(o, "filename", filename);
    put_str(o, "label", label);
    json_object_array_add(list, o);
}

struct json_object *qmp_query_chardev(struct qmp_call *call)
{
    struct json_object *list = json_object_new_array();
    const struct qmp_ctx *ctx = call->ctx;
    const struct qmp *q;
    char filename[160];
    unsigned i;

    for (q = ctx->servers; q; q = qmp_next(q)) {
        qmp_filename(q, filename, sizeof(filename));
        add_chardev(list, qmp_label(q), filename, qmp_connected(q));
    }
    for (i = 0; i < ctx->nchrs && i < QMP_CHRS; i++)
        if (ctx->chr[i])
            add_chardev(list, ctx->chr[i]->label, ctx->chr[i]->filename, true);
    return list;
}

const char *qmp_family(bool unix_socket, const char *host)
{
    return unix_socket ? "unix" : strchr(host, ':') ? "ipv6" : "ipv4";
}

static struct json_object *vnc_clients(struct qmp_ctx *ctx,
                                       const struct qmp_vnc *v)
{
    struct json_object *list = json_object_new_array(), *o;
    const char *host, *service;

    for (unsigned i = 0;
         v->client && v->client(ctx->opaque, i, &host, &service); i++) {
        o = json_object_new_object();
        put_str(o, "host", host);
        put_str(o, "service", service);
        put_str(o, "family", qmp_family(v->unix_socket, host));
        put_bool(o, "websocket", false);
        json_object_array_add(list, o);
    }
    return list;
}

struct json_object *qmp_query_vnc(struct qmp_call *call)
{
    struct qmp_vnc v = {0};
    struct json_object *o;

    if (!call->ctx->ops->vnc_info)
        return qmp_absent(call);
    call->ctx->ops->vnc_info(call->ctx->opaque, &v);
    o = json_object_new_object();
    put_bool(o, "enabled", v.enabled);
    if (!v.enabled)
        return o;
    put_str(o, "host", v.host);
    put_str(o, "service", v.service);
    put_str(o, "family", qmp_family(v.unix_socket, v.host));
    put_str(o, "auth", v.password ? "vnc" : "none");
    json_object_object_add(o, "clients", vnc_clients(call->ctx, &v));
    return o;
}

struct json_object *qmp_query_uuid(struct qmp_call *call)
{
    static const char none[] = "00000000-0000-0000-0000-000000000000";
    struct json_object *o = json_object_new_object();

    put_str(o, "UUID", call->ctx->uuid ? call->ctx->uuid : none);
    return o;
}

/* PCI Local Bus Specification 3.0, appendix D. */
const char *qmp_pci_class(uint16_t class_code)
{
    static const struct {
        uint16_t code;
        const char *text;
    } known[] = {{0x0101, "IDE controller"}, {0x0200, "Ethernet controller"},
                 {0x0300, "VGA controller"}, {0x0600, "Host bridge"},
                 {0x0601, "ISA bridge"},     {0x0680, "Bridge"},
                 {0x0c03, "USB controller"}};

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].code == class_code)
            return known[i].text;
    return NULL;
}

static struct json_object *regions(const struct qmp_pci *p)
{
    struct json_object *list = json_object_new_array(), *o;

    for (unsigned i = 0; i < 7; i++) {
        const struct qmp_bar *b = &p->bar[i];

        if (!b->size_bytes)
            continue;
        o = json_object_new_object();
        put_int(o, "bar", i);
        put_str(o, "type", b->io ? "io" : "memory");
        put_int(o, "address", b->addr == UINT64_MAX ? -1 : (int64_t)b->addr);
        put_int(o, "size", b->size_bytes);
        if (!b->io) {
            put_bool(o, "prefetch", b->prefetch);
            put_bool(o, "mem_type_64", false);
        }
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *function(unsigned devfn, const struct qmp_pci *p)
{
    struct json_object *o = json_object_new_object();
    struct json_object *class = json_object_new_object();
    struct json_object *id = json_object_new_object();

    put_int(o, "bus", 0);
    put_int(o, "slot", devfn >> 3);
    put_int(o, "function", devfn & 7);
    put_str(o, "qdev_id", p->id ? p->id : "");
    put_int(class, "class", p->class_code);
    if (qmp_pci_class(p->class_code))
        put_str(class, "desc", qmp_pci_class(p->class_code));
    json_object_object_add(o, "class_info", class);
    put_int(id, "vendor", p->vendor);
    put_int(id, "device", p->device);
    put_int(id, "subsystem-vendor", p->subsys_vendor);
    put_int(id, "subsystem", p->subsys);
    json_object_object_add(o, "id", id);
    if (p->pin)
        put_int(o, "irq", p->irq);
    put_int(o, "irq_pin", p->pin);
    json_object_object_add(o, "regions", regions(p));
    return o;
}

/* libxl needs qdev_id, slot and function in every element. */
struct json_object *qmp_query_pci(struct qmp_call *call)
{
    const struct qmp_ctx *ctx = call->ctx;
    struct json_object *list, *bus, *devs;

    if (!ctx->ops->pci)
        return qmp_absent(call);
    devs = json_object_new_array();
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        struct qmp_pci p = {0};

        if (ctx->ops->pci(ctx->opaque, devfn, &p))
            json_object_array_add(devs, function(devfn, &p));
    }
    bus = json_object_new_object();
    put_int(bus, "bus", 0);
    json_object_object_add(bus, "devices", devs);
    list = json_object_new_array();
    json_object_array_add(list, bus);
    return list;
}
