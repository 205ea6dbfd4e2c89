/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved state of whole machines: there and back, sizes, other machines. */
#include "savefile_rig.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define IDLE_MOST 8192u

bool __real_machine_kind(unsigned i, struct machine_kind *k);
bool __wrap_machine_kind(unsigned i, struct machine_kind *k);

/* Of the test program: the device that is taken for a late one. */
static struct {
    const char *name;
} late;

bool __wrap_machine_kind(unsigned i, struct machine_kind *k)
{
    bool there = __real_machine_kind(i, k);

    if (there && late.name && strcmp(k->ops->name, late.name) == 0)
        k->late = true;
    return there;
}

static void assert_same(struct stream a, struct stream b)
{
    assert_int_equal(a.n, b.n);
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i])
            fail_msg("byte %zu of the stream differs", i);
}

static void assert_lines_equal(const struct rig *a, const struct rig *b)
{
    assert_memory_equal(a->b->isa_level, b->b->isa_level,
                        sizeof(a->b->isa_level));
    assert_memory_equal(a->b->intx_level, b->b->intx_level,
                        sizeof(a->b->intx_level));
    assert_memory_equal(a->b->pci_link, b->b->pci_link, 4);
    assert_int_equal(a->b->vram_gfn, b->b->vram_gfn);
    assert_int_equal(a->b->rom_locked, b->b->rom_locked);
}

static void saved_and_restored_is_the_same(void **state)
{
    struct rig *r = rig_new(), *to;
    struct stream s, again;

    rig_start(r);
    rig_busy(r);
    s = stream_of(r);
    to = stream_move(r, s);
    assert_lines_equal(r, to);
    assert_int_equal(to->b->isa_level[9], 1);
    assert_true(to->b->rom_locked);
    again = stream_of(to);
    assert_same(s, again);
    machine_pause(r->m, false);
    machine_pause(to->m, false);
    assert_int_equal(clock_now(&r->b->clock), clock_now(&to->b->clock));
    assert_int_equal(rig_in(to, 0x3f8, 1), 'x');
    assert_int_equal(rig_in(to, 0x378, 1), 0x5a);
    free(s.p);
    free(again.p);
    rig_free(r);
    rig_free(to);
}

/* Whatever a guest has done; and both go on in the same way. */
static void busy_machines(void **state)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct prng p = {seed * UINT64_C(0x9e3779b97f4a7c15)};
        struct rig *r = rig_new(), *to;
        struct stream s, again;

        rig_start(r);
        rig_firmware(r);
        for (unsigned i = 0; i < 1500; i++)
            storm_step(r, &p);
        s = stream_of(r);
        to = stream_move(r, s);
        assert_lines_equal(r, to);
        again = stream_of(to);
        assert_same(s, again);
        machine_pause(r->m, false);
        machine_pause(to->m, false);
        for (unsigned i = 0; i < 300; i++)
            storm_step(to, &p);
        free(s.p);
        free(again.p);
        rig_free(r);
        rig_free(to);
    }
}

/* A sector, two bytes at a time, from both; equal, and the status after it. */
static void compare_sector(struct rig *a, struct rig *b, uint16_t base,
                           unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2)
        assert_int_equal(rig_in(a, base, 2), rig_in(b, base, 2));
    assert_int_equal(rig_in(a, base + 7, 1), rig_in(b, base + 7, 1));
}

static void fill_disks(struct rig *r)
{
    for (unsigned u = 0; u < 3; u++) {
        uint8_t *p = blk_mem_data(r->conf.disk[u].blk);

        for (size_t i = 0; i < RIG_DISK_BYTES; i++)
            p[i] = (uint8_t)(i * 7 + i / 512 + u);
    }
}

static void run(struct rig *r, bool on)
{
    machine_pause(r->m, !on);
}

/* A PIO read of 200 sectors, moved before, within and after each of some. */
static void reads_in_progress_go_on(void **state)
{
    struct rig *r = rig_new();

    fill_disks(r);
    rig_start(r);
    rig_firmware(r);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f2, 1, 200);
    rig_out(r, 0x1f3, 1, 10);
    rig_out(r, 0x1f7, 1, 0x20);
    for (unsigned n = 0; n < 200; n++) {
        struct stream s = {NULL, 0};
        struct rig *to;

        if (n % 23) {
            for (unsigned i = 0; i < 256; i++)
                rig_in(r, 0x1f0, 2);
            continue;
        }
        for (unsigned i = 0; i < n; i += 2)
            rig_in(r, 0x1f0, 2);
        s = stream_of(r);
        assert_true(s.n < IDLE_MOST);
        to = stream_move(r, s);
        run(r, true);
        run(to, true);
        compare_sector(r, to, 0x1f0, 512 - (n + 1) / 2 * 2);
        rig_free(r);
        r = to;
        free(s.p);
    }
    assert_int_equal(rig_in(r, 0x1f7, 1), 0x50);
    rig_free(r);
}

