/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offences for objects.sh to find: one that a macro hides from a grep. */
#include <stdlib.h>
#include <string.h>

#define GONE(how)  how##ort
#define ROOM(what) what##loc
#define ROW(x)     x(), memset(to, 0, strlen(to))

void planted_end(char *to);
char *planted_room(char *to);

#ifdef PLANT_END
void planted_end(char *to)
{
    if (!strcmp(to, "x"))
        ROW(GONE(ab));
}
#else
char *planted_room(char *to)
{
    memmove(to, to + 1, strlen(to));
    return strcmp(to, "x") ? to : ROOM(mal)(3);
}
#endif
