/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What qemu-dm reads in xenstore: a line "path=value" a node, where a path
 * that begins with no slash is completed to the node of a disk.
 */
#include "../bench/fuzz.h"
#include "trad_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODES 64

struct xenstore {
    char *text;
    const char *path[NODES], *value[NODES];
    unsigned n;
};

char *xs_ctl_read(struct xenstore *x, const char *path)
{
    for (unsigned i = 0; i < x->n; i++)
        if (!strcmp(x->path[i], path))
            return strdup(x->value[i]);
    errno = ENOENT;
    return NULL;
}

/* As libxenstore: pointers and names in one piece. */
char **xs_ctl_list(struct xenstore *x, const char *path, unsigned *n)
{
    char *text = xs_ctl_read(x, path), **list, *p, *save = NULL;

    *n = 0;
    if (!text)
        return NULL;
    list = malloc(NODES * sizeof(*list) + strlen(text) + 1);
    MUST(list);
    strcpy((char *)(list + NODES), text);
    free(text);
    for (p = strtok_r((char *)(list + NODES), " ", &save); p && *n < NODES;
         p = strtok_r(NULL, " ", &save))
        list[(*n)++] = p;
    return list;
}

int xs_ctl_write(struct xenstore *x, const char *path, const char *value,
                 struct err *e)
{
    MUST(path[0] && value);
    return 0;
}

void xs_ctl_remove(struct xenstore *x, const char *path)
{
    MUST(path[0]);
}

static void nodes(struct xenstore *x)
{
    char *save = NULL;

    for (char *p = strtok_r(x->text, "\n", &save); p && x->n < NODES;
         p = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(p, '=');

        if (!value)
            continue;
        *value = 0;
        x->path[x->n] = p;
        x->value[x->n++] = value + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const tty[MACHINE_SERIALS] = {"/dev/pts/1"};
    static char name[] = "qemu-dm", d[] = "-d", id[] = "7", guest[] = "g";
    static char dom[] = "-domain-name";
    char *argv[] = {name, d, id, dom, guest, NULL}, password[16];
    struct xenstore x = {.text = malloc(len + 1)};
    struct trad_cds cds;
    struct hvmd_conf c;
    struct err e = {""};

    MUST(x.text);
    memcpy(x.text, data, len);
    x.text[len] = 0;
    nodes(&x);
    MUST(!argv_parse(&c, 5, argv, &e));
    e.text[0] = 0;
    MUST(!trad_store_config(&x, &c, &cds, &e) || e.text[0]);
    trad_store_password(&x, 7, password, sizeof(password));
    MUST(strlen(password) < sizeof(password));
    trad_store_tell(&x, 7, "5900", tty, &e);
    argv_free(&c);
    free(x.text);
    return 0;
}
