/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved state of a machine's devices: one stream, at most 64 KiB, exact
 * format in man/hvmd-save.5. A stream is hostile (rule R14): it is read whole
 * and checked whole (size, checksum, tags, lengths, each field, each device's
 * own check) before anything of it is applied. Refusals are one sentence that
 * names the field. Returns are 0 or -errno. Loop thread.
 *
 * To save:    machine_pause(m, true), wait for machine_idle(m),
 *             savefile_write().
 * To restore: savefile_read(), machine_new(), machine_pause(m, true),
 *             savefile_apply(), savefile_free(); machine_pause(m, false) when
 *             the guest may run.
 */
#ifndef CTL_SAVEFILE_H
#define CTL_SAVEFILE_H

#include <hvmd/machine.h>
#include <stdio.h>

#define SAVEFILE_MOST 65536u /* bytes of a stream */

/* What he who carries the machine wants back. Values are checked by him. */
struct savefile_info {
    /* First frame of video memory in the guest's memory map as it is now;
     * HV_GFN_NONE: there is none. Below 2^40 otherwise. */
    uint64_t vram_gfn;
};

/*
 * Writes the whole stream at fd's offset. -EBUSY: the machine is not paused
 * and idle. A file that was longer is not cut.
 */
int savefile_write(struct machine *, const struct savefile_info *, int fd,
                   struct err *);

struct savefile; /* a stream that was read and checked, applied to nothing */

/* Reads fd from its offset to the end; fd stays the caller's. NULL: refused. */
struct savefile *savefile_read(int fd, struct err *);
const struct savefile_info *savefile_info(const struct savefile *);
/* Of the guest's memory when it was saved; at most 2^44. */
uint64_t savefile_ram_bytes(const struct savefile *);
/* The hvmd that wrote it: "0.1.0". Printable characters only. */
const char *savefile_writer(const struct savefile *);
/*
 * Gives the state to a machine just made and paused: the VM clock, then the
 * devices in creation order (BARs are mapped, interrupt levels driven again),
 * then the unplug mask: of what was unplugged the back ends are reported gone
 * by machine_host. -EINVAL: made for another machine, nothing was applied.
 */
int savefile_apply(const struct savefile *, struct machine *, struct err *);
void savefile_free(struct savefile *);

/* For reading; a descriptor, or -errno with a sentence that names the option.
 */
int savefile_open(const char *path, const char *option, struct err *);

/*
 * hvmd --check-state: whether this build would load the stream in the file,
 * which is that alone or what xl save writes; prints it, field by field. Needs
 * no domain.
 */
int savefile_check(const char *path, FILE *out, struct err *);

#endif