/* The same by READ CD with all that a sector has around its data. */
static void packets_in_progress_go_on(void **state)
{
    static const uint8_t cdb[12] = {0xbe, 0, 0, 0, 0, 9, 0, 0, 40, 0xf8};
    struct rig *r = rig_new();
    size_t got = 0;

    fill_disks(r);
    rig_start(r);
    rig_firmware(r);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        rig_out(r, 0x176, 1, 0xa0);
        rig_out(r, 0x171, 1, 0);
        rig_out(r, 0x174, 2, 0xfffe);
        rig_out(r, 0x175, 1, 0xff);
        rig_out(r, 0x177, 1, 0xa0);
        for (unsigned i = 0; i < 12; i += 2)
            rig_out(r, 0x170, 2, cdb[i] | cdb[i + 1] << 8);
    }
    while (rig_in(r, 0x177, 1) & 8) {
        unsigned n = rig_in(r, 0x174, 1) | rig_in(r, 0x175, 1) << 8;
        struct stream s = stream_of(r);
        struct rig *to = stream_move(r, s);

        assert_true(n > 0 && n <= 8192);
        assert_true(s.n < 2 * IDLE_MOST);
        run(r, true);
        run(to, true);
        compare_sector(r, to, 0x170, n);
        got += n;
        rig_free(r);
        r = to;
        free(s.p);
    }
    assert_int_equal(got, 40 * 2352);
    rig_free(r);
}

/* Sectors written by PIO: those that the disk has not yet are in the stream. */
static void writes_in_progress_go_on(void **state)
{
    struct rig *r = rig_new();

    rig_start(r);
    rig_firmware(r);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f2, 1, 100);
    rig_out(r, 0x1f3, 1, 10);
    rig_out(r, 0x1f7, 1, 0x30);
    for (unsigned n = 0; n < 100; n++) {
        for (unsigned i = 0; i < 256; i++) {
            struct stream s;
            struct rig *to;

            rig_out(r, 0x1f0, 2, n << 8 | i);
            if (n % 13 || i != n)
                continue;
            s = stream_of(r);
            to = stream_move(r, s);
            run(to, true);
            rig_free(r);
            r = to;
            free(s.p);
        }
    }
    assert_int_equal(rig_in(r, 0x1f7, 1), 0x50);
    for (unsigned n = 0; n < 100; n++)
        for (unsigned i = 0; i < 256; i++) {
            const uint8_t *p =
                blk_mem_data(r->conf.disk[0].blk) + (10 + n) * 512 + i * 2;

            assert_int_equal(p[0] | p[1] << 8, n << 8 | i);
        }
    rig_free(r);
}

/* What is in flight is waited for, not saved. */
static void not_while_a_request_is_in_flight(void **state)
{
    static const struct savefile_info none = {HV_GFN_NONE};
    struct rig *r = rig_new();
    struct err e;

    rig_start(r);
    rig_firmware(r);
    assert_int_equal(savefile_write(r->m, &none, -1, &e), -EBUSY);
    blk_mem_hold(r->conf.disk[0].blk, true);
    rig_out(r, 0x1f6, 1, 0xe0);
    rig_out(r, 0x1f2, 1, 1);
    rig_out(r, 0x1f7, 1, 0x20);
    run(r, false);
    assert_int_equal(savefile_write(r->m, &none, -1, &e), -EBUSY);
    assert_true(blk_mem_release(r->conf.disk[0].blk));
    assert_int_equal(savefile_write(r->m, &none, -1, &e), -EBADF);
    rig_free(r);
}

static unsigned gone_disks, gone_nics;

static void disk_gone(void *ctx, unsigned unit)
{
    gone_disks |= 1u << unit;
}

static void nic_gone(void *ctx, unsigned nic)
{
    gone_nics |= 1u << nic;
}

