/** Where a value of the configuration was given. */
export type ConfigSource =
  | { readonly kind: 'default' }
  /** `name` as it is written there, `deploy_concurrent` for instance; `line` from 1. */
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly name: string }
  | { readonly kind: 'environment'; readonly name: string }
  /** With its dashes: `--socket-path`. */
  | { readonly kind: 'flag'; readonly name: string }

/** A value as somebody gave it, not looked at yet. */
export interface GivenValue {
  readonly value: unknown
  readonly source: ConfigSource
}

/** `/etc/yunion/host.conf:3 (deploy_concurrent)`, `HOST_DEPLOYER_DRIVER`, `--socket-path`, `default`. */
export function sourceText(source: ConfigSource): string {
  if (source.kind === 'default') return 'default'
  return source.kind === 'file' ? `${source.file}:${source.line} (${source.name})` : source.name
}
