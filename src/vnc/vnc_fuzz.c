/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: viewers against hvmd-vnc's half of the code, libvncserver
 * included, without hvmd. The bytes become what viewers send in pieces, reads
 * of theirs, mode changes, damage, lamps and time. Whatever comes, a viewer
 * that then behaves is served, and what hvmd is told stays within its bounds.
 */
#include "../bench/fuzz.h"
#include "vnc.h"

#include "keymap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define VIEWERS 3

/* The process's own: what vnc.c has in the program. */
static struct {
    uint64_t ms;
    uint64_t told, gone;
} host;

uint64_t now_ms(void)
{
    return host.ms;
}

void tell(const struct vnc_msg *m)
{
    host.told++;
    host.gone += m->type == VNC_GONE;
    if (m->type == VNC_KEY && (!m->key.code || m->key.code > 255))
        abort();
    if (m->type == VNC_POINTER &&
        (m->pointer.x >= DISPLAY_MAX_W || m->pointer.y >= DISPLAY_MAX_H ||
         m->pointer.wheel < -1 || m->pointer.wheel > 1))
        abort();
}

const struct codec_ops *codec_load(void)
{
    return &codec_ops;
}

static struct server *server(void)
{
    struct server *s = calloc(1, sizeof(*s));

    s->w = 64;
    s->h = 48;
    s->px = calloc(1, VNC_PIXELS_BYTES);
    s->ep = epoll_create1(EPOLL_CLOEXEC);
    s->drawn = s->order = true;
    strcpy(s->name, "fuzz");
    return s;
}

static void resize(struct server *s, uint32_t w, uint32_t h)
{
    s->w = w;
    s->h = h;
    if (s->codec)
        s->ops->screen(s->codec, w, h);
    for (unsigned i = 0; i < s->n; i++)
        update_resized(s->client[i]);
}

static void turn(struct server *s)
{
    struct epoll_event ev[16];
    int n = epoll_wait(s->ep, ev, 16, 0);

    for (int i = 0; i < n; i++)
        client_events(ev[i].data.ptr, ev[i].events);
    for (unsigned i = 0; i < s->n; i++) {
        struct client *c = s->client[i];

        client_run(c);
        client_limit(c, now_ms());
        if (c->out_len > OUT_BYTES || c->out_pos > c->out_len ||
            c->in_len > IN_BYTES || c->enc.len > CODEC_BYTES)
            abort();
    }
    for (unsigned i = 0; i < s->n;) {
        if (!s->client[i]->dead) {
            i++;
            continue;
        }
        client_free(s->client[i]);
        s->client[i] = s->client[--s->n];
    }
}

