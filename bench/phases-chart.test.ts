import { expect, test } from 'vitest'
import { partNames, phaseParts } from './phase-parts.ts'
import { renderPhasesChart } from './phases-chart.ts'

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

const unescaped = (text: string): string => {
  if (/&(?!(amp|lt|gt|quot|#39);)/.test(text)) throw new SyntaxError(`a bare ampersand: ${text}`)
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return text.replace(/&([^;]+);/g, (_, name: string) => entities[name] ?? '')
}

/** The part of XML 1.0 that a chart needs, strictly: elements, quoted attributes used once, text, the five entities. */
function parseXml(document: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const token = /<\?xml[^?]*\?>\s*|<\/([\w-]+)>|<([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy
  while (token.lastIndex < document.length) {
    const at = token.lastIndex
    const match = token.exec(document)
    if (match === null) throw new SyntaxError(`not XML: ${document.slice(at, at + 40)}`)
    const [, closed, opened, attributes = '', empty, text] = match
    const parent = open.at(-1) ?? root
    if (closed !== undefined && open.pop()?.name !== closed) throw new SyntaxError(`</${closed}> closes something else`)
    if (text !== undefined) parent.text += unescaped(text)
    if (opened === undefined) continue
    const pairs = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, unescaped(value)] as const)
    if (new Set(pairs.map(([name]) => name)).size !== pairs.length) throw new SyntaxError(`<${opened}> has an attribute twice`)
    const element: Element = { name: opened, attributes: Object.fromEntries(pairs), children: [], text: '' }
    parent.children.push(element)
    if (empty === '') open.push(element)
  }
  const [only, ...more] = root.children
  if (open.length !== 1 || only === undefined || more.length > 0 || root.text.trim() !== '') throw new SyntaxError('not one whole element')
  return only
}

const bars = [
  { title: 'clone', parts: [{ name: 'start', seconds: 0.5 }, { name: 'a < b & "c"', seconds: 1.5 }, { name: 'none', seconds: 0 }] }, // biome-ignore format: one bar a line
  { title: 'cold', parts: [{ name: 'start', seconds: 6 }, { name: 'a < b & "c"', seconds: 1 }, { name: 'none', seconds: 0 }] }, // biome-ignore format: one bar a line
]
const number = (element: Element, name: string) => Number(element.attributes[name])

test('what is not well-formed is noticed by this parser', () => {
  for (const bad of ['<a>', '<a></b>', '<a b=1/>', '<a b="1" b="2"/>', '<a>&</a>', '<a/><b/>', '<a><b></a></b>', 'x<a/>'])
    expect(() => parseXml(bad)).toThrow(SyntaxError)
})

test('a well-formed document with title, axis, legend and a total for each bar', () => {
  const svg = parseXml(renderPhasesChart('Where the time goes', bars))
  expect(svg.name).toBe('svg')
  const texts = (kind: string) => svg.children.filter(({ attributes }) => attributes['class'] === kind).map(({ text }) => text)
  expect(texts('title')).toEqual(['Where the time goes'])
  expect(texts('axis')).toEqual(['seconds'])
  expect(texts('bar')).toEqual(['clone', 'cold'])
  expect(texts('total')).toEqual(['2.00 s', '7.00 s'])
  expect(texts('legend')).toEqual(['start', 'a < b & "c"', 'none'])
  expect(texts('tick')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
})

test('parts lie one beside the other, as wide as they took, in their legend colour, inside the picture', () => {
  const svg = parseXml(renderPhasesChart('x', bars))
  const parts = svg.children.filter(({ attributes }) => attributes['class'] === 'part')
  expect(parts).toHaveLength(4)
  const [start, second, coldStart] = parts
  if (start === undefined || second === undefined || coldStart === undefined) throw new TypeError('four parts')
  expect(number(second, 'x')).toBeCloseTo(number(start, 'x') + number(start, 'width'), 0)
  expect(number(second, 'width') / number(start, 'width')).toBeCloseTo(3, 1)
  expect(number(coldStart, 'width') / number(start, 'width')).toBeCloseTo(12, 1)
  expect(coldStart.attributes['fill']).toBe(start.attributes['fill'])
  expect(second.attributes['fill']).not.toBe(start.attributes['fill'])
  for (const part of parts) expect(number(part, 'x') + number(part, 'width')).toBeLessThan(number(svg, 'width'))
})

test('nothing to show is a mistake', () => {
  expect(() => renderPhasesChart('x', [])).toThrow(TypeError)
})

test('the parts of a run add up to what it took, whatever steps its driver has', () => {
  const parts = phaseParts(2, {
    'open.prepare': 10,
    'open.spawn': 90,
    'open.boot': 100,
    'open.login': 50,
    open: 300,
    scan: 200,
    commit: 400,
  })
  expect(parts.map(({ name }) => name)).toEqual(partNames)
  const seconds = Object.fromEntries(parts.map((part) => [part.name, Math.round(part.seconds * 1000)]))
  expect(Object.values(seconds)).toEqual([150, 100, 50, 200, 0, 0, 0, 400, 0, 1100])
  expect(phaseParts(1, { 'open.export': 200, open: 250 })[0]?.seconds).toBe(0.25)
})
