/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvmd --check-state: saved state in a form for people. */
#include "savefile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN 16u /* elements of an array */

static void print_field(FILE *out, const struct field *f, const void *state)
{
    uint32_t n = state_live(f, state);
    unsigned long long v = state_get(f, state, 0);
    char name[64];

    if (f->count == 1) {
        fprintf(out, "  %-24s %llu", f->name, v);
        fprintf(out, v > 9 ? " (%#llx)\n" : "\n", v);
        return;
    }
    snprintf(name, sizeof(name), "%s[%u]", f->name, n);
    fprintf(out, "  %-24s", name);
    for (uint32_t i = 0; i < n && i < SHOWN; i++)
        fprintf(out, " %0*llx", 2 * f->width,
                (unsigned long long)state_get(f, state, i));
    fprintf(out, n > SHOWN ? " ...\n" : "\n");
}

static void print_all(FILE *out, const struct savefile *sf)
{
    fprintf(out, "saved by hvmd %s, %zu bytes, %u records, CRC-32 %08x\n",
            sf->writer, sf->bytes, sf->n, sf->crc);
    for (unsigned i = 0; i < sf->n; i++) {
        const struct savefile_record *r = &sf->rec[i];

        fprintf(out, "\n%s %u, version %u, %zu bytes\n", r->desc->name,
                r->instance, r->version, r->bytes);
        for (const struct field *f = r->desc->fields; f->name; f++)
            print_field(out, f, r->state);
    }
}

static struct savefile *read_either(int fd, struct err *e)
{
    size_t len = SIZE_MAX;
    off_t from = 0;
    int rc = savefile_find_in_xl(fd, &from, &len, e);

    if (rc && rc != -ENOENT)
        return NULL;
    if (from && lseek(fd, from, SEEK_SET) < 0) {
        err_set(e, -errno, "saved state: lseek: %s", strerror(errno));
        return NULL;
    }
    return savefile_read_part(fd, len, e);
}

/* Nobody waits for who writes to a pipe. */
int savefile_open(const char *path, const char *option, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return err_set(e, -errno, "%s %s: %s", option, path, strerror(errno));
    if (!fstat(fd, &st) && !S_ISFIFO(st.st_mode))
        return fd;
    close(fd);
    return err_set(e, -EINVAL,
                   "%s %s: a saved state cannot be read from a pipe; put it "
                   "into a file",
                   option, path);
}

int savefile_check(const char *path, FILE *out, struct err *e)
{
    int fd = savefile_open(path, "--check-state", e);
    struct savefile *sf;

    if (fd < 0)
        return fd;
    sf = read_either(fd, e);
    close(fd);
    if (!sf)
        return -EINVAL;
    print_all(out, sf);
    savefile_free(sf);
    if (fflush(out) == EOF || ferror(out))
        return err_set(e, -EIO, "--check-state: the output cannot be written");
    return 0;
}
