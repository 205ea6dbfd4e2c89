/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transmission: from either face of the chip to the cable or the loopback
 * slot, and the four descriptors of the RTL8139C. What cannot go now keeps its
 * descriptor and a bit in tx_wait; nothing is lost and nothing is retried
 * without a reason (tx_ready, the timer, a register).
 * Source: RTL8139C(L) data sheet 1.4, sections 6.3 (TSD) and 6.4 (TSAD).
 */
#include "priv.h"

#include <errno.h>
#include <string.h>

/* Of four descriptors; more, and the driver waits. */
#define C_TELL 2u
/* Bytes in one turn, beside RTL_TX_BUDGET descriptors (R4). */
#define BUDGET_BYTES (256u * 1024)

/* Between two frames in loopback, which can go on without the guest. */
#define LOOP_MIN_NS (NS_PER_US * 50)

bool rtl_looped(const struct rtl *nic)
{
    return (nic->s.tcr & TCR_LBK) == TCR_LBK;
}

void rtl_more_at(struct rtl *nic, uint64_t when_ns)
{
    if (!timer_armed(&nic->more) || nic->more.when_ns > when_ns)
        timer_set(&nic->more, when_ns);
}

static uint32_t iov_bytes(const struct iovec *iov, unsigned niov)
{
    uint32_t len = 0;
    unsigned i;

    for (i = 0; i < niov; i++)
        len += (uint32_t)iov[i].iov_len;
    return len;
}

static uint32_t iov_copy(uint8_t *dst, uint32_t room, const struct iovec *iov,
                         unsigned niov)
{
    uint32_t at = 0;
    unsigned i;

    for (i = 0; i < niov && at < room; i++) {
        size_t n = iov[i].iov_len < room - at ? iov[i].iov_len : room - at;

        memcpy(dst + at, iov[i].iov_base, n);
        at += (uint32_t)n;
    }
    return at;
}

/* Preamble, FCS and gap too, at 100 Mb/s. */
static uint64_t wire_ns(uint32_t len)
{
    return (len + 24u) * UINT64_C(80);
}

/*
 * Back to the receiver, from the timer: never a call out of here (R5), and not
 * before a wire would be done with it: frames can write the descriptors of the
 * next ones, then all this goes on without the guest (R4). A large send comes
 * back in one piece; one that is too long does not.
 */
static bool to_slot(struct rtl *nic, const struct net_offload *o,
                    const struct iovec *iov, unsigned niov, uint32_t len)
{
    if (nic->s.loop_full)
        return false; /* goes on when that one is out */
    if (len > sizeof(nic->loop_frame)) {
        nic->stats.tx_errors++;
        return true;
    }
    len = iov_copy(nic->loop_frame, len, iov, niov);
    if (o && o->csum_start) {
        struct iovec all = {nic->loop_frame, len};

        rtl_offload_finish(o, &all, 1, len);
    }
    if (len < RTL_ETH_MIN) {
        memset(nic->loop_frame + len, 0, RTL_ETH_MIN - len);
        len = RTL_ETH_MIN;
    }
    nic->loop_len = len;
    nic->s.loop_full = 1;
    nic->w.loop_due_ns =
        clock_now(nic->dev.env.clock) +
        (wire_ns(len) < LOOP_MIN_NS ? LOOP_MIN_NS : wire_ns(len));
    rtl_more_at(nic, nic->w.loop_due_ns);
    return true;
}

static void count_sent(struct rtl *nic, const struct net_offload *o,
                       uint32_t len)
{
    uint32_t frames = 1;

    if (o && o->mss) {
        frames = (len - o->hdr_len + o->mss - 1u) / o->mss;
        nic->stats.tx_segments++;
    }
    nic->w.tx_frames++;
    nic->s.tally_tx_ok += frames;
    nic->stats.tx_frames += frames;
    nic->stats.tx_bytes += len;
}

bool rtl_tx_frame(struct rtl *nic, const struct net_offload *o,
                  const struct iovec *iov, unsigned niov)
{
    uint32_t len = iov_bytes(iov, niov);
    uint8_t padded[RTL_ETH_MIN] = {0};
    struct iovec one = {padded, sizeof(padded)};
    int64_t rc;

    if (rtl_looped(nic)) {
        if (!to_slot(nic, o, iov, niov, len))
            return false;
        count_sent(nic, NULL, len);
        return true;
    }
    if (!nic->net || !rtl_link(nic)) { /* no carrier: gone on the wire */
        nic->stats.tx_errors++;
        nic->s.tally_tx_err++;
        return true;
    }
    if (len < sizeof(padded)) {
        iov_copy(padded, sizeof(padded), iov, niov);
        iov = &one;
        niov = 1;
        len = sizeof(padded);
    }
    rc = nic->net->ops->tx(nic->net, o, iov, niov);
    if (rc == -EAGAIN) {
        nic->w.tx_full = true;
        return false;
    }
    if (rc < 0)
        nic->stats.tx_errors++;
    count_sent(nic, o, len);
    return true;
}

