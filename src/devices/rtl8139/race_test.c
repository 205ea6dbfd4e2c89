/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptor rings of the C+ while another thread writes to them. A model
 * of the chip is told of each read and allows no other: a descriptor's command
 * first, the rest after it, each once; the headers of a frame once. From what
 * was read it makes the frame that has to leave, or what a frame that comes
 * has to become in memory, byte by byte.
 */
#include "../../bench/race_fixture.h"
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#define FLIPS     (RACE_FLIPS / 4)
#define ROUNDS    (RACE_FLIPS / 100)
#define BUFS      8u
#define BUF_BYTES 0x4000u
#define RX_BUF    0x200000u
#define RX_MOST   2048u

#define TX_LEN  0xffffu
#define RX_SIZE 0x1fffu /* of a buffer, and of a frame */

/* A read of a run of descriptors, the first or the second half of it. */
struct run {
    struct rtl_desc d[RTL_DESC_RUN];
    unsigned first, n;
    bool half; /* the rest is to be read */
};

struct chain {
    struct rtl_desc d[RTL_RING_MAX];
    unsigned at[RTL_RING_MAX]; /* their places in the ring */
    unsigned n;
};

enum verdict { MORE, NONE, BROKEN, WHOLE };

struct tx {
    struct run run;
    struct chain c;
    unsigned pos;    /* whose turn it is */
    unsigned cursor; /* what is looked at next */
    enum verdict verdict;
    bool sent;
    unsigned given; /* back to the driver */
    uint8_t head[RTL_HEADERS];
    uint32_t headed; /* bytes read to head */
    unsigned from;   /* the descriptor that more comes from */
};

struct rx {
    struct run run;
    struct chain c;
    unsigned pos, next;
    bool cable; /* a frame is coming in */
    const uint8_t *frame;
    uint32_t len;
    struct {
        uint64_t gpa;
        uint8_t byte;
    } wrote[RX_MOST];
    unsigned nwrote, nstatus;
    uint32_t status[RTL_RING_MAX]; /* from the last descriptor to the first */
};

struct race {
    struct gmem_ops ops; /* first */
    const struct gmem_ops *real;
    struct net_ops net; /* of the cable */
    const struct net_ops *cable;
    struct rig *r;
    struct flipper f;
    struct tx tx;
    struct rx rx;
    uint64_t draw;
    uint64_t copied, offloads, tagged, refused, frames_in;
    uint8_t want[NET_FRAME_MAX], got[NET_FRAME_MAX];
};

static struct race *race_of(struct gmem *g)
{
    return (struct race *)(uintptr_t)g->ops;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void flip(void *ctx, uint64_t draw)
{
    static const uint32_t cmd[16] = {
        PLUS_ONE | 200,
        PLUS_ONE | 700,
        PLUS_ONE | RTL_DESC_EOR | 1500,
        RTL_DESC_OWN | RTL_DESC_FS | 300,
        RTL_DESC_OWN | RTL_DESC_LS | 400,
        0,
        PLUS_ONE | 5000,
        RTL_DESC_OWN | 64,
        PLUS_ONE | 60,
        RTL_DESC_OWN | RTL_DESC_FS | PLUS_TCPCS | PLUS_UDPCS | 20,
        PLUS_ONE | PLUS_IPCS | PLUS_TCPCS | 100,
        PLUS_ONE | PLUS_IPCS | PLUS_UDPCS | 800,
        PLUS_ONE | PLUS_LGSEN | PLUS_MSS(100) | 900,
        RTL_DESC_OWN | RTL_DESC_FS | PLUS_LGSEN | PLUS_MSS(500) | 2000,
        PLUS_ONE,
        RTL_DESC_OWN | RTL_DESC_LS | PLUS_TCPCS | 3,
    };
    struct race *t = ctx;
    unsigned ring = draw & 1, n = draw >> 1 & 7;
    uint8_t *at =
        t->r->b->ram + (ring ? RIG_RDSAR : RIG_TNPDS) + n * RTL_DESC_BYTES;
    uint32_t base = ring ? RX_BUF : PLUS_BUF;

    switch (draw >> 4 & 7) {
    case 0:
    case 1:
        guest_store32(at + 8, base + (draw >> 8) % BUFS * BUF_BYTES);
        break;
    case 2: /* out of memory, or out of 32 bits */
        guest_store32(at + 12, (draw >> 8 & 7) == 0);
        break;
    case 3:
        guest_store32(at + 4, (draw >> 8 & 3 ? 0 : PLUS_TAGC) | draw >> 48);
        break;
    default:
        guest_store32(at, cmd[draw >> 8 & 15]);
        break;
    }
}

/* Of either ring; true: now it is read. */
static bool run_read(struct race *t, struct run *run, unsigned first,
                     const uint8_t *p, unsigned n)
{
    bool owned = false;

    if (run->half)
        assert_true(first == run->first && n == run->n);
    for (unsigned i = 0; i < n; i++, p += RTL_DESC_BYTES) {
        struct rtl_desc *d = &run->d[i];

        if (run->half) {
            d->vlan = get_le32(p + 4);
            d->gpa = get_le32(p + 8);
            if (t->r->rtl->s.cpcr & CPCR_DAC)
                d->gpa |= (uint64_t)get_le32(p + 12) << 32;
        } else {
            *d = (struct rtl_desc){.cmd = get_le32(p)};
            owned |= (d->cmd & RTL_DESC_OWN) != 0;
        }
    }
    run->first = first;
    run->n = n;
    run->half = !run->half && owned;
    return !run->half;
}

static unsigned after(const struct rtl_desc *d, unsigned at)
{
    return d->cmd & RTL_DESC_EOR ? 0 : (at + 1) % RTL_RING_MAX;
}

/* Transmit */

static void tx_begin(struct tx *x, unsigned pos)
{
    x->pos = x->cursor = pos;
    x->verdict = MORE;
    x->sent = false;
    x->c.n = x->given = x->headed = x->from = 0;
}

static enum verdict tx_look(struct tx *x)
{
    struct chain *c = &x->c;

