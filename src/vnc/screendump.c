/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen as a portable pixmap (ppm(5), P6, maximum 255). Drawn through a
 * sink of its own; since the display then believes it drawn, the next look
 * for viewers draws everything.
 */
#include "console_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct dump {
    uint8_t *px;
    uint32_t w, h;
};

static uint8_t *dump_resize(void *ctx, uint32_t w, uint32_t h, uint32_t *stride)
{
    struct dump *d = ctx;

    free(d->px);
    d->px = NULL;
    if (!w || !h || w > DISPLAY_MAX_W || h > DISPLAY_MAX_H)
        return NULL;
    d->px = calloc((size_t)w * h, 4);
    d->w = w;
    d->h = h;
    *stride = w * 4;
    return d->px;
}

static void dump_damage(void *ctx, struct rect r)
{
}

static const struct sink_ops dump_ops = {dump_resize, dump_damage};

static int write_all(int fd, const uint8_t *buf, size_t len)
{
    while (len) {
        ssize_t n = write(fd, buf, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_ppm(int fd, const struct dump *d)
{
    char head[64];
    int n = snprintf(head, sizeof(head), "P6\n%u %u\n255\n", (unsigned)d->w,
                     (unsigned)d->h);
    uint8_t *rgb = d->px; /* in place: three bytes for four */

    for (size_t i = 0; i < (size_t)d->w * d->h; i++) {
        uint8_t b = d->px[4 * i], g = d->px[4 * i + 1], r = d->px[4 * i + 2];

        rgb[3 * i] = r;
        rgb[3 * i + 1] = g;
        rgb[3 * i + 2] = b;
    }
    int rc = write_all(fd, (uint8_t *)head, (size_t)n);
    return rc ? rc : write_all(fd, rgb, (size_t)d->w * d->h * 3);
}

/* A pipe, socket or terminal that nobody reads would stop the guest. */
static int check(const struct console *c, int fd, const char *what,
                 struct err *e)
{
    struct stat st;

    if (!c->display)
        return err_set(e, -ENODEV, "the machine has no display to dump");
    if (fstat(fd, &st))
        return err_set(e, -errno, "cannot use %s: %s", what, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, -EINVAL,
                       "%s is not a regular file; give the screen dump one",
                       what);
    return 0;
}

int console_screendump_fd(struct console *c, int fd, struct err *e)
{
    struct dump d = {0};
    struct sink sink = {&dump_ops, &d};
    int rc = check(c, fd, "the descriptor", e);

    if (rc)
        return rc;
    c->display->ops->refresh(c->display->dev, &sink, true);
    c->all = true;
    if (!d.px)
        return err_set(e, -ENOMEM, "out of memory for the screen dump");
    rc = write_ppm(fd, &d);
    free(d.px);
    if (rc)
        err_set(e, rc, "cannot write the screen dump: %s", strerror(-rc));
    return rc;
}

int console_screendump(struct console *c, const char *path, struct err *e)
{
    /* Not waiting for somebody at the other end of a FIFO. */
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  0666);
    int rc;

    if (fd < 0 && errno != ENXIO)
        return err_set(e, -errno, "cannot create %s: %s", path,
                       strerror(errno));
    if (fd < 0)
        return err_set(e, -EINVAL,
                       "%s is not a regular file; give the screen dump one",
                       path);
    rc = check(c, fd, path, e);
    if (!rc && ftruncate(fd, 0))
        rc = err_set(e, -errno, "cannot empty %s: %s", path, strerror(errno));
    if (!rc)
        rc = console_screendump_fd(c, fd, e);
    if (close(fd) && !rc)
        rc = err_set(e, -errno, "cannot write %s: %s", path, strerror(errno));
    return rc;
}
