import { access, constants, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DriverError } from '@host-deployer/driver-api'

/** Where `block` mounts guests. One directory of the machine for all sessions, in each of which something else is mounted on it. */
export const RUN_DIRECTORY = '/run/host-deployer'

const remedyFor = (directory: string): string =>
  `Mount a tmpfs at ${directory} (docker run --tmpfs; in a pod an emptyDir with medium: Memory), or let the file system around it be written to.`

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

/** Whether the directory is there or can be made; in a container with a read-only root file system neither may be so. Changes nothing. */
export async function findRunDirectory(
  directory: string = RUN_DIRECTORY,
): Promise<{ readonly usable: boolean; readonly detail: string; readonly remedy?: string }> {
  try {
    await access(directory).catch(() => access(dirname(directory), constants.W_OK))
    return { usable: true, detail: directory }
  } catch (error) {
    return { usable: false, detail: `${directory} is not there and cannot be made (${codeOf(error)})`, remedy: remedyFor(directory) }
  }
}

/** `DRIVER_NAMESPACE_FAILED` when it is not there and cannot be made. */
export async function makeRunDirectory(directory: string = RUN_DIRECTORY): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new DriverError('DRIVER_NAMESPACE_FAILED', `Sessions have no place to mount in: ${directory} cannot be made (${codeOf(error)})`, {
      hint: remedyFor(directory),
      cause: error,
    })
  }
}
