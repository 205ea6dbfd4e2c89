/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Byte streams behind serial and parallel ports. Loop thread only; nothing
 * blocks: write() takes what it can, and what a peer that does not read cannot
 * take is refused, never queued without bound (rule R9).
 */
#ifndef HVMD_CHARDEV_H
#define HVMD_CHARDEV_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct chr;

struct chr_line {
    uint32_t bits_per_s;
    uint8_t data_bits; /* 5..8 */
    uint8_t stop_bits; /* 1, 2 */
    char parity;       /* N, E, O */
};

struct chr_ops {
    /* Bytes taken, 0..len. Fewer: tx_ready() is called when there is room.
     * With no peer connected everything is taken and dropped. */
    size_t (*write)(struct chr *, const uint8_t *buf, size_t len);
    /* The device has room for n more bytes of input (0: stop reading). */
    void (*rx_room)(struct chr *, size_t n);
    void (*close)(struct chr *); /* also removes sockets it made */
    /* The guest set the line: a real serial device follows. May be NULL. */
    void (*line)(struct chr *, const struct chr_line *);
};

struct chr {
    const struct chr_ops *ops;
    char label[32];     /* serial0, libxl-channel0 ... */
    char filename[256]; /* as query-chardev shows it: "pty:/dev/pts/3" */
    bool connected;
    /* Set by the device before the first event. */
    void (*rx)(void *dev, const uint8_t *buf, size_t len); /* len <= room */
    void (*tx_ready)(void *dev);
    void (*event)(void *dev, bool connected); /* may be NULL */
    void *dev;
};

/*
 * Opens what a -serial argument says: pty, file:P, stdio, null, none,
 * unix:P[,server=on][,wait=off], tcp:H:P[,...], telnet:H:P[,...], udp:..,
 * pipe:P, /dev/ttyS0, and vc (refused). *out is NULL for none.
 */
int chr_open(struct loop *, const char *spec, const char *label,
             struct chr **out, struct err *);
/* Opens the option form: socket,path=P,server=on,wait=off or pty. */
int chr_open_opts(struct loop *, const char *opts, const char *label,
                  struct chr **out, struct err *);

#endif
