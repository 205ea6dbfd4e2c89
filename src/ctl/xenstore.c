/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xenstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

struct xenstore {
    struct xs_handle *xs;
    unsigned domid;
};

struct xenstore *xs_ctl_open(unsigned domid, struct err *e)
{
    struct xenstore *x = calloc(1, sizeof(*x));
    int rc;

    if (!x) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    x->domid = domid;
    x->xs = xs_open(0);
    if (!x->xs) {
        rc = errno ? -errno : -EIO;
        err_set(e, rc,
                "cannot reach xenstore: %s; is xenstored running and are we "
                "root in dom0?",
                strerror(-rc));
        free(x);
        return NULL;
    }
    return x;
}

static int failed(struct err *e, const char *what, const char *path)
{
    int rc = errno ? -errno : -EIO;

    return err_set(e, rc, "cannot %s the xenstore node '%s': %s", what, path,
                   strerror(-rc));
}

int xs_ctl_backends(struct xenstore *x, struct err *e)
{
    static const char *const kind[] = {"console", "vkbd", "9pfs", "qusb"};
    /* Owner dom0; everybody else: nothing. */
    struct xs_permissions perm = {.id = 0, .perms = XS_PERM_NONE};
    char path[80];
    size_t i;

    for (i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
        snprintf(path, sizeof(path), "device-model/%u/backends/%s", x->domid,
                 kind[i]);
        if (!xs_mkdir(x->xs, XBT_NULL, path))
            return failed(e, "make", path);
        if (!xs_set_permissions(x->xs, XBT_NULL, path, &perm, 1))
            return failed(e, "set the permissions of", path);
    }
    return 0;
}

int xs_ctl_close_vkbd(struct xenstore *x, struct err *e)
{
    static const char closed[] = "6"; /* XenbusStateClosed */
    unsigned n = 0;
    char **id, path[80];
    int rc = 0;

    snprintf(path, sizeof(path), "backend/vkbd/%u", x->domid);
    id = xs_directory(x->xs, XBT_NULL, path, &n);
    if (!id) /* vkb_device=0 */
        return errno == ENOENT ? 0 : failed(e, "read", path);
    for (unsigned i = 0; i < n && !rc; i++) {
        snprintf(path, sizeof(path), "backend/vkbd/%u/%.16s/state", x->domid,
                 id[i]);
        if (!xs_write(x->xs, XBT_NULL, path, closed, 1))
            rc = failed(e, "write", path);
    }
    free(id);
    return rc;
}

static void add_driver(struct xs_blacklist *l, const char *product,
                       const char *build)
{
    char *end;
    unsigned long n = strtoul(build, &end, 10);

    if (build[0] < '0' || build[0] > '9' || *end || n > UINT32_MAX ||
        strlen(product) >= sizeof(l->driver[0].product) ||
        l->n == XS_BLACKLIST_MAX)
        return;
    strcpy(l->driver[l->n].product, product);
    l->driver[l->n++].build = (uint32_t)n;
}

int xs_ctl_blacklist(struct xenstore *x, struct xs_blacklist *l, struct err *e)
{
    static const char root[] = "/mh/driver-blacklist";
    unsigned nproducts = 0, nbuilds;
    char **product = xs_directory(x->xs, XBT_NULL, root, &nproducts);
    char **build;
    char path[128];

    l->n = 0;
    if (!product)
        return errno == ENOENT || errno == EACCES ? 0 : failed(e, "read", root);
    for (unsigned i = 0; i < nproducts; i++) {
        snprintf(path, sizeof(path), "%s/%.60s", root, product[i]);
        nbuilds = 0;
        build = xs_directory(x->xs, XBT_NULL, path, &nbuilds);
        for (unsigned j = 0; build && j < nbuilds; j++)
            add_driver(l, product[i], build[j]);
        free(build);
    }
    free(product);
    return 0;
}

bool xs_blacklisted(const struct xs_blacklist *l, const char *product,
                    uint32_t build)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->driver[i].build == build &&
            strcmp(l->driver[i].product, product) == 0)
            return true;
    return false;
}

void xs_ctl_uuid(struct xenstore *x, char uuid[37])
{
    unsigned len = 0;
    char path[48], *vm;

    uuid[0] = '\0';
    snprintf(path, sizeof(path), "/local/domain/%u/vm", x->domid);
    vm = xs_read(x->xs, XBT_NULL, path, &len);
    if (vm && len == 4 + 36 && !strncmp(vm, "/vm/", 4) &&
        strspn(vm + 4, "0123456789abcdef-") == 36)
        memcpy(uuid, vm + 4, 37);
    free(vm);
}

int xs_ctl_state(struct xenstore *x, const char *state, struct err *e)
{
    char path[80];

    snprintf(path, sizeof(path), "device-model/%u/state", x->domid);
    return xs_ctl_write(x, path, state, e);
}

char *xs_ctl_read(struct xenstore *x, const char *path)
{
    return xs_read(x->xs, XBT_NULL, path, NULL);
}

char **xs_ctl_list(struct xenstore *x, const char *path, unsigned *n)
{
    *n = 0;
    return xs_directory(x->xs, XBT_NULL, path, n);
}

int xs_ctl_write(struct xenstore *x, const char *path, const char *value,
                 struct err *e)
{
    if (!xs_write(x->xs, XBT_NULL, path, value, (unsigned)strlen(value)))
        return failed(e, "write", path);
    return 0;
}

void xs_ctl_remove(struct xenstore *x, const char *path)
{
    xs_rm(x->xs, XBT_NULL, path);
}

void xs_ctl_close(struct xenstore *x)
{
    if (!x)
        return;
    xs_close(x->xs);
    free(x);
}
