import { mkdir, open, writeFile } from 'node:fs/promises'
import type { ToolPath } from '@host-deployer/driver-api'
import { findProgram } from '@host-deployer/driver-kit'
import type { SessionPlace } from './session-place.ts'

/** Opening it loads the module where that is possible. */
const CONTROL = '/dev/mapper/control'

/** Whether logical volumes can be activated here, or why not. */
export async function findLvm(): Promise<{ readonly usable: boolean; readonly detail: string; readonly debianPackage?: string }> {
  if ((await findProgram('lvm')) === undefined) return { usable: false, detail: 'there is no lvm on this machine', debianPackage: 'lvm2' }
  try {
    await (await open(CONTROL, 'r+')).close()
    return { usable: true, detail: 'lvm and device mapper' }
  } catch (error) {
    return { usable: false, detail: `this kernel has no device mapper (${(error as NodeJS.ErrnoException).code})` }
  }
}

/** lvm.conf(5) for programs of a session: they see its devices and no others, and share no lock, backup, daemon or system id with the host. */
export function lvmConfiguration(devices: readonly ToolPath[], lockDirectory: string): string {
  const filter = [...devices.map((device) => `"a|^${device}(p[0-9]+)?$|"`), '"r|.*|"'].join(', ')
  return `devices {
  use_devicesfile = 0
  obtain_device_list_from_udev = 0
  filter = [ ${filter} ]
  global_filter = [ ${filter} ]
}
global {
  system_id_source = "none"
  locking_dir = "${lockDirectory}"
  use_lvmpolld = 0
  event_activation = 0
  notify_dbus = 0
}
activation {
  monitoring = 0
}
backup {
  backup = 0
  archive = 0
}
`
}

/** Writes the configuration. Resolves with what has to be in the environment of the session's programs. */
export async function createLvmEnvironment(place: SessionPlace, devices: readonly ToolPath[]): Promise<Readonly<Record<string, string>>> {
  const directory = `${place.directory}/lvm`
  const locks = `${directory}/lock`
  await mkdir(place.fromOutside(locks), { recursive: true, mode: 0o700 })
  await writeFile(place.fromOutside(`${directory}/lvm.conf`), lvmConfiguration(devices, locks), { mode: 0o600 })
  return { LVM_SYSTEM_DIR: directory }
}
