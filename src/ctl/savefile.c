/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing, reading and applying the stream of savefile.h. */
#include "savefile.h"

#include "savefile_impl.h"

#include <errno.h>
#include <hvmd/hv.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CRC-32 as in zlib and Ethernet, four bits at a time. */
uint32_t savefile_crc(const uint8_t *p, size_t len)
{
    static const uint32_t step[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ step[crc & 15];
        crc = crc >> 4 ^ step[crc & 15];
    }
    return ~crc;
}

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get(const uint8_t *p, unsigned bytes)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

#define M struct savefile_machine
static const struct field machine_fields[] = {
    /* so far from the end that no deadline wraps */
    FIELD_MAX(M, vm_clock_ns, 1, INT64_MAX),
    FIELD_MAX(M, ram_bytes, 1, UINT64_C(1) << 44), /* the most of -m */
    FIELD(M, vram_gfn, 1),
    FIELD_ARRAY(M, disk_bytes, 1),
    FIELD_MAX(M, vgamem_mib, 1, 256),
    FIELD_MAX(M, max_vcpus, 1, 128),
    FIELD_ARRAY_MAX(M, disk, 1, SAVEFILE_CD),
    FIELD_MAX(M, vga, 1, VGA_CIRRUS),
    FIELD_ARRAY_MAX(M, pad, 1, 0),
    FIELD_END,
};

static int machine_check(const void *state, struct err *e)
{
    const struct savefile_machine *s = state;

    if (s->vram_gfn != HV_GFN_NONE && s->vram_gfn >> 40)
        return err_set(e, -EINVAL, "state of machine: field vram_gfn is %#llx",
                       (unsigned long long)s->vram_gfn);
    return 0;
}

const struct state_desc savefile_machine_desc = {
    .name = "machine",
    .version = 1,
    .size = sizeof(struct savefile_machine),
    .fields = machine_fields,
    .check = machine_check,
};

static void describe(struct machine *m, struct savefile_machine *s)
{
    const struct machine_conf *c = machine_conf(m);

    *s = (struct savefile_machine){.ram_bytes = c->ram_bytes,
                                   .vm_clock_ns = clock_now(machine_clock(m)),
                                   .max_vcpus = c->max_vcpus,
                                   .vga = (uint8_t)c->vga};
    if (s->max_vcpus < c->vcpus)
        s->max_vcpus = c->vcpus;
    if (c->vga != VGA_NONE)
        s->vgamem_mib = c->vgamem_mib;
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        const struct machine_disk *d = &c->disk[u];

        if (d->present)
            s->disk[u] = d->cdrom ? SAVEFILE_CD : SAVEFILE_DISK;
        if (d->present && !d->cdrom && d->blk)
            s->disk_bytes[u] = d->blk->size_bytes;
    }
}

static size_t put_record(uint8_t *at, const struct state_desc *desc,
                         unsigned instance, const void *dev)
{
    size_t len = state_save(desc, dev, at + SAVEFILE_RECORD);

    memset(at, 0, SAVEFILE_RECORD);
    memcpy(at, desc->name, strlen(desc->name));
    put(at + 16, 2, instance);
    put(at + 18, 2, desc->version);
    put(at + 20, 4, len);
    return SAVEFILE_RECORD + len;
}

static size_t room(struct machine *m)
{
    size_t n =
        SAVEFILE_HEADER + SAVEFILE_RECORD + state_bytes(&savefile_machine_desc);
    struct dev *d;

    for (unsigned i = 0; (d = machine_dev_at(m, i)); i++)
        if (d->ops->state)
            n += SAVEFILE_RECORD + state_bytes(d->ops->state);
    return n;
}

static size_t encode(struct machine *m, const struct savefile_info *info,
                     uint8_t *out)
{
    struct savefile_machine conf;
    size_t at = SAVEFILE_HEADER;
    unsigned records = 1;
    struct dev *d;

    describe(m, &conf);
    conf.vram_gfn = info->vram_gfn;
    at += put_record(out + at, &savefile_machine_desc, 0, &conf);
    for (unsigned i = 0; (d = machine_dev_at(m, i)); i++) {
        if (!d->ops->state)
            continue;
        if (d->ops->state->settle)
            d->ops->state->settle(d);
        at += put_record(out + at, d->ops->state, d->instance, d);
        records++;
    }
    memset(out, 0, SAVEFILE_HEADER);
    memcpy(out, SAVEFILE_MAGIC, 8);
    put(out + 8, 4, SAVEFILE_VERSION);
    put(out + 12, 4, at);
    put(out + 20, 4, records);
    memcpy(out + 24, HVMD_VERSION, strlen(HVMD_VERSION));
    put(out + 16, 4, savefile_crc(out, at));
    return at;
}

