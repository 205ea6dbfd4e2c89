/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for the device model: notes the time in /run/dmwrap.time, then
 * becomes the real one, whose path is in /run/dmwrap.path. Its start can so be
 * timed from exec on. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int c, char **v)
{
    struct timespec t;
    char p[4096] = "";
    FILE *f = fopen("/run/dmwrap.path", "r");
    (void)c;
    if (!f || !fgets(p, sizeof p, f))
        return 127;
    p[strcspn(p, "\n")] = 0;
    fclose(f);
    f = fopen("/run/dmwrap.time", "w");
    clock_gettime(CLOCK_MONOTONIC, &t);
    if (f) {
        fprintf(f, "%lld.%09ld %d\n", (long long)t.tv_sec, t.tv_nsec,
                (int)getpid());
        fclose(f);
    }
    v[0] = p;
    execv(p, v);
    return 127;
}
