import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire, findPackageJSON } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DriverError } from '@host-deployer/driver-api'
import { type DriverSpecifier, ownDriverNames } from './driver-specifier.ts'
import { importTarget } from './import-target.ts'

/** The package that a driver comes in. */
export interface DriverPackage {
  readonly name: string
  /** `0.0.0` when its manifest has none. */
  readonly version: string
  /** Its directory. */
  readonly path: string
}

export interface DriverLocation {
  /** The module to import. */
  readonly path: string
  /** Absent for a module that lies in no package with a name. */
  readonly package?: DriverPackage
}

type Directories = readonly [string, ...string[]]

/**
 * Finds the module of a driver: of a package in `node_modules` of the directories or above, in their order; of a path, which starts at the first of
 * them and may be a module or a package's directory. `DRIVER_NOT_FOUND`; `DRIVER_IMPORT_FAILED` for a package that is there and has no entry point.
 */
export function locateDriver(nameOrPath: string, specifier: DriverSpecifier, from: Directories): DriverLocation {
  const found = specifier.type === 'path' ? locatePath(resolve(from[0], specifier.path)) : locatePackage(specifier.name, from)
  if (found === undefined) {
    throw new DriverError('DRIVER_NOT_FOUND', `There is no driver ${JSON.stringify(nameOrPath)}`, {
      hint: whatToDo(specifier),
      context: { driver: nameOrPath, searched: from },
    })
  }
  if ('path' in found) return found
  throw new DriverError(
    'DRIVER_IMPORT_FAILED',
    `The package of the driver ${JSON.stringify(nameOrPath)} has no entry point that is there`,
    {
      hint: 'Build it if it is yours, or install it again.',
      context: { driver: nameOrPath, manifest: found.manifest },
      cause: found.cause,
    },
  )
}

/** The hint: which package to install, or how the drivers of others are named. */
function whatToDo(specifier: DriverSpecifier): string {
  if (specifier.type === 'path') return 'Check the path; it is relative to the configuration file or the working directory.'
  const ours = ownDriverNames.map((name) => `@host-deployer/driver-${name}`)
  // Nobody shall be told to install what may not be there, or be anybody's.
  const isInstallable = specifier.name.startsWith('@host-deployer/') ? ours.includes(specifier.name) : specifier.name.startsWith('@')
  if (isInstallable) return `Install it (npm install ${specifier.name}), or name one that is there: see \`host-deployer drivers\`.`
  const directory = specifier.name.slice(specifier.name.lastIndexOf('/') + 1)
  const [known, scoped, path] = [ownDriverNames.join(', '), `@somebody/${directory}`, `./${directory}`]
  return `A name alone is one of ours (${known}). Somebody else's driver goes by its package with the scope (${scoped}) or by its path (${path}).`
}

/** A package that is there without what it says it exports. */
interface Broken {
  readonly manifest: string
  readonly cause: unknown
}

function locatePath(path: string): DriverLocation | Broken | undefined {
  if (!existsSync(path)) return undefined
  if (statSync(path).isDirectory()) {
    const manifest = join(path, 'package.json')
    return existsSync(manifest) ? entryOf(manifest) : undefined
  }
  return withPackage(path, findPackageJSON(pathToFileURL(path)))
}

function locatePackage(name: string, from: Directories): DriverLocation | Broken | undefined {
  for (const directory of from) {
    const manifest = manifestOf(name, directory)
    if (manifest !== undefined) return entryOf(manifest)
  }
  return undefined
}

// What npm lets a package be called; anything else would be looked up as a path.
const packageName = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/

function manifestOf(name: string, directory: string): string | undefined {
  if (!packageName.test(name)) return undefined
  try {
    return findPackageJSON(name, pathToFileURL(join(resolve(directory), 'x.js')))
  } catch {
    // Not from here.
    return undefined
  }
}

function entryOf(manifest: string): DriverLocation | Broken {
  try {
    const target = importTarget(readManifest(manifest))
    const path = target === undefined ? createRequire(manifest).resolve(dirname(manifest)) : join(dirname(manifest), target)
    statSync(path)
    return withPackage(path, manifest)
  } catch (cause) {
    return { manifest, cause }
  }
}

function withPackage(path: string, manifest: string | undefined): DriverLocation {
  if (manifest === undefined) return { path }
  try {
    const { name, version } = readManifest(manifest)
    if (typeof name !== 'string') return { path }
    return { path, package: { name, version: typeof version === 'string' ? version : '0.0.0', path: dirname(manifest) } }
  } catch {
    // A manifest that cannot be read says nothing about the module beside it; importing it will tell.
    return { path }
  }
}

const readManifest = (path: string): Readonly<Record<string, unknown>> => JSON.parse(readFileSync(path, 'utf8'))
