import { expect, test } from 'vitest'
import { parsed, problemsOf, publicKey } from '../testing/parse.ts'

test('an account with its defaults', () => {
  expect(parsed('login_account: {}').login_account).toEqual({
    prefer_root: true,
    never: [],
    ssh_authorized_keys: [],
    remove_ssh_keys: { bodies: [] },
  })
})

test('all that can be said', () => {
  const body = publicKey.split(' ')[1]
  const { login_account } = parsed(`login_account:
  name: ops
  prefer_root: no
  never: [cloudroot]
  password: secret
  ssh_authorized_keys: ["${publicKey}"]
  remove_ssh_keys: {comment: "@platform", bodies: ["${body}"]}`)
  expect(login_account).toEqual({
    name: 'ops',
    prefer_root: false,
    never: ['cloudroot'],
    password: { type: 'plain', value: expect.anything() },
    ssh_authorized_keys: [publicKey],
    remove_ssh_keys: { comment: '@platform', bodies: [body] },
  })
  expect(JSON.stringify(login_account)).not.toContain('"secret"')
})

test('selinux and seal', () => {
  expect(parsed('selinux: {mode: disabled}\nseal: true')).toMatchObject({ selinux: { mode: 'disabled' }, seal: true })
  expect(parsed('seal: false')).not.toHaveProperty('seal')
})

test.each([
  ['login_account: {name: "a:b"}', 'INPUT_NAME_INVALID login_account.name 1'],
  ['login_account: {never: ["a b"]}', 'INPUT_NAME_INVALID login_account.never[0] 1'],
  ['login_account: {password: ""}', 'INPUT_PASSWORD_INVALID login_account.password 1'],
  ['login_account: {remove_ssh_keys: {bodies: [x]}}', 'INPUT_SSH_KEY_INVALID login_account.remove_ssh_keys.bodies[0] 1'],
  ['login_account: {nme: x}', 'INPUT_KEY_UNKNOWN login_account.nme 1'],
  ['selinux: {mode: off}', 'INPUT_INVALID selinux.mode 1'],
])('%s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem])
})
