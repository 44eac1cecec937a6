import type { Part } from './phase-parts.ts'

/** One run: what it is called and its parts from left to right. */
export interface Bar {
  readonly title: string
  readonly parts: readonly Part[]
}

// Okabe and Ito's colours and greys between them: told apart also by those who see fewer.
const colours = ['#0072b2', '#56b4e9', '#009e73', '#f0e442', '#e69f00', '#d55e00', '#cc79a7', '#8c564b', '#7f7f7f', '#c7c7c7']

const layout = { width: 960, left: 150, right: 90, top: 56, barHeight: 36, barGap: 22, axis: 46, legendRow: 22, legendColumn: 265 }
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '')
const place = (value: number): string => String(Math.round(value * 10) / 10)

/** 1, 2 or 5 times a power of ten, so that there are four to ten lines. */
function tickStep(maximum: number): number {
  const raw = maximum / 8
  const power = 10 ** Math.floor(Math.log10(raw))
  return ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10) * power
}

/** Pure. Stacked bars over an axis in seconds: an SVG 1.1 document. Throws `TypeError` when there is nothing to show. */
export function renderPhasesChart(title: string, bars: readonly Bar[]): string {
  const totals = bars.map(({ parts }) => parts.reduce((sum, { seconds }) => sum + seconds, 0))
  const longest = Math.max(0, ...totals)
  if (longest === 0) throw new TypeError('Nothing took any time')
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(({ name }) => name)))]
  const step = tickStep(longest)
  const maximum = Math.ceil(longest / step) * step
  const { width, left, right, top, barHeight, barGap, axis, legendRow, legendColumn } = layout
  const x = (seconds: number) => left + (seconds / maximum) * (width - left - right)
  const bottom = top + bars.length * (barHeight + barGap)
  const legendTop = bottom + axis
  const perRow = Math.floor((width - 40) / legendColumn)
  const height = legendTop + Math.ceil(names.length / perRow) * legendRow + 20
  const colour = (name: string) => colours[names.indexOf(name) % colours.length] ?? ''

  const ticks = Array.from({ length: Math.round(maximum / step) + 1 }, (_, index) => index * step).flatMap((value) => [
    `<line x1="${place(x(value))}" y1="${top - 8}" x2="${place(x(value))}" y2="${bottom}" stroke="#ddd"/>`,
    `<text class="tick" x="${place(x(value))}" y="${bottom + 16}" text-anchor="middle">${Number(value.toPrecision(6))}</text>`,
  ])
  const drawn = bars.flatMap((bar, index) => {
    const y = top + index * (barHeight + barGap)
    const middle = y + barHeight / 2 + 5
    let from = 0
    const pieces = bar.parts.flatMap(({ name, seconds }) => {
      const start = x(from)
      from += seconds
      if (seconds <= 0) return []
      const hint = `<title>${escaped(`${name}: ${seconds.toFixed(3)} s`)}</title>`
      return [
        `<rect class="part" x="${place(start)}" y="${y}" width="${place(x(from) - start)}" height="${barHeight}" fill="${colour(name)}">${hint}</rect>`,
      ]
    })
    return [
      `<text class="bar" x="${left - 12}" y="${middle}" text-anchor="end">${escaped(bar.title)}</text>`,
      ...pieces,
      `<text class="total" x="${place(x(from) + 8)}" y="${middle}">${from.toFixed(2)} s</text>`,
    ]
  })
  const legend = names.flatMap((name, index) => {
    const [column, row] = [20 + (index % perRow) * legendColumn, legendTop + Math.floor(index / perRow) * legendRow]
    return [
      `<rect x="${column}" y="${row}" width="14" height="14" fill="${colour(name)}"/>`,
      `<text class="legend" x="${column + 20}" y="${row + 12}">${escaped(name)}</text>`,
    ]
  })
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="14">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text class="title" x="20" y="28" font-size="18" font-weight="bold">${escaped(title)}</text>`,
    ...ticks,
    `<text class="axis" x="${place(x(maximum / 2))}" y="${bottom + 34}" text-anchor="middle">seconds</text>`,
    ...drawn,
    ...legend,
    '</svg>',
  ].join('\n')}\n`
}
