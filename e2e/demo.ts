// `./dev demo`: the whole main path on real parts, for a person to watch.
import { join } from 'node:path'
import { execa } from 'execa'
import pc from 'picocolors'
import { ensureAppliance } from './lib/appliance.ts'
import { applianceDirectory } from './lib/appliance-directory.ts'
import { bootGuest, type GuestShell } from './lib/boot-guest.ts'
import { ensureImage } from './lib/build-image.ts'
import { cacheDirectory } from './lib/cache.ts'
import { copyImage } from './lib/copy-image.ts'
import { metaData, networkConfig, scenario, userData } from './lib/scenario.ts'
import { createKeyPair, createWorkspace } from './lib/workspace.ts'

const main = join(import.meta.dirname, '..', 'apps', 'cli', 'src', 'main.ts')
const started = performance.now()
const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`
const step = (title: string) => console.log(`\n${pc.bold(pc.cyan(title))} ${pc.dim(seconds())}`)
let emulated = false
const note = (line: string) => console.log(pc.dim(`  ${line}`))

async function command(...args: readonly string[]): Promise<void> {
  console.log(pc.dim(`$ host-deployer ${args.join(' ')}`))
  const { stdout } = await execa(
    process.execPath,
    ['--conditions=@host-deployer/source', main, ...args, '--appliance', applianceDirectory()],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      stripFinalNewline: false,
      env: pc.isColorSupported ? { FORCE_COLOR: '1' } : {},
    },
  )
  // A finding about this machine, true for every command: said once, in our words.
  process.stdout.write(stdout.replace(/^.*KVM_UNUSABLE.*\n\n?/m, ''))
  if (stdout.includes('KVM_UNUSABLE') && !emulated) {
    emulated = true
    note('(this machine offers no hardware virtualisation that works: all VMs here are emulated, several times slower)')
  }
}

// What went wrong and what to do, not where in the source.
process.on('uncaughtException', (cause: Error & { hint?: string }) => {
  console.error(`\n${pc.red('The demo stopped:')} ${cause.message}${cause.hint === undefined ? '' : `\n${cause.hint}`}`)
  process.exit(1)
})

step('1. The appliance: our own kernel and initramfs, from Debian packages')
await ensureAppliance(note)

step('2. A real Debian 12 image (made once, then cached)')
await ensureImage('debian-12', note)
const space = await createWorkspace('demo')
try {
  const key = createKeyPair('demo')
  const image = await copyImage('debian-12', space.directory, 'overlay', '8G')
  await space.write('user-data', userData(key))
  await space.write('meta-data', metaData)
  await space.write('network-config', networkConfig)

  step('3. What is inside?')
  await command('probe', image, '--allow-path', cacheDirectory())

  step('4. Make it ours: a cloud-config, applied while the machine is off, in a throw-away VM')
  await command('deploy', image, '--seed', space.directory, '--allow-path', cacheDirectory())

  step('5. Boot it by its own boot loader, and log in')
  await using guest = await bootGuest(image, { format: 'qcow2', address: scenario.address, mac: scenario.mac })
  note('booting (emulated, so it takes about half a minute)')
  await guest.waitForConsole(/web1 login:/)
  using alice = await guest.login('alice', { privateKey: key.privateKey })
  using root = await guest.login('root', { password: scenario.rootPassword })
  await show(alice, 'alice', 'hello')
  await show(alice, 'alice', 'hostname -f && id && sudo -n id -un')
  await show(root, 'root', 'ip -brief address show uplink0 && date +%Z')
  await show(root, 'root', 'df -h --output=source,size / && cat /var/tmp/first-boot')
  await guest.powerOff()
  console.log(
    `\n${pc.green('That is the whole path.')} ${pc.dim(`${seconds()} in all; the second run finds appliance and image in the cache.`)}`,
  )
} finally {
  await space.remove()
}

async function show(shell: GuestShell, user: string, line: string): Promise<void> {
  const { stdout, stderr } = await shell.run(line)
  console.log(`${pc.dim(`${user}@web1$`)} ${line}`)
  console.log(`${stdout}${stderr}`.trimEnd())
}
