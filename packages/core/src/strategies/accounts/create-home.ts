import type { PasswdEntry } from '@host-deployer/formats'
import { type GuestPath, guestPath, joinGuestPath, parentOf, type WritableGuestFs } from '@host-deployer/guest-fs'
import { type AccountFiles, findGroup, fromAccountText } from './account-files.ts'

// Far more than any skeleton holds; an image's own may be made to fill our memory.
const maxSkeletonBytes = 64 * 1024 * 1024

/**
 * Makes the home directory as `useradd --create-home`: what is missing above it belongs to root, the directory has login.defs(5)'s mode,
 * and the skeleton is copied into it with its modes; a link to the skeleton's own path is turned to the copy. A home that exists is left alone,
 * and the answer is false. `FsError` `FS_TOO_LARGE` for a skeleton of more than 64 MiB.
 */
export async function createHome(fs: WritableGuestFs, files: AccountFiles, account: PasswdEntry): Promise<boolean> {
  const home = homePath(account)
  if (await fs.exists(home)) return false
  const target = await fs.resolve(home)
  const { uid, gid } = account
  await fs.makeDirectories(parentOf(target))
  await fs.makeDirectories(target, { mode: files.loginDefs.homeMode, uid, gid })
  const skeleton = guestPath(files.useradd.skeleton)
  if (await fs.exists(skeleton)) await copySkeleton(fs, skeleton, target, { skeleton, home, uid, gid, bytesLeft: maxSkeletonBytes })
  return true
}

/** The home directory of an account, as passwd(5) says; `/` when that is no absolute path, as login(1) falls back to it. */
export function homePath(account: PasswdEntry): GuestPath {
  const home = fromAccountText(account.home)
  return guestPath(home.startsWith('/') ? home : '/')
}

interface Copy {
  readonly skeleton: GuestPath
  readonly home: GuestPath
  readonly uid: number
  readonly gid: number
  bytesLeft: number
}

async function copySkeleton(fs: WritableGuestFs, from: GuestPath, to: GuestPath, copy: Copy): Promise<void> {
  const { uid, gid } = copy
  const entries = await fs.readdir(from)
  await fs.prefetch({ files: entries.filter(({ stat }) => stat.type === 'file').map(({ name }) => joinGuestPath(from, name)) })
  for (const { name, stat } of entries) {
    const source = joinGuestPath(from, name)
    const target = joinGuestPath(to, name)
    if (stat.type === 'directory') {
      await fs.makeDirectories(target, { mode: stat.mode, uid, gid })
      await copySkeleton(fs, source, target, copy)
    } else if (stat.type === 'file') {
      const content = await fs.readFile(source, { maxBytes: copy.bytesLeft })
      copy.bytesLeft -= content.byteLength
      await fs.writeFile(target, content, { mode: stat.mode, uid, gid })
    } else if (stat.type === 'symlink') {
      const link = await fs.readlink(source)
      await fs.symlink(link.startsWith(copy.skeleton) ? copy.home + link.slice(copy.skeleton.length) : link, target, { uid, gid })
    }
    // Sockets, FIFOs and devices in a skeleton are nobody's intention.
  }
}

/** The mail spool, where `/etc/default/useradd` asks for one (`CREATE_MAIL_SPOOL=yes`; Debian does not). */
export async function createMailSpool(fs: WritableGuestFs, files: AccountFiles, account: PasswdEntry): Promise<void> {
  const directory = files.loginDefs.mailDirectory ?? '/var/mail'
  if (!files.useradd.createMailSpool || !directory.startsWith('/')) return
  const spool = joinGuestPath(guestPath(directory), account.name)
  if (!(await fs.exists(guestPath(directory))) || (await fs.exists(spool))) return
  const mail = findGroup(files, 'mail')
  const access = mail === undefined ? { mode: 0o600, gid: account.gid } : { mode: 0o660, gid: mail.gid }
  await fs.writeFile(spool, '', { ...access, uid: account.uid })
}
