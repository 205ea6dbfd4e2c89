/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What viewers send once logged in: RFC 6143 section 7.5, SetDesktopSize
 * (251) and QEMU's extended key event (255, 0). Only what was offered is
 * taken; anything else ends the connection. The two messages that set up the
 * encoder go on to it, checked.
 */
#include "vnc.h"

#include <string.h>

#define SET_PIXEL_FORMAT  0
#define SET_ENCODINGS     2
#define UPDATE_REQUEST    3
#define KEY_EVENT         4
#define POINTER_EVENT     5
#define CLIENT_CUT_TEXT   6
#define SET_DESKTOP_SIZE  251
#define QEMU_MESSAGE      255
#define QEMU_KEY_EVENT    0
#define ENC_DESKTOP_SIZE  (-223)
#define ENC_LAST_RECT     (-224)
#define ENC_QEMU_KEY      (-258)
#define ENC_QEMU_LEDS     (-261)
#define ENC_EXT_DESKTOP   (-308)
#define RESIZE_BY_CLIENT  1
#define RESIZE_PROHIBITED 1

/* One colour: a maximum of 2^n - 1 that fits where it is shifted to. */
static bool colour_ok(unsigned max, unsigned shift, unsigned bits)
{
    return max && !(max & (max + 1)) && shift < bits &&
           (uint64_t)max << shift < UINT64_C(1) << bits;
}

static bool format_ok(const uint8_t *f)
{
    unsigned bits = f[0];
    bool true_colour = f[3];

    if (bits != 8 && bits != 16 && bits != 32)
        return false;
    if (!f[1] || f[1] > bits)
        return false;
    if (!true_colour)
        return bits == 8;
    return colour_ok(get16(f + 4), f[10], bits) &&
           colour_ok(get16(f + 6), f[11], bits) &&
           colour_ok(get16(f + 8), f[12], bits);
}

/*
 * The encoder has to know of a change; as long as raw pixels of our own format
 * are wanted, there need not be one.
 */
static void changed(struct client *c, const uint8_t *m, size_t len)
{
    if (c->encoder)
        client_tell_encoder(c, m, len);
    else if (!c->native || c->encoding != ENC_RAW)
        client_encoder(c);
}

static void set_pixel_format(struct client *c, const uint8_t *m)
{
    static const uint8_t ours[9] = {0, 255, 0, 255, 0, 255, 16, 8, 0};

    if (!format_ok(m + 4)) {
        c->dead = true;
        return;
    }
    memcpy(c->set_format, m, sizeof(c->set_format));
    c->set_format_known = true;
    c->native = m[4] == 32 && !m[6] && m[7] && !memcmp(m + 8, ours, 9);
    changed(c, m, sizeof(c->set_format));
}

static bool is_encoding(int32_t enc)
{
    return enc == ENC_RAW || enc == ENC_HEXTILE || enc == ENC_ZLIB ||
           enc == ENC_TIGHT || enc == ENC_ZRLE;
}

static bool for_encoder(int32_t enc)
{
    return is_encoding(enc) || enc == ENC_LAST_RECT ||
           (enc >= -32 && enc <= -23) ||   /* JPEG quality */
           (enc >= -256 && enc <= -247) || /* compression */
           (enc >= -512 && enc <= -412) || /* fine quality */
           (enc >= -768 && enc <= -763);   /* chroma subsampling */
}

/* An update of one pseudo-rectangle that says: taken, go ahead. */
static void acknowledge(struct client *c, int32_t enc)
{
    uint8_t *p = client_put(c, 16);

    if (!p)
        return;
    memset(p, 0, 16);
    p[3] = 1;
    put16(p + 8, c->w);
    put16(p + 10, c->h);
    put32(p + 12, (uint32_t)enc);
}

static void note(struct client *c, int32_t enc)
{
    c->desktop_size |= enc == ENC_DESKTOP_SIZE;
    c->ext_desktop_size |= enc == ENC_EXT_DESKTOP;
    c->ext_key |= enc == ENC_QEMU_KEY;
    c->led_state |= enc == ENC_QEMU_LEDS;
}

