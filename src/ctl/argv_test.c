/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command lines that libxl was seen to write, and what must be refused. */
#include "argv_lines.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHARDEVS(d)                                                            \
    "-xen-domid " d " -no-shutdown -chardev "                                  \
    "socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-" d                       \
    ",server=on,wait=off -mon chardev=libxl-cmd,mode=control -chardev "        \
    "socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-" d             \
    ",server=on,wait=off -mon chardev=libxenstat-cmd,mode=control "            \
    "-nodefaults -no-user-config "

/* Xen 4.17.7, vcpus=2 maxvcpus=4 memory=256, two disks (raw here), two CDs. */
static const char captured[] = "hvmd " CHARDEVS(
    "1") "-name guesta -vnc 127.0.0.1:0,password=on,to=99 "
         "-display none -k en-us -serial pty -device VGA,vgamem_mb=16 "
         "-boot order=dc -usb -usbdevice tablet -smp 2,maxcpus=4 "
         "-device rtl8139,id=nic0,netdev=net0,mac=00:16:3e:11:22:33 "
         "-netdev type=tap,id=net0,ifname=vif1.0-emu,br=xenbr0,script=no,"
         "downscript=no -machine xenfv,suppress-vmdesc=on -m 240 "
         "-drive file=/img/disk.img,if=ide,index=0,media=disk,format=raw,"
         "cache=writeback "
         "-drive file=/img/d2.img,if=ide,index=1,media=disk,format=raw,"
         "cache=writeback "
         "-drive if=none,readonly=on,id=ide-5632,file=/img/cd.iso,format=raw "
         "-device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0 "
         "-drive if=none,readonly=on,id=ide-5696 "
         "-device ide-cd,id=ide-5696,drive=ide-5696,bus=ide.1,unit=1";

static void test_captured(void **state)
{
    static const uint8_t mac[6] = {0, 0x16, 0x3e, 0x11, 0x22, 0x33};
    struct hvmd_conf c;

    good(&c, captured);
    assert_int_equal(c.action, ARGV_RUN);
    assert_int_equal(c.domid, 1);
    assert_string_equal(c.name, "guesta");
    assert_int_equal(c.nchardevs, 2);
    assert_int_equal(c.nmons, 2);
    assert_int_equal(c.mon[0], 0);
    assert_int_equal(c.mon[1], 1);
    assert_string_equal(c.chardev[0].id, "libxl-cmd");
    assert_string_equal(c.chardev[0].path, "/var/run/xen/qmp-libxl-1");
    assert_int_equal(c.chardev[0].fd, -1);
    assert_true(c.chardev[0].mon && c.chardev[0].socket);
    assert_string_equal(c.chardev[1].path, "/var/run/xen/qmp-libxenstat-1");
    assert_true(c.vnc.on && c.vnc.password && c.vnc.has_to);
    assert_string_equal(c.vnc.host, "127.0.0.1");
    assert_string_equal(c.vnc.text, "127.0.0.1:0,password=on,to=99");
    assert_null(c.vnc.path);
    assert_int_equal(c.vnc.display, 0);
    assert_int_equal(c.vnc.to, 99);
    assert_string_equal(c.keymap, "en-us");
    assert_int_equal(c.nserials, 1);
    assert_string_equal(c.serial[0], "pty");
    assert_int_equal(c.vga, VGA_STD);
    assert_int_equal(c.vgamem_mib, 16);
    assert_string_equal(c.boot_order, "dc");
    assert_true(c.acpi && c.xen_platform && !c.prelaunch);
    assert_int_equal(c.vcpus, 2);
    assert_int_equal(c.max_vcpus, 4);
    assert_int_equal(c.ram_mib, 240);
    assert_int_equal(c.nnics, 1);
    assert_int_equal(c.nic[0].netdev, 0);
    assert_string_equal(c.nic[0].id, "nic0");
    assert_memory_equal(c.nic[0].mac, mac, 6);
    assert_string_equal(c.netdev[0].ifname, "vif1.0-emu");
    assert_string_equal(c.netdev[0].bridge, "xenbr0");
    assert_true(c.ide[0].present && !c.ide[0].cdrom && !c.ide[0].read_only);
    assert_string_equal(c.ide[0].file, "/img/disk.img");
    assert_true(c.ide[0].discard);
    assert_string_equal(c.ide[1].file, "/img/d2.img");
    assert_true(c.ide[2].present && c.ide[2].cdrom && c.ide[2].read_only);
    assert_string_equal(c.ide[2].file, "/img/cd.iso");
    assert_string_equal(c.ide[2].id, "ide-5632");
    assert_true(c.ide[3].present && c.ide[3].cdrom);
    assert_null(c.ide[3].file);
    assert_string_equal(c.ide[3].id, "ide-5696");
    assert_int_equal(c.nnotes, 1); /* no USB */
    argv_free(&c);
    assert_null(c.name);
}