    while (c->n < RTL_RING_MAX) {
        const struct rtl_desc *d;
        unsigned at = x->cursor;

        if (at < x->run.first || at - x->run.first >= x->run.n)
            return MORE;
        d = &x->run.d[at - x->run.first];
        if (!(d->cmd & RTL_DESC_OWN))
            return NONE;
        if (c->n && d->cmd & RTL_DESC_FS)
            return BROKEN;
        c->at[c->n] = at;
        c->d[c->n++] = *d;
        x->cursor = after(d, at);
        if (!x->cursor) /* those may have been given back since */
            x->run.n = 0;
        if (!(c->d[0].cmd & RTL_DESC_FS))
            return BROKEN;
        if (c->d[c->n - 1].cmd & RTL_DESC_LS)
            return WHOLE;
        if (x->cursor == x->pos)
            return NONE;
    }
    return NONE;
}

static enum verdict tx_verdict(struct tx *x)
{
    if (x->verdict == MORE)
        x->verdict = tx_look(x);
    return x->verdict;
}

static uint32_t tx_len(const struct chain *c)
{
    uint32_t len = 0;

    for (unsigned i = 0; i < c->n; i++)
        len += c->d[i].cmd & TX_LEN;
    return len;
}

static unsigned tx_wants(const struct chain *c, uint32_t *vlan, uint16_t *mss)
{
    const struct rtl_desc *a = &c->d[0], *z = &c->d[c->n - 1];
    uint32_t cmd = a->cmd | z->cmd;
    uint32_t large = a->cmd & PLUS_LGSEN ? a->cmd : z->cmd;

    *vlan = a->vlan & PLUS_TAGC ? a->vlan : z->vlan;
    *mss = (uint16_t)(large >> 16 & 0x7ff);
    if (cmd & PLUS_LGSEN)
        return RTL_OFFL_LARGE;
    return (cmd & PLUS_IPCS ? RTL_OFFL_IP : 0) |
           (cmd & PLUS_UDPCS ? RTL_OFFL_UDP : 0) |
           (cmd & PLUS_TCPCS ? RTL_OFFL_TCP : 0);
}

/* Two reads of a header never find the same in it. */
static void change_header(struct race *t, uint8_t *h, size_t n)
{
    uint32_t len = tx_len(&t->tx.c) - 14, draw = t->draw++ % 8;
    uint32_t total = draw < 4 ? len : draw == 4 ? len - 2 : draw * 7;

    h[13] ^= (uint8_t)(draw == 7);
    set_be16(h + 16, total);
    if (n >= 40)
        set_be16(h + 38, total - 20);
    h[n - 1] = (uint8_t)t->draw;
}

static void head_read(struct race *t, uint64_t gpa, uint8_t *p, size_t len)
{
    struct tx *x = &t->tx;
    const struct rtl_desc *d;

    assert_int_equal(tx_verdict(x), WHOLE);
    assert_false(x->sent);
    while (x->from < x->c.n && !(x->c.d[x->from].cmd & TX_LEN))
        x->from++;
    assert_true(x->from < x->c.n && x->headed < RTL_HEADERS);
    d = &x->c.d[x->from++];
    assert_true(gpa == d->gpa);
    assert_int_equal(len, least(d->cmd & TX_LEN, RTL_HEADERS - x->headed));
    if (!x->headed && len >= 20)
        change_header(t, p, len);
    memcpy(x->head + x->headed, p, len);
    x->headed += (uint32_t)len;
}

/* What has to leave; false: nothing can. */
static bool tx_frame(struct race *t, uint32_t *len, struct net_offload *o)
{
    struct tx *x = &t->tx;
    uint32_t n, end, vlan, at = 0, tag = 0, all = tx_len(&x->c);
    uint8_t *w = t->want;
    uint16_t mss;
    unsigned what = tx_wants(&x->c, &vlan, &mss);

    *o = (struct net_offload){0};
    *len = all;
    if (!all || all > NET_FRAME_MAX - RTL_TAG_BYTES)
        return false;
    n = all < RTL_HEADERS ? all : RTL_HEADERS;
    assert_int_equal(x->headed,
                     what || vlan & PLUS_TAGC || all <= RTL_HEADERS ? n : 0);
    memcpy(w, x->head, x->headed);
    if (x->headed)
        rtl_offload(what, mss, w, n, len, &end, o);
    for (unsigned i = 0; i < x->c.n; i++) {
        const struct rtl_desc *d = &x->c.d[i];

        for (uint32_t k = 0; k < (d->cmd & TX_LEN); k++, at++) {
            if (at < x->headed || at >= *len)
                continue;
            w[at] = d->gpa + k < RIG_RAM ? t->r->b->ram[d->gpa + k] : 0xff;
        }
    }
    if (x->headed && vlan & PLUS_TAGC && least(n, *len) >= RTL_ETH_BYTES) {
        tag = RTL_TAG_BYTES;
        memmove(w + 16, w + 12, *len - 12);
        memcpy(w + 12,
               (uint8_t[]){0x81, 0, (uint8_t)vlan, (uint8_t)(vlan >> 8)},
               RTL_TAG_BYTES);
        *len += tag;
        t->tagged++;
    }
    if (!o->mss && *len > RTL_FRAME_MAX)
        return false;
    if (o->csum_start) {
        struct iovec iov = {w, *len};

        t->offloads++;
        o->csum_start = (uint16_t)(o->csum_start + tag);
        o->hdr_len = (uint16_t)(o->hdr_len ? o->hdr_len + tag : 0);
        if (end + tag < *len) {
            rtl_offload_finish(o, &iov, 1, end + tag);
            *o = (struct net_offload){0};
        }
    }
    while (*len < RTL_ETH_MIN)
        w[(*len)++] = 0;
    t->copied += x->headed != 0;
    return true;
}

static int64_t seen_tx(struct net *net, const struct net_offload *o,
                       const struct iovec *iov, unsigned niov)
{
    struct race *t =
        (struct race *)((uintptr_t)net->ops - offsetof(struct race, net));
    struct net_offload want;
    uint32_t len, at = 0;

    assert_int_equal(tx_verdict(&t->tx), WHOLE);
    assert_false(t->tx.sent);
    assert_true(tx_frame(t, &len, &want));
    for (unsigned i = 0; i < niov; i++) {
        assert_true(iov[i].iov_len <= len - at);
        memcpy(t->got + at, iov[i].iov_base, iov[i].iov_len);
        at += (uint32_t)iov[i].iov_len;
    }
    assert_int_equal(at, len);
    assert_memory_equal(t->got, t->want, len);
    assert_int_equal(o != NULL, want.csum_start != 0);
    if (o)
        assert_memory_equal(o, &want, sizeof(want));
    t->tx.sent = true;
    return len;
}

/* A descriptor goes back: as it was, but the driver's, in its turn. */
static void tx_status(struct race *t, unsigned at, uint32_t v)
{
    struct tx *x = &t->tx;
    struct chain *c = &x->c;
    enum verdict verdict = tx_verdict(x);
    const uint32_t keep = RTL_DESC_EOR | TX_LEN | RTL_DESC_FS | RTL_DESC_LS;

    assert_true(verdict == WHOLE || verdict == BROKEN);
    if (!x->given && !x->sent) {
        struct net_offload o;
        uint32_t len;

        assert_true(verdict == BROKEN || !tx_frame(t, &len, &o));
        t->refused++;
    }
    assert_int_equal(at, c->at[x->given]);
    assert_int_equal(v, (c->d[x->given].cmd & keep) | (x->sent ? 0 : PLUS_TES));
    if (++x->given == c->n)
        tx_begin(x, x->cursor);
}

static void tx_read(struct race *t, unsigned at, const uint8_t *p, unsigned n)
{
    struct tx *x = &t->tx;

    if (!x->run.half && at == x->pos) {
        assert_int_equal(x->given, 0);
        tx_begin(x, at);
    } else if (!x->run.half) {
        assert_int_equal(tx_verdict(x), MORE);
        assert_int_equal(at, x->cursor);
    }
    run_read(t, &x->run, at, p, n);
}

/* Receive */

static void rx_read(struct race *t, unsigned at, const uint8_t *p, unsigned n)
{
    struct rx *x = &t->rx;
    struct chain *c = &x->c;

    if (!x->run.half && at == x->pos) {
        c->n = 0;
        x->next = at;
    }
    assert_int_equal(at, x->next);
    if (!run_read(t, &x->run, at, p, n))
        return;
    for (unsigned i = 0; i < n && c->n < RTL_RING_MAX; i++) {
        const struct rtl_desc *d = &x->run.d[i];

        if (!(d->cmd & RTL_DESC_OWN))
            break;
        c->at[c->n] = x->next;
        c->d[c->n++] = *d;
        x->next = after(d, x->next);
        if (!x->next || x->next == x->pos)
            break;
    }
}

static void rx_write(struct race *t, uint64_t gpa, const uint8_t *p, size_t n)
{
    struct rx *x = &t->rx;

    assert_true(x->cable && !x->nstatus);
    assert_true(n <= RX_MOST - x->nwrote);
    for (size_t i = 0; i < n; i++, x->nwrote++) {
        x->wrote[x->nwrote].gpa = gpa + i;
        x->wrote[x->nwrote].byte = p[i];
    }
}

/* All of a frame is in memory: it is what was put there. */
static void rx_frame(struct race *t)
{
    struct rx *x = &t->rx;
    const struct chain *c = &x->c;
    uint32_t all = x->len + RTL_FCS_BYTES, at = 0;
    uint32_t fcs = slow_crc(x->frame, x->len);
    unsigned i;

    assert_int_equal(x->nwrote, all);
    for (i = 0; at < all; i++) {
        uint32_t size, v, fill;

        assert_true(i < c->n && i < x->nstatus);
        size = c->d[i].cmd & RX_SIZE;
        v = x->status[x->nstatus - 1 - i];
        fill = least(size, all - at);
        for (uint32_t k = 0; k < fill; k++, at++) {
            uint8_t b = at < x->len ? x->frame[at]
                                    : (uint8_t)(fcs >> 8 * (at - x->len));

            assert_true(x->wrote[at].gpa == c->d[i].gpa + k);
            assert_int_equal(x->wrote[at].byte, b);
        }
        assert_int_equal(v & RTL_DESC_OWN, 0);
        assert_int_equal(v & RTL_DESC_EOR, c->d[i].cmd & RTL_DESC_EOR);
        assert_int_equal(v & RTL_DESC_FS, i ? 0 : RTL_DESC_FS);
        assert_int_equal(v & RTL_DESC_LS, at == all ? RTL_DESC_LS : 0);
        assert_int_equal(v & RX_SIZE, at == all ? all : fill);
    }
    assert_int_equal(i, x->nstatus);
    x->pos = after(&c->d[i - 1], c->at[i - 1]);
    x->c.n = 0;
    x->cable = false;
    t->frames_in++;
}

/* They go back from the last to the first: then the driver sees the frame. */
static void rx_status(struct race *t, unsigned at, uint32_t v)
{
    struct rx *x = &t->rx;

    assert_true(x->cable && x->nstatus < RTL_RING_MAX && x->c.n);
    x->status[x->nstatus++] = v;
    if (v & RTL_DESC_FS) {
        assert_int_equal(at, x->c.at[0]);
        rx_frame(t);
    } else {
        assert_int_not_equal(at, x->c.at[0]);
    }
}

/* Guest memory */

static bool in_ring(uint64_t gpa, uint32_t base, unsigned *at)
{
    *at = (unsigned)(gpa - base) / RTL_DESC_BYTES;
    return gpa - base < RTL_RING_MAX * RTL_DESC_BYTES;
}

static int seen_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct race *t = race_of(g);
    int rc = t->real->read(g, gpa, dst, len);
    unsigned at;

