import type { HostPath } from '@host-deployer/driver-api'

/**
 * What the daemon runs with: every value decided, none optional that has a default. Made by `readConfig` of host.conf, our own file, the environment and
 * the command line; frozen.
 */
export interface DaemonConfig {
  /** Where gRPC is served. Default `/var/run/onecloud/deploy.sock`. */
  readonly socketPath: HostPath
  /** Group of the socket, name or number; absent: the process's own. Mode is always 0660. */
  readonly socketGroup?: string
  /** Where `status`, metrics and health are served over HTTP, a unix socket, too. Default: `admin.sock` in the state directory. */
  readonly adminSocketPath: HostPath
  /** Sessions at once. Default 5; `deploy_concurrent` of 0 or less means 10, as in the field. */
  readonly concurrency: number
  /** Jobs that may wait; one more is refused (`DAEMON_QUEUE_FULL`). Default 1000. */
  readonly queueLimit: number
  /** What `driver-loader` takes. Default `qemu-initramfs`. */
  readonly driver: string
  /** The driver's own section, checked against its schema when it is loaded. */
  readonly driverOptions: Readonly<Record<string, unknown>>
  /** Default `/opt/cloud/workspace/run/deploy` (`deploy_temp_dir`): private files of running sessions. */
  readonly workDirectory: HostPath
  /** Leases, the file that `reclaim` reads. Default `/var/lib/host-deployer`. */
  readonly stateDirectory: HostPath
  /** The appliance, templates. Default `/var/cache/host-deployer`. */
  readonly cacheDirectory: HostPath
  /** Below which images and what they are based on must lie. Block devices below `/dev` are allowed besides. */
  readonly imageRoots: readonly HostPath[]
  /** A job is cancelled after this, queueing included, even when the client waits longer. Default 600 000. */
  readonly jobTimeoutMs: number
  /** After SIGTERM running jobs may go on for this long before they are cancelled. Default 120 000. */
  readonly drainTimeoutMs: number
  /** Parent of cloudroot's home. Default `/opt`. */
  readonly cloudrootDir: string
  /** `false` only when the configuration says so: then SELinux is disabled in guests. Default true. */
  readonly allowVmSelinux: boolean
  /** IPv4 networks, in CIDR notation, that count as private beside those of RFC 1918, 6598, 6890 and 2544. Default: none. */
  readonly privateNetworks: readonly string[]
  /** Where guests find the metadata service, by way of the main interface's link. Default `169.254.169.254`; none: no route to it. */
  readonly metadataIpv4Addresses: readonly string[]
  /** Default `fd00:ec2::254`. */
  readonly metadataIpv6Addresses: readonly string[]
  /** Above this size ext4 is made with `-T largefile`. Default 4096. */
  readonly ext4LargefileSizeGib: number
  /** Above this size, `-T huge`. Default 512. */
  readonly ext4HugefileSizeGib: number
  /** Where the metrics are also written, for the textfile collector of Prometheus' node exporter; absent: nowhere. Its name ends in `.prom`. */
  readonly metricsTextfile?: HostPath
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** Worker processes that wait, loaded, for the next job. Default 1. */
  readonly spareWorkers: number
}
