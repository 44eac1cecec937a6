import { readFile } from 'node:fs/promises'

// See drivers/block/nbd.c.
const read = (name: string, attribute: string): Promise<string> =>
  readFile(`/sys/block/${name}/${attribute}`, 'utf8').then(
    (text) => text.trim(),
    () => '',
  )

/**
 * Who has attached an nbd device, by the kernel's name for it (`nbd3`); `undefined` when nobody has. It is the number of the thread that waits in NBD_DO_IT
 * or, where netlink was used, of a program that may have ended long ago. It is one of the machine's first process namespace whoever reads it, and stays
 * until the last one closes the device, whatever has become of the thread.
 */
export async function nbdAttachedBy(name: string): Promise<number | undefined> {
  const pid = await read(name, 'pid')
  return pid === '' ? undefined : Number(pid)
}

/** Whether an nbd device has no size, as one that is not attached, or not yet. */
export async function isNbdEmpty(name: string): Promise<boolean> {
  return (await read(name, 'size')) === '0'
}
