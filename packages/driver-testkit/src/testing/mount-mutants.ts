import { createLocalToolHost } from '@host-deployer/driver-kit'
import type { Mutant } from './mutant.ts'

// Told on standard input, so that no command line says where: nothing but the mount has to do with the directory.
const MOUNT_AND_STAY = 'read -r at; mount -t tmpfs none "$at"; exec sleep 20 </dev/null >/dev/null 2>&1'

/** Faults in what is left mounted. They take root. */
export const mountMutants: Readonly<Record<string, Mutant>> = {
  'leaks a mount in a namespace of its own': {
    fault: {
      session: async (session, { workDirectory }) => {
        const argv = ['setsid', '--fork', 'unshare', '--mount', '--propagation', 'private', 'sh', '-ec', MOUNT_AND_STAY] as const
        await createLocalToolHost().exec(argv, { stdin: Buffer.from(`${workDirectory}\n`) })
        return session
      },
    },
    groups: ['leak'],
    found: ['leak.residue'],
  },
}
