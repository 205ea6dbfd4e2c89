/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in a file of `xl save` the saved state lies: xl's header and its
 * configuration, libxl's stream, within it libxc's, which has the memory.
 * Hostile as the rest: each step goes forward, lengths are 32 bits, and
 * whatever does not fit is a refusal. Numbers are the host's, heads of streams
 * big-endian. Source: xen docs/specs/libxl-migration-stream.pandoc and
 * libxc-migration-stream.pandoc, tools/xl/xl_vmcontrol.c.
 */
#include "savefile_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define XL_MAGIC      "Xen saved domain, xl format\n \0 \r"
#define XL_HEADER     48u /* magic, byte order, two flag words, length */
#define XL_STREAM_V2  2u  /* mandatory flag */
#define LIBXL_HEADER  16u
#define LIBXL_MAGIC   "LibxlFmt"
#define LIBXL_END     0u
#define LIBXL_LIBXC   1u
#define LIBXL_DM      3u  /* the emulator's context */
#define LIBXL_DM_HEAD 8u  /* which emulator */
#define LIBXC_HEADER  40u /* of the image and of the domain */
#define LIBXC_MAGIC                                                            \
    "\xff\xff\xff\xff\xff\xff\xff\xff"                                         \
    "XENF"
#define LIBXC_END 0u

static int bad(struct err *e, const char *what)
{
    return err_set(e, -EINVAL, "saved state: in this file of xl save, %s",
                   what);
}

/* n bytes from at on; false: the file has not as many. */
static bool fetch(int fd, off_t at, void *buf, size_t n)
{
    return pread(fd, buf, n, at) == (ssize_t)n;
}

static uint32_t word(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static off_t padded(uint32_t len)
{
    return (off_t)(((uint64_t)len + 7) & ~UINT64_C(7));
}

/* From the head of libxc's stream to what follows it. */
static int skip_libxc(int fd, off_t *at, struct err *e)
{
    uint8_t head[LIBXC_HEADER];

    if (!fetch(fd, *at, head, sizeof(head)) ||
        memcmp(head, LIBXC_MAGIC, 12) != 0)
        return bad(e, "there is no libxc stream where one should be");
    *at += LIBXC_HEADER;
    do {
        if (!fetch(fd, *at, head, 8))
            return bad(e, "the libxc stream is cut off");
        *at += 8 + padded(word(head + 4));
    } while (word(head) != LIBXC_END);
    return 0;
}

static int find_dm(int fd, off_t at, off_t *from, size_t *len, struct err *e)
{
    uint8_t head[8];

    for (;;) {
        if (!fetch(fd, at, head, sizeof(head)))
            return bad(e, "the libxl stream is cut off");
        at += 8;
        switch (word(head)) {
        case LIBXL_END:
            return bad(e, "there is no state of a device model");
        case LIBXL_DM:
            if (word(head + 4) < LIBXL_DM_HEAD)
                return bad(e, "the state of the device model is cut off");
            *from = at + LIBXL_DM_HEAD;
            *len = word(head + 4) - LIBXL_DM_HEAD;
            return 0;
        default:
            at += padded(word(head + 4));
            break;
        }
        if (word(head) == LIBXL_LIBXC && skip_libxc(fd, &at, e))
            return -EINVAL;
    }
}

int savefile_find_in_xl(int fd, off_t *from, size_t *len, struct err *e)
{
    uint8_t head[XL_HEADER];
    off_t at;

    if (!fetch(fd, 0, head, sizeof(head)) || memcmp(head, XL_MAGIC, 32) != 0)
        return -ENOENT;
    if (!(word(head + 36) & XL_STREAM_V2))
        return bad(e, "the layout is that of Xen 4.5 or before");
    at = (off_t)XL_HEADER + word(head + 44);
    if (!fetch(fd, at, head, LIBXL_HEADER) || memcmp(head, LIBXL_MAGIC, 8) != 0)
        return bad(e, "there is no libxl stream where one should be");
    return find_dm(fd, at + LIBXL_HEADER, from, len, e);
}
