/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl_fake.h"

#include <errno.h>
#include <hvmd/loop.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fake_init(struct fake *f, struct loop *loop)
{
    memset(f, 0, sizeof(*f));
    f->loop = loop;
    f->busy = true;
    f->disk.size_bytes = UINT64_C(10) << 30;
    f->cd.size_bytes = UINT64_C(650) << 20;
    f->cd.read_only = true;
}

static enum qmp_status op_status(void *ctx)
{
    return QMP_RUNNING;
}

static int op_cont(void *ctx, struct err *e)
{
    ((struct fake *)ctx)->conts++;
    return 0;
}

static void op_quit(void *ctx)
{
    loop_stop(((struct fake *)ctx)->loop, 0);
}

static void op_vnc(void *ctx, struct qmp_vnc *v)
{
    v->enabled = true;
    strcpy(v->host, "127.0.0.1");
    strcpy(v->service, "5901");
}

/* Two rows of three pixels: red, green, blue; white, black, grey. */
static int op_dump_fd(void *ctx, int fd, struct err *e)
{
    static const char ppm[] = "P6\n3 2\n255\n"
                              "\xff\0\0\0\xff\0\0\0\xff"
                              "\xff\xff\xff\0\0\0\x80\x80\x80";
    struct fake *f = ctx;

    if (f->no_screen)
        return err_set(e, -ENODEV, "the machine has no display to dump");
    f->dumps++;
    if (write(fd, ppm, sizeof(ppm) - 1) != (ssize_t)sizeof(ppm) - 1)
        return err_set(e, -EIO, "cannot write the screen dump");
    return 0;
}

static int op_dump(void *ctx, const char *filename, struct err *e)
{
    return err_set(e, -EIO, "cannot create %s", filename);
}

static void fill_devices(struct ctl_stats *s, uint64_t n)
{
    static const char *const name[] = {"piix3", "ide", "vga"};

    s->ndevs = 3;
    for (unsigned i = 0; i < s->ndevs; i++)
        s->dev[i].name = name[i];
    s->dev[1].hits[HIT_PIO_RD] = FAKE_IDE_RD * n;
    s->dev[1].hits[HIT_PIO_WR] = 30 * n;
    s->dev[1].hits[HIT_CFG_RD] = 4;
    s->dev[2].hits[HIT_MMIO_WR] = 204 * n;
    s->dev[2].mistakes = 2;
}

static void fill_backends(struct fake *f, struct ctl_stats *s, uint64_t n)
{
    f->disk.rd_ops = 10 * n;
    f->disk.rd_bytes = 40960 * n;
    f->disk.wr_ops = 5 * n;
    f->disk.wr_bytes = 2097152 * n;
    s->disk[0] = (struct ctl_disk){.present = true,
                                   .attached = !f->aside,
                                   .id = "ide-768",
                                   .blk = f->aside ? NULL : &f->disk};
    s->disk[2] = (struct ctl_disk){
        .present = true, .attached = true, .cdrom = true, .blk = &f->cd};
    s->nnics = 1;
    s->nic[0] = (struct ctl_nic){.id = "nic0",
                                 .model = "rtl8139",
                                 .mac = {0, 0x16, 0x3e, 1, 2, 3},
                                 .attached = !f->aside,
                                 .rx_frames = 100 * n,
                                 .rx_bytes = 150000 * n,
                                 .rx_filtered = 3 * n,
                                 .tx_errors = 1,
                                 .interrupts = 40 * n};
}

static void op_stats(void *ctx, struct ctl_stats *s)
{
    struct fake *f = ctx;
    uint64_t n = f->busy ? f->asked : 0;

    for (unsigned i = 0; f->ctx && i < 3; i++)
        qmp_event(f->ctx, QMP_EV_TRAY_MOVED, "\"device\":\"cd%u\"", i);
    s->uptime_ns = 3600 * NS_PER_S + f->asked * NS_PER_S;
    f->asked++;
    s->stepped_aside = f->aside;
    s->proc = (struct ctl_proc){.cpu_ns = NS_PER_S + FAKE_CPU_NS * n,
                                .user_ns = NS_PER_S,
                                .voluntary = 20 * n,
                                .has_memory = !f->no_memory,
                                .rss_bytes = 9 << 20,
                                .pss_bytes = 6553600,
                                .private_dirty_bytes = 2 << 20};
    s->ioreqs = FAKE_IOREQS * n;
    s->buffered = FAKE_BUFFERED * n;
    s->malformed = 1;
    s->viewers_cpu_ns = NS_PER_S / 4;
    s->log_dropped = 7;
    fill_devices(s, n);
    fill_backends(f, s, n);
}

static int op_unplug(void *ctx, struct ctl_unplug *u, struct err *e)
{
    struct fake *f = ctx;

    if (f->no_platform)
        return err_set(e, -ENODEV, "the machine has no Xen platform device");
    u->ignoring = f->ignoring;
    if (!f->aside)
        return 0;
    u->mask = 3;
    u->total = 2;
    u->n = 2;
    u->event[0] = (struct ctl_unplug_event){.wall_ns = 1700000000 * NS_PER_S,
                                            .build = 1,
                                            .product = 3,
                                            .port_value = 3,
                                            .via = "port",
                                            .product_name = "linux",
                                            .went = "hda nics"};
    u->event[1] = (struct ctl_unplug_event){.wall_ns = 1700000100 * NS_PER_S,
                                            .product = 0x7777,
                                            .port_value = 1,
                                            .via = "port",
                                            .went = "nothing",
                                            .ignored = true};
    return 0;
}

static int op_ignore(void *ctx, bool on, struct err *e)
{
    struct fake *f = ctx;

    if (f->no_platform)
        return err_set(e, -ENODEV, "the machine has no Xen platform device");
    f->ignoring = on;
    return 0;
}

const struct qmp_ops fake_ops = {
    .status = op_status,
    .cont = op_cont,
    .quit = op_quit,
    .vnc_info = op_vnc,
    .screendump = op_dump,
    .screendump_fd = op_dump_fd,
    .stats = op_stats,
    .unplug = op_unplug,
    .ignore_unplug = op_ignore,
};
