/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map cache of guest memory, with a library that maps an array. */
#include "gmem_xen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE      4096u
#define CHUNK     (GMEM_CHUNK_PAGES * PAGE)
#define RAM_PAGES (4u * GMEM_CHUNK_PAGES)
#define HOLE      UINT64_C(0xe0000000)

/* In place of libxenforeignmemory: RAM from 0 on, one memfd. */
struct xenforeignmemory_handle {
    int fd;
    unsigned asked; /* for single pages */
    bool endless;   /* every chunk is the same RAM */
};

void *xenforeignmemory_map2(xenforeignmemory_handle *h, uint32_t dom,
                            void *addr, int prot, int flags, size_t n,
                            const xen_pfn_t gfn[], int err[])
{
    uint8_t *at = mmap(addr, n * PAGE, PROT_NONE,
                       flags | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(at != MAP_FAILED);
    if (h->endless) {
        memset(err, 0, n * sizeof(*err));
        assert_ptr_equal(
            mmap(at, n * PAGE, prot, MAP_SHARED | MAP_FIXED, h->fd, 0), at);
        return at;
    }
    h->asked += n == 1;
    for (size_t i = 0; i < n; i++) {
        err[i] = gfn[i] < RAM_PAGES ? 0 : -ENOENT;
        if (!err[i])
            assert_ptr_equal(mmap(at + i * PAGE, PAGE, prot,
                                  MAP_SHARED | MAP_FIXED, h->fd,
                                  (off_t)(gfn[i] * PAGE)),
                             at + i * PAGE);
    }
    return at;
}

void *xenforeignmemory_map(xenforeignmemory_handle *h, uint32_t dom, int prot,
                           size_t n, const xen_pfn_t gfn[], int err[])
{
    return xenforeignmemory_map2(h, dom, NULL, prot, 0, n, gfn, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *h, void *addr, size_t n)
{
    return munmap(addr, n * PAGE);
}

int xendevicemodel_modified_memory(xendevicemodel_handle *h, domid_t domid,
                                   uint64_t first, uint32_t n)
{
    return 0;
}

static struct gmem *gmem_over(struct xenforeignmemory_handle *h)
{
    struct gmem *g = gmem_xen_new(h, NULL, 1);

    h->fd = memfd_create("ram", MFD_CLOEXEC);
    assert_int_equal(ftruncate(h->fd, (off_t)RAM_PAGES * PAGE), 0);
    assert_non_null(g);
    return g;
}

static void test_read_and_write(void **state)
{
    struct xenforeignmemory_handle h = {.fd = -1};
    struct gmem *g = gmem_over(&h);
    uint8_t in[8] = "abcdefg", out[8];

    assert_int_equal(gmem_write(g, CHUNK - 4, in, 8), 0);
    assert_int_equal(gmem_read(g, CHUNK - 4, out, 8), 0);
    assert_memory_equal(in, out, 8);
    assert_int_equal(gmem_read(g, (uint64_t)RAM_PAGES * PAGE - 4, out, 8),
                     -EFAULT);
    assert_int_equal(out[3], 0);
    assert_int_equal(out[4], 0xff);
    gmem_xen_free(g);
    close(h.fd);
}

static void tick(void)
{
    struct timespec a, b;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &a);
    do
        clock_gettime(CLOCK_MONOTONIC_COARSE, &b);
    while (a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec);
}

/*
 * After many pages without RAM a page that is not mapped was taken for one
 * more: a disk read into it ended well and was lost.
 */
static void test_ram_after_many_holes(void **state)
{
    struct xenforeignmemory_handle h = {.fd = -1};
    struct gmem *g = gmem_over(&h);
    struct iovec iov[3];
    unsigned holes = 0, failed = 0;
    int n;

    for (unsigned i = 0; i < 4096; i++) {
        n = gmem_pin(g, HOLE + i * PAGE, PAGE, true, iov, 3);
        if (n == 1) {
            holes++;
            gmem_unpin(g, HOLE + i * PAGE, PAGE, true, iov, 1);
        } else {
            assert_int_equal(n, -EFAULT);
            failed++;
        }
        if (failed) /* RAM is found, or the transfer does not begin */
            break;
    }
    assert_true(failed && holes >= 16);
    assert_true(h.asked <= holes);
    n = gmem_pin(g, 0, PAGE, true, iov, 3);
    if (n > 0) {
        memcpy(iov[0].iov_base, "here", 4);
        gmem_unpin(g, 0, PAGE, true, iov, (unsigned)n);
    } else {
        assert_int_equal(n, -EFAULT);
        tick();
        n = gmem_pin(g, 0, PAGE, true, iov, 3);
        assert_int_equal(n, 1);
        memcpy(iov[0].iov_base, "here", 4);
        gmem_unpin(g, 0, PAGE, true, iov, 1);
    }
    char was[4];
    assert_int_equal(pread(h.fd, was, 4, 0), 4);
    assert_memory_equal(was, "here", 4);
    gmem_xen_free(g);
    close(h.fd);
}

/* Many more chunks than the cache holds: the oldest go. */
static void test_chunks_come_and_go(void **state)
{
    struct xenforeignmemory_handle h = {.fd = -1};
    struct gmem *g = gmem_over(&h);
    uint8_t out;

    h.endless = true;
    for (uint64_t i = 0; i < 2 * GMEM_CHUNKS_MAX + 2; i++)
        assert_int_equal(gmem_read(g, i * CHUNK, &out, 1), 0);
    gmem_xen_free(g);
    close(h.fd);
}

/* Pins outlive an INVALIDATE, but there is an end of places to map at. */
static void test_places_run_out(void **state)
{
    struct xenforeignmemory_handle h = {.fd = -1};
    struct gmem *g = gmem_over(&h);
    struct iovec *iov = calloc(2 * GMEM_CHUNKS_MAX, sizeof(*iov)), last[1];

    assert_non_null(iov);
    h.endless = true;
    for (uint64_t i = 0; i < 2 * GMEM_CHUNKS_MAX; i++) {
        if (i == GMEM_CHUNKS_MAX)
            gmem_xen_invalidate(g);
        assert_int_equal(gmem_pin(g, i * CHUNK, 1, true, &iov[i], 1), 1);
    }
    gmem_xen_invalidate(g);
    for (uint64_t i = 0; i < 4; i++)
        if (gmem_pin(g, i * CHUNK, 1, true, last, 1) == 1)
            gmem_unpin(g, i * CHUNK, 1, true, last, 1);
    for (uint64_t i = 0; i < 2 * GMEM_CHUNKS_MAX; i++)
        gmem_unpin(g, i * CHUNK, 1, true, &iov[i], 1);
    assert_int_equal(gmem_pin(g, 0, 1, true, last, 1), 1);
    gmem_unpin(g, 0, 1, true, last, 1);
    free(iov);
    gmem_xen_free(g);
    close(h.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_write),
        cmocka_unit_test(test_ram_after_many_holes),
        cmocka_unit_test(test_chunks_come_and_go),
        cmocka_unit_test(test_places_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
