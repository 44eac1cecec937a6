import { defineDistro } from '../distro-profile.ts'

const id = 'debian'

/** Debian, and the head of its family. */
export const debian = defineDistro({
  id,
  match: (facts) => (facts.id === id ? 2 : facts.idLike.includes(id) ? 1 : 0),
  defaultUser: {
    name: id,
    gecos: 'Debian',
    groups: ['adm', 'audio', 'cdrom', 'dialout', 'dip', 'floppy', 'netdev', 'plugdev', 'sudo', 'video'],
    shell: '/bin/bash',
    sudo: ['ALL=(ALL) NOPASSWD:ALL'],
  },
  hostname: 'etc-hostname',
  hosts: 'debian-127-0-1-1',
  timezone: 'etc-localtime-and-etc-timezone',
  locale: 'default-locale',
  services: 'systemd',
  accounts: 'shadow',
  networkBackends: ['netplan', 'ifupdown2', 'ifupdown', 'network-manager', 'networkd'],
})
