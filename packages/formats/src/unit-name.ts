const encoder = new TextEncoder()

function escapeBytes(text: string): string {
  return Array.from(encoder.encode(text), (byte, index) => {
    const char = String.fromCharCode(byte)
    if (char === '/') return '-'
    if (/[A-Za-z0-9:_]/.test(char) || (char === '.' && index > 0)) return char
    return `\\x${byte.toString(16).padStart(2, '0')}`
  }).join('')
}

/** Escapes text for a part of a unit name, as `systemd-escape TEXT` does (systemd.unit(5), "String Escaping for Inclusion in Unit Names"). */
export function escapeUnitName(text: string): string {
  return escapeBytes(text)
}

/**
 * Escapes an absolute path, as `systemd-escape --path` does: `/` alone is `-`, double and final slashes go.
 * Throws `RangeError` for a relative path, NUL, or a segment `.` or `..`.
 */
export function escapeUnitPath(path: string): string {
  const segments = path.split('/').filter(Boolean)
  if (!path.startsWith('/') || path.includes('\0') || segments.some((segment) => segment === '.' || segment === '..')) {
    throw new RangeError(`Not a plain absolute path: ${JSON.stringify(path)}`)
  }
  return segments.length === 0 ? '-' : escapeBytes(segments.join('/'))
}

/** The text that {@link escapeUnitName} escaped. `undefined` for a broken escape. */
export function unescapeUnitName(name: string): string | undefined {
  const bytes: number[] = []
  for (let at = 0; at < name.length; at++) {
    const char = name.charAt(at)
    if (char === '\\') {
      const hex = /^\\x([0-9a-f]{2})/i.exec(name.slice(at))?.[1]
      if (hex === undefined) return undefined
      bytes.push(Number.parseInt(hex, 16))
      at += 3
    } else bytes.push(...encoder.encode(char === '-' ? '/' : char))
  }
  return new TextDecoder().decode(new Uint8Array(bytes))
}

const suffixes = 'service|socket|device|mount|automount|swap|target|path|timer|slice|scope'

/** True for a full unit name, template instances included: `ssh.service`, `getty@tty1.service`; at most 255 characters. */
export function isUnitName(name: string): boolean {
  return name.length <= 255 && new RegExp(`^[A-Za-z0-9:_.\\\\-]+(@[A-Za-z0-9:_.\\\\@-]*)?\\.(${suffixes})$`).test(name)
}
