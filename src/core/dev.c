/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <hvmd/dev.h>
#include <stdlib.h>

struct dev *dev_new(const struct dev_ops *ops, const struct dev_env *env,
                    unsigned instance, const struct conf *conf, struct err *e)
{
    static const struct conf none;
    struct dev *d = calloc(1, ops->size);

    if (!d) {
        err_set(e, -ENOMEM, "out of memory for device %s", ops->name);
        return NULL;
    }
    d->ops = ops;
    d->env = *env;
    d->instance = instance;
    if (ops->init && ops->init(d, conf ? conf : &none, e) < 0) {
        free(d);
        return NULL;
    }
    if (ops->reset)
        ops->reset(d, RESET_POWER);
    return d;
}

void dev_free(struct dev *d)
{
    if (!d)
        return;
    if (d->ops->fini)
        d->ops->fini(d);
    free(d);
}

int dev_map(struct dev *d, enum space space, uint64_t base, uint64_t len,
            const struct io_ops *ops)
{
    return bus_map(d->env.bus, space, base, len, ops, d, d->hits);
}
