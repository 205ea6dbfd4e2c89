/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pseudo-terminal. While nobody has its other side open, output is dropped,
 * as by a cable without a terminal: a reader that comes later sees what is
 * printed from then on. The kernel reports the hang-up of the last reader,
 * and then without end, so the master side is off the loop until inotify
 * tells that the other side was opened: nothing wakes up meanwhile.
 *
 * Without inotify (its instances are limited per user) we keep the other side
 * open ourselves: no hang-up then, and unread output fills the kernel's
 * buffer once before it is dropped.
 */
#include "chr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

struct pty {
    struct stream s;
    int master, slave, ino;
    struct loop_src isrc;
};

/* Somebody has it open, or had and left something to read. */
static bool peer_there(const struct pty *p)
{
    struct pollfd f = {.fd = p->master, .events = POLLIN};

    if (poll(&f, 1, 0) < 0)
        return false;
    return (f.revents & POLLIN) || !(f.revents & (POLLHUP | POLLERR));
}

static void opened(void *ctx, unsigned events)
{
    struct pty *p = ctx;
    char buf[1024];

    while (read(p->ino, buf, sizeof(buf)) > 0) /* bounded: it coalesces */
        ;
    if (!p->s.chr.connected && peer_there(p))
        stream_up(&p->s, p->master, p->master);
    else if (p->s.chr.connected)
        stream_resume(&p->s);
}

static void pty_down(struct stream *s)
{
    /* An opening after the hang-up waits in the inotify queue. */
}

static void pty_close(struct stream *s)
{
    struct pty *p = (struct pty *)s;

    loop_del(s->loop, &p->isrc);
    if (p->ino >= 0)
        close(p->ino);
    if (p->slave >= 0)
        close(p->slave);
    if (p->master >= 0)
        close(p->master);
}

static const struct stream_ops pty_ops = {.down = pty_down, .close = pty_close};

static int pty_make(struct pty *p, char *name, size_t name_len)
{
    struct termios t;

    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (p->master < 0 || grantpt(p->master) < 0 || unlockpt(p->master) < 0)
        return -errno;
    if (ptsname_r(p->master, name, name_len) != 0)
        return -errno;
    p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->slave < 0 || tcgetattr(p->slave, &t) < 0)
        return -errno;
    cfmakeraw(&t);
    if (tcsetattr(p->slave, TCSANOW, &t) < 0)
        return -errno;
    return 0;
}

static bool pty_watch(struct pty *p, const char *name)
{
    p->ino = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (p->ino < 0)
        return false;
    if (inotify_add_watch(p->ino, name, IN_OPEN) >= 0 &&
        loop_add(p->s.loop, &p->isrc, p->ino, LOOP_IN, opened, p) == 0)
        return true;
    close(p->ino);
    p->ino = -1;
    return false;
}

int chr_pty(const struct where *w, struct chr **out)
{
    struct pty *p = stream_new(sizeof(*p), &pty_ops, w->loop, w->label);
    char name[64];
    int rc;

    if (!p)
        return fail(w, -ENOMEM, "out of memory");
    p->master = p->slave = p->ino = -1;
    rc = pty_make(p, name, sizeof(name));
    if (rc == 0 && pty_watch(p, name)) {
        close(p->slave); /* the settings stay as long as the master is open */
        p->slave = -1;
    } else if (rc == 0) {
        rc = stream_up(&p->s, p->master, p->master);
    }
    if (rc < 0) {
        stream_close(&p->s.chr);
        return fail(w, rc,
                    "no pseudo-terminal to be had (%s); is /dev/pts "
                    "mounted and below its limit?",
                    strerror(-rc));
    }
    chr_name(&p->s.chr, "pty:%s", name);
    *out = &p->s.chr;
    return 0;
}
