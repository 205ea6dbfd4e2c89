/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sub-options: KEY=VALUE pairs between commas, by the rows of a group.
 *
 * libxl does not escape commas in file names, so nothing here is an escape: a
 * TEXT value goes on over commas until a key of the group follows one. Other
 * values end at the comma.
 */
#include "opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool opt_number(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (*s < '0' || *s > '9' || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool opt_size(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
    static const char suffix[] = "KMGT";
    size_t len = strlen(s);
    const char *at = len ? strchr(suffix, s[len - 1]) : NULL;
    unsigned shift = 0;
    char digits[24];
    uint64_t v;

    if (at && *at) {
        shift = 10 * (unsigned)(at - suffix + 1);
        len--;
    }
    if (len >= sizeof(digits))
        return false;
    memcpy(digits, s, len);
    digits[len] = 0;
    if (!opt_number(digits, 0, UINT64_MAX >> shift, &v))
        return false;
    v <<= shift;
    if (v < min || v > max)
        return false;
    *out = v;
    return true;
}

static bool flag_value(const char *s, uint64_t *out)
{
    static const char *const yes[] = {"on", "yes", "true"};
    static const char *const no[] = {"off", "no", "false"};
    unsigned i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (!strcmp(s, yes[i]) || !strcmp(s, no[i])) {
            *out = !strcmp(s, yes[i]);
            return true;
        }
    }
    return false;
}

static bool one_of(const char *values, const char *s)
{
    size_t len = strlen(s), n;

    for (;; values += n + 1) {
        n = strcspn(values, "|");
        if (n == len && !memcmp(values, s, n))
            return true;
        if (!values[n])
            return false;
    }
}

static const struct sub_desc *find_key(const char *group, const char *key,
                                       size_t len)
{
    const struct sub_desc *d;

    for (d = sub_table; d->group; d++)
        if (!strcmp(d->group, group) && strlen(d->key) == len &&
            !memcmp(d->key, key, len))
            return d;
    return NULL;
}

static int check_value(struct parse *p, const struct sub_desc *d, const char *s,
                       uint64_t *num)
{
    const char *g = d->group, *k = d->key;

    switch (d->kind) {
    case TEXT:
    case WORD:
        if (!*s && !d->values)
            return opt_bad(p, "-%s %s has an empty value", g, k);
        if (d->max && strlen(s) > d->max)
            return opt_bad(p, "-%s %s '%.60s...' is longer than %llu bytes", g,
                           k, s, (unsigned long long)d->max);
        return 0;
    case FLAG:
        if (!flag_value(s, num))
            return opt_bad(p, "-%s %s is '%.60s' and must be on or off", g, k,
                           s);
        return 0;
    case NUM:
        if (!opt_number(s, d->min, d->max, num))
            return opt_bad(p,
                           "-%s %s is '%.60s' and must be a number from %llu "
                           "to %llu",
                           g, k, s, (unsigned long long)d->min,
                           (unsigned long long)d->max);
        return 0;
    case SIZE:
        if (!opt_size(s, d->min, d->max, num))
            return opt_bad(p,
                           "-%s %s is '%.60s' and must be a size from %llu to "
                           "%llu bytes",
                           g, k, s, (unsigned long long)d->min,
                           (unsigned long long)d->max);
        return 0;
    case ENUM:
        if (!one_of(d->values, s))
            return opt_bad(p, "-%s %s is '%.60s' and must be one of %s", g, k,
                           s, d->values);
        return 0;
    }
    return 0;
}

/* val: len bytes, not terminated. */
static int add(struct parse *p, struct subs *out, const struct sub_desc *d,
               const char *val, size_t len)
{
    uint64_t num = 0;
    char *copy;
    unsigned i;
    int rc;

    for (i = 0; i < out->n; i++)
        if (out->v[i].desc == d)
            return opt_bad(p, "-%s %s is given twice", d->group, d->key);
    if (out->n == SUBS_MAX)
        return opt_bad(p, "-%s has too many sub-options", d->group);
    copy = strndup(val, len);
    if (!copy)
        return opt_fail(p, -ENOMEM, "out of memory");
    rc = check_value(p, d, copy, &num);
    if (!rc && d->class == REFUSED && (d->kind != FLAG || num))
        rc = opt_fail(p, -ENOTSUP, "-%s %s %s", d->group, d->key, d->help);
    if (!rc) {
        out->v[out->n].str = opt_strdup(p, copy);
        out->v[out->n].num = num;
        out->v[out->n].desc = d;
        if (!out->v[out->n].str)
            rc = -ENOMEM;
        else
            out->n++;
    }
    free(copy);
    return rc;
}

/* The key that begins the segment [s, s + len), its value in *val. */
static const struct sub_desc *begins(const char *group, const char *s,
                                     size_t len, const char **val)
{
    const char *eq = memchr(s, '=', len);
    const struct sub_desc *d;

    if (eq) {
        *val = eq + 1;
        return find_key(group, s, (size_t)(eq - s));
    }
    *val = NULL;
    d = find_key(group, s, len);
    return d && d->kind == FLAG ? d : NULL;
}

int subs_parse(struct parse *p, const char *group, const char *implied,
               const char *text, struct subs *out)
{
    const struct sub_desc *cur = NULL, *d;
    const char *val = NULL, *next, *s = text;
    size_t len;
    int rc;

    out->group = group;
    out->n = 0;
    for (;; s += len + 1) {
        len = strcspn(s, ",");
        d = begins(group, s, len, &next);
        if (!d && s == text && implied && !memchr(s, '=', len)) {
            d = find_key(group, implied, strlen(implied));
            next = s;
        }
        if (d) {
            if (cur) {
                rc = add(p, out, cur, val, (size_t)(s - 1 - val));
                if (rc)
                    return rc;
            }
            cur = d;
            val = next;
            if (!next) { /* a flag alone */
                rc = add(p, out, d, "on", 2);
                if (rc)
                    return rc;
                cur = NULL;
            }
        } else if (!cur || cur->kind != TEXT) {
            return opt_bad(p, "-%s has no sub-option '%.*s'", group,
                           (int)(len < 80 ? strcspn(s, ",=") : 80), s);
        }
        if (!s[len])
            break;
    }
    return cur ? add(p, out, cur, val, (size_t)(s + len - val)) : 0;
}

const char *subs_str(const struct subs *s, const char *key)
{
    unsigned i;

    for (i = 0; i < s->n; i++)
        if (!strcmp(s->v[i].desc->key, key))
            return s->v[i].str;
    return NULL;
}

uint64_t subs_num(const struct subs *s, const char *key, uint64_t def)
{
    unsigned i;

    for (i = 0; i < s->n; i++)
        if (!strcmp(s->v[i].desc->key, key))
            return s->v[i].num;
    return def;
}
