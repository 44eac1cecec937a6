// Keepers, holders and who maps what. As a program: `node held-templates.test-support.ts JSON` prepares and prints the outcome, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { driver } from './driver.ts'
import { contextOf, type SessionUnderTest } from './session.test-support.ts'

export type PreparationUnderTest = Pick<SessionUnderTest, 'workDirectory' | 'leaseDirectory' | 'options'> & { readonly keepFor: number }

/** A process to hold something for. */
export function startKeeper(): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  if (child.pid === undefined) throw new Error('sleep could not be started')
  return Object.assign(child, { pid: child.pid })
}

const LINK = '/memfd:host-deployer-template (deleted)'

/** Children of this process, besides its QEMUs, that have memory of a template open: holders. */
export async function ourHolders(): Promise<number[]> {
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ')
  const found: number[] = []
  for (const pid of children) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    if (links.includes(LINK) && !name.startsWith('qemu')) found.push(Number(pid))
  }
  return found
}

/** Bytes of the guest's memory in one QEMU, where it is held; from `/proc/PID/smaps` (proc(5)). */
export interface HeldGuest {
  readonly isPrivate: boolean
  /** Its share of the pages that several have, and all of its own. */
  readonly pssBytes: number
  /** Pages of its own: copied when they were written to. */
  readonly copiedBytes: number
}

export async function heldGuestOf(pid: number): Promise<HeldGuest | undefined> {
  const blocks = (await readFile(`/proc/${pid}/smaps`, 'utf8')).split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  const found = blocks.filter((block) => block.includes(LINK))
  if (found.length === 0) return undefined
  const sum = (name: string): number =>
    found.reduce((total, block) => total + 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(block)?.[1] ?? 0), 0)
  return { isPrivate: found.every((block) => / rw-p /.test(block)), pssBytes: sum('Pss'), copiedBytes: sum('Anonymous') }
}

async function main({ keepFor, ...input }: PreparationUnderTest): Promise<void> {
  process.stdout.write(JSON.stringify(await driver.prepare?.(contextOf(input), { keepFor })))
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? '') as PreparationUnderTest)
