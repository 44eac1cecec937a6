import { closest } from '@host-deployer/api'
import { type ConfigProblem, configError } from './config-problem.ts'
import type { GivenValue } from './config-source.ts'
import { booleanOf, convertText, kindNames } from './convert-text.ts'
import { fieldKeys } from './field-keys.ts'
import { flagName, type SettingName, settingNames, settings } from './settings.ts'

/** What the words after the command's name say about the configuration. */
export interface ServeArguments {
  /** host.conf. Absent: looked up in `./etc` and `/etc/yunion`. */
  readonly config?: string
  /** Our own file. Absent: `/etc/host-deployer/config.yaml`, if there is one. */
  readonly settings?: string
  /** Flags of our own, converted. */
  readonly own: ReadonlyMap<SettingName, GivenValue>
  /** Flags of the field that we know, as texts, by the key's name in host.conf. */
  readonly field: ReadonlyMap<string, GivenValue>
  /** Options of the field that are not ours: names, never values. */
  readonly ignored: readonly string[]
}

/** No arguments: files are looked up where they usually are. */
export const noArguments: ServeArguments = { own: new Map(), field: new Map(), ignored: [] }

const ownFlags = new Map(settingNames.map((name) => [flagName(name), name]))
ownFlags.set('socket', 'socketPath')
const fieldFlags = new Map(Object.keys(fieldKeys).map((name) => [name.replaceAll('_', '-'), name]))
/** The word after one of these is its value, whatever it looks like. */
const secretName = /passw|secret|token|credential|key/

/**
 * The words after `serve` (`form: 'serve'`), or the whole command line of the platform's program, which has no verb (`form: 'field'`). `--name value`
 * and `--name=value`. In the field's form options that are not ours are accepted and left out, with or without a value, and a name that both have is
 * the field's; in the form of `serve` they are `CONFIG_FLAG_UNKNOWN`, and a shared name is ours. Throws `ConfigError`: `CONFIG_FLAG_UNKNOWN`,
 * `CONFIG_INVALID`, every problem in one.
 */
export function parseServeArguments(argv: readonly string[], form: 'serve' | 'field'): ServeArguments {
  const reader = new ArgumentReader(argv)
  const own = new Map<SettingName, GivenValue>()
  const field = new Map<string, GivenValue>()
  const ignored = new Set<string>()
  const files: { config?: string; settings?: string } = {}

  for (const { name, flag } of reader.options()) {
    const ownName = ownFlags.get(name)
    const fieldName = fieldFlags.get(name)
    if (name === 'config' || name === 'settings') {
      const path = reader.value()
      if (path !== undefined) files[name] = path
    } else if (fieldName !== undefined && (form === 'field' || ownName === undefined)) {
      const text = fieldName === 'allow_vm_selinux' ? reader.booleanWord() : reader.value()
      if (text !== undefined) field.set(fieldName, fieldValue(fieldName, text, flag, field.get(fieldName)))
    } else if (ownName !== undefined) {
      const { kind } = settings[ownName]
      const text = kind === 'boolean' ? reader.booleanWord() : reader.value()
      if (text === undefined) continue
      const value = convertText(kind, text)
      if (value === undefined) reader.problem('CONFIG_INVALID', `takes ${kindNames[kind]}`, `Correct the value of ${flag}.`)
      else own.set(ownName, { value: appended(own.get(ownName)?.value, value), source: { kind: 'flag', name: flag } })
    } else {
      reader.skipValue(secretName.test(name))
      if (form === 'field') ignored.add(name)
      else reader.unknown(closest(name, [...ownFlags.keys(), ...fieldFlags.keys(), 'config', 'settings']))
    }
  }
  if (form === 'serve') reader.refuseOperands()
  if (reader.problems.length > 0) throw configError(reader.problems)
  return { ...files, own, field, ignored: [...ignored] }
}

/** An option that may be repeated collects its values. */
function fieldValue(name: string, text: string, flag: string, before: GivenValue | undefined): GivenValue {
  return { value: fieldKeys[name]?.list ? appended(before?.value, [text]) : text, source: { kind: 'flag', name: flag } }
}

const appended = (before: unknown, value: unknown): unknown =>
  Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value

/** Walks over words: `--name value`, `--name=value`, one dash or two, as the field takes them. */
class ArgumentReader {
  readonly problems: ConfigProblem[] = []
  readonly #words: string[]
  #flag = ''
  #inline: string | undefined
  #operands = 0

  constructor(argv: readonly string[]) {
    this.#words = [...argv]
  }

  *options(): Generator<{ readonly name: string; readonly flag: string }> {
    for (let word = this.#words.shift(); word !== undefined; word = this.#words.shift()) {
      const [, written, equals, inline] = /^--?([A-Za-z][\w-]*)(=?)(.*)$/s.exec(word) ?? []
      if (written === undefined) {
        this.#operands += 1
        continue
      }
      const name = written.replaceAll('_', '-').toLowerCase()
      this.#flag = `--${name}`
      this.#inline = equals === '=' ? inline : undefined
      yield { name, flag: this.#flag }
    }
  }

  /** The value of the current option. `undefined`: it has none, which is a problem now. */
  value(): string | undefined {
    if (this.#inline !== undefined) return this.#inline
    const [next] = this.#words
    if (next !== undefined && !next.startsWith('--')) return this.#words.shift()
    this.problem('CONFIG_INVALID', 'needs a value', `Write ${this.#flag} VALUE.`)
    return undefined
  }

  /** The same for a switch, which is true when it stands alone. */
  booleanWord(): string {
    const [next] = this.#words
    return this.#inline ?? (next !== undefined && booleanOf(next) !== undefined ? this.#words.shift() : undefined) ?? 'true'
  }

  /** Drops what may be the value of an option that is not known. */
  skipValue(whateverItIs: boolean): void {
    const [next] = this.#words
    if (this.#inline === undefined && next !== undefined && (whateverItIs || !next.startsWith('-'))) this.#words.shift()
  }

  problem(code: string, message: string, hint: string): void {
    this.problems.push({ code, source: { kind: 'flag', name: this.#flag }, message, hint })
  }

  unknown(meant: string | undefined): void {
    const message = meant === undefined ? 'unknown option' : `unknown option; did you mean --${meant}?`
    this.problem('CONFIG_FLAG_UNKNOWN', message, 'Run "host-deployer config explain" for the settings: each is an option of that name.')
  }

  refuseOperands(): void {
    if (this.#operands === 0) return
    this.#flag = 'arguments'
    this.problem('CONFIG_FLAG_UNKNOWN', 'only options are taken here', 'Write each option with its dashes: --config FILE.')
  }
}
