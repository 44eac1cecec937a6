import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { applianceDirectory } from './lib/appliance-directory.ts'
import { copyImage } from './lib/copy-image.ts'
import { createWorkspace } from './lib/workspace.ts'

const cli = join(import.meta.dirname, '..', 'apps', 'cli')

test("the library does what the first lines of its README say, on an image put in their image's place", async () => {
  const space = await createWorkspace('readme')
  const image = await copyImage('debian-12', space.directory, 'qcow2')
  const [, code = ''] = /^```ts\n(.*?)^```$/ms.exec(await readFile(join(cli, 'README.md'), 'utf8')) ?? []
  expect(code).toContain("'debian-12.qcow2'")
  await mkdir(space.path('node_modules'))
  await symlink(cli, space.path('node_modules', 'host-deployer'))
  // No option says where the appliance is: it has to be in the usual place.
  await mkdir(space.path('host-deployer', 'appliance'), { recursive: true })
  await symlink(applianceDirectory(), space.path('host-deployer', 'appliance', 'amd64'))
  const script = await space.write('example.mts', code.replaceAll("'debian-12.qcow2'", JSON.stringify(image)))

  const flags = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning']
  const env = { XDG_CACHE_HOME: space.directory, XDG_STATE_HOME: space.path('state') }
  const { stdout } = await execa(process.execPath, [...flags, script], { cwd: space.directory, env })
  expect(stdout).toBe('true web1')
})
