/** The runs as a table, and below it what each lacks. */
export function formatReport({ runs, stale }) {
  return [
    ...align([['cell', 'suite', 'via', 'passed', '', ''], ...runs.map(formatRun)]),
    ...runs.flatMap(formatLacking),
    ...stale.map(formatStale),
  ].join('\n')
}

function formatRun({ cell, suite, via, passed, failed, warned, lacking, excused, tries }) {
  const remarks = [
    warned > 0 && `${warned} warned`,
    excused.length > 0 && `${sum(excused)} excused`,
    tries > 1 && 'second try',
  ]
  const verdict = lacking.length === 0 ? 'ok' : `lacks ${sum(lacking)}`
  return [cell, suite, via, `${passed}/${passed + failed}`, verdict, remarks.filter(Boolean).join(', ')]
}

const sum = (lacks) => lacks.reduce((total, { lacking }) => total + lacking, 0)

function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
}

function formatLacking({ cell, suite, via, lacking }) {
  if (lacking.length === 0) return []
  const lines = lacking.map(({ scenario, check, message }) => `  ${scenario}  ${check}\n    ${message}`)
  return ['', `${cell}, ${suite}, via ${via} lacks:`, ...lines]
}

const formatStale = (entry) => `\nnot needed any more in exceptions.mjs: ${entry}`