static int write_all(int fd, const uint8_t *p, size_t len, struct err *e)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, n < 0 ? -errno : -EIO, "saved state: write: %s",
                           n < 0 ? strerror(errno) : "nothing was written");
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int savefile_write(struct machine *m, const struct savefile_info *info, int fd,
                   struct err *e)
{
    uint8_t *buf;
    size_t len;
    int rc;

    if (!machine_paused(m) || !machine_idle(m))
        return err_set(e, -EBUSY,
                       "saved state: the machine is not stopped, or a disk "
                       "request is in flight");
    buf = malloc(room(m));
    if (!buf)
        return err_set(e, -ENOMEM, "saved state: out of memory");
    len = encode(m, info, buf);
    if (len > SAVEFILE_MOST)
        rc = err_set(e, -E2BIG, "saved state: %zu bytes, at most %u are valid",
                     len, SAVEFILE_MOST);
    else
        rc = write_all(fd, buf, len, e);
    free(buf);
    return rc;
}

static int read_all(int fd, size_t most, uint8_t *buf, size_t *len,
                    struct err *e)
{
    if (most > SAVEFILE_MOST + 1)
        most = SAVEFILE_MOST + 1;
    *len = 0;
    while (*len < most) {
        ssize_t n = read(fd, buf + *len, most - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, -errno, "saved state: read: %s", strerror(errno));
        if (n == 0)
            return 0;
        *len += (size_t)n;
    }
    if (*len <= SAVEFILE_MOST)
        return 0;
    return err_set(e, -EINVAL,
                   "saved state: more than %u bytes, which hvmd never writes",
                   SAVEFILE_MOST);
}

static int check_header(struct savefile *sf, uint8_t *buf, size_t len,
                        struct err *e)
{
    uint32_t crc, version, bytes;

    if (len >= 4 && memcmp(buf, "QEVM", 4) == 0)
        return err_set(e, -EINVAL,
                       "saved state: it is qemu-xen's, which hvmd cannot "
                       "load; restore with the device model that saved it");
    if (len < 8 || memcmp(buf, SAVEFILE_MAGIC, 8) != 0)
        return err_set(e, -EINVAL,
                       "saved state: it is not hvmd's, field magic is wrong");
    if (len < SAVEFILE_HEADER)
        return err_set(e, -EINVAL, "saved state: it ends within the header");
    version = get(buf + 8, 4);
    if (version != SAVEFILE_VERSION)
        return err_set(e, -EINVAL,
                       "saved state: field version is %u, this hvmd knows %u",
                       version, SAVEFILE_VERSION);
    bytes = get(buf + 12, 4);
    if (bytes != len)
        return err_set(e, -EINVAL,
                       "saved state: field length says %u bytes, but %zu came",
                       bytes, len);
    crc = get(buf + 16, 4);
    memset(buf + 16, 0, 4);
    sf->crc = savefile_crc(buf, len);
    if (crc != sf->crc)
        return err_set(e, -EINVAL,
                       "saved state: damaged, field checksum is %08x and "
                       "should be %08x",
                       crc, sf->crc);
    for (unsigned i = 24; i < SAVEFILE_HEADER; i++)
        if (buf[i] && (buf[i] < 0x21 || buf[i] > 0x7e ||
                       (i > 24 && !buf[i - 1]) || i == SAVEFILE_HEADER - 1))
            return err_set(e, -EINVAL,
                           "saved state: field writer is no plain text");
    memcpy(sf->writer, buf + 24, SAVEFILE_WRITER);
    sf->bytes = len;
    return 0;
}

/* The table of the device that the tag names; NULL: there is none. */
static const struct state_desc *known(const uint8_t *name, unsigned instance)
{
    struct machine_kind k;

    if (!memchr(name, 0, SAVEFILE_NAME))
        return NULL;
    if (instance == 0 &&
        strcmp((const char *)name, savefile_machine_desc.name) == 0)
        return &savefile_machine_desc;
    for (unsigned i = 0; machine_kind(i, &k); i++)
        if (k.ops->state && instance < k.most &&
            strcmp((const char *)name, k.ops->state->name) == 0)
            return k.ops->state;
    return NULL;
}

