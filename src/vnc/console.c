/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console_priv.h"

#include "layouts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* Whether hvmd-vnc may be started now; if not, it is looked at again in time.
 */
static bool may_start(struct console *c)
{
    uint64_t now = clock_now(loop_clock(c->loop));
    uint64_t more = (now - c->starts_ns) / STARTS_NS;

    if (more) {
        c->starts = more < STARTS_MOST - c->starts ? c->starts + (unsigned)more
                                                   : STARTS_MOST;
        c->starts_ns += more * STARTS_NS;
    }
    if (!c->starts)
        timer_set(&c->knocks, c->starts_ns + STARTS_NS);
    return c->starts;
}

/* With all places taken, who knocks waits in the kernel's queue. */
static void want_clients(struct console *c)
{
    bool open = c->child ? c->clients < CONSOLE_CLIENTS_MAX : may_start(c);
    unsigned want = open ? LOOP_IN : 0;

    for (unsigned i = 0; i < c->listen.n; i++)
        loop_want(c->loop, &c->listen_src[i], want);
}

static void knocks(void *ctx)
{
    want_clients(ctx);
}

static void reaped(void *ctx, unsigned events)
{
    struct child *ch = ctx;
    struct console *c = ch->owner;

    /* Its viewers have gone with it; the socket's end was seen or is next. */
    if (c->child == ch)
        bucket_log(c->log, &c->bucket, "vnc",
                   "hvmd-vnc has ended; its viewers are disconnected");
    if (c->child == ch)
        console_drop_child(c);
    for (struct child **p = &c->let_go; *p; p = &(*p)->next) {
        if (*p != ch)
            continue;
        *p = ch->next;
        loop_del(c->loop, &ch->pid_src);
        child_kill(ch);
        free(ch);
        return;
    }
}

void console_drop_child(struct console *c)
{
    struct child *ch = c->child;

    if (!ch)
        return;
    c->child = NULL;
    peers_gone(c);
    c->clients = 0;
    want_clients(c);
    c->stuck = false;
    timer_cancel(&c->rx_again);
    timer_cancel(&c->leds_soon);
    screen_stop(c);
    input_release_all(c);
    loop_del(c->loop, &ch->ctl_src);
    close(ch->ctl);
    ch->ctl = -1;
    child_signal(ch);
    ch->next = c->let_go;
    c->let_go = ch;
    munmap(c->pixels, VNC_PIXELS_BYTES);
    close(c->pixels_fd);
    c->pixels = NULL;
    c->pixels_fd = -1;
}

void console_want(struct console *c)
{
    unsigned want = c->stuck ? LOOP_OUT : 0;

    if (!c->child)
        return;
    if (!timer_armed(&c->rx_again))
        want |= LOOP_IN;
    loop_want(c->loop, &c->child->ctl_src, want);
}

static int tell_auth(struct console *c)
{
    struct vnc_msg m = {.type = VNC_AUTH};
    int rc;

    m.auth.kind = !c->listen.password ? VNC_AUTH_NONE
                  : c->password[0]    ? VNC_AUTH_PASSWORD
                                      : VNC_AUTH_NO_PASSWORD;
    memcpy(m.auth.password, c->password, sizeof(m.auth.password));
    rc = vnc_send(c->child->ctl, &m, -1);
    explicit_bzero(&m, sizeof(m));
    return rc;
}

static int tell_leds(struct console *c)
{
    struct vnc_msg m = {.type = VNC_LEDS};

    m.leds.lamps = c->leds;
    return vnc_send(c->child->ctl, &m, -1);
}

void console_flush(struct console *c)
{
    int rc = 0;

    if (!c->child)
        return;
    if (!rc && c->auth_due && !(rc = tell_auth(c)))
        c->auth_due = false;
    if (!rc && c->leds_due && !(rc = tell_leds(c)))
        c->leds_due = false;
    if (!rc)
        rc = screen_tell(c);
    if (rc && rc != -EAGAIN) {
        console_drop_child(c);
        return;
    }
    if (c->stuck != (rc == -EAGAIN)) {
        c->stuck = rc == -EAGAIN;
        console_want(c);
    }
}

/* One message; false: hvmd-vnc was let go. */
static bool message(struct console *c, const struct vnc_msg *m)
{
    switch (m->type) {
    case VNC_DEMAND:
        screen_demand(c, m->demand.now);
        return c->child;
    case VNC_READY:
        if (peer_ready(c, m->client.slot))
            return true;
        break;
    case VNC_GONE:
        if (!peer_gone(c, m->client.slot))
            break;
        if (--c->clients) {
            want_clients(c);
            return true;
        }
        console_drop_child(c);
        return false;
    }
    if (input_message(c, m))
        return c->child;
    bucket_log(c->log, &c->bucket, "vnc",
               "hvmd-vnc sent a message out of order (type %u); ended it",
               (unsigned)m->type);
    console_drop_child(c);
    return false;
}

