import { type IniFile, iniValues, parseIni } from './ini.ts'

/** Parses a unit, a drop-in or a networkd `.network`, `.netdev`, `.link` file, systemd.syntax(7). Change it with `setIniValues`, `renderLines`. */
export function parseUnit(text: string): IniFile {
  return parseIni(text, { continuation: true })
}

/** Parses a NetworkManager connection profile, nm-settings-keyfile(5). */
export function parseKeyfile(text: string): IniFile {
  return parseIni(text, { continuation: false })
}

/** The values that count: an empty assignment (`ExecStart=`) throws away those before it. */
export function effectiveUnitValues(unit: IniFile, section: string, key: string): readonly string[] {
  const values = iniValues(unit, section, key)
  return values.slice(values.lastIndexOf('') + 1)
}
