import { lineBody, splitLines } from './line-file.ts'

/** `/etc/default/useradd`, useradd(8), with the tool's own defaults for what the file lacks. */
export interface UseraddDefaults {
  /** `SHELL`. */
  readonly shell: string
  /** `HOME`: the directory that holds the home directories. */
  readonly homeBase: string
  /** `SKEL`. */
  readonly skeleton: string
  /** `GROUP`: name or number of the primary group where users get none of their own. */
  readonly group: string
  /** `INACTIVE`; `undefined`: off. */
  readonly inactiveDays: number | undefined
  /** `EXPIRE`: `YYYY-MM-DD`; `undefined`: never. */
  readonly expireDate: string | undefined
  readonly createMailSpool: boolean
}

/** Parses any text, also the empty one of a missing file. The file is no shell script: values are taken as they stand. */
export function parseUseraddDefaults(text: string): UseraddDefaults {
  const values = new Map<string, string>()
  for (const line of splitLines(text)) {
    const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(lineBody(line)) ?? []
    if (key !== undefined && value) values.set(key, value)
  }
  const inactive = Number(values.get('INACTIVE') ?? -1)
  return {
    shell: values.get('SHELL') ?? '/bin/sh',
    homeBase: values.get('HOME') ?? '/home',
    skeleton: values.get('SKEL') ?? '/etc/skel',
    group: values.get('GROUP') ?? '100',
    inactiveDays: Number.isSafeInteger(inactive) && inactive >= 0 ? inactive : undefined,
    expireDate: values.get('EXPIRE'),
    createMailSpool: values.get('CREATE_MAIL_SPOOL')?.toLowerCase() === 'yes',
  }
}
