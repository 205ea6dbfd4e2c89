/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From -drive, -blockdev and -device to images and units. */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static void plug(struct args *a, unsigned u, const char *driver, bool cd,
                 struct image *im, const char *name)
{
    struct machine_disk *d = &a->board.machine.disk[u];
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
    struct want w = {.read_only = cd ||
                                  args_on(keyval_get(kv, "", "readonly")) ||
                                  args_on(keyval_get(kv, "", "read-only")),
                     .snapshot = args_on(keyval_get(kv, "", "snapshot"))};
    const char *size = keyval_get(kv, "file.", "size");
    uint64_t bytes = ARGS_NULL_BYTES;
    int rc;

    *im = NULL;
    if (format && strcmp(format, "raw"))
        return err_set(e, -ENOTSUP, "-drive format '%.40s': there is raw only",
                       format);
    if (size && !keyval_size(size, &bytes))
        return err_set(e, -EINVAL, "-drive file.size '%.40s'", size);
    keyval_skip(kv, "",
                "cache cache.direct cache.no-flush cache.writeback aio "
                "detect-zeroes copy-on-read bps bps_rd bps_wr iops iops_rd "
                "iops_wr throttling.bps-total throttling.iops-total");
    if (file) {
        keyval_skip(kv, "file.", "read-zeroes locking");
        rc = args_open_name(a, file, bytes, &w, im, e);
    } else if (keyval_has(kv, "file.")) {
        rc = args_open_node(a, kv, "file.", &w, im, e);
    } else if (driver) {
        rc = args_open_node(a, kv, "", &w, im, e);
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
    kv = args_find_node(a, id);
    if (!kv)
        return err_set(e, -ENOENT, "there is no -drive or -blockdev '%.60s'",
                       id);
    rc = args_open_node(a, kv, "", &w, im, e);
    if (rc && *im)
        (*im)->blk.ops->close(&(*im)->blk);
    return rc;
}

/* ide-drive was both kinds, by what its drive says. */
static bool is_cd(struct args *a, const char *driver, const char *id)
{
    struct keyval *kv = id ? find_drive(a, id) : NULL;
    const char *media = kv ? keyval_get(kv, "", "media") : NULL;

    if (strcmp(driver, "ide-drive"))
        return !strcmp(driver, "ide-cd");
    return media && !strcmp(media, "cdrom");
}

int args_disk(struct args *a, const char *driver, struct keyval *kv,
              struct err *e)
{
    const char *id = keyval_get(kv, "", "drive"), *own;
    struct image *im = NULL;
    struct board_chs *c;
    bool cd = is_cd(a, driver, id);
    unsigned u = 0;
    int rc = unit_of(a, kv, &u, e);

    if (!rc && id)
        rc = disk_image(a, id, cd, &im, e);
    if (!rc && !id && !cd)
        rc = err_set(e, -EINVAL, "-device %s needs drive=", driver);
    if (rc)
        return rc;
    plug(a, u, driver, cd, im, id);
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
                "share-rw discard_granularity backend_defaults min_io_size "
                "opt_io_size rotation_rate account-invalid account-failed");
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
    int rc;

    if (iface && !strcmp(iface, "none")) {
        keyval_skip(kv, "", "index bus unit"); /* of no place */
        return 0; /* opened for the device that names it */
    }
    rc = number(kv, "index", MACHINE_DISKS - 1, &index, e);
    rc = rc ? rc : number(kv, "bus", 1, &bus, e);
    rc = rc ? rc : number(kv, "unit", 1, &unit, e);
    if (rc)
        return rc;
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
    plug(a, index, cd ? "ide-cd" : "ide-hd", cd, im, id);
    return keyval_done(kv, "-drive", e);
}

int args_drives(struct args *a, struct err *e)
{
    int rc = 0;

    for (unsigned i = 0; i < a->ndrives && !rc; i++)
        rc = add_drive(a, &a->drive[i], e);
    return rc;
}
