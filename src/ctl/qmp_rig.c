/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qmp_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum qmp_status op_status(void *ctx)
{
    return ((struct host *)ctx)->status;
}

static int op_cont(void *ctx, struct err *e)
{
    struct host *h = ctx;

    if (h->fail)
        return err_set(e, -EIO, "no \"way\"\r\n\xff");
    h->conts++;
    h->status = QMP_RUNNING;
    return 0;
}

static int op_stop(void *ctx, struct err *e)
{
    struct host *h = ctx;

    h->stops++;
    h->status = QMP_PAUSED;
    return 0;
}

static int op_reset(void *ctx, struct err *e)
{
    ((struct host *)ctx)->resets++;
    return 0;
}

static void op_quit(void *ctx)
{
    ((struct host *)ctx)->quits++;
}

static void op_vnc_info(void *ctx, struct qmp_vnc *v)
{
    v->enabled = true;
    v->password = true;
    strcpy(v->host, "127.0.0.1");
    strcpy(v->service, "5901");
}

static int op_password(void *ctx, const char *text, struct err *e)
{
    struct host *h = ctx;

    snprintf(h->password, sizeof(h->password), "%s", text);
    return 0;
}

static int op_screendump(void *ctx, const char *filename, struct err *e)
{
    struct host *h = ctx;

    if (filename[0] != '/')
        return -EINVAL; /* and no sentence */
    snprintf(h->dump, sizeof(h->dump), "%s", filename);
    return 0;
}

static int op_dirty_log(void *ctx, bool on, struct err *e)
{
    ((struct host *)ctx)->logging = on;
    return 0;
}

static int op_save(void *ctx, int fd, struct err *e)
{
    struct host *h = ctx;

    if (h->save_fails)
        return h->save_fails;
    return write(fd, "state", 5) == 5 ? 0 : -errno;
}

static int op_set_link(void *ctx, const char *name, bool up, struct err *e)
{
    if (strcmp(name, "nic0"))
        return -ENODEV;
    ((struct host *)ctx)->link = up;
    return 0;
}

static bool op_rx_filter(void *ctx, unsigned n, struct qmp_rx_filter *f)
{
    static const char *const name[3] = {"nic0", "nic1", "n\xff\"\033"};

    if (n >= 3)
        return false;
    *f = (struct qmp_rx_filter){.name = name[n],
                                .mac = {0, 0x16, 0x3e, 1, 2, (uint8_t)n},
                                .unicast = true,
                                .broadcast = true,
                                .multicast = n == 1,
                                .multicast_hash = n,
                                .link = ((struct host *)ctx)->link,
                                .receiver = true};
    return true;
}

static bool op_cpu(void *ctx, unsigned cpu)
{
    return ((struct host *)ctx)->cpus & 1u << cpu;
}

static int op_set_vcpu(void *ctx, unsigned cpu, bool on, struct err *e)
{
    struct host *h = ctx;

    if (on)
        h->cpus |= 1u << cpu;
    else
        h->cpus &= ~(1u << cpu);
    return 0;
}

static bool op_drive(void *ctx, unsigned n, struct qmp_drive *d)
{
    struct host *h = ctx;

    if (n > 1)
        return false;
    snprintf(d->name, sizeof(d->name), n ? "ide-5632" : "ide0-hd0");
    snprintf(d->bus, sizeof(d->bus), n ? "ide1-cd0" : "ide0-hd0");
    d->id = n ? "ide-5632" : NULL;
    d->file = !n ? "/img/disk.img" : h->medium[0] ? h->medium : NULL;
    d->removable = d->read_only = n;
    d->locked = n && h->locked;
    d->tray_open = n && !d->file;
    d->size_bytes = 1u << 20;
    d->rd_bytes = n ? 4096 : 512;
    d->rd_ops = 2;
    d->wr_bytes = n ? 0 : 1024;
    d->wr_ops = n ? 0 : 1;
    return true;
}

static bool is_cd(const char *drive)
{
    return !strcmp(drive, "ide-5632") || !strcmp(drive, "ide1-cd0");
}

static int op_eject(void *ctx, const char *drive, bool force, uint64_t token,
                    struct err *e)
{
    struct host *h = ctx;

    if (!is_cd(drive))
        return -ENODEV;
    h->ejects++;
    h->forced = force;
    h->token = token;
    if (h->locked && !force)
        return QMP_LATER;
    h->medium[0] = 0;
    return 0;
}

