import { closest } from '@host-deployer/api'
import { ConfigError } from '@host-deployer/driver-api'
import * as z from 'zod'
import { readConfigFile } from './config-file.ts'
import { type ConfigProblem, configError } from './config-problem.ts'
import type { GivenValue } from './config-source.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

/** Where our own file is when `--settings` does not say. */
export const defaultSettingsFile = '/etc/host-deployer/config.yaml'

/** The schema of our own file: every key of {@link settings}, none required, no other. */
export const ownFileSchema = z.strictObject(
  Object.fromEntries(settingNames.map((name) => [name, settings[name].schema.optional()])) as Record<SettingName, z.ZodOptional<z.ZodType>>,
)

export interface OwnFile {
  readonly values: ReadonlyMap<SettingName, GivenValue>
  /** Line of a driver option. */
  driverOptionLine(option: string): number
}

/**
 * Our own YAML file; `undefined` when there is none. A key that is not ours fails with the likely spelling: `CONFIG_KEY_UNKNOWN`; a wrong value is
 * `CONFIG_INVALID`; all problems come in one error. Throws `CONFIG_FILE_UNREADABLE` when the file was asked for by name and does not exist.
 */
export async function readOwnFile(path: string, { mustExist }: { readonly mustExist: boolean }): Promise<OwnFile | undefined> {
  const file = await readConfigFile(path, { dialect: 'ours' })
  if (file === undefined) {
    if (!mustExist) return undefined
    throw new ConfigError('CONFIG_FILE_UNREADABLE', `The settings file does not exist: ${path}`, {
      hint: 'Check the path, or leave --settings out.',
      context: { file: path },
    })
  }
  const given = new Map(file.entries.map((entry) => [entry.name, entry]))
  // A key without a value is as good as absent.
  const present = file.entries.filter((entry) => entry.value() !== null)
  const result = ownFileSchema.safeParse(Object.fromEntries(present.map((entry) => [entry.name, entry.value()])))
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue): ConfigProblem[] => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((name) => unknownKey(path, name, given.get(name)?.line ?? 1, [...given.keys()]))
      }
      const [name, ...rest] = issue.path
      const entry = given.get(String(name))
      return [
        {
          code: 'CONFIG_INVALID',
          source: { kind: 'file', file: path, line: entry?.lineOf(rest) ?? 1, name: issue.path.map(String).join('.') },
          message: issueText(issue),
          hint: 'Correct the value at the line given.',
        },
      ]
    })
    throw configError(problems.toSorted((a, b) => lineOf(a) - lineOf(b)))
  }
  const values = new Map<SettingName, GivenValue>()
  for (const name of settingNames) {
    const value = result.data[name]
    const line = given.get(name)?.line
    if (value !== undefined && line !== undefined) values.set(name, { value, source: { kind: 'file', file: path, line, name } })
  }
  return { values, driverOptionLine: (option) => given.get('driverOptions')?.lineOf([option]) ?? 1 }
}

const lineOf = ({ source }: ConfigProblem) => (source.kind === 'file' ? source.line : 0)

/** What a schema has to say about a value, without the value. */
export function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') {
    const [first] = issue.errors.flat()
    return first === undefined ? 'is not one of the values allowed here' : issueText(first)
  }
  return issue.message
}

function unknownKey(file: string, name: string, line: number, present: readonly string[]): ConfigProblem {
  const meant = closest(
    name,
    settingNames.filter((candidate) => !present.includes(candidate)),
  )
  const shown = /^[\w.-]{1,64}$/.test(name) ? name : '(?)'
  return {
    code: 'CONFIG_KEY_UNKNOWN',
    source: { kind: 'file', file, line, name: shown },
    message: meant === undefined ? 'unknown key' : `unknown key; did you mean ${meant}?`,
    hint: 'Correct the spelling, or remove the key. Keys of host.conf belong into host.conf.',
  }
}
