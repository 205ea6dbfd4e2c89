/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of back ends: a card that takes, refuses and counts, and a loop
 * that runs until something has happened. Frames carry a mark each; those of
 * other protocols (the host's own chatter) are taken and ignored.
 */
#ifndef NET_RIG_H
#define NET_RIG_H

#include <hvmd/loop.h>
#include <hvmd/net.h>

#define PROTOCOL 0x88b5u /* IEEE 802 local experimental */
#define FRAME    100u

/* What run_for() returns. */
enum { RUN_STOPPED = 1, RUN_REFUSED, RUN_LATE };

struct card {
    struct loop *loop;
    struct net *net;
    unsigned taken, tx_ready, ends, links;
    unsigned stop_at; /* end the run at so many taken */
    unsigned off_at;  /* stop receiving at so many taken */
    unsigned refuse;  /* so many are refused first */
    unsigned turns;   /* of the loop */
    bool stop_link, stop_ready;
    bool on_in_end;  /* receiving goes on again at the end of the turn */
    bool up, inside; /* inside: of a call of the back end that may not call */
    uint8_t last, marks[256], bytes[NET_FRAME_MAX];
    uint32_t len;
};

void card_new(struct card *);
/* Becomes the device of net. */
void card_plug(struct card *, struct net *);
void card_free(struct card *);
int run_for(struct card *, uint64_t ms);
/* Runs until the link has changed, or tx_ready came. */
void run_to_link(struct card *, bool up);
void run_to_ready(struct card *);
/* Lets that much of the loop's time pass at once. */
void card_skip(struct card *, uint64_t ns);
int64_t card_tx(struct card *, const struct net_offload *, const struct iovec *,
                unsigned niov);
/* A broadcast frame of FRAME bytes. */
void put_header(uint8_t *f, uint8_t mark);

/* Own network namespace for what needs root; false: the test must skip. */
bool rig_namespace(void);
/* Brings the interface up or down; -1: there is none. */
int rig_set_up(const char *ifname, bool up);

#endif
