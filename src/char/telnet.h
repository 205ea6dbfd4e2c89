/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As little of telnet as makes a client send characters as they are typed: we
 * echo, suppress go-ahead and ask for binary both ways. Whatever the peer says
 * about options is taken out of its input and not answered.
 * Source: RFC 854, 856, 857, 858.
 */
#ifndef CHR_TELNET_H
#define CHR_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct telnet {
    uint8_t state; /* enum in telnet.c */
    uint8_t verb;  /* WILL, WONT, DO, DONT waiting for its option */
    bool binary;   /* the peer sends binary: CR is not followed by NUL */
    bool cr;       /* the last byte of input was CR */
    bool owe_iac;  /* half of a doubled 255 is sent */
};

/* A new connection: forgets the last one, announces our options. */
void telnet_hello(struct telnet *, int fd);
/* Bytes of buf dealt with, or -errno; 255 is doubled on the way. */
ssize_t telnet_send(struct telnet *, int fd, const uint8_t *buf, size_t len);
/* Takes commands out of buf; the bytes left. */
size_t telnet_filter(struct telnet *, uint8_t *buf, size_t len);

#endif
