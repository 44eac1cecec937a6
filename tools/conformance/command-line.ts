import { isAbsolute, join, resolve } from 'node:path'

/** Names of the field that mean one of ours, as driver-loader has them. */
const aliases: Readonly<Record<string, string>> = { 'qemu-kvm': 'qemu-initramfs' }

/** Options without which a driver of this repository opens nothing. The suite's images are its own: they can be trusted. */
const trusted = '{"trustImages":true}'
const neededOptions: Readonly<Record<string, string>> = { nbd: trusted, 'qsd-fuse': trusted, 'plain-js': trusted }

/** Those of `examples/`, which use published packages and are no part of the workspace. */
const examples: readonly string[] = ['qsd-fuse', 'plain-js']

export interface Surroundings {
  /** Root of the repository. */
  readonly root: string
  /** Where relative paths are meant from. */
  readonly directory: string
  /** Where the command keeps what it builds, the appliance for instance. */
  readonly cacheDirectory: string
}

const has = (args: readonly string[], option: string): boolean => args.some((arg) => arg === option || arg.startsWith(`${option}=`))

// Of packages only those with a scope have a slash in their name.
const isPath = (driver: string): boolean => isAbsolute(driver) || /^\.|^[^@].*\//.test(driver)

const exampleDirectory = (name: string, root: string): string => join(root, 'examples', `driver-${name}`)

/** The short name of a driver of this repository, also where an example is given by its directory. */
function nameOf(driver: string, root: string, directory: string): string | undefined {
  if (/^[a-z][a-z0-9-]*$/.test(driver)) return driver
  return isPath(driver) ? examples.find((name) => exampleDirectory(name, root) === resolve(directory, driver)) : undefined
}

function pathOf(name: string, root: string): string {
  if (name === 'reference') return join(root, 'packages', 'driver-testkit', 'src', 'testing', 'reference-driver.ts')
  return examples.includes(name) ? exampleDirectory(name, root) : join(root, 'packages', `driver-${name}`, 'src', 'index.ts')
}

/**
 * Pure. Arguments of `driver-conformance` from those of `./dev conformance`: a driver's short name becomes the source of that package in this repository,
 * a path is made absolute; cache directory and needed options are added where none are given.
 */
export function conformanceArguments(args: readonly string[], { root, directory, cacheDirectory }: Surroundings): string[] {
  const [driver, ...rest] = args
  if (driver === undefined || driver.startsWith('-')) return [...args]
  const cache = has(rest, '--cache-directory') ? [] : ['--cache-directory', cacheDirectory]
  const given = nameOf(driver, root, directory)
  if (given === undefined) return [isPath(driver) ? resolve(directory, driver) : driver, ...rest, ...cache]
  const name = aliases[given] ?? given
  const path = pathOf(name, root)
  const needed = neededOptions[name]
  const options = needed === undefined || has(rest, '--options') ? [] : ['--options', needed]
  return [path, ...rest, ...options, ...cache]
}
