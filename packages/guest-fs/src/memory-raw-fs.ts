import {
  type CreateOptions,
  type FileType,
  FsError,
  type FsErrorKind,
  type RawDirEntry,
  type RawFs,
  type RawStat,
  type ToolPath,
} from '@host-deployer/driver-api'

/** A primitive as it is about to run. */
export interface RawCall {
  /** Counts from 0 over the life of the file system. */
  readonly index: number
  readonly method: keyof RawFs
  /** The first path the call is about; `rename`'s source. */
  readonly path: ToolPath
  /** `rename`'s target. */
  readonly to?: ToolPath
}

/**
 * Looks at each call before it takes effect. A returned kind makes the call fail with it, without effect. A promise holds the call back until
 * it settles, so that a test can run parallel calls in any order.
 */
export type RawCallHook = (call: RawCall) => FsErrorKind | undefined | Promise<FsErrorKind | undefined>

export interface MemoryRawFsOptions {
  /** Further file systems, as if mounted there: `rename` between two of them fails. The directories are made when missing. */
  readonly mountPoints?: readonly ToolPath[]
  /** What fits into each file system's regular files together; `no-space` beyond it. Default: no limit. */
  readonly capacityBytes?: number
}

/** The whole {@link RawFs} in memory, with its documented error kinds, for tests and phony guests. */
export interface MemoryRawFs extends RawFs {
  /** Creates what no primitive can: a FIFO, socket or device. `already-exists`, `not-found`. */
  makeSpecial(path: ToolPath, type: 'fifo' | 'socket' | 'character-device' | 'block-device', options: CreateOptions): Promise<void>
  /** Replaces the hook; `undefined` removes it. */
  intercept(hook: RawCallHook | undefined): void
  /** While true, every call that writes fails with `read-only`. */
  setReadOnly(readOnly: boolean): void
  /** How many primitives were called. */
  readonly callCount: number
}

interface Node {
  type: FileType
  mode: number
  uid: number
  gid: number
  content: Uint8Array
  target: string
  entries: Map<string, Node>
  xattrs: Map<string, Uint8Array>
}

const newNode = (type: FileType, options: CreateOptions): Node => ({
  type,
  mode: options.mode & 0o7777,
  uid: options.uid,
  gid: options.gid,
  content: new Uint8Array(),
  target: '',
  entries: new Map(),
  xattrs: new Map(),
})

const sizeOf = (node: Node): number => (node.type === 'symlink' ? Buffer.byteLength(node.target) : node.content.byteLength)

// There is no clock: every entry is as old as the epoch.
const statOf = (node: Node): RawStat => ({
  type: node.type,
  mode: node.mode,
  uid: node.uid,
  gid: node.gid,
  sizeBytes: sizeOf(node),
  mtimeMs: 0,
})

function segmentsOf(path: ToolPath): string[] {
  if (Buffer.byteLength(path) > 4095) throw new FsError('name-too-long', path)
  const segments = path.split('/').filter((segment) => segment !== '')
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw new TypeError(`RawFs takes canonical paths: ${JSON.stringify(path)}`)
    if (Buffer.byteLength(segment) > 255) throw new FsError('name-too-long', path)
  }
  return segments
}

/**
 * Stricter than a kernel in one respect: a path that leads *through* a symlink is a `TypeError`, because {@link RawFs} callers promise not to
 * give one. A test that passes here has not left the guest's tree.
 */
