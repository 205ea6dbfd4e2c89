/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transmit descriptor rings of the RTL8139C+. A frame leaves when all of
 * its descriptors are there, from first to last segment; until then the ring
 * is only looked at, so there is nothing half gathered to keep or to save.
 * Each descriptor is copied once, the headers that offload looks at are copied
 * once, the rest is lent to the cable as it lies in guest memory (R1).
 * Source: RTL8139C(L)+ data sheet 1.6, transmit descriptors, TPPoll, TNPDS.
 */
#include "priv.h"

#include <string.h>

/* Command */
#define TX_LGSEN     0x08000000u
#define TX_MSS_SHIFT 16
#define TX_MSS       0x7ffu
#define TX_IPCS      0x00040000u
#define TX_UDPCS     0x00020000u
#define TX_TCPCS     0x00010000u
#define TX_LEN       0x0000ffffu
#define TX_TAGC      0x00020000u /* in the second word */
/* Status; ring bits and length stay as they were. */
#define TX_KEEP (RTL_DESC_EOR | RTL_DESC_FS | RTL_DESC_LS | TX_LEN)
#define TX_TES  0x00800000u
#define TX_LNKF 0x00200000u

/* Room for every page of the longest frame in the most descriptors. */
#define FRAME_IOVS (1u + NET_FRAME_MAX / 4096 + 2 * RTL_RING_MAX)

/* A look at one ring: a run of descriptors, as it was when it was read. */
struct ring {
    struct rtl *nic;
    uint64_t base;
    uint32_t *size;    /* learnt where it ends */
    uint32_t first, n; /* the run */
    struct rtl_desc run[RTL_DESC_RUN];
};

enum found { FOUND_NONE, FOUND_FRAME, FOUND_BROKEN };

struct frame {
    struct rtl_desc d[RTL_RING_MAX];
    uint16_t at[RTL_RING_MAX]; /* their places in the ring */
    unsigned n;                /* descriptors */
    uint32_t next;             /* the descriptor behind them */
    uint32_t len;              /* bytes in all */
};

/* The frame as the cable gets it, and what is pinned for that. */
struct parcel {
    uint8_t head[RTL_HEADERS + RTL_TAG_BYTES];
    struct iovec iov[FRAME_IOVS];
    unsigned niov, own, npins; /* own: of the iovs, not pinned */
    struct pin {
        uint64_t gpa;
        uint32_t len;
        unsigned niov;
    } pin[RTL_RING_MAX];
};

static uint32_t desc_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
           p[0];
}

bool rtl_desc_read(struct rtl *nic, uint64_t gpa, uint32_t n,
                   struct rtl_desc *d)
{
    uint8_t raw[RTL_DESC_RUN * RTL_DESC_BYTES];
    uint64_t mask = nic->s.cpcr & CPCR_DAC ? UINT64_MAX : UINT32_MAX;
    uint32_t i, owned = 0;

    if (pci_dma_read(&nic->pci, gpa, raw, n * RTL_DESC_BYTES) < 0)
        return false;
    for (i = 0; i < n; i++) {
        d[i] = (struct rtl_desc){.cmd = desc_le32(raw + i * RTL_DESC_BYTES)};
        owned |= d[i].cmd & RTL_DESC_OWN;
    }
    if (!owned)
        return true;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (pci_dma_read(&nic->pci, gpa, raw, n * RTL_DESC_BYTES) < 0)
        return false;
    for (i = 0; i < n; i++) {
        const uint8_t *p = raw + i * RTL_DESC_BYTES;

        d[i].vlan = desc_le32(p + 4);
        d[i].gpa =
            ((uint64_t)desc_le32(p + 12) << 32 | desc_le32(p + 8)) & mask;
    }
    return true;
}

/*
 * Where there is no memory nobody hands over descriptors: what floats there
 * looks like a ring that never ends, for nothing sticks (CVE-2016-8910).
 */
static bool ring_read(struct ring *r)
{
    return rtl_desc_read(r->nic, r->base + r->first * RTL_DESC_BYTES, r->n,
                         r->run);
}

static bool ring_get(struct ring *r, uint32_t at, struct rtl_desc *d)
{
    if (at < r->first || at - r->first >= r->n) {
        r->first = at;
        r->n = RTL_RING_MAX - at;
        if (r->n > RTL_DESC_RUN)
            r->n = RTL_DESC_RUN;
        if (!ring_read(r)) {
            r->n = 1;
            if (!ring_read(r)) {
                r->n = 0;
                return false;
            }
        }
    }
    *d = r->run[at - r->first];
    return (d->cmd & RTL_DESC_OWN) != 0;
}

