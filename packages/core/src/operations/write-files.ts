import { OperationError } from '@host-deployer/driver-api'
import { findEntry, parseGroup, parsePasswd } from '@host-deployer/formats'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { defineOperation } from '../operation.ts'
import { type PlannedFile, planWriteFiles } from './write-files-plan.ts'

/**
 * `write_files`, the entries that cloud-init writes before it makes accounts. Links are followed inside the guest; missing parents are made 0755 and,
 * as cloud-init 22.3 and later does it, belong to the file's owner; an owner without group leaves the group of a file that is replaced, root's for a new one.
 * `append`: a file that ends with exactly what would be appended is taken as done, so that running a request again changes nothing.
 * `OPERATION_OWNER_UNKNOWN`; `FS_IS_A_DIRECTORY` and `FS_NOT_A_FILE` when something else is in the way.
 */
export const writeFiles = defineOperation<readonly PlannedFile[]>({
  id: 'write-files',
  select: (request) => nonEmpty(planWriteFiles(request).early),
  stage: ({ fs, input }) => stageFiles(fs, input),
})

/** `write_files` with `defer: true`, or with an owner whom the request makes: as `write-files`, after the accounts. */
export const writeFilesDeferred = defineOperation<readonly PlannedFile[]>({
  id: 'write-files-deferred',
  after: ['write-files', 'groups', 'users', 'password', 'ssh-keys', 'login-account'],
  select: (request) => nonEmpty(planWriteFiles(request).late),
  stage: ({ fs, input }) => stageFiles(fs, input),
})

const nonEmpty = (files: readonly PlannedFile[]) => (files.length === 0 ? undefined : files)

async function stageFiles(fs: WritableGuestFs, files: readonly PlannedFile[]): Promise<void> {
  await fs.prefetch({ files: files.filter(({ how }) => how === 'append').map(({ path }) => guestPath(path)) })
  for (const file of files) await stageFile(fs, file)
}

async function stageFile(fs: WritableGuestFs, file: PlannedFile): Promise<void> {
  const owner = await resolveOwner(fs, file)
  await makeParents(fs, file.path, owner)
  if (file.how === 'parents') return
  const path = guestPath(file.path)
  const kept = file.keepAttributes && (await fs.exists(path)) ? await fs.stat(path) : undefined
  const mode = kept?.mode ?? file.permissions
  await fs.writeFile(path, await contentOf(fs, file), {
    mode,
    // A mode that keeps others out says that the content is not for everybody's eyes, a report's included.
    sensitive: (mode & 0o004) === 0,
    ...(kept === undefined ? owner : { uid: kept.uid, gid: kept.gid }),
  })
}

/** Appending to a large log must not fail on the default limit of reads. */
const maxAppendBytes = 64 * 1024 * 1024

async function contentOf(fs: WritableGuestFs, file: PlannedFile): Promise<Uint8Array> {
  const path = guestPath(file.path)
  if (file.how === 'replace' || !(await fs.exists(path))) return file.content
  const existing = await fs.readFile(path, { maxBytes: maxAppendBytes })
  const done = Buffer.from(existing).subarray(-file.content.length).equals(file.content)
  return done ? existing : Buffer.concat([existing, file.content])
}

async function makeParents(fs: WritableGuestFs, path: string, { uid, gid }: GuestOwner): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf('/'))
  if (parent === '') return
  await fs.makeDirectories(guestPath(parent), { mode: 0o755, uid: uid ?? 0, gid: gid ?? 0 })
}

interface GuestOwner {
  readonly uid?: number
  readonly gid?: number
}

/** `user`, `user:group`, `:group`, names or numbers, looked up in the guest as staged. `-1` and an empty part leave that side alone. */
async function resolveOwner(fs: WritableGuestFs, { path, owner }: PlannedFile): Promise<GuestOwner> {
  const [user = '', group = ''] = owner.split(':')
  const unknown = (kind: string, name: string) =>
    new OperationError(
      'OPERATION_OWNER_UNKNOWN',
      `The image has no ${kind} ${JSON.stringify(name)}, the owner of ${JSON.stringify(path)}`,
      {
        hint: `Add the ${kind} to the request, give a number, or leave owner out.`,
        context: { path, owner },
      },
    )
  const idOf = async (name: string, kind: 'user' | 'group'): Promise<number | undefined> => {
    if (name === '' || name === '-1') return undefined
    if (/^\d{1,10}$/.test(name)) return Number(name)
    const text = async (file: string) => (await fs.readTextIfExists(guestPath(file))) ?? ''
    const id =
      kind === 'user'
        ? findEntry(parsePasswd(await text('/etc/passwd')), name)?.uid
        : findEntry(parseGroup(await text('/etc/group')), name)?.gid
    if (id === undefined) throw unknown(kind, name)
    return id
  }
  const uid = await idOf(user, 'user')
  const gid = await idOf(group, 'group')
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) }
}