/* libvirt 9.0 on Xen 4.17.7: no <video>, a tablet, a password, an empty CD. */
static void test_captured_libvirt(void **state)
{
    struct hvmd_conf c;

    good(&c, "hvmd " CHARDEVS(
                 "1") "-name virt -vnc 127.0.0.1:0,password=on -display none "
                      "-k en-us -serial pty -device cirrus-vga,vgamem_mb=8 "
                      "-boot order=cd -usb -usbdevice tablet "
                      "-device "
                      "rtl8139,id=nic0,netdev=net0,mac=00:16:3e:50:57:01 "
                      "-netdev type=tap,id=net0,ifname=vif1.0-emu,br=xenbr0,"
                      "script=no,downscript=no "
                      "-machine xenfv,suppress-vmdesc=on -m 248 "
                      "-drive file=/img/a.img,if=ide,index=0,media=disk,"
                      "format=raw,cache=writeback "
                      "-drive if=none,readonly=on,id=ide-5632 "
                      "-device "
                      "ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0");
    assert_true(c.vnc.on && c.vnc.password && !c.vnc.has_to);
    assert_int_equal(c.vnc.display, 0);
    assert_int_equal(c.vga, VGA_CIRRUS);
    assert_int_equal(c.vgamem_mib, 8);
    argv_free(&c);
    /* what it makes of <serial> with a socket */
    good(&c, BASE "-serial unix:/run/s,server,nowait -serial "
                  "tcp:127.0.0.1:4555,server,nowait -serial "
                  "telnet:127.0.0.1:4556,server,nowait -serial udp::4557@:0");
    assert_int_equal(c.nserials, 4);
    argv_free(&c);
}

/* The captured line had a qcow2 image as its second disk. */
static void test_captured_qcow2(void **state)
{
    struct hvmd_conf c;
    struct err e;

    assert_int_equal(
        parse(&c,
              "hvmd -xen-domid 1 -machine xenfv,suppress-vmdesc=on -m 240 "
              "-drive file=/img/d2.qcow2,if=ide,index=1,media=disk,"
              "format=qcow2,cache=writeback",
              &e),
        -ENOTSUP);
    assert_non_null(strstr(e.text, "qemu-img convert"));
    assert_non_null(strstr(e.text, "format=qcow2"));
}

/* dm_restrict=1 of the same run; the restore line had -incoming fd:17. */
static void test_captured_later(void **state)
{
    struct hvmd_conf c;
    struct err e;

    assert_int_equal(
        parse(&c,
              "hvmd -xen-domid 3 -no-shutdown -chardev "
              "socket,id=libxl-cmd,fd=14,server=on,wait=off -S -mon "
              "chardev=libxl-cmd,mode=control -net none -xen-domid-restrict "
              "-chroot /var/run/xen/qemu-root-3 "
              "-machine xenfv,suppress-vmdesc=on -m 48 -runas 131075:131072",
              &e),
        -ENOTSUP);
    assert_non_null(strstr(e.text, "-xen-domid-restrict"));
    good(&c, "hvmd -xen-domid 2 -device rtl8139,id=nic0,netdev=net0 -netdev "
             "type=tap,id=net0,ifname=vif2.0-emu,br=xenbr0,"
             "script=no,downscript=no -incoming fd:17 -machine "
             "xenfv,suppress-vmdesc=on -m 240");
    assert_int_equal(c.incoming_fd, 17);
    assert_false(c.prelaunch);
    argv_free(&c);
    /* The same without what comes later. */
    good(&c, "hvmd -xen-domid 3 -no-shutdown -chardev "
             "socket,id=libxl-cmd,fd=14,server=on,wait=off -S -mon "
             "chardev=libxl-cmd,mode=control -net none -control /run/x "
             "-machine xenfv,suppress-vmdesc=on -m 48");
    assert_true(c.prelaunch);
    assert_string_equal(c.control, "/run/x");
    assert_int_equal(c.chardev[0].fd, 14);
    assert_null(c.chardev[0].path);
    argv_free(&c);
}

