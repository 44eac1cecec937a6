import { type DeployRequest, Secret, type UserRequest } from '@host-deployer/api'
import type { DeployInfo } from '@host-deployer/api/grpc'
import { InputError } from '@host-deployer/driver-api'
import { publicKeyLines, publicKeyText } from './public-key-line.ts'

/** Marks the keys that the platform has put there, and may take away again. */
const keyComment = '@yunioncloudpods'
/** The platform's own account. */
const platformAccount = 'cloudroot'

/**
 * The login account and the platform's. The former only when there is something to do for it; the latter only when the platform gives keys.
 * `INPUT_SSH_KEY_INVALID`, `INPUT_NAME_INVALID`.
 */
export function accountsOf(info: DeployInfo, cloudrootDir: string): Pick<DeployRequest, 'login_account' | 'users'> {
  const field = (name: 'public_key' | 'delete_public_key' | 'admin_public_key' | 'project_public_key') =>
    publicKeyLines(info.public_key?.[name] ?? '', `deploy_info.public_key.${name}`)
  const keys = field('public_key')
  const removed = field('delete_public_key')
  const platformKeys = [...field('admin_public_key'), ...field('project_public_key')].map((key) => publicKeyText(key))
  const wanted = info.password !== '' || keys.length > 0 || removed.length > 0
  return {
    ...(wanted && {
      login_account: {
        ...(info.login_account !== '' && { name: accountName(info.login_account) }),
        prefer_root: info.default_root_user,
        never: [platformAccount],
        ...(info.password !== '' && { password: { type: 'plain', value: new Secret(info.password) } as const }),
        ssh_authorized_keys: [...new Set(keys.map((key) => publicKeyText(key, keyComment)))],
        remove_ssh_keys: { comment: keyComment, bodies: removed.map(({ body }) => body) },
      },
    }),
    ...(platformKeys.length > 0 && { users: [platformUser([...new Set(platformKeys)], cloudrootDir)] }),
  }
}

function accountName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(name)) return name
  throw new InputError('INPUT_NAME_INVALID', 'deploy_info.login_account: is not a name for an account', {
    hint: 'Use up to 32 letters, digits, "_", "." and "-".',
    context: { path: 'deploy_info.login_account' },
  })
}

const platformUser = (keys: readonly string[], cloudrootDir: string): UserRequest => ({
  name: platformAccount,
  homedir: `${cloudrootDir.replace(/\/+$/, '')}/${platformAccount}`,
  system: true,
  groups: [],
  create_groups: true,
  no_user_group: false,
  no_create_home: false,
  shell: '/bin/bash',
  lock_passwd: true,
  sudo: ['ALL=(ALL) NOPASSWD:ALL'],
  ssh_authorized_keys: keys,
  ssh_redirect_user: false,
  ssh_authorized_keys_only: true,
})
