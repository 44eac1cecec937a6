import { mkdir, mkdtemp, open } from 'node:fs/promises'
import { join } from 'node:path'
import { CleanupError, DiskError, type DriverSession } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import type { Mutant } from './mutant.ts'

/** What mutants leak, for the test to close. */
export const leaked: { close(): Promise<void> }[] = []

const closingAlso = (session: DriverSession, close: () => Promise<void>): DriverSession => ({
  ...session,
  close,
  [Symbol.asyncDispose]: close,
})

const openSessions = new Set<DriverSession>()

/** Faults in how sessions begin and end. */
export const sessionMutants: Readonly<Record<string, Mutant>> = {
  'leaks a directory': {
    fault: {
      session: async (session, { workDirectory }) => {
        await mkdtemp(join(workDirectory, 'leaked-'))
        return session
      },
    },
    groups: ['lifecycle', 'leak'],
    found: ['lifecycle.close-releases'],
  },
  'leaks a process': {
    fault: {
      session: (session) => {
        createLocalToolHost()
          .exec(['sleep', '15'])
          .catch(() => {})
        return session
      },
    },
    groups: ['leak'],
    found: ['leak.processes'],
  },
  'leaks a descriptor': {
    fault: {
      session: async (session) => {
        leaked.push(await open('/dev/null', 'r'))
        return session
      },
    },
    groups: ['leak'],
    found: ['leak.descriptors'],
  },
  'keeps what it read': {
    fault: {
      session(session) {
        const kept = Buffer.alloc(16 * 1024 * 1024, 1)
        leaked.push({ close: async () => void kept.length })
        return session
      },
    },
    groups: ['leak'],
    found: ['leak.memory'],
  },
  'close is not idempotent': {
    fault: {
      session: (session) => {
        let closed = false
        return closingAlso(session, async () => {
          if (closed) throw new CleanupError('CLEANUP_RESIDUE', 'There is nothing to release')
          closed = true
          await session.close()
        })
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.close-twice'],
  },
  'close wants everything unmounted': {
    fault: {
      session: ({ toolHost, ...session }) => {
        let mounted = 0
        const exec: typeof toolHost.exec = (argv, options) => {
          mounted += Number(argv[0] === 'mount') - Number(argv[0] === 'umount')
          return toolHost.exec(argv, options)
        }
        return closingAlso({ ...session, toolHost: { ...toolHost, exec } }, async () => {
          await session.close()
          if (mounted > 0) throw new CleanupError('CLEANUP_RESIDUE', 'The device is busy')
        })
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.close-mounted'],
  },
  'await using does not close': {
    fault: {
      session: (session) => {
        leaked.push(session)
        return { ...session, [Symbol.asyncDispose]: async () => {} }
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.close-releases'],
  },
  'a failed open leaves its lock': {
    fault: {
      async error(error, { disks }, { workDirectory }) {
        const { stat, writeFile } = await import('node:fs/promises')
        const { dev, ino } = await stat(disks[0].chain[0].path)
        const directory = await mkdtemp(join(workDirectory, 'session-'))
        await writeFile(join(directory, `${dev}-${ino}-writer`), '')
        return error
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.refusals'],
  },
  'rejects with a bare Error': {
    fault: { error: (error) => new Error(String(error)) },
    groups: ['lifecycle'],
    found: ['lifecycle.refusals'],
  },
  'has one code for everything': {
    fault: { error: (error) => new DiskError('IMAGE_UNREADABLE', String(error)) },
    groups: ['lifecycle'],
    found: ['lifecycle.refusals'],
  },
  'ignores abort': {
    fault: { context: ({ signal: _signal, ...context }) => context },
    groups: ['lifecycle'],
    found: ['lifecycle.abort-before', 'lifecycle.abort-phases'],
  },
  'an aborted open leaves its directory': {
    fault: {
      async error(error, _request, { workDirectory, signal }) {
        if (signal?.aborted === true) await mkdir(join(workDirectory, `session-${performance.now()}`))
        return error
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.abort-before', 'lifecycle.abort-phases'],
  },
  'probe throws': {
    fault: {
      probe: async () => {
        throw new Error('no')
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.probe'],
  },
  'probe leaves a file': {
    fault: {
      async probe({ workDirectory }) {
        await mkdir(join(workDirectory, 'probed'))
        return { usable: true, findings: [{ subject: 'x', ok: true, detail: 'x' }] }
      },
    },
    groups: ['lifecycle'],
    found: ['lifecycle.probe'],
  },
  'claims to be isolated': {
    fault: { session: (session) => ({ ...session, capabilities: { ...session.capabilities, isolated: true } }) },
    groups: ['lifecycle'],
    found: ['lifecycle.isolated'],
  },
  'claims to run guest programs': {
    fault: { session: (session) => ({ ...session, capabilities: { ...session.capabilities, guestExec: true } }) },
    groups: ['lifecycle'],
    found: ['lifecycle.session'],
  },
  'locks nothing': {
    fault: { driver: (await import('./reference-driver.ts')).createReferenceDriver({ locks: false }) },
    groups: ['parallel'],
    found: ['parallel.same-image'],
  },
  'one session at a time': {
    fault: {
      session(session) {
        if (openSessions.size > 0) return session.close().then(() => Promise.reject(new DiskError('IMAGE_LOCKED', 'busy')))
        openSessions.add(session)
        return closingAlso(session, () => {
          openSessions.delete(session)
          return session.close()
        })
      },
    },
    groups: ['parallel'],
    found: ['parallel.independent'],
  },
  'closing one session closes all': {
    fault: {
      session(session) {
        openSessions.add(session)
        return closingAlso(session, async () => {
          for (const each of openSessions) await each.close()
          openSessions.clear()
        })
      },
    },
    groups: ['parallel'],
    found: ['parallel.independent'],
  },
}
