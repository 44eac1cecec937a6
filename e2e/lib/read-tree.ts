import { mountGuest, scanStorage } from '@host-deployer/block'
import type { ImageFormat } from '@host-deployer/driver-api'
import { inspectImage } from '@host-deployer/image'
import { openTestDriver } from './appliance.ts'
import { checkDisks } from './check-file-systems.ts'
import { listTree, type TreeNode } from './list-tree.ts'

export interface ReadTree {
  /** As {@link listTree} has it. */
  readonly tree: Readonly<Record<string, TreeNode>>
  /** Of the checkers of the image's file systems. */
  readonly complaints: readonly string[]
}

/** Reads the guest's whole tree back, and has the file systems checked, always in a VM and without a way to write. */
export async function readTree(image: string, format: ImageFormat): Promise<ReadTree> {
  const { driver, context } = await openTestDriver()
  const { chain } = await inspectImage(image, { format, allowPaths: ['/'] })
  await using session = await driver.open({ disks: [{ id: 'read', chain, access: 'read-only' }] }, context)
  const { toolHost, disks, capabilities } = session
  const guest = await mountGuest(session, await scanStorage(toolHost, disks, capabilities))
  const tree = await listTree(toolHost, guest.root)
  await guest.unmount()
  return { tree, complaints: await checkDisks(session) }
}
