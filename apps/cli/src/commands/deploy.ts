import { randomBytes } from 'node:crypto'
import { type CloudInitMode, parseRequest, Secret } from '@host-deployer/api'
import { deploy } from '@host-deployer/core'
import { InputError } from '@host-deployer/driver-api'
import { inspectImage } from '@host-deployer/image'
import { cancellable } from '../cancellation.ts'
import { openDriver } from '../open-driver.ts'
import { readSeed, readText, type SeedFlags } from '../read-request.ts'
import { showPhases } from '../show-phases.ts'
import { showDeploy } from '../show-report.ts'
import { type ImageFlags, inspectFlags } from './image-flags.ts'

interface DeployFlags extends ImageFlags, SeedFlags {
  readonly hostname?: string
  readonly rootPasswordFile?: string
  readonly sshKey: readonly string[]
  readonly grow?: boolean
  readonly cloudInit: CloudInitMode
  readonly ignoreUnsupported?: boolean
  readonly dryRun?: boolean
}

export async function deployCommand(path: string, flags: DeployFlags): Promise<void> {
  const { request, diagnostics } = await readRequest(flags)
  const image = await inspectImage(path, inspectFlags(flags))
  const { report, diff } = await cancellable(flags.timeout, async (signal) => {
    const { driver, context } = await openDriver(flags, signal)
    return deploy({
      driver,
      context,
      image,
      request,
      requestDiagnostics: diagnostics,
      dryRun: flags.dryRun === true,
      ambient: { now: new Date(), randomBytes: (count) => randomBytes(count) },
      clock: () => performance.now(),
      ...(flags.rootDevice === undefined ? {} : { rootDevice: flags.rootDevice }),
      ...(flags.json ? {} : { onPhase: showPhases(process.stderr) }),
    })
  })
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : showDeploy(report, diff))
}

async function readRequest(flags: DeployFlags) {
  const [seed, password, keys] = await Promise.all([
    readSeed(flags),
    flags.rootPasswordFile === undefined ? undefined : readPassword(flags.rootPasswordFile),
    Promise.all(flags.sshKey.map(readKeys)),
  ])
  return parseRequest(seed, {
    ignoreUnsupported: flags.ignoreUnsupported === true,
    cloudInit: flags.cloudInit,
    overrides: {
      ...(flags.hostname === undefined ? {} : { hostname: flags.hostname }),
      ...(password === undefined ? {} : { rootPassword: { type: 'plain' as const, value: password } }),
      ...(keys.length === 0 ? {} : { sshAuthorizedKeys: keys.flat() }),
      ...(flags.grow === true ? { grow: true } : {}),
    },
  })
}

/** The first line, without its end: editors and `echo` add one. */
async function readPassword(path: string): Promise<Secret> {
  const [line = ''] = (await readText(path)).split(/\r?\n/, 1)
  if (line === '')
    throw new InputError('INPUT_PASSWORD_EMPTY', `The password file is empty: ${path}`, { hint: 'Put the password on its first line.' })
  return new Secret(line)
}

async function readKeys(path: string): Promise<string[]> {
  const lines = (await readText(path)).split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (keys.some((line) => line.includes('PRIVATE KEY'))) {
    throw new InputError('INPUT_SSH_KEY_PRIVATE', `This is a private key: ${path}`, { hint: `Give the public one: ${path}.pub` })
  }
  return keys
}
