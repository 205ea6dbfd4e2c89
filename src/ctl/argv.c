/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option tables, the walk over argv, --help. */
#include "opts.h"

#include <hvmd/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct opt_desc opt_table[] = {
#define OPT(name, arg, class, once, implied, fn, help)                         \
    {name, arg, class, once, implied, fn, help, false},
#define TRAD(name, arg, class, once, implied, fn, help)                        \
    {name, arg, class, once, implied, fn, help, true},
#include "options.def"
    {NULL},
};

const struct sub_desc sub_table[] = {
#define SUB(group, key, kind, class, min, max, values, help)                   \
    {group, key, kind, class, min, max, values, help},
#include "options.def"
    {NULL},
};

const struct dev_desc dev_table[] = {
#define DEV(driver, class, fn, help) {driver, class, fn, help},
#include "options.def"
    {NULL},
};

#define OPTS_MAX (sizeof(opt_table) / sizeof(opt_table[0]))

struct argv_string {
    struct argv_string *next;
    char text[];
};

__attribute__((format(printf, 3, 0))) static void
set_err(struct err *e, int code, const char *fmt, va_list ap)
{
    char raw[sizeof(e->text)], text[sizeof(e->text)];
    int n = vsnprintf(raw, sizeof(raw), fmt, ap);

    if (n < 0)
        n = 0;
    log_escape(text, sizeof(text), raw,
               (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1);
    err_set(e, code, "%s", text);
}

int opt_bad(struct parse *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_err(p->e, -EINVAL, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

int opt_fail(struct parse *p, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_err(p->e, code, fmt, ap);
    va_end(ap);
    return code;
}

char *argv_keep(struct hvmd_conf *c, const char *s)
{
    size_t len = strlen(s) + 1;
    struct argv_string *copy = malloc(sizeof(*copy) + len);

    if (!copy)
        return NULL;
    memcpy(copy->text, s, len);
    copy->next = c->strings;
    c->strings = copy;
    return copy->text;
}

char *opt_strdup(struct parse *p, const char *s)
{
    char *copy = argv_keep(p->c, s);

    if (!copy)
        opt_fail(p, -ENOMEM, "out of memory");
    return copy;
}

void opt_note(struct parse *p, const char *text)
{
    unsigned i;

    for (i = 0; i < p->c->nnotes; i++)
        if (!strcmp(p->c->note[i], text))
            return;
    if (p->c->nnotes < ARGV_NOTES)
        p->c->note[p->c->nnotes++] = text;
}

static const struct opt_desc *find_option(const char *word)
{
    const struct opt_desc *d;

    if (!strcmp(word, "h"))
        word = "help";
    else if (!strcmp(word, "M"))
        word = "machine";
    for (d = opt_table; d->name; d++)
        if (!strcmp(d->name, word))
            return d;
    return NULL;
}

static const struct opt_desc *option_of(const char *word)
{
    return word[0] != '-' || !word[1]
               ? NULL
               : find_option(word + (word[1] == '-' && word[2] ? 2 : 1));
}

/* Whether this is what qemu-dm would be given, by what it holds or else by the
 * program's name. Values of options are none, whatever they look like. */
static bool is_trad(int argc, char **argv)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc ? argv[0] : "";
    const struct opt_desc *d;

    for (int i = 1; i < argc; i++) {
        d = option_of(argv[i]);
        if (!d)
            continue;
        if (!strcmp(d->name, "d") || !strcmp(d->name, "domain-name"))
            return true;
        if (!strcmp(d->name, "xen-domid") || !strcmp(d->name, "mon"))
            return false;
        i += d->arg != NULL;
    }
    return !strncmp(name, "qemu-dm", 7);
}

static int take_option(struct parse *p, const char *word, const char *arg,
                       bool seen[OPTS_MAX], bool *used_arg)
{
    const struct opt_desc *d = option_of(word);

    if (word[0] != '-' || !word[1])
        return opt_bad(p,
                       "unexpected argument '%.100s': disks are given by "
                       "-drive",
                       word);
    if (!d)
        return opt_bad(p, "unknown option '%.100s'", word);
    if (d->trad && !p->c->trad)
        return opt_bad(p,
                       "-%s belongs to the command line of qemu-dm, which "
                       "begins with -d DOMID",
                       d->name);
    if (d->class == REFUSED)
        return opt_fail(p, -ENOTSUP, "-%s %s", d->name, d->help);
    if (d->arg && !arg)
        return opt_bad(p, "-%s needs an argument (%s)", d->name, d->arg);
    *used_arg = d->arg != NULL;
    if (d->once && seen[d - opt_table])
        return opt_bad(p, "-%s is given twice", d->name);
    seen[d - opt_table] = true;
    return d->take ? d->take(p, arg) : 0;
}

static int walk(struct parse *p, int argc, char **argv)
{
    bool seen[OPTS_MAX] = {false};
    bool used_arg;
    int i, rc;

    for (i = 1; i < argc; i++) {
        used_arg = false;
        rc = take_option(p, argv[i], i + 1 < argc ? argv[i + 1] : NULL, seen,
                         &used_arg);
        if (rc)
            return rc;
        if (p->c->action == ARGV_HELP || p->c->action == ARGV_VERSION ||
            p->c->action == ARGV_CHECK_STATE)
            return 0;
        i += used_arg;
    }
    return opt_resolve(p);
}

int argv_parse(struct hvmd_conf *c, int argc, char **argv, struct err *e)
{
    struct parse p = {.c = c, .e = e};
    unsigned i;
    int rc;

    memset(c, 0, sizeof(*c));
    c->trad = is_trad(argc, argv);
    c->acpi = !c->trad;
    c->keymap = "en-us";
    c->vcpus = c->max_vcpus = 1;
    for (i = 0; i < ARGV_CHARDEVS; i++)
        c->chardev[i].fd = -1;
    rc = walk(&p, argc, argv);
    if (rc)
        argv_free(c);
    return rc;
}

void argv_free(struct hvmd_conf *c)
{
    struct argv_string *s;

    while ((s = c->strings)) {
        c->strings = s->next;
        free(s);
    }
    memset(c, 0, sizeof(*c));
}

/* Words of text from column col on, wrapped before column 79. */
static void wrap(FILE *f, unsigned at, unsigned col, const char *text)
{
    size_t len;

    if (at >= col) {
        fputc('\n', f);
        at = 0;
    }
    for (; at < col; at++)
        fputc(' ', f);
    while (*text) {
        len = strcspn(text, " ");
        if (at > col && at + 1 + len > 79) {
            fprintf(f, "\n%*s", (int)col, "");
            at = col;
        } else if (at > col) {
            fputc(' ', f);
            at++;
        }
        fwrite(text, 1, len, f);
        at += (unsigned)len;
        text += len + (text[len] == ' ');
    }
    fputc('\n', f);
}

static void help_subs(FILE *f, const char *group)
{
    const struct sub_desc *s;
    int n;

    for (s = sub_table; s->group; s++) {
        if (strcmp(s->group, group) || s->class == REFUSED)
            continue;
        n = fprintf(f, "      %s=", s->key);
        if (s->kind == FLAG)
            n += fprintf(f, "on|off");
        else if (s->kind == ENUM)
            n += fprintf(f, "%s", s->values);
        else if (s->kind == NUM)
            n += fprintf(f, "%llu..%llu", (unsigned long long)s->min,
                         (unsigned long long)s->max);
        wrap(f, n > 0 ? (unsigned)n : 0, 30, s->help);
    }
}

static void help_devices(FILE *f)
{
    const struct dev_desc *d;
    char group[64];
    int n;

    for (d = dev_table; d->driver; d++) {
        if (d->class == REFUSED)
            continue;
        n = fprintf(f, "    %s", d->driver);
        wrap(f, n > 0 ? (unsigned)n : 0, 24, d->help);
        snprintf(group, sizeof(group), "device %s", d->driver);
        help_subs(f, group);
    }
}

static void help_class(FILE *f, enum opt_class class, bool trad,
                       const char *title)
{
    const struct opt_desc *d;
    int n;

    fprintf(f, "\n%s\n", title);
    for (d = opt_table; d->name; d++) {
        if (d->class != class || d->trad != trad)
            continue;
        n = fprintf(f, "  -%s%s%s", d->name, d->arg ? " " : "",
                    d->arg ? d->arg : "");
        wrap(f, n > 0 ? (unsigned)n : 0, 24, d->help);
        help_subs(f, d->name);
        if (!strcmp(d->name, "device"))
            help_devices(f);
    }
}

void argv_help(FILE *f)
{
    fprintf(f, "usage: hvmd option ...\n"
               "The device model of a Xen HVM guest; xl starts it.\n");
    help_class(f, TAKEN, false, "Options:");
    help_class(f, IGNORED, false, "Accepted without effect, because:");
    help_class(f, REFUSED, false, "Refused:");
    help_class(f, TAKEN, true,
               "On the command line of qemu-dm (-d DOMID, or hvmd is called "
               "qemu-dm) also:");
    help_class(f, IGNORED, true, "Accepted there without effect, because:");
    help_class(f, REFUSED, true, "Refused there:");
}
