import type { FileType, RawStat } from '@host-deployer/driver-api'
import { fileTypeOfMode } from './local-raw-fs.ts'

const types: Readonly<Record<string, FileType>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  c: 'character-device',
  b: 'block-device',
}

function permissionBits(letters: string): number {
  let mode = 0
  for (const [index, letter] of [...letters].entries()) {
    // A capital S or T: the special bit without the execute bit under it.
    if (letter !== '-' && letter !== 'S' && letter !== 'T') mode |= 0o400 >> index
    if (/[sStT]/.test(letter)) mode |= { 2: 0o4000, 5: 0o2000, 8: 0o1000 }[index] ?? 0
  }
  return mode
}

// `stat -c '%f %u %g %s %Y'`: the mode in hexadecimal.
const STAT = /^([0-9a-f]+) (\d+) (\d+) (\d+) (-?\d+)\s*$/
// `ls -lnd --full-time`, or busybox's older `-e`: mode, links, owner, group, size or device numbers, time.
const LS =
  /^([-dlpscb])([-rwxsStT]{9})[.+@]? +\d+ +(\d+) +(\d+) +(?:\d+, *\d+|(\d+)) +(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [-+]\d{4}|\w{3} +\w{3} +\d+ \d\d:\d\d:\d\d \d{4}) /

/** Reads one line of `stat -c '%f %u %g %s %Y'` or of `ls -lnd --full-time` (ls(1), busybox's too). `undefined` for anything else. */
export function parseStatLine(line: string): RawStat | undefined {
  const stat = STAT.exec(line)
  if (stat !== null) {
    const mode = Number.parseInt(stat[1] ?? '', 16)
    const type = fileTypeOfMode(mode) ?? 'file'
    const [uid, gid, sizeBytes, mtime] = stat.slice(2).map(Number) as [number, number, number, number]
    return { type, mode: mode & 0o7777, uid, gid, sizeBytes, mtimeMs: mtime * 1000 }
  }
  const ls = LS.exec(line)
  if (ls === null) return undefined
  const [, letter = '-', letters = '', uid, gid, size = '0', time = ''] = ls
  // busybox's old format has no zone; the tool host's clock is UTC.
  const mtimeMs =
    Math.floor(
      Date.parse(/^\d/.test(time) ? time.replace(' ', 'T').replace(/(\.\d+)? ([-+]\d\d)(\d\d)$/, '$2:$3') : `${time} UTC`) / 1000,
    ) * 1000
  return {
    type: types[letter] ?? 'file',
    mode: permissionBits(letters),
    uid: Number(uid),
    gid: Number(gid),
    sizeBytes: Number(size),
    mtimeMs,
  }
}
