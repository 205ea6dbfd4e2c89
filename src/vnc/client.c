/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vnc.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes in the kernel that the viewer's side has not been sent. */
#define UNSENT_BYTES (512 << 10)
#define TURNS        8

static void tune(int fd)
{
    int on = 1, unsent = UNSENT_BYTES;

    /* On a unix socket these fail, and there is nothing to tune. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void client_gone(uint32_t slot)
{
    struct vnc_msg m = {.type = VNC_GONE, .client.slot = slot};

    tell(&m);
}

/* Of two that have not logged in: those that have said no password go first,
 * then the one that has waited longest. */
static bool goes_before(const struct client *a, const struct client *b)
{
    bool held = a->state == HELD;

    if (held != (b->state == HELD))
        return !held;
    return a->deadline_ms < b->deadline_ms;
}

/*
 * Makes room when the table is full: somebody who has not logged in has to go,
 * so that strangers cannot keep people out.
 */
static bool make_room(struct server *s)
{
    struct client *oldest = NULL;

    if (s->n < CLIENTS_MAX)
        return true;
    for (unsigned i = 0; i < s->n; i++) {
        struct client *c = s->client[i];

        if (c->state != NORMAL && (!oldest || goes_before(c, oldest)))
            oldest = c;
    }
    if (!oldest)
        return false;
    for (unsigned i = 0; i < s->n; i++)
        if (s->client[i] == oldest)
            s->client[i] = s->client[--s->n];
    uint32_t slot = oldest->slot;

    client_free(oldest);
    client_gone(slot);
    return true;
}

void client_new(struct server *s, int fd, uint32_t slot)
{
    static const char version[] = "RFB 003.008\n";
    struct client *c = NULL;

    if (fd >= 0 && make_room(s))
        c = calloc(1, sizeof(*c));
    if (!c) {
        if (fd >= 0)
            close(fd);
        client_gone(slot);
        return;
    }
    tune(fd);
    c->s = s;
    c->fd = fd;
    c->slot = slot;
    c->deadline_ms = now_ms() + HANDSHAKE_MS;
    /*
     * Edge-triggered: input that cannot be used yet must not spin. readable
     * and writable remember what was told.
     */
    struct epoll_event ev = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(s->ep, EPOLL_CTL_ADD, fd, &ev)) {
        close(fd);
        free(c);
        client_gone(slot);
        return;
    }
    s->client[s->n++] = c;
    c->writable = true;
    uint8_t *p = client_put(c, sizeof(version) - 1);
    if (p)
        memcpy(p, version, sizeof(version) - 1);
}

void client_free(struct client *c)
{
    keys_release(c);
    if (c->encoder)
        c->s->ops->end(c->encoder);
    /* hvmd may not have closed its own yet, and then closing leaves events */
    epoll_ctl(c->s->ep, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    explicit_bzero(c->challenge, sizeof(c->challenge));
    free(c);
}

uint8_t *client_put(struct client *c, size_t len)
{
    uint8_t *p = c->out + c->out_len;

    if (len > OUT_BYTES - c->out_len) {
        c->dead = true;
        return NULL;
    }
    c->out_len += len;
    return p;
}

bool codec_need(struct server *s)
{
    if (!s->ops)
        s->ops = codec_load();
    if (s->ops && !s->codec) {
        s->codec = s->ops->open(s->px);
        if (s->codec)
            s->ops->screen(s->codec, s->w, s->h);
    }
    return s->codec;
}

bool client_tell_encoder(struct client *c, const uint8_t *msg, size_t len)
{
    struct encoded answer;
    uint8_t *p;

    if (!c->s->ops->message(c->encoder, msg, len, &answer)) {
        c->dead = true;
        return false;
    }
    p = client_put(c, answer.len);
    if (p)
        memcpy(p, answer.p, answer.len);
    return p;
}

bool client_encoder(struct client *c)
{
    if (c->encoder)
        return true;
    if (codec_need(c->s))
        c->encoder = c->s->ops->start(c->s->codec);
    if (!c->encoder) {
        c->dead = true;
        return false;
    }
    return (!c->set_format_known ||
            client_tell_encoder(c, c->set_format, sizeof(c->set_format))) &&
           (!c->set_encodings_len ||
            client_tell_encoder(c, c->set_encodings, c->set_encodings_len));
}

/* Takes whole messages from the front of what has come. */
static void consume(struct client *c)
{
    size_t used = 0;

    for (unsigned i = 0; i < MSG_BUDGET && !c->dead; i++) {
        size_t left = c->in_len - used, n;

        if (c->skip) {
            n = left < c->skip ? left : c->skip;
            c->skip -= (uint32_t)n;
        } else if (c->state == NORMAL) {
            n = msg_input(c, c->in + used, left);
        } else {
            n = hand_input(c, c->in + used, left);
        }
        if (!n)
            break;
        used += n;
    }
    c->in_len -= used;
    memmove(c->in, c->in + used, c->in_len);
}

/* True: something came or was used. */
static bool read_some(struct client *c)
{
    size_t before;

    if (c->readable && c->in_len < IN_BYTES) {
        ssize_t n = recv(c->fd, c->in + c->in_len, IN_BYTES - c->in_len, 0);

        if (n > 0)
            c->in_len += (size_t)n;
        else if (n < 0 && errno == EAGAIN)
            c->readable = false;
        else if (n == 0 || errno != EINTR)
            c->dead = true;
    }
    before = c->in_len;
    if (!c->dead)
        consume(c);
    return c->in_len < before;
}

void client_events(struct client *c, unsigned events)
{
    if (events & (EPOLLHUP | EPOLLERR))
        c->dead = true;
    if (events & EPOLLOUT)
        c->writable = true;
    if (events & (EPOLLIN | EPOLLRDHUP))
        c->readable = true;
}

bool client_run(struct client *c)
{
    bool progress = true;

    for (unsigned turn = 0; turn < TURNS && progress && !c->dead; turn++) {
        progress = read_some(c);
        if (!c->dead)
            progress |= update_run(c);
    }
    return progress && !c->dead;
}

uint64_t client_limit(struct client *c, uint64_t now)
{
    uint64_t end = UINT64_MAX;

    if (c->dead)
        return 0;
    if (c->state != NORMAL)
        end = c->deadline_ms;
    if (c->stalled_ms && c->stalled_ms + STALL_MS < end)
        end = c->stalled_ms + STALL_MS;
    if (end > now && c->throttled) { /* goes on reading then */
        uint64_t again = c->told_ms + EVENTS_MS;

        return again > now ? again - now : 0;
    }
    if (end > now)
        return end == UINT64_MAX ? UINT64_MAX : end - now;
    if (c->state == HELD)
        hand_answer(c);
    else
        c->dead = true;
    return 0;
}
