/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_fixture FOLDER DOMID NAME [WORD...]: the control socket of an hvmd that
 * serves nobody (ctl_fake.c), for the tests of hvmctl. Says "ready", then
 * serves until the QMP command quit. Words: aside, idle, no-memory,
 * no-platform, no-screen.
 */
#include "ctl_fake.h"
#include "ctl_sock.h"

#include <hvmd/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void word(struct fake *f, const char *w)
{
    f->aside |= strcmp(w, "aside") == 0;
    f->busy &= strcmp(w, "idle") != 0;
    f->no_memory |= strcmp(w, "no-memory") == 0;
    f->no_platform |= strcmp(w, "no-platform") == 0;
    f->no_screen |= strcmp(w, "no-screen") == 0;
}

int main(int argc, char **argv)
{
    struct loop *loop = loop_new();
    struct qmp_ctx ctx = {.ops = &fake_ops, .max_vcpus = 2};
    struct ctl_sock *sock;
    struct fake fake;
    struct err e;

    if (argc < 4 || !loop)
        return 2;
    fake_init(&fake, loop);
    for (int i = 4; i < argc; i++)
        word(&fake, argv[i]);
    ctx.opaque = &fake;
    fake.ctx = &ctx; /* who asks has events to pass over */
    ctx.domid = (unsigned)atoi(argv[2]);
    ctx.name = argv[3];
    sock = ctl_sock_new(loop, argv[1], ctx.domid, &ctx, &e);
    if (!sock) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    loop_run(loop);
    ctl_sock_free(sock);
    loop_free(loop);
    return 0;
}
