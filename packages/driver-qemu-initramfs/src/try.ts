import { hostPath } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { driver } from './index.ts'
const opts = JSON.parse(process.argv[2] ?? '{}')
const parsed = await driver.options['~standard'].validate({ appliance: '/tmp/w/drv/appliance', ...opts })
if (parsed.issues) throw new Error(JSON.stringify(parsed.issues))
const context = { options: parsed.value, workDirectory: hostPath('/tmp/w/drv/work'), cacheDirectory: hostPath('/tmp/w/drv/cache'), keepOnFailure: true,
  logger: { debug() {}, info() {}, warn() {} }, leases: createFileLeaseJournal(hostPath('/tmp/w/drv/leases')) }
const disk = (id: string, path: string, format: 'raw' | 'qcow2') => ({ id, access: 'read-write' as const, chain: [{ path: hostPath(path), format }] as const })
const runs = Number(process.argv[3] ?? 1)
for (let i = 0; i < runs; i++) {
  const t = performance.now()
  const session = await driver.open({ disks: [disk('root', '/tmp/w/drv/a.raw', 'raw'), disk('second', '/tmp/w/drv/b.qcow2', 'qcow2')] }, context)
  const opened = Math.round(performance.now() - t)
  const t1 = performance.now()
  const r = await session.toolHost.exec(['lsblk', '-J'])
  const exec = Math.round(performance.now() - t1)
  const t2 = performance.now()
  await session.close()
  console.log(opened, JSON.stringify(session.info.timings), 'exec', exec, 'close', Math.round(performance.now() - t2), i === 0 ? JSON.stringify(session.disks) + Buffer.from(r.stdout).toString().replaceAll(/\s+/g, ' ') + JSON.stringify(session.diagnostics) : '')
}
