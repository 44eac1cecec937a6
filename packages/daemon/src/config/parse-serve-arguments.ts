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
  const own = new Map<SettingName, GivenValue>()
  const field = new Map<string, GivenValue>()
  const ignored = new Set<string>()
  const problems: ConfigProblem[] = []
  const files: { config?: string; settings?: string } = {}
  const words = [...argv]

  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, written, equals, inline] = /^--?([A-Za-z][\w-]*)(=?)(.*)$/s.exec(word) ?? []
    if (written === undefined) {
      if (form === 'serve') problems.push(unknownFlag(word.startsWith('-') ? '-' : 'argument', undefined))
      continue
    }
    const name = written.replaceAll('_', '-').toLowerCase()
    const flag = `--${name}`
    const given = equals === '=' ? inline : undefined
    const value = (kind?: 'boolean'): string | undefined => {
      if (given !== undefined) return given
      const [next] = words
      if (kind === 'boolean') return next !== undefined && booleanOf(next) !== undefined ? words.shift() : 'true'
      if (next === undefined || (next.startsWith('--') && next !== '--')) {
        problems.push({
          code: 'CONFIG_INVALID',
          source: { kind: 'flag', name: flag },
          message: 'needs a value',
          hint: `Write ${flag} VALUE.`,
        })
        return undefined
      }
      return words.shift()
    }
    const ownName = ownFlags.get(name)
    const fieldName = fieldFlags.get(name)
    if (name === 'config' || name === 'settings') {
      const path = value()
      if (path !== undefined) files[name] = path
    } else if (fieldName !== undefined && (form === 'field' || ownName === undefined)) {
      const text = value(fieldName === 'allow_vm_selinux' ? 'boolean' : undefined)
      const before = fieldKeys[fieldName]?.list ? field.get(fieldName)?.value : undefined
      const all = Array.isArray(before) ? [...before, text] : fieldKeys[fieldName]?.list ? [text] : text
      if (text !== undefined) field.set(fieldName, { value: all, source: { kind: 'flag', name: flag } })
    } else if (ownName !== undefined) {
      const { kind } = settings[ownName]
      const text = value(kind === 'boolean' ? 'boolean' : undefined)
      if (text === undefined) continue
      const converted = convertText(kind, text)
      const source = { kind: 'flag', name: flag } as const
      if (converted === undefined) {
        problems.push({ code: 'CONFIG_INVALID', source, message: `takes ${kindNames[kind]}`, hint: `Correct the value of ${flag}.` })
        continue
      }
      const before = own.get(ownName)?.value
      own.set(ownName, { value: Array.isArray(before) && Array.isArray(converted) ? [...before, ...converted] : converted, source })
    } else if (form === 'serve') {
      problems.push(unknownFlag(flag, closest(name, [...ownFlags.keys(), ...fieldFlags.keys(), 'config', 'settings'])))
    } else {
      ignored.add(name)
      const [next] = words
      if (given === undefined && next !== undefined && (secretName.test(name) || !next.startsWith('-'))) words.shift()
    }
  }
  if (problems.length > 0) throw configError(problems)
  return { ...files, own, field, ignored: [...ignored] }
}

function unknownFlag(flag: string, meant: string | undefined): ConfigProblem {
  return {
    code: 'CONFIG_FLAG_UNKNOWN',
    source: { kind: 'flag', name: flag },
    message: meant === undefined ? 'unknown option' : `unknown option; did you mean --${meant}?`,
    hint: 'Run "host-deployer serve --help" for the options.',
  }
}
