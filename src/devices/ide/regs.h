/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register and command names of the ATA task file, the ATAPI packet interface
 * and the PIIX3 bus-master function. Units: none, bits and numbers only.
 * Sources: T13 ATA/ATAPI-6 clauses 7 and 8, ATA8-ACS; SFF-8020i and MMC-3;
 * Intel 82371SB (PIIX3) 2.3 and 2.7; Bus Master IDE programming interface 1.0.
 */
#ifndef IDE_REGS_H
#define IDE_REGS_H

/* Command block, offsets from 1f0 / 170 */
#define ATA_DATA   0u
#define ATA_ERROR  1u /* read; write: features */
#define ATA_NSECT  2u
#define ATA_LBAL   3u
#define ATA_LBAM   4u
#define ATA_LBAH   5u
#define ATA_DEVICE 6u
#define ATA_STATUS 7u /* read; write: command */

/* Status */
#define ST_ERR  0x01u
#define ST_DRQ  0x08u
#define ST_DSC  0x10u
#define ST_DF   0x20u
#define ST_DRDY 0x40u
#define ST_BSY  0x80u
#define ST_OK   (ST_DRDY | ST_DSC)

/* Error */
#define ER_ABRT        0x04u
#define ER_IDNF        0x10u
#define ER_UNC         0x40u
#define ER_DIAG_PASSED 0x01u

/* Device */
#define DEV_HEAD 0x0fu
#define DEV_DEV1 0x10u
#define DEV_LBA  0x40u
#define DEV_ONES 0xa0u /* obsolete, read as written in old drives */

/* Device control */
#define CTL_NIEN 0x02u
#define CTL_SRST 0x04u
#define CTL_HOB  0x80u

/* Interrupt reason (sector count register of a packet device) */
#define IR_COD 0x01u
#define IR_IO  0x02u

/* Bus master, offsets in one channel's eight bytes */
#define BM_COMMAND 0u
#define BM_STATUS  2u
#define BM_PRDT    4u

#define BM_CMD_START  0x01u
#define BM_CMD_RWCON  0x08u
#define BM_ST_ACTIVE  0x01u
#define BM_ST_ERROR   0x02u
#define BM_ST_INTR    0x04u
#define BM_ST_CAPABLE 0x60u /* software's note: drive 0, 1 can do DMA */

#define PRD_EOT         0x80000000u
#define PRD_BYTES       8u
#define PRD_TABLE_BYTES 65536u /* a table stays in its 64 KiB */

/* PIIX3 configuration */
#define PIIX_IDETIM  0x40u
#define PIIX_SIDETIM 0x44u
#define PIIX_UDMACTL 0x48u
#define PIIX_UDMATIM 0x4au

/* ATA commands */
#define CMD_NOP                 0x00u
#define CMD_DSM                 0x06u
#define CMD_DEVICE_RESET        0x08u
#define CMD_RECALIBRATE         0x10u
#define CMD_READ                0x20u
#define CMD_READ_NORETRY        0x21u
#define CMD_READ_EXT            0x24u
#define CMD_READ_DMA_EXT        0x25u
#define CMD_READ_NATIVE_EXT     0x27u
#define CMD_READ_MULTI_EXT      0x29u
#define CMD_READ_LOG_EXT        0x2fu
#define CMD_WRITE               0x30u
#define CMD_WRITE_NORETRY       0x31u
#define CMD_WRITE_EXT           0x34u
#define CMD_WRITE_DMA_EXT       0x35u
#define CMD_SET_MAX_EXT         0x37u
#define CMD_WRITE_MULTI_EXT     0x39u
#define CMD_WRITE_VERIFY        0x3cu
#define CMD_WRITE_DMA_FUA_EXT   0x3du
#define CMD_VERIFY              0x40u
#define CMD_VERIFY_NORETRY      0x41u
#define CMD_VERIFY_EXT          0x42u
#define CMD_SEEK                0x70u
#define CMD_DIAGNOSTIC          0x90u
#define CMD_INIT_PARAMS         0x91u
#define CMD_PACKET              0xa0u
#define CMD_IDENTIFY_PACKET     0xa1u
#define CMD_SMART               0xb0u
#define CMD_READ_MULTI          0xc4u
#define CMD_WRITE_MULTI         0xc5u
#define CMD_SET_MULTI           0xc6u
#define CMD_READ_DMA            0xc8u
#define CMD_READ_DMA_NORETRY    0xc9u
#define CMD_WRITE_DMA           0xcau
#define CMD_WRITE_DMA_NORETRY   0xcbu
#define CMD_WRITE_MULTI_FUA_EXT 0xceu
#define CMD_STANDBY_NOW         0xe0u
#define CMD_IDLE_NOW            0xe1u
#define CMD_STANDBY             0xe2u
#define CMD_IDLE                0xe3u
#define CMD_READ_BUFFER         0xe4u
#define CMD_CHECK_POWER         0xe5u
#define CMD_SLEEP               0xe6u
#define CMD_FLUSH               0xe7u
#define CMD_WRITE_BUFFER        0xe8u
#define CMD_FLUSH_EXT           0xeau
#define CMD_IDENTIFY            0xecu
#define CMD_SET_FEATURES        0xefu
#define CMD_READ_NATIVE         0xf8u
#define CMD_SET_MAX             0xf9u

