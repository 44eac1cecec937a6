import { readdirSync, readFileSync } from 'node:fs'
import { toolPath } from '@host-deployer/driver-api'
import { createMemoryRawFs, loadTree, type ManifestEntry, type MemoryRawFs, type TreeManifest } from '@host-deployer/guest-fs'
import { parse } from 'yaml'

const fixtures = new URL('../../fixtures/guests/', import.meta.url)

interface Node {
  readonly text?: string
  readonly link?: string
  readonly directory?: true
  readonly mode?: string
  readonly uid?: number
  readonly gid?: number
}

/** `fixtures/guests/<id>/guest.yaml`; `README.md` there describes the keys. */
interface PhonyGuest {
  readonly extends?: string
  readonly arch?: Arch
  readonly remove?: readonly string[]
  readonly programs?: readonly string[]
  readonly tree?: Readonly<Record<string, string | Node>>
}

export type Arch = 'x86_64' | 'i686' | 'aarch64' | 'armv7l' | 'riscv64'

// e_ident[EI_CLASS] and e_machine of elf(5).
const machines: Readonly<Record<Arch, readonly [bits: 1 | 2, machine: number]>> = {
  i686: [1, 3],
  armv7l: [1, 40],
  x86_64: [2, 62],
  aarch64: [2, 183],
  riscv64: [2, 243],
}

/** The first 64 bytes of a program for this architecture, enough for whoever reads the header. */
export function elfHeader(arch: Arch): Uint8Array {
  const [bits, machine] = machines[arch]
  const header = new Uint8Array(64)
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, 1, 1])
  new DataView(header.buffer).setUint16(16, 3, true)
  new DataView(header.buffer).setUint16(18, machine, true)
  return header
}

const read = (id: string): PhonyGuest => parse(readFileSync(new URL(`${id}/guest.yaml`, fixtures), 'utf8')) as PhonyGuest

function toEntry(path: string, node: string | Node): ManifestEntry {
  if (typeof node === 'string') return { content: node }
  const meta = {
    ...(node.mode === undefined ? {} : { mode: Number.parseInt(node.mode, 8) }),
    ...(node.uid === undefined ? {} : { uid: node.uid }),
    ...(node.gid === undefined ? {} : { gid: node.gid }),
  }
  if (node.text !== undefined) return { content: node.text, ...meta }
  if (node.link !== undefined) return { link: node.link, ...meta }
  if (node.directory) return { directory: true, ...meta }
  throw new TypeError(`${path}: neither text, link nor directory`)
}

/** The ids of all phony guests, sorted. */
export function phonyGuestIds(): readonly string[] {
  return readdirSync(fixtures, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map((entry) => entry.name)
    .sort()
}

/** The tree of a phony guest as a manifest, what it extends included. Add entries, take some away, then `loadTree` it. */
export function phonyGuestManifest(id: string): TreeManifest {
  const guest = read(id)
  const manifest: Record<string, ManifestEntry> = guest.extends === undefined ? {} : { ...phonyGuestManifest(guest.extends) }
  for (const path of guest.remove ?? []) delete manifest[path]
  for (const path of guest.programs ?? []) manifest[path] = { content: elfHeader(guest.arch ?? 'x86_64'), mode: 0o755 }
  for (const [path, node] of Object.entries(guest.tree ?? {})) manifest[path] = toEntry(path, node)
  return manifest
}

/** A phony guest in memory, its root at `/`. Each call makes a fresh one. */
export async function loadPhonyGuest(id: string): Promise<MemoryRawFs> {
  const fs = createMemoryRawFs()
  await loadTree(fs, toolPath('/'), phonyGuestManifest(id))
  return fs
}
