// The rooted walk against the kernel's own lookup after chroot(2). Needs root and python3.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type FsError, type FsErrorKind, toolPath } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type GuestPath, guestPath } from './guest-path.ts'
import { type OpenedGuestFs, openGuestFs } from './open-guest-fs.ts'
import { stageGuestFs } from './stage-guest-fs.ts'
import { loadTree, type ManifestEntry, type TreeManifest } from './tree-manifest.ts'

// Answers for each path: what lstat and stat say, where open(2) arrives, what is in the file, and where O_CREAT would make one.
const kernel = `
import errno, json, os, stat, sys
request = json.load(sys.stdin)
descriptors = os.open('/proc/self/fd', os.O_PATH | os.O_DIRECTORY)
os.chroot(request['root'])
os.chdir('/')
kinds = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'symlink'}

def attempt(action):
    try:
        return action()
    except OSError as error:
        return errno.errorcode[error.errno]

def place(path, flags):
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        return os.readlink(str(descriptor), dir_fd=descriptors)
    finally:
        os.close(descriptor)

def create(path):
    made = place(path, os.O_CREAT | os.O_WRONLY)
    os.unlink(made)
    return made

def content(path):
    with open(path) as file:
        return file.read()

answers = []
for path in request['paths']:
    answer = {
        'lstat': attempt(lambda: kinds[stat.S_IFMT(os.lstat(path).st_mode)]),
        'stat': attempt(lambda: kinds[stat.S_IFMT(os.stat(path).st_mode)]),
        'resolve': attempt(lambda: place(path, os.O_PATH)),
    }
    if answer['stat'] == 'file':
        answer['content'] = content(path)
    if answer['stat'] == 'ENOENT':
        answer['create'] = attempt(lambda: create(path))
    answers.append(answer)
json.dump(answers, sys.stdout)
`

interface Answer {
  readonly lstat: string
  readonly stat: string
  readonly resolve: string
  readonly content?: string
  readonly create?: string
}

const { fs } = createLocalToolHost()
let scratch: string

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'guest-fs-walk-'))
})
afterEach(() => rm(scratch, { recursive: true, force: true }))

function askKernel(root: string, paths: readonly GuestPath[]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const child = execFile('python3', ['-c', kernel], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      if (error) reject(error)
      else resolve(JSON.parse(stdout) as Answer[])
    })
    child.stdin?.end(JSON.stringify({ root, paths }))
  })
}

const errnos: Partial<Record<FsErrorKind, string>> = {
  'not-found': 'ENOENT',
  'not-a-directory': 'ENOTDIR',
  'symlink-loop': 'ELOOP',
  'name-too-long': 'ENAMETOOLONG',
  'is-a-directory': 'EISDIR',
}
const orErrno = (attempt: Promise<string>): Promise<string> =>
  attempt.catch((error: FsError) => {
    const errno = errnos[error.kind]
    if (errno === undefined) throw error
    return errno
  })

async function askWalk(guest: OpenedGuestFs, path: GuestPath): Promise<Answer> {
  const stat = await orErrno(guest.stat(path).then(({ type }) => type))
  const create = async () => {
    const staged = stageGuestFs(guest)
    await staged.writeFile(path, 'new')
    const [entry, ...rest] = await staged.diff()
    expect(rest).toEqual([])
    return entry?.path ?? 'nowhere'
  }
  return {
    lstat: await orErrno(guest.lstat(path).then(({ type }) => type)),
    stat,
    // The kernel has no name for what is not there.
    resolve: stat === 'ENOENT' ? stat : await orErrno(guest.resolve(path)),
    ...(stat === 'file' ? { content: await guest.readText(path) } : {}),
    ...(stat === 'ENOENT' ? { create: await orErrno(create()) } : {}),
  }
}

/** Returns the kernel's answers after comparing each. */
async function compare(manifest: TreeManifest, paths: readonly GuestPath[]): Promise<Answer[]> {
  const root = await mkdtemp(join(scratch, 'tree-'))
  await loadTree(fs, toolPath(root), manifest)
  const guest = openGuestFs({ fs, root: toolPath(root) })
  let answers = await askKernel(root, paths)
  const ours = await Promise.all(paths.map((path) => askWalk(guest, path)))
  const differ = () => paths.some((_, index) => !isDeepStrictEqual(ours[index], answers[index]))
  // A walk that the kernel has to begin again, because something was mounted or renamed meanwhile, goes on counting links: more than 20 may be too many then.
  for (let again = 0; again < 5 && differ() && answers.some(hasLoop); again += 1) answers = await askKernel(root, paths)
  for (const [index, path] of paths.entries()) expect({ path, ...ours[index] }).toEqual({ path, ...answers[index] })
  return answers
}

