/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DISPLAY_MAX (65535u - LISTEN_BASE_PORT)
#define BACKLOG     32

struct spec {
    char host[256];
    unsigned display, to;
};

/* A decimal number up to max; false: it is not one. */
static bool number(const char *s, unsigned max, unsigned *out)
{
    char *end;

    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    unsigned long v = strtoul(s, &end, 10);
    if (errno || *end || v > max)
        return false;
    *out = (unsigned)v;
    return true;
}

static int parse_option(struct listen *l, struct spec *s, const char *opt,
                        struct err *e)
{
    if (!strcmp(opt, "password") || !strcmp(opt, "password=on") ||
        !strcmp(opt, "password=yes")) {
        l->password = true;
        return 0;
    }
    if (!strcmp(opt, "password=off") || !strcmp(opt, "password=no")) {
        l->password = false;
        return 0;
    }
    if (!strncmp(opt, "to=", 3)) {
        if (!number(opt + 3, DISPLAY_MAX, &s->to))
            return err_set(e, -EINVAL,
                           "-vnc: \"%s\" is no display number from 0 to %u",
                           opt, DISPLAY_MAX);
        return 0;
    }
    return err_set(e, -EINVAL,
                   "-vnc: option \"%s\" is not supported; take it out of "
                   "vnclisten",
                   opt);
}

static int parse_address(struct spec *s, char *addr, struct err *e)
{
    char *colon = strrchr(addr, ':');

    if (!colon || !number(colon + 1, DISPLAY_MAX, &s->display))
        return err_set(e, -EINVAL,
                       "-vnc: \"%s\" is neither HOST:DISPLAY nor unix:PATH nor "
                       "none",
                       addr);
    *colon = '\0';
    if (addr[0] == '[' && colon > addr + 1 && colon[-1] == ']') {
        colon[-1] = '\0';
        addr++;
    }
    snprintf(s->host, sizeof(s->host), "%s", addr);
    return 0;
}

static int open_unix(struct listen *l, const char *path, struct err *e)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct stat st;
    int rc;

    if (!*path || strlen(path) >= sizeof(sun.sun_path))
        return err_set(e, -EINVAL,
                       "-vnc: socket path \"%s\" is empty or longer than %zu "
                       "bytes",
                       path, sizeof(sun.sun_path) - 1);
    strcpy(sun.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(e, -errno, "-vnc: no unix socket: %s", strerror(errno));
    /* A socket nobody answers on was left by a process that was killed. */
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode)) {
        if (!connect(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
            errno != ECONNREFUSED) {
            close(fd);
            return err_set(e, -EADDRINUSE,
                           "-vnc: socket %s is in use by another process; name "
                           "another",
                           path);
        }
        unlink(path);
    }
    if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, BACKLOG)) {
        rc = -errno;
        close(fd);
        return err_set(e, rc, "-vnc: cannot listen on socket %s: %s", path,
                       strerror(-rc));
    }
    l->fd[l->n++] = fd;
    strcpy(l->path, path);
    snprintf(l->host, sizeof(l->host), "%s", path);
    return 0;
}

static int open_one(const struct addrinfo *ai, unsigned port)
{
    struct sockaddr_storage ss;
    int fd, on = 1, rc;

    memcpy(&ss, ai->ai_addr, ai->ai_addrlen);
    if (ai->ai_family == AF_INET)
        ((struct sockaddr_in *)&ss)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)&ss)->sin6_port = htons((uint16_t)port);
    fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (!bind(fd, (struct sockaddr *)&ss, ai->ai_addrlen) &&
        !listen(fd, BACKLOG))
        return fd;
    rc = -errno;
    close(fd);
    return rc;
}

/* All addresses at one port; families the kernel lacks are left out. */
static int open_port(struct listen *l, const struct addrinfo *list,
                     unsigned port)
{
    int rc = -EADDRNOTAVAIL;

    for (const struct addrinfo *ai = list; ai && l->n < LISTEN_MAX;
         ai = ai->ai_next) {
        if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
            continue;
        int fd = open_one(ai, port);
        if (fd >= 0) {
            l->fd[l->n++] = fd;
            continue;
        }
        rc = fd;
        if (rc == -EAFNOSUPPORT || (rc == -EADDRNOTAVAIL && ai->ai_next) ||
            (rc == -EADDRNOTAVAIL && l->n))
            continue;
        while (l->n)
            close(l->fd[--l->n]);
        return rc;
    }
    return l->n ? 0 : rc;
}

static int open_tcp(struct listen *l, const struct spec *s, struct err *e)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    const char *shown = s->host[0] ? s->host : "any address";
    unsigned last = s->to > s->display ? s->to : s->display;
    struct addrinfo *list;
    int rc;

    /* getaddrinfo wants a host or a service; the port is filled in later. */
    rc = getaddrinfo(s->host[0] ? s->host : NULL, "0", &hints, &list);
    if (rc)
        return err_set(e, -EINVAL,
                       "-vnc: host \"%s\" of vnclisten cannot be resolved: %s",
                       s->host, gai_strerror(rc));
    unsigned d = s->display;
    do
        rc = open_port(l, list, LISTEN_BASE_PORT + d);
    while (rc == -EADDRINUSE && d++ < last);
    freeaddrinfo(list);
    if (rc == -EADDRINUSE && s->to > s->display)
        return err_set(e, rc,
                       "-vnc: ports %u to %u of %s are all in use; choose "
                       "another vncdisplay",
                       LISTEN_BASE_PORT + s->display, LISTEN_BASE_PORT + last,
                       shown);
    if (rc == -EADDRINUSE)
        return err_set(e, rc,
                       "-vnc: port %u of %s is in use; choose another "
                       "vncdisplay or set vncunused=1",
                       LISTEN_BASE_PORT + s->display, shown);
    if (rc)
        return err_set(e, rc, "-vnc: cannot listen on port %u of %s: %s",
                       LISTEN_BASE_PORT + s->display, shown, strerror(-rc));
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    if (getsockname(l->fd[0], (struct sockaddr *)&ss, &len) ||
        getnameinfo((struct sockaddr *)&ss, len, l->host, sizeof(l->host),
                    l->service, sizeof(l->service),
                    NI_NUMERICHOST | NI_NUMERICSERV)) {
        listen_close(l);
        return err_set(e, -EINVAL, "-vnc: the socket has no address");
    }
    return 0;
}

int listen_open(struct listen *l, const char *text, struct err *e)
{
    struct spec s = {0};
    char copy[512], *rest = copy;
    int rc;

    memset(l, 0, sizeof(*l));
    if (!text)
        return 0;
    if (strlen(text) >= 256)
        return err_set(e, -EINVAL, "-vnc: the argument is too long");
    strcpy(copy, text);
    char *addr = strsep(&rest, ",");
    for (char *opt; (opt = strsep(&rest, ","));)
        if ((rc = parse_option(l, &s, opt, e)))
            return rc;
    if (!strcmp(addr, "none"))
        return 0;
    if (!strncmp(addr, "unix:", 5))
        return open_unix(l, addr + 5, e);
    if ((rc = parse_address(&s, addr, e)))
        return rc;
    return open_tcp(l, &s, e);
}

void listen_close(struct listen *l)
{
    while (l->n)
        close(l->fd[--l->n]);
    if (l->path[0])
        unlink(l->path);
    l->path[0] = '\0';
}