const struct savefile_record *savefile_find(const struct savefile *sf,
                                            const struct state_desc *desc,
                                            unsigned instance)
{
    for (unsigned i = 0; i < sf->n; i++)
        if (sf->rec[i].desc == desc && sf->rec[i].instance == instance)
            return &sf->rec[i];
    return NULL;
}

static int read_record(struct savefile *sf, const uint8_t **at,
                       const uint8_t *end, struct err *e)
{
    struct savefile_record *r = &sf->rec[sf->n];
    const uint8_t *p = *at;
    uint32_t len;
    char tag[64];

    if (end - p < (ptrdiff_t)SAVEFILE_RECORD)
        return err_set(e, -EINVAL, "saved state: record %u is cut off", sf->n);
    r->instance = get(p + 16, 2);
    r->version = get(p + 18, 2);
    len = get(p + 20, 4);
    log_escape(tag, sizeof(tag), (const char *)p,
               strnlen((const char *)p, SAVEFILE_NAME));
    r->desc = known(p, r->instance);
    if (!r->desc)
        return err_set(e, -EINVAL,
                       "saved state: record %u is of %s %u, which this hvmd "
                       "does not know",
                       sf->n, tag, r->instance);
    for (unsigned i = (unsigned)strlen(r->desc->name); i < SAVEFILE_NAME; i++)
        if (p[i])
            return err_set(e, -EINVAL,
                           "saved state: field name of record %u holds more "
                           "than %s",
                           sf->n, tag);
    if ((sf->n == 0) != (r->desc == &savefile_machine_desc))
        return err_set(e, -EINVAL,
                       "saved state: record %u is of %s %u, only the first "
                       "one is the machine's",
                       sf->n, tag, r->instance);
    if (savefile_find(sf, r->desc, r->instance))
        return err_set(e, -EINVAL, "saved state: %s %u comes twice", tag,
                       r->instance);
    p += SAVEFILE_RECORD;
    if (len > (size_t)(end - p))
        return err_set(e, -EINVAL,
                       "saved state: field length of %s %u is %u, but %zu "
                       "bytes are left",
                       tag, r->instance, len, (size_t)(end - p));
    r->state = malloc(r->desc->size);
    if (!r->state)
        return err_set(e, -ENOMEM, "saved state: out of memory");
    r->bytes = len;
    sf->n++; /* savefile_free() frees its state from here on */
    *at = p + len;
    return state_decode(r->desc, r->version, p, len, r->state, e);
}

/* What every machine has must be there. */
static int check_whole(const struct savefile *sf, struct err *e)
{
    struct machine_kind k;

    for (unsigned i = 0; machine_kind(i, &k); i++)
        if (k.has == MACHINE_HAS && k.ops->state && !k.late &&
            !savefile_find(sf, k.ops->state, 0))
            return err_set(e, -EINVAL, "saved state: it lacks %s",
                           k.ops->state->name);
    return 0;
}

static int parse(struct savefile *sf, uint8_t *buf, size_t len, struct err *e)
{
    const uint8_t *at = buf + SAVEFILE_HEADER, *end = buf + len;
    int rc = check_header(sf, buf, len, e);
    uint32_t records;

    if (rc)
        return rc;
    records = get(buf + 20, 4);
    if (records < 1 || records > SAVEFILE_RECORDS)
        return err_set(e, -EINVAL,
                       "saved state: field records is %u, valid are 1 to %u",
                       records, SAVEFILE_RECORDS);
    while (!rc && sf->n < records)
        rc = read_record(sf, &at, end, e);
    if (!rc && at != end)
        rc = err_set(e, -EINVAL, "saved state: %zu bytes after its last record",
                     (size_t)(end - at));
    if (!rc)
        rc = check_whole(sf, e);
    if (!rc)
        sf->info.vram_gfn =
            ((const struct savefile_machine *)sf->rec[0].state)->vram_gfn;
    return rc;
}

struct savefile *savefile_read_part(int fd, size_t most, struct err *e)
{
    struct savefile *sf = calloc(1, sizeof(*sf));
    uint8_t *buf = malloc(SAVEFILE_MOST + 1);
    size_t len = 0;
    int rc;

    if (!sf || !buf) {
        err_set(e, -ENOMEM, "saved state: out of memory");
        free(sf);
        free(buf);
        return NULL;
    }
    rc = read_all(fd, most, buf, &len, e);
    if (!rc)
        rc = parse(sf, buf, len, e);
    free(buf);
    if (rc) {
        savefile_free(sf);
        return NULL;
    }
    return sf;
}

