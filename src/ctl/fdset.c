/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fdset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "/dev/fdset/"

static bool has(const struct fdset *f, int64_t set)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->fd[i].set == set)
            return true;
    return false;
}

static int64_t free_number(const struct fdset *f)
{
    int64_t set = 0;

    while (has(f, set))
        set++;
    return set;
}

static void remove_at(struct fdset *f, unsigned at)
{
    close(f->fd[at].fd);
    free(f->fd[at].opaque);
    f->n--;
    memmove(&f->fd[at], &f->fd[at + 1], (f->n - at) * sizeof(f->fd[0]));
}

/* True: one that nobody is connected for has gone. */
static bool make_room(struct fdset *f)
{
    unsigned at = f->n;

    for (unsigned i = 0; i < f->n; i++)
        if (f->fd[i].left && (at == f->n || f->fd[i].age < f->fd[at].age))
            at = i;
    if (at == f->n)
        return false;
    remove_at(f, at);
    return true;
}

int64_t fdset_add(struct fdset *f, int fd, int64_t set, const char *opaque,
                  const void *owner, struct err *e)
{
    char *copy = NULL;
    unsigned at;
    int rc = 0;

    if (set < FDSET_NEW)
        rc = err_set(e, -EINVAL, "the number of a descriptor set is 0 or more");
    else if (f->n == FDSET_FDS && !make_room(f))
        rc = err_set(e, -EMFILE,
                     "there are %d descriptors in sets already: remove-fd one",
                     FDSET_FDS);
    else if (opaque && strlen(opaque) > FDSET_OPAQUE_MAX)
        rc = err_set(e, -E2BIG, "'opaque' is longer than %d bytes",
                     FDSET_OPAQUE_MAX);
    else if (opaque && !(copy = strdup(opaque)))
        rc = err_set(e, -ENOMEM, "out of memory");
    if (rc) {
        close(fd);
        return rc;
    }
    if (set == FDSET_NEW)
        set = free_number(f);
    for (at = f->n; at > 0 && f->fd[at - 1].set > set; at--)
        f->fd[at] = f->fd[at - 1];
    f->fd[at] = (struct fdset_fd){
        .set = set, .fd = fd, .owner = owner, .age = ++f->ages, .opaque = copy};
    f->n++;
    return set;
}

int fdset_remove(struct fdset *f, int64_t set, int fd, struct err *e)
{
    unsigned before = f->n;

    for (unsigned i = f->n; i-- > 0;)
        if (f->fd[i].set == set && (fd == FDSET_ALL || f->fd[i].fd == fd))
            remove_at(f, i);
    if (f->n != before)
        return 0;
    if (fd == FDSET_ALL)
        return err_set(e, -ENOENT, "there is no descriptor set %lld",
                       (long long)set);
    return err_set(e, -ENOENT, "there is no descriptor %d in set %lld", fd,
                   (long long)set);
}

void fdset_leave(struct fdset *f, const void *owner, bool last)
{
    for (unsigned i = f->n; i-- > 0;) {
        if (f->fd[i].owner == owner) {
            f->fd[i].owner = NULL;
            f->fd[i].left = true;
        }
        if (last && f->fd[i].left)
            remove_at(f, i);
    }
}

void fdset_clear(struct fdset *f)
{
    while (f->n)
        remove_at(f, f->n - 1);
}

bool fdset_named(const char *filename)
{
    return strncmp(filename, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static int64_t number(const char *filename)
{
    const char *digits = filename + sizeof(PREFIX) - 1;
    char *end;
    long long v;

    if (!fdset_named(filename) || *digits < '0' || *digits > '9')
        return -1;
    errno = 0;
    v = strtoll(digits, &end, 10);
    return *end || errno ? -1 : v;
}

static bool allows(int fd, int accmode)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 &&
           ((flags & O_ACCMODE) == O_RDWR || (flags & O_ACCMODE) == accmode);
}

int fdset_open(const struct fdset *f, const char *filename, int accmode,
               struct err *e)
{
    int64_t set = number(filename);
    int fd;

    if (set < 0)
        return err_set(e, -EINVAL, "%.80s does not name a descriptor set",
                       filename);
    if (!has(f, set))
        return err_set(e, -ENOENT,
                       "there is no descriptor set %lld: pass the file by "
                       "add-fd first",
                       (long long)set);
    for (unsigned i = 0; i < f->n; i++) {
        if (f->fd[i].set != set || !allows(f->fd[i].fd, accmode))
            continue;
        fd = fcntl(f->fd[i].fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return fd >= 0
                   ? fd
                   : err_set(e, -errno, "%.80s: %s", filename, strerror(errno));
    }
    return err_set(e, -EACCES, "%.80s: no descriptor there is open for %s",
                   filename,
                   accmode == O_RDONLY   ? "reading"
                   : accmode == O_WRONLY ? "writing"
                                         : "reading and writing");
}
