/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "place.h"
#include "xen_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#define ROM_GFN   0xc0u
#define ROM_PAGES 0x40u
#define ACPI_S3   3

static struct xen *of(struct hv *hv)
{
    return (struct xen *)hv;
}

static int neg(int rc)
{
    return rc ? -errno : 0;
}

static int claim(struct hv *hv, enum space s, uint64_t base, uint64_t len,
                 bool on)
{
    struct xen *x = of(hv);
    int mmio = s == SPACE_MMIO;

    if (on)
        return neg(xendevicemodel_map_io_range_to_ioreq_server(
            x->dmod, x->domid, x->id, mmio, base, base + len - 1));
    return neg(xendevicemodel_unmap_io_range_from_ioreq_server(
        x->dmod, x->domid, x->id, mmio, base, base + len - 1));
}

static int claim_pci(struct hv *hv, unsigned devfn, bool on)
{
    struct xen *x = of(hv);
    uint8_t slot = (uint8_t)(devfn >> 3 & 31), fn = devfn & 7;

    if (on)
        return neg(xendevicemodel_map_pcidev_to_ioreq_server(
            x->dmod, x->domid, x->id, 0, 0, slot, fn));
    return neg(xendevicemodel_unmap_pcidev_from_ioreq_server(
        x->dmod, x->domid, x->id, 0, 0, slot, fn));
}

static int isa_irq(struct hv *hv, unsigned irq, bool level)
{
    struct xen *x = of(hv);

    return neg(xendevicemodel_set_isa_irq_level(x->dmod, x->domid, (uint8_t)irq,
                                                level));
}

static int pci_intx(struct hv *hv, unsigned slot, unsigned pin, bool level)
{
    struct xen *x = of(hv);

    return neg(xendevicemodel_set_pci_intx_level(
        x->dmod, x->domid, 0, 0, (uint8_t)slot, (uint8_t)pin, level));
}

static int pci_link(struct hv *hv, unsigned link, unsigned irq)
{
    struct xen *x = of(hv);

    return neg(xendevicemodel_set_pci_link_route(x->dmod, x->domid,
                                                 (uint8_t)link, (uint8_t)irq));
}

static int msi(struct hv *hv, uint64_t addr, uint32_t data)
{
    struct xen *x = of(hv);

    return neg(xendevicemodel_inject_msi(x->dmod, x->domid, addr, data));
}

static int rom_lock(struct hv *hv, bool on)
{
    struct xen *x = of(hv);

    return neg(xendevicemodel_set_mem_type(x->dmod, x->domid,
                                           on ? HVMMEM_ram_ro : HVMMEM_ram_rw,
                                           ROM_GFN, ROM_PAGES));
}

static int hv_shut(struct hv *hv, enum hv_shutdown why)
{
    static const uint8_t reason[] = {
        [HV_POWEROFF] = SHUTDOWN_poweroff,
        [HV_REBOOT] = SHUTDOWN_reboot,
        [HV_CRASH] = SHUTDOWN_crash,
        [HV_WATCHDOG] = SHUTDOWN_watchdog,
    };
    struct xen *x = of(hv);

    return neg(xendevicemodel_shutdown(x->dmod, x->domid, reason[why]));
}

static int hv_suspend(struct hv *hv, bool on)
{
    struct xen *x = of(hv);

    return neg(xc_hvm_param_set(x->xc, x->domid, HVM_PARAM_ACPI_S_STATE,
                                on ? ACPI_S3 : 0));
}

const struct hv_ops xen_hv_ops = {
    .claim = claim,
    .claim_pci = claim_pci,
    .isa_irq = isa_irq,
    .pci_intx = pci_intx,
    .pci_link = pci_link,
    .msi = msi,
    .vram_alloc = xen_vram_alloc,
    .vram_ptr = xen_vram_ptr,
    .vram_move = xen_vram_move,
    .vram_dirty = xen_vram_dirty,
    .vram_wrote = xen_vram_wrote,
    .rom_lock = rom_lock,
    .shutdown = hv_shut,
    .suspend = hv_suspend,
};

static int open_handles(struct xen *x, struct err *e)
{
    static const char remedy[] =
        "run hvmd as root in dom0 of a running Xen, with the xen-privcmd and "
        "xen-evtchn modules loaded";

    x->dmod = xendevicemodel_open(NULL, 0);
    if (!x->dmod)
        return err_set(e, -errno,
                       "cannot open Xen's device-model interface "
                       "(/dev/xen/privcmd: %s): %s",
                       strerror(errno), remedy);
    x->fmem = xenforeignmemory_open(NULL, 0);
    if (!x->fmem)
        return err_set(e, -errno,
                       "cannot open Xen's foreign memory interface "
                       "(/dev/xen/privcmd: %s): %s",
                       strerror(errno), remedy);
    x->evtchn = xenevtchn_open(NULL, 0);
    if (!x->evtchn)
        return err_set(e, -errno,
                       "cannot open Xen's event channels "
                       "(/dev/xen/evtchn: %s): %s",
                       strerror(errno), remedy);
    x->xc = xc_interface_open(NULL, NULL, 0);
    if (!x->xc)
        return err_set(e, -errno,
                       "cannot open Xen's control interface (%s): "
                       "%s",
                       strerror(errno), remedy);
    return 0;
}

struct xen *xen_open(unsigned domid, uint64_t ram_bytes,
                     uint64_t low_limit_bytes, struct log *log, struct err *e)
{
    struct xen *x = calloc(1, sizeof(*x));
    int rc;

    if (!x) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    x->hv.ops = &xen_hv_ops;
    x->log = log;
    x->domid = (domid_t)domid;
    x->vram_gfn = place_staging_gfn(ram_bytes, low_limit_bytes);
    x->vram_staging_gfn = x->vram_gfn;
    rc = open_handles(x, e);
    if (!rc)
        rc = xen_server_create(x, e);
    if (!rc) {
        x->gmem = gmem_xen_new(x->fmem, x->dmod, x->domid);
        if (!x->gmem)
            rc = err_set(e, -ENOMEM, "out of memory for the map cache");
    }
    if (rc < 0) {
        xen_close(x);
        return NULL;
    }
    return x;
}

void xen_close(struct xen *x)
{
    if (!x)
        return;
    xen_server_destroy(x);
    xen_vram_unmap(x);
    if (x->gmem)
        gmem_xen_free(x->gmem);
    if (x->xc)
        xc_interface_close(x->xc);
    if (x->evtchn)
        xenevtchn_close(x->evtchn);
    if (x->fmem)
        xenforeignmemory_close(x->fmem);
    if (x->dmod)
        xendevicemodel_close(x->dmod);
    free(x->vram_bits);
    free(x->vram_wrote);
    free(x->vram_gfns);
    free(x);
}

struct hv *xen_hv(struct xen *x)
{
    return &x->hv;
}

struct gmem *xen_gmem(struct xen *x)
{
    return x->gmem;
}

unsigned xen_vcpus(const struct xen *x)
{
    return x->vcpus;
}

int xen_power_button(struct xen *x)
{
    return neg(xc_domain_send_trigger(x->xc, x->domid,
                                      XEN_DOMCTL_SENDTRIGGER_POWER, 0));
}
