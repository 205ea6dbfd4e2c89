/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside src/net: the running tap apart from its opening. Loop thread only.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include <hvmd/net.h>

/* struct virtio_net_hdr in front of every frame that is read or written. */
#define TAP_VNET_BYTES 10u

/*
 * Takes over fd, which does not block and keeps the bounds of frames. vnet:
 * whether each begins with a virtio_net_hdr. NULL: out of memory or no place
 * in the loop; fd is still the caller's.
 */
struct net *tap_new(struct loop *, int fd, bool vnet);

/* As net_tap_open(); without the header even where the kernel has it. */
struct net *tap_open_plain(struct loop *, const char *ifname, struct err *);

#endif
