/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <hvmd/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMID_MAX 0x7ff0u
#define STATS     "query-hvmd-stats"
#define LATE_NS   UINT64_C(50000000) /* for one, when others took it all */

void host_init(struct host *h, const char *dir)
{
    memset(h, 0, sizeof(*h));
    h->dir = dir;
}

static void drop(struct host *h, unsigned i)
{
    conn_close(&h->dom[i]->conn);
    free(h->dom[i]);
    h->n--;
    memmove(&h->dom[i], &h->dom[i + 1], (h->n - i) * sizeof(struct dom *));
}

void host_free(struct host *h)
{
    while (h->n)
        drop(h, h->n - 1);
    free(h->dom);
    h->dom = NULL;
}

/* Decimal digits only. */
static bool number(const char *text, size_t len, unsigned *out)
{
    unsigned v = 0;

    if (!len || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        v = v * 10 + (unsigned)(text[i] - '0');
    }
    *out = v;
    return v < DOMID_MAX;
}

/* "12.sock" */
static bool socket_name(const char *name, unsigned *domid)
{
    size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, ".sock") == 0 && name[0] != '0' &&
           number(name, len - 5, domid);
}

/* The one of that number, made if need be; NULL: no memory. */
static struct dom *place(struct host *h, unsigned domid)
{
    unsigned i = 0;
    struct dom **more, *d;

    while (i < h->n && h->dom[i]->domid < domid)
        i++;
    if (i < h->n && h->dom[i]->domid == domid)
        return h->dom[i];
    more = reallocarray(h->dom, h->n + 1, sizeof(struct dom *));
    if (more)
        h->dom = more;
    d = more ? calloc(1, sizeof(*d)) : NULL;
    if (!d)
        return NULL;
    memmove(&more[i + 1], &more[i], (h->n - i) * sizeof(struct dom *));
    more[i] = d;
    h->n++;
    d->domid = domid;
    conn_init(&d->conn);
    return d;
}

static int scan(struct host *h, struct err *e)
{
    DIR *dir = opendir(h->dir);
    const struct dirent *entry;
    unsigned domid;
    struct dom *d;

    for (unsigned i = 0; i < h->n; i++)
        h->dom[i]->listed = false;
    if (!dir && errno != ENOENT)
        return err_set(e, -errno, "cannot look for hvmds in %s: %s%s", h->dir,
                       strerror(errno), errno == EACCES ? "; be root" : "");
    while (dir && (entry = readdir(dir)) != NULL) {
        if (!socket_name(entry->d_name, &domid))
            continue;
        d = place(h, domid);
        if (d)
            d->listed = true;
    }
    if (dir)
        closedir(dir);
    for (unsigned i = h->n; i-- > 0;)
        if (!h->dom[i]->listed)
            drop(h, i);
    return 0;
}

static int open_dom(struct conn *c, const char *dir, unsigned domid,
                    struct err *e)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%u.sock", dir, domid);
    return conn_open(c, path, e);
}

static void ask(struct host *h, struct dom *d)
{
    int rc = 0;

    d->answers = d->dead = false;
    if (d->conn.fd < 0)
        rc = open_dom(&d->conn, h->dir, d->domid, &d->err);
    d->dead = rc == -ECONNREFUSED || rc == -ENOENT;
    if (!rc)
        conn_send(&d->conn, STATS, NULL, -1, &d->err);
}

static void hear(struct dom *d, uint64_t deadline_ns)
{
    struct json_object *o;
    uint64_t pid = d->now.pid;

    if (d->conn.fd < 0)
        return;
    o = conn_reply(&d->conn, deadline_ns, &d->err);
    if (!o) {
        d->has_before = false;
        d->now.uptime_ns = 0;
        return;
    }
    d->before = d->now;
    figures_parse(&d->now, o);
    json_object_put(o);
    d->now.domid = d->domid; /* which its socket says, not it */
    d->answers = true;
    d->has_before = d->before.uptime_ns && d->now.pid == pid &&
                    d->now.uptime_ns > d->before.uptime_ns;
}

int host_look(struct host *h, uint64_t wait_ns, struct err *e)
{
    uint64_t deadline_ns = mono_ns() + wait_ns, late_ns;
    int rc = scan(h, e);

    if (rc)
        return rc;
    for (unsigned i = 0; i < h->n; i++)
        ask(h, h->dom[i]);
    for (unsigned i = 0; i < h->n; i++) {
        late_ns = mono_ns() + LATE_NS;
        hear(h->dom[i], late_ns > deadline_ns ? late_ns : deadline_ns);
    }
    for (unsigned i = h->n; i-- > 0;)
        if (h->dom[i]->dead)
            drop(h, i);
    return 0;
}

static int find_number(const char *dir, unsigned domid, struct conn *c,
                       struct err *e)
{
    struct err why;
    int rc = open_dom(c, dir, domid, &why);

    if (rc == -ENOENT)
        return err_set(e, rc, "no hvmd serves domain %u", domid);
    if (rc == -ECONNREFUSED)
        return err_set(e, rc,
                       "no hvmd serves domain %u (%s/%u.sock was left by one "
                       "that died)",
                       domid, dir, domid);
    if (rc)
        return err_set(e, rc, "domain %u: %s", domid, why.text);
    return 0;
}

/* By what each hvmd says its guest is called, of which we keep plain ASCII. */
static int find_name(const char *dir, const char *name, unsigned *domid,
                     struct err *e)
{
    unsigned found = 0, silent = 0;
    char plain[sizeof(((struct figures *)0)->name)];
    struct host h;
    int rc;

    log_escape(plain, sizeof(plain), name, strlen(name));
    host_init(&h, dir);
    rc = host_look(&h, ANSWER_NS, e);
    for (unsigned i = 0; !rc && i < h.n; i++) {
        struct dom *d = h.dom[i];

        silent += !d->answers;
        if (!d->answers ||
            (strcmp(d->now.name, plain) != 0 && strcmp(d->now.name, name) != 0))
            continue;
        if (found++ == 0)
            *domid = d->domid;
    }
    host_free(&h);
    if (rc)
        return rc;
    if (found == 0)
        return err_set(e, -ENOENT, "no hvmd serves a domain '%.120s'%s", name,
                       silent ? " (and not all of them answer)" : "");
    if (found > 1)
        return err_set(e, -EEXIST,
                       "%u domains are called '%.120s'; give a number", found,
                       name);
    return 0;
}

int host_find(const char *dir, const char *domain, unsigned *domid,
              struct conn *c, struct err *e)
{
    int rc = 0;

    conn_init(c);
    if (!number(domain, strlen(domain), domid))
        rc = find_name(dir, domain, domid, e);
    return rc ? rc : find_number(dir, *domid, c, e);
}

struct json_object *host_call(struct conn *c, const char *domain,
                              const char *command, struct json_object *args,
                              int fd, struct err *e)
{
    struct json_object *o = NULL;
    struct err why;

    if (!conn_send(c, command, args, fd, &why))
        o = conn_reply(c, mono_ns() + ANSWER_NS, &why);
    if (!o)
        err_set(e, -EIO, "domain %.120s: %.300s", domain, why.text);
    return o;
}
