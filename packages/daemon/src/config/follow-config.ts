import { isDeepStrictEqual } from 'node:util'
import { ConfigError, DeployError, type Diagnostic } from '@host-deployer/driver-api'
import { type ConfigComparison, compareConfigs } from './compare-configs.ts'
import type { DaemonConfig } from './daemon-config.ts'
import { type ReadConfigOptions, type ReadConfigResult, readConfig } from './read-config.ts'
import { type WatchOptions, watchConfig } from './watch-config.ts'

export type ConfigUpdate =
  /** `comparison.config` counts from now on; `findings` are of all the files, and of what waits for a restart. */
  | { readonly type: 'edited'; readonly comparison: ConfigComparison; readonly findings: readonly Diagnostic[] }
  /** A file was edited and is wrong: the daemon goes on with what it had, and the next edit is read again. */
  | { readonly type: 'refused'; readonly error: DeployError }

export interface FollowOptions extends WatchOptions {
  /** Rejects for an edit whose values are well-formed and wrong all the same: it is refused as one with a mistake is. */
  readonly accept?: (comparison: ConfigComparison) => Promise<void>
}

/**
 * Reads the configuration again whenever one of its files changes, until the signal aborts, and says what it means for a daemon that started with
 * `first`. An edit that changes neither a value nor a finding is not reported, unless it puts right what was refused. `onUpdate` must not throw.
 */
export function followConfig(
  first: ReadConfigResult,
  { given, env, cwd }: ReadConfigOptions,
  onUpdate: (update: ConfigUpdate) => void,
  options: FollowOptions,
): void {
  let running: DaemonConfig = first.config
  let known = first.diagnostics
  let refused = false
  watchConfig(
    first.files,
    async () => {
      try {
        const read = await readConfig({ ...(given === undefined ? {} : { given }), env, ...(cwd === undefined ? {} : { cwd }) })
        const comparison = compareConfigs(running, read.config)
        await options.accept?.(comparison)
        running = comparison.config
        const findings = [...read.diagnostics, ...comparison.diagnostics]
        if (refused || comparison.changed.length > 0 || !isDeepStrictEqual(findings, known))
          onUpdate({ type: 'edited', comparison, findings })
        known = findings
        refused = false
        return read.files
      } catch (error) {
        refused = true
        onUpdate({ type: 'refused', error: asDeployError(error) })
        return undefined
      }
    },
    options,
  )
}

function asDeployError(error: unknown): DeployError {
  if (DeployError.isInstance(error)) return error
  return new ConfigError(
    'CONFIG_FILE_UNREADABLE',
    `The configuration cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    {
      hint: 'The daemon goes on with the configuration it has.',
      cause: error,
    },
  )
}
