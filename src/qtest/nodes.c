/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block nodes: a file, zeros (null-co), raw over a node, or blkdebug over a
 * node; a node is named, or stands in place, with the keys of a prefix.
 */
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX     64
#define DEPTH_MOST 4u

bool args_on(const char *v)
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
int args_open_name(struct args *a, const char *name, uint64_t size,
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
    rc = args_open_name(a, colon + 1, size, w, im, e);
    if (!rc && path[0])
        rc = image_rules_file(*im, path, e);
    return rc;
}

struct keyval *args_find_node(struct args *a, const char *name)
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
        kv = args_find_node(a, name);
        if (!kv)
            return err_set(e, -ENOENT, "there is no -blockdev '%.60s'", name);
        return args_open_node(a, kv, "", w, im, e);
    }
    snprintf(below, sizeof(below), "%.30s%s.", prefix, key);
    return args_open_node(a, kv, below, w, im, e);
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

int args_open_node(struct args *a, struct keyval *kv, const char *prefix,
                   struct want *w, struct image **im, struct err *e)
{
    const char *driver = keyval_get(kv, prefix, "driver");
    const char *name = keyval_get(kv, prefix, "filename");
    const char *size = keyval_get(kv, prefix, "size");
    const char *discard, *rules;
    uint64_t bytes = ARGS_NULL_BYTES;
    int rc;

    if (args_on(keyval_get(kv, prefix, "read-only")))
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
        rc = name ? args_open_name(a, name, bytes, w, im, e)
                  : err_set(e, -EINVAL, "the driver file needs filename=");
    } else if (!strcmp(driver, "null-co") || !strcmp(driver, "null-aio")) {
        rc = args_open_name(a, "null-co://", bytes, w, im, e);
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
