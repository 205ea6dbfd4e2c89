/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list, status, stats: figures of one moment. */
#include "cmds.h"
#include "host.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void silent_row(struct table *t, const struct dom *d)
{
    table_add(t, "%u", d->domid);
    table_add(t, "?");
    table_add(t, "not answering");
    while (t->n % t->cols)
        table_add(t, "-");
}

static void list_row(struct table *t, const struct figures *f)
{
    char text[TEXT_NUM];

    table_add(t, "%u", f->domid);
    table_add(t, "%s", f->name);
    table_add(t, "%s", figures_state(f));
    table_add(t, "%u", f->vcpus);
    table_add(t, "%llu", (unsigned long long)f->pid);
    text_span(f->uptime_ns, text);
    table_add(t, "%s", text);
    text_seconds(f->cpu_ns, text);
    table_add(t, "%s", text);
    if (f->has_memory)
        table_bytes(t, f->pss_bytes);
    else
        table_add(t, "-");
    table_count(t, f->ioreqs + f->buffered);
    table_add(t, "%u", f->viewers);
}

int cmd_list(const struct args *a, struct err *e)
{
    static const char *const titles[] = {
        ">DOM", "NAME", "STATE",   ">VCPUS",   ">PID", ">UP",
        ">CPU", ">PSS", ">IOREQS", ">VIEWERS", NULL};
    struct table t;
    struct host h;
    int rc;

    host_init(&h, a->dir);
    rc = host_look(&h, ANSWER_NS, e);
    if (!rc) {
        table_init(&t, titles);
        for (unsigned i = 0; i < h.n; i++)
            if (h.dom[i]->answers)
                list_row(&t, &h.dom[i]->now);
            else
                silent_row(&t, h.dom[i]);
        table_print(&t, stdout);
    }
    host_free(&h);
    return rc;
}

/* A connected domain and its figures. */
struct one {
    unsigned domid;
    struct conn conn;
    struct json_object *answer;
    struct figures f;
};

static int one_open(struct one *o, const struct args *a, struct err *e)
{
    int rc = host_find(a->dir, a->domain, &o->domid, &o->conn, e);

    o->answer = NULL;
    if (rc)
        return rc;
    o->answer = host_call(&o->conn, a->domain, "query-hvmd-stats", NULL, -1, e);
    if (!o->answer)
        return -EIO;
    figures_parse(&o->f, o->answer);
    return 0;
}

static void one_close(struct one *o)
{
    json_object_put(o->answer);
    conn_close(&o->conn);
}

static void print_screen(struct one *o, const struct args *a, FILE *out)
{
    struct json_object *v;
    char host[128], service[32];
    struct err ignored;

    v = host_call(&o->conn, a->domain, "query-vnc", NULL, -1, &ignored);
    if (!v)
        return;
    get_text(v, "host", host, sizeof(host));
    get_text(v, "service", service, sizeof(service));
    if (get_bool(v, "enabled"))
        fprintf(out, "screen         VNC at %s%s%s, %u viewer%s\n", host,
                service[0] ? ":" : "", service, o->f.viewers,
                o->f.viewers == 1 ? "" : "s");
    else
        fprintf(out, "screen         no VNC\n");
    json_object_put(v);
}

static void print_unplug(struct one *o, const struct args *a, FILE *out)
{
    struct json_object *v, *list, *event;
    char went[64] = "", when[TEXT_NUM] = "";
    struct err ignored;
    size_t n;

    v = host_call(&o->conn, a->domain, "query-hvmd-unplug", NULL, -1, &ignored);
    if (!v)
        return;
    list = get_array(v, "events");
    n = list ? json_object_array_length(list) : 0;
    while (n-- > 0 && !when[0]) { /* the latest that took something */
        event = json_object_array_get_idx(list, n);
        get_text(event, "went", went, sizeof(went));
        if (went[0] && strcmp(went, "nothing") != 0)
            text_time(get_count(event, "time-ns"), when);
    }
    fprintf(out, "unplug         %llu so far",
            (unsigned long long)get_count(v, "total"));
    if (when[0])
        fprintf(out, ", %s went at %s", went, when);
    fprintf(out, "; the rescue switch is %s\n",
            get_bool(v, "ignore-next") ? "on" : "off");
    json_object_put(v);
}

static void print_backends(const struct figures *f, FILE *out)
{
    char text[TEXT_NUM], name[16];

    for (unsigned i = 0; i < f->ndisks; i++) {
        const struct fig_disk *d = &f->disk[i];

        disk_name(d->unit, name);
        text_bytes(d->size_bytes, text);
        fprintf(out, "%-14s %s, %s\n", name, d->cdrom ? "CD-ROM" : "disk",
                !d->attached ? "unplugged"
                : !d->medium ? "no medium"
                             : text);
    }
    for (unsigned i = 0; i < f->nnics; i++) {
        const struct fig_nic *n = &f->nic[i];

        snprintf(name, sizeof(name), "nic%u", n->index);
        fprintf(out, "%-14s %s %s%s\n", name, n->model, n->mac,
                n->attached ? "" : ", unplugged");
    }
}

