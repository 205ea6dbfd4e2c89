/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reception: filters, the ring of the RTL8139C, the descriptor ring of the
 * C+. A frame that passes the filter and finds no room stays with the cable,
 * which is told to wait; a frame for somebody else, or for a receiver that is
 * off, is taken and dropped as on a wire. Interrupts come once for the frames
 * that the cable gives in one go.
 * Source: RTL8139C(L) data sheet 1.4, sections 5.1 (packet header), 6.6 (RCR);
 * RTL8139C(L)+ 1.6, receive descriptors.
 */
#include "priv.h"

#include <string.h>

/* Header of a frame in the ring */
#define HDR_ROK   0x0001u
#define HDR_RUNT  0x0010u
#define HDR_BAR   0x2000u
#define HDR_PAM   0x4000u
#define HDR_MAR   0x8000u
#define HDR_BYTES 4u
/* Where CAPR stands for a driver that begins at the start of the ring. */
#define CAPR_START 0xfff0u
/* With FCS; longer ones have LONG set, and drivers take that for a fault. */
#define RING_FRAME_MAX 4096u
/* RCR.WRAP: so many bytes behind the ring are the chip's as well. */
#define RING_TAIL (16u + 1536u)

/* Status of a descriptor; MAR, PAM and BAR are those of the header, shifted. */
#define RX_CLASS_SHIFT 11
#define RX_RES         0x00100000u
#define RX_RUNT        0x00080000u
#define RX_TAVA        0x00010000u /* in the second word */
#define RX_LEN         0x00001fffu
#define RX_SIZE        0x00001fffu /* of a buffer */
#define RUNT_MIN       8u          /* shorter ones are noise */

/*
 * How long nobody looks whether a C+ driver gave descriptors back. After the
 * longest wait only a register of its makes us look: a guest that has died
 * costs nothing.
 */
#define LOOK_MIN_NS (NS_PER_US * 200)
#define LOOK_MAX_NS (NS_PER_MS * 500)
/* A C driver tells of room by CAPR, but may have to be reminded. */
#define REMIND_MIN_NS (NS_PER_MS * 5)

/* A frame on its way in; a tag that was stripped lies in a gap. */
struct incoming {
    const uint8_t *bytes;
    uint32_t len;   /* without FCS, as it came */
    uint32_t gap;   /* bytes left out behind the addresses */
    uint32_t vlan;  /* second word of the status */
    uint16_t class; /* HDR_ bits */
    uint8_t fcs[RTL_FCS_BYTES];
};

static bool cplus(const struct rtl *nic)
{
    return (nic->s.cpcr & CPCR_RX) != 0;
}

/* What a wire would bring to a receiver that hears. */
static bool hears(const struct rtl *nic)
{
    return nic->s.cr & CR_RE && rtl_awake(nic);
}

static void raise(struct rtl *nic, uint16_t bits)
{
    nic->w.rx_isr |= bits;
    if (!nic->w.rx_batches)
        rtl_rx_tell(nic, true);
}

static void missed(struct rtl *nic)
{
    nic->s.mpc = (nic->s.mpc + 1) & 0xffffff;
    nic->s.tally_miss++;
    nic->stats.rx_errors++;
}

static void bad(struct rtl *nic)
{
    nic->s.tally_rx_err++;
    nic->stats.rx_errors++;
    raise(nic, INT_RER);
}

/* HDR_BAR, HDR_MAR, HDR_PAM or 0 for a promiscuous one; -1: not for us. */
static int filter(const struct rtl_state *s, const uint8_t *f)
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    if (f[0] & 1) {
        unsigned h;

        if (!memcmp(f, all, sizeof(all)))
            return s->rcr & RCR_AB ? (int)HDR_BAR : -1;
        h = rtl_hash(f);
        return s->rcr & RCR_AM && s->mar[h / 8] >> (h % 8) & 1 ? (int)HDR_MAR
                                                               : -1;
    }
    if (!memcmp(f, s->idr, sizeof(s->idr)) && s->rcr & (RCR_APM | RCR_AAP))
        return HDR_PAM;
    return s->rcr & RCR_AAP ? 0 : -1;
}

