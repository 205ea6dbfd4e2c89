/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "codec.h"

#include "proto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rfb/rfb.h>

struct codec {
    rfbScreenInfoPtr screen;
};

struct encoder {
    rfbClientPtr rfb; /* its sock is the memfd, or -1: it has given up */
    uint8_t *buf;     /* the memfd */
};

static void quiet(const char *format, ...)
{
}

static void codec_screen(struct codec *c, uint32_t w, uint32_t h)
{
    c->screen->width = (int)w;
    c->screen->height = (int)h;
    c->screen->paddedWidthInBytes = (int)w * 4;
}

static struct codec *codec_open(const uint8_t *px)
{
    struct codec *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    rfbLog = rfbErr = quiet;
    c->screen = rfbGetScreen(NULL, NULL, 64, 48, 8, 3, 4);
    if (!c->screen) {
        free(c);
        return NULL;
    }
    c->screen->frameBuffer = (char *)px; /* only read: there is no cursor */
    c->screen->cursor = NULL;
    c->screen->maxClientWait = 1;
    c->screen->serverFormat.redShift = 16;
    c->screen->serverFormat.greenShift = 8;
    c->screen->serverFormat.blueShift = 0;
    c->screen->serverFormat.depth = 24;
    return c;
}

static void codec_close(struct codec *c)
{
    rfbScreenCleanup(c->screen);
    free(c);
}

/* A write beyond its end fails, and with it that viewer: the bound. */
static int make_memfd(uint8_t **map)
{
    int fd = memfd_create("hvmd-vnc-out", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *p = MAP_FAILED;

    if (fd < 0)
        return -1;
    if (!ftruncate(fd, CODEC_BYTES) &&
        !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
        p = mmap(NULL, CODEC_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        close(fd);
        return -1;
    }
    *map = p;
    return fd;
}

/*
 * The library insists on a socket at first: it says its version there and
 * waits a while for a web socket's greeting, which the four bytes forestall.
 * Then the memfd takes the socket's place under the same number.
 */
static bool attach(struct encoder *e, struct codec *c)
{
    int sv[2], fd;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
        return false;
    if (write(sv[1], "RFB ", 4) == 4)
        e->rfb = rfbNewClient(c->screen, sv[0]);
    else
        close(sv[0]);
    close(sv[1]);
    if (!e->rfb)
        return false;
    fd = make_memfd(&e->buf);
    if (fd < 0)
        return false;
    bool ok = dup3(fd, e->rfb->sock, O_CLOEXEC) >= 0;
    close(fd);
    e->rfb->state = RFB_NORMAL;
    e->rfb->protocolMajorVersion = 3;
    e->rfb->protocolMinorVersion = 8;
    e->rfb->preferredEncoding = rfbEncodingRaw;
    return ok;
}

static void encoder_end(struct encoder *e)
{
    if (e->rfb)
        rfbClientConnectionGone(e->rfb); /* closes the memfd if need be */
    if (e->buf)
        munmap(e->buf, CODEC_BYTES);
    free(e);
}

static struct encoder *encoder_start(struct codec *c)
{
    struct encoder *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    if (attach(e, c))
        return e;
    encoder_end(e);
    return NULL;
}

/* What the library wrote since offset from, unless it has given up. */
static bool written(struct encoder *e, size_t from, struct encoded *out)
{
    off_t end = e->rfb->sock < 0 ? -1 : lseek(e->rfb->sock, 0, SEEK_CUR);

    if (end < (off_t)from || end > (off_t)CODEC_BYTES)
        return false;
    out->p = e->buf + from;
    out->len = (size_t)end - from;
    return true;
}

static bool encoder_message(struct encoder *e, const uint8_t *msg, size_t len,
                            struct encoded *out)
{
    if (e->rfb->sock < 0 || len > CODEC_BYTES)
        return false;
    memcpy(e->buf, msg, len);
    lseek(e->rfb->sock, 0, SEEK_SET);
    rfbProcessClientMessage(e->rfb);
    return written(e, len, out);
}

static unsigned encoder_count(struct encoder *e, const struct rect *r)
{
    switch (e->rfb->preferredEncoding) {
    case rfbEncodingZlib:
        return (r->h - 1) / (ZLIB_MAX_SIZE(r->w) / r->w) + 1;
    case rfbEncodingTight:
        return (unsigned)rfbNumCodedRectsTight(e->rfb, (int)r->x, (int)r->y,
                                               (int)r->w, (int)r->h);
    }
    return 1;
}

static bool encode(rfbClientPtr cl, int x, int y, int w, int h)
{
    switch (cl->preferredEncoding) {
    case rfbEncodingHextile:
        return rfbSendRectEncodingHextile(cl, x, y, w, h);
    case rfbEncodingZlib:
        return rfbSendRectEncodingZlib(cl, x, y, w, h);
    case rfbEncodingTight:
        return rfbSendRectEncodingTight(cl, x, y, w, h);
    case rfbEncodingZRLE:
        return rfbSendRectEncodingZRLE(cl, x, y, w, h);
    }
    return rfbSendRectEncodingRaw(cl, x, y, w, h);
}

static bool encoder_encode(struct encoder *e, const struct rect *r,
                           struct encoded *out)
{
    if (e->rfb->sock < 0)
        return false;
    lseek(e->rfb->sock, 0, SEEK_SET);
    e->rfb->ublen = 0;
    return encode(e->rfb, (int)r->x, (int)r->y, (int)r->w, (int)r->h) &&
           rfbSendUpdateBuf(e->rfb) && written(e, 0, out);
}

static void des(uint8_t challenge[CHALLENGE_BYTES], const char *password)
{
    char key[VNC_PASSWORD_MAX + 1] = "";

    strncpy(key, password, VNC_PASSWORD_MAX);
    rfbEncryptBytes(challenge, key);
    explicit_bzero(key, sizeof(key));
}

const struct codec_ops codec_ops = {
    .version = HVMD_VERSION,
    .open = codec_open,
    .close = codec_close,
    .screen = codec_screen,
    .start = encoder_start,
    .end = encoder_end,
    .message = encoder_message,
    .count = encoder_count,
    .encode = encoder_encode,
    .des = des,
};
