/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between savefile.c, savefile_text.c, savefile_xl.c. The format:
 * man/hvmd-save.5. */
#ifndef CTL_SAVEFILE_IMPL_H
#define CTL_SAVEFILE_IMPL_H

#include "savefile.h"

#include <sys/types.h>

#define SAVEFILE_MAGIC   "HVMDSAVE"
#define SAVEFILE_VERSION 1u
#define SAVEFILE_HEADER  48u
#define SAVEFILE_WRITER  24u /* bytes, the last ones of the header */
#define SAVEFILE_RECORD  24u /* head of a record */
#define SAVEFILE_NAME    16u
#define SAVEFILE_RECORDS 65u /* most: the machine's and 64 devices */

enum { SAVEFILE_NOTHING, SAVEFILE_DISK, SAVEFILE_CD };

/* The first record: which machine it is, and its clock. */
struct savefile_machine {
    uint64_t vm_clock_ns;
    uint64_t ram_bytes;
    uint64_t vram_gfn;
    uint64_t disk_bytes[MACHINE_DISKS]; /* 0: a CD drive, none, or unplugged */
    uint32_t vgamem_mib;
    uint32_t max_vcpus;
    uint8_t disk[MACHINE_DISKS];
    uint8_t vga; /* enum vga_kind */
    uint8_t pad[3];
};
extern const struct state_desc savefile_machine_desc;

struct savefile_record {
    const struct state_desc *desc;
    unsigned instance, version;
    size_t bytes; /* encoded */
    void *state;  /* decoded, desc->size bytes */
};

struct savefile {
    char writer[SAVEFILE_WRITER];
    struct savefile_info info;
    size_t bytes;
    uint32_t crc;
    unsigned n;
    struct savefile_record rec[SAVEFILE_RECORDS]; /* the machine's first */
};

/* As savefile_read(), of at most so many bytes. */
struct savefile *savefile_read_part(int fd, size_t most, struct err *);
/*
 * Where the stream lies in a file of xl save. -ENOENT: it is no such file;
 * -EINVAL: it is, and has none.
 */
int savefile_find_in_xl(int fd, off_t *from, size_t *len, struct err *);
uint32_t savefile_crc(const uint8_t *, size_t len);
/* NULL: there is none. */
const struct savefile_record *savefile_find(const struct savefile *,
                                            const struct state_desc *,
                                            unsigned instance);

#endif
