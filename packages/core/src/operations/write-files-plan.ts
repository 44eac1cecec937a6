import type { DeployRequest, UserRequest, WriteFileRequest } from '@host-deployer/api'

/** What one path ends up with: entries of the request for it, folded in order. */
export interface PlannedFile {
  readonly path: string
  /** `replace`: the whole content. `append`: what follows the content the image has. `parents`: the directories above it, and no file. */
  readonly how: 'replace' | 'append' | 'parents'
  readonly content: Uint8Array
  /** Of the last entry, as in cloud-init: each entry sets them anew. */
  readonly owner: string
  readonly permissions: number
  /** Owner and mode are for a new file only. */
  readonly keepAttributes: boolean
}

export interface WriteFilesPlan {
  /** Before accounts are made: what is written to `/etc/skel` reaches their homes. */
  readonly early: readonly PlannedFile[]
  /** After accounts are made: `defer`, and entries whose owner the request itself makes. */
  readonly late: readonly PlannedFile[]
}

/**
 * Folds the entries of each path into one write, so that a request run twice appends once. A path with an appended late part is written late as a
 * whole. Pure.
 */
export function planWriteFiles(request: DeployRequest): WriteFilesPlan {
  const entries = request.write_files ?? []
  const isLate = (entry: WriteFileRequest) => entry.defer || ownerIsMade(entry, request)
  const early = fold(entries.filter((entry) => !isLate(entry)))
  const late = fold(entries.filter(isLate))
  for (const [path, file] of late) {
    const before = early.get(path)
    if (before === undefined) continue
    early.delete(path)
    if (file.how === 'append') late.set(path, appended(before, file))
    if (file.how === 'parents') late.set(path, before)
  }
  return { early: [...early.values()], late: [...late.values()] }
}

function fold(entries: readonly WriteFileRequest[]): Map<string, PlannedFile> {
  const files = new Map<string, PlannedFile>()
  for (const { path, content, owner, permissions, append, parents_only, keep_attributes } of entries) {
    const how = parents_only === true ? 'parents' : append ? 'append' : 'replace'
    const file: PlannedFile = { path, how, content, owner, permissions, keepAttributes: keep_attributes === true }
    const before = files.get(path)
    if (before === undefined || how === 'replace') files.set(path, file)
    else if (how === 'append') files.set(path, appended(before, file))
  }
  return files
}

const appended = (before: PlannedFile, file: PlannedFile): PlannedFile => ({
  ...file,
  how: before.how === 'parents' ? file.how : before.how,
  content: Buffer.concat([before.content, file.content]),
})

/** cloud-init fails for an owner who is not there yet; here the file waits for the account. */
function ownerIsMade({ owner }: WriteFileRequest, request: DeployRequest): boolean {
  const [user = '', group = ''] = owner.split(':')
  const users = (request.users ?? []).filter((entry): entry is UserRequest => 'name' in entry)
  const groups = new Set([...(request.groups ?? []), ...users].map(({ name }) => name))
  for (const entry of users) for (const name of [...entry.groups, entry.primary_group ?? '']) groups.add(name)
  return users.some(({ name }) => name === user) || (group !== '' && groups.has(group))
}
