/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deeds of a hostile guest, by chance from a seed. */
#ifndef HVMD_STORM_FIXTURE_H
#define HVMD_STORM_FIXTURE_H

#include "rig.h"

struct prng {
    uint64_t s; /* not 0 */
};

uint64_t draw(struct prng *);
unsigned below(struct prng *, unsigned n);
/* Values that matter to registers more often than noise does. */
uint64_t value(struct prng *);

/* One access, string form, disk command, packet, or step of the clock. */
void storm_step(struct rig *, struct prng *);

#endif
