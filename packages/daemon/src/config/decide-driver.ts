import type { Diagnostic } from '@host-deployer/driver-api'
import type { ConfigSource, GivenValue } from './config-source.ts'
import { type ExplainedValue, explained } from './explained-value.ts'
import type { FieldConfig } from './field-files.ts'
import type { FieldEngine } from './field-keys.ts'
import type { SettingName } from './settings.ts'

export interface DecidedDriver {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly row: ExplainedValue
  readonly optionRows: readonly ExplainedValue[]
  readonly diagnostics: readonly Diagnostic[]
}

const driverOf: Readonly<Record<FieldEngine, string>> = { 'qemu-kvm': 'qemu-initramfs', libguestfs: 'qemu-initramfs', nbd: 'nbd' }
const defaultMemoryMb = 256

/**
 * The driver and its options. Choosing `nbd` is itself the declaration that images are trusted, in whatever file, variable or option that was done;
 * `deploy_guest_mem_size_mb` is the memory of the VM. Options of ours win one by one, and what host.conf says about a driver is not handed to another one.
 */
export function decideDriver(
  field: FieldConfig,
  ours: ReadonlyMap<SettingName, readonly GivenValue[]>,
  optionLine: (option: string) => number,
): DecidedDriver {
  const [engine] = field.values.get('image_deploy_driver') ?? []
  const asDriver = ({ value, source }: GivenValue): GivenValue => ({ value: driverOf[value as FieldEngine], source })
  const row = explained('driver', [
    ...(field.replaced.get('image_deploy_driver') ?? []).map(asDriver),
    { value: 'qemu-initramfs', source: { kind: 'default' } },
    ...(engine === undefined ? [] : [...engine.overrode.map(asDriver), asDriver(engine)]),
    ...(ours.get('driver') ?? []),
  ])
  const name = row.value as string
  const byField = engine !== undefined && row.source === engine.source

  const options = new Map<string, GivenValue[]>()
  const give = (option: string, given: GivenValue) => options.set(option, [...(options.get(option) ?? []), given])
  if (name === 'qemu-initramfs') {
    const [memory] = field.values.get('deploy_guest_mem_size_mb') ?? []
    for (const given of memory === undefined ? [] : [...memory.overrode, { value: memory.value, source: memory.source }])
      give('memoryMb', given)
  }
  if (name === 'nbd') give('trustImages', { value: true, source: row.source })
  for (const { value, source } of ours.get('driverOptions') ?? []) {
    for (const [option, item] of Object.entries(value as Record<string, unknown>)) {
      give(option, { value: item, source: optionSource(source, option, optionLine) })
    }
  }
  // Somebody else's kernel has a default of its own, which is the driver's business.
  if (name === 'qemu-initramfs' && !options.has('memoryMb') && !options.has('stock'))
    give('memoryMb', { value: defaultMemoryMb, source: { kind: 'default' } })

  const optionRows = [...options].map(([option, given]) => explained(`driverOptions.${option}`, given))
  const chosen = Object.fromEntries([...options].map(([option, given]) => [option, given.at(-1)?.value]))
  return { name, options: chosen, row, optionRows, diagnostics: findings(row, chosen, byField ? engine.value : undefined) }
}

function optionSource(source: ConfigSource, option: string, optionLine: (option: string) => number): ConfigSource {
  return source.kind === 'file' ? { ...source, line: optionLine(option), name: `driverOptions.${option}` } : source
}

function findings(
  { value: name, source }: ExplainedValue,
  options: Readonly<Record<string, unknown>>,
  engine: unknown,
): readonly Diagnostic[] {
  if (name === 'nbd' && options['trustImages'] === true) {
    return [
      {
        severity: 'warning',
        code: 'CONFIG_IMAGES_TRUSTED',
        summary: "Images meet this machine's kernel: the driver nbd was chosen, so every image has to be trusted",
        ...(source.kind === 'default' ? {} : { path: source.name }),
      },
    ]
  }
  if (engine !== 'libguestfs') return []
  return [
    {
      severity: 'warning',
      code: 'CONFIG_DRIVER_REPLACED',
      summary: 'There is no libguestfs driver; qemu-kvm is taken instead, which boots our own appliance',
      path: 'image_deploy_driver',
    },
  ]
}
