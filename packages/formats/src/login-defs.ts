import { lineBody, splitLines } from './line-file.ts'

/** A range of ids, both ends included. */
export interface IdRange {
  readonly min: number
  readonly max: number
}

/** Where a new account's subordinate ids come from; `count` 0 means it gets none. */
export interface SubordinateIdRange extends IdRange {
  readonly count: number
}

/** login.defs(5), the settings that creating an account needs, with the defaults of shadow-utils for what the file lacks. */
export interface LoginDefs {
  readonly uids: IdRange
  readonly gids: IdRange
  readonly systemUids: IdRange
  readonly systemGids: IdRange
  readonly subordinateUids: SubordinateIdRange
  readonly subordinateGids: SubordinateIdRange
  /** Upper case as in the file: `SHA512`, `YESCRYPT`; `undefined` leaves it to PAM. */
  readonly encryptMethod: string | undefined
  readonly umask: number
  /** Permission bits of a new home directory: `HOME_MODE`, else what the umask leaves. */
  readonly homeMode: number
  /** A new user gets a group of its own name. */
  readonly userGroups: boolean
  readonly createHome: boolean
  /** `undefined`: the rule is off. */
  readonly passMinDays: number | undefined
  readonly passMaxDays: number | undefined
  readonly passWarnDays: number | undefined
  readonly mailDirectory: string | undefined
  /** Every setting by its name, the last of each. */
  readonly settings: ReadonlyMap<string, string>
}

// As getdef.c reads it: name, white space or a double quote, the value up to the next double quote; comments are whole lines.
function parseSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>()
  for (const line of splitLines(text)) {
    const [, name, value] = /^\s*([^\s#]\S*)[ \t]+["\s]*([^"]*)/.exec(lineBody(line).trimEnd()) ?? []
    if (name !== undefined && value !== undefined) settings.set(name, value)
  }
  return settings
}

/** C notation: decimal, `0` octal, `0x` hexadecimal; -1 is how these files say "off". */
function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^(-?[1-9]\d*|0[0-7]*|0x[\da-f]+)$/i.test(text)) return undefined
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** Parses `/etc/login.defs`. Any text, also the empty one of a missing file: settings that are absent or malformed take their default. */
export function parseLoginDefs(text: string): LoginDefs {
  const settings = parseSettings(text)
  const number = (name: string, fallback: number) => {
    const value = parseNumber(settings.get(name))
    return value === undefined || value < 0 ? fallback : value
  }
  const days = (name: string) => {
    const value = parseNumber(settings.get(name))
    return value === undefined || value < 0 ? undefined : value
  }
  const flag = (name: string) => settings.get(name)?.toLowerCase() === 'yes'

  const range = (kind: 'UID' | 'GID') => ({ min: number(`${kind}_MIN`, 1000), max: number(`${kind}_MAX`, 60_000) })
  const systemRange = (kind: 'UID' | 'GID') => ({
    min: number(`SYS_${kind}_MIN`, 101),
    max: number(`SYS_${kind}_MAX`, range(kind).min - 1),
  })
  const subordinate = (kind: 'UID' | 'GID') => ({
    min: number(`SUB_${kind}_MIN`, 100_000),
    max: number(`SUB_${kind}_MAX`, 600_100_000),
    count: number(`SUB_${kind}_COUNT`, 65_536),
  })
  const umask = number('UMASK', 0o022) & 0o777
  return {
    uids: range('UID'),
    gids: range('GID'),
    systemUids: systemRange('UID'),
    systemGids: systemRange('GID'),
    subordinateUids: subordinate('UID'),
    subordinateGids: subordinate('GID'),
    encryptMethod: settings.get('ENCRYPT_METHOD')?.toUpperCase(),
    umask,
    homeMode: number('HOME_MODE', 0o777 & ~umask) & 0o7777,
    userGroups: flag('USERGROUPS_ENAB'),
    createHome: flag('CREATE_HOME'),
    passMinDays: days('PASS_MIN_DAYS'),
    passMaxDays: days('PASS_MAX_DAYS'),
    passWarnDays: days('PASS_WARN_AGE'),
    mailDirectory: settings.get('MAIL_DIR'),
    settings,
  }
}
