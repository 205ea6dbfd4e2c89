/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw disks: is this file fit to be one, how large is it, what can it do? */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define SECTOR    512u
#define CD_SECTOR 2048u
#define PAGE      4096u

static bool is_pow2(uint64_t n)
{
    return n && !(n & (n - 1));
}

static int check_mode(const struct raw *w, const char *path, struct err *e)
{
    int fl = fcntl(w->fd, F_GETFL);

    if (fl < 0)
        return err_set(e, -errno, "%s: the descriptor is not open: %s", path,
                       strerror(errno));
    if (fl & O_PATH)
        return err_set(e, -EBADF, "%s is open for its path only", path);
    fl &= O_ACCMODE;
    if (!w->d.blk.read_only && fl != O_RDWR)
        return err_set(e, -EACCES,
                       "%s is read-only but the guest's disk must be "
                       "writable: make it writable, or give it as a CD-ROM",
                       path);
    if (w->d.blk.read_only && fl != O_RDONLY)
        return err_set(e, -EINVAL,
                       "%s is open for writing although the disk is "
                       "read-only: open it read-only",
                       path);
    return 0;
}

static int probe_dev(struct raw *w, const char *path, struct err *e)
{
    uint64_t start[2] = {1, 1};
    unsigned int phys = 0;
    uint64_t size = 0;
    int lba = 0;

    if (ioctl(w->fd, BLKGETSIZE64, &size) < 0)
        return err_set(e, -errno, "%s: cannot tell the size of the device: %s",
                       path, strerror(errno));
    if (ioctl(w->fd, BLKSSZGET, &lba) < 0 || lba < (int)SECTOR ||
        !is_pow2((uint64_t)lba))
        lba = (int)SECTOR;
    if (ioctl(w->fd, BLKPBSZGET, &phys) < 0 || phys < (unsigned)lba ||
        !is_pow2(phys))
        phys = (unsigned)lba;
    w->is_dev = true;
    w->lba_bytes = (uint32_t)lba;
    w->file_bytes = size;
    w->d.blk.phys_block_bytes = phys;
    /*
     * A misaligned range is refused after the ability was looked at: the
     * answer tells which of both was missing, and nothing is discarded.
     */
    if (!w->d.blk.read_only)
        w->d.blk.can_discard =
            ioctl(w->fd, BLKDISCARD, start) < 0 && errno == EINVAL;
    return 0;
}

static int probe_file(struct raw *w, const struct stat *st)
{
    struct statfs fs;

    w->file_bytes = (uint64_t)st->st_size;
    w->lba_bytes = SECTOR;
    if (fstatfs(w->fd, &fs) == 0)
        w->in_memory = (uint32_t)fs.f_type == TMPFS_MAGIC ||
                       (uint32_t)fs.f_type == RAMFS_MAGIC;
    /*
     * The cache works in pages, so a guest that knows of 4 KiB spares the
     * host reading what it half overwrites.
     */
    w->d.blk.phys_block_bytes = w->file_bytes % PAGE ? SECTOR : PAGE;
    /* A hole behind the end changes nothing, but shows whether it could. */
    if (!w->d.blk.read_only)
        w->d.blk.can_discard =
            fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      (off_t)((w->file_bytes + PAGE - 1) / PAGE * PAGE),
                      PAGE) == 0;
    return 0;
}

static int check_size(struct raw *w, const char *path, struct err *e)
{
    uint64_t size = w->file_bytes;

    if (size == 0)
        return err_set(e, -EINVAL,
                       "%s is empty (0 bytes): a disk needs at least one "
                       "sector of %u bytes",
                       path, SECTOR);
    if (size > INT64_MAX - CD_SECTOR)
        return err_set(e, -EFBIG, "%s is too large", path);
    if (w->d.blk.read_only) {
        /* A CD image cut short: the missing end reads as zeros. */
        w->d.blk.size_bytes = (size + CD_SECTOR - 1) / CD_SECTOR * CD_SECTOR;
        return 0;
    }
    if (size % SECTOR)
        return err_set(e, -EINVAL,
                       "%s has a size of %" PRIu64
                       " bytes, which is not a multiple of %u: lengthen it "
                       "with truncate -s %%%u '%s'",
                       path, size, SECTOR, SECTOR, path);
    w->d.blk.size_bytes = size;
    return 0;
}

int raw_probe(struct raw *w, const char *path, struct err *e)
{
    struct stat st;
    int err;

    if (fstat(w->fd, &st) < 0)
        return err_set(e, -errno, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(e, -EISDIR,
                       "%s is a directory: name a disk image or block device",
                       path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return err_set(e, -EINVAL,
                       "%s is neither a regular file nor a block device", path);
    err = check_mode(w, path, e);
    if (err < 0)
        return err;
    err = S_ISBLK(st.st_mode) ? probe_dev(w, path, e) : probe_file(w, &st);
    if (err < 0)
        return err;
    return check_size(w, path, e);
}