static void count(struct rtl *nic, const struct incoming *in)
{
    struct rtl_state *s = &nic->s;

    s->tally_rx_ok++;
    if (in->class & HDR_PAM)
        s->tally_rx_phy++;
    if (in->class & HDR_BAR)
        s->tally_rx_brd++;
    if (in->class & HDR_MAR)
        s->tally_rx_mul++;
    nic->stats.rx_frames++;
    nic->stats.rx_bytes += in->len;
    raise(nic, INT_ROK);
}

/* C: bytes in the ring that a frame may fill; one word always stays free. */
static uint32_t ring_room(const struct rtl_state *s)
{
    uint32_t mask = rtl_ring_bytes(s) - 1;
    uint32_t used = (s->rx_put - (s->capr + 16u)) & mask;

    return used < mask - 3 ? mask - 3 - used : 0;
}

static void ring_write(struct rtl *nic, uint32_t at, const uint8_t *p,
                       uint32_t len)
{
    uint32_t ring = rtl_ring_bytes(&nic->s);

    if (at >= ring && !(nic->s.rcr & RCR_WRAP && ring < 65536))
        at -= ring;
    else if (at + len > ring && !(nic->s.rcr & RCR_WRAP && ring < 65536)) {
        uint32_t n = ring - at;

        pci_dma_write(&nic->pci, (uint64_t)nic->s.rbstart + at, p, n);
        at = 0;
        p += n;
        len -= n;
    }
    pci_dma_write(&nic->pci, (uint64_t)nic->s.rbstart + at, p, len);
}

/* False: no room. */
static bool ring_put(struct rtl *nic, struct incoming *in)
{
    struct rtl_state *s = &nic->s;
    uint32_t ring = rtl_ring_bytes(s), at = s->rx_put & (ring - 1) & ~3u;
    uint32_t len = in->len + RTL_FCS_BYTES, status = in->class | HDR_ROK;
    uint32_t all = (HDR_BYTES + len + 3) & ~3u;
    uint8_t hdr[HDR_BYTES];

    if (len > RING_FRAME_MAX ||
        (s->rcr & RCR_WRAP && ring < 65536 && at + all > ring + RING_TAIL)) {
        bad(nic);
        return true;
    }
    if (all > ring_room(s)) {
        nic->w.rx_need = all;
        return false;
    }
    if (in->len < RTL_ETH_MIN)
        status |= HDR_RUNT;
    hdr[0] = (uint8_t)status;
    hdr[1] = (uint8_t)(status >> 8);
    hdr[2] = (uint8_t)len;
    hdr[3] = (uint8_t)(len >> 8);
    ring_write(nic, at + HDR_BYTES, in->bytes, in->len);
    ring_write(nic, at + HDR_BYTES + in->len, in->fcs, RTL_FCS_BYTES);
    ring_write(nic, at, hdr, HDR_BYTES);
    s->rx_put = (at + all) & (ring - 1);
    count(nic, in);
    return true;
}

static void desc_forget(struct rtl *nic)
{
    nic->w.rxd_at = nic->w.rxd_n = 0;
}

static bool desc_read(struct rtl *nic, uint32_t n, struct rtl_desc *d)
{
    return rtl_desc_read(nic, nic->s.rdsar + nic->w.rxd_next * RTL_DESC_BYTES,
                         n, d);
}