/* SMART features (ATA8-ACS 7.52) */
#define SMART_READ_DATA       0xd0u
#define SMART_READ_THRESHOLDS 0xd1u
#define SMART_AUTOSAVE        0xd2u
#define SMART_SAVE            0xd3u
#define SMART_OFFLINE         0xd4u
#define SMART_READ_LOG        0xd5u
#define SMART_WRITE_LOG       0xd6u
#define SMART_ENABLE          0xd8u
#define SMART_DISABLE         0xd9u
#define SMART_STATUS          0xdau
#define SMART_AUTO_OFFLINE    0xdbu

/* Packet commands (MMC-3, SPC) */
#define MMC_TEST_UNIT_READY   0x00u
#define MMC_REQUEST_SENSE     0x03u
#define MMC_INQUIRY           0x12u
#define MMC_MODE_SELECT_6     0x15u
#define MMC_MODE_SENSE_6      0x1au
#define MMC_START_STOP        0x1bu
#define MMC_PREVENT_ALLOW     0x1eu
#define MMC_READ_CAPACITY     0x25u
#define MMC_READ_10           0x28u
#define MMC_SEEK              0x2bu
#define MMC_VERIFY            0x2fu
#define MMC_SYNC_CACHE        0x35u
#define MMC_READ_SUBCHANNEL   0x42u
#define MMC_READ_TOC          0x43u
#define MMC_GET_CONFIGURATION 0x46u
#define MMC_GET_EVENT         0x4au
#define MMC_DISC_INFO         0x51u
#define MMC_TRACK_INFO        0x52u
#define MMC_MODE_SELECT_10    0x55u
#define MMC_MODE_SENSE_10     0x5au
#define MMC_BUFFER_CAPACITY   0x5cu
#define MMC_READ_12           0xa8u
#define MMC_READ_DVD          0xadu
#define MMC_READ_CD_MSF       0xb9u
#define MMC_SET_SPEED         0xbbu
#define MMC_MECHANISM_STATUS  0xbdu
#define MMC_READ_CD           0xbeu

/* Sense keys */
#define SK_NONE      0x0u
#define SK_NOT_READY 0x2u
#define SK_MEDIUM    0x3u
#define SK_HARDWARE  0x4u
#define SK_ILLEGAL   0x5u
#define SK_ATTENTION 0x6u
#define SK_ABORTED   0xbu

/* Additional sense: code << 8 | qualifier */
#define ASC_NONE           0x0000u
#define ASC_UNRECOVERED    0x1100u
#define ASC_BAD_LENGTH     0x1a00u
#define ASC_BAD_OPCODE     0x2000u
#define ASC_BAD_LBA        0x2100u
#define ASC_BAD_CDB        0x2400u
#define ASC_BAD_PARAM      0x2600u
#define ASC_MEDIUM_CHANGED 0x2800u
#define ASC_POWER_ON       0x2900u
#define ASC_CANNOT_READ    0x3002u
#define ASC_NO_SAVING      0x3900u
#define ASC_NO_MEDIUM      0x3a00u
#define ASC_TRAY_CLOSED    0x3a01u
#define ASC_TRAY_OPEN      0x3a02u
#define ASC_TRANSPORT      0x4b00u /* data phase error */
#define ASC_LOCKED         0x5302u
#define ASC_EJECT_REQUEST  0x5a01u
#define ASC_BAD_TRACK_MODE 0x6400u

#endif
