import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeConfigPlace, row } from './testing/config-place.ts'

// Lowest to highest, each with the way to give `concurrency` there. `deploy_concurrent` is shared: an existing common file drops what is below it.
const layers = ['flag of the field', 'host.conf', 'common', 'local', 'own file', 'environment', 'flag'] as const
type Layer = (typeof layers)[number]

const given = fc.record(
  Object.fromEntries(layers.map((layer) => [layer, fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined, freq: 2 })])) as Record<
    Layer,
    fc.Arbitrary<number | undefined>
  >,
)

test('the highest layer that gives a value has it, whichever others do', async () => {
  await fc.assert(
    fc.asyncProperty(given, fc.boolean(), async (values, commonExists) => {
      const inFile = (layer: Layer, key: string) => (values[layer] === undefined ? '' : `${key}: ${values[layer]}\n`)
      await using place = await makeConfigPlace({
        'host.conf': `common_config_file: common.conf\nlocal_config_file: local.conf\n${inFile('host.conf', 'deploy_concurrent')}`,
        ...(commonExists ? { 'common.conf': `${inFile('common', 'deploy_concurrent')}other: 1\n` } : {}),
        'local.conf': inFile('local', 'deploy_concurrent'),
        'config.yaml': inFile('own file', 'concurrency'),
      })
      const words = [
        ...(values['flag of the field'] === undefined ? [] : ['--deploy-concurrent', String(values['flag of the field'])]),
        ...(values.flag === undefined ? [] : ['--concurrency', String(values.flag)]),
      ]
      const result = await place.read(
        words,
        values.environment === undefined ? {} : { HOST_DEPLOYER_CONCURRENCY: String(values.environment) },
      )

      const present = layers.filter((layer) => values[layer] !== undefined && (layer !== 'common' || commonExists))
      const counts = present.filter((layer) => !commonExists || layers.indexOf(layer) >= layers.indexOf('common'))
      const winner = counts.at(-1)
      expect(result.config.concurrency).toBe(winner === undefined ? 5 : values[winner])
      const explained = row(result, 'concurrency')
      expect(explained?.overrode.map(({ value }) => value)).toEqual(
        present
          .filter((layer) => layer !== winner)
          .toReversed()
          .map((layer) => values[layer]),
      )
      expect(explained?.source.kind === 'default').toBe(winner === undefined)
    }),
    { numRuns: 100 },
  )
})

const key = fc
  .stringMatching(/^[a-z][a-z_]{0,20}$/)
  .filter((name) => !/^(deploy|image|ext4|cloudroot|allow|log|chntpw|local|shared|agent|common)_/.test(name))

test('keys that are not ours change nothing, whatever their values, and are counted in one finding', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(key, fc.jsonValue(), { minKeys: 1, maxKeys: 10 }), async (foreign) => {
      const text = Object.entries(foreign).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
      await using place = await makeConfigPlace({ 'host.conf': `deploy_concurrent: 4\n${text.join('')}` })
      await using plain = await makeConfigPlace({ 'host.conf': 'deploy_concurrent: 4\n' })
      const result = await place.read()
      expect(result.config).toEqual((await plain.read()).config)
      expect(result.diagnostics.filter(({ code }) => code === 'CONFIG_KEYS_IGNORED')).toHaveLength(1)
      expect([...result.ignored].toSorted()).toEqual(Object.keys(foreign).toSorted())
    }),
    { numRuns: 60 },
  )
})
