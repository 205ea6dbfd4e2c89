/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the administrator wrote to a byte stream. The words are those of
 * QEMU's -serial and -chardev, as libxl passes them on verbatim.
 */
#include "chr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FORMS                                                                  \
    "use pty, null, none, stdio, file:PATH, pipe:PATH, unix:PATH,server=on, "  \
    "tcp:HOST:PORT, telnet:HOST:PORT,server=on, udp:HOST:PORT or /dev/ttyS0"

static bool starts(const char *s, const char *with, const char **rest)
{
    size_t n = strlen(with);

    if (strncmp(s, with, n))
        return false;
    *rest = s + n;
    return true;
}

/*
 * "host:port" in place, with [] around an IPv6 address. Host may be empty.
 */
static int split_host(const struct where *w, char *text, const char **host,
                      const char **port)
{
    char *colon;

    *host = text;
    if (*text == '[') {
        char *end = strchr(text, ']');

        if (!end || end[1] != ':')
            return fail(w, -EINVAL, "write an IPv6 address as [ADDRESS]:PORT");
        *end = '\0';
        *host = text + 1;
        colon = end + 1;
    } else {
        colon = strrchr(text, ':');
        if (!colon)
            return fail(w, -EINVAL, "the port is missing; write HOST:PORT");
    }
    *colon = '\0';
    *port = colon + 1;
    if (!**port)
        return fail(w, -EINVAL, "the port is missing; write HOST:PORT");
    return 0;
}

/* What all stream sockets may say, in both forms. */
static int sock_options(const struct where *w, struct opts *o,
                        struct sock_conf *c)
{
    bool wait, v4, v6;
    int rc;

    if ((rc = opts_bool(w, o, "server", c->server, &c->server)) ||
        /* Start-up never waits for a client: one may come at any time. */
        (rc = opts_bool(w, o, "wait", true, &wait)) ||
        (rc = opts_num(w, o, "reconnect", 3600, &c->reconnect_s)))
        return rc;
    if (c->server && c->reconnect_s)
        return fail(w, -EINVAL,
                    "reconnect is for clients; leave it or "
                    "server out");
    if (c->path)
        return opts_done(w, o);
    if ((rc = opts_bool(w, o, "telnet", c->telnet, &c->telnet)) ||
        (rc = opts_bool(w, o, "delay", true, &c->nodelay)))
        return rc;
    c->nodelay = !c->nodelay;
    if (!c->nodelay)
        rc = opts_bool(w, o, "nodelay", false, &c->nodelay);
    if (rc || (rc = opts_bool(w, o, "ipv4", false, &v4)) ||
        (rc = opts_bool(w, o, "ipv6", false, &v6)) ||
        (rc = opts_num(w, o, "to", 65535, &c->port_to)))
        return rc;
    c->family = v4 && !v6 ? AF_INET : v6 && !v4 ? AF_INET6 : AF_UNSPEC;
    return opts_done(w, o);
}

static int open_unix(const struct where *w, const char *text, struct chr **out)
{
    struct sock_conf c = {0};
    struct opts o;
    int rc = opts_parse(w, &o, text, "path");

    if (rc)
        return rc;
    c.path = opts_str(&o, "path", "");
    rc = sock_options(w, &o, &c);
    return rc ? rc : chr_socket(w, &c, out);
}

static int open_tcp(const struct where *w, const char *text, bool telnet,
                    struct chr **out)
{
    struct sock_conf c = {.telnet = telnet};
    struct opts o;
    char at[300];
    int rc = opts_parse(w, &o, text, "address");

    if (rc)
        return rc;
    if (snprintf(at, sizeof(at), "%s", opts_str(&o, "address", "")) >=
        (int)sizeof(at))
        return fail(w, -EINVAL, "the host name is too long");
    rc = split_host(w, at, &c.host, &c.port);
    if (!rc)
        rc = sock_options(w, &o, &c);
    return rc ? rc : chr_socket(w, &c, out);
}

/* [remote host]:port[@[local host]:port] */
static int open_udp(const struct where *w, const char *text, struct chr **out)
{
    const char *host = "", *port = "", *lhost = "", *lport = "0";
    char at[600], *local;
    int rc;

    if (snprintf(at, sizeof(at), "%s", text) >= (int)sizeof(at))
        return fail(w, -EINVAL, "the host names are too long");
    local = strchr(at, '@');
    if (local) {
        *local++ = '\0';
        if (*local && (rc = split_host(w, local, &lhost, &lport)))
            return rc;
    }
    if ((rc = split_host(w, at, &host, &port)))
        return rc;
    return chr_udp(w, host, port, lhost, lport, out);
}

int chr_open(struct loop *loop, const char *spec, const char *label,
             struct chr **out, struct err *e)
{
    bool parallel = !strncmp(label, "parallel", 8);
    struct where w = {loop, parallel ? "-parallel" : "-serial", label, spec, e};
    const char *rest;

