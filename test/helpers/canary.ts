/** A secret that nobody may see again, in every writing that could give it away. */
export interface Canary {
  readonly name: string
  readonly value: string
}

/** Which canaries a text holds, and in which writing; of a value of several lines each line counts. */
export function canariesIn(text: string, canaries: readonly Canary[]): string[] {
  return canaries.flatMap(({ name, value }) =>
    value
      .split('\n')
      .flatMap((line) => writings(line))
      .filter(([, form]) => text.includes(form))
      .map(([how]) => `${name} ${how}`),
  )
}

function writings(value: string): [how: string, form: string][] {
  const json = JSON.stringify(value).slice(1, -1)
  return [
    ['as it is', value],
    ['as JSON', json],
    ['as JSON within JSON', JSON.stringify(json).slice(1, -1)],
    ['in a URL', encodeURIComponent(value)],
    ['in hex', Buffer.from(value).toString('hex')],
    ['in base64', core(value, '')],
    ['in base64 behind one byte', core(value, 'x')],
    ['in base64 behind two bytes', core(value, 'xx')],
  ]
}

/** The base64 characters that the value alone decides. */
function core(value: string, before: string): string {
  const text = Buffer.from(`${before}${value}`).toString('base64')
  return text.slice(before.length === 0 ? 0 : before.length + 1, -4)
}
