#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Includes point down, and device code cannot end the process: greps the sources for
# what the architecture forbids. Prints each offence as FILE:LINE: why; status 1 if any.
#   layering.sh ROOT        checks ROOT/src and ROOT/include
#   layering.sh --self-test checks that each rule finds a planted offence
set -u
export LC_ALL=C

libc='assert|ctype|endian|errno|inttypes|limits|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|sys/uio|time'

# report WHY FILE...: what is read from stdin as FILE:LINE:TEXT becomes offences
offences=0
report() {
    local why=$1 line
    while IFS= read -r line; do
        printf '%s: %s\n' "$(cut -d: -f1,2 <<< "$line")" "$why"
        offences=$((offences + 1))
    done
}

# sources DIR...: C files, without the tests and fixtures that sit beside them
sources() {
    find "$@" \( -name '*.c' -o -name '*.h' -o -name '*.def' \) \
        ! -name '*_test.[ch]' ! -name '*_fuzz.[ch]' ! -name '*_fixture.[ch]' \
        ! -name '*_bench.[ch]' ! -name 'rig.[ch]' 2> /dev/null | sort
}

# strip FILE...: copies below $tmp/code with comments and strings blanked out
strip() {
    rm -rf "$tmp/code"
    mkdir -p "$tmp/code"
    perl -e '
        use File::Path qw(make_path);
        undef $/;
        my $to = shift;
        for my $name (@ARGV) {
            open(my $in, "<", $name) or die "$name: $!";
            my $text = <$in>;
            $text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*")}
                {defined $3 ? "\"\"" : do { (my $c = $1 // $2) =~ s/[^\n]//g; $c }}gse;
            (my $dir = "$to/$name") =~ s{/[^/]*$}{};
            make_path($dir);
            open(my $out, ">", "$to/$name") or die "$name: $!";
            print $out $text;
        }' "$tmp/code" "$@"
}

# code PATTERN: grep in what strip() left
code() {
    (cd "$tmp/code" && grep -rnE "$1" .) | sed 's|^\./||'
}

# includes PATTERN FILE...: include lines that match none of the allowed PATTERN
includes() {
    local allowed=$1
    shift
    [ $# -gt 0 ] || return 0
    grep -nHE '^[[:space:]]*#[[:space:]]*include' "$@" |
        grep -vE "include[[:space:]]+($allowed)"
}

check() {
    local root=$1 f d
    local -a files
    cd "$root" || exit 2

    mapfile -t files < <(sources src include)
    [ ${#files[@]} -gt 0 ] || { echo "no sources below $root"; exit 2; }

    report 'the first line is no SPDX line' < <(
        awk 'FNR == 1 && !/SPDX-License-Identifier: GPL-2.0-or-later/ { print FILENAME ":1:" }' "${files[@]}")

    # The interfaces: libc and each other
    mapfile -t files < <(sources include)
    report 'an interface includes more than libc and hvmd/' < <(
        includes "<(hvmd/[a-z0-9_]+|$libc)\.h>" "${files[@]}")

    # Devices: hvmd/, libc, their own folder
    mapfile -t files < <(sources src/devices)
    report 'a device includes more than hvmd/, libc and its own folder' < <(
        includes "(<(hvmd/[a-z0-9_]+|$libc)\.h>|\"[a-z0-9_]+\.(h|def)\")" "${files[@]}")
    grep -nHoE '^#include "[^"/]+"' "${files[@]}" | while IFS= read -r line; do
        name=${line##*include \"}
        f=${line%%:*}
        [ -e "${f%/*}/${name%\"}" ] || echo "$line"
    done > "$tmp/foreign"
    report 'a device includes a file that is not in its folder' < "$tmp/foreign"
    strip "${files[@]}"
    report 'a device prints' < <(
        code '(^|[^A-Za-z0-9_])(v?f?printf|puts|fputs|perror|syslog)[[:space:]]*\(')
    report 'a device has a variable outside its struct' < <(
        code '^[[:space:]]*static[[:space:]]+' |
            grep -vE 'static[[:space:]]+(inline|const)|\(|static[^=;]*[^;=]$')

    # What a guest's access runs through. No exceptions: _Static_assert is none.
    mapfile -t files < <(sources src/devices src/machine src/ioreq src/block)
    strip "${files[@]}"
    report 'a guest could end the process' < <(
        code '(^|[^A-Za-z0-9_])(abort|exit|_exit|_Exit|quick_exit|assert|err|errx|longjmp|__builtin_trap|__builtin_unreachable)[[:space:]]*\(')

    # No Xen, threads or event loop below the seam; VNC's parser in one place
    mapfile -t files < <(sources src/core src/machine src/devices src/block src/net \
        src/char src/bios src/bench src/vnc)
    report 'Xen is reached only through hvmd/hv.h' < <(
        grep -nHE '#[[:space:]]*include[[:space:]]*<xen' "${files[@]}")
    mapfile -t files < <(sources src/core src/machine src/devices)
    report 'no threads here' < <(
        grep -nHE '#[[:space:]]*include[[:space:]]*<(pthread|threads|sys/epoll)\.h>' "${files[@]}")
    mapfile -t files < <(sources src include | grep -v '^src/vnc/')
    report 'only src/vnc may know libvncserver' < <(
        grep -nHE '#[[:space:]]*include[[:space:]]*<rfb/' "${files[@]}")
    mapfile -t files < <(sources src/core src/devices src/block src/net src/char src/bios)
    report 'an include points up' < <(
        grep -nHE '#[[:space:]]*include[[:space:]]*"(\.\./)+(machine|ioreq|ctl|vnc|sys)/' "${files[@]}")
}

# plant PATH TEXT: a tree with one clean device and this file must be refused
plant() {
    local path=$1 text=$2 tree=$tmp/tree out
    rm -rf "$tree"
    mkdir -p "$tree/include/hvmd" "$tree/src/devices/toy" "$tree/$(dirname "$path")"
    printf '/* SPDX-License-Identifier: GPL-2.0-or-later */\n#include <stdint.h>\n' \
        > "$tree/include/hvmd/toy.h"
    cat > "$tree/src/devices/toy/toy.c" << 'C'
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* assert(x), abort() and printf("x") in a comment are no offence */
#include "toy.h"

#include <hvmd/toy.h>
#include <string.h>

static const int table[] = {1};
static int helper(const char *s);
static const char *name = "exit(1)";
static int toy_exit(int n)
{
    return n + table[0];
}
C
    printf '/* SPDX-License-Identifier: GPL-2.0-or-later */\n' > "$tree/src/devices/toy/toy.h"
    if [ -n "$text" ]; then
        printf '%b\n' "$text" > "$tree/$path"
    fi
    out=$("$self" "$tree") && return 0
    [ -n "$text" ] || echo "$out"
    return 1
}

self_test() {
    local spdx='/* SPDX-License-Identifier: GPL-2.0-or-later */' bad=0 c
    local -a cases=(
        "src/core/a.c|int a;"
        "include/hvmd/a.h|$spdx\n#include <json.h>"
        "include/hvmd/a.h|$spdx\n#include <xenctrl.h>"
        "src/devices/toy/a.c|$spdx\n#include <xendevicemodel.h>"
        "src/devices/toy/a.c|$spdx\n#include <pthread.h>"
        "src/devices/toy/a.c|$spdx\n#include <unistd.h>"
        "src/devices/toy/a.c|$spdx\n#include \"../other/other.h\""
        "src/devices/toy/a.c|$spdx\n#include \"other.h\""
        "src/devices/toy/a.c|$spdx\nvoid f(void)\n{\n    abort();\n}"
        "src/devices/toy/a.c|$spdx\nvoid f(int x)\n{\n    if (x) exit (1);\n}"
        "src/devices/toy/a.c|$spdx\nvoid f(int x)\n{\n    assert(x);\n}"
        "src/devices/toy/a.c|$spdx\nvoid f(int x)\n{\n    /* why */ printf(\"%%d\", x);\n}"
        "src/devices/toy/a.c|$spdx\nstatic unsigned seen;"
        "src/devices/toy/a.c|$spdx\nvoid f(void)\n{\n    static int n = 0;\n}"
        "src/machine/a.c|$spdx\n#include <xenctrl.h>"
        "src/machine/a.c|$spdx\nvoid f(int x)\n{\n    assert(x);\n}"
        "src/ioreq/a.c|$spdx\nvoid f(int x)\n{\n    if (x) abort();\n}"
        "src/block/a.c|$spdx\nvoid f(int x)\n{\n    if (x) __builtin_trap();\n}"
        "src/core/a.c|$spdx\n#include <pthread.h>"
        "src/ctl/a.c|$spdx\n#include <rfb/rfb.h>"
        "src/block/a.c|$spdx\n#include \"../machine/machine.h\""
    )
    plant src/devices/toy/none "" || { echo "a clean tree is refused"; bad=1; }
    for c in "${cases[@]}"; do
        if plant "${c%%|*}" "${c#*|}"; then
            printf 'not found: %s\n' "$c"
            bad=1
        fi
    done
    return $bad
}

self=$(readlink -f "$0")
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
if [ "${1-}" = --self-test ]; then
    self_test
    exit
fi
check "${1:?usage: layering.sh ROOT | --self-test}"
[ "$offences" -eq 0 ]
