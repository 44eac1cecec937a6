import { isAbsolute, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bin, programStage, root, type Stage, testStage } from './stage.ts'

const source = '--conditions=@host-deployer/source'
const checks: readonly Stage[] = [
  programStage('rules', process.execPath, [source, join(root, 'tools', 'rules', 'check.ts')]),
  programStage('errors', process.execPath, [source, join(root, 'tools', 'errors', 'check.ts')]),
  programStage('types', bin('tsc'), ['-p', 'tsconfig.json']),
  programStage('lint', bin('biome'), ['check', '--error-on-warnings', '.']),
]
// What tests of a VM boot; takes a moment when the one in the cache is current.
const appliance = programStage('appliance', process.execPath, [source, join(root, 'apps', 'cli', 'src', 'main.ts'), 'appliance', 'build'])
// What the e2e tests boot.
const images = programStage('images', process.execPath, [source, join(root, 'e2e', 'make-images.ts')])
const build = programStage('build', bin('turbo'), ['run', 'build', '--output-logs=errors-only'])
// Each package as its users get it.
const packages = programStage('packages', process.execPath, [source, join(root, 'tools', 'release', 'check-packages.ts')])
const importable = programStage('importable', process.execPath, [join(root, 'tools', 'build', 'check-importable.ts')])

// A test with a race is a fault, and is told as one; but somebody else's change need not wait for its mend. `--repeat` and soak forgive nothing.
const gateStage = (projects: string | readonly string[], name?: string): Stage =>
  testStage(projects, { again: true, ...(name === undefined ? {} : { name }) })

/** The stages that the words after `./dev test` ask for, or what is wrong with those words. Relative paths are meant from `directory`. */
export function selectStages(set: string, args: readonly string[], directory: string): readonly Stage[] | string {
  try {
    switch (set) {
      case 'all':
        parseArgs({ args: [...args] })
        // Those two in one run: no worker waits for the last file of the one while the other could have begun.
        return [...checks, build, importable, packages, gateStage('unit'), appliance, images, gateStage(['integration', 'e2e'], 'system')]
      case 'check':
        parseArgs({ args: [...args] })
        return checks
      case 'unit':
        return [selectFiles('unit', args)]
      case 'integration':
        return [appliance, selectFiles('integration', args)]
      case 'soak':
        return selectSoak(args)
      case 'e2e':
        return selectEndToEnd(args, directory)
      default:
        return `unknown tests: ${set}`
    }
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

const selectFiles = (project: string, args: readonly string[]): Stage =>
  testStage(project, { files: parseArgs({ args: [...args], allowPositionals: true }).positionals })

function selectSoak(args: readonly string[]): readonly Stage[] | string {
  const { values } = parseArgs({ args: [...args], options: { seed: { type: 'string' } } })
  if (values.seed !== undefined && !/^\d+$/.test(values.seed)) return `--seed wants a number, not ${values.seed}`
  const env = { HOST_DEPLOYER_SOAK: '1', ...(values.seed === undefined ? {} : { HOST_DEPLOYER_SEED: values.seed }) }
  return [
    images,
    // The gate leaves out some groups of it.
    testStage('integration', { name: 'soak-conformance', files: ['driver-qemu-initramfs/src/conformance.int.test.ts'], env }),
    testStage('e2e', { name: 'soak', env }),
  ]
}

function selectEndToEnd(args: readonly string[], directory: string): readonly Stage[] | string {
  const { values } = parseArgs({
    args: [...args],
    options: { filter: { type: 'string' }, repeat: { type: 'string' }, driver: { type: 'string' }, appliance: { type: 'string' } },
  })
  const { filter, repeat = '1', driver, appliance } = values
  if (!/^[1-9]\d{0,3}$/.test(repeat)) return `--repeat wants a number from 1 to 9999, not ${repeat}`
  if (filter !== undefined) new RegExp(filter)
  const env = {
    // A name, a package, or a path.
    ...(driver === undefined ? {} : { HOST_DEPLOYER_E2E_DRIVER: driver.startsWith('.') ? resolve(directory, driver) : driver }),
    ...(appliance === undefined ? {} : { HOST_DEPLOYER_E2E_APPLIANCE: isAbsolute(appliance) ? appliance : resolve(directory, appliance) }),
  }
  const runs = Array.from({ length: Number(repeat) }, (_, index) =>
    testStage('e2e', { name: repeat === '1' ? 'e2e' : `e2e-${index + 1}`, env, ...(filter === undefined ? {} : { filter }) }),
  )
  return [images, ...runs]
}
