declare const brand: unique symbol

/** An absolute path as the guest sees it, `/etc/shadow`. It names nothing on any other machine. */
export type GuestPath = string & { readonly [brand]: 'guest' }

/**
 * Brands an absolute path as a guest path. Repeated and trailing slashes and `.` segments are dropped; `..` is kept, since its meaning depends
 * on links. Throws `TypeError` for a relative path, NUL, or more than 4095 bytes: requests are validated before they get here.
 */
export function guestPath(path: string): GuestPath {
  if (!path.startsWith('/')) throw new TypeError(`Not an absolute path: ${JSON.stringify(path)}`)
  if (path.includes('\0')) throw new TypeError(`A path cannot contain NUL: ${JSON.stringify(path)}`)
  if (Buffer.byteLength(path) > 4095) throw new TypeError('A path cannot be longer than 4095 bytes')
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.')
  return `/${segments.join('/')}` as GuestPath
}

/** Appends relative segments: `joinGuestPath(guestPath('/etc'), 'ssh', 'sshd_config')`. */
export function joinGuestPath(base: GuestPath, ...segments: readonly string[]): GuestPath {
  return guestPath([base, ...segments].join('/'))
}

/** The path without its last segment; `/` is its own parent. Says nothing about where `..` leads. */
export function parentOf(path: GuestPath): GuestPath {
  return (path.slice(0, path.lastIndexOf('/')) || '/') as GuestPath
}

/** The last segment; empty for `/`. */
export function nameOf(path: GuestPath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** One plain name below a canonical path: `childOf('/etc', 'motd')`. */
export function childOf(directory: GuestPath, name: string): GuestPath {
  return (directory === '/' ? `/${name}` : `${directory}/${name}`) as GuestPath
}