static void test_probe(void **state)
{
    struct hvmd_conf c;

    good(&c, "hvmd -S -no-user-config -nodefaults -nographic -machine "
             "none,accel=xen -chardev "
             "socket,id=libxl-cmd,fd=9,server=on,wait=off -mon "
             "chardev=libxl-cmd,mode=control");
    assert_int_equal(c.action, ARGV_PROBE);
    assert_int_equal(c.chardev[0].fd, 9);
    assert_int_equal(c.nmons, 1);
    argv_free(&c);
}

static void test_forms(void **state)
{
    struct hvmd_conf c;

    good(&c, "hvmd --help");
    assert_int_equal(c.action, ARGV_HELP);
    argv_free(&c);
    good(&c, "hvmd -version -nonsense");
    assert_int_equal(c.action, ARGV_VERSION);
    argv_free(&c);

    good(&c, "hvmd --xen-domid 32751 -M pc,accel=xen,suppress-vmdesc=on,"
             "max-ram-below-4g=3221225472 -machine igd-passthru=off "
             "-m 4096 -no-acpi -smp 3 -boot dn -vga cirrus");
    assert_int_equal(c.domid, 32751);
    assert_false(c.xen_platform || c.acpi);
    assert_true(c.max_ram_below_4g_bytes == UINT64_C(3221225472));
    assert_int_equal(c.vcpus, 3);
    assert_int_equal(c.max_vcpus, 3);
    assert_string_equal(c.boot_order, "dn");
    assert_int_equal(c.vga, VGA_CIRRUS);
    assert_int_equal(c.vgamem_mib, 4);
    argv_free(&c);

    good(&c, BASE "-device VGA,vgamem_mb=20");
    assert_int_equal(c.vgamem_mib, 16);
    assert_int_equal(c.nnotes, 1);
    argv_free(&c);
    good(&c, BASE "-device VGA,vgamem_mb=512");
    assert_int_equal(c.vgamem_mib, 256);
    argv_free(&c);
    good(&c, BASE "-device cirrus-vga,vgamem_mb=8");
    assert_int_equal(c.vga, VGA_CIRRUS);
    assert_int_equal(c.vgamem_mib, 8);
    assert_int_equal(c.nnotes, 1);
    assert_non_null(strstr(c.note[0], "cirrus"));
    argv_free(&c);
    good(&c, BASE);
    assert_int_equal(c.vga, VGA_NONE);
    assert_false(c.vnc.on);
    assert_string_equal(c.keymap, "en-us");
    argv_free(&c);
    good(&c, "hvmd -xen-domid 7 -machine xenfv -m 2G");
    assert_int_equal(c.ram_mib, 2048);
    argv_free(&c);
    good(&c, BASE "-chardev pty,id=libxl-channel0 -chardev "
                  "socket,id=libxl-channel1,path=/run/ch,1,server=on,wait=off");
    assert_false(c.chardev[0].socket);
    assert_string_equal(c.chardev[0].opts, "pty,id=libxl-channel0");
    assert_string_equal(c.chardev[1].path, "/run/ch,1");
    assert_false(c.chardev[1].mon);
    argv_free(&c);
    good(&c, BASE "-serial pty -serial file:/a,b -serial null -serial none "
                  "-parallel null");
    assert_int_equal(c.nserials, 4);
    assert_string_equal(c.serial[1], "file:/a,b");
    assert_string_equal(c.parallel, "null");
    argv_free(&c);
}

static void test_vnc(void **state)
{
    struct hvmd_conf c;

    good(&c, BASE "-vnc none");
    assert_false(c.vnc.on);
    argv_free(&c);
    good(&c, BASE "-vnc :5,password");
    assert_true(c.vnc.on && c.vnc.password && !c.vnc.has_to);
    assert_string_equal(c.vnc.host, "");
    assert_int_equal(c.vnc.display, 5);
    assert_int_equal(c.vnc.to, 5);
    argv_free(&c);
    good(&c, BASE "-vnc [::1]:2,to=7,lossy,share=ignore,reverse=off");
    assert_string_equal(c.vnc.host, "::1");
    assert_string_equal(c.vnc.text, "[::1]:2,to=7");
    assert_int_equal(c.vnc.to, 7);
    argv_free(&c);
    good(&c, BASE "-vnc ::1:2,password=on");
    assert_string_equal(c.vnc.host, "::1");
    assert_int_equal(c.vnc.display, 2);
    argv_free(&c);
    good(&c, BASE "-vnc unix:/run/a:b,password=off,to=99");
    assert_string_equal(c.vnc.path, "/run/a:b");
    assert_false(c.vnc.password);
    assert_string_equal(c.vnc.text, "unix:/run/a:b");
    argv_free(&c);
}

