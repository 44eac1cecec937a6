import { type CloudInitMode, type ParsedRequest, parseRequest, Secret } from '@host-deployer/api'
import { InputError } from '@host-deployer/driver-api'
import { cancellable } from '../cancellation.ts'
import { deploy } from '../deploy-image.ts'
import { type ImageOptions, startPhases } from '../image-options.ts'
import { readSeed, readText, type SeedFlags } from '../read-request.ts'
import { showPhases } from '../show-phases.ts'

interface DeployFlags extends ImageOptions, SeedFlags {
  readonly hostname?: string
  readonly rootPasswordFile?: string
  readonly sshKey?: readonly string[]
  readonly grow?: boolean
  readonly cloudInit: CloudInitMode
  readonly ignoreUnsupported?: boolean
  readonly dryRun?: boolean
  readonly timeout?: number
  readonly json?: boolean
}

export async function deployCommand(path: string, flags: DeployFlags): Promise<void> {
  const shown = flags.json ? flags : { ...flags, onPhase: showPhases(process.stderr) }
  // Before Ctrl-C is listened to: standard input may keep it waiting.
  const phases = startPhases(shown)
  const request = await phases.run('parse', () => readRequest(flags))
  const { report, diff } = await cancellable(flags.timeout, (signal) =>
    deploy(path, { ...shown, request, signal, timingsBefore: phases.timings }),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : (await import('../show-report.ts')).showDeploy(report, diff))
}

async function readRequest(flags: DeployFlags): Promise<ParsedRequest> {
  const [seed, password, keys] = await Promise.all([
    readSeed(flags),
    flags.rootPasswordFile === undefined ? undefined : readPassword(flags.rootPasswordFile),
    Promise.all((flags.sshKey ?? []).map(readKeys)),
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
