/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alphanumeric modes, compared pixel by pixel; the split screen. */
#include "vga_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIN 0xa0000u

static const uint8_t glyph_a[16] = {0x00, 0x00, 0x10, 0x38, 0x6c, 0xc6,
                                    0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6,
                                    0x00, 0x00, 0x00, 0x00};

/* Loads a glyph as a BIOS does: plane 2, sequential, window at a0000. */
static void load_glyph(struct rig *rig, uint32_t map, uint8_t ch,
                       const uint8_t *rows)
{
    rig_seq(rig, SR_MAP_MASK, 4);
    rig_seq(rig, SR_MEMORY_MODE, 7);
    rig_gfx(rig, GR_MODE, 0);
    rig_gfx(rig, GR_MISC, 4);
    for (unsigned r = 0; r < 16; r++)
        rig_poke(rig, WIN + map + ch * 32 + r, rows[r]);
    rig_seq(rig, SR_MAP_MASK, 3);
    rig_seq(rig, SR_MEMORY_MODE, 2);
    rig_gfx(rig, GR_MODE, 0x10);
    rig_gfx(rig, GR_MISC, 0x0e);
}

static void put_char(struct rig *rig, uint32_t cell, uint8_t ch, uint8_t attr)
{
    rig_poke(rig, 0xb8000 + 2 * cell, ch);
    rig_poke(rig, 0xb8001 + 2 * cell, attr);
}

static void check_cell(struct rig *rig, uint32_t x, uint32_t y,
                       const uint8_t *rows, uint32_t fg, uint32_t bg,
                       bool ninth)
{
    for (uint32_t r = 0; r < 16; r++) {
        for (uint32_t d = 0; d < 8; d++)
            assert_int_equal(rig_px(rig, x + d, y + r),
                             rows[r] & 0x80 >> d ? fg : bg);
        assert_int_equal(rig_px(rig, x + 8, y + r),
                         ninth && (rows[r] & 1) ? fg : bg);
    }
}

static void test_text_glyph(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0, 'A', glyph_a);
    put_char(rig, 0, 'A', 0x1e);
    put_char(rig, 81, 'A', 0x07);
    rig_look(rig, true);
    assert_int_equal(rig->viewer->w, 720);
    assert_int_equal(rig->viewer->h, 400);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(14), rig_mode_color(1),
               false);
    check_cell(rig, 9, 16, glyph_a, rig_mode_color(7), rig_mode_color(0),
               false);
    /* Eight dots. */
    rig_seq(rig, SR_CLOCKING, 1);
    rig_attr(rig, AR_PEL_PAN, 0);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig_px(rig, 8 + 3, 16 + 2), rig_mode_color(7));
    /* Forty columns are drawn twice as wide. */
    rig_seq(rig, SR_CLOCKING, 9);
    rig_crt(rig, CR_V_SYNC_END, 0x0e);
    rig_crt(rig, CR_H_DISPLAY_END, 39);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->w, 640);
    assert_int_equal(rig_px(rig, 6, 2), rig_mode_color(14));
    assert_int_equal(rig_px(rig, 7, 2), rig_mode_color(14));
    assert_int_equal(rig_px(rig, 8, 2), rig_mode_color(1));
}

static void test_line_graphics(void **state)
{
    static const uint8_t bar[16] = {0xff, 0x01, 0xfe, 0xff, 0, 0, 0, 0,
                                    0,    0,    0,    0,    0, 0, 0, 1};
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0, 0xc4, bar);
    load_glyph(rig, 0, 0xb4, bar);
    put_char(rig, 0, 0xc4, 0x07);
    put_char(rig, 1, 0xb4, 0x07);
    rig_look(rig, true);
    check_cell(rig, 0, 0, bar, rig_mode_color(7), rig_mode_color(0), true);
    check_cell(rig, 9, 0, bar, rig_mode_color(7), rig_mode_color(0), false);
    rig_attr(rig, AR_MODE, 0x08);
    rig_look(rig, false);
    check_cell(rig, 0, 0, bar, rig_mode_color(7), rig_mode_color(0), false);
}

