import { expect, test } from 'vitest'
import { parseServeArguments } from './parse-serve-arguments.ts'

const words = (line: string) => line.split(' ')

test('the command line of the platform', () => {
  const given = parseServeArguments(
    words(
      '--common-config-file /etc/yunion/common/common.conf --config /etc/yunion/host.conf --enable-remote-executor --port=8885 --networks a --log-level debug --deploy-concurrent=3 --allow-vm-selinux false',
    ),
    'field',
  )
  expect(given.config).toBe('/etc/yunion/host.conf')
  expect(Object.fromEntries([...given.field].map(([name, { value }]) => [name, value]))).toEqual({
    common_config_file: '/etc/yunion/common/common.conf',
    log_level: 'debug',
    deploy_concurrent: '3',
    allow_vm_selinux: 'false',
  })
  expect(given.own.size).toBe(0)
  expect(given.ignored).toEqual(['enable-remote-executor', 'port', 'networks'])
})

test('our own options work there as well', () => {
  const given = parseServeArguments(words('-config /a --settings /b --socket /c --allow-vm-selinux --queue-limit 7'), 'field')
  expect(given).toMatchObject({ config: '/a', settings: '/b' })
  expect([...given.own].map(([name, { value }]) => [name, value])).toEqual([
    ['socketPath', '/c'],
    ['queueLimit', 7],
  ])
  expect(given.field.get('allow_vm_selinux')).toMatchObject({ value: 'true' })
})

test('a name that both have is ours for serve, and wins over every file', () => {
  const given = parseServeArguments(words('--log-level debug --allow-vm-selinux --local-image-path /a --local-image-path /b'), 'serve')
  expect([...given.own].map(([name, { value }]) => [name, value])).toEqual([
    ['logLevel', 'debug'],
    ['allowVmSelinux', true],
  ])
  expect(given.field.get('local_image_path')?.value).toEqual(['/a', '/b'])
})

test('a value that looks like an option of the platform is never kept when it may be a secret', () => {
  const given = parseServeArguments(words('--admin-password -hunter2 --etcd-password --hunter2 --config /a --auth-token=hunter2'), 'field')
  expect(given.config).toBe('/a')
  expect(JSON.stringify({ ...given, own: [...given.own], field: [...given.field] })).not.toContain('hunter2')
})

test.each([
  ['--sokcet /x', 'CONFIG_FLAG_UNKNOWN'],
  ['--port 8885', 'CONFIG_FLAG_UNKNOWN'],
  ['/etc/yunion/host.conf', 'CONFIG_FLAG_UNKNOWN'],
  ['--config', 'CONFIG_INVALID'],
  ['--config --settings /x', 'CONFIG_INVALID'],
  ['--concurrency many', 'CONFIG_INVALID'],
  ['--driver-options {', 'CONFIG_INVALID'],
])('serve refuses %s', (line, code) => {
  expect(() => parseServeArguments(words(line), 'serve')).toThrow(expect.objectContaining({ code }))
})
