import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CloudInitMode, type DeployRequest, parseRequest } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import { type DiffEntry, type NodeState, renderPatch, type TreeDiff } from '@host-deployer/guest-fs'
import { parse, stringify } from 'yaml'
import { phonyGuestIds } from './phony-guest.ts'
import { createTestGuest } from './test-guest.ts'

const casesDirectory = new URL('../../fixtures/cases/', import.meta.url)

/** `fixtures/cases/<name>/`; the `README.md` there describes the files. */
export interface GoldenCase {
  readonly name: string
  readonly guests: readonly string[]
  readonly request: DeployRequest
}

interface CaseFile {
  readonly guests?: readonly string[]
  readonly cloudInit?: CloudInitMode
}

const readIfExists = (url: URL): string | undefined => (existsSync(url) ? readFileSync(url, 'utf8') : undefined)

/** Every case with its request, sorted by name. */
export function goldenCases(): readonly GoldenCase[] {
  const names = readdirSync(casesDirectory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return names.map(({ name }) => readCase(name)).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function readCase(name: string): GoldenCase {
  const file = (path: string) => readIfExists(new URL(`${name}/${path}`, casesDirectory))
  const { guests = phonyGuestIds(), cloudInit = 'keep' } = (parse(file('case.yaml') ?? '{}') ?? {}) as CaseFile
  const userData = file('request.yaml')
  const metaData = file('meta-data.yaml')
  const networkConfig = file('network-config.yaml')
  const files = {
    ...(userData === undefined ? {} : { userData }),
    ...(metaData === undefined ? {} : { metaData }),
    ...(networkConfig === undefined ? {} : { networkConfig }),
  }
  return { name, guests, request: parseRequest(files, { cloudInit }).request }
}

export interface GoldenRun {
  /** The first run's whole delta as it stands in `expected/<guest>.diff.yaml`. */
  readonly rendered: string
  /** What the same request would still change after that, on another day: nothing. */
  readonly again: TreeDiff
  /** Of the first run. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Deploys the case onto a fresh phony guest, twice. */
export async function runGoldenCase({ request }: GoldenCase, guestId: string): Promise<GoldenRun> {
  const guest = await createTestGuest(guestId)
  const first = await guest.deploy(request)
  const second = await guest.stage(request)
  return { rendered: renderGolden(first.diff), again: second.diff, diagnostics: first.reports.flatMap(({ diagnostics }) => diagnostics) }
}

/** The golden text, `undefined` when it has not been written yet. */
export function readGolden(caseName: string, guestId: string): string | undefined {
  return readIfExists(goldenFile(caseName, guestId))
}

export function writeGolden(caseName: string, guestId: string, text: string): void {
  const url = goldenFile(caseName, guestId)
  mkdirSync(fileURLToPath(new URL('.', url)), { recursive: true })
  writeFileSync(url, text)
}

function goldenFile(caseName: string, guestId: string): URL {
  return new URL(`${caseName}/expected/${guestId}.diff.yaml`, casesDirectory)
}

/** A delta as people review it: lines that come and go, modes and owners; what a report hides is shown here. */
export function renderGolden(diff: TreeDiff): string {
  return stringify(diff.map(goldenEntry), { lineWidth: 0 })
}

function goldenEntry(entry: DiffEntry): Readonly<Record<string, unknown>> {
  const { path, kind, before, after, sensitive } = entry
  const lines = changedLines(entry)
  return {
    [kind]: path,
    ...(kind === 'changed' ? changedState(before, after) : state(after ?? before)),
    ...(sensitive ? { sensitive } : {}),
    ...(lines === undefined ? {} : { lines }),
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

function state(node: NodeState | undefined): Readonly<Record<string, unknown>> {
  if (node === undefined) return {}
  return {
    type: node.type,
    ...(node.target === undefined ? { mode: octal(node.mode) } : { target: node.target }),
    owner: `${node.uid}:${node.gid}`,
    ...(node.xattrs === undefined ? {} : { xattrs: node.xattrs }),
  }
}

/** What of the state differs. */
function changedState(before: NodeState | undefined, after: NodeState | undefined): Readonly<Record<string, unknown>> {
  const old = state(before)
  return Object.fromEntries(
    Object.entries(state(after)).flatMap(([key, value]) =>
      JSON.stringify(old[key]) === JSON.stringify(value) ? [] : [[key, `${JSON.stringify(old[key])} -> ${JSON.stringify(value)}`]],
    ),
  )
}

function changedLines({ path, kind, before, after, content }: DiffEntry): string | undefined {
  if (content === undefined) return undefined
  const shown: DiffEntry = { path, kind, sensitive: false, content, ...(before && { before }), ...(after && { after }) }
  const patch = renderPatch(shown)
  if (patch === undefined) return content.after?.byteLength === 0 ? undefined : 'binary'
  const body = patch.split('\n').filter((line, index) => index > 1 && /^[+-]/.test(line))
  return `${(kind === 'changed' ? body : body.map((line) => line.slice(1))).join('\n')}\n`
}
