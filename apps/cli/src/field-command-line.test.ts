import { expect, test } from 'vitest'
import { isFieldCommandLine } from './field-command-line.ts'

test.each([
  '--common-config-file /etc/yunion/common/common.conf --config /etc/yunion/host.conf',
  '--config /etc/yunion/host.conf',
  '--config=/etc/yunion/host.conf',
  '-config /etc/yunion/host.conf',
  '--common-config-file /etc/yunion/common/common.conf',
  '--rbac-debug --log-level debug --config /etc/yunion/host.conf',
  '--deploy-server-socket-path /run/x.sock',
  '--image-deploy-driver=nbd',
])('%s is the command line of the platform', (line) => {
  expect(isFieldCommandLine(line.split(' '))).toBe(true)
})

test.each([
  '',
  '--help',
  '--config x --help',
  '--version',
  '-V',
  '--jsno deploy disk.raw',
  'deploy disk.raw --driver-config options.json',
  'serve --config /etc/yunion/host.conf',
  'config explain --config /etc/yunion/host.conf',
  '--driver-config x',
  '--configuration x',
])('"%s" is not', (line) => {
  expect(isFieldCommandLine(line === '' ? [] : line.split(' '))).toBe(false)
})