static void test_two_fonts(void **state)
{
    static const uint8_t solid[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff};
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0x6000, 'A', glyph_a);  /* map 5: 24 KiB */
    load_glyph(rig, 0x4000, 'A', solid);    /* map 1: 16 KiB */
    rig_seq(rig, SR_CHAR_MAP, 0x24 | 0x01); /* A = 5, B = 1 */
    put_char(rig, 0, 'A', 0x0f);
    put_char(rig, 1, 'A', 0x07);
    rig_look(rig, true);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(15), rig_mode_color(0),
               false);
    check_cell(rig, 9, 0, solid, rig_mode_color(7), rig_mode_color(0), false);
}

static void test_cursor(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    put_char(rig, 83, ' ', 0x1e);
    rig_crt(rig, CR_CURSOR_LO, 83);
    rig_look(rig, true);
    /* Rows 13 and 14 of the cell at column 3, row 1, in the foreground. */
    assert_int_equal(rig_px(rig, 27, 16 + 12), rig_mode_color(1));
    for (uint32_t x = 27; x < 36; x++) {
        assert_int_equal(rig_px(rig, x, 16 + 13), rig_mode_color(14));
        assert_int_equal(rig_px(rig, x, 16 + 14), rig_mode_color(14));
    }
    assert_int_equal(rig_px(rig, 27, 16 + 15), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 26, 16 + 13), rig_mode_color(0));
    /* Nothing changes until it blinks; then one cell does. */
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 0);
    bench_step(rig->b, 120 * NS_PER_MS);
    rig_look(rig, false);
    assert_int_equal(rig->viewer->rects, 1);
    assert_int_equal(rig->viewer->pixels, 9 * 16);
    assert_int_equal(rig_px(rig, 27, 16 + 13), rig_mode_color(1));
    bench_step(rig->b, 120 * NS_PER_MS);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 27, 16 + 13), rig_mode_color(14));
    /* Moved: two cells. */
    rig_crt(rig, CR_CURSOR_LO, 85);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 27, 16 + 13), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 45, 16 + 13),
                     rig_mode_color(0)); /* on black: 0 on 0 */
    /* A block, then none: by the bit, and by start after end. */
    rig_crt(rig, CR_CURSOR_LO, 83);
    rig_crt(rig, CR_CURSOR_START, 0);
    rig_crt(rig, CR_CURSOR_END, 15);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 27, 16), rig_mode_color(14));
    rig_crt(rig, CR_CURSOR_START, 0x20);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 27, 16), rig_mode_color(1));
    rig_crt(rig, CR_CURSOR_START, 9);
    rig_crt(rig, CR_CURSOR_END, 9);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 27, 16 + 9), rig_mode_color(14));
    rig_crt(rig, CR_CURSOR_END, 8);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 27, 16 + 9), rig_mode_color(1));
}

/* Its cell was told as changed at each half of a blink that showed nothing. */
static void test_cursor_that_starts_after_its_end(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    put_char(rig, 83, ' ', 0x1e);
    rig_crt(rig, CR_CURSOR_LO, 83);
    rig_crt(rig, CR_CURSOR_START, 9);
    rig_crt(rig, CR_CURSOR_END, 8);
    rig_look(rig, true);
    for (unsigned i = 0; i < 4; i++) {
        bench_step(rig->b, 120 * NS_PER_MS);
        rig_look(rig, false);
        assert_int_equal(rig->viewer->rects, 0);
    }
}

static void test_blink(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0, 'A', glyph_a);
    put_char(rig, 0, 'A', 0x9e);
    put_char(rig, 1, 'A', 0x1e);
    rig_look(rig, true);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(14), rig_mode_color(1),
               false);
    bench_step(rig->b, 240 * NS_PER_MS);
    rig_look(rig, false);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(1), rig_mode_color(1), false);
    check_cell(rig, 9, 0, glyph_a, rig_mode_color(14), rig_mode_color(1),
               false);
    assert_int_equal(rig->viewer->pixels, 9 * 16);
    /* Without blinking: a bright background. */
    rig_attr(rig, AR_MODE, 0x04);
    rig_look(rig, false);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(14), rig_mode_color(9),
               false);
}

