import { defineDistro } from '../distro-profile.ts'
import { debian } from './debian.ts'

const id = 'ubuntu'

/** Ubuntu, and the head of what is made from it. */
export const ubuntu = defineDistro({
  ...debian,
  id,
  match: (facts) => (facts.id === id ? 2 : facts.idLike.includes(id) ? 1 : 0),
  defaultUser: {
    ...debian.defaultUser,
    name: id,
    gecos: 'Ubuntu',
    groups: ['adm', 'cdrom', 'dip', 'lxd', 'sudo'],
  },
  networkBackends: ['netplan', 'network-manager', 'networkd', 'ifupdown'],
})