static void what_was_unplugged_stays_away(void **state)
{
    struct rig *r = rig_new(), *to = rig_new();
    struct stream s, again;
    struct err e;

    rig_start(r);
    rig_firmware(r);
    rig_out(r, 0x12, 2, 3);
    rig_out(r, 0x10, 2, 3);
    assert_int_equal(rig_cfg(r, PCI_DEVFN(4, 0), 0, 4), UINT32_MAX);
    s = stream_of(r);
    to->host.disk_gone = disk_gone;
    to->host.nic_gone = nic_gone;
    rig_start(to);
    gone_disks = gone_nics = 0;
    assert_int_equal(stream_into(to, s, &e), 0);
    assert_int_equal(gone_disks, 3);
    assert_int_equal(gone_nics, 1);
    again = stream_of(to);
    assert_same(s, again);
    run(to, true);
    assert_int_equal(rig_cfg(to, PCI_DEVFN(4, 0), 0, 4), UINT32_MAX);
    rig_out(to, 0x1f6, 1, 0xe0);
    assert_int_equal(rig_in(to, 0x1f7, 1), 0);
    rig_out(to, 0x10, 2, 3);
    assert_int_equal(gone_disks, 3);
    free(s.p);
    free(again.p);
    rig_free(r);
    rig_free(to);
}

/* How a machine differs from the one of the stream; what is said of it. */
static void fewer_disks(struct machine_conf *c)
{
    c->disk[1].present = false;
}
static void other_vga(struct machine_conf *c)
{
    c->vgamem_mib = 8;
}
static void more_vcpus(struct machine_conf *c)
{
    c->max_vcpus = 5;
}
static void no_nic(struct machine_conf *c)
{
    c->nnics = 0;
}
static void another_port(struct machine_conf *c)
{
    c->serial[1] = c->serial[0];
}
static void no_platform(struct machine_conf *c)
{
    c->xen_platform = false;
}

static void other_machines_are_refused(void **state)
{
    static const struct {
        void (*change)(struct machine_conf *);
        const char *why;
    } rows[] = {{fewer_disks, "unit 1 was a disk there and is nothing here"},
                {other_vga, "4 MiB there"},
                {more_vcpus, "at most 4 vCPUs there"},
                {no_nic, "has rtl8139 0, which is not here"},
                {another_port, "lacks uart 1, which is here"},
                {no_platform, "has xenplat 0, which is not here"}};
    struct rig *r = rig_new();
    struct stream s;
    struct err e;

    rig_start(r);
    rig_busy(r);
    s = stream_of(r);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig *to = rig_new();
        struct machine_conf keep = to->conf;

        rows[i].change(&to->conf);
        rig_start(to);
        assert_int_equal(stream_into(to, s, &e), -EINVAL);
        if (!strstr(e.text, rows[i].why))
            fail_msg("row %u: %s", i, e.text);
        assert_false(to->b->rom_locked); /* nothing was applied */
        to->conf = keep;
        rig_free(to);
    }
    free(s.p);
    rig_free(r);
}

static size_t port_write(struct chr *chr, const uint8_t *buf, size_t len)
{
    return len;
}

static void port_room(struct chr *chr, size_t n)
{
}

static const struct chr_ops port_ops = {.write = port_write,
                                        .rx_room = port_room};

/* A card in each slot, 4 ports, and each channel with as much as can be
 * waiting. */
static void the_largest_is_below_64_kib(void **state)
{
    struct rig *r = rig_new();
    struct chr ports[MACHINE_SERIALS] = {{.ops = &port_ops}};
    struct stream s;

    r->conf.nnics = 28; /* slots 4 to 31 */
    for (unsigned i = 1; i < r->conf.nnics; i++) {
        r->conf.nic[i] = r->conf.nic[0];
        r->conf.nic[i].net = NULL;
    }
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        ports[i] = ports[0];
        r->conf.serial[i] = &ports[i];
    }
    r->conf.disk[2].cdrom = false;
    r->conf.disk[2].blk->ops->close(r->conf.disk[2].blk);
    r->conf.disk[2].blk = blk_mem_new(RIG_DISK_BYTES, false);
    rig_start(r);
    for (unsigned c = 0; c < 2; c++) {
        uint16_t base = c ? 0x170 : 0x1f0;

        rig_out(r, base + 6, 1, 0xe0);
        rig_out(r, base + 2, 1, 200);
        rig_out(r, base + 7, 1, 0x30);
        for (unsigned i = 0; i < 16384 / 2 - 1; i++)
            rig_out(r, base, 2, i);
    }
    s = stream_of(r);
    print_message("largest stream: %zu bytes\n", s.n);
    assert_in_range(s.n, 2 * 16384, SAVEFILE_MOST);
    free(s.p);
    rig_free(r);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Time of the processor: the host may be busy with something else. */
static void an_idle_machine_is_saved_at_once(void **state)
{
    struct rig *r = rig_new();
    uint64_t least = UINT64_MAX;
    struct stream s = {NULL, 0};

    rig_start(r);
    rig_busy(r);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t t = cpu_ns();

        free(s.p);
        s = stream_of(r);
        t = cpu_ns() - t;
        if (t < least)
            least = t;
        run(r, true);
    }
    print_message("idle: %zu bytes, stopped and saved in %llu us\n", s.n,
                  (unsigned long long)(least / NS_PER_US));
    assert_true(s.n <= IDLE_MOST);
    assert_true(least < 20 * NS_PER_MS);
    free(s.p);
    rig_free(r);
}

