/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvmd-vnc: the process that strangers reach. One thread, one epoll, nothing
 * blocks. RFB (RFC 6143) is split in two: connection, handshake and the
 * framing of what viewers send are here, so that libvncserver (codec.h) sees
 * only whole, checked messages of viewers that have logged in. Encoding pixels
 * and the DES response are its work; raw pixels of our own format go from the
 * shared memory to the socket without it.
 *
 * Ownership: server owns clients; a client owns its socket and its encoder.
 */
#ifndef HVMD_VNC_VNC_H
#define HVMD_VNC_VNC_H

#include "codec.h"
#include "proto.h"
#include "region.h"

#include <stdbool.h>

#define CLIENTS_MAX 16
#define IN_BYTES    4096u
/* All but encoded pixels that waits: handshake, headers, a colour map. */
#define OUT_BYTES 8192u
/* With any encoding, headers included, it fits in CODEC_BYTES. */
#define BAND_PIXELS   (96u << 10)
#define ENCODINGS_MAX 64 /* kept for the encoder; more are forgotten */

#define HANDSHAKE_MS 30000u /* to log in */
#define STALL_MS     60000u /* without taking a byte that waits */
#define FAIL_MS      500u   /* answer to a password, times failures */
#define FAILS_MAX    8u
#define FRESH_MS     100u /* age of pixels that a full request gets */
#define CUT_TEXT_MAX (1u << 20)
#define SEND_BUDGET  (1u << 20) /* bytes per turn of one client */
#define MSG_BUDGET   64         /* messages per turn of one client */
/*
 * What hvmd is told of keys and pointers per EVENTS_MS, by all: less than half
 * of what it takes, as its periods begin at other times. A viewer may take no
 * more than is left, so there is always something for the next. An event may
 * make TOLD_MOST messages.
 */
#define EVENTS_MS 100u
#define TOLD_MAX  240u
#define TOLD_MOST 7u

enum client_state {
    AWAIT_VERSION,
    AWAIT_SECURITY,
    AWAIT_RESPONSE,
    AWAIT_INIT,
    HELD, /* its password was looked at, the answer is held back */
    NORMAL,
};

/* One FramebufferUpdate being sent. */
struct job {
    bool active, raw, last_rect;
    struct region g;
    unsigned i;   /* the rectangle at work */
    size_t pos;   /* raw: bytes of r[i] sent, its header included */
    uint32_t row; /* encoded: rows of r[i] done */
};

struct client {
    struct server *s;
    int fd;
    uint32_t slot;           /* hvmd's number of it */
    bool dead;               /* to be freed at the end of the turn */
    bool readable, writable; /* as far as epoll has told */
    enum client_state state;
    unsigned minor; /* protocol 3.x */
    uint64_t deadline_ms;
    uint64_t stalled_ms; /* since when bytes wait, 0: none do */
    uint8_t challenge[CHALLENGE_BYTES];
    bool granted; /* HELD: what the answer will be */

    uint8_t in[IN_BYTES];
    size_t in_len;
    uint32_t skip; /* bytes of cut text to come */

    uint8_t out[OUT_BYTES]; /* is sent before enc */
    size_t out_pos, out_len;
    struct encoded enc; /* what is left of the encoder's output */

    struct encoder *encoder; /* NULL: not needed so far */
    bool set_format_known;
    uint8_t set_format[20];                       /* the last SetPixelFormat */
    uint8_t set_encodings[4 + 4 * ENCODINGS_MAX]; /* and SetEncodings */
    size_t set_encodings_len;
    int32_t encoding; /* preferred, ENC_* */
    struct region modified, requested;
    uint32_t w, h; /* the screen as this viewer knows it */
    bool native;   /* its pixel format is ours */
    bool desktop_size, ext_desktop_size, last_rect, ext_key, led_state;
    bool size_due, led_due;
    bool wait_look; /* asked for the screen as it is, not as it was */
    uint8_t resize_reason, resize_status; /* of ExtendedDesktopSize */
    struct job job;

    uint32_t held[8]; /* keys down, by code */
    struct {
        uint32_t sym;
        uint8_t code;
    } pressed[16]; /* keysyms down and the code they went out as */
    unsigned mask; /* RFB button mask */
    unsigned told; /* keys and pointers, since then: */
    uint64_t told_ms;
    bool throttled;
};

struct server {
    int ep;
    const struct codec_ops *ops; /* NULL: not loaded so far */
    struct codec *codec;
    const uint8_t *px;
    uint32_t w, h;
    char name[VNC_NAME_BYTES];
    uint32_t layout;
    uint32_t auth; /* enum vnc_auth */
    char password[VNC_PASSWORD_MAX + 1];
    unsigned fails; /* in a row */
    uint8_t lamps;
    uint32_t x, y; /* the pointer's last place */
    unsigned told; /* keys and pointers, since then: */
    uint64_t told_ms;
    bool demanded, demanded_now; /* hvmd has yet to answer */
    uint64_t looked_ms;          /* when it last did */
    bool order;                  /* hello has come */
    bool drawn;                  /* the first screen has come */
    unsigned n;
    struct client *client[CLIENTS_MAX];
};

uint64_t now_ms(void);

static inline void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}
static inline uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}
static inline uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

/* vnc.c: to hvmd; a failure ends the process. */
void tell(const struct vnc_msg *);
/* vnc.c: the module, NULL: it cannot be loaded. */
const struct codec_ops *codec_load(void);
/* client.c: loads it at first need; false: it cannot be had. */
bool codec_need(struct server *);

/* client.c */
void client_new(struct server *, int fd, uint32_t slot); /* takes fd */
void client_gone(uint32_t slot);                         /* tells hvmd */
void client_free(struct client *);
void client_events(struct client *, unsigned events); /* of epoll */
/* Reads, answers and sends, a turn's worth; true: there is more at once. */
bool client_run(struct client *);
/* Room for len bytes of output, NULL: none (the client is dead then). */
uint8_t *client_put(struct client *, size_t len);
/* Gives the client an encoder of its settings; false: dead. */
bool client_encoder(struct client *);
/* Gives the encoder a message and puts its answer; false: dead. */
bool client_tell_encoder(struct client *, const uint8_t *msg, size_t len);
/* ms until the client's next time limit; marks it dead at that. */
uint64_t client_limit(struct client *, uint64_t now);

/* hand.c: the handshake; bytes used, 0: more are needed. */
size_t hand_input(struct client *, const uint8_t *, size_t len);
void hand_answer(struct client *); /* HELD, and the time is up */

/* msg.c: normal messages; bytes used, 0: more are needed or not now. */
size_t msg_input(struct client *, const uint8_t *, size_t len);

/* update.c */
void update_request(struct client *, bool incremental, struct rect);
void update_modified(struct client *, const struct rect *);
void update_resized(struct client *);
/* Output that was put and not yet taken is sent; false: not all of it. */
bool update_flush(struct client *);
/*
 * Sends and encodes until the viewer takes no more, all is sent or the turn
 * is over; true: an update was finished, or there is more at once.
 */
bool update_run(struct client *);
/* No update is half sent: messages that change the encoding may be taken. */
static inline bool update_idle(const struct client *c)
{
    return !c->job.active;
}
/* True while the viewer waits for changes and has everything so far. */
bool update_waiting(const struct client *);

/* keys.c */
void keys_sym(struct client *, bool down, uint32_t sym);
void keys_code(struct client *, bool down, uint32_t code, uint32_t sym);
void keys_pointer(struct client *, unsigned mask, uint32_t x, uint32_t y);
void keys_release(struct client *); /* everything it holds */

#endif
