/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has a path or is there already: null, file, stdio, pipe, tty device. */
#include "chr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct file {
    struct stream s;
    struct chr_ops chr_ops; /* tty: with the line settings */
    int fd[2];
    bool is_stdio;
    int flags[2]; /* stdio: to be put back; -1: not */
    bool termios_set;
    struct termios termios; /* to be put back on fd[0] */
};

static void file_down(struct stream *s)
{
}

static void file_close(struct stream *s)
{
    struct file *f = (struct file *)s;

    if (f->termios_set)
        tcsetattr(f->fd[0], TCSANOW, &f->termios);
    for (int i = 0; i < 2; i++) {
        if (f->fd[i] < 0)
            continue;
        if (f->is_stdio && f->flags[i] >= 0)
            fcntl(f->fd[i], F_SETFL, f->flags[i]);
        close(f->fd[i]);
    }
}

/* A full disk loses output; it neither blocks the guest nor ends the log. */
static ssize_t file_send(struct stream *s, const uint8_t *buf, size_t len)
{
    ssize_t n = write(s->wfd, buf, len);

    if (n < 0 && errno == EAGAIN)
        return -EAGAIN;
    return n < 0 ? (ssize_t)len : n;
}

static const struct stream_ops file_ops = {
    .send = file_send, .down = file_down, .close = file_close};
static const struct stream_ops fd_ops = {.down = file_down,
                                         .close = file_close};

static struct file *file_new(const struct where *w,
                             const struct stream_ops *ops)
{
    struct file *f = stream_new(sizeof(*f), ops, w->loop, w->label);

    if (!f) {
        fail(w, -ENOMEM, "out of memory");
        return NULL;
    }
    f->fd[0] = f->fd[1] = f->flags[0] = f->flags[1] = -1;
    return f;
}

static int file_up(const struct where *w, struct file *f, int rfd, int wfd,
                   struct chr **out)
{
    int rc = stream_up(&f->s, rfd, wfd);

    if (rc < 0) {
        stream_close(&f->s.chr);
        return fail(w, rc, "cannot be waited for (%s)", strerror(-rc));
    }
    *out = &f->s.chr;
    return 0;
}

int chr_null(const struct where *w, struct chr **out)
{
    struct file *f = file_new(w, &fd_ops);

    if (!f)
        return -ENOMEM;
    chr_name(&f->s.chr, "null");
    return file_up(w, f, -1, -1, out); /* nothing to write to: dropped */
}

int chr_file(const struct where *w, const char *path, bool append,
             struct chr **out)
{
    struct stat st;
    struct file *f;
    int rc;

    if (!*path)
        return fail(w, -EINVAL, "the path is missing; write file:PATH");
    if (!stat(path, &st) && S_ISBLK(st.st_mode))
        return fail(w, -EINVAL,
                    "%s is a block device, and what is on it would be lost; "
                    "name a file",
                    path);
    f = file_new(w, &file_ops);
    if (!f)
        return -ENOMEM;
    f->fd[1] = open(path,
                    O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY |
                        (append ? O_APPEND : O_TRUNC),
                    0666);
    if (f->fd[1] < 0) {
        rc = -errno;
        stream_close(&f->s.chr);
        return fail(w, rc,
                    "cannot write to %s (%s); name a file in a folder "
                    "that exists",
                    path, strerror(-rc));
    }
    chr_name(&f->s.chr, "file:%s", path);
    return file_up(w, f, -1, f->fd[1], out);
}

static void make_raw(struct file *f, bool keep_signals)
{
    struct termios t;

    if (tcgetattr(f->fd[0], &f->termios) < 0)
        return;
    f->termios_set = true;
    t = f->termios;
    cfmakeraw(&t);
    if (keep_signals) {
        t.c_lflag |= ISIG;
        t.c_oflag |= OPOST;
    } else {
        t.c_cflag |= CLOCAL | CREAD;
    }
    tcsetattr(f->fd[0], TCSANOW, &t);
}

