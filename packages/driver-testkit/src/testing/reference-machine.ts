// The tool host of the reference driver: a machine that is half a model. Programs that touch disks or the file tree are modelled in memory, so that
// neither root nor a kernel's block layer is needed; every other program is a real one of this machine.
import { ExecError, type ExecResult, FsError, type RawFs, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import { createMemoryRawFs, type MemoryRawFs } from '@host-deployer/guest-fs'
import { parseMbrTable } from '../partition-tables.ts'
import type { ReferenceDisk } from './reference-disk.ts'

export interface ReferenceMachine extends ToolHost {
  readonly devices: ReadonlyMap<string, ReferenceDisk>
}

interface Mount {
  readonly device: string
  readonly fs: MemoryRawFs
}

type Program = (words: readonly string[], stdin: Uint8Array) => Promise<Uint8Array | string | undefined>

class ProgramFailure extends Error {}

const result = (exitCode: number, stdout: Uint8Array | string = '', stderr = ''): ExecResult => ({
  exitCode,
  signal: null,
  stdout: Buffer.from(stdout as string),
  stderr: Buffer.from(stderr),
})

const root = { mode: 0o755, uid: 0, gid: 0 }

/** The machine that has these disks, by device path. */
export function createReferenceMachine(devices: ReadonlyMap<string, ReferenceDisk>): ReferenceMachine {
  const local = createLocalToolHost()
  const rootFs = createMemoryRawFs()
  const fileSystems = new Map<string, MemoryRawFs>()
  const mounts = new Map<string, Mount>()

  const disk = (path: string | undefined): ReferenceDisk => {
    const found = devices.get(path ?? '')
    if (found === undefined) throw new ProgramFailure(`${path}: no such device`)
    return found
  }

  /** Which file system a path is on, and what it is called there. */
  function locate(path: ToolPath): { readonly fs: MemoryRawFs; readonly inside: ToolPath } {
    for (const [point, { fs }] of mounts) {
      if (path === point) return { fs, inside: toolPath('/') }
      if (path.startsWith(`${point}/`)) return { fs, inside: toolPath(path.slice(point.length)) }
    }
    return { fs: rootFs, inside: path }
  }

  async function makeDirectories(path: string): Promise<void> {
    const { fs, inside } = locate(toolPath(path))
    let made = ''
    for (const segment of inside.split('/').filter(Boolean)) {
      made += `/${segment}`
      await fs.mkdir(toolPath(made), root).catch((error: unknown) => {
        if (!FsError.is(error, 'already-exists')) throw error
      })
    }
  }

  async function sizeOf(path: string): Promise<number> {
    const partition = /^(.+\D)(\d+)$/.exec(path)
    if (devices.has(path) || partition === null) return disk(path).sizeBytes
    const entry = parseMbrTable(await disk(partition[1]).read(0, 512))[Number(partition[2]) - 1]
    if (entry === undefined) throw new ProgramFailure(`${path}: no such device`)
    return entry.sizeBytes
  }

  async function mount(words: readonly string[]): Promise<undefined> {
    const options = (words[words.indexOf('-o') + 1] ?? '').split(',')
    const point = words.at(-1) ?? ''
    if (options.includes('remount')) {
      mounts.get(point)?.fs.setReadOnly(options.includes('ro'))
      return
    }
    const device = words.at(-2) ?? ''
    disk(device)
    const fs = fileSystems.get(device)
    if (fs === undefined) throw new ProgramFailure('wrong fs type, bad superblock')
    const { fs: below, inside } = locate(toolPath(point))
    await below.lstat(inside)
    mounts.set(point, { device, fs })
  }

  const programs: Readonly<Record<string, Program>> = {
    async dd(words, stdin) {
      const operand = (name: string): string | undefined => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
      const [input, output] = [operand('if'), operand('of')]
      if (input !== undefined) return disk(input).read(Number(operand('skip') ?? 0) * 512, 512)
      await disk(output).write(Number(operand('seek') ?? 0) * 512, stdin)
      return
    },
    blockdev: async ([flag, path = '']) => (flag === '--getsize64' ? `${await sizeOf(path)}\n` : undefined),
    async 'mkfs.ext4'(words) {
      const path = words.at(-1) ?? ''
      await disk(path).write(1024 + 0x38, new Uint8Array([0x53, 0xef]))
      fileSystems.set(path, createMemoryRawFs({ capacityBytes: disk(path).sizeBytes }))
      return
    },
    mount,
    async umount([point = '']) {
      if (!mounts.delete(point)) throw new ProgramFailure('not mounted')
      return
    },
    mkdir: async (words) => void (await makeDirectories(words.at(-1) ?? '')),
    async mkfifo([path = '']) {
      const { fs, inside } = locate(toolPath(path))
      await fs.makeSpecial(inside, 'fifo', root)
      return
    },
    sfdisk: async () => {
      throw new ProgramFailure('not modelled')
    },
    blkid: async () => {
      throw new ProgramFailure('not modelled')
    },
  }

  // setpriv: a program ends when this process is killed. It says that there is no such program as env(1) does.
  const runHere: ToolHost['exec'] = async (argv, options) => {
    const outcome = await local.exec(['setpriv', '--pdeathsig', 'KILL', '--', ...argv], options)
    const isMissing = outcome.exitCode === 127 && Buffer.from(outcome.stderr).toString().startsWith('setpriv: failed to execute')
    if (isMissing) throw new ExecError('EXEC_NOT_FOUND', `There is no program ${argv[0]}`)
    return outcome
  }

  const fs: RawFs = {
    lstat: (path) => locate(path).fs.lstat(locate(path).inside),
    readlink: (path) => locate(path).fs.readlink(locate(path).inside),
    readdir: (path) => locate(path).fs.readdir(locate(path).inside),
    readFile: (path, options) => locate(path).fs.readFile(locate(path).inside, options),
    createFile: (path, content, options) => locate(path).fs.createFile(locate(path).inside, content, options),
    rename: (from, to) => locate(from).fs.rename(locate(from).inside, locate(to).inside),
    mkdir: (path, options) => locate(path).fs.mkdir(locate(path).inside, options),
    symlink: (target, path, owner) => locate(path).fs.symlink(target, locate(path).inside, owner),
    unlink: (path) => locate(path).fs.unlink(locate(path).inside),
    rmdir: (path) => locate(path).fs.rmdir(locate(path).inside),
    chmod: (path, mode) => locate(path).fs.chmod(locate(path).inside, mode),
    chown: (path, uid, gid) => locate(path).fs.chown(locate(path).inside, uid, gid),
    getXattrs: async (paths) => {
      const maps = await Promise.all(paths.map((path) => locate(path).fs.getXattrs([locate(path).inside])))
      return maps.flat()
    },
    setXattrs: async (changes) => {
      for (const { path, attributes } of changes) await locate(path).fs.setXattrs([{ path: locate(path).inside, attributes }])
    },
    syncfs: (path) => locate(path).fs.syncfs(locate(path).inside),
  }

  return {
    devices,
    fs,
    async exec(argv, options) {
      const program = programs[argv[0]]
      if (program === undefined) return runHere(argv, options)
      try {
        return result(0, await program(argv.slice(1), new Uint8Array(Buffer.from((options?.stdin ?? '') as Uint8Array))))
      } catch (error) {
        return result(1, '', String(error))
      }
    },
  }
}
