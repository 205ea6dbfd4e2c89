/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device model leaves in xenstore: the word that it is ready, and the
 * folders of the back ends it could serve. Used at start-up only, before any
 * guest runs; no watches, hence no thread (xs_link.h has those). Paths are
 * relative to the domain we run in, as libxl expects them. Start-up thread.
 * Errors: -errno with a sentence in err. Source: tools/libs/light/libxl_dm.c,
 * libxl_usb.c; xenstore.h.
 */
#ifndef HVMD_XENSTORE_H
#define HVMD_XENSTORE_H

#include <hvmd/err.h>
#include <stdbool.h>
#include <stdint.h>

struct xenstore;

/* NULL: err says why. */
struct xenstore *xs_ctl_open(unsigned domid, struct err *);
/* device-model/DOMID/backends/{console,vkbd,9pfs,qusb}, for dom0 only. */
int xs_ctl_backends(struct xenstore *, struct err *);
/*
 * Says of the PV keyboard, which libxl gives every HVM guest, that it is
 * closed: the emulated one serves. A Linux guest would wait for it half a
 * minute in its boot.
 */
int xs_ctl_close_vkbd(struct xenstore *, struct err *);

/* PV drivers that shall not load, as the administrator left them there. */
#define XS_BLACKLIST_MAX 64
struct xs_blacklist {
    unsigned n;
    struct {
        char product[32];
        uint32_t build;
    } driver[XS_BLACKLIST_MAX];
};

/*
 * /mh/driver-blacklist/PRODUCT/BUILD, read once: a guest meets what was there
 * when it was started. Nodes of other forms are passed over. Source:
 * docs/misc/hvm-emulated-unplug.pandoc.
 */
int xs_ctl_blacklist(struct xenstore *, struct xs_blacklist *, struct err *);
bool xs_blacklisted(const struct xs_blacklist *, const char *product,
                    uint32_t build);

/* The guest's UUID, as xl set it, by its /vm node; "" when there is none. */
void xs_ctl_uuid(struct xenstore *, char uuid[37]);
/* device-model/DOMID/state; "running" is what libxl waits 60 s for. */
int xs_ctl_state(struct xenstore *, const char *state, struct err *);
/* For trad_store.c. A copy, to be freed; NULL with errno (ENOENT: no node). */
char *xs_ctl_read(struct xenstore *, const char *path);
/* Names below path, to be freed in one; NULL with errno, or there are none. */
char **xs_ctl_list(struct xenstore *, const char *path, unsigned *n);
int xs_ctl_write(struct xenstore *, const char *path, const char *value,
                 struct err *);
void xs_ctl_remove(struct xenstore *, const char *path); /* if it is there */
void xs_ctl_close(struct xenstore *);

#endif
