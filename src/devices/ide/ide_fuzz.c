/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile guest, back ends and administrator at the IDE function. FUZZ_UNITS
 * says which drives there are: the targets differ by that.
 */
#include "../../bench/steps.h"
#include "priv.h"

#ifndef FUZZ_HEAD /* bytes that tell of the machine */
#define FUZZ_HEAD 0
#endif

#define BM   0xc000u
#define IDE  PCI_DEVFN(1, 1)
#define PRDT 0x2000u
#define RAM  (128u << 10)

/* Bytes that one input reads: what makes raw sectors of a whole DVD takes
 * seconds, and many of them teach no more than some. */
#define READS       (UINT64_C(4) << 20)
#define READS_USUAL (UINT64_C(64) << 10)

/* Images that need no memory: what is read is zero. */
enum { ODD_VAST = -2, ODD_DVD = -3, ODD_READ_ONLY = -4 };

/* Kilobytes; 0: an empty CD drive; odd: of a CD; -1: no drive; ODD_* */
static const int units[4] = {FUZZ_UNITS};

static const struct steps_window windows[] = {
    {IO_PIO, 0x1f0, 8}, {IO_PIO, 0x170, 8}, {IO_PIO, 0x3f6, 1},
    {IO_PIO, 0x376, 1}, {IO_PIO, BM, 16},   {IO_PCI, IDE << 8, 256},
    {IO_PIO, 0x1f0, 1}, /* data, once more: string forms */
};

static uint16_t port_of(unsigned unit)
{
    return unit & 2 ? 0x170 : 0x1f0;
}

static void prepare(struct steps *s, unsigned unit)
{
    uint16_t bm = (uint16_t)(BM + (unit & 2) * 4);

    steps_out(s, bm, 1, 0);
    steps_out(s, bm + BM_STATUS, 1, BM_ST_INTR | BM_ST_ERROR);
    steps_out(s, bm + BM_PRDT, 4, PRDT);
}

static void start(struct steps *s, unsigned unit, bool to_mem)
{
    steps_out(s, (uint16_t)(BM + (unit & 2) * 4), 1,
              BM_CMD_START | (to_mem ? BM_CMD_RWCON : 0));
}

/* a: unit, 4: LBA48, 8: by DMA. feature, count, LBA 3 bytes, command */
static void command(struct steps *s, unsigned a)
{
    uint16_t p = port_of(a);
    uint8_t feature = take8(&s->in), count = take8(&s->in);
    uint32_t lba = (uint32_t)take(&s->in, 3);
    uint8_t cmd = take8(&s->in);

    if (a & 8)
        prepare(s, a);
    steps_out(s, p + ATA_DEVICE, 1,
              DEV_ONES | DEV_LBA | (a & 1 ? DEV_DEV1 : 0));
    if (a & 4)
        for (uint16_t reg = 2; reg < 6; reg++)
            steps_out(s, p + reg, 1, 0);
    steps_out(s, p + ATA_ERROR, 1, feature);
    steps_out(s, p + ATA_NSECT, 1, count);
    steps_out(s, p + ATA_LBAL, 1, lba & 0xff);
    steps_out(s, p + ATA_LBAM, 1, lba >> 8 & 0xff);
    steps_out(s, p + ATA_LBAH, 1, lba >> 16);
    steps_out(s, p + ATA_STATUS, 1, cmd);
    if (a & 8)
        start(s, a, !(feature & 0x80));
}

/* a: unit, 4: by DMA, 8: to the drive. Byte count limit 2 bytes, packet */
static void packet(struct steps *s, unsigned a)
{
    uint16_t p = port_of(a), limit = (uint16_t)take(&s->in, 2);
    uint8_t cdb[12];
    struct io_msg m = {IO_PIO, true, 2, p, 0};

    if (a & 4)
        prepare(s, a);
    steps_out(s, p + ATA_DEVICE, 1, DEV_ONES | (a & 1 ? DEV_DEV1 : 0));
    steps_out(s, p + ATA_ERROR, 1, a >> 2 & 1);
    steps_out(s, p + ATA_LBAM, 1, limit & 0xff);
    steps_out(s, p + ATA_LBAH, 1, limit >> 8);
    steps_out(s, p + ATA_STATUS, 1, CMD_PACKET);
    for (unsigned i = 0; i < sizeof(cdb); i++)
        cdb[i] = take8(&s->in);
    s->seam->rep(s, &m, cdb, 6);
    if (a & 4)
        start(s, a, !(a & 8));
}

