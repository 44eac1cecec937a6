import { isAbsolute, join, resolve } from 'node:path'

/** Names of the field that mean one of ours, as driver-loader has them. */
const aliases: Readonly<Record<string, string>> = { 'qemu-kvm': 'qemu-initramfs' }

/** Options without which a driver of this repository opens nothing. The suite's images are its own: they can be trusted. */
const neededOptions: Readonly<Record<string, string>> = { nbd: '{"trustImages":true}' }

export interface Surroundings {
  /** Root of the repository. */
  readonly root: string
  /** Where relative paths are meant from. */
  readonly directory: string
  /** Where the command keeps what it builds, the appliance for instance. */
  readonly cacheDirectory: string
}

const has = (args: readonly string[], option: string): boolean => args.some((arg) => arg === option || arg.startsWith(`${option}=`))

/**
 * Pure. Arguments of `driver-conformance` from those of `./dev conformance`: a driver's short name becomes the source of that package in this repository,
 * a path is made absolute; cache directory and needed options are added where none are given.
 */
export function conformanceArguments(args: readonly string[], { root, directory, cacheDirectory }: Surroundings): string[] {
  const [driver, ...rest] = args
  if (driver === undefined || driver.startsWith('-')) return [...args]
  const cache = has(rest, '--cache-directory') ? [] : ['--cache-directory', cacheDirectory]
  if (!/^[a-z][a-z0-9-]*$/.test(driver)) {
    const isPath = isAbsolute(driver) || driver.startsWith('.')
    return [isPath ? resolve(directory, driver) : driver, ...rest, ...cache]
  }
  const name = aliases[driver] ?? driver
  const path =
    name === 'reference'
      ? join(root, 'packages', 'driver-testkit', 'src', 'testing', 'reference-driver.ts')
      : join(root, 'packages', `driver-${name}`, 'src', 'index.ts')
  const needed = neededOptions[name]
  const options = needed === undefined || has(rest, '--options') ? [] : ['--options', needed]
  return [path, ...rest, ...options, ...cache]
}
