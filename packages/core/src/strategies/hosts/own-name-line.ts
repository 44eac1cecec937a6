import { parseHosts, renderLines, setHostNames } from '@host-deployer/formats'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const path = guestPath('/etc/hosts')

/** The host's own names: the full one first, which is what `hostname -f` gives (hosts(5)). */
export interface OwnNames {
  readonly hostname: string
  readonly fqdn: string | undefined
}

const namesOf = ({ hostname, fqdn }: OwnNames): string[] => (fqdn === undefined || fqdn === hostname ? [hostname] : [fqdn, hostname])

/** Debian's way: `127.0.1.1 fqdn hostname`, apart from localhost. Every other line stays as it is. */
export async function stageDebianHostsLine(fs: WritableGuestFs, own: OwnNames): Promise<void> {
  const hosts = parseHosts((await fs.readTextIfExists(path)) ?? '127.0.0.1\tlocalhost\n')
  await fs.writeFile(path, renderLines(setHostNames(hosts, '127.0.1.1', namesOf(own))))
}

/** The other families' way: the names stand before localhost on the line of `127.0.0.1`. */
export async function stageLocalhostLine(fs: WritableGuestFs, own: OwnNames): Promise<void> {
  const hosts = parseHosts((await fs.readTextIfExists(path)) ?? '127.0.0.1\tlocalhost localhost.localdomain\n')
  const kept = (hosts.entries.find(({ address }) => address === '127.0.0.1')?.names ?? ['localhost']).filter((name) =>
    /^localhost/i.test(name),
  )

  await fs.writeFile(path, renderLines(setHostNames(hosts, '127.0.0.1', [...namesOf(own), ...kept])))
}
