/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_signal(void *ctx, unsigned events)
{
    struct signals *s = ctx;
    struct signalfd_siginfo si;

    if (read(s->src.fd, &si, sizeof(si)) == sizeof(si))
        loop_stop(s->loop, 0);
}

int signals_watch(struct signals *s, struct loop *loop, struct err *e)
{
    sigset_t set;
    int fd, rc;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_set(e, -errno, "signalfd: %s", strerror(errno));
    s->loop = loop;
    rc = loop_add(loop, &s->src, fd, LOOP_IN, on_signal, s);
    if (rc < 0)
        close(fd);
    return rc;
}

void signals_close(struct signals *s)
{
    if (!s->src.added)
        return;
    loop_del(s->loop, &s->src);
    close(s->src.fd);
}
