import { parseAccountId, renderAccountId } from './account-fields.ts'
import { type ColonSyntax, type ColonTable, parseTable } from './colon-table.ts'

/** One account of passwd(5). */
export interface PasswdEntry {
  readonly name: string
  /** `x`: the hash is in shadow(5). */
  readonly password: string
  readonly uid: number
  readonly gid: number
  /** Full name and friends, comma separated. */
  readonly gecos: string
  readonly home: string
  /** Empty means `/bin/sh`. */
  readonly shell: string
}

export type PasswdTable = ColonTable<PasswdEntry>

const syntax: ColonSyntax<PasswdEntry> = {
  title: 'passwd(5)',
  parse: (fields) => {
    const [name = '', password = '', uidText = '', gidText = '', gecos = '', home = '', shell = ''] = fields
    const uid = parseAccountId(uidText)
    const gid = parseAccountId(gidText)
    if (fields.length !== 7 || uid === undefined || gid === undefined) return undefined
    return { name, password, uid, gid, gecos, home, shell }
  },
  render: ({ name, password, uid, gid, gecos, home, shell }) => ({
    name,
    password,
    uid: renderAccountId(uid, 'passwd(5): uid'),
    gid: renderAccountId(gid, 'passwd(5): gid'),
    gecos,
    home,
    shell,
  }),
}

/** Parses `/etc/passwd`. Read and change it with `findEntry`, `upsertEntry`, `removeEntry`, `renderLines`. */
export function parsePasswd(text: string): PasswdTable {
  return parseTable(syntax, text)
}
