/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the 16550A and the parallel port, private to this folder.
 * Source: PC16550D data sheet, table II and section 8.
 */
#ifndef UART_REGS_H
#define UART_REGS_H

#include "uart.h"

/* Offsets; RBR and THR are 0, with LCR.DLAB 0 and 1 are the divisor. */
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define THR RBR
#define FCR IIR

#define IER_ERBFI 0x01u /* received data */
#define IER_ETBEI 0x02u /* transmitter empty */
#define IER_ELSI  0x04u /* line status */
#define IER_EDSSI 0x08u /* modem status */
#define IER_MASK  0x0fu

#define IIR_NONE 0x01u
#define IIR_MSI  0x00u
#define IIR_THRE 0x02u
#define IIR_RDA  0x04u
#define IIR_LSI  0x06u
#define IIR_CTI  0x0cu /* character timeout */
#define IIR_FIFO 0xc0u

#define FCR_ENABLE  0x01u
#define FCR_CLR_RX  0x02u
#define FCR_CLR_TX  0x04u
#define FCR_TRIGGER 0xc0u
#define FCR_KEPT    0xc9u /* with the DMA mode, which has no pin here */

#define LCR_WLS   0x03u
#define LCR_STB   0x04u
#define LCR_PEN   0x08u
#define LCR_BREAK 0x40u
#define LCR_DLAB  0x80u

#define MCR_DTR  0x01u
#define MCR_RTS  0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u /* gates the interrupt on a PC */
#define MCR_LOOP 0x10u
#define MCR_MASK 0x1fu

#define LSR_DR      0x01u
#define LSR_OE      0x02u
#define LSR_PE      0x04u
#define LSR_FE      0x08u
#define LSR_BI      0x10u
#define LSR_THRE    0x20u
#define LSR_TEMT    0x40u
#define LSR_FIFOERR 0x80u
#define LSR_ERRORS  0x1eu

#define MSR_DCTS  0x01u
#define MSR_DDSR  0x02u
#define MSR_TERI  0x04u
#define MSR_DDCD  0x08u
#define MSR_CTS   0x10u
#define MSR_DSR   0x20u
#define MSR_RI    0x40u
#define MSR_DCD   0x80u
#define MSR_LINES 0xf0u

#define UART_FIFO 16u
#define UART_BAUD 115200u /* at divisor 1 */

/* All that the guest can observe. */
struct uart_regs {
    uint8_t ier, fcr, lcr, mcr, msr, scr;
    uint8_t dll, dlm;
    uint8_t lsr_err;      /* OE, PE, FE, BI as the next LSR read shows them */
    uint8_t thre_pending; /* THRE interrupt not yet seen in IIR */
    uint8_t timeout;      /* character timeout */
    uint8_t rx_head, rx_len;
    uint8_t tx_head, tx_len;
    uint8_t pad;
    uint8_t rx[UART_FIFO];
    uint8_t rx_err[UART_FIFO]; /* LSR bits that came with the byte */
    uint8_t tx[UART_FIFO];
};

/* Parallel port */
enum { LPT_DATA, LPT_STATUS, LPT_CONTROL };
#define LPT_S_ERROR  0x08u /* lines active low read 1 at rest */
#define LPT_S_SELECT 0x10u
#define LPT_S_ACK    0x40u
#define LPT_S_READY  0x80u /* BUSY inverted */
#define LPT_S_UNUSED 0x07u
#define LPT_C_STROBE 0x01u
#define LPT_C_INIT   0x04u
#define LPT_C_SELECT 0x08u
#define LPT_C_IRQEN  0x10u
#define LPT_C_MASK   0x3fu
#define LPT_C_UNUSED 0xc0u

struct parport_regs {
    uint8_t data, control;
    uint8_t busy; /* out has not been taken yet */
    uint8_t out;  /* the byte strobed last */
    uint8_t irq;  /* ACK came, status not read since */
};

#endif