static void ctl_ready(void *ctx, unsigned events)
{
    struct console *c = ctx;
    struct vnc_msg m;

    if (events & LOOP_OUT) {
        console_flush(c);
        if (!c->child)
            return;
    }
    if (!(events & (LOOP_IN | LOOP_HUP)))
        return;
    for (unsigned i = 0; i < RX_BURST; i++) {
        if (!input_allowed(c)) {
            console_want(c);
            if (events & LOOP_HUP)
                break;
            return;
        }
        int rc = vnc_recv(c->child->ctl, &m, NULL);
        if (rc == -EAGAIN)
            return;
        if (rc <= 0) {
            bucket_log(c->log, &c->bucket, "vnc",
                       "hvmd-vnc has ended; its viewers are disconnected");
            console_drop_child(c);
            return;
        }
        if (!message(c, &m))
            return;
    }
    if (events & LOOP_HUP)
        console_drop_child(c);
}

static int make_pixels(struct console *c)
{
    int fd = memfd_create("hvmd-screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *p = MAP_FAILED;

    if (fd < 0)
        return -errno;
    if (!ftruncate(fd, VNC_PIXELS_BYTES))
        p = mmap(NULL, VNC_PIXELS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 0);
    if (p == MAP_FAILED ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
        int rc = -errno;
        if (p != MAP_FAILED)
            munmap(p, VNC_PIXELS_BYTES);
        close(fd);
        return rc;
    }
    /* Older kernels lack this one; the pixels are hvmd-vnc's to spoil then. */
    fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
    c->pixels = p;
    c->pixels_fd = fd;
    return 0;
}

/* Starts hvmd-vnc and tells it all but the viewer. */
static int start_child(struct console *c)
{
    struct vnc_msg hello = {.type = VNC_HELLO};
    struct child *ch = calloc(1, sizeof(*ch));
    int rc;

    if (!ch)
        return -ENOMEM;
    if ((rc = make_pixels(c)))
        goto fail;
    if ((rc = child_start(ch, c->exec_fd, c->null_fd, c->name)))
        goto fail_pixels;
    ch->owner = c;
    if ((rc = loop_add(c->loop, &ch->pid_src, ch->pidfd, LOOP_IN, reaped, ch)))
        goto fail_child;
    hello.hello.layout = c->layout;
    memcpy(hello.hello.name, c->name, sizeof(c->name));
    rc = vnc_send(ch->ctl, &hello, c->pixels_fd);
    if (!rc)
        rc = loop_add(c->loop, &ch->ctl_src, ch->ctl, LOOP_IN, ctl_ready, c);
    if (rc) {
        loop_del(c->loop, &ch->pid_src);
        goto fail_child;
    }
    c->child = ch;
    c->auth_due = c->leds_due = true;
    return 0;
fail_child:
    child_kill(ch);
fail_pixels:
    munmap(c->pixels, VNC_PIXELS_BYTES);
    close(c->pixels_fd);
fail:
    free(ch);
    return rc;
}

static void new_client(struct console *c, int fd)
{
    struct vnc_msg m = {.type = VNC_CLIENT};
    bool first = !c->child;
    int rc, slot;

    if (first)
        c->starts--;
    if (first && (rc = start_child(c))) {
        bucket_log(c->log, &c->bucket, "vnc", "cannot start hvmd-vnc: %s",
                   strerror(-rc));
        return;
    }
    if (c->auth_due)
        console_flush(c); /* how to guard comes before whom to let in */
    if (!c->child)
        return;
    slot = peer_take(c, fd);
    m.client.slot = (uint32_t)slot;
    rc = c->auth_due || slot < 0 ? -EAGAIN : vnc_send(c->child->ctl, &m, fd);
    if (!rc)
        peer_connected(c, slot);
    else
        bucket_log(c->log, &c->bucket, "vnc",
                   "hvmd-vnc does not take a viewer: %s", strerror(-rc));
    if (first && rc)
        console_drop_child(c);
    else if (first)
        screen_start(c); /* drawn while hvmd-vnc starts */
}

static void accept_ready(void *ctx, unsigned events)
{
    struct console *c = ctx;

    for (unsigned i = 0; i < c->listen.n; i++) {
        int fd;

        while (c->clients < CONSOLE_CLIENTS_MAX && (c->child || may_start(c)) &&
               (fd = accept4(c->listen.fd[i], NULL, NULL,
                             SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
            new_client(c, fd);
            close(fd);
            if (!c->child) /* it was not to be; once is enough */
                break;
        }
    }
    want_clients(c);
}

static void leds_soon(void *ctx)
{
    console_flush(ctx);
}

/* A guest may change them at any rate. */
static void leds(void *ctx, uint8_t lamps)
{
    struct console *c = ctx;

    if (c->leds == lamps)
        return;
    c->leds = lamps;
    c->leds_due = true;
    if (c->child && !timer_armed(&c->leds_soon))
        timer_set(&c->leds_soon, clock_now(loop_clock(c->loop)) + LEDS_NS);
}

int console_keymap_check(const char *name, struct err *e)
{
    if (!name || layout_find(name) >= 0)
        return 0;
    return err_set(e, -EINVAL, "-k: keymap \"%.32s\" is unknown; known are %s",
                   name, layout_names());
}

static int open_all(struct console *c, const struct console_conf *conf,
                    struct err *e)
{
    const char *keymap = conf->keymap ? conf->keymap : LAYOUT_DEFAULT;
    int rc = console_keymap_check(keymap, e);

    if (rc)
        return rc;
    c->layout = (uint32_t)layout_find(keymap);
    snprintf(c->name, sizeof(c->name), "%s", conf->name ? conf->name : "hvmd");
    if ((rc = listen_open(&c->listen, conf->listen, e)))
        return rc;
    if (!c->listen.n)
        return 0;
    c->exec_fd = child_open(e);
    if (c->exec_fd < 0)
        return c->exec_fd;
    c->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (c->null_fd < 0)
        return err_set(e, -errno, "cannot open /dev/null: %s", strerror(errno));
    for (unsigned i = 0; i < c->listen.n; i++) {
        rc = loop_add(c->loop, &c->listen_src[i], c->listen.fd[i], LOOP_IN,
                      accept_ready, c);
        if (rc)
            return err_set(e, rc, "-vnc: cannot watch the socket: %s",
                           strerror(-rc));
    }
    return 0;
}

struct console *console_new(struct loop *loop, struct display *display,
                            struct input *input,
                            const struct console_conf *conf, struct log *log,
                            struct err *e)
{
    struct console *c = calloc(1, sizeof(*c));

    if (!c) {
        err_set(e, -ENOMEM, "out of memory for the console");
        return NULL;
    }
    c->loop = loop;
    c->display = display;
    c->input = input;
    c->log = log;
    c->event = conf->event;
    c->event_ctx = conf->ctx;
    c->exec_fd = c->null_fd = c->pixels_fd = -1;
    screen_init(c);
    input_init(c);
    timer_init(&c->leds_soon, loop_clock(loop), leds_soon, c);
    timer_init(&c->knocks, loop_clock(loop), knocks, c);
    c->starts = STARTS_MOST;
    c->starts_ns = clock_now(loop_clock(loop));
    if (open_all(c, conf, e)) {
        console_free(c);
        return NULL;
    }
    if (input) {
        input->leds = leds;
        input->leds_ctx = c;
    }
    return c;
}

void console_free(struct console *c)
{
    if (!c)
        return;
    if (c->input && c->input->leds_ctx == c)
        c->input->leds = NULL;
    console_drop_child(c);
    timer_cancel(&c->knocks);
    while (c->let_go) {
        struct child *ch = c->let_go;

        c->let_go = ch->next;
        loop_del(c->loop, &ch->pid_src);
        child_kill(ch);
        free(ch);
    }
    for (unsigned i = 0; i < LISTEN_MAX; i++)
        if (c->listen_src[i].added)
            loop_del(c->loop, &c->listen_src[i]);
    listen_close(&c->listen);
    if (c->exec_fd >= 0)
        close(c->exec_fd);
    if (c->null_fd >= 0)
        close(c->null_fd);
    explicit_bzero(c->password, sizeof(c->password));
    free(c);
}

bool console_enabled(const struct console *c)
{
    return c->listen.n;
}

const char *console_host(const struct console *c)
{
    return c->listen.host;
}

const char *console_service(const struct console *c)
{
    return c->listen.service;
}

const char *console_auth(const struct console *c)
{
    return c->listen.password ? "vnc" : "none";
}

unsigned console_clients(const struct console *c)
{
    return c->clients;
}

static uint64_t tv_ns(const struct timeval *tv)
{
    return (uint64_t)tv->tv_sec * NS_PER_S + (uint64_t)tv->tv_usec * NS_PER_US;
}

/* hvmd has no other children. Those reaped are told with less precision. */
uint64_t console_cpu_ns(struct console *c)
{
    struct rusage u;
    uint64_t ns = 0;

    if (!getrusage(RUSAGE_CHILDREN, &u))
        ns = tv_ns(&u.ru_utime) + tv_ns(&u.ru_stime);
    if (c->child)
        ns += child_cpu_ns(c->child);
    for (const struct child *ch = c->let_go; ch; ch = ch->next)
        ns += child_cpu_ns(ch);
    if (ns > c->cpu_ns)
        c->cpu_ns = ns;
    return c->cpu_ns;
}

int console_set_password(struct console *c, const char *password)
{
    if (!c->listen.password)
        return -EINVAL;
    memset(c->password, 0, sizeof(c->password));
    strncpy(c->password, password ? password : "", VNC_PASSWORD_MAX);
    c->auth_due = true;
    console_flush(c);
    return 0;
}
