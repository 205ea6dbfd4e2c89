/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a frame costs inside the card: received with all checks, sent with its
 * checksums left to the cable, and in large sends. Prints ns a frame; 0, 1 or 2
 * as argument: that one alone, for callgrind (--toggle-collect=rounds).
 * Run by meson test --benchmark.
 */
#include "frames.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FRAMES 20000u
#define LEN    1514u
#define DESCS  64u
#define BUF(n) (0x100000u + (n)*0x1000u)

static void receive(struct rig *r, const uint8_t *f)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        unsigned n = i % DESCS;

        if (!net_mem_put(r->net, f, LEN))
            fail_msg("frame %u was not taken", i);
        desc_set(r, RIG_RDSAR, n,
                 RTL_DESC_OWN | (n == DESCS - 1 ? RTL_DESC_EOR : 0) | 1536, 0,
                 BUF(n));
        if (n % 16 == 15) {
            net_mem_rx_end(r->net);
            rig_wr2(r, RTL_ISR, 0xffff);
        }
    }
}

static void send(struct rig *r, const uint8_t *f, uint32_t len, uint32_t cmd)
{
    unsigned frames = len > LEN ? FRAMES / 40 : FRAMES;

    for (unsigned i = 0; i < frames; i++)
        plus_send(r, f, len, len > LEN ? 16 : 1, cmd, 0);
}

/* All that is counted; 0: receive, 1: send, 2: large sends. */
__attribute__((noinline)) void rounds(struct rig *, unsigned, const uint8_t *,
                                      uint32_t len);
void rounds(struct rig *r, unsigned kind, const uint8_t *f, uint32_t len)
{
    if (kind == 0)
        receive(r, f);
    else
        send(r, f, len,
             kind == 1 ? PLUS_IPCS | PLUS_TCPCS : PLUS_LGSEN | PLUS_MSS(1448));
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static struct rig *rig_for(unsigned kind)
{
    struct rig *r = kind ? rig_plus() : rig_new();

    if (kind)
        return r;
    for (unsigned i = 0; i < DESCS; i++)
        desc_set(r, RIG_RDSAR, i,
                 RTL_DESC_OWN | (i == DESCS - 1 ? RTL_DESC_EOR : 0) | 1536, 0,
                 BUF(i));
    rig_cplus(r, 0, CPCR_RXCHKSUM);
    return r;
}

static void one_kind(unsigned kind)
{
    static const char *const name[] = {"received", "sent", "in large sends"};
    uint32_t len = kind == 2 ? PLUS_BIG : LEN;
    struct frame_ip ip = {.len = len, .proto = PROTO_TCP};
    struct rig *r = rig_for(kind);
    uint8_t f[PLUS_BIG];
    uint64_t begun;

    frame_ip(f, &ip);
    memcpy(f, rig_mac, 6);
    begun = now_ns();
    rounds(r, kind, f, len);
    printf("%s: %.0f ns a frame of %u bytes\n", name[kind],
           (double)(now_ns() - begun) / FRAMES, LEN);
    rig_free(r);
}

int main(int argc, char **argv)
{
    for (unsigned kind = 0; kind < 3; kind++)
        if (argc < 2 || argv[1][0] == (char)('0' + kind))
            one_kind(kind);
    return 0;
}
