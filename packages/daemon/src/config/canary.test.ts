import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { parseServeArguments } from './parse-serve-arguments.ts'
import { readConfig } from './read-config.ts'
import { makeConfigPlace } from './testing/config-place.ts'

const canary = 'Kan4rienv0gel'

/** Everything that comes out: the result, or the error with its context, cause and stack. */
async function outcome(files: Readonly<Record<string, string>>, words: readonly string[] = [], env = {}): Promise<string> {
  await using place = await makeConfigPlace(files)
  const read = async (form: 'serve' | 'field') => {
    const settings = files['config.yaml'] === undefined ? [] : ['--settings', place.at('config.yaml')]
    return await readConfig({
      given: parseServeArguments(['--config', place.at('host.conf'), ...settings, ...words], form),
      env,
      cwd: place.directory,
    })
  }
  const texts: string[] = []
  for (const form of ['serve', 'field'] as const) {
    const value: unknown = await read(form).then(
      ({ config: _, ...shown }) => shown,
      (error: unknown) => error,
    )
    texts.push(
      inspect(value, { depth: 20, showHidden: true }),
      JSON.stringify(value),
      JSON.stringify({ ...(value as object) }),
      String(value),
    )
  }
  return texts.join('\n')
}

test.each([
  `admin_password: ${canary}`,
  `admin_password: ${canary}\ndeploy_concurrent: lots`,
  `admin_password: "${canary}\nother: 1`,
  `admin_password: [${canary}`,
  `admin_password:${canary}`,
  `admin_password:${canary}: 1`,
  `\tadmin_password: ${canary}`,
  `admin_password: ${canary}: x`,
  `admin_password: @${canary}`,
  `admin_password: *${canary}`,
  `admin_password: &${canary}`,
  `admin_password: !${canary} x`,
  `admin_password: |\n${canary}`,
  `admin_password: >${canary}\n x`,
  `admin_password: !${canary}!x b`,
  `admin_password: }${canary}`,
  `%${canary} x\n---\na: 1`,
  `admin_password = ${canary}`,
  `admin_password = ${canary}\n${canary}`,
  `- ${canary}`,
  canary,
  `? ${canary} ${canary}\n: 1`,
  `deploy_concurrent: ${canary}`,
  `deploy_server_socket_path: ${canary}`,
  `local_image_path: [${canary}]`,
  `log_level: ${canary}`,
  `image_deploy_driver: ${canary}`,
  `deploy_concurrent: *${canary}`,
])('nothing of %j comes out', async (text) => {
  expect(await outcome({ 'host.conf': text })).not.toContain(canary)
})

test.each([
  `concurrency: ${canary}`,
  `admin_password: "${canary}`,
  `"${canary} ${canary}": 1`,
  `driverOptions: { stock: { kernel: /k, initramfs: /i, password: ${canary} } }`,
  `driverOptions: { password: ${canary}, list: [{ token: ${canary} }] }`,
  `logLevel: ${canary}`,
  `driver: |${canary}\n x`,
  `driver: !${canary}!x b`,
  `imageRoots: [${canary}]`,
  `driverOptions: ${canary}`,
  `driver: *${canary}`,
])('nothing of %j in our own file comes out', async (text) => {
  expect(await outcome({ 'host.conf': '', 'config.yaml': text })).not.toContain(canary)
})

test('nothing of flags and variables comes out', async () => {
  const words = ['--admin-password', canary, `--etcd-password=${canary}`, '--concurrency', canary]
  expect(await outcome({ 'host.conf': '' }, words)).not.toContain(canary)
  expect(await outcome({ 'host.conf': '' }, ['--admin-password', `--${canary}`])).not.toContain(canary)
  expect(await outcome({ 'host.conf': '' }, [canary])).not.toContain(canary)
  const env = {
    HOST_DEPLOYER_CONCURRENCY: canary,
    HOST_DEPLOYER_PASSWORD: canary,
    HOST_DEPLOYER_DRIVER_OPTIONS: `{"password":"${canary}"}`,
  }
  expect(await outcome({ 'host.conf': '' }, [], env)).not.toContain(canary)
  expect(await outcome({ 'host.conf': '' }, [], { HOST_DEPLOYER_DRIVER_OPTIONS: `{"password":"${canary}` })).not.toContain(canary)
})
