import { closest } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import type { ConfigProblem } from './config-problem.ts'
import type { GivenValue } from './config-source.ts'
import { convertText, kindNames } from './convert-text.ts'
import { environmentName, type SettingName, settingNames, settings } from './settings.ts'

export interface EnvironmentConfig {
  readonly values: ReadonlyMap<SettingName, GivenValue>
  readonly problems: readonly ConfigProblem[]
  readonly diagnostics: readonly Diagnostic[]
}

const prefix = 'HOST_DEPLOYER_'
/** Kubernetes puts such a set into every container for each service of that name. */
const ofService = /^HOST_DEPLOYER_(\w+_)?(SERVICE|PORT)(_\w+)?$/

/** `HOST_DEPLOYER_*`; an empty variable is as good as none. One that is not ours is a finding, it may well be somebody else's. Pure. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentConfig {
  const names = new Map(settingNames.map((name) => [environmentName(name), name]))
  const values = new Map<SettingName, GivenValue>()
  const problems: ConfigProblem[] = []
  const diagnostics: Diagnostic[] = []
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || text === undefined || text === '') continue
    const name = names.get(variable)
    if (name === undefined) {
      if (!ofService.test(variable)) diagnostics.push(unknownVariable(variable, [...names.keys()]))
      continue
    }
    const { kind } = settings[name]
    const value = convertText(kind, text)
    const source = { kind: 'environment', name: variable } as const
    if (value !== undefined) values.set(name, { value, source })
    else problems.push({ code: 'CONFIG_INVALID', source, message: `takes ${kindNames[kind]}`, hint: `Correct ${variable}, or unset it.` })
  }
  return { values, problems, diagnostics }
}

function unknownVariable(variable: string, known: readonly string[]): Diagnostic {
  const meant = closest(variable, known)
  return {
    severity: 'warning',
    code: 'CONFIG_VARIABLE_UNKNOWN',
    summary: `The variable ${variable} is not one of ours${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  }
}
