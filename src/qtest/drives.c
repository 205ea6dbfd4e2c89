/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From -drive, -blockdev and -device to images and units. A block node is a
 * file, zeros (null-co), raw over a node, or blkdebug over a node; a node is
 * named, or stands in place, with the keys of a prefix.
 */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NULL_BYTES (UINT64_C(1) << 30) /* of null-co without a size */
#define PREFIX     64
#define DEPTH_MOST 4u

/* What a disk wants of the node that is opened for it. */
struct want {
    bool read_only, snapshot;
    unsigned depth;
};

static int open_node(struct args *, struct keyval *, const char *prefix,
                     struct want *, struct image **, struct err *);

static bool on(const char *v)
{
    return v && (!strcmp(v, "on") || !strcmp(v, "true") || !strcmp(v, "yes"));
}

static int open_file(struct args *a, const char *path, uint64_t size,
                     const struct want *w, struct image **im, struct err *e)
{
    struct image_conf c = {.path = path,
                           .size_bytes = size,
                           .read_only = w->read_only,
                           .snapshot = w->snapshot || a->snapshot,
                           .clock = a->clock};

    *im = image_new(&c, e);
    return *im ? 0 : -EINVAL;
}

/* A name as in file=: PATH, null-co://, blkdebug:RULES:NAME */
static int open_name(struct args *a, const char *name, uint64_t size,
                     const struct want *w, struct image **im, struct err *e)
{
    const char *rules, *colon;
    char path[512];
    int rc;

    if (!strcmp(name, "null-co://") || !strcmp(name, "null-aio://"))
        return open_file(a, NULL, size, w, im, e);
    if (strncmp(name, "blkdebug:", 9))
        return open_file(a, strncmp(name, "file:", 5) ? name : name + 5, 0, w,
                         im, e);
    rules = name + 9;
    colon = strchr(rules, ':');
    if (!colon || colon - rules >= (int)sizeof(path))
        return err_set(e, -EINVAL, "'%.100s' must be blkdebug:RULES:FILE",
                       name);
    snprintf(path, sizeof(path), "%.*s", (int)(colon - rules), rules);
    rc = open_name(a, colon + 1, size, w, im, e);
    if (!rc && path[0])
        rc = image_rules_file(*im, path, e);
    return rc;
}

static struct keyval *find_node(struct args *a, const char *name)
{
    for (unsigned i = 0; i < a->nblockdevs; i++) {
        const char *n = keyval_get(&a->blockdev[i], "", "node-name");

        if (n && !strcmp(n, name))
            return &a->blockdev[i];
    }
    return NULL;
}

/* The node below: key names it, or key. begins its own keys. */
static int open_below(struct args *a, struct keyval *kv, const char *prefix,
                      const char *key, struct want *w, struct image **im,
                      struct err *e)
{
    const char *name = keyval_get(kv, prefix, key);
    char below[PREFIX];

    if (w->depth++ == DEPTH_MOST)
        return err_set(e, -ELOOP, "block nodes below one another without end");
    if (name) {
        kv = find_node(a, name);
        if (!kv)
            return err_set(e, -ENOENT, "there is no -blockdev '%.60s'", name);
        return open_node(a, kv, "", w, im, e);
    }
    snprintf(below, sizeof(below), "%.30s%s.", prefix, key);
    return open_node(a, kv, below, w, im, e);
}

/* inject-error.N.KEY and set-state.N.KEY */
static int take_rules(struct image *im, struct keyval *kv, const char *prefix,
                      bool set_state, struct err *e)
{
    static const char keys[] = "event iotype errno state new_state once "
                               "immediately delay-ns sector";
    char rule[PREFIX], key[24];
    int rc = 0;

    for (unsigned n = 0; !rc; n++) {
        snprintf(rule, sizeof(rule), "%.30s%s.%u.", prefix,
                 set_state ? "set-state" : "inject-error", n);
        if (!keyval_has(kv, rule))
            return 0;
        rc = image_rule_begin(im, set_state, e);
        for (const char *k = keys; *k && !rc; k += strspn(k, " ")) {
            size_t len = strcspn(k, " ");
            const char *val;

            snprintf(key, sizeof(key), "%.*s", (int)len, k);
            val = keyval_get(kv, rule, key);
            if (val)
                rc = image_rule_key(im, key, val, e);
            k += len;
        }
    }
    return rc;
}

