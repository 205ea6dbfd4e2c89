/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard layouts that -k takes: the one list for the option check in
 * hvmd, for the build-time table generator and for hvmd-vnc. The names are
 * those QEMU takes, since toolstack configurations have them; beside each the
 * XKB layout and variant the table is made from. A layout's number is its
 * place here; it goes over the control socket, both ends being built together.
 */
#ifndef HVMD_VNC_LAYOUTS_H
#define HVMD_VNC_LAYOUTS_H

#define LAYOUTS(L)                                                             \
    L("en-us", "us", "")                                                       \
    L("ar", "ara", "")                                                         \
    L("bepo", "fr", "bepo")                                                    \
    L("cz", "cz", "")                                                          \
    L("da", "dk", "")                                                          \
    L("de", "de", "nodeadkeys")                                                \
    L("de-ch", "ch", "")                                                       \
    L("en-gb", "gb", "")                                                       \
    L("es", "es", "")                                                          \
    L("et", "ee", "")                                                          \
    L("fi", "fi", "")                                                          \
    L("fo", "fo", "")                                                          \
    L("fr", "fr", "nodeadkeys")                                                \
    L("fr-be", "be", "")                                                       \
    L("fr-ca", "ca", "")                                                       \
    L("fr-ch", "ch", "fr")                                                     \
    L("hr", "hr", "")                                                          \
    L("hu", "hu", "")                                                          \
    L("is", "is", "")                                                          \
    L("it", "it", "")                                                          \
    L("ja", "jp", "")                                                          \
    L("lt", "lt", "")                                                          \
    L("lv", "lv", "")                                                          \
    L("mk", "mk", "")                                                          \
    L("nl", "nl", "")                                                          \
    L("no", "no", "")                                                          \
    L("pl", "pl", "")                                                          \
    L("pt", "pt", "")                                                          \
    L("pt-br", "br", "")                                                       \
    L("ru", "ru", "")                                                          \
    L("sl", "si", "")                                                          \
    L("sv", "se", "")                                                          \
    L("th", "th", "")                                                          \
    L("tr", "tr", "")

#define LAYOUT_DEFAULT "en-us"

/* The layout's number, -1: no such name. */
int layout_find(const char *name);
/* All names, comma separated, for the refusal's text. */
const char *layout_names(void);

#endif
