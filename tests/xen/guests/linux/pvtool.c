/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvtool magic              the word at the platform device's port
 * pvtool unplug MASK        asks for an unplug, as the kernel does at boot
 * Source: Xen, docs/misc/hvm-emulated-unplug.pandoc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>

#define PORT 0x10

int main(int c, char **v)
{
    if (ioperm(PORT, 4, 1)) {
        perror("pvtool: ioperm");
        return 1;
    }
    if (c == 2 && !strcmp(v[1], "magic")) {
        printf("%04x\n", inw(PORT));
    } else if (c == 3 && !strcmp(v[1], "unplug")) {
        outw((unsigned short)strtoul(v[2], NULL, 0), PORT);
    } else {
        fprintf(stderr, "usage: pvtool magic | unplug MASK\n");
        return 2;
    }
    return 0;
}