/* Entries of the table that prepare() names: address 3 bytes, count 2 */
static void table(struct steps *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t e[2] = {(uint32_t)take(&s->in, 3)};

        e[1] = (uint32_t)take(&s->in, 2) | (i == n - 1 ? PRD_EOT : 0);
        steps_poke(s, PRDT + i * 8, e, 8);
    }
}

static int odd_submit(struct blk *b, struct blk_req *r)
{
    if (r->op == BLK_READ)
        for (unsigned i = 0; i < r->niov; i++)
            memset(r->iov[i].iov_base, 0, r->iov[i].iov_len);
    return 0;
}

static const struct blk_ops odd_ops = {.submit = odd_submit};

static struct blk odd_image(int kind)
{
    return (struct blk){.ops = &odd_ops,
                        .size_bytes = kind == ODD_VAST  ? UINT64_C(1) << 60
                                      : kind == ODD_DVD ? UINT64_C(4) << 30
                                                        : 1u << 20,
                        .read_only = kind != ODD_VAST,
                        .can_discard = kind == ODD_READ_ONLY,
                        .phys_block_bytes = kind == ODD_VAST ? 4096 : 512};
}

static void administrator(struct steps *s, unsigned a)
{
    struct dev *d = s->dev[0];
    unsigned unit = take8(&s->in) & 7;
    struct blk *b = ide_unit_blk(d, unit);

    if (!b && unit < 4)
        b = s->blk[unit];

    switch (a) {
    case 0:
    case 1:
        ide_cd_eject(d, unit, a & 1);
        break;
    case 2:
    case 3:
        ide_cd_insert(d, unit, b, a & 1);
        break;
    case 4:
        ide_disk_detach(d, unit);
        s->still = false; /* a restore finds its size gone */
        break;
    default:
        MUST(!ide_cd_locked(d, unit) || ide_unit_is_cd(d, unit));
        MUST(!ide_cd_tray_open(d, unit) || ide_unit_is_cd(d, unit));
        MUST(!ide_unit_is_disk(d, unit) || !ide_unit_is_cd(d, unit));
        ide_unit_idle(d, unit);
        break;
    }
}

static void own(struct steps *s, unsigned n, unsigned a)
{
    if (n == 0)
        command(s, a);
    else if (n == 1)
        packet(s, a);
    else if (a & 8)
        table(s, 1 + (a & 7));
    else
        administrator(s, a);
}

static unsigned own_bytes(struct bytes in, unsigned n, unsigned a)
{
    return n == 0 ? 6 : n == 1 ? 14 : a & 8 ? 5 * (1 + (a & 7)) : 1;
}

