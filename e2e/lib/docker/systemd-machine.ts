import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { StartedTestContainer } from 'testcontainers'
import { mustExec, PlainContainer, privileged } from './container.ts'

/** What the package depends on, and systemd: with it in the base, installing needs no mirror. */
export async function machinePackages(): Promise<string[]> {
  const control = await readFile(join(import.meta.dirname, '..', '..', '..', 'packaging', 'debian', 'control'), 'utf8')
  const depends =
    /^Depends: (.+)$/m
      .exec(control)?.[1]
      ?.split(',')
      .map((item) => item.trim().split(' ')[0] ?? '') ?? []
  return [...depends, 'init', 'systemd', 'systemd-sysv', 'dbus']
}

/** A Debian with systemd as its first process, up. */
export async function startSystemdMachine(
  image: string,
  mounts: readonly { source: string; target: string }[],
): Promise<StartedTestContainer> {
  const limits = await privileged()
  const container = await new PlainContainer(image, { ...limits, CgroupnsMode: 'private' })
    .withCommand(['/sbin/init'])
    // What the command keeps of compiled code is the user's, and no part of what a package leaves.
    .withEnvironment({ container: 'docker', XDG_CACHE_HOME: '/tmp/cache' })
    .withTmpFs({ '/run': '', '/tmp': '' })
    .withBindMounts(mounts.map((mount) => ({ ...mount, mode: 'rw' })))
    .start()
  for (const end = performance.now() + 180_000; ; await delay(200)) {
    // A unit that is of no use in a container may have failed: degraded is up.
    const { stdout } = await container.exec(['systemctl', 'is-system-running'])
    if (/^(running|degraded)$/m.test(stdout)) return container
    if (performance.now() > end)
      throw new Error(`systemd is not up: ${stdout}\n${await mustExec(container, ['systemctl', '--no-pager', 'list-jobs'])}`)
  }
}
