import type { Diagnostic } from '../src/shared/diagnostic.ts'

/** GitHub's workflow commands: each problem becomes an annotation on its line. */
export function githubAnnotations(problems: readonly Diagnostic[]): string {
  return problems.map(annotation).join('')
}

/** SARIF 2.1.0, as code scanning services take it. */
export function sarifLog(problems: readonly Diagnostic[], version: string) {
  const rules = [...new Set(problems.map((problem) => problem.code))].toSorted().map((id) => ({ id }))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'mcpctl', version, rules } }, results: problems.map(sarifResult) }],
  }
}

function annotation({ severity, file, line, column, code, message, hint }: Diagnostic): string {
  const place = `file=${property(file)},line=${line},col=${column},title=${property(code)}`
  return `::${severity} ${place}::${data(hint ? `${message} (${hint})` : message)}\n`
}

function sarifResult({ severity, code, message, hint, file, line, column }: Diagnostic) {
  return {
    ruleId: code,
    level: severity,
    message: { text: hint ? `${message} (${hint})` : message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(file.replaceAll('\\', '/')) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  }
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
