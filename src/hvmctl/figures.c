/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "figures.h"
#include "conn.h"

#include <stdio.h>
#include <string.h>

/* Entries of an array that fit into a table of most rows. */
static unsigned rows(struct json_object *list, unsigned most)
{
    size_t n = list ? json_object_array_length(list) : 0;

    return n < most ? (unsigned)n : most;
}

/*
 * A guest's hvmd may name something twice. Monitoring would then refuse the
 * figures of all others too.
 */
static bool dev_known(const struct figures *f, const char *name)
{
    for (unsigned i = 0; i < f->ndevs; i++)
        if (strcmp(f->dev[i].name, name) == 0)
            return true;
    return false;
}

static bool disk_known(const struct figures *f, unsigned unit)
{
    for (unsigned i = 0; i < f->ndisks; i++)
        if (f->disk[i].unit == unit)
            return true;
    return false;
}

static bool nic_known(const struct figures *f, unsigned index)
{
    for (unsigned i = 0; i < f->nnics; i++)
        if (f->nic[i].index == index)
            return true;
    return false;
}

static void parse_process(struct figures *f, struct json_object *o)
{
    struct json_object *cpu = get_object(o, "cpu");
    struct json_object *mem = get_object(o, "memory");
    struct json_object *log = get_object(o, "log");

    if (cpu) {
        f->cpu_ns = get_count(cpu, "total-ns");
        f->user_ns = get_count(cpu, "user-ns");
        f->system_ns = get_count(cpu, "system-ns");
        f->voluntary = get_count(cpu, "voluntary-switches");
        f->involuntary = get_count(cpu, "involuntary-switches");
        f->viewers_cpu_ns = get_count(cpu, "viewers-ns");
    }
    if (mem) {
        f->has_memory = true;
        f->rss_bytes = get_count(mem, "rss");
        f->pss_bytes = get_count(mem, "pss");
        f->private_dirty_bytes = get_count(mem, "private-dirty");
        f->swap_bytes = get_count(mem, "swap");
    }
    if (log) {
        f->log_bytes = get_count(log, "guest-bytes");
        f->log_dropped = get_count(log, "guest-dropped");
    }
}

static void parse_devices(struct figures *f, struct json_object *list)
{
    static const char *const key[FIG_KINDS] = {
        [PIO_RD] = "pio-reads",    [PIO_WR] = "pio-writes",
        [MMIO_RD] = "mmio-reads",  [MMIO_WR] = "mmio-writes",
        [CFG_RD] = "config-reads", [CFG_WR] = "config-writes",
    };

    for (unsigned i = 0; i < rows(list, FIG_DEVS); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        uint64_t instance = get_count(o, "instance");
        struct fig_dev *d = &f->dev[f->ndevs];
        char name[24];

        get_text(o, "name", name, sizeof(name));
        if (instance)
            snprintf(d->name, sizeof(d->name), "%s%u", name,
                     (unsigned)(instance & 0xffff));
        else
            snprintf(d->name, sizeof(d->name), "%s", name);
        if (dev_known(f, d->name))
            continue;
        f->ndevs++;
        for (unsigned k = 0; k < FIG_KINDS; k++)
            d->hits[k] = get_count(o, key[k]);
        d->mistakes = get_count(o, "mistakes");
    }
}

static void parse_disks(struct figures *f, struct json_object *list)
{
    char kind[16];

    for (unsigned i = 0; i < rows(list, FIG_DISKS); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        unsigned unit = (unsigned)(get_count(o, "unit") & 0xff);
        struct fig_disk *d = &f->disk[f->ndisks];

        if (disk_known(f, unit))
            continue;
        f->ndisks++;
        d->unit = unit;
        get_text(o, "id", d->id, sizeof(d->id));
        get_text(o, "kind", kind, sizeof(kind));
        d->cdrom = strcmp(kind, "cdrom") == 0;
        d->attached = get_bool(o, "attached");
        d->medium = get_bool(o, "medium");
        d->size_bytes = get_count(o, "size-bytes");
        d->rd_ops = get_count(o, "read-ops");
        d->rd_bytes = get_count(o, "read-bytes");
        d->wr_ops = get_count(o, "write-ops");
        d->wr_bytes = get_count(o, "write-bytes");
        d->flush_ops = get_count(o, "flush-ops");
        d->errors = get_count(o, "errors");
    }
}

static void parse_nics(struct figures *f, struct json_object *list)
{
    for (unsigned i = 0; i < rows(list, FIG_NICS); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        unsigned index = (unsigned)(get_count(o, "index") & 0xff);
        struct fig_nic *n = &f->nic[f->nnics];

        if (nic_known(f, index))
            continue;
        f->nnics++;
        n->index = index;
        get_text(o, "id", n->id, sizeof(n->id));
        get_text(o, "model", n->model, sizeof(n->model));
        get_text(o, "mac", n->mac, sizeof(n->mac));
        n->attached = get_bool(o, "attached");
        n->rx_frames = get_count(o, "rx-frames");
        n->rx_bytes = get_count(o, "rx-bytes");
        n->tx_frames = get_count(o, "tx-frames");
        n->tx_bytes = get_count(o, "tx-bytes");
        n->rx_filtered = get_count(o, "rx-filtered");
        n->rx_held = get_count(o, "rx-held");
        n->rx_errors = get_count(o, "rx-errors");
        n->tx_errors = get_count(o, "tx-errors");
        n->tx_segments = get_count(o, "tx-segments");
        n->interrupts = get_count(o, "interrupts");
        n->dropped = get_count(o, "dropped");
    }
}

void figures_parse(struct figures *f, struct json_object *o)
{
    struct json_object *req = get_object(o, "ioreqs");
    char state[24];

    memset(f, 0, sizeof(*f));
    f->domid = (unsigned)(get_count(o, "domid") & 0xffff);
    f->vcpus = (unsigned)(get_count(o, "vcpus") & 0xffff);
    f->viewers = (unsigned)(get_count(o, "viewers") & 0xffff);
    f->pid = get_count(o, "pid");
    get_text(o, "name", f->name, sizeof(f->name));
    get_text(o, "version", f->version, sizeof(f->version));
    get_text(o, "status", f->status, sizeof(f->status));
    get_text(o, "state", state, sizeof(state));
    f->aside = strcmp(state, "stepped-aside") == 0;
    f->uptime_ns = get_count(o, "uptime-ns");
    if (req) {
        f->ioreqs = get_count(req, "synchronous");
        f->buffered = get_count(req, "buffered");
        f->unknown = get_count(req, "unknown");
        f->malformed = get_count(req, "malformed");
    }
    parse_process(f, o);
    parse_devices(f, get_array(o, "devices"));
    parse_disks(f, get_array(o, "disks"));
    parse_nics(f, get_array(o, "nics"));
}

const char *figures_state(const struct figures *f)
{
    if (f->status[0] && strcmp(f->status, "running") != 0)
        return f->status;
    return f->aside ? "stepped aside" : "emulating";
}

const char *fig_kind_name(unsigned kind)
{
    static const char *const name[FIG_KINDS] = {
        [PIO_RD] = "PIO-RD",   [PIO_WR] = "PIO-WR", [MMIO_RD] = "MMIO-RD",
        [MMIO_WR] = "MMIO-WR", [CFG_RD] = "CFG-RD", [CFG_WR] = "CFG-WR",
    };

    return name[kind];
}

void disk_name(unsigned unit, char buf[16])
{
    if (unit < 4)
        snprintf(buf, 16, "hd%c", 'a' + (int)unit);
    else
        snprintf(buf, 16, "disk%u", unit);
}
