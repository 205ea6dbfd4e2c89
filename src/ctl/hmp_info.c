/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "info SUBJECT" of human-monitor-command, in the words QEMU has for it. */
#include "hmp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *clean(char *buf, size_t len, const char *s)
{
    log_escape(buf, len, s, strlen(s));
    return buf;
}

static void info_block(struct hmp *h)
{
    const struct qmp_ctx *ctx = h->ctx;
    char file[600];

    for (unsigned i = 0;; i++) {
        struct qmp_drive d = {.file = NULL};

        if (!ctx->ops->drive || !ctx->ops->drive(ctx->opaque, i, &d))
            return;
        if (d.file)
            hmp_say(h, "%s: %s (raw%s)\r\n", d.name,
                    clean(file, sizeof(file), d.file),
                    d.read_only ? ", read-only" : "");
        else
            hmp_say(h, "%s: [not inserted]\r\n", d.name);
        hmp_say(h, "    Attached to:      %s\r\n", d.id ? d.id : d.bus);
        if (d.removable)
            hmp_say(h, "    Removable device: %slocked, tray %s\r\n",
                    d.locked ? "" : "not ", d.tray_open ? "open" : "closed");
        if (d.file)
            hmp_say(h, "    Cache mode:       writeback\r\n");
    }
}

static void info_blockstats(struct hmp *h)
{
    const struct qmp_ctx *ctx = h->ctx;

    for (unsigned i = 0;; i++) {
        struct qmp_drive d = {.file = NULL};

        if (!ctx->ops->drive || !ctx->ops->drive(ctx->opaque, i, &d))
            return;
        hmp_say(h,
                "%s: rd_bytes=%llu wr_bytes=%llu rd_operations=%llu "
                "wr_operations=%llu flush_operations=%llu\r\n",
                d.name, (unsigned long long)d.rd_bytes,
                (unsigned long long)d.wr_bytes, (unsigned long long)d.rd_ops,
                (unsigned long long)d.wr_ops, (unsigned long long)d.flush_ops);
    }
}

static void info_chardev(struct hmp *h)
{
    const struct qmp_ctx *ctx = h->ctx;
    char name[160];

    for (const struct qmp *q = ctx->servers; q; q = qmp_next(q)) {
        qmp_filename(q, name, sizeof(name));
        hmp_say(h, "%s: filename=%s\r\n", qmp_label(q), name);
    }
    for (unsigned i = 0; i < ctx->nchrs; i++)
        if (ctx->chr[i])
            hmp_say(h, "%s: filename=%s\r\n", ctx->chr[i]->label,
                    ctx->chr[i]->filename);
}

static void info_cpus(struct hmp *h)
{
    for (unsigned i = 0; i < h->ctx->max_vcpus; i++)
        if (qmp_cpu_online(h->ctx, i))
            hmp_say(h, "%c CPU #%u: thread_id=%d\r\n", i ? ' ' : '*', i,
                    (int)getpid());
}

static void info_name(struct hmp *h)
{
    char name[300];

    if (h->ctx->name)
        hmp_say(h, "%s\r\n", clean(name, sizeof(name), h->ctx->name));
}

static void info_network(struct hmp *h)
{
    const struct qmp_ctx *ctx = h->ctx;
    struct qmp_rx_filter f;

    for (unsigned i = 0;
         ctx->ops->rx_filter && ctx->ops->rx_filter(ctx->opaque, i, &f); i++)
        hmp_say(h,
                "%s: index=%u,type=nic,model=rtl8139,macaddr="
                "%02x:%02x:%02x:%02x:%02x:%02x,link=%s\r\n",
                f.name, i, f.mac[0], f.mac[1], f.mac[2], f.mac[3], f.mac[4],
                f.mac[5], f.link ? "up" : "down");
}

static void bar(struct hmp *h, unsigned n, const struct qmp_bar *b)
{
    const char *kind = b->io         ? "I/O"
                       : b->prefetch ? "32 bit prefetchable memory"
                                     : "32 bit memory";

    if (!b->size_bytes)
        return;
    hmp_say(h, "      BAR%u: %s at 0x%08llx [0x%08llx].\r\n", n, kind,
            b->addr == UINT64_MAX ? 0xffffffffull : (unsigned long long)b->addr,
            b->addr == UINT64_MAX
                ? 0xfffffffeull
                : (unsigned long long)b->addr + b->size_bytes - 1);
}

