/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket between hvmd and hvmd-vnc: a SOCK_SEQPACKET pair, fd 3
 * of hvmd-vnc, one struct vnc_msg per packet. Both programs come from one
 * build, so the layout is the machine's; yet each side checks what it gets,
 * and hvmd trusts nothing that hvmd-vnc says.
 *
 * The pixels are in a memfd that only hvmd can write: XRGB8888 little-endian,
 * rows of w * 4 bytes from its start. It always has VNC_PIXELS_BYTES, so that
 * no mode change moves or grows it.
 *
 * Flow control: hvmd draws only after VNC_DEMAND, which says that a viewer
 * waits for changes and that all damage so far was taken; a VNC_SCREEN or
 * VNC_DAMAGE answers it. A viewer that does not read therefore costs nothing.
 * With now set, the answer comes even when nothing has changed (a VNC_DAMAGE
 * of no rectangles): for viewers that ask for the screen as it is.
 */
#ifndef HVMD_VNC_PROTO_H
#define HVMD_VNC_PROTO_H

#include <hvmd/display.h>
#include <stddef.h>
#include <stdint.h>

#define VNC_CTL_FD       3
#define VNC_NAME_BYTES   64
#define VNC_PASSWORD_MAX 8 /* bytes that the DES challenge uses */
#define VNC_RECTS        32
#define VNC_SLOTS        24 /* connections at once; hvmd-vnc keeps fewer */
/* A row more: encoders that lag behind a mode change still read inside. */
#define VNC_PIXELS_BYTES (DISPLAY_MAX_W * 4u * (DISPLAY_MAX_H + 1u))

enum vnc_msg_type {
    /* hvmd to hvmd-vnc */
    VNC_HELLO = 1, /* first, once; with the memfd */
    VNC_CLIENT,    /* with a connection, in a free slot */
    VNC_SCREEN,    /* size (maybe the same); every pixel is new */
    VNC_DAMAGE,
    VNC_AUTH,
    VNC_LEDS,
    /* hvmd-vnc to hvmd */
    VNC_DEMAND = 64,
    VNC_KEY,
    VNC_POINTER,
    VNC_READY, /* one VNC_CLIENT has logged in */
    VNC_GONE,  /* one VNC_CLIENT's connection is closed; its slot is free */
};

enum vnc_auth {
    VNC_AUTH_NONE,
    VNC_AUTH_NO_PASSWORD, /* asked for, none set: nobody gets in */
    VNC_AUTH_PASSWORD,
};

struct vnc_msg {
    uint32_t type;
    union {
        struct {
            uint32_t layout;
            char name[VNC_NAME_BYTES];
        } hello;
        struct {
            uint32_t slot; /* below VNC_SLOTS */
        } client;          /* VNC_CLIENT, VNC_READY, VNC_GONE */
        struct {
            uint32_t w, h;
        } screen;
        struct {
            uint32_t n;
            struct rect r[VNC_RECTS];
        } damage;
        struct {
            uint32_t kind; /* enum vnc_auth */
            char password[VNC_PASSWORD_MAX + 1];
        } auth;
        struct {
            uint32_t lamps; /* as struct input's leds */
        } leds;
        struct {
            uint32_t now;
        } demand;
        struct {
            uint32_t code, down;
        } key;
        struct {
            uint32_t x, y, buttons; /* pixels, BTN_BIT_* */
            int32_t wheel;          /* clicks, up positive: -1, 0, 1 */
        } pointer;
    };
};

/* Bytes of a packet of that type, 0: no such type. */
static inline size_t vnc_msg_bytes(uint32_t type)
{
#define VNC_BYTES(m)                                                           \
    (offsetof(struct vnc_msg, m) + sizeof(((struct vnc_msg *)0)->m))
    switch (type) {
    case VNC_HELLO:
        return VNC_BYTES(hello);
    case VNC_SCREEN:
        return VNC_BYTES(screen);
    case VNC_DAMAGE:
        return VNC_BYTES(damage);
    case VNC_AUTH:
        return VNC_BYTES(auth);
    case VNC_LEDS:
        return VNC_BYTES(leds);
    case VNC_KEY:
        return VNC_BYTES(key);
    case VNC_POINTER:
        return VNC_BYTES(pointer);
    case VNC_DEMAND:
        return VNC_BYTES(demand);
    case VNC_CLIENT:
    case VNC_READY:
    case VNC_GONE:
        return VNC_BYTES(client);
    }
#undef VNC_BYTES
    return 0;
}

/*
 * Sends m (and fd, unless -1) without blocking: 0 or -errno, -EAGAIN when the
 * socket is full. Receives into m: 1, 0 at the end of file, -errno; packets of
 * a wrong size are -EPROTO. *fd is -1 or owned by the caller; pass NULL where
 * no descriptor is expected: the kernel then gives none.
 */
int vnc_send(int sock, const struct vnc_msg *m, int fd);
int vnc_recv(int sock, struct vnc_msg *m, int *fd);

#endif
