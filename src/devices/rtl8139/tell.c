/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the driver is told. An interrupt costs the guest several exits and us
 * two system calls, and a driver that sends many frames rings for each. So
 * TOK waits: for a quarter of the ring, or until the driver has paused twice as
 * long as it does between two frames, or four times as long as it took to
 * serve the last interrupt, whichever is first. A received frame is told at
 * once, but in the midst of a burst, where it is an acknowledgement of what
 * was sent: then it comes along with TOK. All of these times are the guest's
 * own, so they are short where it is fast.
 */
#include "priv.h"

#define HOLD_MIN_NS  (NS_PER_US * 50)
#define HOLD_MAX_NS  (NS_PER_MS * 8)
#define QUIET_MIN_NS (NS_PER_US * 20)
/* Frames further apart belong to different bursts. */
#define BURST_NS (NS_PER_MS * 10)
/* A driver that does not come back from polling has another plan. */
#define POLL_MAX_NS (NS_PER_MS * 100)
/* Of a burst; one frame may be a question whose answer is waited for. */
#define BURST_FRAMES 2u

static uint64_t now_ns(const struct rtl *nic)
{
    return clock_now(nic->dev.env.clock);
}

static bool polls(const struct rtl *nic)
{
    return nic->w.rok_used && nic->s.cr & CR_RE && !(nic->s.imr & INT_ROK);
}

/* It is C+ drivers that end polling in two steps, and have room to wait. */
static bool must_wait(const struct rtl *nic)
{
    return polls(nic) && nic->s.cpcr & CPCR_TX;
}

static bool asserted(const struct rtl *nic)
{
    return (nic->s.isr & nic->s.imr) != 0;
}

static void tell(struct rtl *nic, uint16_t bits)
{
    bool was = asserted(nic);

    if (!bits)
        return;
    rtl_isr(nic, bits);
    if (!was && asserted(nic))
        nic->w.rose_ns = now_ns(nic);
}

void rtl_tell_now(struct rtl *nic)
{
    struct rtl_work *w = &nic->w;
    uint16_t bits = w->rx_isr | w->tx_isr;

    w->rx_isr = w->tx_isr = 0;
    w->tx_done = w->tx_frames = 0;
    tell(nic, bits);
}

/*
 * C: frames that the driver has not taken, ROK cleared. Linux 8139too does that
 * when its budget ends, and waits for the next ROK; the frame that would bring
 * it may be one that waits for room.
 */
static bool left_over(const struct rtl *nic)
{
    const struct rtl_state *s = &nic->s;

    return s->cr & CR_RE && !(s->cpcr & CPCR_RX) && !(s->isr & INT_ROK) &&
           !rtl_ring_empty(s);
}

void rtl_tell_served(struct rtl *nic)
{
    struct rtl_work *w = &nic->w;

    if (nic->s.imr & INT_ROK) {
        w->rok_used = true;
        if (w->polled && w->tx_isr)
            rtl_tell_now(nic);
        if (w->polled && left_over(nic))
            tell(nic, INT_ROK);
    }
    w->polled = polls(nic);
    if (!w->rose_ns || asserted(nic))
        return;
    w->serve_ns = (w->serve_ns * 3 + (now_ns(nic) - w->rose_ns)) / 4;
    w->rose_ns = 0;
}

static uint64_t hold_ns(const struct rtl_work *w)
{
    uint64_t ns = w->serve_ns * 4;

    return ns < HOLD_MIN_NS ? HOLD_MIN_NS : ns > HOLD_MAX_NS ? HOLD_MAX_NS : ns;
}

/* The mean time between two frames of a burst; one pause does not tell. */
static void learn_gap(struct rtl_work *w, uint64_t now)
{
    uint64_t dt = now - w->sent_ns;

    w->sent_ns = now;
    if (dt >= BURST_NS)
        return;
    if (w->gap_ns && dt > w->gap_ns * 4)
        dt = w->gap_ns * 4;
    w->gap_ns = w->gap_ns ? (w->gap_ns * 3 + dt) / 4 : dt;
}

void rtl_tx_tell(struct rtl *nic, uint16_t bits, uint32_t done, uint32_t most)
{
    struct rtl_work *w = &nic->w;
    const struct rtl_state *s = &nic->s;
    uint64_t now = now_ns(nic), quiet;

    learn_gap(w, now);
    if (!w->tx_isr)
        w->held_ns = now;
    w->tx_isr |= bits;
    w->tx_done += done;
    quiet = w->gap_ns * 2 < QUIET_MIN_NS ? QUIET_MIN_NS : w->gap_ns * 2;
    w->tell_ns = w->held_ns + hold_ns(w);
    if (w->tell_ns > now + quiet)
        w->tell_ns = now + quiet;
    /* at once where it makes no interrupt of its own */
    if (asserted(nic) || !(s->imr & w->tx_isr) ||
        (!must_wait(nic) && (bits & INT_TER || w->tx_done >= most)))
        rtl_tell_now(nic);
    else
        rtl_tell_due(nic);
}

void rtl_rx_tell(struct rtl *nic, bool now)
{
    struct rtl_work *w = &nic->w;
    uint16_t bits = w->rx_isr;

    if (!bits)
        return;
    if (must_wait(nic)) {
        w->rx_isr = 0;
        tell(nic, bits);
        return;
    }
    if (now || bits != INT_ROK || !w->tx_isr || w->tx_frames < BURST_FRAMES ||
        asserted(nic))
        rtl_tell_now(nic);
}

void rtl_tell_due(struct rtl *nic)
{
    struct rtl_work *w = &nic->w;
    uint64_t when = w->tell_ns;

    if (!w->tx_isr) {
        rtl_rx_tell(nic, true);
        return;
    }
    if (must_wait(nic))
        when = w->held_ns + POLL_MAX_NS;
    if (now_ns(nic) < when) {
        rtl_more_at(nic, when);
        return;
    }
    w->rok_used &= !must_wait(nic);
    rtl_tell_now(nic);
}

void rtl_tell_forget(struct rtl *nic)
{
    struct rtl_work *w = &nic->w;

    w->tx_isr = 0;
    w->tx_done = w->tx_frames = 0;
    w->rose_ns = 0;
    if (w->rx_isr && nic->s.cr & CR_RE) /* it waited for TOK */
        rtl_more_at(nic, 0);
}
