/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's EDID 1.4 base block, made for a preferred mode. Timings follow
 * VESA CVT with reduced blanking. Source: VESA E-EDID standard A.2, section 3.
 */
#include "vga_int.h"

#include <string.h>

#define REFRESH_HZ 60u
#define H_BLANK    160u
#define H_FRONT    48u
#define H_SYNC     32u
#define V_FRONT    3u
#define V_SYNC     6u
#define DPI        96u

static uint32_t size_mm(uint32_t px)
{
    return px * 254 / (DPI * 10);
}

/* Section 3.9: what fits of the usual modes, widest first. */
static void standard_timings(uint8_t *p, uint32_t vram_bytes)
{
    static const struct {
        uint16_t w, h;
        uint8_t aspect; /* 0 16:10, 1 4:3, 2 5:4, 3 16:9 */
    } mode[] = {{1920, 1200, 0}, {1920, 1080, 3}, {1680, 1050, 0},
                {1600, 1200, 1}, {1440, 900, 0},  {1280, 1024, 2},
                {1280, 960, 1},  {1280, 800, 0},  {1152, 864, 1},
                {1280, 720, 3}};
    unsigned n = 0;

    memset(p, 0x01, 16); /* unused */
    for (unsigned i = 0; i < sizeof(mode) / sizeof(mode[0]) && n < 8; i++) {
        if ((uint32_t)mode[i].w * mode[i].h * 4 > vram_bytes)
            continue;
        p[2 * n] = (uint8_t)(mode[i].w / 8 - 31);
        p[2 * n + 1] = (uint8_t)(mode[i].aspect << 6 | (REFRESH_HZ - 60));
        n++;
    }
}

/* Section 3.10.2 */
static void detailed_timing(uint8_t *p, uint32_t w, uint32_t h)
{
    uint32_t v_blank = h / 35 + V_FRONT + V_SYNC + 6;
    uint32_t clock_10khz = (uint32_t)((uint64_t)(w + H_BLANK) * (h + v_blank) *
                                      REFRESH_HZ / 10000);
    uint32_t w_mm = size_mm(w), h_mm = size_mm(h);

    p[0] = (uint8_t)clock_10khz;
    p[1] = (uint8_t)(clock_10khz >> 8);
    p[2] = (uint8_t)w;
    p[3] = (uint8_t)H_BLANK;
    p[4] = (uint8_t)((w >> 8 & 15u) << 4 | H_BLANK >> 8);
    p[5] = (uint8_t)h;
    p[6] = (uint8_t)v_blank;
    p[7] = (uint8_t)((h >> 8 & 15u) << 4 | (v_blank >> 8 & 15u));
    p[8] = (uint8_t)H_FRONT;
    p[9] = (uint8_t)H_SYNC;
    p[10] = (uint8_t)(V_FRONT << 4 | V_SYNC);
    p[11] = 0;
    p[12] = (uint8_t)w_mm;
    p[13] = (uint8_t)h_mm;
    p[14] = (uint8_t)((w_mm >> 8 & 15u) << 4 | (h_mm >> 8 & 15u));
    p[17] = 0x1a; /* digital separate sync, horizontal positive */
}

/* Section 3.10.3: tag and at most 12 characters, ended and padded. */
static void descriptor_text(uint8_t *p, uint8_t tag, const char *text)
{
    unsigned n;

    memset(p, 0, 5);
    p[3] = tag;
    memset(p + 5, ' ', 13);
    for (n = 0; text[n]; n++)
        p[5 + n] = (uint8_t)text[n];
    p[5 + n] = '\n';
}

void vga_edid(uint8_t out[VGA_EDID_BYTES], uint32_t w, uint32_t h,
              uint32_t vram_bytes)
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    /* sRGB primaries and white point, section 3.7 */
    static const uint8_t chroma[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c,
                                       0x99, 0x26, 0x0f, 0x50, 0x54};
    /* vertical 48..75 Hz, horizontal 30..110 kHz, clock 300 MHz */
    static const uint8_t range[18] = {0,  0,    0,    0xfd, 0,  48, 75, 30, 110,
                                      30, 0x01, 0x0a, 32,   32, 32, 32, 32, 32};
    uint8_t sum = 0;

    memset(out, 0, VGA_EDID_BYTES);
    memcpy(out, header, sizeof(header));
    out[8] = 0x22; /* "HVM", five bits a letter */
    out[9] = 0xcd;
    out[10] = 0x11; /* product 1111 */
    out[11] = 0x11;
    out[16] = 1; /* week */
    out[17] = 2025 - 1990;
    out[18] = 1; /* EDID 1.4 */
    out[19] = 4;
    out[20] = 0xa5; /* digital, 8 bits a colour, DisplayPort */
    out[21] = (uint8_t)(size_mm(w) / 10);
    out[22] = (uint8_t)(size_mm(h) / 10);
    out[23] = 120;  /* gamma 2.2 */
    out[24] = 0x06; /* sRGB; the first timing is native */
    memcpy(out + 25, chroma, sizeof(chroma));
    out[35] = 0x21; /* 640x480 and 800x600 at 60 Hz */
    out[36] = 0x08; /* 1024x768 at 60 Hz */
    standard_timings(out + 38, vram_bytes);
    detailed_timing(out + 54, w, h);
    memcpy(out + 72, range, sizeof(range));
    descriptor_text(out + 90, 0xfc, "hvmd screen");
    descriptor_text(out + 108, 0xff, "1");
    for (unsigned i = 0; i < VGA_EDID_BYTES - 1; i++)
        sum = (uint8_t)(sum + out[i]);
    out[127] = (uint8_t)(0x100 - sum);
}
