import { inspect } from 'node:util'
import { DeployError } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseRequest, type RequestFiles } from './parse-request.ts'
import { parsed, publicKey, refused } from './testing/parse.ts'

/** Anything but a `DeployError` is a bug. */
function survives(files: RequestFiles): void {
  for (const ignoreUnsupported of [false, true]) {
    try {
      parseRequest(files, { ignoreUnsupported })
    } catch (error) {
      if (!DeployError.isInstance(error)) throw error
      expect(error.code).toMatch(/^INPUT_/)
    }
  }
}

const token = fc.constantFrom(
  ...[
    'users',
    'name',
    'chpasswd',
    'list',
    'write_files',
    'path',
    'content',
    'network',
    'version',
    'ethernets',
    'config',
    'type',
    'physical',
  ],
  ...[
    ': ',
    ':',
    '- ',
    '\n',
    '\n  ',
    '\n    ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '"',
    "'",
    '|\n',
    '>',
    '&a ',
    '*a',
    '<<: ',
    '!!binary ',
    '!x ',
    '? ',
    '#',
    '\t',
    '%',
    '@',
  ],
  ...['1', '2', '0644', 'yes', 'null', '~', '.nan', 'a', 'eth0', '/etc/x', '__proto__', 'constructor', 'toString', '---\n', '\0', '\u2028'],
)

test('text that looks like YAML', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
      const text = tokens.join('')
      survives({ userData: `#cloud-config\n${text}`, metaData: text })
      survives({ networkConfig: text })
    }),
    { numRuns: 250 },
  )
})

const keys = fc.constantFrom(
  ...[
    'hostname',
    'fqdn',
    'users',
    'groups',
    'chpasswd',
    'password',
    'ssh_authorized_keys',
    'ssh_pwauth',
    'write_files',
    'timezone',
    'locale',
  ],
  ...[
    'growpart',
    'resize_rootfs',
    'network',
    'runcmd',
    'bootcmd',
    'name',
    'list',
    'expire',
    'path',
    'content',
    'encoding',
    'permissions',
    'owner',
  ],
  ...[
    'version',
    'config',
    'ethernets',
    'eth0',
    'addresses',
    'routes',
    'to',
    'via',
    'type',
    'subnets',
    'mode',
    'devices',
    'sudo',
    'uid',
    'passwd',
  ],
  ...['constructor', 'hasOwnProperty', 'x', 'bonds', 'renderer', 'packages'],
  ...['mounts', 'mount_default_fields', 'login_account', 'never', 'remove_ssh_keys', 'bodies', 'seal', 'selinux'],
)
const values = fc.oneof(
  fc.constantFrom<unknown>(
    true,
    false,
    null,
    0,
    1,
    2,
    -1,
    0.5,
    '',
    'default',
    'gz+b64',
    'H4sI',
    'physical',
    'static',
    '10.0.0.1/8',
    'root:R',
    '/',
    '/a',
    'disabled',
  ),
  fc.string({ maxLength: 8 }),
)
const { tree } = fc.letrec<{ tree: unknown; list: unknown[]; map: Record<string, unknown> }>((tie) => ({
  tree: fc.oneof({ maxDepth: 5, withCrossShrink: true }, values, tie('list'), tie('map')),
  list: fc.array(tie('tree'), { maxLength: 3 }),
  map: fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
}))

test.each(['{}', '[]', '{"toString": 1}', '"cAnAry"'])('a map with a constructor of the name %s where a text is expected', (text) => {
  const userData = `#cloud-config\n{"hostname": {"constructor": {"name": ${text}}}}`
  const error = refused({ userData })
  expect(error.code).toBe('INPUT_INVALID')
  expect(inspect(error, { depth: 20 })).not.toContain('cAnAry')
})

test('values of any shape under the keys we know', () => {
  fc.assert(
    fc.property(fc.dictionary(keys, tree, { maxKeys: 4 }), (document) => {
      const text = JSON.stringify(document)
      survives({ userData: `#cloud-config\n${text}`, metaData: text, networkConfig: text })
    }),
    { numRuns: 200 },
  )
})

const name = fc
  .stringMatching(/^[a-z][a-z0-9_-]{0,8}$/)
  .filter((word) => !['default', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', 'y', 'n'].includes(word))
const optional = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined })

const good = fc.record({
  hostname: optional(fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/).map((label) => `h${label}`)),
  timezone: optional(fc.constantFrom('UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia')),
  ssh_pwauth: optional(fc.boolean()),
  ssh_authorized_keys: optional(fc.constant([publicKey])),
  groups: optional(fc.uniqueArray(name, { minLength: 1, maxLength: 3 }).map((names) => names.map((group) => ({ [group]: ['root'] })))),
  write_files: optional(
    fc.array(
      fc.record({
        path: name.map((file) => `/etc/${file}`),
        content: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('base64')),
        encoding: fc.constant('b64'),
        permissions: fc.integer({ min: 0, max: 0o7777 }).map((mode) => `0${mode.toString(8)}`),
        append: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
  ),
  runcmd: optional(
    fc
      .array(fc.oneof(fc.string({ minLength: 1 }), fc.array(fc.string(), { minLength: 1, maxLength: 3 })), { maxLength: 3 })
      .map((list) => list.filter((entry) => !JSON.stringify(entry).includes('\\u0000'))),
  ),
})

test('a request keeps its values, whichever way it is written', () => {
  fc.assert(
    fc.property(good, (given) => {
      const document = JSON.parse(JSON.stringify(given)) as Record<string, unknown>
      const asJson = parsed(JSON.stringify(document))
      const asYaml = parsed(stringify(document, { version: '1.1', directives: false } as object))
      expect({ ...asYaml, seed: {} }).toEqual({ ...asJson, seed: {} })
      const { groups, write_files, ...same } = document
      expect(asJson).toMatchObject(same)
      const written = asJson.write_files?.map(({ path, content, permissions, append }) => ({
        path,
        content: Buffer.from(content).toString('base64'),
        encoding: 'b64',
        permissions: `0${permissions.toString(8)}`,
        append,
      }))
      expect(written).toEqual(write_files)
      expect(asJson.groups?.map((group) => ({ [group.name]: group.members }))).toEqual(groups)
      // Without passwords a request is plain data but for its seed.
      const { seed: _, write_files: __, ...plain } = asJson
      expect(JSON.parse(JSON.stringify(plain))).toEqual(plain)
    }),
    { numRuns: 60 },
  )
})
