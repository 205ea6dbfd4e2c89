/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "telnet.h"

#include <errno.h>
#include <sys/socket.h>

#define IAC  255
#define DONT 254
#define DO   253
#define WONT 252
#define WILL 251
#define SB   250
#define SE   240

#define OPT_BINARY 0
#define OPT_ECHO   1
#define OPT_SGA    3

enum { DATA, CMD, OPTION, SUB, SUB_CMD };

#define CHUNK 256

static ssize_t put(int fd, const uint8_t *buf, size_t len)
{
    ssize_t n = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

void telnet_hello(struct telnet *t, int fd)
{
    static const uint8_t hello[] = {IAC,        WILL,    OPT_ECHO, IAC,
                                    WILL,       OPT_SGA, IAC,      WILL,
                                    OPT_BINARY, IAC,     DO,       OPT_BINARY};

    *t = (struct telnet){0};
    /* A new connection has room for 12 bytes; if it is gone, reads tell. */
    (void)put(fd, hello, sizeof(hello));
}

ssize_t telnet_send(struct telnet *t, int fd, const uint8_t *buf, size_t len)
{
    uint8_t wire[2 * CHUNK];
    size_t used = 0, n = 0, sent;
    ssize_t rc;

    if (!len)
        return 0;
    if (t->owe_iac) { /* buf[0] is the 255 whose first half went out */
        wire[0] = IAC;
        rc = put(fd, wire, 1);
        if (rc <= 0)
            return rc;
        t->owe_iac = false;
        return 1;
    }
    if (len > CHUNK)
        len = CHUNK;
    for (size_t i = 0; i < len; i++) {
        wire[n++] = buf[i];
        if (buf[i] == IAC)
            wire[n++] = IAC;
    }
    rc = put(fd, wire, n);
    if (rc < 0)
        return rc;
    sent = (size_t)rc;
    for (; used < len; used++) {
        n = buf[used] == IAC ? 2 : 1;
        if (sent < n)
            break;
        sent -= n;
    }
    t->owe_iac = sent == 1;
    return (ssize_t)used;
}

/* One byte of input; true when it is data. */
static bool data(struct telnet *t, uint8_t c)
{
    switch (t->state) {
    case CMD:
        t->state = DATA;
        if (c == IAC)
            return true;
        if (c >= WILL) {
            t->verb = c;
            t->state = OPTION;
        } else if (c == SB) {
            t->state = SUB;
        }
        return false;
    case OPTION:
        if (c == OPT_BINARY && (t->verb == WILL || t->verb == WONT))
            t->binary = t->verb == WILL;
        t->state = DATA;
        return false;
    case SUB:
        if (c == IAC)
            t->state = SUB_CMD;
        return false;
    case SUB_CMD:
        t->state = c == SE ? DATA : SUB;
        return false;
    default:
        if (c != IAC)
            return true;
        t->state = CMD;
        return false;
    }
}

size_t telnet_filter(struct telnet *t, uint8_t *buf, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (!data(t, buf[i]))
            continue;
        if (t->cr && buf[i] == 0 && !t->binary) {
            t->cr = false;
            continue;
        }
        t->cr = buf[i] == '\r';
        buf[n++] = buf[i];
    }
    return n;
}
