import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DaemonSet, type IDaemonSet } from 'kubernetes-models/apps/v1'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from './published-packages.ts'

// The schemas are those of Kubernetes' own OpenAPI document. They let unknown keys pass, as its API server does; the types made of them do not.

const manifests = join(root, 'packaging', 'kubernetes')
const read = (...names: readonly string[]): unknown => parse(readFileSync(join(manifests, ...names), 'utf8'))
const daemonSet = read('daemonset.yaml') as IDaemonSet

/** What kustomize makes of the patches of `privileged`: JSON patches, RFC 6902, of the kinds they use. */
function privileged(): IDaemonSet {
  const { patches } = read('privileged', 'kustomization.yaml') as { patches: readonly { patch: string }[] }
  const result = structuredClone(daemonSet)
  for (const { op, path, value } of patches.flatMap(({ patch }) => parse(patch) as { op: string; path: string; value: unknown }[])) {
    const keys = path.split('/').slice(1)
    const last = keys.pop() ?? ''
    const parent = keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], result)
    if (op === 'add' && last === '-') (parent as unknown[]).push(value)
    else if (op === (last in (parent as object) ? 'replace' : 'add')) (parent as Record<string, unknown>)[last] = value
    else throw new Error(`${op} ${path}`)
  }
  return result
}

function typeErrors(documents: readonly unknown[]): number {
  const directory = mkdtempSync(join(root, 'node_modules', '.manifests-'))
  try {
    const values = documents.map((document, index) => `export const m${index}: IDaemonSet = ${JSON.stringify(document)}\n`)
    const file = join(directory, 'manifests.ts')
    writeFileSync(file, `import type { IDaemonSet } from 'kubernetes-models/apps/v1'\n${values.join('')}`)
    const argv = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--skipLibCheck', '--types', '', file]
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--ignoreConfig', ...argv], {
      encoding: 'utf8',
      cwd: directory,
    })
    return stdout.split('\n').filter((line) => line.startsWith('manifests.ts(')).length
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

test.each([
  ['daemonset.yaml', daemonSet],
  ['privileged', privileged()],
])('%s is what the schemas say', (_, manifest) => {
  expect(() => new DaemonSet(manifest).validate()).not.toThrow()
})

test('the schemas refuse what is wrong', () => {
  const broken = structuredClone(daemonSet) as { spec: { template: { spec: { terminationGracePeriodSeconds: unknown } } } }
  broken.spec.template.spec.terminationGracePeriodSeconds = 'soon'
  expect(() => new DaemonSet(broken as unknown as IDaemonSet).validate()).toThrow()
})

test('no key is misspelt', () => {
  const misspelt = JSON.parse(JSON.stringify(daemonSet).replace('mountPropagation', 'mountPropagated')) as unknown
  expect(typeErrors([daemonSet, privileged(), misspelt])).toBe(1)
})

test('the pods are what the field looks for and starts', () => {
  const { metadata, spec } = daemonSet
  expect(metadata?.namespace).toBe('onecloud')
  expect(spec?.template.metadata?.labels).toMatchObject({ app: 'host-deployer', ...spec?.selector.matchLabels })
  const pod = spec?.template.spec
  const [container] = pod?.containers ?? []
  expect(container?.command).toEqual([
    '/opt/yunion/bin/host-deployer',
    '--common-config-file',
    '/etc/yunion/common/common.conf',
    '--config',
    '/etc/yunion/host.conf',
  ])
  const paths = container?.volumeMounts?.map(({ mountPath }) => mountPath)
  expect(paths).toEqual(expect.arrayContaining(['/etc/yunion', '/opt/cloud', '/dev', '/usr/local', '/sys', '/var/run/onecloud']))
  expect(pod?.volumes?.map(({ name }) => name).sort()).toEqual(container?.volumeMounts?.map(({ name }) => name).sort())
})

test('who is privileged sees the processes of the host, and has a place for sessions where nothing else can be written', () => {
  const pod = privileged().spec?.template.spec
  const [container] = pod?.containers ?? []
  expect(container?.securityContext).toMatchObject({ privileged: true, readOnlyRootFilesystem: true })
  expect(pod?.hostPID).toBe(true)
  const name = container?.volumeMounts?.find(({ mountPath }) => mountPath === '/run/host-deployer')?.name
  expect(pod?.volumes?.find((volume) => volume.name === name)).toMatchObject({ emptyDir: { medium: 'Memory' } })
})

/** What comes after the drain: cancelled jobs clean up for 10 seconds, their processes have 5 to go when they are killed. */
const AFTER_DRAIN_SECONDS = 15
const DRAIN_VARIABLE = 'HOST_DEPLOYER_DRAIN_TIMEOUT_MS'

test('a pod is given more time to stop than running jobs get', () => {
  const pod = daemonSet.spec?.template.spec
  const drainMs = Number(pod?.containers[0]?.env?.find(({ name }) => name === DRAIN_VARIABLE)?.value)
  expect(drainMs).toBeGreaterThan(0)
  expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(drainMs / 1000 + AFTER_DRAIN_SECONDS)
})

test('the image stops in order within the time that Kubernetes gives a pod which does not say, as those of the field', () => {
  const byDefaultSeconds = 30
  const dockerfile = readFileSync(join(root, 'packaging', 'container', 'Dockerfile'), 'utf8')
  const drainMs = Number(new RegExp(`\\b${DRAIN_VARIABLE}=(\\d+)$`, 'm').exec(dockerfile)?.[1])
  expect(drainMs).toBeGreaterThan(0)
  expect(drainMs / 1000 + AFTER_DRAIN_SECONDS).toBeLessThan(byDefaultSeconds)
})
