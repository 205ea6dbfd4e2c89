/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <hvmd/conf.h>
#include <string.h>

static const struct conf_item *find(const struct conf *c, const char *key)
{
    for (unsigned i = 0; i < c->n; i++)
        if (!strcmp(c->item[i].key, key))
            return &c->item[i];
    return NULL;
}

static struct conf_item *slot(struct conf *c, const char *key)
{
    struct conf_item *it = (struct conf_item *)find(c, key);

    if (!it) {
        assert(c->n < CONF_MAX);
        it = &c->item[c->n++];
    }
    *it = (struct conf_item){.key = key};
    return it;
}

void conf_set_str(struct conf *c, const char *key, const char *s)
{
    slot(c, key)->str = s;
}

void conf_set_num(struct conf *c, const char *key, uint64_t n)
{
    slot(c, key)->num = n;
}

void conf_set_ptr(struct conf *c, const char *key, void *p)
{
    slot(c, key)->ptr = p;
}

const char *conf_str(const struct conf *c, const char *key, const char *def)
{
    const struct conf_item *it = find(c, key);

    return it && it->str ? it->str : def;
}

uint64_t conf_num(const struct conf *c, const char *key, uint64_t def)
{
    const struct conf_item *it = find(c, key);

    return it ? it->num : def;
}

void *conf_ptr(const struct conf *c, const char *key)
{
    const struct conf_item *it = find(c, key);

    return it ? it->ptr : NULL;
}
