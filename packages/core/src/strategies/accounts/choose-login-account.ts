import type { DeployRequest } from '@host-deployer/api'
import type { PasswdEntry } from '@host-deployer/formats'
import { type GuestFs, guestPath } from '@host-deployer/guest-fs'
import { type AccountFiles, findUser, fromAccountText } from './account-files.ts'
import { homePath } from './create-home.ts'

const rootHome = guestPath('/root')

/**
 * The name of the account that `login_account` is about, whether it exists or not: the one named; else root when it is preferred and can log in; else
 * the account with the shortest name, of equal ones the first by code units, that can log in and has a home directory below `/home`; else root.
 * `undefined` when the request has no `login_account`, or the guest none of these. Once the accounts of `users` are made the answer stays the same.
 */
export async function chooseLoginAccount(
  { request, fs }: { readonly request: DeployRequest; readonly fs: GuestFs },
  files: AccountFiles,
): Promise<string | undefined> {
  const wanted = request.login_account
  if (wanted === undefined) return undefined
  if (wanted.name !== undefined) return wanted.name
  const root = findUser(files, 'root')
  if (wanted.prefer_root && root !== undefined && canLogIn(root) && (await fs.exists(rootHome))) return 'root'
  const names: string[] = []
  for (const entry of files.passwd.entries) {
    const name = fromAccountText(entry.name)
    const home = homePath(entry)
    if (wanted.never.includes(name) || !canLogIn(entry) || !home.startsWith('/home/')) continue
    if (await fs.exists(home)) names.push(name)
  }
  names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  return names[0] ?? (root === undefined ? undefined : 'root')
}

/** Accounts of services have one of these for a shell, and some of them a home below `/home`. */
const canLogIn = ({ shell }: PasswdEntry) => !/\/(nologin|false)$/.test(shell)