const hasLoop = (answer: Answer) => Object.values(answer).includes('ELOOP')

const names = ['a', 'b', 'c', 'd']
const long = 'x'.repeat(256)
const segment = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...names) },
  { weight: 3, arbitrary: fc.constant('..') },
  { weight: 1, arbitrary: fc.constantFrom('.', 'missing', long) },
)
const segments = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
const target = fc
  .tuple(fc.constantFrom('', '/', '../', '../../../'), segments, fc.constantFrom('', '', '', '/'))
  .map((parts) => parts.join(''))
type Node = string | { link: string } | { [name: string]: Node }
const { tree } = fc.letrec<{ tree: { [name: string]: Node }; node: Node }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 4, noNullPrototype: true }),
  node: fc.oneof(
    { depthSize: 'large', maxDepth: 4, withCrossShrink: true },
    fc.constantFrom('1', '2'),
    fc.record({ link: target }),
    tie('tree'),
    fc.record({ link: target }),
  ),
}))

function toManifest(node: Node, path = '', into: Record<string, ManifestEntry> = {}): TreeManifest {
  if (typeof node === 'string') into[path] = { content: `${path} ${node}` }
  else if (typeof node['link'] === 'string') into[path] = { link: node['link'] }
  else {
    into[path || '/'] = { directory: true }
    for (const [name, child] of Object.entries(node)) toManifest(child as Node, `${path}/${name}`, into)
  }
  return into
}

test('random trees are walked as the kernel walks them', async () => {
  const paths = fc.array(
    segments.map((text) => guestPath(`/${text}`)),
    { minLength: 150, maxLength: 150, size: 'max' },
  )
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(tree, paths, async (root, asked) => {
      for (const { stat, create } of await compare(toManifest(root), asked)) {
        const outcome = create === undefined ? stat : `${stat}, ${create.startsWith('/') ? 'created' : create}`
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
      }
    }),
    { numRuns: 40, endOnFailure: true },
  )
  // The trees are of a kind in which everything happens.
  for (const outcome of ['file', 'directory', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENOENT, created', 'ENOENT, ENOENT']) {
    expect(seen.get(outcome) ?? 0, outcome).toBeGreaterThan(10)
  }
})

test('hostile and long links', async () => {
  const chain = Array.from({ length: 45 }, (_, index): [string, ManifestEntry] => [
    `/chain/${index}`,
    { link: index === 0 ? '../etc' : `${index - 1}` },
  ])
  const manifest: TreeManifest = {
    ...Object.fromEntries(chain),
    '/etc/shadow': { link: '../../../etc/shadow' },
    '/etc/passwd': { link: '/../../../../real' },
    '/real': { content: 'guest' },
    '/root': { link: '/' },
    '/self': { link: 'self' },
    '/ping': { link: 'pong/x' },
    '/pong': { link: '/ping' },
    '/up': { link: '..' },
    '/dangling': { link: '/var/none' },
    '/dangling-directory': { link: 'none/' },
    '/dangling-dot': { link: 'none/.' },
    '/dangling-both': { link: 'none/./' },
    '/dangling-behind': { link: 'dangling-up/' },
    '/dangling-deep': { link: 'dangling-deeper/' },
    '/dangling-deeper': { link: 'none/none' },
    '/dangling-up': { link: 'none/../..' },
    '/file-as-directory': { link: 'real/' },
    '/var': { directory: true },
    '/long': { link: `${'a/../'.repeat(700)}real` },
    '/a': { directory: true },
    '/name': { link: long },
  }
  const tails = ['', '/etc/passwd', '/..', '/../real', '/shadow', '/none', '/none/..', `/${long}`]
  const heads = Object.keys(manifest).filter((path) => !path.startsWith('/chain'))
  const paths = [...heads, ...chain.map(([path]) => path), '/root'.repeat(39), '/root'.repeat(40), '/root'.repeat(41), '/up'.repeat(20), '']
  await compare(
    manifest,
    paths.flatMap((path) => tails.map((tail) => guestPath(`${path}${tail}` || '/'))),
  )
})