static int connect_viewer(struct server *s)
{
    int sv[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
        abort();
    fcntl(sv[1], F_SETFL, O_NONBLOCK);
    client_new(s, sv[0], 0);
    return sv[1];
}

static size_t drain(int fd, size_t most)
{
    uint8_t buf[65536];
    size_t sum = 0;
    ssize_t n;

    while (sum < most && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
        sum += (size_t)n;
    return sum;
}

/* Messages that make sense; the input then changes bytes of them. */
static size_t sensible(unsigned kind, uint8_t *m)
{
    static const struct {
        uint8_t len;
        uint8_t b[36];
    } list[] = {
        {14, "RFB 003.008\n\1\1"},
        {13, "RFB 003.003\n\1"},
        {30, "RFB 003.008\n\2................\1"},
        {20, {0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0}},
        {20, {0, 0, 0, 0, 16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0}},
        {20, {0, 0, 0, 0, 8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6}},
        {20, {0, 0, 0, 0, 8, 8, 0, 0}},
        {8, {2, 0, 0, 1, 0, 0, 0, 5}},
        {8, {2, 0, 0, 1, 0, 0, 0, 6}},
        {16,
         {2, 0, 0, 3, 0, 0, 0, 7, 255, 255, 255, 0x20, 255, 255, 255, 0xe9}},
        {12, {2, 0, 0, 2, 0, 0, 0, 16, 255, 255, 255, 0}},
        {24, {2,   0,   0,    5,    0,   0,   0,   0,    255, 255, 254, 0xfe,
              255, 255, 0xfe, 0xfb, 255, 255, 254, 0xcc, 255, 255, 255, 0x21}},
        {10, {3, 0, 0, 0, 0, 0, 255, 255, 255, 255}},
        {10, {3, 1, 0, 0, 0, 0, 255, 255, 255, 255}},
        {10, {3, 0, 0, 3, 0, 4, 0, 20, 0, 17}},
        {8, {4, 1, 0, 0, 0, 0, 0, 'A'}},
        {8, {4, 0, 0, 0, 0, 0, 0, 'A'}},
        {8, {4, 1, 0, 0, 0, 0, 255, 0xe1}},
        {6, {5, 9, 0, 20, 0, 30}},
        {20, {6, 0, 0, 0, 0, 0, 0, 12}},
        {24, {251, 0, 2, 0x80, 1, 0xe0, 1}},
        {12, {255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 0x1e}},
    };
    kind %= sizeof(list) / sizeof(list[0]);
    memcpy(m, list[kind].b, list[kind].len);
    return list[kind].len;
}

static void say(struct bytes *in, int fd)
{
    uint8_t m[64];
    unsigned how = take8(in);
    size_t len = sensible(how & 31, m);

    if (how & 0x20) {
        uint8_t *at = &m[take8(in) % len];

        *at = take8(in);
    }
    if (how & 0x40)
        len = take8(in) % (len + 1);
    if (send(fd, m, len, MSG_NOSIGNAL) < 0)
        return;
}

static void mode(struct bytes *in, struct server *s)
{
    static const uint16_t sizes[] = {1,   2,   17,  64,   65,   320,
                                     640, 720, 800, 1024, 1600, 2560};
    uint32_t w = sizes[take8(in) % 12], h = sizes[take8(in) % 11];

    resize(s, w, h);
}

static void damage(struct bytes *in, struct server *s)
{
    struct rect r = {0};

    r.x = take8(in) % s->w;
    r.y = take8(in) % s->h;
    r.w = 1 + take8(in) * 8 % (s->w - r.x);
    r.h = 1 + take8(in) * 8 % (s->h - r.y);
    memset((uint8_t *)s->px + ((size_t)r.y * s->w + r.x) * 4, (int)take8(in),
           (size_t)r.w * 4);
    for (unsigned i = 0; i < s->n; i++) {
        s->client[i]->wait_look = false;
        update_modified(s->client[i], &r);
    }
}

/* A viewer like any other gets its screen. */
static void serve_one(struct server *s)
{
    static const uint8_t hello[] = "RFB 003.008\n\1\1";
    static const uint8_t ask[] = {3, 0, 0, 0, 0, 0, 255, 255, 255, 255};
    int fd;
    size_t got = 0;

    s->auth = VNC_AUTH_NONE;
    s->looked_ms = host.ms;
    resize(s, 64, 48);
    fd = connect_viewer(s);
    if (send(fd, hello, 14, 0) != 14 || send(fd, ask, 10, 0) != 10)
        abort();
    for (unsigned i = 0; i < 20; i++) {
        turn(s);
        got += drain(fd, SIZE_MAX);
    }
    if (got != 12 + 2 + 4 + 24 + 4 + 4 + 12 + 64 * 48 * 4)
        abort();
    close(fd);
    turn(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    struct server *s = server();
    int fd[VIEWERS];

    s->auth = take8(&in) % 3;
    s->layout = take8(&in) % keymaps_n;
    strcpy(s->password, "secret");
    for (unsigned i = 0; i < VIEWERS; i++)
        fd[i] = connect_viewer(s);
    while (in.left) {
        unsigned op = take8(&in), v = op >> 4 & 3;

        v %= VIEWERS;
        if ((op & 15) < 8) {
            say(&in, fd[v]);
        } else if ((op & 15) < 10) {
            drain(fd[v], 1u << (take8(&in) & 31));
        } else if ((op & 15) == 10) {
            mode(&in, s);
        } else if ((op & 15) < 13) {
            damage(&in, s);
        } else if ((op & 15) == 13) {
            s->lamps = (uint8_t)take8(&in);
            for (unsigned i = 0; i < s->n; i++)
                s->client[i]->led_due = true;
        } else if ((op & 15) == 14) {
            host.ms += take8(&in) * 10;
        } else if (op & 0x40) {
            close(fd[v]);
            fd[v] = connect_viewer(s);
        }
        if (op & 0x80)
            turn(s);
    }
    for (unsigned i = 0; i < VIEWERS; i++)
        close(fd[i]);
    turn(s);
    serve_one(s);
    if (s->n)
        abort();
    close(s->ep);
    if (s->codec)
        s->ops->close(s->codec);
    free((void *)s->px);
    free(s);
    return 0;
}