    *out = NULL;
    if (!strcmp(spec, "none"))
        return 0;
    if (!strcmp(spec, "null"))
        return chr_null(&w, out);
    if (!strcmp(spec, "pty"))
        return chr_pty(&w, out);
    if (!strcmp(spec, "stdio"))
        return chr_stdio(&w, out);
    if (starts(spec, "file:", &rest))
        return chr_file(&w, rest, false, out);
    if (starts(spec, "pipe:", &rest))
        return chr_pipe(&w, rest, out);
    if (starts(spec, "unix:", &rest))
        return open_unix(&w, rest, out);
    if (starts(spec, "tcp:", &rest))
        return open_tcp(&w, rest, false, out);
    if (starts(spec, "telnet:", &rest))
        return open_tcp(&w, rest, true, out);
    if (starts(spec, "udp:", &rest))
        return open_udp(&w, rest, out);
    if (starts(spec, "/dev/", &rest))
        return chr_tty(&w, spec, out);
    if (!strcmp(spec, "vc") || starts(spec, "vc:", &rest))
        return fail(&w, -ENOTSUP,
                    "there is no text console on the screen; "
                    "use pty and read it with xl console");
    if (starts(spec, "mon:", &rest) || !strcmp(spec, "msmouse") ||
        !strcmp(spec, "braille") || starts(spec, "chardev:", &rest))
        return fail(&w, -ENOTSUP, "is not supported; " FORMS);
    return fail(&w, -EINVAL, "is no kind of serial port; " FORMS);
}

static int opts_socket(const struct where *w, struct opts *o, struct chr **out)
{
    struct sock_conf c = {.path = opts_str(o, "path", NULL),
                          .host = opts_str(o, "host", ""),
                          .port = opts_str(o, "port", NULL)};
    int rc;

    if (!c.path == !c.port)
        return fail(w, -EINVAL,
                    "a socket needs either path=P or host=H and port=N");
    rc = sock_options(w, o, &c);
    return rc ? rc : chr_socket(w, &c, out);
}

static int opts_udp(const struct where *w, struct opts *o, struct chr **out)
{
    const char *host = opts_str(o, "host", "");
    const char *port = opts_str(o, "port", NULL);
    const char *lhost = opts_str(o, "localaddr", "");
    const char *lport = opts_str(o, "localport", "0");
    int rc = opts_done(w, o);

    if (rc)
        return rc;
    if (!port)
        return fail(w, -EINVAL, "port=N is missing");
    return chr_udp(w, host, port, lhost, lport, out);
}

static int opts_path(const struct where *w, struct opts *o, const char *kind,
                     struct chr **out)
{
    const char *path = opts_str(o, "path", NULL);
    bool append = false;
    int rc = 0;

    if (!strcmp(kind, "file"))
        rc = opts_bool(w, o, "append", false, &append);
    if (!rc)
        rc = opts_done(w, o);
    if (rc)
        return rc;
    if (!path || !*path)
        return fail(w, -EINVAL, "path=P is missing");
    if (!strcmp(kind, "file"))
        return chr_file(w, path, append, out);
    if (!strcmp(kind, "pipe"))
        return chr_pipe(w, path, out);
    return chr_tty(w, path, out);
}

int chr_open_opts(struct loop *loop, const char *text, const char *label,
                  struct chr **out, struct err *e)
{
    struct where w = {loop, "-chardev", label, text, e};
    const char *kind;
    struct opts o;
    bool mux;
    int rc;

    *out = NULL;
    rc = opts_parse(&w, &o, text, "backend");
    if (rc)
        return rc;
    kind = opts_str(&o, "backend", "");
    opts_str(&o, "id", NULL); /* the label has it */
    rc = opts_bool(&w, &o, "mux", false, &mux);
    if (rc)
        return rc;
    if (mux)
        return fail(&w, -ENOTSUP, "mux is not supported; leave it out");
    if (!strcmp(kind, "socket"))
        return opts_socket(&w, &o, out);
    if (!strcmp(kind, "udp"))
        return opts_udp(&w, &o, out);
    if (!strcmp(kind, "file") || !strcmp(kind, "pipe") ||
        !strcmp(kind, "serial") || !strcmp(kind, "tty"))
        return opts_path(&w, &o, kind, out);
    rc = opts_done(&w, &o);
    if (rc)
        return rc;
    if (!strcmp(kind, "pty"))
        return chr_pty(&w, out);
    if (!strcmp(kind, "null"))
        return chr_null(&w, out);
    if (!strcmp(kind, "stdio"))
        return chr_stdio(&w, out);
    return fail(&w, -ENOTSUP,
                "is not supported; use pty, socket, file, pipe, "
                "serial, udp, stdio or null");
}
