import { join, resolve } from 'node:path'
import type { Diagnostic } from '@host-deployer/driver-api'
import { type ConfigFile, readConfigFile } from './config-file.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { GivenValue } from './config-source.ts'
import { fieldKeys, NotConvertible } from './field-keys.ts'
import { type FileState, readFileState } from './file-state.ts'

/** A key of host.conf, converted. */
export interface FieldValue extends GivenValue {
  /** Values that this one took the place of, the lowest first. */
  readonly overrode: readonly GivenValue[]
}

export interface FieldConfig {
  /** By the key's name in host.conf. Of a list one entry for each file that has it. */
  readonly values: ReadonlyMap<string, readonly FieldValue[]>
  /** What `common_config_file` replaced without giving a value of its own: our default counts. */
  readonly replaced: ReadonlyMap<string, readonly GivenValue[]>
  readonly problems: readonly ConfigProblem[]
  readonly diagnostics: readonly Diagnostic[]
  /** Names of keys that are not ours; odd names are not shown. */
  readonly ignoredKeys: readonly string[]
  /** Every file that was read or would have been, in the order of reading, as it was just before. */
  readonly files: readonly FileState[]
}

export interface FieldOptions {
  readonly config?: string | undefined
  /** `--deploy-concurrent` and the like, by the key's name in host.conf. */
  readonly flags: ReadonlyMap<string, GivenValue>
  readonly cwd: string
}

const usualHostConf = '/etc/yunion/host.conf'
const defaultLocalFile = '/etc/yunion/host_local.conf'

/**
 * host.conf, `common_config_file` and `local_config_file` as the field's programs read them: flags, over them host.conf; the common file replaces the
 * shared options, whether it names them or not; the local file comes last. Keys that are not ours are counted, their values never looked at.
 */
export async function readFieldConfig(options: FieldOptions): Promise<FieldConfig> {
  const reading = new Reading()
  for (const [name, given] of options.flags) reading.give(name, given)

  const hostFile = await readHostConf(options, reading)
  if (hostFile !== undefined) reading.takeFile(hostFile, () => true)

  const common = reading.fileNamed('common_config_file')
  const commonFile = common === '' ? undefined : await reading.read(resolve(options.cwd, common))
  if (commonFile !== undefined) {
    reading.replaceShared()
    reading.takeFile(commonFile, (name) => fieldKeys[name]?.shared === true)
  } else if (common !== '') {
    reading.missing('common_config_file', resolve(options.cwd, common))
  }

  const local = reading.fileNamed('local_config_file', defaultLocalFile)
  const localFile = local === '' ? undefined : await reading.read(resolve(options.cwd, local))
  if (localFile !== undefined) reading.takeFile(localFile, () => true)
  return reading.result()
}

async function readHostConf({ config, cwd }: FieldOptions, reading: Reading): Promise<ConfigFile | undefined> {
  if (config !== undefined) {
    const path = resolve(cwd, config)
    const file = await reading.read(path)
    if (file === undefined) reading.missing('--config', path)
    return file
  }
  const here = join(cwd, 'etc/host.conf')
  // A service starts in /, and /etc/host.conf is the resolver's, see host.conf(5).
  for (const path of here === '/etc/host.conf' ? [usualHostConf] : [here, usualHostConf]) {
    const file = await reading.read(path)
    if (file !== undefined) return file
  }
  return undefined
}

class Reading {
  readonly #values = new Map<string, FieldValue[]>()
  readonly #replaced = new Map<string, readonly GivenValue[]>()
  readonly #problems: ConfigProblem[] = []
  readonly #diagnostics: Diagnostic[] = []
  readonly #ignored = new Set<string>()
  readonly #files: FileState[] = []

  async read(path: string): Promise<ConfigFile | undefined> {
    this.#files.push(await readFileState(path))
    return await readConfigFile(path, { dialect: 'field' })
  }

  missing(what: string, path: string): void {
    this.#diagnostics.push({
      severity: 'warning',
      code: 'CONFIG_FILE_MISSING',
      summary: `${what} names a file that does not exist: ${path}; it counts as empty`,
      path,
    })
  }

  give(name: string, { value, source }: GivenValue): void {
    const key = fieldKeys[name]
    if (key === undefined) return
    let converted: unknown
    try {
      converted = key.convert(value)
    } catch (error) {
      if (!(error instanceof NotConvertible)) throw error
      this.#problems.push({
        code: error.code,
        source,
        message: error.message,
        hint: 'Correct the value at the place given, or remove the key: the default counts then.',
      })
      return
    }
    const before = this.#values.get(name) ?? []
    if (key.list) {
      this.#replaced.delete(name)
      this.#values.set(name, [...before, { value: converted, source, overrode: [] }])
      return
    }
    const overrode = [...(this.#replaced.get(name) ?? []), ...before.flatMap((old) => [...old.overrode, without(old)])]
    this.#replaced.delete(name)
    this.#values.set(name, [{ value: converted, source, overrode }])
  }

  takeFile({ path, entries }: ConfigFile, counts: (name: string) => boolean): void {
    const idle: string[] = []
    for (const entry of entries) {
      const name = entry.name.trim().replaceAll('-', '_')
      if (fieldKeys[name] === undefined) this.#ignored.add(/^[a-z]\w{0,63}$/i.test(name) ? name : '(?)')
      else if (counts(name)) this.give(name, { value: entry.value(), source: { kind: 'file', file: path, line: entry.line, name } })
      else idle.push(name)
    }
    if (idle.length === 0) return
    this.#diagnostics.push({
      severity: 'info',
      code: 'CONFIG_KEY_WITHOUT_EFFECT',
      summary: `${idle.join(', ')} in ${path} without effect: the common file holds only the shared host options; host.conf or the local file has the others`,
      path,
    })
  }

  replaceShared(): void {
    for (const [name, key] of Object.entries(fieldKeys)) {
      const values = this.#values.get(name)
      if (!key.shared || values === undefined) continue
      this.#values.delete(name)
      this.#replaced.set(
        name,
        values.flatMap((old) => [...old.overrode, without(old)]),
      )
    }
  }

  fileNamed(name: string, fallback = ''): string {
    const value = this.#values.get(name)?.[0]?.value
    return typeof value === 'string' ? value : fallback
  }

  result(): FieldConfig {
    for (const name of this.#replaced.keys()) {
      this.#diagnostics.push({
        severity: 'info',
        code: 'CONFIG_REPLACED',
        summary: `${name} of host.conf does not count: common_config_file replaces the shared host options, and it does not have the key`,
      })
    }
    return {
      values: this.#values,
      replaced: this.#replaced,
      problems: this.#problems,
      diagnostics: this.#diagnostics,
      ignoredKeys: [...this.#ignored],
      files: this.#files,
    }
  }
}

const without = ({ value, source }: FieldValue): GivenValue => ({ value, source })
