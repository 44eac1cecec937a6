// The shell itself says what our quoting means.
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseShellAssignments, shellValues } from './shell-assignments.ts'
import { quoteShellValue, type ShellQuoteStyle } from './shell-quote.ts'

const trouble = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', ' ', '\t', '"', "'", '$', '`', '\\', '#', '~', '!', ';', '&', '|', '*', '?', '[', '(', '{', 'é'),
  maxLength: 12,
})

test('sh reads what we quoted', () => {
  const values = fc.sample(trouble, 400)
  for (const style of ['bare', 'single', 'double'] satisfies ShellQuoteStyle[]) {
    const script = values.map((value) => `A=${quoteShellValue(value, style)}; printf '%s\\n' "$A"`).join('\n')
    const { status, stdout } = spawnSync('sh', ['-s'], { input: script, encoding: 'utf8' })
    expect(status).toBe(0)
    expect(stdout.split('\n').slice(0, -1)).toEqual(values)
  }
})

test('what we read is what sh reads', () => {
  const texts = fc.sample(trouble, 600)
  let compared = 0
  for (const text of texts) {
    const value = shellValues(parseShellAssignments(`A=${text}\n`)).get('A')
    if (value === undefined || /[*?[{!]/.test(text)) continue
    compared++
    const { stdout } = spawnSync('sh', ['-s'], { input: `A=${text}\nprintf %s "$A"`, encoding: 'utf8' })
    expect({ text, value: stdout }).toEqual({ text, value })
  }
  expect(compared).toBeGreaterThan(20)
})