/* More descriptors that the chip owns into the list; false: there are none. */
static bool desc_fetch(struct rtl *nic)
{
    struct rtl_work *w = &nic->w;
    struct rtl_desc run[RTL_DESC_RUN];
    uint32_t i, n, before = w->rxd_n, start = nic->s.rx_ring % RTL_RING_MAX;

    if (!w->rxd_n)
        w->rxd_next = start;
    else if (w->rxd_next == start)
        return false; /* round the ring */
    n = RTL_RING_MAX - w->rxd_next;
    if (n > RTL_DESC_RUN)
        n = RTL_DESC_RUN;
    if (n > RTL_RING_MAX - w->rxd_n)
        n = RTL_RING_MAX - w->rxd_n;
    if (n && !desc_read(nic, n, run))
        n = desc_read(nic, 1, run); /* memory may end behind a short ring */
    if (!n)
        return false;
    for (i = 0; i < n; i++) {
        const struct rtl_desc *d = &run[i];

        if (!(d->cmd & RTL_DESC_OWN))
            break;
        w->rxd[w->rxd_n++] = *d;
        w->rxd_next = (w->rxd_next + 1) % RTL_RING_MAX;
        if (d->cmd & RTL_DESC_EOR)
            w->rxd_next = 0;
        if (d->cmd & RTL_DESC_EOR || w->rxd_next == start)
            break;
    }
    return w->rxd_n != before;
}

/*
 * Descriptors from the first on that take need bytes; 0: the driver has not
 * given so many. RTL_RING_MAX + 1: all of its ring is too small for that.
 */
static uint32_t desc_span(struct rtl *nic, uint32_t need)
{
    struct rtl_work *w = &nic->w;
    uint32_t i, sum = 0;

    if (w->rxd_at) { /* the list begins at s.rx_ring */
        w->rxd_n -= w->rxd_at;
        memmove(w->rxd, w->rxd + w->rxd_at, w->rxd_n * sizeof(w->rxd[0]));
        w->rxd_at = 0;
    }
    for (i = 0; sum < need; i++) {
        if (i == w->rxd_n && !desc_fetch(nic))
            return i == RTL_RING_MAX ||
                           (i && w->rxd_next == nic->s.rx_ring % RTL_RING_MAX)
                       ? RTL_RING_MAX + 1
                       : 0;
        sum += w->rxd[i].cmd & RX_SIZE;
    }
    return i;
}

/* n bytes of the frame and its FCS, from byte at of what goes to memory. */
static void desc_fill(struct rtl *nic, const struct incoming *in, uint64_t gpa,
                      uint32_t at, uint32_t n)
{
    uint32_t len = in->len - in->gap;

    while (n) {
        uint32_t part;
        const uint8_t *p;

        if (at >= len) {
            p = in->fcs + (at - len);
            part = len + RTL_FCS_BYTES - at;
        } else if (in->gap && at >= 12) {
            p = in->bytes + at + in->gap;
            part = len - at;
        } else {
            p = in->bytes + at;
            part = (in->gap ? 12 : len) - at;
        }
        if (part > n)
            part = n;
        pci_dma_write(&nic->pci, gpa, p, part);
        gpa += part;
        at += part;
        n -= part;
    }
}

static void desc_done(struct rtl *nic, uint32_t index, uint32_t status,
                      uint32_t vlan)
{
    uint8_t raw[8] = {(uint8_t)status,         (uint8_t)(status >> 8),
                      (uint8_t)(status >> 16), (uint8_t)(status >> 24),
                      (uint8_t)vlan,           (uint8_t)(vlan >> 8),
                      (uint8_t)(vlan >> 16),   (uint8_t)(vlan >> 24)};

    pci_dma_write(&nic->pci, nic->s.rdsar + index * RTL_DESC_BYTES, raw,
                  sizeof(raw));
}

static void incoming_tag(const struct rtl *nic, struct incoming *in)
{
    const uint8_t *f = in->bytes;

    in->gap = in->vlan = 0;
    if (!(nic->s.cpcr & CPCR_RXVLAN) || in->len < 16 || f[12] != 0x81 ||
        f[13] != 0x00)
        return;
    in->gap = RTL_TAG_BYTES;
    in->vlan = RX_TAVA | (uint32_t)f[15] << 8 | f[14];
}

static uint32_t incoming_status(const struct rtl *nic,
                                const struct incoming *in)
{
    uint32_t status = (uint32_t)in->class << RX_CLASS_SHIFT;

    if (in->len < RTL_ETH_MIN)
        status |= RX_RES | RX_RUNT;
    if (nic->s.cpcr & CPCR_RXCHKSUM)
        status |= rtl_rx_check(in->bytes, in->len);
    return status;
}

