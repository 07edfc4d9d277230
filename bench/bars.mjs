import { significant } from './stats.mjs'

const WIDTH = 720
const LABELS = 190
const VALUES = 90
const BAR = 22
const GAP = 10
const HEAD = 44

/** Colours that can be read on white and on black. */
const colours = { text: '#808080', bar: '#8b98a8', own: '#1f9e89' }

/** A bar chart as SVG text, one bar for each of `bars` (`{ label, value }`), that of mcpctl in a colour of its own. */
export function drawBars({ title, unit, bars }) {
  const height = HEAD + bars.length * (BAR + GAP)
  const longest = Math.max(...bars.map(({ value }) => value))
  const drawn = bars.map((bar, index) => drawBar(bar, { y: HEAD + index * (BAR + GAP), longest, unit }))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}" font-family="system-ui, sans-serif" font-size="14" fill="${colours.text}">
<text x="0" y="20" font-size="16" font-weight="600">${escapeXml(title)}</text>
${drawn.join('\n')}
</svg>
`
}

function drawBar({ label, value }, { y, longest, unit }) {
  const width = Math.max(2, ((WIDTH - LABELS - VALUES) * value) / longest)
  const middle = y + BAR / 2 + 5
  const isOwn = label === 'mcpctl'
  return [
    `<text x="${LABELS - 10}" y="${middle}" text-anchor="end"${isOwn ? ' font-weight="600"' : ''}>${escapeXml(label)}</text>`,
    `<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" fill="${isOwn ? colours.own : colours.bar}"/>`,
    `<text x="${(LABELS + width + 8).toFixed(1)}" y="${middle}">${format(value)} ${escapeXml(unit)}</text>`,
  ].join('')
}

const format = (value) => (value >= 1000 ? Math.round(value).toLocaleString('en-US') : `${significant(value)}`)
const escapeXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
