import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { CleanupError } from '@host-deployer/driver-api'
import { argumentsOf, becomesTrue, describeUse, removeMappings } from '@host-deployer/driver-kit'
import type { SessionInput } from './session.ts'

type Parts = Pick<SessionInput, 'place' | 'attached' | 'options'>

interface Mount {
  readonly id: string
  readonly target: string
}

const quiet = <T>(action: Promise<T>, otherwise: T): Promise<T> => action.catch(() => otherwise)

/** What is mounted in the session's namespace, in the order it was. See mountinfo in proc(5). */
async function mountsOf({ place }: Parts): Promise<Mount[]> {
  const text = await readFile(`${dirname(place.namespace.root)}/mountinfo`, 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([id = '', , , , target = '']) => ({
      id,
      target: target.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    }))
}

/** Kills what was started in the session and still runs there: everything but its first process and our own servers. */
async function killStrays({ place }: Parts): Promise<void> {
  const holder = dirname(place.namespace.root)
  const ours = await quiet(readlink(`${holder}/ns/pid_for_children`), '')
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  await Promise.all(
    pids.map(async (pid) => {
      if (ours === '' || (await quiet(readlink(`/proc/${pid}/ns/pid`), '')) !== ours) return
      const parent = /^PPid:\t(\d+)$/m.exec(await quiet(readFile(`/proc/${pid}/status`, 'utf8'), ''))?.[1]
      const isServer = (await argumentsOf(Number(pid))).some((argument) => argument.includes(`${place.directory}/`))
      if (parent === basename(holder) || isServer) return
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // It ended meanwhile.
      }
    }),
  )
}

async function unmountLeft(parts: Parts, before: ReadonlySet<string>): Promise<string> {
  const left = (await mountsOf(parts)).filter(({ id }) => !before.has(id)).reverse()
  let reason = ''
  for (const { target } of left) {
    const { exitCode, stderr } = await parts.place.exec(['umount', '--', target], { timeoutMs: 300_000 })
    if (exitCode !== 0) reason = Buffer.from(stderr).toString().trim()
  }
  return reason
}

/**
 * Remembers what is mounted now. The result undoes what came since: ends programs that were left running, unmounts, takes down logical volumes.
 * `CLEANUP_RESIDUE` with the reasons when something stays mounted.
 */
export async function createClearing(parts: Parts): Promise<() => Promise<void>> {
  const before = new Set((await mountsOf(parts)).map(({ id }) => id))
  return async () => {
    if (!parts.place.namespace.isOpen()) return
    await killStrays(parts)
    let reason = ''
    // A killed process lets go of its files a moment later.
    const cleared = await becomesTrue(async () => {
      reason = await unmountLeft(parts, before)
      return reason === ''
    }, parts.options.releaseTimeoutMs)
    for (const { info } of parts.attached) await removeMappings(basename(info.device))
    if (cleared) return
    const uses = await Promise.all(parts.attached.map(({ info }) => describeUse(basename(info.device))))
    throw new CleanupError('CLEANUP_RESIDUE', `A file system stays mounted: ${reason}`, {
      hint: 'End what uses it, then run `host-deployer reclaim`.',
      retry: 'may-help',
      context: { reasons: uses.flat() },
    })
  }
}
