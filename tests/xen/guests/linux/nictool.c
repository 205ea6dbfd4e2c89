/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nictool: the network tests' tool in their Linux guest, static.
 *   get ADDRESS PORT         what comes by TCP goes to the standard output
 *   put ADDRESS PORT         the file that is the standard input goes by TCP
 *   mcast DEV JOIN OTHER PORT SECONDS
 *     joins group JOIN on DEV, says so, and counts until a datagram "end" comes
 * or the time is over: datagrams of JOIN, and frames for each group that the
 * card let through */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_packet.h>

static void die(const char *s)
{
    fprintf(stderr, "nictool: %s: %s\n", s, strerror(errno));
    exit(1);
}

static int dial(const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port))};
    int s = socket(AF_INET, SOCK_STREAM, 0);

    if (inet_aton(address, &to.sin_addr) == 0 ||
        connect(s, (struct sockaddr *)&to, sizeof(to)) < 0)
        die(address);
    return s;
}

static int get(const char *address, const char *port)
{
    static char buf[256 << 10];
    int s = dial(address, port);

    for (;;) {
        ssize_t n = read(s, buf, sizeof(buf)), done = 0, k;

        if (n < 0)
            die("receiving");
        if (n == 0)
            return 0;
        for (; done < n; done += k) {
            k = write(1, buf + done, (size_t)(n - done));
            if (k < 0)
                die("writing");
        }
    }
}

static int put(const char *address, const char *port)
{
    int s = dial(address, port);
    struct stat st;
    off_t at = 0;

    if (fstat(0, &st) < 0)
        die("standard input");
    while (at < st.st_size)
        if (sendfile(s, 0, &at, (size_t)(st.st_size - at)) <= 0)
            die("sending");
    shutdown(s, SHUT_WR);
    /* the other side closes when it has everything */
    return read(s, &at, 1) == 0 ? 0 : 1;
}

static void group_mac(const char *group, uint8_t mac[6])
{
    uint32_t a = ntohl(inet_addr(group));

    memcpy(mac, "\x01\x00\x5e", 3);
    mac[3] = (a >> 16) & 0x7f;
    mac[4] = (uint8_t)(a >> 8);
    mac[5] = (uint8_t)a;
}

static int mcast(char **v)
{
    uint8_t join[6], other[6], frame[2048];
    struct ip_mreqn group = {.imr_ifindex = (int)if_nametoindex(v[0])};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(v[3]))};
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_ALL),
                             .sll_ifindex = group.imr_ifindex};
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    int raw = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    unsigned datagrams = 0, joined = 0, others = 0;
    time_t end = time(NULL) + atoi(v[4]);
    struct pollfd p[2] = {{.fd = udp, .events = POLLIN},
                          {.fd = raw, .events = POLLIN}};
    int over = 0;

    group_mac(v[1], join);
    group_mac(v[2], other);
    group.imr_multiaddr.s_addr = inet_addr(v[1]);
    if (bind(udp, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        setsockopt(udp, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
        die("joining");
    if (bind(raw, (struct sockaddr *)&ll, sizeof(ll)) < 0)
        die(v[0]);
    printf("@MCAST joined\n");
    fflush(stdout);
    while (time(NULL) < end) {
        ssize_t n;

        /* what the raw socket still holds is counted after the end */
        if (poll(p, 2, over ? 0 : 500) == 0 && over)
            break;
        if (p[0].revents) {
            n = recv(udp, frame, sizeof(frame), 0);
            over |= n == 3 && !memcmp(frame, "end", 3);
            datagrams += n == 1000;
        }
        if (p[1].revents) {
            n = recv(raw, frame, sizeof(frame), 0);
            joined += n > 1000 && !memcmp(frame, join, 6);
            others += n > 1000 && !memcmp(frame, other, 6);
        }
    }
    printf("@MCAST got %u datagrams, %u frames joined, %u other\n", datagrams,
           joined, others);
    return 0;
}

int main(int argc, char **v)
{
    if (argc == 4 && !strcmp(v[1], "get"))
        return get(v[2], v[3]);
    if (argc == 4 && !strcmp(v[1], "put"))
        return put(v[2], v[3]);
    if (argc == 7 && !strcmp(v[1], "mcast"))
        return mcast(v + 2);
    fprintf(stderr, "nictool: get, put or mcast\n");
    return 2;
}
