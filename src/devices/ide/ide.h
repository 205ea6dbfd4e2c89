/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX3 IDE function: two channels (1f0/3f6 IRQ 14, 170/376 IRQ 15), four
 * units, ATA disks and ATAPI CD-ROM drives, bus-master DMA.
 *
 * Properties (u = 0 primary master .. 3 secondary slave): "present<u>" and
 * "cdrom<u>" numbers, "blk<u>" back end (borrowed; NULL only for a CD drive:
 * no medium), "serial<u>" string, "devfn" number (default 01.1).
 *
 * Back ends stay the caller's. One that was taken away by ide_cd_eject(),
 * ide_cd_insert() or ide_disk_detach() may be closed once ide_unit_idle()
 * says so, or at once, since closing drains: the device touches it no more
 * except to end what is in flight. Loop thread only. Errors are -errno.
 * Source: Intel 82371SB data sheet; ATA/ATAPI-6, ATA8-ACS; MMC-3.
 */
#ifndef IDE_H
#define IDE_H

#include <hvmd/block.h>
#include <hvmd/dev.h>

#define IDE_UNITS 4u

extern const struct dev_ops ide_ops;

bool ide_unit_is_cd(const struct dev *, unsigned unit);
bool ide_unit_is_disk(const struct dev *, unsigned unit); /* false: detached */
/* The medium or disk behind a unit, also while the tray is open. */
struct blk *ide_unit_blk(const struct dev *, unsigned unit);
/* Nothing of this unit is in flight. */
bool ide_unit_idle(const struct dev *, unsigned unit);

/*
 * Puts a medium in (NULL: none) and closes the tray; a medium that was there
 * is replaced. -ENODEV: not a CD drive; -EBUSY: the guest has locked the tray
 * (and is told of the wish); force does it all the same.
 */
int ide_cd_insert(struct dev *, unsigned unit, struct blk *, bool force);
/*
 * Opens the tray and takes the medium out. force also breaks the guest's
 * lock; else -EBUSY, and the guest sees an eject request. Idempotent.
 */
int ide_cd_eject(struct dev *, unsigned unit, bool force);
bool ide_cd_locked(const struct dev *, unsigned unit);
bool ide_cd_tray_open(const struct dev *, unsigned unit);

/*
 * Unplugs a disk: the unit is absent from now on, what was in flight ends
 * silently, then the cache is flushed. -ENODEV: no disk there. Idempotent.
 */
int ide_disk_detach(struct dev *, unsigned unit);

#endif
