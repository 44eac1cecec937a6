const maxLength = 32

/**
 * A user or group name that `useradd` and `groupadd` of shadow-utils take: letters, digits, `_`, `.`, `-`, an optional `$` at the end;
 * no dash in front, not only digits, at most 32 characters. Debian's patched useradd takes more, nothing else does.
 */
export function isAccountName(name: string): boolean {
  return name.length <= maxLength && /^[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?$/.test(name) && !/^\d+$/.test(name) && !/^\.\.?$/.test(name)
}

/** A name that fits Debian's `NAME_REGEX` (adduser.conf(5)): lower case letters, digits, `-` and `_`, a letter first; safe everywhere. */
export function isPortableAccountName(name: string): boolean {
  return name.length <= maxLength && /^[a-z][-a-z0-9_]*\$?$/.test(name)
}
