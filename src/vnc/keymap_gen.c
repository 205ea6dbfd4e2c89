/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Build-time program: writes the keysym tables of all layouts in layouts.h to
 * standard output as C, from the XKB data base through libxkbcommon. Nothing
 * of either is needed where hvmd runs.
 */
#include "keymap.h"
#include "layouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#define ENTRIES_MAX 4096u
#define XKB_OFFSET  8 /* XKB key codes are the kernel's plus this */

/*
 * Linux key codes (input-event-codes.h) above the ones that equal their set 1
 * code, with the set 1 codes of a PC keyboard (Microsoft's scan code
 * specification; the Japanese and Brazilian keys from the USB HID table).
 */
static const struct {
    uint8_t linux_code, code;
} others[] = {
    {85, 0x76},  {86, 0x56},  {87, 0x57},  {88, 0x58},  {89, 0x73},
    {90, 0x78},  {91, 0x77},  {92, 0x79},  {93, 0x70},  {94, 0x7b},
    {95, 0x5c},  {96, 0x9c},  {97, 0x9d},  {98, 0xb5},  {99, 0xb7},
    {100, 0xb8}, {102, 0xc7}, {103, 0xc8}, {104, 0xc9}, {105, 0xcb},
    {106, 0xcd}, {107, 0xcf}, {108, 0xd0}, {109, 0xd1}, {110, 0xd2},
    {111, 0xd3}, {113, 0xa0}, {114, 0xae}, {115, 0xb0}, {117, 0x59},
    {119, 0xc6}, {121, 0x7e}, {124, 0x7d}, {125, 0xdb}, {126, 0xdc},
    {127, 0xdd},
};

struct table {
    struct keymap_entry e[ENTRIES_MAX];
    unsigned n;
    unsigned seen; /* codes that carry any symbol */
};

struct mods {
    xkb_mod_mask_t shift, caps, num, level3;
};

static unsigned code_of(unsigned linux_code)
{
    if (linux_code >= 1 && linux_code <= 83)
        return linux_code;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (others[i].linux_code == linux_code)
            return others[i].code;
    return 0;
}

static bool is_character(xkb_keysym_t sym)
{
    uint32_t ucs = xkb_keysym_to_utf32(sym);

    if (sym >= 0xff80 && sym <= 0xffbd)
        return false; /* key pad */
    if (sym >= 0xfe50 && sym <= 0xfe93)
        return true; /* dead keys */
    return ucs >= 0x20 && ucs != 0x7f;
}

static void add(struct table *t, xkb_keysym_t sym, unsigned code, unsigned mods)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->e[i].sym == sym && t->e[i].code == code &&
            (t->e[i].mods == mods || !(mods & KEYMAP_EXACT)))
            return;
    if (t->n == ENTRIES_MAX) {
        fprintf(stderr, "keymap_gen: more than %u entries\n", ENTRIES_MAX);
        exit(1);
    }
    t->e[t->n++] = (struct keymap_entry){sym, (uint8_t)code, (uint8_t)mods};
}

/* KEYMAP_* of a level, -1 when no modifier we can press leads there. */
static int level_mods(struct xkb_keymap *map, const struct mods *m,
                      xkb_keycode_t key, xkb_level_index_t level)
{
    xkb_mod_mask_t masks[64];
    size_t n = xkb_keymap_key_get_mods_for_level(map, key, 0, level, masks, 64);
    int best = -1;
    bool caps = false;

    for (size_t i = 0; i < n; i++) {
        int mods = (masks[i] & m->shift ? (int)KEYMAP_SHIFT : 0) |
                   (masks[i] & m->level3 ? (int)KEYMAP_ALTGR : 0);

        if (masks[i] & m->caps)
            caps = true;
        if (masks[i] & ~(m->shift | m->level3 | m->num))
            continue;
        if (best < 0 || mods < best)
            best = mods;
    }
    if (best >= 0 && (caps || level == 0))
        best |= (int)KEYMAP_CAPS; /* confirmed against the letters below */
    return best;
}

