/** A locale's name in its parts, `de_DE.UTF-8@euro` (locale(7)). */
export interface LocaleName {
  /** `de_DE`, `C`, `POSIX`. */
  readonly language: string
  /** `UTF-8`; `undefined` when the name has none. */
  readonly charset: string | undefined
  readonly modifier: string | undefined
}

/** `undefined` for text that cannot be a locale. */
export function parseLocaleName(name: string): LocaleName | undefined {
  const match = /^(C|POSIX|[a-z]{2,3}_[A-Z]{2}|[a-z]{2,3})(?:\.([A-Za-z0-9-]+))?(?:@([A-Za-z0-9]+))?$/.exec(name)
  const [, language, charset, modifier] = match ?? []
  return language === undefined ? undefined : { language, charset, modifier }
}

/** Locales that the C library brings by itself (C.UTF-8 comes with libc-bin). */
export const isBuiltInLocale = ({ language, charset }: LocaleName): boolean =>
  language === 'POSIX' || (language === 'C' && (charset === undefined || normalCharset(charset) === 'utf8'))

/** As glibc's `_nl_normalize_codeset` writes charsets in compiled names: `UTF-8` is `utf8`, `8859-1` is `iso88591`. */
export function normalCharset(charset: string): string {
  const bare = charset.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return /^\d+$/.test(bare) ? `iso${bare}` : bare
}

/** The names a compiled locale can be found by in `/usr/lib/locale`. */
export function compiledNames({ language, charset, modifier }: LocaleName): readonly string[] {
  const at = modifier === undefined ? '' : `@${modifier}`
  if (charset === undefined) return [`${language}${at}`]
  return [`${language}.${normalCharset(charset)}${at}`, `${language}.${charset}${at}`]
}