static size_t record_at(struct stream s, const char *name)
{
    size_t at = SAVEFILE_HEADER;
    uint32_t len;

    while (at + SAVEFILE_RECORD <= s.n) {
        if (strcmp((char *)s.p + at, name) == 0)
            return at;
        memcpy(&len, s.p + at + 20, 4);
        at += SAVEFILE_RECORD + len;
    }
    fail_msg("no %s in the stream", name);
    return 0;
}

static void cut_record(struct stream *s, const char *name)
{
    size_t at = record_at(*s, name);
    uint32_t len;

    memcpy(&len, s->p + at + 20, 4);
    len += SAVEFILE_RECORD;
    memmove(s->p + at, s->p + at + len, s->n - at - len);
    s->n -= len;
    s->p[20]--;
    stream_seal(s->p, s->n);
}

/* A device that came after the stream starts as at power-on. */
static void a_late_device_may_be_lacking(void **state)
{
    struct rig *r = rig_new(), *to = rig_new();
    struct stream s;
    struct err e;

    rig_start(r);
    rig_busy(r);
    s = stream_of(r);
    cut_record(&s, "parport");
    rig_start(to);
    assert_int_equal(stream_into(to, s, &e), -EINVAL);
    assert_non_null(strstr(e.text, "lacks parport"));
    late.name = "parport";
    assert_int_equal(stream_into(to, s, &e), 0);
    late.name = NULL;
    run(to, true);
    assert_int_equal(rig_in(to, 0x378, 1), 0);
    assert_int_equal(rig_in(to, 0x3f8, 1), 'x');
    free(s.p);
    rig_free(r);
    rig_free(to);
}

/* The streams of releases, for good; argument 1 of the program. */
static const char *streams;

static void loads(const char *path)
{
    struct rig *r = rig_new();
    struct stream s = {malloc(SAVEFILE_MOST), 0};
    FILE *f = fopen(path, "rb");
    struct err e;

    assert_true(f && s.p);
    s.n = fread(s.p, 1, SAVEFILE_MOST, f);
    fclose(f);
    rig_start(r);
    if (stream_into(r, s, &e))
        fail_msg("%s: %s", path, e.text);
    run(r, true);
    assert_int_equal(clock_now(&r->b->clock), 3 * NS_PER_S);
    assert_int_equal(r->b->isa_level[9], 1);
    assert_true(r->b->rom_locked);
    assert_int_equal(rig_in(r, 0xb004, 2) & 1, 1);
    assert_int_equal(rig_in(r, 0x378, 1), 0x5a);
    rig_out(r, 0x70, 1, 0x35);
    assert_int_equal(rig_in(r, 0x71, 1), 0x99);
    assert_int_equal(rig_in(r, 0x3f8, 1), 'x');
    free(s.p);
    rig_free(r);
}

static void streams_of_releases_load(void **state)
{
    DIR *dir = opendir(streams);
    struct dirent *entry;
    char path[4096];
    unsigned n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", streams, entry->d_name);
        loads(path);
        n++;
    }
    closedir(dir);
    assert_true(n > 0);
}

static int write_release(const char *path)
{
    struct rig *r = rig_new();
    struct stream s;
    FILE *f = fopen(path, "wb");
    bool ok;

    rig_start(r);
    rig_busy(r);
    s = stream_of(r);
    ok = f && fwrite(s.p, 1, s.n, f) == s.n && !fclose(f);
    free(s.p);
    rig_free(r);
    return ok ? 0 : 1;
}

static void printed_field_by_field(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    char path[4096];
    struct err e;

    snprintf(path, sizeof(path), "%s/0.1.0", streams);
    assert_int_equal(savefile_check(path, out, &e), 0);
    fclose(out);
    assert_non_null(strstr(text, "\nmachine 0, version 1, "));
    assert_non_null(strstr(text, "  vm_clock_ns              3000000000 "));
    assert_non_null(strstr(text, "\nide 0, version 1, "));
    assert_non_null(strstr(text, "  chan[0].buf[0]"));
    assert_non_null(strstr(text, "  cfg[256]                 86 80 37 12"));
    free(text);
    assert_int_equal(savefile_check("/dev/null", stdout, &e), -EINVAL);
    assert_non_null(strstr(e.text, "not hvmd's"));
    assert_int_equal(savefile_check("/nowhere", stdout, &e), -ENOENT);
    assert_non_null(strstr(e.text, "--check-state /nowhere: "));
}

