/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trad_store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST 4096u

__attribute__((format(printf, 2, 3))) static char *node(struct xenstore *x,
                                                        const char *fmt, ...)
{
    char path[TRAD_PATH + 80];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    return n < 0 || (size_t)n >= sizeof(path) ? NULL : xs_ctl_read(x, path);
}

int trad_unit(const char *dev, bool xvd)
{
    size_t n = strncmp(dev, "hd", 2) == 0           ? 2
               : xvd && strncmp(dev, "xvd", 3) == 0 ? 3
                                                    : 0;

    if (!n || dev[n] < 'a' || dev[n] > 'd' || dev[n + 1])
        return -1;
    return dev[n] - 'a';
}

int trad_image(const char *type, const char *params, char *out, size_t size,
               struct err *e)
{
    const char *colon = strchr(params, ':'), *dev = "";
    size_t len = colon ? (size_t)(colon - params) : 0;
    int n;

    if (!strcmp(type, "tap") || !strcmp(type, "qdisk")) {
        if (*params && !(len == 3 && (!strncmp(params, "aio", 3) ||
                                      !strncmp(params, "raw", 3))))
            return err_set(e, -ENOTSUP,
                           "'%.200s' is not raw, the only format served; "
                           "convert the image by 'qemu-img convert -O raw' and "
                           "say format=raw",
                           params);
        params = colon ? colon + 1 : params;
    } else if (!strcmp(type, "phy")) {
        dev = *params && *params != '/' ? "/dev/" : "";
    } else if (strcmp(type, "file") != 0) {
        return err_set(e, -ENOTSUP,
                       "the back end type '%.32s' is not served; use phy, file "
                       "or a raw qdisk",
                       type);
    }
    n = snprintf(out, size, "%s%s", dev, params);
    if (n < 0 || (size_t)n >= size)
        return err_set(e, -EINVAL, "'%.60s...' is longer than %zu bytes",
                       params, size - 1);
    return 0;
}

/* The back end of a frontend, which must be that of this very device in dom0;
 * false: there is none. */
static bool backend_of(struct xenstore *x, unsigned domid, const char *id,
                       char out[TRAD_PATH])
{
    static const char *const kind[] = {"vbd", "qdisk", "tap"};
    char *path;
    bool found = false;

    if (strspn(id, "0123456789") != strlen(id) || strlen(id) > 10)
        return false;
    path = node(x, "/local/domain/%u/device/vbd/%s/backend", domid, id);
    for (unsigned i = 0; path && i < 3 && !found; i++) {
        snprintf(out, TRAD_PATH, "/local/domain/0/backend/%s/%u/%s", kind[i],
                 domid, id);
        found = !strcmp(path, out);
    }
    free(path);
    return found;
}

static int add_drive(struct hvmd_conf *c, int unit, const char *dev, bool cdrom,
                     const char *file, struct err *e)
{
    struct argv_ide *u = &c->ide[unit];

    if (u->present)
        return err_set(e, -EINVAL,
                       "disk %s: IDE unit %d is taken twice; give each disk "
                       "and CD-ROM its own of hda to hdd",
                       dev, unit);
    if (!cdrom && !*file)
        return err_set(e, -EINVAL, "disk %s has no image in its params", dev);
    *u = (struct argv_ide){
        .present = true, .cdrom = cdrom, .read_only = cdrom, .discard = !cdrom};
    if (!*file)
        return 0;
    u->file = argv_keep(c, file);
    return u->file ? 0 : err_set(e, -ENOMEM, "out of memory");
}

/* One back end whose name is dev. */
static int take_disk(struct xenstore *x, struct hvmd_conf *c, const char *dev,
                     int unit, const char *backend, struct trad_cds *cds,
                     struct err *e)
{
    const char *id = strrchr(backend, '/') + 1;
    char *params = node(x, "%s/params", backend);
    char *type = node(x, "%s/type", backend);
    char *mode = node(x, "%s/mode", backend);
    char *kind = node(x, "%s/device-type", backend);
    char file[FILE_MOST] = "";
    struct err why;
    bool cdrom;
    int rc;

    if (!kind) /* xend has it on the other side only */
        kind =
            node(x, "/local/domain/%u/device/vbd/%s/device-type", c->domid, id);
    cdrom = kind && !strcmp(kind, "cdrom");
    if (!params || !type)
        rc = err_set(e, -EINVAL,
                     "disk %s: the node '%s/%s' is missing; the toolstack "
                     "writes it before it starts qemu-dm",
                     dev, backend, params ? "type" : "params");
    else if ((rc = trad_image(type, params, file, sizeof(file), &why)) < 0)
        err_set(e, rc, "disk %s: %s", dev, why.text);
    else if (!cdrom && mode && !strchr(mode, 'w'))
        rc = err_set(e, -ENOTSUP,
                     "disk %s is a read-only IDE hard disk, which cannot be "
                     "had; make it writable or a CD-ROM",
                     dev);
    else
        rc = add_drive(c, unit, dev, cdrom, file, e);
    if (!rc && cdrom) {
        snprintf(cds->backend[unit], TRAD_PATH, "%s", backend);
        snprintf(cds->type[unit], sizeof(cds->type[unit]), "%s", type);
    }
    free(params);
    free(type);
    free(mode);
    free(kind);
    return rc;
}

