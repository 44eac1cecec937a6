/**
 * Shell functions, one for each file primitive: POSIX with what busybox has. A failure is a word in `r`: a kind of FsError, or `failed` with the
 * program's message on standard output. All paths are absolute, so none looks like an option. Only what has to be known is looked at, with the
 * shell's own `test`, which starts no program.
 */
export const fileSystemPrelude = String.raw`
hd_here() { [ -e "$1" ] || [ -L "$1" ]; }
hd_isdir() { [ -d "$1" ] && [ ! -L "$1" ]; }
hd_why() {
  r=not-found; d=$1
  while [ -n "$d" ]; do
    d=\${d%/*}
    if [ -n "$d" ] && [ -e "$d" ]; then [ -d "$d" ] || r=not-a-directory; return; fi
  done
}
hd_need() { hd_here "$1" && return 0; hd_why "$1"; return 1; }
hd_new() {
  if hd_here "$1"; then r=already-exists; return 1; fi
  d=\${1%/*}
  [ -d "\${d:-/}" ] && return 0
  hd_why "$1"; return 1
}
hd_do() { e=$("$@" 2>&1) && return 0; r=failed; printf %s "$e"; return 1; }
if command -v stat >/dev/null 2>&1; then
  hd_stats() { xargs -0 stat -c '%f %u %g %s %Y' | tr '\n' '\0'; }
  hd_stat() { stat -c '%f %u %g %s %Y' "$1"; }
else
  if ls -d --full-time / >/dev/null 2>&1; then t=--full-time; else t=-e; fi
  hd_stat() { ls -lnd $t "$1"; }
  hd_stats() { xargs -0 -n 1 sh -c "ls -lnd $t "'"$1"; printf "\\0"' sh; }
fi
hd_lstat() { hd_need "$1" || return; hd_stat "$1" 2>/dev/null || r=io; }
hd_readlink() {
  if [ -L "$1" ]; then readlink -n "$1" || r=io; return; fi
  hd_need "$1" && r=not-a-symlink
}
hd_readdir() {
  hd_need "$1" || return
  hd_isdir "$1" || { r=not-a-directory; return; }
  p=\${1%/}
  set --
  for f in "$p"/* "$p"/.[!.]* "$p"/..?*; do
    if hd_here "$f"; then set -- "$@" "$f"; fi
  done
  if [ $# -gt 0 ]; then printf '%s\0' "$@"; printf '\0'; printf '%s\0' "$@" | hd_stats; fi
}
hd_read() {
  hd_need "$1" || return
  if [ ! -f "$1" ] || [ -L "$1" ]; then r=not-a-file; return; fi
  head -c "$2" "$1" 2>/dev/null || r=io
}
hd_create() {
  hd_new "$1" || return
  umask 077
  if ! e=$( { cat >"$1"; } 2>&1 ); then r=failed; fi
  if [ $r = ok ]; then e=$(chown "$3" "$1" 2>&1 && chmod "$2" "$1" 2>&1) || r=failed; fi
  if [ $r != ok ]; then rm -f "$1"; printf %s "$e"; fi
}
hd_mkdir() {
  hd_new "$1" && hd_do mkdir -m 700 "$1" || return
  hd_do chown "$3" "$1" && hd_do chmod "$2" "$1" || rmdir "$1"
}
hd_symlink() {
  hd_new "$1" && hd_do ln -s -- "\${3#:}" "$1" || return
  hd_do chown -h "$2" "$1" || rm -f "$1"
}
hd_unlink() {
  hd_need "$1" || return
  if hd_isdir "$1"; then r=is-a-directory; return; fi
  hd_do rm -f "$1"
}
hd_rmdir() {
  hd_need "$1" || return
  hd_isdir "$1" || { r=not-a-directory; return; }
  hd_do rmdir "$1"
}
hd_chmod() {
  if [ -L "$1" ]; then r=not-supported; return; fi
  hd_need "$1" && hd_do chmod "$2" "$1"
}
hd_chown() { hd_need "$1" && hd_do chown -h "$2" "$1"; }
hd_rename() {
  hd_need "$1" || return
  d=\${2%/*}
  [ -d "\${d:-/}" ] || { hd_why "$2"; return; }
  if hd_isdir "$2"; then
    hd_isdir "$1" || { r=is-a-directory; return; }
    hd_do rmdir "$2" || return
  elif hd_isdir "$1" && hd_here "$2"; then r=not-a-directory; return
  elif [ -L "$2" ] && [ -d "$2" ]; then
    # mv without -T, which old busybox lacks, would move into the directory the link points to.
    if mv --help 2>&1 | grep -q -e ' -T'; then hd_do mv -f -T "$1" "$2"; return; fi
    hd_do rm -f "$2" || return
  fi
  hd_do mv -f "$1" "$2"
}
`.replaceAll('\\$', '$')
