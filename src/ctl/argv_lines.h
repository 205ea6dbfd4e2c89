/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines as text, for the tests of options. */
#ifndef HVMD_ARGV_LINES_H
#define HVMD_ARGV_LINES_H

#include "opts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE "hvmd -xen-domid 7 -machine xenfv -m 128 "
#define SOCK "-chardev socket,id=q,path=/q,server=on,wait=off "

#define WORDS 128

/* Splits at blanks (one or more); '' is an empty word. */
static inline int parse(struct hvmd_conf *c, const char *line, struct err *e)
{
    char *copy = strdup(line), *argv[WORDS], *word, *save = NULL;
    int argc = 0, rc;

    assert_non_null(copy);
    for (word = strtok_r(copy, " \n", &save); word;
         word = strtok_r(NULL, " \n", &save)) {
        assert_true(argc < WORDS);
        argv[argc++] = strcmp(word, "''") ? word : word + 2;
    }
    memset(e, 0, sizeof(*e));
    rc = argv_parse(c, argc, argv, e);
    free(copy); /* nothing may point into it */
    return rc;
}

static inline void good(struct hvmd_conf *c, const char *line)
{
    struct err e;

    if (parse(c, line, &e))
        fail_msg("refused: %s", e.text);
}

#endif
