import { parseNameList, renderNameList } from './account-fields.ts'
import { type ColonSyntax, type ColonTable, parseTable } from './colon-table.ts'

/** One group of gshadow(5). */
export interface GshadowEntry {
  readonly name: string
  /** A crypt(5) hash, or `!` or `*` for "nobody joins by password". */
  readonly password: string
  readonly administrators: readonly string[]
  /** Kept equal to the members in group(5). */
  readonly members: readonly string[]
}

export type GshadowTable = ColonTable<GshadowEntry>

const syntax: ColonSyntax<GshadowEntry> = {
  title: 'gshadow(5)',
  parse: (fields) => {
    const [name = '', password = '', administrators = '', members = ''] = fields
    if (fields.length !== 4) return undefined
    return { name, password, administrators: parseNameList(administrators), members: parseNameList(members) }
  },
  render: ({ name, password, administrators, members }) => ({
    name,
    password,
    administrators: renderNameList(administrators, 'gshadow(5): administrators'),
    members: renderNameList(members, 'gshadow(5): members'),
  }),
}

/** Parses `/etc/gshadow`. Read and change it with `findEntry`, `upsertEntry`, `removeEntry`, `renderLines`. */
export function parseGshadow(text: string): GshadowTable {
  return parseTable(syntax, text)
}
