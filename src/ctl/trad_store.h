/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What qemu-dm finds in xenstore and leaves there, beside its command line:
 * disks, memory, the VNC password; port and ptys. Start-up thread, before the
 * guest runs, so that what a guest may write there is still the toolstack's.
 * Errors: -errno with a sentence in err that names the node or the disk.
 * Source: tools/libs/light/libxl_disk.c, libxl_dm.c, libxl_dom.c of Xen 4.17.
 */
#ifndef HVMD_TRAD_STORE_H
#define HVMD_TRAD_STORE_H

#include "argv.h"
#include "xenstore.h"

#define TRAD_PATH 96u /* of a back end, with its NUL */

/* The back end of each CD drive, to be watched: "": that unit is none. */
struct trad_cds {
    char backend[MACHINE_DISKS][TRAD_PATH];
    char type[MACHINE_DISKS][8];
};

/* The IDE unit, 0 to 3, of "hda" to "hdd" or, where xvd is taken for hd,
 * "xvda" to "xvdd"; -1: another name, or a partition. */
int trad_unit(const char *dev, bool xvd);

/*
 * The path in a back end's params: out has size bytes, "" for an empty drive.
 * -ENOTSUP: not raw, or of another type than phy, file, tap and qdisk.
 */
int trad_image(const char *type, const char *params, char *out, size_t size,
               struct err *);

/* Adds the disks, the memory size unless -m gave it, and the platform device
 * to what the command line said; forgets commands to a former qemu-dm. */
int trad_store_config(struct xenstore *, struct hvmd_conf *, struct trad_cds *,
                      struct err *);
/* Takes the password out of xenstore; "": there is none. */
void trad_store_password(struct xenstore *, unsigned domid, char *out,
                         size_t size);
/* port: NULL or "": no TCP port. tty[n]: NULL: serial port n has none. */
int trad_store_tell(struct xenstore *, unsigned domid, const char *port,
                    const char *const tty[MACHINE_SERIALS], struct err *);

#endif
