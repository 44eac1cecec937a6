import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { attachedNbd } from './attached-nbd.ts'
import { findResidue } from './residue.ts'

/** A number that no process has: above the largest there is (proc_sys_kernel(5)). */
const ENDED = '4194305'

describe('nbd devices', () => {
  let directory: string
  let sysBlock: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'residue-'))
    sysBlock = join(directory, 'sys')
    await mkdir(join(directory, 'bed'))
    for (const name of ['nbd0', 'nbd1', 'nbd2']) await show(name, '0')
    await show('loop0', '2048')
  })
  afterEach(() => rm(directory, { recursive: true }))

  /** As sysfs shows a device: the process only while one is attached. */
  async function show(name: string, size: string, pid?: string): Promise<void> {
    await rm(join(sysBlock, name), { recursive: true, force: true })
    await mkdir(join(sysBlock, name), { recursive: true })
    await writeFile(join(sysBlock, name, 'size'), `${size}\n`)
    if (pid !== undefined) await writeFile(join(sysBlock, name, 'pid'), `${pid}\n`)
  }
  const residue = (nbdBefore: ReadonlyMap<string, string>) => findResidue(join(directory, 'bed'), { emptied: [], nbdBefore, sysBlock })

  it('are attached when they have a process or a size', async () => {
    await show('nbd1', '0', ENDED)
    await show('nbd2', '2048')
    expect([...(await attachedNbd(sysBlock))]).toEqual([
      ['nbd1', ENDED],
      ['nbd2', ''],
    ])
    expect((await attachedNbd(join(directory, 'none'))).size).toBe(0)
  })

  it('that were attached before are not ours', async () => {
    await show('nbd1', '2048', ENDED)
    expect(await residue(await attachedNbd(sysBlock))).toEqual([])
  })

  it('that were not, and have nobody who runs, are left', async () => {
    await show('nbd0', '2048', ENDED)
    const before = await attachedNbd(sysBlock)
    await show('nbd1', '2048', ENDED)
    await show('nbd2', '2048')
    expect(await residue(before)).toEqual([`nbd device: nbd1 ${ENDED}`, 'nbd device: nbd2 '])
    await show('nbd1', '0')
    await show('nbd2', '0')
    expect(await residue(before)).toEqual([])
  })

  it('of a process that runs are left when it has to do with the directory, and somebody else\u2019s when not', async () => {
    const child = spawn('sleep', ['60'], { cwd: join(directory, 'bed'), stdio: 'ignore' })
    await once(child, 'spawn')
    try {
      await show('nbd0', '2048', String(process.ppid))
      await show('nbd1', '2048', String(child.pid))
      const found = await findResidue(directory, { emptied: [], nbdBefore: new Map(), sysBlock })
      expect(found.filter((line) => line.startsWith('nbd'))).toEqual([`nbd device: nbd1 ${child.pid}`])
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
})
