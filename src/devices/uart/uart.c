/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 16550A. A byte written is transmitted at once, whatever the divisor:
 * guests are not held to the speed of a wire. While the byte stream refuses
 * output, THR or FIFO stay full and drivers wait as for a slow line.
 *
 * CTS, DSR and DCD are always there: a guest that honours them must not lose
 * its console because a viewer left.
 */
#include "regs.h"

#include <errno.h>
#include <hvmd/chardev.h>
#include <string.h>

struct uart {
    struct dev dev;
    struct uart_regs r;
    struct irq irq;
    struct timer timer; /* character timeout */
    struct chr *chr;
    struct chr_line line; /* as told to chr */
};

static bool fifo_on(const struct uart *u)
{
    return u->r.fcr & FCR_ENABLE;
}

static uint8_t fifo_size(const struct uart *u)
{
    return fifo_on(u) ? UART_FIFO : 1;
}

static uint8_t trigger(const struct uart *u)
{
    static const uint8_t level[4] = {1, 4, 8, 14};

    return fifo_on(u) ? level[u->r.fcr >> 6] : 1;
}

static uint8_t iir_id(const struct uart *u)
{
    const struct uart_regs *r = &u->r;

    if ((r->ier & IER_ELSI) && r->lsr_err)
        return IIR_LSI;
    if ((r->ier & IER_ERBFI) && r->rx_len >= trigger(u))
        return IIR_RDA;
    if ((r->ier & IER_ERBFI) && r->timeout && r->rx_len)
        return IIR_CTI;
    if ((r->ier & IER_ETBEI) && r->thre_pending)
        return IIR_THRE;
    if ((r->ier & IER_EDSSI) && (r->msr & ~MSR_LINES))
        return IIR_MSI;
    return IIR_NONE;
}

