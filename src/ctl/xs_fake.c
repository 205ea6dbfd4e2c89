/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xs_fake.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenstore.h>

#define CLIENTS 4
#define NODES   64
#define WATCHES 16
#define PATH    256

struct xs_fake {
    pthread_t thread;
    pthread_mutex_t lock;
    char dir[32], path[64];
    int lfd, stop, fd[CLIENTS];
    _Atomic bool hang;
    unsigned requests, nwatches;
    struct {
        char path[PATH], *value;
    } node[NODES];
    struct {
        char path[PATH], token[64];
        int fd;
        bool relative;
    } watch[WATCHES];
};

static void absolute(const char *path, char out[PATH])
{
    snprintf(out, PATH, "%s%.200s", *path == '/' ? "" : "/local/domain/0/",
             path);
}

static int find(const struct xs_fake *f, const char *path)
{
    for (int i = 0; i < NODES; i++)
        if (f->node[i].value && !strcmp(f->node[i].path, path))
            return i;
    return -1;
}

static void put(int fd, uint32_t type, uint32_t id, const void *body,
                size_t len)
{
    struct xsd_sockmsg m = {.type = type, .req_id = id, .len = (uint32_t)len};

    if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) < 0 ||
        send(fd, body, len, MSG_NOSIGNAL) < 0)
        return;
}

static void fire(struct xs_fake *f, unsigned i, const char *path)
{
    const char *shown = path + (f->watch[i].relative ? 16 : 0);
    char body[PATH + 64];
    size_t n = strlen(shown) + 1, t = strlen(f->watch[i].token) + 1;

    memcpy(body, shown, n);
    memcpy(body + n, f->watch[i].token, t);
    put(f->watch[i].fd, XS_WATCH_EVENT, 0, body, n + t);
}

static void set(struct xs_fake *f, const char *path, const char *value)
{
    int i = find(f, path);

    for (int k = 0; i < 0 && value && k < NODES; k++)
        if (!f->node[k].value)
            i = k;
    if (i >= 0) {
        free(f->node[i].value);
        f->node[i].value = value ? strdup(value) : NULL;
        snprintf(f->node[i].path, PATH, "%s", path);
    }
    for (unsigned w = 0; w < f->nwatches; w++) {
        size_t n = strlen(f->watch[w].path);

        if (!strncmp(path, f->watch[w].path, n) && (!path[n] || path[n] == '/'))
            fire(f, w, path);
    }
}

/* Names below path, once each. */
static size_t list(const struct xs_fake *f, const char *path, char *out)
{
    size_t n = strlen(path), used = 0, len, at;

    for (int i = 0; i < NODES; i++) {
        const char *p = f->node[i].path + n;

        if (!f->node[i].value || strncmp(f->node[i].path, path, n) || *p != '/')
            continue;
        len = strcspn(++p, "/");
        for (at = 0; at < used; at += strlen(out + at) + 1)
            if (strlen(out + at) == len && !memcmp(out + at, p, len))
                break;
        if (at < used)
            continue;
        memcpy(out + used, p, len);
        out[used + len] = 0;
        used += len + 1;
    }
    return used;
}

static void answer(struct xs_fake *f, int fd, const struct xsd_sockmsg *m,
                   char *body)
{
    char path[PATH], names[2048];
    const char *second = body + strlen(body) + 1;
    int i;

    absolute(body, path);
    i = find(f, path);
    f->requests++;
    switch (m->type) {
    case XS_READ:
        if (i < 0)
            put(fd, XS_ERROR, m->req_id, "ENOENT", 7);
        else
            put(fd, XS_READ, m->req_id, f->node[i].value,
                strlen(f->node[i].value));
        return;
    case XS_DIRECTORY: {
        size_t n = list(f, path, names);

        if (n)
            put(fd, XS_DIRECTORY, m->req_id, names, n);
        else
            put(fd, XS_ERROR, m->req_id, "ENOENT", 7);
        return;
    }
    case XS_RM:
    case XS_WRITE:
        put(fd, m->type, m->req_id, "OK", 3);
        set(f, path, m->type == XS_WRITE ? second : NULL);
        return;
    case XS_WATCH:
        put(fd, XS_WATCH, m->req_id, "OK", 3);
        i = (int)f->nwatches++;
        snprintf(f->watch[i].path, PATH, "%s", path);
        snprintf(f->watch[i].token, sizeof(f->watch[i].token), "%s", second);
        f->watch[i].fd = fd;
        f->watch[i].relative = *body != '/';
        fire(f, (unsigned)i, path);
        return;
    default:
        put(fd, XS_ERROR, m->req_id, "ENOSYS", 7);
    }
}