/* libxl escapes nothing: the path ends where a known key follows a comma. */
static void test_commas(void **state)
{
    struct hvmd_conf c;
    char *argv[] = {(char *)"hvmd",       (char *)"-xen-domid",
                    (char *)"7",          (char *)"-machine",
                    (char *)"xenfv",      (char *)"-m",
                    (char *)"128",        (char *)"-name",
                    (char *)"a,b=c d,,e", NULL};
    struct err e;

    good(&c, BASE "-drive file=/a,b,,c,x=1,if=ide,index=3,media=disk,"
                  "format=raw,cache=writeback");
    assert_string_equal(c.ide[3].file, "/a,b,,c,x=1");
    argv_free(&c);
    good(&c, BASE "-drive if=none,readonly=on,id=ide-5632,file=/c,.iso,,"
                  ",format=raw -device ide-cd,drive=ide-5632");
    assert_string_equal(c.ide[0].file, "/c,.iso,,");
    argv_free(&c);
    good(&c, BASE "-drive if=ide,file=/end,");
    assert_string_equal(c.ide[0].file, "/end,");
    argv_free(&c);
    assert_int_equal(argv_parse(&c, 9, argv, &e), 0);
    assert_string_equal(c.name, "a,b=c d,,e");
    argv_free(&c);
}

static void test_units(void **state)
{
    struct hvmd_conf c;

    good(&c, BASE "-drive file=/a,if=ide -drive file=/b,if=ide,media=cdrom "
                  "-drive file=/c,id=c,if=none -device ide-hd,drive=c,id=dev,"
                  "serial=S1,bus=ide.1 -device ide-cd");
    assert_string_equal(c.ide[0].file, "/a");
    assert_string_equal(c.ide[1].file, "/b");
    assert_true(c.ide[1].cdrom);
    assert_string_equal(c.ide[2].file, "/c");
    assert_string_equal(c.ide[2].id, "dev");
    assert_string_equal(c.ide[2].serial, "S1");
    assert_true(c.ide[3].present && c.ide[3].cdrom && !c.ide[3].file);
    argv_free(&c);
    /* a placed device keeps its place whatever the order */
    good(&c, BASE "-device ide-cd -device ide-cd,bus=ide.0,unit=0,id=x");
    assert_string_equal(c.ide[0].id, "x");
    assert_true(c.ide[1].present);
    argv_free(&c);
    good(&c, BASE "-drive file=/a,discard=off");
    assert_false(c.ide[0].discard);
    argv_free(&c);
}

static void test_stream(void **state)
{
    struct hvmd_conf c;

    good(&c, BASE "-device rtl8139,netdev=n1,romfile= "
                  "-device rtl8139,netdev=n2,romfile=/a,b "
                  "-netdev stream,id=n1,server=off,reconnect=2,"
                  "addr.type=unix,addr.path=/run/passt.sock "
                  "-netdev type=stream,id=n2,server=on,addr.type=inet,"
                  "addr.host=127.0.0.1,addr.port=4000");
    assert_int_equal(c.nnics, 2);
    assert_string_equal(c.nic[0].romfile, "");
    assert_string_equal(c.nic[1].romfile, "/a,b");
    assert_int_equal(c.nic[1].netdev, 1);
    assert_true(c.netdev[0].stream && c.netdev[1].stream);
    assert_false(c.netdev[0].server);
    assert_true(c.netdev[1].server);
    assert_int_equal(c.netdev[0].reconnect_s, 2);
    assert_string_equal(c.netdev[0].path, "/run/passt.sock");
    assert_null(c.netdev[1].path);
    assert_string_equal(c.netdev[1].host, "127.0.0.1");
    assert_string_equal(c.netdev[1].port, "4000");
    argv_free(&c);

    good(&c, BASE);
    assert_false(c.ignore_unplug);
    argv_free(&c);
    good(&c, BASE "-ignore-unplug");
    assert_true(c.ignore_unplug);
    argv_free(&c);

    good(&c, BASE "-global rtl8139.kind=c -device rtl8139 "
                  "-device rtl8139,kind=cplus,romfile=/a "
                  "-global rtl8139.romfile=");
    assert_int_equal(c.nic[0].revision, 0x10);
    assert_int_equal(c.nic[1].revision, 0x20);
    assert_string_equal(c.nic[0].romfile, "");
    assert_string_equal(c.nic[1].romfile, "/a");
    argv_free(&c);
}

