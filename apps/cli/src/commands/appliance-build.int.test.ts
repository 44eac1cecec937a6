import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// An apt whose mirror has one package, with a diary. The build ends where it would unpack it: that is not what is asked here.
const apt = `#!/bin/sh
echo called >> "$DIARY"
case "$*" in
*--simulate*) echo 'Inst one (1.0 Debian:13/stable [amd64])' ;;
*show*) printf 'Package: one\\nVersion: 1.0\\nArchitecture: amd64\\nSHA256: %s\\n' "$(printf one | sha256sum | cut -d ' ' -f 1)" ;;
*download*) printf one > one_1.0_amd64.deb ;;
esac
`

test('a build asks the mirrors once, and again with --refresh', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'appliance-build-'))
  try {
    const at = (name: string) => join(directory, name)
    await mkdir(at('bin'))
    const programs = { 'apt-get': apt, 'apt-cache': apt, 'dpkg-deb': '#!/bin/sh\nexit 3\n' }
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(at(`bin/${name}`), text)
      await chmod(at(`bin/${name}`), 0o755)
    }
    const env = {
      PATH: `${at('bin')}:/usr/bin:/bin`,
      DIARY: at('diary'),
      TMPDIR: directory,
      XDG_CACHE_HOME: directory,
      XDG_STATE_HOME: directory,
    }
    const build = (...flags: string[]) =>
      new Promise<string>((resolve) => {
        const main = ['--conditions=@host-deployer/source', join(import.meta.dirname, '..', 'main.ts')]
        execFile(process.execPath, [...main, 'appliance', 'build', '--json', ...flags], { env }, (_error, stdout) => resolve(stdout))
      })
    const calls: number[] = []
    for (const flags of [[], [], ['--refresh']]) {
      const { error } = JSON.parse(await build(...flags)) as { error: { code: string; context: { argv: string[] } } }
      expect([error.code, error.context.argv[0]]).toEqual(['EXEC_FAILED', 'dpkg-deb'])
      calls.push((await readFile(at('diary'), 'utf8')).split('\n').length - 1)
    }
    const [first = 0, second, third] = calls
    expect(first).toBeGreaterThan(0)
    expect([second, third]).toEqual([first, 2 * first - 1])
  } finally {
    await rm(directory, { recursive: true })
  }
})