static void add_key(struct table *t, struct xkb_keymap *map,
                    const struct mods *m, xkb_keycode_t key)
{
    unsigned code = code_of(key - XKB_OFFSET);
    xkb_level_index_t levels;

    if (!code || !xkb_keymap_num_layouts_for_key(map, key))
        return;
    levels = xkb_keymap_num_levels_for_key(map, key, 0);
    for (xkb_level_index_t l = 0; l < levels; l++) {
        const xkb_keysym_t *syms;
        int n = xkb_keymap_key_get_syms_by_level(map, key, 0, l, &syms);
        int mods = level_mods(map, m, key, l);

        if (n != 1 || mods < 0 || syms[0] == XKB_KEY_NoSymbol)
            continue;
        xkb_keysym_t sym = syms[0];
        uint32_t ucs = xkb_keysym_to_utf32(sym);

        t->seen++;
        if (!is_character(sym)) {
            add(t, sym, code, 0);
            continue;
        }
        mods |= (int)KEYMAP_EXACT;
        if (xkb_keysym_to_upper(sym) == xkb_keysym_to_lower(sym))
            mods &= ~(int)KEYMAP_CAPS;
        add(t, sym, code, (unsigned)mods);
        if (ucs >= 0x100) { /* viewers send either form */
            add(t, 0x1000000u | ucs, code, (unsigned)mods);
            add(t, xkb_utf32_to_keysym(ucs), code, (unsigned)mods);
        }
    }
}

static int by_sym(const void *a, const void *b)
{
    const struct keymap_entry *x = a, *y = b;

    if (x->sym != y->sym)
        return x->sym < y->sym ? -1 : 1;
    if (x->mods != y->mods)
        return x->mods < y->mods ? -1 : 1;
    return (int)x->code - (int)y->code;
}

static void make(struct xkb_context *ctx, const char *name, const char *layout,
                 const char *variant, unsigned number)
{
    struct xkb_rule_names names = {.rules = "evdev",
                                   .model = "pc105",
                                   .layout = layout,
                                   .variant = variant};
    struct xkb_keymap *map =
        xkb_keymap_new_from_names(ctx, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
    struct table t;
    struct mods m;

    if (!map) {
        fprintf(stderr, "keymap_gen: no XKB layout %s(%s) for %s\n", layout,
                variant, name);
        exit(1);
    }
    m.shift = 1u << xkb_keymap_mod_get_index(map, XKB_MOD_NAME_SHIFT);
    m.caps = 1u << xkb_keymap_mod_get_index(map, XKB_MOD_NAME_CAPS);
    m.num = 1u << xkb_keymap_mod_get_index(map, XKB_MOD_NAME_NUM);
    m.level3 = 1u << xkb_keymap_mod_get_index(map, "Mod5");
    memset(&t, 0, sizeof(t));
    for (xkb_keycode_t k = xkb_keymap_min_keycode(map);
         k <= xkb_keymap_max_keycode(map); k++)
        add_key(&t, map, &m, k);
    /* What viewers send for Shift+Tab and Alt, whatever the layout says. */
    add(&t, XKB_KEY_ISO_Left_Tab, 0x0f, 0);
    add(&t, XKB_KEY_Alt_L, 0x38, 0);
    add(&t, XKB_KEY_Alt_R, 0xb8, 0);
    add(&t, XKB_KEY_Mode_switch, 0xb8, 0);
    add(&t, XKB_KEY_ISO_Level3_Shift, 0xb8, 0);
    add(&t, XKB_KEY_Meta_L, 0x38, 0);
    add(&t, XKB_KEY_Meta_R, 0xb8, 0);
    add(&t, XKB_KEY_Sys_Req, 0xb7, 0);
    add(&t, XKB_KEY_Break, 0xc6, 0);
    if (t.seen < 150) {
        fprintf(stderr, "keymap_gen: layout %s has %u symbols only\n", name,
                t.seen);
        exit(1);
    }
    qsort(t.e, t.n, sizeof(t.e[0]), by_sym);
    printf("static const struct keymap_entry layout_%u[] = { /* %s */\n",
           number, name);
    for (unsigned i = 0; i < t.n; i++)
        printf("    {0x%x, 0x%02x, %u},\n", (unsigned)t.e[i].sym, t.e[i].code,
               t.e[i].mods);
    printf("};\n");
    xkb_keymap_unref(map);
}

int main(void)
{
    struct xkb_context *ctx = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
    unsigned n = 0;

    if (!ctx) {
        fprintf(stderr, "keymap_gen: libxkbcommon has no context\n");
        return 1;
    }
    printf("/* Made by keymap_gen from layouts.h. */\n#include \"keymap.h\"\n");
#define L(name, layout, variant) make(ctx, name, layout, variant, n++);
    LAYOUTS(L)
#undef L
    printf("#define M(n) {layout_##n, sizeof(layout_##n) / "
           "sizeof(layout_##n[0])}\nconst struct keymap keymaps[] = {\n");
    for (unsigned i = 0; i < n; i++)
        printf("    M(%u),\n", i);
    printf("};\nconst unsigned keymaps_n = %u;\n", n);
    xkb_context_unref(ctx);
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
