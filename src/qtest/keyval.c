/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keyval.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 128

static int add(struct keyval *kv, const char *key, size_t len, const char *val,
               struct err *e)
{
    if (kv->n == KEYVAL_MOST)
        return err_set(e, -E2BIG, "an option has more than %u keys",
                       KEYVAL_MOST);
    kv->item[kv->n].key = strndup(key, len);
    kv->item[kv->n].val = strdup(val);
    kv->item[kv->n].read = false;
    if (kv->item[kv->n].key && kv->item[kv->n].val) {
        kv->n++;
        return 0;
    }
    free(kv->item[kv->n].key);
    free(kv->item[kv->n].val);
    return err_set(e, -ENOMEM, "out of memory");
}

int keyval_add(struct keyval *kv, const char *key, const char *val,
               struct err *e)
{
    return add(kv, key, strlen(key), val, e);
}

/* One "key=value" or word, up to a comma that is not doubled. */
static const char *one(struct keyval *kv, const char *s, const char *implied,
                       struct err *e)
{
    size_t key = strcspn(s, "=,"), n = 0;
    bool alone = s[key] != '=';
    const char *from = alone && !implied ? s + key : alone ? s : s + key + 1;
    char *val = malloc(strlen(s) + 3);
    int rc;

    if (!val) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    for (; *from && (*from != ',' || from[1] == ','); from++) {
        if (*from == ',')
            from++;
        val[n++] = *from;
    }
    val[n] = 0;
    if (!alone)
        rc = add(kv, s, key, val, e);
    else if (implied)
        rc = keyval_add(kv, implied, val, e);
    else
        rc = add(kv, s, key, "on", e);
    free(val);
    return rc ? NULL : from;
}

static int flatten(struct keyval *kv, const char *prefix, struct json_object *o,
                   struct err *e)
{
    char key[KEY_BYTES];
    int rc = 0;

    if (json_object_is_type(o, json_type_object)) {
        json_object_object_foreach(o, name, val)
        {
            snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "",
                     name);
            rc = rc ? rc : flatten(kv, key, val, e);
        }
        return rc;
    }
    if (json_object_is_type(o, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(o) && !rc; i++) {
            snprintf(key, sizeof(key), "%s.%zu", prefix, i);
            rc = flatten(kv, key, json_object_array_get_idx(o, i), e);
        }
        return rc;
    }
    if (json_object_is_type(o, json_type_boolean))
        return keyval_add(kv, prefix, json_object_get_boolean(o) ? "on" : "off",
                          e);
    return keyval_add(kv, prefix, o ? json_object_get_string(o) : "", e);
}

static int from_json(struct keyval *kv, const char *text, struct err *e)
{
    struct json_object *o = json_tokener_parse(text);
    int rc;

    if (!json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        return err_set(e, -EINVAL, "'%.100s' is no JSON object", text);
    }
    rc = flatten(kv, "", o, e);
    json_object_put(o);
    return rc;
}

int keyval_parse(struct keyval *kv, const char *text, const char *implied,
                 struct err *e)
{
    const char *s = text;

    if (*s == '{')
        return from_json(kv, text, e);
    while (s && *s) {
        s = one(kv, s, s == text ? implied : NULL, e);
        if (s && *s == ',')
            s++;
    }
    return s ? 0 : -EINVAL;
}

void keyval_free(struct keyval *kv)
{
    for (unsigned i = 0; i < kv->n; i++) {
        free(kv->item[i].key);
        free(kv->item[i].val);
    }
    kv->n = 0;
}

const char *keyval_get(struct keyval *kv, const char *prefix, const char *key)
{
    size_t len = strlen(prefix);
    const char *val = NULL;

    for (unsigned i = 0; i < kv->n; i++) {
        if (strncmp(kv->item[i].key, prefix, len) ||
            strcmp(kv->item[i].key + len, key))
            continue;
        kv->item[i].read = true;
        val = kv->item[i].val;
    }
    return val;
}

void keyval_skip(struct keyval *kv, const char *prefix, const char *keys)
{
    char key[KEY_BYTES];
    size_t len;

    for (; *keys; keys += len + strspn(keys + len, " ")) {
        len = strcspn(keys, " ");
        snprintf(key, sizeof(key), "%.*s", (int)len, keys);
        keyval_get(kv, prefix, key);
    }
}

bool keyval_has(const struct keyval *kv, const char *prefix)
{
    for (unsigned i = 0; i < kv->n; i++)
        if (!strncmp(kv->item[i].key, prefix, strlen(prefix)))
            return true;
    return false;
}

bool keyval_used(const struct keyval *kv, const char *but)
{
    for (unsigned i = 0; i < kv->n; i++)
        if (kv->item[i].read && strcmp(kv->item[i].key, but))
            return true;
    return false;
}

int keyval_done(const struct keyval *kv, const char *option, struct err *e)
{
    for (unsigned i = 0; i < kv->n; i++)
        if (!kv->item[i].read)
            return err_set(e, -EINVAL, "%s: '%.80s' is not known here", option,
                           kv->item[i].key);
    return 0;
}

bool keyval_number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 0);
    return *text && !*end && !errno;
}

/* Of the ".5" behind a decimal number, which *end then is behind. */
static double fraction(const char *text, char **end)
{
    double part = 0, place = 1;
    char *p = *end;

    if (*p != '.' || text + strspn(text, "0123456789") != p)
        return 0;
    for (p++; *p >= '0' && *p <= '9'; p++)
        part += (*p - '0') * (place /= 10);
    *end = p;
    return part;
}

bool keyval_size(const char *text, uint64_t *bytes)
{
    static const char suffix[] = "bkmgt";
    char *end;
    const char *at;
    unsigned shift;
    double part;

    errno = 0;
    *bytes = strtoull(text, &end, 0); /* which takes -1 for the greatest */
    if (end == text || errno || strchr(text, '-'))
        return false;
    if (!*end)
        return true;
    part = fraction(text, &end);
    at = strchr(suffix, *end | 0x20);
    if (!at || end[1])
        return false;
    shift = 10 * (unsigned)(at - suffix);
    if (*bytes > UINT64_MAX >> shift || (part > 0 && !shift))
        return false;
    *bytes <<= shift;
    *bytes += (uint64_t)(part * (double)(UINT64_C(1) << shift));
    return true;
}
