import { resolve } from 'node:path'
import { type Diagnostic, type HostPath, hostPath } from '@host-deployer/driver-api'
import type { ConfigProblem } from './config-problem.ts'
import { configError } from './config-problem.ts'
import type { GivenValue } from './config-source.ts'
import type { DaemonConfig } from './daemon-config.ts'
import { decideDriver } from './decide-driver.ts'
import { readEnvironment } from './environment.ts'
import { deepFreeze, type ExplainedValue, explained, hideSecrets } from './explained-value.ts'
import { type FieldConfig, readFieldConfig } from './field-files.ts'
import { fieldKeys } from './field-keys.ts'
import { type FileState, readFileState } from './file-state.ts'
import { defaultSettingsFile, issueText, readOwnFile } from './own-file.ts'
import { noArguments, type ServeArguments } from './parse-serve-arguments.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

export interface ReadConfigOptions {
  /** What {@link parseServeArguments} made of the command line. Default: nothing was given. */
  readonly given?: ServeArguments
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where relative file names start. Default: the working directory. */
  readonly cwd?: string
}

export interface ReadConfigResult {
  readonly config: DaemonConfig
  /** Every value: where it came from and what it took the place of. Secrets are hidden. */
  readonly explained: readonly ExplainedValue[]
  readonly diagnostics: readonly Diagnostic[]
  /** Names of the keys and options of the field that are not ours, for a debug log. */
  readonly ignored: readonly string[]
  /** The files that were read, or would have been if they existed, as they were just before: what `watchConfig` takes. */
  readonly files: readonly FileState[]
}

/** Values by their rank: the last one counts. */
type Candidates = ReadonlyMap<SettingName, readonly GivenValue[]>

const defaultRoot = '/opt/cloud'

/**
 * The configuration of the daemon. From the lowest to the highest: defaults, host.conf and the other files of the field ({@link readFieldConfig}), our
 * own file, `HOST_DEPLOYER_*`, flags of ours. `imageRoots` is the highest of ours (default `/opt/cloud`) and the storage paths of host.conf besides.
 *
 * Throws `ConfigError`, all problems in one: `CONFIG_INVALID`, `CONFIG_DRIVER_UNKNOWN`, `CONFIG_KEY_UNKNOWN`, `CONFIG_FILE_UNREADABLE`. No message,
 * diagnostic or explained value holds a value of a key that is not ours.
 */
export async function readConfig({ given = noArguments, env, cwd = process.cwd() }: ReadConfigOptions): Promise<ReadConfigResult> {
  const field = await readFieldConfig({ config: given.config, flags: given.field, cwd })
  const ownPath = given.settings === undefined ? defaultSettingsFile : resolve(cwd, given.settings)
  const ownState = await readFileState(ownPath)
  const ownFile = await readOwnFile(ownPath, { mustExist: given.settings !== undefined })
  const environment = readEnvironment(env)

  const problems: ConfigProblem[] = [...field.problems, ...environment.problems]
  const ours = new Map<SettingName, GivenValue[]>()
  for (const layer of [ownFile?.values ?? new Map<SettingName, GivenValue>(), environment.values, given.own]) {
    for (const [name, value] of layer) {
      const checked = check(name, value, problems)
      if (checked !== undefined) ours.set(name, [...(ours.get(name) ?? []), checked])
    }
  }
  if (problems.length > 0) throw configError(problems)

  const diagnostics = [...field.diagnostics, ...environment.diagnostics]
  const rows = new Map<SettingName, readonly ExplainedValue[]>()
  const candidates = candidatesOf(field, ours)
  const decide = <Value>(name: SettingName, fallback: Value): Value => {
    const row = explained(name, [
      ...replacedOf(field, name),
      { value: fallback, source: { kind: 'default' } },
      ...(candidates.get(name) ?? []),
    ])
    rows.set(name, [row])
    return row.value as Value
  }
  const decidePath = (name: SettingName, fallback: string): HostPath => hostPath(decide(name, fallback))

  const driver = decideDriver(field, ours, (option) => ownFile?.driverOptionLine(option) ?? 1)
  rows.set('driver', [driver.row])
  rows.set('driverOptions', driver.optionRows)
  diagnostics.push(...driver.diagnostics)

  const roots = rootRows(field, ours.get('imageRoots') ?? [])
  rows.set('imageRoots', roots)

  const optional = (name: 'socketGroup' | 'metricsTextfile') => (candidates.has(name) ? decide(name, '') : undefined)
  const socketGroup = optional('socketGroup')
  const metricsTextfile = optional('metricsTextfile')
  const stateDirectory = decidePath('stateDirectory', '/var/lib/host-deployer')
  const config: DaemonConfig = {
    socketPath: decidePath('socketPath', '/var/run/onecloud/deploy.sock'),
    ...(socketGroup === undefined ? {} : { socketGroup }),
    adminSocketPath: decidePath('adminSocketPath', `${stateDirectory}/admin.sock`),
    concurrency: decide('concurrency', 5),
    queueLimit: decide('queueLimit', 1_000),
    driver: driver.name,
    driverOptions: driver.options,
    workDirectory: decidePath('workDirectory', '/opt/cloud/workspace/run/deploy'),
    stateDirectory,
    cacheDirectory: decidePath('cacheDirectory', '/var/cache/host-deployer'),
    imageRoots: roots.map(({ value }) => hostPath(value as string)),
    jobTimeoutMs: decide('jobTimeoutMs', 600_000),
    drainTimeoutMs: decide('drainTimeoutMs', 120_000),
    cloudrootDir: decide('cloudrootDir', '/opt'),
    allowVmSelinux: decide('allowVmSelinux', true),
    privateNetworks: decide<readonly string[]>('privateNetworks', []),
    metadataIpv4Addresses: decide<readonly string[]>('metadataIpv4Addresses', ['169.254.169.254']),
    metadataIpv6Addresses: decide<readonly string[]>('metadataIpv6Addresses', ['fd00:ec2::254']),
    ext4LargefileSizeGib: decide('ext4LargefileSizeGib', 4_096),
    ext4HugefileSizeGib: decide('ext4HugefileSizeGib', 512),
    ...(metricsTextfile === undefined ? {} : { metricsTextfile: hostPath(metricsTextfile) }),
    logLevel: decide<DaemonConfig['logLevel']>('logLevel', 'info'),
    spareWorkers: decide('spareWorkers', 1),
  }
  const ignored = [...field.ignoredKeys, ...given.ignored.map((name) => `--${name}`)]
  if (ignored.length > 0) diagnostics.push(ignoredKeys(ignored.length))
  return deepFreeze({
    config,
    explained: settingNames.flatMap((name) => rows.get(name) ?? []).map(hideSecrets),
    diagnostics,
    ignored,
    files: [...field.files, ownState],
  })
}

