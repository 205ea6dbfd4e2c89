/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fail(const struct where *w, int code, const char *fmt, ...)
{
    char text[384];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return err_set(w->err, code, "%s \"%.80s\" (%s): %s", w->option, w->spec,
                   w->label, text);
}

/* Copies one item up to a single comma; where the next one begins. */
static const char *copy_item(const char *from, char **to, const char *end)
{
    while (*from && !(from[0] == ',' && from[1] != ',')) {
        if (from[0] == ',')
            from++;
        if (*to < end)
            *(*to)++ = *from;
        from++;
    }
    *(*to)++ = '\0';
    return *from ? from + 1 : from;
}

int opts_parse(const struct where *w, struct opts *o, const char *text,
               const char *first)
{
    char *to, *item, *eq;

    memset(o, 0, sizeof(*o));
    to = o->text;
    if (strlen(text) + 2 > sizeof(o->text))
        return fail(w, -ENAMETOOLONG,
                    "is longer than %zu characters; use a shorter path",
                    sizeof(o->text) - 2);
    while (*text) {
        if (o->n == OPTS_MAX)
            return fail(w, -E2BIG, "has more than %d options", OPTS_MAX);
        item = to;
        text = copy_item(text, &to, o->text + sizeof(o->text) - 1);
        if (!*item)
            continue;
        eq = strchr(item, '=');
        if (!eq && first && o->n == 0) {
            o->item[o->n].key = first;
            o->item[o->n++].val = item;
        } else {
            if (eq)
                *eq++ = '\0';
            o->item[o->n].key = item;
            o->item[o->n++].val = eq;
        }
        first = NULL;
    }
    return 0;
}

/* The last of a name counts. */
static struct opt *find(struct opts *o, const char *key)
{
    struct opt *found = NULL;

    for (unsigned i = 0; i < o->n; i++)
        if (!strcmp(o->item[i].key, key)) {
            found = &o->item[i];
            found->used = true;
        }
    return found;
}

const char *opts_str(struct opts *o, const char *key, const char *def)
{
    struct opt *i = find(o, key);

    return i ? i->val ? i->val : "" : def;
}

int opts_bool(const struct where *w, struct opts *o, const char *key, bool def,
              bool *out)
{
    static const char *const on[] = {"on", "yes", "true", "y", "1"};
    static const char *const off[] = {"off", "no", "false", "n", "0"};
    struct opt *i = find(o, key);
    char no[32];

    *out = def;
    if (!i) {
        snprintf(no, sizeof(no), "no%s", key);
        i = find(o, no);
        if (i && !i->val)
            *out = false;
        else if (i)
            return fail(w, -EINVAL, "%s takes no value", no);
        return 0;
    }
    if (!i->val) {
        *out = true;
        return 0;
    }
    for (unsigned k = 0; k < sizeof(on) / sizeof(on[0]); k++) {
        if (!strcmp(i->val, on[k]) || !strcmp(i->val, off[k])) {
            *out = !strcmp(i->val, on[k]);
            return 0;
        }
    }
    return fail(w, -EINVAL, "%s is on or off, not \"%s\"", key, i->val);
}

int opts_num(const struct where *w, struct opts *o, const char *key,
             unsigned most, unsigned *out)
{
    struct opt *i = find(o, key);
    unsigned long v;
    char *end;

    *out = 0;
    if (!i)
        return 0;
    errno = 0;
    v = strtoul(i->val ? i->val : "", &end, 10);
    if (errno || !i->val || *end || end == i->val || i->val[0] == '-' ||
        v > most)
        return fail(w, -EINVAL, "%s must be a number up to %u", key, most);
    *out = (unsigned)v;
    return 0;
}

int opts_done(const struct where *w, const struct opts *o)
{
    for (unsigned i = 0; i < o->n; i++)
        if (!o->item[i].used)
            return fail(w, -EINVAL,
                        "option \"%s\" is not known here; leave "
                        "it out",
                        o->item[i].key);
    return 0;
}
