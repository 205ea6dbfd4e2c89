/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network cards: set_link, query-rx-filter. */
#include "qmp_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct json_object *no_card(struct qmp_call *call, const char *name)
{
    call->class = QMP_DEVICE_NOT_FOUND;
    err_set(&call->err, -ENODEV, "there is no network card '%.60s'", name);
    return NULL;
}

struct json_object *qmp_set_link(struct qmp_call *call)
{
    const struct qmp_ops *ops = call->ctx->ops;
    const char *name = arg_str(call, "name");
    struct json_object *up;
    int rc;

    if (!ops->set_link)
        return qmp_absent(call);
    json_object_object_get_ex(call->args, "up", &up);
    rc = ops->set_link(call->ctx->opaque, name, json_object_get_boolean(up),
                       &call->err);
    if (rc == -ENODEV)
        return no_card(call, name);
    return qmp_result(call, rc);
}

static struct json_object *describe(const struct qmp_rx_filter *f)
{
    struct json_object *o = json_object_new_object();
    char text[24];

    put_str(o, "name", f->name);
    snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", f->mac[0],
             f->mac[1], f->mac[2], f->mac[3], f->mac[4], f->mac[5]);
    put_str(o, "main-mac", text);
    put_bool(o, "promiscuous", f->promiscuous);
    put_bool(o, "broadcast-allowed", f->broadcast);
    put_str(o, "unicast",
            f->promiscuous ? "all"
            : f->unicast   ? "normal"
                           : "none");
    put_str(o, "multicast",
            f->promiscuous || f->multicast_all ? "all"
            : f->multicast                     ? "normal"
                                               : "none");
    snprintf(text, sizeof(text), "0x%016llx",
             (unsigned long long)f->multicast_hash);
    put_str(o, "multicast-hash", text);
    /* The card has a hash in place of lists, and strips tags unseen. */
    put_str(o, "vlan", "all");
    put_bool(o, "unicast-overflow", false);
    put_bool(o, "multicast-overflow", false);
    json_object_object_add(o, "unicast-table", json_object_new_array());
    json_object_object_add(o, "multicast-table", json_object_new_array());
    json_object_object_add(o, "vlan-table", json_object_new_array());
    put_bool(o, "link", f->link);
    put_bool(o, "receiver", f->receiver);
    return o;
}

struct json_object *qmp_query_rx_filter(struct qmp_call *call)
{
    const struct qmp_ops *ops = call->ctx->ops;
    const char *name = arg_str(call, "name");
    struct json_object *list;
    struct qmp_rx_filter f;

    if (!ops->rx_filter)
        return qmp_absent(call);
    list = json_object_new_array();
    for (unsigned i = 0; ops->rx_filter(call->ctx->opaque, i, &f); i++)
        if (!name || !strcmp(name, f.name))
            json_object_array_add(list, describe(&f));
    if (!name || json_object_array_length(list))
        return list;
    json_object_put(list);
    return no_card(call, name);
}
