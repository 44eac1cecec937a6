// Both tool hosts against the real parts: programs and files of this machine, directly and through OpenSSH's sshd on an inherited socket pair.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type ExecOptions, FsError, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { string as anyString, array, assert, asyncProperty, property } from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quoteArgv } from './argv.ts'
import { createExecRawFs } from './exec-raw-fs.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import { identifyProcess } from './process-identity.ts'
import { generateSshKeyPair } from './ssh-key.ts'
import { connectSshToolHost, type SshToolHost } from './ssh-tool-host.ts'

const { uid, gid, username } = userInfo()
const patience = { timeout: 60_000 }
const hostKey = generateSshKeyPair()
const clientKey = generateSshKeyPair()
let root = ''

async function startSshd(): Promise<{ stream: Duplex; kill: () => void }> {
  // sshd insists on its privilege separation directory when it starts as root.
  if (uid === 0) await mkdir('/run/sshd', { recursive: true })
  const directory = await mkdtemp(join(root, 'sshd-'))
  await writeFile(join(directory, 'host_key'), hostKey.privateKeyPem, { mode: 0o600 })
  await writeFile(join(directory, 'keys'), `${clientKey.publicKeyLine}\n`, { mode: 0o600 })
  const settings = [
    `HostKey=${directory}/host_key`,
    `AuthorizedKeysFile=${directory}/keys`,
    'StrictModes=no',
    'UsePAM=no',
    'PermitRootLogin=yes',
    'MaxSessions=100',
    'Subsystem=sftp internal-sftp',
  ]
  const argv = ['/usr/sbin/sshd', '-i', '-e', '-f', '/dev/null', ...settings.flatMap((setting) => ['-o', setting])]
  const child = spawn('sh', ['-c', `exec ${quoteArgv(argv)} <&3 >&3`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  return { stream: child.stdio[3] as Duplex, kill: () => child.kill('SIGKILL') }
}

const connect = (stream: Duplex, hostKeyBlob = hostKey.publicKeyBlob): Promise<SshToolHost> =>
  connectSshToolHost({ stream, username, privateKey: clientKey.privateKeyPem, hostKey: hostKeyBlob })

let ssh: SshToolHost

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tool-host-'))
  ssh = await connect((await startSshd()).stream)
  await mkdir(join(root, 'bin'))
  for (const directory of ['/bin', '/usr/bin']) {
    for (const name of await readdir(directory)) {
      if (name !== 'stat') await symlink(join(directory, name), join(root, 'bin', name)).catch(() => {})
    }
  }
})
afterAll(async () => {
  await ssh.close()
  await rm(root, { recursive: true })
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

test('what is quoted reaches a program unchanged through a real shell', async () => {
  const sh = createLocalToolHost()
  await assert(
    asyncProperty(
      array(
        anyString({ unit: 'binary' }).map((word) => word.replaceAll('\0', '')),
        { maxLength: 5 },
      ),
      async (words) => {
        const { stdout } = await sh.exec(['sh', '-c', `printf '%s\\0' ${quoteArgv(['', ...words])}`])
        expect(text(stdout)).toBe(['', ...words, ''].join('\0'))
      },
    ),
    { numRuns: 100 },
  )
  assert(property(anyString(), (word) => !quoteArgv([word.replaceAll('\0', '')]).includes('\0')))
})

const commandsOnly = (exec: ToolHost['exec']): ToolHost => ({ exec, fs: createExecRawFs(exec, { xattrs: true }) })
const makeHost = {
  local: () => createLocalToolHost(),
  ssh: () => ssh,
  commands: () => commandsOnly(createLocalToolHost().exec),
  // As a busybox that was built without it.
  'commands-without-stat': () => commandsOnly(createLocalToolHost({ path: join(root, 'bin') }).exec),
} satisfies Record<string, () => ToolHost>

describe.each(['local', 'ssh', 'commands', 'commands-without-stat'] as const)('%s tool host', (kind) => {
  const host = (): ToolHost => makeHost[kind]()
  const base = (): string => join(root, kind)
  const at = (name: string): ToolPath => toolPath(join(base(), name))
  const owner = { uid, gid }
  beforeAll(() => mkdir(base()))

  describe('exec', () => {
    test('arguments, input and output are exact bytes', async () => {
      const bytes = new Uint8Array(300_000).map((_, i) => (i * 7) % 256)
      const { stdout, exitCode } = await host().exec(['cat'], { stdin: bytes })
      expect(exitCode).toBe(0)
      expect(Buffer.compare(stdout, bytes)).toBe(0)
      const odd = ['', ' ', "'", '"', '$HOME', '`id`', '\n', '-n', '*', '\\', '\u00fc']
      expect(text((await host().exec(['printf', '[%s]', ...odd])).stdout)).toBe(odd.map((word) => `[${word}]`).join(''))
    })

    test('a command longer than any command line of a transport', async () => {
      const words = Array.from({ length: 3000 }, (_, i) => `argument number ${i}\n`)
      const { stdout } = await host().exec(['sh', '-c', 'printf %s "$@"; cat', 'sh', ...words], { stdin: 'the input' })
      expect(text(stdout)).toBe(`${words.join('')}the input`)
    })

    test('standard error and exit code are results', async () => {
      const result = await host().exec(['sh', '-c', 'echo out; echo err >&2; exit 127'])
      expect({ ...result, stdout: text(result.stdout), stderr: text(result.stderr) }).toEqual({
        exitCode: 127,
        signal: null,
        stdout: 'out\n',
        stderr: 'err\n',
      })
    })

    test('a signal is a result', async () => {
      expect(await host().exec(['sh', '-c', 'kill -SEGV $$'])).toMatchObject({ exitCode: null, signal: 'SIGSEGV' })
    })

    test('the environment is small and exact', async () => {
      process.env['HOST_DEPLOYER_CANARY'] = 'leak'
      const { stdout } = await host().exec(['env'], { env: { EXTRA: "it's\n" } })
      delete process.env['HOST_DEPLOYER_CANARY']
      expect(text(stdout)).toContain("EXTRA=it's\n\n")
      expect(text(stdout)).toContain('LC_ALL=C\n')
      expect(text(stdout)).not.toContain('CANARY')
    })

    test.each(['no-such-program', '/no/such/program', '-x'])('%s: EXEC_NOT_FOUND', async (program) => {
      await expect(host().exec([program])).rejects.toMatchObject({ code: 'EXEC_NOT_FOUND' })
    })

    test('NUL is a TypeError', async () => {
      await expect(host().exec(['echo', 'a\0b'])).rejects.toBeInstanceOf(TypeError)
    })

    test('a program may ignore its input', async () => {
      expect(await host().exec(['true'], { stdin: new Uint8Array(5_000_000) })).toMatchObject({ exitCode: 0 })
    })

    test.each(['timeout', 'abort', 'limit'] as const)('%s kills the whole tree', async (how) => {
      const file = join(base(), `pid-${how}`)
      const pid = async (): Promise<number> => Number(await readFile(file, 'utf8').catch(() => '0'))
      // A descendant in a session of its own, out of reach for a kill of the group over SSH.
      const inner = kind === 'ssh' ? 'setsid ' : ''
      const talk = how === 'limit' ? `until [ -e ${file} ]; do sleep 0.05; done; cat /dev/zero` : 'sleep 1000'
      const script = `${inner}sh -c 'echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 1000' & ${talk}`
      const code = { timeout: 'EXEC_TIMEOUT', abort: 'ABORTED', limit: 'EXEC_OUTPUT_LIMIT' }[how]
      const controller = new AbortController()
      const ends = async (options: ExecOptions): Promise<void> => {
        const running = expect(host().exec(['sh', '-c', script], options)).rejects.toMatchObject({ code })
        if (how === 'abort') await expect.poll(pid, patience).not.toBe(0)
        controller.abort()
        await running
      }
      if (how !== 'timeout') await ends(how === 'abort' ? { signal: controller.signal } : { maxOutputBytes: 10_000 })
      // One that comes before the descendant has started is given longer.
      else for (let timeoutMs = 800; (await pid()) === 0 && timeoutMs < 60_000; timeoutMs *= 3) await ends({ timeoutMs })
      expect(await pid()).not.toBe(0)
      // The kill is sent; the kernel may take a moment to finish it.
      await expect.poll(async () => identifyProcess(await pid()), patience).toBeUndefined()
    })

    test('an aborted signal starts nothing', async () => {
      const file = join(base(), 'never')
      await expect(host().exec(['touch', file], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
    })

    test('many at once', async () => {
      const results = await Promise.all(Array.from({ length: 40 }, (_, i) => host().exec(['echo', String(i)])))
      expect(results.map(({ stdout }) => text(stdout))).toEqual(results.map((_, i) => `${i}\n`))
    })
  })

  describe('fs', () => {
    const kindOf = (action: Promise<unknown>): Promise<string> =>
      action.then(
        () => 'fine',
        (error: unknown) => (FsError.is(error) ? error.kind : `not an FsError: ${String(error)}`),
      )
    const fs = () => host().fs

    test('a created file has exactly the content, mode and owner asked for', async () => {
      const before = process.umask(0o077)
      try {
        for (const size of [0, 1, 32 * 1024, 1_300_000]) {
          const content = new Uint8Array(size).map((_, i) => (i * 13) % 256)
          await fs().createFile(at(`file-${size}`), content, { mode: 0o4757, ...owner })
          expect(await fs().lstat(at(`file-${size}`))).toMatchObject({ type: 'file', mode: 0o4757, ...owner, sizeBytes: size })
          expect(Buffer.compare(await fs().readFile(at(`file-${size}`), { maxBytes: 2_000_000 }), content)).toBe(0)
        }
      } finally {
        process.umask(before)
      }
    })

    test('a file of proc, whose size says zero', async () => {
      expect(text(await fs().readFile(toolPath('/proc/version'), { maxBytes: 10_000 }))).toContain('Linux')
    })

    test('directories, links and what readdir says of them', async () => {
      await fs().mkdir(at('dir'), { mode: 0o1750, ...owner })
      await fs().symlink('../anywhere \n', at('dir/link'), owner)
      await fs().createFile(at('dir/file'), Buffer.from('x'), { mode: 0o600, ...owner })
      await host().exec(['mkfifo', at('dir/fifo')])
      const entries = await fs().readdir(at('dir'))
      expect(Object.fromEntries(entries.map(({ name, stat }) => [name, stat.type]))).toEqual({
        link: 'symlink',
        file: 'file',
        fifo: 'fifo',
      })
      for (const { name, stat } of entries) expect(stat).toEqual(await fs().lstat(at(`dir/${name}`)))
      expect(await fs().readlink(at('dir/link'))).toBe('../anywhere \n')
      expect((await fs().lstat(at('dir'))).mode).toBe(0o1750)
    })

    test('names that are not ASCII, and names that look like options', async () => {
      for (const name of ['-rf', 'a b', 'new\nline', '\u00fcml\u00e4ut', "quo'te", '$x']) {
        await fs().createFile(at(name), Buffer.from(name), { mode: 0o644, ...owner })
        expect(text(await fs().readFile(at(name), { maxBytes: 100 }))).toBe(name)
      }
    })

    test('rename replaces, unlink and rmdir remove', async () => {
      await fs().createFile(at('old'), Buffer.from('1'), { mode: 0o644, ...owner })
      await fs().createFile(at('new'), Buffer.from('2'), { mode: 0o644, ...owner })
      await fs().rename(at('new'), at('old'))
      expect(text(await fs().readFile(at('old'), { maxBytes: 10 }))).toBe('2')
      await fs().unlink(at('old'))
      expect(await kindOf(fs().lstat(at('old')))).toBe('not-found')
      await fs().mkdir(at('gone'), { mode: 0o755, ...owner })
      await fs().rmdir(at('gone'))
      expect(await kindOf(fs().lstat(at('gone')))).toBe('not-found')
    })

    test('every failure has its kind', async () => {
      const options = { mode: 0o644, ...owner }
      await fs().mkdir(at('k'), { mode: 0o755, ...owner })
      await fs().mkdir(at('k/full'), { mode: 0o755, ...owner })
      await fs().mkdir(at('k/empty'), { mode: 0o755, ...owner })
      await fs().createFile(at('k/full/file'), Buffer.from('12345'), options)
      await symlink('nowhere', at('k/dangling'))
      await symlink('full', at('k/to-dir'))
      await symlink('full/file', at('k/to-file'))
      await host().exec(['mkfifo', at('k/fifo')])
      const long = 'n'.repeat(300)
      const none = Buffer.alloc(0)
      const found = {
        'lstat missing': await kindOf(fs().lstat(at('k/none'))),
        'lstat below missing': await kindOf(fs().lstat(at('k/none/deeper/still'))),
        'lstat below a file': await kindOf(fs().lstat(at('k/full/file/x'))),
        'lstat long': await kindOf(fs().lstat(at(`k/${long}`))),
        'readlink of a file': await kindOf(fs().readlink(at('k/full/file'))),
        'readlink missing': await kindOf(fs().readlink(at('k/none'))),
        'readdir of a file': await kindOf(fs().readdir(at('k/full/file'))),
        'readdir of a link': await kindOf(fs().readdir(at('k/to-dir'))),
        'readdir missing': await kindOf(fs().readdir(at('k/none'))),
        'readFile of a directory': await kindOf(fs().readFile(at('k/full'), { maxBytes: 10 })),
        'readFile of a link': await kindOf(fs().readFile(at('k/to-file'), { maxBytes: 10 })),
        'readFile of a fifo': await kindOf(fs().readFile(at('k/fifo'), { maxBytes: 10 })),
        'readFile of too much': await kindOf(fs().readFile(at('k/full/file'), { maxBytes: 4 })),
        'readFile endless': await kindOf(fs().readFile(toolPath('/proc/kallsyms'), { maxBytes: 100_000 })),
        'readFile missing': await kindOf(fs().readFile(at('k/none'), { maxBytes: 4 })),
        'createFile over a file': await kindOf(fs().createFile(at('k/full/file'), none, options)),
        'createFile over a dangling link': await kindOf(fs().createFile(at('k/dangling'), none, options)),
        'createFile without parent': await kindOf(fs().createFile(at('k/none/x'), none, options)),
        'createFile long': await kindOf(fs().createFile(at(`k/${long}`), none, options)),
        'mkdir over a directory': await kindOf(fs().mkdir(at('k/full'), options)),
        'mkdir without parent': await kindOf(fs().mkdir(at('k/none/x'), options)),
        'symlink over a link': await kindOf(fs().symlink('x', at('k/dangling'), owner)),
        'rename missing': await kindOf(fs().rename(at('k/none'), at('k/other'))),
        'rename file over directory': await kindOf(fs().rename(at('k/full/file'), at('k/empty'))),
        'rename directory over full': await kindOf(fs().rename(at('k/empty'), at('k/full'))),
        'unlink directory': await kindOf(fs().unlink(at('k/empty'))),
        'unlink missing': await kindOf(fs().unlink(at('k/none'))),
        'rmdir full': await kindOf(fs().rmdir(at('k/full'))),
        'rmdir of a file': await kindOf(fs().rmdir(at('k/full/file'))),
        'rmdir missing': await kindOf(fs().rmdir(at('k/none'))),
        'chmod of a link': await kindOf(fs().chmod(at('k/to-file'), 0o600)),
        'chmod missing': await kindOf(fs().chmod(at('k/none'), 0o600)),
        'getXattrs missing': await kindOf(fs().getXattrs([at('k/none')])),
      }
      expect(found).toEqual({
        'lstat missing': 'not-found',
        'lstat below missing': 'not-found',
        'lstat below a file': 'not-a-directory',
        'lstat long': 'name-too-long',
        'readlink of a file': 'not-a-symlink',
        'readlink missing': 'not-found',
        'readdir of a file': 'not-a-directory',
        'readdir of a link': 'not-a-directory',
        'readdir missing': 'not-found',
        'readFile of a directory': 'not-a-file',
        'readFile of a link': 'not-a-file',
        'readFile of a fifo': 'not-a-file',
        'readFile of too much': 'too-large',
        'readFile endless': 'too-large',
        'readFile missing': 'not-found',
        'createFile over a file': 'already-exists',
        'createFile over a dangling link': 'already-exists',
        'createFile without parent': 'not-found',
        'createFile long': 'name-too-long',
        'mkdir over a directory': 'already-exists',
        'mkdir without parent': 'not-found',
        'symlink over a link': 'already-exists',
        'rename missing': 'not-found',
        'rename file over directory': 'is-a-directory',
        'rename directory over full': 'not-empty',
        'unlink directory': 'is-a-directory',
        'unlink missing': 'not-found',
        'rmdir full': 'not-empty',
        'rmdir of a file': 'not-a-directory',
        'rmdir missing': 'not-found',
        'chmod of a link': 'not-supported',
        'chmod missing': 'not-found',
        'getXattrs missing': 'not-found',
      })
      expect(text(await fs().readFile(at('k/full/file'), { maxBytes: 10 }))).toBe('12345')
    })

    test('chown changes a link, not what it points to', async () => {
      await fs().createFile(at('target'), Buffer.from(''), { mode: 0o644, ...owner })
      await fs().symlink('target', at('owned'), owner)
      const other = uid === 0 ? 12_345 : uid
      await fs().chown(at('owned'), other, gid)
      expect((await fs().lstat(at('owned'))).uid).toBe(other)
      expect((await fs().lstat(at('target'))).uid).toBe(uid)
    })

    test('extended attributes survive the trip, many files at once, odd names included', async () => {
      const paths = ['xa', 'x=b', 'x\nc', 'x\\d'].map(at)
      for (const path of paths) await fs().createFile(path, Buffer.from(''), { mode: 0o644, ...owner })
      const value = new Uint8Array([0, 1, 255, 10, 61])
      await fs().setXattrs(paths.slice(1).map((path, i) => ({ path, attributes: new Map([[`user.n${i}`, value]]) })))
      expect(await fs().getXattrs(paths)).toEqual([new Map(), ...[0, 1, 2].map((i) => new Map([[`user.n${i}`, value]]))])
      expect(await fs().getXattrs([])).toEqual([])
      const proc = toolPath('/proc/version')
      expect(await kindOf(fs().setXattrs([{ path: proc, attributes: new Map([['user.x', value]]) }]))).not.toBe('fine')
    })

    test('syncfs', async () => {
      await fs().syncfs(toolPath(base()))
      expect(await kindOf(fs().syncfs(at('none')))).toBe('not-found')
    })

    test('a hundred calls at once', async () => {
      const names = Array.from({ length: 100 }, (_, i) => `many-${i}`)
      await Promise.all(names.map((name) => fs().createFile(at(name), Buffer.from(name), { mode: 0o644, ...owner })))
      const contents = await Promise.all(names.map((name) => fs().readFile(at(name), { maxBytes: 100 })))
      expect(contents.map(text)).toEqual(names)
    })
  })
})

describe('ssh connection', () => {
  test('how a program ended is heard by a process that was too busy to listen meanwhile', async () => {
    for (const exitCode of [0, 3]) {
      let done = false
      const pending = ssh.exec(['sh', '-c', `echo out; exit ${exitCode}`]).finally(() => {
        done = true
      })
      while (!done) {
        await new Promise(setImmediate)
        // What the server says in this time comes in one piece.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
      }
      const { stdout, ...outcome } = await pending
      expect(outcome).toMatchObject({ exitCode, signal: null })
      expect(Buffer.from(stdout).toString()).toBe('out\n')
    }
  })

  test('another host key than the pinned one is refused', async () => {
    const { stream } = await startSshd()
    await expect(connect(stream, generateSshKeyPair().publicKeyBlob)).rejects.toMatchObject({ code: 'DRIVER_SSH_HOST_KEY' })
    expect(stream.destroyed).toBe(true)
  })

  test('the loss of the connection ends every pending and later call', async () => {
    const { stream, kill } = await startSshd()
    const host = await connect(stream)
    await host.exec(['true'])
    const pending = host.exec(['sleep', '1000'])
    const files = async (): Promise<never> => {
      for (;;) await Promise.all([host.fs.readdir(toolPath('/usr/bin')), host.fs.readFile(toolPath('/proc/version'), { maxBytes: 10_000 })])
    }
    const reading = files().catch((error: unknown) => error)
    setTimeout(kill, 300)
    setTimeout(() => stream.destroy(), 600)
    await expect(pending).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
    expect(await reading).toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
    await expect(host.exec(['true'])).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
    await expect(host.fs.lstat(toolPath('/'))).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
    await host.close()
  })

  test('a server that says nothing: TIMEOUT_SSH_LOGIN, or ABORTED', async () => {
    const silent = () => spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    const options = { username, privateKey: clientKey.privateKeyPem, hostKey: hostKey.publicKeyBlob }
    const first = silent()
    const login = connectSshToolHost({ ...options, stream: first.stdio[3] as Duplex, loginTimeoutMs: 200 })
    await expect(login).rejects.toMatchObject({ code: 'TIMEOUT_SSH_LOGIN' })
    first.kill()
    const second = silent()
    const aborting = connectSshToolHost({ ...options, stream: second.stdio[3] as Duplex, signal: AbortSignal.timeout(100) })
    await expect(aborting).rejects.toMatchObject({ code: 'ABORTED' })
    second.kill()
  })
})

test('a FIFO given away as a path never blocks: the local read opens nothing but files', async () => {
  const handle = await open('/dev/null')
  await handle.close()
  await expect(createLocalToolHost().fs.readFile(toolPath('/dev/null'), { maxBytes: 1 })).rejects.toMatchObject({ kind: 'not-a-file' })
})