static int open_node(struct args *a, struct keyval *kv, const char *prefix,
                     struct want *w, struct image **im, struct err *e)
{
    const char *driver = keyval_get(kv, prefix, "driver");
    const char *name = keyval_get(kv, prefix, "filename");
    const char *size = keyval_get(kv, prefix, "size");
    const char *discard, *rules;
    uint64_t bytes = NULL_BYTES;
    int rc;

    if (on(keyval_get(kv, prefix, "read-only")))
        w->read_only = true;
    keyval_skip(kv, prefix,
                "node-name cache.direct cache.no-flush aio locking "
                "read-zeroes auto-read-only detect-zeroes latency-ns align");
    discard = keyval_get(kv, prefix, "discard");
    if (size && !keyval_size(size, &bytes))
        return err_set(e, -EINVAL, "the size '%.40s' of a disk", size);
    if (!driver && !name)
        return err_set(e, -EINVAL, "a disk needs a file or a driver");
    if (!driver || !strcmp(driver, "file")) {
        rc = name ? open_name(a, name, bytes, w, im, e)
                  : err_set(e, -EINVAL, "the driver file needs filename=");
    } else if (!strcmp(driver, "null-co") || !strcmp(driver, "null-aio")) {
        rc = open_name(a, "null-co://", bytes, w, im, e);
    } else if (!strcmp(driver, "raw")) {
        rc = open_below(a, kv, prefix, "file", w, im, e);
    } else if (!strcmp(driver, "blkdebug")) {
        rules = keyval_get(kv, prefix, "config");
        rc = open_below(a, kv, prefix, "image", w, im, e);
        if (!rc && rules)
            rc = image_rules_file(*im, rules, e);
        rc = rc ? rc : take_rules(*im, kv, prefix, false, e);
        rc = rc ? rc : take_rules(*im, kv, prefix, true, e);
    } else {
        rc = err_set(e, -ENOTSUP,
                     "block driver '%.40s': there are file, "
                     "null-co, raw and blkdebug",
                     driver);
    }
    if (!rc && discard && strcmp(discard, "unmap") && strcmp(discard, "on"))
        (*im)->ignore_discard = true;
    return rc;
}

static int policy(const char *v, enum image_policy *p, struct err *e)
{
    static const char *const names[] = {"report", "stop", "ignore", "enospc"};

    for (unsigned i = 0; v && i < 4; i++) {
        if (strcmp(v, names[i]))
            continue;
        *p = (enum image_policy)i;
        return 0;
    }
    if (!v || !strcmp(v, "auto"))
        return 0;
    return err_set(e, -EINVAL,
                   "werror and rerror are report, stop, ignore or "
                   "enospc, not '%.40s'",
                   v);
}

static int policies(struct image *im, struct keyval *kv, struct err *e)
{
    int rc = policy(keyval_get(kv, "", "werror"), &im->werror, e);

    return rc ? rc : policy(keyval_get(kv, "", "rerror"), &im->rerror, e);
}

static int number(struct keyval *kv, const char *key, uint64_t most,
                  uint32_t *out, struct err *e)
{
    const char *v = keyval_get(kv, "", key);
    uint64_t n;

    if (!v)
        return 0;
    if (!keyval_number(v, &n) || n > most)
        return err_set(e, -EINVAL, "%s is '%.40s' and must be 0 to %llu", key,
                       v, (unsigned long long)most);
    *out = (uint32_t)n;
    return 0;
}

static int translation(struct keyval *kv, struct board_chs *c, struct err *e)
{
    static const char *const names[] = {"none", "lba", "large", "rechs"};
    const char *v = keyval_get(kv, "", "bios-chs-trans");

    if (!v || !strcmp(v, "auto"))
        return 0;
    for (int i = 0; i < 4; i++) {
        if (strcmp(v, names[i]))
            continue;
        c->trans = i;
        return 0;
    }
    return err_set(e, -EINVAL, "bios-chs-trans '%.40s'", v);
}

