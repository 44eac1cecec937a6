import { parseAccountId, parseNameList, renderAccountId, renderNameList } from './account-fields.ts'
import { type ColonSyntax, type ColonTable, parseTable } from './colon-table.ts'

/** One group of group(5). */
export interface GroupEntry {
  readonly name: string
  /** `x`: the hash is in gshadow(5). */
  readonly password: string
  readonly gid: number
  /** Supplementary members; accounts whose primary group this is need not be listed. */
  readonly members: readonly string[]
}

export type GroupTable = ColonTable<GroupEntry>

const syntax: ColonSyntax<GroupEntry> = {
  title: 'group(5)',
  parse: (fields) => {
    const [name = '', password = '', gidText = '', members = ''] = fields
    const gid = parseAccountId(gidText)
    if (fields.length !== 4 || gid === undefined) return undefined
    return { name, password, gid, members: parseNameList(members) }
  },
  render: ({ name, password, gid, members }) => ({
    name,
    password,
    gid: renderAccountId(gid, 'group(5): gid'),
    members: renderNameList(members, 'group(5): members'),
  }),
}

/** Parses `/etc/group`. Read and change it with `findEntry`, `upsertEntry`, `removeEntry`, `renderLines`. */
export function parseGroup(text: string): GroupTable {
  return parseTable(syntax, text)
}