#define DISK "-drive file=/a,if=ide,index=0,format=raw "
#define TAP                                                                    \
    "-netdev type=tap,id=net0,ifname=vif1.0-emu,script=no,downscript=no "
#define NIC "-device rtl8139,id=nic0,netdev=net0,mac="

static const struct bad_row {
    const char *line; /* after BASE, or whole when it begins with "hvmd" */
    const char *word; /* the sentence names it */
} bad[] = {
    {"hvmd", "-xen-domid"},
    {"hvmd -machine xenfv -m 64", "-xen-domid is missing"},
    {"hvmd -xen-domid 1 -m 64", "-machine is missing"},
    {"hvmd -xen-domid 1 -machine xenfv", "-m (guest"},
    {"hvmd -xen-domid 0 -machine xenfv -m 64", "-xen-domid"},
    {"hvmd -xen-domid 32752 -machine xenfv -m 64", "-xen-domid"},
    {"hvmd -xen-domid -1 -machine xenfv -m 64", "-xen-domid"},
    {"hvmd -xen-domid 1x -machine xenfv -m 64", "-xen-domid"},
    {"hvmd -xen-domid '' -machine xenfv -m 64", "-xen-domid"},
    {"hvmd -xen-domid", "needs an argument"},
    {"-xen-domid 7", "given twice"},
    {"-m 128", "-m is given twice"},
    {"hvmd -xen-domid 1 -machine xenfv -m 0", "-m"},
    {"hvmd -xen-domid 1 -machine xenfv -m 99999999999", "-m"},
    {"hvmd -xen-domid 1 -machine xenfv -m 64X", "-m"},
    {"hvmd -xen-domid 1 -machine xenfv -m 99999999999999999999T", "-m"},
    {"hvmd -xen-domid 1 -machine xenfv -m 64,slots=2", "slots"},
    {"hvmd -machine none", "-mon"},
    {"-control run", "-control 'run' must be"},
    {"-control ''", "-control"},
    {"-control /a -control none", "-control is given twice"},
    {"-machine q35", "q35"},
    {"-machine pc,accel=kvm", "kvm"},
    {"-machine pc,hpet=off", "hpet"},
    {"-machine igd-passthru=on", "igd-passthru"},
    {"-machine max-ram-below-4g=1", "max-ram-below-4g"},
    {"-bogus", "-bogus"},
    {"--bogus=1", "bogus"},
    {"-", "unexpected argument '-'"},
    {"--", "unknown option"},
    {"/img/disk.img", "/img/disk.img"},
    {"-smp 0", "-smp cpus"},
    {"-smp 129", "-smp"},
    {"-smp 4,maxcpus=2", "maxcpus"},
    {"-smp 4,cores=2", "cores"},
    {"-smp 2,maxcpus=4,maxcpus=4", "maxcpus is given twice"},
    {"-smp two", "two"},
    {"-boot order=cx", "'x'"},
    {"-boot order=cc", "'c' twice"},
    {"-boot order=", "empty"},
    {"-boot order=acdnc", "-boot order"},
    {"-boot once=d", "once"},
    {"-boot order=c -boot order=d", "-boot is given twice"},
    {"-k ../../etc/passwd", "-k"},
    {"-k ''", "-k"},
    {"-vnc 127.0.0.1", "-vnc"},
    {"-vnc localhost:x", "-vnc"},
    {"-vnc ::1", "IPv6"},
    {"-vnc [::1]", "IPv6"},
    {"-vnc fe80::1,password=on", "IPv6"},
    {"-vnc localhost:-1", "-vnc"},
    {"-vnc localhost:59636", "-vnc"},
    {"-vnc localhost:0,websocket", "websocket"},
    {"-vnc localhost:0,websocket=5700", "websocket"},
    {"-vnc localhost:0,tls-creds=t", "tls-creds"},
    {"-vnc localhost:0,password=maybe", "password"},
    {"-vnc localhost:0,bogus=1", "bogus"},
    {"-vnc localhost:0,to=99999", "to"},
    {"-vnc localhost:0,", "-vnc"},
    {"-vnc unix:", "unix"},
    {"-vnc :0 -vnc :1", "-vnc is given twice"},
    {"-display sdl", "sdl"},
    {"-vga qxl", "qxl"},
    {"-device VGA -device cirrus-vga", "second VGA"},
    {"-device VGA,vgamem_mb=0", "vgamem_mb"},
    {"-device VGA,vgamem_mb=x", "vgamem_mb"},
    {"-device VGA,edid=on", "edid"},
    {"-device qxl-vga,vram_size_mb=64,ram_size_mb=64", "qxl-vga"},
    {"-device lsi53c895a", "lsi53c895a"},
    {"-device ahci,id=ahci0", "ahci"},
    {"-device e1000,id=nic0,netdev=net0,mac=00:16:3e:11:22:33", "rtl8139"},
    {"-device e1000e,netdev=net0", "rtl8139"},
    {"-device virtio-net-pci,netdev=net0", "rtl8139"},
    {"-device intel-hda", "intel-hda"},
    {"-device AC97", "<sound>"},
    {"-device piix3-usb-uhci,id=usb", "piix3-usb-uhci"},
    {"-device xen-pvdevice,device-id=0xc000", "vendor_device"},
    {"-device bogus", "bogus"},
    {"-device ''", "-device"},
    {"-usbdevice host:1.2", "host:1.2"},
    {"-spice port=5900", "-spice"},
    {"-kernel /vmlinuz", "-kernel"},
    {"-initrd /initrd", "-initrd"},
    {"-append quiet", "-append"},
    {"-incoming fd:", "-incoming"},
    {"-incoming fd:0", "-incoming"},
    {"-incoming fd:2", "-incoming"},
    {"-incoming fd:3x", "-incoming"},
    {"-incoming fd:99999999999", "-incoming"},
    {"-incoming tcp:0:4444", "fd:N"},
    {"-incoming exec:cat", "fd:N"},
    {"-incoming defer", "fd:N"},
    {"-runas 1:1", "-runas"},
    {"-run-with user=1:1", "-run-with"},
    {"-chroot /x", "-chroot"},
    {"-xen-domid-restrict", "dm_restrict"},
    {"-xen-attach", "-xen-attach"},
    {"-monitor stdio", "-monitor"},
    {"-domain-name win2008r2", "qemu-dm"},
    {NIC "00:16:3e:11:22 " TAP, "mac"},
    {NIC "00:16:3e:11:22:33:44 " TAP, "mac"},
    {NIC "00:16:3e:11:22:3g " TAP, "mac"},
    {NIC "00-16-3e-11-22-33 " TAP, "mac"},
    {NIC "01:16:3e:11:22:33 " TAP, "mac"},
    {NIC "00:00:00:00:00:00 " TAP, "mac"},
    {NIC "ff:ff:ff:ff:ff:ff " TAP, "mac"},
    {NIC "0:16:3e:11:22:333 " TAP, "mac"},
    {NIC "00:16:3e:11:22:33", "net0"},
    {TAP, "net0"},
    {"-device rtl8139,mac=00:16:3e:00:00:01 -device "
     "rtl8139,mac=00:16:3E:00:00:01",
     "two cards"},
    {NIC "00:16:3e:11:22:33 -device rtl8139,netdev=net0 " TAP, "used already"},
    {"-device rtl8139,id=a -device rtl8139,id=a", "id=a is given twice"},
    {"-device rtl8139,romfile=/x,romfile=/y", "romfile is given twice"},
    {"-netdev user,id=net0", "user"},
    {"-netdev type=tap,id=net0", "ifname"},
    {"-netdev type=tap,ifname=x", "id="},
    {"-netdev type=tap,id=a,ifname=a/b", "a/b"},
    {"-netdev type=tap,id=a,ifname=0123456789abcdef", "ifname"},
    {"-netdev type=tap,id=a,ifname=x,script=/bin/sh", "/bin/sh"},
    {"-netdev type=tap,id=a,ifname=x,vhost=on", "vhost"},
    {TAP TAP, "given twice"},
    {"-netdev stream,id=a", "addr.type=unix"},
    {"-netdev stream,addr.type=unix,addr.path=/x", "id="},
    {"-netdev stream,id=a,addr.type=unix", "addr.path"},
    {"-netdev stream,id=a,addr.type=unix,addr.path=/x,addr.port=1", "addr.por"},
    {"-netdev stream,id=a,addr.type=inet,addr.host=127.0.0.1", "addr.port"},
    {"-netdev stream,id=a,addr.type=fd,addr.path=/x", "addr.type=unix"},
    {"-netdev stream,id=a,server=on,reconnect=1,addr.type=unix,addr.path=/x",
     "reconnect"},
    {"-netdev stream,id=a,server=maybe,addr.type=unix,addr.path=/x", "server"},
    {"-net nic", "-net"},
    {"-global rtl8139.kind=d", "rtl8139.kind"},
    {"-global rtl8139.mac=1", "rtl8139.mac"},
    {"-global VGA.vgamem_mb=8", "VGA.vgamem_mb"},
    {DISK DISK, "IDE unit 0"},
    {DISK "-device ide-cd,bus=ide.0,unit=0", "IDE unit 0"},
    {DISK "-drive file=/b,if=ide,index=0,media=cdrom", "IDE unit 0"},
    {"-drive file=/a,if=ide,index=4", "index"},
    {"-drive file=/a,if=ide,index=-1", "index"},
    {"-drive file=/a,if=ide,index=0,index=1", "index is given twice"},
    {"-drive file=/a,file=/b", "file is given twice"},
    {"-drive if=ide,media=disk,format=raw", "file="},
    {"-drive if=ide,file=,format=raw", "empty"},
    {"-drive file=/a,media=tape", "tape"},
    {"-drive file=/a,format=vpc", "qemu-img convert"},
    {"-drive file=/a,format=qcow2", "raw"},
    {"-drive file=/a,cache=none", "cache"},
    {"-drive file=/a,snapshot=on", "snapshot"},
    {"-drive file=/a,readonly=on", "read-only"},
    {"-drive file=/a,readonly=2", "readonly"},
    {"-drive file=/a,if=scsi", "scsi"},
    {"-drive file=/a,if=floppy", "no floppy controller"},
    {"-fda /a", "no floppy controller"},
    {"-fdb /a", "no floppy controller"},
    {"-drive if=ide,bogus=1,file=/a", "bogus"},
    {"-drive file=/a,if=none", "id="},
    {"-drive file=/a,if=none,id=x", "id=x is used by no"},
    {"-drive file=/a,if=none,id=x,index=1", "index"},
    {"-drive file=/a,if=none,id=x -drive file=/b,if=none,id=x", "twice"},
    {"-drive file=/a,if=none,id=ahcidisk-0,format=raw -device "
     "ide-hd,bus=ahci0.0,unit=0,drive=ahcidisk-0",
     "hdtype"},
    {"-device ide-hd,bus=ide.0", "drive="},
    {"-device ide-hd,drive=none", "drive=none"},
    {"-device ide-cd,bus=ide.2,unit=0", "ide.2"},
    {"-device ide-cd,bus=ide.0,unit=2", "unit"},
    {"-drive file=/a,if=none,id=x,media=cdrom -device ide-hd,drive=x",
     "media=cdrom"},
    {"-drive file=/a,if=none,id=x,readonly=on -device ide-hd,drive=x",
     "read-only"},
    {"-drive file=/a,if=none,id=x -device ide-cd,drive=x -device "
     "ide-cd,drive=x",
     "used already"},
    {"-device ide-cd -device ide-cd -device ide-cd -device ide-cd -device "
     "ide-cd",
     "taken"},
    {"-serial null -serial null -serial null -serial null -serial null",
     "-serial"},
    {"-serial ''", "-serial"},
    {SOCK SOCK, "id=q is given twice"},
    {SOCK "-mon chardev=p,mode=control", "chardev=p"},
    {SOCK "-mon chardev=q,mode=readline", "mode=control"},
    {SOCK "-mon chardev=q", "mode=control"},
    {SOCK "-mon chardev=q,mode=control -mon chardev=q,mode=control", "twice"},
    {"-chardev pty,id=q -mon chardev=q,mode=control", "chardev=q"},
    {"-chardev socket,id=q,path=/q,wait=off", "server=on"},
    {"-chardev socket,id=q,path=/q,server=on", "wait=off"},
    {"-chardev socket,id=q,server=on,wait=off", "path="},
    {"-chardev socket,id=q,fd=4,path=/q,server=on,wait=off", "path="},
    {"-chardev socket,id=q,fd=2,server=on,wait=off", "fd"},
    {"-chardev socket,path=/q,server=on,wait=off", "id="},
    {"-chardev spicevmc,id=q", "spicevmc"},
    {"-chardev pty", "id="},
    {"-chardev id=q", "kind"},
    {"-name ''", "-name"},
    {"-parallel ''", "-parallel"},
};

