/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts allocations of the whole test program, into which it is linked with
 * --wrap of each function (see alloc_wraps in meson.build).
 */
#ifndef HVMD_ALLOC_FIXTURE_H
#define HVMD_ALLOC_FIXTURE_H

#include <stdbool.h>

void alloc_count(bool on); /* on: from 0 */
unsigned alloc_seen(void);

#endif
