/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framebuffer updates. A viewer whose pixels are ours and who wants them raw
 * gets them from the shared memory to its socket without a copy in between;
 * the others get bands of rows through libvncserver's encoders. One update is
 * at work at a time, and the next begins when all of it was taken.
 */
#include "vnc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEAD_BYTES    12u /* of a rectangle */
#define IOVS          256
#define TILE          64u /* ZRLE's tiles; Hextile's are a quarter */
#define ENC_LAST_RECT (-224)

void update_modified(struct client *c, const struct rect *r)
{
    if (c->state == NORMAL)
        region_add(&c->modified, r);
}

void update_request(struct client *c, bool incremental, struct rect r)
{
    if (!incremental && c->ext_desktop_size)
        c->size_due = true;
    if (!rect_clip(&r, c->w, c->h))
        return;
    region_add(&c->requested, &r);
    if (incremental)
        return;
    region_add(&c->modified, &r);
    c->wait_look = now_ms() - c->s->looked_ms > FRESH_MS;
}

void update_resized(struct client *c)
{
    const struct rect all = {0, 0, c->s->w, c->s->h};

    if (c->state != NORMAL)
        return;
    c->modified.n = 0;
    region_add(&c->modified, &all);
    if (c->w != c->s->w || c->h != c->s->h)
        c->size_due = true;
}

static void sent(struct client *c)
{
    c->stalled_ms = 0;
}

/* What send() said; false: no more can be sent now. */
static bool failed(struct client *c)
{
    if (errno == EINTR)
        return true;
    c->writable = false;
    if (errno != EAGAIN)
        c->dead = true;
    else if (!c->stalled_ms)
        c->stalled_ms = now_ms();
    return false;
}

/* Sends *len bytes at *p as far as they are taken; true: all. */
static bool send_bytes(struct client *c, const uint8_t **p, size_t *len,
                       int flags)
{
    while (*len && c->writable) {
        ssize_t n = send(c->fd, *p, *len, MSG_NOSIGNAL | MSG_DONTWAIT | flags);

        if (n > 0) {
            *p += n;
            *len -= (size_t)n;
            sent(c);
        } else if (!failed(c)) {
            return false;
        }
    }
    return !*len;
}

bool update_flush(struct client *c)
{
    const uint8_t *p = c->out + c->out_pos;
    size_t left = c->out_len - c->out_pos;
    bool more = c->enc.len || (c->job.active && c->job.raw);
    bool all = send_bytes(c, &p, &left, more ? MSG_MORE : 0);

    c->out_pos = c->out_len - left;
    if (!all)
        return false;
    c->out_pos = c->out_len = 0;
    return send_bytes(c, &c->enc.p, &c->enc.len, 0);
}

static void put_head(uint8_t *p, const struct rect *r, int32_t enc)
{
    put16(p, r->x);
    put16(p + 2, r->y);
    put16(p + 4, r->w);
    put16(p + 6, r->h);
    put32(p + 8, (uint32_t)enc);
}

/* The message header with n rectangles to follow. */
static uint8_t *put_update(struct client *c, unsigned n, size_t bytes)
{
    uint8_t *p = client_put(c, 4 + bytes);

    if (!p)
        return NULL;
    memset(p, 0, 4 + bytes);
    put16(p + 2, n);
    return p + 4;
}

/* DesktopSize, or ExtendedDesktopSize with its one screen. */
static void send_size(struct client *c)
{
    struct rect r = {c->resize_reason, c->resize_status, c->s->w, c->s->h};
    uint8_t *p;

    c->size_due = false;
    c->resize_reason = c->resize_status = 0;
    if (!c->desktop_size && !c->ext_desktop_size)
        return;
    c->w = c->s->w;
    c->h = c->s->h;
    if (!c->ext_desktop_size) {
        if ((p = put_update(c, 1, HEAD_BYTES)))
            put_head(p, &r, -223);
        return;
    }
    p = put_update(c, 1, HEAD_BYTES + 4 + 16);
    if (!p)
        return;
    put_head(p, &r, -308);
    p[12] = 1;
    put32(p + 16, 1);
    put16(p + 24, c->w);
    put16(p + 26, c->h);
}

static void send_leds(struct client *c)
{
    const struct rect none = {0, 0, 0, 0};
    uint8_t *p;

    c->led_due = false;
    if (!c->led_state || !(p = put_update(c, 1, HEAD_BYTES + 1)))
        return;
    put_head(p, &none, -261);
    p[12] = c->s->lamps & 7;
}

static uint32_t band_rows(const struct rect *r, uint32_t row)
{
    uint32_t rows = BAND_PIXELS / r->w; /* 38 of the widest screen */

    rows -= rows % (rows < TILE ? TILE / 4 : TILE);
    return rows < r->h - row ? rows : r->h - row;
}

static struct rect band(const struct client *c)
{
    struct rect r = c->job.g.r[c->job.i];
    uint32_t rows = band_rows(&r, c->job.row);

    r.y += c->job.row;
    r.h = rows;
    return r;
}