export function createMemoryRawFs(options: MemoryRawFsOptions = {}): MemoryRawFs {
  const directory: CreateOptions = { mode: 0o755, uid: 0, gid: 0 }
  const root = newNode('directory', directory)
  const mountNodes = new Set<Node>([root])
  let readOnly = false
  let hook: RawCallHook | undefined
  let calls = 0

  function child(parent: Node, segment: string, path: ToolPath): Node {
    if (parent.type === 'symlink') throw new TypeError(`A symlink is on the way: ${JSON.stringify(path)}`)
    if (parent.type !== 'directory') throw new FsError('not-a-directory', path)
    const found = parent.entries.get(segment)
    if (found === undefined) throw new FsError('not-found', path)
    return found
  }

  const find = (path: ToolPath): Node => segmentsOf(path).reduce((node, segment) => child(node, segment, path), root)

  /** The directory that holds the last segment, that segment, and the mounted root it all belongs to. */
  function locate(path: ToolPath): { parent: Node; name: string; existing: Node | undefined; mount: Node } {
    const segments = segmentsOf(path)
    const name = segments.pop()
    if (name === undefined) throw new FsError('io', path, 'the root directory is busy')
    let [parent, mount] = [root, root]
    for (const segment of segments) {
      parent = child(parent, segment, path)
      if (mountNodes.has(parent)) mount = parent
    }
    if (parent.type === 'symlink') throw new TypeError(`A symlink is on the way: ${JSON.stringify(path)}`)
    if (parent.type !== 'directory') throw new FsError('not-a-directory', path)
    return { parent, name, existing: parent.entries.get(name), mount }
  }

  function add(path: ToolPath, node: Node): void {
    const { parent, name, existing, mount } = locate(path)
    if (existing !== undefined) throw new FsError('already-exists', path)
    if (options.capacityBytes !== undefined && usedBytes(mount) + sizeOf(node) > options.capacityBytes) throw new FsError('no-space', path)
    parent.entries.set(name, node)
  }

  function usedBytes(node: Node): number {
    let total = node.content.byteLength
    for (const entry of node.entries.values()) if (!mountNodes.has(entry)) total += usedBytes(entry)
    return total
  }

  function takeAway(path: ToolPath, check: (node: Node) => void): void {
    const { parent, name, existing } = locate(path)
    if (existing === undefined) throw new FsError('not-found', path)
    check(existing)
    if (mountNodes.has(existing)) throw new FsError('io', path, 'a mount point is busy')
    parent.entries.delete(name)
  }

  function move(from: ToolPath, to: ToolPath): void {
    const [source, target] = [locate(from), locate(to)]
    const { existing: node } = source
    if (node === undefined) throw new FsError('not-found', from)
    if (`${to}/`.startsWith(`${from}/`) && to !== from) throw new FsError('invalid-path', to)
    if (source.mount !== target.mount) throw new FsError('io', to, 'not the same file system (EXDEV)')
    if (mountNodes.has(node) || (target.existing !== undefined && mountNodes.has(target.existing))) throw new FsError('io', to, 'busy')
    if (node === target.existing) return
    if (target.existing?.type === 'directory') {
      if (node.type !== 'directory') throw new FsError('is-a-directory', to)
      if (target.existing.entries.size > 0) throw new FsError('not-empty', to)
    } else if (target.existing !== undefined && node.type === 'directory') {
      throw new FsError('not-a-directory', to)
    }
    source.parent.entries.delete(source.name)
    target.parent.entries.set(target.name, node)
  }

  async function call<Result>(method: keyof RawFs, path: ToolPath, body: () => Result, to?: ToolPath): Promise<Result> {
    const index = calls++
    const planned = hook?.({ index, method, path, ...(to === undefined ? {} : { to }) })
    const kind = planned instanceof Promise ? await planned : planned
    if (kind !== undefined) throw new FsError(kind, path, `${kind} (injected): ${method} ${path}`)
    return body()
  }

  function write<Result>(method: keyof RawFs, path: ToolPath, body: () => Result, to?: ToolPath): Promise<Result> {
    const guarded = () => {
      if (readOnly) throw new FsError('read-only', path)
      return body()
    }
    return call(method, path, guarded, to)
  }

  function setOwner(node: Node, uid: number, gid: number): void {
    node.uid = uid
    node.gid = gid
    // chown(2): set-id bits of anything but a directory go, and file capabilities with them, whoever asks.
    if (node.type === 'directory' || node.type === 'symlink') return
    node.mode &= 0o1777
    node.xattrs.delete('security.capability')
  }

  for (const point of options.mountPoints ?? []) {
    let node = root
    for (const segment of segmentsOf(point)) {
      const next = node.entries.get(segment) ?? newNode('directory', directory)
      node.entries.set(segment, next)
      node = next
    }
    mountNodes.add(node)
  }

  return {
    lstat: (path) => call('lstat', path, () => statOf(find(path))),
    readlink: (path) =>
      call('readlink', path, () => {
        const node = find(path)
        if (node.type !== 'symlink') throw new FsError('not-a-symlink', path)
        return node.target
      }),
    readdir: (path) =>
      call('readdir', path, (): RawDirEntry[] => {
        const node = find(path)
        if (node.type !== 'directory') throw new FsError('not-a-directory', path)
        return [...node.entries].map(([name, entry]) => ({ name, stat: statOf(entry) }))
      }),
    readFile: (path, { maxBytes }) =>
      call('readFile', path, () => {
        const node = find(path)
        if (node.type !== 'file') throw new FsError('not-a-file', path)
        if (node.content.byteLength > maxBytes) throw new FsError('too-large', path)
        return node.content.slice()
      }),
    createFile: (path, content, create) =>
      write('createFile', path, () => add(path, Object.assign(newNode('file', create), { content: content.slice() }))),
    rename: (from, to) => write('rename', from, () => move(from, to), to),
    mkdir: (path, create) => write('mkdir', path, () => add(path, newNode('directory', create))),
    symlink: (target, path, owner) =>
      write('symlink', path, () => {
        if (target === '') throw new FsError('not-found', path)
        if (Buffer.byteLength(target) > 4095) throw new FsError('name-too-long', path)
        add(path, Object.assign(newNode('symlink', { mode: 0o777, ...owner }), { target }))
      }),
    unlink: (path) =>
      write('unlink', path, () =>
        takeAway(path, (node) => {
          if (node.type === 'directory') throw new FsError('is-a-directory', path)
        }),
      ),
    rmdir: (path) =>
      write('rmdir', path, () =>
        takeAway(path, (node) => {
          if (node.type !== 'directory') throw new FsError('not-a-directory', path)
          if (node.entries.size > 0) throw new FsError('not-empty', path)
        }),
      ),
    chmod: (path, mode) =>
      write('chmod', path, () => {
        const node = find(path)
        if (node.type === 'symlink') throw new FsError('not-supported', path)
        node.mode = mode & 0o7777
      }),
    chown: (path, uid, gid) => write('chown', path, () => setOwner(find(path), uid, gid)),
    getXattrs: (paths) => call('getXattrs', paths[0] ?? ('/' as ToolPath), () => paths.map((path) => new Map(find(path).xattrs))),
    setXattrs: (changes) =>
      write('setXattrs', changes[0]?.path ?? ('/' as ToolPath), () => {
        for (const { path, attributes } of changes) {
          const { xattrs } = find(path)
          for (const [name, value] of attributes) xattrs.set(name, value.slice())
        }
      }),
    syncfs: (path) => call('syncfs', path, () => void find(path)),
    makeSpecial: async (path, type, create) => add(path, newNode(type, create)),
    intercept(next) {
      hook = next
    },
    setReadOnly(value) {
      readOnly = value
    },
    get callCount() {
      return calls
    },
  }
}
