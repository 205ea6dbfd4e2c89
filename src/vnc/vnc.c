/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vnc.h"

#include "keymap.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define EVENTS     32
#define CTL_BUDGET 32
#define AS_BYTES   (512ul << 20)

uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/*
 * hvmd reads all the time but for its rate limit, which a person's input does
 * not reach; what it cannot take for that reason is dropped, but never the
 * news that a client has gone or waits: for those the socket is waited for.
 */
void tell(const struct vnc_msg *m)
{
    for (;;) {
        int rc = vnc_send(VNC_CTL_FD, m, -1);

        if (!rc)
            return;
        if (rc != -EAGAIN)
            exit(0); /* hvmd has closed it: the last client is gone */
        if (m->type == VNC_POINTER)
            return;
        struct timespec ms = {.tv_nsec = 1000000};
        nanosleep(&ms, NULL);
    }
}

const struct codec_ops *codec_load(void)
{
    static const char name[] = "hvmd-vnc-codec.so";
    char path[4096 + sizeof(name)];
    ssize_t n = readlink("/proc/self/exe", path, 4095);
    void *module;

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    strcpy(strrchr(path, '/') + 1, name); /* beside this program */
    module = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (!module) {
        fprintf(stderr, "hvmd-vnc: %s\n", dlerror());
        return NULL;
    }
    const struct codec_ops *ops = dlsym(module, "codec_ops");
    if (!ops || strcmp(ops->version, HVMD_VERSION)) {
        fprintf(stderr, "hvmd-vnc: %s is not of version %s\n", path,
                HVMD_VERSION);
        return NULL;
    }
    return ops;
}

static int server_init(struct server *s)
{
    s->ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    if (s->ep < 0 || epoll_ctl(s->ep, EPOLL_CTL_ADD, VNC_CTL_FD, &ev))
        return -errno;
    return 0;
}

