/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unplug: the journal and the rescue switch. */
#include "cmds.h"
#include "host.h"
#include "text.h"

#include <errno.h>

static void add_event(struct table *t, struct json_object *o)
{
    char text[64], when[TEXT_NUM];

    text_time(get_count(o, "time-ns"), when);
    table_add(t, "%s", when);
    get_text(o, "via", text, sizeof(text));
    table_add(t, "%s", text);
    table_add(t, "0x%04x", (unsigned)(get_count(o, "port-value") & 0xffff));
    get_text(o, "product-name", text, sizeof(text));
    if (text[0])
        table_add(t, "%s", text);
    else if (get_count(o, "product"))
        table_add(t, "0x%04x", (unsigned)(get_count(o, "product") & 0xffff));
    else
        table_add(t, "-");
    table_add(t, "%u", (unsigned)(get_count(o, "build") & 0xffffffff));
    get_text(o, "went", text, sizeof(text));
    table_add(t, "%s%s", text, get_bool(o, "ignored") ? " (ignored)" : "");
}

static void print_journal(struct json_object *answer)
{
    static const char *const titles[] = {"TIME",   "VIA",  ">VALUE", "DRIVER",
                                         ">BUILD", "WENT", NULL};
    struct json_object *list = get_array(answer, "events");
    size_t n = list ? json_object_array_length(list) : 0;
    uint64_t total = get_count(answer, "total");
    struct table t;

    if (n) {
        table_init(&t, titles);
        for (size_t i = 0; i < n; i++)
            add_event(&t, json_object_array_get_idx(list, i));
        table_print(&t, stdout);
        if (total > n)
            printf("%llu in all; the others are no longer kept\n",
                   (unsigned long long)total);
    } else {
        printf("nothing was unplugged\n");
    }
    printf("rescue switch: %s\n", get_bool(answer, "ignore-next")
                                      ? "on, the next unplug will be ignored"
                                      : "off");
}

int cmd_unplug(const struct args *a, struct err *e)
{
    struct json_object *answer = NULL, *args;
    struct conn conn;
    unsigned domid;
    int rc = host_find(a->dir, a->domain, &domid, &conn, e);

    if (rc)
        return rc;
    if (a->ignore >= 0) {
        args = json_object_new_object();
        json_object_object_add(args, "enable",
                               json_object_new_boolean(a->ignore));
        answer =
            host_call(&conn, a->domain, "hvmd-ignore-next-unplug", args, -1, e);
        rc = answer ? 0 : -EIO;
        json_object_put(answer);
    }
    if (!rc) {
        answer = host_call(&conn, a->domain, "query-hvmd-unplug", NULL, -1, e);
        rc = answer ? 0 : -EIO;
        if (answer)
            print_journal(answer);
        json_object_put(answer);
    }
    conn_close(&conn);
    return rc;
}
