/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An hvmd-vnc that somebody has taken over, for vnc_test.py: put in the real
 * one's place, it reads what to do from the file "mode" beside it.
 */
#include "proto.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void flood(const struct vnc_msg *m, int fd, double seconds)
{
    struct timespec t;
    double end;

    clock_gettime(CLOCK_MONOTONIC, &t);
    end = (double)t.tv_sec + (double)t.tv_nsec / 1e9 + seconds;
    do {
        vnc_send(VNC_CTL_FD, m, fd);
        clock_gettime(CLOCK_MONOTONIC, &t);
    } while ((double)t.tv_sec + (double)t.tv_nsec / 1e9 < end);
}

static void random_packets(void)
{
    uint8_t buf[sizeof(struct vnc_msg) + 16];

    srandom(1);
    for (unsigned i = 0; i < 1000; i++) {
        for (size_t k = 0; k < sizeof(buf); k++)
            buf[k] = (uint8_t)random();
        send(VNC_CTL_FD, buf, (size_t)random() % sizeof(buf), MSG_DONTWAIT);
    }
}

static void run(const char *mode)
{
    struct vnc_msg m = {0};

    if (!strcmp(mode, "type"))
        m.type = 77;
    else if (!strcmp(mode, "hello"))
        m.type = VNC_HELLO;
    else if (!strcmp(mode, "key-0") || !strcmp(mode, "key-256"))
        m.type = VNC_KEY;
    else if (!strcmp(mode, "wheel") || !strcmp(mode, "far"))
        m.type = VNC_POINTER;
    else if (!strcmp(mode, "demand") || !strcmp(mode, "fds"))
        m.type = VNC_DEMAND;
    else if (!strcmp(mode, "keys"))
        m.type = VNC_KEY;
    else if (!strcmp(mode, "gone") || !strcmp(mode, "slot"))
        m.type = VNC_GONE;
    else if (!strcmp(mode, "ready"))
        m.type = VNC_READY;
    if (!strcmp(mode, "slot"))
        m.client.slot = 1; /* nobody's */
    if (!strcmp(mode, "ready"))
        m.client.slot = 0xffffffff;
    if (!strcmp(mode, "key-256"))
        m.key.code = 256;
    if (!strcmp(mode, "keys"))
        m.key = (typeof(m.key)){0x1e, 1};
    if (!strcmp(mode, "wheel"))
        m.pointer.wheel = -2147483647;
    if (!strcmp(mode, "far"))
        m.pointer.x = m.pointer.y = m.pointer.buttons = 0xffffffff;
    m.demand.now |= !strcmp(mode, "demand");
    if (!strcmp(mode, "random"))
        random_packets();
    else if (!strcmp(mode, "empty"))
        send(VNC_CTL_FD, "", 0, 0);
    else if (!strcmp(mode, "type"))
        send(VNC_CTL_FD, &m, 4, 0);
    else if (!strcmp(mode, "demand") || !strcmp(mode, "keys") ||
             !strcmp(mode, "fds"))
        flood(&m, !strcmp(mode, "fds") ? 0 : -1, 2);
    else if (strcmp(mode, "deaf") && strcmp(mode, "exit"))
        vnc_send(VNC_CTL_FD, &m, -1);
    if (strcmp(mode, "exit"))
        pause();
}

int main(void)
{
    char path[4096 + 8], mode[32] = "";
    ssize_t n = readlink("/proc/self/exe", path, 4096);

    if (n <= 0)
        return 1;
    path[n] = '\0';
    strcpy(strrchr(path, '/') + 1, "mode");
    int fd = open(path, O_RDONLY);
    n = read(fd, mode, sizeof(mode) - 1);
    if (n <= 0)
        return 1;
    run(mode);
    return 0;
}
