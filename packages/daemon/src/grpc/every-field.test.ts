import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { decodeErrorDetails, deployService, errorDetailsKey, loadDeployProto } from '@host-deployer/api/grpc'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServedWire, serveWire } from './testing/serve.ts'

let wire: ServedWire
let client: Client
beforeAll(async () => {
  wire = await serveWire()
  client = new Client(`unix:${wire.socketPath}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
})
afterAll(async () => {
  client.close()
  await wire.stop()
})

interface Field {
  readonly name: string
  readonly type: string
  readonly typeName: string
  readonly label: string
}

const fieldsOf = (definition: object | undefined): readonly Field[] => (definition as { type: { field: readonly Field[] } }).type.field

interface Place {
  /** As an error names it: `guest_desc.nics[0].mac`. */
  readonly where: string
  readonly type: string
  /** A message like `base` with this value, and without it one with nothing else. */
  readonly holding: (value: unknown, base?: Tree) => Tree
}

type Tree = { readonly [key: string]: unknown }

/** Every text and number in a message of the proto file, however deep. */
function placesOf(fields: readonly Field[]): readonly Place[] {
  return fields.flatMap(({ name, type, typeName, label }): readonly Place[] => {
    const many = label === 'LABEL_REPEATED'
    const below = (base: Tree) => (many ? (base[name] as readonly unknown[] | undefined)?.[0] : base[name])
    const wrap = (value: unknown, base: Tree = {}): Tree => ({ ...base, [name]: many ? [value] : value })
    const path = many ? `${name}[0]` : name
    if (type !== 'TYPE_MESSAGE') return [{ where: path, type, holding: wrap }]
    const inner = placesOf(fieldsOf(loadDeployProto()[`apis.${typeName}`]))
    return inner.map(({ where, type: of, holding }) => ({
      where: `${path}.${where}`,
      type: of,
      holding: (value, base = {}) => wrap(holding(value, below(base) as Tree | undefined), base),
    }))
  })
}

const service = deployService()
const places = Object.entries(service).flatMap(([rpc, { requestType }]) =>
  placesOf(fieldsOf(requestType)).map((place) => ({ rpc, ...place })),
)
const texts = places.filter(({ type }) => type === 'TYPE_STRING')
const numbers = places.filter(({ type }) => /INT|FIXED|DOUBLE|FLOAT/.test(type))

const send = (rpc: string, message: object) =>
  new Promise<ServiceError | undefined>((resolve) => {
    client.makeUnaryRequest(
      `/apis.DeployAgent/${rpc}`,
      (value: object) => service[rpc]?.requestSerialize(value) ?? Buffer.alloc(0),
      (value) => value,
      message,
      (error) => resolve(error ?? undefined),
    )
  })

const reasonOf = (error: ServiceError | undefined) => {
  const [bytes] = error?.metadata.get(errorDetailsKey) ?? []
  return bytes instanceof Uint8Array ? decodeErrorDetails(bytes)?.reason : undefined
}

/** Texts of several lines: files, scripts, lists, keys as they stand in a file. */
const multiline = /(^|\.)(content|user_data|telegraf_conf|routes|(delete_|admin_|project_)?public_key)$/

test('the proto file has texts in every request', () => {
  for (const rpc of Object.keys(service)) expect(texts.some((text) => text.rpc === rpc)).toBe(true)
  expect(texts.map(({ where }) => where)).toContain('guest_desc.nics[0].virtual_ips[0]')
  expect(texts.length).toBeGreaterThan(150)
  expect(numbers.map(({ where }) => where)).toContain('guest_desc.nics[0].masklen6')
})

/** What every number is next to: a call that would be one without it. */
const good: Tree = {
  disk_info: { path: '/i/a' },
  guest_desc: {
    name: 'n',
    uuid: 'u',
    nics: [{ mac: '00:22:33:44:55:66', ip: '10.0.0.1', masklen: 24, gateway: '10.0.0.2', ip6: 'fd00::1', masklen6: 64, manual: true }],
  },
  deploy_info: { is_init: true, password: 'p' },
  fs_format: 'ext4',
}

test.each(numbers)('$rpc: an absurd $where', async ({ rpc, holding }) => {
  for (const number of [-1, 1, 99, 65_536, 2 ** 31 - 1, -(2 ** 31)]) {
    const error = await send(rpc, holding(number, good))
    if (error !== undefined) expect(reasonOf(error)).toMatch(/^(INPUT_|DAEMON_NOT_IMPLEMENTED)/)
  }
})

test.each(texts)('$rpc: NUL and line breaks in $where', async ({ rpc, where, holding }) => {
  const refused = multiline.test(where) ? ['a\0b'] : ['a\0b', 'a\nb', 'a\rb', 'a\u001bb', 'a\u007f']
  for (const text of refused) {
    const error = await send(rpc, holding(text))
    expect(error?.code).toBe(status.INVALID_ARGUMENT)
    expect(reasonOf(error)).toBe('INPUT_INVALID')
    // Of this text, not of what is absent besides.
    expect(error?.details.startsWith(`${where}: has `)).toBe(true)
  }
})