static void irq_update(struct uart *u)
{
    /* Looped back, the OUT2 pin is inactive (section 8.6). */
    bool on = (u->r.mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

    irq_set(&u->irq, on && iir_id(u) != IIR_NONE);
}

static struct chr_line line_get(const struct uart *u)
{
    const struct uart_regs *r = &u->r;
    unsigned div = (unsigned)r->dlm << 8 | r->dll;
    struct chr_line l = {
        /* Divisor 0 is undefined: as 1 (CVE-2016-8669). */
        .bits_per_s = UART_BAUD / (div ? div : 1),
        .data_bits = (uint8_t)(5 + (r->lcr & LCR_WLS)),
        .stop_bits = r->lcr & LCR_STB ? 2 : 1,
        .parity = 'N',
    };

    if (r->lcr & LCR_PEN)
        l.parity = r->lcr & 0x10 ? 'E' : 'O';
    return l;
}

static uint64_t char_ns(const struct uart *u)
{
    struct chr_line l = line_get(u);
    unsigned bits = 1u + l.data_bits + (l.parity != 'N') + l.stop_bits;

    return bits * NS_PER_S / (l.bits_per_s ? l.bits_per_s : 1);
}

static void line_tell(struct uart *u)
{
    struct chr_line l = line_get(u);

    if (!u->chr || !u->chr->ops->line || (u->r.lcr & LCR_DLAB))
        return;
    if (l.bits_per_s == u->line.bits_per_s && l.parity == u->line.parity &&
        l.data_bits == u->line.data_bits && l.stop_bits == u->line.stop_bits)
        return;
    u->line = l;
    u->chr->ops->line(u->chr, &l);
}

/* Bytes below the trigger level become an interrupt after four characters. */
static void timeout_arm(struct uart *u)
{
    if (fifo_on(u) && u->r.rx_len && u->r.rx_len < trigger(u))
        timer_set(&u->timer, clock_now(u->dev.env.clock) + 4 * char_ns(u));
    else
        timer_cancel(&u->timer);
}

static void timeout_fire(void *ctx)
{
    struct uart *u = ctx;

    if (u->r.rx_len)
        u->r.timeout = 1;
    irq_update(u);
}

static void room_tell(struct uart *u)
{
    uint8_t room = 0;

    if (!u->chr)
        return;
    if (!(u->r.mcr & MCR_LOOP) && u->r.rx_len < fifo_size(u))
        room = (uint8_t)(fifo_size(u) - u->r.rx_len);
    u->chr->ops->rx_room(u->chr, room);
}

/* The errors of the byte that is next to be read show in LSR. */
static void rx_expose(struct uart *u)
{
    struct uart_regs *r = &u->r;

    if (!r->rx_len)
        return;
    r->lsr_err |= r->rx_err[r->rx_head % UART_FIFO];
    r->rx_err[r->rx_head % UART_FIFO] = 0;
}

static void rx_put(struct uart *u, uint8_t val, uint8_t err)
{
    struct uart_regs *r = &u->r;
    uint8_t at;

    if (r->rx_len >= fifo_size(u)) {
        r->lsr_err |= LSR_OE;
        if (fifo_on(u))
            return; /* lost in the shift register */
        r->rx_len = 0;
    }
    at = (uint8_t)((r->rx_head + r->rx_len) % UART_FIFO);
    r->rx[at] = val;
    r->rx_err[at] = err;
    r->rx_len++;
    if (r->rx_len == 1)
        rx_expose(u);
    r->timeout = 0;
}

static uint8_t rx_get(struct uart *u)
{
    struct uart_regs *r = &u->r;
    uint8_t val;

    if (!r->rx_len)
        return 0;
    val = r->rx[r->rx_head % UART_FIFO];
    r->rx_head = (uint8_t)((r->rx_head + 1) % UART_FIFO);
    r->rx_len--;
    r->timeout = 0;
    rx_expose(u);
    timeout_arm(u);
    irq_update(u);
    if (!r->rx_len)
        room_tell(u);
    return val;
}

static void rx_clear(struct uart *u)
{
    u->r.rx_head = u->r.rx_len = 0;
    u->r.timeout = 0;
    memset(u->r.rx_err, 0, sizeof(u->r.rx_err));
    timer_cancel(&u->timer);
}

static void uart_rx(void *dev, const uint8_t *buf, size_t len)
{
    struct uart *u = dev;

    for (size_t i = 0; i < len && i < UART_FIFO; i++)
        rx_put(u, buf[i], 0);
    timeout_arm(u);
    irq_update(u);
}

static void tx_flush(struct uart *u)
{
    struct uart_regs *r = &u->r;
    size_t n, len;

    while (r->tx_len && u->chr) {
        len = UART_FIFO - r->tx_head % UART_FIFO;
        if (len > r->tx_len)
            len = r->tx_len;
        n = u->chr->ops->write(u->chr, r->tx + r->tx_head % UART_FIFO, len);
        if (!n || n > len)
            return;
        r->tx_head = (uint8_t)((r->tx_head + n) % UART_FIFO);
        r->tx_len = (uint8_t)(r->tx_len - n);
    }
    r->tx_len = 0;
    r->thre_pending = 1;
}

static void tx_put(struct uart *u, uint8_t val)
{
    struct uart_regs *r = &u->r;

    r->thre_pending = 0;
    if (r->mcr & MCR_LOOP) {
        rx_put(u, val & (0xff >> (3 - (r->lcr & LCR_WLS))), 0);
        timeout_arm(u);
        r->thre_pending = 1;
    } else if (!r->tx_len &&
               (!u->chr || u->chr->ops->write(u->chr, &val, 1) == 1)) {
        r->thre_pending = 1;
    } else if (r->tx_len < fifo_size(u)) {
        r->tx[(r->tx_head + r->tx_len) % UART_FIFO] = val;
        r->tx_len++;
    } else if (!fifo_on(u)) {
        r->tx[r->tx_head % UART_FIFO] = val; /* THR is overwritten */
    }
    irq_update(u);
}

static void uart_tx_ready(void *dev)
{
    struct uart *u = dev;

    if (!u->r.tx_len)
        return;
    tx_flush(u);
    irq_update(u);
}

static uint8_t msr_lines(const struct uart *u)
{
    uint8_t m = u->r.mcr;

    if (!(m & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((m & MCR_RTS ? MSR_CTS : 0) | (m & MCR_DTR ? MSR_DSR : 0) |
                     (m & MCR_OUT1 ? MSR_RI : 0) |
                     (m & MCR_OUT2 ? MSR_DCD : 0));
}

static void msr_update(struct uart *u)
{
    uint8_t was = u->r.msr, now = msr_lines(u);
    uint8_t changed = (was ^ now) & MSR_LINES;

    if (changed & MSR_RI & now) /* only its trailing edge counts */
        changed &= (uint8_t)~MSR_RI;
    u->r.msr = (uint8_t)(now | (was & ~MSR_LINES) | changed >> 4);
}

/* A break that is looped back arrives as a zero byte. */
static void break_loop(struct uart *u)
{
    if (!(u->r.lcr & LCR_BREAK) || !(u->r.mcr & MCR_LOOP))
        return;
    rx_put(u, 0, LSR_BI);
    timeout_arm(u);
}

static void fcr_write(struct uart *u, uint8_t val)
{
    struct uart_regs *r = &u->r;

    if ((val ^ r->fcr) & FCR_ENABLE)
        val |= FCR_CLR_RX | FCR_CLR_TX;
    if (!(val & FCR_ENABLE))
        r->fcr = 0; /* the other bits take only with it */
    else
        r->fcr = val & FCR_KEPT;
    if (val & FCR_CLR_RX)
        rx_clear(u);
    if ((val & FCR_CLR_TX) && r->tx_len) {
        r->tx_len = 0;
        r->thre_pending = 1;
    }
    timeout_arm(u);
    room_tell(u);
}

static void uart_wr(void *dev, uint32_t off, unsigned size, uint64_t val64)
{
    struct uart *u = dev;
    struct uart_regs *r = &u->r;
    uint8_t val = (uint8_t)val64, was;

    switch (off) {
    case THR:
        if (r->lcr & LCR_DLAB) {
            r->dll = val;
            return;
        }
        tx_put(u, val);
        return;
    case IER:
        if (r->lcr & LCR_DLAB) {
            r->dlm = val;
            return;
        }
        was = r->ier;
        r->ier = val & IER_MASK;
        if ((r->ier & ~was & IER_ETBEI) && !r->tx_len)
            r->thre_pending = 1;
        break;
    case FCR:
        fcr_write(u, val);
        break;
    case LCR:
        was = r->lcr;
        r->lcr = val;
        if (!(was & LCR_BREAK))
            break_loop(u);
        line_tell(u);
        break;
    case MCR:
        was = r->mcr;
        r->mcr = val & MCR_MASK;
        msr_update(u);
        if ((was ^ r->mcr) & MCR_LOOP) {
            break_loop(u);
            room_tell(u);
        }
        break;
    case SCR:
        r->scr = val;
        return;
    default: /* LSR and MSR are for factory tests */
        return;
    }
    irq_update(u);
}

static uint8_t lsr_read(struct uart *u)
{
    struct uart_regs *r = &u->r;
    unsigned v = r->tx_len ? 0 : LSR_THRE | LSR_TEMT;
    uint8_t any = r->lsr_err;

    if (r->rx_len)
        v |= LSR_DR;
    for (unsigned i = 0; i < r->rx_len && i < UART_FIFO; i++)
        any |= r->rx_err[(r->rx_head + i) % UART_FIFO];
    if (!any)
        return (uint8_t)v; /* as good as always */
    if (fifo_on(u) && (any & (LSR_PE | LSR_FE | LSR_BI)))
        v |= LSR_FIFOERR;
    v |= r->lsr_err;
    r->lsr_err = 0;
    irq_update(u);
    return (uint8_t)v;
}

static uint64_t uart_rd(void *dev, uint32_t off, unsigned size)
{
    struct uart *u = dev;
    struct uart_regs *r = &u->r;
    uint8_t v;

    switch (off) {
    case RBR:
        return r->lcr & LCR_DLAB ? r->dll : rx_get(u);
    case IER:
        return r->lcr & LCR_DLAB ? r->dlm : r->ier;
    case IIR:
        v = iir_id(u);
        if (v == IIR_THRE) {
            r->thre_pending = 0;
            irq_update(u);
        }
        return v | (fifo_on(u) ? IIR_FIFO : 0);
    case LCR:
        return r->lcr;
    case MCR:
        return r->mcr;
    case LSR:
        return lsr_read(u);
    case MSR:
        v = r->msr;
        if (v & ~MSR_LINES) {
            r->msr &= MSR_LINES;
            irq_update(u);
        }
        return v;
    default:
        return r->scr;
    }
}

static const struct io_ops uart_io = {
    .rd = uart_rd, .wr = uart_wr, .min = 1, .max = 1};

static int uart_init(struct dev *d, const struct conf *conf, struct err *e)
{
    struct uart *u = (struct uart *)d;
    struct irq_or *gate = conf_ptr(conf, "irq_or");
    uint64_t base = conf_num(conf, "base", 0x3f8);
    int rc;

    if (gate)
        irq_wire_or(&u->irq, gate, (unsigned)conf_num(conf, "irq_input", 0));
    else
        irq_wire_isa(&u->irq, d->env.hv, (unsigned)conf_num(conf, "irq", 4));
    timer_init(&u->timer, d->env.clock, timeout_fire, u);
    rc = dev_map(d, SPACE_PIO, base, 8, &uart_io);
    if (rc < 0)
        return err_set(e, rc, "the serial port's I/O ports at %#x are taken",
                       (unsigned)base);
    u->chr = conf_ptr(conf, "chr");
    if (u->chr) {
        u->chr->dev = u;
        u->chr->rx = uart_rx;
        u->chr->tx_ready = uart_tx_ready;
    }
    return 0;
}

/* Master reset, table III; what OUT2 and the divisor are then is our say. */
static void uart_reset(struct dev *d, enum reset_kind kind)
{
    struct uart *u = (struct uart *)d;

    timer_cancel(&u->timer);
    u->r = (struct uart_regs){.dll = 12, .thre_pending = 1};
    u->r.msr = msr_lines(u);
    irq_update(u);
    room_tell(u);
}

static void uart_fini(struct dev *d)
{
    struct uart *u = (struct uart *)d;

    timer_cancel(&u->timer);
    if (u->chr) {
        u->chr->ops->rx_room(u->chr, 0);
        u->chr->rx = NULL;
        u->chr->tx_ready = NULL;
        u->chr->dev = NULL;
    }
}

static void uart_loaded(void *dev)
{
    struct uart *u = dev;

    if (u->r.tx_len)
        tx_flush(u);
    timeout_arm(u);
    room_tell(u);
    line_tell(u);
    irq_update(u);
    irq_replay(&u->irq);
}

#define F(m)        FIELD(struct uart_regs, m, 1)
#define FM(m, most) FIELD_MAX(struct uart_regs, m, 1, most)
static const struct field uart_fields[] = {
    FM(ier, IER_MASK),
    FM(fcr, FCR_KEPT),
    F(lcr),
    FM(mcr, MCR_MASK),
    F(msr),
    F(scr),
    F(dll),
    F(dlm),
    FM(lsr_err, LSR_ERRORS),
    FIELD_BOOL(struct uart_regs, thre_pending, 1),
    FIELD_BOOL(struct uart_regs, timeout, 1),
    FM(rx_head, UART_FIFO - 1),
    FM(rx_len, UART_FIFO),
    FM(tx_head, UART_FIFO - 1),
    FM(tx_len, UART_FIFO),
    FM(pad, 0),
    FIELD_ARRAY(struct uart_regs, rx, 1),
    FIELD_ARRAY_MAX(struct uart_regs, rx_err, 1, LSR_ERRORS),
    FIELD_ARRAY(struct uart_regs, tx, 1),
    FIELD_END,
};

static int uart_check(const void *state, struct err *e)
{
    const struct uart_regs *r = state;
    uint8_t most = r->fcr & FCR_ENABLE ? UART_FIFO : 1, errors = r->lsr_err;

    for (unsigned i = 0; i < UART_FIFO; i++)
        errors |= r->rx_err[i];
    if (errors & ~LSR_ERRORS)
        return err_set(e, -EINVAL,
                       "state of uart: fields lsr_err and rx_err have %#x, "
                       "which is no error",
                       errors & ~LSR_ERRORS);

    if (r->fcr & ~FCR_KEPT || (r->fcr && !(r->fcr & FCR_ENABLE)))
        return err_set(e, -EINVAL,
                       "state of uart: field fcr is %#x, no write makes that",
                       r->fcr);
    if (r->rx_len > most || r->tx_len > most)
        return err_set(e, -EINVAL,
                       "state of uart: field %s is %u, without a FIFO it is at "
                       "most %u",
                       r->rx_len > most ? "rx_len" : "tx_len",
                       r->rx_len > most ? r->rx_len : r->tx_len, most);
    return 0;
}

static const struct state_desc uart_state = {
    .name = "uart",
    .version = 1,
    .off = offsetof(struct uart, r),
    .size = sizeof(struct uart_regs),
    .fields = uart_fields,
    .check = uart_check,
    .loaded = uart_loaded,
};

const struct dev_ops uart_ops = {
    .name = "uart",
    .size = sizeof(struct uart),
    .init = uart_init,
    .reset = uart_reset,
    .fini = uart_fini,
    .state = &uart_state,
};
