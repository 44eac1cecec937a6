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
  INPUT_MESSAGE_MALFORMED: {
    summary: 'A gRPC message is not one of the service: its bytes cannot be read.',
    remedy: 'Use a client made of deploy.proto.',
  },
  INPUT_MESSAGE_TOO_LARGE: {
    summary: 'A gRPC message is larger than 4 MiB.',
    remedy: 'Let the guest fetch large content itself.',
  },
  DAEMON_NOT_IMPLEMENTED: {
    summary: 'The service does not do this yet. The image was not touched.',
    remedy: 'See the table of what is there in docs/migrate-from-cloudpods.md.',
  },
  DAEMON_FAULT: {
    summary: 'The daemon has a fault. Its log has the details.',
    remedy: 'Report it with the lines of the log.',
  },
  DAEMON_UNREACHABLE: {
    summary: 'No daemon answers at the socket.',
    remedy: 'Check that the daemon runs, and that you may open its socket.',
  },
  DAEMON_CALL_FAILED: {
    summary: 'The daemon answered with an error that says nothing further.',
    remedy: "Look into the daemon's log.",
  },
  TIMEOUT_CALL: {
    summary: 'The daemon did not answer in the time that the client gave it.',
    remedy: 'Give the call more time, or see in `host-deployer status` what the daemon is doing.',
  },
  WIRE_VALUE_IGNORED: {
    summary: 'A field of a gRPC request cannot be used as it is and was left out.',
    remedy: 'Correct it in the client.',
    finding: true,
  },
  WIRE_NAME_CHANGED: {
    summary: 'The name of a machine is not a host name; characters were replaced.',
    remedy: 'Give a host name.',
    finding: true,
  },
  WIRE_AGENT_LEFT_OUT: {
    summary: 'The monitoring agent was asked for and is not installed yet.',
    remedy: 'Install it in the image or by user data.',
    finding: true,
  },
  DAEMON_NOT_RUNNING: {
    summary: 'No daemon answers on the admin socket.',
    remedy: 'Start it, or say where its admin socket is with --socket or --config.',
  },
  DAEMON_SOCKET_DENIED: {
    summary: 'This user may not open the admin socket.',
    remedy: "Run the command as root, or as a member of the socket's group.",
  },
  DAEMON_NO_ANSWER: {
    summary: 'Something listens on the admin socket and gave no answer in time, or none that can be used.',
    remedy: 'See the log of the daemon; restart it when it stays like that.',
  },
  DAEMON_QUEUE_FULL: {
    summary: 'As many jobs wait as the daemon lets wait, or the requests of those that run and wait have 128 MiB together.',
    remedy:
      'Try again later; `host-deployer status` shows what holds up the others. The setting queueLimit is the limit of their number; that of their size is fixed.',
  },
  DAEMON_STOPPING: {
    summary: 'The daemon is being stopped: it takes no more jobs, and has cancelled those that did not end in time.',
    remedy: 'Try again when it has been started again.',
  },
  DAEMON_WORKER_LOST: {
    summary:
      'The process that did the job has ended in the middle of it. What it held has been freed; every file of the image is old or new.',
    remedy:
      "Ask again. The daemon's log has the last words of the process; a process that was killed may have met the limit of its memory.",
  },
  DAEMON_ALREADY_RUNNING: {
    summary: 'Another daemon uses the state directory.',
    remedy: 'Stop the other daemon first, or give this one a state directory of its own.',
  },
  CONFIG_STATE_DIRECTORY: {
    summary: 'The state directory cannot be used: it cannot be made, read or written.',
    remedy: 'Give it to the user of the daemon, or name another one.',
  },
  TIMEOUT_JOB: {
    summary: 'The job was not done by its deadline, waiting included: the deadline of the call, or the setting jobTimeoutMs.',
    remedy: 'Give it longer. `host-deployer status` shows what takes its time.',
  },
  IMAGE_PATH_REFUSED: {
    summary: 'The image lies outside the directories that the daemon may open images in.',
    remedy: 'Name its directory in the configuration; `host-deployer config explain` lists what is allowed.',
  },
} satisfies Record<string, CatalogueEntry>
