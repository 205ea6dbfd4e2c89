/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics: all hvmds of the host for Prometheus.
 * Source: Prometheus text-based exposition format, version 0.0.4: one group
 * of lines per metric, HELP and TYPE first, label values escaped.
 */
#include "cmds.h"
#include "host.h"

#include <hvmd/timer.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct metric {
    const char *name, *type, *help;
    void (*put)(const struct metric *, const struct dom *);
    size_t offset; /* of a uint64_t in struct figures */
};

static void put_label(const char *key, const char *value)
{
    printf("%s=\"", key);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            putchar('\\');
        putchar(*value); /* printable, so no line feed */
    }
    putchar('"');
}

/* name{domid="3",name="guest" */
static void begin(const struct metric *m, const struct dom *d)
{
    printf("%s{domid=\"%u\",", m->name, d->domid);
    put_label("name", d->now.name);
}

static void more(const char *key, const char *value)
{
    putchar(',');
    put_label(key, value);
}

static void end(uint64_t v)
{
    printf("} %" PRIu64 "\n", v);
}

static void end_seconds(uint64_t ns)
{
    printf("} %" PRIu64 ".%09" PRIu64 "\n", ns / NS_PER_S, ns % NS_PER_S);
}

static uint64_t value(const struct metric *m, const struct dom *d)
{
    return *(const uint64_t *)((const char *)&d->now + m->offset);
}

static void put_count(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    end(value(m, d));
}

static void put_seconds(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    end_seconds(value(m, d));
}

static void put_memory(const struct metric *m, const struct dom *d)
{
    if (d->now.has_memory)
        put_count(m, d);
}

static void put_info(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    more("version", d->now.version);
    end(1);
}

static void put_aside(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    end(d->now.aside);
}

static void put_viewers(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    end(d->now.viewers);
}

static void put_ioreqs(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    more("kind", "synchronous");
    end(d->now.ioreqs);
    begin(m, d);
    more("kind", "buffered");
    end(d->now.buffered);
}

static void put_bad(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    more("reason", "unknown");
    end(d->now.unknown);
    begin(m, d);
    more("reason", "malformed");
    end(d->now.malformed);
}

static void put_switches(const struct metric *m, const struct dom *d)
{
    begin(m, d);
    more("kind", "voluntary");
    end(d->now.voluntary);
    begin(m, d);
    more("kind", "involuntary");
    end(d->now.involuntary);
}

static void put_accesses(const struct metric *m, const struct dom *d)
{
    static const char *const space[] = {"pio", "mmio", "config"};

    for (unsigned i = 0; i < d->now.ndevs; i++)
        for (unsigned k = 0; k < FIG_KINDS; k++) {
            begin(m, d);
            more("device", d->now.dev[i].name);
            more("space", space[k / 2]);
            more("direction", k & 1 ? "write" : "read");
            end(d->now.dev[i].hits[k]);
        }
}

static void put_mistakes(const struct metric *m, const struct dom *d)
{
    for (unsigned i = 0; i < d->now.ndevs; i++) {
        begin(m, d);
        more("device", d->now.dev[i].name);
        end(d->now.dev[i].mistakes);
    }
}

/* offset: in struct fig_disk */
static void put_disk(const struct metric *m, const struct dom *d)
{
    char name[16];

    for (unsigned i = 0; i < d->now.ndisks; i++) {
        const struct fig_disk *disk = &d->now.disk[i];

        if (!disk->attached || !disk->medium)
            continue;
        disk_name(disk->unit, name);
        begin(m, d);
        more("disk", name);
        end(*(const uint64_t *)((const char *)disk + m->offset));
    }
}

/* offset: in struct fig_nic */
static void put_nic(const struct metric *m, const struct dom *d)
{
    char name[16];

    for (unsigned i = 0; i < d->now.nnics; i++) {
        const struct fig_nic *nic = &d->now.nic[i];

        if (!nic->attached)
            continue;
        snprintf(name, sizeof(name), "nic%u", nic->index);
        begin(m, d);
        more("nic", name);
        end(*(const uint64_t *)((const char *)nic + m->offset));
    }
}

#define FIG(member)  offsetof(struct figures, member)
#define DISK(member) put_disk, offsetof(struct fig_disk, member)
#define NIC(member)  put_nic, offsetof(struct fig_nic, member)