/* False: no room. The driver sees the frame when its first part is its own. */
static bool desc_put(struct rtl *nic, struct incoming *in)
{
    struct rtl_work *w = &nic->w;
    struct rtl_state *s = &nic->s;
    uint32_t index[RTL_RING_MAX], fill[RTL_RING_MAX];
    uint32_t all, n, i, at = 0, status, next;

    incoming_tag(nic, in);
    all = in->len - in->gap + RTL_FCS_BYTES;
    if (all > RX_LEN) { /* longer than the status can say */
        bad(nic);
        return true;
    }
    n = desc_span(nic, all);
    if (!n) {
        nic->w.rx_need = all;
        return false;
    }
    if (n > RTL_RING_MAX) {
        missed(nic);
        raise(nic, INT_RXOVW);
        return true;
    }
    next = s->rx_ring % RTL_RING_MAX;
    for (i = 0; i < n; i++) {
        uint32_t size = w->rxd[i].cmd & RX_SIZE;

        index[i] = next;
        next = w->rxd[i].cmd & RTL_DESC_EOR ? 0 : (next + 1) % RTL_RING_MAX;
        fill[i] = size < all - at ? size : all - at;
        desc_fill(nic, in, w->rxd[i].gpa, at, fill[i]);
        at += fill[i];
    }
    status = incoming_status(nic, in);
    for (i = n; i-- > 0;) {
        uint32_t v = (w->rxd[i].cmd & RTL_DESC_EOR) | fill[i];

        if (!i)
            v |= RTL_DESC_FS;
        if (i == n - 1)
            v = (v & ~RX_LEN) | RTL_DESC_LS | status | all;
        desc_done(nic, index[i], v, in->vlan);
    }
    s->rx_ring = (uint16_t)next;
    w->rxd_at = n;
    count(nic, in);
    return true;
}

/* False: it passes the filter, and there is no room. */
static bool receive(struct rtl *nic, const uint8_t *frame, uint32_t len)
{
    uint8_t padded[RTL_ETH_MIN] = {0};
    struct incoming in;
    uint32_t fcs;
    bool taken;
    int class;

    if (len < RUNT_MIN || (len < RTL_ETH_BYTES && !(nic->s.rcr & RCR_AR))) {
        bad(nic);
        return true;
    }
    class = filter(&nic->s, frame);
    if (class < 0) {
        nic->stats.rx_filtered++;
        return true;
    }
    if (!pci_master(&nic->pci)) {
        missed(nic);
        return true;
    }
    if (len >= RTL_ETH_BYTES && len < sizeof(padded)) {
        memcpy(padded, frame, len);
        frame = padded;
        len = sizeof(padded);
    }
    in = (struct incoming){
        .bytes = frame, .len = len, .class = (uint16_t) class};
    fcs = rtl_crc(0, frame, len);
    in.fcs[0] = (uint8_t)fcs;
    in.fcs[1] = (uint8_t)(fcs >> 8);
    in.fcs[2] = (uint8_t)(fcs >> 16);
    in.fcs[3] = (uint8_t)(fcs >> 24);
    taken = cplus(nic) ? desc_put(nic, &in) : ring_put(nic, &in);
    if (!nic->w.rx_batches)
        desc_forget(nic);
    return taken;
}

static void tell_deaf(struct rtl *nic)
{
    bool deaf = !hears(nic) || !nic->s.cable;

    if (!nic->net || !nic->net->ops->deaf ||
        (nic->rx_told && nic->rx_deaf == deaf))
        return;
    nic->rx_deaf = deaf;
    nic->net->ops->deaf(nic->net, deaf);
}

static void tell(struct rtl *nic, bool on)
{
    if (!nic->net || (nic->rx_told && nic->rx_on == on))
        return;
    nic->rx_told = true;
    nic->rx_on = on;
    nic->net->ops->rx_on(nic->net, on);
}

/*
 * Whether the frame that waits would be taken now, be it to drop it. batch:
 * turning the cable on is worth half a ring.
 */