static void test_bad(void **state)
{
    struct hvmd_conf c;
    char line[1024];
    struct err e;
    size_t i;
    int rc;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(line, sizeof(line), "%s%s",
                 strncmp(bad[i].line, "hvmd", 4) ? BASE : "", bad[i].line);
        rc = parse(&c, line, &e);
        if (rc != -EINVAL && rc != -ENOTSUP)
            fail_msg("row %zu accepted: %s", i, line);
        if (!strstr(e.text, bad[i].word))
            fail_msg("row %zu (%s): '%s' is not in: %s", i, bad[i].line,
                     bad[i].word, e.text);
        assert_null(strchr(e.text, '\n'));
        assert_null(c.strings);
    }
    assert_true(i >= 40);
}

static void test_escaped(void **state)
{
    struct hvmd_conf c;
    char *argv[] = {(char *)"hvmd", (char *)"-drive",
                    (char *)"if=\n\033[2Jx,file=/a", NULL};
    struct err e;
    char big[9000];

    assert_int_not_equal(argv_parse(&c, 3, argv, &e), 0);
    assert_null(strpbrk(e.text, "\n\033"));
    assert_non_null(strstr(e.text, "if"));
    /* longer than any message */
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    argv[2] = big;
    assert_int_not_equal(argv_parse(&c, 3, argv, &e), 0);
    argv[1] = big;
    assert_int_not_equal(argv_parse(&c, 3, argv, &e), 0);
    assert_true(strlen(e.text) < sizeof(e.text));
    memcpy(big, "file=", 5);
    argv[1] = (char *)"-drive";
    assert_int_not_equal(argv_parse(&c, 3, argv, &e), 0);
    assert_non_null(strstr(e.text, "longer"));
}

