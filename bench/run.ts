// `./dev bench [--runs N]`: how long a deploy takes, side by side with virt-customize doing the same edits on the same image, in one run.
// Machines drift; compare only what one run measured. Writes bench/out/bench.json: medians in seconds under `rows`, ratios under `ratios`.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { DeployReport, ProbeReport } from '@host-deployer/api'
import { ensureAppliance } from '@host-deployer/e2e/lib/appliance'
import { ensureImage } from '@host-deployer/e2e/lib/build-image'
import { copyImage } from '@host-deployer/e2e/lib/copy-image'
import { runJson } from '@host-deployer/e2e/lib/run-command'
import { createKeyPair, createWorkspace } from '@host-deployer/e2e/lib/workspace'
import { execa } from 'execa'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' }, 'peer-runs': { type: 'string', default: '3' } } })
const runs = Number(values.runs)
const peerRuns = Number(values['peer-runs'])

const key = createKeyPair('bench')
const password = 'bench-password-1'
const note = (line: string) => console.error(line)

/** Edits that both sides can make. */
const userData = `#cloud-config
hostname: bench1
timezone: Asia/Tokyo
users:
  - name: root
    lock_passwd: false
    ssh_authorized_keys: ["${key.publicKey}"]
chpasswd: { expire: false, users: [{ name: root, type: text, password: ${password} }] }
write_files:
  - { path: /etc/bench.conf, content: "colour = blue\\n" }
runcmd:
  - echo first boot
`
const virtCustomizeEdits = [
  ...[
    '--hostname',
    'bench1',
    '--timezone',
    'Asia/Tokyo',
    '--root-password',
    `password:${password}`,
    '--ssh-inject',
    `root:string:${key.publicKey}`,
  ],
  ...['--write', '/etc/bench.conf:colour = blue\n', '--firstboot-command', 'echo first boot'],
]

await ensureAppliance(note)
await ensureImage('debian-12', note)
const space = await createWorkspace('bench')
try {
  const seed = await space.write('user-data', userData)
  const samples = new Map<string, number[]>()
  const add = (row: string, seconds: number) => samples.set(row, [...(samples.get(row) ?? []), seconds])
  const time = async <T>(row: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    const result = await work()
    add(row, (performance.now() - started) / 1000)
    return result
  }
  const fresh = () => copyImage('debian-12', space.directory, 'qcow2')

  for (let run = 0; run < runs; run++) {
    note(`deploy ${run + 1} of ${runs}`)
    const image = await fresh()
    const deploy = await time('deploy', () => runJson<DeployReport>(['deploy', image, '--user-data', seed]))
    for (const [phase, ms] of Object.entries(deploy.timings)) add(`deploy.${phase}`, ms / 1000)
    add('bootToReady', readySeconds(deploy.timings))
    const again = await time('deployUnchanged', () => runJson<DeployReport>(['deploy', image, '--user-data', seed]))
    if (again.changed) throw new Error('the second deploy changed something')
    await time('probe', () => runJson<ProbeReport>(['probe', image]))
  }

  const guestfs = { env: { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' } }
  note('virt-customize: one run that builds its appliance, not counted')
  await execa('virt-customize', ['-q', '--no-network', '-a', await fresh(), '--hostname', 'warm'], guestfs)
  for (let run = 0; run < peerRuns; run++) {
    note(`virt-customize ${run + 1} of ${peerRuns}`)
    const image = await fresh()
    await time('virtCustomize', () => execa('virt-customize', ['-q', '--no-network', '-a', image, ...virtCustomizeEdits], guestfs))
    await time('virtInspector', () => execa('virt-inspector', ['--no-applications', '--no-icon', '-a', image], guestfs))
  }

  const rows = Object.fromEntries([...samples].map(([row, seconds]) => [row, median(seconds)]))
  const ratio = (peer: string, ours: string) => round((rows[peer] ?? Number.NaN) / (rows[ours] ?? Number.NaN))
  const ratios = { deployVsVirtCustomize: ratio('virtCustomize', 'deploy'), probeVsVirtInspector: ratio('virtInspector', 'probe') }
  const out = join(import.meta.dirname, 'out')
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'bench.json'), `${JSON.stringify({ schemaVersion: 1, runs, peerRuns, rows, ratios }, null, 2)}\n`)
  for (const [row, seconds] of Object.entries(rows)) console.log(`${row.padEnd(32)} ${seconds.toFixed(3).padStart(9)} s`)
  for (const [name, value] of Object.entries(ratios)) console.log(`${name.padEnd(32)} ${value.toFixed(1).padStart(9)} times faster`)
} finally {
  await space.remove()
}

/** From the start of QEMU until the first command could run. */
function readySeconds(timings: Readonly<Record<string, number>>): number {
  return Object.entries(timings).reduce((sum, [step, ms]) => (step.startsWith('open.') ? sum + ms : sum), 0) / 1000
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]]
  return round((low + high) / 2)
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
