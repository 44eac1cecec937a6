import * as z from 'zod'
import type { MetaData } from '../request.ts'
import { hostname, present, sshKeys, text } from './scalars.ts'

// The EC2 form, {name: [keys]} or {name: key}, and OpenStack's list.
const publicKeys = z
  .union([sshKeys, z.record(z.string(), sshKeys)])
  .transform((value) => (Array.isArray(value) ? value : Object.values(value).flat()))

/** Keys that change the guest, and not only what its cloud-init knows about the instance. */
const unsupported = ['network-interfaces', 'seedfrom']

/** The NoCloud meta-data file. Other keys are for the cloud-init inside the image and are left to it. */
export const metaData = z
  .looseObject({
    'instance-id': text.optional(),
    'local-hostname': hostname.optional(),
    hostname: hostname.optional(),
    'public-keys': publicKeys.optional(),
    public_keys: publicKeys.optional(),
  })
  .transform((given, context): MetaData => {
    for (const key of unsupported.filter((name) => name in given)) {
      const message = 'cloud-init knows this key, host-deployer does not support it yet'
      context.addIssue({ code: 'custom', path: [key], message, params: { code: 'INPUT_KEY_UNSUPPORTED' } })
    }
    return present({
      'instance-id': given['instance-id'],
      'local-hostname': given['local-hostname'] ?? given.hostname,
      'public-keys': given['public-keys'] ?? given.public_keys,
    })
  })
