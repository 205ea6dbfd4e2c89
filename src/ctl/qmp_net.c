/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network cards: set_link, query-rx-filter. */
#include "qmp_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void put(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, json_object_new_string(text));
}

static void put_flag(struct json_object *o, const char *key, bool v)
{
    json_object_object_add(o, key, json_object_new_boolean(v));
}

static const char *str_arg(struct qmp_call *call, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(call->args, key, &v)
               ? json_object_get_string(v)
               : NULL;
}

static struct json_object *absent(struct qmp_call *call)
{
    call->class = QMP_NOT_FOUND;
    err_set(&call->err, -ENOTSUP, "the command is not available here");
    return NULL;
}

static struct json_object *no_card(struct qmp_call *call, const char *name)
{
    call->class = QMP_DEVICE_NOT_FOUND;
    err_set(&call->err, -ENODEV, "there is no network card '%.60s'", name);
    return NULL;
}

struct json_object *qmp_set_link(struct qmp_call *call)
{
    const struct qmp_ops *ops = call->ctx->ops;
    const char *name = str_arg(call, "name");
    struct json_object *up;
    int rc;

    if (!ops->set_link)
        return absent(call);
    json_object_object_get_ex(call->args, "up", &up);
    rc = ops->set_link(call->ctx->opaque, name, json_object_get_boolean(up),
                       &call->err);
    if (rc == -ENODEV)
        return no_card(call, name);
    return rc < 0 ? NULL : json_object_new_object();
}

static struct json_object *describe(const struct qmp_rx_filter *f)
{
    struct json_object *o = json_object_new_object();
    char text[24];

    put(o, "name", f->name);
    snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", f->mac[0],
             f->mac[1], f->mac[2], f->mac[3], f->mac[4], f->mac[5]);
    put(o, "main-mac", text);
    put_flag(o, "promiscuous", f->promiscuous);
    put_flag(o, "broadcast-allowed", f->broadcast);
    put(o, "unicast", f->promiscuous ? "all" : f->unicast ? "normal" : "none");
    put(o, "multicast",
        f->promiscuous || f->multicast_all ? "all"
        : f->multicast                     ? "normal"
                                           : "none");
    snprintf(text, sizeof(text), "0x%016llx",
             (unsigned long long)f->multicast_hash);
    put(o, "multicast-hash", text);
    /* The card has a hash in place of lists, and strips tags unseen. */
    put(o, "vlan", "all");
    put_flag(o, "unicast-overflow", false);
    put_flag(o, "multicast-overflow", false);
    json_object_object_add(o, "unicast-table", json_object_new_array());
    json_object_object_add(o, "multicast-table", json_object_new_array());
    json_object_object_add(o, "vlan-table", json_object_new_array());
    put_flag(o, "link", f->link);
    put_flag(o, "receiver", f->receiver);
    return o;
}

struct json_object *qmp_query_rx_filter(struct qmp_call *call)
{
    const struct qmp_ops *ops = call->ctx->ops;
    const char *name = str_arg(call, "name");
    struct json_object *list;
    struct qmp_rx_filter f;

    if (!ops->rx_filter)
        return absent(call);
    list = json_object_new_array();
    for (unsigned i = 0; ops->rx_filter(call->ctx->opaque, i, &f); i++)
        if (!name || !strcmp(name, f.name))
            json_object_array_add(list, describe(&f));
    if (!name || json_object_array_length(list))
        return list;
    json_object_put(list);
    return no_card(call, name);
}
