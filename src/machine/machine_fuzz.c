/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input's bytes as a guest: accesses, string forms, time, contents of
 * memory, one after the other, on a machine that its firmware has set up.
 * By hand: clang -fsanitize=fuzzer,address,undefined -DHVMD_LIBFUZZER with
 * the sources of the machine. Without, main() replays the files of a folder.
 */
#include "rig.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPS_MAX 2000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bytes {
    const uint8_t *p;
    size_t left;
};

static uint64_t take(struct bytes *in, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)(in->left ? *in->p : 0) << (8 * i);
        if (in->left) {
            in->p++;
            in->left--;
        }
    }
    return v;
}

/* Most ports of a byte's worth: dense where devices are. */
static uint16_t take_port(struct bytes *in)
{
    static const uint16_t base[] = {
        0x000, 0x010, 0x060,  0x070,  0x080,  0x090,  0x0b0,  0x0c0,  0x0d0,
        0x170, 0x1c0, 0x1f0,  0x370,  0x3b0,  0x3c0,  0x3d0,  0x3f0,  0x400,
        0x480, 0xcf0, 0xae00, 0xaf00, 0xafe0, 0xb000, 0xb040, 0xc000, 0xc100,
    };
    uint16_t sel = (uint16_t)take(in, 2);

    if (sel >> 8 < sizeof(base) / sizeof(base[0]))
        return (uint16_t)(base[sel >> 8] + (sel & 15));
    return sel;
}

static uint64_t take_mmio(struct bytes *in)
{
    uint64_t sel = take(in, 4);

    switch (sel >> 30) {
    case 0:
        return 0xa0000 + (sel & 0x1ffff);
    case 1:
        return 0xf0000000 + (sel & 0x1ffffff);
    default:
        return sel << (sel & 31);
    }
}

static void string_form(struct rig *r, struct bytes *in, uint8_t op)
{
    uint8_t buf[1024];
    unsigned size = 1u << (op >> 5 & 1);
    size_t n = 1 + (take(in, 1) | (op >> 6 & 1) << 8) % (sizeof(buf) / 2);

    memset(buf, (int)take(in, 1), sizeof(buf));
    for (unsigned i = 0; i < 16; i++)
        buf[i] = (uint8_t)take(in, 1);
    if (op & 0x10)
        machine_rep(r->m, take_port(in), size, op >> 7, buf, n);
    else
        machine_copy(r->m, take_mmio(in), size, op >> 7, buf, n);
}

static void one_op(struct rig *r, struct bytes *in)
{
    uint8_t op = (uint8_t)take(in, 1);
    unsigned size = 1u << (op >> 4 & 3);
    unsigned to4 = size > 4 ? 4 : size;
    uint64_t addr;

    switch (op & 7) {
    case 0:
        rig_in(r, take_port(in), to4);
        break;
    case 1:
        addr = take_port(in);
        rig_out(r, (uint16_t)addr, to4, (uint32_t)take(in, to4));
        break;
    case 2:
        rig_read(r, IO_MMIO, take_mmio(in), size);
        break;
    case 3:
        addr = take_mmio(in);
        rig_write(r, IO_MMIO, addr, size, take(in, size));
        break;
    case 4:
        addr = take(in, 2);
        rig_write(r, IO_PCI, addr & 0x1fff, to4, take(in, to4));
        break;
    case 5:
        string_form(r, in, op);
        break;
    case 6:
        bench_step(r->b, take(in, 4));
        break;
    default:
        addr = take(in, 3) % (RIG_RAM_BYTES - 8);
        for (unsigned i = 0; i < 8; i++)
            r->b->ram[addr + i] = (uint8_t)take(in, 1);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    struct rig *r = rig_new();

    rig_start(r);
    rig_firmware(r);
    for (unsigned i = 0; i < OPS_MAX && in.left > 0; i++)
        one_op(r, &in);
    rig_free(r);
    return 0;
}

#ifndef HVMD_LIBFUZZER
static int replay(const char *path)
{
    static uint8_t buf[65536];
    FILE *f = fopen(path, "rb");
    size_t len;

    if (!f) {
        perror(path);
        return -1;
    }
    len = fread(buf, 1, sizeof(buf), f);
    fclose(f);
    LLVMFuzzerTestOneInput(buf, len);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned done = 0;
    struct dirent *entry;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (!dir) {
        fprintf(stderr, "usage: machine_fuzz DIRECTORY\n");
        return 2;
    }
    while ((entry = readdir(dir))) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (replay(path) < 0)
            return 1;
        done++;
    }
    closedir(dir);
    printf("%u inputs replayed\n", done);
    return done > 0 ? 0 : 1;
}
#endif