static bool serve_one(struct xs_fake *f, int fd)
{
    struct xsd_sockmsg m;
    char body[4200];

    if (recv(fd, &m, sizeof(m), MSG_WAITALL) != sizeof(m) || m.len > 4096 ||
        recv(fd, body, m.len, MSG_WAITALL) != (ssize_t)m.len)
        return false;
    body[m.len] = 0;
    pthread_mutex_lock(&f->lock);
    answer(f, fd, &m, body);
    pthread_mutex_unlock(&f->lock);
    return true;
}

static void *serve(void *arg)
{
    struct xs_fake *f = arg;
    struct pollfd p[2 + CLIENTS];

    for (;;) {
        p[0] = (struct pollfd){.fd = f->stop, .events = POLLIN};
        p[1] = (struct pollfd){.fd = f->lfd, .events = POLLIN};
        for (int i = 0; i < CLIENTS; i++)
            p[2 + i] = (struct pollfd){.fd = f->hang ? -1 : f->fd[i],
                                       .events = POLLIN};
        poll(p, 2 + CLIENTS, 20);
        if (p[0].revents)
            return NULL;
        for (int i = 0; i < CLIENTS; i++) {
            if (p[1].revents && f->fd[i] < 0) {
                f->fd[i] = accept(f->lfd, NULL, NULL);
                p[1].revents = 0;
            } else if (p[2 + i].revents && !serve_one(f, f->fd[i])) {
                close(f->fd[i]);
                f->fd[i] = -1;
            }
        }
    }
}

struct xs_fake *xs_fake_new(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct xs_fake *f = calloc(1, sizeof(*f));

    if (!f)
        abort();
    strcpy(f->dir, "/tmp/hvmd-xs-XXXXXX");
    if (!mkdtemp(f->dir))
        abort();
    snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
    strcpy(a.sun_path, f->path);
    for (int i = 0; i < CLIENTS; i++)
        f->fd[i] = -1;
    f->stop = eventfd(0, 0);
    f->lfd = socket(AF_UNIX, SOCK_STREAM, 0);
    pthread_mutex_init(&f->lock, NULL);
    if (bind(f->lfd, (void *)&a, sizeof(a)) || listen(f->lfd, CLIENTS) ||
        pthread_create(&f->thread, NULL, serve, f))
        abort();
    setenv("XENSTORED_PATH", f->path, 1);
    return f;
}

void xs_fake_free(struct xs_fake *f)
{
    eventfd_write(f->stop, 1);
    pthread_join(f->thread, NULL);
    for (int i = 0; i < CLIENTS; i++)
        if (f->fd[i] >= 0)
            close(f->fd[i]);
    for (int i = 0; i < NODES; i++)
        free(f->node[i].value);
    close(f->lfd);
    close(f->stop);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
}

void xs_fake_set(struct xs_fake *f, const char *path, const char *value)
{
    char full[PATH];

    absolute(path, full);
    pthread_mutex_lock(&f->lock);
    set(f, full, value);
    pthread_mutex_unlock(&f->lock);
}

bool xs_fake_get(struct xs_fake *f, const char *path, char *out, unsigned size)
{
    char full[PATH];
    int i;

    absolute(path, full);
    pthread_mutex_lock(&f->lock);
    i = find(f, full);
    snprintf(out, size, "%s", i < 0 ? "" : f->node[i].value);
    pthread_mutex_unlock(&f->lock);
    return i >= 0;
}

unsigned xs_fake_watches(struct xs_fake *f)
{
    unsigned n;

    pthread_mutex_lock(&f->lock);
    n = f->nwatches;
    pthread_mutex_unlock(&f->lock);
    return n;
}

unsigned xs_fake_requests(struct xs_fake *f)
{
    unsigned n;

    pthread_mutex_lock(&f->lock);
    n = f->requests;
    pthread_mutex_unlock(&f->lock);
    return n;
}

void xs_fake_hang(struct xs_fake *f, bool on)
{
    f->hang = on;
    usleep(50000); /* the thread looks every 20 ms */
}

void xs_fake_raw(struct xs_fake *f, const void *bytes, unsigned len)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (f->fd[i] < 0)
            continue;
        if (len)
            send(f->fd[i], bytes, len, MSG_NOSIGNAL);
        else
            shutdown(f->fd[i], SHUT_RDWR);
    }
}
