/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command line, a word a line. What is taken must be complete, what is
 * refused must be said in one sentence. FUZZ_ARGV0 is the dialect.
 */
#include "../bench/fuzz.h"
#include "opts.h"

#include <string.h>

#define WORDS 128

static void look(const struct hvmd_conf *c)
{
    MUST(c->ndrives <= ARGV_DRIVES && c->nchardevs <= ARGV_CHARDEVS);
    MUST(c->nnics <= MACHINE_NICS && c->nnetdevs <= MACHINE_NICS);
    MUST(c->nmons <= ARGV_MONS && c->nserials <= MACHINE_SERIALS);
    MUST(c->nnotes <= ARGV_NOTES && strlen(c->boot_order) < 5);
    for (unsigned i = 0; i < c->nmons; i++)
        MUST(c->mon[i] < c->nchardevs);
    for (unsigned i = 0; i < c->nnotes; i++)
        MUST(c->note[i]);
    if (c->action == ARGV_RUN)
        MUST(c->vcpus >= 1 && c->vcpus <= c->max_vcpus);
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (c->ide[u].present && !c->ide[u].cdrom)
            MUST(c->ide[u].file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1), *argv[WORDS + 1];
    struct hvmd_conf *c = malloc(sizeof(*c));
    struct err e = {""};
    int argc = 0, rc;

    MUST(text && c);
    memcpy(text, data, len);
    text[len] = 0;
    argv[argc++] = (char *)(uintptr_t)FUZZ_ARGV0;
    for (char *p = text; p && argc < WORDS;) {
        char *end = strchr(p, '\n');

        if (end)
            *end++ = 0;
        else if (!*p)
            break;
        argv[argc++] = p;
        p = end;
    }
    argv[argc] = NULL;
    memset(c, 0x5a, sizeof(*c)); /* it need not be clean */
    rc = argv_parse(c, argc, argv, &e);
    MUST(rc ? rc < 0 && e.text[0] && !strchr(e.text, '\n') : 1);
    memset(text, 0x5a, len); /* nothing may point into it */
    if (!rc)
        look(c);
    argv_free(c);
    free(c);
    free(text);
    return 0;
}