    if (in_ring(gpa, RIG_TNPDS, &at))
        tx_read(t, at, dst, (unsigned)len / RTL_DESC_BYTES);
    else if (in_ring(gpa, RIG_RDSAR, &at))
        rx_read(t, at, dst, (unsigned)len / RTL_DESC_BYTES);
    else
        head_read(t, gpa, dst, len);
    for (unsigned i = 0; i < 8; i++)
        flipper_here(&t->f);
    return rc;
}

static int seen_write(struct gmem *g, uint64_t gpa, const void *src, size_t len)
{
    struct race *t = race_of(g);
    unsigned at;

    if (in_ring(gpa, RIG_TNPDS, &at))
        tx_status(t, at, get_le32(src));
    else if (in_ring(gpa, RIG_RDSAR, &at))
        rx_status(t, at, get_le32(src));
    else
        rx_write(t, gpa, src, len);
    return t->real->write(g, gpa, src, len);
}

static void receive(struct race *t, const uint8_t *frame, uint32_t len)
{
    struct rx *x = &t->rx;

    x->frame = frame;
    x->len = len;
    x->nwrote = x->nstatus = 0;
    x->cable = true;
    net_mem_put(t->r->net, frame, len);
    net_mem_rx_end(t->r->net);
    if (x->cable) /* there was no room */
        assert_int_equal(x->nwrote, 0);
    x->cable = false;
}

