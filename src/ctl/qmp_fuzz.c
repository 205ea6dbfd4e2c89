/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client of QMP sends. The first byte says in what pieces it comes (0:
 * as a whole) and whether it has negotiated before. All that is answered must
 * be lines of JSON. Files that commands name are none.
 */
#include "../bench/fuzz.h"
#include "qmp_rig.h"

#include <fcntl.h>
#include <hvmd/loop.h>
#include <json.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEARD 65536

int __real_open64(const char *, int, ...);
int __wrap_open64(const char *, int, ...);

int __wrap_open64(const char *path, int flags, ...)
{
    if ((flags & O_ACCMODE) == O_WRONLY)
        return memfd_create("state", MFD_CLOEXEC);
    return __real_open64("/dev/null", flags & ~O_CREAT);
}

static void on_end(void *ctx)
{
    loop_stop(ctx, 0);
}

/* A turn of the loop, without sleeping. */
static void once(struct host *h)
{
    struct timer t;

    timer_init(&t, loop_clock(h->loop), on_end, h->loop);
    timer_set(&t, 0);
    loop_run(h->loop);
    timer_cancel(&t);
}

static void on_gone(void *ctx)
{
    *(bool *)ctx = true;
}

/* Lines of what was heard so far; what is left is not whole yet. */
static size_t judge(struct json_tokener *tok, char *buf, size_t len)
{
    char *p = buf, *end;

    while ((end = memchr(p, '\n', len - (size_t)(p - buf)))) {
        struct json_object *o;

        MUST(end > p && end[-1] == '\r');
        json_tokener_reset(tok);
        o = json_tokener_parse_ex(tok, p, (int)(end - p));
        MUST(o && json_object_is_type(o, json_type_object));
        json_object_put(o);
        p = end + 1;
    }
    memmove(buf, p, len - (size_t)(p - buf));
    return len - (size_t)(p - buf);
}

static void talk(struct host *h, int fd, const uint8_t *data, size_t len,
                 size_t piece, const bool *gone)
{
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";
    struct json_tokener *tok = json_tokener_new();
    char *buf = malloc(HEARD);
    size_t n = 0;
    ssize_t got;

    MUST(tok && buf);
    if (piece & 0x80)
        MUST(send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) > 0);
    piece &= 0x7f;
    once(h);
    while (!*gone) {
        size_t some = piece && piece < len ? piece : len;

        if (some && send(fd, data, some, MSG_NOSIGNAL) != (ssize_t)some)
            break;
        once(h);
        once(h);
        while ((got = recv(fd, buf + n, HEARD - n, 0)) > 0)
            n = judge(tok, buf, n + (size_t)got);
        MUST(n < HEARD);
        if (!len)
            break;
        data += some;
        len -= some;
    }
    free(buf);
    json_tokener_free(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct host *h = calloc(1, sizeof(*h));
    bool gone = false;
    struct qmp_client c = {
        .label = "fuzz", .in_max = 8192, .gone = on_gone, .ctx = &gone};
    uint8_t how = len ? data[0] : 0;
    int sv[2];

    MUST(h);
    host_init(h);
    MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                     sv));
    c.fd = sv[0];
    h->q = qmp_serve(h->loop, &c, &h->ctx);
    MUST(h->q);
    talk(h, sv[1], data + (len > 0), len - (len > 0), how, &gone);
    qmp_event(&h->ctx, QMP_EV_STOP, QMP_NO_DATA);
    if (h->token) {
        h->medium[0] = 0;
        qmp_finish(&h->ctx, h->token, NULL);
    }
    once(h);
    close(sv[1]);
    once(h);
    qmp_free(h->q);
    fdset_clear(&h->ctx.fdset);
    loop_free(h->loop);
    free(h);
    return 0;
}