static uint32_t ring_next(struct ring *r, uint32_t at, const struct rtl_desc *d)
{
    if (!(d->cmd & RTL_DESC_EOR) && at + 1 < RTL_RING_MAX)
        return at + 1;
    r->n = 0; /* what the run holds may have been sent by now */
    *r->size = at + 1;
    return 0;
}

/*
 * From at on: a frame, or descriptors that make none (a start is missing, or
 * another frame starts in between), or too few of them.
 */
static enum found ring_find(struct ring *r, uint32_t at, struct frame *f)
{
    uint32_t i = at;

    f->n = 0;
    f->len = 0;
    while (f->n < RTL_RING_MAX) {
        struct rtl_desc *d = &f->d[f->n];

        if (!ring_get(r, i, d))
            return FOUND_NONE;
        if (f->n && d->cmd & RTL_DESC_FS) {
            f->next = i;
            return FOUND_BROKEN;
        }
        f->at[f->n++] = (uint16_t)i;
        f->len += d->cmd & TX_LEN;
        i = ring_next(r, i, d);
        f->next = i;
        if (!(f->d[0].cmd & RTL_DESC_FS))
            return FOUND_BROKEN;
        if (d->cmd & RTL_DESC_LS)
            return FOUND_FRAME;
        if (i == at)
            break;
    }
    /* All of the ring and no end (CVE-2016-8910): it never comes. */
    return FOUND_NONE;
}

/* Driver's again; in ring order, as the chip does. */
static void ring_release(struct ring *r, const struct frame *f, uint32_t status)
{
    unsigned i;

    for (i = 0; i < f->n; i++) {
        uint32_t v = (f->d[i].cmd & TX_KEEP) | status;
        uint8_t raw[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                          (uint8_t)(v >> 24)};

        pci_dma_write(&r->nic->pci, r->base + f->at[i] * RTL_DESC_BYTES, raw,
                      sizeof(raw));
    }
}

static void unpin(struct rtl *nic, struct parcel *p)
{
    const struct iovec *iov = p->iov + p->own;
    unsigned i;

    for (i = 0; i < p->npins; i++) {
        gmem_unpin(nic->dev.env.gmem, p->pin[i].gpa, p->pin[i].len, false, iov,
                   p->pin[i].niov);
        iov += p->pin[i].niov;
    }
    p->npins = 0;
}

/* The bytes [from, to) of the frame behind what is in the parcel. */
static bool lend(struct rtl *nic, const struct frame *f, uint32_t from,
                 uint32_t to, struct parcel *p)
{
    uint32_t at = 0;
    unsigned i;

    for (i = 0; i < f->n && at < to; i++) {
        uint32_t len = f->d[i].cmd & TX_LEN;
        uint32_t skip = from > at ? from - at : 0;
        uint32_t end = to - at < len ? to - at : len;

        if (skip < end) {
            struct pin *pin = &p->pin[p->npins];
            int n;

            pin->gpa = f->d[i].gpa + skip;
            pin->len = end - skip;
            n = gmem_pin(nic->dev.env.gmem, pin->gpa, pin->len, false,
                         p->iov + p->niov, FRAME_IOVS - p->niov);
            if (n <= 0)
                return false;
            pin->niov = (unsigned)n;
            p->npins++;
            p->niov += (unsigned)n;
        }
        at += len;
    }
    return true;
}

/* The first n bytes of the frame, copied. */
static void copy_head(struct rtl *nic, const struct frame *f, uint8_t *dst,
                      uint32_t n)
{
    unsigned i;

    for (i = 0; i < f->n && n; i++) {
        uint32_t len = f->d[i].cmd & TX_LEN;

        if (len > n)
            len = n;
        if (len)
            pci_dma_read(&nic->pci, f->d[i].gpa, dst, len);
        dst += len;
        n -= len;
    }
}

/* What the frame asks for; drivers set it in the first or in each segment. */
static unsigned wants(const struct frame *f, uint16_t *mss, uint32_t *vlan)
{
    const struct rtl_desc *a = &f->d[0], *z = &f->d[f->n - 1];
    uint32_t cmd = a->cmd & TX_LGSEN ? a->cmd : z->cmd;

    *vlan = a->vlan & TX_TAGC ? a->vlan : z->vlan;
    *mss = 0;
    if (cmd & TX_LGSEN) {
        *mss = (uint16_t)(cmd >> TX_MSS_SHIFT & TX_MSS);
        return RTL_OFFL_LARGE;
    }
    cmd |= a->cmd;
    return (cmd & TX_IPCS ? RTL_OFFL_IP : 0) |
           (cmd & TX_UDPCS ? RTL_OFFL_UDP : 0) |
           (cmd & TX_TCPCS ? RTL_OFFL_TCP : 0);
}

