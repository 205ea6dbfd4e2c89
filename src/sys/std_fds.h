/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HVMD_STD_FDS_H
#define HVMD_STD_FDS_H

/*
 * Descriptors 0 to 2 become somebody's, or a socket would become stderr. Writes
 * fail as they did, so that who looks is told that nobody reads.
 */
void std_fds_claim(void);

#endif
