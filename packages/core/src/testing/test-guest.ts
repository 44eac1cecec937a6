import type { DeployRequest } from '@host-deployer/api'
import { toolPath } from '@host-deployer/driver-api'
import {
  createMemoryRawFs,
  guestPath,
  loadTree,
  type MemoryRawFs,
  openGuestFs,
  type StagedFs,
  stageGuestFs,
  type TreeManifest,
} from '@host-deployer/guest-fs'
import { detectGuest, type GuestFacts } from '@host-deployer/os-detect'
import type { Operation } from '../operation.ts'
import { operationsFor } from '../operations-for.ts'
import { selectProfile } from '../select-profile.ts'
import { type StageResult, stageOperations } from '../stage-operations.ts'
import { phonyGuestManifest } from './phony-guest.ts'

/** What a test says beside the request. */
export interface TestGuestOptions {
  /** Entries to add or replace; `undefined` takes the entry away. */
  readonly tree?: Readonly<Record<string, TreeManifest[string] | undefined>>
  /** Instead of all of them. */
  readonly operations?: readonly Operation[]
  /** Instead of detecting. */
  readonly facts?: GuestFacts
  /** Every run has the same time and random bytes. Default false. */
  readonly frozen?: boolean
}

/** A phony guest that requests can be staged on and committed to, with a clock and a random source that give the same in every test. */
export interface TestGuest {
  readonly raw: MemoryRawFs
  /** Stages on a fresh overlay. Every call is a day after the one before, and gets other random bytes. */
  stage(request: DeployRequest): Promise<StageResult & { readonly staged: StagedFs }>
  /** A file's text, links followed; `undefined` when there is none. */
  read(path: string): Promise<string | undefined>
  /** Mode and owner of an entry, links followed: `0640 0:42`. */
  access(path: string): Promise<string>
  /** Stages and commits. */
  deploy(request: DeployRequest): Promise<StageResult>
}

const root = toolPath('/')

// Parsing them takes longer than a deploy.
const manifests = new Map<string, TreeManifest>()

function manifestOf(id: string): TreeManifest {
  const manifest = manifests.get(id) ?? phonyGuestManifest(id)
  manifests.set(id, manifest)
  return manifest
}

/** Loads the phony guest `id`, with the changes of `options.tree`. */
export async function createTestGuest(
  id: string,
  { tree = {}, operations, facts, frozen = false }: TestGuestOptions = {},
): Promise<TestGuest> {
  const manifest: Record<string, TreeManifest[string]> = { ...manifestOf(id) }
  for (const [path, entry] of Object.entries(tree)) {
    if (entry === undefined) delete manifest[path]
    else manifest[path] = entry
  }
  const raw = createMemoryRawFs()
  await loadTree(raw, root, manifest)
  let day = 0
  let counter = 0
  const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => counter++ & 0xff)

  const stage: TestGuest['stage'] = async (request) => {
    const guest = openGuestFs({ fs: raw, root })
    const staged = stageGuestFs(guest)
    if (frozen) day = counter = 0
    const found = facts ?? (await detectGuest(guest))
    const ambient = { now: new Date(Date.UTC(2026, 10, 22 + day++, 12)), randomBytes }
    const { profile } = selectProfile(found)
    const result = await stageOperations({
      operations: operations ?? operationsFor(request),
      request,
      staged,
      facts: found,
      profile,
      ambient,
    })
    return { ...result, staged }
  }
  const view = () => openGuestFs({ fs: raw, root })
  return {
    raw,
    stage,
    read: (path) => view().readTextIfExists(guestPath(path)),
    access: async (path) => {
      const { mode, uid, gid } = await view().stat(guestPath(path))
      return `${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`
    },
    deploy: async (request) => {
      const { staged, ...result } = await stage(request)
      await staged.commit()
      return result
    },
  }
}
