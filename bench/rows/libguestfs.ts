import { networkConfig, scenario } from '@host-deployer/e2e/lib/scenario'
import { execa } from 'execa'
import { type Benchmark, timed } from '../benchmark.ts'
import type { Place } from '../place.ts'

/** How our VMs run is how the peer's run. */
function environment(accelerator: string) {
  const emulated = accelerator === 'kvm' ? {} : { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }
  return { env: { LIBGUESTFS_BACKEND: 'direct', ...emulated }, stdin: 'ignore' } as const
}

/** The demo's cloud-config in the peer's words: the same users, secrets, files and first-boot commands. Growing the root it cannot. */
function edits(publicKey: string): string[] {
  const { fqdn, alicePassword, rootPassword } = scenario
  const hosts = `127.0.1.1 ${fqdn} ${scenario.hostname}\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n`
  const edit: readonly (readonly [string, string])[] = [
    ['hostname', fqdn],
    ['write', `/etc/hosts:${hosts}`],
    ['timezone', 'Asia/Tokyo'],
    ['write', '/etc/default/locale:LANG=C.UTF-8\n'],
    ['run-command', 'groupadd operators && useradd -m -c "Alice Example" -s /bin/bash -G sudo,operators alice'],
    ['password', `alice:password:${alicePassword}`],
    ['root-password', `password:${rootPassword}`],
    ['ssh-inject', `alice:string:${publicKey}`],
    ['write', '/etc/sudoers.d/90-cloud-init-users:alice ALL=(ALL) NOPASSWD:ALL\n'],
    ['chmod', '0440:/etc/sudoers.d/90-cloud-init-users'],
    ['write', '/etc/ssh/sshd_config.d/50-cloud-init.conf:PasswordAuthentication yes\n'],
    ['mkdir', '/etc/example'],
    ['write', '/etc/example/app.conf:colour = "blue"\n'],
    ['run-command', 'chown alice:operators /etc/example/app.conf'],
    ['chmod', '0640:/etc/example/app.conf'],
    ['write', '/usr/local/bin/hello:#!/bin/sh\necho hello from $(hostname)\n'],
    ['chmod', '0755:/usr/local/bin/hello'],
    ['write', `/etc/network/interfaces.d/50-cloud-init:# ${networkConfig.replaceAll('\n', '\n# ')}\n`],
    ['firstboot-command', 'echo early >> /var/tmp/first-boot; echo late >> /var/tmp/first-boot'],
  ]
  return edit.flatMap(([option, value]) => [`--${option}`, value])
}

/** `virt-customize` and `virt-inspector`, as guestfs-tools has them. */
export function libguestfsBenchmark(place: Place, accelerator: string): Benchmark {
  return {
    rows: ['virtCustomize', 'virtInspector'],
    pace: 'peer',
    // Builds and boots the appliance of libguestfs.
    warmUp: () => execa('virt-filesystems', ['-a', place.image], environment(accelerator)),
    async run() {
      const image = await place.copy('peer')
      const options = environment(accelerator)
      const customized = await timed(() =>
        execa('virt-customize', ['-q', '--no-network', '-a', image, ...edits(place.key.publicKey)], options),
      )
      const inspected = await timed(() => execa('virt-inspector', ['--no-applications', '--no-icon', '-a', image], options))
      return { virtCustomize: customized.seconds, virtInspector: inspected.seconds }
    },
  }
}