static int op_change(void *ctx, const char *drive, int fd, const char *name,
                     bool force, struct err *e)
{
    struct host *h = ctx;
    ssize_t n = -1;

    if (is_cd(drive)) {
        n = pread(fd, h->first, sizeof(h->first) - 1, 0);
        snprintf(h->medium, sizeof(h->medium), "%s", name);
    }
    close(fd);
    return n < 0 ? -ENODEV : 0;
}

static bool op_pci(void *ctx, unsigned devfn, struct qmp_pci *p)
{
    if (devfn != 9 && devfn != 32)
        return false;
    *p = (struct qmp_pci){.vendor = devfn == 9 ? 0x8086 : 0x10ec,
                          .device = devfn == 9 ? 0x7010 : 0x8139,
                          .class_code = devfn == 9 ? 0x0101 : 0x0200,
                          .irq = 11,
                          .pin = devfn == 32,
                          .id = devfn == 32 ? "nic0" : NULL};
    p->bar[devfn == 9 ? 4 : 1] =
        (struct qmp_bar){.io = devfn == 9, .addr = 0xc100, .size_bytes = 16};
    return true;
}

static int op_keys(void *ctx, const uint8_t *code, unsigned n, unsigned hold_ms,
                   struct err *e)
{
    struct host *h = ctx;

    memcpy(h->keys, code, n);
    h->nkeys = n;
    h->hold_ms = hold_ms;
    return 0;
}

static const struct qmp_ops ops = {
    .status = op_status,
    .cont = op_cont,
    .stop = op_stop,
    .reset = op_reset,
    .quit = op_quit,
    .vnc_info = op_vnc_info,
    .vnc_password = op_password,
    .screendump = op_screendump,
    .dirty_log = op_dirty_log,
    .save = op_save,
    .set_link = op_set_link,
    .rx_filter = op_rx_filter,
    .cpu_online = op_cpu,
    .set_vcpu = op_set_vcpu,
    .drive = op_drive,
    .eject = op_eject,
    .change_medium = op_change,
    .pci = op_pci,
    .send_keys = op_keys,
};

/* Commands of the test: they take descriptors, and answer much. */
static struct json_object *run_take(struct qmp_call *call)
{
    struct host *h = call->ctx->opaque;

    h->seen_fds = call->nfds;
    if (call->nfds) {
        h->took = call->fds[0];
        call->fds[0] = -1;
    }
    return json_object_new_int((int)call->nfds);
}

static struct json_object *run_much(struct qmp_call *call)
{
    struct json_object *n;
    char *text;
    int len = 0;

    if (json_object_object_get_ex(call->args, "len", &n))
        len = json_object_get_int(n);
    text = malloc((size_t)len + 1);
    assert_non_null(text);
    memset(text, 'x', (size_t)len);
    n = json_object_new_string_len(text, len);
    free(text);
    return n;
}

static struct qmp_cmd *with_own(void)
{
    static const struct qmp_cmd own[] = {
        {"take", "", run_take},
        {"much", "len:i", run_much},
        {"types", "s:s?,b:b?,a:a?,o:o?", run_take}};
    struct qmp_cmd *all;
    size_t n = 0;

    while (qmp_commands[n].name)
        n++;
    all = calloc(n + 4, sizeof(*all));
    assert_non_null(all);
    memcpy(all, own, sizeof(own));
    memcpy(all + 3, qmp_commands, n * sizeof(*all));
    return all;
}

void host_init(struct host *h)
{
    h->loop = loop_new();
    h->ctx.ops = &ops;
    h->ctx.opaque = h;
    h->ctx.max_vcpus = 4;
    h->took = -1;
    h->cpus = 0xd; /* all but 1 */
    h->status = QMP_RUNNING;
}

int rig_setup(void **state)
{
    struct host *h = test_calloc(1, sizeof(*h));
    struct qmp_listen l = {.label = "libxl-cmd", .fd = -1};
    struct err e;

    host_init(h);
    strcpy(h->dir, "/tmp/hvmd-qmp-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    snprintf(h->path, sizeof(h->path), "%s/s", h->dir);
    l.path = h->path;
    h->ctx.cmds = with_own();
    h->q = qmp_new(h->loop, &l, &h->ctx, &e);
    *state = h;
    assert_non_null(h->q);
    return 0;
}

int rig_teardown(void **state)
{
    struct host *h = *state;

    qmp_free(h->q);
    if (h->took >= 0)
        close(h->took);
    assert_int_equal(access(h->path, F_OK), -1);
    rmdir(h->dir);
    loop_free(h->loop);
    free((void *)(uintptr_t)h->ctx.cmds);
    test_free(h);
    return 0;
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx, 0);
}

