import type { DeployReport } from '@host-deployer/api'
import { type ToolHost, toolPath } from '@host-deployer/driver-api'
import { guestPath, openGuestFs } from '@host-deployer/guest-fs'
import { inspectImage } from '@host-deployer/image'
import { beforeAll, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { cacheDirectory } from './lib/cache.ts'
import { checkDisks } from './lib/check-file-systems.ts'
import { copyImage } from './lib/copy-image.ts'
import { listTree, type TreeNode } from './lib/list-tree.ts'
import { processesWithOpen } from './lib/processes-with-open.ts'
import { random } from './lib/random.ts'
import { driverArguments, runCommand, runJson } from './lib/run-command.ts'
import { metaData, networkConfig, userData } from './lib/scenario.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

// `kill -9` of the command at any moment: no process stays, fsck accepts the image, account files are old or new and never empty, and the same
// request again gives the tree of an uninterrupted run.

const key = createKeyPair('kill')
const kills = process.env['HOST_DEPLOYER_SOAK'] === undefined ? 2 : 40
let space: Workspace
let args: string[]
beforeAll(async () => {
  space = await createWorkspace('kill')
  await space.write('user-data', userData(key))
  await space.write('meta-data', metaData)
  await space.write('network-config', networkConfig)
  args = ['--seed', space.directory, '--allow-path', cacheDirectory()]
})

test(`killed ${kills} times, at moments spread over the whole run`, async () => {
  const reference = await copyImage('debian-12', space.path('reference'), 'overlay')
  const { files: original } = await look(reference)
  const report = await runJson<DeployReport>(['deploy', reference, ...args])
  const { files: wanted, tree } = await look(reference, listAll)
  const whole = Object.entries(report.timings).reduce((sum, [phase, ms]) => (phase.includes('.') ? sum : sum + ms), 500)
  const draw = random()
  for (let round = 0; round < kills; round++) {
    // The commit is where damage could be done: half of the kills fall around it.
    const before = whole - tail(report)
    const moment = round % 2 === 0 ? draw() * whole : before + draw() * tail(report)
    const image = await copyImage('debian-12', space.path(`round-${round}`), 'overlay')
    const child = runCommand('deploy', image, ...args, '--json', ...driverArguments())
    const pid = child.pid
    setTimeout(() => child.kill('SIGKILL'), moment)
    await child
    await noProcessHolds(image)

    const { complaints, files: found } = await look(image)
    expect(complaints, `after a kill at ${moment.toFixed(0)} ms`).toEqual([])
    for (const path of accountPaths)
      expect([original[path], wanted[path]].map(withoutSalt), `${path} after ${moment.toFixed(0)} ms, pid ${pid}`).toContain(
        withoutSalt(found[path]),
      )

    await runJson<DeployReport>(['deploy', image, ...args])
    const again = await runJson<DeployReport>(['deploy', image, ...args])
    expect(again.diff).toEqual([])
    const repaired = await look(image, listAll)
    for (const path of accountPaths) expect(withoutSalt(repaired.files[path]), path).toBe(withoutSalt(wanted[path]))
    expect(repaired.tree).toEqual(tree)
  }
})

const accountPaths = ['/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow', '/etc/hostname'] as const

/** Two runs draw two salts; everything else of a shadow line has to be the same. */
function withoutSalt(text: string | undefined): string {
  return (text ?? '').replace(/:\$6\$[^:]*:/g, ':$6$:')
}

function tail({ timings }: DeployReport): number {
  return (timings['commit'] ?? 0) + (timings['unmount'] ?? 0) + (timings['close'] ?? 0) + 200
}

/** With salts in them; of the first the text is compared. */
const saltedPaths = ['/etc/shadow', '/etc/shadow-']

type Tree = Record<string, TreeNode>

/** All of the root file system, with digests of what is in /etc. */
const listAll = (toolHost: ToolHost): Promise<Tree> => listTree(toolHost, '/mnt', { digestsOf: '/etc/' })
/** A listing is most of what a look takes. */
const listNothing = (): Promise<Tree> => Promise.resolve({})

interface Look {
  readonly complaints: readonly string[]
  readonly files: Readonly<Record<string, string>>
  readonly tree: Readonly<Tree>
}

/** What the checkers of the file systems say, the account files, and what `list` finds; nothing is written to the image. */
async function look(image: string, list: (toolHost: ToolHost) => Promise<Tree> = listNothing): Promise<Look> {
  const { driver, context } = await openTestDriver()
  const { chain } = await inspectImage(image, { allowPaths: [cacheDirectory()] })
  await using session = await driver.open({ disks: [{ id: 'disk0', chain, access: 'scratch' }] }, context)
  const complaints = await checkDisks(session, { recover: true })
  const { exec, fs } = session.toolHost
  await exec(['mkdir', '-p', '/mnt'])
  const { exitCode } = await exec(['mount', '-t', 'ext4', '-o', 'ro', `${session.disks[0].device}3`, '/mnt'])
  expect(exitCode).toBe(0)
  const guest = openGuestFs({ fs, root: toolPath('/mnt') })
  const files = Object.fromEntries(
    await Promise.all(accountPaths.map(async (path) => [path, await guest.readText(guestPath(path))] as const)),
  )
  const tree = await list(session.toolHost)
  for (const path of saltedPaths) if (tree[path] !== undefined) tree[path] = { ...tree[path], sha256: 'salted' }
  return { complaints, files, tree }
}

/** Waits for the kernel to take down what died with its parent, then looks at every process's open files. */
async function noProcessHolds(image: string): Promise<void> {
  for (let look = 0; look < 600; look++) {
    if ((await processesWithOpen(image)).length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(await processesWithOpen(image)).toEqual([])
}
