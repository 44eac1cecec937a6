import { expect } from 'vitest'
import type { GuestShell, RunningGuest } from './boot-guest.ts'
import { scenario } from './scenario.ts'

/** Logs into a booted guest in every way the scenario set up, and checks that it is what was asked for. */
export async function expectScenario(guest: RunningGuest, privateKey: string): Promise<void> {
  using alice = await guest.login('alice', { privateKey })
  using byPassword = await guest.login('alice', { password: scenario.alicePassword })
  using root = await guest.login('root', { password: scenario.rootPassword })

  expect(await text(byPassword, 'id -un')).toBe('alice')
  expect(await text(alice, 'sudo -n id -u')).toBe('0')
  expect((await text(alice, 'id -nG')).split(' ').sort()).toEqual(['alice', 'operators', 'sudo'])
  expect(await text(root, 'hostname')).toBe(scenario.hostname)
  expect(await text(root, 'hostname -f')).toBe(scenario.fqdn)
  expect(await text(root, 'date +%Z')).toBe('JST')
  expect(await text(root, "stat -c '%a %U %G %s' /etc/example/app.conf")).toBe('640 alice operators 16')
  expect(await text(alice, 'hello')).toBe('hello from web1')

  const addresses = await text(root, 'ip -o addr show scope global')
  expect(addresses).toContain(`${scenario.address}/24`)
  expect(addresses).toContain('fd00:1234::50/64')
  expect(await text(root, 'ip route show default')).toContain('via 10.0.2.2')
  expect(await text(root, 'ip route show 192.0.2.0/24')).toContain('via 10.0.2.9')
  expect(await text(root, 'cat /sys/class/net/uplink0/mtu /sys/class/net/uplink0/address')).toBe(`1400\n${scenario.mac}`)

  // "late" comes when the system is up: wait for the unit by its result, through systemd.
  await text(root, 'systemctl is-system-running --wait || true')
  expect(await text(root, 'cat /var/tmp/first-boot')).toBe('early\nlate\nargument with /root')
  expect(await text(root, 'ls /etc/systemd/system /var/lib/host-deployer 2>/dev/null | grep -c first-boot || true')).toBe('0')
  expect(Number(await text(root, 'df --output=size -B1 / | tail -1'))).toBeGreaterThan(4 * 2 ** 30)
  expect(await text(root, 'systemctl --failed --plain --no-legend')).toBe('')
}

async function text(shell: GuestShell, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await shell.run(command)
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`)
  return stdout.trim()
}