struct savefile *savefile_read(int fd, struct err *e)
{
    return savefile_read_part(fd, SIZE_MAX, e);
}

const struct savefile_info *savefile_info(const struct savefile *sf)
{
    return &sf->info;
}

uint64_t savefile_ram_bytes(const struct savefile *sf)
{
    return ((const struct savefile_machine *)sf->rec[0].state)->ram_bytes;
}

const char *savefile_writer(const struct savefile *sf)
{
    return sf->writer;
}

void savefile_free(struct savefile *sf)
{
    for (unsigned i = 0; sf && i < sf->n; i++)
        free(sf->rec[i].state);
    free(sf);
}

static const char *disk_text(uint8_t kind)
{
    static const char *const text[] = {"nothing", "a disk", "a CD-ROM drive"};

    return text[kind];
}

/* Memory may differ: xl mem-max changes what the next -m says. */
static int check_conf(const struct savefile_machine *was,
                      const struct savefile_machine *is, struct err *e)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++) {
        if (was->disk[u] != is->disk[u])
            return err_set(e, -EINVAL,
                           "saved state: IDE unit %u was %s there and is %s "
                           "here",
                           u, disk_text(was->disk[u]), disk_text(is->disk[u]));
        if (was->disk_bytes[u] > is->disk_bytes[u])
            return err_set(e, -EINVAL,
                           "saved state: the disk of IDE unit %u had %llu "
                           "bytes there and has %llu here",
                           u, (unsigned long long)was->disk_bytes[u],
                           (unsigned long long)is->disk_bytes[u]);
    }
    if (was->vga != is->vga || was->vgamem_mib != is->vgamem_mib)
        return err_set(e, -EINVAL,
                       "saved state: the VGA was of kind %u with %u MiB there "
                       "and is of kind %u with %u MiB here",
                       was->vga, was->vgamem_mib, is->vga, is->vgamem_mib);
    if (was->max_vcpus != is->max_vcpus)
        return err_set(e, -EINVAL,
                       "saved state: there were at most %u vCPUs there and are "
                       "%u here",
                       was->max_vcpus, is->max_vcpus);
    return 0;
}

static bool is_late(const struct dev_ops *ops)
{
    struct machine_kind k;

    for (unsigned i = 0; machine_kind(i, &k); i++)
        if (k.ops == ops)
            return k.late;
    return false;
}

/* Each device has its state, each state its device. */
static int check_devices(const struct savefile *sf, struct machine *m,
                         struct err *e)
{
    unsigned used = 1; /* the machine's own */
    struct dev *d;

    for (unsigned i = 0; (d = machine_dev_at(m, i)); i++) {
        if (!d->ops->state)
            continue;
        if (savefile_find(sf, d->ops->state, d->instance))
            used++;
        else if (!is_late(d->ops))
            return err_set(e, -EINVAL,
                           "saved state: it lacks %s %u, which is here",
                           d->ops->state->name, d->instance);
    }
    for (unsigned i = 1; used < sf->n && i < sf->n; i++) {
        const struct savefile_record *r = &sf->rec[i];
        bool here = false;

        for (unsigned k = 0; !here && (d = machine_dev_at(m, k)); k++)
            here = d->ops->state == r->desc && d->instance == r->instance;
        if (!here)
            return err_set(e, -EINVAL,
                           "saved state: it has %s %u, which is not here",
                           r->desc->name, r->instance);
    }
    return 0;
}

int savefile_apply(const struct savefile *sf, struct machine *m, struct err *e)
{
    const struct savefile_machine *was = sf->rec[0].state;
    struct savefile_machine is;
    struct dev *d;
    int rc;

    if (!machine_paused(m))
        return err_set(e, -EBUSY, "saved state: the machine is running");
    describe(m, &is);
    rc = check_conf(was, &is, e);
    if (!rc)
        rc = check_devices(sf, m, e);
    if (rc)
        return rc;
    clock_set(machine_clock(m), was->vm_clock_ns);
    for (unsigned i = 0; (d = machine_dev_at(m, i)); i++) {
        const struct savefile_record *r = NULL;

        if (d->ops->state)
            r = savefile_find(sf, d->ops->state, d->instance);
        if (r)
            state_put(r->desc, d, r->state);
    }
    machine_loaded(m);
    return 0;
}
