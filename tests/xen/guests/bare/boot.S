/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector of the bare-metal guests: loads the payload (sectors 1 to 64 of the
 * BIOS disk) to 0x10000 with int 13h/42h, fetches the BIOS memory map and, when the
 * word at 0x1b0 asks for it, sets a VBE mode with a linear frame buffer; then
 * switches to flat 32-bit protected mode and calls the payload. What it found:
 *   0x8000  u32 number of memory map entries, then the entries, 20 bytes each
 *   0x7000  VBE mode information block; its first byte is 0 in text mode */
        .code16
        .section .boot, "ax"
        .globl _boot
_boot:  ljmp $0, $1f
1:      cli
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        sti
        cld
        movb $0x42, %ah
        movw $dap, %si
        int $0x13
        xorl %ebx, %ebx
        movw $0x8004, %di
        movl %ebx, 0x8000
2:      movl $0xe820, %eax
        movl $20, %ecx
        movl $0x534d4150, %edx
        int $0x15
        jc 3f
        addw $20, %di
        incl 0x8000
        testl %ebx, %ebx
        jnz 2b
3:      movw $0, 0x7000
        movw vbe_mode, %cx
        jcxz 4f
        movw $0x4f01, %ax
        movw $0x7000, %di
        int $0x10
        movw $0x4f02, %ax
        movw vbe_mode, %bx
        orw $0x4000, %bx
        int $0x10
4:      cli
        inb $0x92, %al
        orb $2, %al
        outb %al, $0x92
        lgdt gdtr
        movl %cr0, %eax
        orl $1, %eax
        movl %eax, %cr0
        ljmp $0x10, $5f
        .code32
5:      movw $0x18, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw %ax, %fs
        movw %ax, %gs
        movl $0x90000, %esp
        movl $0x10000, %eax
        call *%eax
6:      hlt
        jmp 6b
        .balign 4
dap:    .byte 16, 0
        .word 64            /* sectors */
        .word 0, 0x1000     /* to 1000:0000 */
        .quad 1             /* from LBA 1 */
        .balign 8
gdt:    .quad 0, 0          /* code 0x10, data 0x18, as Linux wants them */
        .quad 0x00cf9a000000ffff
        .quad 0x00cf92000000ffff
gdtr:   .word . - gdt - 1
        .long gdt
        .org 0x1b0
vbe_mode:
        .word 0             /* set by the image's builder */
        .org 510
        .word 0xaa55

        .section .head, "ax"
        .globl _head
_head:  jmp 1f
        .balign 4
        .globl params
params: .long 0, 0
1:      jmp bare_main
