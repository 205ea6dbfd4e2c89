/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded: a kernel that cannot map Xen's resources, as those before 4.18. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <xenforeignmemory.h>

xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *fmem, domid_t domid,
                              unsigned type, unsigned id, unsigned long frame,
                              unsigned long nr, void **at, int prot, int flags)
{
    (void)fmem, (void)domid, (void)type, (void)id, (void)frame, (void)nr;
    (void)at, (void)prot, (void)flags;
    fputs("no_resource: refused\n", stderr);
    errno = EOPNOTSUPP;
    return NULL;
}
