/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <hvmd/state.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t load_host(const void *p, unsigned width)
{
    uint64_t v = 0;

    memcpy(&v, p, width); /* little-endian host, as all Xen x86 is */
    return v;
}

uint64_t state_get(const struct field *f, const void *state, uint32_t i)
{
    return load_host((const uint8_t *)state + f->off + (size_t)i * f->width,
                     f->width);
}

uint32_t state_live(const struct field *f, const void *state)
{
    uint64_t n = f->count;

    if (f->live_width)
        n = load_host((const uint8_t *)state + f->live_off, f->live_width);
    return n < f->count ? (uint32_t)n : f->count;
}

size_t state_bytes(const struct state_desc *s)
{
    size_t n = 0;

    for (const struct field *f = s->fields; f->name; f++)
        n += (size_t)f->width * f->count;
    return n;
}

size_t state_save(const struct state_desc *s, const void *dev, uint8_t *out)
{
    const uint8_t *st = (const uint8_t *)dev + s->off;
    const uint8_t *start = out;

    for (const struct field *f = s->fields; f->name; f++) {
        size_t n = (size_t)state_live(f, st) * f->width;

        memcpy(out, st + f->off, n);
        out += n;
    }
    return (size_t)(out - start);
}

/* The first element above the greatest valid value; count: none is. */
static uint32_t above(const struct field *f, const void *state, uint32_t count)
{
    uint32_t i = f->max >= FIELD_ALL(f->width) ? count : 0;

    while (i < count && state_get(f, state, i) <= f->max)
        i++;
    return i;
}

static int field_refuse(const struct state_desc *s, const struct field *f,
                        uint32_t i, uint64_t v, struct err *e)
{
    char at[16] = "";

    if (f->count > 1)
        snprintf(at, sizeof(at), "[%u]", i);
    return err_set(e, -EINVAL,
                   "state of %s: field %s%s has the value %#llx, the greatest "
                   "valid one is %#llx",
                   s->name, f->name, at, (unsigned long long)v,
                   (unsigned long long)f->max);
}

int state_decode(const struct state_desc *s, unsigned version,
                 const uint8_t *in, size_t len, void *state, struct err *e)
{
    const uint8_t *end = in + len;
    uint8_t *copy = state;

    if (version < 1 || version > s->version)
        return err_set(e, -EINVAL,
                       "state of %s: version %u, but this hvmd knows 1 to %u",
                       s->name, version, s->version);
    memset(copy, 0, s->size);
    for (const struct field *f = s->fields; f->name; f++) {
        bool lacks = f->since > version;
        uint32_t n = lacks ? f->count : state_live(f, copy), bad;

        if (!lacks && (size_t)(end - in) < (size_t)n * f->width)
            return err_set(e, -EINVAL, "state of %s ends within field %s",
                           s->name, f->name);
        for (uint32_t i = 0; lacks && i < n; i++)
            memcpy(copy + f->off + (size_t)i * f->width, &f->absent, f->width);
        if (lacks)
            continue;
        memcpy(copy + f->off, in, (size_t)n * f->width);
        in += (size_t)n * f->width;
        bad = above(f, copy, n);
        if (bad < n)
            return field_refuse(s, f, bad, state_get(f, copy, bad), e);
    }
    if (in != end)
        return err_set(e, -EINVAL,
                       "state of %s: %zu bytes after its last field", s->name,
                       (size_t)(end - in));
    return s->check ? s->check(copy, e) : 0;
}

void state_put(const struct state_desc *s, void *dev, const void *state)
{
    memcpy((uint8_t *)dev + s->off, state, s->size);
    if (s->loaded)
        s->loaded(dev);
}

int state_load(const struct state_desc *s, void *dev, const uint8_t *in,
               size_t len, struct err *e)
{
    uint8_t *copy = malloc(s->size);
    int rc;

    if (!copy)
        return err_set(e, -ENOMEM, "out of memory for the state of %s",
                       s->name);
    rc = state_decode(s, s->version, in, len, copy, e);
    if (!rc)
        state_put(s, dev, copy);
    free(copy);
    return rc;
}

/* What counts the live elements stands before them and cannot exceed them. */
static bool live_known(const struct state_desc *s, const struct field *of)
{
    for (const struct field *f = s->fields; f != of; f++)
        if (f->off == of->live_off)
            return f->width == of->live_width && f->count == 1 &&
                   f->since <= of->since && f->max <= of->count;
    return false;
}

static bool field_sound(const struct state_desc *s, const struct field *f)
{
    return f->since >= 1 && f->since <= s->version && f->absent <= f->max &&
           (!f->live_width || live_known(s, f));
}

bool state_covers(const struct state_desc *s)
{
    uint8_t *seen = calloc(1, s->size);
    bool ok = seen != NULL;

    for (const struct field *f = s->fields; ok && f->name; f++) {
        ok = field_sound(s, f);
        for (uint32_t i = 0; ok && i < f->width * f->count; i++)
            ok = f->off + i < s->size && !seen[f->off + i]++;
    }
    for (uint32_t i = 0; ok && i < s->size; i++)
        ok = seen[i];
    free(seen);
    return ok;
}
