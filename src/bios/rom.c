/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef ROM_DIRS
#error "ROM_DIRS: directories of option ROMs, separated by colons"
#endif

#define ROM_BLOCK      512u
#define ROM_OFF_BLOCKS 2u
#define ROM_OFF_PCIR   0x18u
#define ROM_HEADER     0x1au
#define PCIR_BYTES     0x18u
#define PCIR_OFF_TYPE  0x14u
#define PCIR_TYPE_BIOS 0u
#define NAME_MAX_SHOWN 200

static uint32_t rd16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

/* Which Debian package brings it. */
static const char *remedy(const char *name)
{
    const char *base = strrchr(name, '/');

    base = base ? base + 1 : name;
    if (!strncmp(base, "vgabios", 7))
        return "install the package seabios";
    if (!strncmp(base, "pxe-", 4) || !strncmp(base, "efi-", 4))
        return "install the package ipxe-qemu";
    return "give the path of an option ROM";
}

static int bad(struct err *e, const char *path, const char *why)
{
    return err_set(e, -EINVAL, "option ROM %.*s is not usable: %s; %s",
                   NAME_MAX_SHOWN, path, why, remedy(path));
}

/* 5.1: header, length, checksum, PCI data structure where there is one. */
static const char *fault(const uint8_t *d, uint32_t size)
{
    uint32_t image, pcir;
    uint8_t sum = 0;

    if (size < ROM_HEADER)
        return "it is too short for a header";
    if (d[0] != 0x55 || d[1] != 0xaa)
        return "it does not begin with the signature 55 aa";
    pcir = rd16(d + ROM_OFF_PCIR);
    if (pcir && (pcir > size || size - pcir < PCIR_BYTES ||
                 memcmp(d + pcir, "PCIR", 4)))
        pcir = 0; /* ISA ROMs may hold anything there */
    if (pcir && d[pcir + PCIR_OFF_TYPE] != PCIR_TYPE_BIOS)
        return "its first image is not for a PC BIOS";
    image = d[ROM_OFF_BLOCKS] * ROM_BLOCK;
    if (!image)
        return "its header says that it is empty";
    if (image > size)
        return "it is cut short";
    for (uint32_t i = 0; i < image; i++)
        sum = (uint8_t)(sum + d[i]);
    return sum ? "its checksum is wrong" : NULL;
}

static int read_all(int fd, uint8_t *buf, size_t len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = read(fd, buf + at, len - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO; /* became shorter */
        at += (size_t)n;
    }
    return 0;
}

/* Takes fd. */
static int load_fd(int fd, const char *path, struct rom *out, struct err *e)
{
    uint8_t *data = NULL;
    const char *why = NULL;
    struct stat st;
    uint32_t size;
    int rc = 0;

    if (fstat(fd, &st) < 0)
        rc = -errno;
    else if (!S_ISREG(st.st_mode))
        why = "it is not a regular file";
    else if (st.st_size < 1)
        why = "it is empty";
    else if (st.st_size > (off_t)ROM_BYTES_MAX)
        why = "it is larger than 1 MiB";
    if (rc || why)
        goto out;
    size = (uint32_t)st.st_size;
    data = calloc(1, size);
    rc = data ? read_all(fd, data, size) : -ENOMEM;
    if (!rc)
        why = fault(data, size);
    if (!rc && !why) {
        out->data = data;
        out->size_bytes = size;
        data = NULL;
    }
out:
    free(data);
    close(fd);
    if (why)
        return bad(e, path, why);
    if (rc)
        return err_set(e, rc, "option ROM %.*s cannot be read: %s",
                       NAME_MAX_SHOWN, path, strerror(-rc));
    return 0;
}

/* O_NONBLOCK: a FIFO of that name must not hold us up. */
static int open_rom(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

static int missing(struct err *e, int rc, const char *name, const char *dirs)
{
    if (strchr(name, '/'))
        return err_set(e, rc, "option ROM %.*s cannot be opened: %s; %s",
                       NAME_MAX_SHOWN, name, strerror(-rc), remedy(name));
    return err_set(e, rc, "option ROM %.*s is in none of %.*s (%s); %s",
                   NAME_MAX_SHOWN, name, NAME_MAX_SHOWN, dirs, strerror(-rc),
                   remedy(name));
}

int rom_load_from(const char *dirs, const char *name, struct rom *out,
                  struct err *e)
{
    int worst = -ENOENT, fd;
    char path[4096];

    *out = (struct rom){NULL, 0};
    if (!name[0])
        return err_set(e, -EINVAL, "the name of an option ROM is empty");
    if (strchr(name, '/')) {
        fd = open_rom(name);
        return fd < 0 ? missing(e, fd, name, dirs) : load_fd(fd, name, out, e);
    }
    for (const char *d = dirs; *d;) {
        size_t n = strcspn(d, ":");
        int len = snprintf(path, sizeof(path), "%.*s/%s", (int)n, d, name);

        d += n;
        d += *d == ':';
        if (!n || len < 0 || (size_t)len >= sizeof(path))
            continue;
        fd = open_rom(path);
        if (fd >= 0)
            return load_fd(fd, path, out, e);
        if (fd != -ENOENT && fd != -ENOTDIR)
            worst = fd; /* there, but not for us */
    }
    return missing(e, worst, name, dirs);
}

int rom_load(const char *name_or_path, struct rom *out, struct err *e)
{
    return rom_load_from(ROM_DIRS, name_or_path, out, e);
}

void rom_free(struct rom *rom)
{
    free((void *)rom->data);
    *rom = (struct rom){NULL, 0};
}
