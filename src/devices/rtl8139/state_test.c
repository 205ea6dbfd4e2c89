/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state: all of it, at every step of a driver's life, and hostile: each
 * byte flipped and random ones are refused or as good as what a guest writes.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define RX_RING 0x10000u
#define RX_BUFS 0x20000u
#define TX_RING 0x40000u
#define TX_BUF  0x50000u
#define RX_SIZE 0x600u

static void covers(void **state)
{
    assert_true(state_covers(&rtl_state_desc));
    (void)state;
}

static void put32(struct rig *r, uint32_t gpa, uint32_t v)
{
    memcpy(r->b->ram + gpa, &v, 4);
}

static uint32_t get32(struct rig *r, uint32_t gpa)
{
    uint32_t v;

    memcpy(&v, r->b->ram + gpa, 4);
    return v;
}

/* A C+ driver: rings, filters, interrupts; a save between any two writes. */
static struct rig *start(struct rig *r, bool saves)
{
    static const struct {
        uint8_t off, size;
        uint32_t val;
    } w[] = {
        {RTL_CR, 1, CR_RST},
        {RTL_9346CR, 1, EEM_CONFIG},
        {RTL_IDR0, 4, 0x44332200},
        {RTL_IDR0 + 4, 4, 0x6655},
        {RTL_CPCR, 2, CPCR_RX | CPCR_TX | CPCR_RXCHKSUM | CPCR_MULRW},
        {RTL_THPDS, 4, 0},
        {RTL_THPDS + 4, 4, 0},
        {RTL_RDSAR, 4, RX_RING},
        {RTL_RDSAR + 4, 4, 0},
        {RTL_TNPDS, 4, TX_RING},
        {RTL_TNPDS + 4, 4, 0},
        {RTL_CR, 1, CR_RE | CR_TE},
        {RTL_ETTHR, 1, 6},
        {RTL_RCR, 4, RCR_APM | RCR_AB | 0xa400},
        {RTL_TCR, 4, 0x03000600},
        {RTL_CONFIG1, 1, 0x6d},
        {RTL_CONFIG3, 1, 0x40},
        {RTL_MULINT, 2, 0},
        {RTL_9346CR, 1, EEM_NORMAL},
        {RTL_IMR, 2, INT_ROK | INT_TOK | INT_LINKCHG | INT_RXOVW},
    };

    for (uint32_t i = 0; i < 64; i++) {
        uint32_t d = RX_RING + 16 * i;

        put32(r, d, 0x80000000 | (i == 63 ? 0x40000000 : 0) | RX_SIZE);
        put32(r, d + 8, RX_BUFS + i * RX_SIZE);
    }
    for (unsigned i = 0; i < sizeof(w) / sizeof(w[0]); i++) {
        rig_wr(r, w[i].off, w[i].size, w[i].val);
        if (saves)
            r = rig_move(r);
    }
    return r;
}

static void send(struct rig *r, unsigned i, uint32_t len)
{
    uint32_t d = TX_RING + 16 * (i % 64);

    memset(r->b->ram + TX_BUF, (int)i, len);
    put32(r, d + 4, 0);
    put32(r, d + 8, TX_BUF);
    put32(r, d + 12, 0);
    put32(r, d, 0xb0000000 | (i % 64 == 63 ? 0x40000000 : 0) | len);
    rig_wr1(r, RTL_TPPOLL, TPPOLL_NPQ);
    bench_step(r->b, NS_PER_MS);
}

