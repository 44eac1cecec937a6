import { InputError } from '@host-deployer/driver-api'

/** A line of authorized_keys(5). */
export interface PublicKeyLine {
  /** `from="10.0.0.0/8"`; empty when there are none. */
  readonly options: string
  readonly type: string
  /** Base64. */
  readonly body: string
  readonly comment: string
}

const line =
  /^(?<options>(?:[^\s"]|"(?:[^"\\]|\\.)*")+[ \t]+)?(?<type>ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)[ \t]+(?<body>AAAA[A-Za-z0-9+/]+={0,2})(?:[ \t]+(?<comment>.*))?$/

/** The keys of a field that holds one, or one on each line. Blank lines and comments are passed over. `INPUT_SSH_KEY_INVALID`. */
export function publicKeyLines(text: string, path: string): PublicKeyLine[] {
  return text
    .split(/\r?\n/)
    .map((raw) => raw.trim())
    .filter((raw) => raw !== '' && !raw.startsWith('#'))
    .map((raw) => {
      const groups = line.exec(raw)?.groups
      const { type, body } = groups ?? {}
      if (groups === undefined || type === undefined || body === undefined || !isKeyOf(type, body)) {
        throw new InputError('INPUT_SSH_KEY_INVALID', `${path}: is not a public key as in authorized_keys`, {
          hint: 'Give the text of a .pub file: "ssh-ed25519 AAAA... comment".',
          context: { path },
        })
      }
      return { options: (groups['options'] ?? '').trim(), type, body, comment: groups['comment'] ?? '' }
    })
}

/** The bytes begin with the length of the type's name, and the name (RFC 4253, 6.6). */
function isKeyOf(type: string, body: string): boolean {
  const blob = Buffer.from(body, 'base64')
  return blob.length > 4 + type.length && blob.readUInt32BE(0) === type.length && blob.toString('latin1', 4, 4 + type.length) === type
}

/** The line again, with another comment if one is given. */
export function publicKeyText({ options, type, body, comment }: PublicKeyLine, newComment = comment): string {
  return [options, type, body, newComment].filter((part) => part !== '').join(' ')
}
