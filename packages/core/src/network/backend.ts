import type { GuestFs, GuestPath } from '@host-deployer/guest-fs'
import type { GuestFacts, NetworkManager } from '@host-deployer/os-detect'
import type { NetworkModel } from './model.ts'

/** One file of a manager's configuration, complete. */
export interface NetworkFile {
  readonly path: GuestPath
  readonly content: string
  /** Permission bits: netplan and NetworkManager refuse or scold files that others can read. */
  readonly mode: number
}

/** `enabled`: it runs at the next boot. `installed`: it would once enabled. */
export type BackendPresence = 'absent' | 'installed' | 'enabled'

export interface NetworkRendering {
  readonly files: readonly NetworkFile[]
  /** Units that have to be enabled for the files to take effect. */
  readonly units: readonly string[]
  /** Keys of the request that this manager has no way of honouring. */
  readonly ignored?: readonly string[]
}

/** Who turns a list of name servers into a working `/etc/resolv.conf`. */
export type DnsOwner = 'systemd-resolved' | 'resolvconf' | 'none'

export interface RenderContext {
  readonly facts: GuestFacts
  readonly dns: DnsOwner
}

/** A network manager as target: one file per manager in `backends/`. */
export interface NetworkBackend {
  readonly id: NetworkManager
  detect(facts: GuestFacts, fs: GuestFs): Promise<BackendPresence>
  /**
   * The manager's own configuration as directory and glob: every file of the image that matches and is not rendered is removed, whichever backend is
   * chosen, so that no interface is configured twice.
   */
  readonly owns: readonly string[]
  /** Whether its files, as they are, configure no interface but loopback: then they are left alone when another backend is chosen. Default: never. */
  isIdle?(fs: GuestFs): Promise<boolean>
  /** Pure. The same model gives the same bytes. */
  render(model: NetworkModel, context: RenderContext): NetworkRendering
}
