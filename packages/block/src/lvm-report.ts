import { type ToolPath, toolPath } from '@host-deployer/driver-api'

export interface LvmReport {
  readonly groups: readonly {
    readonly name: string
    readonly uuid: string
    /** null: any machine may use it. */
    readonly systemId: string | null
    readonly extentSizeBytes: number
    readonly freeBytes: number
    readonly missingPhysicalVolumes: number
    readonly physicalVolumes: readonly PhysicalVolumeRow[]
    readonly logicalVolumes: readonly {
      readonly name: string
      readonly uuid: string
      readonly sizeBytes: number
      readonly layout: string
    }[]
  }[]
  /** Physical volumes that belong to no group. */
  readonly orphans: readonly PhysicalVolumeRow[]
}

interface PhysicalVolumeRow {
  readonly device: ToolPath
  readonly uuid: string
  readonly deviceSizeBytes: number
  readonly sizeBytes: number
  readonly dataStartBytes: number
}

/** Restricts an LVM command to these devices (lvm(8), since 2.03.12): it neither scans nor touches any other. */
export const lvmDevices = (devices: readonly ToolPath[]): string[] => ['--devices', devices.join(',')]

/**
 * The settings of an LVM command: those given, and the system id of the group it is about. LVM activates no group of another machine's (lvmsystemid(7));
 * with that machine's disk at hand we are that machine. One command, one id: `extra_system_ids` would do for all but activating.
 */
export function lvmSettings(systemId: string | null, ...settings: readonly string[]): string[] {
  const identity = systemId === null ? [] : ['global/system_id_source="lvmlocal"', `local/system_id="${systemId}"`]
  const all = [...settings, ...identity]
  return all.length === 0 ? [] : ['--config', all.join(' ')]
}

/**
 * The environment of LVM commands. Without udev, or in a race with it, LVM makes the device nodes itself; inherited descriptors are none of its
 * business.
 */
export const lvmEnvironment: Readonly<Record<string, string>> = { DM_DISABLE_UDEV: '1', LVM_SUPPRESS_FD_WARNINGS: '1' }

/** Everything LVM knows about the devices, groups of other machines included, in one command (lvmreport(7)). */
export function lvmReportArgv(devices: readonly ToolPath[]): [string, ...string[]] {
  const report = (kind: string, fields: string) => ['--configreport', kind, '-o', fields]
  return [
    'lvm',
    'fullreport',
    '--foreign',
    ...lvmDevices(devices),
    ...['--reportformat', 'json', '--units', 'b', '--nosuffix'],
    ...report('vg', 'vg_name,vg_uuid,vg_systemid,vg_extent_size,vg_free,vg_missing_pv_count'),
    ...report('pv', 'pv_name,pv_uuid,dev_size,pv_size,pe_start'),
    ...report('lv', 'lv_name,lv_uuid,lv_size,lv_layout,lv_role'),
    ...report('seg', 'segtype'),
    ...report('pvseg', 'pvseg_start'),
  ]
}

type Row = Readonly<Record<string, unknown>>

const text = (row: Row, field: string): string => (typeof row[field] === 'string' ? row[field] : '')
const bytes = (row: Row, field: string): number => {
  const value = Number(text(row, field))
  return Number.isSafeInteger(value) && value >= 0 ? value : 0
}
const rows = (section: unknown): Row[] => (Array.isArray(section) ? section.filter((row) => typeof row === 'object' && row !== null) : [])

// A physical volume that is not there is listed as `[unknown]`.
const physicalVolume = (row: Row): PhysicalVolumeRow[] =>
  text(row, 'pv_name').startsWith('/')
    ? [
        {
          device: toolPath(text(row, 'pv_name')),
          uuid: text(row, 'pv_uuid'),
          deviceSizeBytes: bytes(row, 'dev_size'),
          sizeBytes: bytes(row, 'pv_size'),
          dataStartBytes: bytes(row, 'pe_start'),
        },
      ]
    : []

// Names become path segments; lvm(8) allows these characters and no others, and neither of the two dots.
const isName = (name: string): boolean => /^[a-zA-Z0-9+_.-]{1,127}$/.test(name) && name !== '.' && name !== '..'

// It becomes a word of a configuration. None, or what lvmsystemid(7) allows.
const isSystemId = (id: string): boolean => /^[a-zA-Z0-9_.-]{0,128}$/.test(id)

/** Parses what {@link lvmReportArgv} prints. Pools, snapshots' origins and other volumes nobody mounts are left out. `undefined` when it is not that. */
export function parseLvmReport(output: string): LvmReport | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(output)
  } catch {
    return undefined
  }
  const report = (parsed as { report?: unknown } | null)?.report
  if (!Array.isArray(report)) return undefined
  const sections = rows(report)
  const groupOf = (section: Row) => rows(section['vg'])[0] ?? {}
  const nameOf = (section: Row) => text(groupOf(section), 'vg_name')
  return {
    groups: sections
      .filter((section) => isName(nameOf(section)) && isSystemId(text(groupOf(section), 'vg_systemid')))
      .map((section) => {
        const group = groupOf(section)
        return {
          name: nameOf(section),
          uuid: text(group, 'vg_uuid'),
          systemId: text(group, 'vg_systemid') || null,
          extentSizeBytes: bytes(group, 'vg_extent_size'),
          freeBytes: bytes(group, 'vg_free'),
          missingPhysicalVolumes: bytes(group, 'vg_missing_pv_count'),
          physicalVolumes: rows(section['pv']).flatMap(physicalVolume),
          logicalVolumes: rows(section['lv'])
            .filter((row) => isName(text(row, 'lv_name')) && text(row, 'lv_role').split(',').includes('public') && !isPool(row))
            .map((row) => ({
              name: text(row, 'lv_name'),
              uuid: text(row, 'lv_uuid'),
              sizeBytes: bytes(row, 'lv_size'),
              layout: text(row, 'lv_layout'),
            })),
        }
      }),
    orphans: sections.filter((section) => nameOf(section) === '').flatMap((section) => rows(section['pv']).flatMap(physicalVolume)),
  }
}

const isPool = (row: Row): boolean => text(row, 'lv_layout').split(',').includes('pool')

/** `/dev/mapper/a--b-c`: device mapper's name of a volume, with dashes within names doubled. */
export function mapperDevice(group: string, volume: string): ToolPath {
  const doubled = (name: string) => name.replaceAll('-', '--')
  return toolPath(`/dev/mapper/${doubled(group)}-${doubled(volume)}`)
}
