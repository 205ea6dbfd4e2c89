/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option ROM images: read once at start, checked, kept whole. A name without a
 * slash is looked for in the directories given at build time; one with a slash
 * is taken as it is. The caller owns what rom_load() filled, to rom_free().
 * Called before any guest code runs, from the main thread. Errors are -errno
 * with a sentence that names the file, the reason and the remedy.
 * Source: PCI Firmware Specification 3.0, section 5.1 (expansion ROM header,
 * PCI data structure).
 */
#ifndef HVMD_ROM_H
#define HVMD_ROM_H

#include <hvmd/err.h>
#include <hvmd/machine.h>

#define ROM_BYTES_MAX (1u << 20)

int rom_load(const char *name_or_path, struct rom *out, struct err *);
/* The same with a list of directories, separated by colons. */
int rom_load_from(const char *dirs, const char *name_or_path, struct rom *out,
                  struct err *);
/* Idempotent. */
void rom_free(struct rom *);

#endif
