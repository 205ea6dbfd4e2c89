/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's properties: a few named values, given by the machine at init.
 * Strings and pointers are borrowed and outlive the device.
 */
#ifndef HVMD_CONF_H
#define HVMD_CONF_H

#include <stdbool.h>
#include <stdint.h>

#define CONF_MAX 24

struct conf {
    struct conf_item {
        const char *key;
        const char *str; /* or */
        void *ptr;       /* a back end, or */
        uint64_t num;
    } item[CONF_MAX];
    unsigned n;
};

void conf_set_str(struct conf *, const char *key, const char *);
void conf_set_num(struct conf *, const char *key, uint64_t);
void conf_set_ptr(struct conf *, const char *key, void *);
/* Of an absent key: the default. */
const char *conf_str(const struct conf *, const char *key, const char *def);
uint64_t conf_num(const struct conf *, const char *key, uint64_t def);
void *conf_ptr(const struct conf *, const char *key);

#endif