void turn(struct host *h, unsigned us)
{
    struct timer t;

    timer_init(&t, loop_clock(h->loop), stop_loop, h->loop);
    timer_set(&t, clock_now(loop_clock(h->loop)) + us * NS_PER_US);
    loop_run(h->loop);
}

void dial(struct client *c, struct host *h)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    unsigned tries = 1000;
    int rc;

    memset(c, 0, sizeof(*c));
    c->h = h;
    memcpy(addr.sun_path, h->path, strlen(h->path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    /* EAGAIN: nobody has taken the others from the queue yet */
    while ((rc = connect(c->fd, (void *)&addr, sizeof(addr))) < 0 &&
           errno == EAGAIN && tries--)
        turn(h, 100);
    assert_int_equal(rc, 0);
}

void hang_up(struct client *c)
{
    close(c->fd);
    turn(c->h, 500);
}

void say_n(struct client *c, const char *text, size_t len)
{
    while (len) {
        ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            turn(c->h, 100);
            continue;
        }
        if (n < 0)
            return; /* it hung up on us */
        text += n;
        len -= (size_t)n;
    }
}

void say(struct client *c, const char *text)
{
    say_n(c, text, strlen(text));
}

void send_fd(struct client *c, const char *bytes, size_t len, const int *fds,
             unsigned n)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(16 * sizeof(int))];
    } control;
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE(n * sizeof(int))};
    struct cmsghdr *cm;

    memset(&control, 0, sizeof(control));
    cm = CMSG_FIRSTHDR(&m);
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
    assert_int_equal(sendmsg(c->fd, &m, 0), (ssize_t)len);
}

unsigned open_fds(void)
{
    unsigned n = 0;
    int fd;

    for (fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Reads one more piece; false: nothing came. */
bool hear_some(struct client *c)
{
    ssize_t n;

    turn(c->h, 200);
    assert_true(c->len < sizeof(c->buf) - 1);
    n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        c->eof = true;
    if (n > 0)
        c->len += (size_t)n;
    c->buf[c->len] = 0;
    return n > 0;
}

/* The next message, which must end in \r\n; the caller frees it. */
const char *hear(struct client *c)
{
    static const char end[] = "\r\n";
    char *at, *copy;
    unsigned tries;
    size_t used;

    for (tries = 0; !(at = strstr(c->buf, end)); tries++) {
        if (c->eof || tries > 5000)
            fail_msg("no answer; so far: %s", c->buf);
        hear_some(c);
    }
    assert_null(memchr(c->buf, '\n', (size_t)(at - c->buf)));
    used = (size_t)(at - c->buf);
    copy = test_malloc(used + 1);
    memcpy(copy, c->buf, used);
    copy[used] = 0;
    c->len -= used + 2;
    memmove(c->buf, at + 2, c->len + 1);
    return copy;
}

void expect(struct client *c, const char *want)
{
    const char *got = hear(c);

    if (strcmp(got, want))
        fail_msg("got %s\n    want %s", got, want);
    test_free((void *)(uintptr_t)got);
}

void expect_part(struct client *c, const char *part)
{
    const char *got = hear(c);

    if (!strstr(got, part))
        fail_msg("got %s\n    want %s in it", got, part);
    test_free((void *)(uintptr_t)got);
}

void quiet(struct client *c)
{
    turn(c->h, 3000);
    assert_false(hear_some(c));
    assert_int_equal(c->len, 0);
}

void closed(struct client *c)
{
    unsigned tries;

    for (tries = 0; !c->eof && tries < 3000; tries++) {
        hear_some(c);
        c->len = 0;
    }
    assert_true(c->eof);
}

/* Connects and negotiates. */
void open_up(struct client *c, struct host *h)
{
    dial(c, h);
    expect_part(c, HELLO);
    say(c, "{\"execute\":\"qmp_capabilities\"}\n");
    expect(c, "{\"return\":{}}");
}
