import type { GuestFacts, NetworkManager } from '@host-deployer/os-detect'

/** What is said where a distribution has no way of doing something: visible, and an error only when a request needs it. */
export const unsupported = 'unsupported'
export type Unsupported = typeof unsupported

/** A distribution as data. One file per distribution in `distros/`; a relative's file starts from the head of its family, at most two deep. */
export interface DistroProfile {
  /** The `ID` of os-release(5). The only place where this literal appears. */
  readonly id: string
  /** How well this profile fits the facts: 0 not at all, 1 by family (`ID_LIKE`), 2 by name. */
  readonly match: (facts: GuestFacts) => 0 | 1 | 2
  /** cloud-init's name for the default user, its groups and shell. */
  readonly defaultUser: {
    readonly name: string
    readonly gecos: string
    readonly groups: readonly string[]
    readonly shell: string
    readonly sudo: readonly string[]
  }
  readonly hostname: 'etc-hostname' | Unsupported
  readonly hosts: 'debian-127-0-1-1' | 'localhost-line' | Unsupported
  readonly timezone: 'etc-localtime-and-etc-timezone' | 'etc-localtime' | Unsupported
  readonly locale: 'default-locale' | 'locale-conf' | Unsupported
  readonly services: 'systemd' | Unsupported
  readonly accounts: 'shadow' | Unsupported
  /** Backends in the order they are tried; the first one whose manager the image has is used. */
  readonly networkBackends: readonly NetworkManager[]
}

export const defineDistro = <const Profile extends DistroProfile>(profile: Profile): Profile => profile