static void place(struct steps *s)
{
    steps_cfg(s, IDE, 0x20, 4, BM);
    steps_cfg(s, IDE, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

const struct steps_map fuzz_map = {
    STEPS_WINDOWS(windows),
    .own = own,
    .own_bytes = own_bytes,
    .place = place,
    .head = FUZZ_HEAD,
    .bulk = true,
    .usual = 64,
    .saves = 1,
};

/* What a toolstack may ask for and cannot have. */
static void refused(struct steps *s, uint8_t how, const struct conf *good)
{
    struct pci_dev pci = {.devfn = 0};
    const struct pci_id id = {.vendor = 0x1234};
    struct dev toy = {.env = s->b->env};
    uint8_t cfg[256] = {0};
    struct conf c = *good;
    struct blk small = {.ops = &odd_ops, .size_bytes = 100};

    if (how & 1) {
        conf_set_num(&c, "present0", 1);
        conf_set_num(&c, "cdrom0", 0);
        conf_set_ptr(&c, "blk0", how & 2 ? &small : NULL);
    } else {
        pci_setup(&pci, &toy, cfg, &id);
        MUST(!pci_add(s->b->env.pci, &pci, how & 2 ? IDE : 0));
        if (!(how & 2))
            steps_add(s, &ide_ops, good);
    }
    steps_refused(s, &ide_ops, &c);
}

/*
 * Requests of a channel in one turn: of an access, a timer, what a back end
 * or the administrator does. No turn is longer than a stretch of ide_run().
 */
struct counted {
    struct blk_ops ops; /* first: a disk's ops lead here */
    const struct blk_ops *real;
    struct world *w;
    unsigned chan;
};

struct world {
    struct blk odd[4];
    struct conf conf;
    struct counted counted[4];
    struct steps *s;
    struct steps_seam seam;
    const struct steps_seam *real;
    struct turn {
        uint64_t now_ns, bytes;
        unsigned reqs;
    } turn[2];
    bool many; /* of a string operation each element is a turn */
    uint64_t read_bytes;
};

static void turn_ends(struct steps *s)
{
    struct world *w = s->ctx;

    memset(w->turn, 0, sizeof(w->turn));
    for (unsigned n = 0; s->ndevs && n < 2; n++)
        MUST(((struct ide *)s->dev[0])->chan[n].loads <= 2 * IDE_RUN_PRDS);
}

static uint64_t counted_io(struct steps *s, const struct io_msg *m)
{
    uint64_t v = ((struct world *)s->ctx)->real->io(s, m);

    turn_ends(s);
    return v;
}

static void uncounted_rep(struct steps *s, const struct io_msg *m, void *buf,
                          size_t n)
{
    struct world *w = s->ctx;

    w->many = true;
    w->real->rep(s, m, buf, n);
    w->many = false;
}

static int counted_submit(struct blk *b, struct blk_req *r)
{
    const struct counted *c = (const struct counted *)b->ops;
    struct turn *t = &c->w->turn[c->chan];
    uint64_t now_ns = c->w->s->b->now_ns;

    /* timers of one step are at different times */
    if (t->now_ns != now_ns || c->w->many)
        memset(t, 0, sizeof(*t));
    t->now_ns = now_ns;
    if (r->op == BLK_READ || r->op == BLK_WRITE)
        t->bytes += r->len_bytes;
    t->reqs++;
    MUST(t->bytes <= IDE_RUN_MOST + DMA_PIECE);
    MUST(t->reqs <= IDE_RUN_REQS + 2); /* and a flush of each drive */
    if (r->op == BLK_READ) {
        if (c->w->read_bytes > (c->w->s->rare ? READS : READS_USUAL))
            return -EIO;
        c->w->read_bytes += r->len_bytes;
    }
    return c->real->submit(b, r);
}

static void count(struct world *w, unsigned u, struct blk *b)
{
    struct counted *c = &w->counted[u];

    c->ops = *b->ops;
    c->ops.submit = counted_submit;
    c->real = b->ops;
    c->w = w;
    c->chan = u / 2;
    b->ops = &c->ops;
}

/* key: 4: no function yet, 8: a long serial number */
static void build(struct steps *s, unsigned key)
{
    static const char *const keys[4][3] = {{"present0", "cdrom0", "blk0"},
                                           {"present1", "cdrom1", "blk1"},
                                           {"present2", "cdrom2", "blk2"},
                                           {"present3", "cdrom3", "blk3"}};
    struct world *w = calloc(1, sizeof(*w));
    struct conf *c = &w->conf;

    s->ctx = w;
    s->saved_most = IDE_SAVED_REGS + 2 * IDE_SAVED_MOST;
    w->s = s;
    steps_begin(s, &fuzz_map, NULL, 0, RAM);
    w->real = s->seam;
    w->seam = *s->seam;
    w->seam.io = counted_io;
    w->seam.rep = uncounted_rep;
    s->seam = &w->seam;
    s->b->mirror_end = 16u << 20;
    s->still = true;
    for (unsigned u = 0; u < 4; u++) {
        bool cd = units[u] == 0 || units[u] & 1;

        if (units[u] == -1)
            continue;
        cd = units[u] < 0 ? units[u] == ODD_DVD : cd;
        conf_set_num(c, keys[u][0], 1);
        conf_set_num(c, keys[u][1], cd);
        w->odd[u] = odd_image(units[u]);
        if (units[u] < 0)
            conf_set_ptr(c, keys[u][2], &w->odd[u]);
        else if (units[u])
            s->blk[u] = blk_mem_new((uint64_t)(units[u] & ~1) << 10, cd);
        if (s->blk[u])
            conf_set_ptr(c, keys[u][2], s->blk[u]);
        if (s->blk[u] || units[u] < 0)
            count(w, u, s->blk[u] ? s->blk[u] : &w->odd[u]);
    }
    if (key & 8)
        conf_set_str(c, "serial0", "a serial number that is too long");
    if (!(key & 4))
        steps_add(s, &ide_ops, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = {data, len};
    struct steps *s;
    uint8_t how = 0;

    if (FUZZ_HEAD)
        how = take8(&in);
    s = steps_kept(in, how & (how & 4 ? 4 : 8), build);
    if (how & 4)
        refused(s, how, &((struct world *)s->ctx)->conf);
    else
        steps_run(s, turn_ends);
    steps_back(s);
    return 0;
}