/* The unit of bus= and unit=, or the first that is free. */
static int unit_of(struct args *a, struct keyval *kv, unsigned *unit,
                   struct err *e)
{
    const char *bus = keyval_get(kv, "", "bus");
    uint32_t n = UINT32_MAX;
    unsigned from = 0, to = MACHINE_DISKS;
    int rc = number(kv, "unit", 1, &n, e);

    if (rc)
        return rc;
    if (bus) {
        if (strcmp(bus, "ide.0") && strcmp(bus, "ide.1"))
            return err_set(e, -EINVAL, "bus '%.40s': there are ide.0 and ide.1",
                           bus);
        from = bus[4] == '1' ? 2 : 0;
        to = from + 2;
    }
    for (unsigned u = from; u < to; u++) {
        if ((n != UINT32_MAX && (u & 1) != n) ||
            a->board.machine.disk[u].present)
            continue;
        *unit = u;
        return 0;
    }
    return err_set(e, -EEXIST, "there is no IDE unit left for a disk");
}

/* Fills the unit; the image is the board's from here on. */
static void plug(struct args *a, unsigned u, const char *driver,
                 struct image *im, const char *name)
{
    struct machine_disk *d = &a->board.machine.disk[u];
    bool cd = !strcmp(driver, "ide-cd");
    char *own = a->board.drive[u];

    *d = (struct machine_disk){.present = true, .cdrom = cd};
    d->serial = args_global(a, driver, "serial");
    d->firmware = args_global(a, driver, "ver");
    a->board.image[u] = im;
    if (name)
        snprintf(own, sizeof(a->board.drive[u]), "%s", name);
    else
        snprintf(own, sizeof(a->board.drive[u]), "ide%u-%s%u", u / 2,
                 cd ? "cd" : "hd", u & 1);
}

static int open_drive(struct args *a, struct keyval *kv, bool cd,
                      struct image **im, struct err *e)
{
    const char *file = keyval_get(kv, "", "file");
    const char *driver = keyval_get(kv, "", "driver");
    const char *format = keyval_get(kv, "", "format");
    const char *discard = keyval_get(kv, "", "discard");
    struct want w = {.read_only = cd || on(keyval_get(kv, "", "readonly")) ||
                                  on(keyval_get(kv, "", "read-only")),
                     .snapshot = on(keyval_get(kv, "", "snapshot"))};
    const char *size = keyval_get(kv, "file.", "size");
    uint64_t bytes = NULL_BYTES;
    int rc;

    *im = NULL;
    if (format && strcmp(format, "raw"))
        return err_set(e, -ENOTSUP, "-drive format '%.40s': there is raw only",
                       format);
    if (size && !keyval_size(size, &bytes))
        return err_set(e, -EINVAL, "-drive file.size '%.40s'", size);
    keyval_skip(kv, "",
                "cache cache.direct cache.no-flush cache.writeback aio "
                "detect-zeroes copy-on-read");
    if (file) {
        keyval_skip(kv, "file.", "read-zeroes locking");
        rc = open_name(a, file, bytes, &w, im, e);
    } else if (keyval_has(kv, "file.")) {
        rc = open_node(a, kv, "file.", &w, im, e);
    } else if (driver) {
        rc = open_node(a, kv, "", &w, im, e);
    } else {
        keyval_skip(kv, "", "werror rerror");
        return 0; /* an empty drive */
    }
    if (!rc)
        rc = policies(*im, kv, e);
    if (!rc && discard &&
        (!strcmp(discard, "ignore") || !strcmp(discard, "off")))
        (*im)->ignore_discard = true;
    if (rc && *im)
        (*im)->blk.ops->close(&(*im)->blk);
    return rc;
}

static struct keyval *find_drive(struct args *a, const char *id)
{
    for (unsigned i = 0; i < a->ndrives; i++) {
        const char *name = keyval_get(&a->drive[i], "", "id");

        if (name && !strcmp(name, id))
            return &a->drive[i];
    }
    return NULL;
}

static int disk_image(struct args *a, const char *id, bool cd,
                      struct image **im, struct err *e)
{
    struct keyval *kv = find_drive(a, id);
    struct want w = {.read_only = cd};
    int rc;

