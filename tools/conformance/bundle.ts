// Bundles a program of this repository with everything it imports into one file for plain Node, to be run where nothing is installed:
// `node tools/conformance/bundle.ts OUT.mjs [ENTRY]`. Without an entry the program is the conformance suite; a driver to go with it is bundled likewise.
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build, type Options } from 'tsup'

const root = join(import.meta.dirname, '..', '..')

/** The conformance suite as a command. */
export const conformanceEntry = join(root, 'packages', 'driver-testkit', 'src', 'main.ts')

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/** Native parts of ssh2 are optional: it asks for them, and goes on without. */
const withoutNativeParts: EsbuildPlugin = {
  name: 'without-native-parts',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^cpu-features$/ }, ({ path }) => ({ path, namespace: 'absent' }))
    esbuild.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: "throw new Error('not in the bundle')" }))
    // By its text: tsup itself looks for every file that ends in .node, and fails where there is none.
    esbuild.onLoad({ filter: /\/ssh2\/lib\/protocol\/crypto\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return { contents: text.replace(/require\('[^']*\.node'\)/, "(() => { throw new Error('not in the bundle') })()"), loader: 'js' }
    })
  },
}

/** Writes one ESM file that imports nothing but Node's own modules. `outFile` ends in `.mjs`. */
export async function bundleProgram(entry: string, outFile: string): Promise<void> {
  await build({
    entry: { [basename(outFile, '.mjs')]: entry },
    outDir: dirname(outFile),
    outExtension: () => ({ js: '.mjs' }),
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    noExternal: [/^(?!node:)/],
    esbuildPlugins: [withoutNativeParts],
    splitting: false,
    sourcemap: false,
    silent: true,
    config: false,
    // Packages that are not ESM themselves call require.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    esbuildOptions(options) {
      // Examples have nothing installed here; what they use is what the suite uses.
      options.nodePaths = [join(root, 'packages', 'driver-testkit', 'node_modules')]
      options.conditions = ['@host-deployer/source', 'import', 'module', 'node', 'default']
    },
  })
}

const [, , outFile, entry = conformanceEntry] = process.argv
if (process.argv[1] === import.meta.filename && outFile !== undefined) await bundleProgram(resolve(entry), resolve(outFile))
