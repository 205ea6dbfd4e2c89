/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A boot sector that goes by cylinder, head and sector as DOS does: tells by the
 * serial line what geometry the BIOS shows of its disk, then the text of the sector
 * whose address is in the words at 0x1b0 (CX and DX of int 13h/02h). */
        .code16
        .globl _start
_start: ljmp $0, $1f
1:      xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        sti
        cld
        movb $0x08, %ah
        movb $0x80, %dl
        int $0x13
        jc fail
        movw %cx, %bp
        movw $geometry, %si
        call puts
        movb %dh, %al
        call hex
        movw %bp, %ax
        movb %al, %cl
        movb %ah, %al
        call hex
        movb %cl, %al
        call hex
        movw $end, %si
        call puts
        xorw %ax, %ax
        movw %ax, %es
        movw $0x0201, %ax
        movw at, %cx
        movw at + 2, %dx
        movw $0x7e00, %bx
        int $0x13
        jc fail
        movw $0x7e00, %si
        call puts
2:      hlt
        jmp 2b
fail:   movw $error, %si
        call puts
        jmp 2b

hex:    pushw %ax
        shrb $4, %al
        call 3f
        popw %ax
        andb $15, %al
3:      addb $'0', %al
        cmpb $'9', %al
        jbe putc
        addb $('a' - '0' - 10), %al
putc:   pushw %dx
        movw $0x3f8, %dx
        outb %al, %dx
        popw %dx
        ret
puts:   lodsb
        testb %al, %al
        jz 4f
        call putc
        jmp puts
4:      ret

geometry: .asciz "@GEOMETRY "
end:    .asciz "\n"
error:  .asciz "@ERROR int 13h\n"
        .org 0x1b0
at:     .word 0, 0
        .org 0x1fe
        .word 0xaa55
