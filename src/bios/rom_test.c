/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE 1024u

struct place {
    char dir[64];
    uint8_t image[IMAGE];
};

static void fix_sum(uint8_t *d, size_t n)
{
    uint8_t sum = 0;

    d[n - 1] = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + d[i]);
    d[n - 1] = (uint8_t)(0x100 - sum);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    strcpy(p->dir, "/tmp/rom_test.XXXXXX");
    if (!mkdtemp(p->dir)) {
        free(p);
        return -1;
    }
    p->image[0] = 0x55;
    p->image[1] = 0xaa;
    p->image[2] = IMAGE / 512;
    p->image[0x18] = 0x40;
    memcpy(p->image + 0x40, "PCIR", 4);
    fix_sum(p->image, IMAGE);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    char cmd[128];
    int rc;

    snprintf(cmd, sizeof(cmd), "rm -rf %s", p->dir);
    rc = system(cmd);
    free(p);
    return rc;
}

static char *file(struct place *p, const char *name, const void *data,
                  size_t len)
{
    static char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
    return path;
}

static void expect(struct place *p, const char *name, size_t len, int code,
                   const char *why)
{
    struct rom rom = {(const uint8_t *)p, 7};
    struct err e = {""};
    const char *path = file(p, name, p->image, len);

    assert_int_equal(rom_load(path, &rom, &e), code);
    assert_non_null(strstr(e.text, why));
    assert_non_null(strstr(e.text, path));
    assert_null(strchr(e.text, '\n'));
    assert_null(rom.data);
    assert_int_equal(rom.size_bytes, 0);
}

static void test_good(void **state)
{
    struct place *p = *state;
    struct rom rom;
    struct err e;
    char dirs[256];

    assert_int_equal(rom_load(file(p, "a.bin", p->image, IMAGE), &rom, &e), 0);
    assert_int_equal(rom.size_bytes, IMAGE);
    assert_memory_equal(rom.data, p->image, IMAGE);
    rom_free(&rom);
    rom_free(&rom);
    assert_null(rom.data);
    /* By name, in the second of three directories. */
    snprintf(dirs, sizeof(dirs), "/nonexistent::%s:/tmp", p->dir);
    assert_int_equal(rom_load_from(dirs, "a.bin", &rom, &e), 0);
    rom_free(&rom);
}

static void test_bad(void **state)
{
    struct place *p = *state;

    expect(p, "empty", 0, -EINVAL, "empty");
    expect(p, "short", 16, -EINVAL, "too short");
    expect(p, "cut", IMAGE - 1, -EINVAL, "cut short");
    p->image[100] ^= 1;
    expect(p, "vgabios-sum.bin", IMAGE, -EINVAL, "checksum");
    expect(p, "vgabios-sum.bin", IMAGE, -EINVAL, "package seabios");
    expect(p, "pxe-x.rom", IMAGE, -EINVAL, "package ipxe-qemu");
    p->image[2] = 0;
    expect(p, "blocks", IMAGE, -EINVAL, "empty");
    p->image[0x54] = 3; /* EFI */
    expect(p, "efi", IMAGE, -EINVAL, "not for a PC BIOS");
    p->image[1] = 0;
    expect(p, "signature", IMAGE, -EINVAL, "signature");
}

/* A pointer that leads nowhere is an ISA ROM's own business. */
static void test_wild_pcir(void **state)
{
    struct place *p = *state;
    struct rom rom;
    struct err e;
    static const uint16_t wild[] = {1, IMAGE - 4, IMAGE, 0xffff, 0x41};

    for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        p->image[0x18] = (uint8_t)wild[i];
        p->image[0x19] = (uint8_t)(wild[i] >> 8);
        fix_sum(p->image, IMAGE);
        assert_int_equal(rom_load(file(p, "w", p->image, IMAGE), &rom, &e), 0);
        rom_free(&rom);
    }
}

static void test_missing(void **state)
{
    struct place *p = *state;
    struct rom rom;
    struct err e;
    char path[256];

    assert_int_equal(rom_load("vgabios-none.bin", &rom, &e), -ENOENT);
    assert_non_null(strstr(e.text, "vgabios-none.bin"));
    assert_non_null(strstr(e.text, "/usr/share/seabios"));
    assert_non_null(strstr(e.text, "package seabios"));
    assert_int_equal(rom_load("/nonexistent/x", &rom, &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nonexistent/x"));
    assert_int_equal(rom_load("", &rom, &e), -EINVAL);
    assert_int_equal(rom_load(p->dir, &rom, &e), -EINVAL);
    assert_non_null(strstr(e.text, "regular file"));
    snprintf(path, sizeof(path), "%s/fifo", p->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rom_load(path, &rom, &e), -EINVAL);
}

static void test_large(void **state)
{
    struct place *p = *state;
    uint8_t *big = calloc(1, ROM_BYTES_MAX + 1);
    struct rom rom;
    struct err e;

    memcpy(big, p->image, IMAGE);
    assert_int_equal(rom_load(file(p, "max", big, ROM_BYTES_MAX), &rom, &e), 0);
    rom_free(&rom);
    assert_int_equal(rom_load(file(p, "big", big, ROM_BYTES_MAX + 1), &rom, &e),
                     -EINVAL);
    assert_non_null(strstr(e.text, "larger than 1 MiB"));
    free(big);
}

/* What Debian ships, where it is installed. */
static void test_debian(void **state)
{
    static const char *const names[] = {"vgabios-stdvga.bin",
                                        "vgabios-cirrus.bin", "pxe-rtl8139.rom",
                                        "efi-rtl8139.rom"};
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct rom rom;
        struct err e;
        int rc = rom_load(names[i], &rom, &e);

        if (rc == -ENOENT)
            continue;
        if (rc)
            print_message("%s\n", e.text);
        assert_int_equal(rc, 0);
        assert_in_range(rom.size_bytes, 16384, ROM_BYTES_MAX);
        rom_free(&rom);
        found++;
    }
    if (!found)
        skip();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_good),    T(test_bad),       T(test_large),
        T(test_missing), T(test_wild_pcir), cmocka_unit_test(test_debian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