/* hvmd waited for ever for somebody to write to it. */
static void a_pipe_is_no_saved_state(void **state)
{
    char path[] = "/tmp/hvmd-pipe-XXXXXX";
    struct err e;

    close(mkstemp(path));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(savefile_open(path, "-loadvm", &e), -EINVAL);
    assert_non_null(
        strstr(e.text, ": a saved state cannot be read from a pipe"));
    assert_int_equal(savefile_check(path, stdout, &e), -EINVAL);
    unlink(path);
}

static void add(struct stream *s, const void *p, size_t n)
{
    memcpy(s->p + s->n, p, n);
    s->n += n;
}

/* The head of a record of libxl or libxc. */
static void add_record(struct stream *s, uint32_t type, uint32_t len)
{
    const uint32_t head[2] = {type, len};

    add(s, head, 8);
}

/* A file as xl save writes it: a page of memory, then the state. */
static struct stream xl_file(struct stream state)
{
    static const uint8_t zeros[8192];
    const uint32_t flags[4] = {0x01020304, 3, 0, 13};
    const uint32_t emulator[2] = {2, 0};
    struct stream s = {malloc(3 * 65536), 0};

    assert_non_null(s.p);
    add(&s, "Xen saved domain, xl format\n \0 \r", 32);
    add(&s, flags, 16);
    add(&s, "{\"config\":1}\n", 13);
    add(&s, "LibxlFmt\0\0\0\2\0\0\0\0", 16);
    add_record(&s, 1, 0);
    add(&s, "\377\377\377\377\377\377\377\377XENF\0\0\0\3", 16);
    add(&s, zeros, 24);
    add_record(&s, 1, 4097);
    add(&s, zeros, 4104);
    add_record(&s, 0, 0);
    add_record(&s, 2, 3);
    add(&s, zeros, 8);
    add_record(&s, 3, (uint32_t)(8 + state.n));
    add(&s, emulator, 8);
    add(&s, state.p, state.n);
    add(&s, zeros, (8 - state.n % 8) % 8);
    add_record(&s, 0, 0);
    return s;
}

static int check_bytes(const uint8_t *p, size_t n, FILE *out, struct err *e)
{
    char path[] = "/tmp/savefile_test.XXXXXX";
    int fd = mkstemp(path), rc;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    close(fd);
    rc = savefile_check(path, out, e);
    unlink(path);
    return rc;
}

static void found_in_a_file_of_xl(void **state)
{
    struct rig *r = rig_new();
    struct stream s, xl;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    struct err e;

    assert_non_null(out);
    rig_start(r);
    rig_busy(r);
    s = stream_of(r);
    xl = xl_file(s);
    assert_int_equal(check_bytes(xl.p, xl.n, out, &e), 0);
    fclose(out);
    assert_non_null(strstr(text, "\nrtl8139 0, version 1, "));
    for (size_t n = 0; n < xl.n - 16; n += 1 + n / 50)
        assert_true(check_bytes(xl.p, n, stdout, &e) < 0);
    xl.p[36] = 1;
    assert_int_equal(check_bytes(xl.p, xl.n, stdout, &e), -EINVAL);
    assert_non_null(strstr(e.text, "Xen 4.5"));
    xl.p[36] = 3;
    xl.p[61] = 'x';
    assert_int_equal(check_bytes(xl.p, xl.n, stdout, &e), -EINVAL);
    assert_non_null(strstr(e.text, "no libxl stream"));
    free(text);
    free(s.p);
    free(xl.p);
    rig_free(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_and_restored_is_the_same),
        cmocka_unit_test(busy_machines),
        cmocka_unit_test(reads_in_progress_go_on),
        cmocka_unit_test(packets_in_progress_go_on),
        cmocka_unit_test(writes_in_progress_go_on),
        cmocka_unit_test(not_while_a_request_is_in_flight),
        cmocka_unit_test(what_was_unplugged_stays_away),
        cmocka_unit_test(other_machines_are_refused),
        cmocka_unit_test(the_largest_is_below_64_kib),
        cmocka_unit_test(an_idle_machine_is_saved_at_once),
        cmocka_unit_test(a_late_device_may_be_lacking),
        cmocka_unit_test(streams_of_releases_load),
        cmocka_unit_test(printed_field_by_field),
        cmocka_unit_test(a_pipe_is_no_saved_state),
        cmocka_unit_test(found_in_a_file_of_xl),
    };

    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_release(argv[2]);
    if (argc != 2)
        return 2;
    streams = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
