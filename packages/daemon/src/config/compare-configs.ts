import { isDeepStrictEqual } from 'node:util'
import type { Diagnostic } from '@host-deployer/driver-api'
import type { DaemonConfig } from './daemon-config.ts'
import { deepFreeze } from './explained-value.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

export interface ConfigComparison {
  /** What to go on with: the new values, but the old ones of what cannot change while the daemon runs. Frozen. */
  readonly config: DaemonConfig
  /** Settings that differ and take effect with `config`. */
  readonly changed: readonly SettingName[]
  /** `CONFIG_NEEDS_RESTART` for each setting that differs and cannot change now. */
  readonly diagnostics: readonly Diagnostic[]
}

/** What an edited configuration means for a daemon that runs with `running`. Pure. */
export function compareConfigs(running: DaemonConfig, edited: DaemonConfig): ConfigComparison {
  const different = settingNames.filter((name) => !isDeepStrictEqual(running[name], edited[name]))
  const changed = different.filter((name) => settings[name].takesEffect === 'now')
  const waiting = different.filter((name) => settings[name].takesEffect === 'restart')
  const taken = Object.fromEntries(changed.map((name) => [name, edited[name]])) as Partial<DaemonConfig>
  return {
    config: deepFreeze({ ...running, ...taken }),
    changed,
    diagnostics: waiting.map((name) => ({
      severity: 'warning',
      code: 'CONFIG_NEEDS_RESTART',
      summary: `${name} was edited and cannot change while the daemon runs; it takes effect after a restart`,
      path: name,
    })),
  }
}