/* From the start of the rings. */
static void restart(struct race *t, uint16_t cpcr)
{
    rig_wr1(t->r, RTL_CR, 0);
    memset(&t->tx, 0, sizeof(t->tx));
    memset(&t->rx, 0, sizeof(t->rx));
    rig_cplus(t->r, 0, cpcr);
}

static void fill_buffers(struct race *t)
{
    for (unsigned i = 0; i < BUFS; i++) {
        struct frame_ip ip = {.len = BUF_BYTES,
                              .proto = i & 1 ? PROTO_UDP : PROTO_TCP};
        uint8_t *f = t->r->b->ram + PLUS_BUF + i * BUF_BYTES;

        frame_ip(f, &ip);
        for (unsigned k = 64; k < BUF_BYTES; k++)
            f[k] = (uint8_t)(k * 7 + k / 251 + i * 29);
    }
}

static void race_of_the_rings(void **state)
{
    struct rig *r = rig_plus();
    struct race *t = calloc(1, sizeof(*t));
    uint8_t frame[1514];
    unsigned rounds = 0;

    assert_non_null(t);
    t->ops = *r->b->gmem.ops;
    t->real = r->b->gmem.ops;
    t->ops.read = seen_read;
    t->ops.write = seen_write;
    t->cable = r->net->ops;
    t->net = *r->net->ops;
    t->net.tx = seen_tx;
    t->r = r;
    t->f = (struct flipper){.flip = flip, .ctx = t};
    fill_buffers(t);
    frame_plain(frame, sizeof(frame), rig_mac, 1);
    r->b->gmem.ops = &t->ops;
    r->net->ops = &t->net;
    assert_true(flipper_start(&t->f));
    while (!flipper_has(&t->f, FLIPS) || rounds < ROUNDS) {
        if (rounds++ % 64 == 0)
            restart(t, rounds & 64 ? CPCR_DAC : 0);
        plus_poll(r);
        receive(t, frame, 60 + rounds % 1400);
        assert_int_equal(r->b->pins, 0);
    }
    flipper_stop(&t->f);
    print_message(
        "%u rounds, %llu frames out (headers of %llu, %llu with "
        "offload, %llu tagged), %llu refused, %llu in, %llu flips\n",
        rounds, (unsigned long long)r->rtl->stats.tx_frames,
        (unsigned long long)t->copied, (unsigned long long)t->offloads,
        (unsigned long long)t->tagged, (unsigned long long)t->refused,
        (unsigned long long)t->frames_in, (unsigned long long)t->f.flips);
    assert_true(t->copied > 50 && t->frames_in > 50);
    assert_true(t->offloads && t->tagged && t->refused);
    assert_true(r->rtl->stats.rx_frames == t->frames_in);
    r->b->gmem.ops = t->real;
    r->net->ops = t->cable;
    rig_free(r);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(race_of_the_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