/* Frames both ways, the machine changing under them. */
static void every_step(void **state)
{
    struct rig *r = start(rig_new(), true);
    uint8_t frame[200];
    const uint8_t *sent;
    uint32_t len;

    for (unsigned i = 0; i < 150; i++) {
        memset(frame, 0xff, 6);
        memset(frame + 6, (int)i, sizeof(frame) - 6);
        assert_true(net_mem_put(r->net, frame, 60 + i % 140));
        if (i % 3 == 0)
            r = rig_move(r);
        net_mem_rx_end(r->net);
        assert_true(rig_irq(r));
        assert_int_equal(get32(r, RX_RING + 16 * (i % 64)) & 0x1fff,
                         64 + i % 140);
        assert_memory_equal(r->b->ram + RX_BUFS + i % 64 * RX_SIZE, frame,
                            60 + i % 140);
        put32(r, RX_RING + 16 * (i % 64),
              0x80000000 | (i % 64 == 63 ? 0x40000000 : 0) | RX_SIZE);
        if (i % 5 == 0)
            r = rig_move(r);
        rig_wr2(r, RTL_ISR, 0xffff);
        assert_false(rig_irq(r));
        send(r, i, 60 + i);
        sent = net_mem_sent(r->net, &len);
        assert_non_null(sent);
        assert_int_equal(len, 60 + i);
        assert_int_equal(sent[20], i & 0xff);
        if (i % 7 == 0)
            r = rig_move(r);
        assert_int_equal(get32(r, TX_RING + 16 * (i % 64)) >> 31, 0);
        assert_true(rig_rd2(r, RTL_ISR) & INT_TOK);
        rig_wr2(r, RTL_ISR, 0xffff);
    }
    assert_int_equal(r->rtl->s.tally_rx_ok, 150);
    assert_int_equal(r->rtl->s.tally_tx_ok, 150);
    rig_free(r);
    (void)state;
}

/* A frame that the full cable did not take leaves on the other side. */
static void waiting_frame(void **state)
{
    struct rig *r = start(rig_new(), false);
    uint32_t len;

    net_mem_full(r->net, true);
    send(r, 0, 99);
    assert_int_equal(get32(r, TX_RING) >> 31, 1);
    r = rig_move(r); /* where there is room */
    assert_non_null(net_mem_sent(r->net, &len));
    assert_int_equal(len, 99);
    assert_int_equal(get32(r, TX_RING) >> 31, 0);
    rig_free(r);
    (void)state;
}

/* A plain RTL8139C is offered the state of a C+. */
static void other_revision(void **state)
{
    struct rig *plus = start(rig_new(), false);
    struct rig *plain = rig_new_for(0x10, true, NULL);
    size_t n = state_bytes(&rtl_state_desc);
    uint8_t *buf = malloc(n);
    struct err e;

    assert_non_null(buf);
    state_save(&rtl_state_desc, plus->dev, buf);
    assert_int_equal(state_load(&rtl_state_desc, plain->dev, buf, n, &e), 0);
    assert_int_equal(rig_rd2(plain, RTL_CPCR), 0);
    assert_int_equal(rig_rd1(plain, RTL_RERID), 0x10);
    assert_int_equal(rig_rd2(plain, RTL_IMR) & INT_CPLUS, 0);
    free(buf);
    rig_free(plus);
    rig_free(plain);
    (void)state;
}

static bool reachable(const struct rtl_state *s, const struct rtl_reg *reg)
{
    uint32_t val = 0;

    if (!reg->name || reg->at == RTL_NOWHERE || reg->bytes > 4)
        return true;
    memcpy(&val, (const uint8_t *)s + reg->at, reg->bytes);
    return !((val ^ reg->reset) & ~(reg->wmask | reg->live));
}

/* What was taken is in range, and the chip works on. */
static void poke(struct rig *r, uint32_t seed)
{
    const struct rtl_state *s = &r->rtl->s;
    static const uint8_t frame[300] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    for (unsigned i = 0; i < rtl_nregs; i++)
        assert_true(reachable(s, &rtl_regs[i]));
    assert_true(s->tx_next < 4 && s->rx_ring < 64 && s->ee_addr < 64);
    assert_true(s->tx_ring[0] < 64 && s->tx_ring[1] < 64);
    for (unsigned i = 0; i < 20; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (seed & 1)
            rig_rd(r, seed >> 8 & 0xfc, 4);
        else
            rig_wr(r, seed >> 8 & 0xff, 1, seed >> 16);
        net_mem_put(r->net, frame, seed >> 20 & 0xff);
        bench_step(r->b, seed >> 28);
    }
    net_mem_rx_end(r->net);
}

