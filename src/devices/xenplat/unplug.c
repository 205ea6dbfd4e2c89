/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens when PV drivers come up. They are about to use the same images
 * as PV disks, and a guest that sees a disk twice can destroy it; therefore a
 * disk is gone, with all that was written to it in its image, before the
 * write that asked for it completes. What went does not come back.
 */
#include "priv.h"

static uint8_t take(struct xenplat *xp, uint16_t mask)
{
    struct machine *m = xp->dev.env.machine;
    uint8_t went = 0;

    if (mask & (XENPLAT_DISKS | XENPLAT_AUX_DISKS))
        went |= (uint8_t)(machine_unplug_disks(m, !(mask & XENPLAT_DISKS)) &
                          XENPLAT_WENT_DISKS);
    if ((mask & XENPLAT_NICS) && machine_unplug_nics(m))
        went |= XENPLAT_WENT_NICS;
    return went;
}

/* True: the rescue switch is on, and now it was of use. */
static bool rescued(struct xenplat *xp)
{
    if (!(xp->regs.ignore & XENPLAT_IGNORE))
        return false;
    xp->regs.ignore |= XENPLAT_USED;
    return true;
}

void xenplat_unplug(struct xenplat *xp, enum xenplat_via via, uint16_t value,
                    uint16_t mask)
{
    struct xenplat_event ev = {.port_value = value, .via = (uint8_t)via};

    ev.ignored = rescued(xp);
    if (!ev.ignored) {
        xp->regs.unplug |= mask & XENPLAT_ALL;
        ev.went = take(xp, mask);
    }
    xenplat_record(xp, &ev);
}

/*
 * Drivers on the blacklist, or that the rescue switch keeps out, read another
 * magic number from here on and shall not load. Those that unplug all the
 * same are about to use the PV disks: the blacklist does not stop them.
 */
void xenplat_greet(struct xenplat *xp)
{
    struct xenplat_event ev = {.via = XENPLAT_VIA_REFUSED};
    const char *name = xenplat_product_name(xp->regs.product);

    ev.ignored = rescued(xp);
    xp->regs.refused =
        ev.ignored || (name && machine_blacklisted(xp->dev.env.machine, name,
                                                   xp->regs.build));
    if (xp->regs.refused)
        xenplat_record(xp, &ev);
}

void xenplat_replay(struct xenplat *xp)
{
    take(xp, xp->regs.unplug);
}

void xenplat_ignore_next(struct dev *dev, bool on)
{
    struct xenplat *xp = (struct xenplat *)dev;

    xp->regs.ignore = on ? XENPLAT_IGNORE : 0;
}

bool xenplat_ignoring(const struct dev *dev)
{
    return (((const struct xenplat *)dev)->regs.ignore & XENPLAT_IGNORE) != 0;
}

uint16_t xenplat_unplug_mask(const struct dev *dev)
{
    return ((const struct xenplat *)dev)->regs.unplug;
}
