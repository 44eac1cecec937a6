import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes of the daemon: its sockets, its queue, its workers. */
export const daemonErrors = {
  DAEMON_SOCKET_IN_USE: {
    summary: 'Another process already serves the socket.',
    remedy: 'Stop the other daemon first, or give this one another socket.',
  },
  DAEMON_SOCKET_UNUSABLE: {
    summary: 'No socket can be made at the path: something else is there, the path is too long, or the directory cannot be written.',
    remedy: 'Remove what is there, or name another path.',
  },
  CONFIG_SOCKET_GROUP: {
    summary: 'The group of the socket does not exist, or this user may not give a file to it.',
    remedy: 'Add the group, or give its number; run as root, or name a group this user is in.',
  },
} satisfies Record<string, CatalogueEntry>
