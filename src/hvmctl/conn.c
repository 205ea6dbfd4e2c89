/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn.h"

#include <errno.h>
#include <hvmd/log.h>
#include <hvmd/timer.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 16384u

uint64_t mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void conn_init(struct conn *c)
{
    memset(c, 0, sizeof(*c));
    c->fd = -1;
}

void conn_close(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->buf);
    conn_init(c);
}

int conn_open(struct conn *c, const char *path, struct err *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int rc;

    conn_init(c);
    if (strlen(path) >= sizeof(addr.sun_path))
        return err_set(e, -ENAMETOOLONG, "the socket path %.120s is too long",
                       path);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof(addr))) {
        rc = -errno;
        conn_close(c);
        if (rc == -EAGAIN)
            return err_set(e, rc, "it takes no connection");
        return err_set(e, rc, "cannot connect to %s: %s%s", path, strerror(-rc),
                       rc == -EACCES ? "; be root" : "");
    }
    rc = conn_send(c, "qmp_capabilities", NULL, -1, e);
    c->skip = 1;
    return rc;
}

/* A command is far smaller than a socket's buffer: it fits, or nobody reads. */
static int put(struct conn *c, const char *text, size_t len, int fd)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {(void *)(uintptr_t)text, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *cm;
    ssize_t n;

    if (fd >= 0) {
        memset(&control, 0, sizeof(control));
        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control);
        cm = CMSG_FIRSTHDR(&msg);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cm), &fd, sizeof(int));
    }
    n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
    if (n == (ssize_t)len)
        return 0;
    return n < 0 ? -errno : -EAGAIN;
}

int conn_send(struct conn *c, const char *command, struct json_object *args,
              int fd, struct err *e)
{
    struct json_object *o = json_object_new_object();
    const char *text;
    size_t len;
    int rc;

    json_object_object_add(o, "execute", json_object_new_string(command));
    if (args)
        json_object_object_add(o, "arguments", args);
    text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
    rc = c->fd < 0 ? -ENOTCONN : put(c, text, len, fd);
    json_object_put(o);
    if (rc == -EAGAIN)
        err_set(e, rc, "it takes no command");
    else if (rc)
        err_set(e, rc, "it hung up (%s)", strerror(-rc));
    if (rc)
        conn_close(c);
    return rc;
}

/* Waits for more bytes and takes them. */
static int fill(struct conn *c, uint64_t deadline_ns, struct err *e)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    uint64_t now = mono_ns();
    struct timespec left;
    ssize_t n;

    if (now >= deadline_ns) /* however much it says */
        return err_set(e, -ETIMEDOUT, "it does not answer in time");
    if (c->cap - c->len < READ_BYTES) {
        size_t cap = c->cap * 2 + READ_BYTES;
        char *more = cap <= CONN_ANSWER_MAX ? realloc(c->buf, cap) : NULL;

        if (!more)
            return err_set(e, -EMSGSIZE, "its answer is too long");
        c->buf = more;
        c->cap = cap;
    }
    left.tv_sec = (time_t)((deadline_ns - now) / NS_PER_S);
    left.tv_nsec = (long)((deadline_ns - now) % NS_PER_S);
    if (ppoll(&p, 1, &left, NULL) <= 0)
        return 0; /* the deadline, or a signal */
    n = recv(c->fd, c->buf + c->len, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return err_set(e, -EPIPE, "it hung up without an answer");
    c->len += (size_t)n;
    return 0;
}

/* One message is one line; NULL: err is set. */
static struct json_object *parse(const char *line, size_t len, struct err *e)
{
    struct json_tokener *tok = json_tokener_new_ex(CONN_DEPTH_MAX);
    struct json_object *o = NULL;

    if (tok) {
        o = json_tokener_parse_ex(tok, line, (int)len);
        json_tokener_free(tok);
    }
    if (o && json_object_is_type(o, json_type_object))
        return o;
    json_object_put(o);
    err_set(e, -EPROTO, "it does not speak QMP");
    return NULL;
}

static struct json_object *next(struct conn *c, uint64_t deadline_ns,
                                struct err *e)
{
    struct json_object *o;
    size_t seen = 0, used;
    char *end;

    for (;;) {
        end = c->len > seen ? memchr(c->buf + seen, '\n', c->len - seen) : NULL;
        if (end)
            break;
        seen = c->len;
        if (c->fd < 0 || fill(c, deadline_ns, e))
            return NULL;
    }
    used = (size_t)(end - c->buf) + 1;
    o = parse(c->buf, used, e);
    c->len -= used;
    memmove(c->buf, c->buf + used, c->len);
    return o;
}

/* True: its own sentence is in err. */
static bool is_error(struct json_object *msg, struct err *e)
{
    struct json_object *o = get_object(msg, "error");

    if (!o)
        return false;
    get_text(o, "desc", e->text, sizeof(e->text));
    if (!e->text[0])
        err_set(e, -EIO, "it reports an error and does not say which");
    return true;
}

struct json_object *conn_reply(struct conn *c, uint64_t deadline_ns,
                               struct err *e)
{
    struct json_object *msg, *ret = NULL;

    while ((msg = next(c, deadline_ns, e)) != NULL) {
        if (is_error(msg, e)) {
            if (c->skip)
                conn_close(c);
            json_object_put(msg);
            return NULL;
        }
        if (json_object_object_get_ex(msg, "return", &ret)) {
            if (!c->skip)
                break;
            c->skip--;
        }
        json_object_put(msg); /* a greeting, an event */
    }
    if (!msg) {
        conn_close(c);
        return NULL;
    }
    ret = ret ? json_object_get(ret) : json_object_new_object();
    json_object_put(msg);
    return ret;
}

uint64_t get_count(struct json_object *o, const char *key)
{
    struct json_object *v;

    if (!json_object_object_get_ex(o, key, &v) ||
        !json_object_is_type(v, json_type_int))
        return 0;
    return json_object_get_uint64(v); /* negative: 0 */
}

bool get_bool(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) &&
           json_object_is_type(v, json_type_boolean) &&
           json_object_get_boolean(v);
}

void get_text(struct json_object *o, const char *key, char *buf, size_t len)
{
    struct json_object *v;

    buf[0] = '\0';
    if (json_object_object_get_ex(o, key, &v) &&
        json_object_is_type(v, json_type_string))
        log_escape(buf, len, json_object_get_string(v),
                   (size_t)json_object_get_string_len(v));
}

struct json_object *get_object(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) &&
                   json_object_is_type(v, json_type_object)
               ? v
               : NULL;
}

struct json_object *get_array(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) &&
                   json_object_is_type(v, json_type_array)
               ? v
               : NULL;
}
