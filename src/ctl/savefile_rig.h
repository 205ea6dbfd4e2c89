/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the tests of saved state: machines of src/machine/rig.h, and streams. */
#ifndef CTL_SAVEFILE_RIG_H
#define CTL_SAVEFILE_RIG_H

#include "../machine/storm_fixture.h"
#include "savefile_impl.h"

struct stream {
    uint8_t *p; /* of malloc() */
    size_t n;
};

/* Pauses the machine, waits for its disks and saves it. It stays paused. */
struct stream stream_of(struct rig *);
/* Gives length and checksum the values that they should have. */
void stream_seal(uint8_t *p, size_t n);
struct savefile *stream_read(const uint8_t *p, size_t n, struct err *);
/* Reads and applies to a machine, which it pauses. */
int stream_into(struct rig *, struct stream, struct err *);
/* Another machine with the same memory and disks, paused, with this state. */
struct rig *stream_move(struct rig *from, struct stream);
void rig_drain(struct rig *);
/* A guest of some seconds: every device has done something. */
void rig_busy(struct rig *);

#endif
