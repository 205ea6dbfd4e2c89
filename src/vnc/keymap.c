/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keymap.h"

#include <stddef.h>

static const struct keymap_entry *find(const struct keymap *m, uint32_t sym,
                                       unsigned held)
{
    unsigned lo = 0, hi = m->n;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if (m->entry[mid].sym < sym)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == m->n || m->entry[lo].sym != sym)
        return NULL;
    for (unsigned i = lo; i < m->n && m->entry[i].sym == sym; i++)
        if ((m->entry[i].mods & (KEYMAP_SHIFT | KEYMAP_ALTGR)) == held)
            return &m->entry[i];
    return &m->entry[lo];
}

const struct keymap_entry *keymap_find(unsigned layout, uint32_t sym,
                                       unsigned held)
{
    const struct keymap_entry *e = NULL;

    held &= KEYMAP_SHIFT | KEYMAP_ALTGR;
    if (layout < keymaps_n)
        e = find(&keymaps[layout], sym, held);
    if (!e)
        e = find(&keymaps[0], sym, held);
    return e;
}
