/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening of a tap, and what to tell the administrator when it fails. */
#include "tap.h"

#include <hvmd/loop.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

/* Since Linux 6.2; the header that C compilers find may be older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* What the kernel would take as a pattern or refuse without a reason. */
static int check_name(const char *ifname, struct err *e)
{
    if (!ifname[0])
        return err_set(e, -EINVAL, "-netdev tap: ifname= is empty");
    if (strlen(ifname) >= IFNAMSIZ)
        return err_set(e, -EINVAL,
                       "-netdev tap: ifname=%.64s is longer than the %d "
                       "characters of an interface name",
                       ifname, IFNAMSIZ - 1);
    if (strpbrk(ifname, "%/: \t\n") || !strcmp(ifname, ".") ||
        !strcmp(ifname, ".."))
        return err_set(e, -EINVAL,
                       "-netdev tap: ifname=%s is no interface name", ifname);
    return 0;
}

static int open_tun(const char *ifname, struct err *e)
{
    int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        return err_set(e, -errno,
                       "-netdev tap,ifname=%s: " TUN_PATH
                       " is missing: load the driver with modprobe tun",
                       ifname);
    return err_set(e, -errno,
                   "-netdev tap,ifname=%s: cannot open " TUN_PATH ": %s",
                   ifname, strerror(errno));
}

/*
 * What the host may leave to us, from most to least; an interface that was
 * there before may have been left with more than we understand.
 */
static void set_offload(int fd, bool vnet)
{
    const unsigned long tcp =
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    const unsigned long steps[] = {tcp | TUN_F_USO4 | TUN_F_USO6, tcp,
                                   TUN_F_CSUM, 0};
    unsigned i;

    for (i = vnet ? 0 : 3; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (ioctl(fd, TUNSETOFFLOAD, steps[i]) == 0)
            return;
}

static bool has_vnet(int fd)
{
    unsigned features = 0;

    return ioctl(fd, TUNGETFEATURES, &features) == 0 &&
           (features & IFF_VNET_HDR);
}

static int attach(int fd, const char *ifname, bool *vnet, struct err *e)
{
    const int bytes = TAP_VNET_BYTES;
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int code;

    *vnet = *vnet && has_vnet(fd);
    if (*vnet)
        ifr.ifr_flags |= IFF_VNET_HDR;
    memcpy(ifr.ifr_name, ifname, strlen(ifname) + 1);
    if (ioctl(fd, TUNSETIFF, &ifr) == 0) {
        if (!*vnet || ioctl(fd, TUNSETVNETHDRSZ, &bytes) == 0) {
            set_offload(fd, *vnet);
            return 0;
        }
        return err_set(e, -errno,
                       "-netdev tap,ifname=%s: its frame header cannot be set "
                       "(%s): delete the interface or choose another name",
                       ifname, strerror(errno));
    }
    code = -errno;
    if (code == -EBUSY)
        return err_set(e, code,
                       "-netdev tap,ifname=%s: the interface is in use: end "
                       "the other process or choose another name",
                       ifname);
    if (code == -EPERM)
        return err_set(e, code,
                       "-netdev tap,ifname=%s: not allowed to create the "
                       "interface: root or CAP_NET_ADMIN is needed",
                       ifname);
    if (code == -EINVAL || code == -EEXIST)
        return err_set(e, code,
                       "-netdev tap,ifname=%s: an interface of that name "
                       "exists and is not a plain tap: choose another name",
                       ifname);
    return err_set(e, code, "-netdev tap,ifname=%s: cannot create it: %s",
                   ifname, strerror(-code));
}

static struct net *open_name(struct loop *loop, const char *ifname, bool vnet,
                             struct err *e)
{
    struct net *n;
    int fd;

    if (check_name(ifname, e) < 0)
        return NULL;
    fd = open_tun(ifname, e);
    if (fd < 0)
        return NULL;
    if (attach(fd, ifname, &vnet, e) < 0) {
        close(fd);
        return NULL;
    }
    n = tap_new(loop, fd, vnet);
    if (!n) {
        close(fd);
        err_set(e, -ENOMEM, "-netdev tap,ifname=%s: out of memory", ifname);
    }
    return n;
}

struct net *net_tap_open(struct loop *loop, const char *ifname, struct err *e)
{
    return open_name(loop, ifname, true, e);
}

struct net *tap_open_plain(struct loop *loop, const char *ifname, struct err *e)
{
    return open_name(loop, ifname, false, e);
}

struct net *net_tap_open_fd(struct loop *loop, int fd, struct err *e)
{
    const int bytes = TAP_VNET_BYTES;
    struct ifreq ifr = {0};
    int flags = fcntl(fd, F_GETFL);
    struct net *n;
    bool vnet;

    if (flags < 0 || ioctl(fd, TUNGETIFF, &ifr) < 0) {
        err_set(e, -EINVAL,
                "-netdev tap,fd=%d: that descriptor is no tap: open "
                "it before hvmd is started",
                fd);
        return NULL;
    }
    /* IFF_NO_PI it does not tell: that bit says something else here. */
    if (!(ifr.ifr_flags & IFF_TAP)) {
        err_set(e, -EINVAL,
                "-netdev tap,fd=%d: the interface must be opened with IFF_TAP "
                "and IFF_NO_PI",
                fd);
        return NULL;
    }
    vnet = ifr.ifr_flags & IFF_VNET_HDR;
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
        (vnet && ioctl(fd, TUNSETVNETHDRSZ, &bytes) < 0)) {
        err_set(e, -errno, "-netdev tap,fd=%d: cannot be set up: %s", fd,
                strerror(errno));
        return NULL;
    }
    set_offload(fd, vnet);
    n = tap_new(loop, fd, vnet);
    if (!n)
        err_set(e, -ENOMEM, "-netdev tap,fd=%d: out of memory", fd);
    return n;
}
