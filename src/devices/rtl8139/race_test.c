/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptor rings of the C+ while another thread writes to them: what the
 * chip takes from guest memory and what it writes there is what descriptors
 * said when they were read, command first, the rest after it, each once.
 */
#include "../../bench/race_fixture.h"
#include "frames.h"

#include <stdlib.h>

#define FLIPS  (RACE_FLIPS / 4)
#define ROUNDS (RACE_FLIPS / 500)
#define RX_BUF 0x200000u
#define RINGS  2u /* transmit, receive */

struct race {
    struct gmem_ops ops; /* first */
    const struct gmem_ops *real;
    struct rig *r;
    struct flipper f;
    struct rtl_desc seen[RINGS][RTL_RING_MAX]; /* as read last */
    bool second[RINGS]; /* the next read is for the rest of a descriptor */
    unsigned pins, writes;
};

static int ring_of(uint64_t gpa)
{
    if (gpa - RIG_TNPDS < RTL_RING_MAX * RTL_DESC_BYTES)
        return 0;
    return gpa - RIG_RDSAR < RTL_RING_MAX * RTL_DESC_BYTES ? 1 : -1;
}

static unsigned place(int ring, uint64_t gpa)
{
    return (unsigned)(gpa - (ring ? RIG_RDSAR : RIG_TNPDS)) / RTL_DESC_BYTES;
}

static void flip(void *ctx, uint64_t draw)
{
    static const uint32_t cmd[8] = {PLUS_ONE | 200,
                                    PLUS_ONE | 700,
                                    PLUS_ONE | RTL_DESC_EOR | 1500,
                                    RTL_DESC_OWN | RTL_DESC_FS | 300,
                                    RTL_DESC_OWN | RTL_DESC_LS | 400,
                                    0,
                                    PLUS_ONE | 5000,
                                    RTL_DESC_OWN | 64};
    struct race *t = ctx;
    unsigned ring = draw & 1, n = draw >> 1 & 7;
    uint8_t *at =
        t->r->b->ram + (ring ? RIG_RDSAR : RIG_TNPDS) + n * RTL_DESC_BYTES;
    uint32_t base = ring ? RX_BUF : PLUS_BUF;

    switch (draw >> 4 & 3) {
    case 0:
        guest_store32(at + 8, base + (uint32_t)(draw >> 8 & 7) * 0x4000);
        break;
    case 1: /* out of memory, or out of 32 bits */
        guest_store32(at + 12, (draw >> 8 & 7) == 0);
        break;
    default:
        guest_store32(at, cmd[draw >> 8 & 7]);
        break;
    }
}

static int seen_read(struct gmem *g, uint64_t gpa, void *dst, size_t len)
{
    struct race *t = (struct race *)(uintptr_t)g->ops;
    int rc = t->real->read(g, gpa, dst, len), ring = ring_of(gpa);
    const uint8_t *p = dst;
    bool owned = false;

    if (ring < 0)
        return rc;
    for (unsigned i = 0; i < len / RTL_DESC_BYTES; i++, p += RTL_DESC_BYTES) {
        struct rtl_desc *d = &t->seen[ring][place(ring, gpa) + i];

        if (t->second[ring]) {
            d->gpa = get_le32(p + 8);
            if (t->r->rtl->s.cpcr & CPCR_DAC)
                d->gpa |= (uint64_t)get_le32(p + 12) << 32;
        } else {
            d->cmd = get_le32(p);
            d->gpa = UINT64_MAX;
            owned |= (d->cmd & RTL_DESC_OWN) != 0;
        }
    }
    t->second[ring] = !t->second[ring] && owned;
    for (unsigned i = 0; i < 8; i++)
        flipper_here(&t->f);
    return rc;
}

/* [gpa, gpa + len) lies in what some descriptor of the ring said. */
static bool named(struct race *t, int ring, uint64_t gpa, size_t len)
{
    for (unsigned i = 0; i < RTL_RING_MAX; i++) {
        const struct rtl_desc *d = &t->seen[ring][i];
        uint32_t size = d->cmd & (ring ? 0x1fff : 0xffff);

        if (d->cmd & RTL_DESC_OWN && gpa >= d->gpa && gpa - d->gpa <= size &&
            len <= size - (gpa - d->gpa))
            return true;
    }
    return false;
}

static int seen_pin(struct gmem *g, uint64_t gpa, size_t len, bool wr,
                    struct iovec *iov, unsigned max)
{
    struct race *t = (struct race *)(uintptr_t)g->ops;

    assert_false(wr);
    assert_true(named(t, 0, gpa, len));
    t->pins++;
    return t->real->pin(g, gpa, len, wr, iov, max);
}

static int seen_write(struct gmem *g, uint64_t gpa, const void *src, size_t len)
{
    struct race *t = (struct race *)(uintptr_t)g->ops;
    int ring = ring_of(gpa);

    if (ring >= 0) { /* given back: as it was, but the driver's */
        uint32_t v = get_le32(src), was = t->seen[ring][place(ring, gpa)].cmd;

        assert_true(was & RTL_DESC_OWN);
        assert_false(v & RTL_DESC_OWN);
        assert_int_equal(v & RTL_DESC_EOR, was & RTL_DESC_EOR);
        if (!ring)
            assert_int_equal(v & 0xffff, was & 0xffff);
    } else {
        assert_true(named(t, 1, gpa, len));
    }
    t->writes++;
    return t->real->write(g, gpa, src, len);
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
    t->ops.pin = seen_pin;
    t->r = r;
    t->f = (struct flipper){.flip = flip, .ctx = t};
    frame_plain(frame, sizeof(frame), rig_mac, 1);
    r->b->gmem.ops = &t->ops;
    assert_true(flipper_start(&t->f));
    while (!flipper_has(&t->f, FLIPS) || rounds < ROUNDS) {
        if (rounds++ % 64 == 0) { /* from the start of the rings */
            rig_wr1(r, RTL_CR, 0);
            rig_cplus(r, 0, rounds & 64 ? CPCR_DAC : 0);
        }
        plus_poll(r);
        net_mem_put(r->net, frame, 60 + rounds % 1400);
        net_mem_rx_end(r->net);
        assert_int_equal(r->b->pins, 0);
    }
    flipper_stop(&t->f);
    assert_true(t->pins > 100 && t->writes > 100);
    print_message("%u rounds, %llu frames out, %llu in, %llu flips\n", rounds,
                  (unsigned long long)r->rtl->stats.tx_frames,
                  (unsigned long long)r->rtl->stats.rx_frames,
                  (unsigned long long)t->f.flips);
    r->b->gmem.ops = t->real;
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
