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

/** The text with such secrets covered, its length unchanged: places in it stay right. */
export function hideSecrets(text: string): string {
  return text.replace(SECRET_VALUE, (secret) => '•'.repeat(secret.length))
}

/** The secrets in a text that are known by their form. */
export function secretsWithin(text: string): readonly string[] {
  return text.match(SECRET_VALUE) ?? []
}
