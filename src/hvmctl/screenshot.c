/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screenshot: hvmd draws into a memfd of ours, so it needs no path of ours and
 * nobody else sees the picture on its way.
 */
#include "cmds.h"
#include "host.h"
#include "png.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PPM_BYTES_MAX (256u << 20)

static int take(const struct args *a, int memfd, unsigned *domid, struct err *e)
{
    struct json_object *answer = NULL;
    struct conn conn;
    int rc = host_find(a->dir, a->domain, domid, &conn, e);

    /* Nothing may be on its way before it: the descriptor goes to the first
     * command that arrives. */
    if (!rc)
        answer = host_call(&conn, a->domain, "query-status", NULL, -1, e);
    if (answer) {
        json_object_put(answer);
        answer = host_call(&conn, a->domain, "screendump", NULL, memfd, e);
    }
    if (!rc && !answer)
        rc = -EIO;
    json_object_put(answer);
    conn_close(&conn);
    return rc;
}

/* Read, not mapped: the other side still has it and may cut it short. */
static uint8_t *read_all(int fd, size_t *len)
{
    struct stat st;
    uint8_t *buf;
    ssize_t n;

    if (fstat(fd, &st) || st.st_size <= 0 || st.st_size > PPM_BYTES_MAX)
        return NULL;
    buf = malloc((size_t)st.st_size);
    for (*len = 0; buf && *len < (size_t)st.st_size; *len += (size_t)n) {
        n = pread(fd, buf + *len, (size_t)st.st_size - *len, (off_t)*len);
        if (n <= 0)
            break;
    }
    return buf;
}

static int write_all(int fd, const uint8_t *buf, size_t len)
{
    while (len) {
        ssize_t n = write(fd, buf, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

/*
 * ours: the name is not the user's choice. Whatever has it is replaced, not
 * written to: in a folder of many users it may be somebody's, or a link.
 */
static int save(const char *file, bool ours, const uint8_t *png, size_t len,
                struct err *e)
{
    int fd, rc;

    if (strcmp(file, "-") == 0) {
        rc = write_all(STDOUT_FILENO, png, len);
        return rc ? err_set(e, rc, "cannot write: %s", strerror(-rc)) : 0;
    }
    if (ours && unlink(file) && errno != ENOENT)
        return err_set(e, -errno, "cannot replace %s: %s", file,
                       strerror(errno));
    /* A screen may show secrets. */
    fd = open(file,
              O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
                  (ours ? O_EXCL : O_TRUNC),
              0600);
    if (fd < 0)
        return err_set(e, -errno, "cannot create %s: %s", file,
                       strerror(errno));
    rc = write_all(fd, png, len);
    if (close(fd) && !rc)
        rc = -errno;
    if (rc)
        err_set(e, rc, "cannot write %s: %s", file, strerror(-rc));
    return rc;
}

int cmd_screenshot(const struct args *a, struct err *e)
{
    int memfd = memfd_create("screen", MFD_CLOEXEC), rc;
    size_t ppm_len = 0, png_len = 0;
    uint8_t *ppm = NULL, *png = NULL;
    unsigned domid = 0;
    char file[32];

    if (memfd < 0)
        return err_set(e, -errno, "memfd_create: %s", strerror(errno));
    rc = take(a, memfd, &domid, e);
    if (!rc) {
        ppm = read_all(memfd, &ppm_len);
        rc = ppm ? png_from_ppm(ppm, ppm_len, &png, &png_len, e)
                 : err_set(e, -EIO,
                           "domain %s: the screen came out empty or "
                           "too large",
                           a->domain);
    }
    snprintf(file, sizeof(file), "screen-%u.png", domid);
    if (!rc)
        rc = save(a->file ? a->file : file, !a->file, png, png_len, e);
    if (!rc && !a->file)
        printf("%s\n", file);
    free(ppm);
    free(png);
    close(memfd);
    return rc;
}