int chr_stdio(const struct where *w, struct chr **out)
{
    struct file *f = file_new(w, &file_ops);
    int rc;

    if (!f)
        return -ENOMEM;
    f->is_stdio = true;
    for (int i = 0; i < 2; i++) {
        f->fd[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
        f->flags[i] = f->fd[i] < 0 ? -1 : fcntl(f->fd[i], F_GETFL);
        if (f->flags[i] < 0) {
            rc = -errno;
            stream_close(&f->s.chr);
            return fail(w, rc,
                        "standard input and output are closed; "
                        "redirect them or use pty");
        }
        fcntl(f->fd[i], F_SETFL, f->flags[i] | O_NONBLOCK);
    }
    make_raw(f, true);
    chr_name(&f->s.chr, "stdio");
    return file_up(w, f, f->fd[0], f->fd[1], out);
}

/* Opened both ways a fifo never hangs up, and opening does not wait. */
static int open_rw(const char *path)
{
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static int open_suffix(const char *path, const char *suffix)
{
    char name[4096];
    size_t n = strlen(path);

    if (n + strlen(suffix) >= sizeof(name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, path, n);
    strcpy(name + n, suffix);
    return open_rw(name);
}

int chr_pipe(const struct where *w, const char *path, struct chr **out)
{
    struct file *f;
    int rc;

    if (!*path)
        return fail(w, -EINVAL, "the path is missing; write pipe:PATH");
    f = file_new(w, &fd_ops);
    if (!f)
        return -ENOMEM;
    f->fd[0] = open_suffix(path, ".in");
    f->fd[1] = open_suffix(path, ".out");
    if (f->fd[0] < 0 || f->fd[1] < 0) {
        for (int i = 0; i < 2; i++) {
            if (f->fd[i] >= 0)
                close(f->fd[i]);
            f->fd[i] = -1;
        }
        f->fd[0] = open_rw(path);
        if (f->fd[0] < 0) {
            rc = -errno;
            stream_close(&f->s.chr);
            return fail(w, rc,
                        "neither %s.in and %s.out nor %s can be opened "
                        "(%s); make them with mkfifo",
                        path, path, path, strerror(-rc));
        }
    }
    chr_name(&f->s.chr, "pipe:%s", path);
    return file_up(w, f, f->fd[0], f->fd[1] >= 0 ? f->fd[1] : f->fd[0], out);
}

static speed_t speed_of(uint32_t bits_per_s)
{
    static const struct {
        uint32_t bits_per_s;
        speed_t speed;
    } table[] = {{50, B50},       {75, B75},        {110, B110},
                 {134, B134},     {150, B150},      {200, B200},
                 {300, B300},     {600, B600},      {1200, B1200},
                 {1800, B1800},   {2400, B2400},    {4800, B4800},
                 {9600, B9600},   {19200, B19200},  {38400, B38400},
                 {57600, B57600}, {115200, B115200}};
    unsigned i = 0;

    while (i + 1 < sizeof(table) / sizeof(table[0]) &&
           bits_per_s >= table[i + 1].bits_per_s)
        i++;
    return table[i].speed;
}

static void tty_line(struct chr *c, const struct chr_line *l)
{
    static const tcflag_t size[] = {CS5, CS6, CS7, CS8};
    struct file *f = (struct file *)c;
    struct termios t;

    if (l->data_bits < 5 || l->data_bits > 8 || tcgetattr(f->fd[0], &t) < 0)
        return;
    cfsetispeed(&t, speed_of(l->bits_per_s));
    cfsetospeed(&t, speed_of(l->bits_per_s));
    t.c_cflag &= ~(tcflag_t)(CSIZE | CSTOPB | PARENB | PARODD);
    t.c_cflag |= size[l->data_bits - 5];
    if (l->stop_bits > 1)
        t.c_cflag |= CSTOPB;
    if (l->parity != 'N')
        t.c_cflag |= PARENB | (l->parity == 'O' ? PARODD : 0);
    tcsetattr(f->fd[0], TCSANOW, &t);
}

int chr_tty(const struct where *w, const char *path, struct chr **out)
{
    static const struct chr_line first = {115200, 8, 1, 'N'};
    struct file *f = file_new(w, &fd_ops);
    struct stat st = {0};
    int rc;

    if (!f)
        return -ENOMEM;
    f->fd[0] = open_rw(path);
    rc = f->fd[0] < 0 || fstat(f->fd[0], &st) < 0 ? -errno : 0;
    if (rc == 0 && !S_ISCHR(st.st_mode))
        rc = -ENOTTY;
    if (rc < 0) {
        stream_close(&f->s.chr);
        return fail(w, rc,
                    "cannot use the device %s (%s); name a serial "
                    "device such as /dev/ttyS0",
                    path, strerror(-rc));
    }
    make_raw(f, false);
    f->chr_ops = *f->s.chr.ops;
    f->chr_ops.line = tty_line;
    f->s.chr.ops = &f->chr_ops;
    tty_line(&f->s.chr, &first);
    chr_name(&f->s.chr, "%s", path);
    return file_up(w, f, f->fd[0], f->fd[0], out);
}
