import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseServeArguments } from '../parse-serve-arguments.ts'
import { type ReadConfigResult, readConfig } from '../read-config.ts'

/** A directory with files of a configuration. Nothing outside of it is read: host.conf and our own file are always named. */
export interface ConfigPlace extends AsyncDisposable {
  readonly directory: string
  at(name: string): string
  write(name: string, text: string): Promise<string>
  /** `words` after `--config host.conf --settings config.yaml`, the latter only when it was written. */
  read(words?: readonly string[], env?: Readonly<Record<string, string>>): Promise<ReadConfigResult>
}

export async function makeConfigPlace(files: Readonly<Record<string, string>> = {}): Promise<ConfigPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'config-'))
  const at = (name: string) => join(directory, name)
  const written = new Set<string>()
  const write = async (name: string, text: string) => {
    await mkdir(dirname(at(name)), { recursive: true })
    await writeFile(at(name), text)
    written.add(name)
    return at(name)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return {
    directory,
    at,
    write,
    read: (words = [], env = {}) => {
      const ownFile = written.has('config.yaml') ? ['--settings', at('config.yaml')] : []
      const given = parseServeArguments(['--config', at('host.conf'), ...ownFile, ...words], 'serve')
      return readConfig({ given, env, cwd: directory })
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

/** A value of the result as `config explain` has it. */
export function row({ explained }: ReadConfigResult, key: string) {
  return explained.find((value) => value.key === key)
}

export const codes = ({ diagnostics }: Pick<ReadConfigResult, 'diagnostics'>) => diagnostics.map(({ code }) => code)
