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

interface Text {
  /** As an error names it: `guest_desc.nics[0].mac`. */
  readonly where: string
  /** The message with nothing but this text. */
  readonly holding: (text: string) => object
}

/** Every text in a message of the proto file, however deep. */
function textsOf(fields: readonly Field[]): readonly Text[] {
  return fields.flatMap(({ name, type, typeName, label }): readonly Text[] => {
    const many = label === 'LABEL_REPEATED'
    const wrap = (value: unknown) => ({ [name]: many ? [value] : value })
    const path = many ? `${name}[0]` : name
    if (type === 'TYPE_STRING') return [{ where: path, holding: wrap }]
    if (type !== 'TYPE_MESSAGE') return []
    const inner = textsOf(fieldsOf(loadDeployProto()[`apis.${typeName}`]))
    return inner.map(({ where, holding }) => ({ where: `${path}.${where}`, holding: (text) => wrap(holding(text)) }))
  })
}

const service = deployService()
const texts = Object.entries(service).flatMap(([rpc, { requestType }]) => textsOf(fieldsOf(requestType)).map((text) => ({ rpc, ...text })))

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

/** Texts of several lines: files, scripts, lists, keys as they stand in a file. */
const multiline = /(^|\.)(content|user_data|telegraf_conf|routes|(delete_|admin_|project_)?public_key)$/

test('the proto file has texts in every request', () => {
  for (const rpc of Object.keys(service)) expect(texts.some((text) => text.rpc === rpc)).toBe(true)
  expect(texts.map(({ where }) => where)).toContain('guest_desc.nics[0].virtual_ips[0]')
  expect(texts.length).toBeGreaterThan(150)
})

test.each(texts)('$rpc: NUL and line breaks in $where', async ({ rpc, where, holding }) => {
  const refused = multiline.test(where) ? ['a\0b'] : ['a\0b', 'a\nb', 'a\rb', 'a\u001bb', 'a\u007f']
  for (const text of refused) {
    const error = await send(rpc, holding(text))
    expect(error?.code).toBe(status.INVALID_ARGUMENT)
    const [bytes] = error?.metadata.get(errorDetailsKey) ?? []
    expect(bytes instanceof Uint8Array && decodeErrorDetails(bytes)?.reason).toBe('INPUT_INVALID')
    // Of this text, not of what is absent besides.
    expect(error?.details.startsWith(`${where}: has `)).toBe(true)
  }
  expect(wire.submitted).toEqual([])
})