static void info_pci(struct hmp *h)
{
    const struct qmp_ctx *ctx = h->ctx;

    for (unsigned devfn = 0; ctx->ops->pci && devfn < 256; devfn++) {
        struct qmp_pci p = {0};
        const char *class;
        char number[32];

        if (!ctx->ops->pci(ctx->opaque, devfn, &p))
            continue;
        class = qmp_pci_class(p.class_code);
        snprintf(number, sizeof(number), "Class %04x", p.class_code);
        hmp_say(h, "  Bus  0, device %3u, function %u:\r\n", devfn >> 3,
                devfn & 7);
        hmp_say(h, "    %s: PCI device %04x:%04x\r\n", class ? class : number,
                p.vendor, p.device);
        hmp_say(h, "      PCI subsystem %04x:%04x\r\n", p.subsys_vendor,
                p.subsys);
        if (p.pin)
            hmp_say(h, "      IRQ %u, pin %c\r\n", p.irq, 'A' + p.pin - 1);
        for (unsigned i = 0; i < 7; i++)
            bar(h, i, &p.bar[i]);
        hmp_say(h, "      id \"%s\"\r\n", p.id ? p.id : "");
    }
}

static void info_status(struct hmp *h)
{
    enum qmp_status s;

    if (!h->ctx->ops->status)
        return;
    s = h->ctx->ops->status(h->ctx->opaque);
    if (s == QMP_RUNNING || s == QMP_PAUSED)
        hmp_say(h, "VM status: %s\r\n", qmp_status_name(s));
    else
        hmp_say(h, "VM status: paused (%s)\r\n", qmp_status_name(s));
}

static void info_uuid(struct hmp *h)
{
    hmp_say(h, "%s\r\n", h->ctx->uuid ? h->ctx->uuid : "unknown");
}

static void info_version(struct hmp *h)
{
    hmp_say(h, "7.2.0hvmd " HVMD_VERSION "\r\n");
}

static void info_vnc(struct hmp *h)
{
    const struct qmp_ctx *ctx = h->ctx;
    const char *host, *service;
    struct qmp_vnc v = {0};

    if (ctx->ops->vnc_info)
        ctx->ops->vnc_info(ctx->opaque, &v);
    if (!v.enabled) {
        hmp_say(h, "None\r\n");
        return;
    }
    hmp_say(h, "default:\r\n  Server: %s%s%s\r\n    Auth: %s (Sub: none)\r\n",
            v.host, v.unix_socket ? "" : ":", v.service,
            v.password ? "vnc" : "none");
    for (unsigned i = 0; v.client && v.client(ctx->opaque, i, &host, &service);
         i++)
        hmp_say(h, "  Client: %s%s%s\r\n", host, service[0] ? ":" : "",
                service);
}

static const struct {
    const char *name, *help;
    void (*run)(struct hmp *);
} subjects[] = {
    {"block", "drives and their media", info_block},
    {"blockstats", "what was read and written", info_blockstats},
    {"chardev", "byte streams", info_chardev},
    {"cpus", "virtual CPUs online", info_cpus},
    {"name", "the guest's name", info_name},
    {"network", "network cards", info_network},
    {"pci", "PCI functions", info_pci},
    {"status", "whether the guest is served", info_status},
    {"uuid", "the guest's UUID", info_uuid},
    {"version", "this program's version", info_version},
    {"vnc", "the VNC server and its viewers", info_vnc},
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

bool hmp_info(struct hmp *h, const char *subject)
{
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (strcmp(subject, subjects[i].name))
            continue;
        subjects[i].run(h);
        return true;
    }
    return false;
}

void hmp_info_help(struct hmp *h)
{
    for (size_t i = 0; i < SUBJECTS; i++)
        hmp_say(h, "info %s  -- show %s\r\n", subjects[i].name,
                subjects[i].help);
}
