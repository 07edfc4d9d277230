/** One problem in a file of the user's, as `validate`, `status` and every failed command show it. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** Stable and greppable, e.g. `unknown_key`, `duplicate_port`, `yaml_syntax`. */
  readonly code: string
  readonly message: string
  /** As the user would type it: relative to the working directory where that is shorter, else absolute. */
  readonly file: string
  /** 1-based; 1 where a problem concerns the whole file. */
  readonly line: number
  /** 1-based. */
  readonly column: number
  /** What to do next; empty when the message already says it. */
  readonly hint: string
  /** The user's own lines around the place, with a caret; no colours. Empty when the file could not be read. */
  readonly frame: string
}

/** `file:line:column`, the form editors and terminals make clickable. */
export function place(diagnostic: Diagnostic): string {
  return `${diagnostic.file}:${diagnostic.line}:${diagnostic.column}`
}
