/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "savefile_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct savefile_info info = {.vram_gfn = 0xf0000};

void rig_drain(struct rig *r)
{
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (r->conf.disk[u].blk)
            r->conf.disk[u].blk->ops->drain(r->conf.disk[u].blk);
}

struct stream stream_of(struct rig *r)
{
    int fd = memfd_create("saved", MFD_CLOEXEC);
    struct stream s = {malloc(SAVEFILE_MOST), 0};
    struct err e = {.text = ""};
    ssize_t n;

    assert_true(fd >= 0 && s.p);
    machine_pause(r->m, true);
    rig_drain(r);
    if (savefile_write(r->m, &info, fd, &e))
        fail_msg("%s", e.text);
    n = pread(fd, s.p, SAVEFILE_MOST, 0);
    assert_true(n > 0 && (size_t)n == (size_t)lseek(fd, 0, SEEK_END));
    s.n = (size_t)n;
    close(fd);
    return s;
}

void stream_seal(uint8_t *p, size_t n)
{
    uint32_t v = (uint32_t)n;

    memcpy(p + 12, &v, 4);
    memset(p + 16, 0, 4);
    v = savefile_crc(p, n);
    memcpy(p + 16, &v, 4);
}

struct savefile *stream_read(const uint8_t *p, size_t n, struct err *e)
{
    int fd = memfd_create("saved", MFD_CLOEXEC);
    struct savefile *sf;

    e->text[0] = '\0';
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, p, n, 0), (ssize_t)n);
    sf = savefile_read(fd, e);
    close(fd);
    return sf;
}

int stream_into(struct rig *r, struct stream s, struct err *e)
{
    struct savefile *sf = stream_read(s.p, s.n, e);
    int rc;

    if (!sf)
        return -EINVAL;
    machine_pause(r->m, true);
    rig_drain(r);
    rc = savefile_apply(sf, r->m, e);
    savefile_free(sf);
    return rc;
}

struct rig *stream_move(struct rig *from, struct stream s)
{
    struct rig *to = rig_new();
    struct err e;

    memcpy(to->b->ram, from->b->ram, RIG_RAM_BYTES);
    for (unsigned u = 0; u < MACHINE_DISKS; u++)
        if (to->conf.disk[u].blk && from->conf.disk[u].blk)
            memcpy(blk_mem_data(to->conf.disk[u].blk),
                   blk_mem_data(from->conf.disk[u].blk), RIG_DISK_BYTES);
    rig_start(to);
    memcpy(to->b->vram, from->b->vram, to->b->vram_pages * 4096u);
    if (stream_into(to, s, &e))
        fail_msg("%s", e.text);
    return to;
}

void rig_busy(struct rig *r)
{
    struct input *in;

    rig_firmware(r);
    bench_step(r->b, 3 * NS_PER_S);
    in = machine_input(r->m);
    in->ops->key(in->dev, 0x1e, true);
    in->ops->key(in->dev, 0x1e, false);
    in->ops->rel(in->dev, 5, 9, 0, 1);
    rig_out(r, 0xb2, 1, 0xf1); /* ACPI on */
    rig_out(r, 0xafe2, 2, 4);  /* GPE */
    machine_set_vcpu(r->m, 2, true);
    rig_out(r, 0x1ce, 2, 1); /* a mode */
    rig_out(r, 0x1d0, 2, 800);
    rig_out(r, 0x1ce, 2, 4);
    rig_out(r, 0x3f8 + 3, 1, 3);
    rig_out(r, 0x3f8 + 1, 1, 5);
    rig_serial_in(r, 'x', 3);
    rig_out(r, 0x378, 1, 0x5a);
    rig_out(r, 0x70, 1, 0x35);
    rig_out(r, 0x71, 1, 0x99);
    rig_out(r, 0x02, 1, 0x11); /* 8237 */
    rig_out(r, 0x10, 1, 1);    /* ROM lock */
    rig_out(r, 0x12, 2, 3);
}
