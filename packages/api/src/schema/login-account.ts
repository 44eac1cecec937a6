import * as z from 'zod'
import type { LoginAccountRequest } from '../request.ts'
import { keyed } from './keyed.ts'
import { anyPassword } from './password.ts'
import { accountName, flag, line, present, sshKeys, text } from './scalars.ts'

const keyBody = text
  .transform((value) => value.trim())
  .refine((value) => /^AAAA[A-Za-z0-9+/]+={0,2}$/.test(value), {
    message: 'is not the base64 part of a public key',
    params: { code: 'INPUT_SSH_KEY_INVALID' },
  })

/** `login_account`, not a key of cloud-init. */
export const loginAccount = keyed({
  name: accountName.optional(),
  prefer_root: flag.optional(),
  never: z.array(accountName).optional(),
  password: anyPassword.optional(),
  ssh_authorized_keys: sshKeys.optional(),
  remove_ssh_keys: keyed({ comment: line.optional(), bodies: z.array(keyBody).optional() }).optional(),
}).transform(
  ({ name, prefer_root, never, password, ssh_authorized_keys, remove_ssh_keys }): LoginAccountRequest => ({
    ...present({ name, password }),
    prefer_root: prefer_root ?? true,
    never: never ?? [],
    ssh_authorized_keys: ssh_authorized_keys ?? [],
    remove_ssh_keys: { ...present({ comment: remove_ssh_keys?.comment }), bodies: remove_ssh_keys?.bodies ?? [] },
  }),
)

/** `selinux`, not a key of cloud-init. */
export const selinux = keyed({ mode: z.enum(['enforcing', 'permissive', 'disabled']) })