static void test_underline(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    rig_crt(rig, CR_UNDERLINE, 13);
    put_char(rig, 0, ' ', 0x01);
    put_char(rig, 1, ' ', 0x07);
    rig_look(rig, true);
    assert_int_equal(rig_px(rig, 0, 13), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 8, 13), rig_mode_color(1));
    assert_int_equal(rig_px(rig, 0, 12), rig_mode_color(0));
    assert_int_equal(rig_px(rig, 9, 13), rig_mode_color(0));
}

static void test_text_scroll(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0, 'A', glyph_a);
    put_char(rig, 80, 'A', 0x07);
    rig_look(rig, true);
    check_cell(rig, 0, 16, glyph_a, rig_mode_color(7), rig_mode_color(0),
               false);
    /* The start address moves the row up; only what differs is drawn. */
    rig_crt(rig, CR_START_LO, 80);
    rig_look(rig, false);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(7), rig_mode_color(0), false);
    assert_true(rig->viewer->pixels <= 9 * 32);
    /* Smooth: seven rows down, one dot left. */
    rig_crt(rig, CR_PRESET_ROW, 7);
    rig_attr(rig, AR_PEL_PAN, 0);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0),
                     rig_mode_color(7)); /* row 7, dot 1: fe */
    assert_int_equal(rig_px(rig, 5, 0), rig_mode_color(7));
    assert_int_equal(rig_px(rig, 6, 0), rig_mode_color(0));
    assert_int_equal(rig_px(rig, 719, 0), rig_mode_color(0));
}

/* Every row of characters at the same address: one run of scan lines that is
 * longer than what is drawn at a time. */
static void test_rows_at_one_address(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0, 'A', glyph_a);
    put_char(rig, 0, 'A', 0x07);
    rig_crt(rig, CR_OFFSET, 0);
    rig_look(rig, true);
    for (uint32_t y = 0; y < 400; y += 16)
        check_cell(rig, 0, y, glyph_a, rig_mode_color(7), rig_mode_color(0),
                   false);
}

/* Lower part from address 0, not panned. */
static void test_split(void **state)
{
    struct rig *rig = *state;

    rig_mode(rig, 0x03);
    rig_crt(rig, CR_CURSOR_START, CR0A_CURSOR_OFF);
    load_glyph(rig, 0, 'A', glyph_a);
    put_char(rig, 0, 'A', 0x07);
    put_char(rig, 4000, 'A', 0x0e);
    rig_crt(rig, CR_START_HI, 4000 >> 8);
    rig_crt(rig, CR_START_LO, 4000 & 255);
    rig_crt(rig, CR_LINE_COMPARE, 199);
    rig_crt(rig, CR_OVERFLOW, 0x0f);
    rig_crt(rig, CR_MAX_SCAN, 0x0f);
    rig_look(rig, true);
    check_cell(rig, 0, 0, glyph_a, rig_mode_color(14), rig_mode_color(0),
               false);
    check_cell(rig, 0, 200, glyph_a, rig_mode_color(7), rig_mode_color(0),
               false);
    /* The same in graphics. */
    rig_mode(rig, 0x12);
    rig_poke(rig, WIN, 0x80);
    rig_poke(rig, WIN + 0x8000, 0x40);
    rig_crt(rig, CR_START_HI, 0x80);
    rig_crt(rig, CR_OVERFLOW, 0x2e);
    rig_crt(rig, CR_MAX_SCAN, 0x00);
    rig_crt(rig, CR_LINE_COMPARE, 99);
    rig_attr(rig, AR_PEL_PAN, 1);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0), rig_mode_color(15));
    assert_int_equal(rig_px(rig, 0, 100), 0); /* panned away */
    rig_attr(rig, AR_MODE, 0x21);
    rig_look(rig, false);
    assert_int_equal(rig_px(rig, 0, 0), rig_mode_color(15));
    assert_int_equal(rig_px(rig, 0, 99), 0);
    assert_int_equal(rig_px(rig, 0, 100), rig_mode_color(15));
    assert_int_equal(rig_px(rig, 1, 100), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(test_text_glyph),
        T(test_line_graphics),
        T(test_two_fonts),
        T(test_cursor),
        T(test_cursor_that_starts_after_its_end),
        T(test_blink),
        T(test_underline),
        T(test_text_scroll),
        T(test_split),
        T(test_rows_at_one_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
