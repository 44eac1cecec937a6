import { mergeAccountKeys } from './merge-accounts.ts'
import type { DeployRequest, MetaData } from './request.ts'
import { present } from './schema/scalars.ts'

/**
 * Two requests as one: `over` is laid over `base`. Pure and associative; `{ seed: {}, cloud_init: 'keep' }` on either side changes nothing.
 *
 * | what | result |
 * |---|---|
 * | `write_files`, `runcmd`, `bootcmd`, `mounts` | base's entries, then over's |
 * | `ssh_authorized_keys`, `meta.public-keys` | the same, each key once |
 * | `users`, `groups`, `chpasswd.users` | by name, in the order they first come; see {@link mergeAccountKeys} |
 * | `hostname` with `fqdn` | over's when it has either: two halves of different names would name nobody |
 * | every other key, `network` included | over's, else base's, as a whole |
 * | `cloud_init` | over's unless it is `keep`, the default |
 * | `seed` | each file base's, else over's |
 *
 * A base that has no `users` and wants the default user (a key or password is for it) keeps that wish when over lists users.
 */
export function mergeRequests(base: DeployRequest, over: DeployRequest): DeployRequest {
  const { hostname: _h, fqdn: _f, ...rest } = base
  const { hostname, fqdn, ...overRest } = over
  return present({
    ...rest,
    ...present(overRest),
    ...(hostname === undefined && fqdn === undefined
      ? { hostname: base.hostname, fqdn: base.fqdn }
      : { hostname: over.hostname, fqdn: over.fqdn }),
    ...mergeAccountKeys(base, over),
    ssh_authorized_keys: joinedOnce(base.ssh_authorized_keys, over.ssh_authorized_keys),
    write_files: joined(base.write_files, over.write_files),
    runcmd: joined(base.runcmd, over.runcmd),
    bootcmd: joined(base.bootcmd, over.bootcmd),
    mounts: joined(base.mounts, over.mounts),
    meta: mergeMeta(base.meta, over.meta),
    seed: { ...present(over.seed), ...present(base.seed) },
    cloud_init: over.cloud_init === 'keep' ? base.cloud_init : over.cloud_init,
  })
}

/** Undefined only when both are: an empty list is a list. */
function joined<T>(base: readonly T[] | undefined, over: readonly T[] | undefined): readonly T[] | undefined {
  return base === undefined ? over : over === undefined ? base : [...base, ...over]
}

function joinedOnce(base: readonly string[] | undefined, over: readonly string[] | undefined): readonly string[] | undefined {
  const all = joined(base, over)
  return all && [...new Set(all)]
}

function mergeMeta(base: MetaData | undefined, over: MetaData | undefined): MetaData | undefined {
  if (base === undefined || over === undefined) return base ?? over
  return present({ ...base, ...present(over), 'public-keys': joinedOnce(base['public-keys'], over['public-keys']) })
}