/** Values of the environment and of flags meet the same schema as those of our file. */
function check(name: SettingName, given: GivenValue, problems: ConfigProblem[]): GivenValue | undefined {
  const result = settings[name].schema.safeParse(given.value)
  if (result.success) return { value: result.data, source: given.source }
  for (const issue of result.error.issues) {
    problems.push({
      code: 'CONFIG_INVALID',
      source: given.source,
      message: issueText(issue),
      hint: 'Correct the value at the place given.',
    })
  }
  return undefined
}

function candidatesOf(field: FieldConfig, ours: ReadonlyMap<SettingName, readonly GivenValue[]>): Candidates {
  const candidates = new Map<SettingName, readonly GivenValue[]>()
  for (const [key, { target, list }] of Object.entries(fieldKeys)) {
    if (target.kind !== 'setting') continue
    const given = field.values.get(key) ?? []
    const values = list ? added(given) : given.flatMap(({ overrode, value, source }) => [...overrode, { value, source }])
    if (values.length > 0) candidates.set(target.name, values)
  }
  for (const [name, values] of ours) candidates.set(name, [...(candidates.get(name) ?? []), ...values])
  return candidates
}

/** Lists of several files as one, each item once; it comes from where the last of them does. */
function added(given: readonly GivenValue[]): readonly GivenValue[] {
  const last = given.at(-1)
  return last === undefined ? [] : [{ value: [...new Set(given.flatMap(({ value }) => value))], source: last.source }]
}

/** What lost even against the default, because the common file replaced it. */
function replacedOf(field: FieldConfig, name: SettingName): readonly GivenValue[] {
  return [...field.replaced].flatMap(([key, values]) => {
    const target = fieldKeys[key]?.target
    return target?.kind === 'setting' && target.name === name ? values : []
  })
}

/** One row for each directory. */
function rootRows(field: FieldConfig, ours: readonly GivenValue[]): readonly ExplainedValue[] {
  const own = explained('imageRoots', [{ value: [defaultRoot], source: { kind: 'default' } }, ...ours])
  const rows: ExplainedValue[] = []
  const add = (path: string, row: Omit<ExplainedValue, 'key' | 'value'>) => {
    const value = resolve('/', path)
    if (!rows.some((known) => known.value === value)) rows.push({ key: `imageRoots[${rows.length}]`, value, ...row })
  }
  for (const path of own.value as readonly string[]) add(path, { source: own.source, overrode: own.overrode })
  for (const [key, { target }] of Object.entries(fieldKeys)) {
    if (target.kind !== 'roots') continue
    for (const { value, source, overrode } of field.values.get(key) ?? []) {
      for (const path of value as readonly string[]) add(path, { source, overrode })
    }
  }
  return rows
}

function ignoredKeys(count: number): Diagnostic {
  const what = count === 1 ? '1 key or option of the platform is' : `${count} keys and options of the platform are`
  return { severity: 'info', code: 'CONFIG_KEYS_IGNORED', summary: `${what} not ours and left out` }
}
