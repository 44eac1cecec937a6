import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { deployService, loadDeployProto } from './load-proto.ts'

/** CommonJS modules that come along with a module of ours: gRPC's are of that kind. */
function loadedWith(specifier: string): string[] {
  const script = `await import(${JSON.stringify(specifier)}); console.log(JSON.stringify(Object.keys((await import('node:module')).default._cache)))`
  const args = ['--conditions=@host-deployer/source', '--input-type=module', '-e', script]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })) as string[]
}
const isGrpc = (path: string) => path.includes('@grpc')

test('the main export loads nothing of gRPC', () => {
  expect(loadedWith('@host-deployer/api').filter(isGrpc)).toEqual([])
  expect(loadedWith('@host-deployer/api/grpc').filter(isGrpc)).not.toEqual([])
})

test('the service has its rpcs, by the names of the wire', () => {
  expect(Object.values(deployService()).map(({ path, requestStream, responseStream }) => [path, requestStream || responseStream])).toEqual(
    [
      'DeployGuestFs',
      'ResizeFs',
      'FormatFs',
      'SaveToGlance',
      'ProbeImageInfo',
      'ConnectEsxiDisks',
      'DisconnectEsxiDisks',
      'SetOvmfBootOrder',
    ].map((name) => [`/apis.DeployAgent/${name}`, false]),
  )
})

// Numbers are the contract; these are the ones with capitals, gaps in meaning and odd spellings.
test.each([
  ['GuestDesc', { Hypervisor: 7, hostname: 8, disks: 6 }],
  ['Nic', { team_with: 21, mtu: 25, is_default: 27, ip6: 28, masklen6: 29, gateway6: 30, externel_id: 20 }],
  [
    'DeployInfo',
    { public_key: 1, deploys: 2, password: 3, is_init: 5, default_root_user: 7, login_account: 10, telegraf: 11, user_data: 12 },
  ],
  ['DeployGuestFsResponse', { account: 6, key: 7, telegraf_deployed: 8, current_version: 9 }],
  ['ImageInfo', { os_info: 1, physical_partition_type: 6, is_bios_support: 8 }],
  ['FsExt4Features', { CaseInsensitive: 1, ReservedBlocksPercentage: 2 }],
  ['ProbeImageInfoPramas', { disk_info: 1 }],
])('numbers of %s', (message, expected) => {
  const found = loadDeployProto()[`apis.${message}`] as { readonly type: { readonly field: readonly { name: string; number: number }[] } }
  const numbers = Object.fromEntries(found.type.field.map(({ name, number }) => [name, number]))
  expect(numbers).toMatchObject(expected)
})
