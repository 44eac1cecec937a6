import { FsError } from '@host-deployer/driver-api'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const link = guestPath('/etc/localtime')

/**
 * Points `/etc/localtime` at the zone, localtime(5). A relative link stays relative, anything else (a copy of the zone file on old systems) becomes
 * the absolute link that Debian's tzdata makes.
 */
export async function stageEtcLocaltime(fs: WritableGuestFs, zone: string): Promise<void> {
  const current = await linkText(fs)
  const prefix = current?.startsWith('../') === true ? '..' : ''
  await fs.symlink(`${prefix}/usr/share/zoneinfo/${zone}`, link)
}

/** Also the zone's name in `/etc/timezone`, where the image has that file: releases that dropped it must not get it back. */
export async function stageEtcTimezone(fs: WritableGuestFs, zone: string): Promise<void> {
  const path = guestPath('/etc/timezone')
  if (await fs.exists(path)) await fs.writeFile(path, `${zone}\n`)
}

async function linkText(fs: WritableGuestFs): Promise<string | undefined> {
  try {
    return await fs.readlink(link)
  } catch (error) {
    if (FsError.is(error, 'not-found', 'not-a-symlink')) return undefined
    throw error
  }
}
