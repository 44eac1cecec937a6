// Who may import whom (docs/architecture.md). Arrows only go down; a missing name means "nothing".
export const arrows: Readonly<Record<string, readonly string[]>> = {
  'driver-api': [],
  formats: [],
  'driver-kit': ['driver-api'],
  'driver-loader': ['driver-api'],
  api: ['driver-api'],
  image: ['driver-api'],
  'guest-fs': ['driver-api'],
  'os-detect': ['guest-fs', 'formats', 'driver-api'],
  block: ['guest-fs', 'formats', 'driver-api'],
  core: ['api', 'os-detect', 'block', 'guest-fs', 'formats', 'driver-api'],
  'driver-testkit': ['block', 'guest-fs', 'driver-loader', 'driver-kit', 'driver-api'],
  'driver-qemu-initramfs': ['driver-kit', 'driver-api'],
  'driver-nbd': ['driver-kit', 'driver-api'],
  daemon: ['core', 'driver-loader', 'driver-kit', 'image', 'api', 'driver-api'],
  // apps
  appliance: ['driver-qemu-initramfs', 'driver-kit', 'driver-api'],
  cli: ['core', 'driver-loader', 'driver-kit', 'guest-fs', 'image', 'api', 'appliance', 'daemon', 'driver-api'],
}

/** Of a driver that is not listed. */
export const anyDriver: readonly string[] = ['driver-kit', 'driver-api']

/** Dependencies that a package brings along without importing them: drivers are resolved by name at run time. */
export const ships: Readonly<Record<string, readonly string[]>> = { cli: ['driver-qemu-initramfs', 'driver-nbd'] }

/** Packages that may start processes. */
export const mayStartProcesses: ReadonlySet<string> = new Set([
  'driver-kit',
  'driver-qemu-initramfs',
  'driver-nbd',
  'cli',
  'appliance',
  'daemon',
])

/** Packages that reach the outside world only through what they are handed. */
export const pure: ReadonlySet<string> = new Set(['driver-api', 'formats', 'guest-fs', 'os-detect', 'block', 'core', 'api'])
