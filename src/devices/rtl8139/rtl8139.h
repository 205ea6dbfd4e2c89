/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTL8139C+ Fast Ethernet controller, which is an RTL8139C until its driver
 * turns the C+ command register on.
 *
 * Properties: "mac" pointer to 6 octets (copied), "net" the cable (borrowed;
 * NULL: none is plugged in), "devfn" number (default PCI_DEVFN_AUTO), "rom"
 * struct rom (borrowed; NULL: no expansion ROM), "revision" 20h (default) or
 * 10h, a plain RTL8139C: drivers tell the two apart by it. Frames go without
 * FCS over the cable. Loop thread only.
 * Source: Realtek RTL8139C(L) data sheet 1.4; RTL8139C(L)+ data sheet 1.6.
 */
#ifndef RTL8139_H
#define RTL8139_H

#include <hvmd/dev.h>
#include <hvmd/net.h>

extern const struct dev_ops rtl8139_ops;

/* The cable as the administrator plugs it; the PHY sees the change. */
void rtl8139_set_link(struct dev *, bool up);
/* Takes the function off the bus, lets go of cable and ROM. Idempotent. */
void rtl8139_unplug(struct dev *);

/* What query-rx-filter reports. */
struct rtl8139_filter {
    uint8_t mac[6];
    bool promiscuous, unicast, multicast, multicast_all, broadcast;
    uint64_t mar; /* hash table, bit n of the register pair MAR0-7 */
    bool link, receiver, transmitter;
};
void rtl8139_filter(const struct dev *, struct rtl8139_filter *);

/* Counted since start, never reset by the guest. */
struct rtl8139_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t rx_filtered; /* not for this station */
    uint64_t rx_held;     /* times the cable was told to wait for room */
    uint64_t rx_errors, tx_errors;
    uint64_t tx_segments; /* large sends handed over whole */
    uint64_t interrupts;  /* rises of INTA */
};
void rtl8139_stats(const struct dev *, struct rtl8139_stats *);

#endif