static void print_process(const struct figures *f, FILE *out)
{
    char a[TEXT_NUM], b[TEXT_NUM];

    text_seconds(f->cpu_ns, a);
    text_seconds(f->viewers_cpu_ns, b);
    fprintf(out,
            "cpu            %s, and %s for viewers; context switches %llu "
            "voluntary, %llu "
            "involuntary\n",
            a, b, (unsigned long long)f->voluntary,
            (unsigned long long)f->involuntary);
    if (!f->has_memory)
        return;
    text_bytes(f->pss_bytes, a);
    text_bytes(f->private_dirty_bytes, b);
    fprintf(out, "memory         %s PSS, %s private dirty\n", a, b);
}

int cmd_status(const struct args *a, struct err *e)
{
    char up[TEXT_NUM];
    struct one o;
    int rc = one_open(&o, a, e);

    if (!rc) {
        const struct figures *f = &o.f;

        text_span(f->uptime_ns, up);
        printf("domain         %u %s\n", o.domid, f->name);
        printf("state          %s\n", figures_state(f));
        printf("hvmd           %s, process %llu, up %s\n", f->version,
               (unsigned long long)f->pid, up);
        printf("vcpus          %u\n", f->vcpus);
        printf("ioreqs         %llu, and %llu buffered\n",
               (unsigned long long)f->ioreqs, (unsigned long long)f->buffered);
        print_process(f, stdout);
        print_backends(f, stdout);
        print_screen(&o, a, stdout);
        print_unplug(&o, a, stdout);
    }
    one_close(&o);
    return rc;
}

static void print_devices(const struct figures *f)
{
    static const char *const titles[] = {"DEVICE",   ">PIO-RD",   ">PIO-WR",
                                         ">MMIO-RD", ">MMIO-WR",  ">CFG-RD",
                                         ">CFG-WR",  ">MISTAKES", NULL};
    struct table t;

    table_init(&t, titles);
    for (unsigned i = 0; i < f->ndevs; i++) {
        table_add(&t, "%s", f->dev[i].name);
        for (unsigned k = 0; k < FIG_KINDS; k++)
            table_count(&t, f->dev[i].hits[k]);
        table_count(&t, f->dev[i].mistakes);
    }
    table_print(&t, stdout);
}

static void print_disks(const struct figures *f)
{
    static const char *const titles[] = {
        "DISK",    "KIND",      "STATE",    ">SIZE",   ">READS", ">RD-BYTES",
        ">WRITES", ">WR-BYTES", ">FLUSHES", ">ERRORS", NULL};
    struct table t;
    char name[16];

    table_init(&t, titles);
    for (unsigned i = 0; i < f->ndisks; i++) {
        const struct fig_disk *d = &f->disk[i];

        disk_name(d->unit, name);
        table_add(&t, "%s", name);
        table_add(&t, "%s", d->cdrom ? "cdrom" : "disk");
        table_add(&t, "%s",
                  !d->attached ? "unplugged"
                  : !d->medium ? "empty"
                               : "attached");
        table_bytes(&t, d->size_bytes);
        table_count(&t, d->rd_ops);
        table_bytes(&t, d->rd_bytes);
        table_count(&t, d->wr_ops);
        table_bytes(&t, d->wr_bytes);
        table_count(&t, d->flush_ops);
        table_count(&t, d->errors);
    }
    table_print(&t, stdout);
}

static void print_nics(const struct figures *f)
{
    static const char *const titles[] = {
        "NIC",        "STATE",     ">RX-FRAMES", ">RX-BYTES",
        ">TX-FRAMES", ">TX-BYTES", ">FILTERED",  ">WAITS",
        ">ERRORS",    ">DROPPED",  ">IRQS",      NULL};
    struct table t;

    table_init(&t, titles);
    for (unsigned i = 0; i < f->nnics; i++) {
        const struct fig_nic *n = &f->nic[i];

        table_add(&t, "nic%u", n->index);
        table_add(&t, "%s", n->attached ? "attached" : "unplugged");
        table_count(&t, n->rx_frames);
        table_bytes(&t, n->rx_bytes);
        table_count(&t, n->tx_frames);
        table_bytes(&t, n->tx_bytes);
        table_count(&t, n->rx_filtered);
        table_count(&t, n->rx_held);
        table_count(&t, n->rx_errors + n->tx_errors);
        table_count(&t, n->dropped);
        table_count(&t, n->interrupts);
    }
    table_print(&t, stdout);
}

int cmd_stats(const struct args *a, struct err *e)
{
    struct one o;
    int rc = one_open(&o, a, e);

    if (!rc && a->json) {
        text_json(json_object_to_json_string_ext(
                      o.answer, JSON_C_TO_STRING_PRETTY |
                                    JSON_C_TO_STRING_SPACED |
                                    JSON_C_TO_STRING_NOSLASHESCAPE),
                  stdout);
    } else if (!rc) {
        print_devices(&o.f);
        putchar('\n');
        print_disks(&o.f);
        if (o.f.nnics) {
            putchar('\n');
            print_nics(&o.f);
        }
        printf("\nioreqs         %llu, buffered %llu, unknown %llu, malformed "
               "%llu\n",
               (unsigned long long)o.f.ioreqs, (unsigned long long)o.f.buffered,
               (unsigned long long)o.f.unknown,
               (unsigned long long)o.f.malformed);
        print_process(&o.f, stdout);
        printf("log            %llu bytes for the guest, %llu lines held "
               "back\n",
               (unsigned long long)o.f.log_bytes,
               (unsigned long long)o.f.log_dropped);
    }
    one_close(&o);
    return rc;
}