/* A mutation of the captured line never crashes and never leaks. */
static void test_mutations(void **state)
{
    size_t len = sizeof(captured) - 1, i;
    char line[sizeof(captured)];
    struct hvmd_conf c;
    struct err e;
    unsigned k;
    static const char put[] = ",=:-\x01 0";

    for (i = 5; i < len; i++) {
        for (k = 0; k < sizeof(put) - 1; k++) {
            memcpy(line, captured, sizeof(line));
            line[i] = put[k];
            if (!parse(&c, line, &e))
                argv_free(&c);
        }
        memcpy(line, captured, i);
        memcpy(line + i, captured + i + 1, len - i);
        if (!parse(&c, line, &e))
            argv_free(&c);
        line[i] = 0;
        if (!parse(&c, line, &e))
            argv_free(&c);
    }
}

static void test_tables(void **state)
{
    const struct opt_desc *d, *x;
    const struct sub_desc *s, *t;
    const struct dev_desc *v;
    char *text = NULL, word[80];
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    argv_help(f);
    fclose(f);
    /* by these words libvirt knows a qemu-dm; it asks by -help */
    assert_null(strstr(text, "Options specific to the Xen version:"));
    for (d = opt_table; d->name; d++) {
        assert_true(d->help[0]);
        assert_true(d->class != TAKEN || d->take);
        for (x = d + 1; x->name; x++)
            assert_string_not_equal(d->name, x->name);
        snprintf(word, sizeof(word), "\n  -%s", d->name);
        if (!strstr(text, word))
            fail_msg("--help lacks -%s", d->name);
    }
    for (s = sub_table; s->group; s++) {
        assert_true(s->kind != ENUM || s->values);
        for (t = s + 1; t->group; t++)
            assert_false(!strcmp(s->group, t->group) &&
                         !strcmp(s->key, t->key));
        snprintf(word, sizeof(word), "\n      %s=", s->key);
        if (s->class != REFUSED && !strstr(text, word))
            fail_msg("--help lacks %s", s->key);
    }
    for (v = dev_table; v->driver; v++)
        assert_true(v->class == REFUSED ? !v->take : v->take != NULL);
    for (char *p = text; *p; p += strcspn(p, "\n") + 1)
        assert_true(strcspn(p, "\n") < 80);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captured),
        cmocka_unit_test(test_captured_libvirt),
        cmocka_unit_test(test_captured_qcow2),
        cmocka_unit_test(test_captured_later),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_vnc),
        cmocka_unit_test(test_commas),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
