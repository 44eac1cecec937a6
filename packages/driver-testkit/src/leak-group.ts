import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { type Fixture, sizeOf } from './fixture.ts'
import { type Group, text } from './group.ts'
import { listTree, processesHolding } from './residue.ts'
import { digestOf, isFree, readVirtualBytes } from './test-images.ts'

/** What is left when a session is closed. Runs last: it closes the shared session. */
export const leakGroup: Group = ({ it, beforeAll }, fixture) => {
  let before: Record<'sealed' | 'scratch' | 'base', string> | undefined
  const digests = async ({ images }: Fixture<unknown>) => ({
    sealed: await digestOf(images.sealed.path),
    scratch: await digestOf(images.scratch.path),
    base: await digestOf(images.base.path),
  })
  beforeAll(async () => {
    before = await digests(fixture())
  })

  it('close is idempotent, also when called at once', async () => {
    const { session } = fixture()
    await Promise.all([session.close(), session.close()])
    await session.close()
    await session[Symbol.asyncDispose]()
  })

  it('nothing is left: no process, no file, no lease, no lock', async () => {
    const { directory, workDirectory, leaseDirectory, images } = fixture()
    deepStrictEqual(await processesHolding(directory), [])
    deepStrictEqual(await listTree(workDirectory), [])
    deepStrictEqual(await readdir(leaseDirectory), [])
    for (const image of Object.values(images)) strictEqual(await isFree(image), true, image.path)
  })

  it('what was written is in the image', async () => {
    const { images } = fixture()
    for (const [id, image] of [
      ['image-2', images.image],
      ['overlay', images.overlay],
    ] as const) {
      const expected = `written to ${id}`
      strictEqual(text(await readVirtualBytes(image, 2048 * 512, 512)).slice(0, expected.length), expected)
    }
    // The magic number of ext4, which the fs group made on this one.
    deepStrictEqual([...(await readVirtualBytes(images.data, 1024, 512)).slice(0x38, 0x3a)], [0x53, 0xef])
    strictEqual(Object.keys(sizeOf).length > 0, true)
  })

  it('read-only, scratch and base images are byte for byte what they were', async () => {
    deepStrictEqual(await digests(fixture()), before)
    // Sparse and untouched since they were made: all zeros.
    deepStrictEqual([...new Set(await readVirtualBytes(fixture().images.scratch, 2048 * 512, 4096))], [0])
  })

  it('a closed session runs nothing any more', async () => {
    const { session } = fixture()
    if (!session.capabilities.isolated) return
    const outcome = await session.toolHost.exec(['true']).then(
      () => 'ran',
      () => 'refused',
    )
    strictEqual(outcome, 'refused')
  })
}