static bool has_room(struct rtl *nic, bool batch)
{
    uint32_t need = nic->w.rx_need, half;

    if (!need || !hears(nic) || !rtl_link(nic) || rtl_looped(nic) ||
        !pci_master(&nic->pci))
        return true;
    if (cplus(nic)) {
        desc_forget(nic);
        return desc_span(nic, need) != 0;
    }
    half = batch ? rtl_ring_bytes(&nic->s) / 2 : 0;
    return ring_room(&nic->s) >= (need > half ? need : half);
}

static void look_later(struct rtl *nic)
{
    struct rtl_work *w = &nic->w;
    uint64_t now = clock_now(nic->dev.env.clock);

    if (!w->rx_need || nic->paused)
        return;
    if (now >= w->rx_look_ns) {
        if (!w->rx_wait_ns)
            w->rx_wait_ns = cplus(nic) ? LOOK_MIN_NS : REMIND_MIN_NS;
        else
            w->rx_wait_ns *= 2;
        w->rx_look_ns = now + w->rx_wait_ns;
    }
    if (w->rx_wait_ns <= LOOK_MAX_NS)
        rtl_more_at(nic, w->rx_look_ns);
}

static void look(struct rtl *nic, bool batch)
{
    desc_forget(nic);
    if (nic->w.rx_need && has_room(nic, batch)) {
        nic->w.rx_need = 0;
        nic->w.rx_wait_ns = nic->w.rx_look_ns = 0;
    }
    desc_forget(nic);
    tell_deaf(nic);
    tell(nic, !nic->paused && !nic->w.rx_need);
}

void rtl_rx_update(struct rtl *nic)
{
    if (nic->w.tx_full && !rtl_link(nic)) {
        nic->w.tx_full = false; /* nobody else will say so */
        rtl_more_at(nic, 0);
    }
    rtl_tell_served(nic);
    if (nic->paused)
        rtl_tell_now(nic);
    look(nic, true);
}

void rtl_rx_again(struct rtl *nic)
{
    if (!nic->w.rx_need)
        return;
    if (clock_now(nic->dev.env.clock) >= nic->w.rx_look_ns) {
        look(nic, false);
        if (nic->w.rx_need && !cplus(nic) && !(nic->s.isr & INT_ROK))
            raise(nic, INT_ROK); /* there is something in the ring */
    }
    look_later(nic);
}

bool rtl_rx(void *dev, const uint8_t *frame, uint32_t len)
{
    struct rtl *nic = dev;

    if (nic->paused) {
        tell(nic, false);
        return false;
    }
    if (!hears(nic) || !rtl_link(nic) || rtl_looped(nic))
        return true;
    if (receive(nic, frame, len))
        return true;
    nic->stats.rx_held++;
    if (cplus(nic)) /* else the driver says itself that there is room */
        raise(nic, INT_RXOVW);
    rtl_rx_tell(nic, true); /* the batch is over */
    tell(nic, false);
    look_later(nic);
    return false;
}

void rtl_rx_loop(struct rtl *nic, const uint8_t *frame, uint32_t len)
{
    bool batches = nic->w.rx_batches;

    if (!len || !hears(nic))
        return;
    nic->w.rx_batches = false;
    if (!receive(nic, frame, len)) { /* no cable to keep it */
        nic->w.rx_need = 0;
        missed(nic);
        raise(nic, INT_RXOVW);
    }
    nic->w.rx_batches = batches;
}

void rtl_rx_end(void *dev)
{
    struct rtl *nic = dev;

    nic->w.rx_batches = true;
    desc_forget(nic);
    rtl_rx_tell(nic, false);
}

void rtl_rx_reset(struct rtl *nic)
{
    nic->s.rx_put = 0;
    nic->s.capr = CAPR_START;
    nic->s.rx_ring = 0;
    nic->w.rx_isr = 0;
    nic->w.rx_need = 0;
    nic->w.rx_wait_ns = nic->w.rx_look_ns = 0;
    rtl_rx_update(nic);
}
