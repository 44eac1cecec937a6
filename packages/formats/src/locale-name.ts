/** The parts of a locale's name, setlocale(3): `language[_TERRITORY][.codeset][@modifier]`. */
export interface LocaleName {
  readonly language: string
  readonly territory: string | undefined
  /** As written: `UTF-8`, `utf8`, `ISO-8859-15`. */
  readonly codeset: string | undefined
  readonly modifier: string | undefined
}

/** Parses a locale name; `undefined` for text that is none. `C`, `POSIX` and `C.UTF-8` are names, too. */
export function parseLocaleName(name: string): LocaleName | undefined {
  const [, language, territory, codeset, modifier] =
    /^(C|POSIX|[a-z]{2,8})(?:_([A-Z]{2}|\d{3}))?(?:\.([A-Za-z0-9-]{1,20}))?(?:@([A-Za-z0-9]{1,20}))?$/.exec(name) ?? []
  return language === undefined ? undefined : { language, territory, codeset, modifier }
}

/** `C`, `POSIX` and `C.UTF-8` are built into the C library and need not be generated. */
export function isBuiltinLocale(name: string): boolean {
  const locale = parseLocaleName(name)
  return locale?.language === 'POSIX' || (locale?.language === 'C' && (locale.codeset === undefined || isUtf8(locale.codeset)))
}

function isUtf8(codeset: string): boolean {
  return codeset.toLowerCase().replaceAll('-', '') === 'utf8'
}

/** One line of `/etc/locale.gen`, locale.gen(5). */
export interface LocaleGenEntry {
  readonly locale: string
  readonly charmap: string
}

/**
 * What to generate for a locale: `en_US.utf8` is `en_US.UTF-8 UTF-8`. A name without a codeset means UTF-8 here, as `LANG=de_DE` is meant
 * today, but keeps its name. `undefined` for text that is no name.
 */
export function localeGenEntry(name: string): LocaleGenEntry | undefined {
  const locale = parseLocaleName(name)
  if (locale === undefined) return undefined
  const { language, territory, codeset, modifier } = locale
  const charmap = codeset === undefined || isUtf8(codeset) ? 'UTF-8' : codeset.toUpperCase()
  const base = language + (territory === undefined ? '' : `_${territory}`) + (codeset === undefined ? '' : `.${charmap}`)
  return { locale: modifier === undefined ? base : `${base}@${modifier}`, charmap }
}
