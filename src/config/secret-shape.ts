/** Names under which a value is a secret, in headers and environments. */
const SECRET_NAME = /authorization|cookie|token|secret|password|passwd|api[-_]?key|access[-_]?key|private[-_]?key/i

/** Names of what only leads to one. */
const POINTER_NAME = /[_-](?:file|path|url|uri|dir|id|name|type|header)$/i

/** Tokens of well-known services, what follows an authentication scheme, and the password in an address. */
const SECRET_VALUE =
  /(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|(?<![A-Za-z0-9])sk-)[A-Za-z0-9_-]{8,}|(?<=\b(?:bearer|basic)\s+)[^\s"'$\\]{8,}|(?<=\w:\/\/[^\s/@:]*:)[^\s/@$]+(?=@)/gi

/** Whether what stands under this name (of a header or a variable) is better not shown. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !POINTER_NAME.test(name)
}

/** Whether a text holds what is known to be a secret by its form. */
export function looksSecret(text: string): boolean {
  return text.search(SECRET_VALUE) !== -1
}

/** `name: value` of YAML or JSON, also in a map on one line: the value ends where that or the line does. */
const NAMED_VALUE = /(?<=([\w.-]+)["']?[ \t]*:[ \t]*)(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,{}[\]"'#][^,{}\n]*)/g

/** What stands under `tokens`: a list or a map, on one line or on lines that stand further in. */
const TOKENS = /^([ \t]*)(.*\btokens["']?[ \t]*:[ \t]*(?:\[[^\]]*|\{[^}]*|\r?\n(?:\1(?:[ \t]+|- ).*(?:\r?\n|$))*))/gm
const TOKEN = /(?<=[\s,[{:"'])[^\s,[\]{}:"'$]{6,}(?=[\s,\]}"']|$)/g

/** The text with what is a secret by its form or its name covered, its length unchanged: places in it stay right. */
export function hideSecrets(text: string): string {
  return text
    .replace(SECRET_VALUE, cover)
    .replace(NAMED_VALUE, (value, name) => (isSecretName(name) && !value.includes('${') ? cover(value) : value))
    .replace(TOKENS, coverTokens)
}

function coverTokens(entry: string): string {
  const at = entry.indexOf('tokens') + 'tokens'.length
  return entry.slice(0, at) + entry.slice(at).replace(TOKEN, cover)
}

function cover(secret: string): string {
  return '•'.repeat(secret.length)
}

/** The secrets in a text that are known by their form. */
export function secretsWithin(text: string): readonly string[] {
  return text.match(SECRET_VALUE) ?? []
}
