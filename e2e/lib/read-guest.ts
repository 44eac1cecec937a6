import { mountGuest, scanStorage } from '@host-deployer/block'
import { type GuestFs, guestPath, openGuestFs } from '@host-deployer/guest-fs'
import { inspectImage } from '@host-deployer/image'
import { openTestDriver } from './appliance.ts'

export interface ReadGuest {
  /** A file's text; undefined when there is none. */
  text(path: string): Promise<string | undefined>
  /** `0644 0:0`; undefined when there is nothing. */
  access(path: string): Promise<string | undefined>
  /** Names in a directory, sorted. */
  names(path: string): Promise<string[]>
}

/** Looks into the guest of an image in a VM of its own, without a way to write. */
export async function readGuest<T>(image: string, format: 'qcow2' | 'raw', look: (guest: ReadGuest) => Promise<T>): Promise<T> {
  const { driver, context } = await openTestDriver()
  const { chain } = await inspectImage(image, { format, allowPaths: ['/'] })
  await using session = await driver.open({ disks: [{ id: 'read', chain, access: 'read-only' }] }, context)
  const { toolHost, disks, capabilities } = session
  const mounted = await mountGuest(session, await scanStorage(toolHost, disks, capabilities))
  const fs = openGuestFs({ fs: toolHost.fs, root: mounted.root, mounts: mounted.mounts.map(({ path }) => path) })
  const result = await look(readerOf(fs))
  await mounted.unmount()
  return result
}

function readerOf(fs: GuestFs): ReadGuest {
  return {
    text: (path) => fs.readTextIfExists(guestPath(path)),
    async access(path) {
      if (!(await fs.exists(guestPath(path)))) return undefined
      const { mode, uid, gid } = await fs.stat(guestPath(path))
      return `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`
    },
    async names(path) {
      return (await fs.readdir(guestPath(path))).map(({ name }) => name).sort()
    },
  }
}
