import { expect, test } from 'vitest'
import { optionsSchema } from './options.ts'
import { qemuCommandLine } from './qemu-command-line.ts'

const build = (changes: Partial<Parameters<typeof qemuCommandLine>[0]> = {}): string[] =>
  qemuCommandLine({
    role: 'boot',
    accelerator: 'tcg',
    qboot: true,
    options: optionsSchema.parse({}),
    kernelCommandLine: 'quiet',
    talkative: false,
    imageCount: 2,
    ...changes,
  })

test('no device and no network but ours, sandboxed, nothing to open by a name of ours', () => {
  const argv = build()
  for (const flag of ['-nodefaults', '-no-user-config', '-S', '-no-reboot']) expect(argv).toContain(flag)
  expect(argv[argv.indexOf('-sandbox') + 1]).toBe('on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny')
  expect(argv.filter((word) => /netdev|nic|,path=|filename=|telnet|tcp:/.test(word))).toEqual([])
  expect(argv.filter((word) => word.startsWith('fd='))).toEqual(['fd=8,set=1', 'fd=9,set=2'])
})

test('the network of a stock appliance leads nowhere, and in through one port of loopback that the kernel chooses', () => {
  const argv = build({ network: true })
  expect(argv.filter((_, index) => argv[index - 1] === '-netdev')).toEqual(['user,id=net,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:0-:22'])
  expect(argv.filter((word) => word.startsWith('virtserialport'))).toEqual([])
})

test('a clone has the devices of its template and a generation of its own', () => {
  const devices = (argv: string[]): string[] => argv.filter((_, index) => argv[index - 1] === '-device')
  const [template, clone] = [build({ role: 'template' }), build({ role: 'clone' })]
  expect(devices(clone)).toEqual(devices(template))
  expect(devices(clone)).toContain('vmgenid,guid=auto')
  expect(clone).not.toContain('-initrd')
  expect(clone[clone.indexOf('-incoming') + 1]).toBe('defer')
})

test('what emulation needs of a kernel is asked for, once, and only there', () => {
  const asked = (argv: string[]): string[] =>
    (argv[argv.indexOf('-append') + 1] ?? '').split(' ').filter((parameter) => /^(norandmaps|no_timer_check)$/.test(parameter))
  expect(asked(build({ kernelCommandLine: 'quiet' }))).toEqual(['norandmaps', 'no_timer_check'])
  expect(asked(build({ kernelCommandLine: 'quiet no_timer_check' }))).toEqual(['no_timer_check', 'norandmaps'])
  expect(asked(build({ accelerator: 'kvm', kernelCommandLine: 'quiet' }))).toEqual([])
})

test('the accelerator decides the CPU model, the option overrides it', () => {
  const cpu = (argv: string[]): string | undefined => argv[argv.indexOf('-cpu') + 1]
  expect(cpu(build())).toBe('qemu64,+rdrand')
  expect(cpu(build({ accelerator: 'kvm' }))).toBe('host')
  expect(cpu(build({ options: optionsSchema.parse({ cpu: 'max' }) }))).toBe('max')
})

test.each([
  { machine: 'q35,firmware=/etc/passwd' },
  { qemu: '' },
  { memoryMb: 1 },
  { accel: 'hvf' },
  { unknown: 1 },
  { appliance: 'relative' },
])('options %j are refused', (options) => {
  expect(optionsSchema.safeParse(options).success).toBe(false)
})
