#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What layering.sh greps for in the sources, asked of the objects, where no macro
# hides it: code that a guest's access runs through calls nothing that ends the
# process, and allocates only where something is made or opened.
#   objects.sh LIBRARY...           prints each offence; status 1 if there is any
#   objects.sh --finds WHY LIBRARY  status 0 if it finds just this one
set -u
export LC_ALL=C

# what the daemon says of its own devices, before there is a guest
ends_at_start='conf.c.o'
# at start, at a hot-plug, and copies of saved state
makes='(dev|state|pci|vga|pc|vram|gmem_xen|hv_xen|pool|raw|mem|stream|stream_open|udp|tap)\.c\.o'

ends='abort|exit|_exit|_Exit|quick_exit|__assert|__assert_fail|__assert_perror_fail|raise|t?g?kill'
ends+='|pthread_(exit|kill|cancel)|_?_?(sig)?longjmp|__longjmp_chk|v?errx?|error|error_at_line'
ends+='|fork|vfork|system|exec[a-z]+|posix_spawnp?'
allocates='malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|memalign|valloc'
allocates+='|strn?dup|wcsdup|v?asprintf|__v?asprintf_chk|open_memstream|getline|getdelim|sbrk'

# OBJECT SYMBOL of each library
undefined() {
    nm -A -u -- "$@" | sed -nE 's/^.*[/:]([^/:]+\.o): +[Uw] ([^@ ]+).*/\1 \2/p'
}

check() {
    local all
    all=$(undefined "$@") || exit 2
    [ -n "$all" ] || { echo "no symbols in $*"; return; }
    grep -E " ($ends)\$" <<< "$all" | grep -vE "^$ends_at_start " | sed 's/$/: could end the process/'
    grep -E " ($allocates)\$" <<< "$all" | grep -vE "^$makes " | sed 's/$/: allocates/'
}

[ $# -gt 0 ] || { sed -n 's/^#   //p' "$0" >&2; exit 2; }
if [ "$1" = --finds ]; then
    found=$(check "${@:3}")
    [ "$found" = "$2" ] || { echo "wanted '$2', found '$found'"; exit 1; }
    exit
fi
found=$(check "$@")
[ -z "$found" ] || { echo "$found"; exit 1; }
