import { inspect } from 'node:util'
import type { DeployError } from '@host-deployer/driver-api'
import { describe, expect, test } from 'vitest'
import { parseRequest } from './parse-request.ts'
import { refused } from './testing/parse.ts'

const canary = 'cAnAry7secret'
/** A hash of the right shape with the canary in it. */
const hash = `$6$saltsalt$${canary}0123456789`

const bearers = [
  `password: ${canary}`,
  `chpasswd: {list: ["root:${canary}"]}`,
  `chpasswd: {list: "root:${canary}\\nbob:${canary}"}`,
  `chpasswd: {list: ["root:${hash}"]}`,
  `chpasswd: {users: [{name: root, password: ${canary}, type: text}]}`,
  `chpasswd: {users: [{name: root, password: "${hash}"}]}`,
  `users: [{name: bob, plain_text_passwd: ${canary}}]`,
  `users: [{name: bob, passwd: "${hash}"}]`,
  `users: [{name: bob, hashed_passwd: "${hash}"}]`,
  `login_account: {password: ${canary}}`,
  `login_account: {password: "${hash}"}`,
]

/** Everything of a value that a log or a report could print. */
function printed(value: unknown): string {
  return [String(value), JSON.stringify(value), inspect(value, { depth: null, showHidden: true, getters: true })].join('\n')
}

const printedError = (error: DeployError) =>
  [printed(error), error.message, error.stack, error.hint, printed(error.context), printed(error.diagnostics), printed(error.cause)].join(
    '\n',
  )

describe.each(bearers)('%s', (yaml) => {
  test('the request does not show it', () => {
    const { request, diagnostics } = parseRequest({ userData: `#cloud-config\n${yaml}\n` })
    expect(Object.keys(request).length).toBeGreaterThan(2)
    expect(printed(request) + printed(diagnostics)).not.toContain(canary)
  })

  test.each([
    ['an unknown key', `${yaml}\nnonsense: 1`],
    ['a wrong type', `${yaml}\ntimezone: [x]`],
    ['malformed YAML after it', `${yaml}\n: : :\n\t}`],
    ['a bracket missing', yaml.replace(/[\]}]+$/, '').replace(/^password: /, 'password: [')],
    ['a quote missing', `${yaml.replaceAll(canary, `'${canary}`)}`],
    ['given twice', `${yaml}\n${yaml}`],
    ['a control character in it', yaml.replaceAll(canary, `"${canary}\\0\\n${canary}"`).replaceAll('""', '"')],
    ['a list for a value', yaml.replaceAll(canary, `[${canary}]`)],
    ['a map for a value', yaml.replaceAll(canary, `{a: ${canary}, ${canary}: b}`)],
    ['a tag', yaml.replaceAll(canary, `!!int ${canary}`)],
    ['an alias', yaml.replaceAll(canary, `*${canary}`)],
    ['with another user-data kind', undefined],
  ])('neither does an error next to it: %s', (_, text) => {
    const userData = text === undefined ? `#include\n${yaml}` : `#cloud-config\n${text}\n`
    let error: DeployError
    try {
      error = refused({ userData })
    } catch (accepted) {
      // Some of these are harmless inside a quoted text; then the request must keep the secret.
      expect(accepted).toBeInstanceOf(TypeError)
      expect(printed(parseRequest({ userData }))).not.toContain(canary)
      return
    }
    expect(printedError(error)).not.toContain(canary)
  })
})

test('the seed is kept, and not shown', () => {
  const files = {
    userData: `#cloud-config\nruncmd: [[echo, ok]]\npassword: ${canary}`,
    metaData: `instance-id: i\nx: ${canary}`,
    networkConfig: `# ${canary}\nversion: 2`,
  }
  const { request } = parseRequest(files)
  expect(printed(request)).not.toContain(canary)
  expect(request.seed.userData?.reveal()).toBe(files.userData)
  expect(request.seed.metaData?.reveal()).toBe(files.metaData)
  expect(request.seed.networkConfig?.reveal()).toBe(files.networkConfig)
})
