import { gunzipSync } from 'node:zlib'
import * as z from 'zod'
import type { WriteFileRequest } from '../request.ts'
import { keyed } from './keyed.ts'
import { flag, guestPath, isAccountName, text } from './scalars.ts'

/** Of one file after decoding. */
export const maxFileBytes = 32 * 1024 * 1024
/** Of all files together. */
export const maxTotalBytes = 64 * 1024 * 1024

/** The names of cc_write_files, in lower case. */
const encodings: Readonly<Record<string, readonly ('base64' | 'gzip')[]>> = {
  '': [],
  'text/plain': [],
  b64: ['base64'],
  base64: ['base64'],
  gz: ['gzip'],
  gzip: ['gzip'],
  'gz+b64': ['base64', 'gzip'],
  'gz+base64': ['base64', 'gzip'],
  'gzip+b64': ['base64', 'gzip'],
  'gzip+base64': ['base64', 'gzip'],
}

const encoding = z
  .string()
  .transform((value) => value.toLowerCase().trim())
  .refine((value) => Object.hasOwn(encodings, value), 'is not an encoding: b64, gzip, gz+b64 or text/plain')

/** A number is the mode itself, a text is octal. */
const permissions = z.union([z.number(), z.string()]).transform((value, context) => {
  const octal = typeof value === 'string' ? /^(?:0o)?([0-7]{1,6})$/.exec(value.trim())?.[1] : undefined
  const mode = typeof value === 'number' ? value : octal === undefined ? Number.NaN : Number.parseInt(octal, 8)
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    context.addIssue({ code: 'custom', message: 'is not a file mode: "0644", at most "7777"' })
  }
  return mode
})

const isOwnerPart = (name: string) => isAccountName(name) || /^\d{1,10}$/.test(name)

const owner = text.refine(
  (value) => {
    const parts = value.split(':')
    return parts.length <= 2 && parts.every(isOwnerPart)
  },
  { message: 'is not "user" or "user:group"', params: { code: 'INPUT_NAME_INVALID' } },
)

const binary = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected a text')

const writeFile = keyed(
  {
    path: guestPath.refine((path) => /[^/]/.test(path) && !/\/\.?$/.test(path), {
      message: 'names a directory',
      params: { code: 'INPUT_PATH_INVALID' },
    }),
    content: z.union([text, binary]).optional(),
    encoding: encoding.optional(),
    owner: owner.optional(),
    permissions: permissions.optional(),
    append: flag.optional(),
    defer: flag.optional(),
  },
  ['source'],
).transform((given, context): WriteFileRequest => {
  const decoded = decode(given.content ?? '', encodings[given.encoding ?? ''] ?? [])
  if ('problem' in decoded) {
    context.addIssue({ code: 'custom', path: ['content'], message: decoded.problem, params: { code: decoded.code } })
  }
  return {
    path: given.path,
    content: 'problem' in decoded ? new Uint8Array() : decoded.bytes,
    owner: given.owner ?? 'root:root',
    permissions: given.permissions ?? 0o644,
    append: given.append ?? false,
    defer: given.defer ?? false,
  }
})

export const writeFiles = z.array(writeFile).transform((files, context) => {
  const total = files.reduce((sum, { content }) => sum + content.length, 0)
  if (total > maxTotalBytes) {
    const message = `the files hold more than ${maxTotalBytes / 1024 / 1024} MiB together`
    context.addIssue({ code: 'custom', message, params: { code: 'INPUT_CONTENT_TOO_LARGE' } })
  }
  return files
})

type Decoded = { readonly bytes: Uint8Array } | { readonly problem: string; readonly code: string }

function decode(content: string | Uint8Array, steps: readonly ('base64' | 'gzip')[]): Decoded {
  let bytes: Uint8Array = typeof content === 'string' ? new TextEncoder().encode(content) : content
  for (const step of steps) {
    const decoded = step === 'base64' ? fromBase64(bytes) : gunzip(bytes)
    if ('problem' in decoded) return decoded
    bytes = decoded.bytes
  }
  return bytes.length > maxFileBytes ? tooLarge : { bytes }
}

const tooLarge = { problem: `holds more than ${maxFileBytes / 1024 / 1024} MiB`, code: 'INPUT_CONTENT_TOO_LARGE' }

function fromBase64(bytes: Uint8Array): Decoded {
  const digits = Buffer.from(bytes).toString('latin1').replace(/\s+/g, '')
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return { problem: 'is not base64', code: 'INPUT_INVALID' }
  return { bytes: new Uint8Array(Buffer.from(digits, 'base64')) }
}

function gunzip(bytes: Uint8Array): Decoded {
  try {
    return { bytes: new Uint8Array(gunzipSync(bytes, { maxOutputLength: maxFileBytes })) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge : { problem: 'is not gzip data', code: 'INPUT_INVALID' }
  }
}
