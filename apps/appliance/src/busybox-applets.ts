/**
 * The names a busybox binary answers to, read out of its table of applets: NUL-terminated names in alphabetical order, beginning with `[`
 * and `[[`. The program itself is never run: it may be for another architecture. Throws `Error` when there is no such table.
 */
export function readBusyboxApplets(binary: Uint8Array): string[] {
  const bytes = Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength)
  const start = bytes.indexOf('\0[\0[[\0', 0, 'latin1') + 1
  if (start === 0) throw new Error('this busybox has no table of applets')
  const names: string[] = []
  for (let at = start; ; ) {
    const end = bytes.indexOf(0, at)
    const name = bytes.toString('latin1', at, end)
    if (!/^[a-z0-9[][a-z0-9._[+-]*$/i.test(name)) return names
    names.push(name)
    at = end + 1
  }
}