/* The tag's two bytes stand in the descriptor as they go over the wire. */
static void insert_tag(uint8_t *head, uint32_t n, uint32_t vlan)
{
    memmove(head + 12 + RTL_TAG_BYTES, head + 12, n - 12);
    head[12] = 0x81;
    head[13] = 0x00;
    head[14] = (uint8_t)vlan;
    head[15] = (uint8_t)(vlan >> 8);
}

/* *error: the frame is one that the chip cannot send. False: cable is full. */
static bool send_frame(struct rtl *nic, struct frame *f, bool *error)
{
    uint32_t n, end, vlan, tag = 0, len = f->len;
    struct net_offload o = {0};
    struct parcel p;
    uint16_t mss;
    unsigned what = wants(f, &mss, &vlan);
    bool sent = true;

    if (nic->s.tcr & TCR_CRC && !what)
        len -= len < RTL_FCS_BYTES ? len : RTL_FCS_BYTES;
    *error = !len || len > NET_FRAME_MAX - RTL_TAG_BYTES;
    if (*error)
        return true;
    p.niov = p.own = p.npins = 0;
    n = len < RTL_HEADERS ? len : RTL_HEADERS;
    if (what || vlan & TX_TAGC || n == len) {
        copy_head(nic, f, p.head, n);
        rtl_offload(what, mss, p.head, n, &len, &end, &o);
        if (n > len)
            n = len;
        if (vlan & TX_TAGC && n >= RTL_ETH_BYTES) {
            insert_tag(p.head, n, vlan);
            tag = RTL_TAG_BYTES;
        }
        p.iov[0] = (struct iovec){p.head, n + tag};
        p.niov = p.own = 1;
    } else {
        n = 0;
    }
    *error = !o.mss && len + tag > RTL_FRAME_MAX;
    if (*error || !lend(nic, f, n, len, &p)) {
        *error = true;
        unpin(nic, &p);
        return true;
    }
    if (o.csum_start) {
        o.csum_start = (uint16_t)(o.csum_start + tag);
        o.hdr_len = (uint16_t)(o.hdr_len ? o.hdr_len + tag : 0);
        /* bytes behind the packet are no part of the sum */
        if (end < len || (rtl_looped(nic) && !o.mss)) {
            rtl_offload_finish(&o, p.iov, p.niov, end + tag);
            o = (struct net_offload){0};
        }
    }
    sent = rtl_tx_frame(nic, o.csum_start ? &o : NULL, p.iov, p.niov);
    unpin(nic, &p);
    return sent;
}

static uint32_t status_of(struct rtl *nic, bool error)
{
    if (error) {
        nic->stats.tx_errors++;
        nic->s.tally_tx_err++;
        nic->dev.mistakes++;
        return TX_TES;
    }
    if (!rtl_looped(nic) && (!nic->net || !rtl_link(nic)))
        return TX_TES | TX_LNKF;
    return 0;
}

void rtl_tx_plus(struct rtl *nic, bool hp, struct rtl_budget *budget)
{
    struct rtl_state *s = &nic->s;
    uint32_t done = 0, most;
    uint16_t bits = 0;
    struct frame f;
    struct ring r;

    r.nic = nic;
    r.base = hp ? s->thpds : s->tnpds;
    r.size = &nic->w.tx_ring[hp];
    r.first = r.n = 0;
    if (!pci_master(&nic->pci))
        return; /* told when it is one */
    if (!(s->cpcr & CPCR_TX)) {
        s->tx_wait &= (uint8_t) ~(hp ? RTL_WAIT_HPQ : RTL_WAIT_NPQ);
        return;
    }
    for (;;) {
        bool error = true;
        enum found found;
        uint32_t status;

        if (!budget->descs || !budget->bytes) {
            rtl_more_at(nic, s->loop_full ? nic->w.loop_due_ns
                                          : clock_now(nic->dev.env.clock));
            break;
        }
        found = ring_find(&r, s->tx_ring[hp] % RTL_RING_MAX, &f);
        if (found == FOUND_NONE) {
            s->tx_wait &= (uint8_t) ~(hp ? RTL_WAIT_HPQ : RTL_WAIT_NPQ);
            bits |= INT_TDU;
            break;
        }
        if (found == FOUND_FRAME && !send_frame(nic, &f, &error))
            break;
        status = status_of(nic, error);
        ring_release(&r, &f, status);
        bits |= status ? INT_TER : INT_TOK;
        done += f.n;
        s->tx_ring[hp] = (uint16_t)f.next;
        budget->descs -= f.n < budget->descs ? f.n : budget->descs;
        budget->bytes -= f.len < budget->bytes ? f.len : budget->bytes;
    }
    most = *r.size && *r.size < RTL_RING_MAX ? *r.size / 4 : RTL_RING_MAX / 4;
    if (bits)
        rtl_tx_tell(nic, bits, done, most);
}
