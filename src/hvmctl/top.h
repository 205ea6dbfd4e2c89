/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What top shows: one screen of text from the figures of all hvmds, as wide
 * and high as asked. Columns that do not fit are left out, the least important
 * first; rows of devices give way to those of domains.
 */
#ifndef HVMCTL_TOP_H
#define HVMCTL_TOP_H

#include "host.h"

#include <stdio.h>

struct view {
    unsigned width;
    unsigned height; /* 0: no limit */
    bool colour;     /* escape sequences for bold and colour */
    bool devices;    /* rows of the devices in use */
    double delay_s;
};

/* Lines end in "\n". */
void view_print(FILE *, const struct host *, const struct view *);

#endif
