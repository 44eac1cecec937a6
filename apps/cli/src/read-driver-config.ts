import { ConfigError } from '@host-deployer/driver-api'
import { readText } from './read-request.ts'

/**
 * A driver's section of a configuration out of a JSON file; the driver checks what is in it. `INPUT_FILE_UNREADABLE`, `CONFIG_DRIVER_FILE` (no JSON object).
 * The file may hold a password, so no message quotes from it.
 */
export async function readDriverConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(path)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ConfigError('CONFIG_DRIVER_FILE', `The driver configuration is not a JSON object: ${path}`, {
    hint: 'Write the options of the driver as one JSON object: { "memoryMb": 512 }.',
    context: { path },
  })
}
