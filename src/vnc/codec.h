/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that libvncserver does: encoding pixels for viewers who want
 * other than raw pixels of our own format, and the DES response to a password
 * challenge. It is a module of its own, hvmd-vnc-codec.so, loaded at first
 * need: the library brings some twenty others, and a first picture need not
 * wait for them.
 *
 * libvncserver reads and writes a file descriptor and blocks on it. Here that
 * descriptor is a sealed memfd: a message is put there for it to read, and
 * what it encodes is sent from there as the viewer takes it. So a viewer that
 * does not read costs its buffers and no time.
 *
 * Pixels: XRGB8888 little-endian, rows of width * 4 bytes, in a mapping of
 * VNC_PIXELS_BYTES that outlives the codec. One thread. Failures are final for
 * the viewer concerned.
 */
#ifndef HVMD_VNC_CODEC_H
#define HVMD_VNC_CODEC_H

#include <hvmd/display.h>
#include <stddef.h>

#define CHALLENGE_BYTES 16

/* Encodings offered, RFC 6143 section 7.7 and the IANA registry. */
#define ENC_RAW     0
#define ENC_HEXTILE 5
#define ENC_ZLIB    6
#define ENC_TIGHT   7
#define ENC_ZRLE    16

/* One call's output at most; a band as band_rows() cuts it fits in any. */
#define CODEC_BYTES (512u << 10)

struct codec;   /* the library's idea of the screen */
struct encoder; /* one viewer's state */

/* Bytes in the encoder's buffer, valid until its next call. */
struct encoded {
    const uint8_t *p;
    size_t len;
};

struct codec_ops {
    /* The program may be the one of before an upgrade: must be the same. */
    const char *version;
    struct codec *(*open)(const uint8_t *px);
    void (*close)(struct codec *); /* after its encoders */
    void (*screen)(struct codec *, uint32_t w, uint32_t h);

    struct encoder *(*start)(struct codec *);
    void (*end)(struct encoder *);
    /* A whole SetPixelFormat or SetEncodings, checked; with the answer. */
    bool (*message)(struct encoder *, const uint8_t *msg, size_t len,
                    struct encoded *);
    /* Rectangles that encoding r makes; 0: not known before (LastRect). */
    unsigned (*count)(struct encoder *, const struct rect *r);
    bool (*encode)(struct encoder *, const struct rect *r, struct encoded *);

    /* In place; the password's first eight bytes count. */
    void (*des)(uint8_t challenge[CHALLENGE_BYTES], const char *password);
};

/* The module's one symbol. */
extern const struct codec_ops codec_ops __attribute__((visibility("default")));

#endif
