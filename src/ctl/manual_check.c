/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manual_check hvmd.8: every option, sub-option, device and QMP command that
 * the program knows is in the manual, once, in the right subsection, and the
 * manual names none that the program does not know.
 *
 * Read from the manual: ".Ss" titles; ".It Fl NAME" an option, ".It Cm KEY" a
 * sub-option of the option or device above it, ".It Cm device DRIVER" a
 * device, ".It Ic NAME" a QMP command.
 */
#include "opts.h"
#include "qmp.h"

#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 256

struct manual {
    unsigned line;
    unsigned errors;
    enum opt_class class;
    char group[64];
    bool opt[SEEN_MAX], sub[SEEN_MAX], dev[SEEN_MAX], cmd[SEEN_MAX];
};

static void wrong(struct manual *m, const char *what, const char *name)
{
    printf("line %u: %s %s\n", m->line, what, name);
    m->errors++;
}

static void take_option(struct manual *m, const char *name)
{
    const struct opt_desc *d;

    snprintf(m->group, sizeof(m->group), "%.48s", name);
    for (d = opt_table; d->name && strcmp(d->name, name); d++)
        ;
    if (!d->name)
        wrong(m, "no such option:", name);
    else if (m->opt[d - opt_table])
        wrong(m, "twice: option", name);
    else if (d->class != m->class)
        wrong(m, "in the wrong subsection: option", name);
    else
        m->opt[d - opt_table] = true;
}

static void take_device(struct manual *m, const char *name)
{
    const struct dev_desc *d;

    snprintf(m->group, sizeof(m->group), "device %.48s", name);
    for (d = dev_table; d->driver && strcmp(d->driver, name); d++)
        ;
    if (!d->driver)
        wrong(m, "no such device:", name);
    else if (m->dev[d - dev_table])
        wrong(m, "twice: device", name);
    else if (d->class != m->class)
        wrong(m, "in the wrong subsection: device", name);
    else
        m->dev[d - dev_table] = true;
}

static void take_sub(struct manual *m, const char *key)
{
    const struct sub_desc *s;

    for (s = sub_table; s->group; s++)
        if (!strcmp(s->group, m->group) && !strcmp(s->key, key))
            break;
    if (!s->group)
        wrong(m, "no such sub-option:", key);
    else
        m->sub[s - sub_table] = true;
}

static void take_command(struct manual *m, const char *name)
{
    unsigned i;

    for (i = 0; qmp_command_name(i); i++) {
        if (!strcmp(qmp_command_name(i), name)) {
            if (m->cmd[i])
                wrong(m, "twice: QMP command", name);
            m->cmd[i] = true;
            return;
        }
    }
    wrong(m, "no such QMP command:", name);
}

static void take_title(struct manual *m, const char *title)
{
    if (!strcmp(title, "Options accepted without effect"))
        m->class = IGNORED;
    else if (!strcmp(title, "Options refused"))
        m->class = REFUSED;
    else
        m->class = TAKEN;
}

static void take_line(struct manual *m, char *s)
{
    char *word;

    s[strcspn(s, "\n")] = 0;
    if (!strncmp(s, ".Ss ", 4) || !strncmp(s, ".Sh ", 4)) {
        take_title(m, s + 4);
        return;
    }
    if (strncmp(s, ".It ", 4))
        return;
    word = s + 7;
    if (!strncmp(s, ".It Cm device ", 14)) {
        word = s + 14;
        word[strcspn(word, " ")] = 0;
        take_device(m, word);
        return;
    }
    word[strcspn(word, " ")] = 0;
    if (!strncmp(s, ".It Fl ", 7))
        take_option(m, word);
    else if (!strncmp(s, ".It Cm ", 7))
        take_sub(m, word);
    else if (!strncmp(s, ".It Ic ", 7))
        take_command(m, word);
}

static void missing(struct manual *m)
{
    unsigned i;

    for (i = 0; opt_table[i].name; i++)
        if (!m->opt[i])
            wrong(m, "missing option", opt_table[i].name);
    for (i = 0; sub_table[i].group; i++) {
        if (m->sub[i])
            continue;
        wrong(m, "missing sub-option of", sub_table[i].group);
        wrong(m, "    namely", sub_table[i].key);
    }
    for (i = 0; dev_table[i].driver; i++)
        if (!m->dev[i])
            wrong(m, "missing device", dev_table[i].driver);
    for (i = 0; qmp_command_name(i); i++)
        if (!m->cmd[i])
            wrong(m, "missing QMP command", qmp_command_name(i));
}

int main(int argc, char **argv)
{
    struct manual m = {0};
    char line[512];
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;

    if (!f) {
        fprintf(stderr, "usage: manual_check hvmd.8\n");
        return 2;
    }
    while (fgets(line, sizeof(line), f)) {
        m.line++;
        take_line(&m, line);
    }
    fclose(f);
    missing(&m);
    printf("%u lines, %u disagreements\n", m.line, m.errors);
    return m.errors != 0;
}
