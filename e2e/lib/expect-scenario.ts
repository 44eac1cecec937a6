import { expect } from 'vitest'
import type { GuestShell, RunningGuest } from './boot-guest.ts'
import { scenario } from './scenario.ts'

/** Logs into a booted guest in every way the scenario set up, and checks that it is what was asked for. */
export async function expectScenario(guest: RunningGuest, privateKey: string): Promise<void> {
  using root = await guest.login('root', { password: scenario.rootPassword })
  // What runs at the first boot, ours and cloud-init's, is through when systemd has no job left.
  await root.run('systemctl is-system-running --wait')
  using alice = await guest.login('alice', { privateKey })
  using byPassword = await guest.login('alice', { password: scenario.alicePassword })

  expect(await answers(byPassword, { user: 'id -un' })).toEqual({ user: 'alice' })
  const asAlice = await answers(alice, { sudo: 'sudo -n id -u', groups: 'id -nG', hello: 'hello' })
  expect(asAlice).toMatchObject({ sudo: '0', hello: 'hello from web1' })
  expect(asAlice.groups.split(' ').sort()).toEqual(['alice', 'operators', 'sudo'])

  const seen = await answers(root, {
    hostname: 'hostname',
    fqdn: 'hostname -f',
    zone: 'date +%Z',
    file: "stat -c '%a %U %G %s' /etc/example/app.conf",
    addresses: 'ip -o addr show scope global',
    route: 'ip route show default',
    otherRoute: 'ip route show 192.0.2.0/24',
    link: 'cat /sys/class/net/uplink0/mtu /sys/class/net/uplink0/address',
    firstBoot: 'cat /var/tmp/first-boot',
    firstBootUnits: 'ls /etc/systemd/system /var/lib/host-deployer 2>/dev/null | grep first-boot || true',
    rootBytes: 'df --output=size -B1 / | tail -1',
    failedUnits: 'systemctl --failed --plain --no-legend',
  })
  expect(seen).toMatchObject({
    hostname: scenario.hostname,
    fqdn: scenario.fqdn,
    zone: 'JST',
    file: '640 alice operators 16',
    link: `1400\n${scenario.mac}`,
    firstBoot: 'early\nlate\nargument with /root',
    firstBootUnits: '',
    failedUnits: '',
  })
  expect(seen.addresses).toContain(`${scenario.address}/24`)
  expect(seen.addresses).toContain('fd00:1234::50/64')
  expect(seen.route).toContain('via 10.0.2.2')
  expect(seen.otherRoute).toContain('via 10.0.2.9')
  expect(Number(seen.rootBytes)).toBeGreaterThan(4 * 2 ** 30)
}

/** What each command printed. All in one call: in emulation each of them costs a shell. Rejects when one fails. */
async function answers<K extends string>(shell: GuestShell, commands: Readonly<Record<K, string>>): Promise<Record<K, string>> {
  const names = Object.keys(commands) as K[]
  const script = names.map((name) => `out=$(${commands[name]}) || { echo ${name} >&2; exit 1; }; printf '%s\\0' "$out"`).join('\n')
  const { exitCode, stdout, stderr } = await shell.run(script)
  if (exitCode !== 0) throw new Error(`a command ended with ${exitCode}: ${stderr}`)
  const printed = stdout.split('\0')
  return Object.fromEntries(names.map((name, index) => [name, printed[index] ?? ''])) as Record<K, string>
}