static bool hello(struct server *s, const struct vnc_msg *m, int fd)
{
    void *p;

    if (s->order || fd < 0 || m->hello.layout >= keymaps_n)
        return false;
    p = mmap(NULL, VNC_PIXELS_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return false;
    s->px = p;
    s->layout = m->hello.layout;
    memcpy(s->name, m->hello.name, sizeof(s->name));
    s->name[sizeof(s->name) - 1] = '\0';
    s->order = true;
    return true;
}

static void looked(struct server *s)
{
    s->demanded = s->demanded_now = false;
    s->looked_ms = now_ms();
    for (unsigned i = 0; i < s->n; i++)
        s->client[i]->wait_look = false;
}

static bool screen(struct server *s, const struct vnc_msg *m)
{
    uint32_t w = m->screen.w, h = m->screen.h;

    if (!w || !h || w > DISPLAY_MAX_W || h > DISPLAY_MAX_H)
        return false;
    s->w = w;
    s->h = h;
    if (s->codec)
        s->ops->screen(s->codec, w, h);
    looked(s);
    s->drawn = true;
    /* At once instead of by faults; older kernels refuse. */
    madvise((void *)s->px, (size_t)w * h * 4, MADV_POPULATE_READ);
    for (unsigned i = 0; i < s->n; i++)
        update_resized(s->client[i]);
    return true;
}

static bool damage(struct server *s, const struct vnc_msg *m)
{
    if (m->damage.n > VNC_RECTS)
        return false;
    looked(s);
    for (unsigned k = 0; k < m->damage.n; k++) {
        const struct rect *r = &m->damage.r[k];

        if (r->x > s->w || r->w > s->w - r->x || r->y > s->h ||
            r->h > s->h - r->y)
            return false;
        for (unsigned i = 0; i < s->n; i++)
            update_modified(s->client[i], r);
    }
    return true;
}

static bool control(struct server *s, const struct vnc_msg *m, int fd)
{
    switch (m->type) {
    case VNC_HELLO:
        return hello(s, m, fd);
    case VNC_CLIENT:
        if (!s->order || fd < 0)
            return false;
        client_new(s, dup(fd), m->client.slot);
        return true;
    case VNC_SCREEN:
        return screen(s, m);
    case VNC_DAMAGE:
        return damage(s, m);
    case VNC_AUTH:
        s->auth = m->auth.kind;
        memcpy(s->password, m->auth.password, sizeof(s->password));
        s->password[sizeof(s->password) - 1] = '\0';
        return true;
    case VNC_LEDS:
        s->lamps = (uint8_t)m->leds.lamps;
        for (unsigned i = 0; i < s->n; i++)
            s->client[i]->led_due = true;
        return true;
    }
    return false;
}

/* hvmd is trusted; a message that makes no sense means it is another build. */
static void control_ready(struct server *s)
{
    struct vnc_msg m;
    int fd, rc;

    for (unsigned i = 0; i < CTL_BUDGET; i++) {
        rc = vnc_recv(VNC_CTL_FD, &m, &fd);
        if (rc == -EAGAIN)
            return;
        if (rc == 0 || rc == -ECONNRESET)
            exit(0);
        bool ok = rc > 0 && control(s, &m, fd);
        if (fd >= 0)
            close(fd);
        if (!ok) {
            fprintf(stderr, "hvmd-vnc: hvmd sent what this build does not "
                            "know; are both from one installation?\n");
            exit(1);
        }
    }
}

/* One look when somebody waits for changes, or for a look, in vain so far. */
static void demand(struct server *s)
{
    struct vnc_msg m = {.type = VNC_DEMAND};
    bool waiting = false, now = false;

    for (unsigned i = 0; i < s->n; i++) {
        waiting |= update_waiting(s->client[i]);
        now |= s->client[i]->wait_look;
    }
    if ((!waiting || s->demanded) && (!now || s->demanded_now))
        return;
    s->demanded = true;
    s->demanded_now |= now;
    m.demand.now = now;
    tell(&m);
}

static void bury(struct server *s)
{
    for (unsigned i = 0; i < s->n;) {
        if (!s->client[i]->dead) {
            i++;
            continue;
        }
        uint32_t slot = s->client[i]->slot;

        client_free(s->client[i]);
        s->client[i] = s->client[--s->n];
        client_gone(slot);
    }
}

/* ms to sleep: until the next client's limit, for ever (-1) without one. */
static int nap(struct server *s)
{
    uint64_t now = now_ms(), wait = UINT64_MAX;

    for (unsigned i = 0; i < s->n; i++) {
        uint64_t left = client_limit(s->client[i], now);

        wait = left < wait ? left : wait;
    }
    return wait > 3600000 ? -1 : (int)wait;
}

static void serve(struct server *s)
{
    struct epoll_event ev[EVENTS];
    bool more = false, ctl = false;
    int n;

    for (unsigned i = 0; i < s->n; i++)
        more |= client_run(s->client[i]);
    n = nap(s);
    bury(s);
    demand(s);
    n = epoll_wait(s->ep, ev, EVENTS, more ? 0 : n);
    for (int i = 0; i < n; i++) {
        if (ev[i].data.ptr)
            client_events(ev[i].data.ptr, ev[i].events);
        else
            ctl = true;
    }
    if (ctl) /* last: it may free clients that events name */
        control_ready(s);
}

static void confine(void)
{
    const struct rlimit none = {0, 0}, files = {96, 96};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_NOFILE, &files);
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit as = {AS_BYTES, AS_BYTES};

    setrlimit(RLIMIT_AS, &as);
#endif
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    struct server *s;

    if (argc > 2 || fcntl(VNC_CTL_FD, F_GETFD) < 0) {
        fprintf(stderr, "hvmd-vnc: started by hvmd, not by hand\n");
        return 2;
    }
    confine();
    s = calloc(1, sizeof(*s));
    if (!s || server_init(s)) {
        fprintf(stderr, "hvmd-vnc: cannot start: %s\n", strerror(errno));
        return 1;
    }
    for (;;)
        serve(s);
}