/* clang-format off */
static const struct metric metrics[] = {
    {"hvmd_info", "gauge", "The hvmd of a domain, by version", put_info, 0},
    {"hvmd_uptime_seconds", "gauge", "Time since hvmd started", put_seconds, FIG(uptime_ns)},
    {"hvmd_stepped_aside", "gauge", "1 when PV drivers have taken over disks and cards", put_aside, 0},
    {"hvmd_viewers", "gauge", "VNC viewers connected", put_viewers, 0},
    {"hvmd_ioreqs_total", "counter", "Requests taken from Xen", put_ioreqs, 0},
    {"hvmd_bad_ioreqs_total", "counter", "Requests answered without effect", put_bad, 0},
    {"hvmd_device_accesses_total", "counter", "Accesses of the guest to a device", put_accesses, 0},
    {"hvmd_device_mistakes_total", "counter", "Mistakes of the guest's driver", put_mistakes, 0},
    {"hvmd_cpu_seconds_total", "counter", "CPU time of all threads", put_seconds, FIG(cpu_ns)},
    {"hvmd_viewers_cpu_seconds_total", "counter", "CPU time of hvmd-vnc, which serves the viewers", put_seconds, FIG(viewers_cpu_ns)},
    {"hvmd_context_switches_total", "counter", "Context switches of all threads", put_switches, 0},
    {"hvmd_memory_rss_bytes", "gauge", "Resident memory", put_memory, FIG(rss_bytes)},
    {"hvmd_memory_pss_bytes", "gauge", "Resident memory, shared pages divided by their users", put_memory, FIG(pss_bytes)},
    {"hvmd_memory_private_dirty_bytes", "gauge", "Memory of this process alone", put_memory, FIG(private_dirty_bytes)},
    {"hvmd_memory_swap_bytes", "gauge", "Memory swapped out", put_memory, FIG(swap_bytes)},
    {"hvmd_guest_log_lines_held_total", "counter", "Log lines on the guest's behalf held back", put_count, FIG(log_dropped)},
    {"hvmd_disk_size_bytes", "gauge", "Size of an emulated disk or medium", DISK(size_bytes)},
    {"hvmd_disk_reads_total", "counter", "Reads of an emulated disk", DISK(rd_ops)},
    {"hvmd_disk_read_bytes_total", "counter", "Bytes read from an emulated disk", DISK(rd_bytes)},
    {"hvmd_disk_writes_total", "counter", "Writes to an emulated disk", DISK(wr_ops)},
    {"hvmd_disk_written_bytes_total", "counter", "Bytes written to an emulated disk", DISK(wr_bytes)},
    {"hvmd_disk_flushes_total", "counter", "Flushes of an emulated disk", DISK(flush_ops)},
    {"hvmd_disk_errors_total", "counter", "Failed requests of an emulated disk", DISK(errors)},
    {"hvmd_nic_received_frames_total", "counter", "Frames to an emulated card", NIC(rx_frames)},
    {"hvmd_nic_received_bytes_total", "counter", "Bytes to an emulated card", NIC(rx_bytes)},
    {"hvmd_nic_sent_frames_total", "counter", "Frames from an emulated card", NIC(tx_frames)},
    {"hvmd_nic_sent_bytes_total", "counter", "Bytes from an emulated card", NIC(tx_bytes)},
    {"hvmd_nic_filtered_frames_total", "counter", "Frames not for an emulated card", NIC(rx_filtered)},
    {"hvmd_nic_waits_total", "counter", "Times the cable had to wait for room in a card", NIC(rx_held)},
    {"hvmd_nic_receive_errors_total", "counter", "Receive errors of an emulated card", NIC(rx_errors)},
    {"hvmd_nic_send_errors_total", "counter", "Send errors of an emulated card", NIC(tx_errors)},
    {"hvmd_nic_large_sends_total", "counter", "Large sends handed over whole", NIC(tx_segments)},
    {"hvmd_nic_interrupts_total", "counter", "Interrupts of an emulated card", NIC(interrupts)},
    {"hvmd_nic_dropped_frames_total", "counter", "Frames its back end dropped", NIC(dropped)},
};
/* clang-format on */

static void head(const char *name, const char *type, const char *help)
{
    printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

int cmd_metrics(const struct args *a, struct err *e)
{
    struct host h;
    int rc;

    host_init(&h, a->dir);
    rc = host_look(&h, ANSWER_NS, e);
    if (!rc) {
        head("hvmd_up", "gauge", "1 when the hvmd of a domain answers");
        for (unsigned i = 0; i < h.n; i++)
            printf("hvmd_up{domid=\"%u\"} %d\n", h.dom[i]->domid,
                   h.dom[i]->answers);
        for (size_t m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
            head(metrics[m].name, metrics[m].type, metrics[m].help);
            for (unsigned i = 0; i < h.n; i++)
                if (h.dom[i]->answers)
                    metrics[m].put(&metrics[m], h.dom[i]);
        }
    }
    host_free(&h);
    return rc;
}
