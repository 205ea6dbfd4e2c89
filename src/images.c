/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The images of the guest's disks and CDs, and what is wrong with them. */
#include "hvmd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the back end says of a file, after the option that names it. */
static struct blk *name_unit(struct blk *b, unsigned unit, struct err *e)
{
    struct err why = *e;

    if (!b)
        err_set(e, -EINVAL, "-drive, IDE unit %u: %s", unit, why.text);
    return b;
}

/* A block device may have several nodes. */
static bool same_file(const char *one, const char *other)
{
    struct stat a, b;

    if (stat(one, &a) || stat(other, &b))
        return false;
    if (S_ISBLK(a.st_mode) && S_ISBLK(b.st_mode))
        return a.st_rdev == b.st_rdev;
    return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Two drives on one file: fine for CDs, the end of a file system for a disk. */
static int check_shared(const struct hvmd_conf *c, unsigned unit, struct err *e)
{
    const struct argv_ide *u = &c->ide[unit];

    for (unsigned i = 0; i < unit; i++) {
        const struct argv_ide *o = &c->ide[i];

        if (!o->present || !o->file || (o->read_only && u->read_only) ||
            !same_file(o->file, u->file))
            continue;
        return err_set(e, -EINVAL,
                       "-drive: %s is IDE unit %u and unit %u: give each "
                       "writable disk an image of its own",
                       u->file, i, unit);
    }
    return 0;
}

int hvmd_spare_images(const struct hvmd_conf *c, const char *option,
                      const char *file, struct err *e)
{
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        const struct argv_ide *u = &c->ide[i];

        if (u->present && u->file && same_file(u->file, file))
            return err_set(e, -EINVAL,
                           "%s: %s is the image of IDE unit %u; name another "
                           "file",
                           option, file, i);
    }
    return 0;
}

struct blk *hvmd_open_image(struct hvmd *h, unsigned unit, struct err *e)
{
    const struct argv_ide *u = &h->conf.ide[unit];
    int flags = (u->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY;
    struct stat st;
    struct blk *b;
    int fd;

    if (check_shared(&h->conf, unit, e) < 0)
        return NULL;
    /* a pipe must not make us wait; a drive is to say that it is empty */
    if (stat(u->file, &st) || !S_ISBLK(st.st_mode))
        flags |= O_NONBLOCK;
    fd = open(u->file, flags);
    if (fd < 0) {
        const char *remedy = "check the path in the guest's disk= line";

        if (!u->read_only && (errno == EROFS || errno == EACCES ||
                              errno == EPERM || errno == ETXTBSY))
            remedy = "a hard disk must be writable; give it as a CD-ROM "
                     "(devtype=cdrom) or make it writable";
        else if (errno == EISDIR)
            remedy = "give an image file or a block device";
        else if (errno == ENOMEDIUM)
            remedy = "put a disc in, or leave the guest's drive empty";
        err_set(e, -errno, "-drive: cannot open %s for IDE unit %u: %s; %s",
                u->file, unit, strerror(errno), remedy);
        return NULL;
    }
    /* root may write what its owner has closed to writing; it should not. */
    if (!u->read_only && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
        !(st.st_mode & 0222)) {
        close(fd);
        err_set(e, -EACCES,
                "-drive: %s for IDE unit %u is read-only (mode %04o): a hard "
                "disk must be writable; chmod u+w it or give it as a CD-ROM "
                "(devtype=cdrom)",
                u->file, unit, (unsigned)st.st_mode & 07777);
        return NULL;
    }
    b = name_unit(blk_raw_open(h->pool, fd, u->read_only, u->file, e), unit, e);
    if (b && !u->discard)
        b->can_discard = false;
    return b;
}