static void hostile(void **state)
{
    size_t n = state_bytes(&rtl_state_desc), i, k;
    uint8_t *orig = malloc(n), *buf = malloc(n);
    unsigned taken = 0, refused = 0;
    struct rig *r = start(rig_new(), false);
    uint32_t seed = 7;
    struct err e;

    assert_non_null(orig);
    assert_non_null(buf);
    rig_wr4(r, RTL_TIMERINT, 0x12345);
    send(r, 0, 60);
    state_save(&rtl_state_desc, r->dev, orig);
    for (unsigned pass = 0; pass < 12; pass++)
        for (i = 0; i < n; i++) {
            memcpy(buf, orig, n);
            for (k = 0; k <= pass / 4; k++) {
                seed = seed * 1664525u + 1013904223u;
                buf[k ? (seed >> 8) % n : i] ^=
                    pass < 4 ? (uint8_t)(1u << (2 * pass))
                             : (uint8_t)(seed >> 24 | 1);
            }
            if (state_load(&rtl_state_desc, r->dev, buf, n, &e)) {
                refused++;
                continue;
            }
            taken++;
            poke(r, seed);
        }
    assert_true(taken > 1000 && refused > 1000);
    assert_int_equal(state_load(&rtl_state_desc, r->dev, orig, n, &e), 0);
    for (i = 0; i < n; i += 37)
        assert_int_not_equal(state_load(&rtl_state_desc, r->dev, orig, i, &e),
                             0);
    /* All of it random: refused, or one in very many not */
    for (k = 0; k < 200; k++) {
        for (i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            buf[i] = (uint8_t)(seed >> 24);
        }
        if (state_load(&rtl_state_desc, r->dev, buf, n, &e) == 0)
            poke(r, seed);
    }
    r->dev->ops->reset(r->dev, RESET_POWER);
    assert_int_equal(clock_next(&r->b->clock), TIMER_NEVER);
    free(orig);
    free(buf);
    rig_free(r);
    (void)state;
}

/* Each register's row refuses what cannot be in it. */
static void rows(void **state)
{
    size_t n = state_bytes(&rtl_state_desc);
    uint8_t *buf = malloc(n);
    struct rig *r = rig_new();
    struct err e;

    assert_non_null(buf);
    for (unsigned i = 1; i < rtl_nregs; i++) {
        const struct rtl_reg *reg = &rtl_regs[i];
        uint32_t can, was = 0, all, bad;

        if (reg->at == RTL_NOWHERE || reg->bytes > 4)
            continue;
        all = reg->bytes == 4 ? UINT32_MAX : (1u << (8 * reg->bytes)) - 1;
        can = reg->wmask | reg->live;
        memcpy(&was, (uint8_t *)&r->rtl->s + reg->at, reg->bytes);
        for (unsigned bit = 0; bit < 8u * reg->bytes; bit++) {
            bad = (was ^ 1u << bit) & all;
            memcpy((uint8_t *)&r->rtl->s + reg->at, &bad, reg->bytes);
            state_save(&rtl_state_desc, r->dev, buf);
            memcpy((uint8_t *)&r->rtl->s + reg->at, &was, reg->bytes);
            assert_int_equal(state_load(&rtl_state_desc, r->dev, buf, n, &e) ==
                                 0,
                             can >> bit & 1);
            if (can >> bit & 1) {
                r->dev->ops->reset(r->dev, RESET_POWER);
                memcpy(&was, (uint8_t *)&r->rtl->s + reg->at, reg->bytes);
            } else {
                assert_non_null(strstr(e.text, reg->name));
            }
        }
    }
    free(buf);
    rig_free(r);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers),        cmocka_unit_test(every_step),
        cmocka_unit_test(waiting_frame), cmocka_unit_test(other_revision),
        cmocka_unit_test(rows),          cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