    *im = NULL;
    if (kv)
        return open_drive(a, kv, cd, im, e);
    kv = find_node(a, id);
    if (!kv)
        return err_set(e, -ENOENT, "there is no -drive or -blockdev '%.60s'",
                       id);
    rc = open_node(a, kv, "", &w, im, e);
    if (rc && *im)
        (*im)->blk.ops->close(&(*im)->blk);
    return rc;
}

int args_disk(struct args *a, const char *driver, struct keyval *kv,
              struct err *e)
{
    const char *id = keyval_get(kv, "", "drive"), *own;
    struct image *im = NULL;
    struct board_chs *c;
    unsigned u = 0;
    int rc = unit_of(a, kv, &u, e);

    if (!rc && id)
        rc = disk_image(a, id, !strcmp(driver, "ide-cd"), &im, e);
    if (!rc && !id && strcmp(driver, "ide-cd"))
        rc = err_set(e, -EINVAL, "-device ide-hd needs drive=");
    if (rc)
        return rc;
    plug(a, u, driver, im, id);
    own = keyval_get(kv, "", "serial");
    if (own)
        a->board.machine.disk[u].serial = own;
    own = keyval_get(kv, "", "ver");
    if (own)
        a->board.machine.disk[u].firmware = own;
    own = keyval_get(kv, "", "id");
    if (own)
        snprintf(a->board.device[u], sizeof(a->board.device[u]), "%s", own);
    c = &a->board.chs[u];
    rc = number(kv, "cyls", 65535, &c->cyls, e);
    rc = rc ? rc : number(kv, "heads", 255, &c->heads, e);
    rc = rc ? rc : number(kv, "secs", 255, &c->secs, e);
    rc = rc ? rc : translation(kv, c, e);
    if (!rc && im)
        rc = policies(im, kv, e);
    keyval_skip(kv, "",
                "werror rerror model wwn bootindex write-cache "
                "logical_block_size physical_block_size "
                "share-rw discard_granularity backend_defaults");
    return rc;
}

static int add_drive(struct args *a, struct keyval *kv, struct err *e)
{
    const char *iface = keyval_get(kv, "", "if");
    const char *media = keyval_get(kv, "", "media");
    const char *id = keyval_get(kv, "", "id");
    bool cd = media && !strcmp(media, "cdrom");
    uint32_t index = UINT32_MAX, bus = UINT32_MAX, unit = UINT32_MAX;
    struct image *im;
    int rc = number(kv, "index", MACHINE_DISKS - 1, &index, e);

    rc = rc ? rc : number(kv, "bus", 1, &bus, e);
    rc = rc ? rc : number(kv, "unit", 1, &unit, e);
    if (rc || (iface && !strcmp(iface, "none")))
        return rc; /* opened for the device that names it */
    if (iface && !strcmp(iface, "pflash")) {
        a->board.rom = keyval_get(kv, "", "file");
        keyval_skip(kv, "", "format readonly read-only cache");
        return a->board.rom ? keyval_done(kv, "-drive", e)
                            : err_set(e, -EINVAL, "-drive if=pflash: file=");
    }
    if (iface && strcmp(iface, "ide"))
        return err_set(e, -ENOTSUP,
                       "-drive if '%.40s': there are ide, none "
                       "and pflash",
                       iface);
    if (bus != UINT32_MAX || unit != UINT32_MAX)
        index =
            (bus == UINT32_MAX ? 0 : bus) * 2 + (unit == UINT32_MAX ? 0 : unit);
    for (unsigned u = 0; u < MACHINE_DISKS && index == UINT32_MAX; u++)
        if (!a->board.machine.disk[u].present)
            index = u;
    if (index == UINT32_MAX || a->board.machine.disk[index].present)
        return err_set(e, -EEXIST,
                       "-drive: there are four units, and this "
                       "one is taken");
    rc = open_drive(a, kv, cd, &im, e);
    if (rc)
        return rc;
    plug(a, index, cd ? "ide-cd" : "ide-hd", im, id);
    return keyval_done(kv, "-drive", e);
}

int args_drives(struct args *a, struct err *e)
{
    int rc = 0;

    for (unsigned i = 0; i < a->ndrives && !rc; i++)
        rc = add_drive(a, &a->drive[i], e);
    return rc;
}
