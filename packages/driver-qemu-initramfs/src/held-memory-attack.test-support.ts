// What code in a QEMU that is taken over may try on memory that is held, for a process with that QEMU's user, groups, privileges and descriptors.

/**
 * For perl, which has no module for most of this: the numbers of system calls are those of x86-64. Arguments: the inode of the memory; number and descriptor
 * of its holder, or 0 where QEMU has no user of its own; the directory of the template. Prints `worked: NAME` for each thing that does.
 */
export const memoryAttack = String.raw`
use strict;
my ($inode, $holder, $descriptor, $template) = @ARGV;
opendir(my $list, "/proc/self/fd") or die;
my @all = grep { /^\d+$/ } readdir($list);
closedir($list);
# As numbers: a string would be passed to the kernel as a pointer.
$holder += 0;
my @fds = map { $_ + 0 } grep { ((stat("/proc/self/fd/$_"))[1] // 0) == $inode } @all;
@fds or die "the memory was not inherited";
open(my $zeros, "<", "/dev/zero") or die;
open(my $program, "<", "/proc/self/exe") or die;
my ($read, $write, $shared, $private, $page) = (1, 3, 1, 2, 4096);
my $size = -s "/proc/self/fd/$fds[0]";
sub map_it { my ($fd, $protection, $kind) = @_; my $at = syscall(9, 0, $page, $protection, $kind, $fd, 0); $at == -1 ? undef : $at }
sub put { my ($at) = @_; syscall(0, fileno($zeros), $at, $page) == $page }
sub try { my ($name, $work) = @_; print "worked: $name\n" if eval { $work->() } }
sub through_mem {
  my ($at) = @_;
  open(my $mem, "+<", "/proc/self/mem") or return 0;
  sysseek($mem, $at, 0) && syswrite($mem, "x" x $page);
}
sub open_as { my ($mode, $path) = @_; my $file; open($file, $mode, $path) ? $file : undef }
for my $fd (@fds) {
  my $path = "/proc/self/fd/$fd";
  my $buffer = "x" x $page;
  try("control: reading", sub { syscall(17, $fd, $buffer, $page, 0) == $page });
  try("control: a private mapping of it, written to", sub { my $at = map_it($fd, $write, $private); defined $at && put($at) });
  # The same, past the protection of the mapping: the page is a copy.
  try("control: a private mapping of it, through /proc/self/mem", sub { my $at = map_it($fd, $read, $private); defined $at && through_mem($at) });
  try("writing", sub { syscall(1, $fd, $buffer, $page) > 0 });
  try("writing at an offset", sub { syscall(18, $fd, $buffer, $page, $page) > 0 });
  try("opening it again and writing", sub { my $file = open_as("+<", $path); defined $file && syswrite($file, $buffer) });
  try("opening it again to append", sub { my $file = open_as(">>", $path); defined $file && syswrite($file, $buffer) });
  try("opening it again and truncating", sub { defined open_as(">", $path) });
  try("sendfile", sub { syscall(40, $fd, fileno($program), 0, $page) > 0 });
  try("copy_file_range", sub { syscall(326, fileno($program), 0, $fd, 0, $page, 0) > 0 });
  try("splice", sub { pipe(my $from, my $to); syswrite($to, $buffer); syscall(275, fileno($from), 0, $fd, 0, $page, 0) > 0 });
  try("a shared mapping, written to", sub { my $at = map_it($fd, $write, $shared); defined $at && put($at) });
  try("a shared mapping, made writable later", sub { my $at = map_it($fd, $read, $shared); defined $at && syscall(10, $at, $page, $write) == 0 });
  try("a shared mapping, through /proc/self/mem", sub { my $at = map_it($fd, $read, $shared); defined $at && through_mem($at) });
  for my $kind ($shared, $private) {
    try("removing pages from mapping $kind", sub { my $at = map_it($fd, $read, $kind); defined $at && syscall(28, $at, $page, 9) == 0 });
  }
  try("truncating", sub { syscall(77, $fd, 0) == 0 });
  try("growing", sub { syscall(77, $fd, $size + $page) == 0 });
  my %allocations = ("punching a hole" => 3, "zeroing a range" => 0x10, "collapsing a range" => 8, "inserting a range" => 0x20);
  try($_, sub { syscall(285, $fd, $allocations{$_}, 0, $page) == 0 }) for sort keys %allocations;
  try("allocating beyond the end", sub { syscall(285, $fd, 0, $size, $page) == 0 });
  try("setting seals anew", sub { syscall(72, $fd, 1033, 0) == 0 });
  try("adding a seal", sub { syscall(72, $fd, 1033, 0x10) == 0 });
  # Who owns it may, and does where QEMU has no user of its own: no bit of the mode lets anybody write to what is sealed. Without the bits for executing, which
  # have a seal of their own where the kernel knows it, and with them.
  $holder and try("changing its mode", sub { syscall(91, $fd, 0600) == 0 || syscall(91, $fd, 0777) == 0 });
}
if ($holder) {
  try("the holder's descriptor", sub { defined open_as("<", "/proc/$holder/fd/$descriptor") });
  try("the holder's memory", sub { defined open_as("<", "/proc/$holder/mem") });
  try("signalling the holder", sub { kill(0, $holder) || kill(9, $holder) });
  try("tracing the holder", sub { syscall(101, 16, $holder, 0, 0) == 0 });
  try("the record", sub { defined open_as("<", "$template/template.json") });
  try("removing the record", sub { unlink("$template/template.json") });
  try("becoming root", sub { $> = 0; $> == 0 });
}
`

/** What does work, by descriptor: none of it changes the memory. */
export const harmless = [
  'worked: control: reading',
  'worked: control: a private mapping of it, written to',
  'worked: control: a private mapping of it, through /proc/self/mem',
]
