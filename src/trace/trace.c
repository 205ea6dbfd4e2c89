/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace.h"

#include <errno.h>
#include <string.h>

static const uint8_t magic[8] = "hvmdtrc\n";

/* Conf flags of the head. */
#define HEAD_PLATFORM 0x01u
#define HEAD_ACPI     0x02u
#define HEAD_IGNORE   0x04u /* -ignore-unplug */
#define HEAD_PARALLEL 0x08u

#define DISK_PRESENT 0x01u
#define DISK_CDROM   0x02u
#define DISK_MEDIUM  0x04u
#define DISK_RO      0x08u
#define DISK_DISCARD 0x10u

#define SERIAL_BYTES 20u

static uint8_t *put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *p++ = (uint8_t)(v >> (8 * i));
    return p;
}

static uint8_t *put_num(uint8_t *p, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

size_t trace_put(uint8_t *to, const struct trace_rec *r)
{
    uint8_t *p = put_num(put(to, r->kind, 1), r->dt_ns);

    switch (r->kind) {
    case TRACE_END:
        p = put_num(p, r->value);
        break;
    case TRACE_READ:
        p = put_num(put_num(p, r->addr), r->len);
        break;
    case TRACE_WROTE:
        p = put(put_num(put_num(p, r->addr), r->len), r->hash, 4);
        break;
    case TRACE_BLK:
        p = put(put(p, r->unit, 1), r->op, 1);
        p = put_num(put_num(p, r->addr), r->value);
        p = put(p, (uint32_t)r->result, 4);
        break;
    case TRACE_DONE:
        p = put(put(p, r->unit, 1), (uint32_t)r->result, 4);
        break;
    case TRACE_IO:
        p = put(put(put(p, r->type, 1), r->size, 1), r->flags, 1);
        p = put_num(put_num(put_num(p, r->addr), r->count), r->data);
        if (r->flags & TRACE_HASHED)
            p = put(p, r->hash, 4);
        break;
    }
    return (size_t)(p - to);
}

static uint8_t *put_disk(uint8_t *p, const struct machine_disk *d)
{
    unsigned flags = (d->present ? DISK_PRESENT : 0) |
                     (d->cdrom ? DISK_CDROM : 0) | (d->blk ? DISK_MEDIUM : 0);
    char serial[SERIAL_BYTES] = "";

    if (d->blk)
        flags |= (d->blk->read_only ? DISK_RO : 0) |
                 (d->blk->can_discard ? DISK_DISCARD : 0);
    if (d->serial)
        memcpy(serial, d->serial, strnlen(d->serial, SERIAL_BYTES));
    p = put(p, flags, 1);
    p = put(p, d->blk ? d->blk->size_bytes : 0, 8);
    p = put(p, d->blk ? d->blk->phys_block_bytes : 0, 4);
    memcpy(p, serial, SERIAL_BYTES);
    return p + SERIAL_BYTES;
}

size_t trace_put_head(uint8_t *to, const struct machine_conf *c)
{
    uint8_t *p = to, *fields;
    unsigned serials = 0;

    memcpy(p, magic, sizeof(magic));
    fields = p = put(p + sizeof(magic), TRACE_VERSION, 2) + 2;
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        serials |= (c->serial[i] ? 1u : 0) << i;
    p = put(p, c->ram_bytes, 8);
    p = put(put(p, c->vcpus, 1), c->max_vcpus, 1);
    p = put(p,
            (c->xen_platform ? HEAD_PLATFORM : 0) | (c->acpi ? HEAD_ACPI : 0) |
                (c->ignore_unplug ? HEAD_IGNORE : 0) |
                (c->parallel ? HEAD_PARALLEL : 0),
            1);
    p = put(p, serials, 1);
    memcpy(p, c->boot_order, 4);
    p = put(put(p + 4, c->vga, 1), c->vgamem_mib, 2);
    p = put(p, c->vga_rom.data ? c->vga_rom.size_bytes : 0, 4);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        p = put_disk(p, &c->disk[i]);
    p = put(p, c->nnics, 1);
    for (unsigned i = 0; i < c->nnics; i++) {
        const struct machine_nic *nic = &c->nic[i];

        memcpy(p, nic->mac, 6);
        p = put(put(p + 6, nic->revision, 1), nic->net != NULL, 1);
        p = put(p, nic->rom.data ? nic->rom.size_bytes : 0, 4);
    }
    put(fields - 2, (uint64_t)(p - fields), 2);
    return (size_t)(p - to);
}

/* What is left; bad once more was asked for. */
struct in {
    const uint8_t *p;
    size_t left;
    int bad;
};

static const uint8_t *take(struct in *in, size_t n)
{
    const uint8_t *p = in->p;

    if (in->bad || n > in->left) {
        in->bad = in->bad ? in->bad : -ENODATA;
        return NULL;
    }
    in->p += n;
    in->left -= n;
    return p;
}

static uint64_t get(struct in *in, unsigned bytes)
{
    const uint8_t *p = take(in, bytes);
    uint64_t v = 0;

    for (unsigned i = 0; p && i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t get_num(struct in *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = (uint8_t)get(in, 1);

        if (shift == 63 && b > 1)
            break;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    if (!in->bad)
        in->bad = -EINVAL;
    return 0;
}

/* At most so much, or the record is none. */
static uint64_t get_upto(struct in *in, uint64_t most)
{
    uint64_t v = get_num(in);

    if (v > most && !in->bad)
        in->bad = -EINVAL;
    return in->bad ? 0 : v;
}

static void get_disk(struct in *in, struct machine_disk *d,
                     struct trace_disk *t)
{
    unsigned flags = (unsigned)get(in, 1);
    const uint8_t *serial;

    d->present = flags & DISK_PRESENT;
    d->cdrom = flags & DISK_CDROM;
    t->medium = flags & DISK_MEDIUM;
    t->read_only = flags & DISK_RO;
    t->can_discard = flags & DISK_DISCARD;
    t->size_bytes = get(in, 8);
    t->phys_block_bytes = (uint32_t)get(in, 4);
    serial = take(in, SERIAL_BYTES);
    if (serial)
        memcpy(t->serial, serial, SERIAL_BYTES);
    if (t->serial[0])
        d->serial = t->serial;
}

static bool disk_ok(const struct machine_disk *d, const struct trace_disk *t)
{
    uint32_t phys = t->phys_block_bytes;

    if (!t->medium)
        return !d->present || d->cdrom;
    return t->size_bytes >= 512 && t->size_bytes <= INT64_MAX && phys >= 512 &&
           phys <= 65536 && !(phys & (phys - 1));
}

static bool rom_ok(uint32_t bytes)
{
    return bytes <= 1u << 20 && bytes % 512 == 0;
}

static bool head_ok(const struct trace_head *h)
{
    const struct machine_conf *c = &h->conf;

    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        if (!disk_ok(&c->disk[i], &h->disk[i]))
            return false;
    for (unsigned i = 0; i < c->nnics; i++)
        if (!rom_ok(c->nic[i].rom.size_bytes))
            return false;
    return c->ram_bytes && c->ram_bytes <= TRACE_RAM_MOST && c->vcpus &&
           c->vcpus <= c->max_vcpus && c->max_vcpus <= 128 &&
           c->vga <= VGA_CIRRUS && rom_ok(c->vga_rom.size_bytes) &&
           (!c->vga || (c->vgamem_mib && c->vgamem_mib <= 256 &&
                        !(c->vgamem_mib & (c->vgamem_mib - 1))));
}

static void get_head(struct in *in, struct trace_head *h)
{
    struct machine_conf *c = &h->conf;
    const uint8_t *order;
    unsigned flags;

    c->ram_bytes = get(in, 8);
    c->vcpus = (unsigned)get(in, 1);
    c->max_vcpus = (unsigned)get(in, 1);
    flags = (unsigned)get(in, 1);
    c->xen_platform = flags & HEAD_PLATFORM;
    c->acpi = flags & HEAD_ACPI;
    c->ignore_unplug = flags & HEAD_IGNORE;
    h->parallel = flags & HEAD_PARALLEL;
    h->serials = (uint8_t)get(in, 1) & ((1u << MACHINE_SERIALS) - 1);
    order = take(in, 4);
    if (order)
        memcpy(c->boot_order, order, 4);
    c->vga = (enum vga_kind)get(in, 1);
    c->vgamem_mib = (uint32_t)get(in, 2);
    c->vga_rom.size_bytes = (uint32_t)get(in, 4);
    for (unsigned i = 0; i < MACHINE_DISKS; i++)
        get_disk(in, &c->disk[i], &h->disk[i]);
    c->nnics = (unsigned)get(in, 1);
    if (c->nnics > MACHINE_NICS)
        in->bad = -EINVAL;
    for (unsigned i = 0; !in->bad && i < c->nnics; i++) {
        const uint8_t *mac = take(in, 6);

        if (mac)
            memcpy(c->nic[i].mac, mac, 6);
        c->nic[i].revision = (uint8_t)get(in, 1);
        h->cable[i] = get(in, 1);
        c->nic[i].rom.size_bytes = (uint32_t)get(in, 4);
    }
}

int trace_open(struct trace *t, const uint8_t *data, size_t len, struct err *e)
{
    struct in in = {data, len, 0};
    const uint8_t *m = take(&in, sizeof(magic));
    unsigned version = (unsigned)get(&in, 2);
    size_t bytes = get(&in, 2);

    memset(t, 0, sizeof(*t));
    if (!m || memcmp(m, magic, sizeof(magic)))
        return err_set(e, -EINVAL, "this is no trace of hvmd");
    if (version != TRACE_VERSION)
        return err_set(e, -EINVAL,
                       "the trace is of version %u, this program knows %u",
                       version, TRACE_VERSION);
    t->data = data;
    t->len = len;
    t->at = (size_t)(in.p - data) + bytes;
    if (bytes > in.left)
        return err_set(e, -EINVAL, "the trace stops within its head");
    in.left = bytes;
    get_head(&in, &t->head);
    if (in.bad || in.left || !head_ok(&t->head))
        return err_set(e, -EINVAL,
                       "the trace's head tells of no machine that can be made");
    return 0;
}

static void get_fields(struct in *in, struct trace_rec *r)
{
    switch (r->kind) {
    case TRACE_END:
        r->value = get_num(in);
        return;
    case TRACE_READ:
        r->addr = get_num(in);
        r->len = (uint32_t)get_upto(in, TRACE_BYTES_MAX);
        r->bytes = take(in, r->len);
        return;
    case TRACE_WROTE:
        r->addr = get_num(in);
        r->len = (uint32_t)get_upto(in, UINT32_MAX);
        r->hash = (uint32_t)get(in, 4);
        return;
    case TRACE_BLK:
        r->unit = (uint8_t)get(in, 1);
        r->op = (uint8_t)get(in, 1);
        r->addr = get_num(in);
        r->value = get_num(in);
        r->result = (int32_t)get(in, 4);
        break;
    case TRACE_DONE:
        r->unit = (uint8_t)get(in, 1);
        r->result = (int32_t)get(in, 4);
        break;
    case TRACE_IO:
        r->type = (uint8_t)get(in, 1);
        r->size = (uint8_t)get(in, 1);
        r->flags = (uint8_t)get(in, 1);
        r->addr = get_num(in);
        r->count = (uint32_t)get_upto(in, UINT32_MAX);
        r->data = get_num(in);
        if (r->flags & TRACE_HASHED)
            r->hash = (uint32_t)get(in, 4);
        return;
    default:
        if (!in->bad)
            in->bad = -EINVAL;
        return;
    }
    if (!in->bad && (r->unit >= MACHINE_DISKS || r->op > BLK_DISCARD ||
                     r->result > BLK_QUEUED || r->result < -4095))
        in->bad = -EINVAL;
}

int trace_next(struct trace *t, struct trace_rec *r)
{
    struct in in = {t->data + t->at, t->len - t->at, 0};

    if (!in.left)
        return 0;
    memset(r, 0, sizeof(*r));
    r->kind = (enum trace_kind)get(&in, 1);
    r->dt_ns = get_num(&in);
    get_fields(&in, r);
    if (in.bad)
        return in.bad;
    t->at = (size_t)(in.p - t->data);
    return 1;
}