/* Looks at each disk's name: *hd tells whether one begins with hd, and with
 * cds the disks are taken. */
static int each_disk(struct xenstore *x, struct hvmd_conf *c, bool *hd,
                     struct trad_cds *cds, struct err *e)
{
    char path[TRAD_PATH], backend[TRAD_PATH], **id, *dev;
    unsigned n;
    int unit, rc = 0;

    snprintf(path, sizeof(path), "/local/domain/%u/device/vbd", c->domid);
    id = xs_ctl_list(x, path, &n);
    for (unsigned i = 0; id && i < n && !rc; i++) {
        if (!backend_of(x, c->domid, id[i], backend))
            continue;
        dev = node(x, "%s/dev", backend);
        if (!dev)
            continue;
        unit = trad_unit(dev, !*hd);
        if (!cds)
            *hd |= !strncmp(dev, "hd", 2);
        else if (!strncmp(dev, "sd", 2))
            rc = err_set(e, -ENOTSUP,
                         "disk %.32s: SCSI is not served; name the disks hda "
                         "to hdd in disk=",
                         dev);
        else if (unit >= 0)
            rc = take_disk(x, c, dev, unit, backend, cds, e);
        free(dev);
    }
    free(id);
    return rc;
}

static bool kib(struct xenstore *x, unsigned domid, const char *name,
                unsigned long long *out)
{
    char *text = node(x, "/local/domain/%u/memory/%s", domid, name), *end;
    bool good = text && text[0] >= '0' && text[0] <= '9';

    if (good) {
        errno = 0;
        *out = strtoull(text, &end, 10);
        good = !*end && !errno;
    }
    free(text);
    return good;
}

/* As libxl tells qemu-xen: the most there may be, video memory left out, and
 * rounded up, for what is behind it counts as free. */
static int memory(struct xenstore *x, struct hvmd_conf *c, struct err *e)
{
    unsigned long long max, video = 0;

    if (c->ram_mib)
        return 0;
    kib(x, c->domid, "videoram", &video);
    if (!kib(x, c->domid, "static-max", &max) || max < video + 1024 ||
        max >> 34)
        return err_set(e, -EINVAL,
                       "the guest's memory is not known: "
                       "/local/domain/%u/memory/static-max holds no size in "
                       "KiB; say -m MiB",
                       c->domid);
    c->ram_mib = (max - video + 1023) >> 10;
    return 0;
}

int trad_store_config(struct xenstore *x, struct hvmd_conf *c,
                      struct trad_cds *cds, struct err *e)
{
    char path[TRAD_PATH], *text;
    bool hd = false;
    int rc;

    memset(cds, 0, sizeof(*cds));
    snprintf(path, sizeof(path), "device-model/%u/command", c->domid);
    xs_ctl_remove(x, path);
    snprintf(path, sizeof(path), "device-model/%u/logdirty/cmd", c->domid);
    xs_ctl_remove(x, path);
    text = node(x, "device-model/%u/disable_pf", c->domid);
    if (text && atoi(text))
        c->xen_platform = false;
    free(text);
    rc = memory(x, c, e);
    if (!rc)
        rc = each_disk(x, c, &hd, NULL, e);
    return rc ? rc : each_disk(x, c, &hd, cds, e);
}

void trad_store_password(struct xenstore *x, unsigned domid, char *out,
                         size_t size)
{
    char path[TRAD_PATH], *vm = node(x, "/local/domain/%u/vm", domid), *text;
    struct err e;

    out[0] = 0;
    if (!vm || strncmp(vm, "/vm/", 4) || strlen(vm) > TRAD_PATH - 12) {
        free(vm);
        return;
    }
    snprintf(path, sizeof(path), "%.*s/vncpasswd", (int)TRAD_PATH - 12, vm);
    free(vm);
    text = xs_ctl_read(x, path);
    if (!text)
        return;
    snprintf(out, size, "%s", text);
    explicit_bzero(text, strlen(text));
    free(text);
    xs_ctl_write(x, path, "", &e);
}

int trad_store_tell(struct xenstore *x, unsigned domid, const char *port,
                    const char *const tty[MACHINE_SERIALS], struct err *e)
{
    char path[TRAD_PATH], *there;
    int rc = 0;

    if (port && *port) {
        snprintf(path, sizeof(path), "/local/domain/%u/console/vnc-port",
                 domid);
        rc = xs_ctl_write(x, path, port, e);
    }
    for (unsigned i = 0; i < MACHINE_SERIALS && !rc; i++) {
        if (!tty[i])
            continue;
        snprintf(path, sizeof(path), "/local/domain/%u/serial/%u/tty", domid,
                 i);
        rc = xs_ctl_write(x, path, tty[i], e);
    }
    if (rc || !tty[0])
        return rc;
    /* xenconsoled's, where it serves a PV console. */
    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
    there = xs_ctl_read(x, path);
    if (!there || !*there)
        rc = xs_ctl_write(x, path, tty[0], e);
    free(there);
    return rc;
}
