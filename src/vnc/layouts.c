/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layouts.h"

#include <string.h>

int layout_find(const char *name)
{
    static const char *const names[] = {
#define L(name, xkb, variant) name,
        LAYOUTS(L)
#undef L
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i], name))
            return (int)i;
    return -1;
}

const char *layout_names(void)
{
#define L(name, xkb, variant) ", " name
    return &(LAYOUTS(L))[2];
#undef L
}