/* Rectangles of the update as encoded; 0: not known before. */
static unsigned count_coded(struct client *c)
{
    const struct region *g = &c->job.g;
    unsigned n = 0;

    for (unsigned i = 0; i < g->n; i++)
        for (uint32_t row = 0, rows; row < g->r[i].h; row += rows) {
            struct rect r = g->r[i];

            rows = band_rows(&r, row);
            r.y += row;
            r.h = rows;
            unsigned k = c->s->ops->count(c->encoder, &r);
            if (!k)
                return 0;
            n += k;
        }
    return n;
}

/* Starts an update of what is both asked for and new; false: nothing is. */
static bool begin(struct client *c)
{
    struct region seen = {.n = 1, .r = {{0, 0, c->w, c->h}}};
    struct region new;
    struct job *j = &c->job;
    unsigned n;

    if (c->wait_look || !c->requested.n || !c->modified.n ||
        !rect_clip(&seen.r[0], c->s->w, c->s->h))
        return false;
    region_intersect(&new, &c->modified, &seen);
    region_intersect(&j->g, &new, &c->requested);
    if (!j->g.n)
        return false;
    for (unsigned i = 0; i < j->g.n; i++)
        region_subtract(&c->modified, &j->g.r[i]);
    c->requested.n = 0;
    j->i = 0;
    j->pos = 0;
    j->row = 0;
    j->raw = c->native && c->encoding == ENC_RAW;
    if (!j->raw && !client_encoder(c))
        return false;
    n = j->raw ? j->g.n : count_coded(c);
    j->last_rect = !n;
    put_update(c, n ? n : 0xffff, 0);
    j->active = true;
    return true;
}

/* The rest of a raw rectangle as iovecs, at most budget bytes or so. */
static unsigned gather(struct client *c, uint8_t *head, struct iovec *iov,
                       size_t budget)
{
    const struct job *j = &c->job;
    const struct rect *r = &j->g.r[j->i];
    size_t stride = (size_t)c->s->w * 4, line = (size_t)r->w * 4;
    size_t off = j->pos < HEAD_BYTES ? 0 : j->pos - HEAD_BYTES;
    unsigned n = 0;

    if (j->pos < HEAD_BYTES) {
        put_head(head, r, ENC_RAW);
        iov[n++] = (struct iovec){head + j->pos, HEAD_BYTES - j->pos};
    }
    if (line == stride) {
        size_t left = line * r->h - off;

        iov[n].iov_base = (void *)(c->s->px + r->y * stride + off);
        iov[n++].iov_len = left < budget ? left : budget;
        return n;
    }
    while (n < IOVS && off < line * r->h) {
        size_t row = off / line, col = off % line;

        iov[n].iov_base =
            (void *)(c->s->px + (r->y + row) * stride + r->x * 4u + col);
        iov[n++].iov_len = line - col;
        off += line - col;
    }
    return n;
}

/* False: the viewer takes no more, or the turn is over. */
static bool send_raw(struct client *c, size_t *budget)
{
    struct job *j = &c->job;
    struct iovec iov[IOVS];
    uint8_t head[HEAD_BYTES];

    while (j->i < j->g.n) {
        const struct rect *r = &j->g.r[j->i];
        size_t all = HEAD_BYTES + (size_t)r->w * 4 * r->h;
        struct msghdr m = {.msg_iov = iov};

        if (!c->writable || !*budget)
            return false;
        m.msg_iovlen = gather(c, head, iov, *budget);
        ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (!failed(c))
                return false;
            continue;
        }
        sent(c);
        *budget -= (size_t)n < *budget ? (size_t)n : *budget;
        j->pos += (size_t)n;
        if (j->pos == all) {
            j->pos = 0;
            j->i++;
        }
    }
    j->active = false;
    return true;
}

/* Encodes the next band; all before it was taken. */
static void encode_band(struct client *c)
{
    struct job *j = &c->job;
    const struct rect r = band(c);

    if (!c->s->ops->encode(c->encoder, &r, &c->enc)) {
        c->dead = true;
        return;
    }
    j->row += r.h;
    if (j->row == j->g.r[j->i].h) {
        j->row = 0;
        j->i++;
    }
}

static void end_coded(struct client *c)
{
    const struct rect none = {0, 0, 0, 0};
    uint8_t *p = c->job.last_rect ? client_put(c, HEAD_BYTES) : NULL;

    if (p)
        put_head(p, &none, ENC_LAST_RECT);
    c->job.active = false;
}

bool update_run(struct client *c)
{
    size_t budget = SEND_BUDGET;
    bool done = false;

    while (!c->dead && budget) {
        if (!update_flush(c))
            return done;
        if (c->job.active && c->job.raw) {
            if (!send_raw(c, &budget))
                return done || !budget;
            done = true;
        } else if (c->job.active && c->job.i < c->job.g.n) {
            encode_band(c);
            budget -= c->enc.len < budget ? c->enc.len : budget;
        } else if (c->job.active) {
            end_coded(c);
            done = true;
        } else if (c->state != NORMAL) {
            return done;
        } else if (c->size_due) {
            send_size(c);
        } else if (c->led_due) {
            send_leds(c);
        } else if (!begin(c)) {
            return done;
        }
    }
    return !c->dead;
}

bool update_waiting(const struct client *c)
{
    return c->state == NORMAL && !c->dead && !c->job.active &&
           c->out_pos == c->out_len && !c->enc.len && c->requested.n;
}
