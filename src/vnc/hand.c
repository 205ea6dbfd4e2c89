/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RFB handshake, RFC 6143 section 7.1 to 7.3, versions 3.3, 3.7 and 3.8;
 * security types None (1) and VNC Authentication (2).
 */
#include "vnc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define VERSION_BYTES 12
#define SECURITY_NONE 1
#define SECURITY_VNC  2

static unsigned security(const struct server *s)
{
    return s->auth == VNC_AUTH_NONE ? SECURITY_NONE : SECURITY_VNC;
}

static void challenge(struct client *c)
{
    uint8_t *p = client_put(c, CHALLENGE_BYTES);

    if (!p)
        return;
    if (getrandom(c->challenge, CHALLENGE_BYTES, 0) != CHALLENGE_BYTES) {
        c->dead = true;
        return;
    }
    memcpy(p, c->challenge, CHALLENGE_BYTES);
    c->state = AWAIT_RESPONSE;
}

static void put_word(struct client *c, uint32_t v)
{
    uint8_t *p = client_put(c, 4);

    if (p)
        put32(p, v);
}

static void accepted(struct client *c, unsigned type)
{
    /* 3.3 and 3.7 have no result for type None. */
    if (type == SECURITY_VNC || c->minor == 8)
        put_word(c, 0);
    c->state = AWAIT_INIT;
}

static void chosen(struct client *c, unsigned type)
{
    if (type != security(c->s))
        c->dead = true;
    else if (type == SECURITY_VNC)
        challenge(c);
    else
        accepted(c, type);
}

static void version(struct client *c, const uint8_t *in)
{
    uint8_t *p;

    if (memcmp(in, "RFB 003.", 8) || in[11] != '\n') {
        c->dead = true;
        return;
    }
    /* Section 7.1.1: whatever else is said means 3.3. */
    c->minor = !memcmp(in + 8, "008", 3)   ? 8
               : !memcmp(in + 8, "007", 3) ? 7
                                           : 3;
    if (c->minor == 3) {
        put_word(c, security(c->s));
        chosen(c, security(c->s));
        return;
    }
    p = client_put(c, 2);
    if (!p)
        return;
    p[0] = 1;
    p[1] = (uint8_t)security(c->s);
    c->state = AWAIT_SECURITY;
}

/*
 * The challenge encrypted with the password as key. Without a password no
 * answer is right, the one that an empty key gives included.
 */
static bool right(struct client *c, const uint8_t *in)
{
    struct server *s = c->s;
    uint8_t want[CHALLENGE_BYTES];
    unsigned diff = 0;

    if (s->auth != VNC_AUTH_PASSWORD || !s->password[0] || !codec_need(s))
        return false;
    memcpy(want, c->challenge, sizeof(want));
    s->ops->des(want, s->password);
    for (unsigned i = 0; i < CHALLENGE_BYTES; i++)
        diff |= want[i] ^ in[i];
    explicit_bzero(want, sizeof(want));
    return !diff;
}

static void accept_response(struct client *c)
{
    c->s->fails = 0;
    c->deadline_ms = now_ms() + HANDSHAKE_MS;
    accepted(c, SECURITY_VNC);
}

/*
 * Since the last failure all answers are held back, the right one's too: else
 * who guesses would not wait, but hang up as soon as none comes.
 */
static void response(struct client *c, const uint8_t *in)
{
    struct server *s = c->s;

    c->granted = right(c, in);
    if (c->granted && !s->fails) {
        accept_response(c);
        return;
    }
    if (!c->granted && s->fails < FAILS_MAX)
        s->fails++;
    c->state = HELD;
    c->deadline_ms = now_ms() + FAIL_MS * s->fails;
}

static void refuse(struct client *c)
{
    static const char why[] = "wrong password";
    size_t len = sizeof(why) - 1;
    uint8_t *p;

    put_word(c, 1);
    if (c->minor == 8 && (p = client_put(c, 4 + len))) {
        put32(p, (uint32_t)len);
        memcpy(p + 4, why, len);
    }
    update_flush(c);
    c->dead = true;
}

void hand_answer(struct client *c)
{
    if (c->granted)
        accept_response(c);
    else
        refuse(c);
}

/* ServerInit, section 7.3.2, with the format of the shared pixels. */
static void server_init_message(struct client *c)
{
    static const uint8_t format[16] = {32,  24, 0,   1,  0, 255, 0,
                                       255, 0,  255, 16, 8, 0};
    struct server *s = c->s;
    size_t len = strlen(s->name);
    uint8_t *p = client_put(c, 24 + len);

    if (!p)
        return;
    c->w = s->w;
    c->h = s->h;
    put16(p, c->w);
    put16(p + 2, c->h);
    memcpy(p + 4, format, sizeof(format));
    put32(p + 20, (uint32_t)len);
    memcpy(p + 24, s->name, len);
    c->native = true;
    c->encoding = ENC_RAW;
    c->state = NORMAL;
    c->led_due = true;
    tell(&(struct vnc_msg){.type = VNC_READY, .client.slot = c->slot});
    const struct rect all = {0, 0, c->w, c->h};
    update_modified(c, &all);
}

/* Shared-flag 0 asks for the screen alone: the other viewers are closed. */
static void init(struct client *c, bool shared)
{
    struct server *s = c->s;

    for (unsigned i = 0; i < s->n && !shared; i++)
        if (s->client[i] != c && s->client[i]->state == NORMAL)
            s->client[i]->dead = true;
    server_init_message(c);
}

size_t hand_input(struct client *c, const uint8_t *in, size_t len)
{
    switch (c->state) {
    case AWAIT_VERSION:
        if (len < VERSION_BYTES)
            return 0;
        version(c, in);
        return VERSION_BYTES;
    case AWAIT_SECURITY:
        if (len < 1)
            return 0;
        chosen(c, in[0]);
        return 1;
    case AWAIT_RESPONSE:
        if (len < CHALLENGE_BYTES)
            return 0;
        response(c, in);
        return CHALLENGE_BYTES;
    case AWAIT_INIT:
        if (len < 1 || !c->s->drawn) /* else the size would be a guess */
            return 0;
        init(c, in[0]);
        return 1;
    case HELD:
    case NORMAL:
        break;
    }
    return 0;
}
