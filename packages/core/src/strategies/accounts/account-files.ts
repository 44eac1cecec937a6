import { GuestError } from '@host-deployer/driver-api'
import {
  findEntry,
  type GroupEntry,
  type GroupTable,
  type GshadowTable,
  type LoginDefs,
  type PasswdEntry,
  type PasswdTable,
  parseGroup,
  parseGshadow,
  parseLoginDefs,
  parsePasswd,
  parseShadow,
  parseSubid,
  parseUseraddDefaults,
  renderLines,
  type ShadowTable,
  type SubidFile,
  type UseraddDefaults,
} from '@host-deployer/formats'
import { type GuestFs, type GuestPath, guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const paths = {
  passwd: guestPath('/etc/passwd'),
  group: guestPath('/etc/group'),
  shadow: guestPath('/etc/shadow'),
  gshadow: guestPath('/etc/gshadow'),
  subuid: guestPath('/etc/subuid'),
  subgid: guestPath('/etc/subgid'),
  loginDefs: guestPath('/etc/login.defs'),
  useradd: guestPath('/etc/default/useradd'),
} as const

/**
 * The guest's account files as an operation edits them: the tables are immutable, the properties are replaced. A file that the guest does
 * not have stays `undefined` and is not made: shadow-utils then works without it, and so do we.
 *
 * Text in the tables stands for bytes, one character each (see {@link toAccountText}): a name in Latin-1 in a comment survives.
 */
export interface AccountFiles {
  passwd: PasswdTable
  group: GroupTable
  shadow: ShadowTable | undefined
  gshadow: GshadowTable | undefined
  subuid: SubidFile | undefined
  subgid: SubidFile | undefined
  readonly loginDefs: LoginDefs
  readonly useradd: UseraddDefaults
}

/** Where they are in every guest. */
export const accountPaths: readonly GuestPath[] = Object.values(paths)

/** Text of a request as it stands in the tables of {@link AccountFiles}: its UTF-8 bytes, one character each. */
export function toAccountText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** The other way round: a field of an account file as text. */
export function fromAccountText(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}

async function readBytes(fs: GuestFs, path: GuestPath): Promise<string | undefined> {
  return (await fs.exists(path)) ? Buffer.from(await fs.readFile(path)).toString('latin1') : undefined
}

/** Reads all account files and the policies for new accounts. Rejects with `GuestError` `GUEST_NO_ACCOUNTS` without passwd(5) or group(5). */
export async function readAccountFiles(fs: GuestFs): Promise<AccountFiles> {
  await fs.prefetch({ files: accountPaths })
  const read = async <Table>(path: GuestPath, parse: (text: string) => Table): Promise<Table | undefined> => {
    const text = await readBytes(fs, path)
    return text === undefined ? undefined : parse(text)
  }
  const passwd = await read(paths.passwd, parsePasswd)
  const group = await read(paths.group, parseGroup)
  if (passwd === undefined || group === undefined) {
    throw new GuestError('GUEST_NO_ACCOUNTS', 'The guest has no /etc/passwd or no /etc/group', {
      hint: 'Check that the image holds a complete system; accounts cannot be changed in it.',
    })
  }
  return {
    passwd,
    group,
    shadow: await read(paths.shadow, parseShadow),
    gshadow: await read(paths.gshadow, parseGshadow),
    subuid: await read(paths.subuid, parseSubid),
    subgid: await read(paths.subgid, parseSubid),
    loginDefs: parseLoginDefs((await readBytes(fs, paths.loginDefs)) ?? ''),
    useradd: parseUseraddDefaults((await readBytes(fs, paths.useradd)) ?? ''),
  }
}

/** Stages the files that are there. What holds hashes stays out of diffs and reports. */
export async function writeAccountFiles(fs: WritableGuestFs, files: AccountFiles): Promise<void> {
  const write = async (path: GuestPath, table: Parameters<typeof renderLines>[0] | undefined, sensitive: boolean) => {
    if (table !== undefined) await fs.writeFile(path, Buffer.from(renderLines(table), 'latin1'), { sensitive })
  }
  // Without shadow(5) the hashes are in passwd(5).
  await write(paths.passwd, files.passwd, files.shadow === undefined)
  await write(paths.group, files.group, false)
  await write(paths.shadow, files.shadow, true)
  await write(paths.gshadow, files.gshadow, true)
  await write(paths.subuid, files.subuid, false)
  await write(paths.subgid, files.subgid, false)
}

export function findUser(files: AccountFiles, name: string): PasswdEntry | undefined {
  return findEntry(files.passwd, toAccountText(name))
}

/** By name, else by number. */
export function findGroup(files: AccountFiles, nameOrGid: string): GroupEntry | undefined {
  const byName = findEntry(files.group, toAccountText(nameOrGid))
  if (byName !== undefined || !/^\d+$/.test(nameOrGid)) return byName
  return files.group.entries.find(({ gid }) => gid === Number(nameOrGid))
}
