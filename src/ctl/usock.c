/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "usock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 8

void usock_init(struct usock *u)
{
    memset(u, 0, sizeof(*u));
    u->fd = -1;
}

int usock_listen(struct usock *u, const char *path, const char *option,
                 struct err *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    int rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return err_set(e, -ENAMETOOLONG,
                       "the socket path '%.120s' is longer than %zu bytes",
                       path, sizeof(addr.sun_path) - 1);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    memcpy(u->path, path, strlen(path) + 1);
    if (!lstat(path, &st)) {
        if (!S_ISSOCK(st.st_mode))
            return err_set(e, -EEXIST,
                           "'%s' exists and is not a socket; remove it or "
                           "give another path to %s",
                           path, option);
        unlink(path);
    }
    u->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* The mode of the inode that bind() makes: no moment of being open. */
    if (u->fd < 0 || fchmod(u->fd, 0600) ||
        bind(u->fd, (struct sockaddr *)&addr, sizeof(addr))) {
        rc = -errno;
        return err_set(e, rc, "cannot make the socket '%s' of %s: %s", path,
                       option, strerror(-rc));
    }
    u->made = !lstat(path, &st);
    u->dev = st.st_dev;
    u->ino = st.st_ino;
    if (listen(u->fd, BACKLOG)) {
        rc = -errno;
        return err_set(e, rc, "cannot listen on '%s': %s", path, strerror(-rc));
    }
    return 0;
}

void usock_close(struct usock *u)
{
    struct stat st;

    /* The domain's next device model may have put its own there already. */
    if (u->made && !lstat(u->path, &st) && st.st_dev == u->dev &&
        st.st_ino == u->ino)
        unlink(u->path);
    u->made = false;
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
}
