import type { ToolHost } from '@host-deployer/driver-api'

/** An entry of a guest's tree with all that a deploy may change, times apart. */
export interface TreeNode {
  /** One letter as of find(1): `f`, `d`, `l`. */
  readonly type: string
  /** Octal. */
  readonly mode: string
  /** `uid:gid`. */
  readonly owner: string
  readonly links: number
  /** The first of the paths that are the same file, where there are several. */
  readonly sameAs?: string
  readonly target?: string
  readonly sha256?: string
  /** As getfattr(1) prints them, values in hexadecimal, sorted. */
  readonly xattrs?: readonly string[]
}

// One command for each kind of thing: a program takes its time to start in emulation.
const script = `cd "$1"
find . -printf '%P\\0%y\\0%m\\0%U:%G\\0%n\\0%D:%i\\0%l\\0'
printf '//\\0'
find "$2" -type f -exec sha256sum -z -- {} +
printf '//\\0'
getfattr -R -P -h -d -m - -e hex .`

/**
 * Everything below `root` by path, sorted; `root` itself is `/`. Needs sh, find, sha256sum and getfattr there. Digests are of the files below `digestsOf`
 * only, a directory of that root: those of a whole system take a minute in emulation.
 */
export async function listTree({ exec }: ToolHost, root: string, { digestsOf = '/' } = {}): Promise<Record<string, TreeNode>> {
  const { exitCode, stdout, stderr } = await exec(['sh', '-ec', script, 'sh', root, `.${digestsOf}`], { timeoutMs: 300_000 })
  if (exitCode !== 0) throw new Error(`${root} cannot be read: ${Buffer.from(stderr)}`)
  return parseListing(Buffer.from(stdout).toString(), digestsOf)
}

function parseListing(text: string, digestsOf: string): Record<string, TreeNode> {
  const [entries = '', sums = '', attributes = ''] = text.split('//\0')
  const hashes = new Map(split(sums).map((line) => [line.slice(66).replace(/^\.\/+/, ''), line.slice(0, 64)]))
  const xattrs = new Map(attributes.trim() === '' ? [] : attributes.trim().split('\n\n').map(parseAttributes))
  const fields = split(entries)
  const rows = Array.from({ length: fields.length / 7 }, (_, row) => fields.slice(row * 7, row * 7 + 7)).sort(byPath)
  const first = new Map<string, string>()
  const tree = Object.fromEntries(
    rows.map(([path = '', type = '', mode = '', owner = '', links = '', inode = '', target = '']) => {
      const sameAs = first.get(inode)
      if (sameAs === undefined) first.set(inode, `/${path}`)
      const sha256 = hashes.get(path)
      const attributesOfPath = xattrs.get(path)
      xattrs.delete(path)
      if (type === 'f' && sha256 === undefined && `/${path}`.startsWith(digestsOf)) throw new Error(`No digest of ${path}`)
      const node: TreeNode = {
        type,
        mode,
        owner,
        links: Number(links),
        ...(sameAs !== undefined && { sameAs }),
        ...(type === 'l' && { target }),
        ...(sha256 !== undefined && { sha256 }),
        ...(attributesOfPath !== undefined && { xattrs: attributesOfPath }),
      }
      return [`/${path}`, node]
    }),
  )
  if (xattrs.size > 0) throw new Error(`Attributes of unknown paths: ${[...xattrs.keys()].join(', ')}`)
  return tree
}

/** Of what ends in NUL. */
const split = (text: string): string[] => text.split('\0').slice(0, -1)

const byPath = ([left = '']: readonly string[], [right = '']: readonly string[]): number => (left < right ? -1 : 1)

/** `# file: PATH` and a line for each attribute, as getfattr(1) dumps them; unprintable bytes of the path in octal. */
function parseAttributes(block: string): [path: string, attributes: string[]] {
  const [head = '', ...lines] = block.split('\n')
  const path = head.replace(/^# file: /, '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return [path === '.' ? '' : path, lines.sort()]
}