/* The first encoding that we have is the preferred one. */
static void set_encodings(struct client *c, const uint8_t *m, unsigned n)
{
    uint8_t *keep = c->set_encodings;
    bool had_key = c->ext_key, found = false;
    unsigned kept = 0;

    c->desktop_size = c->ext_desktop_size = false;
    c->ext_key = c->led_state = false;
    for (unsigned i = 0; i < n; i++) {
        int32_t enc = (int32_t)get32(m + 4 + 4 * i);

        note(c, enc);
        if (is_encoding(enc) && !found) {
            c->encoding = enc;
            found = true;
        }
        if (for_encoder(enc) && kept < ENCODINGS_MAX)
            put32(keep + 4 + 4 * kept++, (uint32_t)enc);
    }
    memset(keep, 0, 4);
    keep[0] = SET_ENCODINGS;
    put16(keep + 2, kept);
    c->set_encodings_len = 4 + 4 * kept;
    changed(c, keep, c->set_encodings_len);
    if (!c->dead && c->ext_key && !had_key)
        acknowledge(c, ENC_QEMU_KEY);
    if (c->led_state)
        c->led_due = true;
}

/* Cut text is for nobody; a negative length is the extended clipboard's. */
static void cut_text(struct client *c, uint32_t len)
{
    if (len & 0x80000000u)
        len = -len;
    if (len > CUT_TEXT_MAX)
        c->dead = true;
    else
        c->skip = len;
}

/*
 * People do not reach this rate; a flood waits in its own socket, so that it
 * costs neither the guest nor the other viewers.
 */
static bool event_allowed(struct client *c)
{
    struct server *s = c->s;
    uint64_t now = now_ms();

    if (now - s->told_ms >= EVENTS_MS) {
        s->told_ms = now;
        s->told = 0;
    }
    if (c->told_ms != s->told_ms) {
        c->told_ms = s->told_ms;
        c->told = 0;
    }
    c->throttled = s->told + c->told + TOLD_MOST > TOLD_MAX;
    return !c->throttled;
}

static size_t need(size_t len, size_t bytes)
{
    return len < bytes ? 0 : bytes;
}

static size_t encodings(struct client *c, const uint8_t *in, size_t len)
{
    unsigned n;

    if (len < 4)
        return 0;
    n = get16(in + 2);
    if (4 + 4 * n > IN_BYTES) {
        c->dead = true;
        return 0;
    }
    if (len < 4 + 4 * n || !update_idle(c))
        return 0;
    set_encodings(c, in, n);
    return 4 + 4 * n;
}

static size_t desktop_size(struct client *c, const uint8_t *in, size_t len)
{
    size_t bytes = len < 8 ? 8 : 8 + 16u * in[6];

    if (!c->ext_desktop_size) {
        c->dead = true;
        return 0;
    }
    if (len < bytes)
        return 0;
    c->resize_reason = RESIZE_BY_CLIENT;
    c->resize_status = RESIZE_PROHIBITED;
    c->size_due = true;
    return bytes;
}

static size_t qemu(struct client *c, const uint8_t *in, size_t len)
{
    if (len < 2)
        return 0;
    if (in[1] != QEMU_KEY_EVENT || !c->ext_key) {
        c->dead = true;
        return 0;
    }
    if (len < 12 || !event_allowed(c))
        return 0;
    keys_code(c, get16(in + 2), get32(in + 8), get32(in + 4));
    return 12;
}

size_t msg_input(struct client *c, const uint8_t *in, size_t len)
{
    size_t bytes;

    if (!len)
        return 0;
    switch (in[0]) {
    case SET_PIXEL_FORMAT:
        bytes = update_idle(c) ? need(len, 20) : 0;
        if (bytes)
            set_pixel_format(c, in);
        return bytes;
    case SET_ENCODINGS:
        return encodings(c, in, len);
    case UPDATE_REQUEST:
        bytes = need(len, 10);
        if (bytes)
            update_request(c, in[1],
                           (struct rect){get16(in + 2), get16(in + 4),
                                         get16(in + 6), get16(in + 8)});
        return bytes;
    case KEY_EVENT:
        bytes = need(len, 8);
        if (bytes && !event_allowed(c))
            return 0;
        if (bytes)
            keys_sym(c, in[1], get32(in + 4));
        return bytes;
    case POINTER_EVENT:
        bytes = need(len, 6);
        if (bytes && !event_allowed(c))
            return 0;
        if (bytes)
            keys_pointer(c, in[1], get16(in + 2), get16(in + 4));
        return bytes;
    case CLIENT_CUT_TEXT:
        bytes = need(len, 8);
        if (bytes)
            cut_text(c, get32(in + 4));
        return bytes;
    case SET_DESKTOP_SIZE:
        return desktop_size(c, in, len);
    case QEMU_MESSAGE:
        return qemu(c, in, len);
    }
    c->dead = true;
    return 0;
}
