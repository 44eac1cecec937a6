// Field readers shared by the account files.

const maxId = 0xffff_fffe

/** True for a uid or gid that can be given to an account: 0 to 2^32-2; 2^32-1 means "none" to the kernel. */
export function isAccountId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= maxId
}

export function parseAccountId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined
  const id = Number(text)
  return isAccountId(id) ? id : undefined
}

/** Throws `RangeError` when the number cannot stand in the file. */
export function renderAccountId(id: number, field: string): string {
  if (!isAccountId(id)) throw new RangeError(`${field} must be an integer from 0 to ${maxId}: ${id}`)
  return String(id)
}

export function parseNameList(text: string): string[] {
  return text.split(',').filter((name) => name !== '')
}

/** Throws `RangeError` when a name would not read back as one member. */
export function renderNameList(names: readonly string[], field: string): string {
  const bad = names.find((name) => name === '' || /[,:\n\0]/.test(name))
  if (bad !== undefined) throw new RangeError(`${field} holds a name that cannot be written: ${JSON.stringify(bad)}`)
  return names.join(',')
}
