/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the console share: console.c (life, sockets, hvmd-vnc),
 * screen.c (drawing and damage), input.c (what hvmd-vnc sends).
 */
#ifndef HVMD_VNC_CONSOLE_PRIV_H
#define HVMD_VNC_CONSOLE_PRIV_H

#include "child.h"
#include "console.h"
#include "listen.h"
#include "proto.h"

/* Connections at once; hvmd-vnc itself keeps fewer. */
#define CONSOLE_CLIENTS_MAX VNC_SLOTS

/* Between looks at the screen: while it changes, and at most. */
#define REFRESH_MIN_NS  (16 * NS_PER_MS)
#define REFRESH_IDLE_NS (200 * NS_PER_MS)
/* Pixels: less of a change is no reason to look more often. */
#define REFRESH_SMALL 1024
/* Drawing takes at most one part in so many of the loop's time. */
#define REFRESH_SHARE 3

/* For the guest's pointer to reach the corner it is first pushed to. */
#define HOME_NS (200 * NS_PER_MS)
/* Lamp changes are told this late, together. */
#define LEDS_NS (10 * NS_PER_MS)

/* Messages taken from hvmd-vnc in one go, and per period. */
#define RX_BURST     64
#define RX_PERIOD    500u
#define RX_PERIOD_NS (100 * NS_PER_MS)

/*
 * A start of hvmd-vnc costs the guest milliseconds, and anybody who can reach
 * the port makes us do it: so many at once, then one each STARTS_NS. Who
 * knocks meanwhile waits in the kernel's queue.
 */
#define STARTS_MOST 16u
#define STARTS_NS   (250 * NS_PER_MS)

struct console {
    struct loop *loop;
    struct display *display;
    struct input *input;
    struct log *log;
    char name[VNC_NAME_BYTES];
    uint32_t layout;
    struct listen listen;
    struct loop_src listen_src[LISTEN_MAX];
    int exec_fd, null_fd;
    char password[VNC_PASSWORD_MAX + 1]; /* "": none set */
    struct log_bucket bucket;
    void (*event)(void *ctx, enum console_event, const struct console_peer *);
    void *event_ctx;

    unsigned starts; /* of hvmd-vnc, that may follow at once */
    uint64_t starts_ns;
    struct timer knocks; /* heard again then */

    /* while somebody looks */
    struct child *child;
    struct child *let_go; /* ending, to be reaped */
    uint64_t cpu_ns;      /* what console_cpu_ns() said last */
    unsigned clients;
    struct peer {
        bool used, ready; /* connected; logged in */
        struct console_peer addr;
    } peer[VNC_SLOTS];
    int pixels_fd;
    uint8_t *pixels;
    bool stuck; /* the control socket is full; waiting for room */
    bool leds_due, auth_due;
    uint8_t leds;
    struct timer leds_soon;

    /* screen.c */
    struct sink sink;
    struct timer tick;
    uint32_t w, h;
    bool all;    /* the next look draws everything */
    bool demand; /* a viewer waits for changes */
    bool answer; /* ... or for a look, whatever it finds */
    bool screen_due;
    unsigned nrects;
    struct rect rect[VNC_RECTS];
    uint64_t looked_ns, interval_ns, cost_ns;

    /* input.c */
    bool homed;
    uint32_t px, py; /* where the guest was told the pointer is */
    uint32_t tx, ty; /* where the viewers' is */
    struct timer home;
    unsigned rx_count;
    uint64_t rx_start_ns;
    struct timer rx_again;
    uint32_t held[8]; /* keys down, a bit each */
    unsigned buttons;
};

/* console.c: hvmd-vnc misbehaved or ended; its viewers are gone. */
void console_drop_child(struct console *);
/* Tells hvmd-vnc what is due, as far as the socket takes it. */
void console_flush(struct console *);
void console_want(struct console *);

/* screen.c */
void screen_init(struct console *);
void screen_start(struct console *); /* hvmd-vnc was started: draw it all */
void screen_stop(struct console *);
void screen_demand(struct console *, bool now);
void screen_hurry(struct console *); /* input came: look soon */
/* -EAGAIN as long as not everything was told */
int screen_tell(struct console *);

/* input.c */
void input_init(struct console *);
void input_release_all(struct console *);
/* False: hvmd-vnc broke the protocol. */
bool input_message(struct console *, const struct vnc_msg *);
/* False: too many of late; reading goes on by timer. */
bool input_allowed(struct console *);

/* peers.c: who is connected, by slot. */
/* A free one, filled in; -1: none. */
int peer_take(struct console *, int fd);
void peer_connected(struct console *, int slot);
/* False: there is no such viewer, or it said so before. */
bool peer_ready(struct console *, uint32_t slot);
bool peer_gone(struct console *, uint32_t slot);
void peers_gone(struct console *); /* all of them */

#endif
