import type { ToolHost, ToolPath } from '@host-deployer/driver-api'
import type { BlockNode } from './lsblk.ts'

/**
 * Low-level probing of one device. One device per command: blkid(8) stops at the first without a signature. Its `udev` output is the one that
 * escapes labels so that nothing in them can pass for another field.
 */
export const blkidArgv = (device: ToolPath): [string, ...string[]] => ['blkid', '--probe', '--output', 'udev', '--', device]

/** Parses what {@link blkidArgv} prints: one `NAME=value` a line. */
export function parseBlkidUdev(output: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of output.split('\n')) {
    const at = line.indexOf('=')
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1))
  }
  return fields
}

/** Undoes `blkid_encode_string`: `\x20` is one byte of UTF-8. */
export function decodeUdev(encoded: string): string {
  const bytes: number[] = []
  for (let at = 0; at < encoded.length; ) {
    const escaped = /^\\x([0-9a-f]{2})/i.exec(encoded.slice(at, at + 4))
    const char = String.fromCodePoint(encoded.codePointAt(at) ?? 0)
    if (escaped?.[1] === undefined) bytes.push(...Buffer.from(char))
    else bytes.push(Number.parseInt(escaped[1], 16))
    at += escaped === null ? char.length : 4
  }
  return Buffer.from(bytes).toString('utf8')
}

/** A node with what probing found on it. Pure. */
export function withProbe(node: BlockNode, fields: ReadonlyMap<string, string>): BlockNode {
  const encoded = (name: string, plain: string) => decodeUdev(fields.get(name) ?? '') || fields.get(plain) || null
  const number = Number(fields.get('ID_PART_ENTRY_NUMBER') ?? Number.NaN)
  return {
    ...node,
    tableType: fields.get('ID_PART_TABLE_TYPE') ?? fields.get('ID_PART_ENTRY_SCHEME') ?? null,
    tableId: fields.get('ID_PART_TABLE_UUID') ?? null,
    partitionNumber: Number.isSafeInteger(number) ? number : null,
    partitionType: fields.get('ID_PART_ENTRY_TYPE') ?? null,
    partUuid: fields.get('ID_PART_ENTRY_UUID') ?? null,
    partLabel: decodeUdev(fields.get('ID_PART_ENTRY_NAME') ?? '') || null,
    filesystem: fields.has('ID_FS_AMBIVALENT') ? null : (fields.get('ID_FS_TYPE') ?? null),
    label: encoded('ID_FS_LABEL_ENC', 'ID_FS_LABEL'),
    uuid: encoded('ID_FS_UUID_ENC', 'ID_FS_UUID'),
  }
}

/** Probes every node, in parallel. A device that cannot be read has nothing on it. */
export function probeNodes(toolHost: ToolHost, nodes: readonly BlockNode[]): Promise<BlockNode[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const { stdout } = await toolHost.exec(blkidArgv(node.path), { timeoutMs: 120_000 })
      return withProbe(node, parseBlkidUdev(new TextDecoder().decode(stdout)))
    }),
  )
}
