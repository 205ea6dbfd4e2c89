/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the VGA, by group: name, index, bits a guest can write. All are
 * zero after reset. Source: IBM Video Graphics Array technical reference,
 * chapters "General", "Sequencer", "CRT controller", "Graphics controller",
 * "Attribute controller"; Bochs VBE display interface for the last group.
 */
#ifndef HVMD_VGA_REGS_H
#define HVMD_VGA_REGS_H

/* clang-format off */
#define VGA_SEQUENCER(R)             \
    R(SR_RESET,         0x00, 0x03)  \
    R(SR_CLOCKING,      0x01, 0x3d)  \
    R(SR_MAP_MASK,      0x02, 0x0f)  \
    R(SR_CHAR_MAP,      0x03, 0x3f)  \
    R(SR_MEMORY_MODE,   0x04, 0x0e)

#define VGA_GRAPHICS(R)              \
    R(GR_SET_RESET,     0x00, 0x0f)  \
    R(GR_ENABLE_SR,     0x01, 0x0f)  \
    R(GR_COMPARE,       0x02, 0x0f)  \
    R(GR_ROTATE,        0x03, 0x1f)  \
    R(GR_READ_MAP,      0x04, 0x03)  \
    R(GR_MODE,          0x05, 0x7b)  \
    R(GR_MISC,          0x06, 0x0f)  \
    R(GR_DONT_CARE,     0x07, 0x0f)  \
    R(GR_BIT_MASK,      0x08, 0xff)

/* 0x00..0x0f are the palette, mask 0x3f */
#define VGA_ATTRIBUTE(R)             \
    R(AR_MODE,          0x10, 0xef)  \
    R(AR_OVERSCAN,      0x11, 0xff)  \
    R(AR_PLANES,        0x12, 0x3f)  \
    R(AR_PEL_PAN,       0x13, 0x0f)  \
    R(AR_COLOR_SELECT,  0x14, 0x0f)

#define VGA_CRTC(R)                  \
    R(CR_H_TOTAL,       0x00, 0xff)  \
    R(CR_H_DISPLAY_END, 0x01, 0xff)  \
    R(CR_H_BLANK_START, 0x02, 0xff)  \
    R(CR_H_BLANK_END,   0x03, 0xff)  \
    R(CR_H_SYNC_START,  0x04, 0xff)  \
    R(CR_H_SYNC_END,    0x05, 0xff)  \
    R(CR_V_TOTAL,       0x06, 0xff)  \
    R(CR_OVERFLOW,      0x07, 0xff)  \
    R(CR_PRESET_ROW,    0x08, 0x7f)  \
    R(CR_MAX_SCAN,      0x09, 0xff)  \
    R(CR_CURSOR_START,  0x0a, 0x3f)  \
    R(CR_CURSOR_END,    0x0b, 0x7f)  \
    R(CR_START_HI,      0x0c, 0xff)  \
    R(CR_START_LO,      0x0d, 0xff)  \
    R(CR_CURSOR_HI,     0x0e, 0xff)  \
    R(CR_CURSOR_LO,     0x0f, 0xff)  \
    R(CR_V_SYNC_START,  0x10, 0xff)  \
    R(CR_V_SYNC_END,    0x11, 0xff)  \
    R(CR_V_DISPLAY_END, 0x12, 0xff)  \
    R(CR_OFFSET,        0x13, 0xff)  \
    R(CR_UNDERLINE,     0x14, 0x7f)  \
    R(CR_V_BLANK_START, 0x15, 0xff)  \
    R(CR_V_BLANK_END,   0x16, 0xff)  \
    R(CR_MODE,          0x17, 0xef)  \
    R(CR_LINE_COMPARE,  0x18, 0xff)
/* clang-format on */

#define VGA_REG_ENUM(name, index, wmask) name = index,
enum vga_sr { VGA_SEQUENCER(VGA_REG_ENUM) };
enum vga_gr { VGA_GRAPHICS(VGA_REG_ENUM) };
enum vga_ar { VGA_ATTRIBUTE(VGA_REG_ENUM) };
enum vga_cr { VGA_CRTC(VGA_REG_ENUM) };

#define VGA_SRS 8u
#define VGA_GRS 16u
#define VGA_ARS 32u
#define VGA_CRS 32u

/* Miscellaneous output */
#define MISC_COLOR 0x01u /* CRTC and status at 3dx, not 3bx */
#define MISC_RAM   0x02u /* the window answers */
#define MISC_MASK  0xefu
/* Input status 1 */
#define STATUS_BLANK 0x01u
#define STATUS_VSYNC 0x08u
/* SR_CLOCKING */
#define CLOCKING_8DOT 0x01u
#define CLOCKING_HALF 0x08u
#define CLOCKING_OFF  0x20u
/* SR_MEMORY_MODE */
#define MEMORY_SEQUENTIAL 0x04u /* clear: odd/even */
#define MEMORY_CHAIN4     0x08u
/* GR_MODE */
#define GMODE_WRITE    0x03u
#define GMODE_COMPARE  0x08u
#define GMODE_ODD_EVEN 0x10u
#define GMODE_SHIFT_2  0x20u
#define GMODE_SHIFT_8  0x40u
/* GR_MISC */
#define GMISC_GRAPHICS 0x01u
#define GMISC_MAP(v)   (((v) >> 2) & 3u)
/* AR_MODE */
#define AMODE_LINE_GFX  0x04u
#define AMODE_BLINK     0x08u
#define AMODE_PAN_SPLIT 0x20u /* split part is not panned */
#define AMODE_P54       0x80u
#define AR_INDEX_PAS    0x20u /* palette to the screen: picture on */
/* CR_* */
#define CR11_PROTECT    0x80u
#define CR09_DOUBLE     0x80u
#define CR0A_CURSOR_OFF 0x20u
#define CR14_DWORD      0x40u
#define CR14_COUNT_BY_4 0x20u
#define CR17_ROW0_KEEP  0x01u /* clear: row scan bit 0 is address bit 13 */
#define CR17_ROW1_KEEP  0x02u /* clear: row scan bit 1 is address bit 14 */
#define CR17_LINES_BY_2 0x04u
#define CR17_COUNT_BY_2 0x08u
#define CR17_WRAP_15    0x20u
#define CR17_BYTE       0x40u

/* Bochs VBE display interface: 16-bit registers */
enum vbe_index {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
    VBE_REGS
};
#define VBE_ID_FIRST    0xb0c0u
#define VBE_ID_LAST     0xb0c5u
#define VBE_ENABLED     0x01u
#define VBE_GETCAPS     0x02u
#define VBE_8BIT_DAC    0x20u
#define VBE_LFB         0x40u
#define VBE_NOCLEAR     0x80u
#define VBE_ENABLE_MASK 0xe3u /* all of these */
#define VBE_BANK_SIZE   0x10000u

/* BAR 2, bytes */
#define BAR2_BYTES      0x1000u
#define BAR2_EDID       0x000u
#define BAR2_EDID_END   0x400u
#define BAR2_PORTS      0x400u /* 3c0..3df */
#define BAR2_PORTS_END  0x420u
#define BAR2_VBE        0x500u
#define BAR2_VBE_END    (BAR2_VBE + 2u * VBE_REGS)
#define BAR2_EXT        0x600u
#define BAR2_EXT_ENDIAN 0x604u
#define BAR2_EXT_END    0x608u
#define BAR2_EXT_LITTLE 0x1e1e1e1eu
#define BAR2_EXT_BIG    0xbebebebeu

#endif