static bool c_send(struct rtl *nic, uint32_t gpa, uint32_t len)
{
    struct iovec iov[GMEM_IOVS(TSD_SIZE)];
    struct gmem *mem = nic->dev.env.gmem;
    bool sent;
    int n;

    /* With TCR.CRC the last four bytes are the FCS, which no cable carries. */
    if (nic->s.tcr & TCR_CRC)
        len -= len < RTL_FCS_BYTES ? len : RTL_FCS_BYTES;
    if (!len)
        return true;
    n = gmem_pin(mem, gpa, len, false, iov, GMEM_IOVS(TSD_SIZE));
    if (n < 0)
        return true;
    sent = rtl_tx_frame(nic, NULL, iov, (unsigned)n);
    gmem_unpin(mem, gpa, len, false, iov, (unsigned)n);
    return sent;
}

/* In order, from the one whose turn it is, up to one that the driver has. */
void rtl_tx_c(struct rtl *nic)
{
    struct rtl_state *s = &nic->s;
    uint32_t done = 0;

    s->tx_wait |= RTL_WAIT_C;
    while (!(s->tsd[s->tx_next & 3] & TSD_OWN)) {
        uint32_t *tsd = &s->tsd[s->tx_next & 3];

        if (!pci_master(&nic->pci) ||
            !c_send(nic, s->tsad[s->tx_next & 3], *tsd & TSD_SIZE))
            break;
        *tsd = (*tsd & TSD_WRITABLE) | TSD_OWN | TSD_TOK;
        if (!rtl_looped(nic) && (!nic->net || !rtl_link(nic)))
            *tsd |= TSD_CRS;
        s->tx_next = (s->tx_next + 1u) & 3;
        done++;
    }
    if (s->tsd[s->tx_next & 3] & TSD_OWN)
        s->tx_wait &= (uint8_t)~RTL_WAIT_C;
    if (done)
        rtl_tx_tell(nic, INT_TOK, done, C_TELL);
}

static bool can_send(const struct rtl *nic)
{
    return !nic->paused && !nic->w.tx_full && nic->s.cr & CR_TE &&
           rtl_awake(nic);
}

/* High priority goes first (C+ data sheet, TPPoll). */
void rtl_tx_run(struct rtl *nic)
{
    struct rtl_budget budget = {RTL_TX_BUDGET, BUDGET_BYTES};
    struct rtl_state *s = &nic->s;

    if (s->tx_wait & RTL_WAIT_HPQ && can_send(nic))
        rtl_tx_plus(nic, true, &budget);
    if (s->tx_wait & RTL_WAIT_NPQ && can_send(nic))
        rtl_tx_plus(nic, false, &budget);
    if (s->tx_wait & RTL_WAIT_C && can_send(nic))
        rtl_tx_c(nic);
}

/* The guest goes on while its frames leave, and gives more meanwhile. */
static void kick(struct rtl *nic)
{
    if (nic->s.tx_wait && can_send(nic))
        rtl_more_at(nic, 0);
}

void rtl_tx_start(struct rtl *nic, unsigned n)
{
    nic->s.tx_wait |= RTL_WAIT_C;
    kick(nic);
}

void rtl_tx_poll(struct rtl *nic, bool hp)
{
    nic->s.tx_wait |= hp ? RTL_WAIT_HPQ : RTL_WAIT_NPQ;
    kick(nic);
}

/*
 * Off: what the driver has handed over is dropped, and its descriptors are its
 * own again. On: a TSD written while it was off counts.
 */
void rtl_tx_reset(struct rtl *nic)
{
    struct rtl_state *s = &nic->s;
    unsigned i;

    s->tx_wait = 0;
    s->tx_next = 0;
    s->tx_ring[0] = s->tx_ring[1] = 0;
    s->loop_full = 0;
    nic->loop_len = 0;
    nic->w.tx_full = false;
    rtl_tell_forget(nic);
    nic->w.tx_ring[0] = nic->w.tx_ring[1] = 0;
    for (i = 0; i < 4; i++) {
        if (s->cr & CR_TE && !(s->cpcr & CPCR_TX))
            s->tx_wait |= (uint8_t)(s->tsd[i] & TSD_OWN ? 0 : RTL_WAIT_C);
        else
            s->tsd[i] |= TSD_OWN;
    }
    kick(nic);
}

void rtl_tx_resume(struct rtl *nic)
{
    uint32_t done = nic->w.tx_done;

    if (nic->paused)
        return;
    if (nic->s.loop_full &&
        clock_now(nic->dev.env.clock) < nic->w.loop_due_ns) {
        rtl_more_at(nic, nic->w.loop_due_ns);
    } else if (nic->s.loop_full) {
        nic->s.loop_full = 0;
        rtl_rx_loop(nic, nic->loop_frame, nic->loop_len);
        nic->loop_len = 0;
    }
    rtl_tx_run(nic);
    rtl_rx_again(nic);
    if (nic->w.tx_done == done)
        rtl_tell_due(nic);
}
